package binance

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adshao/go-binance/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/binance/binancetest"
)

// sample is an answer of the shape that the exchange's documentation shows.
func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return strings.TrimSpace(string(b))
}

const (
	sampleClientID = "t-mzxw6ytboi2diobxgy2tmnbt-1"
	sampleOrderID  = "81"
)

// serveSamples has the stand-in give these answers.
func serveSamples(s *binancetest.Server, info, order, trades, account string) {
	s.Heal()
	s.Fail(
		binancetest.Answer("GET /api/v3/exchangeInfo", 200, info), binancetest.Answer("GET /api/v3/order", 200, order),
		binancetest.Answer("GET /api/v3/myTrades", 200, trades), binancetest.Answer("GET /api/v3/account", 200, account),
	)
}

func TestSamples(t *testing.T) {
	s, e := open(t)
	info, order, trades, account := sample(t, "exchangeinfo.json"), sample(t, "order.json"), sample(t, "trades.json"), sample(t, "account.json")
	serveSamples(s, info, order, trades, account)
	m, err := e.Market(t.Context(), teller.BTC)
	must(t, err)
	if m.Symbol != "SKYCOINBTC" || m.Minimum.String() != "10000" || m.Step.String() != "1" || m.IDsOnce {
		t.Errorf("%+v", m)
	}
	r, err := e.Find(t.Context(), teller.BTC, sampleClientID)
	must(t, err)
	want := teller.OrderReport{
		OrderID: sampleOrderID, Status: "FILLED", Final: true, Filled: true, Bought: 599_500_000, Spent: teller.NewAmount(70_000_000),
		Completed: "600.00000000", Price: "0.00116667", Original: order,
	}
	if fmt.Sprint(r) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", r, want)
	}
	free, err := e.Balance(t.Context(), teller.BTC)
	must(t, err)
	if free.String() != "123456789" {
		t.Errorf("%s satoshi are free", free)
	}
}

