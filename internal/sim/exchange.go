package sim

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/skycoin/teller"
)

// exchange is a market where SKY is sold for BTC and ETH, and the operator's account there. It implements teller.Exchange.
// What it has accepted it never forgets.
type exchange struct {
	w      *world
	once   bool // it takes a client id once for ever; else once among the orders that are open
	picky  int  // of a thousand orders, how many it refuses
	funds  map[teller.Coin]teller.Amount
	price  map[teller.Coin]int64 // SKY for one coin
	orders []*purchase           // in the order of their acceptance
	late   []teller.OrderRequest // given up by who sent them, and still on their way
	strand bool                  // the next one is
}

// purchase is an order that the exchange has accepted.
type purchase struct {
	teller.OrderRequest
	id     string
	rest   teller.Amount // of Spend, not spent yet
	bought teller.Droplets
	status string
	final  bool
	filled bool
}

// The smallest order and the step of its amount, in the coin's base unit.
var smallest = map[teller.Coin]struct{ minimum, step uint64 }{teller.BTC: {20_000, 10}, teller.ETH: {1e15, 1e10}}

const (
	feePart = 500 // one in so many of what is bought is the exchange's
	few     = 60  // of a thousand orders are refused by most exchanges
	funding = 20  // coins that the operator puts into the account at once
)

func newExchange(w *world) *exchange {
	x := &exchange{
		w: w, once: w.chance(350), picky: pick(w, []int{few, few, few, few, 750}), funds: make(map[teller.Coin]teller.Amount),
		price: map[teller.Coin]int64{teller.BTC: 480, teller.ETH: 29},
	}
	for c := range smallest {
		x.fund(c)
	}
	return x
}

// fund is the operator who tops the account up.
func (x *exchange) fund(c teller.Coin) {
	units := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Decimals())), nil)
	more, err := teller.AmountFromBig(units.Mul(units, big.NewInt(funding)))
	if err != nil {
		panic(err)
	}
	x.funds[c] = x.funds[c].Add(more)
}

func (p *purchase) report() teller.OrderReport {
	spent, _ := p.Spend.Sub(p.rest)
	return teller.OrderReport{
		OrderID: p.id, Status: p.status, Final: p.final, Filled: p.filled, Bought: p.bought, Spent: spent,
		Completed: p.bought.String(), Original: "the simulated exchange's words",
	}
}

// accept takes an order in, or says why not. The engine does not hear of what it does later.
func (x *exchange) accept(o teller.OrderRequest, late bool) (*purchase, error) {
	rules, traded := smallest[o.Coin]
	switch {
	case !traded:
		return nil, teller.Errorf(teller.CodeUnsupported, "the simulated exchange does not trade %s", o.Coin)
	case slices.ContainsFunc(x.orders, func(p *purchase) bool { return p.ClientID == o.ClientID && (x.once || !p.final) }):
		return nil, teller.Errorf(teller.CodeAlreadyPlaced, "the simulated exchange has an order %s", o.ClientID)
	case o.Spend.Cmp(teller.NewAmount(rules.minimum)) < 0:
		return nil, teller.Errorf(teller.CodeBelowMinimum, "the simulated exchange takes no order of %s", o.Spend)
	case x.funds[o.Coin].Cmp(o.Spend) < 0:
		return nil, teller.Errorf(teller.CodeShortOfCoins, "the simulated account is short of %s", o.Coin)
	case x.w.faults.height > 0 && x.w.chance(max(x.picky, 600*count(!late && x.onItsWay(o.ClientID)))): // no refusal of what is on its way
		return nil, teller.Errorf(teller.CodeInvalid, "the simulated exchange does not like the order")
	}
	p := &purchase{OrderRequest: o, id: "order-" + hashEnd(x.w.id()), rest: o.Spend, status: "active"}
	x.funds[o.Coin], _ = x.funds[o.Coin].Sub(o.Spend)
	x.orders = append(x.orders, p)
	x.w.note("exchange: order %s to spend %s %s accepted as %s", o.ClientID, o.Spend, o.Coin, p.id)
	x.w.model.accepted(x, p, late)
	if x.w.chance(500) {
		x.turn(p)
	}
	return p, nil
}

