package bolt

import (
	"bytes"
	"fmt"

	"github.com/skycoin/teller"
)

// depositIndexes are the indexes whose keys follow from the deposits' rows.
func depositIndexes() []string {
	return []string{
		indexSeq, indexStatus, indexDue, indexErrored, indexHeld, indexAddress, indexHeight, indexQueue, indexReturned,
		indexOpen, indexPayout, indexImport, indexAbsorb, indexBalance,
	}
}

// checkDeposits goes through all deposits once: against their history, their indexes, their bindings and their payouts,
// and counts them.
func (v *verifier) checkDeposits() error {
	sum := newTotals()
	keys := make(map[string]int)
	orders := 0
	var highest uint64
	err := v.rows(bucketDeposits, func(k, raw []byte) error {
		v.res.Deposits++
		id := string(k)
		r, err := decodeRecord(id, raw)
		if err != nil {
			v.find(findRow, "Deposit %s can not be read: %v.", id, err)
			return nil
		}
		highest = max(highest, r.Seq)
		v.checkHistory(r, raw)
		for _, e := range r.entries() {
			keys[e.index]++
			if got := v.get(e.index, e.key); string(got) != id {
				v.find(findIndex, "Deposit %s is missing from %s.", id, e.index)
			}
		}
		if err := add(sum, r); err != nil {
			v.find(findTotals, "The sums overflow with deposit %s.", id)
		}
		v.checkBuyer(r)
		orders += v.checkOrdersOf(r)
		return v.checkPaid(r)
	})
	if err != nil {
		return err
	}
	if b := v.bucket(bucketDeposits); b != nil && b.Sequence() < highest {
		v.find(findRow, "A deposit has number %d, though only %d were ever given.", highest, b.Sequence())
	}
	if len(v.last) > v.res.Deposits {
		v.find(findReplay, "The audit log tells of %d deposits, there are only %d: some were removed.", len(v.last), v.res.Deposits)
	}
	for _, index := range depositIndexes() {
		if err := v.checkIndex(index, keys[index]); err != nil {
			return err
		}
	}
	if err := v.checkOrders(orders); err != nil {
		return err
	}
	return v.checkTotals(sum)
}

// checkIndex looks for keys that follow from no row. The rows' own keys are known to be there, so there are strays only
// when there are more keys than that.
func (v *verifier) checkIndex(index string, want int) error {
	have, err := v.count(index)
	if err != nil || have <= want {
		return err
	}
	return v.rows(index, func(k, id []byte) error {
		raw := v.get(bucketDeposits, id)
		if raw == nil {
			v.find(findIndex, "%s names deposit %q, which does not exist.", index, id)
			return nil
		}
		r, err := decodeRecord(string(id), raw)
		if err == nil && !contains(r.entries(), entry{index, k}) {
			v.find(findIndex, "%s names deposit %s where it does not belong.", index, id)
		}
		return nil
	})
}

// checkBuyer holds the buyer of a deposit against the binding of its address. Rows of the original may be older than it.
func (v *verifier) checkBuyer(r *record) {
	if r.Import != teller.ImportNone {
		return
	}
	b, ok, err := v.binding(r.Coin, r.Address)
	switch {
	case err != nil: // found with the bindings
	case !ok:
		v.find(findBindings, "Deposit %s pays %s address %s, which nobody is bound to.", r.ID, r.Coin, r.Address)
	case b.SkyAddress != r.SkyAddress:
		v.find(findBindings, "Deposit %s goes to SKY address %s, but its %s address %s is bound to %s.", r.ID, r.SkyAddress, r.Coin, r.Address, b.SkyAddress)
	}
}

