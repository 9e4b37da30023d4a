package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// passthroughConfig buys on the simulated exchange, in dummy mode.
func passthroughConfig(t testing.TB, change func(*config.ExchangeClient)) config.Config {
	t.Helper()
	c := testConfig(t)
	c.SkyExchanger.BuyMethod = teller.BuyPassthrough
	e := &c.SkyExchanger.ExchangeClient
	e.CheckOrderWait, e.RequestFailureWait, e.RatelimitWait = 100*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	if change != nil {
		change(e)
	}
	return c
}

// steer does something to the simulated exchange.
func (d *desk) steer(path, body string) {
	d.t.Helper()
	resp, err := http.Post(d.control+"/dummy/exchange/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	d.read(resp, nil)
}

// fate says what the next order on the exchange comes to.
func (d *desk) fate(kind c2cxsim.FaultKind, part int) {
	d.t.Helper()
	d.steer("faults", fmt.Sprintf(`{"kind":%q,"part":%d}`, kind, part))
}

// simulated is what the simulated exchange says of itself, after it was found to be in order.
func (d *desk) simulated() (state struct {
	Orders   []c2cxsim.Order
	Accounts []c2cxsim.Account
	Book     []c2cxsim.Ask
}) {
	d.t.Helper()
	var check struct{ Wrong []string }
	d.get(d.control+"/dummy/exchange/check", &check)
	if len(check.Wrong) > 0 {
		d.t.Errorf("the simulated exchange is not in order: %q", check.Wrong)
	}
	d.get(d.control+"/dummy/exchange/state", &state)
	return state
}

// purchase is a deposit as the admin interface shows it, with what was bought for it.
type purchase struct {
	DepositID   string `json:"deposit_id"`
	Status      string `json:"status"`
	BuyMethod   string `json:"buy_method"`
	Owed        uint64 `json:"owed"`
	SkySent     uint64 `json:"sky_sent"`
	Error       string `json:"error"`
	RefundTxID  string `json:"refund_txid"`
	Passthrough struct {
		ExchangeName      string `json:"exchange_name"`
		SkyBought         uint64 `json:"sky_bought"`
		DepositValueSpent uint64 `json:"deposit_value_spent"`
		Attempts          int    `json:"attempts"`
		Order             struct {
			CustomerID string `json:"customer_id"`
			OrderID    string `json:"order_id"`
			Status     string `json:"status"`
			Final      bool   `json:"final"`
		} `json:"order"`
	} `json:"passthrough"`
	Hold *struct{ Reason, Detail string }
}

func (d *desk) purchases() []purchase {
	d.t.Helper()
	var answer struct{ Deposits []purchase }
	d.get(d.admin+"/api/deposits", &answer)
	return answer.Deposits
}

// only waits until the one deposit is as wanted.
func (d *desk) only(what string, ok func(purchase) bool) (p purchase) {
	d.t.Helper()
	d.within(60*time.Second, what, func() bool {
		ps := d.purchases()
		if len(ps) == 1 {
			p = ps[0]
		}
		return len(ps) == 1 && ok(p)
	})
	return p
}

func (p purchase) heldFor(reason teller.HoldReason) bool {
	return p.Hold != nil && p.Hold.Reason == string(reason)
}

// buy binds an address for a buyer and pays to it.
func (d *desk) buy(buyer string, satoshi string) {
	d.t.Helper()
	d.deposit(teller.BTC, d.bind(buyer, teller.BTC), satoshi)
}

// delivered confirms what is sent, and returns what the buyer got.
func (d *desk) delivered(buyer string) (coins string) {
	d.t.Helper()
	d.within(60*time.Second, buyer+" is paid", func() bool {
		d.confirm()
		return d.statuses(buyer) == "done"
	})
	for _, b := range d.broadcasts() {
		for _, o := range b.Outputs {
			if o.Address == buyer {
				coins += o.Coins
			}
		}
	}
	return coins
}

func (d *desk) processorError() string {
	d.t.Helper()
	var answer struct {
		Exchange struct {
			ProcessorError string `json:"processor_error"`
		}
	}
	d.get(d.public+"/api/health", &answer)
	return answer.Exchange.ProcessorError
}

// says waits until health says something about buying.
func (d *desk) says(words string) {
	d.t.Helper()
	d.within(60*time.Second, "health says "+words, func() bool { return strings.Contains(d.processorError(), words) })
}

// post acts on the admin interface and reads the deposit that it answers with.
func (d *desk) post(path string, body any) (p purchase) {
	d.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.Post(d.admin+path, "application/json", bytes.NewReader(content))
	if err != nil {
		d.t.Fatal(err)
	}
	d.read(resp, &p)
	return p
}

// At the simulation's best price of 502.5 SKY for one BTC, less its fee of 0.2 %: 0.1 BTC buy 50.150753, of which three
// decimals are sent.
func TestPassthroughBuysAndSendsWhatWasBought(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	buyer := buyers(t, 1)[0]
	d.buy(buyer, "10000000")
	if got := d.delivered(buyer); got != "50.150000" {
		t.Errorf("the buyer got %s", got)
	}
	p := d.only("it is done", func(p purchase) bool { return p.Status == "done" })
	o := p.Passthrough
	if p.BuyMethod != "passthrough" || o.ExchangeName != "c2cx" || o.SkyBought != 50_150_753 || p.SkySent != 50_150_000 || o.Attempts != 1 || !o.Order.Final ||
		o.Order.CustomerID != teller.OrderClientID(p.DepositID, 1) {
		t.Errorf("the deposit is shown as %+v", p)
	}
	var books struct {
		Sent, Bought, Kept string
		Spent              map[string]string
	}
	d.get(d.admin+"/api/accounting", &books)
	if books.Sent != "50.150000" || books.Bought != "50.150753" || books.Kept != "0.000753" || books.Spent["BTC"] != "0.10000000" {
		t.Errorf("accounts %+v", books)
	}
	if sim := d.simulated(); len(sim.Orders) != 1 || sim.Orders[0].Status != c2cxsim.Completed {
		t.Errorf("the exchange has %+v", sim.Orders)
	}
	if text := d.processorError(); text != "" {
		t.Errorf("health says %q", text)
	}
	resp, err := http.Get(d.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	metrics, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"teller_bought_sky 50.150753", "teller_kept_sky 0.000753", `teller_spent_coins{coin="BTC"} 0.1`, `teller_orders_pending{state="placed"} 0`, `teller_part_up{part="buyer"} 1`,
	} {
		if !strings.Contains(string(metrics), line+"\n") {
			t.Errorf("metrics have no %s", line)
		}
	}
}

// Coins that the exchange does not trade are sold from the wallet, at the counter's rate.
func TestPassthroughSellsOtherCoinsDirectly(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	buyer := buyers(t, 1)[0]
	d.deposit(teller.ETH, d.bind(buyer, teller.ETH), "100000000000000000")
	if got := d.delivered(buyer); got != "5.000000" {
		t.Errorf("the buyer got %s", got)
	}
	if p := d.purchases()[0]; p.BuyMethod != "direct" || len(d.simulated().Orders) != 0 {
		t.Errorf("%+v", p)
	}
}

// An order that ends after a part, in each way, is retried or held, as the operator wants it; nothing is bought or sent twice.
func TestPassthroughPartlyFilled(t *testing.T) {
	for _, kind := range []c2cxsim.FaultKind{c2cxsim.EndCancelled, c2cxsim.EndError, c2cxsim.EndExpired} {
		t.Run(string(kind)+" hold", func(t *testing.T) {
			d := openDesk(t, passthroughConfig(t, nil))
			buyer := buyers(t, 1)[0]
			d.fate(kind, 40)
			d.buy(buyer, "10000000")
			p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldOrderFailed) })
			if o := p.Passthrough; o.SkyBought != 20_060_300 || o.DepositValueSpent != 4_000_000 || !o.Order.Final || p.Owed != 0 {
				t.Errorf("the deposit is shown as %+v", p)
			}
			if !strings.Contains(p.Hold.Detail, "20.060300 SKY are bought") || !strings.Contains(p.Hold.Detail, "0.06000000 of 0.10000000 BTC are not spent") {
				t.Errorf("the hold says %q", p.Hold.Detail)
			}
			d.says("buying on c2cx: an order ended before it had bought all that it should")
			if d.post("/api/orders/retry", map[string]string{"deposit_id": p.DepositID, "reason": "again"}); d.delivered(buyer) != "50.150000" {
				t.Errorf("the buyer got something else: %+v", d.broadcasts())
			}
			d.bookIs(p.DepositID, "failed 4000000", "filled 6000000")
			d.within(60*time.Second, "health is well", func() bool { return d.processorError() == "" })
		})
		t.Run(string(kind)+" retry", func(t *testing.T) {
			d := openDesk(t, passthroughConfig(t, func(e *config.ExchangeClient) { e.OnFailure, e.MaxAttempts = config.FailureRetry, 2 }))
			buyer := buyers(t, 1)[0]
			d.fate(kind, 40)
			d.buy(buyer, "10000000")
			if got := d.delivered(buyer); got != "50.150000" {
				t.Errorf("the buyer got %s", got)
			}
			d.bookIs(d.purchases()[0].DepositID, "failed 4000000", "filled 6000000")
		})
	}
}

