package c2cxsim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func wantBook(t *testing.T, s *Server, want string) {
	t.Helper()
	if got := fmt.Sprint(s.Book()); got != want {
		t.Errorf("the book is %s, want %s", got, want)
	}
}

func TestMarketOrders(t *testing.T) {
	s := open(t, Options{})
	asks(t, s, "0.0011", "5", "0.001", "4", "0.002", "100")
	wantDone(t, buy(s, "over three prices", "0.01"))
	wantOrder(t, s, "over three prices", "completed 9.25 0.01 0.0185")
	wantDone(t, buy(s, "less than given", "0.00333333"))
	wantOrder(t, s, "less than given", "completed 1.666665 0.00333333 0.00333333")
	wantBook(t, s, "[{0.002 98.083335}]")
	asks(t, s, "0.003", "1")
	wantDone(t, buy(s, "dust", "0.00100001")) // 0.333336(6) SKY
	wantOrder(t, s, "dust", "completed 0.333336 0.001000008 0.000666672")
	asks(t, s, "0.001", "4")
	wantDone(t, buy(s, "waits", "0.01"))
	wantOrder(t, s, "waits", "partial 4 0.004 0.008")
	wantDone(t, buy(s, "waits too", "0.01"))
	wantOrder(t, s, "waits too", "active 0 0 0")
	asks(t, s, "0.002", "4", "0.003", "1")
	wantOrder(t, s, "waits", "completed 7 0.01 0.014")
	wantOrder(t, s, "waits too", "partial 2 0.005 0.004")
	asks(t, s, "1000", "4")
	wantOrder(t, s, "waits too", "completed 2.000005 0.01 0.00400001")
}

