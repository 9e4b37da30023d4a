package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// safeBuffer is a buffer that a process writes to while the test reads.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// SIGHUP makes a running teller hand out addresses that were added to the file; a file with a mistake is told and not
// used.
func TestHangupReadsTheAddressFileAgain(t *testing.T) {
	p := newProcess(t)
	p.start()
	path := filepath.Join(p.data(), "dummy-btc-addresses.txt") // made by the start
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fresh := strings.TrimSpace(mustRun(t, "newbtcaddress", "a seed", "1"))
	rewrite := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(string(old) + "no address\n")
	p.eventually("the mistake is told", func() bool {
		return strings.Contains(p.out.String(), "address files can not be used")
	})
	rewrite(fresh + "\n")
	p.eventually("the file is read", func() bool { return strings.Contains(p.out.String(), "address file read again") })
	if got := p.bind("2Wbi4wvxC4fkTYMsS2f6HaFfW4pafDjXcQW", "BTC"); got != fresh {
		t.Errorf("bound %s, want the new file's %s", got, fresh)
	}
	p.kill(syscall.SIGTERM)
}

func TestRescanCommand(t *testing.T) {
	p := newProcess(t)
	p.start()
	teller := func(args ...string) (string, error) { return run(t, append(p.args, args...)...) }
	if out, err := teller("rescan"); err != nil || !strings.Contains(out, "there was none") {
		t.Errorf("before any rescan: %s %v", out, err)
	}
	p.deposit("BTC", p.bind("2Wbi4wvxC4fkTYMsS2f6HaFfW4pafDjXcQW", "BTC"), "1000000")
	p.waitFor("2Wbi4wvxC4fkTYMsS2f6HaFfW4pafDjXcQW", "waiting_confirm")
	if out, err := teller("rescan", "--coin", "btc", "--from", "0", "--reason", "test"); err != nil || !strings.Contains(out, "blocks 0 to ") {
		t.Errorf("asking for one: %s %v", out, err)
	}
	p.eventually("the rescan is done", func() bool {
		out, err := teller("rescan")
		return err == nil && strings.Contains(out, "done") && strings.Contains(out, "0 missing deposits found")
	})
	if _, err := teller("rescan", "--coin", "DOGE", "--from", "0"); err == nil {
		t.Error("a coin that does not exist is accepted")
	}
	if out, err := teller("rescan", "--from", "1000000"); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a height above the chain: %s %v", out, err)
	}
	p.kill(syscall.SIGTERM)
}
