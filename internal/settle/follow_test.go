package settle

import (
	"bytes"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

func (s *shop) wants(t *testing.T, what, want string) {
	t.Helper()
	if state := s.state(); !strings.Contains(state, want) {
		t.Errorf("%s: %s, want %s", what, state, want)
	}
}

// said reports whether a Step's error has the words.
func (s *shop) said(words string) bool {
	return slices.ContainsFunc(s.errs, func(err error) bool { return strings.Contains(err.Error(), words) })
}

func (s *shop) count(call string) int {
	n := 0
	for _, c := range s.x.calls {
		if c == call {
			n++
		}
	}
	return n
}

// failOnce has the next call of a name end in a fault.
func (s *shop) failOnce(call string, o outcome) {
	done := false
	s.x.fate = func(c string) outcome {
		if c == call && !done {
			done = true
			return o
		}
		return fine
	}
}

// Where a client id may be used again, a lost answer is never guessed about: not the first one, nor one after an operator
// has vouched for the first.
func TestBuyerDoubtsEveryLostAnswer(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000))
	d := &s.l.deposits[0]
	for range 3 {
		s.failOnce("place", fails)
		s.rest()
		s.wants(t, "after a call without an answer", "held for order_unknown")
		if err := d.Release(now); err != nil {
			t.Fatal(err)
		}
	}
	s.rest()
	s.wants(t, "when it is answered at last", "waiting_send 0.500000")
	if s.count("place") != 4 || len(s.x.deals) != 1 || d.Attempts != 1 {
		t.Errorf("%d calls, %d orders, %d attempts", s.count("place"), len(s.x.deals), d.Attempts)
	}
}

// An order that turns up answers the doubt about it, and nobody has to release anything.
func TestBuyerFindsADoubtedOrder(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000))
	s.failOnce("place", lost)
	s.x.hide = 1
	for range 3 {
		_, _ = s.step()
	}
	s.wants(t, "not shown", "held for order_unknown")
	s.run()
	s.wants(t, "found", "waiting_send 0.500000;")
}

// An exchange that does not answer has not been asked: a held deposit's order is not left for another round of Steps.
func TestHeldOrderIsLookedForUntilItIs(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.failOnce("place", lost)
	_, _ = s.step()
	_, _ = s.step()
	if err := s.l.deposits[0].PutHold(teller.HoldWithdrawal, "", now); err != nil {
		t.Fatal(err)
	}
	s.start() // a new process, at whose first Steps the exchange is down
	s.x.fate = func(string) outcome { return fails }
	for range 5 {
		_, _ = s.step()
	}
	s.x.fate = func(string) outcome { return fine }
	for range 2 {
		_, _ = s.step()
	}
	if o := s.l.orders[0]; o.State != teller.OrderFinal {
		t.Errorf("the order is %s: %s", o.State, s.history())
	}
}

// An order that an operator wants to end is not placed again, whatever the exchange takes, and is looked for once more.
func TestBuyerLooksForAnOrderThatIsToBeEnded(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.failOnce("place", fails)
	_, _ = s.step()
	_, _ = s.step()
	if err := s.l.deposits[0].PutHold(teller.HoldOrderUnknown, "it is to be ended", now); err != nil {
		t.Fatal(err)
	}
	s.rest()
	s.wants(t, "looked for", "held for order_unknown")
	if o := s.l.orders[0]; !o.Doubted || s.count("place") != 1 || len(s.l.deposits[0].Holds()) != 1 {
		t.Errorf("%d calls, %+v", s.count("place"), o)
	}
}