// bookIs checks a deposit's orders: how each ended and what it spent, here and at the exchange.
func (d *desk) bookIs(depositID string, want ...string) {
	d.t.Helper()
	var answer struct {
		Orders []struct {
			ClientID  string `json:"client_id"`
			Attempt   int    `json:"attempt"`
			State     string `json:"state"`
			Filled    bool   `json:"filled"`
			Spent     string `json:"spent"`
			SkyBought uint64 `json:"sky_bought"`
		}
	}
	d.get(d.admin+"/api/orders?deposit_id="+depositID, &answer)
	var got []string
	for i, o := range answer.Orders {
		how := "failed"
		if o.Filled {
			how = "filled"
		}
		got = append(got, how+" "+strings.TrimLeft(strings.Replace(o.Spent, ".", "", 1), "0"))
		if o.Attempt != i+1 || o.State != "final" || o.ClientID != teller.OrderClientID(depositID, i+1) {
			d.t.Errorf("order %d is %+v", i+1, o)
		}
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		d.t.Errorf("the orders are %q, want %q", got, want)
	}
	if n := len(d.simulated().Orders); n != len(want) {
		d.t.Errorf("the exchange has %d orders, want %d", n, len(want))
	}
}

// After all attempts an operator is asked.
func TestPassthroughGivesUpAfterSomeAttempts(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, func(e *config.ExchangeClient) { e.OnFailure, e.MaxAttempts = config.FailureRetry, 2 }))
	d.fate(c2cxsim.EndExpired, 10)
	d.fate(c2cxsim.EndError, 0)
	d.buy(buyers(t, 1)[0], "10000000")
	p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldOrderFailed) })
	if p.Passthrough.Attempts != 2 || !strings.Contains(p.Hold.Detail, "after 2 orders") {
		t.Errorf("%+v", p)
	}
	d.bookIs(p.DepositID, "failed 1000000", "failed ")
}

