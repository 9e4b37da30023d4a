package bolt

import (
	"context"

	"github.com/skycoin/teller"
)

// deposit loads a row; nil when there is none.
func (t *txn) deposit(id string) (*record, error) {
	raw := t.get(bucketDeposits, []byte(id))
	if raw == nil {
		return nil, nil
	}
	return decodeRecord(id, raw)
}

// mustDeposit loads a row that an index or a caller names.
func (t *txn) mustDeposit(id string) (*record, error) {
	r, err := t.deposit(id)
	if err == nil && r == nil {
		err = teller.Errorf(teller.CodeNotFound, "no deposit %q", id)
	}
	return r, err
}

// save writes a changed or new row and everything that follows from it: indexes, counters and an audit entry.
func (t *txn) save(r *record, event string, about teller.AuditEntry) error {
	t.wrote = true
	if err := t.recount(r); err != nil {
		return err
	}
	if err := t.recountArrived(r); err != nil {
		return err
	}
	t.reindex(r)
	raw, err := encodeRecord(r)
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "deposit %s: %w", r.ID, err)
	}
	t.put(bucketDeposits, []byte(r.ID), raw)

	about.Event, about.DepositID, about.To = event, r.ID, r.Status
	if r.stored != nil {
		about.From = r.stored.Status
	}
	r.describe(&about, raw)
	t.audit(about)
	was := *r
	was.stored = nil
	r.stored = &was
	if event == eventClose && about.Actor != journalActor && r.Error != "" { // of a paid one only the holds are taken away
		return t.journal(journalEntry{Closed: &journalClosed{DepositID: r.ID, Reason: r.Error, TxID: r.PayoutTxID, Refund: r.RefundTxID}})
	}
	return t.recall(r)
}

// create gives a new row its place in the ledger and saves it.
func (t *txn) create(r *record, event string, about teller.AuditEntry) error {
	r.Seq = t.nextSeq(bucketDeposits)
	r.Version, r.UpdatedAt = r.Version+1, t.now
	return t.save(r, event, about)
}

// hold puts a hold on a row unless it has just this one, and saves it. It reports whether it did.
func (t *txn) hold(r *record, reason teller.HoldReason, detail string) (bool, error) {
	if err := r.PutHold(reason, detail, t.now); err != nil {
		if teller.CodeOf(err) == teller.CodeConflict {
			return false, nil
		}
		return false, err
	}
	return true, t.save(r, eventHold, teller.AuditEntry{Detail: string(reason) + ": " + detail})
}

// Deposit implements teller.DepositStore.
func (s *Store) Deposit(ctx context.Context, id string) (d teller.Deposit, err error) {
	err = s.view(ctx, func(t *txn) error {
		r, err := t.mustDeposit(id)
		if err == nil {
			d = r.Deposit
		}
		return err
	})
	return d, err
}

// DepositsTo implements teller.DepositStore.
func (s *Store) DepositsTo(ctx context.Context, coin teller.Coin, address string) (ds []teller.Deposit, err error) {
	err = s.view(ctx, func(t *txn) error {
		for _, id := range t.ids(indexAddress, textKey(string(coin), address)) {
			r, err := t.mustDeposit(id)
			if err != nil {
				return err
			}
			if !r.Orphaned || r.Credited() {
				ds = append(ds, r.Deposit)
			}
		}
		return nil
	})
	return ds, err
}

// Deposits implements teller.DepositStore. It goes through the narrowest index that fits and filters the rest.
func (s *Store) Deposits(ctx context.Context, q teller.DepositQuery) (ds []teller.Deposit, err error) {
	index, prefix := indexSeq, []byte(nil)
	switch {
	case q.Held:
		index = indexHeld
	case q.Errored:
		index = indexErrored
	case q.Status != "":
		index, prefix = indexStatus, textKey(string(q.Status))
	}
	keep := func(d *teller.Deposit) bool {
		return (q.Status == "" || d.Status == q.Status) && (!q.Errored || d.Error != "")
	}
	err = s.view(ctx, func(t *txn) (err error) {
		ds, err = t.page(index, prefix, q.After, q.Limit, keep)
		return err
	})
	return ds, err
}

// Due implements teller.DepositStore. Nothing is ever due in status done.
func (s *Store) Due(ctx context.Context, status teller.Status, after uint64, limit int) (ds []teller.Deposit, err error) {
	err = s.view(ctx, func(t *txn) (err error) {
		ds, err = t.page(indexDue, textKey(string(status)), after, limit, nil)
		return err
	})
	return ds, err
}

// Decide implements teller.DepositStore.
func (s *Store) Decide(ctx context.Context, ds []teller.Decision) (n int, err error) {
	if len(ds) == 0 {
		return 0, nil
	}
	err = s.update(ctx, func(t *txn) error {
		n = 0
		for _, d := range ds {
			done, err := t.decide(d)
			if err != nil {
				return err
			}
			n += count(done)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// decide reports whether the decision still applied.
func (t *txn) decide(d teller.Decision) (bool, error) {
	r, err := t.deposit(d.DepositID)
	if err != nil || r == nil || r.Version != d.Version {
		return false, err
	}
	if r.Decide(d.Owed, t.now) != nil {
		return false, nil // held or decided meanwhile
	}
	return true, t.save(r, eventDecide, teller.AuditEntry{Detail: d.Owed.String() + " SKY at " + r.Rate.String()})
}

// Totals implements teller.DepositStore.
func (s *Store) Totals(ctx context.Context) (sum teller.Totals, err error) {
	err = s.view(ctx, func(t *txn) error {
		n, err := t.readTotals()
		if err == nil {
			sum = *n
		}
		return err
	})
	return sum, err
}
