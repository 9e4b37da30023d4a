package scan_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/scan"
)

var discard = slog.New(slog.DiscardHandler)

func newScanner(t testing.TB, c *fakeChain, s *fakeStore, initial int64) *scan.Scanner {
	t.Helper()
	sc, err := scan.New(context.Background(), scan.Options{Chain: c, Store: s, Log: discard, Clock: clock{}, InitialHeight: initial})
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// settle steps until there is nothing to do.
func settle(t testing.TB, sc *scan.Scanner) {
	t.Helper()
	for range 10_000 {
		worked, err := sc.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			return
		}
	}
	t.Fatal("the scanner never comes to rest")
}

func TestFollowsTheChainFromTheFirstHeight(t *testing.T) {
	c, s := newChain(100), newStore("a")
	sc := newScanner(t, c, s, 50)
	settle(t, sc)
	if s.cursor.Height != 99 {
		t.Errorf("cursor at %d, want 99", s.cursor.Height)
	}
	for h := range int64(100) {
		_, seen := s.seen[fmt.Sprintf("tx-%d", h)]
		if want := h >= 50; seen != want {
			t.Errorf("deposit of block %d seen: %v, want %v", h, seen, want)
		}
	}
	if _, ok := s.hashes[30]; !ok {
		t.Error("no hashes kept below the first height: a reorg right at the start would find no common ancestor")
	}
}

func TestRestartGoesOnAtTheCursor(t *testing.T) {
	c, s := newChain(30), newStore("a")
	settle(t, newScanner(t, c, s, 0))
	saves := s.saves
	c.mine(5)
	settle(t, newScanner(t, c, s, 0))
	if got := s.saves - saves; got != 5 {
		t.Errorf("a restart saved %d blocks, want the 5 new ones", got)
	}
}

// Who binds while old blocks are still being read is younger than all of them.
func TestTipIsNotedBeforeTheFirstBlockOfACatchUp(t *testing.T) {
	c, s := newChain(30), newStore("a")
	settle(t, newScanner(t, c, s, 0))
	c.mine(500)
	sc := newScanner(t, c, s, 0)
	if _, err := sc.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(s.noted) != 1 || s.noted[0] != 529 {
		t.Errorf("noted %v, want the tip 529 once", s.noted)
	}
	settle(t, sc)
	noted := len(s.noted)
	c.mine(1) // everyday: one block more
	settle(t, sc)
	if len(s.noted) != noted {
		t.Errorf("a single block costs a write more")
	}
}

// Far from the tip many blocks share a transaction; near it each is stored as soon as it is read.
func TestBlocksFarFromTheTipAreStoredTogether(t *testing.T) {
	c, s := newChain(200), newStore("a")
	sc := newScanner(t, c, s, 0)
	settle(t, sc)
	if want := 184/16 + 16; s.saves != 200 || s.commits < want || s.commits > want+1 {
		t.Errorf("%d blocks in %d transactions, want 200 in about %d", s.saves, s.commits, want)
	}
	commits := s.commits
	c.mine(3)
	settle(t, sc)
	if s.commits != commits+3 {
		t.Errorf("three new blocks took %d transactions", s.commits-commits)
	}
}

func TestIdleScannerCreditsWhatIsDeep(t *testing.T) {
	c, s := newChain(3), newStore("a")
	sc := newScanner(t, c, s, 0)
	settle(t, sc)
	before := s.idle
	if _, err := sc.Step(context.Background()); err != nil || s.idle != before+1 {
		t.Errorf("the ledger was asked %d times (%v), want once in each idle step", s.idle-before, err)
	}
}

func TestFirstHeightAheadOfTheChainWaits(t *testing.T) {
	c, s := newChain(10), newStore("a")
	sc := newScanner(t, c, s, 1000)
	settle(t, sc)
	if s.cursor != nil {
		t.Fatal("stored a block below the first height's margin")
	}
}

// The first height is where the scan began, whatever the configuration says later: what came while teller was down is
// not skipped.
func TestRaisingTheFirstHeightSkipsNothing(t *testing.T) {
	c, s := newChain(50), newStore("a")
	settle(t, newScanner(t, c, s, 0))
	c.mine(50)
	settle(t, newScanner(t, c, s, 90))
	if _, ok := s.seen["tx-60"]; !ok {
		t.Error("the deposit of block 60 was skipped although the cursor was at 49")
	}
}

func TestReorganisation(t *testing.T) {
	for _, tc := range []struct {
		name        string
		drop, mine  int
		wantRewound int64
	}{
		{"one block replaced by one", 1, 1, 18},
		{"one by three", 1, 3, 18},
		{"five by two: a shorter chain", 5, 2, 14},
		{"all but genesis", 19, 25, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := newChain(20), newStore("a")
			sc := newScanner(t, c, s, 0)
			settle(t, sc)
			c.drop(tc.drop)
			c.mine(tc.mine)
			settle(t, sc)
			if len(s.rewinds) != 1 || s.rewinds[0] != tc.wantRewound {
				t.Errorf("rewound to %v, want %d once", s.rewinds, tc.wantRewound)
			}
			if tip, _ := c.Tip(context.Background()); s.cursor.BlockRef != tip {
				t.Errorf("cursor %v, want the tip %v", s.cursor.BlockRef, tip)
			}
		})
	}
}

