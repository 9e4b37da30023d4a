package httpapi_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
)

// original is the ledger of testdata/expected.json: what the original teller answered for a database of its own.
type original struct {
	Deposits []struct {
		Seq            uint64           `json:"seq"`
		UpdatedAt      int64            `json:"updated_at"`
		Status         teller.Status    `json:"status"`
		CoinType       teller.Coin      `json:"coin_type"`
		SkyAddress     string           `json:"sky_address"`
		BuyMethod      teller.BuyMethod `json:"buy_method"`
		DepositAddress string           `json:"deposit_address"`
		DepositID      string           `json:"deposit_id"`
		TxID           string           `json:"txid"`
		Rate           teller.Rate      `json:"conversion_rate"`
		Value          teller.Amount    `json:"deposit_value"`
		SkySent        teller.Droplets  `json:"sky_sent"`
		Error          string           `json:"error"`
		Deposit        struct {
			Height int64  `json:"height"`
			Tx     string `json:"tx"`
			N      uint32 `json:"n"`
		} `json:"deposit"`
	} `json:"deposits"`
	Status map[string][]struct {
		Status teller.Status `json:"status"`
	} `json:"status"`
}

// loadOriginal returns the file as parsed JSON and as a ledger with the same rows.
func loadOriginal(t *testing.T) (map[string]any, *ledger) {
	t.Helper()
	raw, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	var typed original
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &typed); err != nil {
		t.Fatal(err)
	}
	l := &ledger{totals: teller.Totals{Received: map[teller.Coin]teller.Amount{}}}
	for _, d := range typed.Deposits {
		l.rows = append(l.rows, teller.Deposit{
			ID: d.DepositID, Seq: d.Seq, Coin: d.CoinType, Address: d.DepositAddress, SkyAddress: d.SkyAddress, BuyMethod: d.BuyMethod,
			Value: d.Value, TxID: d.Deposit.Tx, N: d.Deposit.N, Height: d.Deposit.Height, Rate: d.Rate, Status: d.Status,
			Sent: d.SkySent, PayoutTxID: d.TxID, Error: d.Error, UpdatedAt: time.Unix(d.UpdatedAt, 0),
		})
		l.totals.Received[d.CoinType] = l.totals.Received[d.CoinType].Add(d.Value)
		l.totals.Sent += d.SkySent
		l.bind(d.SkyAddress, d.DepositAddress)
	}
	for sky, entries := range typed.Status {
		for i, e := range entries {
			if e.Status == teller.StatusWaitingDeposit {
				l.bind(sky, fmt.Sprint("unpaid", i))
			}
		}
	}
	return file, l
}

// bind adds a binding once.
func (l *ledger) bind(sky, addr string) {
	for _, b := range l.bindings {
		if b.Address == addr {
			return
		}
	}
	l.bindings = append(l.bindings, teller.Binding{Coin: teller.BTC, Address: addr, SkyAddress: sky, BuyMethod: teller.BuyDirect})
}

// ask returns an answer as parsed JSON.
func ask(t *testing.T, h http.Handler, target string) map[string]any {
	t.Helper()
	w := request{method: "GET", target: target}.do(h)
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s: %d %s: %v", target, w.Code, w.Body, err)
	}
	return got
}

// cut leaves of got what want has, everywhere: what is new stands beside the old.
func cut(got, want any) any {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return got
		}
		out := map[string]any{}
		for k := range want {
			if v, ok := g[k]; ok {
				out[k] = cut(v, want[k])
			}
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return got
		}
		out := make([]any, len(g))
		for i := range g {
			out[i] = cut(g[i], want[i])
		}
		return out
	}
	return got
}

func TestOriginalDeposits(t *testing.T) {
	want, l := loadOriginal(t)
	h := httpapi.NewAdmin(adminOptions(l, nil))
	if got := cut(ask(t, h, "/api/deposits")["deposits"], want["deposits"]); !reflect.DeepEqual(got, want["deposits"]) {
		t.Errorf("deposits\n got %v\nwant %v", got, want["deposits"])
	}
	if got := cut(ask(t, h, "/api/accounting"), want["accounting"]); !reflect.DeepEqual(got, want["accounting"]) {
		t.Errorf("accounting\n got %v\nwant %v", got, want["accounting"])
	}
}

