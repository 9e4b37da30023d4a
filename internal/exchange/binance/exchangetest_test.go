package binance

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/binance/binancetest"
	"github.com/skycoin/teller/internal/exchange/exchangetest"
)

// TestExchange puts the adapter through the suite as Binance is: the orders that it places never wait.
func TestExchange(t *testing.T) { exchangetest.Run(t, harness(false)) }

// TestWaitingOrders does so with a Binance on which limit orders wait, for the reports on such.
func TestWaitingOrders(t *testing.T) { exchangetest.Run(t, harness(true)) }

func harness(waits bool) exchangetest.Harness {
	return exchangetest.Harness{
		Start: func(t testing.TB) exchangetest.Server {
			s := &suiteServer{Server: binancetest.New(t), t: t}
			s.AddSymbol(binancetest.Skycoin())
			s.SetFee("0.00075123", "")
			if waits {
				s.Wait()
			}
			return s
		},
		Coin: teller.BTC, Price: teller.NewAmount(100_000), Tick: teller.NewAmount(1), Lot: teller.DropletsPerSKY / 10,
		TooSmall: teller.NewAmount(9_999), Rests: waits,
		Places: func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/api/v3/order" },
	}
}

// suiteServer lets the suite steer the stand-in.
type suiteServer struct {
	*binancetest.Server
	t      testing.TB
	byHand int
}

func (s *suiteServer) Addr() string { return strings.TrimPrefix(s.URL, "http://") }

func (s *suiteServer) Secrets() []string { return []string{binancetest.Key, binancetest.Secret} }

func (s *suiteServer) Open(addr string, timeout time.Duration) teller.Exchange {
	return s.open(addr, timeout, binancetest.Secret)
}

func (s *suiteServer) OpenWithWrongKeys(addr string, timeout time.Duration) teller.Exchange {
	return s.open(addr, timeout, "wrong"+binancetest.Secret)
}

func (s *suiteServer) open(addr string, timeout time.Duration, secret string) teller.Exchange {
	e, err := New(Config{
		BaseURL: "http://" + addr, Key: binancetest.Key, Secret: secret, Timeout: timeout,
		Symbols: map[teller.Coin]string{teller.BTC: "SKYCOINBTC"},
	})
	if err != nil {
		s.t.Error(err)
	}
	return e
}

func (s *suiteServer) Fund(amount teller.Amount) { s.SetBalance("BTC", amount.Format(teller.BTC)) }

func (s *suiteServer) Offer(asks ...exchangetest.Ask) {
	var offers []binancetest.Offer
	for _, a := range asks {
		offers = append(offers, binancetest.Offer{Price: a.Price.Format(teller.BTC), Quantity: a.Quantity.String()})
	}
	s.SetBook("SKYCOINBTC", offers...)
}

func (s *suiteServer) Seen(clientID string) []exchangetest.Seen {
	var seen []exchangetest.Seen
	for _, o := range s.PlacedAs(clientID) {
		// Eight decimals as the exchange writes them: satoshi, and two more than a droplet has.
		bought, err := teller.ParseDroplets(o.Got()[:len(o.Got())-2])
		if err != nil {
			s.t.Error(err)
		}
		spent, err := teller.ParseAmount(strings.Replace(o.Spent(), ".", "", 1))
		if err != nil {
			s.t.Error(err)
		}
		seen = append(seen, exchangetest.Seen{
			OrderID: strconv.FormatInt(o.ID, 10), Final: o.Final(), Filled: o.Status == "FILLED", Bought: bought, Spent: spent,
		})
	}
	return seen
}

// Ends leaves out the owner's hand: such an order loses its client id, and nobody could find it under that.
func (s *suiteServer) Ends() []string { return []string{"EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"} }

func (s *suiteServer) RateLimit(on bool) {
	const refusal = `{"code":-1003,"msg":"Too much request weight used; current limit is 6000 request weight per 1 MINUTE."}`
	s.always(on, binancetest.Answer("", http.StatusTooManyRequests, refusal, "Retry-After", "1"))
}

func (s *suiteServer) Maintain(on bool) {
	s.always(on, binancetest.Answer("", http.StatusServiceUnavailable, `{"code":-1016,"msg":"This service is no longer available."}`))
}

func (s *suiteServer) always(on bool, f binancetest.Fault) {
	s.Heal()
	if on {
		f.Times = 1 << 30
		s.Fail(f)
	}
}

// PlaceByHand implements exchangetest.ByHand. On Binance every order has a client id; the exchange's pages make one up.
func (s *suiteServer) PlaceByHand() int {
	s.byHand++
	s.Rest(fmt.Sprintf("web_filled_%d", s.byHand), "SKYCOINBTC", "BUY", "0.001", "10")
	s.Trade(fmt.Sprintf("web_filled_%d", s.byHand), "0.001", "10")
	s.Rest(fmt.Sprintf("web_waits_%d", s.byHand), "SKYCOINBTC", "BUY", "0.00000001", "10")
	return 1
}
