package settle

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// A backup that is put back has forgotten orders. They are found by their client ids, and none is placed again.
func TestBuyerWithAnOlderLedger(t *testing.T) {
	for i, c := range lives {
		for _, idsOnce := range []bool{true, false} {
			type backup struct {
				deposits []teller.Deposit
				orders   []teller.Order
			}
			var backups []backup
			first := newShop(t, idsOnce, bound(1, 100_000))
			check := first.l.check
			first.l.check = func() {
				check()
				backups = append(backups, backup{append([]teller.Deposit(nil), first.l.deposits...), append([]teller.Order(nil), first.l.orders...)})
			}
			first.lead(i)
			want := first.state()
			deals := len(first.x.deals)
			for _, d := range first.x.deals {
				d.hidden = 0 // a backup is not put back within seconds
			}
			for _, b := range backups {
				s := newShop(t, idsOnce, b.deposits[0])
				s.x.deals, s.x.balance, s.l.orders = first.x.deals, first.x.balance, b.orders
				s.policy, s.releases = first.policy, 3
				if strings.HasSuffix(c.name, "takes no order for the rest") { // nor does it now
					s.x.plan = func() string { return "below" }
				}
				s.run()
				if c.want != "" {
					s.settled()
				}
				if len(s.x.deals) > deals && !strings.Contains(want, "held") {
					t.Fatalf("%s: %d orders were placed again\n%s", c.name, len(s.x.deals)-deals, s.history())
				}
			}
		}
	}
}

// Before an operator is asked about a failed order, the exchange is asked for one that was made after it.
func TestBuyerAsksNobodyAboutWhatItHasForgotten(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("half")
	for range 2 {
		_, _ = s.step()
	}
	s.wants(t, "half", "held for order_failed")
	later := &deal{OrderRequest: teller.OrderRequest{ClientID: teller.OrderClientID("tx1:0", 3), Spend: teller.NewAmount(50_000)}, id: "later", plan: "fill"}
	later.report.OrderID = later.id
	s.x.deals = append(s.x.deals, later)
	d := &s.l.deposits[0]
	d.Hold, s.l.orders[0].Judged = nil, false // as it was before
	s.rest()
	s.wants(t, "the rest was bought since", "waiting_send 0.500000")
	if s.count("place") != 1 || d.Attempts != 3 {
		t.Errorf("%d orders placed in %d attempts", s.count("place"), d.Attempts)
	}
}

// Without enough of the coin nothing is placed, nothing is doubted, and all goes on by itself. A smaller order goes first.
func TestBuyerShortOfCoins(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000), bound(2, 5_000), bound(3, 90_000))
	s.x.balance = big.NewInt(20_000)
	s.rest()
	if s.l.deposits[1].Status != teller.StatusWaitingSend || s.count("place") != 1 {
		t.Errorf("%d orders placed: %s", s.count("place"), s.state())
	}
	if !s.said("the account on fake is short of BTC, no SKY is bought until it is topped up: it has 0.00020000 BTC left, an order needs 0.00100000") &&
		!s.said("it has 0.00015000 BTC left, an order needs 0.00100000") {
		t.Error(s.errs)
	}
	last := s.errs[len(s.errs)-1]
	if teller.CodeOf(last) != teller.CodeShortOfCoins {
		t.Errorf("%v has another code", last)
	}
	asked := s.count("balance")
	if _, _ = s.step(); s.count("balance") != asked+1 {
		t.Error("the balance is asked for more than once a Step")
	}
	calls := len(s.x.calls)
	if _, _ = s.step(); len(s.x.calls) != calls+3 { // the market, the first order, the balance; no other order is looked for
		t.Errorf("asked for %v", s.x.calls[calls:])
	}
	s.x.balance = big.NewInt(200_000)
	s.run()
	s.settled()
	if len(s.x.deals) != 3 {
		t.Errorf("%d orders", len(s.x.deals))
	}
}

// What the exchange says counts, whatever the balance is said to be: then no further order is tried in the same Step.
func TestBuyerToldThatItIsShortOfCoins(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000), bound(2, 5_000))
	s.script("short", "short", "short")
	for n := range 3 {
		_, _ = s.step()
		if s.count("place") != n {
			t.Errorf("%d calls after %d Steps", s.count("place"), n+1)
		}
	}
	if !s.said("short of BTC, no SKY is bought until it is topped up: insufficient balance") {
		t.Error(s.errs)
	}
	s.rest()
	s.settled()
}

