package storetest

import (
	"strings"

	"github.com/skycoin/teller"
)

// What happens to one order on an exchange, from the draft to its end.
var orderTests = map[string]func(*ledger){
	"Prepared":        testOrderPrepared,
	"PrepareRefusals": testOrderPrepareRefusals,
	"Begun":           testOrderBegun,
	"BeginRefusals":   testOrderBeginRefusals,
	"Noted":           testOrderNoted,
	"Adopted":         testOrderAdopted,
	"NeverAccepted":   testOrderNeverAccepted,
	"NoteRefusals":    testOrderNoteRefusals,
	"NothingNew":      testOrderNothingNew,
	"AnyBytes":        testOrderAnyBytes,
	"NotedWhileHeld":  testOrderNotedWhileHeld,
	"Unknown":         testOrderUnknown,
	"Audited":         testOrderAudited,
}

// toBuy makes a credited deposit for which SKY is to be bought.
func (l *ledger) toBuy(sky string, value uint64) teller.Deposit {
	l.Helper()
	return l.creditedFor(sky, value, teller.BuyPassthrough)
}

// prepare stores the next attempt for a deposit, as it is now, to spend all that is left.
func (l *ledger) prepare(id string) teller.Order {
	l.Helper()
	d := l.deposit(id)
	o, err := l.store.PrepareOrder(l.ctx, teller.OrderDraft{DepositID: id, Version: d.Version, Exchange: "fair", Requested: d.Unspent()})
	l.must(err)
	return o
}

func (l *ledger) begin(o teller.Order) teller.Order {
	l.Helper()
	o, err := l.store.BeginOrder(l.ctx, o.ClientID, o.Version)
	l.must(err)
	return o
}

func (l *ledger) note(o teller.Order, r teller.OrderReport) teller.Order {
	l.Helper()
	o, err := l.store.NoteOrder(l.ctx, o.ClientID, o.Version, r)
	l.must(err)
	return o
}

// report is what the exchange says of an order that it has, after it bought SKY for satoshi.
func report(o teller.Order, bought teller.Droplets, spent uint64) teller.OrderReport {
	return teller.OrderReport{
		OrderID: "4711-" + o.ClientID, Status: "active", Bought: bought, Spent: teller.NewAmount(spent),
		Completed: "more than that", Price: "0.002", Original: `{"status":"active","x":"<&>"}`,
	}
}

// final is a report with which an order ends.
func final(o teller.Order, bought teller.Droplets, spent uint64) teller.OrderReport {
	r := report(o, bought, spent)
	r.Final, r.Filled, r.Status = true, true, "completed"
	return r
}

func testOrderPrepared(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o, err := l.store.PrepareOrder(l.ctx, teller.OrderDraft{
		DepositID: d.ID, Version: d.Version, Exchange: "fair", Requested: teller.NewAmount(900_000), Least: teller.MustRate("450.5"),
	})
	l.must(err)
	l.same("order", []any{o.ClientID, o.DepositID, o.Attempt, o.Version, o.Exchange, o.Coin, o.Requested, o.Least, o.State, o.Doubted, o.Pending()},
		[]any{teller.OrderClientID(d.ID, 1), d.ID, 1, 1, "fair", teller.BTC, "900000", "450.5", teller.OrderPrepared, false, true})
	if o.CreatedAt.IsZero() || !o.UpdatedAt.Equal(o.CreatedAt) {
		l.Fatalf("order was made at %s and changed at %s", o.CreatedAt, o.UpdatedAt)
	}
	l.reopen()
	again, err := l.store.Order(l.ctx, o.ClientID)
	l.must(err)
	l.same("order read back", again, o)
	after := l.is(d.ID, teller.StatusWaitingPassthrough, "")
	l.same("deposit", []any{after.Attempts, after.Version > d.Version, after.Bought, after.Spent, after.Owed}, []any{1, true, "0.000000", "0", "0.000000"})

	other := l.prepare(l.toBuy("bob", 1_000_000).ID)
	pending, err := l.store.PendingOrders(l.ctx, 0, 0)
	l.must(err)
	l.same("pending, oldest first", []string{pending[0].ClientID, pending[1].ClientID}, []string{o.ClientID, other.ClientID})
	pending, err = l.store.PendingOrders(l.ctx, o.Seq, 1)
	l.must(err)
	l.same("behind the first", []any{len(pending), pending[0].ClientID, other.Seq > o.Seq}, []any{1, other.ClientID, true})
	l.note(o, teller.OrderReport{Status: "refused", Final: true})
	all, err := l.store.Orders(l.ctx, 0, 0)
	l.must(err)
	l.same("all, oldest first", []any{len(all), all[0].ClientID, all[0].Final, all[1].ClientID}, []any{2, o.ClientID, true, other.ClientID})
	all, err = l.store.Orders(l.ctx, o.Seq, 1)
	l.must(err)
	l.same("behind the first", []any{len(all), all[0].ClientID}, []any{1, other.ClientID})
}

