package exchangetest

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/skycoin/teller"
)

// testMarket: the rules make sense.
func testMarket(x *trial) {
	if x.exchange.Name() == "" || x.market.Symbol == "" {
		x.Errorf("market %q of exchange %q", x.market.Symbol, x.exchange.Name())
	}
	if x.market.Step.IsZero() {
		x.Error("the step is 0")
	}
	step := x.market.Step.Big()
	if rest := step.Rem(x.TooSmall.Big(), step); rest.Sign() != 0 {
		x.Errorf("the harness's sum %s is no multiple of the step %s", x.TooSmall, x.market.Step)
	}
}

// testOtherCoins: a coin is traded in every way or in none.
func testOtherCoins(x *trial) {
	unsupported := 0
	for _, coin := range teller.Coins {
		if _, err := x.exchange.Market(x.ctx, coin); err == nil {
			continue
		}
		unsupported++
		_, err := x.exchange.Market(x.ctx, coin)
		x.wantCode(string(coin)+": market", err, teller.CodeUnsupported)
		_, err = x.exchange.Balance(x.ctx, coin)
		if err != nil { // the account may well hold what teller does not spend
			x.wantCode(string(coin)+": balance", err, teller.CodeUnsupported)
		}
		o := teller.OrderRequest{ClientID: x.newID(), Coin: coin, Spend: teller.NewAmount(1_000_000_000)}
		_, err = x.exchange.Place(x.ctx, o)
		x.wantCode(string(coin)+": place", err, teller.CodeUnsupported)
		_, err = x.exchange.Find(x.ctx, coin, o.ClientID)
		x.wantCode(string(coin)+": find", err, teller.CodeUnsupported)
		_, err = x.exchange.Order(x.ctx, coin, "1")
		x.wantCode(string(coin)+": order", err, teller.CodeUnsupported)
		_, err = x.exchange.Open(x.ctx, coin)
		x.wantCode(string(coin)+": open", err, teller.CodeUnsupported)
		x.wantCode(string(coin)+": cancel", x.exchange.Cancel(x.ctx, coin, "1"), teller.CodeUnsupported)
		x.unseen(string(coin), o.ClientID)
	}
	if unsupported == 0 {
		x.Error("no exchange sells SKY for SKY")
	}
}

// testBalance: what can be spent is told exactly, and what an open order has reserved is not in it.
func testBalance(x *trial) {
	for _, n := range []int64{0, 1, 12_345_678, 2_099_999_999_999_999} {
		want := x.amount(big.NewInt(n))
		x.server.Fund(want)
		x.wantBalance("funded", want)
	}
	funds := x.cost(x.price(0), sky(100))
	x.server.Fund(funds)
	x.server.Offer(Ask{x.price(0), sky(1_000)})
	o := x.request(sky(10))
	x.place(o)
	rest, err := funds.Sub(x.report(o).Spent)
	x.must(err)
	x.wantBalance("after an order", rest)
	if !x.Rests {
		return
	}
	w, _ := x.waiting(sky(10))
	x.place(w)
	left, err := rest.Sub(w.Spend)
	x.must(err)
	got, err := x.exchange.Balance(x.ctx, x.Coin)
	x.must(err)
	if got.Cmp(left) < 0 || got.Cmp(rest) >= 0 {
		x.Errorf("%s can be spent beside an open order of %s, of %s", got, w.Spend, rest)
	}
}

func (x *trial) wantBalance(what string, want teller.Amount) {
	x.Helper()
	got, err := x.exchange.Balance(x.ctx, x.Coin)
	if err != nil || !got.Equal(want) {
		x.Errorf("%s: %s can be spent (%v), want %s", what, got, err, want)
	}
}

// testMarketOrder: it is filled at once, at whatever price.
func testMarketOrder(x *trial) {
	x.rich()
	o := x.request(sky(10))
	x.place(o)
	r := x.report(o)
	if !r.Final || !r.Filled || !r.Spent.Equal(o.Spend) || r.Bought == 0 || r.Bought > sky(10) {
		x.Errorf("%s with plenty on offer: %+v", describe(o), r)
	}
	x.server.Offer(Ask{x.price(0), sky(4)}, Ask{x.price(3), sky(4)}, Ask{x.price(5), sky(40)})
	o = x.request(sky(10))
	x.place(o)
	if r := x.report(o); !r.Final || !r.Filled || r.Bought >= sky(10) {
		x.Errorf("%s over three prices: %+v", describe(o), r)
	}
}