// Attempts that were refused have left no trace. A ledger that has forgotten them, and all of the others, finds the one that
// has bought behind them, however many there were.
func TestBuyerLooksPastRefusedAttempts(t *testing.T) {
	for _, idsOnce := range []bool{true, false} {
		was := newShop(t, idsOnce, bound(1, 100_000))
		was.script("invalid", "invalid", "invalid", "invalid", "invalid", "fill")
		was.policy.Retry, was.policy.MaxAttempts = true, 6
		was.run()
		was.wants(t, "bought", "waiting_send 0.500000")

		s := newShop(t, idsOnce, bound(1, 100_000))
		s.x.deals, s.x.balance = was.x.deals, was.x.balance
		s.x.check, s.l.check = func() {}, func() {}
		s.l.told = map[string]int{s.l.deposits[0].ID: 6}
		s.run()
		s.wants(t, "found", "waiting_send 0.500000")
		if len(s.x.deals) != 1 {
			t.Errorf("%d orders have bought", len(s.x.deals))
		}
	}
}

// An order that can not be asked about any more, and stands at another exchange, is asked about whatever else holds its deposit.
func TestBuyerDoubtsAPlacedOrderOfAHeldDeposit(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("wait")
	s.rest()
	if err := s.l.deposits[0].PutHold(teller.HoldOrphaned, "gone", now); err != nil {
		t.Fatal(err)
	}
	s.x.name = "other"
	s.rest()
	if d := s.l.deposits[0]; !s.l.orders[0].Doubted || len(d.Holds()) != 2 {
		t.Errorf("%+v, held for %v", s.l.orders[0], d.Holds())
	}
}

// What was stored as being asked for, with an error for an answer, was not asked for by this process: there is no doubt.
func TestBuyerKnowsWhomItHasNotCalled(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000))
	once := false
	s.l.fate = func(call string) outcome {
		if call == "begin" && !once {
			once = true
			return lost
		}
		return fine
	}
	s.rest()
	s.wants(t, "begun twice", "waiting_send 0.500000")
	if s.count("place") != 1 {
		t.Errorf("%d calls", s.count("place"))
	}
}

// What was bought is not sent while the journal tells of a later order, which may have bought the rest.
func TestBuyerLooksBeforeItSends(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.policy.Retry = true
	s.script("half", "fill")
	for len(s.l.orders) == 0 || s.l.orders[0].State != teller.OrderFinal {
		_, _ = s.step()
	}
	d, first := s.l.deposits[0], s.l.orders[0]
	s.run()
	d.Attempts, d.Status = 1, teller.StatusWaitingPassthroughOrderComplete
	s.x.check, s.l.check = func() {}, func() {}
	s.l.deposits[0], s.l.orders = d, []teller.Order{first} // an older backup
	s.l.told = map[string]int{d.ID: 2}
	s.x.rules.Minimum = teller.NewAmount(60_000) // nothing is bought for the rest by now
	s.start()
	s.rest()
	s.wants(t, "found", "waiting_send 0.500000")
}

// An order that was placed and is gone from the exchange is asked about; one that is back again answers that.
func TestBuyerDoubtsAnOrderThatVanished(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("wait")
	s.rest()
	gone := s.x.deals
	s.x.deals = nil
	for range looksBeforeDoubt - 1 {
		_, _ = s.step()
	}
	s.wants(t, "not shown for a moment", "waiting_passthrough_order_complete 0.000000;")
	s.x.deals = gone
	_, _ = s.step()
	s.x.deals = nil
	for range looksBeforeDoubt {
		s.wants(t, "not shown again", "waiting_passthrough_order_complete 0.000000;")
		_, _ = s.step()
	}
	s.wants(t, "gone", "held for order_unknown")
	if !s.said("does not any more") || !strings.Contains(s.l.deposits[0].Hold.Detail, "orders end") {
		t.Errorf("said %v, held: %s", s.errs, s.l.deposits[0].Hold.Detail)
	}
	s.x.deals = gone
	s.rest()
	s.wants(t, "back", "waiting_passthrough_order_complete 0.000000;")
}

