package pool

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// digits derives the index itself. It counts, and has no address at the indexes in missing.
type digits struct {
	missing []uint32
	calls   int
}

func (d *digits) Address(index uint32) (string, error) {
	d.calls++
	if index >= maxIndexes {
		return "", teller.Errorf(teller.CodeInvalid, "index %d", index)
	}
	if slices.Contains(d.missing, index) {
		return "", teller.Errorf(teller.CodeNotFound, "no address %d", index)
	}
	return fmt.Sprint("derived", index), nil
}

func (d *digits) ID() string { return "digits" }

func derived(index uint32) teller.PoolAddress {
	return teller.PoolAddress{Address: fmt.Sprint("derived", index), Source: "digits", Index: index}
}

func wantTake(t testing.TB, p teller.Pool, want teller.PoolAddress) {
	t.Helper()
	if got, err := p.Take(); err != nil || got != want {
		t.Fatalf("took %+v, %v; want %+v", got, err, want)
	}
}

func wantEmpty(t testing.TB, p teller.Pool, words ...string) {
	t.Helper()
	got, err := p.Take()
	if teller.CodeOf(err) != teller.CodePoolEmpty {
		t.Fatalf("took %+v, %v; want none", got, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not mention %q", err, w)
		}
	}
}

func TestDerivedTakesByIndex(t *testing.T) {
	key := &digits{missing: []uint32{8, 9}}
	p := NewDerived(teller.BTC, key, 7)
	if key.calls != 0 {
		t.Errorf("%d addresses were derived before any was needed", key.calls)
	}
	if p.Remaining() != 1<<31-7 {
		t.Errorf("%d remaining", p.Remaining())
	}
	wantTake(t, p, derived(7))
	wantTake(t, p, derived(10)) // two have no key
	wantTake(t, p, derived(11))
	p.Return(derived(10))
	p.Return(derived(10)) // twice changes nothing
	p.Return(derived(7))
	p.Return(derived(12))         // never taken
	p.Return(derived(1 << 31))    // impossible
	p.Return(ofFile("derived11")) // equal, but of the file
	p.Return(teller.PoolAddress{Address: "x", Source: "another key", Index: 11})
	if p.Remaining() != 1<<31-12+2 {
		t.Errorf("%d remaining", p.Remaining())
	}
	for _, index := range []uint32{7, 10, 12, 13} {
		wantTake(t, p, derived(index))
	}
}