// TestAnswersAreChecked changes one thing at a time in the samples. None may be taken for true.
func TestAnswersAreChecked(t *testing.T) {
	s, e := open(t)
	look := map[string]func() error{
		"exchangeinfo.json": func() error { _, err := e.Market(t.Context(), teller.BTC); return err },
		"order.json":        func() error { _, err := e.Find(t.Context(), teller.BTC, sampleClientID); return err },
		"trades.json":       func() error { _, err := e.Order(t.Context(), teller.BTC, sampleOrderID); return err },
		"account.json":      func() error { _, err := e.Balance(t.Context(), teller.BTC); return err },
	}
	for _, tc := range []struct {
		file, old, new string
		code           teller.Code // "" = CodeMalformed
	}{
		{"exchangeinfo.json", `"symbol":"SKYCOINBTC"`, `"symbol":"SKYBTC"`, ""},
		{"exchangeinfo.json", `"symbols":[`, `"symbols":[{},`, ""},
		{"exchangeinfo.json", `"symbols":[`, `"symbolz":[`, ""},
		{"exchangeinfo.json", `"baseAsset":"SKYCOIN"`, `"baseAsset":""`, ""},
		{"exchangeinfo.json", `"baseAsset":"SKYCOIN"`, `"baseAsset":"BTC"`, ""},
		{"exchangeinfo.json", `"baseAssetPrecision":8`, `"baseAssetPrecision":-1`, ""},
		{"exchangeinfo.json", `"quoteAssetPrecision":8`, `"quoteAssetPrecision":1000000000`, ""},
		{"exchangeinfo.json", `"quoteAsset":"BTC"`, `"quoteAsset":"USDT"`, teller.CodeUnsupported},
		{"exchangeinfo.json", `"status":"TRADING"`, `"status":"HALT"`, teller.CodeUnavailable},
		{"exchangeinfo.json", `"stepSize":"0.10000000"`, `"stepSize":0.1`, ""},
		{"exchangeinfo.json", `"minQty":"0.10000000"`, `"minQty":"1e999999999"`, ""},
		{"exchangeinfo.json", `"tickSize":"0.00000010"`, `"tickSize":"-0.00000010"`, ""},
		{"exchangeinfo.json", `"minNotional":"0.00010000"`, `"minNotional":{}`, ""},
		{"exchangeinfo.json", `"filters":[`, `"filters":[5,`, ""},
		{"order.json", `"symbol":"SKYCOINBTC"`, `"symbol":"SKYBTC"`, ""},
		{"order.json", `"orderId":81`, `"orderId":0`, ""},
		{"order.json", `"orderId":81`, `"orderId":"81"`, ""},
		{"order.json", `"orderId":81`, `"orderId":82`, ""}, // whose trades are not these
		{"order.json", sampleClientID, "t-mzxw6ytboi2diobxgy2tmnbt-2", ""},
		{"order.json", `"FILLED"`, `"DONE"`, ""},
		{"order.json", `"executedQty":"600.00000000"`, `"executedQty":""`, ""},
		{"order.json", `"executedQty":"600.00000000"`, `"executedQty":"-600"`, ""},
		{"order.json", `"executedQty":"600.00000000"`, `"executedQty":"0"`, ""},
		{"order.json", `"executedQty":"600.00000000"`, `"executedQty":"600.1"`, teller.CodeUnavailable},
		{"order.json", `"cummulativeQuoteQty":"0.70000000"`, `"cummulativeQuoteQty":"NaN"`, ""},
		{"order.json", `"cummulativeQuoteQty":"0.70000000"`, `"cummulativeQuoteQty":0.7`, ""},
		{"order.json", `"cummulativeQuoteQty":"0.70000000"`, `"cummulativeQuoteQty":"--1"`, ""},
		{"order.json", `{`, `[`, ""},
		{"trades.json", `[`, `[null,`, ""},
		{"trades.json", `[`, `{`, ""},
		{"trades.json", `"id":9`, `"id":7`, ""},
		{"trades.json", `"id":9`, `"id":6`, ""},
		{"trades.json", `"orderId":81`, `"orderId":80`, ""},
		{"trades.json", `"symbol":"SKYCOINBTC"`, `"symbol":"SKYBTC"`, ""},
		{"trades.json", `"isBuyer":true`, `"isBuyer":false`, ""},
		{"trades.json", `"qty":"500.00000000"`, `"qty":"499.00000000"`, teller.CodeUnavailable},
		{"trades.json", `"qty":"500.00000000"`, `"qty":"x"`, ""},
		{"trades.json", `"quoteQty":"0.50000000"`, `"quoteQty":"-0.5"`, ""},
		{"trades.json", `"commission":"0.50000000"`, `"commission":"-0.5"`, ""},
		{"trades.json", `"commission":"0.50000000"`, `"commission":"601"`, ""},
		{"trades.json", `"commission":"0.00030000"`, `"commission":""`, ""}, // also of a third asset
		{"account.json", `"balances"`, `"holdings"`, ""},
		{"account.json", `"free":"1.23456789"`, `"free":""`, ""},
		{"account.json", `"free":"1.23456789"`, `"free":"-1"`, ""},
		{"account.json", `"free":"1.23456789"`, `"free":1.23`, ""},
		{"account.json", `"free":"1.23456789"`, `"free":"` + strings.Repeat("9", maxDigits+1) + `"`, ""},
	} {
		info, order, trades, account := sample(t, "exchangeinfo.json"), sample(t, "order.json"), sample(t, "trades.json"), sample(t, "account.json")
		change := func(file, text string) string {
			if file != tc.file {
				return text
			}
			changed := strings.Replace(text, tc.old, tc.new, 1)
			if changed == text {
				t.Fatalf("%s has no %s", file, tc.old)
			}
			return changed
		}
		serveSamples(s, change("exchangeinfo.json", info), change("order.json", order), change("trades.json", trades), change("account.json", account))
		if tc.file != "exchangeinfo.json" {
			_, err := e.Market(t.Context(), teller.BTC)
			must(t, err)
		}
		err := look[tc.file]()
		want := tc.code
		if want == "" {
			want = teller.CodeMalformed
		}
		if teller.CodeOf(err) != want {
			t.Errorf("%s with %s: %v has the code %q, want %q", tc.file, tc.new, err, teller.CodeOf(err), want)
		}
	}
}