// testLimitOrder: never worse than demanded, never more than allowed.
func testLimitOrder(x *trial) {
	x.rich()
	o := x.request(sky(10))
	o.Least = x.least(x.price(0))
	x.place(o)
	if r := x.report(o); !r.Final || !r.Filled || r.Spent.Cmp(o.Spend) > 0 || r.Bought == 0 {
		x.Errorf("%s with plenty on offer: %+v", describe(o), r)
	}
	x.server.Offer(Ask{x.price(0), sky(4)}, Ask{x.price(1), sky(1_000)})
	o = x.request(sky(10))
	o.Least = x.least(x.price(0))
	x.place(o)
	if r := x.report(o); r.Filled || r.Spent.Cmp(x.cost(x.price(0), sky(4))) > 0 {
		x.Errorf("%s with 4 SKY at the price: %+v", describe(o), r)
	}
}

// testWaitingOrder: an order waits, is filled in part, and is filled.
func testWaitingOrder(x *trial) {
	x.rests()
	x.rich()
	o, price := x.waiting(sky(10))
	x.place(o)
	if r := x.report(o); r.Final || r.Bought != 0 || !r.Spent.IsZero() {
		x.Errorf("%s with nothing at its price: %+v", describe(o), r)
	}
	x.server.Offer(Ask{price, sky(4)})
	if r := x.report(o); r.Final || r.Bought == 0 || r.Bought > sky(4) {
		x.Errorf("%s with 4 SKY at its price: %+v", describe(o), r)
	}
	x.server.Offer(Ask{price, sky(100)})
	if r := x.report(o); !r.Final || !r.Filled || r.Bought <= sky(4) {
		x.Errorf("%s with plenty at its price: %+v", describe(o), r)
	}
}

// rounds is how many orders of random amounts are made.
const rounds = 60

// testAmounts: whatever prices and quantities, reports are exact.
func testAmounts(x *trial) {
	x.server.Fund(x.cost(x.price(0), sky(100_000)))
	rnd := rand.New(rand.NewPCG(7, 7))
	for range rounds {
		x.server.Offer(x.randomAsks(rnd, 1+rnd.IntN(5))...)
		o := x.request(sky(20) + teller.Droplets(rnd.Uint64N(20_000_000)))
		x.place(o)
		x.report(o)
		x.settle(o)
	}
}

// settle ends an order that waits, so that it takes nothing from the next.
func (x *trial) settle(o teller.OrderRequest) {
	x.Helper()
	if !x.report(o).Final {
		x.server.End(o.ClientID, x.server.Ends()[0])
	}
}

// testLimitAmounts: the same with limits.
func testLimitAmounts(x *trial) {
	x.server.Fund(x.cost(x.price(0), sky(100_000)))
	rnd := rand.New(rand.NewPCG(8, 8))
	for range rounds {
		asks := x.randomAsks(rnd, 1+rnd.IntN(5))
		x.server.Offer(asks...)
		limit := x.price(rnd.Int64N(60) - 10)
		o := x.request(sky(20) + teller.Droplets(rnd.Uint64N(20_000_000)))
		o.Least = x.least(limit)
		x.place(o)
		x.report(o)
		var most teller.Droplets // that there is at the limit
		for _, a := range asks {
			if a.Price.Cmp(limit) <= 0 {
				most += a.Quantity
			}
		}
		if r := x.report(o); r.Bought > most || r.Spent.Cmp(x.dearest(limit, most)) > 0 {
			x.Errorf("%s, limit %s, found %s SKY at that: %+v", describe(o), limit, most, r)
		}
		x.settle(o)
	}
}

// dearest is the most that a quantity may cost at a price.
func (x *trial) dearest(price teller.Amount, quantity teller.Droplets) teller.Amount {
	n := new(big.Int).Mul(price.Big(), new(big.Int).SetUint64(uint64(quantity)))
	one := new(big.Int).SetUint64(uint64(teller.DropletsPerSKY))
	n.Add(n, one)
	return x.amount(n.Quo(n, one))
}

// randomAsks are offers near the usual price, the best first.
func (x *trial) randomAsks(rnd *rand.Rand, n int) []Ask {
	asks := make([]Ask, n)
	for i := range asks {
		lots := 1 + rnd.Uint64N(uint64(sky(30)/x.Lot))
		asks[i] = Ask{x.price(rnd.Int64N(50)), teller.Droplets(lots) * x.Lot}
	}
	slices.SortFunc(asks, func(a, b Ask) int { return a.Price.Cmp(b.Price) })
	return asks
}