// What an operator can do about a purchase that has failed: the wallet pays the rest at the deposit's rate, or the rest was
// given back, or all of it was, or the deposit is closed.
func TestPassthroughOperatorActs(t *testing.T) {
	for name, tt := range map[string]struct {
		part         int // of the order that is filled
		path         string
		txid         string
		want         string // what the buyer gets
		wantError    string
		bought, kept string
	}{
		// 20.060300 SKY bought, and 0.06 BTC at 500: 50.0603.
		"pay instead":                     {40, "/api/orders/pay-instead", "", "50.060000", "", "20.060300", "0.000000"},
		"pay instead, nothing bought":     {0, "/api/orders/pay-instead", "", "50.000000", "", "0.000000", "0.000000"},
		"refund of the rest":              {40, "/api/orders/refund", "ab12", "20.060000", "", "20.060300", "0.000300"},
		"refund of all":                   {0, "/api/orders/refund", "ab12", "", "refunded by ab12: because", "0.000000", "0.000000"},
		"closed, what was bought is kept": {40, "/api/holds/close", "", "", "because", "20.060300", "20.060300"},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t, passthroughConfig(t, nil))
			buyer := buyers(t, 1)[0]
			d.fate(c2cxsim.EndCancelled, tt.part)
			d.buy(buyer, "10000000")
			p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldOrderFailed) })
			d.act(tt.path, map[string]string{"deposit_id": p.DepositID, "txid": tt.txid, "reason": "because"})
			if got := d.delivered(buyer); got != tt.want {
				t.Errorf("the buyer got %q, want %q", got, tt.want)
			}
			p = d.only("it is done", func(p purchase) bool { return p.Status == "done" })
			if p.Error != tt.wantError || p.RefundTxID != tt.txid || p.Hold != nil {
				t.Errorf("%+v", p)
			}
			var books struct{ Bought, Kept string }
			d.get(d.admin+"/api/accounting", &books)
			if books.Bought != tt.bought || books.Kept != tt.kept {
				t.Errorf("accounts %+v, want %s bought and %s kept", books, tt.bought, tt.kept)
			}
			if n := len(d.simulated().Orders); n != 1 {
				t.Errorf("%d orders", n)
			}
			var log struct {
				Audit []struct{ Actor, Event, Detail string }
			}
			d.get(d.admin+"/api/audit", &log)
			signed := false
			for _, e := range log.Audit {
				signed = signed || (strings.Contains(e.Actor, "127.0.0.1") && strings.HasPrefix(e.Detail, "because"))
			}
			if !signed {
				t.Errorf("nobody has done it: %+v", log.Audit)
			}
		})
	}
}

