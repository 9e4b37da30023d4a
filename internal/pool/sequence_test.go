package pool

import (
	"errors"
	"slices"
	"testing"

	"github.com/skycoin/teller"
)

func TestSequenceUsesTheFileFirst(t *testing.T) {
	// derived1 is in the file as well: the operator made the file from the same key.
	file := newPool(t, []string{"a", "derived1", "b"}, nil)
	s := NewSequence(file, NewDerived(teller.BTC, &digits{}, 0))
	var told []string
	if err := s.Upcoming(func(a string) error { told = append(told, a); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(told) != 3+lookAhead || !slices.Equal(told[:4], []string{"a", "derived1", "b", "derived0"}) {
		t.Errorf("%d announced, first %v", len(told), told[:4])
	}
	if s.Remaining() != 3+1<<31 {
		t.Errorf("%d remaining", s.Remaining())
	}
	for _, want := range []teller.PoolAddress{ofFile("a"), ofFile("derived1"), ofFile("b"), derived(0), derived(1)} {
		wantTake(t, s, want)
	}
	s.Return(derived(1)) // into the key's pool only
	s.Return(derived(1))
	wantTake(t, s, derived(1))
	s.Return(ofFile("b"))
	s.Return(derived(0))
	wantTake(t, s, ofFile("b")) // the file first
	wantTake(t, s, derived(0))
	wantTake(t, s, derived(2))
	if !s.Contains("a") || !s.Contains("derived3") || s.Contains("x") {
		t.Error("Contains must ask every source")
	}
}

func TestSequenceSaysWhatToDoWhenEmpty(t *testing.T) {
	wantEmpty(t, NewSequence(), "address file", "extended public key")
	s := NewSequence(newPool(t, numbered(1), nil))
	wantTake(t, s, ofFile("address0"))
	wantEmpty(t, s, "BTC", "add addresses to the file", "SIGHUP", "/api/addresses/reload", "extended public key")
	if s.Remaining() != 0 {
		t.Errorf("%d remaining", s.Remaining())
	}
}

// Only an empty source is passed over: any other failure is told.
func TestSequenceStopsAtAFailure(t *testing.T) {
	failing := NewDerived(teller.BTC, failingKey{}, 0)
	s := NewSequence(failing, newPool(t, numbered(1), nil))
	if a, err := s.Take(); !errors.Is(err, errKey) {
		t.Errorf("took %v, %v", a, err)
	}
	if err := s.Upcoming(func(string) error { return nil }); !errors.Is(err, errKey) {
		t.Errorf("Upcoming = %v", err)
	}
}

var errKey = teller.Errorf(teller.CodeInternal, "the key is broken")

type failingKey struct{}

func (failingKey) Address(uint32) (string, error) { return "", errKey }
func (failingKey) ID() string                     { return "failing" }
