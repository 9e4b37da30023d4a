package binance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/binance/binancetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var markets = map[teller.Coin]string{teller.BTC: "SKYCOINBTC", teller.ETH: "SKYCOINETH"}

// open starts an exchange with two markets and some offers, and an account with 10 BTC and 100 ETH.
func open(t testing.TB) (*binancetest.Server, *Exchange) {
	t.Helper()
	s := binancetest.New(t)
	s.AddSymbol(binancetest.Skycoin())
	s.AddSymbol(binancetest.SkycoinEther())
	s.SetBalance("BTC", "10")
	s.SetBalance("ETH", "100")
	s.SetBook("SKYCOINBTC", binancetest.Offer{Price: "0.001", Quantity: "500"}, binancetest.Offer{Price: "0.002", Quantity: "500"})
	s.SetBook("SKYCOINETH", binancetest.Offer{Price: "0.0125", Quantity: "1000"})
	return s, account(t, s.URL, time.Minute)
}

func account(t testing.TB, url string, timeout time.Duration) *Exchange {
	t.Helper()
	e, err := New(Config{BaseURL: url, Key: binancetest.Key, Secret: binancetest.Secret, Symbols: markets, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code teller.Code) {
	t.Helper()
	if teller.CodeOf(err) != code {
		t.Fatalf("error %v has the code %q, want %q", err, teller.CodeOf(err), code)
	}
}

func amount(t testing.TB, coin teller.Coin, text string) teller.Amount {
	t.Helper()
	n, err := decimal(text)
	must(t, err)
	a, err := teller.AmountFromBig(floor(n, coin.Decimals()))
	must(t, err)
	return a
}

func request(t testing.TB, clientID string, coin teller.Coin, spend, least string) teller.OrderRequest {
	t.Helper()
	o := teller.OrderRequest{ClientID: clientID, Coin: coin, Spend: amount(t, coin, spend)}
	if least != "" {
		o.Least = teller.MustRate(least)
	}
	return o
}

func place(t testing.TB, e *Exchange, o teller.OrderRequest) string {
	t.Helper()
	id, err := e.Place(t.Context(), o)
	must(t, err)
	return id
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Key: "k", Secret: "s", Symbols: markets}
	if e, err := New(good); err != nil || e.url != DefaultURL || e.timeout != DefaultTimeout || e.Name() != "binance" {
		t.Fatalf("%+v, %v", e, err)
	}
	for name, change := range map[string]func(*Config){
		"no key":            func(c *Config) { c.Key = "" },
		"no secret":         func(c *Config) { c.Secret = "" },
		"line in key":       func(c *Config) { c.Key = "a\nb" },
		"no market":         func(c *Config) { c.Symbols = nil },
		"bad market":        func(c *Config) { c.Symbols = map[teller.Coin]string{teller.BTC: "sky btc"} },
		"sky for sky":       func(c *Config) { c.Symbols = map[teller.Coin]string{teller.SKY: "SKYSKY"} },
		"not a coin":        func(c *Config) { c.Symbols = map[teller.Coin]string{"LTC": "SKYLTC"} },
		"http elsewhere":    func(c *Config) { c.BaseURL = "http://api.binance.com" },
		"not a URL":         func(c *Config) { c.BaseURL = "api.binance.com" },
		"ftp":               func(c *Config) { c.BaseURL = "ftp://127.0.0.1" },
		"path":              func(c *Config) { c.BaseURL = "https://api.binance.com/api" },
		"password in URL":   func(c *Config) { c.BaseURL = "https://u:p@api.binance.com" },
		"query in URL":      func(c *Config) { c.BaseURL = "https://api.binance.com?x=y" },
		"control character": func(c *Config) { c.BaseURL = "https://api.binance.com\x7f" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			change(&cfg)
			_, err := New(cfg)
			wantCode(t, err, teller.CodeInvalid)
		})
	}
	for _, url := range []string{"https://testnet.binance.vision", "https://api.binance.com/", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"} {
		cfg := good
		cfg.BaseURL = url
		if _, err := New(cfg); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestMarket(t *testing.T) {
	s, e := open(t)
	for coin, want := range map[teller.Coin]teller.Market{
		teller.BTC: {Symbol: "SKYCOINBTC", Minimum: teller.NewAmount(10_000), Step: teller.NewAmount(1)},
		teller.ETH: {Symbol: "SKYCOINETH", Minimum: teller.NewAmount(5e15), Step: teller.NewAmount(1e10)},
	} {
		got, err := e.Market(t.Context(), coin)
		must(t, err)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", coin, got, want)
		}
	}
	_, err := e.Market(t.Context(), teller.SKY)
	wantCode(t, err, teller.CodeUnsupported)
	s.SetStatus("SKYCOINBTC", "BREAK")
	_, err = e.Market(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeUnavailable)
	s.SetStatus("SKYCOINBTC", "TRADING")
	_, err = e.Market(t.Context(), teller.BTC)
	must(t, err)

	bare := binancetest.Symbol{Name: "BARE", Base: "X", Quote: "BTC"}
	s.AddSymbol(bare)
	e.symbols[teller.BTC] = "BARE"
	got, err := e.Market(t.Context(), teller.BTC)
	must(t, err)
	if !got.Minimum.IsZero() || got.Step.String() != "1" {
		t.Errorf("a market without rules has %+v", got)
	}
	e.symbols[teller.BTC] = "SKYCOINETH"
	_, err = e.Market(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeUnsupported)
	e.symbols[teller.BTC] = "NOSUCH"
	_, err = e.Market(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeUnsupported)
}

func TestBalance(t *testing.T) {
	s, e := open(t)
	s.SetBalance("ETH", "1.23456789")
	s.Rest("by-hand", "SKYCOINBTC", "BUY", "0.0005", "1000")
	for coin, want := range map[teller.Coin]string{teller.BTC: "950000000", teller.ETH: "1234567890000000000"} {
		got, err := e.Balance(t.Context(), coin)
		must(t, err)
		if got.String() != want {
			t.Errorf("%s of %s can be spent, want %s", got, coin, want)
		}
	}
	_, err := e.Balance(t.Context(), teller.SKY)
	wantCode(t, err, teller.CodeUnsupported)
	e.symbols["LTC"] = "SKYLTC" // an asset that the account does not list
	got, err := e.Balance(t.Context(), "LTC")
	must(t, err)
	if !got.IsZero() {
		t.Errorf("%s of an asset that is not listed", got)
	}
}

// TestAnswersAreBounded takes answers that are too long, cut off, or late.
func TestAnswersAreBounded(t *testing.T) {
	s, e := open(t)
	const call = "GET /api/v3/account"
	long := `{"balances":[` + strings.Repeat(" ", maxAnswer) + `]}`
	for _, tc := range []struct {
		fault binancetest.Fault
		code  teller.Code
	}{
		{binancetest.Answer(call, 200, long), teller.CodeMalformed},
		{binancetest.Answer(call, 200, "<html>"), teller.CodeMalformed},
		{binancetest.Answer(call, 200, "null"), teller.CodeMalformed},
		{binancetest.Answer(call, 200, `{"balances":[{"asset":"BTC","free":"1e9"}]}`), teller.CodeMalformed},
		{binancetest.Answer(call, 200, `{"balances":[{"asset":"BTC","free":"-1"}]}`), teller.CodeMalformed},
		{binancetest.Answer(call, 200, `{"balan`, "Content-Length", "100"), teller.CodeUnavailable},
		{binancetest.Answer(call, 500, long), teller.CodeUnavailable},
		{binancetest.Drop(call), teller.CodeUnavailable},
	} {
		s.Heal()
		f := tc.fault
		f.Times = 2 // a GET on a kept connection is sent once more by net/http
		s.Fail(f)
		_, err := e.Balance(t.Context(), teller.BTC)
		wantCode(t, err, tc.code)
		if len(err.Error()) > 2*maxMessage {
			t.Errorf("the error is %d bytes long", len(err.Error()))
		}
	}
	s.Heal()
	s.Fail(binancetest.Hang(call))
	e.timeout = 100 * time.Millisecond
	_, err := e.Balance(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeUnavailable)
}

// TestEndlessAnswer reads no more of an answer than is allowed.
func TestEndlessAnswer(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	_, err := account(t, endless.URL, time.Minute).Balance(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeMalformed)
}

func TestCallEndsWithItsContext(t *testing.T) {
	s, e := open(t)
	e.timeout = time.Hour
	s.Fail(binancetest.Hang(""))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := e.Order(ctx, teller.BTC, "1")
	wantCode(t, err, teller.CodeUnavailable)
}

// TestClockIsSettled has the exchange's clock differ from ours by an hour: one call fails, and the next is on time.
func TestClockIsSettled(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		s, e := open(t)
		_, err := e.Market(t.Context(), teller.BTC)
		must(t, err)
		s.SetSkew(skew)
		o := request(t, "t-1", teller.BTC, "0.1", "")
		_, err = e.Place(t.Context(), o)
		wantCode(t, err, teller.CodeUnavailable)
		place(t, e, o)
		_, err = e.Balance(t.Context(), teller.BTC)
		must(t, err)
		if n := s.Count("GET /api/v3/time"); n != 1 {
			t.Errorf("the time was asked for %d times", n)
		}

		e.unsettled.Store(true)
		s.Fail(binancetest.Answer("GET /api/v3/time", 200, `{}`))
		_, err = e.Balance(t.Context(), teller.BTC)
		wantCode(t, err, teller.CodeMalformed)
		s.Fail(binancetest.Answer("GET /api/v3/time", 503, `{}`))
		_, err = e.Balance(t.Context(), teller.BTC)
		wantCode(t, err, teller.CodeUnavailable)
		_, err = e.Balance(t.Context(), teller.BTC)
		must(t, err)
	}
}

