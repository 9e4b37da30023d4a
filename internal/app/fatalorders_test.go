package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// An order that the exchange cancels, reports as an error, or lets expire has ended for good; one that it suspends has not.
// With and without a part that was bought, and under both policies, the deposit ends as the policy says, and the admin
// interface tells an operator what has become of it.
func TestFatalOrderStatuses(t *testing.T) {
	for _, end := range []struct {
		fate   c2cxsim.FaultKind
		status string // in the exchange's words
	}{
		{c2cxsim.EndCancelled, "cancelled"}, // 5
		{c2cxsim.EndError, "error"},         // 6
		{c2cxsim.EndExpired, "expired"},     // 11
	} {
		for _, part := range []int{0, 40} { // parts of a hundred that are bought before
			f := &fatal{fate: end.fate, status: end.status, part: part}
			t.Run(fmt.Sprintf("%s after %d percent, hold", end.status, part), f.hold)
			t.Run(fmt.Sprintf("%s after %d percent, retry", end.status, part), f.retry)
			t.Run(fmt.Sprintf("%s after %d percent, retry in vain", end.status, part), f.inVain)
		}
	}
	for _, part := range []int{0, 40} {
		for _, policy := range []string{config.FailureHold, config.FailureRetry} {
			t.Run(fmt.Sprintf("suspended after %d percent, %s", part, policy), func(t *testing.T) { suspended(t, part, policy) })
		}
	}
}

// fatal is a way in which an order ends before it has bought all.
type fatal struct {
	fate   c2cxsim.FaultKind
	status string
	part   int
}

// Of 0.1 BTC, an order spends 40 percent for 20.060300 SKY; all of it buys 50.150753 SKY: see DummyBook.
const (
	wholeBTC  = "10000000"
	partSpent = 4_000_000
	partSKY   = 20_060_300
)

// bought is what one failed order has bought, and spent.
func (f *fatal) bought() (sky, spent uint64) {
	if f.part == 0 {
		return 0, 0
	}
	return partSKY, partSpent
}

// hold: an operator is asked at once. Nothing is bought or sent for the deposit meanwhile, and others go on.
func (f *fatal) hold(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, nil))
	b := buyers(t, 2)
	d.fate(f.fate, f.part)
	d.buy(b[0], wholeBTC)
	p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldOrderFailed) })
	sky, spent := f.bought()
	f.tells(d, p, 1, sky, spent)

	d.buy(b[1], "2000000") // the buyer has gone round when this one is paid
	if got := d.delivered(b[1]); got != "10.030000" {
		t.Errorf("the other buyer got %s", got)
	}
	if n := len(d.simulated().Orders); n != 2 || d.statuses(b[0]) != p.Status {
		t.Errorf("there are %d orders, and the deposit that is held is %s", n, d.statuses(b[0]))
	}
	d.post("/api/orders/retry", map[string]string{"deposit_id": p.DepositID, "reason": "once more"})
	if got := d.delivered(b[0]); got != "50.150000" {
		t.Errorf("after the operator's decision the buyer got %s", got)
	}
}

// retry: what was not spent is spent by another order, without anybody's help.
func (f *fatal) retry(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, func(e *config.ExchangeClient) { e.OnFailure, e.MaxAttempts = config.FailureRetry, 3 }))
	buyer := buyers(t, 1)[0]
	d.fate(f.fate, f.part)
	d.buy(buyer, wholeBTC)
	if got := d.delivered(buyer); got != "50.150000" {
		t.Errorf("the buyer got %s", got)
	}
	p := d.purchases()[0]
	_, spent := f.bought()
	first, second := "failed ", fmt.Sprintf("filled %d", 10_000_000-spent)
	if spent > 0 {
		first += fmt.Sprint(spent)
	}
	d.bookIs(p.DepositID, first, second)
	if p.Hold != nil || p.Error != "" || p.Passthrough.Attempts != 2 || p.Passthrough.SkyBought/1000*1000 != p.SkySent {
		t.Errorf("the deposit is shown as %+v", p)
	}
	if orders := d.simulated().Orders; len(orders) != 2 || orders[0].Status.String() != f.status || orders[1].Status != c2cxsim.Completed {
		t.Errorf("the exchange has %+v", orders)
	}
}