func testOrderPrepareRefusals(l *ledger) {
	d, direct := l.toBuy("alice", 1_000_000), l.credited("bob", 1_000_000)
	held := l.toBuy("carol", 1_000_000)
	_, err := l.store.Hold(l.ctx, held.ID, held.Version, teller.HoldBelowMinimum, "too small")
	l.must(err)
	held = l.deposit(held.ID)
	sent := l.payable("dave", 1_000_000)
	draft := teller.OrderDraft{DepositID: d.ID, Version: d.Version, Exchange: "fair", Requested: teller.NewAmount(1_000_000)}
	change := func(f func(*teller.OrderDraft)) teller.OrderDraft { c := draft; f(&c); return c }
	of := func(d teller.Deposit) teller.OrderDraft {
		return change(func(c *teller.OrderDraft) { c.DepositID, c.Version = d.ID, d.Version })
	}
	refuse := func(name string, draft teller.OrderDraft, code teller.Code) {
		l.Helper()
		before := l.history()
		if _, err := l.store.PrepareOrder(l.ctx, draft); teller.CodeOf(err) != code {
			l.Fatalf("%s: got %v, want code %s", name, err, code)
		}
		l.same(name+": written", l.history(), before)
	}
	refuse("no exchange", change(func(c *teller.OrderDraft) { c.Exchange = "" }), teller.CodeInvalid)
	refuse("no amount", change(func(c *teller.OrderDraft) { c.Requested = teller.Amount{} }), teller.CodeInvalid)
	refuse("more than there is", change(func(c *teller.OrderDraft) { c.Requested = teller.NewAmount(1_000_001) }), teller.CodeInvalid)
	refuse("changed", change(func(c *teller.OrderDraft) { c.Version-- }), teller.CodeConflict)
	refuse("held", of(held), teller.CodeConflict)
	refuse("unknown", change(func(c *teller.OrderDraft) { c.DepositID = "nobody:0" }), teller.CodeNotFound)
	refuse("not for an exchange", of(direct), teller.CodeForbidden)
	refuse("decided", of(sent), teller.CodeForbidden)
	o := l.prepare(d.ID)
	for range 3 { // prepared, placing, placed
		refuse("a pending order", of(l.deposit(d.ID)), teller.CodeConflict)
		if o.State == teller.OrderPrepared {
			o = l.begin(o)
		} else {
			o = l.note(o, report(o, 0, 0))
		}
	}
	l.note(o, final(o, 2*sky, 400_000))
	refuse("more than is left", change(func(c *teller.OrderDraft) {
		c.Version, c.Requested = l.deposit(d.ID).Version, teller.NewAmount(600_001)
	}), teller.CodeInvalid)
	l.same("the next attempt", l.prepare(d.ID).Attempt, 2)
}

// From BeginOrder on the order may exist, and the deposit may not be ended behind its back.
func testOrderBegun(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.prepare(d.ID)
	was := l.deposit(d.ID)
	begun := l.begin(o)
	l.same("begun", []any{begun.State, begun.Version > o.Version}, []any{teller.OrderPlacing, true})
	l.reopen()
	again := l.begin(begun) // the call was lost: the same client id once more
	l.same("begun again", []any{again.State, again.Version > begun.Version, again.ClientID}, []any{teller.OrderPlacing, true, o.ClientID})
	l.same("deposit", printed(l.deposit(d.ID)), printed(was))
}

func testOrderBeginRefusals(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.prepare(d.ID)
	_, err := l.store.BeginOrder(l.ctx, o.ClientID, o.Version+1)
	l.refused(err, teller.CodeConflict)
	now := l.deposit(d.ID)
	_, err = l.store.Hold(l.ctx, d.ID, now.Version, teller.HoldWithdrawal, "paid by hand?")
	l.must(err)
	_, err = l.store.BeginOrder(l.ctx, o.ClientID, o.Version)
	l.refused(err, teller.CodeConflict)
	_, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	l.reorg(teller.BTC, 2) // its block is gone
	_, err = l.store.BeginOrder(l.ctx, o.ClientID, o.Version)
	l.refused(err, teller.CodeConflict)
	_, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	o = l.begin(o)
	o = l.note(o, report(o, 0, 0))
	_, err = l.store.BeginOrder(l.ctx, o.ClientID, o.Version)
	l.refused(err, teller.CodeConflict) // placed
	o = l.note(o, final(o, 5*sky, 1_000_000))
	_, err = l.store.BeginOrder(l.ctx, o.ClientID, o.Version)
	l.refused(err, teller.CodeConflict) // final
}

