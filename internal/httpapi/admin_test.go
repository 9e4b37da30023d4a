package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
)

const adminToken = "correct horse battery staple"

// adminOptions are options for tests over a store.
func adminOptions(l *ledger, change func(*httpapi.AdminOptions)) httpapi.AdminOptions {
	logger, _ := quiet()
	o := httpapi.AdminOptions{
		Store: l, Clock: fixedClock{}, Logger: logger, Host: "127.0.0.1:7711",
		Addresses: func(c teller.Coin) httpapi.AddressUse {
			return map[teller.Coin]httpapi.AddressUse{
				teller.BTC: {Remaining: 4, Scanning: true, Pool: true}, teller.ETH: {Remaining: 5, Pool: true},
			}[c]
		},
	}
	o.MarkPaid, o.Purchases = l.markPaid, purchases{l}
	o.Exchange = func(context.Context) (httpapi.ExchangeState, error) {
		return httpapi.ExchangeState{}, teller.Errorf(teller.CodeNotFound, "no exchange is configured: SKY is sent from the wallet")
	}
	o.Reload = func(context.Context) (map[teller.Coin]httpapi.Reloaded, error) {
		return map[teller.Coin]httpapi.Reloaded{teller.BTC: {Added: 2, Removed: 1, Remaining: 5}}, nil
	}
	o.Metrics = http.NotFoundHandler()
	if change != nil {
		change(&o)
	}
	return o
}

func TestReloadTellsTheMistake(t *testing.T) {
	h := httpapi.NewAdmin(adminOptions(operatorLedger(t), func(o *httpapi.AdminOptions) {
		o.Reload = func(context.Context) (map[teller.Coin]httpapi.Reloaded, error) {
			return nil, teller.Errorf(teller.CodeInvalid, "btc_addresses: line 3: not an address")
		}
	}))
	w := request{method: "POST", target: "/api/addresses/reload", header: asJSON, body: "{}"}.do(h)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "line 3") {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}

// What is measured is the operator's business, like everything on this listener.
func TestMetricsNeedTheToken(t *testing.T) {
	h := httpapi.NewAdmin(adminOptions(operatorLedger(t), func(o *httpapi.AdminOptions) {
		o.Token = adminToken
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "teller_up 1\n") })
	}))
	r, w := newRequest("GET", "/metrics", "127.0.0.1:5000")
	r.Host = "localhost"
	h.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "teller_up") {
		t.Errorf("without the token: %d %s", w.Code, w.Body)
	}
	r, w = newRequest("GET", "/metrics", "127.0.0.1:5000")
	r.Host = "localhost"
	r.SetBasicAuth("prometheus", adminToken)
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != "teller_up 1\n" {
		t.Errorf("with the token: %d %s", w.Code, w.Body)
	}
}

