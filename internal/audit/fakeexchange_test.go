package audit

import (
	"context"
	"maps"

	"github.com/skycoin/teller"
)

// fakeExchange sells SKY for BTC, and has the orders that the test gives it.
type fakeExchange struct {
	teller.Exchange
	market error                         // of Market
	orders map[string]teller.OrderReport // by client id
	errs   []error                       // of the next calls of Find; nil = it answers
	finds  []string                      // that were called
}

func (x *fakeExchange) Name() string { return "fair" }

func (x *fakeExchange) Market(_ context.Context, coin teller.Coin) (teller.Market, error) {
	if coin != teller.BTC {
		return teller.Market{}, teller.Errorf(teller.CodeUnsupported, "no market for %s", coin)
	}
	return teller.Market{Symbol: "BTC_SKY"}, x.market
}

func (x *fakeExchange) Balance(context.Context, teller.Coin) (teller.Amount, error) {
	return teller.NewAmount(150_000_000), nil
}

func (x *fakeExchange) Find(_ context.Context, _ teller.Coin, clientID string) (teller.OrderReport, error) {
	x.finds = append(x.finds, clientID)
	if len(x.errs) > 0 {
		err := x.errs[0]
		if x.errs = x.errs[1:]; err != nil {
			return teller.OrderReport{}, err
		}
	}
	if r, ok := x.orders[clientID]; ok {
		return r, nil
	}
	return teller.OrderReport{}, notFound(clientID)
}

func (x *fakeExchange) Open(context.Context, teller.Coin) (map[string]teller.OrderReport, error) {
	open := maps.Clone(x.orders)
	maps.DeleteFunc(open, func(_ string, r teller.OrderReport) bool { return r.Final })
	return open, nil
}

// trade is a world that buys on an exchange: the deposit of newWorld, which has had two orders and is paid, and one that
// is being bought for.
type trade struct {
	*world
	exchange *fakeExchange
}

const buyingID = "t7:1" // the deposit that is being bought for

func newTrade() *trade {
	w := &trade{newWorld(), &fakeExchange{orders: make(map[string]teller.OrderReport)}}
	paid := &w.ledger.deposits[0]
	paid.BuyMethod = teller.BuyPassthrough
	w.ledger.deposits = append(w.ledger.deposits, teller.Deposit{
		ID: buyingID, Seq: 2, Coin: teller.BTC, Address: "b2", SkyAddress: "bob", BuyMethod: teller.BuyPassthrough,
		TxID: "t7", N: 1, Value: teller.NewAmount(2_000_000), Status: teller.StatusWaitingPassthroughOrderComplete,
	})
	w.chain.transfers[91] = nil
	w.order(paid.ID, teller.OrderFinal, teller.OrderReport{OrderID: "901", Status: "cancelled", Final: true, Bought: 2_000_000, Spent: teller.NewAmount(400_000)})
	w.order(paid.ID, teller.OrderFinal, teller.OrderReport{OrderID: "902", Status: "completed", Final: true, Filled: true, Bought: 3_000_100, Spent: teller.NewAmount(600_000)})
	w.order(buyingID, teller.OrderPlaced, teller.OrderReport{OrderID: "903", Status: "partial", Bought: 1_000_000, Spent: teller.NewAmount(200_000)})
	w.ledger.totals = teller.Totals{Bought: 6_000_100, Spent: map[teller.Coin]teller.Amount{teller.BTC: teller.NewAmount(1_200_000)}, Kept: 100}
	return w
}

// order puts the next order of a deposit into the ledger, and onto the exchange when that has accepted it.
func (w *trade) order(depositID string, state teller.OrderState, r teller.OrderReport) *teller.Order {
	n := 1
	for i := range w.ledger.deposits {
		if d := &w.ledger.deposits[i]; d.ID == depositID {
			d.Attempts++
			n = d.Attempts
		}
	}
	o := teller.Order{
		ClientID: teller.OrderClientID(depositID, n), DepositID: depositID, Attempt: n, Seq: uint64(len(w.ledger.orders) + 1), Version: 1,
		Exchange: "fair", Coin: teller.BTC, State: state, OrderReport: r,
	}
	w.ledger.orders = append(w.ledger.orders, o)
	if r.OrderID != "" {
		w.exchange.orders[o.ClientID] = r
	}
	return &w.ledger.orders[len(w.ledger.orders)-1]
}

// told changes what the exchange tells of an order.
func (w *trade) told(depositID string, n int, change func(*teller.OrderReport)) {
	id := teller.OrderClientID(depositID, n)
	r := w.exchange.orders[id]
	change(&r)
	w.exchange.orders[id] = r
}

func (w *trade) auditor() *Auditor {
	a := w.world.auditor()
	a.Exchange = w.exchange
	return a
}