// FuzzAnswers decodes arbitrary answers in every way in which answers are decoded. Nothing may panic, and what is accepted
// makes sense.
func FuzzAnswers(f *testing.F) {
	for _, name := range []string{"exchangeinfo.json", "order.json", "trades.json", "account.json"} {
		for kind := range uint8(4) {
			f.Add(kind, []byte(sample(f, name)))
		}
	}
	f.Add(uint8(0), []byte(`{"symbols":[{"symbol":"SKYCOINBTC","baseAsset":"S","quoteAsset":"BTC","filters":[null,{"filterType":1},{"filterType":"LOT_SIZE","stepSize":"0"}]}]}`))
	f.Add(uint8(1), []byte(`{"symbol":"SKYCOINBTC","orderId":1,"status":"EXPIRED","side":"SELL","executedQty":"1","cummulativeQuoteQty":"-1"}`))
	f.Add(uint8(2), []byte(`[{"symbol":"SKYCOINBTC","id":1,"orderId":81,"qty":"600","quoteQty":"1","commission":"0","isBuyer":true}]`))
	r := rules{symbol: "SKYCOINBTC", base: "SKYCOIN", quote: "BTC"}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		switch kind % 4 {
		case 0:
			fuzzRules(t, data)
		case 1:
			var o binance.Order
			if json.Unmarshal(data, &o) != nil {
				return
			}
			n, err := r.count(&o)
			if err != nil {
				wantCode(t, err, teller.CodeMalformed)
				return
			}
			report, err := n.report(r, &o, data)
			must(t, err)
			if report.Bought != 0 || !report.Spent.IsZero() || report.Filled && !report.Final {
				t.Fatalf("without trades %+v", report)
			}
		case 2:
			fuzzTrades(t, r, data)
		case 3:
			var a binance.Account
			if json.Unmarshal(data, &a) != nil {
				return
			}
			if _, err := free(a.Balances, teller.BTC); err != nil {
				wantCode(t, err, teller.CodeMalformed)
			}
		}
	})
}

func fuzzRules(t *testing.T, data []byte) {
	var info binance.ExchangeInfo
	if json.Unmarshal(data, &info) != nil {
		return
	}
	r, err := checkRules(&info, "SKYCOINBTC", teller.BTC)
	if err != nil {
		if teller.CodeOf(err) != teller.CodeUnsupported {
			wantCode(t, err, teller.CodeMalformed)
		}
		return
	}
	m, err := r.market(teller.BTC)
	must(t, err)
	if m.Step.IsZero() || r.lot.Sign() <= 0 || r.tick.Sign() <= 0 {
		t.Fatalf("accepted the rules %+v", r)
	}
	o := teller.OrderRequest{ClientID: "t-1", Coin: teller.BTC, Spend: times(t, m.Step, 12_345_678), Least: teller.MustRate("777/10")}
	d, err := r.draft(o)
	if err != nil {
		return
	}
	price, quantity := rat(d.price), rat(d.quantity)
	cost := new(big.Rat).Mul(price, quantity)
	if cost.Cmp(inCoins(o.Spend, o.Coin)) > 0 || new(big.Rat).Mul(price, rat("77.7")).Cmp(rat("1")) > 0 || cost.Cmp(r.minNotional) < 0 {
		t.Fatalf("%s at %s for %s under the rules %+v", d.quantity, d.price, o.Spend, r)
	}
}

func times(t *testing.T, a teller.Amount, n int64) teller.Amount {
	t.Helper()
	product, err := teller.AmountFromBig(new(big.Int).Mul(a.Big(), big.NewInt(n)))
	must(t, err)
	return product
}

