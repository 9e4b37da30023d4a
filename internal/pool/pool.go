// Package pool is where fresh deposit addresses come from.
//
// There are two kinds of Source. An address file is made by the operator beforehand, on a machine that holds the keys:
// ReadFile reads it into a List and refuses the whole file when anything in it is wrong, because a coin sent to a
// misspelt address is lost. A Pool hands the addresses of a List out, each once, in the order of the file. An extended
// public key makes addresses for ever: Derived hands out one after the other. A Sequence joins them: the file first.
//
// Which addresses were bound in an earlier run is the ledger's knowledge, not the pool's: a Pool is told once, by
// Exclude, and Derived by the index to begin with. Nothing here is stored, and nothing here has to be right for the
// rule that an address is bound once: the store's Bind refuses a second time, whatever the pool says.
//
// # Upcoming addresses
//
// Buyers keep old addresses and operators try new ones out, so coins may arrive at an address before it is bound. They
// are seen when the address is watched by then: a Source tells, by Upcoming, what it may hand out soon, before it does.
//
// # Size
//
// Files of a million addresses are normal. A List keeps the spellings in one string with an offset each and finds them
// by an open-addressed table of positions: about 46 bytes for a BTC address, and nothing in it for the garbage
// collector to follow.
package pool

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/skycoin/teller"
)

// Source is one place where addresses come from. Implementations are safe for concurrent use.
type Source interface {
	teller.Pool
	// Contains reports whether the address, in its canonical spelling, is one of the source's own.
	Contains(address string) bool
	// Upcoming calls f for the addresses that may be handed out soon, and from then on for each one that joins them,
	// before Take hands it out. f may be called by any goroutine that calls Take, and must not call the source. An
	// error of f ends Upcoming or Take with it. Another call replaces f.
	Upcoming(f func(address string) error) error
}

// Pool hands out the addresses of a List. It is safe for concurrent use.
type Pool struct {
	mu        sync.Mutex
	list      *List
	gone      bitset // not to be handed out: out or excluded
	excluded  bitset // was used before this run: Return does not bring it back
	next      int    // nothing before it is free
	remaining int
}

var _ Source = (*Pool)(nil)

// New makes a pool of the list's addresses, none of them used yet; see Exclude.
func New(list *List) *Pool {
	n := list.Len()
	return &Pool{list: list, gone: newBitset(n), excluded: newBitset(n), remaining: n}
}

// Take removes the first free address in the order of the file, which may be one that was returned; CodePoolEmpty when
// there is none.
func (p *Pool) Take() (teller.PoolAddress, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.gone.firstClear(p.next)
	if i < 0 {
		return teller.PoolAddress{}, teller.Errorf(teller.CodePoolEmpty, "no unused %s deposit address is left: "+
			"add addresses to the file and have it read again (SIGHUP or POST /api/addresses/reload), "+
			"or configure an extended public key", p.list.Coin())
	}
	p.gone.set(i)
	p.next = i + 1
	p.remaining--
	return teller.PoolAddress{Address: p.list.At(i)}, nil
}

// Return puts an address back that was taken and not bound; it is handed out again before those after it. An address
// that is not out is left alone: returning twice changes nothing. So is one that is not in the file (any more), and
// one that was derived from an extended public key, even if it is in the file as well.
func (p *Pool) Return(a teller.PoolAddress) {
	if a.Source != "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.list.Index(a.Address)
	if !ok || !p.gone.has(i) || p.excluded.has(i) {
		return
	}
	p.gone.clear(i)
	p.next = min(p.next, i)
	p.remaining++
}

// Exclude takes an address out for good: it was used before this run. Unknown addresses are ignored; idempotent.
func (p *Pool) Exclude(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.list.Index(address)
	if !ok {
		return
	}
	p.excluded.set(i)
	if !p.gone.has(i) {
		p.gone.set(i)
		p.remaining--
	}
}

// Replace goes on with another pool's list, in one step between two calls of Take: the file was read again. What is
// out stays out and may still be returned. fresh must have been told what was used before (Exclude) and must not be
// used any more; its addresses should have been announced (Upcoming) before, because it is not done here. An address
// that is out and not in the new list is forgotten; should a later list have it again, Bind refuses what was bound.
func (p *Pool) Replace(fresh *Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.list.Len() {
		if !p.gone.has(i) || p.excluded.has(i) {
			continue
		}
		if at, ok := fresh.list.Index(p.list.At(i)); ok && !fresh.gone.has(at) {
			fresh.gone.set(at)
			fresh.remaining--
		}
	}
	p.list, p.gone, p.excluded, p.next, p.remaining = fresh.list, fresh.gone, fresh.excluded, fresh.next, fresh.remaining
}

// List is what the pool hands out at present; see List.Changes.
func (p *Pool) List() *List {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.list
}

// Remaining is how many addresses are left.
func (p *Pool) Remaining() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.remaining
}

// Contains reports whether the address, in its canonical spelling, is in the pool's file, whether handed out or not.
func (p *Pool) Contains(address string) bool { return p.List().Contains(address) }

// Upcoming calls f for every address that was not excluded. No address joins them later, except by Replace. The pool
// can be used meanwhile.
func (p *Pool) Upcoming(f func(address string) error) error {
	p.mu.Lock()
	list, excluded := p.list, slices.Clone(p.excluded)
	p.mu.Unlock()
	for i := excluded.firstClear(0); i >= 0; i = excluded.firstClear(i + 1) {
		if err := f(list.At(i)); err != nil {
			return err
		}
	}
	return nil
}

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
