package bolt

import (
	"github.com/skycoin/teller"
)

// hasBalances reports whether a coin's addresses have a balance of their own that can be read: see CompareBalances.
func hasBalances(c teller.Coin) bool { return c == teller.ETH }

// arrived reports whether the row is among what is known to have arrived at its address: it is on the best chain, or
// imported and not met by a scan yet.
func (r *record) arrived() bool {
	return r.mined || (r.Import != teller.ImportNone && r.Absorbed == "")
}

// arrivals is what is known to have arrived at an address, kept as a sum: going through its deposits each time that its
// balance is looked at would be too slow.
func (t *txn) arrivals(c teller.Coin, address string) (teller.Amount, error) {
	sum, _, err := getJSON[teller.Amount](t, bucketArrivals, textKey(string(c), address))
	return sum, err
}

// recountArrived moves the sums from the stored row to the new one.
func (t *txn) recountArrived(r *record) error {
	if !hasBalances(r.Coin) {
		return nil
	}
	was := r.stored
	if was != nil && was.arrived() == r.arrived() && was.Address == r.Address {
		return nil // the value of a row never changes
	}
	if was != nil && was.arrived() {
		sum, err := t.arrivals(was.Coin, was.Address)
		if err != nil {
			return err
		}
		if sum, err = sum.Sub(was.Value); err != nil {
			return teller.Errorf(teller.CodeCorrupt, "less arrived at %s than one deposit: %w", was.Address, err)
		}
		t.putJSON(bucketArrivals, textKey(string(was.Coin), was.Address), sum)
	}
	if !r.arrived() {
		return nil
	}
	sum, err := t.arrivals(r.Coin, r.Address)
	if err != nil {
		return err
	}
	t.putJSON(bucketArrivals, textKey(string(r.Coin), r.Address), sum.Add(r.Value))
	return nil
}

// sumArrivals makes the sums of a ledger that has none.
func (t *txn) sumArrivals(c teller.Coin) error {
	return t.each(indexAddress, textKey(string(c)), nil, func(_, id []byte) (bool, error) {
		r, err := t.mustDeposit(string(id))
		if err != nil {
			return false, err
		}
		r.stored = nil
		return true, t.recountArrived(r)
	})
}