// TestPauseIsKept has the exchange ban us: until the ban is over it is not asked, since every question would prolong it.
func TestPauseIsKept(t *testing.T) {
	s, e := open(t)
	_, err := e.Market(t.Context(), teller.BTC)
	must(t, err)
	const banned = `{"code":-1003,"msg":"Way too much request weight used; IP banned until 1."}`
	s.Fail(binancetest.Answer("", http.StatusTeapot, banned, "Retry-After", "3600"))
	_, err = e.Balance(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeRateLimited)
	before := len(s.Calls())
	for _, call := range []func() error{
		func() error { _, err := e.Market(t.Context(), teller.BTC); return err },
		func() error { _, err := e.Balance(t.Context(), teller.BTC); return err },
		func() error { _, err := e.Place(t.Context(), request(t, "t-1", teller.BTC, "1", "")); return err },
		func() error { _, err := e.Find(t.Context(), teller.BTC, "t-1"); return err },
		func() error { _, err := e.Order(t.Context(), teller.BTC, "1"); return err },
		func() error { _, err := e.Open(t.Context(), teller.BTC); return err },
		func() error { return e.Cancel(t.Context(), teller.BTC, "1") },
	} {
		wantCode(t, call(), teller.CodeRateLimited)
	}
	if n := len(s.Calls()); n != before {
		t.Errorf("the exchange was asked %d times during the ban", n-before)
	}
	e.resume = time.Now()
	_, err = e.Balance(t.Context(), teller.BTC)
	must(t, err)

	for header, longest := range map[string]time.Duration{"99999999999999999999": 0, "-5": 0, "soon": 0, "99999999": maxPause, "7": 7 * time.Second} {
		e.resume = time.Time{}
		s.Fail(binancetest.Answer("", http.StatusTooManyRequests, `{}`, "Retry-After", header))
		_, err = e.Balance(t.Context(), teller.BTC)
		wantCode(t, err, teller.CodeRateLimited)
		if pause := e.pause(); pause > longest || longest > 0 && pause < longest-time.Minute {
			t.Errorf("Retry-After %q makes a pause of %v", header, pause)
		}
	}
	e.resume = time.Time{}
	s.Fail(binancetest.Answer("", http.StatusServiceUnavailable, `{}`, "Retry-After", "3600"))
	_, err = e.Balance(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeUnavailable)
	if e.pause() > 0 {
		t.Error("a server that is down bans nobody")
	}
}

