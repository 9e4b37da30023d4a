package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// Mode is a way in which a call across a boundary goes wrong.
type Mode string

// The modes.
const (
	CrashBefore Mode = "crash before" // the process dies before the call has any effect
	CrashAfter  Mode = "crash after"  // and right after its effect
	Fail        Mode = "error"        // the call has no effect and fails
	Lost        Mode = "lost reply"   // the call has its effect, and fails
	Twice       Mode = "doubled"      // the call arrives two times
	Delay       Mode = "delay"        // the answer comes late: time passes and the world moves on meanwhile
	Hang        Mode = "hang"         // no answer comes before the deadline
	Stale       Mode = "stale"        // the answer is that of an earlier state of the world
	Malformed   Mode = "malformed"    // the answer is not what it should be
	Full        Mode = "disk full"    // nothing is written, for want of space
	Limited     Mode = "rate limited" // the exchange says that it was asked too often
	Late        Mode = "late arrival" // no answer comes, and the request arrives when nobody waits for it any more
	Torn        Mode = "torn"         // the process dies while a part is written
)

// boundary is one kind of call between the engine and the outside: a failpoint.
type boundary struct {
	name  string
	modes []Mode
	// rate is how many thousandths of its calls go wrong when faults are at their usual height. Calls that are made
	// once in a while go wrong more often, so that every mode is met.
	rate int
}

var (
	read   = []Mode{CrashBefore, CrashAfter, Fail, Delay, Hang}
	answer = append(slices.Clone(read), Stale, Malformed)
	trade  = append(slices.Clone(read), Malformed, Limited)
	act    = []Mode{CrashBefore, CrashAfter, Fail, Lost, Delay, Hang, Twice}
	commit = []Mode{CrashBefore, CrashAfter, Fail, Lost, Full}
	line   = []Mode{CrashBefore, CrashAfter, Fail, Torn}
)

// boundaries lists every failpoint with the modes that apply to it. Commits and journal lines are named after the
// ledger's operation that they make durable.
func boundaries() []boundary {
	var all []boundary
	add := func(rate int, modes []Mode, prefix string, names ...string) {
		for _, n := range names {
			all = append(all, boundary{prefix + n, modes, rate})
		}
	}
	for _, c := range teller.Coins {
		add(150, append(slices.Clone(read), Malformed), c.Lower()+".", "Genesis")
		add(8, answer, c.Lower()+".", "Tip", "Block")
		add(150, answer, c.Lower()+".", "BlockHash")
	}
	add(60, read, "", "eth.Balances", "btc.Unconfirmed")
	add(150, append(slices.Clone(read), Malformed), "node.", "Genesis")
	add(15, read, "node.", "Head", "Synced")
	add(60, read, "node.", "Rules", "Pending")
	add(30, append(slices.Clone(read), Malformed), "node.", "Blocks")
	add(200, read, "node.", "Outputs", "History", "Transaction")
	add(120, act, "node.", "Inject")
	add(150, []Mode{CrashBefore, CrashAfter, Fail, Delay}, "", "wallet.Build")
	add(60, trade, "exchange.", "Market", "Balance", "Find", "Order")
	add(900, trade, "exchange.", "Cancel")
	add(500, append(slices.Clone(act), Malformed, Limited, Late), "exchange.", "Place")
	add(15, []Mode{Fail, Delay}, "ledger.", reads...)
	add(100, []Mode{Fail, Delay}, "ledger.", "Order")
	for _, op := range writes {
		add(20+150*count(slices.Contains(rare, op) || slices.Contains(seldom, op)), []Mode{Fail}, "ledger.", op)
	}
	for _, op := range append(slices.Clone(writes), "Open") {
		switch {
		case op == "MarkPaid": // its journal line has faults of its own
			add(500, commit, "commit.", op)
		case slices.Contains(rare, op):
			add(900, commit, "commit.", op)
		case slices.Contains(seldom, op):
			add(350, commit, "commit.", op)
		default:
			add(60, commit, "commit.", op)
		}
	}
	for _, op := range journaled {
		if slices.Contains(rare, op) {
			add(900, line, "journal.", op)
		} else {
			add(150, line, "journal.", op)
		}
	}
	return all
}

// The operations of the ledger that the engine calls.
var (
	reads = []string{
		"Cursor", "SavedHash", "BoundAddresses", "UsedAddresses", "IsUsed", "BoundAfter", "Totals", "Rescan", "Due",
		"WalletCursor", "Outputs", "PendingPayouts", "ImportsToCheck", "VerifyWallet", "Deposit", "PendingOrders",
	}
	writes = []string{
		"Bind", "PinChain", "SaveBlocks", "CreditDeep", "NoteTip", "Rewind", "StartRescan", "SaveRescanned",
		"CompareBalances", "Decide", "PinSkycoin", "OpenWallet", "SaveSkyBlocks", "NotePending", "CreatePayout", "Hold",
		"Release", "CloseDeposit", "SettleWithdrawal", "MarkPaid",
		"PrepareOrder", "BeginOrder", "NoteOrder", "DoubtOrder", "FailOrder", "SendBought", "PayInstead", "Refund", "EndOrder",
	}
	// seldom are those of writes that a run makes once or twice.
	seldom = []string{"CompareBalances", "NotePending", "PinChain", "PinSkycoin", "OpenWallet", "Hold", "StartRescan", "SettleWithdrawal", "CloseDeposit", "Release", "MarkPaid", "Open", "DoubtOrder", "FailOrder", "PayInstead", "Refund", "EndOrder",
		"PrepareOrder", "BeginOrder", "NoteOrder", "SendBought", "CreatePayout", "CreditDeep",
	}
	// rare are those that operators do once in many runs.
	rare = []string{"MarkPaid", "PayInstead", "Refund", "EndOrder", "FailOrder", "DoubtOrder"}
	// journaled are those that add lines to the journal; lines that a failure has left out go with any later one.
	journaled = []string{"Bind", "CreatePayout", "BeginOrder", "CloseDeposit", "MarkPaid", "Open", "later"}
)