// An exchange that does not answer now and then has not shown it either.
func TestBuyerDoubtsAnOrderThatVanishedFromAFlakyExchange(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("wait")
	s.rest()
	s.x.deals = nil
	for n := range 3 * looksBeforeDoubt {
		s.x.fate = func(string) outcome { return map[bool]outcome{true: fails}[n%4 == 3] }
		_, _ = s.step()
	}
	s.wants(t, "gone", "held for order_unknown")
}

// The alarm for an order that does not end is given once, whether the exchange answers or not.
func TestBuyerAlarmsOnce(t *testing.T) {
	for _, code := range []teller.Code{teller.CodeUnavailable, teller.CodeMalformed} {
		s := newShop(t, true, bound(1, 100_000))
		_, _ = s.step()
		var log strings.Builder
		s.b.Log = slog.New(slog.NewTextHandler(&log, nil))
		s.x.broken[s.l.orders[0].ClientID] = code
		for range 3 * looksBeforeAlarm {
			_, _ = s.step()
		}
		if n := strings.Count(log.String(), "does not end"); n != 1 {
			t.Errorf("%s: %d alarms", code, n)
		}
	}
}

// A deposit that is held for anything else gets no order placed, and its order is looked for now and then.
func TestBuyerPlacesNothingForAHeldDeposit(t *testing.T) {
	for _, state := range []teller.OrderState{teller.OrderPrepared, teller.OrderPlacing} {
		s := newShop(t, true, bound(1, 100_000))
		_, _ = s.step()
		d := &s.l.deposits[0]
		if err := d.PutHold(teller.HoldWithdrawal, "", now); err != nil {
			t.Fatal(err)
		}
		s.l.orders[0].State = state
		for range 3 * heldEvery {
			_, _ = s.step()
		}
		if s.count("place") != 0 || s.count("find") != 3 {
			t.Errorf("%s: %d orders placed, looked %d times in %d Steps", state, s.count("place"), s.count("find"), 3*heldEvery)
		}
		if err := d.Release(now); err != nil {
			t.Fatal(err)
		}
		s.rest()
		s.wants(t, "released", "waiting_send 0.500000")
	}
}

func TestBuyerEndsTheOrderOfAClosedDeposit(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000))
	_, _ = s.step()
	if err := s.l.deposits[0].Close("paid by hand", now); err != nil {
		t.Fatal(err)
	}
	s.rest()
	s.wants(t, "closed before any call", "-1/2 final")
	if s.count("place") != 0 {
		t.Error("an order was placed for it")
	}
}

// An order that was refused is only over when no call before can have been accepted.
func TestBuyerDoubtsARefusalAfterALostAnswer(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("invalid")
	s.failOnce("place", late)
	for range 3 {
		s.x.flying = slices.Clone(s.x.flying)
		for i := range s.x.flying {
			s.x.flying[i].left = 100
		}
		_, _ = s.step()
	}
	s.wants(t, "refused, with a call on its way", "held for order_unknown")
	s.x.land() // and is accepted
	s.run()
	s.wants(t, "in the end", "waiting_send 0.500000")
	if len(s.x.deals) != 1 {
		t.Errorf("%d orders", len(s.x.deals))
	}
}

// dealer says of every order that it is there already, and shows none.
func TestBuyerAsksAboutAnOrderThatIsSaidToExist(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	used := &deal{OrderRequest: teller.OrderRequest{ClientID: teller.OrderClientID("tx1:0", 1)}, hidden: 1 << 30, plan: "nothing"}
	used.end("rejected", false) // its client id is used up, and it bought nothing
	s.x.deals = append(s.x.deals, used)
	s.rest()
	s.wants(t, "never shown", "held for order_unknown")
	if n := s.count("place"); n < looksBeforeDoubt-1 || n > looksBeforeDoubt+1 || !s.said("does not show it") {
		t.Errorf("%d calls", n)
	}
	d := &s.l.deposits[0]
	if err := d.Release(now); err != nil {
		t.Fatal(err)
	}
	s.rest()
	s.wants(t, "given up", "held for order_failed")
	if err := d.Release(now); err != nil {
		t.Fatal(err)
	}
	s.rest()
	s.wants(t, "under the next client id", "waiting_send 0.500000")
}

