package dummy

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// blockSpan is how many seconds a block is dated after both its parent and the clock: an hour, in which every coin of
// the wallet earns a coin hour.
const blockSpan = 3600

const maxTime = 1 << 40 // unix seconds; 300 million blocks ahead of today

// nodeRecord is a line of the node's journal: a block.
type nodeRecord struct {
	Time uint64   `json:"time"`
	Txs  []string `json:"txs,omitempty"`  // hex, as serialized
	Mint bool     `json:"mint,omitempty"` // they make coins out of thin air: block 0 and Fund
}

// Mine puts pending transactions into one block, as the real chain would: those first that burn the most coin hours for
// their size, until the block is full. It returns how many; with none pending there is no block.
func (n *Node) Mine(ctx context.Context) (int, error) {
	if err := alive(ctx); err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	chosen, err := n.choose()
	if err != nil || len(chosen) == 0 {
		return 0, err
	}
	return len(chosen), n.mine(chosen, false)
}

// choose picks the transactions of the next block.
func (n *Node) choose() ([]*transaction, error) {
	all := make(coin.Transactions, len(n.pending))
	for i, t := range n.pending {
		all[i] = t.raw
	}
	sorted, err := coin.SortTransactions(all, func(tx *coin.Transaction) (uint64, error) {
		return n.known[tx.Hash().Hex()].fee, nil
	})
	if err != nil {
		return nil, teller.Errorf(teller.CodeInternal, "sort pending transactions: %w", err)
	}
	spent := make(map[cipher.SHA256]bool)
	var valid coin.Transactions // the first one of those that spend the same output
	for _, tx := range sorted {
		if spendsAny(tx, spent) {
			continue
		}
		for _, id := range tx.In {
			spent[id] = true
		}
		valid = append(valid, tx)
	}
	if valid, err = valid.TruncateBytesTo(maxBlockSize); err != nil {
		return nil, teller.Errorf(teller.CodeInternal, "measure pending transactions: %w", err)
	}
	chosen := make([]*transaction, len(valid))
	for i := range valid {
		chosen[i] = n.known[valid[i].Hash().Hex()]
	}
	return chosen, nil
}

func spendsAny(tx coin.Transaction, spent map[cipher.SHA256]bool) bool {
	for _, id := range tx.In {
		if spent[id] {
			return true
		}
	}
	return false
}

// mine makes a block of transactions that are valid together and differ in their inputs.
func (n *Node) mine(txs []*transaction, mint bool) error {
	if len(n.blocks) == 0 {
		return n.mineAfter(0, txs, mint) // block 0 is dated now
	}
	return n.mineAfter(blockSpan, txs, mint)
}

// mineAfter dates the block so many seconds after both its parent and the clock.
func (n *Node) mineAfter(seconds uint64, txs []*transaction, mint bool) error {
	when := seconds + max(uint64(max(n.now().Unix(), 0)), n.head.Time+1)
	r := nodeRecord{Time: when, Mint: mint}
	for _, t := range txs {
		r.Txs = append(r.Txs, hex.EncodeToString(t.raw.MustSerialize()))
	}
	if err := n.journal.append(r); err != nil {
		return err
	}
	n.apply(when, txs)
	n.log.Debug("mined a dummy skycoin block", "height", n.head.BkSeq, "transactions", len(txs))
	return nil
}

func (n *Node) replay(line []byte) error {
	var r nodeRecord
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch {
	case r.Time > maxTime:
		return errors.New("the block is dated too far in the future")
	case len(n.blocks) > 0 && r.Time <= n.head.Time:
		return errors.New("the block is dated before its parent")
	}
	txs := make([]*transaction, len(r.Txs))
	for i, s := range r.Txs {
		tx, err := coin.DeserializeTransactionHex(s)
		if err != nil {
			return err
		}
		txs[i] = &transaction{SkyTx: describe(tx), raw: tx}
		if !r.Mint { // it was verified when it came; what is left to check is that the blocks before it are all here
			inputs, err := n.inputsOf(tx)
			if err != nil {
				return fmt.Errorf("transaction %s: %w", txs[i].ID, err)
			}
			txs[i].from = owners(inputs)
		}
	}
	n.apply(r.Time, txs)
	return nil
}

// apply appends a block.
func (n *Node) apply(when uint64, txs []*transaction) {
	n.head = n.child(when, txs)
	n.hoursSeen = false
	b := teller.SkyBlock{BlockRef: teller.BlockRef{Height: int64(n.head.BkSeq), Hash: teller.DummyGenesis}, Time: when}
	if n.head.BkSeq > 0 {
		b.Hash = n.head.Hash().Hex()
		b.Parent = n.blocks[len(n.blocks)-1].Hash
	}
	for _, t := range txs {
		for _, id := range t.raw.In {
			delete(n.unspent, id)
		}
		for i, ux := range coin.CreateUnspents(n.head, t.raw) {
			n.unspent[ux.Hash()] = ux
			if n.head.BkSeq == 0 { // its outputs name no transaction, so that their ids are other than describe's
				t.Outputs[i].ID = ux.Hash().Hex()
			}
		}
		t.confirmed, t.height = true, b.Height
		n.known[t.ID] = t
		for _, address := range t.touched() {
			n.byAddress[address] = append(n.byAddress[address], t)
		}
		b.Txs = append(b.Txs, t.SkyTx)
	}
	n.blocks = append(n.blocks, b)
	n.dropDead()
}

// child is the header of the next block.
func (n *Node) child(when uint64, txs []*transaction) coin.BlockHeader {
	if len(n.blocks) == 0 {
		return coin.BlockHeader{Time: when}
	}
	var body coin.BlockBody
	for _, t := range txs {
		body.Transactions = append(body.Transactions, t.raw)
	}
	return coin.NewBlockHeader(n.head, cipher.SHA256{}, when, 0, body)
}

// dropDead forgets the pending transactions that are confirmed or whose inputs somebody else has spent.
func (n *Node) dropDead() {
	var left []*transaction
	for _, t := range n.pending {
		if t.confirmed {
			continue
		}
		if _, err := n.inputsOf(t.raw); err != nil {
			delete(n.known, t.ID)
			continue
		}
		left = append(left, t)
	}
	n.pending = left
}
