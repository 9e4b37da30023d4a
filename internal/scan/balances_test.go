package scan_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/scan"
)

// fakeBalances is a node and a ledger with the same addresses.
type fakeBalances struct {
	*fakeStore
	bound    []string
	compared []string
	asked    int
	readErr  error
	saveErr  error
}

func (f *fakeBalances) Balances(_ context.Context, _ teller.BlockRef, addresses []string) ([]teller.Amount, error) {
	f.asked++
	return make([]teller.Amount, len(addresses)), f.readErr
}

func (f *fakeBalances) BoundAfter(_ context.Context, _ teller.Coin, after string, limit int) ([]string, error) {
	i, found := slices.BinarySearch(f.bound, after)
	if found {
		i++
	}
	return f.bound[i:min(i+limit, len(f.bound))], nil
}

func (f *fakeBalances) CompareBalances(_ context.Context, _ teller.Coin, _ teller.BlockRef, bs []teller.Balance, _ teller.Rate) (teller.ScanResult, error) {
	if f.saveErr != nil {
		return teller.ScanResult{}, f.saveErr
	}
	for _, b := range bs {
		f.compared = append(f.compared, b.Address)
	}
	return teller.ScanResult{}, nil
}

func TestBalancesGoRoundAndMissNone(t *testing.T) {
	f := &fakeBalances{fakeStore: newStore()}
	for i := range 1234 {
		f.bound = append(f.bound, fmt.Sprintf("%05d", i))
	}
	sc := newScanner(t, newChain(5), f.fakeStore, 0)
	b := scan.NewBalances(sc, f, f)
	step := func() {
		t.Helper()
		if _, err := b.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if f.asked != 0 {
		t.Fatal("balances were asked for before the first block")
	}
	settle(t, sc)
	f.cursor.Tip = 100
	step()
	if f.asked != 0 {
		t.Fatal("balances were asked for in the middle of a catch-up: the node has no state of old blocks")
	}
	f.cursor.Tip = f.cursor.Height
	step()
	f.readErr = teller.Errorf(teller.CodeNotFound, "the chain turned")
	step()
	f.readErr, f.saveErr = nil, teller.Errorf(teller.CodeConflict, "a block came in between")
	step()
	f.saveErr = nil
	for len(f.compared) < len(f.bound) {
		step()
	}
	if !slices.Equal(f.compared, f.bound) {
		t.Fatalf("%d addresses compared in the first round, want each of %d once and in order", len(f.compared), len(f.bound))
	}
	asked := f.asked
	for range 5 {
		step()
	}
	if f.asked != asked {
		t.Errorf("asked %d times more although the scan has not moved on", f.asked-asked)
	}
	f.cursor.Height, f.cursor.Tip = f.cursor.Height+1, f.cursor.Tip+1
	step()
	if len(f.compared) != 1234+500 || f.compared[1234] != "00000" {
		t.Errorf("the second round began with %v", f.compared[1234:])
	}
}

// A node that takes longer for a batch than the chain for a block is asked for less, and somebody is told when nothing helps.
func TestBalancesDoNotStarveUnseen(t *testing.T) {
	f := &fakeBalances{fakeStore: newStore(), bound: make([]string, 600)}
	for i := range f.bound {
		f.bound[i] = fmt.Sprintf("%05d", i)
	}
	sc := newScanner(t, newChain(5), f.fakeStore, 0)
	settle(t, sc)
	f.saveErr = teller.Errorf(teller.CodeConflict, "a block came in between")
	b := scan.NewBalances(sc, f, f)
	for i := range 10 {
		if _, err := b.Step(t.Context()); (err != nil) != (i == 9) {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	f.saveErr = nil
	if _, err := b.Step(t.Context()); err != nil || len(f.compared) != 1 {
		t.Errorf("compared %d addresses after ten misses, want one (%v)", len(f.compared), err)
	}
}
