// Package exchangetest is the suite that every adapter of an exchange passes against a stand-in of its server. It knows no
// exchange.
//
// # What it holds an adapter to
//
// The contract of teller.Exchange, and first of all what money hangs on: an order that the exchange may have accepted is
// never called not placed, Find never misses one that is there, whatever the exchange or the way to it answers, and what
// was bought and spent is told exactly, to the last base unit.
//
// # How to write a harness
//
// A harness stands in the adapter's own tests and says how to start a server that plays the exchange, and how to steer it:
//
//	func TestExchange(t *testing.T) {
//		exchangetest.Run(t, exchangetest.Harness{
//			Start: func(t testing.TB) exchangetest.Server { return startServer(t) },
//			Coin:  teller.BTC, Price: teller.NewAmount(100_000), Tick: teller.NewAmount(1), Lot: 1,
//			TooSmall: teller.NewAmount(1_000), Rests: true,
//			Places: func(r *http.Request) bool { return r.URL.Path == "/v1/createorder" },
//		})
//	}
//
// Start is called for every test of the suite. What is the same for every exchange (replies that get lost, requests that
// come late, answers that are none) is done by a proxy of the suite's own, which stands between the adapter and the
// server; the server only does what needs to know the exchange. What it tells of its orders is what the adapter is
// measured by, so it must know that from elsewhere than the adapter, and not share code with it.
//
// A suite must not run in parallel with other tests: one of its own looks for goroutines that were left behind.
package exchangetest

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

// Harness is an exchange and the adapter that speaks to it.
type Harness struct {
	// Start starts a server for one test: an account that holds nothing, and nothing on offer.
	Start func(t testing.TB) Server
	// Coin is what the suite spends.
	Coin teller.Coin
	// Price is a usual price of one SKY in the coin's base units. An order for 10 SKY at half of it is large enough for the
	// exchange, and one for 100,000 SKY not too large.
	Price teller.Amount
	// Tick is what prices in the book are multiples of, in the coin's base units for one SKY, and so is Price.
	Tick teller.Amount
	// Lot is what quantities in the book are multiples of. A SKY is one as well.
	Lot teller.Droplets
	// TooSmall is a sum that the exchange refuses as too small, and that is not stopped by the adapter as Open configures
	// it: a multiple of the market's step.
	TooSmall teller.Amount
	// Rests says that a limit order that finds nothing at its price waits. Without it, orders are final at once, and tests
	// that need one that is not are skipped.
	Rests bool
	// Places reports whether a request of the adapter asks for an order.
	Places func(r *http.Request) bool

	patience time.Duration // for one test; 0 = patience
}

// Server plays the exchange. Its methods fail the test instead of returning errors. They are called by one goroutine at a
// time, not necessarily by the test's own, and while the adapter is calling.
type Server interface {
	// Addr is the host:port at which the server answers HTTP requests.
	Addr() string
	// Open makes an adapter with the account's keys that reaches the exchange at addr, by HTTP without TLS. That is Addr()
	// or a proxy in front of it. timeout bounds every request. The adapter stops no order by a minimum of its own. The suite
	// closes it when it has a Close method.
	Open(addr string, timeout time.Duration) teller.Exchange
	// OpenWithWrongKeys is Open with keys that the exchange does not accept.
	OpenWithWrongKeys(addr string, timeout time.Duration) teller.Exchange
	// Secrets are what must not stand in any error: all keys that Open uses but such as name the account only.
	Secrets() []string
	// Fund makes the account able to spend exactly so much of the coin, beside what open orders have reserved.
	Fund(amount teller.Amount)
	// Offer replaces what others sell. What waits and finds its price is filled before it returns.
	Offer(asks ...Ask)
	// Seen are all orders that the exchange has ever accepted under a client id.
	Seen(clientID string) []Seen
	// Ends names the ways in which the exchange itself can end an order that is not filled, the account's owner's hand
	// included: cancelled, expired ...
	Ends() []string
	// End ends an order in one of these ways.
	End(clientID, how string)
	// RateLimit makes the server refuse every request as one too many, until it is called with false.
	RateLimit(on bool)
	// Maintain makes the server answer as the exchange does when it is being worked on.
	Maintain(on bool)
}

// ByHand is a Server whose account can be used by others than teller.
type ByHand interface {
	// PlaceByHand places orders of the account that carry no client id: one that is filled, when something is on offer,
	// and one that waits, at a price of one Tick. It returns how many of them are not final.
	PlaceByHand() (open int)
}

// Ask is an offer to sell SKY.
type Ask struct {
	Price    teller.Amount // of one SKY, in the coin's base units
	Quantity teller.Droplets
}

// Seen is what the server knows of an order. Bought and Spent are what a true report of it must say.
type Seen struct {
	OrderID       string
	Final, Filled bool
	Bought        teller.Droplets // fees taken off, cut to the droplet
	Spent         teller.Amount
}

