package storetest

import (
	"slices"
	"strconv"

	"github.com/skycoin/teller"
)

var depositTests = map[string]func(*ledger){
	"Decide":        testDecide,
	"DecideStale":   testDecideStale,
	"DecideNothing": testDecideZero,
	"Listings":      testListings,
	"Due":           testDue,
	"Totals":        testTotals,
}

func (l *ledger) due(s teller.Status) []string {
	l.Helper()
	ds, err := l.store.Due(l.ctx, s, 0, 0)
	l.must(err)
	return ids(ds)
}

func testDecide(l *ledger) {
	a, b := l.credited("alice", 1_000_000), l.credited("bob", 2_000_000)
	n, err := l.store.Decide(l.ctx, []teller.Decision{
		{DepositID: a.ID, Version: a.Version, Owed: 5 * teller.DropletsPerSKY},
		{DepositID: b.ID, Version: b.Version, Owed: 10 * teller.DropletsPerSKY},
	})
	l.must(err)
	l.same("applied", n, 2)
	l.reopen()
	got := l.is(a.ID, teller.StatusWaitingSend, "")
	l.same("owed, sent", []any{got.Owed, got.Sent}, []any{5 * teller.DropletsPerSKY, teller.Droplets(0)})
	if got.Version <= a.Version {
		l.Fatalf("version went from %d to %d", a.Version, got.Version)
	}
	l.same("to be sent", l.due(teller.StatusWaitingSend), []string{a.ID, b.ID})
	l.same("to be decided", len(l.due(teller.StatusWaitingDecide)), 0)
	n, err = l.store.Decide(l.ctx, nil)
	l.must(err)
	l.same("nothing to decide", n, 0)
}

// I5: a decision on a row that changed is left out, and the others are applied.
func testDecideStale(l *ledger) {
	a, b, c := l.credited("alice", 1_000_000), l.credited("bob", 1_000_000), l.credited("carol", 1_000_000)
	_, err := l.store.Hold(l.ctx, a.ID, a.Version, teller.HoldUnpayable, "x")
	l.must(err)
	held := l.deposit(a.ID)
	n, err := l.store.Decide(l.ctx, []teller.Decision{
		{DepositID: a.ID, Version: a.Version, Owed: 1},        // an old version
		{DepositID: a.ID, Version: held.Version, Owed: 1},     // held
		{DepositID: b.ID, Version: b.Version, Owed: 1000},     // fine
		{DepositID: b.ID, Version: b.Version, Owed: 2000},     // a moment too late
		{DepositID: "nobody:0", Version: 1, Owed: 1},          // not there
		{DepositID: c.ID, Version: c.Version + 7, Owed: 1000}, // from another world
	})
	l.must(err)
	l.same("applied", n, 1)
	l.same("held one is untouched", l.deposit(a.ID).Version, held.Version)
	l.same("owed", l.deposit(b.ID).Owed, teller.Droplets(1000))
	l.is(c.ID, teller.StatusWaitingDecide, "")
}

func testDecideZero(l *ledger) {
	d := l.credited("alice", 1)
	n, err := l.store.Decide(l.ctx, []teller.Decision{{DepositID: d.ID, Version: d.Version}})
	l.must(err)
	l.same("applied", n, 1)
	got := l.is(d.ID, teller.StatusDone, "")
	l.same("error", got.Error, teller.ErrSendAmountZero)
	l.same("errored", l.totals().Errored, 1)
}

func testListings(l *ledger) {
	var all []string
	for i := range 7 {
		d := l.credited("sky"+strconv.Itoa(i), 1_000_000)
		all = append(all, d.ID)
		if i%2 == 0 {
			_, err := l.store.Hold(l.ctx, d.ID, d.Version, teller.HoldUnpayable, "x")
			l.must(err)
		}
		if i%3 == 0 {
			_, err := l.store.CloseDeposit(l.ctx, d.ID, operator)
			l.must(err)
		}
	}
	list := func(q teller.DepositQuery) []string {
		ds, err := l.store.Deposits(l.ctx, q)
		l.must(err)
		return ids(ds)
	}
	l.same("all", list(teller.DepositQuery{}), all)
	l.same("first page", list(teller.DepositQuery{Limit: 3}), all[:3])
	after := l.deposit(all[2]).Seq
	l.same("next page", list(teller.DepositQuery{After: after, Limit: 3}), all[3:6])
	l.same("errored", list(teller.DepositQuery{Errored: true}), []string{all[0], all[3], all[6]})
	l.same("held", list(teller.DepositQuery{Held: true}), []string{all[2], all[4]})
	l.same("by status", list(teller.DepositQuery{Status: teller.StatusWaitingDecide}), []string{all[1], all[2], all[4], all[5]})
	l.same("by status, from a seq", list(teller.DepositQuery{Status: teller.StatusWaitingDecide, After: after, Limit: 1}), []string{all[4]})
	l.same("done and errored", list(teller.DepositQuery{Status: teller.StatusDone, Errored: true, After: 1}), []string{all[3], all[6]})
	l.same("none", len(list(teller.DepositQuery{Status: teller.StatusWaitingConfirm})), 0)
}

func testDue(l *ledger) {
	a, b, c := l.credited("alice", 1_000_000), l.credited("bob", 1_000_000), l.credited("carol", 1_000_000)
	l.same("due", l.due(teller.StatusWaitingDecide), []string{a.ID, b.ID, c.ID})
	_, err := l.store.Hold(l.ctx, b.ID, b.Version, teller.HoldUnpayable, "x")
	l.must(err)
	l.same("without the held one", l.due(teller.StatusWaitingDecide), []string{a.ID, c.ID})
	l.decide(a)
	l.same("without the decided one", l.due(teller.StatusWaitingDecide), []string{c.ID})
	_, err = l.store.Release(l.ctx, b.ID, operator)
	l.must(err)
	l.same("oldest first", l.due(teller.StatusWaitingDecide), []string{b.ID, c.ID})
	page, err := l.store.Due(l.ctx, teller.StatusWaitingDecide, b.Seq, 1)
	l.must(err)
	l.same("after a seq", ids(page), []string{c.ID})
	if slices.Contains(l.due(teller.StatusWaitingSend), b.ID) {
		l.Fatalf("%s is due in two statuses", b.ID)
	}
}

func testTotals(l *ledger) {
	empty := l.totals()
	for _, c := range teller.Coins {
		l.same("received of an empty ledger", empty.Received[c].String(), "0")
	}
	l.openWallet(100, 50)
	a := l.payable("alice", 1_000_000)
	l.payable("bob", 3_000_000)
	l.credited("carol", 7)
	_, tx := l.pay(a)
	sum := l.totals()
	l.same("received", sum.Received[teller.BTC].String(), "4000007")
	l.same("sent", sum.Sent, 5*teller.DropletsPerSKY)
	l.same("statuses", []int{sum.Deposits[teller.StatusWaitingConfirm], sum.Deposits[teller.StatusWaitingSend], sum.Deposits[teller.StatusWaitingDecide]}, []int{1, 1, 1})
	l.same("opening, paid", []any{sum.Opening, sum.Paid}, []any{150 * teller.DropletsPerSKY, teller.Droplets(0)})
	l.skyBlock(tx)
	l.reopen()
	sum = l.totals()
	l.same("sent, paid", []any{sum.Sent, sum.Paid}, []any{5 * teller.DropletsPerSKY, 5 * teller.DropletsPerSKY})
	l.same("done", sum.Deposits[teller.StatusDone], 1)
}
