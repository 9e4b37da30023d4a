package teller

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"
)

// Order is one attempt to buy SKY on an exchange for one deposit. Each attempt is a row of its own under a client id of its
// own, stored before the exchange hears of it: so a retry never has to guess what became of the attempt before. A deposit
// has at most one order that is not final.
type Order struct {
	ClientID  string // OrderClientID of the two fields below: our name for it at the exchange
	DepositID string
	Attempt   int    // from 1
	Seq       uint64 // position among all orders, from 1
	Version   uint64 // grows by one with every change

	Exchange  string // its name
	Coin      Coin   // what is spent
	Requested Amount // of the coin, to be spent
	// Least is the worst price that is accepted, in SKY for one coin; the zero value = any (a market order).
	Least Rate
	State OrderState
	// Doubted says that its deposit was held because the exchange did not show it, or not any more, and that the exchange
	// was not called for it since. Once that hold is released, an operator vouches for its not being there.
	Doubted bool
	// Judged says that it is final and that its deposit was held because it has not bought all that it should. Once that
	// hold is released, an operator wants another attempt.
	Judged bool
	// Ended says that an operator has ended it. What becomes of its deposit is the operator's to say, too, whatever the
	// policy for failed orders is.
	Ended bool

	// What the exchange has told last.
	OrderReport
	CreatedAt, UpdatedAt time.Time
}

// OrderState is how far an attempt has come.
type OrderState string

// The states of an order.
const (
	OrderPrepared OrderState = "prepared" // stored; no call was made
	OrderPlacing  OrderState = "placing"  // a call may have been made: the exchange must be asked before another one is
	OrderPlaced   OrderState = "placed"   // the exchange has it, and it may still buy
	OrderFinal    OrderState = "final"    // it buys nothing (any more): filled, failed, cancelled, or never accepted
)

// Pending reports whether the order may still buy, or its deposit's next attempt must wait for it.
func (o Order) Pending() bool { return o.State != OrderFinal }

// Begin notes that the exchange is about to be called for it: from here on it may exist, whatever was known of an earlier
// call. CodeConflict once the exchange has it, or it is final.
func (o *Order) Begin(now time.Time) error {
	if o.State != OrderPrepared && o.State != OrderPlacing {
		return Errorf(CodeConflict, "order %s is %s: it is not placed again", o.ClientID, o.State)
	}
	o.State, o.Doubted = OrderPlacing, false
	o.touch(now)
	return nil
}

// Note takes over what the exchange tells, and returns what was bought and spent since it told last. A report that tells
// nothing new changes nothing, not even the Version. CodeConflict when the order is final, CodeMalformed when the report
// contradicts itself or an earlier one.
func (o *Order) Note(r OrderReport, now time.Time) (bought Droplets, spent Amount, err error) {
	if o.State == OrderFinal {
		return 0, Amount{}, Errorf(CodeConflict, "order %s is final", o.ClientID)
	}
	shown := r.OrderID != "" || r.Final
	if r.OrderID == "" {
		r.OrderID = o.OrderID // not every answer repeats it
	}
	spent, err = r.Spent.Sub(o.Spent)
	switch {
	case err != nil || r.Bought < o.Bought:
		return 0, Amount{}, Errorf(CodeMalformed, "order %s has bought %s SKY for %s base units, less than the %s for %s that were told before",
			o.ClientID, r.Bought, r.Spent, o.Bought, o.Spent)
	case o.OrderID != "" && r.OrderID != o.OrderID:
		return 0, Amount{}, Errorf(CodeMalformed, "order %s is the exchange's %q, which was told before as %q", o.ClientID, r.OrderID, o.OrderID)
	case r.OrderID == "" && (r.Bought > 0 || !r.Spent.IsZero()), r.Filled && !r.Final:
		return 0, Amount{}, Errorf(CodeMalformed, "what is told of order %s contradicts itself: %s SKY bought, filled %t, final %t, by the exchange's %q",
			o.ClientID, r.Bought, r.Filled, r.Final, r.OrderID)
	}
	state := o.State
	switch {
	case r.Final:
		state = OrderFinal
	case r.OrderID != "":
		state = OrderPlaced
	}
	if state == o.State && r.same(o.OrderReport) && (!o.Doubted || !shown) {
		return 0, Amount{}, nil
	}
	bought = r.Bought - o.Bought
	o.State, o.OrderReport, o.Doubted = state, r, o.Doubted && !shown
	o.touch(now)
	return bought, spent, nil
}

