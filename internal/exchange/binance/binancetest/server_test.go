package binancetest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestSign holds the signature against the examples of the exchange's documentation.
func TestSign(t *testing.T) {
	const secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
	for params, want := range map[string]string{
		"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559": "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
		// query and body, with nothing in between
		"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559": "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
	} {
		if got := Sign(secret, params); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// send makes a request by hand and returns the answer's status and text.
func send(t *testing.T, s *Server, method, path, key string, params url.Values, sign func(string) string) (int, string) {
	t.Helper()
	query := params.Encode()
	if sign != nil {
		query = strings.TrimPrefix(query+"&signature="+sign(query), "&")
	}
	req, err := http.NewRequest(method, s.URL+path+"?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-MBX-APIKEY", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestServerIsStrict: what a sloppy client would do is refused, with the code that the exchange has for it.
func TestServerIsStrict(t *testing.T) {
	s := New(t)
	s.AddSymbol(Skycoin())
	s.SetBalance("BTC", "1")
	s.SetBook("SKYCOINBTC", Offer{"0.001", "100"})
	good := func(text string) string { return Sign(Secret, text) }
	upper := func(text string) string { return strings.ToUpper(Sign(Secret, text)) }
	wrong := func(text string) string { return Sign("other", text) }
	now := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).UnixMilli()) }
	order := func(change ...string) url.Values {
		v := url.Values{
			"symbol": {"SKYCOINBTC"}, "side": {"BUY"}, "type": {"LIMIT"}, "timeInForce": {"IOC"}, "price": {"0.001"}, "quantity": {"1"},
			"newClientOrderId": {"t-1"}, "newOrderRespType": {"ACK"}, "timestamp": {now(0)},
		}
		for i := 0; i < len(change); i += 2 {
			v.Del(change[i])
			if change[i+1] != "-" {
				v.Set(change[i], change[i+1])
			}
		}
		return v
	}
	twice := order()
	twice.Add("price", "0.002")
	market := func(change ...string) url.Values {
		return order(append([]string{"type", "MARKET", "timeInForce", "-", "price", "-", "quantity", "-", "quoteOrderQty", "0.001"}, change...)...)
	}
	const post, get, path = http.MethodPost, http.MethodGet, "/api/v3/order"
	for name, tc := range map[string]struct {
		method, key string
		params      url.Values
		sign        func(string) string
		status      int
		answer      string
	}{
		"a good order":          {post, Key, order(), good, 200, `"orderId":`},
		"upper case signature":  {post, Key, order(), upper, 200, `"orderId":`},
		"a good market order":   {post, Key, market(), good, 200, `"orderId":`},
		"no key":                {post, "", order(), good, 401, "-2014"},
		"another key":           {post, "abc", order(), good, 401, "-2015"},
		"no signature":          {post, Key, order(), nil, 400, "-1102"},
		"another signature":     {post, Key, order(), wrong, 400, "-1022"},
		"no time":               {post, Key, order("timestamp", "-"), good, 400, "-1102"},
		"late":                  {post, Key, order("timestamp", now(-6*time.Second)), good, 400, "-1021"},
		"late but in time":      {post, Key, order("timestamp", now(-6*time.Second), "recvWindow", "10000"), good, 200, `"orderId":`},
		"early":                 {post, Key, order("timestamp", now(2*time.Second)), good, 400, "-1021"},
		"long window":           {post, Key, order("recvWindow", "60001"), good, 400, "-1131"},
		"unknown parameter":     {post, Key, order("pirce", "1"), good, 400, "-1104"},
		"parameter given twice": {post, Key, twice, good, 400, "-1101"},
		"empty parameter":       {post, Key, order("price", ""), good, 400, "-1105"},
		"no market":             {post, Key, order("symbol", "SKYBTC"), good, 400, "-1121"},
		"sell":                  {post, Key, order("side", "SELL"), good, 400, "-1117"},
		"no type":               {post, Key, order("type", "STOP"), good, 400, "-1116"},
		"no time in force":      {post, Key, order("timeInForce", "-"), good, 400, "-1102"},
		"no price":              {post, Key, order("price", "-"), good, 400, "-1102"},
		"price of a market":     {post, Key, market("price", "1"), good, 400, "-1106"},
		"market of nothing":     {post, Key, market("quoteOrderQty", "-"), good, 400, "-1102"},
		"exponent":              {post, Key, order("quantity", "1e3"), good, 400, "-1100"},
		"minus":                 {post, Key, order("quantity", "-1"), good, 400, "-1100"},
		"nine decimals":         {post, Key, order("quantity", "1.000000000"), good, 400, "-1111"},
		"client id":             {post, Key, order("newClientOrderId", strings.Repeat("x", 37)), good, 400, "-1100"},
		"between lots":          {post, Key, order("quantity", "1.05"), good, 400, "LOT_SIZE"},
		"less than a lot":       {post, Key, market("quoteOrderQty", "0.00009"), good, 400, "NOTIONAL"},
		"too small":             {post, Key, order("quantity", "0"), good, 400, "Invalid quantity"},
		"too little":            {post, Key, order("price", "0.00000001"), good, 400, "NOTIONAL"},
		"too much":              {post, Key, order("price", "9001"), good, 400, "NOTIONAL"},
		"more than there is":    {post, Key, order("price", "1.5"), good, 400, "insufficient balance"},
		"unknown order":         {get, Key, url.Values{"symbol": {"SKYCOINBTC"}, "orderId": {"99"}, "timestamp": {now(0)}}, good, 400, "-2013"},
		"order of no id":        {get, Key, url.Values{"symbol": {"SKYCOINBTC"}, "timestamp": {now(0)}}, good, 400, "-1102"},
		"order of no number":    {get, Key, url.Values{"symbol": {"SKYCOINBTC"}, "orderId": {"x"}, "timestamp": {now(0)}}, good, 400, "-1100"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := send(t, s, tc.method, path, tc.key, tc.params, tc.sign)
			if status != tc.status || !strings.Contains(answer, tc.answer) {
				t.Errorf("%d %s, want %d with %s", status, answer, tc.status, tc.answer)
			}
		})
	}
	if status, _ := send(t, s, get, "/api/v3/depth", "", nil, nil); status != 404 {
		t.Errorf("%d for a path that is left out", status)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestBooksBalance: what the account has is what it had, less what it paid, whatever has become of its orders.
func TestBooksBalance(t *testing.T) {
	s := New(t)
	s.AddSymbol(Skycoin())
	s.SetBalance("BTC", "1")
	s.Rest("a", "SKYCOINBTC", "BUY", "0.001", "100")
	want := func(free, locked, sky string) {
		t.Helper()
		f, l := s.Balance("BTC")
		got, _ := s.Balance("SKYCOIN")
		if f != free || l != locked || got != sky {
			t.Errorf("%s BTC free, %s locked, %s SKYCOIN; want %s, %s, %s", f, l, got, free, locked, sky)
		}
	}
	want("0.90000000", "0.10000000", "0.00000000")
	s.SetFee("0.001", "")
	s.Trade("a", "0.0005", "50")
	want("0.90000000", "0.07500000", "49.95000000")
	s.End("a", "CANCELED")
	want("0.97500000", "0.00000000", "49.95000000")
	s.SetFee("0.001", "BTC")
	s.Rest("b", "SKYCOINBTC", "SELL", "0.002", "40")
	s.Trade("b", "0.002", "40")
	want("1.05492000", "0.00000000", "9.95000000")
}
