package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skycoin/teller/internal/chain/processtest"
)

// TestMain lets the test binary be teller itself: the tests start it as a process of its own, to kill it.
func TestMain(m *testing.M) {
	if os.Getenv("TELLER_TEST_PROCESS") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running teller in dummy mode and a client of its three interfaces.
type process struct {
	t                      *testing.T
	dir                    string
	args                   []string
	public, admin, control string // base URLs
	cmd                    *exec.Cmd
	out                    *safeBuffer
}

// newProcess prepares a teller that reads a configuration file.
func newProcess(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir()}
	public, admin, control := processtest.FreeAddr(t), processtest.FreeAddr(t), processtest.FreeAddr(t)
	p.public, p.admin, p.control = "http://"+public, "http://"+admin, "http://"+control
	p.configure(true)
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill(syscall.SIGKILL)
		}
		if t.Failed() {
			t.Logf("teller said:\n%s", p.out)
		}
	})
	return p
}

// configure writes the configuration: keys of the original's documentation only.
func (p *process) configure(send bool) {
	p.t.Helper()
	content := fmt.Sprintf(`
logfile = ""
dbfile = "teller.db"
[teller]
max_bound_addrs = 5
bind_enabled = true
[btc_scanner]
scan_period = "1s"
confirmations_required = 1
[sky_exchanger]
sky_btc_exchange_rate = "500"
tx_confirmation_check_wait = "1s"
send_enabled = %t
[web]
http_addr = %q
throttle_max = 100000
[admin_panel]
host = %q
[dummy]
sender = true
scanner = true
http_addr = %q
`, send, host(p.public), host(p.admin), host(p.control))
	path := filepath.Join(p.dir, "mine.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.args = []string{"-c", path, "-d", p.data()}
}

func (p *process) data() string { return filepath.Join(p.dir, "data") }

func host(baseURL string) string { return strings.TrimPrefix(baseURL, "http://") }

// start runs teller and waits until it answers.
func (p *process) start() {
	p.t.Helper()
	if p.out == nil {
		p.out = new(safeBuffer)
	}
	p.cmd = exec.Command(os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), "TELLER_TEST_PROCESS=1")
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.eventually("teller answers", func() bool {
		resp, err := http.Get(p.public + "/api/health")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// kill ends the process with a signal and waits for its end.
func (p *process) kill(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan error, 1)
	cmd := p.cmd
	p.cmd = nil
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if sig != syscall.SIGKILL && err != nil {
			p.t.Errorf("after %s teller ended with %v, want an orderly end", sig, err)
		}
	case <-time.After(15 * time.Second):
		_ = cmd.Process.Kill()
		p.t.Fatalf("teller does not end after %s", sig)
	}
}

func (p *process) eventually(what string, ok func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.t.Fatalf("never happened: %s", what)
}

// get reads a JSON answer; the status must be 200.
func (p *process) get(rawURL string, into any) {
	p.t.Helper()
	resp, err := http.Get(rawURL)
	if err != nil {
		p.t.Fatal(err)
	}
	p.read(resp, into)
}

func (p *process) read(resp *http.Response, into any) {
	p.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %s: %s: %s", resp.Request.Method, resp.Request.URL, resp.Status, b)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(b, into); err != nil {
		p.t.Fatalf("%s: %v in %s", resp.Request.URL, err, b)
	}
}

func (p *process) bind(skyAddress, coin string) string {
	p.t.Helper()
	body := fmt.Sprintf(`{"skyaddr":%q,"coin_type":%q}`, skyAddress, coin)
	resp, err := http.Post(p.public+"/api/bind", "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	var answer struct {
		DepositAddress string `json:"deposit_address"`
	}
	p.read(resp, &answer)
	return answer.DepositAddress
}

func (p *process) deposit(coin, address, value string) {
	p.t.Helper()
	q := url.Values{"coin": {coin}, "addr": {address}, "value": {value}}
	p.get(p.control+"/dummy/scanner/deposit?"+q.Encode(), nil)
}

// statuses are those of a SKY address's deposits, in order.
func (p *process) statuses(skyAddress string) string {
	p.t.Helper()
	var answer struct {
		Statuses []struct{ Status string }
	}
	p.get(p.public+"/api/status?skyaddr="+skyAddress, &answer)
	var all []string
	for _, s := range answer.Statuses {
		all = append(all, s.Status)
	}
	return strings.Join(all, " ")
}

func (p *process) waitFor(skyAddress, want string) {
	p.t.Helper()
	p.eventually("status "+want+" of "+skyAddress, func() bool { return p.statuses(skyAddress) == want })
}

type broadcast struct {
	TxID      string
	Outputs   []struct{ Address, Coins string }
	Confirmed bool
}

func (p *process) broadcasts() []broadcast {
	p.t.Helper()
	var list []broadcast
	p.get(p.control+"/dummy/sender/broadcasts", &list)
	return list
}

func (p *process) confirmAll() {
	p.t.Helper()
	for _, b := range p.broadcasts() {
		if !b.Confirmed {
			p.get(p.control+"/dummy/sender/confirm?txid="+b.TxID, nil)
		}
	}
}

// sent is what the admin interface says was sent.
func (p *process) sent() string {
	p.t.Helper()
	var answer struct{ Sent string }
	p.get(p.admin+"/api/accounting", &answer)
	return answer.Sent
}

// balance is the hot wallet's, as the public sees it.
func (p *process) balance() string {
	p.t.Helper()
	var answer struct {
		Exchange struct{ Balance struct{ Coins string } }
	}
	p.get(p.public+"/api/health", &answer)
	return answer.Exchange.Balance.Coins
}
