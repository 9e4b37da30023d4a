package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
)

func terms() teller.Terms {
	return teller.Terms{
		BindEnabled: true, SendEnabled: true, BuyMethod: teller.BuyDirect, MaxBoundAddrs: 5, MaxDecimals: 3,
		Coins: map[teller.Coin]teller.CoinTerms{
			teller.BTC: {Enabled: true, Confirmations: 3, Rate: teller.MustRate("123"), MinimumVolume: "0.005"},
			teller.ETH: {Enabled: false, Confirmations: 5, Rate: teller.MustRate("1/3"), MinimumVolume: "1.5"},
			teller.SKY: {Enabled: true, Rate: teller.MustRate("1")},
		},
	}
}

// passthroughTerms buy on an exchange with BTC, where the smallest order is the larger minimum, and with ETH, where a droplet is.
func passthroughTerms() teller.Terms {
	t := terms()
	t.BuyMethod = teller.BuyPassthrough
	for coin, volume := range map[teller.Coin]string{teller.BTC: "0.005", teller.ETH: "0.000000000000000001"} {
		ct := t.Coins[coin]
		ct.Traded, ct.MinimumVolume = true, volume
		t.Coins[coin] = ct
	}
	return t
}

func health() httpapi.Health {
	return httpapi.Health{
		Exchange: httpapi.ExchangeHealth{
			BuyMethod: teller.BuyDirect, SenderError: "no unspents to spend", DepositErrorCount: 4,
			Coins: 100 * teller.DropletsPerSKY, Hours: 100,
		},
		Nodes: []httpapi.NodeHealth{
			{Name: "btc", OK: true, Since: now.Add(-time.Hour)},
			{Name: "skycoin", Since: now.Add(-time.Minute), Error: "dial tcp 127.0.0.1:6420: connection refused"},
			{Name: "eth"},
		},
	}
}

// publicOptions are options for tests; change may alter them.
func publicOptions(change func(*httpapi.PublicOptions)) httpapi.PublicOptions {
	logger, _ := quiet()
	o := httpapi.PublicOptions{
		Counter: &counter{}, Store: statusLedger(), Addresses: skyAddresses{}, Terms: terms(),
		Unconfirmed: func(coin teller.Coin, address string) []teller.Transfer {
			return onTheWay[string(coin)+" "+address]
		},
		Remaining: func(c teller.Coin) int { return map[teller.Coin]int{teller.BTC: 7, teller.ETH: 3}[c] },
		Health:    health, Version: "6720f7c5183e01090e657cda88e4ca962969c874",
		Started: now.Add(-5*time.Minute - 32*time.Second - 400*time.Millisecond),
		Clock:   fixedClock{}, Logger: logger,
		Page: fstest.MapFS{
			"index.html":      {Data: []byte("<!doctype html><title>page</title>\n")},
			"teller.js":       {Data: []byte("'use strict';\n")},
			"assets/logo.svg": {Data: []byte("<svg/>\n")},
			".env":            {Data: []byte("secret")},
		},
	}
	if change != nil {
		change(&o)
	}
	return o
}

// onTheWay are unconfirmed transfers by coin and address. The first was mined since the mempool was looked at.
var onTheWay = map[string][]teller.Transfer{
	"BTC paid":  {{TxID: "mined"}, {TxID: "new", N: 3}},
	"ETH first": {{TxID: "newer"}},
}

// statusLedger has a buyer with deposits in every situation.
func statusLedger() *ledger {
	at := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	bind := func(coin teller.Coin, addr string) teller.Binding {
		return teller.Binding{Address: addr, Coin: coin, SkyAddress: skyAddr, BuyMethod: teller.BuyDirect}
	}
	return &ledger{
		bindings: []teller.Binding{
			bind(teller.BTC, "paid"), bind(teller.ETH, "unpaid"), bind(teller.BTC, "reorged"), bind(teller.SKY, "unscanned"),
			bind(teller.ETH, "first"),
		},
		rows: []teller.Deposit{
			{Coin: teller.BTC, Address: "paid", Status: teller.StatusDone, Height: 90, PayoutTxID: "aa", UpdatedAt: at(9)},
			{Coin: teller.BTC, Address: "paid", TxID: "mined", Status: teller.StatusWaitingDeposit, Height: 98, UpdatedAt: at(2)},
			{Coin: teller.BTC, Address: "paid", Status: teller.StatusWaitingDeposit, Height: 101, UpdatedAt: at(1)},
			{Coin: teller.BTC, Address: "paid", Status: teller.StatusWaitingDeposit, Height: 91, UpdatedAt: at(1)}, // frozen
			{Coin: teller.BTC, Address: "reorged", Status: teller.StatusWaitingDeposit, Height: 99, Orphaned: true, UpdatedAt: at(1)},
			{Coin: teller.SKY, Address: "unscanned", Status: teller.StatusWaitingDeposit, Height: 3, UpdatedAt: at(1)},
		},
		cursors: map[teller.Coin]teller.Cursor{teller.BTC: {Tip: 100}},
	}
}