// When nobody sells within the worst price, that is said while it lasts and to the operator.
func TestBuyerThinBook(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.policy.MaxSlippage, s.policy.Retry = big.NewRat(1, 20), true
	s.script("nothing", "nothing", "nothing")
	s.rest()
	words := "the order book is too thin, nobody sells 475 SKY for 1 BTC, the worst price accepted"
	if !s.said(words) || s.l.deposits[0].Hold == nil || !strings.Contains(s.l.deposits[0].Hold.Detail, words) {
		t.Errorf("%v\n%+v", s.errs, s.l.deposits[0].Hold)
	}
	for _, d := range s.x.deals {
		if d.Least.String() != "475" {
			t.Errorf("an order at %s", d.Least)
		}
	}
	if len(s.x.deals) != 3 {
		t.Errorf("%d orders, want 3 attempts", len(s.x.deals))
	}
}

func TestBuyerLeast(t *testing.T) {
	d := bound(1, 100_000)
	d.Rate = teller.Rate{} // imported
	s := newShop(t, true, d)
	s.policy.MaxSlippage = big.NewRat(1, 3)
	s.start()
	s.b.Rates = map[teller.Coin]teller.Rate{teller.BTC: teller.MustRate("500")}
	s.rest()
	if s.x.deals[0].Least.String() != "1000/3" {
		t.Errorf("an order at %s", s.x.deals[0].Least)
	}
	s = newShop(t, true, d)
	s.policy.MaxSlippage = big.NewRat(1, 3)
	s.rest()
	s.wants(t, "without any rate", "held for order_failed")
}

// One order that can not be asked about keeps nobody waiting, and an exchange that is away is not asked a thousand times.
func TestBuyerKeepsNobodyWaiting(t *testing.T) {
	var ds []teller.Deposit
	for i := range 20 {
		ds = append(ds, bound(i+1, 10_000))
	}
	s := newShop(t, true, ds...)
	_, _ = s.step()
	for _, d := range ds[:7] {
		s.x.broken[teller.OrderClientID(d.ID, 1)] = teller.CodeUnavailable
	}
	for range 12 {
		_, _ = s.step()
	}
	for _, d := range s.l.deposits[7:] {
		if d.Status != teller.StatusWaitingSend {
			t.Errorf("deposit %s is %s", d.ID, d.Status)
		}
	}

	s = newShop(t, true, ds...)
	_, _ = s.step()
	for i := 0; i < len(ds); i += 3 {
		s.x.broken[teller.OrderClientID(ds[i].ID, 1)] = teller.CodeUnavailable
	}
	_, _ = s.step()
	for i, d := range s.l.deposits {
		if broken := i%3 == 0; broken == (d.Status == teller.StatusWaitingSend) {
			t.Errorf("one order in three can not be asked about; after one Step deposit %s is %s", d.ID, d.Status)
		}
	}

	s = newShop(t, true, ds...)
	_, _ = s.step()
	s.x.fate = func(string) outcome { return fails }
	for n := range 10 {
		before := len(s.x.calls)
		_, _ = s.step()
		if calls := len(s.x.calls) - before; calls != strikesToStop {
			t.Errorf("Step %d: %d calls of an exchange that is away", n, calls)
		}
	}
}

// Neighbouring orders that can never be asked about, whatever is said of them, keep no deposit waiting that came since.
func TestBuyerKeepsNoNewDepositWaiting(t *testing.T) {
	breaks := func(code teller.Code) func(*shop) {
		return func(s *shop) {
			for i := range strikesToStop {
				s.x.broken[teller.OrderClientID(s.l.deposits[i].ID, 1)] = code
			}
		}
	}
	for name, c := range map[string]struct {
		steps int // until it happens
		loses func(*shop)
	}{
		"no answer": {1, breaks(teller.CodeUnavailable)},
		"nonsense":  {1, breaks(teller.CodeMalformed)},
		"lost": {3, func(s *shop) {
			for _, d := range s.x.deals {
				d.ClientID, d.id = "", ""
			}
		}},
	} {
		var ds []teller.Deposit
		for i := range strikesToStop {
			ds = append(ds, bound(i+1, 10_000))
		}
		s := newShop(t, true, ds...)
		s.x.plan = func() string { return "wait" }
		for range c.steps {
			_, _ = s.step()
		}
		s.script()
		c.loses(s)
		s.l.deposits = append(s.l.deposits, bound(4, 10_000))
		for range 4 {
			_, _ = s.step()
		}
		if d := s.l.deposits[strikesToStop]; d.Status != teller.StatusWaitingSend {
			t.Errorf("%s: deposit %s is %s: %v", name, d.ID, d.Status, s.errs[len(s.errs)-1])
		}
	}
}

