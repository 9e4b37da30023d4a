package app

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
)

const originalDir = "../store/bolt/testdata/original"

// expected is what the original said about its database.
type expected struct {
	Deposits   []any
	Accounting any
	Status     map[string][]map[string]any
}

// originalConfig is dummy mode on a copy of a database that the original wrote.
func originalConfig(t *testing.T) (config.Config, expected) {
	t.Helper()
	c := testConfig(t)
	db, err := os.ReadFile(filepath.Join(originalDir, "teller.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.DBPath(), db, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(originalDir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	return c, want
}

// answer asks a listener's handler before anything runs.
func (d *desk) answer(listener, path string) any {
	d.t.Helper()
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("GET", path, nil)
	req.Host = "127.0.0.1"
	d.app.handler(listener).ServeHTTP(rec, req)
	var v any
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		d.t.Fatalf("%s: %v in %s", path, err, rec.Body)
	}
	return v
}

// missing returns the first place where got lacks what want has; got may have more fields.
func missing(want, got any, at string) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return at
		}
		for k, v := range w {
			if where := missing(v, g[k], at+"."+k); where != "" {
				return where
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return at
		}
		for i := range w {
			if where := missing(w[i], g[i], at+"[]"); where != "" {
				return where
			}
		}
	default:
		if !reflect.DeepEqual(want, got) {
			return at
		}
	}
	return ""
}

func TestOriginalDatabaseOpensAsItIs(t *testing.T) {
	c, want := originalConfig(t)
	d := newDesk(t, c)
	t.Cleanup(func() { _ = d.app.close() })
	got := d.answer("admin", "/api/deposits").(map[string]any)["deposits"]
	if where := missing(want.Deposits, got, "deposits"); where != "" {
		t.Errorf("%s differs:\n%v\n%v", where, want.Deposits, got)
	}
	got = d.answer("admin", "/api/accounting")
	if where := missing(want.Accounting, got, "accounting"); where != "" {
		t.Errorf("%s differs:\n%v\n%v", where, want.Accounting, got)
	}
	now := float64(time.Now().Unix())
	for address, entries := range want.Status {
		got := d.answer("public", "/api/status?skyaddr="+address).(map[string]any)["statuses"].([]any)
		if len(got) != len(entries) {
			t.Errorf("%s has %d entries, want %d", address, len(got), len(entries))
			continue
		}
		for i, e := range entries {
			g := got[i].(map[string]any)
			e["seq"] = e["seq"].(float64) + 1 // they count from 1 now
			if e["status"] == "waiting_deposit" {
				if at := g["updated_at"].(float64); at < now-10 || at > now+10 {
					t.Errorf("%s: updated_at %v, want the request's time", address, at)
				}
				delete(e, "updated_at")
			}
			if where := missing(e, g, "status"); where != "" {
				t.Errorf("%s: %s differs: %v, want %v", address, where, g, e)
			}
		}
	}
	if _, err := os.Stat(c.DBPath() + ".before-import"); err != nil {
		t.Errorf("no copy of the database as it was: %v", err)
	}
}

// Both deposits that wait are paid, the one whose transaction nobody knows is held, nothing that was paid is paid again,
// and a restart changes nothing of it.
func TestOriginalDatabaseGoesOnWhereItStopped(t *testing.T) {
	c, _ := originalConfig(t)
	d := openDesk(t, c)
	const (
		two   = "kUrFaxESoUqcwJ68wB9S9kGCM1ptbMXJDU"  // 0.004 BTC at 500
		three = "2gr6z6UcUXupoXKxhYEgijQUrYcdCLhhTe7" // 0.006 BTC, beside two that are done
		lost  = "edUqxD7FQA8UV1LHPxamLec3YZALeuPpbm"
	)
	d.within(20*time.Second, "both are paid", func() bool {
		d.confirm()
		return d.statuses(two) == "done" && d.statuses(three) == "done done done"
	})
	var outputs []string
	for _, b := range d.broadcasts() {
		for _, o := range b.Outputs {
			outputs = append(outputs, o.Address+" "+o.Coins)
		}
	}
	slices.Sort(outputs)
	if want := []string{three + " 3.000000", two + " 2.000000"}; !slices.Equal(outputs, want) {
		t.Errorf("paid %v, want %v", outputs, want)
	}
	const fresh = "QRNh9Q1nHZFtzk4K78WCerYGjAmY1CWL4s" // has bound addresses that nothing was paid to yet
	d.deposit(teller.BTC, "1Kg7Mrz5ouWcLa74M9GDDfi48txTb6c2Sh", "200000")
	d.within(20*time.Second, "a buyer of the original's time is served", func() bool {
		d.confirm()
		return d.statuses(fresh) == "done waiting_deposit waiting_deposit"
	})
	d.stop()
	d = openDesk(t, c)
	d.within(10*time.Second, "the lost one is held", func() bool {
		return slices.ContainsFunc(d.deposits(), func(r row) bool {
			return r.SkyAddress == lost && r.Status == "waiting_confirm" && r.Hold != nil && r.Hold.Reason == "import_unknown"
		})
	})
	for _, status := range []teller.Status{teller.StatusWaitingDecide, teller.StatusWaitingSend} {
		if due, err := d.app.store.Due(t.Context(), status, 0, 10); err != nil || len(due) != 0 {
			t.Errorf("%d deposits are due in %s after the restart (%v), want none", len(due), status, err)
		}
	}
	if pending, err := d.app.store.PendingPayouts(t.Context()); err != nil || len(pending) != 0 {
		t.Errorf("%d payouts wait to be broadcast after the restart (%v), want none", len(pending), err)
	}
	if n := len(d.broadcasts()); n != 0 {
		t.Errorf("%d broadcasts after the restart, want none", n)
	}
}
