package audit

import (
	"context"

	"github.com/skycoin/teller"
)

// lastDeposits is how many deposits of the ledger are looked up by their blocks, the newest ones, over all coins.
const lastDeposits = 2000

// followed returns CodeUnavailable while the chain's node has another block where the ledger's scan is, and the scan is
// able to go back to where both agree: what it will orphan must not be paid first.
func (a *Auditor) followed(ctx context.Context, chain teller.Chain) error {
	coin := chain.Coin()
	cursor, err := a.Ledger.Cursor(ctx, coin)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	hash, err := chain.BlockHash(ctx, cursor.Height)
	if ctx.Err() != nil {
		return err
	}
	if err != nil || hash == cursor.Hash {
		return nil //nolint:nilerr // the node is down, behind, or misconfigured: the coin's scanner tells
	}
	for back := int64(1); back <= cursor.Height; back *= 2 {
		saved, err := a.Ledger.SavedHash(ctx, coin, cursor.Height-back)
		if err != nil {
			return nil //nolint:nilerr // nothing is kept from before a split so deep: the scan halts by itself
		}
		hash, err := chain.BlockHash(ctx, cursor.Height-back)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		if hash == saved {
			return teller.Errorf(teller.CodeUnavailable, "the %s chain was reorganised near block %d: nothing is paid before the scan has followed it", coin, cursor.Height)
		}
	}
	return nil
}

// chain compares a deposit chain: its block 0, the block where the scan is, and the blocks of the newest deposits; and
// from a height on, when asked to, every payment to a bound address.
func (r *run) chain(ctx context.Context, chain teller.Chain, from int64, again bool) error {
	coin := chain.Coin()
	pins, err := r.Ledger.Pins(ctx)
	if err != nil {
		return err
	}
	genesis, err := chain.Genesis(ctx)
	if err != nil {
		return err
	}
	if pin := pins[string(coin)]; pin != "" && pin != genesis {
		r.findings.Add(otherNetwork(string(coin), pin, genesis))
		return nil
	}
	cursor, err := r.Ledger.Cursor(ctx, coin)
	if teller.CodeOf(err) == teller.CodeNotFound {
		r.check(string(coin), "no block was read yet: there is nothing to compare")
		return nil
	}
	if err != nil {
		return err
	}
	hash, err := chain.BlockHash(ctx, cursor.Height)
	if err != nil {
		return err
	}
	if hash != cursor.Hash {
		r.findings.Add(otherBlock(coin, cursor, hash))
	}
	n, err := r.depositBlocks(ctx, chain, cursor.Height)
	if err != nil {
		return err
	}
	r.check(string(coin), "the scan is at block %d; the blocks of the last %d deposits are on the node's chain or listed below", cursor.Height, n)
	if again {
		return r.readAgain(ctx, chain, from, cursor)
	}
	return nil
}

// depositBlocks asks the node for the blocks of the newest deposits of a coin, and returns how many there are.
func (r *run) depositBlocks(ctx context.Context, chain teller.Chain, top int64) (n int, err error) {
	sum, err := r.Ledger.Totals(ctx)
	if err != nil {
		return 0, err
	}
	all := 0
	for _, k := range sum.Deposits {
		all += k
	}
	hashes := make(map[int64]string)
	after := uint64(max(all-lastDeposits, 0))
	for {
		ds, err := r.Ledger.Deposits(ctx, teller.DepositQuery{After: after, Limit: page})
		if err != nil || len(ds) == 0 {
			return n, err
		}
		after = ds[len(ds)-1].Seq
		for _, d := range ds {
			if d.Coin != chain.Coin() || d.BlockHash == "" || d.Orphaned || d.Height > top {
				continue
			}
			n++
			hash, ok := hashes[d.Height]
			if !ok {
				if hash, err = chain.BlockHash(ctx, d.Height); err != nil {
					return n, err
				}
				hashes[d.Height] = hash
			}
			if hash != d.BlockHash {
				if err := r.lostBlock(ctx, d, hash); err != nil {
					return n, err
				}
			}
		}
	}
}