// Doubt notes that the exchange does not show it, and that its deposit is held for that. CodeConflict unless it may have
// been placed.
func (o *Order) Doubt(now time.Time) error {
	if o.State != OrderPlacing && o.State != OrderPlaced {
		return Errorf(CodeConflict, "order %s is %s: there is no doubt about it", o.ClientID, o.State)
	}
	o.Doubted = true
	o.touch(now)
	return nil
}

// Judge notes that its deposit is held because it has not bought all that it should. CodeConflict unless it is final.
func (o *Order) Judge(now time.Time) error {
	if o.State != OrderFinal {
		return Errorf(CodeConflict, "order %s is %s: it may still buy", o.ClientID, o.State)
	}
	o.Judged = true
	o.touch(now)
	return nil
}

// End is an operator's word that the exchange does not have the order and never will, though it may have been called for
// it, or has shown it once. What was noted of it stays. CodeForbidden when the exchange shows it. That no call for it is
// under way is the caller's to know: see Asked.
func (o *Order) End(now time.Time) error {
	switch {
	case o.State == OrderFinal:
		return Errorf(CodeConflict, "order %s is final", o.ClientID)
	case o.State == OrderPlaced && !o.Doubted:
		return Errorf(CodeForbidden, "order %s, there %s, is known at %s: cancel it there, and teller notes its end", o.ClientID, o.OrderID, o.Exchange)
	}
	o.State, o.Final, o.Ended, o.Doubted, o.Status = OrderFinal, true, true, false, "not there, an operator says"
	o.touch(now)
	return nil
}

// Asked reports whether the exchange may have been called for it, and was not found without it since: as long as its deposit
// is not held, that call may be under way in this very moment.
func (o Order) Asked() bool { return o.State == OrderPlacing && !o.Doubted }

// Forgo ends an order that was only prepared, because its deposit is decided about otherwise. CodeForbidden when it may
// have been placed: what it buys must be known first.
func (o *Order) Forgo(now time.Time) error {
	switch {
	case o.State == OrderFinal:
		return Errorf(CodeConflict, "order %s is final", o.ClientID)
	case o.State == OrderPlaced && o.Doubted:
		return Errorf(CodeForbidden, "order %s of deposit %s, there %s, is not shown by %s any more: look there; if it is gone, end it: `teller orders end`",
			o.ClientID, o.DepositID, o.OrderID, o.Exchange)
	case o.State == OrderPlaced:
		return Errorf(CodeForbidden, "order %s of deposit %s, there %s, may still buy at %s: cancel it there, or wait for its end; once teller has noted that, do this again",
			o.ClientID, o.DepositID, o.OrderID, o.Exchange)
	case o.Doubted:
		return Errorf(CodeForbidden, "order %s of deposit %s may have been placed at %s, which does not show it: look there; if it is not there, release the deposit, "+
			"whereupon teller places it, or end the order: `teller orders end`", o.ClientID, o.DepositID, o.Exchange)
	case o.State == OrderPlacing:
		return Errorf(CodeForbidden, "order %s of deposit %s may have been placed at %s: wait until teller knows, or end the order: `teller orders end` has it looked for before",
			o.ClientID, o.DepositID, o.Exchange)
	}
	o.State, o.Final, o.Status = OrderFinal, true, "not placed"
	o.touch(now)
	return nil
}

func (o *Order) touch(now time.Time) {
	o.UpdatedAt = now
	o.Version++
}

// OrderReport is what an exchange tells about an order. Amounts are what has been bought and spent so far; a final report
// never changes any more.
type OrderReport struct {
	OrderID   string // the exchange's own id
	Status    string // in the exchange's own words
	Final     bool
	Filled    bool     // final, and all that could be bought was: no failure
	Bought    Droplets // what has come to the account, fees taken off, cut to the droplet
	Spent     Amount   // what has left the account, fees included, in the coin's base unit
	Completed string   // SKY bought, as the exchange writes it, before fees
	Price     string   // average, as the exchange writes it
	Original  string   // the exchange's answer, word for word
}

// same reports whether two reports tell the same.
func (r OrderReport) same(as OrderReport) bool {
	if !r.Spent.Equal(as.Spent) {
		return false
	}
	r.Spent, as.Spent = Amount{}, Amount{}
	return r == as
}

// OrderClientID is the name under which the exchange gets an attempt. It follows from the deposit and the attempt alone, so
// that a ledger which was restored from an older backup finds the orders that it has forgotten, and can place none of them
// a second time. At most 36 letters, digits and hyphens, which every known exchange takes.
func OrderClientID(depositID string, attempt int) string {
	sum := sha256.Sum256([]byte(depositID))
	name := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])
	return fmt.Sprintf("t-%s-%d", strings.ToLower(name), attempt)
}