// Keys that may not place orders are a refusal: nothing is in doubt afterwards.
func TestBuyerStopsWhenItsKeysAreRefused(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000), bound(2, 100_000))
	s.script()
	refuse := true
	place := s.x.plan
	s.x.plan = func() string {
		if refuse {
			return "keys"
		}
		return place()
	}
	for range 5 {
		_, _ = s.step()
	}
	if s.count("place") != 4 { // one in each Step that came so far: the exchange is asked nothing more in it
		t.Errorf("%d calls", s.count("place"))
	}
	refuse = false
	s.rest()
	for _, d := range s.l.deposits {
		if d.Status != teller.StatusWaitingSend {
			t.Errorf("deposit %s is %s, %+v", d.ID, d.Status, d.Hold)
		}
	}
}

// So is the answer that it is asked too often.
func TestBuyerIsAskedToWait(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000))
	s.failOnce("place", limited)
	s.rest()
	s.wants(t, "in the end", "waiting_send 0.500000")
	if s.count("place") != 2 {
		t.Errorf("%d calls", s.count("place"))
	}
}

// What the exchange found too small is tried once for each time that an operator wants it, and never by itself.
func TestBuyerTriesAgainWhatWasTooSmall(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("below", "below", "below")
	s.policy.Retry = true
	for n := range 3 {
		s.rest()
		s.wants(t, "too small", "held for order_failed")
		if s.count("place") != n+1 {
			t.Fatalf("%d orders placed, %d asked for", s.count("place"), n+1)
		}
		if err := s.l.deposits[0].Release(now); err != nil {
			t.Fatal(err)
		}
	}
	s.rest()
	s.wants(t, "not too small any more", "waiting_send 0.500000")
}

func TestBuyerCancelsWhatWaitsForItsPrice(t *testing.T) {
	for _, c := range []struct {
		slippage *big.Rat
		cancels  int
	}{{nil, 0}, {big.NewRat(1, 20), 1}} {
		s := newShop(t, true, bound(1, 100_000))
		s.script("wait")
		s.policy.MaxSlippage, s.policy.ChecksBeforeCancel = c.slippage, 5
		for range 4 + 3 { // prepared, placed and looked at for the first time, looked at
			if s.count("cancel") > 0 {
				t.Fatal("cancelled too soon")
			}
			_, _ = s.step()
		}
		if s.count("cancel") != c.cancels {
			t.Errorf("slippage %v: %d cancels", c.slippage, s.count("cancel"))
		}
	}
}

// What a person must hear of is logged once.
func TestBuyerTellsOfAnOrderThatDoesNotEnd(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("wait")
	var log bytes.Buffer
	s.start()
	s.b.Log = slog.New(slog.NewTextHandler(&log, nil))
	for range 3 * looksBeforeAlarm {
		_, _ = s.step()
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "notice=WATCH") {
		t.Errorf("%d errors logged: %s", n, log.String())
	}
}

// Orders that were made for another exchange are not guessed about.
func TestBuyerAfterAChangeOfTheExchange(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	_, _ = s.step()
	s.l.orders[0].State = teller.OrderPlacing
	s.x.name = "other"
	s.rest()
	s.wants(t, "made for another exchange", "held for order_unknown")
	if detail := s.l.deposits[0].Hold.Detail; !strings.Contains(detail, "fake may have accepted order") || !strings.Contains(detail, "other is configured now") {
		t.Error(detail)
	}
	for range 2 { // it is not there; and another one shall be made
		if err := s.l.deposits[0].Release(now); err != nil {
			t.Fatal(err)
		}
		s.rest()
	}
	s.wants(t, "vouched for", "waiting_send 0.500000")

	s = newShop(t, true, bound(1, 100_000))
	s.script("wait")
	for range 3 {
		_, _ = s.step()
	}
	s.x.name = "other"
	for range 2 {
		s.rest()
		s.wants(t, "placed on another exchange", "held for order_unknown")
		if err := s.l.deposits[0].Release(now); err != nil {
			t.Fatal(err)
		}
	}
	s.x.name = "fake"
	s.x.deals[0].plan = "fill"
	s.rest()
	s.wants(t, "configured as it was", "waiting_send 0.500000")
}

