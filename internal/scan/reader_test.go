package scan_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller/internal/scan"
)

// A catch-up asks for several blocks at once, but for no more than eight, whatever lies before it.
func TestReadsAheadAndNotTooFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newChain(1000), newStore("a")
		c.slow = time.Second
		sc := newScanner(t, c, s, 0)
		start := time.Now()
		settle(t, sc)
		if c.most != 8 {
			t.Errorf("%d blocks were asked for at once, want 8", c.most)
		}
		// 1000 blocks of a second each, eight at a time, and the end of each window of 256 empties the pipeline.
		if took := time.Since(start); took > 130*time.Second {
			t.Errorf("the catch-up took %s, 1000 s of calls should take 125 s with eight in flight", took)
		}
		if c.reads != 1000 {
			t.Errorf("%d blocks were read, want each of 1000 once", c.reads)
		}
	})
}

func TestCatchUpEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newChain(1000), newStore("a")
		c.slow = time.Second
		sc := newScanner(t, c, s, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
		defer cancel()
		if _, err := sc.Step(ctx); err == nil {
			t.Error("the step ended without an error")
		}
		if took := c.asked; took != 0 {
			t.Errorf("%d calls are still under way after the step", took)
		}
		if len(s.hashes) != 80 {
			t.Errorf("%d blocks stored, want the 80 that were read in ten seconds", len(s.hashes))
		}
	})
}

func TestCatchUpTellsWhenItWillBeDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newChain(1000), newStore("a")
		c.slow = time.Second
		var log strings.Builder
		sc, err := scan.New(t.Context(), scan.Options{
			Chain: c, Store: s, Clock: clock{}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := sc.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p := sc.Progress()
		if p.Height != 511 || p.Tip != 999 || p.Blocks != 512 {
			t.Errorf("progress %+v after two windows of 256", p)
		}
		if p.PerSecond < 7 || p.PerSecond > 8 || p.Remaining < 60*time.Second || p.Remaining > 75*time.Second {
			t.Errorf("%.1f blocks a second and %s to go, want nearly 8 and about 65 s", p.PerSecond, p.Remaining)
		}
		settle(t, sc)
		if p := sc.Progress(); p.PerSecond != 0 || p.Remaining != 0 || p.Height != 999 {
			t.Errorf("progress %+v after the catch-up", p)
		}
		for _, want := range []string{"catching up", "behind=", "blocks_per_second=8", "eta=1m", "caught up"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, log.String())
			}
		}
	})
}
