package c2cxsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	testKey    = "C821DB84-6FBD-11E4-A9E3-C86000D26D7C"
	testSecret = "12D857DE-7A92-F555-10AC-7566A0D84D1B"
)

// open opens an exchange on which the customer has 10 BTC, and closes it with the test.
func open(t testing.TB, opts Options) *Server {
	t.Helper()
	if opts.Accounts == nil {
		opts.Accounts = []NewAccount{{Key: testKey, Secret: testSecret, BTC: MustDecimal("10")}, {Key: "other", Secret: "secret", BTC: MustDecimal("1")}}
	}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// answered is an answer of the exchange, with numbers and strings as they come.
type answered struct {
	Code    int
	Message string
	Data    json.RawMessage
	Error   error // of the connection
	Text    string
}

// ask asks as the customer does. Parameters are pairs.
func ask(s *Server, endpoint string, parameters ...string) answered {
	form := url.Values{"apiKey": {testKey}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	form.Set("sign", Sign(form, testSecret))
	return post(s, endpoint, form)
}

func post(s *Server, endpoint string, form url.Values) (a answered) {
	resp, err := (&http.Client{Transport: s.Transport()}).PostForm("http://exchange.test/v1/"+endpoint, form)
	if err != nil {
		return answered{Error: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answered{Error: err, Text: string(body)}
	}
	a.Text = string(body)
	if resp.StatusCode != http.StatusOK {
		a.Code = resp.StatusCode
		return a
	}
	_ = json.Unmarshal(body, &a) // what is no JSON has no code
	return a
}

// buy asks for a market order.
func buy(s *Server, cid, btc string) answered {
	return ask(s, "createorder", "symbol", "BTC_SKY", "orderType", "buy", "priceTypeId", "market", "price", "0", "quantity", btc, "cid", cid, "isAdvancedOrder", "0")
}

// bid asks for a limit order.
func bid(s *Server, cid, price, quantity string) answered {
	return ask(s, "createorder", "symbol", "BTC_SKY", "orderType", "buy", "priceTypeId", "limit", "price", price, "quantity", quantity, "cid", cid)
}

func asks(t testing.TB, s *Server, pairs ...string) {
	t.Helper()
	var book []Ask
	for i := 0; i < len(pairs); i += 2 {
		book = append(book, Ask{MustDecimal(pairs[i]), MustDecimal(pairs[i+1])})
	}
	if err := s.SetBook(book...); err != nil {
		t.Fatal(err)
	}
}

// wantOrder compares an order with "status bought spent fee".
func wantOrder(t testing.TB, s *Server, cid, want string) {
	t.Helper()
	o, err := s.Order(cid)
	if got := fmt.Sprint(o.Status, " ", o.Bought, " ", o.Spent, " ", o.Fee); err != nil || got != want {
		t.Errorf("order %s is %s (%v), want %s", cid, got, err, want)
	}
	wantChecked(t, s)
}

func wantChecked(t testing.TB, s *Server) {
	t.Helper()
	if wrong := s.Check(); len(wrong) > 0 {
		t.Errorf("the books are wrong: %s", strings.Join(wrong, "; "))
	}
}

func wantRefused(t testing.TB, a answered, code int, message string) {
	t.Helper()
	if a.Code != code || !strings.HasPrefix(a.Message, message) {
		t.Errorf("answered %d %q (%v), want %d %q", a.Code, a.Message, a.Error, code, message)
	}
}

func wantDone(t testing.TB, a answered) {
	t.Helper()
	wantRefused(t, a, 200, "success")
}

// must fails the test with the first error.
func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot is everything that must survive.
func snapshot(t testing.TB, s *Server) string {
	t.Helper()
	state := s.state()
	state.Faults, state.FaultPercent = nil, 0
	b, err := json.MarshalIndent(state, "", " ")
	must(t, err)
	return string(b)
}