// lostBlock tells of a deposit whose block is not on the node's chain, unless the scan has found out meanwhile.
func (r *run) lostBlock(ctx context.Context, d teller.Deposit, hash string) error {
	now, err := r.Ledger.Deposit(ctx, d.ID)
	if err != nil {
		return err
	}
	if !now.Orphaned && now.BlockHash == d.BlockHash {
		r.findings.Add(lostDeposit(d, hash))
	}
	return nil
}

// readAgain reads the blocks from a height up to the cursor and looks each payment to a bound address up in the ledger.
// It holds the keys of all bound addresses in memory, about 100 bytes each.
func (r *run) readAgain(ctx context.Context, chain teller.Chain, from int64, cursor teller.Cursor) error {
	coin := chain.Coin()
	watched := make(bound)
	err := r.Ledger.BoundAddresses(ctx, coin, func(address string) error {
		key, err := chain.WatchKey(address)
		if err != nil {
			return nil //nolint:nilerr // an imported address that no chain can pay
		}
		watched[string(key)] = true
		return nil
	})
	if err != nil {
		return err
	}
	seen, missed := 0, 0
	for height := max(from, 0); height <= cursor.Height; height++ {
		b, err := chain.Block(ctx, height, watched)
		if err != nil {
			return err
		}
		for _, tr := range b.Transfers {
			key, err := chain.WatchKey(tr.Address)
			if err != nil || !watched[string(key)] {
				continue
			}
			seen++
			known, err := r.knows(ctx, coin, tr)
			if err != nil {
				return err
			}
			if !known {
				missed++
				r.missed(coin, tr, b.BlockRef)
			}
		}
		if height%1000 == 0 {
			r.Log.Info("audit reads blocks again", "coin", coin, "height", height, "to", cursor.Height)
		}
	}
	r.check(string(coin)+" blocks", "read again from %d to %d: %d payments to bound addresses, %d of them missing in the ledger", from, cursor.Height, seen, missed)
	return nil
}

func (r *run) missed(coin teller.Coin, tr teller.Transfer, at teller.BlockRef) {
	if _, ok := r.report.Missed[coin]; !ok {
		r.report.Missed[coin] = at.Height
	}
	r.findings.Add(missedDeposit(coin, tr, at))
}

// knows reports whether the ledger has a payment. Imported rows may carry another number than their output, and stand for
// one of equal address and value.
func (r *run) knows(ctx context.Context, coin teller.Coin, tr teller.Transfer) (bool, error) {
	id := teller.DepositID(tr.TxID, tr.N)
	d, err := r.Ledger.Deposit(ctx, id)
	if err == nil && d.Coin == coin && d.Address == tr.Address && d.Value.Equal(tr.Value) {
		return true, nil
	}
	if err != nil && teller.CodeOf(err) != teller.CodeNotFound {
		return false, err
	}
	ds, err := r.Ledger.DepositsTo(ctx, coin, tr.Address)
	for _, d := range ds {
		same := d.TxID == tr.TxID && (d.N == tr.N || d.Import != teller.ImportNone)
		if d.Absorbed == id || (same && (d.Import != teller.ImportNone || d.Value.Equal(tr.Value))) {
			return true, err
		}
	}
	return false, err
}

// bound is the set of the keys of all bound addresses.
type bound map[string]bool

// Has implements teller.Watched.
func (b bound) Has(key []byte) bool { return b[string(key)] }

// maxKeys is up to how many keys block filters are worth asking for.
const maxKeys = 100_000

// Keys implements teller.Watched.
func (b bound) Keys() ([][]byte, bool) {
	if len(b) > maxKeys {
		return nil, false
	}
	keys := make([][]byte, 0, len(b))
	for k := range b {
		keys = append(keys, []byte(k))
	}
	return keys, true
}
