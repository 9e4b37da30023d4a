package scan

import (
	"bytes"
	"hash/maphash"
	"sync"
)

// WatchSet is the set of watched keys of one chain: an open-addressed table of 64-bit hashes. A million keys take 16 MiB
// and no pointer that the garbage collector would have to follow. Two keys may share a hash (once in about 10^13
// look-ups at a million keys): the store, which knows the bindings, has the last word on a hit.
type WatchSet struct {
	mu    sync.RWMutex
	seed  maphash.Seed
	table []uint64 // 0 is an empty slot
	n     int
	keys  [][]byte // all of them, as long as they are no more than maxListed
}

// maxListed is how many keys are kept in full for adapters that match whole sets, as with compact block filters: up to
// about here that pays (at 100,000 scripts one block in seven matches by chance).
const maxListed = 100_000

// NewWatchSet makes an empty set with room for n keys.
func NewWatchSet(n int) *WatchSet {
	size := 1024
	for size < 2*n {
		size *= 2
	}
	return &WatchSet{seed: maphash.MakeSeed(), table: make([]uint64, size)}
}

// Has implements teller.Watched.
func (w *WatchSet) Has(key []byte) bool {
	h := w.hash(key)
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.table[slot(w.table, h)] == h
}

// Add watches a key from now on. Adding it again changes nothing.
func (w *WatchSet) Add(key []byte) {
	h := w.hash(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slot(w.table, h)
	if w.table[i] == h {
		return
	}
	if 2*(w.n+1) > len(w.table) {
		w.grow()
		i = slot(w.table, h)
	}
	w.table[i] = h
	w.n++
	switch {
	case w.n <= maxListed:
		w.keys = append(w.keys, bytes.Clone(key))
	case w.keys != nil:
		w.keys = nil
	}
}

// Keys implements teller.Watched.
func (w *WatchSet) Keys() (keys [][]byte, ok bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.keys[:len(w.keys):len(w.keys)], w.n <= maxListed
}

// Len is the number of keys.
func (w *WatchSet) Len() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.n
}

func (w *WatchSet) hash(key []byte) uint64 {
	return max(maphash.Bytes(w.seed, key), 1)
}

func (w *WatchSet) grow() {
	bigger := make([]uint64, 2*len(w.table))
	for _, h := range w.table {
		if h != 0 {
			bigger[slot(bigger, h)] = h
		}
	}
	w.table = bigger
}

// slot is where h is, or where it would go. The table is never full, so the search ends.
func slot(table []uint64, h uint64) int {
	mask := uint64(len(table) - 1)
	i := h & mask
	for table[i] != 0 && table[i] != h {
		i = (i + 1) & mask
	}
	return int(i)
}

// watchNothing matches no key: blocks below the first height to scan are stored for their hashes only.
type watchNothing struct{}

func (watchNothing) Has([]byte) bool        { return false }
func (watchNothing) Keys() ([][]byte, bool) { return nil, true }
