package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

func TestMetrics(t *testing.T) {
	d := openDesk(t, testConfig(t))
	b := buyers(t, 1)[0]
	d.deposit(teller.BTC, d.bind(b, teller.BTC), "2000000")
	d.waitFor(20*time.Second, b, "waiting_confirm")
	resp, err := http.Get(d.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`teller_scan_height{coin="BTC"} 2`,
		`teller_scan_tip_height{coin="BTC"} 2`,
		`teller_scan_blocks_total{coin="BTC"} 3`,
		`teller_scan_eta_seconds{coin="BTC"} 0`,
		`teller_scan_watched_addresses{coin="BTC"} 1000`,
		`teller_pool_remaining_addresses{coin="BTC"} 999`,
		`teller_bindings{coin="BTC"} 1`,
		`teller_deposits{status="waiting_confirm"} 1`,
		`teller_deposits_held 0`,
		`teller_part_up{part="skycoin"} 1`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}
