package c2cx

import (
	"fmt"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// TestUnderFaults: who always asks before placing, and believes only what is found, places nothing twice and misses
// nothing, whatever goes wrong.
func TestUnderFaults(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runUnderFaults(t, uint64(seed)) })
	}
}

func runUnderFaults(t *testing.T, seed uint64) {
	const orders = 30
	sim, err := c2cxsim.Open(c2cxsim.Options{
		Accounts: []c2cxsim.NewAccount{{Key: testKey, Secret: testSecret, BTC: c2cxsim.MustDecimal("1")}}, Seed: seed, FaultPercent: 35,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	server := &suiteServer{t: t, sim: sim}
	if err := sim.SetBook(
		c2cxsim.Ask{Price: c2cxsim.MustDecimal("0.00123457"), Quantity: c2cxsim.MustDecimal("77.7")},
		c2cxsim.Ask{Price: c2cxsim.MustDecimal("0.00131313"), Quantity: c2cxsim.MustDecimal("7777.777777")},
	); err != nil {
		t.Fatal(err)
	}
	open := func() *Exchange {
		x, err := New(Config{URL: "http://exchange.test", Key: testKey, Secret: testSecret, Transport: sim.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	x := open()
	for i := range orders {
		o := teller.OrderRequest{ClientID: teller.OrderClientID(fmt.Sprint("deposit:", i), 1), Coin: teller.BTC, Spend: teller.NewAmount(uint64(1_000_003 + i*7919))}
		if i%3 == 0 {
			o.Least = teller.MustRate("800")
		}
		r := follow(t, x, o)
		seen := server.Seen(o.ClientID)
		if len(seen) != 1 || seen[0].OrderID != r.OrderID || seen[0].Final != r.Final || seen[0].Filled != r.Filled || seen[0].Bought != r.Bought || !seen[0].Spent.Equal(r.Spent) {
			t.Fatalf("%s: reported as %+v, the exchange has %+v", o.ClientID, r, seen)
		}
		if i%7 == 6 {
			x = open() // a restart
		}
	}
	if n := len(sim.Orders()); n != orders {
		t.Errorf("%d orders on the exchange", n)
	}
	if wrong := sim.Check(); len(wrong) > 0 {
		t.Error(wrong)
	}
}

// follow does what a worker does until the order is final.
func follow(t *testing.T, x *Exchange, o teller.OrderRequest) teller.OrderReport {
	t.Helper()
	for i := range 500 {
		r, err := x.Find(t.Context(), o.Coin, o.ClientID)
		if err == nil && r.Final {
			return r
		}
		if err == nil && i > 20 { // a limit order that finds too little
			_ = x.Cancel(t.Context(), o.Coin, r.OrderID) // the answer decides nothing
		}
		if teller.CodeOf(err) != teller.CodeNotFound {
			continue
		}
		_, err = x.Place(t.Context(), o)
		switch teller.CodeOf(err) {
		case "", teller.CodeUnavailable, teller.CodeMalformed, teller.CodeRateLimited:
		default: // a fault is never called a refusal, and what was not found is not there
			t.Fatalf("place: %v", err)
		}
	}
	t.Fatalf("%s never ends", o.ClientID)
	return teller.OrderReport{}
}
