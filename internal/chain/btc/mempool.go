package btc

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/skycoin/teller"
)

// maxFetches is how many transactions a call of Unconfirmed reads: a second's work for a node.
const maxFetches = 500

// mempool is what is known of the node's: about 40 bytes for each transaction, and more only for one that pays us.
type mempool struct {
	read map[chainhash.Hash]bool // of the transactions in it, those that were read
	pays map[chainhash.Hash][]teller.Transfer
}

// Unconfirmed implements teller.Mempool. Every transaction is read once, at most maxFetches in a call, those that came
// last before those that were there already: after a start with a full mempool, new payments show at once and older ones
// as the calls get to them. Nothing is kept beyond the process. A script that is watched only after a transaction to it
// was read, which a buyer can not bring about who pays the address that he was given, shows when a block has it.
func (c *Chain) Unconfirmed(ctx context.Context, watched teller.Watched) ([]teller.Transfer, error) {
	txids, err := c.listMempool(ctx)
	if err != nil {
		return nil, err
	}
	budget := maxFetches
	for _, txid := range c.mempool.update(txids) {
		if budget == 0 {
			break
		}
		budget--
		if err := c.readUnconfirmed(ctx, txid, watched); err != nil {
			return nil, err
		}
	}
	return c.mempool.transfers(), nil
}

func (c *Chain) listMempool(ctx context.Context) ([]chainhash.Hash, error) {
	const method = "getrawmempool"
	r, err := c.lookout.call(ctx, method)
	if err != nil {
		return nil, err
	}
	var list []string
	if err := json.Unmarshal(r.result, &list); err != nil {
		return nil, c.lookout.malformed("its answer to %s is no list of transactions but %s", method, quote(r.result))
	}
	txids := make([]chainhash.Hash, len(list))
	for i, s := range list {
		if len(s) != 2*chainhash.HashSize || chainhash.Decode(&txids[i], s) != nil {
			return nil, c.lookout.malformed("it has a transaction %s in its mempool", quote([]byte(s)))
		}
	}
	return txids, nil
}

func (c *Chain) readUnconfirmed(ctx context.Context, txid chainhash.Hash, watched teller.Watched) error {
	raw, err := c.lookout.bytes(ctx, "getrawtransaction", txid.String(), 0)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return nil // it has left meanwhile; should it be back, it is read then
	}
	if err != nil {
		return err
	}
	hits, err := readTx(raw, txid, watched)
	if err != nil {
		return c.lookout.malformed("transaction %s: %w", txid, err)
	}
	c.mempool.read[txid] = true
	if transfers := c.transfers(hits); len(transfers) > 0 {
		c.mempool.pays[txid] = transfers
	}
	return nil
}

// update forgets what has left the mempool and returns what is to be read: first what is new, then what had to wait.
func (m *mempool) update(txids []chainhash.Hash) []chainhash.Hash {
	read := make(map[chainhash.Hash]bool, len(txids))
	pays := make(map[chainhash.Hash][]teller.Transfer)
	var fresh, waiting []chainhash.Hash
	for _, txid := range txids {
		done, known := m.read[txid]
		switch {
		case !known:
			fresh = append(fresh, txid)
		case !done:
			waiting = append(waiting, txid)
		}
		read[txid] = done
		if transfers := m.pays[txid]; transfers != nil {
			pays[txid] = transfers
		}
	}
	m.read, m.pays = read, pays
	return append(fresh, waiting...)
}

// transfers are those to watched scripts, in an order that does not change from call to call.
func (m *mempool) transfers() []teller.Transfer {
	var all []teller.Transfer
	for _, transfers := range m.pays {
		all = append(all, transfers...)
	}
	slices.SortFunc(all, func(a, b teller.Transfer) int {
		return cmp.Or(cmp.Compare(a.TxID, b.TxID), cmp.Compare(a.N, b.N))
	})
	return all
}