// onItsWay reports whether a request that was given up may still arrive.
func (x *exchange) onItsWay(clientID string) bool {
	return slices.ContainsFunc(x.late, func(o teller.OrderRequest) bool { return o.ClientID == clientID })
}

// arrive is the end of all that is on its way.
func (x *exchange) arrive() {
	for _, o := range x.late {
		_, err := x.accept(o, true)
		x.w.note("exchange: order %s arrives late: %v", o.ClientID, err)
	}
	x.late = nil
}

// turn lets something happen to an order: it is filled, wholly or in part, or it ends.
func (x *exchange) turn(p *purchase) {
	if p.final {
		return
	}
	quiet := x.w.faults.height == 0
	n := x.w.between(0, 99)
	switch {
	case quiet || n < 60:
		x.fill(p, 1, 1)
	case n < 75:
		x.fill(p, int64(x.w.between(1, 9)), 10)
	case n < 85: // it waits
	case n < 92:
		x.fill(p, int64(x.w.between(1, 9)), 10)
		x.end(p, "cancelled")
	default:
		x.end(p, pick(x.w, []string{"error", "expired"}))
	}
	if quiet { // nobody sells at its price
		x.end(p, "expired")
	}
}

// fill sells SKY for a part of what is left of an order, unless the price is worse than what it accepts.
func (x *exchange) fill(p *purchase, part, of int64) {
	price := x.price[p.Coin]
	if p.final {
		return
	}
	if least, ok := new(big.Rat).SetString(p.Least.String()); ok && least.Cmp(big.NewRat(price, 1)) > 0 {
		return
	}
	spend, err := teller.AmountFromBig(new(big.Int).Div(new(big.Int).Mul(p.rest.Big(), big.NewInt(part)), big.NewInt(of)))
	if err != nil {
		panic(err)
	}
	rate := teller.MustRate(fmt.Sprint(price))
	gross, err := rate.Convert(p.Coin, spend, 6)
	if err != nil {
		panic(err)
	}
	p.bought += gross - gross/feePart
	p.rest, _ = p.rest.Sub(spend)
	p.status = "partly filled"
	if p.rest.IsZero() {
		p.filled = true
		x.end(p, "completed")
	}
	x.w.note("exchange: %s has bought %s SKY, %s are left", p.id, p.bought, p.rest)
}

// end ends an order; what it did not spend is free again.
func (x *exchange) end(p *purchase, status string) {
	if p.final {
		return
	}
	p.final, p.status = true, status
	x.funds[p.Coin] = x.funds[p.Coin].Add(p.rest)
	x.w.note("exchange: %s is %s", p.id, status)
}

// open are the orders that may still buy.
func (x *exchange) open() (open []*purchase) {
	for _, p := range x.orders {
		if !p.final {
			open = append(open, p)
		}
	}
	return open
}

// happen is what the market does by itself.
func (x *exchange) happen() {
	w := x.w
	if len(x.late) > 0 && w.chance(500) {
		o := x.late[0]
		x.late = x.late[1:]
		_, err := x.accept(o, true)
		w.note("exchange: order %s arrives late: %v", o.ClientID, err)
	}
	switch open := x.open(); w.between(0, 5) {
	case 0:
		w.node("exchange")
	case 1:
		c := pick(w, []teller.Coin{teller.BTC, teller.ETH})
		x.price[c] = map[teller.Coin]int64{teller.BTC: 480, teller.ETH: 29}[c] * int64(w.between(60, 140)) / 100
		w.note("exchange: %d SKY for one %s", x.price[c], c)
	case 2:
		x.fund(pick(w, []teller.Coin{teller.BTC, teller.ETH}))
	default:
		if len(open) > 0 {
			x.turn(pick(w, open))
		}
	}
}

