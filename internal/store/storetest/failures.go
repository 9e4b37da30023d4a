package storetest

import (
	"strings"

	"github.com/skycoin/teller"
)

// What becomes of orders that have failed, and of those that the exchange does not have.
var failureTests = map[string]func(*ledger){
	"Judged":       testOrderJudged,
	"FailRefusals": testOrderFailRefusals,
	"Ended":        testOrderEnded,
	"EndedHeld":    testOrderEndedThenClosed,
	"EndWaits":     testOrderEndWaitsForTheCall,
	"EndVanished":  testVanishedOrderEnded,
	"EndRefusals":  testOrderEndRefusals,
}

func (l *ledger) fail(id string) teller.Deposit {
	l.Helper()
	d, err := l.store.FailOrder(l.ctx, id, l.deposit(id).Version, "nobody sells")
	l.must(err)
	return d
}

// failed is the end of an order that has bought a part.
func failed(o teller.Order, bought teller.Droplets, spent uint64) teller.OrderReport {
	r := final(o, bought, spent)
	r.Filled, r.Status = false, "cancelled"
	return r
}

// A failed order is judged once: with the hold. Released, the next attempt is made, and that one can fail again.
func testOrderJudged(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	for n := range 2 {
		o := l.prepare(d.ID)
		o = l.note(l.begin(o), failed(o, 1_000_000, 100_000))
		held := l.fail(d.ID)
		l.same("held", []any{held.Status, held.Hold.Reason, held.Hold.Detail, held.Attempts},
			[]any{teller.StatusWaitingPassthroughOrderComplete, teller.HoldOrderFailed, "nobody sells", n + 1})
		l.reopen()
		judged, err := l.store.Order(l.ctx, o.ClientID)
		l.must(err)
		l.same("order", []any{judged.Judged, judged.Version > o.Version, judged.Pending(), judged.Bought}, []any{true, true, false, "1.000000"})
		_, err = l.store.Release(l.ctx, d.ID, teller.Act{Actor: "olga", Reason: "again"})
		l.must(err)
	}
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
}

func testOrderFailRefusals(l *ledger) {
	refuse := func(name, id string, version uint64, code teller.Code) {
		l.Helper()
		before := l.history()
		if _, err := l.store.FailOrder(l.ctx, id, version, "nobody sells"); teller.CodeOf(err) != code {
			l.Fatalf("%s: got %v, want code %s", name, err, code)
		}
		l.same(name+": written", l.history(), before)
	}
	none := l.toBuy("alice", 1_000_000)
	refuse("no order", none.ID, none.Version, teller.CodeConflict)
	o := l.prepare(none.ID)
	refuse("a pending order", none.ID, l.deposit(none.ID).Version, teller.CodeConflict)
	l.note(l.begin(o), failed(o, 0, 0))
	refuse("changed", none.ID, l.deposit(none.ID).Version-1, teller.CodeConflict)
	l.fail(none.ID)
	refuse("held", none.ID, l.deposit(none.ID).Version, teller.CodeConflict)
	refuse("unknown", "nobody:0", 1, teller.CodeNotFound)
}

// An order that the exchange may have been called for, and does not have, is ended by an operator's word. The doubt is
// answered by it, and the next attempt can be made.
func testOrderEnded(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	_, err := l.store.DoubtOrder(l.ctx, o.ClientID, o.Version, "no answer came")
	l.must(err)
	l.is(d.ID, teller.StatusWaitingPassthrough, teller.HoldOrderUnknown)
	ended, err := l.store.EndOrder(l.ctx, o.ClientID, teller.Act{Actor: "olga", Reason: "it is not there"})
	l.must(err)
	l.same("order", []any{ended.State, ended.Final, ended.Filled, ended.Doubted, ended.Ended, ended.Bought, ended.Spent},
		[]any{teller.OrderFinal, true, false, false, true, "0.000000", "0"})
	stored, err := l.store.Order(l.ctx, o.ClientID)
	l.must(err)
	l.same("stored", stored, ended)
	l.is(d.ID, teller.StatusWaitingPassthrough, "")
	log, err := l.store.Audit(l.ctx, 0, 100_000)
	l.must(err)
	if last := log[len(log)-1]; last.Actor != "olga" || !strings.Contains(last.Detail, "it is not there") || last.DepositID != d.ID {
		l.Fatalf("the audit log says %+v", last)
	}
	l.same("the next attempt", l.prepare(d.ID).Attempt, 2)
}

func (l *ledger) heldOnce(id string) {
	l.Helper()
	d := l.deposit(id)
	l.same("holds", len(d.Holds()), 1)
}

// doubted has an operator ask for the end of an order that may be on its way, and the order looked for and not shown.
func (l *ledger) doubted(o teller.Order, act teller.Act) teller.Order {
	l.Helper()
	asked, err := l.store.EndOrder(l.ctx, o.ClientID, act)
	l.must(err)
	l.same("not ended yet", asked, o)
	o, err = l.store.DoubtOrder(l.ctx, o.ClientID, o.Version, "it is not shown")
	l.must(err)
	return o
}

