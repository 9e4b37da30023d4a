package audit

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller"
)

// Every kind of difference between the ledger and the exchange once, in the words that the operator reads.
func TestOrderFindings(t *testing.T) {
	const paidID = "t1:0"
	surprise := teller.OrderReport{OrderID: "990", Status: "completed", Final: true, Filled: true, Bought: 4_000_000, Spent: teller.NewAmount(800_000)}
	live := teller.OrderReport{OrderID: "991", Status: "partial", Bought: 10, Spent: teller.NewAmount(2)}
	var told strings.Builder
	for _, c := range []struct {
		name  string
		spoil func(*trade)
		kind  string // "" = there is no difference
	}{
		{"everything agrees", func(*trade) {}, ""},
		{"an order has bought more than the ledger says", func(w *trade) {
			w.told(paidID, 2, func(r *teller.OrderReport) { r.Bought += 5 })
		}, kindOrder},
		{"an order has spent less than the ledger says", func(w *trade) {
			w.told(paidID, 1, func(r *teller.OrderReport) { r.Spent = teller.NewAmount(399_999) })
		}, kindOrder},
		{"an order has ended otherwise", func(w *trade) {
			w.told(paidID, 2, func(r *teller.OrderReport) { r.Status, r.Filled = "expired", false })
		}, kindOrder},
		{"an order is in other words", func(w *trade) {
			w.told(paidID, 2, func(r *teller.OrderReport) { r.Status, r.Price, r.Original = "Completed", "1.0", "{}" })
		}, ""},
		{"an order may still buy there", func(w *trade) {
			w.told(paidID, 2, func(r *teller.OrderReport) { r.Status, r.Final, r.Filled = "active", false, false })
		}, kindOrder},
		{"a final order is gone", func(w *trade) { delete(w.exchange.orders, teller.OrderClientID(paidID, 1)) }, kindOrder},
		{"a pending order is gone", func(w *trade) { delete(w.exchange.orders, teller.OrderClientID(buyingID, 1)) }, kindOrder},
		{"a pending order has bought more, and goes on", func(w *trade) {
			w.told(buyingID, 1, func(r *teller.OrderReport) { r.Bought, r.Spent = 2_000_000, teller.NewAmount(400_000) })
		}, ""},
		{"a pending order has ended there", func(w *trade) {
			w.told(buyingID, 1, func(r *teller.OrderReport) { r.Status, r.Final = "cancelled", true })
		}, ""},
		{"a pending order has bought less there", func(w *trade) {
			w.told(buyingID, 1, func(r *teller.OrderReport) { r.Bought = 900_000 })
		}, kindOrder},
		{"an order that was not accepted is not there", func(w *trade) {
			w.order(buyingID, teller.OrderFinal, teller.OrderReport{Status: "limit value", Final: true})
		}, ""},
		{"an order that was not accepted is there", func(w *trade) {
			o := w.order(buyingID, teller.OrderFinal, teller.OrderReport{Status: "not there, an operator says", Final: true})
			w.exchange.orders[o.ClientID] = live
		}, kindOrder},
		{"an order that may have been placed is not there", func(w *trade) {
			w.order(buyingID, teller.OrderPlacing, teller.OrderReport{})
		}, ""},
		{"an order is placed there that was not noted yet", func(w *trade) {
			o := w.order(buyingID, teller.OrderPlacing, teller.OrderReport{})
			w.exchange.orders[o.ClientID] = live
		}, ""},
		{"an order is on another exchange", func(w *trade) {
			w.order(paidID, teller.OrderFinal, surprise).Exchange = "market"
		}, ""},
		{"a paid deposit has an order that was forgotten", func(w *trade) {
			w.exchange.orders[teller.OrderClientID(paidID, 4)] = surprise
		}, kindUnknownOrder},
		{"a paid deposit has an order that was forgotten and may still buy", func(w *trade) {
			w.exchange.orders[teller.OrderClientID(paidID, 3)] = live
		}, kindUnknownOrder},
		{"a paid deposit has an order so late that nobody looks for it", func(w *trade) {
			w.exchange.orders[teller.OrderClientID(paidID, 6)] = surprise
		}, ""},
		{"a deposit that was never ordered for has an order", func(w *trade) {
			w.ledger.deposits = append(w.ledger.deposits, teller.Deposit{
				ID: "t8:0", Seq: 3, Coin: teller.BTC, BuyMethod: teller.BuyPassthrough, Status: teller.StatusWaitingDecide})
			w.exchange.orders[teller.OrderClientID("t8:0", 1)] = surprise
		}, kindUnknownOrder},
		{"a deposit that is held has an order", func(w *trade) {
			w.ledger.deposits = append(w.ledger.deposits, teller.Deposit{
				ID: "t8:0", Seq: 3, Coin: teller.BTC, BuyMethod: teller.BuyPassthrough, Status: teller.StatusWaitingDecide,
				Hold: &teller.Hold{Reason: teller.HoldRebuilt}})
			w.exchange.orders[teller.OrderClientID("t8:0", 2)] = live
		}, kindUnknownOrder},
		{"a deposit that is paid directly is not asked about", func(w *trade) {
			w.ledger.deposits = append(w.ledger.deposits, teller.Deposit{ID: "t8:0", Seq: 3, Coin: teller.BTC, Status: teller.StatusWaitingDecide})
			w.exchange.orders[teller.OrderClientID("t8:0", 1)] = surprise
		}, ""},
		{"an order of nobody may still buy", func(w *trade) { w.exchange.orders[teller.OrderClientID("t9:0", 1)] = live }, kindUnknownOrder},
		{"an order of somebody else may still buy", func(w *trade) { w.exchange.orders["my-own-order"] = live }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTrade()
			c.spoil(w)
			report, err := w.auditor().Run(context.Background(), nil)
			if err != nil || !report.Complete() {
				t.Fatalf("%v, %+v", err, report.Checks)
			}
			got := ""
			if len(report.Findings) > 0 {
				got = report.Findings[0].Kind
			}
			if got != c.kind || len(report.Findings) > 1 {
				t.Errorf("found %+v, want %q", report.Findings, c.kind)
			}
			fmt.Fprintf(&told, "# %s\n", c.name)
			for _, check := range report.Checks {
				if check.Part == "exchange" || check.Part == "orders" || check.Part == "purchases" {
					fmt.Fprintf(&told, "[%s] %s\n", check.Part, check.Told)
				}
			}
			for _, f := range report.Findings {
				fmt.Fprintf(&told, "%s: %s\nIt means: %s\nDone: %s\nTo do: %s\n", f.Kind, f.Found, f.Means, f.Did, f.Do)
			}
			told.WriteByte('\n')
		})
	}
	const golden = "testdata/orderfindings.golden.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(told.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if told.String() != string(want) {
		t.Errorf("the words changed; run the test with -update and read what they are now:\n%s", told.String())
	}
}

