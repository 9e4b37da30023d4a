package audit

import (
	"context"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

const (
	// lastPurchases is how many deposits of the ledger are looked up on the exchange, the newest ones, beside all that
	// wait for something. Each takes some calls, and an exchange allows few a minute.
	lastPurchases = 100
	// attemptsAhead is how many names of orders after a deposit's last one are looked for, as the buyer does it; those that
	// were refused have left no trace. mostAhead bounds what an exchange can make us ask. The journal may know of more.
	attemptsAhead = 3
	mostAhead     = 20
)

// orderAudit compares the orders of the ledger with those of the exchange, both ways.
type orderAudit struct {
	*run
	asker  asker
	all    map[teller.Coin]bool // coins of which all orders are asked about, not only the newest
	traded map[teller.Coin]bool
	seen   map[string]bool // client ids that were asked about
	done   map[string]bool // deposits that were looked at

	asked     int // orders of the ledger
	ended     int // of these, pending in the ledger and final on the exchange
	unshown   int // of these, about to be placed or perhaps placed, and not shown
	purchases int // deposits whose next orders were looked for
	elsewhere int // final orders on another exchange or market
	stranded  int // pending ones
}

// exchange compares every order of the ledger with what the exchange tells of it, and looks there for orders that the
// ledger should know.
func (r *run) exchange(ctx context.Context, from map[teller.Coin]int64) error {
	a := &orderAudit{
		run: r, asker: asker{exchange: r.Exchange, wait: r.RatelimitWait}, all: make(map[teller.Coin]bool), traded: make(map[teller.Coin]bool),
		seen: make(map[string]bool), done: make(map[string]bool),
	}
	for coin := range from {
		a.all[coin] = true
	}
	for _, step := range []func(context.Context) error{a.account, a.pending, a.waiting, a.newest, a.open} {
		if err := step(ctx); err != nil {
			a.tell()
			return err
		}
	}
	a.tell()
	return nil
}

// noExchange tells that orders can not be compared because there is nobody to ask; nothing when there never was an order.
func (r *run) noExchange(ctx context.Context) error {
	sum, err := r.Ledger.Totals(ctx)
	if err != nil {
		return err
	}
	pending, err := r.Ledger.PendingOrders(ctx, 0, 1)
	if err != nil || (sum.Bought == 0 && len(pending) == 0) {
		return err
	}
	return teller.Errorf(teller.CodeUnsupported, "the ledger has orders on an exchange, and none is configured")
}

// tell says what was compared, also when that was not all.
func (a *orderAudit) tell() {
	if len(a.traded) == 0 {
		return
	}
	a.check("orders", "%d orders compared with %s, and what follows them looked for at %d deposits; "+
		"%d have ended there and are still open here, %d may have been placed and are not shown: teller sees to these by itself",
		a.asked, a.Exchange.Name(), a.purchases, a.ended, a.unshown)
	if a.elsewhere > 0 {
		a.check("orders", "%d final orders stand on another exchange or market and are not judged", a.elsewhere)
	}
	if a.stranded > 0 {
		a.skip("orders", "%d orders that may still buy stand on an exchange or market that is not configured now", a.stranded)
	}
	if a.asker.failed > 0 {
		a.skip("orders", "not all could be compared, %d calls failed; the last one said: %v", a.asker.failed, a.asker.failure)
	}
}

// account tells what the exchange's account can spend, and finds out which coins it trades.
func (a *orderAudit) account(ctx context.Context) error {
	var spendable []string
	for _, coin := range teller.Coins {
		var balance teller.Amount
		err := a.asker.patiently(ctx, func() (err error) {
			if _, err = a.Exchange.Market(ctx, coin); err == nil {
				balance, err = a.Exchange.Balance(ctx, coin)
			}
			return err
		})
		if teller.CodeOf(err) == teller.CodeUnsupported {
			continue
		}
		if err != nil {
			return err
		}
		a.traded[coin] = true
		spendable = append(spendable, balance.Format(coin)+" "+string(coin))
	}
	if len(spendable) == 0 {
		return teller.Errorf(teller.CodeUnsupported, "%s sells no SKY for any coin", a.Exchange.Name())
	}
	a.check("exchange", "the account on %s can spend %s", a.Exchange.Name(), strings.Join(spendable, ", "))
	return nil
}

// pending compares the orders that may still buy.
func (a *orderAudit) pending(ctx context.Context) error {
	for after := uint64(0); ; {
		orders, err := a.Ledger.PendingOrders(ctx, after, page)
		if err != nil || len(orders) == 0 {
			return err
		}
		after = orders[len(orders)-1].Seq
		for _, o := range orders {
			if err := a.compare(ctx, o); err != nil {
				return err
			}
		}
	}
}

// waiting looks at the deposits that are not paid yet, however old they are.
func (a *orderAudit) waiting(ctx context.Context) error {
	for _, status := range []teller.Status{
		teller.StatusWaitingDecide, teller.StatusWaitingPassthrough, teller.StatusWaitingPassthroughOrderComplete,
		teller.StatusWaitingSend, teller.StatusWaitingConfirm,
	} {
		q := teller.DepositQuery{Status: status, Limit: page}
		if err := a.bought(ctx, q, func(d teller.Deposit) error { return a.deposit(ctx, d) }); err != nil {
			return err
		}
	}
	return nil
}

// newest looks at the newest deposits, and at all of the coins that are to be compared as a whole.
func (a *orderAudit) newest(ctx context.Context) error {
	sum, err := a.Ledger.Totals(ctx)
	if err != nil {
		return err
	}
	count := 0
	for _, n := range sum.Deposits {
		count += n
	}
	q := teller.DepositQuery{After: uint64(max(count-lastDeposits, 0)), Limit: page}
	var seqs []uint64
	if err := a.bought(ctx, q, func(d teller.Deposit) error { seqs = append(seqs, d.Seq); return nil }); err != nil {
		return err
	}
	from := uint64(math.MaxUint64)
	if len(seqs) > 0 {
		from = seqs[max(len(seqs)-lastPurchases, 0)]
	}
	if len(a.all) > 0 {
		q.After = 0
	}
	return a.bought(ctx, q, func(d teller.Deposit) error {
		if d.Seq < from && !a.all[d.Coin] {
			return nil
		}
		return a.deposit(ctx, d)
	})
}

// bought calls f for the deposits of a listing that are bound for a purchase.
func (a *orderAudit) bought(ctx context.Context, q teller.DepositQuery, f func(teller.Deposit) error) error {
	for {
		ds, err := a.Ledger.Deposits(ctx, q)
		if err != nil || len(ds) == 0 {
			return err
		}
		q.After = ds[len(ds)-1].Seq
		for _, d := range ds {
			if d.BuyMethod != teller.BuyPassthrough {
				continue
			}
			if err := f(d); err != nil {
				return err
			}
		}
	}
}

// deposit compares all orders of a deposit, and looks for those that would have been made next.
func (a *orderAudit) deposit(ctx context.Context, d teller.Deposit) error {
	if a.done[d.ID] {
		return nil
	}
	a.done[d.ID] = true
	orders, err := a.Ledger.OrdersOf(ctx, d.ID)
	if teller.CodeOf(err) == teller.CodeCorrupt {
		return nil // the ledger's own check tells
	}
	if err != nil {
		return err
	}
	for _, o := range orders {
		if err := a.compare(ctx, o); err != nil {
			return err
		}
	}
	if !a.traded[d.Coin] {
		return nil
	}
	a.purchases++
	told, err := a.Ledger.Attempted(ctx, d.ID)
	if err != nil {
		return err
	}
	last := len(orders)
	for n, misses := last+1, 0; n <= told || misses < attemptsAhead && n <= last+mostAhead; n++ {
		clientID := teller.OrderClientID(d.ID, n)
		report, got, err := a.asker.find(ctx, d.Coin, clientID)
		if err != nil {
			return err
		}
		if got != shown {
			misses++
			continue
		}
		misses = 0
		if err := a.forgotten(ctx, d.ID, clientID, report); err != nil {
			return err
		}
	}
	return nil
}

// forgotten tells of an order that the ledger does not know, unless it was made meanwhile.
func (a *orderAudit) forgotten(ctx context.Context, depositID, clientID string, report teller.OrderReport) error {
	a.seen[clientID] = true
	if _, err := a.Ledger.Order(ctx, clientID); teller.CodeOf(err) != teller.CodeNotFound {
		return err
	}
	d, err := a.Ledger.Deposit(ctx, depositID)
	if err != nil {
		return err
	}
	a.findings.Add(forgottenOrder(a.Exchange.Name(), d, clientID, report))
	return nil
}

// compare holds an order of the ledger against what the exchange tells.
func (a *orderAudit) compare(ctx context.Context, o teller.Order) error {
	if a.seen[o.ClientID] {
		return nil
	}
	a.seen[o.ClientID] = true
	if o.Exchange != a.Exchange.Name() || !a.traded[o.Coin] {
		if o.Pending() {
			a.stranded++
		} else {
			a.elsewhere++
		}
		return nil
	}
	report, got, err := a.asker.find(ctx, o.Coin, o.ClientID)
	if err != nil || got == none {
		return err
	}
	a.asked++
	switch {
	case got == missing && o.OrderID != "":
		a.findings.Add(goneOrder(o))
	case got == missing && o.Pending():
		a.unshown++
	case got == missing: // it was refused, or never placed
	case o.Pending():
		a.comparePending(o, report)
	case o.OrderID == "":
		a.findings.Add(deniedOrder(o, report))
	case differ(o.OrderReport, report):
		a.findings.Add(otherOrder(o, report))
	}
	return nil
}

// comparePending holds an order that may still buy in the ledger against what the exchange tells since: that must be
// something that the buyer can note next.
func (a *orderAudit) comparePending(o teller.Order, report teller.OrderReport) {
	next := o
	if _, _, err := next.Note(report, o.UpdatedAt); err != nil {
		a.findings.Add(otherOrder(o, report))
	} else if report.Final {
		a.ended++
	}
}

// differ reports whether two reports tell another end or other sums. How an exchange words it may change.
func differ(a, b teller.OrderReport) bool {
	return a.OrderID != b.OrderID || a.Final != b.Final || a.Filled != b.Filled || a.Bought != b.Bought || !a.Spent.Equal(b.Spent)
}

// open tells of orders that may still buy, under a name that only a teller gives, and that belong to nothing in the
// ledger. Those that it does know were compared before, or are too old to be.
func (a *orderAudit) open(ctx context.Context) error {
	for _, coin := range teller.Coins {
		if !a.traded[coin] {
			continue
		}
		var live map[string]teller.OrderReport
		err := a.asker.patiently(ctx, func() (err error) {
			live, err = a.Exchange.Open(ctx, coin)
			return err
		})
		if err != nil {
			return err
		}
		for _, clientID := range slices.Sorted(maps.Keys(live)) {
			if !isOurs(clientID) || a.seen[clientID] {
				continue
			}
			switch o, err := a.Ledger.Order(ctx, clientID); {
			case teller.CodeOf(err) == teller.CodeNotFound:
				a.findings.Add(unknownOrder(a.Exchange.Name(), coin, clientID, live[clientID]))
			case err != nil:
				return err
			default:
				if err := a.compare(ctx, o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// isOurs reports whether a client id has the form of teller.OrderClientID.
func isOurs(clientID string) bool { return ourClientID.MatchString(clientID) }

var ourClientID = regexp.MustCompile(`^t-[a-z2-7]{24}-[0-9]+$`)