// drain ends all that is still open, as an exchange in good order does in time.
func (x *exchange) drain() {
	x.arrive()
	for c := range smallest {
		x.fund(c)
	}
	for _, p := range x.open() {
		x.turn(p)
	}
}

// ask is a call to the exchange.
func (x *exchange) ask(method string, f func(Mode) error) error {
	return x.w.call("exchange."+method, func(m Mode) error {
		if x.w.down["exchange"] {
			return teller.Errorf(teller.CodeUnavailable, "the simulated exchange is down")
		}
		if m == Malformed {
			return teller.Errorf(teller.CodeMalformed, "the simulated exchange talks nonsense")
		}
		if m == Limited {
			return teller.Errorf(teller.CodeRateLimited, "the simulated exchange was asked too often")
		}
		return f(m)
	})
}

// Name implements teller.Exchange.
func (x *exchange) Name() string { return "simulated" }

// Market implements teller.Exchange.
func (x *exchange) Market(_ context.Context, coin teller.Coin) (m teller.Market, err error) {
	err = x.ask("Market", func(Mode) error {
		rules, traded := smallest[coin]
		if !traded {
			return teller.Errorf(teller.CodeUnsupported, "the simulated exchange does not trade %s", coin)
		}
		m = teller.Market{Symbol: string(coin) + "_SKY", Minimum: teller.NewAmount(rules.minimum), Step: teller.NewAmount(rules.step), IDsOnce: x.once}
		return nil
	})
	return m, err
}

// Balance implements teller.Exchange.
func (x *exchange) Balance(_ context.Context, coin teller.Coin) (a teller.Amount, err error) {
	err = x.ask("Balance", func(Mode) error { a = x.funds[coin]; return nil })
	return a, err
}

// Place implements teller.Exchange.
func (x *exchange) Place(_ context.Context, o teller.OrderRequest) (id string, err error) {
	taken, stranded := false, false
	err = x.ask("Place", func(m Mode) error {
		if m == Late || x.strand || stranded {
			if !stranded {
				x.late = append(x.late, o)
			}
			x.strand, stranded = false, true
			return teller.Errorf(teller.CodeUnavailable, "no answer came from the simulated exchange")
		}
		if taken && !x.once { // only an exchange that takes an id once is safe from a request that comes twice
			return nil
		}
		p, err := x.accept(o, false)
		if err == nil {
			id, taken = p.id, true
		}
		return err
	})
	return id, err
}

// Find implements teller.Exchange. Of orders with one client id it shows the last.
func (x *exchange) Find(_ context.Context, _ teller.Coin, clientID string) (r teller.OrderReport, err error) {
	return x.show("Find", func(p *purchase) bool { return p.ClientID == clientID })
}

// Order implements teller.Exchange.
func (x *exchange) Order(_ context.Context, _ teller.Coin, orderID string) (r teller.OrderReport, err error) {
	return x.show("Order", func(p *purchase) bool { return p.id == orderID })
}

func (x *exchange) show(method string, which func(*purchase) bool) (r teller.OrderReport, err error) {
	err = x.ask(method, func(Mode) error {
		for _, p := range slices.Backward(x.orders) {
			if which(p) {
				r = p.report()
				return nil
			}
		}
		return teller.Errorf(teller.CodeNotFound, "the simulated exchange has no such order")
	})
	return r, err
}

// Open implements teller.Exchange.
func (x *exchange) Open(_ context.Context, coin teller.Coin) (open map[string]teller.OrderReport, err error) {
	err = x.ask("Open", func(Mode) error {
		open = make(map[string]teller.OrderReport)
		for _, p := range x.open() {
			if p.Coin == coin {
				open[p.ClientID] = p.report()
			}
		}
		return nil
	})
	return open, err
}

// Cancel implements teller.Exchange.
func (x *exchange) Cancel(_ context.Context, _ teller.Coin, orderID string) error {
	return x.ask("Cancel", func(Mode) error {
		for _, p := range x.open() {
			if p.id == orderID && !x.w.chance(100) { // at times it takes a while
				x.end(p, "cancelled")
			}
		}
		return nil
	})
}
