package bolt

import (
	"context"
	"fmt"

	"github.com/skycoin/teller"
)

// order loads a row; ok is false when there is none.
func (t *txn) order(clientID string) (o teller.Order, ok bool, err error) {
	raw := t.get(bucketOrders, []byte(clientID))
	if raw == nil {
		return o, false, nil
	}
	o, err = decodeOrder(clientID, raw)
	return o, err == nil, err
}

// mustOrder loads a row that a caller names.
func (t *txn) mustOrder(clientID string) (teller.Order, error) {
	o, ok, err := t.order(clientID)
	if err == nil && !ok {
		err = teller.Errorf(teller.CodeNotFound, "no order %q", clientID)
	}
	return o, err
}

// storedOrder loads the nth order of a deposit that has had as many.
func (t *txn) storedOrder(depositID string, n int) (teller.Order, error) {
	o, ok, err := t.order(teller.OrderClientID(depositID, n))
	if err == nil && !ok {
		err = teller.Errorf(teller.CodeCorrupt, "order %d of deposit %s is not stored: restore a backup", n, depositID)
	}
	return o, err
}

// lastOrder is the last order of a deposit, nil when there is none. Only the last one can be pending.
func (t *txn) lastOrder(r *record) (*teller.Order, error) {
	if r.Attempts == 0 {
		return nil, nil
	}
	o, err := t.storedOrder(r.ID, r.Attempts)
	return &o, err
}

// putOrder writes a new or changed row, which is the last of its deposit, keeps the indexes in line, and notes in the
// deposit's row what the exchange has told, which is to be saved after that.
func (t *txn) putOrder(r *record, o *teller.Order) error {
	raw, err := encodeOrder(o)
	if err == nil {
		r.passthrough, err = passthroughOf(&r.Deposit, o)
	}
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "order %s: %w", o.ClientID, err)
	}
	t.put(bucketOrders, []byte(o.ClientID), raw)
	if t.get(indexOrders, seqKey(o.Seq)) == nil {
		t.put(indexOrders, seqKey(o.Seq), []byte(o.ClientID))
	}
	switch {
	case !o.Pending():
		t.del(indexPendingOrders, seqKey(o.Seq))
	case t.get(indexPendingOrders, seqKey(o.Seq)) == nil:
		t.put(indexPendingOrders, seqKey(o.Seq), []byte(o.ClientID))
	}
	return nil
}

// nameOrder says which order is meant, here and at the exchange.
func nameOrder(o *teller.Order) string {
	if o.OrderID == "" {
		return fmt.Sprintf("order %s on %s", o.ClientID, o.Exchange)
	}
	return fmt.Sprintf("order %s on %s, there %s", o.ClientID, o.Exchange, o.OrderID)
}

// tellOrder says how an order stands.
func tellOrder(o *teller.Order) string {
	told := fmt.Sprintf("%s: %s SKY bought for %s %s", nameOrder(o), o.Bought, o.Spent.Format(o.Coin), o.Coin)
	if o.Status != "" {
		told += ", status " + o.Status
	}
	return told
}

// PrepareOrder implements teller.OrderStore. CodeForbidden when nothing is to be bought for the deposit, CodeInvalid when
// more is requested than it has left.
func (s *Store) PrepareOrder(ctx context.Context, d teller.OrderDraft) (o teller.Order, err error) {
	if d.Exchange == "" || d.Requested.IsZero() {
		return o, teller.Errorf(teller.CodeInvalid, "an order for deposit %s needs an exchange and an amount", d.DepositID)
	}
	_, err = s.decideHold(ctx, d.DepositID, func(t *txn, r *record) error {
		if err := t.mayOrder(r, d); err != nil {
			return err
		}
		if err := r.Order(t.now); err != nil {
			return err
		}
		o = teller.Order{
			ClientID: teller.OrderClientID(r.ID, r.Attempts), DepositID: r.ID, Attempt: r.Attempts, Seq: t.nextSeq(bucketOrders), Version: 1,
			Exchange: d.Exchange, Coin: r.Coin, Requested: d.Requested, Least: d.Least, State: teller.OrderPrepared,
			CreatedAt: t.now, UpdatedAt: t.now,
		}
		if t.get(bucketOrders, []byte(o.ClientID)) != nil {
			return teller.Errorf(teller.CodeCorrupt, "order %s exists, though deposit %s had %d only: restore a backup", o.ClientID, r.ID, r.Attempts-1)
		}
		if err := t.putOrder(r, &o); err != nil {
			return err
		}
		price := "at any price"
		if !o.Least.IsZero() {
			price = "at " + o.Least.String() + " SKY for one or better"
		}
		return t.save(r, eventOrder, teller.AuditEntry{Detail: fmt.Sprintf("%s: %s %s to be spent, %s", nameOrder(&o), o.Requested.Format(o.Coin), o.Coin, price)})
	})
	if err != nil {
		return teller.Order{}, err
	}
	return o, nil
}