func TestMarketSumInEitherField(t *testing.T) {
	s := open(t, Options{})
	asks(t, s, "0.001", "100")
	market := func(cid, price, quantity string) answered {
		return ask(s, "createorder", "symbol", "BTC_SKY", "orderType", "buy", "priceTypeId", "market", "price", price, "quantity", quantity, "cid", cid)
	}
	wantDone(t, market("in quantity", "0", "0.01"))
	wantDone(t, market("in price", "0.02", "0"))
	wantRefused(t, market("in both", "0.01", "0.01"), 400, "price or quantity is wrong")
	wantRefused(t, market("in none", "0", "0"), 400, "limit value: 0.0005")
	wantOrder(t, s, "in quantity", "completed 10 0.01 0.02")
	wantOrder(t, s, "in price", "completed 20 0.02 0.04")
	for cid, want := range map[string]string{"in quantity": "0.01 0", "in price": "0 0.02"} {
		o, err := s.Order(cid)
		must(t, err)
		var row struct {
			Data struct{ Amount, Price any }
		}
		must(t, json.Unmarshal([]byte(ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", fmt.Sprint(o.ID)).Text), &row))
		if got := fmt.Sprint(row.Data.Amount, " ", row.Data.Price); got != want {
			t.Errorf("%s: amount and price are %s, want %s", cid, got, want)
		}
	}
}

func TestLimitOrders(t *testing.T) {
	s := open(t, Options{})
	asks(t, s, "0.001", "4", "0.002", "100")
	wantDone(t, bid(s, "better than asked", "0.0015", "3"))
	wantOrder(t, s, "better than asked", "completed 3 0.003 0.006")
	wantDone(t, bid(s, "rests", "0.0015", "3"))
	wantOrder(t, s, "rests", "partial 1 0.001 0.002")
	wantDone(t, bid(s, "older", "0.001", "5"))
	wantDone(t, bid(s, "dearer", "0.0012", "5"))
	wantOrder(t, s, "older", "active 0 0 0")
	asks(t, s, "0.001", "9")
	wantOrder(t, s, "rests", "completed 3 0.003 0.006")
	wantOrder(t, s, "dearer", "completed 5 0.005 0.01")
	wantOrder(t, s, "older", "partial 2 0.002 0.004")
	wantBook(t, s, "[]")
	must(t, s.AddAsks(Ask{MustDecimal("0.0009"), MustDecimal("1")}), s.AddAsks(Ask{MustDecimal("0.0008"), MustDecimal("5")}))
	wantOrder(t, s, "older", "completed 5 0.0045 0.01") // 2 at 0.001, 1 at 0.0009, 2 at 0.0008
	wantBook(t, s, "[{0.0008 3}]")
}

// TestAccounts: what is there, what is reserved, and what is not paid.
func TestAccounts(t *testing.T) {
	s := open(t, Options{})
	want := func(btc, frozen, sky string) {
		t.Helper()
		a, ok := s.Account(testKey)
		if got := fmt.Sprint(a.BTC, " ", a.FrozenBTC, " ", a.SKY); !ok || got != fmt.Sprint(btc, " ", frozen, " ", sky) {
			t.Errorf("the account has %s, want %s %s %s", got, btc, frozen, sky)
		}
		wantChecked(t, s)
	}
	want("10", "0", "0")
	wantDone(t, buy(s, "a", "4"))
	want("10", "4", "0")
	wantDone(t, bid(s, "b", "0.001", "5000"))
	want("10", "9", "0")
	asks(t, s, "0.0005", "1000")
	want("9.5", "8.5", "998") // the market order is the first
	wantDone(t, buy(s, "too dear", "1.5"))
	wantOrder(t, s, "too dear", "cancelled 0 0 0")
	wantDone(t, bid(s, "waits for coins", "0.001", "1500"))
	wantOrder(t, s, "waits for coins", "suspended 0 0 0")
	want("9.5", "8.5", "998")
	asks(t, s, "0.001", "4000") // 3500 of it for the market order
	want("5.5", "4.5", "4990")
	wantOrder(t, s, "waits for coins", "suspended 0 0 0")
	must(t, s.Deposit(testKey, "btc", MustDecimal("0.5")))
	want("6", "6", "4990")
	wantOrder(t, s, "waits for coins", "active 0 0 0")
	must(t, s.End("b", "expired"))
	wantOrder(t, s, "b", "expired 500 0.5 1")
	want("6", "1.5", "4990")
	must(t, s.SetSpendable(testKey, MustDecimal("0.25")))
	want("1.75", "1.5", "4990")
	for _, err := range []error{
		s.Deposit(testKey, "btc", MustDecimal("-0.2500000001")), s.Deposit(testKey, "sky", MustDecimal("-5000")),
		s.Deposit("nobody", "btc", MustDecimal("1")), s.Deposit(testKey, "eth", MustDecimal("1")),
		s.SetSpendable("nobody", MustDecimal("1")), s.SetSpendable(testKey, MustDecimal("-1")),
	} {
		if err == nil {
			t.Error("a deposit that can not be was made")
		}
	}
	want("1.75", "1.5", "4990")
	must(t, s.Deposit(testKey, "sky", MustDecimal("-4990")))
	want("1.75", "1.5", "0")
}

func TestRefusals(t *testing.T) {
	s := open(t, Options{PriceDecimals: 5, QuantityDecimals: 2, SpendDecimals: 5, RefuseShort: true})
	asks(t, s, "0.001", "100")
	good := []string{"symbol", "BTC_SKY", "orderType", "buy", "priceTypeId", "limit", "price", "0.001", "quantity", "5", "cid", "x"}
	for _, c := range []struct{ parameter, value, message string }{
		{"symbol", "BTC_ETH", "symbol not exists"},
		{"symbol", "", "symbol not exists"},
		{"orderType", "sell", "orderType is wrong"},
		{"priceTypeId", "best", "priceTypeId is wrong"},
		{"price", "cheap", "price is wrong"},
		{"price", "-1", "price is wrong"},
		{"price", "1e-3", "price is wrong"},
		{"price", "0.001001", "price or quantity is wrong, at most 5 and 2 decimals"},
		{"quantity", "5.001", "price or quantity is wrong, at most 5 and 2 decimals"},
		{"quantity", "", "limit value: 0.0005"},
		{"quantity", "0.49", "limit value: 0.0005"},
		{"quantity", "10000.01", "insufficient balance"},
		{"cid", strings.Repeat("x", 65), "cid is wrong"},
		{"isAdvancedOrder", "1", "isAdvancedOrder is wrong"},
	} {
		wantRefused(t, ask(s, "createorder", append(good[:len(good):len(good)], c.parameter, c.value)...), 400, c.message)
	}
	wantRefused(t, buy(s, "x", "0.010001"), 400, "quantity is wrong, at most 5 decimals")
	if n := len(s.Orders()); n != 0 {
		t.Errorf("%d refused orders were accepted", n)
	}
	wantDone(t, ask(s, "createorder", good...)) // a refused order takes no cid
	wantRefused(t, ask(s, "createorder", good...), 400, "cid already exists, please change")
	wantRefused(t, buy(s, "x", "10000"), 400, "cid already exists, please change")
	for _, endpoint := range []string{"getorderinfo", "getorderbystatus"} {
		wantRefused(t, ask(s, endpoint, "symbol", "BTC_ETH", "orderId", "1"), 400, "symbol not exists")
	}
	for _, id := range []string{"1", "", "x", "99999999999999999999"} {
		wantRefused(t, ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", id), 400, "orderId is wrong")
		wantRefused(t, ask(s, "cancelorder", "orderId", id), 400, "orderId is wrong")
	}
	wantRefused(t, ask(s, "getorderbystatus", "symbol", "BTC_SKY", "status", "x"), 400, "status is wrong")
	wantRefused(t, ask(s, "getbalance", "apiKey", "guessed"), 401, "apiKey is wrong")
	wantRefused(t, post(s, "getbalance", url.Values{"apiKey": {testKey}, "sign": {"guessed"}}), 401, "sign is wrong")
	wantRefused(t, post(s, "getbalance", url.Values{"apiKey": {testKey}, "x": {"y"}, "sign": {Sign(url.Values{"apiKey": {testKey}}, testSecret)}}), 401, "sign is wrong")
	wantRefused(t, ask(s, "getnothing"), 404, "")
	wantChecked(t, s)
}

// TestReusedIDs: a cid that an order was accepted under is never accepted again, whatever has become of the order.
func TestReusedIDs(t *testing.T) {
	s := open(t, Options{})
	for _, end := range []string{"cancelled", "error", "expired"} {
		wantDone(t, bid(s, end, "0.001", "5"))
		wantRefused(t, bid(s, end, "0.001", "5"), 400, "cid already exists")
		must(t, s.End(end, end))
		wantRefused(t, bid(s, end, "0.001", "5"), 400, "cid already exists")
	}
	wantDone(t, buy(s, "never paid", "1000"))
	wantRefused(t, buy(s, "never paid", "1"), 400, "cid already exists")
	other := url.Values{
		"apiKey": {"other"}, "symbol": {"BTC_SKY"}, "orderType": {"buy"}, "priceTypeId": {"market"}, "price": {"0.1"}, "cid": {"never paid"},
	}
	other.Set("sign", Sign(other, "secret"))
	wantDone(t, post(s, "createorder", other)) // an id of somebody else
	wantDone(t, buy(s, "", "0.01"))
	wantDone(t, buy(s, "", "0.01")) // none is no id
	wantChecked(t, s)
}

// listed asks for a page and returns the orders' ids with statuses.
func listed(t *testing.T, s *Server, parameters ...string) (ids []string, records, pages int) {
	t.Helper()
	a := ask(s, "getorderbystatus", append([]string{"symbol", "BTC_SKY"}, parameters...)...)
	var d struct {
		Rows                   []struct{ OrderID, Status any }
		RecordCount, PageCount int
	}
	wantDone(t, a)
	must(t, json.Unmarshal(a.Data, &d))
	for _, r := range d.Rows {
		id, err := strconv.ParseFloat(fmt.Sprint(r.OrderID), 64)
		must(t, err)
		ids = append(ids, fmt.Sprintf("%d:%v", int(id)-firstOrderID, r.Status))
	}
	return ids, d.RecordCount, d.PageCount
}

func TestListing(t *testing.T) {
	s := open(t, Options{})
	for i := range 7 {
		wantDone(t, bid(s, fmt.Sprint("o", i), "0.0001", "5"))
	}
	must(t, s.End("o1", "cancelled"), s.End("o4", "cancelled"), s.Suspend("o5"))
	for _, c := range []struct{ status, page, size, want string }{
		{"0", "1", "100", "[6:2 5:7 4:5 3:2 2:2 1:5 0:2] 7 1"},
		{"0", "0", "", "[6:2 5:7 4:5 3:2 2:2 1:5 0:2] 7 1"},
		{"0", "1", "3", "[6:2 5:7 4:5] 7 3"},
		{"0", "3", "3", "[0:2] 7 3"},
		{"0", "4", "3", "[] 7 3"},
		{"5", "1", "3", "[4:5 1:5] 2 1"},
		{"7", "1", "3", "[5:7] 1 1"},
		{"4", "1", "3", "[] 0 0"},
		{"0", "1", "1000", "[6:2 5:7 4:5 3:2 2:2 1:5 0:2] 7 1"},
	} {
		ids, records, pages := listed(t, s, "status", c.status, "pageindex", c.page, "pagesize", c.size)
		if got := fmt.Sprintf("%v %d %d", ids, records, pages); got != c.want {
			t.Errorf("status %s, page %s of %s: %s, want %s", c.status, c.page, c.size, got, c.want)
		}
	}
	a := ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", "-1")
	var all []any
	must(t, json.Unmarshal(a.Data, &all))
	if len(all) != 5 {
		t.Errorf("%d orders are open: %s", len(all), a.Data)
	}
	for i := range 7 {
		ask(s, "cancelorder", "orderId", fmt.Sprint(firstOrderID+i))
	}
	wantRefused(t, ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", "-1"), 400, "There is no items")
	wantRefused(t, ask(s, "cancelorder", "orderId", fmt.Sprint(firstOrderID)), 400, `you can't cancel order in "cancelled" status`)
	if n := len(ask(s, "getorderbystatus", "symbol", "BTC_SKY", "status", "0").Data); n < 100 {
		t.Error("nothing is listed")
	}
}

// TestRateLimit: so many requests to an endpoint in a minute, and no more.
func TestRateLimit(t *testing.T) {
	now := time.Unix(6_000, 0)
	s := open(t, Options{PerMinute: 3, Now: func() time.Time { return now }})
	for range 3 {
		wantDone(t, ask(s, "getbalance"))
	}
	wantRefused(t, ask(s, "getbalance"), 400, "Too Many Requests")
	wantDone(t, buy(s, "a", "0.01")) // another endpoint
	now = now.Add(59 * time.Second)
	wantRefused(t, ask(s, "getbalance"), 400, "Too Many Requests")
	now = now.Add(time.Second)
	wantDone(t, ask(s, "getbalance"))
}

// TestAtOnce: many at once, with the book changing, and not a coin gets lost.
func TestAtOnce(t *testing.T) {
	s := open(t, Options{})
	var users sync.WaitGroup
	for u := range 6 {
		users.Go(func() {
			for i := range 25 {
				cid := fmt.Sprintf("u%d-%d", u, i)
				switch (u + i) % 3 {
				case 0:
					buy(s, cid, "0.01234567")
				case 1:
					bid(s, cid, "0.00123", "3.3")
				default:
					if err := s.AddAsks(Ask{MustDecimal("0.00111"), MustDecimal("7.7")}); err != nil {
						t.Error(err)
					}
				}
				ask(s, "getorderbystatus", "symbol", "BTC_SKY", "status", "0")
				ask(s, "cancelorder", "orderId", fmt.Sprint(firstOrderID+i))
				wantChecked(t, s)
			}
		})
	}
	users.Wait()
	if n := len(s.Orders()); n != 100 {
		t.Errorf("%d orders", n)
	}
}