func TestOriginalStatuses(t *testing.T) {
	file, l := loadOriginal(t)
	h := httpapi.NewPublic(publicOptions(func(o *httpapi.PublicOptions) { o.Store = l }))
	for sky, list := range file["status"].(map[string]any) {
		want := list.([]any)
		for i, e := range want { // the two agreed differences
			entry := e.(map[string]any)
			entry["seq"] = float64(i + 1)
			if entry["status"] == string(teller.StatusWaitingDeposit) {
				entry["updated_at"] = float64(now.Unix())
			}
		}
		if got := cut(ask(t, h, "/api/status?skyaddr="+sky)["statuses"], any(want)); !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%s\n got %v\nwant %v", sky, got, want)
		}
	}
}

// TestDocumentedShapes: every field of the documented examples is there, with its type.
func TestDocumentedShapes(t *testing.T) {
	public := httpapi.NewPublic(publicOptions(nil))
	l := operatorLedger(t)
	buyLedger(t)(l)
	admin := httpapi.NewAdmin(adminOptions(l, nil))
	for _, tt := range []struct {
		h               http.Handler
		target, example string
	}{
		{public, "/api/config", `{"enabled":true,"buy_method":"passthrough","max_bound_addrs":5,"max_decimals":3,"deposits":{
			"btc":{"enabled":true,"confirmations_required":1,"fixed_exchange_rate":"123.000000","passthrough_minimum_volume":"0.005"},
			"eth":{"enabled":false,"confirmations_required":5,"fixed_exchange_rate":"30.000000","passthrough_minimum_volume":"1.5"}}}`},
		{public, "/api/health", `{"status":"OK","application":"teller","version":"6720","uptime":"5m32s","exchange":{"buy_method":"direct",
			"processor_error":"","sender_error":"","deposit_error_count":4,"balance":{"coins":"100.000000","hours":"100"}}}`},
		{public, "/api/status?skyaddr=" + skyAddr, `{"statuses":[{"seq":1,"updated_at":1501137828,"status":"done"}]}`},
		{admin, "/api/deposit-addresses", `{"BTC":{"remaining_addresses":4,"scanning_addresses":["1PZ"],"scanning_enabled":true,
			"address_manager_enabled":true},"ETH":{"scanning_addresses":[]},"SKY":{"scanning_addresses":[]}}`},
		{admin, "/api/deposits", `{"deposits":[{"seq":1,"updated_at":1522494557,"status":"waiting_send","coin_type":"BTC","sky_address":"2Wbi",
			"buy_method":"direct","deposit_address":"1PZ6","deposit_id":"edb2:11","txid":"","conversion_rate":"500","deposit_value":201234,
			"sky_sent":0,"passthrough":{"exchange_name":"","sky_bought":0,"deposit_value_spent":0,"requested_amount":"","order":{
			"customer_id":"","order_id":"","completed_amount":"","price":"","status":"","final":false,"original":""}},"error":"",
			"deposit":{"coin_type":"BTC","address":"1PZ6","value":201234,"height":494713,"tx":"edb2","n":11,"processed":false}}]}`},
		{admin, "/api/accounting", `{"sent":"102.943000","received":{"BTC":"1.53420000","ETH":"0.000000000000000000","SKY":"0.000000"}}`},
	} {
		var example any
		if err := json.Unmarshal([]byte(tt.example), &example); err != nil {
			t.Fatal(err)
		}
		wantShape(t, tt.target, ask(t, tt.h, tt.target), example)
	}
}

// wantShape checks types, not values; a list's elements all have the shape of the example's first.
func wantShape(t *testing.T, at string, got, example any) {
	t.Helper()
	switch example := example.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is no object: %v", at, got)
			return
		}
		for k, v := range example {
			wantShape(t, at+"."+k, g[k], v)
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			t.Errorf("%s is no list: %v", at, got)
			return
		}
		for i := range g {
			if len(example) > 0 {
				wantShape(t, at+"["+strconv.Itoa(i)+"]", g[i], example[0])
			}
		}
	default:
		if reflect.TypeOf(got) != reflect.TypeOf(example) {
			t.Errorf("%s is a %T, documented as a %T", at, got, example)
		}
	}
}

// TestEveryCodeHasAnAnswer reads the codes from the root package's source: a new one needs a decision here.
func TestEveryCodeHasAnAnswer(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if !httpapi.HasAnswer(teller.Code(code)) {
			t.Errorf("%s has no answer", spec.Names[0].Name)
		}
		codes++
		return true
	})
	if codes < 15 {
		t.Errorf("found %d codes only", codes)
	}
}