// skipped are the parts of an audit that could not be compared, with what was told of them.
func skipped(report teller.AuditReport) string {
	var parts []string
	for _, c := range report.Checks {
		if c.Skipped {
			parts = append(parts, c.Part+": "+c.Told)
		}
	}
	return strings.Join(parts, "; ")
}

// An exchange that does not answer keeps orders from being compared and nothing else, and the first payout does not wait
// for it.
func TestOrdersThatCanNotBeCompared(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*trade)
		want  string // what is told of it, "" = all was compared
		asks  bool   // whether the audit has the exchange
	}{
		{"the exchange is down", func(w *trade) { w.exchange.market = errDown }, "exchange: not compared: the node is down", true},
		{"the exchange goes down", func(w *trade) { w.exchange.errs = []error{nil, errDown, errDown, errDown} }, "orders: not all could be compared, 2 calls failed", true},
		{"one call fails", func(w *trade) { w.exchange.errs = []error{nil, errDown} }, "orders: not all could be compared, 1 calls failed; the last one said: the node is down", true},
		{"the keys are refused", func(w *trade) {
			w.exchange.errs = []error{nil, teller.Errorf(teller.CodeNotAuthenticated, "no such key")}
		}, "exchange: not compared: no such key", true},
		{"a pending order is on another exchange", func(w *trade) { w.ledger.orders[2].Exchange = "market" }, "orders: 1 orders that may still buy", true},
		{"no exchange is configured", func(*trade) {}, "exchange: not compared: the ledger has orders on an exchange, and none is configured", false},
		{"no exchange is configured, and something is still being bought", func(w *trade) { w.ledger.totals.Bought = 0 }, "exchange: not compared", false},
		{"no exchange is configured, and there never was one", func(w *trade) { w.ledger.totals, w.ledger.orders = teller.Totals{}, nil }, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTrade()
			c.spoil(w)
			a := w.auditor()
			if !c.asks {
				a.Exchange = nil
			}
			report, err := a.Run(context.Background(), nil)
			got := skipped(report)
			if err != nil || len(report.Findings) > 0 || (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("%v, skipped %q, want %q; found %+v", err, got, c.want, report.Findings)
			}
			if err := a.Gate(context.Background()); err != nil {
				t.Errorf("the first payout waits: %v", err)
			}
		})
	}
	w := newTrade()
	a := w.auditor()
	a.Node, a.Chains, a.Exchange = nil, nil, nil
	if report, err := a.Run(context.Background(), nil); err != nil || !report.Complete() {
		t.Errorf("without the world: %v, %+v", err, report)
	}
}

