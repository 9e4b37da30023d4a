package app

import (
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// market is a simulated exchange behind real HTTP, with the operator's account on it.
type market struct {
	*c2cxsim.Server
	t   *testing.T
	url string
}

const (
	accountKey    = "K"
	accountSecret = "S"
	accountBTC    = "10"
)

func openMarket(t *testing.T) *market {
	t.Helper()
	s, err := c2cxsim.Open(c2cxsim.Options{
		Accounts: []c2cxsim.NewAccount{{Key: accountKey, Secret: accountSecret, BTC: c2cxsim.MustDecimal(accountBTC)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		if wrong := s.Check(); len(wrong) > 0 {
			t.Errorf("the exchange's own books: %v", wrong)
		}
		server.Close()
		_ = s.Close()
	})
	return &market{s, t, server.URL}
}

// buysOn makes a counter buy on it, and look often.
func buysOn(c *config.Config, m *market) {
	c.SkyExchanger.BuyMethod = teller.BuyPassthrough
	e := &c.SkyExchanger.ExchangeClient
	e.Name, e.URL = config.ExchangeC2CX, m.url
	e.Key, e.Secret = config.NewSecret(accountKey), config.NewSecret(accountSecret)
	e.CheckOrderWait, e.RequestFailureWait = 100*time.Millisecond, 100*time.Millisecond
	e.BTCMinimumVolume = "0.001"
}

// sells replaces what is on offer: pairs of a price in BTC and a quantity of SKY.
func (m *market) sells(asks ...string) {
	m.t.Helper()
	var book []c2cxsim.Ask
	for i := 0; i < len(asks); i += 2 {
		book = append(book, c2cxsim.Ask{Price: c2cxsim.MustDecimal(asks[i]), Quantity: c2cxsim.MustDecimal(asks[i+1])})
	}
	if err := m.SetBook(book...); err != nil {
		m.t.Fatal(err)
	}
}

// ordersOf are the orders that the exchange has for a deposit.
func (m *market) ordersOf(depositID string) (orders []c2cxsim.Order) {
	m.t.Helper()
	for n := 1; ; n++ {
		o, err := m.Order(teller.OrderClientID(depositID, n))
		if err != nil {
			return orders
		}
		orders = append(orders, o)
	}
}

// bought is what has come to the account for an order, cut to the droplet, and what has left it for that, rounded to the
// satoshi.
func bought(o c2cxsim.Order) (teller.Droplets, int64) {
	sky := new(big.Rat).Sub(o.Bought.Rat(), o.Fee.Rat())
	sky.Mul(sky, big.NewRat(1_000_000, 1))
	btc := o.Spent.Rat()
	btc.Mul(btc, big.NewRat(100_000_000, 1))
	btc.Add(btc, big.NewRat(1, 2))
	floor := func(r *big.Rat) int64 { return new(big.Int).Quo(r.Num(), r.Denom()).Int64() }
	return teller.Droplets(floor(sky)), floor(btc)
}