// One for which nobody was called yet is none there, nor on another market: its deposit is judged like after any refusal.
func TestBuyerEndsWhatItCanNotPlaceAnyMore(t *testing.T) {
	for name, change := range map[string]func(*fakeExchange){
		"other is configured now": func(x *fakeExchange) { x.name = "other" },
		"not traded":              func(x *fakeExchange) { x.noCoin = map[teller.Coin]bool{teller.BTC: true} },
	} {
		s := newShop(t, true, bound(1, 100_000))
		_, _ = s.step()
		change(s.x)
		s.rest()
		if d, o := s.l.deposits[0], s.l.orders[0]; d.Hold == nil || o.State != teller.OrderFinal || !strings.Contains(o.Status, "not placed: ") || !strings.Contains(o.Status, name) {
			t.Fatalf("%s: %s: %q", name, s.state(), o.Status)
		}
		s.x.noCoin = nil
		for n := 0; n < 2 && s.l.deposits[0].Hold != nil; n++ {
			if err := s.l.deposits[0].Release(now); err != nil {
				t.Fatal(err)
			}
			s.rest()
		}
		s.wants(t, name, "waiting_send 0.500000")
		if len(s.x.deals) != 1 || s.x.deals[0].ClientID != teller.OrderClientID("tx1:0", 2) {
			t.Errorf("%s: %s", name, s.history())
		}
	}
	s := newShop(t, true, bound(1, 100_000))
	_, _ = s.step()
	s.x.name, s.policy.Retry = "other", true
	s.start()
	s.rest()
	s.wants(t, "retried by itself", "waiting_send 0.500000")
}

func TestBuyerAfterAChangeOfTheMarkets(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000), bound(2, 100_000), bound(3, 100_000))
	s.l.deposits = s.l.deposits[:2]
	s.script("wait", "wait")
	for range 2 {
		_, _ = s.step()
	}
	s.l.orders[1].State, s.l.orders[1].OrderReport = teller.OrderPlacing, teller.OrderReport{}
	s.x.deals = s.x.deals[:1]
	s.l.deposits = append(s.l.deposits, bound(3, 100_000))
	s.x.noCoin = map[teller.Coin]bool{teller.BTC: true}
	s.rest()
	for i, want := range []teller.HoldReason{teller.HoldOrderUnknown, teller.HoldOrderUnknown, teller.HoldUnpayable} {
		if h := s.l.deposits[i].Hold; h == nil || h.Reason != want || !strings.Contains(h.Detail, "not traded") {
			t.Errorf("deposit %d: %+v, want %s", i+1, h, want)
		}
	}
}

// An exchange that takes back what it has told is reported, and delays nobody else.
func TestBuyerBelievesNoLess(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000), bound(2, 100_000))
	s.script("wait", "wait")
	for range 4 {
		_, _ = s.step()
	}
	s.x.deals[0].report.Bought--
	s.x.deals[0].report.Status = "odd"
	s.x.deals[1].plan = "fill"
	s.rest()
	if !s.said("less was bought") || s.l.deposits[1].Status != teller.StatusWaitingSend {
		t.Errorf("%v\n%s", s.errs, s.state())
	}
}