// inVain: after the last attempt an operator is asked, who is told what all of them have come to.
func (f *fatal) inVain(t *testing.T) {
	d := openDesk(t, passthroughConfig(t, func(e *config.ExchangeClient) { e.OnFailure, e.MaxAttempts = config.FailureRetry, 2 }))
	d.fate(f.fate, f.part)
	d.fate(f.fate, 0)
	d.buy(buyers(t, 1)[0], wholeBTC)
	p := d.only("it is held", func(p purchase) bool { return p.heldFor(teller.HoldOrderFailed) })
	sky, spent := f.bought()
	f.tells(d, p, 2, sky, spent)
}

// tells checks the words that an operator reads about a deposit that is held after some orders.
func (f *fatal) tells(d *desk, p purchase, attempts int, sky, spent uint64) {
	d.t.Helper()
	through := p.Passthrough
	if through.SkyBought != sky || through.DepositValueSpent != spent || through.Attempts != attempts || through.Order.Status != f.status ||
		!through.Order.Final || through.Order.CustomerID != teller.OrderClientID(p.DepositID, attempts) || through.Order.OrderID == "" {
		d.t.Errorf("the deposit is shown as %+v", p)
	}
	if p.Owed != 0 || p.SkySent != 0 || p.Error != "" || p.Status != string(teller.StatusWaitingPassthroughOrderComplete) {
		d.t.Errorf("the deposit is decided about: %+v", p)
	}
	left := teller.NewAmount(10_000_000 - spent).Format(teller.BTC)
	for _, words := range []string{
		teller.OrderClientID(p.DepositID, attempts), "c2cx", fmt.Sprintf("%q", f.status),
		fmt.Sprintf("after %d orders %s SKY are bought for it", attempts, teller.Droplets(sky)), left + " of 0.10000000 BTC are not spent",
	} {
		if !strings.Contains(p.Hold.Detail, words) {
			d.t.Errorf("the hold says %q, and not %q", p.Hold.Detail, words)
		}
	}
	var holds struct {
		Deposits []struct {
			DepositID string `json:"deposit_id"`
			Hold      struct{ Reason, Detail string }
		}
	}
	d.get(d.admin+"/api/holds", &holds)
	if len(holds.Deposits) != 1 || holds.Deposits[0].DepositID != p.DepositID || holds.Deposits[0].Hold.Detail != p.Hold.Detail {
		d.t.Errorf("the list of holds is %+v", holds)
	}
	d.says("buying on c2cx: an order ended before it had bought all that it should")
}

// suspended: the order may still buy, so it is waited for whatever the policy, and nobody can decide about the deposit
// behind its back.
func suspended(t *testing.T, part int, policy string) {
	d := openDesk(t, passthroughConfig(t, func(e *config.ExchangeClient) { e.OnFailure, e.MaxAttempts = policy, 3 }))
	b := buyers(t, 2)
	d.steer("faults", fmt.Sprintf(`{"kind":"hold_suspend","part":%d,"shown":1000000}`, part))
	d.buy(b[0], wholeBTC)
	p := d.only("it is suspended", func(p purchase) bool { return p.Passthrough.Order.Status == "suspended" })
	f := &fatal{part: part}
	sky, spent := f.bought()
	if through := p.Passthrough; through.SkyBought != sky || through.DepositValueSpent != spent || through.Order.Final || through.Attempts != 1 ||
		p.Status != string(teller.StatusWaitingPassthroughOrderComplete) || p.Hold != nil || p.Owed != 0 {
		t.Errorf("the deposit is shown as %+v", p)
	}
	body := map[string]string{"deposit_id": p.DepositID, "reason": "impatient"}
	for _, act := range []string{"/api/orders/pay-instead", "/api/holds/close"} {
		if status, text := d.try(act, body); status != http.StatusForbidden || !strings.Contains(text, "may still buy") {
			t.Errorf("%s: %d %s", act, status, text)
		}
	}
	d.buy(b[1], "2000000")
	if got := d.delivered(b[1]); got != "10.030000" {
		t.Errorf("the other buyer got %s", got)
	}
	if n := len(d.simulated().Orders); n != 2 || d.statuses(b[0]) != p.Status {
		t.Errorf("there are %d orders, and the deposit that waits is %s", n, d.statuses(b[0]))
	}
	d.steer("orders/"+p.Passthrough.Order.CustomerID+"/resume", "{}")
	if got := d.delivered(b[0]); got != "50.150000" {
		t.Errorf("the buyer got %s", got)
	}
	if p := d.purchases()[0]; p.Passthrough.Attempts != 1 || p.Passthrough.Order.Status != "completed" || p.Passthrough.DepositValueSpent != 10_000_000 {
		t.Errorf("in the end the deposit is shown as %+v", p)
	}
}
