package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/config"
)

// desk is a counter that runs inside the test, and a client of its interfaces: it learns nothing but what they say.
type desk struct {
	t                      testing.TB
	app                    *App
	public, admin, control string // base URLs
	stop                   func()
}

// logger shows what the counter logs when the test runs verbosely.
func logger(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// testConfig is dummy mode on free ports, and quick.
func testConfig(t testing.TB) config.Config {
	t.Helper()
	c := config.Dummy(t.TempDir())
	c.Web.HTTPAddr, c.AdminPanel.Host, c.Dummy.HTTPAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.Web.ThrottleMax = 0
	c.BTCScanner.ScanPeriod, c.ETHScanner.ScanPeriod, c.SkyScanner.ScanPeriod = time.Second, time.Second, time.Second
	c.SkyExchanger.TxConfirmationCheckWait = time.Second
	return c
}

// newDesk opens a counter without serving yet.
func newDesk(t testing.TB, c config.Config) *desk {
	t.Helper()
	a, err := New(context.Background(), Options{Config: c, Log: logger(t), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{
		t: t, app: a,
		public: "http://" + a.Addr("public"), admin: "http://" + a.Addr("admin"), control: "http://" + a.Addr("dummy"),
	}
}

// open serves until the test ends or close is called.
func (d *desk) open() *desk {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.app.Run(ctx) }()
	stopped := false
	d.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			d.t.Errorf("the counter ended with: %v", err)
		}
	}
	d.t.Cleanup(d.stop)
	return d
}

func openDesk(t testing.TB, c config.Config) *desk {
	t.Helper()
	return newDesk(t, c).open()
}

// within waits until ok, and fails the test after a while.
func (d *desk) within(limit time.Duration, what string, ok func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	d.t.Fatalf("not within %s: %s", limit, what)
}

func (d *desk) get(rawURL string, into any) {
	d.t.Helper()
	resp, err := http.Get(rawURL)
	if err != nil {
		d.t.Fatal(err)
	}
	d.read(resp, into)
}

func (d *desk) read(resp *http.Response, into any) {
	d.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s %s: %s: %s", resp.Request.Method, resp.Request.URL, resp.Status, b)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			d.t.Fatalf("%s: %v in %s", resp.Request.URL, err, b)
		}
	}
}

func (d *desk) bind(skyAddress string, coin teller.Coin) string {
	d.t.Helper()
	body := fmt.Sprintf(`{"skyaddr":%q,"coin_type":%q}`, skyAddress, coin)
	resp, err := http.Post(d.public+"/api/bind", "application/json", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	var answer struct {
		DepositAddress string `json:"deposit_address"`
	}
	d.read(resp, &answer)
	return answer.DepositAddress
}

// refuses checks that a SKY address can not be bound.
func (d *desk) refuses(skyAddress string) {
	d.t.Helper()
	body := fmt.Sprintf(`{"skyaddr":%q,"coin_type":"SKY"}`, skyAddress)
	resp, err := http.Post(d.public+"/api/bind", "application/json", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		d.t.Errorf("binding %s: %s, want it to be refused", skyAddress, resp.Status)
	}
}

// try asks the admin interface to do something.
func (d *desk) try(path string, body any) (status int, text string) {
	d.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.Post(d.admin+path, "application/json", bytes.NewReader(content))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// act is try that must succeed.
func (d *desk) act(path string, body any) {
	d.t.Helper()
	if status, text := d.try(path, body); status != http.StatusOK {
		d.t.Fatalf("POST %s: %d %s", path, status, text)
	}
}

// statuses are those of a SKY address's deposits, joined by blanks.
func (d *desk) statuses(skyAddress string) string {
	d.t.Helper()
	var answer struct{ Statuses []struct{ Status string } }
	d.get(d.public+"/api/status?skyaddr="+skyAddress, &answer)
	var all []string
	for _, s := range answer.Statuses {
		all = append(all, s.Status)
	}
	return strings.Join(all, " ")
}

func (d *desk) waitFor(limit time.Duration, skyAddress, want string) {
	d.t.Helper()
	d.within(limit, skyAddress+" is "+want, func() bool { return d.statuses(skyAddress) == want })
}

// deposit makes one on a dummy chain.
func (d *desk) deposit(coin teller.Coin, address, value string) {
	d.t.Helper()
	q := url.Values{"coin": {string(coin)}, "addr": {address}, "value": {value}}
	d.get(d.control+"/dummy/scanner/deposit?"+q.Encode(), nil)
}

type broadcast struct {
	TxID      string
	Outputs   []struct{ Address, Coins string }
	Confirmed bool
}

func (d *desk) broadcasts() []broadcast {
	d.t.Helper()
	var list []broadcast
	d.get(d.control+"/dummy/sender/broadcasts", &list)
	return list
}

// confirm puts every broadcast transaction into a block.
func (d *desk) confirm() {
	d.t.Helper()
	for _, b := range d.broadcasts() {
		if !b.Confirmed {
			d.get(d.control+"/dummy/sender/confirm?txid="+b.TxID, nil)
		}
	}
}

// row is a deposit as the admin interface shows it.
type row struct {
	DepositID  string `json:"deposit_id"`
	Version    uint64
	Status     string `json:"status"`
	SkyAddress string `json:"sky_address"`
	TxID       string `json:"txid"`
	SkySent    uint64 `json:"sky_sent"`
	Error      string `json:"error"`
	Hold       *struct{ Reason string }
}

func (d *desk) deposits() []row {
	d.t.Helper()
	var answer struct{ Deposits []row }
	d.get(d.admin+"/api/deposits", &answer)
	return answer.Deposits
}

// sick lists the parts that health says are down.
func (d *desk) sick() []string {
	d.t.Helper()
	var answer struct {
		Nodes []struct {
			Name string
			OK   bool
		}
	}
	d.get(d.public+"/api/health", &answer)
	var names []string
	for _, n := range answer.Nodes {
		if !n.OK {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return names
}

// buyers makes n SKY addresses, whose keys nobody has: deriving keys would take longer than the tests.
func buyers(t testing.TB, n int) []string {
	t.Helper()
	made := make([]string, n)
	for i := range made {
		h := sha256.Sum256(fmt.Append(nil, t.Name(), i))
		made[i] = sky.FromHash([20]byte(h[:20]))
	}
	return made
}

// writeLines writes an address file.
func writeLines(t testing.TB, name string, lines []string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