// A report brings what was bought since the last one into the order, the deposit and the totals, at once.
func testOrderNoted(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	sums := func(bought teller.Droplets, spent uint64) {
		l.Helper()
		d, sum := l.deposit(d.ID), l.totals()
		l.same("deposit", []any{d.Bought, d.Spent.String()}, []any{bought, teller.NewAmount(spent).String()})
		l.same("totals", []any{sum.Bought, sum.Spent[teller.BTC].String(), sum.Kept}, []any{bought, teller.NewAmount(spent).String(), "0.000000"})
	}
	r := report(o, 0, 0)
	o = l.note(o, r)
	l.same("order", []any{o.State, o.OrderReport}, []any{teller.OrderPlaced, r})
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
	sums(0, 0)
	o = l.note(o, report(o, 2*sky+1, 400_000))
	sums(2*sky+1, 400_000)
	l.reopen()
	r = final(o, 3*sky+7, 600_000)
	r.Filled, r.Status = false, "cancelled"
	o = l.note(o, r)
	l.same("order", []any{o.State, o.Pending(), o.OrderReport}, []any{teller.OrderFinal, false, r})
	sums(3*sky+7, 600_000)
	second := l.prepare(d.ID)
	l.same("what is left", []any{second.Attempt, second.Requested, l.deposit(d.ID).Status}, []any{2, "400000", teller.StatusWaitingPassthrough})
	second = l.begin(second)
	l.note(second, final(second, 2*sky, 400_000))
	sums(5*sky+7, 1_000_000)
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
	l.same("pending", l.pending(), []string(nil))
}

// pending lists the client ids of the orders that are not final.
func (l *ledger) pending() (ids []string) {
	l.Helper()
	os, err := l.store.PendingOrders(l.ctx, 0, 0)
	l.must(err)
	for _, o := range os {
		ids = append(ids, o.ClientID)
	}
	return ids
}

// A ledger from an older backup makes the same attempt again, and finds that the exchange has it.
func testOrderAdopted(l *ledger) {
	for name, r := range map[string]func(teller.Order) teller.OrderReport{
		"active": func(o teller.Order) teller.OrderReport { return report(o, 1*sky, 200_000) },
		"final":  func(o teller.Order) teller.OrderReport { return final(o, 5*sky, 1_000_000) },
	} {
		d := l.toBuy("alice", 1_000_000)
		o := l.prepare(d.ID)
		o = l.note(o, r(o))
		l.same(name, []any{o.State, o.Bought}, []any{map[bool]teller.OrderState{true: teller.OrderFinal, false: teller.OrderPlaced}[name == "final"], r(o).Bought})
		l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
	}
}

// The exchange has refused it for good: it has no id there, and the deposit waits for the next attempt, or for somebody.
func testOrderNeverAccepted(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	o = l.note(o, teller.OrderReport{Final: true, Status: "below the minimum"})
	l.same("order", []any{o.State, o.OrderID, o.Status}, []any{teller.OrderFinal, "", "below the minimum"})
	l.is(d.ID, teller.StatusWaitingPassthrough, "")
	now := l.deposit(d.ID)
	_, err := l.store.Hold(l.ctx, d.ID, now.Version, teller.HoldBelowMinimum, "0.005 at least")
	l.must(err)
	_, err = l.store.Release(l.ctx, d.ID, operator) // just tries again
	l.must(err)
	l.same("attempt", l.prepare(d.ID).Attempt, 2)
}

func testOrderNoteRefusals(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	o = l.note(o, report(o, 2*sky, 400_000))
	before := l.history()
	for name, change := range map[string]func(*teller.OrderReport){
		"less bought":        func(r *teller.OrderReport) { r.Bought = 2*sky - 1 },
		"less spent":         func(r *teller.OrderReport) { r.Spent = teller.NewAmount(399_999) },
		"another order":      func(r *teller.OrderReport) { r.OrderID = "other" },
		"filled, yet active": func(r *teller.OrderReport) { r.Filled = true },
		"less at its end":    func(r *teller.OrderReport) { r.Final, r.Bought = true, 0 },
	} {
		r := report(o, 2*sky, 400_000)
		change(&r)
		_, err := l.store.NoteOrder(l.ctx, o.ClientID, o.Version, r)
		if code := teller.CodeOf(err); code != teller.CodeMalformed {
			l.Fatalf("%s: got %v, want code %s", name, err, teller.CodeMalformed)
		}
	}
	_, err := l.store.NoteOrder(l.ctx, o.ClientID, o.Version-1, final(o, 2*sky, 400_000))
	l.refused(err, teller.CodeConflict)
	l.same("written", l.history(), before)
	fresh := l.prepare(l.toBuy("carol", 1_000_000).ID)
	_, err = l.store.NoteOrder(l.ctx, fresh.ClientID, fresh.Version, teller.OrderReport{Bought: 1})
	l.refused(err, teller.CodeMalformed) // bought by an order that the exchange has no name for
	o = l.note(o, final(o, 2*sky, 400_000))
	_, err = l.store.NoteOrder(l.ctx, o.ClientID, o.Version, final(o, 3*sky, 600_000))
	l.refused(err, teller.CodeConflict)
	l.same("bought", l.deposit(d.ID).Bought, 2*sky)
}

