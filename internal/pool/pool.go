// Package pool is where fresh deposit addresses come from.
//
// The operator makes addresses beforehand, on a machine that holds their keys, and gives teller a file of them: ReadFile
// reads it into a List and refuses the whole file when anything in it is wrong, because a coin sent to a misspelt
// address is lost. A Pool hands the addresses of a List out, each once, in the order of the file. Which of them were
// bound in an earlier run is the ledger's knowledge, not the pool's: it is told once, by Exclude, and the store's Bind refuses
// an address a second time whatever the pool says. So the pool needs no storage of its own.
//
// # Size
//
// Files of a million addresses are normal. A List keeps the spellings in one string with an offset each and finds them
// by an open-addressed table of positions: about 46 bytes for a BTC address, and nothing in it for the garbage
// collector to follow.
package pool

import (
	"math/bits"
	"sync"

	"github.com/skycoin/teller"
)

// Pool hands out the addresses of a List. It implements teller.Pool and is safe for concurrent use.
type Pool struct {
	list *List

	mu        sync.Mutex
	gone      bitset // not to be handed out: out or excluded
	excluded  bitset // was used before this run: Return does not bring it back
	next      int    // nothing before it is free
	remaining int
}

var _ teller.Pool = (*Pool)(nil)

// New makes a pool of the list's addresses, none of them used yet; see Exclude.
func New(list *List) *Pool {
	n := list.Len()
	return &Pool{list: list, gone: newBitset(n), excluded: newBitset(n), remaining: n}
}

// Take removes the first free address in the order of the file, which may be one that was returned; CodePoolEmpty when
// there is none.
func (p *Pool) Take() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.gone.firstClear(p.next)
	if i < 0 {
		return "", teller.Errorf(teller.CodePoolEmpty, "no unused %s deposit address is left: add addresses to the file and restart", p.list.Coin())
	}
	p.gone.set(i)
	p.next = i + 1
	p.remaining--
	return p.list.At(i), nil
}

// Return puts an address back that was taken and not bound; it is handed out again before those after it. An address
// that is not out is left alone: returning twice changes nothing.
func (p *Pool) Return(address string) {
	i, ok := p.list.Index(address)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone.has(i) || p.excluded.has(i) {
		return
	}
	p.gone.clear(i)
	p.next = min(p.next, i)
	p.remaining++
}

// Exclude takes an address out for good: it was used before this run. Unknown addresses are ignored; idempotent.
func (p *Pool) Exclude(address string) {
	if i, ok := p.list.Index(address); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.exclude(i)
	}
}

func (p *Pool) exclude(i int) {
	p.excluded.set(i)
	if !p.gone.has(i) {
		p.gone.set(i)
		p.remaining--
	}
}

// Remaining is how many addresses are left.
func (p *Pool) Remaining() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.remaining
}

// Contains reports whether the address, in its canonical spelling, is in the pool's file, whether handed out or not.
func (p *Pool) Contains(address string) bool { return p.list.Contains(address) }

// bitset is a set of positions in the list, a bit each.
type bitset []uint64

func newBitset(n int) bitset {
	b := make(bitset, (n+63)/64)
	if spare := len(b)*64 - n; spare > 0 {
		b[len(b)-1] = ^uint64(0) << (64 - spare) // bits beyond n are never free
	}
	return b
}

func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) clear(i int)    { b[i/64] &^= 1 << (i % 64) }

// firstClear is the first position from on that is not in the set, -1 when there is none. It looks at 64 at a time: a
// million of them take some ten microseconds.
func (b bitset) firstClear(from int) int {
	for w := from / 64; w < len(b); w++ {
		free := ^b[w]
		if w == from/64 {
			free &= ^uint64(0) << (from % 64)
		}
		if free != 0 {
			return w*64 + bits.TrailingZeros64(free)
		}
	}
	return -1
}