func TestDerivedEnds(t *testing.T) {
	p := NewDerived(teller.BTC, &digits{missing: []uint32{1<<31 - 1}}, 1<<31-3)
	if err := p.Upcoming(func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	wantTake(t, p, derived(1<<31-3))
	wantTake(t, p, derived(1<<31-2))
	wantEmpty(t, p, "BTC", "another account")
	p.Return(derived(1<<31 - 2))
	wantTake(t, p, derived(1<<31-2))
	if wantEmpty(t, p); p.Remaining() != 0 {
		t.Errorf("%d remaining", p.Remaining())
	}
	wantEmpty(t, NewDerived(teller.BTC, &digits{}, 1<<32-1))
}

func TestDerivedAnnounces(t *testing.T) {
	key := &digits{}
	p := NewDerived(teller.ETH, key, 0)
	wantTake(t, p, derived(0))
	if p.Contains("derived1") {
		t.Error("an address that nobody asked for is known")
	}
	var told []string
	tell := func(address string) error {
		told = append(told, address)
		return nil
	}
	if err := p.Upcoming(tell); err != nil {
		t.Fatal(err)
	}
	if len(told) != lookAhead || told[0] != "derived1" || told[lookAhead-1] != "derived1000" || !p.Contains("derived1000") || p.Contains("derived1001") {
		t.Fatalf("%d were announced, from %s to %s", len(told), told[0], told[len(told)-1])
	}
	wantTake(t, p, derived(1))
	if len(told) != lookAhead+1 || told[lookAhead] != "derived1001" {
		t.Errorf("%d were announced after one was taken", len(told))
	}
	p.Return(derived(1)) // it was announced, and one more is not needed
	wantTake(t, p, derived(1))
	if len(told) != lookAhead+1 || key.calls != lookAhead+2 {
		t.Errorf("%d were announced, %d derived", len(told), key.calls)
	}
	told = nil
	if err := p.Upcoming(tell); err != nil || len(told) != lookAhead || told[0] != "derived2" {
		t.Errorf("%d were announced again, %v", len(told), err)
	}

	// What can not be announced is not handed out, and is not lost.
	refused := errors.New("not now")
	count := 0
	if err := p.Upcoming(func(string) error { count++; return refused }); !errors.Is(err, refused) || count != 1 {
		t.Errorf("Upcoming = %v after %d calls", err, count)
	}
	ok := false
	if err := p.Upcoming(func(string) error {
		if !ok {
			return nil
		}
		return refused
	}); err != nil {
		t.Fatal(err)
	}
	ok = true
	if a, err := p.Take(); !errors.Is(err, refused) {
		t.Errorf("took %v, %v", a, err)
	}
	ok = false
	wantTake(t, p, derived(2))
}

// Over several lives of the process, with a ledger that refuses what was bound, and that may be an old backup whose
// knowledge of the next index is out of date: nothing is out twice at a time or bound twice, everything handed out was
// announced before, and the lowest free index comes first.
func TestDerivedNeverBindsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p *Derived
		var out []teller.PoolAddress
		announced := map[string]bool{}
		bound := map[string]bool{}
		start := func(next uint32) {
			p, out = NewDerived(teller.BTC, &digits{missing: []uint32{1, 4}}, next), nil
			clear(announced)
			if err := p.Upcoming(func(a string) error { announced[a] = true; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		next := uint32(0) // of the ledger
		start(0)
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				a, err := p.Take()
				if err != nil || !announced[a.Address] || slices.Contains(out, a) || a.Source != "digits" {
					t.Fatalf("took %+v, %v; announced %v, out already %v", a, err, announced[a.Address], slices.Contains(out, a))
				}
				for _, o := range p.ahead {
					if o.Index <= a.Index {
						t.Fatalf("took %d before %d", a.Index, o.Index)
					}
				}
				if len(p.ahead) < lookAhead {
					t.Fatalf("only %d are announced", len(p.ahead))
				}
				out = append(out, a)
			},
			"bind": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip("none is out")
				}
				a := rapid.SampledFrom(out).Draw(t, "address")
				out = slices.DeleteFunc(out, func(o teller.PoolAddress) bool { return o == a })
				if !bound[a.Address] { // else CodeAlreadyBound: the counter takes the next
					bound[a.Address] = true
					next = max(next, a.Index+1)
				}
			},
			"return": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip("none is out")
				}
				a := rapid.SampledFrom(out).Draw(t, "address")
				out = slices.DeleteFunc(out, func(o teller.PoolAddress) bool { return o == a })
				p.Return(a)
			},
			"restart": func(t *rapid.T) {
				start(next)
				a, err := p.Take()
				if err != nil || bound[a.Address] {
					t.Fatalf("the first after a restart is %+v, %v; bound: %v", a, err, bound[a.Address])
				}
				p.Return(a)
			},
			"old backup": func(t *rapid.T) { start(rapid.Uint32Range(0, next).Draw(t, "next")) },
		})
	})
}

func TestDerivedTakesConcurrently(t *testing.T) {
	const takers, each = 8, 200
	p := NewDerived(teller.BTC, &digits{}, 0)
	var mu sync.Mutex
	announced := map[string]bool{}
	if err := p.Upcoming(func(a string) error {
		mu.Lock()
		defer mu.Unlock()
		announced[a] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	got := make([][]uint32, takers)
	var running sync.WaitGroup
	for i := range takers {
		running.Go(func() {
			for n := range each {
				a, err := p.Take()
				if err == nil && n%7 == 3 { // give it back on the way and take another
					p.Return(a)
					a, err = p.Take()
				}
				mu.Lock()
				known := announced[a.Address]
				mu.Unlock()
				if err != nil || !known {
					t.Errorf("took %v, %v; announced: %v", a, err, known)
					return
				}
				got[i] = append(got[i], a.Index)
			}
		})
	}
	running.Wait()
	all := slices.Concat(got...)
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != takers*each || all[len(all)-1] != takers*each-1 {
		t.Errorf("%d different indexes up to %d, want %d without a gap", n, all[len(all)-1], takers*each)
	}
}