const (
	// patience bounds every test. It is long, because machines are slow and shared, and only ever used up by a fault.
	patience = 3 * time.Minute
	// callTimeout is what adapters are configured with.
	callTimeout = 30 * time.Second
)

var trials = []struct {
	name string
	run  func(*trial)
}{
	{"Market", testMarket},
	{"OtherCoins", testOtherCoins},
	{"Balance", testBalance},
	{"MarketOrder", testMarketOrder},
	{"LimitOrder", testLimitOrder},
	{"WaitingOrder", testWaitingOrder},
	{"Amounts", testAmounts},
	{"LimitAmounts", testLimitAmounts},
	{"Ends", testEnds},
	{"Find", testFind},
	{"Order", testOrder},
	{"ManyOrders", testManyOrders},
	{"AtOnce", testAtOnce},
	{"ReusedID", testReusedID},
	{"Nonsense", testNonsense},
	{"ShortOfCoins", testShortOfCoins},
	{"BelowMinimum", testBelowMinimum},
	{"Open", testOpen},
	{"ByHand", testByHand},
	{"Cancel", testCancel},
	{"CancelRace", testCancelRace},
	{"FinalIsFinal", testFinalIsFinal},
	{"LostReply", testLostReply},
	{"LostRequest", testLostRequest},
	{"LateRequest", testLateRequest},
	{"RateLimit", testRateLimit},
	{"Maintenance", testMaintenance},
	{"BadAnswers", testBadAnswers},
	{"OneBadAnswer", testOneBadAnswer},
	{"HangingServer", testHangingServer},
	{"CancelledCalls", testCancelledCalls},
	{"ServerDown", testServerDown},
	{"WrongKeys", testWrongKeys},
	{"NoLeaks", testNoLeaks},
}

// Run puts an adapter and its server through the suite.
func Run(t *testing.T, h Harness) {
	for _, c := range trials {
		t.Run(c.name, func(t *testing.T) { h.try(t, c.run) })
	}
}

func (h Harness) try(t testing.TB, run func(*trial)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(h.patience, patience))
	defer cancel()
	x := &trial{TB: t, ctx: ctx, timeout: min(callTimeout, cmp.Or(h.patience, patience)), Harness: h, server: h.Start(t)}
	x.exchange = x.openAt(x.server.Addr(), x.timeout)
	m, err := x.exchange.Market(ctx, h.Coin)
	x.must(err)
	x.market = m
	run(x)
}

// trial is one test of the suite under way.
type trial struct {
	testing.TB
	Harness
	ctx      context.Context
	timeout  time.Duration // of a request, where the test is not about it
	server   Server
	exchange teller.Exchange
	market   teller.Market
	ids      int // client ids made so far
}

// openAt makes another adapter and closes it with the test.
func (x *trial) openAt(addr string, timeout time.Duration) teller.Exchange {
	x.Helper()
	e := x.server.Open(addr, timeout)
	x.Cleanup(func() { closeExchange(e) })
	return e
}

func closeExchange(e teller.Exchange) {
	switch c := e.(type) {
	case interface{ Close() }:
		c.Close()
	case interface{ Close() error }:
		_ = c.Close() // an adapter has nothing to lose
	}
}

func (x *trial) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// wantCode checks that a call failed with one of the codes, and that it told no secret.
func (x *trial) wantCode(what string, err error, codes ...teller.Code) {
	x.Helper()
	if !slices.Contains(codes, teller.CodeOf(err)) {
		x.Errorf("%s: code %q (%v), want one of %q", what, teller.CodeOf(err), err, codes)
	}
	if err == nil {
		return
	}
	for _, secret := range x.server.Secrets() {
		if strings.Contains(err.Error(), secret) {
			x.Errorf("%s: the error tells a secret", what) // and is not repeated here
		}
	}
}

// eventually repeats a check until it returns no error.
func (x *trial) eventually(what string, check func() error) {
	x.Helper()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-x.ctx.Done():
			x.Fatalf("%s: still %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// rests skips the test when no order of this exchange ever waits.
func (x *trial) rests() {
	x.Helper()
	if !x.Rests {
		x.Skip("no order of this exchange waits")
	}
}

// newID makes a client id as teller does.
func (x *trial) newID() string {
	x.ids++
	return teller.OrderClientID(fmt.Sprintf("%s:%d", x.Name(), x.ids), 1+x.ids%3)
}

// price is a price near the usual one, some ticks away from it.
func (x *trial) price(ticks int64) teller.Amount {
	p := new(big.Int).Add(x.Price.Big(), new(big.Int).Mul(x.Tick.Big(), big.NewInt(ticks)))
	return x.amount(p)
}

func (x *trial) amount(n *big.Int) teller.Amount {
	x.Helper()
	a, err := teller.AmountFromBig(n)
	x.must(err)
	return a
}

// cost is what a quantity costs at a price, cut to what the market takes.
func (x *trial) cost(price teller.Amount, quantity teller.Droplets) teller.Amount {
	n := new(big.Int).Mul(price.Big(), new(big.Int).SetUint64(uint64(quantity)))
	n.Quo(n, new(big.Int).SetUint64(uint64(teller.DropletsPerSKY)))
	step := x.market.Step.Big()
	return x.amount(n.Mul(n.Quo(n, step), step))
}

// least is the rate at a price: so many SKY for one coin.
func (x *trial) least(price teller.Amount) teller.Rate {
	x.Helper()
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(x.Coin.Decimals())), nil)
	r, err := teller.ParseRate(one.String() + "/" + price.String())
	x.must(err)
	return r
}

