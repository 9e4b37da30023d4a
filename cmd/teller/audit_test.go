package main

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// audit runs the command and returns what it prints and its exit code.
func (p *process) audit(args ...string) (out string, code int) {
	p.t.Helper()
	out, err := run(p.t, append(append([]string{}, p.args...), append([]string{"audit"}, args...)...)...)
	if err == nil {
		return out, 0
	}
	return out + err.Error(), exitCode(err)
}

// The running counter audits itself; of one that is stopped the database is opened, and not changed; and what was changed
// in it is found.
func TestAudit(t *testing.T) {
	p := newProcess(t)
	p.start()
	buyer := newBuyer(t)
	p.deposit("BTC", p.bind(buyer, "BTC"), "1000000")
	p.eventually("the buyer is paid", func() bool { p.confirmAll(); return p.statuses(buyer) == "done" })

	out, code := p.audit("--from", "BTC=0")
	if code != 0 || !strings.Contains(out, "Everything agrees.") || !strings.Contains(out, "1 payments to bound addresses, 0 of them missing") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	running, code := p.audit("--log")
	if code != 0 || !strings.Contains(running, "waiting_send -> waiting_confirm") {
		t.Errorf("exit code %d:\n%s", code, running)
	}
	if out, code := p.audit("--offline"); code != 2 || !strings.Contains(out, "in use") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	p.kill(syscall.SIGTERM)

	if out, code := p.audit(); code != 0 || !strings.Contains(out, "none answers") || !strings.Contains(out, "Everything agrees.") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if closed, code := p.audit("--log"); code != 0 || closed != running {
		t.Errorf("exit code %d, the log of the database is another one:\n%s\n%s", code, closed, running)
	}
	id := regexp.MustCompile(`[0-9a-f]{64}:\d+`).FindString(running)
	one, code := p.audit("--log", "--deposit", id, "--json")
	for line := range strings.Lines(one) {
		var e auditLine
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.DepositID != id || code != 0 {
			t.Errorf("exit code %d, %v: %s", code, err, line)
		}
	}

	db, err := bolt.Open(p.db(), 0o600, nil)
	check(t, err)
	check(t, errors.Join(db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("deposit_info"))
		return b.Put([]byte(id), []byte(strings.Replace(string(b.Get([]byte(id))), buyer, "mallory", 1)))
	}), db.Close()))
	out, code = p.audit("--offline", "--json")
	var report teller.AuditReport
	if start := strings.Index(out, "{"); start < 0 || json.NewDecoder(strings.NewReader(out[start:])).Decode(&report) != nil || code != 1 || len(report.Findings) == 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if out, code := p.audit("--offline"); code != 1 || !strings.Contains(out, "was changed behind the audit log") || !strings.Contains(out, "What you should do:") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	for _, args := range [][]string{{"--from", "DOGE=1"}, {"--from", "BTC=x"}, {"--from", "BTC=-1"}, {"--offline", "--repair"}} {
		if out, code := p.audit(args...); code == 0 {
			t.Errorf("%v is accepted:\n%s", args, out)
		}
	}
}
