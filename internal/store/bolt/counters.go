package bolt

import (
	"errors"
	"maps"

	"github.com/skycoin/teller"
)

// totalsRow is the JSON of the totals: teller.Totals, field by field, under names that a renaming there does not change.
type totalsRow struct {
	Received  map[teller.Coin]teller.Amount `json:"received"`
	Sent      teller.Droplets               `json:"sent"`
	Deposits  map[teller.Status]int         `json:"deposits"`
	Errored   int                           `json:"errored"`
	Held      int                           `json:"held"`
	Bound     map[teller.Coin]int           `json:"bound"`
	Frozen    map[teller.Coin]int           `json:"frozen"`
	Bought    teller.Droplets               `json:"bought"`
	Spent     map[teller.Coin]teller.Amount `json:"spent"`
	Kept      teller.Droplets               `json:"kept"`
	Opening   teller.Droplets               `json:"opening"`
	TopUps    teller.Droplets               `json:"top_ups"`
	Paid      teller.Droplets               `json:"paid"`
	Withdrawn teller.Droplets               `json:"withdrawn"`
}

func newTotals() *teller.Totals {
	t := &teller.Totals{
		Received: map[teller.Coin]teller.Amount{}, Deposits: map[teller.Status]int{},
		Bound: map[teller.Coin]int{}, Frozen: map[teller.Coin]int{}, Spent: map[teller.Coin]teller.Amount{},
	}
	for _, c := range teller.Coins {
		t.Received[c], t.Bound[c], t.Frozen[c], t.Spent[c] = teller.Amount{}, 0, 0, teller.Amount{}
	}
	for _, s := range teller.Statuses {
		t.Deposits[s] = 0
	}
	return t
}

// readTotals reads the counters, once for a transaction.
func (t *txn) readTotals() (*teller.Totals, error) {
	if t.totals != nil {
		return t.totals, nil
	}
	row, _, err := getJSON[totalsRow](t, bucketCounters, []byte(totalsKey))
	if err != nil {
		return nil, err
	}
	all := newTotals()
	maps.Copy(all.Received, row.Received)
	maps.Copy(all.Deposits, row.Deposits)
	maps.Copy(all.Bound, row.Bound)
	maps.Copy(all.Frozen, row.Frozen)
	maps.Copy(all.Spent, row.Spent)
	row.Received, row.Deposits, row.Bound, row.Frozen, row.Spent = all.Received, all.Deposits, all.Bound, all.Frozen, all.Spent
	sum := teller.Totals(row)
	t.totals = &sum
	return t.totals, nil
}

// writeTotals writes the counters back when a step of the group has asked for them.
func (t *txn) writeTotals() {
	if t.totals != nil {
		t.putJSON(bucketCounters, []byte(totalsKey), totalsRow(*t.totals))
	}
}

// recount moves the counters from the stored row to the new one.
func (t *txn) recount(r *record) error {
	sum, err := t.readTotals()
	if err != nil {
		return err
	}
	if r.stored != nil {
		if err := subtract(sum, r.stored); err != nil {
			return err
		}
	}
	return add(sum, r)
}

// add counts a row in.
func add(sum *teller.Totals, r *record) error {
	sum.Deposits[r.Status]++
	sum.Errored += count(r.Error != "")
	sum.Held += count(r.Hold != nil)
	sum.Frozen[r.Coin] += count(r.Freezes())
	if r.Received() {
		sum.Received[r.Coin] = sum.Received[r.Coin].Add(r.Value)
	}
	sum.Spent[r.Coin] = sum.Spent[r.Coin].Add(r.Spent)
	return errors.Join(addTo(&sum.Sent, r.Sent), addTo(&sum.Bought, r.Bought), addTo(&sum.Kept, r.kept()))
}

// subtract takes a row out again.
func subtract(sum *teller.Totals, r *record) error {
	sum.Deposits[r.Status]--
	sum.Errored -= count(r.Error != "")
	sum.Held -= count(r.Hold != nil)
	sum.Frozen[r.Coin] -= count(r.Freezes())
	if r.Received() {
		left, err := sum.Received[r.Coin].Sub(r.Value)
		if err != nil {
			return teller.Errorf(teller.CodeCorrupt, "the %s received are less than one deposit: %w", r.Coin, err)
		}
		sum.Received[r.Coin] = left
	}
	left, err := sum.Spent[r.Coin].Sub(r.Spent)
	if err != nil {
		return teller.Errorf(teller.CodeCorrupt, "the %s spent are less than one deposit's: %w", r.Coin, err)
	}
	sum.Spent[r.Coin] = left
	if r.Sent > sum.Sent || r.Bought > sum.Bought || r.kept() > sum.Kept {
		return teller.Errorf(teller.CodeCorrupt, "the SKY sent, bought or kept are less than one deposit's")
	}
	sum.Sent -= r.Sent
	sum.Bought -= r.Bought
	sum.Kept -= r.kept()
	return nil
}

// kept is what of the SKY bought for the deposit is owed to nobody: it is known once the amount is fixed, or the deposit
// has ended.
func (r *record) kept() teller.Droplets {
	switch r.Status {
	case teller.StatusWaitingSend, teller.StatusWaitingConfirm:
		return r.Bought - min(r.Bought, r.Owed)
	case teller.StatusDone:
		return r.Bought - min(r.Bought, r.Sent)
	}
	return 0
}

func addTo(sum *teller.Droplets, d teller.Droplets) error {
	n, err := teller.AddDroplets(*sum, d)
	if err == nil {
		*sum = n
	}
	return err
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
