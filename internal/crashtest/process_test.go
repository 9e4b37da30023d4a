package crashtest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// build makes the binary as `make build` does.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "teller")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "github.com/skycoin/teller/cmd/teller")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build teller: %v\n%s", err, out)
	}
	return binary
}

// process is one run of teller.
type process struct {
	cmd   *exec.Cmd
	begun time.Time
	done  chan struct{}             // closed when it has ended and all its output is read
	ended error                     // its exit status, once done
	asked atomic.Pointer[time.Time] // when it was told to end
}

func run(t *testing.T, log *journal, binary string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), done: make(chan struct{}), begun: time.Now()}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.ended = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

func (p *process) signal(sig syscall.Signal) {
	now := time.Now()
	p.asked.Store(&now)
	_ = p.cmd.Process.Signal(sig) // it may have ended by itself, which is noticed by the one who waits
}

// endTime is how long teller may take to end in good order.
const endTime = 15 * time.Second

// overdue reports whether it should have ended.
func (p *process) overdue() bool {
	asked := p.asked.Load()
	return asked != nil && time.Since(*asked) > endTime
}

// await waits for the end. One that does not come shows in the log what every goroutine does.
func (p *process) await(t *testing.T) {
	t.Helper()
	for p.running() {
		if p.overdue() {
			_ = p.cmd.Process.Signal(syscall.SIGQUIT)
			<-p.done
			t.Fatalf("teller did not end within %s", endTime)
		}
		time.Sleep(3 * time.Millisecond)
	}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// client makes a connection for each request: one that is kept would not survive the process.
var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// healthy asks until teller answers. It returns false when the process ended before, and an error when it takes too long.
func (p *process) healthy(public string) (bool, error) {
	for p.running() {
		if resp, err := client.Get(public + "/api/health"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true, nil
			}
		}
		if time.Since(p.begun) > 15*time.Second {
			return false, fmt.Errorf("teller does not answer %s after its start", time.Since(p.begun).Round(time.Second))
		}
		time.Sleep(3 * time.Millisecond)
	}
	return false, nil
}

// What teller logs when it has made a payout durable, and when it has sent it for the first time.
const (
	payoutStored    = `msg="payout stored"`
	payoutBroadcast = `msg="payout broadcast"`
)

// journal is the log of all runs. From it the loop learns when a payout is stored.
type journal struct {
	mu      sync.Mutex
	rest    string // of a line that is not complete
	lines   []string
	stored  []string // ids of payouts, in their order
	awaited string
	arrived chan struct{} // closed with the next line that says what is awaited
}

var txidKey = regexp.MustCompile(` txid=([0-9a-f]{64})`)

// Write implements io.Writer.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := strings.Split(j.rest+string(b), "\n")
	j.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		j.lines = append(j.lines, line)
		if txid := txidKey.FindStringSubmatch(line); strings.Contains(line, payoutStored) && txid != nil {
			j.stored = append(j.stored, txid[1])
		}
		if j.awaited != "" && strings.Contains(line, j.awaited) {
			close(j.arrived)
			j.awaited = ""
		}
	}
	return len(b), nil
}

// next is closed with the next line that says something. One is waited for at a time.
func (j *journal) next(what string) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.awaited, j.arrived = what, make(chan struct{})
	return j.arrived
}

// note adds a line of the loop's own, so that a story can be read in one piece.
func (j *journal) note(format string, args ...any) {
	line := "time=" + time.Now().Format("2006-01-02T15:04:05.000Z07:00") + " ---- " + fmt.Sprintf(format, args...) + "\n"
	_, _ = j.Write([]byte(line))
}

// cut ends a line that the killed process has not finished.
func (j *journal) cut() {
	j.mu.Lock()
	unfinished := j.rest != ""
	j.mu.Unlock()
	if unfinished {
		_, _ = j.Write([]byte("\n"))
	}
}

func (j *journal) storedPayouts() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stored[:len(j.stored):len(j.stored)]
}

// String is the whole log.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n") + "\n"
}

// tail is the end of the log.
func (j *journal) tail(n int) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines[max(0, len(j.lines)-n):], "\n")
}

// mentioning are the lines with any of the words in them, and the loop's own.
func (j *journal) mentioning(words []string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, line := range j.lines {
		if strings.Contains(line, " ---- ") || containsAny(line, words) {
			found = append(found, line)
		}
	}
	return found
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if w != "" && strings.Contains(s, w) {
			return true
		}
	}
	return false
}

var levelKey = regexp.MustCompile(` level=(WARN|ERROR) msg=("[^"]*"|\S+)`)

// matching are the lines with a text in them.
func (j *journal) matching(text string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(j.lines), func(line string) bool { return !strings.Contains(line, text) })
}

// troubles counts the warnings and errors by their messages.
func (j *journal) troubles() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	counts := make(map[string]int)
	for _, line := range j.lines {
		if m := levelKey.FindStringSubmatch(line); m != nil {
			counts[m[1]+" "+strings.Trim(m[2], `"`)]++
		}
	}
	return counts
}