// While an order may buy, nothing is decided behind its back.
func TestPassthroughRefusesActsWhileAnOrderMayBuy(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	buyer := buyers(t, 1)[0]
	d.steer("faults", `{"kind":"hold_pending","shown":100000}`)
	d.buy(buyer, "10000000")
	p := d.only("it is placed", func(p purchase) bool { return p.Status == string(teller.StatusWaitingPassthroughOrderComplete) })
	body := map[string]string{"deposit_id": p.DepositID, "client_id": p.Passthrough.Order.CustomerID, "txid": "ab", "reason": "because"}
	for _, path := range []string{"/api/orders/pay-instead", "/api/orders/refund", "/api/orders/end", "/api/holds/close"} {
		if status, text := d.try(path, body); status != http.StatusForbidden || !strings.Contains(text, "cancel it there") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if status, text := d.try("/api/orders/retry", body); status != http.StatusForbidden || !strings.Contains(text, "not held") {
		t.Errorf("retry: %d %s", status, text)
	}
	var pending struct{ Orders []struct{ State string } }
	d.get(d.admin+"/api/orders?status=pending", &pending)
	if len(pending.Orders) != 1 || pending.Orders[0].State != "placed" {
		t.Errorf("pending are %+v", pending)
	}
	d.steer("orders/"+p.Passthrough.Order.CustomerID+"/resume", "{}")
	if got := d.delivered(buyer); got != "50.150000" {
		t.Errorf("the buyer got %s", got)
	}
}

// Nobody sells at the worst price accepted: health says so, and the deposit is held, or tried again until somebody does.
func TestPassthroughThinBook(t *testing.T) {
	const dear = `{"asks":[{"price":"0.004","quantity":"100000"}]}` // 250 SKY for one BTC, and 475 are wanted
	const fair = `{"asks":[{"price":"0.002","quantity":"100000"}]}`
	guarded := func(t *testing.T, retry bool) config.Config {
		return passthroughConfig(t, func(e *config.ExchangeClient) {
			e.MaxSlippage, e.CheckOrderWait = "0.05", 20*time.Millisecond
			if retry {
				e.OnFailure, e.MaxAttempts = config.FailureRetry, 1000
			}
		})
	}
	t.Run("hold", func(t *testing.T) {
		d := openDesk(t, guarded(t, false))
		d.steer("book", dear)
		buyer := buyers(t, 1)[0]
		d.buy(buyer, "10000000")
		p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldOrderFailed) })
		if !strings.Contains(p.Hold.Detail, "the order book is too thin") || p.Passthrough.SkyBought != 0 {
			t.Errorf("%+v", p)
		}
		d.says("buying on c2cx: the order book is too thin")
		d.steer("book", fair)
		d.post("/api/orders/retry", map[string]string{"deposit_id": p.DepositID, "reason": "there are sellers"})
		if got := d.delivered(buyer); got != "49.775000" {
			t.Errorf("the buyer got %s", got)
		}
		d.within(60*time.Second, "health is well", func() bool { return d.processorError() == "" })
	})
	t.Run("retry", func(t *testing.T) {
		d := openDesk(t, guarded(t, true))
		d.steer("book", dear)
		buyer := buyers(t, 1)[0]
		d.buy(buyer, "10000000")
		d.says("the order book is too thin")
		d.only("it is tried again", func(p purchase) bool { return p.Passthrough.Attempts > 1 && p.Hold == nil })
		d.steer("book", fair)
		if got := d.delivered(buyer); got != "49.775000" {
			t.Errorf("the buyer got %s", got)
		}
	})
}

