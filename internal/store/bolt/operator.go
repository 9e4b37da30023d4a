package bolt

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// Release implements teller.OperatorStore.
func (s *Store) Release(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return s.operate(ctx, id, act, func(t *txn, r *record) error {
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

// mayEnd refuses to let an operator end a deposit, or fix what it is owed, while a payout pays it or may still pay it, or
// while an order may buy for it. It returns the order that was only prepared: that ends with it (see forgo).
func (t *txn) mayEnd(r *record) (prepared *teller.Order, err error) {
	if err := t.notInPayout(r); err != nil {
		return nil, err
	}
	last, err := t.lastOrder(r)
	if err != nil || last == nil || !last.Pending() {
		return nil, err
	}
	return last, last.Forgo(t.now)
}

// forgo writes the end of an order that mayEnd has returned, nil included. The deposit is to be saved after that.
func (t *txn) forgo(r *record, prepared *teller.Order) error {
	if prepared == nil {
		return nil
	}
	t.audit(teller.AuditEntry{Event: eventOrderFinal, DepositID: r.ID, Detail: tellOrder(prepared)})
	return t.putOrder(r, prepared)
}

// notInPayout refuses a deposit that a payout pays or may still pay.
func (t *txn) notInPayout(r *record) error {
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
	return s.operate(ctx, id, act, func(t *txn, r *record) error {
		prepared, err := t.mayEnd(r)
		if err != nil {
			return err
		}
		if r.Orphaned && !r.Credited() {
			return teller.Errorf(teller.CodeForbidden, "deposit %s is not on the chain: there is nothing to close", id)
		}
		paidOutside := r.HeldFor(teller.HoldWithdrawal)
		if err := r.Close(act.Reason, t.now); err != nil {
			return err
		}
		if err := t.forgo(r, prepared); err != nil {
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
func (s *Store) MarkPaid(ctx context.Context, id, txid string, coins teller.Droplets, decimals int, act teller.Act) (teller.Deposit, error) {
	if !keyable(txid) || act.Reason == "" {
		return teller.Deposit{}, teller.Errorf(teller.CodeInvalid, "a deposit is marked as paid by a transaction, with a reason")
	}
	return s.operate(ctx, id, act, func(t *txn, r *record) error {
		prepared, err := t.mayEnd(r)
		if err != nil {
			return err
		}
		owed, err := t.paidByHand(r, txid, coins, decimals)
		if err != nil {
			return err
		}
		if err := r.MarkPaid(txid, owed, t.now); err != nil {
			return err
		}
		if err := t.forgo(r, prepared); err != nil {
			return err
		}
		if err := t.save(r, eventMarkPaid, teller.AuditEntry{Actor: act.Actor, TxID: txid, Detail: act.Reason}); err != nil {
			return err
		}
		if err := t.journal(journalEntry{Closed: &journalClosed{DepositID: id, Reason: act.Reason, TxID: txid, Coins: owed, Refund: r.RefundTxID}}); err != nil {
			return err
		}
		return t.claim(r, txid, act.Actor)
	})
}

// paidByHand is what the deposit is owed, if a transaction that gives coins to its SKY address can have paid it.
func (t *txn) paidByHand(r *record, txid string, coins teller.Droplets, decimals int) (owed teller.Droplets, err error) {
	p, ours, err := t.payout(txid)
	if err != nil {
		return 0, err
	}
	named := slices.ContainsFunc(p.Shares, func(s teller.Share) bool { return s.DepositID == r.ID })
	if ours && (p.Status != teller.PayoutConfirmed || !named) {
		return 0, teller.Errorf(teller.CodeForbidden, "transaction %s is a payout of this ledger, and paid other deposits", txid)
	}
	if owed, err = r.worth(decimals); err != nil {
		return 0, err
	}
	switch {
	case owed == 0 && r.boughtFor():
		return 0, teller.Errorf(teller.CodeForbidden, "nothing that can be sent was bought for deposit %s, so that nobody knows what it is owed: "+
			"let the wallet pay it instead, refund it, or close it with a reason", r.ID)
	case owed == 0:
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

// PayInstead implements teller.OperatorStore.
func (s *Store) PayInstead(ctx context.Context, id string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	if act.Reason == "" {
		return teller.Deposit{}, teller.Errorf(teller.CodeInvalid, "that the wallet pays a deposit instead needs a reason")
	}
	return s.operate(ctx, id, act, func(t *txn, r *record) error {
		prepared, err := t.mayEnd(r)
		if err != nil {
			return err
		}
		if err := r.PayInstead(owed, t.now); err != nil {
			return err
		}
		if err := t.forgo(r, prepared); err != nil {
			return err
		}
		return t.saveDecided(r, eventPayInstead, teller.AuditEntry{Actor: act.Actor, Detail: act.Reason})
	})
}

// Refund implements teller.OperatorStore. It goes into the journal: a backup that is put back must not buy again with what
// was given back, nor pay for it.
func (s *Store) Refund(ctx context.Context, id, txid string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	if !keyable(txid) || act.Reason == "" {
		return teller.Deposit{}, teller.Errorf(teller.CodeInvalid, "a deposit is refunded by a transaction, with a reason")
	}
	return s.operate(ctx, id, act, func(t *txn, r *record) error {
		prepared, err := t.mayEnd(r)
		if err != nil {
			return err
		}
		if r.Orphaned && !r.Credited() {
			return teller.Errorf(teller.CodeForbidden, "deposit %s is not on the chain: there is nothing to refund", id)
		}
		if err := r.Refund(txid, owed, act.Reason, t.now); err != nil {
			return err
		}
		if err := t.forgo(r, prepared); err != nil {
			return err
		}
		if err := t.saveDecided(r, eventRefund, teller.AuditEntry{Actor: act.Actor, TxID: txid, Detail: act.Reason}); err != nil {
			return err
		}
		return t.journal(journalEntry{Closed: r.refunded(act.Reason)})
	})
}

// refunded is what the journal must know of a refund. One that has ended the deposit is a close with its permanent error.
func (r *record) refunded(reason string) *journalClosed {
	if r.Error != "" {
		return &journalClosed{DepositID: r.ID, Reason: r.Error, Refund: r.RefundTxID}
	}
	return &journalClosed{DepositID: r.ID, Reason: reason, Refund: r.RefundTxID, Owed: r.Owed}
}

// saveDecided saves a deposit about whose purchase an operator has decided, and tells what comes of it.
func (t *txn) saveDecided(r *record, event string, act teller.AuditEntry) error {
	last, err := t.lastOrder(r)
	if err != nil {
		return err
	}
	act.Detail += "; owed are " + tellPurchase(r, last)
	return t.save(r, event, act)
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

// operate is decideHold for an operator's act.
func (s *Store) operate(ctx context.Context, id string, act teller.Act, do func(*txn, *record) error) (teller.Deposit, error) {
	return s.decideHold(ctx, id, func(t *txn, r *record) error {
		if err := agrees(r, act); err != nil {
			return err
		}
		return do(t, r)
	})
}

// agrees refuses an act that was decided on another version of the deposit.
func agrees(r *record, act teller.Act) error {
	if act.Version != 0 && act.Version != r.Version {
		return teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile: look at it again", r.ID)
	}
	return nil
}

// Audit implements teller.OperatorStore.
func (s *Store) Audit(ctx context.Context, after uint64, limit int) (es []teller.AuditEntry, err error) {
	err = s.view(ctx, func(t *txn) (err error) {
		es, err = t.auditPage(after, limit)
		return err
	})
	return es, err
}
