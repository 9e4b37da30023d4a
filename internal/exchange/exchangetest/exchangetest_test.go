package exchangetest

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

func fakeHarness(bug string) Harness {
	return Harness{
		Start: func(t testing.TB) Server { return startFakeServer(t, bug) },
		Coin:  teller.BTC, Price: teller.NewAmount(100_000), Tick: teller.NewAmount(1), Lot: 1,
		TooSmall: teller.NewAmount(1_000), Rests: true,
		Places: func(r *http.Request) bool { return r.URL.Path == "/place" },
	}
}

// TestGoodExchange: an adapter without a fault passes the suite.
func TestGoodExchange(t *testing.T) { Run(t, fakeHarness("")) }

// TestBugsAreCaught: one with a fault does not. The tests named are those that must find it, and others may.
func TestBugsAreCaught(t *testing.T) {
	for bug, finders := range map[string][]string{
		"adds a digit to what it spends":      {"MarketOrder", "Amounts"},
		"asks twice when the answer is lost":  {"LostReply"},
		"calls a lost reply a refusal":        {"LostReply", "LostRequest", "LateRequest"},
		"calls a rate limit trouble":          {"RateLimit"},
		"calls a taken id nonsense":           {"ReusedID"},
		"calls every end a success":           {"Ends", "Cancel"},
		"calls nonsense not found":            {"BadAnswers", "OneBadAnswer", "Maintenance"},
		"calls the first page all there is":   {"ManyOrders"},
		"calls too little nonsense":           {"BelowMinimum"},
		"calls want of coins nonsense":        {"ShortOfCoins"},
		"calls wrong keys trouble":            {"WrongKeys"},
		"cancels nothing":                     {"Cancel"},
		"counts what is reserved as free":     {"Balance"},
		"cuts what was spent":                 {"Amounts", "LimitAmounts"},
		"does not know other spellings":       {"Find"},
		"does not look at ids":                {"Nonsense"},
		"does not mind what an order costs":   {"LimitOrder", "WaitingOrder", "LimitAmounts"},
		"fails to cancel what is over":        {"Cancel", "Ends", "FinalIsFinal"},
		"finds nothing that is over":          {"Find", "MarketOrder"},
		"finds what begins alike":             {"Find"},
		"forgets the fee":                     {"MarketOrder", "WaitingOrder"},
		"has errors of its own":               {"ServerDown"},
		"has no timeout":                      {"HangingServer"},
		"ignores its context":                 {"CancelledCalls"},
		"leaves a goroutine":                  {"NoLeaks"},
		"lists everything as open":            {"Open", "Ends"},
		"lists nothing as open":               {"Open", "ByHand"},
		"never ends":                          {"MarketOrder", "Ends"},
		"numbers its reports":                 {"FinalIsFinal", "Cancel"},
		"overlooks orders without an id":      {"ByHand"},
		"places a taken id without a word":    {"ReusedID", "LostReply"},
		"reads any answer":                    {"BadAnswers"},
		"remembers reports":                   {"WaitingOrder", "Open"},
		"rounds the balance":                  {"Balance"},
		"rounds the price up":                 {"LimitAmounts"},
		"takes any coin":                      {"OtherCoins"},
		"takes any order for the one it asks": {"Order"},
		"tells its secret":                    {"WrongKeys", "RateLimit"},
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
