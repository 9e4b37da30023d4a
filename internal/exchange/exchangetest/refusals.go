package exchangetest

import (
	"fmt"
	"strings"

	"github.com/skycoin/teller"
)

// testReusedID: a client id that is taken buys nothing a second time.
func testReusedID(x *trial) {
	x.rich()
	var orders []teller.OrderRequest
	if x.Rests {
		w, _ := x.waiting(sky(10))
		orders = append(orders, w)
	}
	if x.market.IDsOnce {
		orders = append(orders, x.request(sky(10)))
	}
	if len(orders) == 0 {
		x.Skip("no order keeps its id")
	}
	for _, o := range orders {
		x.place(o)
		for range 2 {
			before := x.report(o)
			_, err := x.exchange.Place(x.ctx, o)
			x.wantCode("place it again", err, teller.CodeAlreadyPlaced)
			if after := x.report(o); fmt.Sprint(after) != fmt.Sprint(before) {
				x.Errorf("placed again it is %+v, before %+v", after, before)
			}
			if !before.Final && x.market.IDsOnce {
				x.server.End(o.ClientID, x.server.Ends()[0])
			}
		}
	}
}

// testNonsense: a request that makes no sense is not made.
func testNonsense(x *trial) {
	x.rich()
	good := x.request(sky(10))
	for what, spoil := range map[string]func(*teller.OrderRequest){
		"nothing to spend": func(o *teller.OrderRequest) { o.Spend = teller.Amount{} },
		"half a step":      func(o *teller.OrderRequest) { o.Spend = o.Spend.Add(teller.NewAmount(1)) },
		"no id":            func(o *teller.OrderRequest) { o.ClientID = "" },
		"a long id":        func(o *teller.OrderRequest) { o.ClientID = strings.Repeat("t", 300) },
		"a strange id":     func(o *teller.OrderRequest) { o.ClientID = "t&price=1\r\n" },
		"a price of 0":     func(o *teller.OrderRequest) { o.Least = teller.MustRate("1" + strings.Repeat("0", 60)) },
	} {
		if what == "half a step" && x.market.Step.Equal(teller.NewAmount(1)) {
			continue // there is none
		}
		o := good
		spoil(&o)
		_, err := x.exchange.Place(x.ctx, o)
		x.wantCode("place with "+what, err, teller.CodeInvalid, teller.CodeBelowMinimum)
		if all := x.server.Seen(o.ClientID); len(all) != 0 {
			x.Errorf("place with %s: the exchange has %+v", what, all)
		}
	}
	x.place(good)
	x.report(good)
}

// testShortOfCoins: what can not be paid is not accepted, and can be placed later under the same id.
func testShortOfCoins(x *trial) {
	x.rich()
	for _, limit := range []bool{false, true} {
		o := x.request(sky(10))
		if limit {
			o.Least = x.least(x.price(0))
		}
		short, err := o.Spend.Sub(x.cost(x.price(0), sky(1)))
		x.must(err)
		for _, funds := range []teller.Amount{{}, short} {
			x.server.Fund(funds)
			_, err := x.exchange.Place(x.ctx, o)
			x.wantCode("place without the coins", err, teller.CodeShortOfCoins)
			x.unseen("without the coins", o.ClientID)
		}
		x.server.Fund(o.Spend)
		x.place(o)
		if r := x.report(o); !r.Filled {
			x.Errorf("%s with just enough coins: %+v", describe(o), r)
		}
	}
}

// testBelowMinimum: what is too small is not accepted.
func testBelowMinimum(x *trial) {
	x.rich()
	for _, limit := range []bool{false, true} {
		o := teller.OrderRequest{ClientID: x.newID(), Coin: x.Coin, Spend: x.TooSmall}
		if limit {
			o.Least = x.least(x.price(0))
		}
		_, err := x.exchange.Place(x.ctx, o)
		x.wantCode("place too little", err, teller.CodeBelowMinimum)
		x.unseen("too little", o.ClientID)
	}
}