// The exchange is asked again once it has been left alone, for as long as somebody waits for the answer.
func TestOrdersAreComparedWithinTheLimit(t *testing.T) {
	limited := teller.Errorf(teller.CodeRateLimited, "too many requests")
	synctest.Test(t, func(t *testing.T) {
		w := newTrade()
		w.exchange.errs = []error{limited, limited, nil, limited}
		a := w.auditor()
		a.RatelimitWait = time.Minute
		begun := time.Now()
		report, err := a.Run(context.Background(), nil)
		if err != nil || !report.Complete() || len(report.Findings) > 0 {
			t.Errorf("%v, %+v", err, report)
		}
		if waited := time.Since(begun); waited != 3*time.Minute {
			t.Errorf("it waited for %s, want 3 minutes", waited)
		}

		w.exchange.errs = slices.Repeat([]error{limited}, 20)
		report, err = a.Run(context.Background(), nil)
		if got := skipped(report); err != nil || !strings.Contains(got, "too many requests") {
			t.Errorf("%v, skipped %q", err, got)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
		defer cancel()
		w.exchange.errs = slices.Repeat([]error{limited}, 20)
		if report, err := a.Run(ctx, nil); err == nil {
			t.Errorf("an audit that was ended reports %+v", report)
		}
	})
}

// Old orders are asked about only when all of a coin are to be; those of deposits that wait for something always are.
func TestOrdersThatAreAskedAbout(t *testing.T) {
	w := newTrade()
	w.ledger.deposits[0].Seq, w.ledger.deposits[1].Seq = 1, 2 // the second is being bought for
	for i := range lastPurchases {
		w.ledger.deposits = append(w.ledger.deposits, teller.Deposit{
			ID: fmt.Sprint("n", i, ":0"), Seq: uint64(i + 3), Coin: teller.BTC, BuyMethod: teller.BuyPassthrough, Status: teller.StatusDone})
	}
	a := w.auditor()
	asked := func(from map[teller.Coin]int64) (old, waiting, newest, all int) {
		w.exchange.finds = nil
		if report, err := a.Run(context.Background(), from); err != nil || !report.Complete() || len(report.Findings) > 0 {
			t.Fatalf("%v, %+v", err, report)
		}
		for _, id := range w.exchange.finds {
			switch id {
			case teller.OrderClientID("t1:0", 1):
				old++
			case teller.OrderClientID(buyingID, 1), teller.OrderClientID(buyingID, 4):
				waiting++
			case teller.OrderClientID("n0:0", 1), teller.OrderClientID("n0:0", 3):
				newest++
			}
		}
		return old, waiting, newest, len(w.exchange.finds)
	}
	if old, waiting, newest, all := asked(nil); old != 0 || waiting != 2 || newest != 2 || all != 4+3*lastPurchases {
		t.Errorf("asked about old ones %d times, waiting ones %d times, new ones %d times, in all %d times", old, waiting, newest, all)
	}
	if old, waiting, newest, all := asked(map[teller.Coin]int64{teller.BTC: 99}); old != 1 || waiting != 2 || newest != 2 || all != 5+4+3*lastPurchases {
		t.Errorf("of all orders: asked about old ones %d times, waiting ones %d times, new ones %d times, in all %d times", old, waiting, newest, all)
	}
}

func TestIsOurs(t *testing.T) {
	for id, want := range map[string]bool{
		teller.OrderClientID("t1:0", 1): true, teller.OrderClientID("", 1234): true,
		"t-1": false, "t-abc-1": false, "": false, teller.OrderClientID("t1:0", 1) + "x": false,
	} {
		if isOurs(id) != want {
			t.Errorf("%q is ours: %t", id, !want)
		}
	}
}