// checkTotals compares the counters with what the rows add up to.
func (v *verifier) checkTotals(want *teller.Totals) error {
	have, err := v.readTotals()
	if err != nil {
		v.find(findTotals, "The totals can not be read: %v.", err)
		return nil
	}
	compare := func(what string, have, want any) {
		if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
			v.find(findTotals, "The totals say %s: %s; the rows add up to %s.", what, h, w)
		}
	}
	for _, c := range teller.Coins {
		compare(string(c)+" received", have.Received[c].Format(c), want.Received[c].Format(c))
		compare(string(c)+" spent on exchanges", have.Spent[c].Format(c), want.Spent[c].Format(c))
		compare(string(c)+" deposits that freeze the coin", have.Frozen[c], want.Frozen[c])
		n, err := v.count(bindBucket(c))
		if err != nil {
			return err
		}
		compare(string(c)+" addresses bound", have.Bound[c], n)
		v.res.Bindings += n
	}
	for _, s := range teller.Statuses {
		compare("deposits in "+string(s), have.Deposits[s], want.Deposits[s])
	}
	compare("SKY sent", have.Sent, want.Sent)
	compare("SKY bought", have.Bought, want.Bought)
	compare("SKY bought and kept", have.Kept, want.Kept)
	compare("deposits with an error", have.Errored, want.Errored)
	compare("deposits held", have.Held, want.Held)
	return nil
}

// checkUnbound holds the payments to nobody against their two indexes.
func (v *verifier) checkUnbound() error {
	n := 0
	err := v.rows(bucketUnbound, func(k, _ []byte) error {
		n++
		row, _, err := getJSON[unboundRow](v.txn, bucketUnbound, k)
		if err != nil || len(k) != 8 {
			v.find(findRow, "An unbound payment can not be read: %v.", err)
			return nil
		}
		if !bytes.Equal(v.get(indexUnboundOf, row.nameKey()), k) || v.get(indexUnboundAt, append(heightKey(row.Coin, row.Height), k...)) == nil {
			v.find(findIndex, "The payment %s:%d to %s, which nobody is bound to, is missing from its indexes.", row.TxID, row.N, row.Address)
		}
		return nil
	})
	if err != nil {
		return err
	}
	named := 0
	err = v.rows(indexUnboundOf, func(_, seq []byte) error { named += count(len(seq) > 0); return nil })
	if err != nil {
		return err
	}
	placed, err := v.count(indexUnboundAt)
	if named > n || placed > n {
		v.find(findIndex, "The indexes of unbound payments name %d and %d of them, there are %d.", named, placed, n)
	}
	return err
}

// checkArrived adds up anew what arrived at each address of the coins that have balances.
func (v *verifier) checkArrived() error {
	for _, c := range teller.Coins {
		if !hasBalances(c) {
			continue
		}
		if err := v.checkArrivedOf(c); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) checkArrivedOf(c teller.Coin) error {
	prefix := textKey(string(c))
	var address string
	var sum teller.Amount
	compare := func() {
		if have, err := v.arrivals(c, address); err != nil || !have.Equal(sum) {
			v.find(findTotals, "What arrived at %s address %s is noted as %s; its deposits add up to %s.", c, address, have.Format(c), sum.Format(c))
		}
	}
	err := v.each(indexAddress, prefix, nil, func(k, id []byte) (bool, error) { // in the order of addresses
		if at := string(k[len(prefix):max(len(prefix), len(k)-len("\x00")-8)]); at != address {
			compare()
			address, sum = at, teller.Amount{}
		}
		if raw := v.get(bucketDeposits, id); raw != nil {
			if r, err := decodeRecord(string(id), raw); err == nil && r.arrived() {
				sum = sum.Add(r.Value)
			}
		}
		return true, v.alive()
	})
	if err != nil {
		return err
	}
	compare()
	return v.each(bucketArrivals, prefix, nil, func(k, _ []byte) (bool, error) {
		at := string(k[len(prefix) : len(k)-1])
		have, err := v.arrivals(c, at)
		if first, _ := v.bucket(indexAddress).Cursor().Seek(k); !bytes.HasPrefix(first, k) && (err != nil || !have.IsZero()) {
			v.find(findTotals, "%s %s are noted as arrived at address %s, which has no deposit.", have.Format(c), c, at)
		}
		return true, v.alive()
	})
}