// sky is a number of whole SKY.
func sky(n uint64) teller.Droplets { return teller.Droplets(n) * teller.DropletsPerSKY }

// rich funds the account and offers plenty at the usual price.
func (x *trial) rich() {
	x.server.Fund(x.cost(x.price(0), sky(1_000_000)))
	x.server.Offer(Ask{x.price(0), sky(1_000_000)})
}

// request is a market order for some SKY at the usual price.
func (x *trial) request(quantity teller.Droplets) teller.OrderRequest {
	return teller.OrderRequest{ClientID: x.newID(), Coin: x.Coin, Spend: x.cost(x.price(0), quantity)}
}

// waiting is a limit order for some SKY at half of the usual price.
func (x *trial) waiting(quantity teller.Droplets) (teller.OrderRequest, teller.Amount) {
	half := x.Price.Big()
	half.Quo(half, new(big.Int).Mul(big.NewInt(2), x.Tick.Big()))
	price := x.amount(half.Mul(half, x.Tick.Big()))
	return teller.OrderRequest{ClientID: x.newID(), Coin: x.Coin, Spend: x.cost(price, quantity), Least: x.least(price)}, price
}

// place places an order that must be accepted.
func (x *trial) place(o teller.OrderRequest) string {
	x.Helper()
	id, err := x.exchange.Place(x.ctx, o)
	if err != nil {
		x.Fatalf("place %s: %v", describe(o), err)
	}
	if seen := x.seen(o.ClientID); id != seen.OrderID {
		x.Fatalf("place %s: order id %q, the exchange calls it %q", describe(o), id, seen.OrderID)
	}
	return id
}

func describe(o teller.OrderRequest) string {
	return fmt.Sprintf("%s for %s, least %q", o.ClientID, o.Spend.Format(o.Coin), o.Least)
}

// seen is the one order that the exchange has under a client id.
func (x *trial) seen(clientID string) Seen {
	x.Helper()
	all := x.server.Seen(clientID)
	if len(all) != 1 {
		x.Fatalf("the exchange has %d orders %s: %+v", len(all), clientID, all)
	}
	return all[0]
}

// unseen checks that the exchange has accepted nothing under a client id, and says so.
func (x *trial) unseen(what, clientID string) {
	x.Helper()
	if all := x.server.Seen(clientID); len(all) != 0 {
		x.Errorf("%s: the exchange has %+v", what, all)
	}
	_, err := x.exchange.Find(x.ctx, x.Coin, clientID)
	x.wantCode(what+": find", err, teller.CodeNotFound)
}

// wantReport compares a report with what the server knows.
func (x *trial) wantReport(what string, r teller.OrderReport, want Seen) {
	x.Helper()
	got := Seen{OrderID: r.OrderID, Final: r.Final, Filled: r.Filled, Bought: r.Bought, Spent: r.Spent}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		x.Errorf("%s: reported as %+v, the exchange has %+v; its answer: %s", what, got, want, r.Original)
	}
	if r.Status == "" || r.Original == "" {
		x.Errorf("%s: status %q, answer %q", what, r.Status, r.Original)
	}
	completed, ok := new(big.Rat).SetString(r.Completed)
	if bought := new(big.Rat).SetFrac64(int64(r.Bought), int64(teller.DropletsPerSKY)); !ok || completed.Cmp(bought) < 0 {
		x.Errorf("%s: %q SKY completed, and %s bought", what, r.Completed, r.Bought)
	}
}

// report asks for an order in both ways and compares both with what the server knows.
func (x *trial) report(o teller.OrderRequest) teller.OrderReport {
	x.Helper()
	want := x.seen(o.ClientID)
	found, err := x.exchange.Find(x.ctx, x.Coin, o.ClientID)
	if err != nil {
		x.Fatalf("find %s: %v", describe(o), err)
	}
	x.wantReport("find "+describe(o), found, want)
	asked, err := x.exchange.Order(x.ctx, x.Coin, want.OrderID)
	if err != nil {
		x.Fatalf("order %s: %v", want.OrderID, err)
	}
	x.wantReport("order "+want.OrderID, asked, want)
	if want.Spent.Cmp(o.Spend) > 0 {
		x.Errorf("%s has spent %s", describe(o), want.Spent.Format(x.Coin))
	}
	return found
}
