package c2cx

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// TestSign: the vectors are those of the protocol's other implementations.
func TestSign(t *testing.T) {
	for _, c := range []struct {
		form url.Values
		want string
	}{
		{url.Values{}, "BC0DE7EBA50C730BDFC575FE2CD54082"},
		{url.Values{"foo": {"123"}, "bar": {"345"}}, "8744DB365DE080C0A45C9940879E9644"},
		{url.Values{"foo": {"a:b"}}, "965DAC47B580945BFB97338AA7C34218"},
	} {
		c.form.Set("apiKey", testKey)
		if got := sign(c.form, testSecret); got != c.want {
			t.Errorf("%v is signed %s, want %s", c.form, got, c.want)
		}
	}
}

// TestRequests: what is sent, to the last letter.
func TestRequests(t *testing.T) {
	s := &script{orders: many(1)}
	x := s.open(t)
	for _, o := range []teller.OrderRequest{
		{ClientID: "t-a-1", Coin: teller.BTC, Spend: teller.NewAmount(1_234_567)},
		{ClientID: "t-a-2", Coin: teller.BTC, Spend: teller.NewAmount(100_000_000)},
		{ClientID: "t-a-3", Coin: teller.BTC, Spend: teller.NewAmount(1_000_000), Least: teller.MustRate("1000")},
		{ClientID: "t-a-4", Coin: teller.BTC, Spend: teller.NewAmount(1_000_000), Least: teller.MustRate("7/3")},
		{ClientID: "t-a-5", Coin: teller.BTC, Spend: teller.NewAmount(1_000_000), Least: teller.MustRate("0.01")},
	} {
		if _, err := x.Place(t.Context(), o); err != nil {
			t.Error(err)
		}
	}
	wantFind(t, x, "c-1", "")
	if err := x.Cancel(t.Context(), teller.BTC, "77"); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	for _, form := range s.forms {
		text, err := url.QueryUnescape(form.Encode())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, text)
	}
	golden := filepath.Join("testdata", "requests.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("sent\n%s\nwant\n%s (%v)", b.String(), want, err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{URL: "http://127.0.0.1:1/v1/", Key: "k", Secret: "s"}
	for what, spoil := range map[string]func(*Config){
		"no key":          func(c *Config) { c.Key = "" },
		"no secret":       func(c *Config) { c.Secret = "" },
		"nowhere":         func(c *Config) { c.URL = "" },
		"no host":         func(c *Config) { c.URL = "http://" },
		"another scheme":  func(c *Config) { c.URL = "ftp://user:password@host" },
		"a query":         func(c *Config) { c.URL = "http://user:password@host/?a=b" },
		"no URL":          func(c *Config) { c.URL = "http://user:password@host:port:port" },
		"too many digits": func(c *Config) { c.PriceDecimals = 40 },
		"too few digits":  func(c *Config) { c.QuantityDecimals = -1 },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); teller.CodeOf(err) != teller.CodeInvalid || strings.Contains(err.Error(), "password") {
			t.Errorf("%s: %v", what, err)
		}
	}
	x, err := New(good)
	if err != nil || x.client.base.String() != "http://127.0.0.1:1/v1" {
		t.Errorf("the base is %v (%v)", x.client.base, err)
	}
	if x.client.timeout != defaultTimeout {
		t.Errorf("the timeout is %s", x.client.timeout)
	}
}

// TestSecretsAreNotPrinted: neither a configuration nor an exchange shows its keys, however it is printed.
func TestSecretsAreNotPrinted(t *testing.T) {
	c := Config{URL: "http://host", Key: testKey, Secret: testSecret}
	x, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%v", &c), fmt.Sprintf("%#v", x), fmt.Sprintf("%+v", x), fmt.Sprintf("%+v", *x),
		fmt.Sprintf("%+v", *x.client), fmt.Sprintf("%#v", *x.client),
	} {
		if strings.Contains(text, testKey) || strings.Contains(text, testSecret) {
			t.Errorf("%.40s... shows a key", text)
		}
	}
}

