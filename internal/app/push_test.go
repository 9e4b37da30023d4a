package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller"
)

// notifier is a node whose connection is given by a function.
type notifier func(ctx context.Context, call int, notice func(teller.Notice)) error

type connections struct {
	notifier
	n int
}

func (c *connections) Notify(ctx context.Context, notice func(teller.Notice)) error {
	c.n++
	return c.notifier(ctx, c.n, notice)
}

func TestNoticesWakeWhoeverWantsToKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		woken := map[teller.Notice]int{}
		node := &connections{notifier: func(ctx context.Context, call int, notice func(teller.Notice)) error {
			if call > 1 && call < 5 {
				return teller.Errorf(teller.CodeUnavailable, "connection refused")
			}
			notice(teller.NoticeBlock)
			notice(teller.NoticeTransaction) // nobody wants to know
			if call == 1 {
				return teller.Errorf(teller.CodeUnavailable, "connection lost")
			}
			<-ctx.Done()
			return teller.Errorf(teller.CodeUnavailable, "%w", ctx.Err())
		}}
		p := &pusher{
			chain: node, clock: systemClock{}, log: slog.New(slog.NewTextHandler(&log, nil)),
			wake: map[teller.Notice]func(){teller.NoticeBlock: func() { woken[teller.NoticeBlock]++ }},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Run(ctx); err != nil {
			t.Errorf("the end of its context is no failure: %v", err)
		}
		if node.n != 5 || woken[teller.NoticeBlock] != 2 {
			t.Errorf("%d connections and %d wake-ups, want 5 and 2", node.n, woken[teller.NoticeBlock])
		}
		if n := strings.Count(log.String(), "notices are lost"); n != 1 {
			t.Errorf("the loss is logged %d times, want once:\n%s", n, log.String())
		}
		if !strings.Contains(log.String(), "tells of new blocks again") {
			t.Errorf("the return is not logged:\n%s", log.String())
		}
	})
}

// A node that takes every connection and drops it at once is not asked ever faster.
func TestDroppedConnectionsAreTriedMoreAndMoreSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &connections{notifier: func(_ context.Context, _ int, notice func(teller.Notice)) error {
			notice(teller.NoticeBlock)
			return teller.Errorf(teller.CodeUnavailable, "connection lost")
		}}
		p := &pusher{chain: node, clock: systemClock{}, log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
		if node.n < 10 || node.n > 60 {
			t.Errorf("%d connections in ten minutes", node.n)
		}
	})
}

func TestNodeWithoutNoticesIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &connections{notifier: func(context.Context, int, func(teller.Notice)) error {
			return teller.Errorf(teller.CodeUnsupported, "no notices over HTTP")
		}}
		p := &pusher{chain: node, clock: systemClock{}, log: slog.New(slog.DiscardHandler)}
		if err := p.Run(t.Context()); err != nil || node.n != 1 {
			t.Errorf("got %v after %d calls, want nil after one", err, node.n)
		}
	})
}

// However often a worker is woken, its pace is kept.
func TestLoopKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &counted{scripted: scripted{func(int) (bool, error) { return false, nil }}}
		l := newLoop(w, 10*time.Second, nil, slog.New(slog.DiscardHandler))
		l.pace = time.Second
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		for range 100 {
			time.Sleep(50 * time.Millisecond)
			l.wake()
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if w.n < 5 || w.n > 7 {
			t.Errorf("%d steps in 5 s of wake-ups, want about one a second", w.n)
		}
	})
}
