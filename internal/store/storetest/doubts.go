package storetest

import "github.com/skycoin/teller"

// Orders of which nobody knows whether the exchange has them.
var doubtTests = map[string]func(*ledger){
	"Doubted":  testOrderDoubted,
	"Ends":     testOrderDoubtEnds,
	"Refusals": testOrderDoubtRefusals,
}

// The exchange does not show an order that it may have accepted: that holds the deposit, and only an operator lets it be
// placed once more.
func testOrderDoubted(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	doubted, err := l.store.DoubtOrder(l.ctx, o.ClientID, o.Version, "fair does not show "+o.ClientID)
	l.must(err)
	l.same("order", []any{doubted.Doubted, doubted.State, doubted.Version > o.Version}, []any{true, teller.OrderPlacing, true})
	l.reopen()
	held := l.is(d.ID, teller.StatusWaitingPassthrough, teller.HoldOrderUnknown)
	l.same("detail", held.Hold.Detail, "fair does not show "+o.ClientID)
	_, err = l.store.BeginOrder(l.ctx, o.ClientID, doubted.Version)
	l.refused(err, teller.CodeConflict)
	_, err = l.store.DoubtOrder(l.ctx, o.ClientID, doubted.Version, "still not")
	l.refused(err, teller.CodeConflict)
	held = l.deposit(d.ID)
	l.same("holds", len(held.Holds()), 1)
	_, err = l.store.CloseDeposit(l.ctx, d.ID, operator)
	l.refused(err, teller.CodeForbidden)
	l.mentions(err.Error(), o.ClientID, "fair", "release")

	_, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	now, err := l.store.Order(l.ctx, o.ClientID)
	l.must(err)
	l.same("an operator vouches for it", now, doubted)
	again := l.begin(now)
	l.same("what is not known of this call", []any{again.Doubted, again.State}, []any{false, teller.OrderPlacing})
	_, err = l.store.DoubtOrder(l.ctx, o.ClientID, again.Version, "fair does not show "+o.ClientID)
	l.must(err)
	l.is(d.ID, teller.StatusWaitingPassthrough, teller.HoldOrderUnknown)
}

// It shows after all, or never will: nothing is left to decide.
func testOrderDoubtEnds(l *ledger) {
	for name, c := range map[string]struct {
		placed bool
		ends   bool
		report func(teller.Order) teller.OrderReport
	}{
		"it shows":              {false, true, func(o teller.Order) teller.OrderReport { return report(o, 1*sky, 200_000) }},
		"it was filled":         {false, true, func(o teller.Order) teller.OrderReport { return final(o, 5*sky, 1_000_000) }},
		"it was never accepted": {false, true, func(teller.Order) teller.OrderReport { return teller.OrderReport{Final: true} }},
		"it shows again":        {true, true, func(o teller.Order) teller.OrderReport { return report(o, 1*sky, 200_000) }},
		"a word about it":       {false, false, func(teller.Order) teller.OrderReport { return teller.OrderReport{Status: "asked again"} }},
	} {
		d := l.toBuy("alice", 1_000_000)
		o := l.begin(l.prepare(d.ID))
		if c.placed {
			o = l.note(o, c.report(o))
		}
		now := l.deposit(d.ID)
		_, err := l.store.Hold(l.ctx, d.ID, now.Version, teller.HoldUnpayable, "another reason")
		l.must(err)
		o, err = l.store.DoubtOrder(l.ctx, o.ClientID, o.Version, "not shown")
		l.must(err)
		o = l.note(o, c.report(o))
		got := l.deposit(d.ID)
		l.same(name, []any{got.HeldFor(teller.HoldOrderUnknown), o.Doubted, got.HeldFor(teller.HoldUnpayable)}, []any{!c.ends, !c.ends, true})
	}
}

func testOrderDoubtRefusals(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.prepare(d.ID)
	doubt := func(version uint64) error {
		_, err := l.store.DoubtOrder(l.ctx, o.ClientID, version, "x")
		return err
	}
	l.refused(doubt(o.Version), teller.CodeConflict) // no call was made
	o = l.begin(o)
	l.refused(doubt(o.Version+1), teller.CodeConflict)
	o = l.note(o, final(o, 5*sky, 1_000_000))
	l.refused(doubt(o.Version), teller.CodeConflict)
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
}
