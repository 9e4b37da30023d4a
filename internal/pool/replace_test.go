package pool

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

func listOf(t testing.TB, addresses ...string) *List {
	t.Helper()
	list, err := NewList(teller.BTC, addresses)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestReplaceKeepsWhatIsOut(t *testing.T) {
	p := newPool(t, []string{"used", "a", "b", "c", "d"}, func(a string) bool { return a == "used" })
	wantTake(t, p, ofFile("a"))
	wantTake(t, p, ofFile("b"))
	wantTake(t, p, ofFile("c"))

	// The file was read again: b is gone, new ones stand before and between, one of which was used long ago.
	fresh := newPool(t, []string{"used", "long ago", "n1", "a", "c", "d", "n2"}, func(a string) bool { return a == "used" || a == "long ago" })
	if added, removed := fresh.List().Changes(p.List()); added != 3 || removed != 1 {
		t.Errorf("%d added, %d removed; want 3 and 1", added, removed)
	}
	p.Replace(fresh)
	if p.Remaining() != 3 || p.Contains("b") || !p.Contains("n1") {
		t.Fatalf("%d remaining, want n1, d and n2", p.Remaining())
	}
	wantTake(t, p, ofFile("n1"))
	p.Return(ofFile("c"))        // out since before
	p.Return(ofFile("b"))        // not in the file any more
	p.Return(ofFile("used"))     // stays out
	p.Return(ofFile("long ago")) //
	for _, want := range []string{"c", "d", "n2"} {
		wantTake(t, p, ofFile(want))
	}
	if wantEmpty(t, p); p.Remaining() != 0 {
		t.Errorf("%d remaining", p.Remaining())
	}
	p.Replace(New(listOf(t))) // a file that lost everything is refused by ReadFile; the pool bears it
	wantEmpty(t, p)
}

func TestChangesOfEqualLists(t *testing.T) {
	a, b := listOf(t, "x", "y"), listOf(t, "y", "x")
	if added, removed := a.Changes(b); added != 0 || removed != 0 {
		t.Errorf("%d added, %d removed by another order", added, removed)
	}
	if added, removed := a.Changes(listOf(t)); added != 2 || removed != 0 {
		t.Errorf("%d added, %d removed", added, removed)
	}
}

func TestUpcomingOfAFile(t *testing.T) {
	p := newPool(t, []string{"used", "a", "b"}, func(a string) bool { return a == "used" })
	wantTake(t, p, ofFile("a")) // out, and may come back
	var told []string
	if err := p.Upcoming(func(a string) error { told = append(told, a); return nil }); err != nil || !slices.Equal(told, []string{"a", "b"}) {
		t.Errorf("announced %v, %v", told, err)
	}
	calls := 0
	if err := p.Upcoming(func(string) error { calls++; return errKey }); !errors.Is(err, errKey) || calls != 1 {
		t.Errorf("Upcoming = %v after %d calls", err, calls)
	}
	if err := New(listOf(t)).Upcoming(func(string) error { return errKey }); err != nil {
		t.Errorf("an empty pool announced: %v", err)
	}
}

// Whatever is taken was announced before, is not out already, and was not used, however often the file is changed and
// read again. The reader does as app does: it excludes what the ledger knows, announces, and replaces.
func TestReplaceAgainstModel(t *testing.T) {
	all := numbered(40)
	rapid.Check(t, func(t *rapid.T) {
		bound, announced, out := map[string]bool{}, map[string]bool{}, map[string]bool{}
		var file []string
		read := func() *Pool {
			file = rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID[string]).Draw(t, "file")
			list, err := NewList(teller.BTC, file)
			if err != nil {
				t.Fatal(err)
			}
			fresh := New(list)
			for a := range bound {
				fresh.Exclude(a)
			}
			if err := fresh.Upcoming(func(a string) error { announced[a] = true; return nil }); err != nil {
				t.Fatal(err)
			}
			return fresh
		}
		p := read()
		end := func(t *rapid.T) string {
			if len(out) == 0 {
				t.Skip("none is out")
			}
			var names []string
			for a := range out {
				names = append(names, a)
			}
			slices.Sort(names)
			a := rapid.SampledFrom(names).Draw(t, "address")
			delete(out, a)
			return a
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				free := slices.DeleteFunc(slices.Clone(file), func(a string) bool { return bound[a] || out[a] })
				a, err := p.Take()
				if len(free) == 0 {
					if teller.CodeOf(err) != teller.CodePoolEmpty {
						t.Fatalf("took %v, %v from an empty pool", a, err)
					}
					return
				}
				if err != nil || a != ofFile(free[0]) || !announced[a.Address] {
					t.Fatalf("took %v, %v; want %s; announced: %v", a, err, free[0], announced[a.Address])
				}
				out[a.Address] = true
			},
			"bind":   func(t *rapid.T) { bound[end(t)] = true },
			"return": func(t *rapid.T) { p.Return(ofFile(end(t))) },
			"reload": func(t *rapid.T) {
				p.Replace(read())
				maps.DeleteFunc(out, func(a string, _ bool) bool { return !p.Contains(a) }) // forgotten
			},
		})
	})
}

// Reloads beside running binds: nothing is bound twice, because what is out stays out.
func TestReplaceConcurrently(t *testing.T) {
	const takers, each = 4, 300
	addresses := numbered(takers*each + 500)
	p := newPool(t, addresses, nil)
	var mu sync.Mutex
	bound := map[string]int{}
	var running, reloading sync.WaitGroup
	done := make(chan struct{})
	reloading.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			fresh := New(listOf(t, addresses...))
			mu.Lock()
			for a := range bound {
				fresh.Exclude(a)
			}
			mu.Unlock()
			p.Replace(fresh)
		}
	})
	for range takers {
		running.Go(func() {
			for i := range each {
				a, err := p.Take()
				if err == nil && i%5 == 0 {
					p.Return(a)
					a, err = p.Take()
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				bound[a.Address]++
				mu.Unlock()
			}
		})
	}
	running.Wait()
	close(done)
	reloading.Wait()
	for a, n := range bound {
		if n > 1 {
			t.Errorf("%s was handed out %d times", a, n)
		}
	}
	if len(bound) != takers*each || p.Remaining() != 500 {
		t.Errorf("%d bound, %d remaining", len(bound), p.Remaining())
	}
}

func BenchmarkReplaceMillion(b *testing.B) {
	addresses := numbered(1_000_000)
	old := listOf(b, addresses...)
	newer := listOf(b, append(slices.Clone(addresses), strings.Repeat("x", 8))...)
	p := New(old)
	for range 10_000 {
		if _, err := p.Take(); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		p.Replace(New(newer))
	}
}
