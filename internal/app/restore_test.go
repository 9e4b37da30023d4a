package app

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
)

// An older backup is put back while payouts went on: one is confirmed since, one is on its way, and the node knows nothing of
// the latter. Nothing is paid twice, nobody has to decide anything, and the audit log says what was found.
func TestOldBackup(t *testing.T) {
	btcd := btcdtest.Start(t, btcdtest.Options{})
	chain := skynodetest.Start(t, skynodetest.Options{})
	btcd.Generate(110)
	c := nodeConfig(t, btcd, chain, depositAddresses(t, 5, &chaincfg.RegressionNetParams))
	d := openDesk(t, c)
	b := buyers(t, 4)
	pay := func(buyer, address, until string) {
		btcd.Pay(btcdtest.Output{Address: address, Value: 2_000_000}) // 10 SKY
		btcd.Generate(2)
		d.waitFor(60*time.Second, buyer, until)
	}
	mined := func(buyer string) {
		d.within(60*time.Second, "the payout of "+buyer+" is mined", func() bool {
			chain.Mine()
			return d.statuses(buyer) == "done"
		})
	}
	first, second := d.bind(b[0], teller.BTC), d.bind(b[1], teller.BTC)
	d.within(30*time.Second, "the scanner is at the tip", func() bool {
		cursor, err := d.app.store.Cursor(t.Context(), teller.BTC)
		return err == nil && cursor.Height == btcd.Height()
	})
	pay(b[0], first, "waiting_confirm")
	mined(b[0])
	backup := download(t, d.admin+"/api/backup")
	third, fourth := d.bind(b[2], teller.BTC), d.bind(b[3], teller.BTC)
	pay(b[1], second, "waiting_confirm")
	mined(b[1])
	chain.FailInject(skynodetest.FailBefore) // the next one is nowhere but in the journal
	pay(b[2], third, "waiting_confirm")

	d.stop()
	if err := os.WriteFile(c.DBPath(), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	chain.FailInject(skynodetest.FailOff)
	d = openDesk(t, c)
	d.waitFor(60*time.Second, b[1], "done")
	d.waitFor(60*time.Second, b[2], "waiting_confirm")
	pay(b[3], fourth, "waiting_confirm")
	mined(b[2])
	mined(b[3])
	for _, buyer := range b {
		if got := chain.Balance(buyer); got != 10*teller.DropletsPerSKY {
			t.Errorf("%s holds %s SKY, want 10", buyer, got)
		}
	}
	for _, row := range d.deposits() {
		if row.Hold != nil {
			t.Errorf("held: %+v", row)
		}
	}
	if log := string(download(t, d.admin+"/api/audit")); !strings.Contains(log, "restored: the database is older than its journal") {
		t.Errorf("the audit log does not tell: %s", log)
	}
	if report := d.audit(""); len(report.Findings) > 0 {
		t.Errorf("the audit finds %+v", report.Findings)
	}
}

func download(t *testing.T, from string) []byte {
	t.Helper()
	resp, err := http.Get(from)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", from, resp.Status, err)
	}
	return content
}
