package app

import (
	"context"
	"math/big"
	"slices"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
	"github.com/skycoin/teller/internal/settle"
)

// The exchange is the one that is configured. No call is made before a worker makes one.
func TestExchangeClients(t *testing.T) {
	for _, tt := range []struct {
		client config.ExchangeClient
		name   string
		code   teller.Code
	}{
		{config.ExchangeClient{Name: config.ExchangeC2CX, URL: "https://exchange.example"}, "c2cx", ""},
		{config.ExchangeClient{Name: config.ExchangeC2CX}, "", teller.CodeInvalid},
		{config.ExchangeClient{Name: config.ExchangeBinance, BTCSymbol: "SKYBTC"}, "binance", ""},
		{config.ExchangeClient{Name: config.ExchangeBinance}, "", teller.CodeInvalid},
	} {
		tt.client.Key, tt.client.Secret = config.NewSecret("k"), config.NewSecret("s")
		a := &App{Options: Options{Config: config.Config{SkyExchanger: config.SkyExchanger{ExchangeClient: tt.client}}}}
		x, err := a.exchangeClient()
		if teller.CodeOf(err) != tt.code || (err == nil && x.Name() != tt.name) {
			t.Errorf("%s: %v, %v", tt.client.Name, x, err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBuyingPolicy(t *testing.T) {
	c := config.Default()
	c.SkyExchanger.ExchangeClient.OnFailure, c.SkyExchanger.ExchangeClient.MaxAttempts = config.FailureRetry, 7
	c.SkyExchanger.ExchangeClient.MaxSlippage, c.SkyExchanger.ExchangeClient.ETHMinimumVolume = "0.05", "0.1"
	p, err := buyingPolicy(c)
	if err != nil || !p.Retry || p.MaxAttempts != 7 || p.MaxSlippage.Cmp(big.NewRat(1, 20)) != 0 || p.MaxDecimals != 3 ||
		p.Minimum[teller.BTC].String() != "500000" || p.Minimum[teller.ETH].String() != "100000000000000000" || !p.Minimum[teller.SKY].IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := buyingPolicy(config.Default()); err != nil || p.Retry || p.MaxSlippage != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// Others sell from half a per cent below the rate on, for ten bitcoins at each price.
func TestDummyBook(t *testing.T) {
	for rate, want := range map[string][2]string{ // the first price, and the quantity
		"500":      {"0.00199", "5000"},
		"0.5":      {"1.99", "5"},
		"1/3":      {"2.985002985002985003", "3.33333"},
		"12345678": {"0.000000080595006609", "123456780"},
	} {
		asks, err := DummyBook(teller.MustRate(rate))
		if err != nil || len(asks) != 10 || asks[0].Price.String() != want[0] || asks[0].Quantity.String() != want[1] {
			t.Errorf("%s: %v, %v", rate, asks, err)
		}
		sim, err := c2cxsim.Open(c2cxsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := sim.SetBook(asks...); err != nil {
			t.Errorf("%s: %v", rate, err)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, none := range []teller.Rate{{}, teller.MustRate("0.0000001")} {
		if asks, err := DummyBook(none); err != nil || len(asks) != 0 {
			t.Errorf("%q: %v, %v", none, asks, err)
		}
	}
}

// pendingPages is a ledger with pending orders, in pages.
type pendingPages struct {
	settle.Ledger
	states []teller.OrderState
}

func (l pendingPages) PendingOrders(_ context.Context, after uint64, limit int) (page []teller.Order, err error) {
	for i, state := range l.states {
		if seq := uint64(i + 1); seq > after && len(page) < limit {
			page = append(page, teller.Order{Seq: seq, State: state})
		}
	}
	return page, nil
}

func TestPlacedOnly(t *testing.T) {
	const prepared, placing, placed = teller.OrderPrepared, teller.OrderPlacing, teller.OrderPlaced
	l := placedOnly{pendingPages{states: []teller.OrderState{prepared, prepared, placing, prepared, prepared, prepared, placed, prepared}}}
	var seen []uint64
	for after := uint64(0); ; after = seen[len(seen)-1] {
		page, err := l.PendingOrders(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, o := range page {
			seen = append(seen, o.Seq)
		}
	}
	if !slices.Equal(seen, []uint64{3, 7}) {
		t.Errorf("orders %v are followed", seen)
	}
	if due, err := l.Due(t.Context(), teller.StatusWaitingDecide, 0, 10); err != nil || len(due) > 0 {
		t.Errorf("%v, %v", due, err)
	}
	if _, err := l.BeginOrder(t.Context(), "t-1", 1); teller.CodeOf(err) != teller.CodeConflict {
		t.Error(err)
	}
}