// TestSecretsStayIn talks to a server that sends back everything that it gets, in every way in which that can fail.
func TestSecretsStayIn(t *testing.T) {
	hidden := regexp.MustCompile(binancetest.Key[:8] + "|" + binancetest.Secret[:8] + "|signature=[0-9a-f]")
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	status, form := 200, `{"msg":%q}`
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Location", other.URL+r.URL.RequestURI())
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, form, fmt.Sprint(r.Header, r.URL, string(body), " ", binancetest.Secret))
	}))
	e := account(t, echo.URL, time.Minute)
	e.rules[teller.BTC] = rules{symbol: "SKYCOINBTC", maxNotional: new(big.Rat)}
	try := func() {
		t.Helper()
		for _, call := range []func() error{
			func() error { _, err := e.Market(t.Context(), teller.BTC); return err },
			func() error { _, err := e.Balance(t.Context(), teller.BTC); return err },
			func() error { _, err := e.Place(t.Context(), request(t, "t-1", teller.BTC, "1", "")); return err },
			func() error { _, err := e.Find(t.Context(), teller.BTC, "t-1"); return err },
			func() error { _, err := e.Order(t.Context(), teller.BTC, "1"); return err },
			func() error { _, err := e.Open(t.Context(), teller.BTC); return err },
			func() error { return e.Cancel(t.Context(), teller.BTC, "1") },
		} {
			err := call()
			if err == nil {
				t.Fatal("no error")
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); hidden.MatchString(text) {
				t.Errorf("told in %s", text)
			}
		}
	}
	for status = range map[int]bool{200: true, 302: true, 307: true, 400: true, 401: true, 403: true, 500: true} {
		for _, form = range []string{`{"msg":%q}`, `{"code":-1100,"msg":%q}`, `%s`, `[%q`} {
			try()
		}
	}
	if elsewhere != 0 {
		t.Error("a redirection was followed")
	}
	echo.Close()
	form = "closed"
	try()

	cfg := Config{Key: binancetest.Key, Secret: binancetest.Secret, Symbols: markets}
	asJSON, err := json.Marshal(cfg)
	must(t, err)
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, cfg), fmt.Sprintf("%v %+v %#v", e, e, e), fmt.Sprintf("%+v", struct{ C Config }{cfg}), string(asJSON),
	} {
		if hidden.MatchString(text) {
			t.Errorf("told in %s", text)
		}
	}
}

// TestConcurrentCalls is for the race detector: the library notes how often it has called in the client that it is given.
func TestConcurrentCalls(t *testing.T) {
	s, e := open(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id := fmt.Sprintf("t-%d", i)
			if _, err := e.Market(context.Background(), teller.BTC); err != nil {
				t.Error(err)
			}
			if _, err := e.Place(context.Background(), request(t, id, teller.BTC, "0.01", "")); err != nil {
				t.Error(err)
			}
			if r, err := e.Find(context.Background(), teller.BTC, id); err != nil || !r.Filled {
				t.Error(r, err)
			}
		})
	}
	wg.Wait()
	if n := len(s.Orders()); n != 8 {
		t.Errorf("%d orders", n)
	}
}
