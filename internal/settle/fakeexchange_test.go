package settle

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/skycoin/teller"
)

// outcome is what becomes of one call to the outside or the ledger.
type outcome string

const (
	fine      outcome = ""
	fails     outcome = "fails"        // the exchange does nothing, and an error comes back
	lost      outcome = "reply lost"   // it is done, and an error comes back
	late      outcome = "arrives late" // an error comes back, and it is done some calls later
	limited   outcome = "rate limited"
	diesFirst outcome = "dies before" // the process ends before the call
	diesAfter outcome = "dies after"  // the process ends when the call is done, before it knows
)

// died is the panic that ends a process.
type died struct{}

// fakeExchange sells 5 droplets for a satoshi. What becomes of each call, and of each order, a test says.
type fakeExchange struct {
	teller.Exchange
	name    string
	rules   teller.Market
	noCoin  map[teller.Coin]bool
	broken  map[string]teller.Code // client ids that Find fails for, and how
	balance *big.Int
	fate    func(call string) outcome
	// plan says what becomes of an order that is asked for; see the cases in accept and refuse.
	plan   func() string
	check  func() // after every call
	hide   int    // how many times a new order is not shown
	calls  []string
	deals  []*deal
	flying []flight
}

type deal struct {
	teller.OrderRequest
	id     string
	plan   string
	report teller.OrderReport
	hidden int
	looks  int
}

// flight is a request that has not arrived yet.
type flight struct {
	req  teller.OrderRequest
	left int // calls until then
}

func newExchange(idsOnce bool) *fakeExchange {
	return &fakeExchange{
		name:    "fake",
		rules:   teller.Market{Symbol: "SKYBTC", Minimum: teller.NewAmount(1000), Step: teller.NewAmount(10), IDsOnce: idsOnce},
		broken:  make(map[string]teller.Code),
		balance: big.NewInt(1_000_000_000),
		fate:    func(string) outcome { return fine },
		plan:    func() string { return "fill" },
		check:   func() {},
	}
}

// do is one call: act is what it does at the exchange. One that carries an order may arrive late.
func (x *fakeExchange) do(call string, act func() error, order ...teller.OrderRequest) error {
	x.calls = append(x.calls, call)
	for i := range x.flying {
		x.flying[i].left--
	}
	for len(x.flying) > 0 && x.flying[0].left <= 0 {
		x.landFirst()
	}
	defer x.check()
	unavailable := teller.Errorf(teller.CodeUnavailable, "%s did not answer", call)
	switch x.fate(call) {
	case late:
		for _, req := range order {
			x.flying = append(x.flying, flight{req, 1 + len(x.calls)%7})
		}
		return unavailable
	case fails:
		return unavailable
	case limited:
		return teller.Errorf(teller.CodeRateLimited, "too many requests")
	case lost:
		_ = act()
		return unavailable
	case diesFirst:
		panic(died{})
	case diesAfter:
		_ = act()
		panic(died{})
	}
	return act()
}

func (x *fakeExchange) Name() string { return x.name }

func (x *fakeExchange) Market(_ context.Context, coin teller.Coin) (m teller.Market, err error) {
	err = x.do("market", func() error {
		m = x.rules
		if x.noCoin[coin] {
			return teller.Errorf(teller.CodeUnsupported, "%s is not traded", coin)
		}
		return nil
	})
	return m, err
}

func (x *fakeExchange) Balance(context.Context, teller.Coin) (a teller.Amount, err error) {
	err = x.do("balance", func() error {
		a, err = teller.AmountFromBig(x.balance)
		return err
	})
	return a, err
}

func (x *fakeExchange) Place(_ context.Context, req teller.OrderRequest) (id string, err error) {
	err = x.do("place", func() error {
		id, err = x.place(req)
		return err
	}, req)
	if err != nil {
		return "", err
	}
	return id, nil
}

