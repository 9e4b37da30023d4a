package bolt

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// Release implements teller.OperatorStore.
func (s *Store) Release(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return s.decideHold(ctx, id, func(t *txn, r *record) error {
		if err := r.Release(t.now); err != nil {
			return err
		}
		return t.save(r, eventRelease, teller.AuditEntry{Actor: act.Actor, Detail: act.Reason})
	})
}

// Hold implements teller.OperatorStore.
func (s *Store) Hold(ctx context.Context, id string, version uint64, reason teller.HoldReason, detail string) (teller.Deposit, error) {
	if reason == "" {
		return teller.Deposit{}, teller.Errorf(teller.CodeInvalid, "a hold needs a reason")
	}
	return s.decideHold(ctx, id, func(t *txn, r *record) error {
		if r.Version != version {
			return teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile", id)
		}
		if err := r.PutHold(reason, detail, t.now); err != nil {
			return err
		}
		return t.save(r, eventHold, teller.AuditEntry{Detail: string(reason) + ": " + detail})
	})
}

// mayEnd refuses to let an operator end a deposit that a payout pays or may still pay.
func (t *txn) mayEnd(r *record) error {
	pending, err := t.inPendingPayout(r)
	if err != nil {
		return err
	}
	if pending {
		return teller.Errorf(teller.CodeForbidden, "deposit %s is in the pending payout %s, which can still confirm", r.ID, r.PayoutTxID)
	}
	row, recalled, err := getJSON[recallRow](t, bucketRecalls, []byte(r.ID))
	if err != nil || !recalled || row.PayoutTxID == "" {
		return err
	}
	p, known, err := t.payout(row.PayoutTxID)
	if err == nil && known && p.Status != teller.PayoutDead {
		err = teller.Errorf(teller.CodeForbidden, "deposit %s was paid by %s before a backup was put back: it will show as soon as it is credited", r.ID, p.TxID)
	}
	return err
}

// CloseDeposit implements teller.OperatorStore. An uncredited deposit whose block left the chain has nothing to close:
// counted as received it would falsify the accounts.
func (s *Store) CloseDeposit(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return s.decideHold(ctx, id, func(t *txn, r *record) error {
		if err := t.mayEnd(r); err != nil {
			return err
		}
		if r.Orphaned && !r.Credited() {
			return teller.Errorf(teller.CodeForbidden, "deposit %s is not on the chain: there is nothing to close", id)
		}
		paidOutside := r.HeldFor(teller.HoldWithdrawal)
		if err := r.Close(act.Reason, t.now); err != nil {
			return err
		}
		if err := t.save(r, eventClose, teller.AuditEntry{Actor: act.Actor, Detail: act.Reason}); err != nil {
			return err
		}
		if paidOutside {
			return t.claim(r, "", act.Actor)
		}
		return nil
	})
}

// MarkPaid implements teller.OperatorStore.
func (s *Store) MarkPaid(ctx context.Context, id, txid string, coins teller.Droplets, act teller.Act) (teller.Deposit, error) {
	if !keyable(txid) || act.Reason == "" {
		return teller.Deposit{}, teller.Errorf(teller.CodeInvalid, "a deposit is marked as paid by a transaction, with a reason")
	}
	return s.decideHold(ctx, id, func(t *txn, r *record) error {
		if err := t.mayEnd(r); err != nil {
			return err
		}
		owed, err := t.paidByHand(r, txid, coins)
		if err != nil {
			return err
		}
		if err := r.MarkPaid(txid, owed, t.now); err != nil {
			return err
		}
		if err := t.save(r, eventMarkPaid, teller.AuditEntry{Actor: act.Actor, TxID: txid, Detail: act.Reason}); err != nil {
			return err
		}
		if err := t.journal(journalEntry{Closed: &journalClosed{DepositID: id, Reason: act.Reason, TxID: txid, Coins: owed}}); err != nil {
			return err
		}
		return t.claim(r, txid, act.Actor)
	})
}

// paidByHand is what the deposit is owed, if a transaction that gives coins to its SKY address can have paid it.
func (t *txn) paidByHand(r *record, txid string, coins teller.Droplets) (owed teller.Droplets, err error) {
	p, ours, err := t.payout(txid)
	if err != nil {
		return 0, err
	}
	named := slices.ContainsFunc(p.Shares, func(s teller.Share) bool { return s.DepositID == r.ID })
	if ours && (p.Status != teller.PayoutConfirmed || !named) {
		return 0, teller.Errorf(teller.CodeForbidden, "transaction %s is a payout of this ledger, and paid other deposits", txid)
	}
	if owed, err = r.worth(); err != nil {
		return 0, err
	}
	if owed == 0 {
		return 0, teller.Errorf(teller.CodeForbidden, "nothing is owed for deposit %s: close it instead", r.ID)
	}
	left := coins
	for _, id := range t.ids(indexPayout, textKey(txid)) {
		other, err := t.mustDeposit(id)
		if err != nil {
			return 0, err
		}
		if other.ID != r.ID && other.SkyAddress == r.SkyAddress {
			left -= min(left, other.Sent)
		}
	}
	if left < owed {
		return 0, teller.Errorf(teller.CodeForbidden, "transaction %s pays %s SKY to %s, of which %s are not another deposit's; deposit %s is owed %s: if that was agreed on, close it with a reason",
			txid, coins, r.SkyAddress, left, r.ID, owed)
	}
	return owed, nil
}

// decideHold is the common form of an act on one deposit.
func (s *Store) decideHold(ctx context.Context, id string, act func(*txn, *record) error) (d teller.Deposit, err error) {
	err = s.update(ctx, func(t *txn) error {
		r, err := t.mustDeposit(id)
		if err != nil {
			return err
		}
		if err := act(t, r); err != nil {
			return err
		}
		d = r.Deposit
		return nil
	})
	if err != nil {
		return teller.Deposit{}, err
	}
	return d, nil
}

// Audit implements teller.OperatorStore.
func (s *Store) Audit(ctx context.Context, after uint64, limit int) (es []teller.AuditEntry, err error) {
	err = s.view(ctx, func(t *txn) (err error) {
		es, err = t.auditPage(after, limit)
		return err
	})
	return es, err
}