type publicCase struct {
	name   string
	change func(*httpapi.PublicOptions)
	req    request
}

func bindCases() []publicCase {
	bindBody := fmt.Sprintf(`{"skyaddr":%q,"coin_type":"BTC"}`, skyAddr)
	fails := func(err error) func(*httpapi.PublicOptions) {
		return func(o *httpapi.PublicOptions) { o.Counter = &counter{err: err} }
	}
	bind := func(body string) request {
		return request{method: "POST", target: "/api/bind", body: body, header: asJSON}
	}
	return []publicCase{
		{"bind", nil, bind(bindBody)},
		{"bind charset", nil, request{"POST", "/api/bind", bindBody, map[string]string{"Content-Type": "application/json; charset=utf-8"}, ""}},
		{"bind unknown field", nil, bind(strings.Replace(bindBody, "{", `{"new":1,`, 1))},
		{"bind white space", nil, bind(strings.Replace(bindBody, skyAddr, ` \t`+skyAddr+`\n`, 1))},
		{"bind get", nil, request{method: "GET", target: "/api/bind"}},
		{"bind form", nil, request{"POST", "/api/bind", "skyaddr=x", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, ""}},
		{"bind no content type", nil, request{method: "POST", target: "/api/bind", body: bindBody}},
		{"bind empty body", nil, bind("")},
		{"bind cut body", nil, bind(bindBody[:20])},
		{"bind trailing garbage", nil, bind(bindBody + "{}")},
		{"bind array", nil, bind("[]")},
		{"bind wrong type", nil, bind(`{"skyaddr":7}`)},
		{"bind large body", nil, bind(strings.Replace(bindBody, "{", "{"+strings.Repeat(" ", 5000), 1))},
		{"bind missing skyaddr", nil, bind(`{"coin_type":"BTC"}`)},
		{"bind blank skyaddr", nil, bind(`{"skyaddr":"  ","coin_type":"BTC"}`)},
		{"bind missing coin", nil, bind(fmt.Sprintf(`{"skyaddr":%q}`, skyAddr))},
		{"bind invalid coin", nil, bind(strings.Replace(bindBody, "BTC", "btc", 1))},
		{"bind coin not enabled", nil, bind(strings.Replace(bindBody, "BTC", "ETH", 1))},
		{"bind invalid skyaddr", nil, bind(`{"skyaddr":"<b>\nx","coin_type":"BTC"}`)},
		{"bind disabled", func(o *httpapi.PublicOptions) { o.Terms.BindEnabled = false }, bind(bindBody)},
		{"bind disabled by counter", fails(teller.Errorf(teller.CodeBindDisabled, "off")), bind(bindBody)},
		{"bind disabled coin by counter", fails(teller.Errorf(teller.CodeCoinDisabled, "off")), bind(bindBody)},
		{"bind limit", fails(teller.Errorf(teller.CodeLimit, "5 of 5")), bind(bindBody)},
		{"bind pool empty", fails(teller.Errorf(teller.CodePoolEmpty, "none")), bind(bindBody)},
		{"bind own address", fails(teller.Errorf(teller.CodeInvalid, "this is an address of the counter itself")), bind(bindBody)},
	}
}

func readCases() []publicCase {
	get := func(target string) request { return request{method: "GET", target: target} }
	return []publicCase{
		{"status", nil, get("/api/status?skyaddr=" + skyAddr)},
		{"status white space", nil, get("/api/status?skyaddr=%20" + skyAddr + "%0A")},
		{"status unknown", nil, get("/api/status?skyaddr=zyLDRTHDv6AxVLXcbHmQSJWEBH6aVVWujT")},
		{"status missing", nil, get("/api/status")},
		{"status invalid", nil, get("/api/status?skyaddr=x%0Ax")},
		{"status post", nil, request{method: "POST", target: "/api/status?skyaddr=" + skyAddr}},

		{"config", nil, get("/api/config")},
		{"config bind disabled", func(o *httpapi.PublicOptions) { o.Terms.BindEnabled = false }, get("/api/config")},
		{"config passthrough", func(o *httpapi.PublicOptions) { o.Terms = passthroughTerms() }, get("/api/config")},
		{"config nothing", func(o *httpapi.PublicOptions) { o.Terms = teller.Terms{} }, get("/api/config")},
		{"config delete", nil, request{method: "DELETE", target: "/api/config"}},
		{"health", nil, get("/api/health")},
		{"health passthrough", func(o *httpapi.PublicOptions) {
			o.Health = func() httpapi.Health {
				h := health()
				h.Exchange.BuyMethod, h.Exchange.ProcessorError = teller.BuyPassthrough, "buying on c2cx: does not answer"
				return h
			}
		}, get("/api/health")},
		{"health empty", func(o *httpapi.PublicOptions) { o.Health = func() httpapi.Health { return httpapi.Health{} } }, get("/api/health")},
		{"health post", nil, request{method: "POST", target: "/api/health"}},
		{"unknown path", nil, get("/api/nothing")},

		{"page", nil, get("/")},
		{"page script", nil, get("/teller.js")},
		{"page directory", nil, get("/assets/")},
		{"page hidden file", nil, get("/.env")},
		{"page unknown", nil, get("/nothing")},
		{"page post", nil, request{method: "POST", target: "/"}},
		{"no page", func(o *httpapi.PublicOptions) { o.Page = nil }, get("/")},
	}
}