// testEnds: an order that the exchange ends is final, and not filled; what it has bought before is kept.
func testEnds(x *trial) {
	x.rests()
	x.rich()
	for _, how := range x.server.Ends() {
		for _, part := range []uint64{0, 4} {
			o, price := x.waiting(sky(10))
			id := x.place(o)
			if part > 0 {
				x.server.Offer(Ask{price, sky(part)})
			}
			x.server.End(o.ClientID, how)
			r := x.report(o)
			if !r.Final || r.Filled || (r.Bought > 0) != (part > 0) {
				x.Errorf("%s after %d SKY: %+v", how, part, r)
			}
			x.wantOpen(how, nil)
			if err := x.exchange.Cancel(x.ctx, x.Coin, id); err != nil {
				x.Errorf("cancel an order that is %s: %v", how, err)
			}
			x.report(o)
		}
	}
}

// testFind: an order is found as soon as it is there, whoever asks, and no other is taken for it.
func testFind(x *trial) {
	x.rich()
	o := x.request(sky(10))
	x.unseen("before it was placed", o.ClientID)
	x.place(o)
	x.report(o)
	x.exchange = x.openAt(x.server.Addr(), x.timeout)
	x.report(o)
	for _, other := range []string{o.ClientID + "1", o.ClientID[:len(o.ClientID)-1], "T" + o.ClientID[1:], x.newID()} {
		x.unseen("an id that is almost another's", other)
	}
}

// testOrder: what there is not is not found.
func testOrder(x *trial) {
	x.rich()
	o := x.request(sky(10))
	id := x.place(o)
	for _, other := range []string{id + "7", "", "-1", "x", id + "x"} {
		_, err := x.exchange.Order(x.ctx, x.Coin, other)
		x.wantCode(fmt.Sprintf("order %q", other), err, teller.CodeNotFound, teller.CodeInvalid)
		x.wantCode(fmt.Sprintf("cancel %q", other), x.exchange.Cancel(x.ctx, x.Coin, other), teller.CodeNotFound, teller.CodeInvalid)
	}
	x.report(o)
}

// many is more than two pages of any exchange's lists.
const many = 230

// testManyOrders: an order is found among many, also by an adapter that has seen none of them, and also while others are
// being placed.
func testManyOrders(x *trial) {
	x.rich()
	orders := make([]teller.OrderRequest, many)
	for i := range orders {
		orders[i] = x.request(sky(10))
		x.place(orders[i])
	}
	for _, i := range []int{0, 1, many / 2, many - 1} {
		x.exchange = x.openAt(x.server.Addr(), x.timeout)
		x.report(orders[i])
		x.unseen("among many", x.newID())
		o := x.request(sky(10))
		x.place(o)
		x.report(o)
	}
	placer, late := x.exchange, make([]teller.OrderRequest, many/4)
	for i := range late {
		late[i] = x.request(sky(10))
	}
	var placing sync.WaitGroup
	placing.Go(func() {
		for _, o := range late {
			if _, err := placer.Place(x.ctx, o); err != nil {
				x.Errorf("place %s: %v", describe(o), err)
			}
		}
	})
	for i := range 12 {
		x.exchange = x.openAt(x.server.Addr(), x.timeout)
		o := orders[i*many/12]
		switch r, err := x.exchange.Find(x.ctx, x.Coin, o.ClientID); teller.CodeOf(err) {
		case "":
			x.wantReport("find while others are placed", r, x.seen(o.ClientID))
		case teller.CodeUnavailable: // it may say that it can not tell
		default:
			x.Errorf("find %s while others are placed: %v", describe(o), err)
		}
	}
	placing.Wait()
}

// testAtOnce: an adapter is used by many at once.
func testAtOnce(x *trial) {
	x.rich()
	var users sync.WaitGroup
	for range 8 {
		mine := make([]teller.OrderRequest, 6)
		for i := range mine {
			mine[i] = x.request(sky(10))
		}
		users.Go(func() {
			for _, o := range mine {
				id, err := x.exchange.Place(x.ctx, o)
				if err != nil {
					x.Errorf("place %s with others at once: %v", describe(o), err)
					continue
				}
				r, err := x.exchange.Find(x.ctx, x.Coin, o.ClientID)
				if err != nil || r.OrderID != id || !r.Final {
					x.Errorf("find %s with others at once: %+v (%v)", describe(o), r, err)
				}
				if _, err := x.exchange.Balance(x.ctx, x.Coin); err != nil {
					x.Errorf("balance with others at once: %v", err)
				}
			}
		})
	}
	users.Wait()
}