// An order is looked at every few seconds. What is told again is not written again.
func testOrderNothingNew(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	o = l.note(o, report(o, 2*sky, 400_000))
	was, written := l.deposit(d.ID), l.history()
	for range 3 {
		o2 := l.note(o, report(o, 2*sky, 400_000))
		l.same("order", o2, o)
	}
	quiet := report(o, 2*sky, 400_000)
	quiet.OrderID = "" // asked by its own id, the exchange does not repeat it
	l.same("order", l.note(o, quiet), o)
	l.same("deposit", printed(l.deposit(d.ID)), printed(was))
	l.same("written", l.history(), written)
}

// What an exchange answers is kept word for word, as far as it is text at all, and reads back as it was returned.
func testOrderAnyBytes(l *ledger) {
	o := l.begin(l.prepare(l.toBuy("alice", 1_000_000).ID))
	r := report(o, 1, 1)
	r.Original = "<b>\"quoted\"\u2028</b> & \xff\xfe\x00 ü"
	o = l.note(o, r)
	l.same("kept", o.Original, "<b>\"quoted\"\u2028</b> & \ufffd\x00 ü")
	l.reopen()
	again, err := l.store.Order(l.ctx, o.ClientID)
	l.must(err)
	l.same("read back", again, o)
	l.same("told again", l.note(o, r), o)
}

// Whatever holds the deposit, its order is followed to its end.
func testOrderNotedWhileHeld(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	l.reorg(teller.BTC, 2)
	l.is(d.ID, teller.StatusWaitingPassthrough, teller.HoldOrphaned)
	o = l.note(o, report(o, 1*sky, 200_000))
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, teller.HoldOrphaned)
	l.note(o, final(o, 5*sky, 1_000_000))
	got := l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, teller.HoldOrphaned)
	l.same("bought", got.Bought, 5*sky)
	l.refused(l.store.SendBought(l.ctx, d.ID, got.Version, 5*sky), teller.CodeConflict)
}

func testOrderUnknown(l *ledger) {
	_, err := l.store.Order(l.ctx, "t-nothing-1")
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.OrdersOf(l.ctx, "nobody:0")
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.BeginOrder(l.ctx, "t-nothing-1", 1)
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.NoteOrder(l.ctx, "t-nothing-1", 1, teller.OrderReport{})
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.DoubtOrder(l.ctx, "t-nothing-1", 1, "x")
	l.refused(err, teller.CodeNotFound)
	l.refused(l.store.SendBought(l.ctx, "nobody:0", 1, 5), teller.CodeNotFound)
	_, err = l.store.PayInstead(l.ctx, "nobody:0", 5, operator)
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.Refund(l.ctx, "nobody:0", "back", 0, operator)
	l.refused(err, teller.CodeNotFound)
	os, err := l.store.OrdersOf(l.ctx, l.toBuy("alice", 1000).ID)
	l.must(err)
	l.same("orders", len(os), 0)
}

// Each step is an entry that names the deposit, the client id and, once there is one, the exchange's own.
func testOrderAudited(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	before := len(l.trail())
	o := l.begin(l.prepare(d.ID))
	o, err := l.store.DoubtOrder(l.ctx, o.ClientID, o.Version, "asked three times")
	l.must(err)
	o = l.note(o, report(o, 0, 0))
	o = l.note(o, report(o, 2*sky, 400_000))
	o = l.note(o, final(o, 5*sky+1, 1_000_000))
	l.must(l.store.SendBought(l.ctx, d.ID, l.deposit(d.ID).Version, 5*sky))
	var events []string
	for _, e := range l.trail()[before:] {
		l.same("deposit of "+e.Event, []any{e.DepositID, e.Actor}, []any{d.ID, ""})
		l.mentions(e.Detail, o.ClientID, "fair")
		if len(events) > 2 {
			l.mentions(e.Detail, o.OrderID)
		}
		events = append(events, e.Event)
		switch e.Event {
		case "order":
			l.mentions(e.Detail, "0.01000000 BTC")
		case "order doubt":
			l.mentions(e.Detail, "asked three times")
		case "order final":
			l.mentions(e.Detail, "5.000001 SKY", "0.01000000 BTC", "completed")
		case "bought":
			l.mentions(e.Detail, "5.000000 SKY", "5.000001", "kept 0.000001")
		}
	}
	l.same("events", strings.Join(events, ", "), "order, order placing, order doubt, order placed, order report, order final, bought")
}