// What the exchange says of one order says nothing about the next: that has its turn in the same Step.
func TestBuyerGoesOnAfterAnAnswer(t *testing.T) {
	for name, odd := range map[string]func(*shop, string){
		"nonsense": func(s *shop, clientID string) { s.x.broken[clientID] = teller.CodeMalformed },
		"it exists, and it is not shown": func(s *shop, clientID string) {
			used := &deal{OrderRequest: teller.OrderRequest{ClientID: clientID}, hidden: 1 << 30, plan: "nothing"}
			used.end("rejected", false)
			s.x.deals = append(s.x.deals, used)
		},
	} {
		var ds []teller.Deposit
		for i := range strikesToStop + 1 {
			ds = append(ds, bound(i+1, 10_000))
		}
		s := newShop(t, true, ds...)
		_, _ = s.step()
		for _, d := range ds[:strikesToStop] {
			odd(s, teller.OrderClientID(d.ID, 1))
		}
		_, _ = s.step()
		if d := s.l.deposits[strikesToStop]; d.Status != teller.StatusWaitingSend {
			t.Errorf("%s: deposit %s is %s: %v", name, d.ID, d.Status, s.errs)
		}
	}
}

// Nor do deposits whose later orders can never be looked for keep others from being decided about.
func TestBuyerKeepsNoVerdictWaiting(t *testing.T) {
	var ds []teller.Deposit
	for i := range 2*strikesToStop + 2 {
		ds = append(ds, bound(i+1, 10_000))
	}
	s := newShop(t, true, ds...)
	_, _ = s.step()
	for _, d := range ds[:strikesToStop] {
		s.x.broken[teller.OrderClientID(d.ID, 1)] = teller.CodeUnavailable
	}
	s.x.plan = func() string {
		if len(s.x.deals) == len(ds)-strikesToStop-1 { // it is the last order
			for _, d := range ds[strikesToStop : 2*strikesToStop] {
				s.x.broken[teller.OrderClientID(d.ID, 2)] = teller.CodeUnavailable
			}
		}
		return "half"
	}
	for range 12 {
		_, _ = s.step()
	}
	for i, d := range s.l.deposits {
		if want := i >= 2*strikesToStop; d.HeldFor(teller.HoldOrderFailed) != want {
			t.Errorf("deposit %s is held %t", d.ID, !want)
		}
	}
}

// An exchange that is away is asked once more for all deposits that wait, one that refuses everything not at all.
func TestBuyerLeavesItAloneWhateverWaits(t *testing.T) {
	for fault, want := range map[outcome]int{fails: strikesToStop + 1, limited: 1} {
		s := newShop(t, true, bound(1, 10_000), bound(2, 10_000), bound(3, 10_000), bound(4, 10_000))
		_, _ = s.step()
		for i := range 9 {
			s.l.deposits = append(s.l.deposits, bound(5+i, 10_000))
		}
		s.x.fate = func(string) outcome { return fault }
		for range 5 {
			before := len(s.x.calls)
			_, _ = s.step()
			if calls := s.x.calls[before:]; len(calls) != want {
				t.Errorf("%s: called for %v", fault, calls)
			}
		}
	}
}

// What is bought is sent at once, and whatever has become of the exchange since.
func TestBuyerSendsWithoutTheExchange(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	sends := 0
	s.start()
	s.b.Bought = func() { sends++ }
	for range 2 { // one prepares, and one does the rest
		_, _ = s.step()
	}
	s.wants(t, "filled", "waiting_send 0.500000")
	if sends != 1 {
		t.Errorf("the payer was woken %d times", sends)
	}

	s = newShop(t, true, bound(1, 100_000))
	s.l.fate = func(call string) outcome {
		if call == "send" {
			return diesFirst
		}
		return fine
	}
	for range 2 {
		_, _ = s.step()
	}
	s.l.fate = func(string) outcome { return fine }
	s.x.fate = func(string) outcome { return fails }
	_, _ = s.step()
	s.wants(t, "filled, and the exchange is gone", "waiting_send 0.500000")
}