func TestPublicAnswers(t *testing.T) {
	for _, tt := range append(bindCases(), readCases()...) {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.req.do(httpapi.NewPublic(publicOptions(tt.change)))
			wantSecured(t, w)
			golden(t, "public "+tt.name, w)
		})
	}
}

func TestBindPassesTheTrimmedAddress(t *testing.T) {
	c := &counter{}
	h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.Counter = c }))
	req := request{"POST", "/api/bind", `{"skyaddr":" ` + skyAddr + `\n","coin_type":"SKY"}`, asJSON, ""}
	if w := req.do(h); w.Code != http.StatusOK {
		t.Fatalf("bind: %d %s", w.Code, w.Body)
	}
	if c.bound != skyAddr || c.coin != teller.SKY {
		t.Errorf("counter was asked for %s of %q", c.coin, c.bound)
	}
}

// TestFaultsAreNotShown: what fails inside is logged once, and the client learns only how to name it.
func TestFaultsAreNotShown(t *testing.T) {
	bind := request{"POST", "/api/bind", fmt.Sprintf(`{"skyaddr":%q,"coin_type":"BTC"}`, skyAddr), asJSON, ""}
	status := request{method: "GET", target: "/api/status?skyaddr=" + skyAddr}
	tests := []struct {
		name string
		req  request
		err  error
		want int
	}{
		{"bind foreign error", bind, errDisk, 500},
		{"bind corrupt", bind, teller.Errorf(teller.CodeCorrupt, "%w", errDisk), 500},
		{"bind conflict", bind, teller.Errorf(teller.CodeConflict, "%w", errDisk), 500},
		{"bind already bound", bind, teller.Errorf(teller.CodeAlreadyBound, "%w", errDisk), 500},
		{"bind unavailable", bind, teller.Errorf(teller.CodeUnavailable, "%w", errDisk), 503},
		{"status foreign error", status, errDisk, 500},
		{"status invalid", status, teller.Errorf(teller.CodeInvalid, "%w", errDisk), 500},
		{"status unavailable", status, teller.Errorf(teller.CodeUnavailable, "%w", errDisk), 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			logger, log := quiet()
			w := tt.req.do(httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) {
				o.Logger, o.Counter, o.Store = logger, &counter{err: tt.err}, &ledger{err: tt.err}
			})))
			if w.Code != tt.want || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("answered %d %q", w.Code, w.Body)
			}
			_, id, _ := strings.Cut(w.Body.String(), "(request ")
			id = strings.TrimSuffix(strings.TrimSpace(id), ")")
			if strings.Count(log.String(), "\n") != 1 || id == "" || !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "secret") {
				t.Errorf("request id %q, logged: %s", id, log)
			}
		})
	}
}

// hungStore answers when its caller has given up.
type hungStore struct{ httpapi.StatusStore }

func (hungStore) BindingsOf(ctx context.Context, _ string) ([]teller.Binding, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestHungStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.Store = hungStore{} }))
		w := request{method: "GET", target: "/api/status?skyaddr=" + skyAddr}.do(h)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
	})
}

func TestHeadAnswersWithoutBody(t *testing.T) {
	h := httpapi.NewPublic(publicOptions(nil))
	for _, target := range []string{"/api/status?skyaddr=" + skyAddr, "/api/config", "/api/health", "/"} {
		if w := (request{method: "HEAD", target: target}).do(h); w.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", target, w.Code)
		}
	}
}

