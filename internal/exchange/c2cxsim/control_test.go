package c2cxsim

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o750), os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s would be\n%s\nand is\n%s (%v)", path, got, want, err)
	}
}

// TestAnswers: what the exchange answers, to the last letter.
func TestAnswers(t *testing.T) {
	s := open(t, Options{Now: func() time.Time { return time.UnixMilli(1_520_934_562_420) }})
	asks(t, s, "0.001", "4", "0.0012", "1000")
	var b strings.Builder
	tell := func(a answered) { fmt.Fprintf(&b, "%s\n\n", a.Text) }
	tell(ask(s, "getbalance"))
	tell(ask(s, "getorderbystatus", "symbol", "BTC_SKY", "status", "0"))
	tell(buy(s, "t-abcdefghijklmnopqrstuvwx-1", "0.01"))
	tell(bid(s, "", "0.0005", "10"))
	tell(ask(s, "getbalance"))
	tell(ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", fmt.Sprint(firstOrderID)))
	tell(ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", "-1"))
	tell(ask(s, "getorderbystatus", "symbol", "BTC_SKY", "status", "0", "pageindex", "1", "pagesize", "100"))
	tell(ask(s, "cancelorder", "orderId", fmt.Sprint(firstOrderID+1)))
	tell(ask(s, "cancelorder", "orderId", fmt.Sprint(firstOrderID+1)))
	tell(ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", "-1"))
	tell(buy(s, "t-abcdefghijklmnopqrstuvwx-1", "0.01"))
	tell(buy(s, "t-abcdefghijklmnopqrstuvwx-2", "0.0001"))
	golden(t, "answers.golden", b.String())
}

// TestControls: everything that can be steered by HTTP, told as a story.
func TestControls(t *testing.T) {
	s := open(t, Options{Now: func() time.Time { return time.UnixMilli(1_520_934_562_420) }})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	var b strings.Builder
	call := func(method, path, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		must(t, err)
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		must(t, err)
		fmt.Fprintf(&b, "%s %s %s\n%d %s\n", method, path, body, resp.StatusCode, answer)
	}
	call("POST", "/sim/book", `{"asks": [{"price": "0.0012", "quantity": "7"}, {"price": 0.001, "quantity": 4}]}`)
	call("POST", "/sim/book", `{"asks": [{"price": "0.0011", "quantity": "1"}], "add": true}`)
	call("POST", "/sim/book", `{"asks": [{"price": "-1", "quantity": "1"}]}`)
	call("POST", "/sim/book", `{"asks": [{"price": "cheap", "quantity": "1"}]}`)
	call("POST", "/sim/book", `{"offers": []}`)
	call("POST", "/sim/book", `nonsense`)
	call("GET", "/sim/book", "")
	call("POST", "/sim/deposit", `{"key": "other", "coin": "btc", "amount": "1.5"}`)
	call("POST", "/sim/deposit", `{"key": "other", "coin": "btc", "amount": "-100"}`)
	call("POST", "/sim/deposit", `{"key": "nobody", "coin": "btc", "amount": "1"}`)
	call("POST", "/sim/faults", `{"kind": "end_expired", "part": 50}`)
	call("POST", "/sim/faults", `{"kind": "rate_limit", "endpoint": "getbalance", "times": 3}`)
	call("POST", "/sim/faults", `{"kind": "flood"}`)
	call("GET", "/sim/state", "")
	wantDone(t, buy(s, "a", "0.004"))
	wantDone(t, bid(s, "b", "0.0001", "20"))
	call("GET", "/sim/orders/a", "")
	call("GET", fmt.Sprintf("/sim/orders/%d", firstOrderID+1), "")
	call("GET", "/sim/orders/none", "")
	call("POST", "/sim/orders/b/suspend", "")
	call("POST", "/sim/orders/b/resume", "")
	call("POST", "/sim/orders/b/fill", `{"price": "0.0001", "quantity": "5"}`)
	call("POST", "/sim/orders/b/fill", `{"price": "0.1", "quantity": "5"}`)
	call("POST", "/sim/orders/b/fill", `{"price": "0.1"`)
	call("POST", "/sim/orders/b/paint", "")
	call("POST", "/sim/orders/b/end", `{"status": "completed"}`)
	call("POST", "/sim/orders/b/end", `{"status": "error"}`)
	call("POST", "/sim/orders/b/end", `{"status": "error"}`)
	call("DELETE", "/sim/faults", "")
	call("POST", "/sim/fault-percent", `{"percent": 100}`)
	call("POST", "/sim/fault-percent", `{"percent": 0}`)
	call("POST", "/sim/fault-percent", `{"percent": 200}`)
	call("GET", "/sim/state", "")
	call("GET", "/sim/check", "")
	s.accounts[testKey].BTC = MustDecimal("7")
	call("GET", "/sim/check", "")
	if strings.Contains(b.String(), testSecret) {
		t.Error("the state tells a secret")
	}
	golden(t, "controls.golden", b.String())
}

// TestCheck: it notices what is wrong.
func TestCheck(t *testing.T) {
	one := MustDecimal("0.000001")
	for what, spoil := range map[string]func(*Server, *Order){
		"an account's btc":  func(s *Server, _ *Order) { a := s.accounts[testKey]; a.BTC = a.BTC.add(one) },
		"an account's sky":  func(s *Server, _ *Order) { a := s.accounts[testKey]; a.SKY = a.SKY.sub(one) },
		"too much reserved": func(_ *Server, o *Order) { o.Market, o.Spend, o.Quantity = true, MustDecimal("1000"), Decimal{} },
		"what was bought":   func(_ *Server, o *Order) { o.Bought = o.Bought.add(one) },
		"what was spent":    func(_ *Server, o *Order) { o.Spent = o.Spent.add(one) },
		"a fee":             func(_ *Server, o *Order) { o.Fee = o.Fee.add(one) },
		"a part":            func(_ *Server, o *Order) { o.Fills[0].Quantity = o.Fills[0].Quantity.add(one) },
		"a part's price":    func(_ *Server, o *Order) { o.Fills[0].Price = MustDecimal("1") },
		"a status":          func(_ *Server, o *Order) { o.Status = Completed },
		"a quantity":        func(_ *Server, o *Order) { o.Quantity = one },
		"the index":         func(s *Server, o *Order) { delete(s.byID, o.ID) },
		"the other side":    func(s *Server, _ *Order) { s.totals.FeesSKY = Decimal{} },
		"the book":          func(s *Server, _ *Order) { s.book = []Ask{{one, one}, {MustDecimal("0.0000001"), one}} },
	} {
		s := open(t, Options{})
		asks(t, s, "0.001", "4")
		wantDone(t, bid(s, "o", "0.001", "10"))
		wantChecked(t, s)
		spoil(s, s.orders[0])
		if len(s.Check()) == 0 {
			t.Errorf("%s is wrong, and nothing is said", what)
		}
	}
}

func TestOptions(t *testing.T) {
	for what, opts := range map[string]Options{
		"a fee of all":       {Fee: "1"},
		"a negative fee":     {Fee: "-0.1"},
		"no fee":             {Fee: "some"},
		"no minimum":         {Minimum: "1/2"},
		"decimals":           {PriceDecimals: 21},
		"fewer than none":    {SpendDecimals: -1},
		"faults":             {FaultPercent: 101},
		"a negative rate":    {PerMinute: -1},
		"an unnamed account": {Accounts: []NewAccount{{Secret: "s"}}},
		"an open account":    {Accounts: []NewAccount{{Key: "k"}}},
		"debts":              {Accounts: []NewAccount{{Key: "k", Secret: "s", BTC: MustDecimal("-1")}}},
	} {
		if _, err := Open(opts); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTransport: a call ends with its context, and a request that is on its way arrives all the same.
func TestTransport(t *testing.T) {
	s := open(t, Options{})
	asks(t, s, "0.001", "100")
	must(t, s.AddFault(Fault{Kind: Late, DelayMS: 50}))
	client := &http.Client{Transport: s.Transport(), Timeout: time.Millisecond}
	if _, err := client.Post("http://exchange.test/v1/getbalance", "application/x-www-form-urlencoded", strings.NewReader("a=b")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://exchange.test/sim/state", nil)
	must(t, err)
	if _, err := s.Transport().RoundTrip(req); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	resp, err := (&http.Client{Transport: s.Transport()}).Get("http://exchange.test/sim/state")
	must(t, err)
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || int64(len(body)) != resp.ContentLength {
		t.Errorf("%d: %s (%v)", resp.StatusCode, body, err)
	}
}

func TestDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0.0": "0", "1.50": "1.5", "0.000000000000000001": "0.000000000000000001", "-12.5": "-12.5", "007": "7",
		"": "", "1.": "", ".5": "", "1e3": "", "1/2": "", "--1": "", "+1": "", "1_0": "", "0x1": "", " 1": "", strings.Repeat("1", 61): "",
	} {
		d, err := ParseDecimal(text)
		if (err == nil) != (want != "") || (err == nil && d.String() != want) {
			t.Errorf("%q is %s (%v), want %q", text, d, err, want)
		}
	}
	d := MustDecimal("2.5").quo(MustDecimal("3"), 4)
	if d.String() != "0.8333" || MustDecimal("-2.55").cut(1).String() != "-2.5" || !d.fits(4) || d.fits(3) {
		t.Errorf("2.5 / 3 is %s", d)
	}
}

// FuzzDecimal: what is read is written so that it is read as the same.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{`"1.5"`, `1.5`, `"-0"`, `""`, `null`, `"1e5"`, `"`, `0.1"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d, again Decimal
		if d.UnmarshalJSON(b) != nil {
			return
		}
		text, err := d.MarshalJSON()
		if err != nil || again.UnmarshalJSON(text) != nil || again.Cmp(d) != 0 {
			t.Errorf("%s is %s, and then %s (%v)", b, d, again, err)
		}
	})
}

// FuzzCreateOrder: whatever is asked for, the books are right.
func FuzzCreateOrder(f *testing.F) {
	f.Add("market", "0", "0.01", "c")
	f.Add("limit", "0.001", "5", "")
	f.Add("limit", "99999999999999999999", "99999999999999999999", "c")
	f.Add("market", "-1", "1e9", "\x00")
	f.Add("limit", "0.00000001", "0.000001", "c")
	f.Fuzz(func(t *testing.T, kind, price, quantity, cid string) {
		s := open(t, Options{Minimum: "0"})
		asks(t, s, "0.001", "4", "0.002", "7")
		for range 2 {
			a := ask(s, "createorder", "symbol", "BTC_SKY", "orderType", "buy", "priceTypeId", kind, "price", price, "quantity", quantity, "cid", cid)
			if a.Code != 200 && a.Code != 400 {
				t.Errorf("answered %+v", a)
			}
		}
		asks(t, s, "0.003", "1000000")
		if a := ask(s, "getorderbystatus", "symbol", "BTC_SKY", "status", "0"); a.Code != 200 {
			t.Errorf("answered %+v", a)
		}
		wantChecked(t, s)
	})
}

// FuzzJournal: two records of a journal are taken over or refused; nothing panics.
func FuzzJournal(f *testing.F) {
	const account = `{"accounts":[{"key":"K","btc":"1","in_btc":"1"}],"totals":{}}`
	f.Add([]byte(account), []byte(`{"orders":[{"order_id":3266573,"cid":"a","account":"K","market":true,"spend":"0.1","status":3,"fills":[]}],"totals":{}}`))
	f.Add([]byte(account), []byte(`{"orders":[{"order_id":3266573,"account":"K","price":"0.1","quantity":"7","status":11,"unpaid":true}]}`))
	f.Add([]byte(`{"book":[{"price":"0.1","quantity":"1"}]}`), []byte(`{"orders":[null]}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s := open(t, Options{Accounts: []NewAccount{}})
		for _, line := range [][]byte{first, second, second} {
			var r record
			if json.Unmarshal(line, &r) != nil {
				continue
			}
			if err := s.replay(r); err != nil && teller.CodeOf(err) != teller.CodeCorrupt && teller.CodeOf(err) != teller.CodeInvalid {
				t.Error(err)
			}
		}
		s.Check()
		s.state()
	})
}

// FuzzControls: whatever is sent to the controls, the books are right.
func FuzzControls(f *testing.F) {
	for _, seed := range []struct{ path, body string }{
		{"book", `{"asks":[{"price":"0.001","quantity":"4"}]}`}, {"deposit", `{"key":"other","coin":"btc","amount":"1"}`},
		{"faults", `{"kind":"hold_partial","part":30}`}, {"orders/a/fill", `{"price":"0.0001","quantity":"1"}`}, {"orders/a/end", `{"status":"error"}`},
		{"orders/a/suspend", ""}, {"fault-percent", `{"percent":3}`},
	} {
		f.Add(seed.path, seed.body)
	}
	f.Fuzz(func(t *testing.T, path, body string) {
		s := open(t, Options{})
		bid(s, "a", "0.001", "10")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://exchange.test/sim/"+path, strings.NewReader(body))
		if err != nil {
			return // no path at all
		}
		resp, err := s.Transport().RoundTrip(req)
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode >= 500 {
			t.Errorf("status %d", resp.StatusCode)
		}
		wantChecked(t, s)
	})
}
