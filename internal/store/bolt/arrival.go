package bolt

import (
	"fmt"
	"strconv"

	"github.com/skycoin/teller"
)

// sighting is a transfer to a bound address as it comes to light.
type sighting struct {
	teller.Transfer
	at        teller.BlockRef
	rate      teller.Rate   // for a row that is new
	byBalance bool          // only a balance speaks for it
	holds     []teller.Hold // besides what else speaks against it
}

// arrival is the row of a sighting.
type arrival struct {
	*record
	fresh bool // the row is new
	held  bool // a hold was put on it now
}

// tell adds to a result what is new.
func (a arrival) tell(res *teller.ScanResult) {
	if a.held {
		res.Held = append(res.Held, a.Deposit)
	}
	if a.fresh {
		res.Recorded = append(res.Recorded, a.Deposit)
	}
}

// enter brings the row of a transfer into its block: a new one, or one that was not in a block (any more). A row that is
// in its block already is left as it is.
func (t *txn) enter(b teller.Binding, seen sighting) (a arrival, err error) {
	r, id, err := t.find(b.Coin, seen.Transfer)
	if err != nil {
		return a, err
	}
	a.record = r
	known := r != nil && r.arrived()
	holds := seen.holds
	switch {
	case r == nil:
		a.fresh, a.record = true, newRecord(id, b, seen)
		about := teller.AuditEntry{TxID: seen.TxID, Detail: seen.Value.Format(b.Coin) + " " + string(b.Coin)}
		if err := t.create(a.record, eventRecord, about); err != nil {
			return a, err
		}
		more, err := t.suspicion(a.record, b)
		if err != nil {
			return a, err
		}
		holds = append(holds, more...)
	case r.mined:
		return a, nil
	default:
		if err := t.remine(r, seen.Transfer, seen.at); err != nil {
			return a, err
		}
	}
	if !known {
		more, err := t.duplicates(a.record)
		if err != nil {
			return a, err
		}
		holds = append(holds, more...)
	}
	for _, h := range holds {
		put, err := t.hold(a.record, h.Reason, h.Detail)
		if err != nil {
			return a, err
		}
		a.held = a.held || put
	}
	return a, nil
}

// newRecord is the row of a transfer that was not known before.
func newRecord(id string, b teller.Binding, seen sighting) *record {
	return &record{mined: true, Deposit: teller.Deposit{
		ID: id, Coin: b.Coin, Address: seen.Address, SkyAddress: b.SkyAddress, BuyMethod: b.BuyMethod,
		Value: seen.Value, TxID: seen.TxID, N: seen.N, Height: seen.at.Height, BlockHash: seen.at.Hash, ByBalance: seen.byBalance,
		Rate: seen.rate, Status: teller.StatusWaitingDeposit,
	}}
}

// remine notes that a known output is in a block of the best chain: again, or an imported one for the first time.
func (t *txn) remine(r *record, tr teller.Transfer, at teller.BlockRef) error {
	event, about := eventRemine, teller.AuditEntry{Detail: "block " + strconv.FormatInt(at.Height, 10) + " " + at.Hash}
	if r.Import != teller.ImportNone && r.Absorbed == "" {
		r.Absorbed = teller.DepositID(tr.TxID, tr.N)
		event, about.Detail = eventAbsorb, r.Absorbed+" in "+about.Detail
	}
	r.Remine(at, t.now)
	r.mined = true
	return t.save(r, event, about)
}

// duplicates are holds for a row that comes to light after a balance has: one for each deposit found by the balance of
// its address that may be the same coins. What has become of that (released and paid, closed and paid by hand) does not
// matter: its coins must not be paid again.
func (t *txn) duplicates(r *record) ([]teller.Hold, error) {
	var holds []teller.Hold
	for _, id := range t.ids(indexBalance, textKey(string(r.Coin), r.Address)) {
		o, err := t.mustDeposit(id)
		if err != nil {
			return nil, err
		}
		if o.ID == r.ID || !mayBeSame(o, r) {
			continue
		}
		status := string(o.Status)
		switch {
		case o.Error != "":
			status += ", " + o.Error
		case o.Hold != nil:
			status += ", held as " + string(o.Hold.Reason)
		}
		holds = append(holds, teller.Hold{Reason: teller.HoldDuplicate, Detail: fmt.Sprintf(
			"the balance of its address after block %d showed deposit %s of %s %s (%s), which may be the same coins: look at the address in a block explorer, "+
				"and close one of the two; release this one only if it was never paid as the other",
			o.Height, o.ID, o.Value.Format(o.Coin), o.Coin, status)})
	}
	return holds, nil
}

// mayBeSame reports whether a deposit found by a balance may be the coins of a row that comes to light now. A balance
// tells of all blocks up to its own. One whose block has left the chain after it was credited tells of any block that
// has the coins now.
func mayBeSame(balance, r *record) bool {
	if !balance.mined {
		return balance.Credited()
	}
	return !r.ByBalance && r.Height <= balance.Height
}