func TestStaticDir(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/index.html", "own page")
	write(t, dir+"/sub/file.txt", "text")
	write(t, dir+"/.git/config", "secret")
	h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.StaticDir = dir }))
	for target, want := range map[string]int{
		"/": 200, "/sub/file.txt": 200, "/sub/": 404, "/sub": 404, "/.git/config": 404, "/..%2f..%2fetc/passwd": 404, "/teller.js": 404,
	} {
		w := request{method: "GET", target: target}.do(h)
		if w.Code != want {
			t.Errorf("GET %s: %d, want %d", target, w.Code, want)
		}
		if csp := w.Header().Get("Content-Security-Policy"); csp != "" {
			t.Errorf("GET %s: the operator's pages are given the policy %q", target, csp)
		}
	}
	if w := (request{method: "GET", target: "/api/health"}).do(h); w.Code != http.StatusOK {
		t.Errorf("the API is hidden by static_dir: %d", w.Code)
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.ThrottleMax, o.ThrottleDuration = 3, time.Minute }))
		ask := func(from, target string) int {
			r, w := newRequest("GET", target, from)
			h.ServeHTTP(w, r)
			if w.Code == http.StatusTooManyRequests {
				golden(t, "public throttled", w)
				wantSecured(t, w)
			}
			return w.Code
		}
		for i, target := range []string{"/api/health", "/api/config", "/api/nothing"} {
			if code := ask("192.0.2.1:1000", target); code == http.StatusTooManyRequests {
				t.Fatalf("request %d of 3 was refused", i+1)
			}
		}
		steps := []struct {
			from, target string
			want         int
		}{
			{"192.0.2.1:1001", "/api/health", 429}, // another port, the same client
			{"[::ffff:192.0.2.1]:1", "/api/health", 429},
			{"192.0.2.1:1002", "/", 200}, // pages are not throttled
			{"192.0.2.2:1000", "/api/health", 200},
			{"[2001:db8::1]:1", "/api/health", 200},
			{"[2001:db8::2]:1", "/api/health", 200},
			{"[2001:db8::3%eth0]:1", "/api/health", 200},
			{"[2001:db8::4]:1", "/api/health", 429}, // an IPv6 client is its /64
			{"[2001:db8:0:1::1]:1", "/api/health", 200},
		}
		for _, s := range steps {
			if code := ask(s.from, s.target); code != s.want {
				t.Errorf("%s %s: %d, want %d", s.from, s.target, code, s.want)
			}
		}
		time.Sleep(2 * time.Minute)
		if code := ask("192.0.2.1:1000", "/api/health"); code != http.StatusOK {
			t.Errorf("after the window: %d", code)
		}
	})
}

func TestThrottleIgnoresProxyHeaders(t *testing.T) {
	h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.ThrottleMax, o.ThrottleDuration = 1, time.Hour }))
	codes := []int{}
	for i := range 3 {
		forged := map[string]string{"X-Forwarded-For": fmt.Sprint("10.0.0.", i), "X-Real-IP": fmt.Sprint("10.0.0.", i)}
		codes = append(codes, request{method: "GET", target: "/api/health", header: forged}.do(h).Code)
	}
	if fmt.Sprint(codes) != "[200 429 429]" {
		t.Errorf("codes %v", codes)
	}
}

func TestNoThrottle(t *testing.T) {
	h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.ThrottleMax, o.ThrottleDuration = 0, time.Minute }))
	for range 200 {
		if w := (request{method: "GET", target: "/api/health"}).do(h); w.Code != http.StatusOK {
			t.Fatalf("throttled: %d", w.Code)
		}
	}
}

// FuzzBindBody: whatever is posted, the answer is one of the documented ones, and nothing is bound but a valid address.
func FuzzBindBody(f *testing.F) {
	f.Add(`{"skyaddr":"`+skyAddr+`","coin_type":"BTC"}`, "application/json")
	f.Add(`{"skyaddr":" \u0000","coin_type":"BTC"}`, "application/json; charset=utf-8")
	f.Add(`{"SKYADDR":"x","skyaddr":null}{}`, "text/plain")
	f.Add("[[[[", "application/json")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		c := &counter{}
		h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.Counter = c }))
		w := request{"POST", "/api/bind", body, map[string]string{"Content-Type": contentType}, ""}.do(h)
		switch w.Code {
		case http.StatusOK:
			if _, err := (skyAddresses{}).Parse(c.bound); err != nil || c.calls != 1 {
				t.Errorf("bound %q: %v", c.bound, err)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("not JSON: %s", w.Body)
			}
		case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
			if strings.Count(w.Body.String(), "\n") != 1 || w.Body.Len() > 2000 || c.calls != 0 {
				t.Errorf("%d calls, answer %q", c.calls, w.Body)
			}
		default:
			t.Errorf("answer %d %q", w.Code, w.Body)
		}
	})
}