func TestBuyerMinimumOfTheOperator(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.policy.Minimum = minimum(500_000)
	s.rest()
	s.wants(t, "below the operator's", "held for below_minimum")
	if err := s.l.deposits[0].Release(now); err != nil {
		t.Fatal(err)
	}
	s.rest()
	s.wants(t, "released, and still below it", "held for below_minimum")
	s.policy.Minimum = nil
	if err := s.l.deposits[0].Release(now); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.rest()
	s.wants(t, "released, and not below it any more", "waiting_send 0.500000")
}

// Direct deposits are the Decider's and the others the Buyer's, however many of the other kind are before them.
func TestDeciderAndBuyerShareTheDeposits(t *testing.T) {
	var ds []teller.Deposit
	for i := range 2*page + 2 {
		d := bound(i+1, 100_000)
		if i > page && i < 2*page+1 {
			d.BuyMethod = teller.BuyDirect
		}
		ds = append(ds, d)
	}
	l := newOrderLedger(ds...)
	b := &Buyer{Exchange: newExchange(true), Store: l, Log: quiet, Clock: fixedClock{}}
	if worked, err := b.Step(t.Context()); !worked || err != nil {
		t.Fatal(worked, err)
	}
	for i := range l.deposits { // and more of them came
		if l.deposits[i].Status == teller.StatusWaitingPassthrough {
			l.deposits[i].Status = teller.StatusWaitingDecide
		}
	}
	w := &Decider{Store: l, Log: quiet, MaxDecimals: 3, Exchange: true}
	for worked := true; worked; {
		var err error
		if worked, err = w.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, d := range l.deposits {
		want := teller.StatusWaitingDecide
		if d.BuyMethod == teller.BuyDirect {
			want = teller.StatusWaitingSend
		}
		if ordered := d.Attempts > 0; d.Status != want || d.Hold != nil || ordered != (d.BuyMethod == teller.BuyPassthrough) {
			t.Fatalf("deposit %d of %d, bound as %s, is %s", i+1, len(ds), d.BuyMethod, d.Status)
		}
	}
}

// Without an exchange nobody is left waiting for one: what was bound for it, and what is in the middle of an order, is held.
func TestDeciderWithoutAnExchange(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000), bound(2, 100_000))
	s.script("wait", "wait")
	for range 2 {
		_, _ = s.step()
	}
	s.l.deposits[0].Status = teller.StatusWaitingPassthrough
	s.l.deposits = append(s.l.deposits, bound(3, 100_000))
	w := &Decider{Store: s.l, Log: quiet, MaxDecimals: 3}
	for range 3 {
		if _, err := w.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range s.l.deposits {
		if !d.HeldFor(teller.HoldUnpayable) || !strings.Contains(d.Hold.Detail, "none is configured") {
			t.Errorf("deposit %s: %+v", d.ID, d.Hold)
		}
	}
}

// A Step that meets a thousand failures says a few of them.
func TestBuyerSaysEnough(t *testing.T) {
	var ds []teller.Deposit
	for i := range 12 {
		ds = append(ds, bound(i+1, 10_000))
	}
	s := newShop(t, true, ds...)
	s.x.plan = func() string { return "nothing" }
	s.rest()
	if lines := strings.Split(fmt.Sprint(s.errs[0]), "\n"); len(lines) != 6 || lines[5] != "and 7 more" {
		t.Errorf("%q", lines)
	}
}

// refusingLedger takes no order for one deposit.
type refusingLedger struct {
	*orderLedger
	id string
}

func (l refusingLedger) PrepareOrder(ctx context.Context, d teller.OrderDraft) (teller.Order, error) {
	if d.DepositID == l.id {
		return teller.Order{}, teller.Errorf(teller.CodeForbidden, "nothing is bought for %s", d.DepositID)
	}
	return l.orderLedger.PrepareOrder(ctx, d)
}

// One row that the ledger refuses to change is reported and keeps nobody waiting.
func TestBuyerAndARowThatIsRefused(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000), bound(2, 100_000))
	s.start()
	s.b.Store = refusingLedger{s.l, "tx1:0"}
	s.rest()
	if s.l.deposits[1].Status != teller.StatusWaitingSend || !s.said("nothing is bought for tx1:0") {
		t.Errorf("%s %v", s.state(), s.errs)
	}
}
