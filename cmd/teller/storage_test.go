package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/store/bolt"
)

// refused starts teller and waits for it to end by itself. It returns what it said.
func (p *process) refused() string {
	p.t.Helper()
	cmd := exec.Command(os.Args[0], p.args...)
	cmd.Env = append(os.Environ(), "TELLER_TEST_PROCESS=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ended := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if code := cmd.ProcessState.ExitCode(); code != 1 {
			p.t.Errorf("it ended with %v, want exit code 1:\n%s", err, &out)
		}
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
		p.t.Fatalf("it started:\n%s", &out)
	}
	if strings.Contains("\n"+out.String(), "\ngoroutine ") {
		p.t.Errorf("it panicked:\n%s", &out)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1]
}

// used makes the database of a counter that was used.
func (p *process) used() (buyer string) {
	p.t.Helper()
	p.start()
	buyer = newBuyer(p.t)
	p.deposit("BTC", p.bind(buyer, "BTC"), "10000000")
	p.waitFor(buyer, "waiting_confirm")
	p.kill(syscall.SIGTERM)
	return buyer
}

func (p *process) db() string { return filepath.Join(p.data(), "teller.db") }

// rewrite replaces a file.
func rewrite(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	check(t, os.WriteFile(path, f(raw), 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever is wrong with the database, teller does not start, and its last line says what is wrong with which file, and
// what to do. What it did is not undone by that: put right, it goes on.
func TestStorageThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, p *process)
		says  []string
	}{
		"a text file": {func(t *testing.T, p *process) {
			rewrite(t, p.db(), func([]byte) []byte { return bytes.Repeat([]byte("not a database\n"), 1000) })
		}, []string{"not a teller database", "restore a backup"}},
		"random bytes": {func(t *testing.T, p *process) {
			rewrite(t, p.db(), func(raw []byte) []byte {
				for i := range raw {
					raw[i] = byte(i * 7919 >> 3)
				}
				return raw
			})
		}, []string{"not a teller database", "restore a backup"}},
		"both first pages zeroed": {func(t *testing.T, p *process) {
			rewrite(t, p.db(), func(raw []byte) []byte { clear(raw[:8192]); return raw })
		}, []string{"damaged", "restore a backup"}},
		"cut off": {func(t *testing.T, p *process) {
			check(t, os.Truncate(p.db(), 5*4096))
		}, []string{"cut off", "restore a backup"}},
		"all but the first pages zeroed": {func(t *testing.T, p *process) {
			rewrite(t, p.db(), func(raw []byte) []byte { clear(raw[8192:]); return raw })
		}, []string{"damaged", "restore the newest backup"}},
		"a directory": {func(t *testing.T, p *process) {
			check(t, errors.Join(os.Remove(p.db()), os.Mkdir(p.db(), 0o700)))
		}, []string{"is a directory", "name a file"}},
		"another program's database": {func(t *testing.T, p *process) {
			check(t, os.Remove(p.db()))
			db, err := bbolt.Open(p.db(), 0o600, nil)
			check(t, err)
			check(t, db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("wallets")); return err }))
			check(t, db.Close())
		}, []string{"another program", "name another dbfile"}},
		"a newer format": {func(t *testing.T, p *process) {
			db, err := bbolt.Open(p.db(), 0o600, nil)
			check(t, err)
			check(t, db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("teller_meta")).Put([]byte("format"), []byte("99")) }))
			check(t, db.Close())
		}, []string{"format 99", "use the newer teller"}},
		"the real network's": {func(t *testing.T, p *process) {
			check(t, os.Remove(p.db()))
			s, err := bolt.Open(context.Background(), bolt.Options{Path: p.db()})
			check(t, err)
			check(t, s.PinSkycoin(context.Background(), strings.Repeat("ab", 32)))
			check(t, s.Close())
		}, []string{"abab", "simulated", "name another dbfile"}},
		"garbage for a journal": {func(t *testing.T, p *process) {
			rewrite(t, p.db()+".bindings", func([]byte) []byte { return []byte("my notes\n") })
		}, []string{"not a journal of bindings", "move it away"}},
		"another ledger's journal": {func(t *testing.T, p *process) {
			rewrite(t, p.db()+".bindings", func(raw []byte) []byte {
				return bytes.Replace(bytes.ReplaceAll(raw, []byte(`"sky_address":"`), []byte(`"sky_address":"x`)), []byte(`"journal":"`), []byte(`"journal":"x`), 1)
			})
		}, []string{"belongs to another ledger", ""}},
		"a directory for a journal": {func(t *testing.T, p *process) {
			name := p.db() + ".bindings"
			check(t, errors.Join(os.Remove(name), os.Mkdir(name, 0o700)))
		}, []string{"is a directory"}},
		"no data directory, but a file": {func(t *testing.T, p *process) {
			check(t, os.RemoveAll(p.data()))
			rewrite(t, p.data(), func([]byte) []byte { return nil })
		}, []string{"data directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProcess(t)
			buyer := p.used()
			whole := filepath.Join(p.dir, "whole")
			check(t, os.CopyFS(whole, os.DirFS(p.data())))
			c.spoil(t, p)
			for range 2 { // again and again, as a supervisor starts it
				said := p.refused()
				for _, want := range append(c.says, p.dir) {
					if !strings.Contains(said, want) {
						t.Errorf("it does not say %q:\n%s", want, said)
					}
				}
			}
			check(t, os.RemoveAll(p.data()))
			check(t, os.CopyFS(p.data(), os.DirFS(whole)))
			p.start()
			p.eventually("done", func() bool { p.confirmAll(); return p.statuses(buyer) == "done" })
			if n := len(p.broadcasts()); n != 1 {
				t.Errorf("%d transactions were broadcast, want 1", n)
			}
		})
	}
}