func TestNodeBehindChangesNothing(t *testing.T) {
	c, s := newChain(20), newStore("a")
	sc := newScanner(t, c, s, 0)
	settle(t, sc)
	c.blocks = c.blocks[:15] // the same chain, five blocks ago
	if _, err := sc.Step(context.Background()); teller.CodeOf(err) != teller.CodeNodeBehind {
		t.Fatalf("got %v, want node_behind", err)
	}
	if s.cursor.Height != 19 || len(s.rewinds) != 0 {
		t.Error("a node that is behind moved the cursor")
	}
}

func TestAnotherNetworkIsRefused(t *testing.T) {
	t.Run("by configuration", func(t *testing.T) {
		sc, err := scan.New(context.Background(), scan.Options{Chain: newChain(3), Store: newStore(), Log: discard, Clock: clock{}, Genesis: "other"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sc.Step(context.Background()); teller.CodeOf(err) != teller.CodeWrongNetwork {
			t.Errorf("got %v, want wrong_network", err)
		}
	})
	t.Run("by the ledger", func(t *testing.T) {
		s := newStore()
		s.genesis = "other"
		if _, err := newScanner(t, newChain(3), s, 0).Step(context.Background()); teller.CodeOf(err) != teller.CodeWrongNetwork {
			t.Errorf("got %v, want wrong_network", err)
		}
	})
	t.Run("by its blocks", func(t *testing.T) {
		c, s := newChain(5), newStore()
		sc := newScanner(t, c, s, 0)
		settle(t, sc)
		c.drop(5)
		c.mine(9)
		if _, err := sc.Step(context.Background()); teller.CodeOf(err) != teller.CodeWrongNetwork {
			t.Errorf("got %v, want wrong_network", err)
		}
		if s.saves != 5 {
			t.Error("a block of the foreign chain was stored")
		}
	})
}

func TestNodeDownIsReportedAndSurvived(t *testing.T) {
	c, s := newChain(5), newStore("a")
	sc := newScanner(t, c, s, 0)
	c.down = true
	if _, err := sc.Step(context.Background()); teller.CodeOf(err) != teller.CodeUnavailable {
		t.Fatalf("got %v, want unavailable", err)
	}
	c.down = false
	settle(t, sc)
	if s.cursor.Height != 4 {
		t.Errorf("cursor at %d, want 4", s.cursor.Height)
	}
}

// A node that does not keep a block is told of: the scan can not go on.
func TestBlockThatTheNodeDoesNotKeepIsTold(t *testing.T) {
	c, s := newChain(100), newStore("a")
	c.missing = 50
	sc := newScanner(t, c, s, 0)
	_, err := sc.Step(context.Background())
	if teller.CodeOf(err) != teller.CodeUnavailable || !strings.Contains(err.Error(), "block 50") {
		t.Errorf("got %v, want unavailable that names the block", err)
	}
	if s.cursor.Height != 49 {
		t.Errorf("cursor at %d, want 49", s.cursor.Height)
	}
}

// A block over which an adapter falls stops its coin, and not the process.
func TestPanicOverABlockIsAnError(t *testing.T) {
	c, s := newChain(100), newStore("a")
	c.panics = 50
	_, err := newScanner(t, c, s, 0).Step(context.Background())
	if teller.CodeOf(err) != teller.CodeInternal || !strings.Contains(err.Error(), "nobody foresaw") {
		t.Errorf("got %v, want internal", err)
	}
	if s.cursor.Height != 49 {
		t.Errorf("cursor at %d, want 49", s.cursor.Height)
	}
}

func TestBoundAddressThatIsNoneStopsTheStart(t *testing.T) {
	_, err := scan.New(context.Background(), scan.Options{Chain: newChain(1), Store: newStore("a", ""), Log: discard, Clock: clock{}})
	if teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("got %v, want invalid: a bound address that can not be watched would lose deposits", err)
	}
}

// Whatever the chain does between steps, the store ends with exactly the deposits of the best chain.
func TestStoreConvergesToTheBestChain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, s := newChain(3), newStore("a")
		sc := newScanner(t, c, s, 0)
		for range rapid.IntRange(1, 30).Draw(rt, "events") {
			switch rapid.IntRange(0, 3).Draw(rt, "event") {
			case 0:
				c.mine(rapid.IntRange(1, 6).Draw(rt, "mined"))
			case 1:
				c.drop(rapid.IntRange(0, len(c.blocks)-1).Draw(rt, "dropped"))
				c.mine(1)
			case 2:
				if _, err := sc.Step(context.Background()); err != nil && teller.CodeOf(err) != teller.CodeNodeBehind {
					rt.Fatal(err)
				}
			case 3:
				sc = newScanner(t, c, s, 0)
			}
		}
		c.mine(40) // longer than anything that was dropped
		settle(t, sc)
		for _, b := range c.blocks {
			if s.hashes[b.Height] != b.Hash || s.seen[b.Transfers[0].TxID] != b.Height {
				rt.Fatalf("block %d of the best chain is not stored", b.Height)
			}
		}
		if len(s.seen) != len(c.blocks) {
			rt.Fatalf("%d deposits stored, the best chain has %d", len(s.seen), len(c.blocks))
		}
	})
}
