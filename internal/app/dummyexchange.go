package app

import (
	"math/big"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/c2cx"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// The account at the simulated exchange. Its secret keeps nobody out: it is never asked over a network.
const (
	dummyExchangeKey    = "dummy"
	dummyExchangeSecret = "dummy"
	dummyExchangeBTC    = "1000"
)

// openDummyExchange makes a simulation of C2CX inside the process: an account that is rich enough, and others who sell
// around the configured rate. What has become of it is kept in the data directory. The adapter that buys there is the real
// one.
func (a *App) openDummyExchange() (teller.Exchange, error) {
	server, err := c2cxsim.Open(c2cxsim.Options{
		Accounts: []c2cxsim.NewAccount{{Key: dummyExchangeKey, Secret: dummyExchangeSecret, BTC: c2cxsim.MustDecimal(dummyExchangeBTC)}},
		Journal:  filepath.Join(a.Config.DataDir, "dummy-exchange.journal"), Log: a.Log,
	})
	if err != nil {
		return nil, err
	}
	a.onClose("dummy exchange", server.Close)
	if len(server.Book()) == 0 {
		asks, err := DummyBook(a.Config.Rate(teller.BTC))
		if err != nil {
			return nil, err
		}
		if err := server.SetBook(asks...); err != nil {
			return nil, err
		}
	}
	a.dummy.exchange = server.Handler()
	c := c2cxConfig(a.Config.SkyExchanger.ExchangeClient)
	c.URL, c.Key, c.Secret, c.Transport = "http://exchange.dummy", dummyExchangeKey, dummyExchangeSecret, server.Transport()
	return c2cx.New(c)
}

// DummyBook is what others sell on a simulated exchange: for ten bitcoins each at half a per cent below a rate, at the rate,
// half a per cent above it, and so on ten times. Nothing when there is no rate.
func DummyBook(rate teller.Rate) ([]c2cxsim.Ask, error) {
	const (
		levels   = 10
		decimals = 18
	)
	if rate.IsZero() {
		return nil, nil
	}
	bitcoin := teller.NewAmount(100_000_000)
	buys, err := rate.Convert(teller.BTC, bitcoin, 6) // droplets
	if err != nil || buys == 0 {
		return nil, err
	}
	sky := new(big.Rat).SetFrac(new(big.Int).SetUint64(uint64(buys)), big.NewInt(1_000_000))
	quantity, err := c2cxsim.ParseDecimal(new(big.Rat).Mul(sky, big.NewRat(10, 1)).FloatString(6))
	if err != nil {
		return nil, err
	}
	var asks []c2cxsim.Ask
	for i := range int64(levels) {
		price := new(big.Rat).Quo(big.NewRat(995+5*i, 1000), sky)
		exact, err := c2cxsim.ParseDecimal(strings.TrimSuffix(strings.TrimRight(price.FloatString(decimals), "0"), "."))
		if err != nil {
			return nil, err
		}
		asks = append(asks, c2cxsim.Ask{Price: exact, Quantity: quantity})
	}
	return asks, nil
}

// exchangeControls serves the controls of the simulated exchange, nil when there is none. Whoever changes something there
// wants to see what teller makes of it.
func (w *dummyWorld) exchangeControls() http.Handler {
	if w.exchange == nil {
		return nil
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r2 := r.Clone(r.Context())
		r2.URL.Path, r2.URL.RawPath = "/sim"+r.URL.Path, ""
		w.exchange.ServeHTTP(rw, r2)
		if r.Method != http.MethodGet {
			w.wake("buyer")
		}
	})
}