func TestSecondTellerOnOneDatabaseIsRefused(t *testing.T) {
	first, second := newProcess(t), newProcess(t)
	first.start()
	second.args[3] = first.data()
	if said := second.refused(); !strings.Contains(said, "another teller") || !strings.Contains(said, first.db()) {
		t.Error(said)
	}
	first.bind(newBuyer(t), "BTC")
}

// onSmallDisk moves the data of a process to a file system of its own.
func (p *process) onSmallDisk(size string) (remount func(option string)) {
	p.t.Helper()
	p.dir = p.t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", p.dir).CombinedOutput(); err != nil {
		p.t.Skipf("no file system can be mounted here: %v: %s", err, out)
	}
	p.t.Cleanup(func() {
		if p.cmd != nil {
			p.kill(syscall.SIGKILL)
		}
		if out, err := exec.Command("umount", p.dir).CombinedOutput(); err != nil {
			p.t.Errorf("umount: %v: %s", err, out)
		}
	})
	p.configure(true)
	return func(option string) {
		p.t.Helper()
		if out, err := exec.Command("mount", "-o", "remount,"+option, p.dir).CombinedOutput(); err != nil {
			p.t.Fatalf("remount: %v: %s", err, out)
		}
	}
}

// takeSpace uses up what is left of the disk.
func (p *process) takeSpace() (giveBack func()) {
	p.t.Helper()
	name := filepath.Join(p.dir, "filler")
	f, err := os.Create(name)
	check(p.t, err)
	for _, chunk := range []int{1 << 20, 1 << 12} {
		for err == nil {
			_, err = f.Write(make([]byte, chunk))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			p.t.Fatal(err)
		}
		err = nil
	}
	check(p.t, f.Close())
	return func() { check(p.t, os.Remove(name)) }
}

func TestReadOnlyDiskIsRefused(t *testing.T) {
	p := newProcess(t)
	remount := p.onSmallDisk("32m")
	buyer := p.used()
	remount("ro")
	if said := p.refused(); !strings.Contains(said, p.db()) || !strings.Contains(said, "mount it writable") {
		t.Error(said)
	}
	remount("rw")
	p.start()
	p.eventually("done", func() bool { p.confirmAll(); return p.statuses(buyer) == "done" })
}