// place is what happens at the exchange when a request arrives.
func (x *fakeExchange) place(req teller.OrderRequest) (string, error) {
	for _, d := range x.deals {
		if d.ClientID == req.ClientID && (x.rules.IDsOnce || !d.report.Final) {
			return "", teller.Errorf(teller.CodeAlreadyPlaced, "duplicate order")
		}
	}
	plan := x.plan()
	switch plan {
	case "invalid":
		return "", teller.Errorf(teller.CodeInvalid, "not now")
	case "below":
		return "", teller.Errorf(teller.CodeBelowMinimum, "limit value: 1")
	case "keys":
		return "", teller.Errorf(teller.CodeNotAuthenticated, "the key may not trade")
	case "short":
		return "", teller.Errorf(teller.CodeShortOfCoins, "insufficient balance")
	}
	if x.balance.Cmp(req.Spend.Big()) < 0 {
		return "", teller.Errorf(teller.CodeShortOfCoins, "insufficient balance")
	}
	d := &deal{OrderRequest: req, plan: plan, id: fmt.Sprintf("id%d", len(x.deals)+1), hidden: x.hide}
	d.report.OrderID, d.report.Status = d.id, "open"
	x.deals = append(x.deals, d)
	d.advance(x)
	return d.id, nil
}

// advance is the market's doing: it is called when the order is made, and whenever it is looked at.
func (d *deal) advance(x *fakeExchange) {
	if d.report.Final {
		return
	}
	d.looks++
	spend, _ := d.Spend.Uint64()
	switch {
	case d.plan == "fill" || (d.plan == "slow" && d.looks == 4):
		d.buy(x, spend)
		d.end("filled", true)
	case d.plan == "better": // than the worst price: it has what it asked for, and not spent all
		d.buy(x, spend-spend/25)
		d.end("filled", true)
	case d.plan == "slow" && d.looks == 2:
		d.buy(x, spend/2)
	case d.plan == "half":
		d.buy(x, spend/2)
		d.end("cancelled", false)
	case d.plan == "most":
		d.buy(x, spend-min(spend, 500)) // the rest is below the minimum
		d.end("cancelled", false)
	case d.plan == "nothing":
		d.end("expired", false)
	case d.plan == "wait" && d.looks == 2: // until it is cancelled
		d.buy(x, spend/4)
	}
}

// buy has the order spend so much in all.
func (d *deal) buy(x *fakeExchange, spent uint64) {
	before, _ := d.report.Spent.Uint64()
	x.balance = new(big.Int).Sub(x.balance, new(big.Int).SetUint64(spent-before))
	d.report.Spent, d.report.Bought = teller.NewAmount(spent), teller.Droplets(spent*5)
}

func (d *deal) end(status string, filled bool) {
	d.report.Status, d.report.Final, d.report.Filled = status, true, filled
}

func (x *fakeExchange) Find(_ context.Context, _ teller.Coin, clientID string) (r teller.OrderReport, err error) {
	err = x.do("find", func() error {
		if code := x.broken[clientID]; code != "" {
			return teller.Errorf(code, "internal server error")
		}
		for _, d := range slices.Backward(x.deals) {
			if d.ClientID == clientID {
				if d.hidden--; d.hidden >= 0 {
					break
				}
				d.advance(x)
				r = d.report
				return nil
			}
		}
		return teller.Errorf(teller.CodeNotFound, "no order %s", clientID)
	})
	return r, err
}

func (x *fakeExchange) Order(_ context.Context, coin teller.Coin, id string) (r teller.OrderReport, err error) {
	err = x.do("order", func() error {
		if x.noCoin[coin] {
			return teller.Errorf(teller.CodeUnsupported, "%s is not traded", coin)
		}
		d := x.deal(id)
		if d == nil {
			return teller.Errorf(teller.CodeNotFound, "no order %s", id)
		}
		d.advance(x)
		r = d.report
		return nil
	})
	return r, err
}

func (x *fakeExchange) Cancel(_ context.Context, _ teller.Coin, id string) error {
	return x.do("cancel", func() error {
		d := x.deal(id)
		if d == nil || d.report.Final {
			return teller.Errorf(teller.CodeInvalid, "not open")
		}
		d.end("cancelled", false)
		return nil
	})
}

func (x *fakeExchange) deal(id string) *deal {
	for _, d := range x.deals {
		if d.id == id {
			return d
		}
	}
	return nil
}

// land has every request arrive that is on its way.
func (x *fakeExchange) land() {
	for len(x.flying) > 0 {
		x.landFirst()
	}
	x.check()
}

func (x *fakeExchange) landFirst() {
	req := x.flying[0].req
	x.flying = x.flying[1:]
	_, _ = x.place(req)
}

// has reports whether an order of the client id was ever accepted.
func (x *fakeExchange) has(clientID string) bool {
	return slices.ContainsFunc(x.deals, func(d *deal) bool { return d.ClientID == clientID })
}
