package app

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

// sickDisk writes as it should until it is sick.
type sickDisk struct {
	sick  atomic.Bool
	after bool // it fails after it has written
}

func (d *sickDisk) Commit(commit func() error) error {
	if !d.sick.Load() {
		return commit()
	}
	err := error(&fs.PathError{Op: "write", Path: "teller.db", Err: syscall.EIO})
	if d.after {
		err = errors.Join(commit(), err)
	}
	return err
}

func (d *sickDisk) Append(lines []byte, write func([]byte) error) error { return write(lines) }

// A disk that fails in a commit ends teller, so that a supervisor starts it again; nothing is broadcast that may not be
// stored, and after the new start everything is paid, once.
func TestDiskFailureEndsTeller(t *testing.T) {
	for name, after := range map[string]bool{"before it has written": false, "after it has written": true} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t)
			disk := &sickDisk{after: after}
			a, err := New(t.Context(), Options{Config: c, Log: logger(t), disk: disk})
			if err != nil {
				t.Fatal(err)
			}
			d := &desk{t: t, app: a, public: "http://" + a.Addr("public"), admin: "http://" + a.Addr("admin"), control: "http://" + a.Addr("dummy")}
			ended := make(chan error, 1)
			go func() { ended <- a.Run(t.Context()) }()
			buyer := buyers(t, 1)[0]
			address := d.bind(buyer, teller.BTC)
			disk.sick.Store(true)
			// Whatever is written first ends teller, perhaps before it hears of the deposit.
			resp, postErr := http.Get(d.control + "/dummy/scanner/deposit?coin=BTC&value=10000000&addr=" + address)
			if postErr == nil {
				_ = resp.Body.Close()
			}
			select {
			case err = <-ended:
			case <-time.After(20 * time.Second):
				t.Fatal("it goes on")
			}
			if teller.CodeOf(err) != teller.CodeUnavailable || !strings.Contains(err.Error(), "check its disk, and start teller again") {
				t.Errorf("it ended with %v", err)
			}

			d = openDesk(t, c)
			if postErr != nil {
				d.deposit(teller.BTC, address, "10000000")
			}
			d.within(20*time.Second, "done", func() bool { d.confirm(); return d.statuses(buyer) == "done" })
			if n := len(d.broadcasts()); n != 1 {
				t.Errorf("%d transactions were broadcast, want 1", n)
			}
		})
	}
}

// damagedDisk is a disk under which bolt meets a damaged page, once it is sick.
type damagedDisk struct{ sickDisk }

func (d *damagedDisk) Commit(commit func() error) error {
	if d.sick.Load() {
		panic("assertion failed: Page expected to be: 7, but self identifies as 0")
	}
	return commit()
}

// A damaged page that is met while teller runs is nothing that a new start could mend: teller stays to say so, and neither
// binds nor pays.
func TestDamageIsShown(t *testing.T) {
	disk := new(damagedDisk)
	a, err := New(t.Context(), Options{Config: testConfig(t), Log: logger(t), disk: disk})
	if err != nil {
		t.Fatal(err)
	}
	d := (&desk{t: t, app: a, public: "http://" + a.Addr("public"), admin: "http://" + a.Addr("admin"), control: "http://" + a.Addr("dummy")}).open()
	b := buyers(t, 2)
	address := d.bind(b[0], teller.BTC)
	disk.sick.Store(true)
	d.deposit(teller.BTC, address, "10000000")
	d.within(20*time.Second, "health says so", func() bool {
		return slices.ContainsFunc(d.sick(), func(s string) bool { return strings.Contains(s, "ledger") })
	})
	resp, err := http.Post(d.public+"/api/bind", "application/json", strings.NewReader(`{"skyaddr":"`+b[1]+`","coin_type":"BTC"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("a bind is answered with %s", resp.Status)
	}
	if n := len(d.broadcasts()); n != 0 {
		t.Errorf("%d transactions were broadcast, want none", n)
	}
	d.stop()
}

func TestDatabaseOfAnotherNetworkIsRefused(t *testing.T) {
	genesis := strings.Repeat("ab", 32)
	for name, pin := range map[string]func(*App) error{
		"payouts":  func(a *App) error { return a.store.PinSkycoin(context.Background(), genesis) },
		"deposits": func(a *App) error { return a.store.PinChain(context.Background(), teller.BTC, genesis) },
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t)
			a, err := New(t.Context(), Options{Config: c, Log: logger(t)})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(pin(a), a.close()); err != nil {
				t.Fatal(err)
			}
			_, err = New(t.Context(), Options{Config: c, Log: logger(t)})
			if teller.CodeOf(err) != teller.CodeWrongNetwork {
				t.Fatalf("got %v", err)
			}
			for _, want := range []string{c.DBPath(), genesis, "dummy mode", name, "name another dbfile"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}
