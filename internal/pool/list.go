package pool

import (
	"hash/maphash"
	"iter"
	"math"
	"strings"

	"github.com/skycoin/teller"
)

// List is a coin's deposit addresses in the order of their file: canonical spellings, no two equal. It never changes.
type List struct {
	coin teller.Coin
	text string   // all spellings, one after the other
	ends []uint32 // where each ends in text

	seed  maphash.Seed
	table []uint32 // open-addressed: position+1, or 0; its length is a power of two, at most half of it used
}

// NewList makes a List of addresses that are in their canonical spelling already; CodeInvalid when one is there twice.
// The list keeps its own copy.
func NewList(coin teller.Coin, addresses []string) (*List, error) {
	b := newBuilder(coin, 0)
	for i, address := range addresses {
		if first, added := b.add(address); !added {
			return nil, teller.Errorf(teller.CodeInvalid, "%s address %s is number %d and number %d of the list", coin, address, first+1, i+1)
		}
	}
	return b.list(), nil
}

// Coin is what the addresses are for.
func (l *List) Coin() teller.Coin { return l.coin }

// Len is the number of addresses.
func (l *List) Len() int { return len(l.ends) }

// At returns the address at a position, from 0. It allocates nothing.
func (l *List) At(i int) string { return cut(l.text, l.ends, i) }

// All iterates over the addresses in order.
func (l *List) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range l.ends {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

// Index returns the position of an address in its canonical spelling, and whether it is in the list.
func (l *List) Index(address string) (int, bool) {
	if len(l.table) == 0 {
		return 0, false
	}
	mask := uint64(len(l.table) - 1)
	for slot := maphash.String(l.seed, address) & mask; l.table[slot] != 0; slot = (slot + 1) & mask {
		if i := int(l.table[slot] - 1); l.At(i) == address {
			return i, true
		}
	}
	return 0, false
}

// Contains reports whether an address, in its canonical spelling, is in the list.
func (l *List) Contains(address string) bool {
	_, ok := l.Index(address)
	return ok
}

// Changes counts what is here and not in older, and what is in older and not here.
func (l *List) Changes(older *List) (added, removed int) {
	kept := 0
	for i := range l.ends {
		if older.Contains(l.At(i)) {
			kept++
		}
	}
	return l.Len() - kept, older.Len() - kept
}

func cut(text string, ends []uint32, i int) string {
	if i == 0 {
		return text[:ends[0]]
	}
	return text[ends[i-1]:ends[i]]
}

// builder grows a List. The strings.Builder lets the text become a string without a copy at the end.
type builder struct {
	text strings.Builder
	l    List
}

// newBuilder expects spellings of about size bytes in total.
func newBuilder(coin teller.Coin, size int) *builder {
	b := &builder{l: List{coin: coin, seed: maphash.MakeSeed()}}
	b.text.Grow(size)
	return b
}

// add appends an address, or returns the position of the same one added before.
func (b *builder) add(address string) (at int, added bool) {
	b.l.text = b.text.String()
	if first, ok := b.l.Index(address); ok {
		return first, false
	}
	if b.text.Len()+len(address) > math.MaxUint32 {
		panic("pool: more than 4 GB of addresses") // maxFileSize keeps files far below it
	}
	b.text.WriteString(address)
	b.l.text = b.text.String()
	b.l.ends = append(b.l.ends, uint32(b.text.Len()))
	at = len(b.l.ends) - 1
	if 2*len(b.l.ends) > len(b.l.table) {
		b.grow()
	} else {
		b.enter(at)
	}
	return at, true
}

func (b *builder) grow() {
	b.l.table = make([]uint32, max(1024, 2*len(b.l.table)))
	for i := range b.l.ends {
		b.enter(i)
	}
}

func (b *builder) enter(i int) {
	mask := uint64(len(b.l.table) - 1)
	slot := maphash.String(b.l.seed, b.l.At(i)) & mask
	for b.l.table[slot] != 0 {
		slot = (slot + 1) & mask
	}
	b.l.table[slot] = uint32(i + 1)
}

// list ends the building. Room that the file's size promised and the spellings did not fill is given back.
func (b *builder) list() *List {
	l := b.l
	if b.text.Cap() > len(l.text)/8*9 {
		l.text = strings.Clone(l.text)
	}
	return &l
}