// TestEchoIsRedacted: an exchange that repeats what it was asked tells no keys by it.
func TestEchoIsRedacted(t *testing.T) {
	s := &script{refuse: map[string]string{"getbalance": "what is apiKey=" + testKey + "&secretKey=" + testSecret}}
	_, err := s.open(t).Balance(t.Context(), teller.BTC)
	if err == nil || strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), testSecret) || !strings.Contains(err.Error(), "***") {
		t.Error(err)
	}
}

// TestRedirectIsNotFollowed: neither an order nor the keys go anywhere else.
func TestRedirectIsNotFollowed(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/v1/other", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	x, err := New(Config{URL: server.URL, Key: "k", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if _, err := x.Balance(t.Context(), teller.BTC); teller.CodeOf(err) != teller.CodeMalformed || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// TestMinimum: what is below the configured minimum is not sent at all.
func TestMinimum(t *testing.T) {
	s := &script{}
	x, err := New(Config{URL: "http://exchange.test", Key: "k", Secret: "s", Minimum: teller.NewAmount(500_000), Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	o := teller.OrderRequest{ClientID: "t-a-1", Coin: teller.BTC, Spend: teller.NewAmount(499_999)}
	if _, err := x.Place(t.Context(), o); teller.CodeOf(err) != teller.CodeBelowMinimum || len(s.forms) != 0 {
		t.Errorf("sent %v: %v", s.forms, err)
	}
	o.Spend = teller.NewAmount(500_000)
	if id, err := x.Place(t.Context(), o); err != nil || id != "77" {
		t.Errorf("order %q (%v)", id, err)
	}
	if m, err := x.Market(t.Context(), teller.BTC); err != nil || !m.Minimum.Equal(o.Spend) || !m.IDsOnce || m.Symbol != "BTC_SKY" {
		t.Errorf("%+v (%v)", m, err)
	}
}

// thief withdraws the coins after the balance was told.
type thief struct {
	sim  *c2cxsim.Server
	next http.RoundTripper
}

func (s thief) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if strings.HasSuffix(r.URL.Path, "getbalance") {
		err = errors.Join(err, s.sim.SetSpendable(testKey, c2cxsim.Decimal{}))
	}
	return resp, err
}

// TestCoinsGoBetweenTheCalls: then a market order comes to nothing, and a limit order waits for coins.
func TestCoinsGoBetweenTheCalls(t *testing.T) {
	sim, err := c2cxsim.Open(c2cxsim.Options{Accounts: []c2cxsim.NewAccount{{Key: testKey, Secret: testSecret, BTC: c2cxsim.MustDecimal("1")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	if err := sim.SetBook(c2cxsim.Ask{Price: c2cxsim.MustDecimal("0.001"), Quantity: c2cxsim.MustDecimal("1000")}); err != nil {
		t.Fatal(err)
	}
	x, err := New(Config{URL: "http://exchange.test", Key: testKey, Secret: testSecret, Transport: thief{sim, sim.Transport()}})
	if err != nil {
		t.Fatal(err)
	}
	report := func(o teller.OrderRequest) teller.OrderReport {
		t.Helper()
		if err := sim.SetSpendable(testKey, c2cxsim.MustDecimal("1")); err != nil {
			t.Fatal(err)
		}
		if _, err := x.Place(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		r, err := x.Find(t.Context(), teller.BTC, o.ClientID)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	o := teller.OrderRequest{ClientID: "t-a-1", Coin: teller.BTC, Spend: teller.NewAmount(1_000_000)}
	if r := report(o); !r.Final || r.Filled || r.Bought != 0 || !r.Spent.IsZero() || r.Status != "cancelled" {
		t.Errorf("%+v", r)
	}
	o.ClientID, o.Least = "t-a-2", teller.MustRate("1000")
	if r := report(o); r.Final || r.Bought != 0 || !r.Spent.IsZero() || r.Status != "suspended" {
		t.Errorf("%+v", r)
	}
	if err := sim.SetSpendable(testKey, c2cxsim.MustDecimal("1")); err != nil {
		t.Fatal(err)
	}
	if r, err := x.Find(t.Context(), teller.BTC, o.ClientID); err != nil || !r.Filled || r.Bought != 9_980_000 || !r.Spent.Equal(o.Spend) {
		t.Errorf("%+v (%v)", r, err)
	}
}

// FuzzTerms: a limit order is never worse than demanded, and never costs more than was given.
func FuzzTerms(f *testing.F) {
	f.Add(uint64(1_000_000), "1000", uint8(8), uint8(6))
	f.Add(uint64(1), "1/3", uint8(5), uint8(2))
	f.Add(uint64(1<<63), "0.000001", uint8(1), uint8(18))
	f.Add(uint64(20_000_000), "999.999999999", uint8(8), uint8(2))
	f.Fuzz(func(t *testing.T, spend uint64, rate string, priceDecimals, quantityDecimals uint8) {
		least, err := teller.ParseRate(rate)
		if err != nil {
			return
		}
		x, err := New(Config{URL: "http://exchange.test", Key: "k", Secret: "s", PriceDecimals: 1 + int(priceDecimals%18), QuantityDecimals: 1 + int(quantityDecimals%18)})
		if err != nil {
			t.Fatal(err)
		}
		o := teller.OrderRequest{ClientID: "t-a-1", Coin: teller.BTC, Spend: teller.NewAmount(spend), Least: least}
		got, err := x.terms(o)
		if err != nil {
			if c := teller.CodeOf(err); c != teller.CodeInvalid && c != teller.CodeBelowMinimum {
				t.Error(err)
			}
			return
		}
		price, ok := new(big.Rat).SetString(got.price)
		quantity, ok2 := new(big.Rat).SetString(got.quantity)
		if !ok || !ok2 || price.Sign() <= 0 || quantity.Sign() <= 0 {
			t.Fatalf("%+v", got)
		}
		given := new(big.Rat).SetFrac(o.Spend.Big(), pow10(8))
		demanded, err := rateRat(least)
		if err != nil {
			t.Fatal(err)
		}
		if cost := new(big.Rat).Mul(price, quantity); cost.Cmp(given) > 0 || got.cost.Cmp(o.Spend) > 0 {
			t.Errorf("%s at %s costs %s, reserves %s, was given %s", quantity, price, cost, got.cost, given)
		}
		if sold := new(big.Rat).Inv(price); sold.Cmp(demanded) < 0 {
			t.Errorf("at %s there are %s SKY for a BTC, demanded are %s", price, sold, demanded)
		}
	})
}

// TestPaid: what is told while an order may buy more is never more than what is told later, with averages of few digits.
func TestPaid(t *testing.T) {
	number := func(text string) number {
		var n number
		if err := n.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return n
	}
	bought, cost := new(big.Rat), new(big.Rat)
	for i := range 200 {
		quantity, price := big.NewRat(int64(7+i%5), 3), big.NewRat(100_000+int64(i*i%977), 100_000_000)
		cost.Add(cost, new(big.Rat).Mul(quantity, price))
		bought.Add(bought, quantity)
		average := new(big.Rat).Quo(cost, bought)
		completed := number(bought.FloatString(8))
		for _, decimals := range []int{8, 10, 18} {
			partly := paid(completed, number(average.FloatString(decimals)), false)
			exactly := paid(completed, number(average.FloatString(18)), true)
			whole := paid(completed, number(average.FloatString(decimals)), true)
			if partly.Cmp(exactly) > 0 || partly.Cmp(whole) > 0 {
				t.Errorf("bought %s at %s: %s while more may be bought, %s in the end, %s in truth",
					completed.text, average.FloatString(decimals), partly, whole, exactly)
			}
		}
	}
}

// TestHeldListing: who waits for another's reading of the list goes when its time is up.
func TestHeldListing(t *testing.T) {
	s := &script{orders: many(1)}
	x := s.open(t)
	if err := x.listing.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Find(ctx, teller.BTC, "c-1"); teller.CodeOf(err) != teller.CodeUnavailable {
		t.Error(err)
	}
	x.listing.unlock()
	wantFind(t, x, "c-1", "")
}