// mayOrder refuses a draft that is not (any more) for the deposit as it is.
func (t *txn) mayOrder(r *record, d teller.OrderDraft) error {
	last, err := t.lastOrder(r)
	switch {
	case err != nil:
		return err
	case r.Version != d.Version || !r.Due():
		return teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile, or is held", r.ID)
	case last != nil && last.Pending():
		return teller.Errorf(teller.CodeConflict, "order %s of deposit %s is not final", last.ClientID, r.ID)
	case r.BuyMethod != teller.BuyPassthrough:
		return teller.Errorf(teller.CodeForbidden, "deposit %s is paid from the wallet: nothing is bought for it", r.ID)
	case d.Requested.Cmp(r.Unspent()) > 0:
		return teller.Errorf(teller.CodeInvalid, "of deposit %s are %s %s left to be spent, not %s", r.ID, r.Unspent().Format(r.Coin), r.Coin, d.Requested.Format(r.Coin))
	}
	return nil
}

// changeOrder is the common form of a step of one order. change writes nothing before it is sure of it.
func (s *Store) changeOrder(ctx context.Context, clientID string, version uint64, change func(*txn, *record, *teller.Order) error) (o teller.Order, err error) {
	err = s.update(ctx, func(t *txn) error {
		now, err := t.mustOrder(clientID)
		if err != nil {
			return err
		}
		if now.Version != version {
			return teller.Errorf(teller.CodeConflict, "order %s changed meanwhile", clientID)
		}
		r, err := t.mustDeposit(now.DepositID)
		if err != nil {
			return err
		}
		if err := change(t, r, &now); err != nil {
			return err
		}
		o = now
		return nil
	})
	if err != nil {
		return teller.Order{}, err
	}
	return o, nil
}

// BeginOrder implements teller.OrderStore. The deposit's row says nothing of it, and stays as it is.
func (s *Store) BeginOrder(ctx context.Context, clientID string, version uint64) (teller.Order, error) {
	return s.changeOrder(ctx, clientID, version, func(t *txn, r *record, o *teller.Order) error {
		if !r.Due() || r.Status != teller.StatusWaitingPassthrough {
			return teller.Errorf(teller.CodeConflict, "deposit %s is held, orphaned or decided about otherwise: order %s must not be placed", r.ID, clientID)
		}
		again := o.State == teller.OrderPlacing
		if err := o.Begin(t.now); err != nil {
			return err
		}
		if err := t.putOrder(r, o); err != nil {
			return err
		}
		detail := nameOrder(o)
		if again {
			detail += ", once more"
		}
		t.audit(teller.AuditEntry{Event: eventPlacing, DepositID: r.ID, Detail: detail})
		if again {
			t.needs = true // the line may still wait for its disk
			return nil
		}
		return t.journal(journalEntry{Attempt: &journalAttempt{r.ID, o.Attempt}})
	})
}

// NoteOrder implements teller.OrderStore. A report that tells nothing new writes nothing. An order that the exchange shows,
// or that is final, ends the doubt about it: its hold goes away.
func (s *Store) NoteOrder(ctx context.Context, clientID string, version uint64, report teller.OrderReport) (teller.Order, error) {
	report = storable(report)
	return s.changeOrder(ctx, clientID, version, func(t *txn, r *record, o *teller.Order) error {
		was := *o
		bought, spent, err := o.Note(report, t.now)
		if err != nil || o.Version == was.Version {
			return err
		}
		if err := r.Book(bought, spent, t.now); err != nil {
			return teller.Errorf(teller.CodeMalformed, "order %s: %w", clientID, err)
		}
		if o.OrderID != "" && r.Status == teller.StatusWaitingPassthrough {
			if err := r.Placed(t.now); err != nil {
				return err
			}
		}
		if !o.Doubted && r.HeldFor(teller.HoldOrderUnknown) {
			r.EndDoubt(t.now)
		}
		if err := t.putOrder(r, o); err != nil {
			return err
		}
		event := eventOrderReport
		switch {
		case o.State == teller.OrderFinal:
			event = eventOrderFinal
		case o.State == teller.OrderPlaced && was.State != teller.OrderPlaced:
			event = eventPlaced
		}
		return t.save(r, event, teller.AuditEntry{Detail: tellOrder(o)})
	})
}

// DoubtOrder implements teller.OrderStore. CodeConflict when the deposit is held for this order already.
func (s *Store) DoubtOrder(ctx context.Context, clientID string, version uint64, detail string) (teller.Order, error) {
	return s.changeOrder(ctx, clientID, version, func(t *txn, r *record, o *teller.Order) error {
		if o.Doubted && r.HeldFor(teller.HoldOrderUnknown) {
			return teller.Errorf(teller.CodeConflict, "deposit %s is held for order %s already", r.ID, clientID)
		}
		if err := o.Doubt(t.now); err != nil {
			return err
		}
		r.EndDoubt(t.now) // whoever wanted to end it has his answer: see EndOrder
		if err := r.PutHold(teller.HoldOrderUnknown, detail, t.now); err != nil {
			return err
		}
		if err := t.putOrder(r, o); err != nil {
			return err
		}
		return t.save(r, eventDoubt, teller.AuditEntry{Detail: nameOrder(o) + ": " + detail})
	})
}

