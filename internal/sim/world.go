package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// world is everything outside of the engine: the chains, their nodes, the disk, the time, and the faults.
type world struct {
	rng       *rand.Rand
	now       time.Time     // goes forward only
	skew      time.Duration // of the clock that the engine reads
	version   int           // grows with every change of a chain
	chains    map[teller.Coin]*coinChain
	sky       *skyChain
	exchange  *exchange
	faults    *faults
	model     *model
	serial    int // makes ids
	down      map[string]bool
	elsewhere func()        // another part of the engine works while one waits for an answer
	peek      func() peeker // the ledger, beneath all faults

	crashed  bool
	inLedger int    // calls of the ledger under way
	op       string // the ledger's operation under way, for the disk
	commits  int    // made durable so far
	reorgs   int
	torn     []byte // what a crash left of a journal line
	drifting bool
	trap     *trap // nil = none is set

	story *strings.Builder // nil = nobody reads it
}

func newWorld(seed uint64) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 0x7e11e5)), //nolint:gosec // a simulation is replayed from its seed
		now: time.Unix(1_700_000_000, 0).UTC(), chains: make(map[teller.Coin]*coinChain), down: make(map[string]bool),
	}
	return w
}

// Now implements teller.Clock as the engine sees it: the wall clock may jump.
func (w *world) Now() time.Time { return w.now.Add(w.skew) }

// chance is true in n of 1000 cases.
func (w *world) chance(n int) bool { return w.rng.IntN(1000) < n }

// pick draws one element.
func pick[T any](w *world, from []T) T { return from[w.rng.IntN(len(from))] }

// between draws a number from both ends included.
func (w *world) between(low, high int) int { return low + w.rng.IntN(high-low+1) }

// id makes a hash that was never there before.
func (w *world) id() string {
	w.serial++
	return fmt.Sprintf("%064x", w.serial)
}

// note adds a line to the story.
func (w *world) note(format string, args ...any) {
	if w.story != nil {
		fmt.Fprintf(w.story, "%s  %s\n", w.now.Format("15:04:05"), fmt.Sprintf(format, args...))
	}
}

// changed notes that a chain is another one than before.
func (w *world) changed() {
	w.version++
	w.model.observe()
}

// drift lets time pass and the world move on in the middle of a call.
func (w *world) drift() {
	if w.drifting {
		return
	}
	w.drifting = true
	w.now = w.now.Add(time.Duration(w.between(1, 30)) * time.Second)
	if w.chance(500) {
		w.happen()
	} else {
		w.elsewhere()
	}
	w.drifting = false
}

// happen is something that the world does by itself.
func (w *world) happen() {
	switch coin := pick(w, []teller.Coin{teller.BTC, teller.ETH}); w.between(0, 9) {
	case 0, 1, 2, 3:
		w.chains[coin].mine(w.between(1, 3))
	case 4:
		w.chains[coin].reorg(w.depth(coin))
	case 5, 6, 7:
		w.sky.mine(800)
	case 8:
		w.node(pick(w, []string{"btc", "eth", "sky"}))
	default:
		w.sky.trouble()
	}
	if w.chance(300) {
		w.exchange.happen()
	}
}

// depth draws that of a reorg: mostly one that the confirmations cover.
func (w *world) depth(coin teller.Coin) int {
	if n := int(w.model.confirmations[coin]); n > 0 && !w.chance(150) {
		return w.between(1, n)
	}
	return w.between(1, 6)
}

// node takes a node down, or up again.
func (w *world) node(name string) {
	w.down[name] = !w.down[name]
	w.note("node %s: down %t", name, w.down[name])
}