// An account that is short of coins pauses what it does not cover, says so, and drains when it is topped up.
func TestPassthroughShortAccount(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	b := buyers(t, 2)
	d.steer("deposit", `{"key":"dummy","coin":"btc","amount":"-999.95"}`) // 0.05 BTC are left
	d.buy(b[0], "10000000")
	d.says("short of BTC")
	d.buy(b[1], "2000000") // is covered
	if got := d.delivered(b[1]); got != "10.030000" {
		t.Errorf("the small one got %s", got)
	}
	if p := d.purchases()[0]; p.Hold != nil || p.Passthrough.SkyBought != 0 {
		t.Errorf("the large one is %+v", p)
	}
	var look struct {
		Name    string
		Error   string
		Markets []struct {
			CoinType, Balance, Minimum string
			Errors                     []string
		}
	}
	d.get(d.admin+"/api/exchange", &look)
	if look.Name != "c2cx" || len(look.Markets) != 1 || look.Markets[0].Balance != "0.03000000" || look.Markets[0].Minimum != "0.00500000" ||
		len(look.Markets[0].Errors) != 0 || !strings.Contains(look.Error, "short of BTC") {
		t.Errorf("the exchange is shown as %+v", look)
	}
	d.steer("deposit", `{"key":"dummy","coin":"btc","amount":"10"}`)
	if got := d.delivered(b[0]); got != "50.150000" {
		t.Errorf("the large one got %s", got)
	}
	d.within(60*time.Second, "health is well", func() bool { return d.processorError() == "" })
}

// What is too small for an order is answered at once, and the wallet can pay it.
func TestPassthroughBelowMinimum(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	buyer := buyers(t, 1)[0]
	d.buy(buyer, "499999") // the minimum is 0.005
	p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldBelowMinimum) })
	if p.Passthrough.Attempts != 0 || len(d.simulated().Orders) != 0 || !strings.Contains(p.Hold.Detail, "0.00500000 BTC") {
		t.Errorf("%+v", p)
	}
	d.post("/api/orders/retry", map[string]string{"deposit_id": p.DepositID, "reason": "perhaps"})
	p = d.only("it is held again", func(p purchase) bool { return p.heldFor(teller.HoldBelowMinimum) })
	d.post("/api/orders/pay-instead", map[string]string{"deposit_id": p.DepositID, "reason": "it is a small one"})
	if got := d.delivered(buyer); got != "2.499000" {
		t.Errorf("the buyer got %s", got)
	}
}

