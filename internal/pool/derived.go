package pool

import (
	"cmp"
	"slices"
	"sync"

	"github.com/skycoin/teller"
)

const (
	// lookAhead is how many addresses are announced before they are handed out. Nobody should know an address before
	// it is bound, but the seed holder's wallet shows the first ones, and a restored ledger may lack the last bindings.
	// Deriving a thousand takes a tenth of a second.
	lookAhead = 1000

	maxIndexes = 1 << 31 // of an extended public key
)

// Deriver makes the addresses of an extended public key. It is safe for concurrent use.
type Deriver interface {
	// Address is the address at an index below 2^31, always the same; CodeNotFound when there is none and the next
	// index is to be taken.
	Address(index uint32) (string, error)
	// ID names the key in the ledger. It never changes.
	ID() string
}

// Derived hands out the addresses of an extended public key by ascending index. It is safe for concurrent use. An
// address costs its derivation once, some 50 to 150 microseconds.
type Derived struct {
	coin    teller.Coin
	deriver Deriver
	source  string // the deriver's ID

	mu       sync.Mutex
	ahead    []teller.PoolAddress // free and announced, by ascending Index; with those that came back
	next     uint32               // everything below was derived
	announce func(address string) error
}

var _ Source = (*Derived)(nil)

// NewDerived makes a pool that begins at index next: one more than the highest that was ever bound. It derives nothing
// yet.
func NewDerived(coin teller.Coin, deriver Deriver, next uint32) *Derived {
	return &Derived{coin: coin, deriver: deriver, source: deriver.ID(), next: min(next, maxIndexes)}
}

// Take removes the address with the lowest index, which may be one that was returned; CodePoolEmpty when all 2^31 were
// handed out.
func (d *Derived) Take() (teller.PoolAddress, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	want := 1
	if d.announce != nil {
		want += lookAhead
	}
	if err := d.fill(want); err != nil {
		return teller.PoolAddress{}, err
	}
	if len(d.ahead) == 0 {
		return teller.PoolAddress{}, teller.Errorf(teller.CodePoolEmpty,
			"every %s deposit address of the extended public key was handed out: configure another account's", d.coin)
	}
	a := d.ahead[0]
	d.ahead = d.ahead[1:]
	return a, nil
}

// fill derives until n addresses are free, or all are.
func (d *Derived) fill(n int) error {
	for len(d.ahead) < n && d.next < maxIndexes {
		address, err := d.deriver.Address(d.next)
		if teller.CodeOf(err) == teller.CodeNotFound {
			d.next++
			continue
		}
		if err != nil {
			return err
		}
		if d.announce != nil {
			if err := d.announce(address); err != nil {
				return err
			}
		}
		d.ahead = append(d.ahead, teller.PoolAddress{Address: address, Source: d.source, Index: d.next})
		d.next++
	}
	return nil
}

// Return puts an address back that was taken and not bound; it is handed out again before those after it. An address
// that is not out, or came from another source, is left alone: returning twice changes nothing.
func (d *Derived) Return(a teller.PoolAddress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, free := slices.BinarySearchFunc(d.ahead, a, func(x, y teller.PoolAddress) int { return cmp.Compare(x.Index, y.Index) })
	if a.Source != d.source || a.Index >= d.next || free {
		return
	}
	d.ahead = slices.Insert(d.ahead, at, a)
}

// Remaining is how many addresses are left.
func (d *Derived) Remaining() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ahead) + int(maxIndexes-d.next)
}

// Contains reports whether the address is one of those that were announced and not handed out. Whose an address further
// on is can not be told without deriving up to it, and those handed out are known to the ledger.
func (d *Derived) Contains(address string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.ahead, func(a teller.PoolAddress) bool { return a.Address == address })
}

// Upcoming calls f for the next 1,000 addresses, and in each Take for the one that takes the place of the one taken.
// Returned addresses were announced before they were first taken, if that was after an earlier Upcoming.
func (d *Derived) Upcoming(f func(address string) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.ahead {
		if err := f(a.Address); err != nil {
			return err
		}
	}
	d.announce = f
	return d.fill(lookAhead)
}
