package storetest

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// checkBooks compares the counters and indexes of a ledger with its rows: whatever the listings and totals say must
// follow from the deposits, bindings and outputs themselves.
func (l *ledger) checkBooks() {
	l.Helper()
	all := l.listAll(func(after uint64) ([]teller.Deposit, error) {
		return l.store.Deposits(l.ctx, teller.DepositQuery{After: after, Limit: 3})
	})
	for i, d := range all {
		if i > 0 && d.Seq <= all[i-1].Seq {
			l.Fatalf("deposit %s has seq %d after %d", d.ID, d.Seq, all[i-1].Seq)
		}
		one := l.deposit(d.ID)
		l.same("deposit by id and by listing", printed(one), printed(d))
	}
	l.checkTotals(all)
	l.checkListings(all)
	l.checkOrders(all)
	l.checkWallet()
	l.checkTrail(all)
}

// printed is a deposit with its hold's content instead of its place in memory.
func printed(d teller.Deposit) any {
	hold := teller.Hold{}
	if d.Hold != nil {
		hold = *d.Hold
	}
	value := d.Value.String()
	d.Hold, d.Value, d.Rate = nil, teller.Amount{}, teller.Rate{}
	return []any{d, hold, value}
}

func (l *ledger) listAll(page func(after uint64) ([]teller.Deposit, error)) []teller.Deposit {
	l.Helper()
	var all []teller.Deposit
	var after uint64
	for {
		ds, err := page(after)
		l.must(err)
		if len(ds) == 0 {
			return all
		}
		all = append(all, ds...)
		after = ds[len(ds)-1].Seq
	}
}

func (l *ledger) checkTotals(all []teller.Deposit) {
	l.Helper()
	sum := l.totals()
	received := map[teller.Coin]teller.Amount{}
	var sent teller.Droplets
	statuses := map[teller.Status]int{}
	frozen := map[teller.Coin]int{}
	errored, held := 0, 0
	spent := map[teller.Coin]teller.Amount{}
	var bought, kept teller.Droplets
	for _, d := range all {
		bought += d.Bought
		spent[d.Coin] = spent[d.Coin].Add(d.Spent)
		kept += keptOf(d)
		statuses[d.Status]++
		sent += d.Sent
		if d.Received() {
			received[d.Coin] = received[d.Coin].Add(d.Value)
		}
		if d.Freezes() {
			frozen[d.Coin]++
		}
		if d.Error != "" {
			errored++
		}
		if d.Hold != nil {
			held++
		}
	}
	for _, s := range teller.Statuses {
		l.same("count of "+string(s), sum.Deposits[s], statuses[s])
	}
	for _, c := range teller.Coins {
		l.same("received "+string(c), sum.Received[c].String(), received[c].String())
		l.same("frozen "+string(c), sum.Frozen[c], frozen[c])
		l.same("spent "+string(c), sum.Spent[c].String(), spent[c].String())
		bound := 0
		l.must(l.store.BoundAddresses(l.ctx, c, func(string) error { bound++; return nil }))
		l.same("bound "+string(c), sum.Bound[c], bound)
	}
	l.same("sent, errored, held", []any{sum.Sent, sum.Errored, sum.Held}, []any{sent, errored, held})
	l.same("bought, kept", []any{sum.Bought, sum.Kept}, []any{bought, kept})
}

// keptOf is what of the SKY bought for a deposit is owed to nobody.
func keptOf(d teller.Deposit) teller.Droplets {
	owed := d.Owed
	switch d.Status {
	case teller.StatusWaitingSend, teller.StatusWaitingConfirm:
	case teller.StatusDone:
		owed = d.Sent // what was closed is owed no more
	default:
		return 0
	}
	if owed >= d.Bought {
		return 0
	}
	return d.Bought - owed
}