func fuzzTrades(t *testing.T, r rules, data []byte) {
	var trades []*binance.TradeV3
	if json.Unmarshal(data, &trades) != nil {
		return
	}
	for _, trade := range trades {
		if trade == nil {
			return // sorted out while they are read
		}
	}
	o := &binance.Order{Symbol: r.symbol, OrderID: 81, Status: "FILLED", Side: "BUY", ExecutedQuantity: "600", CummulativeQuoteQuantity: "0.7"}
	n, err := r.count(o)
	must(t, err)
	if err := n.add(r, 81, trades); err != nil {
		if teller.CodeOf(err) != teller.CodeUnavailable {
			wantCode(t, err, teller.CodeMalformed)
		}
		return
	}
	report, err := n.report(r, o, data)
	if err != nil {
		wantCode(t, err, teller.CodeMalformed)
		return
	}
	if report.Bought > 600_000_000 || report.Spent.Cmp(teller.NewAmount(70_000_000)) < 0 {
		t.Fatalf("%+v", report)
	}
}

// FuzzRefusal reads arbitrary refusals.
func FuzzRefusal(f *testing.F) {
	f.Add(400, []byte(`{"code":-2010,"msg":"Account has insufficient balance for requested action."}`))
	f.Add(400, []byte(`{"code":-1013,"msg":"Filter failure: NOTIONAL"}`))
	f.Add(418, []byte(`{"code":-1003}`))
	f.Add(403, []byte(`<html>`))
	f.Add(400, []byte(`{"code":1.5,"msg":[]}`))
	f.Add(302, []byte("\xff"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := readRefusal(status, body)
		code := refused(r)
		if len(r.Message) > maxMessage || len(r.Error()) > maxMessage+60 {
			t.Fatalf("a message of %d bytes", len(r.Message))
		}
		if code == "" || code == teller.CodeInternal {
			t.Fatalf("%v has the code %q", r, code)
		}
		switch code { // promise that an order was not accepted
		case teller.CodeInvalid, teller.CodeBelowMinimum, teller.CodeShortOfCoins, teller.CodeAlreadyPlaced:
			if status < 400 || status >= 500 || r.Code == 0 {
				t.Fatalf("%d %v has the code %s", status, r, code)
			}
		}
	})
}

// FuzzDecimal reads arbitrary numbers.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "0.00000001", "-1.00000000", "1e5", "", ".", "1.", ".5", "1/2", "+1", " 1", "١", "0x10", "1_000", strings.Repeat("9", 61)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := decimal(s)
		if err != nil {
			return
		}
		if strings.Trim(s, "0123456789.") != "" || n.Sign() < 0 {
			t.Fatalf("%q is read as %s", s, n)
		}
		back, err := decimal(write(n))
		must(t, err)
		if back.Cmp(n) != 0 {
			t.Fatalf("%q is written as %s", s, write(n))
		}
		down, up := floor(n, 6), ceil(n, 6)
		if diff := new(big.Int).Sub(up, down); diff.Sign() < 0 || diff.Cmp(big.NewInt(1)) > 0 {
			t.Fatalf("%q is between %s and %s", s, down, up)
		}
	})
}

func TestDecimals(t *testing.T) {
	for s, want := range map[string]string{"0": "0", "00.10": "0.1", "12.50000000": "12.5", "0.00000001": "0.00000001"} {
		n, err := decimal(s)
		must(t, err)
		if write(n) != want {
			t.Errorf("%s is written as %s", s, write(n))
		}
	}
	for _, s := range []string{"", ".", "1.", ".5", "1e5", "1/2", "+1", " 1", "0x10", "1_0", "--1", "-", "-x", strings.Repeat("1", 61)} {
		if n, err := decimal(s); err == nil {
			t.Errorf("%q is read as %s", s, n)
		}
	}
	n := rat("1.23456789")
	if floor(n, 6).String() != "1234567" || ceil(n, 6).String() != "1234568" || ceil(rat("1.5"), 6).String() != "1500000" {
		t.Errorf("%s, %s", floor(n, 6), ceil(n, 6))
	}
	for text, want := range map[string]string{"500": "500", "1.5": "3/2", "1/3": "1/3", "1.5/2.5": "3/5"} {
		n, err := exact(teller.MustRate(text))
		must(t, err)
		if n.Cmp(rat(want)) != 0 {
			t.Errorf("%s is %s", text, n)
		}
	}
	_, err := exact(teller.Rate{})
	wantCode(t, err, teller.CodeInvalid)
}