func TestBuyerLeavesTheExchangeAloneAfterAFailure(t *testing.T) {
	for _, c := range []struct {
		fault outcome
		wait  time.Duration
	}{{fails, 10 * time.Second}, {limited, 30 * time.Second}} {
		s := newShop(t, true, bound(1, 100_000))
		s.start()
		s.b.FailureWait, s.b.RatelimitWait = 10*time.Second, 30*time.Second
		s.failOnce("find", c.fault)
		for range 2 {
			_, _ = s.step()
		}
		calls := len(s.x.calls) + len(s.l.calls)
		for past := time.Duration(0); past < c.wait; past += time.Second {
			if _, err := s.step(); err == nil || len(s.x.calls)+len(s.l.calls) != calls {
				t.Fatalf("%s: after %s: %v, %d calls", c.fault, past, err, len(s.x.calls)+len(s.l.calls)-calls)
			}
			s.clock.t = s.clock.t.Add(time.Second)
		}
		if _, err := s.step(); err != nil {
			t.Errorf("%s: %v", c.fault, err)
		}
	}
}

// A clock that is put back keeps nothing waiting.
func TestBuyerWhoseClockIsPutBack(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.start()
	s.b.FailureWait = 10 * time.Second
	s.failOnce("market", fails)
	_, err := s.step()
	s.clock.t = s.clock.t.Add(-time.Hour)
	if _, then := s.step(); err == nil || then != nil {
		t.Errorf("%v, then %v", err, then)
	}
}

// An exchange that has forgotten its own id of an order is asked by ours.
func TestBuyerAsksByItsOwnName(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("wait")
	for range 3 {
		_, _ = s.step()
	}
	s.x.deals[0].id, s.x.deals[0].plan = "another", "fill"
	s.rest()
	s.wants(t, "found by its client id", "waiting_send 0.500000")
}

// What has no id at the exchange is no order that could be followed.
func TestBuyerWantsAnID(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	_, _ = s.step()
	s.x.deals = append(s.x.deals, &deal{OrderRequest: teller.OrderRequest{ClientID: teller.OrderClientID("tx1:0", 1)}})
	_, err := s.step()
	if teller.CodeOf(err) != teller.CodeMalformed || s.l.orders[0].State != teller.OrderPrepared {
		t.Errorf("%v, %s", err, s.state())
	}
}

// Whatever an exchange says to a cancel, its report decides; the answer is told while the order goes on.
func TestBuyerCancelIsRefused(t *testing.T) {
	s := newShop(t, true, bound(1, 100_000))
	s.script("wait")
	s.policy.MaxSlippage = big.NewRat(1, 20)
	s.x.fate = func(call string) outcome {
		if call == "cancel" {
			return fails
		}
		return fine
	}
	for range 8 {
		_, _ = s.step()
	}
	if s.count("cancel") < 2 || !s.said("cancel did not answer") || s.l.orders[0].State != teller.OrderPlaced {
		t.Errorf("%d cancels, %v, %s", s.count("cancel"), s.errs, s.state())
	}
	s.errs = nil
	s.x.fate = func(call string) outcome {
		if call == "cancel" {
			return lost
		}
		return fine
	}
	_, _ = s.step()
	if s.said("cancel did not answer") || s.l.orders[0].State != teller.OrderFinal {
		t.Errorf("%v, %s", s.errs, s.state())
	}
}

// An operator who vouches too early costs nothing where the exchange says that it has the order.
func TestBuyerVouchedForTooEarly(t *testing.T) {
	s := newShop(t, false, bound(1, 100_000))
	s.script("wait")
	s.failOnce("place", late)
	_, _ = s.step()
	for range 2 {
		for i := range s.x.flying {
			s.x.flying[i].left = 100
		}
		_, _ = s.step()
	}
	s.wants(t, "on its way", "held for order_unknown")
	if err := s.l.deposits[0].Release(now); err != nil {
		t.Fatal(err)
	}
	s.x.hide = 3
	s.x.land()
	for range 2 {
		_, _ = s.step()
	}
	s.wants(t, "said to exist and not shown", "held for order_unknown")
	s.x.deals[0].plan = "fill"
	s.x.deals[0].hidden = 0
	s.run()
	s.wants(t, "shown", "waiting_send 0.500000")
}
