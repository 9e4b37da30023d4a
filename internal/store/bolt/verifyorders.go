package bolt

import (
	"bytes"
	"errors"

	"github.com/skycoin/teller"
)

// checkOrdersOf holds a deposit's sums against its orders: attempts from 1 on without a gap, of which only the last may
// still buy. It returns how many rows it has met.
func (v *verifier) checkOrdersOf(r *record) (met int) {
	var bought teller.Droplets
	var spent teller.Amount
	broken := false
	for n := 1; n <= r.Attempts; n++ {
		o, ok, err := v.order(teller.OrderClientID(r.ID, n))
		if err == nil && !ok {
			v.find(findOrders, "Deposit %s has had %d orders, number %d is missing.", r.ID, r.Attempts, n)
			return met
		}
		met++
		if err != nil {
			v.find(findRow, "Order %d of deposit %s can not be read: %v.", n, r.ID, err)
			broken = true
			continue
		}
		spent = spent.Add(o.Spent)
		if addTo(&bought, o.Bought) != nil {
			v.find(findTotals, "The sums overflow with order %s.", o.ClientID)
		}
		switch {
		case o.DepositID != r.ID || o.Attempt != n || o.Coin != r.Coin:
			v.find(findOrders, "Order %s is number %d of deposit %s, but says that it is number %d of %s in %s.", o.ClientID, n, r.ID, o.Attempt, o.DepositID, o.Coin)
		case o.Pending() && n < r.Attempts:
			v.find(findOrders, "Order %s of deposit %s may still buy, though another was made after it.", o.ClientID, r.ID)
		}
		if want, err := passthroughOf(&r.Deposit, &o); n == r.Attempts && (err != nil || !bytes.Equal(r.passthrough, want)) {
			v.find(findOrders, "What deposit %s notes of its last order %s is not what that says of itself.", r.ID, o.ClientID)
		}
	}
	if !broken && (bought != r.Bought || !spent.Equal(r.Spent)) {
		v.find(findOrders, "Deposit %s counts %s SKY bought for %s %s; its orders add up to %s for %s.",
			r.ID, r.Bought, r.Spent.Format(r.Coin), r.Coin, bought, spent.Format(r.Coin))
	}
	v.checkBought(r)
	return met
}

// checkBought looks whether more is sent than was bought, though no operator has decided that. What the journal has told of
// a deposit may be more than the orders that its ledger knows.
func (v *verifier) checkBought(r *record) {
	if v.last[v.key(r.ID)].bought && r.Owed > r.Bought {
		v.find(findOrders, "For deposit %s were bought %s SKY, but %s are owed of it.", r.ID, r.Bought, r.Owed)
	}
	buying := r.Status == teller.StatusWaitingPassthrough || r.Status == teller.StatusWaitingPassthroughOrderComplete
	if buying && r.Attempts == 0 && r.Import == teller.ImportNone {
		v.find(findOrders, "Deposit %s is in status %s and has no order.", r.ID, r.Status)
	}
}

// checkOrders looks for orders that belong to no deposit, met being how many do, and holds the indexes against the rows.
func (v *verifier) checkOrders(met int) error {
	rows, pending := 0, 0
	var highest uint64
	err := v.rows(bucketOrders, func(k, raw []byte) error {
		rows++
		o, err := decodeOrder(string(k), raw)
		if err != nil {
			return nil //nolint:nilerr // it is told with its deposit
		}
		highest = max(highest, o.Seq)
		if string(v.get(indexOrders, seqKey(o.Seq))) != o.ClientID {
			v.find(findIndex, "Order %s has number %d, where %s does not name it.", o.ClientID, o.Seq, indexOrders)
		}
		named := string(v.get(indexPendingOrders, seqKey(o.Seq))) == o.ClientID
		if o.Pending() {
			pending++
		}
		if o.Pending() != named {
			v.find(findIndex, "Order %s is %s; that it is among those that may still buy is %t.", o.ClientID, o.State, named)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if b := v.bucket(bucketOrders); b != nil && b.Sequence() < highest {
		v.find(findRow, "An order has number %d, though only %d were ever given.", highest, b.Sequence())
	}
	if rows != met {
		v.find(findOrders, "There are %d orders, the deposits have had %d.", rows, met)
	}
	return errors.Join(v.countOrders(indexOrders, rows), v.countOrders(indexPendingOrders, pending))
}

// countOrders looks whether an index names more orders than it should.
func (v *verifier) countOrders(index string, right int) error {
	listed, err := v.count(index)
	if listed > right {
		v.find(findIndex, "%s names %d orders, %d would be right.", index, listed, right)
	}
	return err
}

// checkBuying looks at the orders of all deposits that something is being bought for or that are to be paid next, and at
// those orders that may still buy: what contradicts itself there must be cleared up before anything is paid.
func (v *verifier) checkBuying() error {
	for _, status := range []teller.Status{
		teller.StatusWaitingPassthrough, teller.StatusWaitingPassthroughOrderComplete, teller.StatusWaitingSend,
	} {
		err := v.each(indexStatus, textKey(string(status)), nil, func(_, id []byte) (bool, error) {
			r, err := v.txn.deposit(string(id))
			if err != nil || r == nil {
				v.find(findRow, "Deposit %s can not be read: %v.", id, err)
				return true, v.alive()
			}
			v.checkOrdersOf(r)
			return true, v.alive()
		})
		if err != nil {
			return err
		}
	}
	return v.rows(indexPendingOrders, func(k, id []byte) error {
		o, ok, err := v.order(string(id))
		if err != nil || !ok || !o.Pending() || !bytes.Equal(seqKey(o.Seq), k) {
			v.find(findIndex, "Order %s is among those that may still buy, but not stored as one.", id)
			return nil
		}
		r, err := v.txn.deposit(o.DepositID)
		if err != nil || r == nil || r.Attempts != o.Attempt {
			v.find(findOrders, "Order %s may still buy, but is not the last one of deposit %s.", id, o.DepositID)
		}
		return nil
	})
}
