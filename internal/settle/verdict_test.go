package settle

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

func minimum(satoshi uint64) map[teller.Coin]teller.Amount {
	return map[teller.Coin]teller.Amount{teller.BTC: teller.NewAmount(satoshi)}
}

func TestNext(t *testing.T) {
	market := teller.Market{Symbol: "SKYBTC", Minimum: teller.NewAmount(1000), Step: teller.NewAmount(100)}
	hold, retry := Policy{MaxAttempts: 3, MaxDecimals: 3}, Policy{Retry: true, MaxAttempts: 3, MaxDecimals: 3}
	type sofar struct {
		value, spent uint64
		bought       teller.Droplets
		attempts     int
	}
	failed := &teller.Order{ClientID: "t-x-1", Exchange: "c2cx", Coin: teller.BTC, OrderReport: teller.OrderReport{OrderID: "7", Status: "cancelled", Final: true}}
	judged, filled := *failed, *failed
	judged.Judged, filled.Filled, filled.Bought = true, true, 1
	ended, released := *failed, judged
	ended.OrderID, ended.Ended, released.Ended = "", true, true
	vanished := *failed
	vanished.Ended, vanished.Least = true, teller.MustRate("475")
	small := filled // refused because it is too small
	small.OrderID, small.Bought = "", 0
	asked := small
	asked.Judged = true
	for _, c := range []struct {
		name   string
		d      sofar
		last   *teller.Order
		market *teller.Market // nil = the one above
		policy Policy
		order  uint64
		send   teller.Droplets
		hold   teller.HoldReason
		detail string
	}{
		{name: "the first", d: sofar{value: 5000}, order: 5000},
		{name: "the first, cut to the step", d: sofar{value: 5099}, order: 5000},
		{name: "exactly the minimum", d: sofar{value: 1000}, order: 1000},
		{name: "below the minimum", d: sofar{value: 999}, hold: teller.HoldBelowMinimum, detail: "0.00000900 of its 0.00000999 BTC, and nothing is bought (market SKYBTC) for less than 0.00001000 BTC"},
		{name: "below the minimum once it is cut", d: sofar{value: 1050}, market: &teller.Market{Minimum: teller.NewAmount(1010), Step: teller.NewAmount(100)}, hold: teller.HoldBelowMinimum},
		{name: "below the step", d: sofar{value: 99}, market: &teller.Market{Step: teller.NewAmount(100)}, hold: teller.HoldBelowMinimum, detail: "for less than 0.00000100 BTC"},
		{name: "below the minimum, whatever the policy", d: sofar{value: 999}, policy: retry, hold: teller.HoldBelowMinimum},
		{name: "no minimum is known", d: sofar{value: 100}, market: &teller.Market{Step: teller.NewAmount(1)}, order: 100},
		{name: "below the operator's minimum", d: sofar{value: 5000}, policy: Policy{MaxAttempts: 1, Minimum: minimum(5001)}, hold: teller.HoldBelowMinimum, detail: "for less than 0.00005001 BTC"},
		{name: "exactly the operator's minimum", d: sofar{value: 5000}, policy: Policy{MaxAttempts: 1, Minimum: minimum(5000)}, order: 5000},
		{name: "an operator's minimum below the exchange's", d: sofar{value: 999}, policy: Policy{MaxAttempts: 1, Minimum: minimum(10)}, hold: teller.HoldBelowMinimum},
		{name: "a rest below the operator's minimum", d: sofar{5000, 2500, 12_500, 1}, last: failed, policy: Policy{Retry: true, MaxAttempts: 2, Minimum: minimum(5000)}, order: 2500},

		{name: "filled", d: sofar{5000, 5000, 25_000, 1}, last: &filled, send: 25_000},
		{name: "filled, cut to the decimals", d: sofar{5000, 5000, 25_999, 1}, last: &filled, send: 25_000},
		{name: "filled, cut to whole coins", d: sofar{5000, 5000, 2_999_999, 1}, last: &filled, policy: Policy{MaxAttempts: 1}, send: 2_000_000},
		{name: "filled, with fees beyond the value", d: sofar{5000, 5010, 25_000, 1}, last: &filled, send: 25_000},
		{name: "filled at a better price, with a rest", d: sofar{5000, 2000, 25_000, 1}, last: &filled, order: 3000},
		{name: "filled, with a rest that is too small", d: sofar{5000, 4900, 25_000, 1}, last: &filled, send: 25_000},
		{name: "a rest that the exchange finds too small", d: sofar{5000, 2000, 25_000, 2}, last: &small, policy: retry, send: 25_000},
		{name: "all of it is too small for the exchange", d: sofar{5000, 0, 0, 1}, last: &small, policy: retry, hold: teller.HoldOrderFailed, detail: "no further order is large enough"},
		{name: "all of it was too small, released", d: sofar{5000, 0, 0, 1}, last: &asked, order: 5000},
		{name: "all of it was too small, released, and it is below the minimum that is known now", d: sofar{5000, 0, 0, 1}, last: &asked, market: &teller.Market{Minimum: teller.NewAmount(5001)}, hold: teller.HoldOrderFailed, detail: "no further order is large enough"},
		{name: "all of it was too small, released, and it is below the step", d: sofar{99, 0, 0, 1}, last: &asked, market: &teller.Market{Step: teller.NewAmount(100)}, hold: teller.HoldOrderFailed},
		{name: "a rest that was too small beside what rounds to nothing, released", d: sofar{5000, 2000, 999, 2}, last: &asked, order: 3000},
		{name: "filled, and worth nothing", d: sofar{5000, 5000, 999, 1}, last: &filled, policy: retry, hold: teller.HoldOrderFailed, detail: "rounds to nothing"},
		{name: "filled at last", d: sofar{5000, 5000, 25_000, 3}, last: &filled, send: 25_000},
		{name: "filled, and no market any more", d: sofar{5000, 5000, 25_000, 1}, last: &filled, market: &teller.Market{}, send: 25_000},

		{name: "all but a rest below the minimum", d: sofar{5000, 4500, 22_500, 1}, last: failed, send: 22_000},
		{name: "all but a rest below the minimum, retried", d: sofar{5000, 4500, 22_500, 1}, last: failed, policy: retry, send: 22_000},
		{name: "a rest below the minimum and nothing bought", d: sofar{5000, 4500, 0, 1}, last: failed, policy: retry, hold: teller.HoldOrderFailed},
		{name: "spent more than it was", d: sofar{5000, 5001, 22_500, 1}, last: failed, send: 22_000},

		{name: "half", d: sofar{5000, 2500, 12_500, 1}, last: failed, hold: teller.HoldOrderFailed, detail: `ended as "cancelled"`},
		{name: "half, retried", d: sofar{5000, 2500, 12_500, 1}, last: failed, policy: retry, order: 2500},
		{name: "half, retried for the last time", d: sofar{5000, 2450, 12_500, 2}, last: failed, policy: retry, order: 2500},
		{name: "half, not retried any more", d: sofar{5000, 2500, 12_500, 3}, last: failed, policy: retry, hold: teller.HoldOrderFailed, detail: "after 3 orders 0.012500 SKY are bought for it and 0.00002500 of 0.00005000 BTC are not spent"},
		{name: "half, released", d: sofar{5000, 2500, 12_500, 1}, last: &judged, order: 2500},
		{name: "half, released beyond all attempts", d: sofar{5000, 2500, 12_500, 7}, last: &judged, policy: retry, order: 2500},
		{name: "ended by an operator, who is asked what next", d: sofar{5000, 2500, 12_500, 1}, last: &ended, policy: retry, hold: teller.HoldOrderFailed, detail: "not accepted"},
		{name: "vanished, ended by an operator, who is not told that it was too dear", d: sofar{5000, 0, 0, 1}, last: &vanished, hold: teller.HoldOrderFailed, detail: "ended as"},
		{name: "ended by an operator, whose word is that it is tried again", d: sofar{5000, 2500, 12_500, 1}, last: &released, policy: retry, order: 2500},
		{name: "released, but nothing is left to be bought for", d: sofar{5000, 5000, 10, 1}, last: &judged, hold: teller.HoldOrderFailed},
	} {
		d := teller.Deposit{Coin: teller.BTC, Value: teller.NewAmount(c.d.value), Spent: teller.NewAmount(c.d.spent), Bought: c.d.bought, Attempts: c.d.attempts}
		if c.market == nil {
			c.market = &market
		}
		if c.policy.MaxAttempts == 0 {
			c.policy = hold
		}
		v := next(d, c.last, *c.market, c.policy)
		if v.order.String() != teller.NewAmount(c.order).String() || v.send != c.send || v.hold != c.hold || !strings.Contains(v.detail, c.detail) {
			t.Errorf("%s: %+v, want order %d, send %s, hold %q %q", c.name, v, c.order, c.send, c.hold, c.detail)
		}
	}
}

