package exchangetest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/skycoin/teller"
)

// wantOpen checks which of the suite's own orders are listed as open.
func (x *trial) wantOpen(what string, want []teller.OrderRequest) {
	x.Helper()
	open, err := x.exchange.Open(x.ctx, x.Coin)
	if err != nil {
		x.Errorf("%s: open: %v", what, err)
		return
	}
	for _, o := range want {
		r, ok := open[o.ClientID]
		if !ok {
			x.Errorf("%s: %s is not among the %d open orders", what, describe(o), len(open))
			continue
		}
		x.wantReport(what+": open", r, x.seen(o.ClientID))
	}
	for id, r := range open {
		if r.Final {
			x.Errorf("%s: the open order %s is final", what, id)
		}
		if !slices.ContainsFunc(want, func(o teller.OrderRequest) bool { return o.ClientID == id }) && len(x.server.Seen(id)) > 0 {
			x.Errorf("%s: %s is listed as open: %+v", what, id, r)
		}
	}
}

// testOpen: it lists what is not final, and nothing else.
func testOpen(x *trial) {
	x.rich()
	x.wantOpen("at first", nil)
	x.place(x.request(sky(10)))
	x.wantOpen("after one that was filled", nil)
	if !x.Rests {
		return
	}
	var orders []teller.OrderRequest
	for range 3 {
		o, _ := x.waiting(sky(10))
		x.place(o)
		orders = append(orders, o)
		x.wantOpen("with some that wait", orders)
	}
	x.server.End(orders[0].ClientID, x.server.Ends()[0])
	x.wantOpen("after one was ended", orders[1:])
	_, price := x.waiting(sky(10))
	x.server.Offer(Ask{price, sky(4)}) // for the older one
	x.wantOpen("after one was filled in part", orders[1:])
	x.server.Offer(Ask{price, sky(1_000)})
	x.wantOpen("after the others were filled", nil)
}

// testByHand: orders that others have placed are listed, and stand in nobody's way.
func testByHand(x *trial) {
	s, ok := x.server.(ByHand)
	if !ok {
		x.Skip("nobody else can use the account")
	}
	x.rich()
	before := x.request(sky(10))
	x.place(before)
	made := s.PlaceByHand() + s.PlaceByHand()
	after := x.request(sky(10))
	x.place(after)
	for range 2 {
		x.report(before)
		x.report(after)
		open, err := x.exchange.Open(x.ctx, x.Coin)
		x.must(err)
		if len(open) != made {
			x.Errorf("%d orders are listed as open, want %d: %v", len(open), made, open)
		}
		x.exchange = x.openAt(x.server.Addr(), x.timeout)
	}
}

// testCancel: it ends an order, once and for all, and changes nothing about one that has ended.
func testCancel(x *trial) {
	x.rich()
	filled := x.request(sky(10))
	id := x.place(filled)
	before := x.report(filled)
	for range 2 {
		x.must(x.exchange.Cancel(x.ctx, x.Coin, id))
		if after := x.report(filled); fmt.Sprint(after) != fmt.Sprint(before) {
			x.Errorf("cancelled, the filled order is %+v, before %+v", after, before)
		}
	}
	if !x.Rests {
		return
	}
	for _, part := range []uint64{0, 4} {
		o, price := x.waiting(sky(10))
		id := x.place(o)
		if part > 0 {
			x.server.Offer(Ask{price, sky(part)})
		}
		x.must(x.exchange.Cancel(x.ctx, x.Coin, id))
		x.eventually("the order is cancelled", func() error { return x.final(o) })
		r := x.report(o)
		if r.Filled || (r.Bought > 0) != (part > 0) {
			x.Errorf("cancelled after %d SKY: %+v", part, r)
		}
		for range 2 {
			x.must(x.exchange.Cancel(x.ctx, x.Coin, id))
			if again := x.report(o); fmt.Sprint(again) != fmt.Sprint(r) {
				x.Errorf("cancelled again it is %+v, before %+v", again, r)
			}
		}
	}
}

func (x *trial) final(o teller.OrderRequest) error {
	r, err := x.exchange.Find(x.ctx, x.Coin, o.ClientID)
	if err == nil && !r.Final {
		err = fmt.Errorf("%s is %s", describe(o), r.Status)
	}
	return err
}

// testCancelRace: whoever is first, the order ends once, and the report is true.
func testCancelRace(x *trial) {
	x.rests()
	x.rich()
	for i := range 20 {
		o, price := x.waiting(sky(10))
		id := x.place(o)
		start := make(chan struct{})
		var race sync.WaitGroup
		for range 2 {
			race.Go(func() {
				<-start
				if err := x.exchange.Cancel(x.ctx, x.Coin, id); err != nil {
					x.Errorf("cancel in a race with a fill: %v", err)
				}
			})
		}
		race.Go(func() {
			<-start
			x.server.Offer(Ask{price, sky(uint64(6 + i%8))})
		})
		close(start)
		race.Wait()
		x.eventually("the order is final", func() error { return x.final(o) })
		x.report(o)
		x.server.Offer()
	}
}

// testFinalIsFinal: a final report never changes any more, whatever happens, and however it is asked for.
func testFinalIsFinal(x *trial) {
	x.rich()
	filled := x.request(sky(10))
	x.place(filled)
	orders := []teller.OrderRequest{filled}
	if x.Rests {
		for _, how := range x.server.Ends() {
			o, price := x.waiting(sky(10))
			x.place(o)
			x.server.Offer(Ask{price, sky(3)})
			x.server.End(o.ClientID, how)
			orders = append(orders, o)
		}
	}
	reports := make([]string, len(orders))
	for i, o := range orders {
		reports[i] = fmt.Sprint(x.report(o))
	}
	for i := range 3 {
		x.server.Offer(Ask{x.amountTimes(x.Tick, 1), sky(1_000)}, Ask{x.price(0), sky(1_000)})
		x.server.Fund(x.cost(x.price(int64(i)), sky(500)))
		for j, o := range orders {
			x.must(x.exchange.Cancel(x.ctx, x.Coin, x.seen(o.ClientID).OrderID))
			if again := fmt.Sprint(x.report(o)); again != reports[j] {
				x.Errorf("the final report\n%s\nhas become\n%s", reports[j], again)
			}
		}
		x.place(x.request(sky(10)))
		x.exchange = x.openAt(x.server.Addr(), x.timeout)
	}
}

// amountTimes is a multiple of an amount.
func (x *trial) amountTimes(a teller.Amount, n int) teller.Amount {
	sum := teller.Amount{}
	for range n {
		sum = sum.Add(a)
	}
	return sum
}