// The exchange is away: health says so, deposits wait, and nothing is bought twice when it is back, although it had accepted
// the order whose answer was lost.
func TestPassthroughExchangeAway(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	buyer := buyers(t, 1)[0]
	d.steer("faults", `{"kind":"lose_reply","endpoint":"createorder"}`)
	d.steer("faults", `{"kind":"error_500","endpoint":"getorderbystatus","times":4}`)
	d.buy(buyer, "10000000")
	d.says("buying on c2cx: does not answer")
	if got := d.delivered(buyer); got != "50.150000" {
		t.Errorf("the buyer got %s", got)
	}
	if n := len(d.simulated().Orders); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// With sending switched off nothing is bought, deposits wait, and an order that was placed before is followed to its end.
func TestPassthroughWhileSendingIsOff(t *testing.T) {
	c := passthroughConfig(t, nil)
	d := openDesk(t, c)
	b := buyers(t, 2)
	d.steer("faults", `{"kind":"hold_pending","shown":100000}`)
	d.buy(b[0], "10000000")
	placed := d.only("it is placed", func(p purchase) bool { return p.Status == string(teller.StatusWaitingPassthroughOrderComplete) })
	d.stop()

	c.SkyExchanger.SendEnabled = false
	d = openDesk(t, c)
	d.buy(b[1], "2000000")
	d.waitFor(60*time.Second, b[1], string(teller.StatusWaitingDecide))
	d.steer("orders/"+placed.Passthrough.Order.CustomerID+"/resume", "{}")
	d.within(60*time.Second, "the order is noted as final", func() bool { return d.purchases()[0].Passthrough.Order.Final })
	var look struct{ Buying bool }
	if d.get(d.admin+"/api/exchange", &look); look.Buying {
		t.Error("the exchange is shown as in use")
	}
	if ps := d.purchases(); ps[0].Status != string(teller.StatusWaitingPassthroughOrderComplete) || ps[1].Passthrough.Attempts != 0 || len(d.simulated().Orders) != 1 {
		t.Errorf("%+v", ps)
	}
	d.stop()

	c.SkyExchanger.SendEnabled = true
	d = openDesk(t, c)
	if first, second := d.delivered(b[0]), d.delivered(b[1]); first != "50.150000" || second != "10.030000" {
		t.Errorf("the buyers got %s and %s", first, second)
	}
}

// Orders that somebody else makes with the account are shown, and those of the ledger are not.
func TestPassthroughShowsStrangeOrders(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	d.steer("faults", `{"kind":"hold_pending","shown":100000,"times":2}`)
	d.buy(buyers(t, 1)[0], "10000000")
	p := d.only("it is placed", func(p purchase) bool { return p.Status == string(teller.StatusWaitingPassthroughOrderComplete) })
	if _, err := d.app.exchange.Place(t.Context(), teller.OrderRequest{ClientID: "by-hand", Coin: teller.BTC, Spend: teller.NewAmount(1_000_000)}); err != nil {
		t.Fatal(err)
	}
	var look struct {
		Markets []struct {
			Open    int `json:"open_orders"`
			Unknown []struct {
				ClientID string `json:"client_id"`
				Why      string
			} `json:"unknown_orders"`
		}
	}
	d.get(d.admin+"/api/exchange", &look)
	if m := look.Markets[0]; m.Open != 2 || len(m.Unknown) != 1 || m.Unknown[0].ClientID != "by-hand" {
		t.Errorf("%+v beside %s", look, p.Passthrough.Order.CustomerID)
	}
}

// Without an exchange there is nothing to look at, and addresses that were bound for one wait for it.
func TestPassthroughSwitchedOffLater(t *testing.T) {
	c := passthroughConfig(t, nil)
	d := openDesk(t, c)
	buyer := buyers(t, 1)[0]
	address := d.bind(buyer, teller.BTC)
	d.stop()
	c.SkyExchanger.BuyMethod = teller.BuyDirect
	d = openDesk(t, c)
	d.deposit(teller.BTC, address, "10000000")
	p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldUnpayable) })
	if resp, err := http.Get(d.admin + "/api/exchange"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("%v %v", resp, err)
	}
	d.stop()
	c.SkyExchanger.BuyMethod = teller.BuyPassthrough
	d = openDesk(t, c)
	d.post("/api/orders/retry", map[string]string{"deposit_id": p.DepositID, "reason": "there is an exchange again"})
	if got := d.delivered(buyer); got != "50.150000" {
		t.Errorf("the buyer got %s", got)
	}
}