func amount(t *testing.T, s string) teller.Amount {
	t.Helper()
	a, err := teller.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// operatorLedger has one deposit of every kind that an operator meets.
func operatorLedger(t *testing.T) *ledger {
	row := func(d teller.Deposit) teller.Deposit {
		d.Address, d.SkyAddress, d.BuyMethod, d.UpdatedAt = "to"+string(d.Coin), skyAddr, teller.BuyDirect, now.Add(-time.Hour)
		d.Version, d.TxID, d.ID, d.Rate = 3, "tx"+d.ID, teller.DepositID("tx"+d.ID, d.N), teller.MustRate("500")
		return d
	}
	return &ledger{
		bindings: []teller.Binding{{Coin: teller.BTC, Address: "toBTC"}, {Coin: teller.BTC, Address: "toBTC2"}, {Coin: teller.SKY, Address: "toSKY"}},
		rows: []teller.Deposit{
			row(teller.Deposit{ID: "a", Seq: 1, Coin: teller.BTC, N: 11, Value: amount(t, "201234"), Height: 494713,
				Status: teller.StatusWaitingSend, Owed: 1_006_000}),
			row(teller.Deposit{ID: "b", Seq: 2, Coin: teller.ETH, Value: amount(t, "123456789012345678901999999999"), Height: 5,
				Status: teller.StatusWaitingDeposit}),
			row(teller.Deposit{ID: "c", Seq: 3, Coin: teller.SKY, Value: amount(t, "1"), Height: 6, Status: teller.StatusDone,
				Error: teller.ErrSendAmountZero}),
			row(teller.Deposit{ID: "d", Seq: 4, Coin: teller.BTC, Value: amount(t, "600"), Height: 7, Status: teller.StatusWaitingDecide,
				Hold: &teller.Hold{Reason: teller.HoldBeforeBinding, Detail: "mined at 7, bound at 9", Since: now.Add(-time.Minute)}}),
			row(teller.Deposit{ID: "e", Seq: 5, Coin: teller.BTC, Value: amount(t, "700"), Height: 8, Status: teller.StatusWaitingDeposit, Orphaned: true}),
		},
		totals: teller.Totals{
			Sent:     102_943_000,
			Received: map[teller.Coin]teller.Amount{teller.BTC: amount(t, "153420000"), teller.ETH: amount(t, "20000000000000000001")},
			Bought:   3_000_007, Spent: map[teller.Coin]teller.Amount{teller.BTC: amount(t, "600000")}, Kept: 7,
		},
		gone: []teller.Withdrawal{{TxID: "w", Height: teller.UnknownHeight, SeenAt: now, Outputs: []teller.SkyOutput{{Address: skyAddr, Coins: 1_500_000}}}},
		unbound: []teller.UnboundPayment{{
			Seq: 3, Coin: teller.BTC, Transfer: teller.Transfer{Address: "free", TxID: "txu", N: 2, Value: amount(t, "4200")},
			BlockRef: teller.BlockRef{Height: 77, Hash: "h"}, SeenAt: now,
		}},
		trail: []teller.AuditEntry{
			{Seq: 1, Time: now, Event: "recorded", DepositID: "txa:11", To: teller.StatusWaitingDeposit},
			{Seq: 2, Time: now, Event: "credit", DepositID: "txa:11", From: teller.StatusWaitingDeposit, To: teller.StatusWaitingDecide},
		},
		backup: func(w io.Writer) error { _, err := io.WriteString(w, "the whole store"); return err },
	}
}

// buyLedger adds deposits that are bought for: one whose second order is placed, and one of ETH that was refunded.
func buyLedger(t *testing.T) func(*ledger) {
	return func(l *ledger) {
		bought := teller.Deposit{
			ID: "txf:0", Version: 4, Seq: 6, Coin: teller.BTC, Address: "toBTC", SkyAddress: skyAddr, BuyMethod: teller.BuyPassthrough, Value: amount(t, "1000000"),
			TxID: "txf", Height: 9, Rate: teller.MustRate("500"), Status: teller.StatusWaitingPassthroughOrderComplete, UpdatedAt: now,
			Bought: 3_000_007, Spent: amount(t, "600000"), Attempts: 2,
			Hold: &teller.Hold{Reason: teller.HoldOrderFailed, Detail: "cancelled", Since: now},
		}
		refunded := bought
		refunded.ID, refunded.TxID, refunded.Seq, refunded.Coin, refunded.Value = "txg:0", "txg", 7, teller.ETH, amount(t, "2000000000000000003")
		refunded.Status, refunded.Bought, refunded.Spent, refunded.Attempts, refunded.Hold = teller.StatusDone, 0, amount(t, "1500000007"), 1, nil
		refunded.RefundTxID, refunded.Error = "0xback", "refunded by 0xback: too small"
		order := func(d *teller.Deposit, requested string, r teller.OrderReport) teller.Order {
			o := teller.Order{DepositID: d.ID, Attempt: d.Attempts, Exchange: "c2cx", Coin: d.Coin, Requested: amount(t, requested), OrderReport: r}
			o.ClientID, o.Seq, o.State = teller.OrderClientID(d.ID, d.Attempts), d.Seq-3, teller.OrderPlaced
			o.CreatedAt, o.UpdatedAt = now.Add(-time.Hour), now
			if r.Final {
				o.State = teller.OrderFinal
			}
			return o
		}
		l.rows = append(l.rows, bought, refunded)
		l.orders = []teller.Order{
			order(&bought, "600000", teller.OrderReport{OrderID: "4711", Status: "active", Completed: "1.002", Price: "0.00199", Original: `{"orderId":4711,"x":"<&>"}`}),
			order(&refunded, "2000000000000000000", teller.OrderReport{Status: "refused", Final: true}),
		}
	}
}

// doubtLedger has besides an order with a worst price, which the exchange does not show.
func doubtLedger(t *testing.T) func(*ledger) {
	return func(l *ledger) {
		buyLedger(t)(l)
		d := l.rows[len(l.rows)-2]
		d.ID, d.TxID, d.Seq, d.Attempts, d.Bought, d.Spent = "txh:0", "txh", 8, 1, 0, teller.Amount{}
		d.Status, d.Hold = teller.StatusWaitingPassthrough, &teller.Hold{Reason: teller.HoldOrderUnknown, Detail: "not shown", Since: now}
		l.rows = append(l.rows, d)
		l.orders = append(l.orders, teller.Order{
			ClientID: teller.OrderClientID(d.ID, 1), DepositID: d.ID, Attempt: 1, Seq: 5, Exchange: "binance", Coin: teller.BTC,
			Requested: amount(t, "1000000"), Least: teller.MustRate("475"), State: teller.OrderPlacing, Doubted: true, CreatedAt: now, UpdatedAt: now,
		})
	}
}

type adminCase struct {
	name  string
	store func(*ledger)
	req   request
}

func adminCases(t *testing.T) []adminCase {
	get := func(target string) request { return request{method: "GET", target: target} }
	post := func(target, body string) request {
		return request{method: "POST", target: target, body: body, header: asJSON}
	}
	return []adminCase{
		{"deposit addresses", nil, get("/api/deposit-addresses")},
		{"deposits", nil, get("/api/deposits")},
		{"deposits waiting_send", nil, get("/api/deposits?status=waiting_send")},
		{"deposits waiting_deposit", nil, get("/api/deposits?status=waiting_deposit")},
		{"deposits limit", nil, get("/api/deposits?limit=1&after=2")},
		{"deposits bought for", buyLedger(t), get("/api/deposits?after=5")},
		{"deposits bought for held", buyLedger(t), get("/api/holds?after=4")},
		{"deposits without their order", func(l *ledger) { buyLedger(t)(l); l.orders = nil }, get("/api/deposits")},
		{"release bought for", buyLedger(t), post("/api/holds/release", `{"deposit_id":"txf:0","version":4,"reason":"looked it up"}`)},
		{"release without its order", func(l *ledger) { buyLedger(t)(l); l.orders = nil }, post("/api/holds/release", `{"deposit_id":"txf:0","version":4,"reason":"looked it up"}`)},
		{"deposits none", nil, get("/api/deposits?status=waiting_confirm")},
		{"deposits bad status", nil, get("/api/deposits?status=sent")},
		{"deposits bad limit", nil, get("/api/deposits?limit=0")},
		{"deposits bad after", nil, get("/api/deposits?after=-1")},
		{"deposits post", nil, post("/api/deposits", "{}")},
		{"errored", nil, get("/api/deposits/errored")},
		{"accounting", nil, get("/api/accounting")},
		{"accounting nothing", func(l *ledger) { l.totals = teller.Totals{} }, get("/api/accounting")},
		{"backup", nil, get("/api/backup")},
		{"backup post", nil, post("/api/backup", "{}")},
		{"backup unavailable", func(l *ledger) {
			l.backup = func(io.Writer) error { return teller.Errorf(teller.CodeUnavailable, "%w", errDisk) }
		}, get("/api/backup")},
		{"holds", nil, get("/api/holds")},
		{"holds post", nil, post("/api/holds", "{}")},
		{"settle", nil, post("/api/withdrawals/settle", `{"txid":"w","reason":"moved to cold storage"}`)},
		{"settle unknown", nil, post("/api/withdrawals/settle", `{"txid":"x","reason":"y"}`)},
		{"settle missing txid", nil, post("/api/withdrawals/settle", `{"reason":"y"}`)},
		{"settle missing reason", nil, post("/api/withdrawals/settle", `{"txid":"w"}`)},
		{"release", nil, post("/api/holds/release", `{"deposit_id":"txd:0","version":3,"reason":"looked it up"}`)},
		{"release missing version", nil, post("/api/holds/release", `{"deposit_id":"txd:0","reason":"looked it up"}`)},
		{"release changed", nil, post("/api/holds/release", `{"deposit_id":"txd:0","version":2,"reason":"looked it up"}`)},
		{"release get", nil, get("/api/holds/release")},
		{"release form", nil, request{method: "POST", target: "/api/holds/release", body: "deposit_id=txd:0"}},
		{"release missing id", nil, post("/api/holds/release", `{"reason":"looked it up"}`)},
		{"release missing reason", nil, post("/api/holds/release", `{"deposit_id":"txd:0","version":3,"reason":" "}`)},
		{"release unknown", nil, post("/api/holds/release", `{"deposit_id":"x:0","version":1,"reason":"y"}`)},
		{"release not held", nil, post("/api/holds/release", `{"deposit_id":"txa:11","version":3,"reason":"y"}`)},
		{"close", nil, post("/api/holds/close", `{"deposit_id":"txd:0","reason":"paid back by hand"}`)},
		{"close done", nil, post("/api/holds/close", `{"deposit_id":"txc:0","reason":"y"}`)},
		{"close conflict", func(l *ledger) { l.err = teller.Errorf(teller.CodeConflict, "deposit txd:0 changed meanwhile") },
			post("/api/holds/close", `{"deposit_id":"txd:0","reason":"y"}`)},
		{"paid", nil, post("/api/holds/paid", `{"deposit_id":"txd:0","txid":" AB12 ","reason":"paid by hand"}`)},
		{"paid missing txid", nil, post("/api/holds/paid", `{"deposit_id":"txd:0","reason":"paid by hand"}`)},
		{"paid missing reason", nil, post("/api/holds/paid", `{"deposit_id":"txd:0","txid":"ab12"}`)},
		{"paid unknown", nil, post("/api/holds/paid", `{"deposit_id":"x:0","txid":"ab12","reason":"y"}`)},
		{"paid done", nil, post("/api/holds/paid", `{"deposit_id":"txc:0","txid":"ab12","reason":"y"}`)},
		{"orders", doubtLedger(t), get("/api/orders")},
		{"orders none", nil, get("/api/orders")},
		{"orders limit", doubtLedger(t), get("/api/orders?after=3&limit=1")},
		{"orders pending", doubtLedger(t), get("/api/orders?status=pending")},
		{"orders of a deposit", doubtLedger(t), get("/api/orders?deposit_id=txf:0")},
		{"orders of a deposit pending", doubtLedger(t), get("/api/orders?deposit_id=txg:0&status=pending")},
		{"orders of a deposit none", doubtLedger(t), get("/api/orders?deposit_id=txa:11")},
		{"orders of nobody", nil, get("/api/orders?deposit_id=x:0")},
		{"orders bad status", nil, get("/api/orders?status=placed")},
		{"orders bad limit", nil, get("/api/orders?limit=0")},
		{"orders post", nil, post("/api/orders", "{}")},
		{"retry", buyLedger(t), post("/api/orders/retry", `{"deposit_id":"txf:0","reason":"there are sellers again"}`)},
		{"retry missing reason", buyLedger(t), post("/api/orders/retry", `{"deposit_id":"txf:0"}`)},
		{"retry get", nil, get("/api/orders/retry")},
		{"pay instead", buyLedger(t), post("/api/orders/pay-instead", `{"deposit_id":"txf:0","reason":"as promised"}`)},
		{"pay instead missing id", nil, post("/api/orders/pay-instead", `{"reason":"as promised"}`)},
		{"pay instead direct", nil, post("/api/orders/pay-instead", `{"deposit_id":"txa:11","reason":"as promised"}`)},
		{"pay instead conflict", func(l *ledger) {
			l.err = teller.Errorf(teller.CodeConflict, "deposit txf:0 changed meanwhile: look at it again")
		},
			post("/api/orders/pay-instead", `{"deposit_id":"txf:0","reason":"as promised"}`)},
		{"refund", buyLedger(t), post("/api/orders/refund", `{"deposit_id":"txf:0","txid":" ab12 ","reason":"the buyer asked"}`)},
		{"refund missing txid", buyLedger(t), post("/api/orders/refund", `{"deposit_id":"txf:0","reason":"the buyer asked"}`)},
		{"refund twice", buyLedger(t), post("/api/orders/refund", `{"deposit_id":"txg:0","txid":"ab12","reason":"the buyer asked"}`)},
		{"end order", doubtLedger(t), post("/api/orders/end", `{"client_id":" `+teller.OrderClientID("txh:0", 1)+` ","reason":"looked there"}`)},
		{"end order shown", doubtLedger(t), post("/api/orders/end", `{"client_id":"`+teller.OrderClientID("txf:0", 2)+`","reason":"looked there"}`)},
		{"end order unknown", nil, post("/api/orders/end", `{"client_id":"t-x-1","reason":"looked there"}`)},
		{"end order missing id", nil, post("/api/orders/end", `{"reason":"looked there"}`)},
		{"end order missing reason", nil, post("/api/orders/end", `{"client_id":"t-x-1"}`)},
		{"exchange none", nil, get("/api/exchange")},
		{"withdrawals", nil, get("/api/withdrawals")},
		{"withdrawals none", func(l *ledger) { l.gone = nil }, get("/api/withdrawals")},
		{"unbound", nil, get("/api/unbound-payments")},
		{"unbound none", func(l *ledger) { l.unbound = nil }, get("/api/unbound-payments")},
		{"reload", nil, post("/api/addresses/reload", "{}")},
		{"reload get", nil, get("/api/addresses/reload")},
		{"rescans none", nil, get("/api/rescans")},
		{"rescans", func(l *ledger) {
			l.rescan = &teller.Rescan{Coin: teller.BTC, From: 5, To: 9, Next: 10, Found: 2, StartedAt: now}
		},
			get("/api/rescans")},
		{"rescan", nil, post("/api/rescans", `{"coin_type":"BTC","from":0,"reason":"a buyer asks"}`)},
		{"rescan without height", nil, post("/api/rescans", `{"coin_type":"BTC"}`)},
		{"rescan negative height", nil, post("/api/rescans", `{"coin_type":"BTC","from":-1}`)},
		{"rescan unknown coin", nil, post("/api/rescans", `{"coin_type":"DOGE","from":1}`)},
		{"rescan coin not scanned", nil, post("/api/rescans", `{"coin_type":"ETH","from":1}`)},
		{"rescan delete", nil, request{method: "DELETE", target: "/api/rescans"}},
		{"audit", nil, get("/api/audit")},
		{"audit page", nil, get("/api/audit?after=1&limit=5")},
		{"unknown path", nil, get("/api/bind")},
	}
}

func TestAdminAnswers(t *testing.T) {
	for _, tt := range adminCases(t) {
		t.Run(tt.name, func(t *testing.T) {
			l := operatorLedger(t)
			if tt.store != nil {
				tt.store(l)
			}
			w := tt.req.do(httpapi.NewAdmin(adminOptions(l, nil)))
			wantSecured(t, w)
			if w.Code < 500 { // a fault's answer has a random id in it
				golden(t, "admin "+tt.name, w)
			} else if !strings.Contains(w.Body.String(), "(request ") || w.Header().Get("Content-Disposition") != "" {
				t.Errorf("answer %d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

func TestActsAreSigned(t *testing.T) {
	for path, tt := range map[string]struct{ body, want string }{
		"/api/holds/close":        {`{"deposit_id":" txd:0 ","reason":" paid back "}`, "close txd:0"},
		"/api/orders/retry":       {`{"deposit_id":" txf:0 ","reason":" paid back "}`, "retry txf:0"},
		"/api/orders/pay-instead": {`{"deposit_id":" txf:0 ","reason":" paid back "}`, "pay instead txf:0"},
		"/api/orders/refund":      {`{"deposit_id":" txf:0 ","txid":"ab","reason":" paid back "}`, "refund by ab txf:0"},
		"/api/orders/end": {`{"client_id":"` + teller.OrderClientID("txh:0", 1) + `","reason":" paid back "}`,
			"end " + teller.OrderClientID("txh:0", 1)},
	} {
		l := operatorLedger(t)
		doubtLedger(t)(l)
		h := httpapi.NewAdmin(adminOptions(l, func(o *httpapi.AdminOptions) { o.Token = adminToken }))
		r, w := newRequest("POST", path, "127.0.0.1:5000")
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		r.Body = io.NopCloser(strings.NewReader(tt.body))
		r.SetBasicAuth("alice", adminToken)
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || len(l.acts) != 1 || l.acts[0] != tt.want+" by alice@127.0.0.1: paid back" {
			t.Errorf("%s: answer %d %s, acts %q", path, w.Code, w.Body, l.acts)
		}
	}
}

// What can not be seen at the exchange is said beside what can.
func TestExchangeIsShown(t *testing.T) {
	balance := amount(t, "150000000")
	h := httpapi.NewAdmin(adminOptions(operatorLedger(t), func(o *httpapi.AdminOptions) {
		o.Exchange = func(context.Context) (httpapi.ExchangeState, error) {
			return httpapi.ExchangeState{
				Name: "binance", Buying: true, Error: "buying on binance: does not answer",
				Markets: []httpapi.ExchangeMarket{
					{Coin: teller.BTC, Symbol: "SKYBTC", Minimum: amount(t, "10000"), Balance: &balance, Open: 3, Strays: []httpapi.ExchangeStray{{
						ClientID: "by-hand", Why: "the ledger does not know it",
						OrderReport: teller.OrderReport{OrderID: "77", Status: "NEW", Bought: 1_000_001, Spent: amount(t, "2000")},
					}}},
					{Coin: teller.ETH, Symbol: "SKYETH", Errors: []string{"balance: no answer"}},
				},
			}, nil
		}
	}))
	golden(t, "admin exchange", request{method: "GET", target: "/api/exchange"}.do(h))
}

func TestAdminHead(t *testing.T) {
	h := httpapi.NewAdmin(adminOptions(operatorLedger(t), nil))
	for _, target := range []string{"/api/deposits", "/api/deposit-addresses", "/api/accounting", "/api/backup", "/api/audit", "/api/holds", "/api/withdrawals",
		"/api/unbound-payments", "/api/rescans", "/api/orders"} {
		w := request{method: "HEAD", target: target}.do(h)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" {
			t.Errorf("HEAD %s: %d %v", target, w.Code, w.Header())
		}
	}
}

func TestHostIsChecked(t *testing.T) {
	tests := []struct {
		configured, host string
		ok               bool
	}{
		{"127.0.0.1:7711", "127.0.0.1:7711", true},
		{"127.0.0.1:7711", "localhost:7711", true},
		{"127.0.0.1:7711", "LocalHost.", true},
		{"127.0.0.1:7711", "127.1.2.3", true},
		{"127.0.0.1:7711", "[::1]:7711", true},
		{"127.0.0.1:7711", "[::ffff:127.0.0.1]:80", true},
		{"127.0.0.1:7711", "evil.example:7711", false},
		{"127.0.0.1:7711", "127.0.0.1.evil.example", false},
		{"127.0.0.1:7711", "localhost.evil.example", false},
		{"127.0.0.1:7711", "192.0.2.7:7711", false},
		{"127.0.0.1:7711", "127.1", false},
		{"127.0.0.1:7711", " ", false},
		{"192.0.2.7:7711", "192.0.2.7", true},
		{"192.0.2.7:7711", "192.0.2.8", false},
		{"Teller.example:7711", "teller.EXAMPLE:443", true},
		{"0.0.0.0:7711", "192.0.2.7:7711", true},
		{":7711", "[2001:db8::1]:7711", true},
		{"[::]:7711", "192.0.2.7:7711", true},
		{"0.0.0.0:7711", "evil.example:7711", false},
		{":7711", ":7711", false},
	}
	for _, tt := range tests {
		admin := httpapi.NewAdmin(adminOptions(operatorLedger(t), func(o *httpapi.AdminOptions) { o.Host = tt.configured }))
		dummy := httpapi.NewDummy(dummyOptions(func(o *httpapi.DummyOptions) { o.Host = tt.configured }))
		for path, h := range map[string]http.Handler{"/api/accounting": admin, "/dummy/sender/broadcasts": dummy} {
			w := request{method: "GET", target: path, host: tt.host}.do(h)
			refused := w.Code == http.StatusForbidden && w.Body.String() == "Invalid host\n"
			if (w.Code == http.StatusOK) != tt.ok || refused == tt.ok {
				t.Errorf("listening on %q, Host %q, %s: %d %s", tt.configured, tt.host, path, w.Code, w.Body)
			}
		}
	}
}

func TestTokenIsChecked(t *testing.T) {
	h := httpapi.NewAdmin(adminOptions(operatorLedger(t), func(o *httpapi.AdminOptions) { o.Token = adminToken }))
	basic := func(password string) string {
		r, _ := newRequest("GET", "/", "")
		r.SetBasicAuth("anybody", password)
		return r.Header.Get("Authorization")
	}
	for header, ok := range map[string]bool{
		"":                           false,
		"Bearer":                     false,
		"Bearer " + adminToken + "x": false,
		"Bearer " + adminToken[1:]:   false,
		adminToken:                   false,
		"Digest " + adminToken:       false,
		basic(""):                    false,
		basic("wrong"):               false,
		"Bearer " + adminToken:       true,
		"bearer " + adminToken:       true,
		basic(adminToken):            true,
	} {
		w := request{method: "GET", target: "/api/accounting", header: map[string]string{"Authorization": header}}.do(h)
		if (w.Code == http.StatusOK) != ok {
			t.Errorf("Authorization %q: %d", header, w.Code)
		}
		if !ok {
			golden(t, "admin unauthorized", w)
		}
	}
	w := request{method: "GET", target: "/api/accounting", host: "evil.example", header: map[string]string{"Authorization": "Bearer " + adminToken}}.do(h)
	if w.Code != http.StatusForbidden {
		t.Errorf("a token opens a strange host: %d", w.Code)
	}
}

func TestOtherSitesCannotAct(t *testing.T) {
	body := `{"deposit_id":"txd:0","version":3,"reason":"y"}`
	for name, tt := range map[string]struct {
		header map[string]string
		want   int
	}{
		"fetch metadata": {map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403},
		"origin":         {map[string]string{"Content-Type": "application/json", "Origin": "https://evil.example"}, 403},
		"same origin":    {map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}, 200},
	} {
		l := operatorLedger(t)
		w := request{"POST", "/api/holds/release", body, tt.header, ""}.do(httpapi.NewAdmin(adminOptions(l, nil)))
		if w.Code != tt.want || (len(l.acts) == 1) != (tt.want == 200) {
			t.Errorf("%s: %d %s, acts %q", name, w.Code, w.Body, l.acts)
		}
	}
}