// SendBought implements teller.OrderStore. CodeConflict when the deposit changed, is not due, or has a pending order.
func (s *Store) SendBought(ctx context.Context, depositID string, version uint64, owed teller.Droplets) error {
	_, err := s.decideHold(ctx, depositID, func(t *txn, r *record) error {
		last, err := t.lastOrder(r)
		switch {
		case err != nil:
			return err
		case r.Version != version || !r.Due():
			return teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile, or is held", depositID)
		case last != nil && last.Pending():
			return teller.Errorf(teller.CodeConflict, "order %s of deposit %s is not final: it may still buy", last.ClientID, depositID)
		}
		if err := r.SendBought(owed, t.now); err != nil {
			return err
		}
		return t.save(r, eventBought, teller.AuditEntry{Detail: tellPurchase(r, last)})
	})
	return err
}

// tellPurchase says what a deposit is owed of what was bought for it.
func tellPurchase(r *record, last *teller.Order) string {
	told := fmt.Sprintf("%s SKY, bought %s for %s %s", r.Owed, r.Bought, r.Spent.Format(r.Coin), r.Coin)
	if kept := r.kept(); kept > 0 {
		told += ", kept " + kept.String()
	}
	if last != nil {
		told += "; the last " + nameOrder(last)
	}
	return told
}

// FailOrder implements teller.OrderStore.
func (s *Store) FailOrder(ctx context.Context, depositID string, version uint64, detail string) (teller.Deposit, error) {
	return s.decideHold(ctx, depositID, func(t *txn, r *record) error {
		last, err := t.lastOrder(r)
		switch {
		case err != nil:
			return err
		case r.Version != version || !r.Due() || !r.Ordered():
			return teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile, or is held", depositID)
		case last == nil || last.Pending():
			return teller.Errorf(teller.CodeConflict, "deposit %s has no order that is final", depositID)
		}
		if err := last.Judge(t.now); err != nil {
			return err
		}
		if err := r.PutHold(teller.HoldOrderFailed, detail, t.now); err != nil {
			return err
		}
		if err := t.putOrder(r, last); err != nil {
			return err
		}
		return t.save(r, eventHold, teller.AuditEntry{Detail: string(teller.HoldOrderFailed) + ": " + detail})
	})
}

// EndOrder implements teller.OperatorStore. The doubt that its deposit is held for is answered by it. The operator may have
// looked before a call that is under way has arrived: so first no further call is made.
func (s *Store) EndOrder(ctx context.Context, clientID string, act teller.Act) (o teller.Order, err error) {
	if act.Reason == "" {
		return o, teller.Errorf(teller.CodeInvalid, "ending order %s needs a reason", clientID)
	}
	err = s.update(ctx, func(t *txn) error {
		if o, err = t.mustOrder(clientID); err != nil {
			return err
		}
		r, err := t.mustDeposit(o.DepositID)
		if err != nil {
			return err
		}
		if err := agrees(r, act); err != nil {
			return err
		}
		if o.Asked() && !r.HeldFor(teller.HoldOrderUnknown) {
			return t.stopCalls(r, &o, act)
		}
		if err := o.End(t.now); err != nil {
			return err
		}
		if r.HeldFor(teller.HoldOrderUnknown) {
			r.EndDoubt(t.now)
		} else if err := r.Book(0, teller.Amount{}, t.now); err != nil {
			return err
		}
		if err := t.putOrder(r, &o); err != nil {
			return err
		}
		return t.save(r, eventOrderFinal, teller.AuditEntry{Actor: act.Actor, Detail: tellOrder(&o) + ": " + act.Reason})
	})
	if err != nil {
		return teller.Order{}, err
	}
	return o, nil
}

// stopCalls holds a deposit so that the exchange is not called for its order any more, which is looked for once more.
func (t *txn) stopCalls(r *record, o *teller.Order, act teller.Act) error {
	detail := fmt.Sprintf("order %s is to be ended (%s), and %s may be asked for it in this moment. No further call is made. Look there again in some minutes; if it is not there, repeat `teller orders end`",
		o.ClientID, act.Reason, o.Exchange)
	if err := r.PutHold(teller.HoldOrderUnknown, detail, t.now); err != nil {
		return err
	}
	return t.save(r, eventHold, teller.AuditEntry{Actor: act.Actor, Detail: string(teller.HoldOrderUnknown) + ": " + detail})
}
