package c2cx

import (
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
	"github.com/skycoin/teller/internal/exchange/exchangetest"
)

func TestExchangeOnSimulator(t *testing.T) {
	exchangetest.Run(t, harness(c2cxsim.Options{}, Config{}))
}

// TestExchangeOnCoarseSimulator: as few decimals as the public service took, a high fee, and no order that can not be paid.
func TestExchangeOnCoarseSimulator(t *testing.T) {
	skipShort(t)
	h := harness(
		c2cxsim.Options{PriceDecimals: 5, QuantityDecimals: 2, SpendDecimals: 5, Fee: "0.0317", RefuseShort: true},
		Config{Step: teller.NewAmount(1_000), PriceDecimals: 5, QuantityDecimals: 2},
	)
	h.Tick, h.Lot = teller.NewAmount(1_000), teller.DropletsPerSKY/100
	exchangetest.Run(t, h)
}

// TestExchangeOnFineSimulator: quantities of more decimals than a droplet has.
func TestExchangeOnFineSimulator(t *testing.T) {
	skipShort(t)
	exchangetest.Run(t, harness(c2cxsim.Options{QuantityDecimals: 9, Fee: "0.00123456789"}, Config{QuantityDecimals: 9}))
}

func skipShort(t *testing.T) {
	if testing.Short() {
		t.Skip("once is enough")
	}
}

func harness(opts c2cxsim.Options, config Config) exchangetest.Harness {
	return exchangetest.Harness{
		Start: func(t testing.TB) exchangetest.Server { return startSuiteServer(t, opts, config) },
		Coin:  teller.BTC, Price: teller.NewAmount(100_000), Tick: teller.NewAmount(1), Lot: 1,
		TooSmall: teller.NewAmount(40_000), Rests: true,
		Places: func(r *http.Request) bool { return r.URL.Path == "/v1/createorder" },
	}
}

const (
	testKey    = "C821DB84-6FBD-11E4-A9E3-C86000D26D7C"
	testSecret = "12D857DE-7A92-F555-10AC-7566A0D84D1B"
)

// suiteServer implements what exchangetest wants of a server.
type suiteServer struct {
	t      testing.TB
	sim    *c2cxsim.Server
	addr   string
	config Config
}

var _ exchangetest.ByHand = (*suiteServer)(nil)

func startSuiteServer(t testing.TB, opts c2cxsim.Options, config Config) *suiteServer {
	opts.Accounts = []c2cxsim.NewAccount{{Key: testKey, Secret: testSecret}, {Key: "another", Secret: "other"}}
	sim, err := c2cxsim.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		if wrong := sim.Check(); len(wrong) > 0 {
			t.Errorf("the simulator's books: %v", wrong)
		}
		_ = sim.Close()
		server.Close()
	})
	return &suiteServer{t, sim, strings.TrimPrefix(server.URL, "http://"), config}
}

func (s *suiteServer) Addr() string { return s.addr }

func (s *suiteServer) Open(addr string, timeout time.Duration) teller.Exchange {
	return s.open(addr, timeout, testSecret)
}

func (s *suiteServer) OpenWithWrongKeys(addr string, timeout time.Duration) teller.Exchange {
	return s.open(addr, timeout, testSecret+"0")
}

func (s *suiteServer) open(addr string, timeout time.Duration, secret string) *Exchange {
	c := s.config
	c.URL, c.Key, c.Secret, c.Timeout = "http://"+addr, testKey, secret, timeout
	x, err := New(c)
	s.must(err)
	return x
}

func (s *suiteServer) Secrets() []string { return []string{testSecret, testKey} }

func (s *suiteServer) Fund(amount teller.Amount) {
	s.must(s.sim.SetSpendable(testKey, c2cxsim.MustDecimal(amount.Format(teller.BTC))))
}

func (s *suiteServer) Offer(asks ...exchangetest.Ask) {
	book := make([]c2cxsim.Ask, len(asks))
	for i, a := range asks {
		book[i] = c2cxsim.Ask{Price: c2cxsim.MustDecimal(a.Price.Format(teller.BTC)), Quantity: c2cxsim.MustDecimal(a.Quantity.String())}
	}
	s.must(s.sim.SetBook(book...))
}

func (s *suiteServer) Seen(clientID string) (seen []exchangetest.Seen) {
	for _, o := range s.sim.Orders() {
		if o.CID != clientID || clientID == "" {
			continue
		}
		spent := new(big.Rat).Mul(o.Spent.Rat(), big.NewRat(100_000_000, 1))
		spent.Add(spent, big.NewRat(1, 2))
		bought := new(big.Rat).Sub(o.Bought.Rat(), o.Fee.Rat())
		bought.Mul(bought, big.NewRat(1_000_000, 1))
		amount, err := teller.AmountFromBig(new(big.Int).Quo(spent.Num(), spent.Denom()))
		s.must(err)
		seen = append(seen, exchangetest.Seen{
			OrderID: big.NewInt(o.ID).String(), Final: o.Status.Final(), Filled: o.Status == c2cxsim.Completed,
			Bought: teller.Droplets(new(big.Int).Quo(bought.Num(), bought.Denom()).Uint64()), Spent: amount,
		})
	}
	return seen
}

func (s *suiteServer) Ends() []string { return []string{"cancelled", "error", "expired"} }

func (s *suiteServer) End(clientID, how string) { s.must(s.sim.End(clientID, how)) }

func (s *suiteServer) RateLimit(on bool) { s.fault(on, c2cxsim.RateLimit) }

func (s *suiteServer) Maintain(on bool) { s.fault(on, c2cxsim.XML) }

func (s *suiteServer) fault(on bool, kind c2cxsim.FaultKind) {
	s.sim.ForgetFaults()
	if on {
		s.must(s.sim.AddFault(c2cxsim.Fault{Kind: kind, Times: -1}))
	}
}

func (s *suiteServer) PlaceByHand() (open int) {
	for _, form := range []url.Values{
		{"priceTypeId": {"market"}, "price": {"0.01"}},
		{"priceTypeId": {"limit"}, "price": {"0.00001"}, "quantity": {"100"}},
	} {
		form.Set("symbol", "BTC_SKY")
		form.Set("orderType", "buy")
		form.Set("apiKey", testKey)
		form.Set("sign", c2cxsim.Sign(form, testSecret))
		resp, err := http.PostForm("http://"+s.addr+"/v1/createorder", form)
		s.must(err)
		s.must(resp.Body.Close())
	}
	return 1
}

func (s *suiteServer) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err) // not by its own goroutine, perhaps
	}
}
