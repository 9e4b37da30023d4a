package teller

import "time"

// The part of a deposit's life in which SKY is bought for it on an exchange: see Order.

// Ordered reports whether SKY is being bought for it on an exchange.
func (d *Deposit) Ordered() bool {
	return d.Status == StatusWaitingPassthrough || d.Status == StatusWaitingPassthroughOrderComplete
}

// Order notes that one more attempt to buy SKY for it is stored. The one before must be final.
func (d *Deposit) Order(now time.Time) error {
	if err := d.mustBeDue(); err != nil {
		return err
	}
	if err := d.apply(EventOrder, now); err != nil {
		return err
	}
	d.Attempts++
	return nil
}

// Placed notes that the exchange has accepted the last order. Whatever holds the deposit, that has happened.
func (d *Deposit) Placed(now time.Time) error { return d.apply(EventPlaced, now) }

// Book adds to what the deposit's orders have bought and spent.
func (d *Deposit) Book(bought Droplets, spent Amount, now time.Time) error {
	sum, err := AddDroplets(d.Bought, bought)
	if err != nil {
		return err
	}
	d.Bought, d.Spent = sum, d.Spent.Add(spent)
	d.touch(now)
	return nil
}

// Unspent is what of the deposit's value its orders have not spent: 0 when they have spent more.
func (d *Deposit) Unspent() Amount {
	rest, err := d.Value.Sub(d.Spent)
	if err != nil {
		return Amount{}
	}
	return rest
}

// SendBought fixes what is owed: what was bought, cut to what a transaction can carry. Never more is sent than was bought.
func (d *Deposit) SendBought(owed Droplets, now time.Time) error {
	if err := d.mustBeDue(); err != nil {
		return err
	}
	if owed == 0 || owed > d.Bought {
		return Errorf(CodeForbidden, "for deposit %s were bought %s SKY: %s can not be sent", d.ID, d.Bought, owed)
	}
	if err := d.apply(EventBought, now); err != nil {
		return err
	}
	d.Owed = owed
	return nil
}

// EndDoubt takes away the hold for an order that the exchange had not shown, when it does, or when it is known that it
// never will.
func (d *Deposit) EndDoubt(now time.Time) {
	d.dropHolds(HoldOrderUnknown)
	d.touch(now)
}

// PayInstead is an operator's decision that the wallet pays what its orders have not bought, also when there was none yet;
// owed counts both. It answers the holds that speak of its purchase.
func (d *Deposit) PayInstead(owed Droplets, now time.Time) error {
	if owed == 0 {
		return Errorf(CodeForbidden, "deposit %s is owed nothing: close it instead", d.ID)
	}
	if !d.buying() {
		return Errorf(CodeForbidden, "deposit %s is %s: nothing is bought for it on an exchange", d.ID, d.Status)
	}
	if d.Import == ImportPending || d.HeldFor(HoldImportOrder) || d.HeldFor(HoldImportUnknown) {
		return Errorf(CodeForbidden, "what the original sent or ordered for deposit %s is not known: settle that by hand, then mark it as paid or close it", d.ID)
	}
	if err := d.apply(EventDecide, now); err != nil {
		return err
	}
	d.Owed = owed
	d.dropPurchaseHolds()
	return nil
}

// buying reports whether SKY for it is to be bought on an exchange, or is being bought.
func (d *Deposit) buying() bool {
	return d.Status == StatusWaitingPassthrough || d.Status == StatusWaitingPassthroughOrderComplete ||
		(d.Status == StatusWaitingDecide && d.BuyMethod == BuyPassthrough)
}

// Refund is an operator's word that the transaction txid has given back what was not spent. What was bought is sent (owed,
// at most that); when nothing is, the deposit ends here. It is too late for that once the amount is fixed.
func (d *Deposit) Refund(txid string, owed Droplets, reason string, now time.Time) error {
	if txid == "" || reason == "" || d.RefundTxID != "" {
		return Errorf(CodeForbidden, "deposit %s can be refunded once, by a transaction, with a reason", d.ID)
	}
	if d.Status == StatusWaitingSend || d.Status == StatusWaitingConfirm || d.Status == StatusDone {
		return Errorf(CodeForbidden, "deposit %s is %s: it is not refunded any more", d.ID, d.Status)
	}
	if owed > d.Bought {
		return Errorf(CodeForbidden, "for deposit %s were bought %s SKY: %s can not be sent", d.ID, d.Bought, owed)
	}
	if owed == 0 {
		if err := d.Close("refunded by "+txid+": "+reason, now); err != nil {
			return err
		}
		d.RefundTxID = txid
		return nil
	}
	if err := d.apply(EventBought, now); err != nil {
		return err
	}
	d.RefundTxID, d.Owed = txid, owed
	d.dropPurchaseHolds()
	return nil
}

// RecallRefund notes that the transaction txid has given back what was not spent, as the journal tells that an operator had
// said before a backup was put back. Nothing more is bought for it: owed, of what was bought, is still to be sent. How
// much that was, the orders that the backup knows may not tell. A deposit whose amount is fixed only gets the note.
func (d *Deposit) RecallRefund(txid string, owed Droplets, now time.Time) error {
	if txid == "" || owed == 0 {
		return Errorf(CodeForbidden, "deposit %s can not have been refunded by %q with %s SKY to be sent", d.ID, txid, owed)
	}
	if d.Status == StatusWaitingSend || d.Status == StatusWaitingConfirm {
		d.RefundTxID = txid
		d.touch(now)
		return nil
	}
	if err := d.apply(EventDecide, now); err != nil {
		return err
	}
	d.RefundTxID, d.Owed = txid, owed
	d.dropHolds(HoldRebuilt)
	d.dropPurchaseHolds()
	return nil
}

// dropPurchaseHolds takes away the holds that speak of its purchase. It can be unpayable only because no exchange trades its
// coin: the payer has not tried it yet, and holds it anew if no transaction can pay it.
func (d *Deposit) dropPurchaseHolds() {
	for _, reason := range []HoldReason{HoldOrderFailed, HoldOrderUnknown, HoldBelowMinimum, HoldUnpayable} {
		d.dropHolds(reason)
	}
}
