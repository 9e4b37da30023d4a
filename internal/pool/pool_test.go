package pool

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

func numbered(n int) []string {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("address%d", i)
	}
	return addresses
}

func newPool(t testing.TB, addresses []string, used func(string) bool) *Pool {
	t.Helper()
	list, err := NewList(teller.BTC, addresses)
	if err != nil {
		t.Fatal(err)
	}
	p := New(list)
	for _, a := range addresses {
		if used != nil && used(a) {
			p.Exclude(a)
		}
	}
	return p
}

func takeAll(t testing.TB, p *Pool) []string {
	t.Helper()
	var got []string
	for {
		address, err := p.Take()
		if teller.CodeOf(err) == teller.CodePoolEmpty {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, address.Address)
	}
}

// ofFile is an address as a pool of a file hands it out.
func ofFile(address string) teller.PoolAddress { return teller.PoolAddress{Address: address} }

func TestTakeSkipsUsedInOrder(t *testing.T) {
	addresses := numbered(200)
	p := newPool(t, addresses, func(address string) bool { return slices.Index(addresses, address)%3 == 0 })
	var want []string
	for i, address := range addresses {
		if i%3 != 0 {
			want = append(want, address)
		}
	}
	if p.Remaining() != len(want) {
		t.Errorf("%d remaining, want %d", p.Remaining(), len(want))
	}
	if got := takeAll(t, p); !slices.Equal(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	if p.Remaining() != 0 {
		t.Errorf("%d remaining in an empty pool", p.Remaining())
	}
	if !p.Contains("address0") || !p.Contains("address199") || p.Contains("address200") || p.Contains("") {
		t.Error("Contains must know the addresses of the file, taken or not, and no others")
	}
}

func TestReturn(t *testing.T) {
	p := newPool(t, numbered(5), func(address string) bool { return address == "address1" })
	take := func(want string) {
		t.Helper()
		if got, err := p.Take(); err != nil || got != ofFile(want) {
			t.Fatalf("took %v, %v; want %q", got, err, want)
		}
	}
	take("address0")
	take("address2")
	take("address3")
	p.Return(ofFile("address2"))
	p.Return(ofFile("address2"))        // twice changes nothing
	p.Return(ofFile("address0"))        //
	p.Return(ofFile("address1"))        // used before: stays out
	p.Return(ofFile("address4"))        // never taken
	p.Return(ofFile("somebody else's")) // unknown
	if p.Remaining() != 3 {
		t.Fatalf("%d remaining, want 3", p.Remaining())
	}
	take("address0")
	take("address2")
	take("address4")
	p.Exclude("address4") // was out already
	p.Exclude("somebody else's")
	p.Return(ofFile("address4"))
	if _, err := p.Take(); teller.CodeOf(err) != teller.CodePoolEmpty || p.Remaining() != 0 {
		t.Fatalf("took from an empty pool: %v, %d remaining", err, p.Remaining())
	}
}

func TestNewListRefusesDuplicates(t *testing.T) {
	_, err := NewList(teller.SKY, []string{"a", "b", "a"})
	if teller.CodeOf(err) != teller.CodeInvalid || err.Error() != "SKY address a is number 1 and number 3 of the list" {
		t.Errorf("NewList = %v", err)
	}
	list, err := NewList(teller.SKY, nil)
	if err != nil || list.Len() != 0 || list.Contains("a") {
		t.Errorf("an empty list: %v, %v", list, err)
	}
}

// TestPoolAgainstModel compares a pool with the plainest one that could be: a list to search from the front.
func TestPoolAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addresses := numbered(rapid.IntRange(0, 150).Draw(t, "size"))
		usedBefore := map[string]bool{}
		for _, address := range addresses {
			usedBefore[address] = rapid.Bool().Draw(t, "used")
		}
		list, err := NewList(teller.BTC, addresses)
		if err != nil {
			t.Fatal(err)
		}
		p := New(list)
		for a, used := range usedBefore {
			if used {
				p.Exclude(a)
			}
		}
		out := map[string]bool{} // taken and not returned
		free := func() (all []string) {
			for _, a := range addresses {
				if !usedBefore[a] && !out[a] {
					all = append(all, a)
				}
			}
			return all
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				want := free()
				got, err := p.Take()
				switch {
				case len(want) == 0 && teller.CodeOf(err) != teller.CodePoolEmpty:
					t.Fatalf("took %v, %v from an empty pool", got, err)
				case len(want) > 0 && (err != nil || got != ofFile(want[0])):
					t.Fatalf("took %v, %v; want %q", got, err, want[0])
				case len(want) > 0:
					out[got.Address] = true
				}
			},
			"return": func(t *rapid.T) {
				if len(addresses) == 0 {
					t.Skip("nothing to return")
				}
				a := rapid.SampledFrom(addresses).Draw(t, "address")
				p.Return(ofFile(a))
				delete(out, a)
			},
			"exclude": func(t *rapid.T) {
				if len(addresses) == 0 {
					t.Skip("nothing to exclude")
				}
				a := rapid.SampledFrom(addresses).Draw(t, "address")
				p.Exclude(a)
				usedBefore[a] = true
			},
			"": func(t *rapid.T) {
				if got, want := p.Remaining(), len(free()); got != want {
					t.Fatalf("%d remaining, want %d", got, want)
				}
			},
		})
	})
}

func TestConcurrentTakesAreDistinct(t *testing.T) {
	const takers, each = 8, 300
	p := newPool(t, numbered(takers*each), nil)
	got := make([][]string, takers)
	var running sync.WaitGroup
	for i := range takers {
		running.Go(func() {
			for range each {
				a, err := p.Take()
				if err != nil {
					t.Error(err)
					return
				}
				if len(got[i])%7 == 3 { // give some back on the way and take another
					p.Return(a)
					if a, err = p.Take(); err != nil {
						t.Error(err)
						return
					}
				}
				got[i] = append(got[i], a.Address)
			}
		})
	}
	running.Wait()
	all := slices.Concat(got...)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != takers*each || p.Remaining() != 0 {
		t.Errorf("%d different addresses were handed out, want %d; %d remaining", n, takers*each, p.Remaining())
	}
}
