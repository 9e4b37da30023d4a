package app

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

// An older backup is put back, which knows nothing of two orders: one whose purchase is paid since, as the journal tells, and
// one that may still buy. Neither is placed again, each buyer is paid once, and the audit says which order the ledger's sums
// will lack for good.
func TestOldBackupForgetsOrders(t *testing.T) {
	c := passthroughConfig(t, nil)
	d := openDesk(t, c)
	b := buyers(t, 3)
	d.buy(b[0], "2000000")
	if got := d.delivered(b[0]); got != "10.030000" {
		t.Fatalf("the first buyer got %s", got)
	}
	second, third := d.bind(b[1], teller.BTC), d.bind(b[2], teller.BTC)
	backup := download(t, d.admin+"/api/backup")
	d.deposit(teller.BTC, second, "2000000")
	if got := d.delivered(b[1]); got != "10.030000" {
		t.Fatalf("the second buyer got %s", got)
	}
	d.steer("faults", `{"kind":"hold_suspend","part":40,"shown":1000000}`)
	d.deposit(teller.BTC, third, "2000000")
	d.waitFor(60*time.Second, b[2], string(teller.StatusWaitingPassthroughOrderComplete))
	orders := d.simulated().Orders
	if len(orders) != 3 {
		t.Fatalf("the exchange has %+v", orders)
	}
	paid := make(map[string]int)
	count := func() {
		for _, tx := range d.broadcasts() { // since the start
			for _, o := range tx.Outputs {
				paid[o.Address]++
			}
		}
	}
	count()

	d.stop()
	if err := os.WriteFile(c.DBPath(), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	d = openDesk(t, c)
	d.waitFor(60*time.Second, b[1], string(teller.StatusDone))
	d.waitFor(60*time.Second, b[2], string(teller.StatusWaitingPassthroughOrderComplete))
	d.within(60*time.Second, "the order that may still buy is taken over", func() bool {
		p := d.purchases()[2]
		return p.Passthrough.Order.CustomerID == orders[2].CID && p.Passthrough.Order.OrderID == fmt.Sprint(orders[2].ID) && p.Passthrough.SkyBought > 0
	})
	report := d.audit("")
	if kinds(report) != "unknown_order" || len(report.Findings) != 1 || !report.Complete() ||
		!strings.Contains(report.Findings[0].Found, orders[1].CID) || !strings.Contains(report.Findings[0].Did, "the deposit is done") {
		t.Errorf("the order of what is paid already is told as %+v", report)
	}
	d.steer("orders/"+orders[2].CID+"/resume", "{}")
	if got := d.delivered(b[2]); got != "10.030000" {
		t.Errorf("the third buyer got %s", got)
	}
	if n := len(d.simulated().Orders); n != 3 {
		t.Errorf("in the end there are %d orders, want 3", n)
	}
	count()
	for _, buyer := range b {
		if paid[buyer] != 1 {
			t.Errorf("%s was paid %d times", buyer, paid[buyer])
		}
	}
	if p := d.purchases(); p[1].Passthrough.Attempts != 0 || p[2].Passthrough.Attempts != 1 {
		t.Errorf("the deposits are shown as %+v", p)
	}
	if report := d.audit(""); kinds(report) != "unknown_order" || len(report.Findings) != 1 {
		t.Errorf("in the end the audit tells %+v", report.Findings)
	}
}
