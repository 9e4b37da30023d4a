package bolt

import (
	"context"

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

// CloseDeposit implements teller.OperatorStore. An uncredited deposit whose block left the chain has nothing to close:
// counted as received it would falsify the accounts.
func (s *Store) CloseDeposit(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return s.decideHold(ctx, id, func(t *txn, r *record) error {
		pending, err := t.inPendingPayout(r)
		if err != nil {
			return err
		}
		if pending {
			return teller.Errorf(teller.CodeForbidden, "deposit %s is in the pending payout %s, which can still confirm", id, r.PayoutTxID)
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
			return t.claim(r, act.Actor)
		}
		return nil
	})
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