// ledgerHealth is what /api/health says of the ledger, "" when it is well.
func (p *process) ledgerHealth() string {
	p.t.Helper()
	var answer struct {
		Nodes []struct {
			Name, Error string
			OK          bool
		}
	}
	p.get(p.public+"/api/health", &answer)
	for _, n := range answer.Nodes {
		if n.Name == "ledger" {
			return n.Error
		}
	}
	return "not shown"
}

// tryBind binds and returns the answer's status.
func (p *process) tryBind(buyer string) int {
	p.t.Helper()
	resp, err := http.Post(p.public+"/api/bind", "application/json", strings.NewReader(fmt.Sprintf(`{"skyaddr":%q,"coin_type":"BTC"}`, buyer)))
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// The disk becomes full while teller runs: it says so, binds nobody, and goes on by itself once there is space. Started on a
// full disk it refuses.
func TestFullDisk(t *testing.T) {
	p := newProcess(t)
	p.onSmallDisk("32m")
	p.start()
	p.eventually("the shortage is seen before it hurts", func() bool { return strings.Contains(p.ledgerHealth(), "nearly full") })
	buyer := newBuyer(t)
	p.deposit("BTC", p.bind(buyer, "BTC"), "10000000")
	p.waitFor(buyer, "waiting_confirm")

	giveBack := p.takeSpace()
	status := http.StatusOK
	for n := 0; status == http.StatusOK && n < 2000; n++ {
		status = p.tryBind(manyBuyers(t, n))
	}
	if status != http.StatusServiceUnavailable {
		t.Fatalf("with a full disk a bind is answered with status %d", status)
	}
	p.eventually("health says so", func() bool { return strings.Contains(p.ledgerHealth(), "can not be written") })
	p.kill(syscall.SIGTERM)
	if said := p.refused(); !strings.Contains(said, p.dir) || !strings.Contains(said, "free some") {
		t.Error(said)
	}
	giveBack()
	p.start()
	p.eventually("done", func() bool { p.confirmAll(); return p.statuses(buyer) == "done" })
	if n := len(p.broadcasts()); n != 1 {
		t.Errorf("%d transactions were broadcast, want 1", n)
	}
}

// The same with a limit on the size of files, which is there without privileges; and lifted while teller runs.
func TestFileSizeLimit(t *testing.T) {
	if _, err := exec.LookPath("prlimit"); err != nil {
		t.Skip("there is no prlimit to limit a running process with")
	}
	p := newProcess(t)
	p.start()
	limit := func(size string) {
		t.Helper()
		out, err := exec.Command("prlimit", "--pid", fmt.Sprint(p.cmd.Process.Pid), "--fsize="+size+":").CombinedOutput()
		if err != nil {
			t.Fatalf("prlimit: %v: %s", err, out)
		}
	}
	buyer := newBuyer(t)
	p.bind(buyer, "BTC")
	limit("4096")
	if status := p.tryBind(buyer); status != http.StatusServiceUnavailable {
		t.Fatalf("a bind that can not be written is answered with status %d", status)
	}
	p.eventually("health says so", func() bool { return strings.Contains(p.ledgerHealth(), "can not be written") })
	limit("unlimited")
	p.deposit("BTC", p.bind(buyer, "BTC"), "10000000")
	p.eventually("done", func() bool { p.confirmAll(); return strings.Contains(p.statuses(buyer), "done") })
	p.eventually("health says that it is well", func() bool { return !strings.Contains(p.ledgerHealth(), "can not be written") })
	p.kill(syscall.SIGTERM)
}

// manyBuyers is the n-th of many SKY addresses.
func manyBuyers(t *testing.T, n int) string {
	t.Helper()
	a, err := app.NewAddresses(teller.SKY, fmt.Sprint(t.Name(), n), 1, "")
	check(t, err)
	return a[0]
}