// faults decides which calls go wrong, and counts.
type faults struct {
	points map[string]boundary
	height int // thousandths of the usual rates; 0 = none
	allow  func(point string, m Mode) bool
	hits   Hits
}

// Hits counts the faults injected, by failpoint and mode.
type Hits map[string]map[Mode]int

// Add adds other counts.
func (h Hits) Add(other Hits) {
	for point, modes := range other {
		for m, n := range modes {
			h.count(point, m, n)
		}
	}
}

func (h Hits) count(point string, m Mode, n int) {
	if h[point] == nil {
		h[point] = make(map[Mode]int)
	}
	h[point][m] += n
}

// Missed lists the modes of failpoints that were never injected, "point: mode".
func (h Hits) Missed() []string {
	var missed []string
	for _, b := range boundaries() {
		for _, m := range b.modes {
			if h[b.name][m] == 0 {
				missed = append(missed, fmt.Sprintf("%s: %s", b.name, m))
			}
		}
	}
	return missed
}

// ByMode sums up how often each mode was injected, and in how many of the failpoints that it applies to.
func (h Hits) ByMode() string {
	type sum struct{ points, hit, injected int }
	sums := make(map[Mode]*sum)
	for _, b := range boundaries() {
		for _, m := range b.modes {
			s := sums[m]
			if s == nil {
				s = new(sum)
				sums[m] = s
			}
			s.points++
			if n := h[b.name][m]; n > 0 {
				s.hit++
				s.injected += n
			}
		}
	}
	var text strings.Builder
	for _, m := range slices.Sorted(maps.Keys(sums)) {
		s := sums[m]
		fmt.Fprintf(&text, "%-13s %8d injected, at %3d of %3d failpoints (%d%%)\n", m, s.injected, s.hit, s.points, 100*s.hit/s.points)
	}
	return text.String()
}

func newFaults(allow func(string, Mode) bool) *faults {
	f := &faults{points: make(map[string]boundary), allow: allow, hits: make(Hits)}
	for _, b := range boundaries() {
		f.points[b.name] = b
	}
	return f
}

// draw decides whether a call goes wrong, "" = it does not.
func (f *faults) draw(w *world, point string) Mode {
	b, known := f.points[point]
	if !known {
		panic("sim: failpoint " + point + " is not listed")
	}
	if f.height == 0 || !w.chance(b.rate*f.height/1000) {
		return ""
	}
	m := b.modes[w.rng.IntN(len(b.modes))]
	if f.allow != nil && !f.allow(point, m) {
		return ""
	}
	f.hits.count(point, m, 1)
	w.note("fault: %s %s", point, m)
	return m
}

// trap is what happens at a certain call, whatever its fault.
type trap struct {
	point  string
	after  bool // the answer has been given by then
	spring func()
}

// spring lets a trap at the call close.
func (w *world) spring(point string, after bool) {
	if t := w.trap; t != nil && t.point == point && t.after == after && !w.drifting {
		w.trap = nil
		w.drifting = true
		t.spring()
		w.drifting = false
	}
}

// crash is what the engine's goroutine is ended with.
type crash struct{}

// call makes a call from the engine to the outside, with whatever goes wrong. f gets Stale and Malformed to deal with.
func (w *world) call(point string, f func(Mode) error) error {
	w.mustLive()
	if w.inLedger > 0 {
		w.model.violate("I7", "%s is called while a transaction of the ledger is open", point)
	}
	unavailable := teller.Errorf(teller.CodeUnavailable, "%s: the simulated node does not answer", point)
	w.spring(point, false)
	defer w.spring(point, true)
	switch m := w.faults.draw(w, point); m {
	case CrashBefore:
		w.die()
	case CrashAfter:
		_ = f("")
		w.die()
	case Fail:
		return unavailable
	case Lost:
		_ = f("")
		return unavailable
	case Twice:
		_ = f("")
		return f("")
	case Delay:
		w.drift()
		return f("")
	case Hang:
		w.drift()
		return unavailable
	default:
		return f(m)
	}
	return nil
}

// die ends the process: nothing that the engine does from now on has any effect.
func (w *world) die() {
	w.crashed = true
	panic(crash{})
}

// mustLive stops an engine that has not noticed yet that it is dead.
func (w *world) mustLive() {
	if w.crashed {
		panic(crash{})
	}
}