// checkOrders checks that each deposit has the orders that it counts, one behind the other, that at most the last of them
// is pending, that what they bought and spent is what the deposit says, and that the pending ones are listed in order.
func (l *ledger) checkOrders(all []teller.Deposit) {
	l.Helper()
	known, pending := map[uint64]string{}, map[uint64]string{}
	for _, d := range all {
		orders, err := l.store.OrdersOf(l.ctx, d.ID)
		l.must(err)
		l.same("orders of "+d.ID, len(orders), d.Attempts)
		var bought teller.Droplets
		var spent teller.Amount
		for i, o := range orders {
			l.same("order", []any{o.ClientID, o.DepositID, o.Attempt, o.Coin}, []any{teller.OrderClientID(d.ID, i+1), d.ID, i + 1, d.Coin})
			one, err := l.store.Order(l.ctx, o.ClientID)
			l.must(err)
			l.same("order by id and by listing", one, o)
			l.same("final", o.Final, o.State == teller.OrderFinal)
			bought += o.Bought
			spent = spent.Add(o.Spent)
			known[o.Seq] = o.ClientID
			if o.Pending() {
				l.same("the pending one of "+d.ID, o.Attempt, d.Attempts)
				pending[o.Seq] = o.ClientID
			}
		}
		l.same("bought and spent for "+d.ID, []any{d.Bought, d.Spent}, []any{bought, spent})
	}
	l.lists("orders", known, l.store.Orders)
	l.lists("pending orders", pending, l.store.PendingOrders)
}

// lists goes through a listing of orders, which must name these ones, in order.
func (l *ledger) lists(what string, want map[uint64]string, list func(context.Context, uint64, int) ([]teller.Order, error)) {
	l.Helper()
	var last uint64
	for {
		page, err := list(l.ctx, last, 2)
		l.must(err)
		if len(page) == 0 {
			break
		}
		for _, o := range page {
			if o.Seq <= last || want[o.Seq] != o.ClientID {
				l.Fatalf("order %s with seq %d is among the %s after %d; those are %v", o.ClientID, o.Seq, what, last, want)
			}
			last = o.Seq
			delete(want, o.Seq)
		}
	}
	l.same(what+" that are not listed", len(want), 0)
}

func (l *ledger) checkListings(all []teller.Deposit) {
	l.Helper()
	list := func(q teller.DepositQuery) []string {
		return ids(l.listAll(func(after uint64) ([]teller.Deposit, error) {
			q.After, q.Limit = after, 2
			return l.store.Deposits(l.ctx, q)
		}))
	}
	pick := func(keep func(teller.Deposit) bool) []string {
		return ids(slices.DeleteFunc(slices.Clone(all), func(d teller.Deposit) bool { return !keep(d) }))
	}
	l.same("held", list(teller.DepositQuery{Held: true}), pick(func(d teller.Deposit) bool { return d.Hold != nil }))
	l.same("errored", list(teller.DepositQuery{Errored: true}), pick(func(d teller.Deposit) bool { return d.Error != "" }))
	for _, s := range teller.Statuses {
		in := func(d teller.Deposit) bool { return d.Status == s }
		l.same("in "+string(s), list(teller.DepositQuery{Status: s}), pick(in))
		l.same("held in "+string(s), list(teller.DepositQuery{Status: s, Held: true}),
			pick(func(d teller.Deposit) bool { return in(d) && d.Hold != nil }))
		if s == teller.StatusDone {
			continue
		}
		due := l.listAll(func(after uint64) ([]teller.Deposit, error) { return l.store.Due(l.ctx, s, after, 2) })
		l.same("due in "+string(s), ids(due), pick(func(d teller.Deposit) bool { return in(d) && d.Due() }))
	}
}

// checkWallet checks I6 in the books: they add up to the unspent outputs.
func (l *ledger) checkWallet() {
	l.Helper()
	all, spendable := l.outputs()
	var coins teller.Droplets
	for _, o := range all {
		coins += o.Coins
	}
	sum := l.totals()
	l.same("I6: opening + top-ups - paid - withdrawn", sum.Opening+sum.TopUps-sum.Paid-sum.Withdrawn, coins)

	pending, err := l.store.PendingPayouts(l.ctx)
	l.must(err)
	named := map[string]bool{}
	for _, p := range pending {
		for _, in := range p.Inputs {
			named[in] = true
		}
	}
	free := 0
	for _, o := range all {
		if !named[o.ID] {
			free++
		}
	}
	l.same("spendable outputs", len(spendable), free)
	for _, o := range spendable {
		if named[o.ID] {
			l.Fatalf("output %s is spendable although a pending payout names it", o.ID)
		}
	}
}