// While a call for the order may be under way, an operator's look at the exchange proves nothing: the deposit is held, so that
// no further call is begun, and when the word is given again, it counts. An order that comes to light answers it.
func testOrderEndWaitsForTheCall(l *ledger) {
	act := teller.Act{Actor: "olga", Reason: "it is not there"}
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	asked, err := l.store.EndOrder(l.ctx, o.ClientID, act)
	l.must(err)
	l.same("the order", asked, o)
	l.is(d.ID, teller.StatusWaitingPassthrough, teller.HoldOrderUnknown)
	l.heldOnce(d.ID)
	_, err = l.store.BeginOrder(l.ctx, o.ClientID, o.Version)
	l.refused(err, teller.CodeConflict)
	o = l.note(o, report(o, 0, 0))
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
	_, err = l.store.EndOrder(l.ctx, o.ClientID, act)
	l.refused(err, teller.CodeForbidden)

	d = l.toBuy("bob", 1_000_000)
	o = l.begin(l.prepare(d.ID))
	o = l.doubted(o, act)
	l.heldOnce(d.ID)
	ended, err := l.store.EndOrder(l.ctx, o.ClientID, act)
	l.must(err)
	l.same("ended", []any{ended.State, ended.Ended}, []any{teller.OrderFinal, true})
	l.is(d.ID, teller.StatusWaitingPassthrough, "")

	d = l.toBuy("dave", 1_000_000)
	o = l.begin(l.prepare(d.ID))
	for range 2 { // no exchange has answered in between
		ended, err = l.store.EndOrder(l.ctx, o.ClientID, act)
		l.must(err)
	}
	l.same("ended", []any{ended.State, ended.Ended}, []any{teller.OrderFinal, true})
	l.is(d.ID, teller.StatusWaitingPassthrough, "")

	d = l.toBuy("carol", 1_000_000)
	o = l.prepare(d.ID) // nobody was called
	_, err = l.store.EndOrder(l.ctx, o.ClientID, act)
	l.must(err)
	l.is(d.ID, teller.StatusWaitingPassthrough, "")
}

// An order that the exchange has shown, and does not show any more, can be ended. What it is known to have bought stays.
func testVanishedOrderEnded(l *ledger) {
	act := teller.Act{Actor: "olga", Reason: "they have closed"}
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	o = l.note(o, report(o, 1*sky, 200_000))
	_, err := l.store.EndOrder(l.ctx, o.ClientID, act)
	l.refused(err, teller.CodeForbidden)
	doubt := func() {
		o, err = l.store.DoubtOrder(l.ctx, o.ClientID, o.Version, "it is not shown any more")
		l.must(err)
		l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, teller.HoldOrderUnknown)
	}
	doubt()
	o = l.note(o, report(o, 1*sky, 200_000)) // it is back, with nothing new
	l.same("doubted", o.Doubted, false)
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
	doubt()
	_, err = l.store.CloseDeposit(l.ctx, d.ID, act)
	l.refused(err, teller.CodeForbidden)
	l.mentions(err.Error(), "orders end")
	ended, err := l.store.EndOrder(l.ctx, o.ClientID, act)
	l.must(err)
	l.same("order", []any{ended.State, ended.Ended, ended.Bought, ended.Spent}, []any{teller.OrderFinal, true, "1.000000", "200000"})
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
	l.fail(d.ID)
	_, err = l.store.Refund(l.ctx, d.ID, "back", 1*sky, act)
	l.must(err)
	l.is(d.ID, teller.StatusWaitingSend, "")
}

// A deposit whose coins are gone, held with an order that is not at the exchange, would keep its coin frozen for ever.
func testOrderEndedThenClosed(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	_, err := l.store.Hold(l.ctx, d.ID, l.deposit(d.ID).Version, teller.HoldOrphaned, "gone")
	l.must(err)
	act := teller.Act{Actor: "olga", Reason: "the coins are gone"}
	o = l.doubted(o, act)
	if _, err := l.store.CloseDeposit(l.ctx, d.ID, act); teller.CodeOf(err) != teller.CodeForbidden || !strings.Contains(err.Error(), "orders end") {
		l.Fatalf("closing it is answered with %v", err)
	}
	_, err = l.store.EndOrder(l.ctx, o.ClientID, act)
	l.must(err)
	l.is(d.ID, teller.StatusWaitingPassthrough, teller.HoldOrphaned)
	l.heldOnce(d.ID)
	_, err = l.store.CloseDeposit(l.ctx, d.ID, act)
	l.must(err)
	l.is(d.ID, teller.StatusDone, "")
}

func testOrderEndRefusals(l *ledger) {
	placed, over := l.prepare(l.toBuy("alice", 1_000_000).ID), l.prepare(l.toBuy("bob", 1_000_000).ID)
	placed = l.note(l.begin(placed), report(placed, 0, 0))
	over = l.note(l.begin(over), final(over, 5_000_000, 1_000_000))
	for name, c := range map[string]struct {
		id, reason string
		code       teller.Code
	}{
		"no reason": {placed.ClientID, "", teller.CodeInvalid},
		"shown":     {placed.ClientID, "because", teller.CodeForbidden},
		"final":     {over.ClientID, "because", teller.CodeConflict},
		"unknown":   {"t-nobody-1", "because", teller.CodeNotFound},
	} {
		before := l.history()
		if _, err := l.store.EndOrder(l.ctx, c.id, teller.Act{Actor: "olga", Reason: c.reason}); teller.CodeOf(err) != c.code {
			l.Fatalf("%s: got %v, want code %s", name, err, c.code)
		}
		l.same(name+": written", l.history(), before)
	}
}
