package chaintest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func fakeHarness(bug string) Harness {
	return Harness{
		Start:    func(t testing.TB) Node { return startFakeNode(t, "first", bug) },
		Push:     true,
		Verified: true,
	}
}

// TestGoodChain: an adapter without a fault passes the suite.
func TestGoodChain(t *testing.T) { Run(t, fakeHarness("")) }

// TestGoodChainOverWebsockets: and so does one that asks through websockets, which the proxy treats in another way.
func TestGoodChainOverWebsockets(t *testing.T) {
	h := fakeHarness("")
	h.Start = func(t testing.TB) Node {
		n := startFakeNode(t, "first", "")
		n.socket = true
		return n
	}
	Run(t, h)
}

// TestBugsAreCaught: one with a fault does not. The tests named are those that must find it, and others may.
func TestBugsAreCaught(t *testing.T) {
	for bug, finders := range map[string][]string{
		"calls all networks alike":            {"WrongNetwork", "Tip"},
		"does not hash":                       {"ChangedByte"},
		"does not stop listening":             {"Notify"},
		"finds it twice":                      {"Payment", "TwoOutputs", "CatchUp"},
		"finds nothing for many":              {"TwoOutputs", "CatchUp"},
		"gives addresses the same key":        {"WatchKey"},
		"gives no parent":                     {"Tip", "Payment"},
		"has errors of its own":               {"NodeDown", "Cancel"},
		"has no timeout":                      {"HangingNode"},
		"ignores its context":                 {"Cancel"},
		"keeps what was mined in the mempool": {"Mempool"},
		"leaves a goroutine":                  {"NoLeaks"},
		"numbers no outputs":                  {"TwoOutputs"},
		"remembers blocks":                    {"Reorg", "ReorgWhileReading"},
		"remembers hashes":                    {"Reorg", "ReorgWhileReading"},
		"reports everybody's payments":        {"OthersPayments"},
		"rounds":                              {"Payment", "Mempool"},
		"says unavailable above the tip":      {"AboveTip", "NodeBehind"},
		"sees one output":                     {"TwoOutputs", "OthersPayments"},
		"spells addresses wrong":              {"Payment"},
		"takes any block":                     {"AnotherBlocksAnswer"},
		"takes nonsense for nothing":          {"BadAnswers", "OneBadAnswer"},
		"tells no news":                       {"Notify"},
		"tells of blocks only":                {"Notify"},
		"watches anything":                    {"WatchKey"},
	} {
		for _, name := range finders {
			t.Run(bug+"/"+name, func(t *testing.T) {
				if failures := record(t, bug, name); len(failures) == 0 {
					t.Error("the test passed")
				} else {
					t.Log(failures[0])
				}
			})
		}
	}
}

// record runs one test of the suite against an adapter with a bug and returns its complaints.
func record(t *testing.T, bug, name string) []string {
	i := slices.IndexFunc(trials, func(c struct {
		name string
		run  func(*trial)
	}) bool {
		return c.name == name
	})
	h := fakeHarness(bug)
	h.patience = 2 * time.Second
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // which FailNow ends
		defer close(done)
		h.try(r, trials[i].run)
	}()
	<-done
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	return r.failures
}

// recorder is a test that does not fail.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) fail(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, strings.TrimSpace(text))
}

func (r *recorder) Cleanup(f func())             { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any)            { r.fail(fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, args ...any) { r.fail(fmt.Sprintf(f, args...)) }
func (r *recorder) Fatal(args ...any)            { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(f string, args ...any) { r.Errorf(f, args...); runtime.Goexit() }
func (r *recorder) Skip(args ...any)             { r.Fatal(args...) }
func (r *recorder) Skipf(f string, args ...any)  { r.Fatalf(f, args...) }
func (r *recorder) Log(...any)                   {}
func (r *recorder) Logf(string, ...any)          {}
func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}