// Every deposit has exactly one next thing, within its means.
func TestNextProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Uint64Range(0, 10_000)
		d := teller.Deposit{
			Coin: teller.ETH, Value: teller.NewAmount(amount.Draw(t, "value")), Spent: teller.NewAmount(amount.Draw(t, "spent")),
			Bought: teller.Droplets(amount.Draw(t, "bought")), Attempts: rapid.IntRange(0, 5).Draw(t, "attempts"),
		}
		var last *teller.Order
		if d.Attempts > 0 {
			last = &teller.Order{Coin: teller.ETH, Judged: rapid.Bool().Draw(t, "judged"), Ended: rapid.Bool().Draw(t, "ended"), OrderReport: teller.OrderReport{
				Filled: rapid.Bool().Draw(t, "filled"), Bought: teller.Droplets(rapid.Uint64Range(0, 1).Draw(t, "last bought")),
			}}
		}
		m := teller.Market{Minimum: teller.NewAmount(amount.Draw(t, "minimum")), Step: teller.NewAmount(rapid.Uint64Range(0, 300).Draw(t, "step"))}
		p := Policy{Retry: rapid.Bool().Draw(t, "retry"), MaxAttempts: rapid.IntRange(1, 4).Draw(t, "most"), MaxDecimals: rapid.IntRange(0, 3).Draw(t, "decimals")}
		v := next(d, last, m, p)
		refused := last != nil && last.Filled && last.Bought == 0 // as too small
		switch {
		case !v.order.IsZero() && refused && !last.Judged:
			t.Fatal("an order after one that was too small, and nobody was asked")
		case v.order.IsZero() && refused && last.Judged && cut(d.Unspent(), m.Step).Cmp(m.Minimum) >= 0 && !cut(d.Unspent(), m.Step).IsZero():
			t.Fatalf("an operator wants another order, and %+v is next", v)
		case v.hold != "" && refused && d.Bought.Cut(p.MaxDecimals) > 0:
			t.Fatalf("something was bought, the rest is too small, and it is held: %s", v.detail)
		case !v.order.IsZero() && last != nil && last.Ended && !last.Filled && !last.Judged:
			t.Fatal("another order after one that an operator has ended, and nobody was asked")
		}
		things := 0
		if !v.order.IsZero() {
			things++
			over := new(big.Int)
			if !m.Step.IsZero() {
				over.Mod(v.order.Big(), m.Step.Big())
			}
			if v.order.Cmp(d.Unspent()) > 0 || v.order.Cmp(m.Minimum) < 0 || over.Sign() != 0 {
				t.Fatalf("order for %s of %s in %+v", v.order, d.Unspent(), m)
			}
		}
		if v.send > 0 {
			things++
			if v.send > d.Bought {
				t.Fatalf("%s SKY are sent of %s", v.send, d.Bought)
			}
		}
		if v.hold != "" {
			things++
			if v.detail == "" {
				t.Fatal("held without a word")
			}
		}
		if things != 1 {
			t.Fatalf("%d things are next: %+v", things, v)
		}
	})
}