// An exchange that is given up shows nothing any more: an operator's word ends what may have been placed there, or was.
func TestPassthroughExchangeGivenUp(t *testing.T) {
	for name, fault := range map[string]string{
		"asked":  `{"kind":"error_500","endpoint":"createorder","times":-1}`,
		"placed": `{"kind":"hold_pending","shown":100000}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := passthroughConfig(t, func(e *config.ExchangeClient) { e.RequestFailureWait = 20 * time.Second })
			d := openDesk(t, c)
			buyer := buyers(t, 1)[0]
			d.steer("faults", fault)
			d.buy(buyer, "10000000")
			p := d.only("it may have been placed", func(p purchase) bool {
				return p.Passthrough.Attempts == 1 && (d.processorError() != "" || p.Status == string(teller.StatusWaitingPassthroughOrderComplete))
			})
			d.stop()
			c.SkyExchanger.BuyMethod = teller.BuyDirect
			d = openDesk(t, c)
			d.act("/api/orders/end", map[string]string{"client_id": p.Passthrough.Order.CustomerID, "reason": "they have closed"})
			d.act("/api/orders/pay-instead", map[string]string{"deposit_id": p.DepositID, "reason": "they have closed"})
			if got := d.delivered(buyer); got != "50.000000" {
				t.Errorf("the buyer got %s", got)
			}
		})
	}
}

// An operator says that an order is not there, and has the wallet pay. When it comes to light after all, it is shown as one
// that nobody follows.
func TestPassthroughOrderThatWasEnded(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, func(e *config.ExchangeClient) {
		e.RequestTimeout, e.RequestFailureWait = time.Second, 2*time.Second
		e.OnFailure, e.MaxAttempts = config.FailureRetry, 3 // which the operator's word goes before
	}))
	buyer := buyers(t, 1)[0]
	d.steer("book", `{"asks":[]}`) // so that it waits
	d.steer("faults", `{"kind":"late","endpoint":"createorder","delay_ms":12000}`)
	d.buy(buyer, "10000000")
	p := d.only("it may have been placed", func(p purchase) bool { return p.Passthrough.Attempts == 1 && d.processorError() != "" })
	end := map[string]string{"client_id": p.Passthrough.Order.CustomerID, "reason": "looked there"}
	d.act("/api/orders/end", end)
	d.only("it is held before it is ended", func(p purchase) bool { return p.heldFor(teller.HoldOrderUnknown) && !p.Passthrough.Order.Final })
	d.only("it is looked for, ended, and held", func(p purchase) bool {
		_, _ = d.try("/api/orders/end", end)
		return p.heldFor(teller.HoldOrderFailed)
	})
	if n := len(d.simulated().Orders); n != 0 {
		t.Fatalf("the exchange has %d orders already", n)
	}
	d.post("/api/orders/pay-instead", map[string]string{"deposit_id": p.DepositID, "reason": "they promise that it is not there"})
	if got := d.delivered(buyer); got != "50.000000" {
		t.Errorf("the buyer got %s", got)
	}
	d.within(30*time.Second, "it comes to light", func() bool { return len(d.simulated().Orders) == 1 })
	var look struct {
		Markets []struct {
			Unknown []struct {
				ClientID string `json:"client_id"`
				Why      string
			} `json:"unknown_orders"`
			Errors []string
		}
	}
	d.get(d.admin+"/api/exchange", &look)
	if m := look.Markets[0]; len(m.Errors) != 0 || len(m.Unknown) != 1 || m.Unknown[0].ClientID != p.Passthrough.Order.CustomerID ||
		!strings.Contains(m.Unknown[0].Why, "the ledger has it as ended: not there, an operator says") {
		t.Errorf("%+v", look)
	}
}
