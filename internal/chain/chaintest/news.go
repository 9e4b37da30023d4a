package chaintest

import (
	"context"
	"fmt"
	"time"

	"github.com/skycoin/teller"
)

// testMempool: a payment is listed from the moment it is sent until a block holds it, and is in no block before.
func testMempool(x *trial) {
	pool, ok := x.chain.(teller.Mempool)
	if !ok {
		x.Skip("this adapter does not read the mempool")
	}
	if x.harness.Instant {
		x.Skip("nothing waits in this node's mempool")
	}
	to := x.addresses(4)
	keys := x.watch(to[:3]...)
	start := x.tip()
	wantPending := func(want []teller.Transfer) {
		x.Helper()
		for _, w := range []teller.Watched{keys, manyKeys{keys}} {
			x.eventually("the mempool", func() error {
				got, err := pool.Unconfirmed(x.ctx, w)
				if err == nil && describe(got) != describe(want) {
					err = fmt.Errorf("it lists %s, want %s", describe(got), describe(want))
				}
				return err
			})
		}
	}
	wantPending(nil)
	sent := x.pay(to[0], to[3], to[1])
	mine := []teller.Transfer{sent[0], sent[2]} // nobody watches the other
	wantPending(mine)
	f := x.follow(start.Height+1, keys)
	x.wantFound(f, nil)
	mine = append(mine, x.pay(to[2])...)
	wantPending(mine)
	x.node.Mine(1)
	wantPending(nil)
	x.must(f.catchUp(x.ctx))
	x.wantFound(f, mine)
	late := x.pay(to[0]) // what was seen before does not hide what comes
	wantPending(late)
}

// listener is a call of Notify under way.
type listener struct {
	news  chan teller.Notice
	ended chan error
	stop  context.CancelFunc
}

func (x *trial) listen(n teller.Notifier) *listener {
	ctx, cancel := context.WithCancel(x.ctx)
	l := &listener{news: make(chan teller.Notice, 1000), ended: make(chan error, 1), stop: cancel}
	x.Cleanup(cancel)
	go func() {
		l.ended <- n.Notify(ctx, func(kind teller.Notice) {
			select {
			case l.news <- kind:
			default: // a flood: nobody waits for so many
			}
		})
	}()
	return l
}

// await waits for a notice.
func (x *trial) await(l *listener, want teller.Notice) {
	x.Helper()
	for {
		select {
		case kind := <-l.news:
			if kind != teller.NoticeBlock && kind != teller.NoticeTransaction {
				x.Fatalf("got the notice %q", kind)
			}
			if kind == want {
				return
			}
		case err := <-l.ended:
			x.Fatalf("notify ended before the notice %q: %v", want, err)
		case <-x.ctx.Done():
			x.Fatalf("no notice %q", want)
		}
	}
}

// drain waits until the node is silent.
func (l *listener) drain() {
	for {
		select {
		case <-l.news:
		case <-time.After(500 * time.Millisecond):
			return
		}
	}
}

// testNotify: a node that tells of news tells of every block and of what is sent, and its loss is noticed.
func testNotify(x *trial) {
	n, ok := x.chain.(teller.Notifier)
	if !ok {
		if x.harness.Push {
			x.Error("the harness says that the node tells of news, the adapter does not listen")
		}
		return
	}
	if !x.harness.Push {
		x.wantCode("notify", n.Notify(x.ctx, func(teller.Notice) {}), teller.CodeUnsupported)
		return
	}
	l := x.listen(n)
	x.await(l, teller.NoticeBlock) // once at the beginning, so that nothing is missed
	l.stop()
	x.ends(l)
	l = x.listen(n)
	x.await(l, teller.NoticeTransaction)
	for range 3 {
		l.drain()
		before := x.tip()
		x.node.Mine(1)
		x.await(l, teller.NoticeBlock)
		x.eventually("the block that the node told of", func() error {
			if x.tip() == before {
				return fmt.Errorf("the tip is still %+v", before)
			}
			return nil
		})
	}
	if !x.harness.Instant {
		l.drain()
		x.pay(x.node.NewAddress())
		x.await(l, teller.NoticeTransaction)
	}
	if r, ok := x.node.(Restarter); ok {
		r.Stop()
		x.ends(l)
		x.wantCode("notify without a node", n.Notify(x.ctx, func(teller.Notice) {}), teller.CodeUnavailable)
		r.Restart()
		x.eventually("listening again", func() error {
			l = x.listen(n)
			select {
			case <-l.news:
				return nil
			case err := <-l.ended:
				return err
			}
		})
	}
	l.stop()
	x.ends(l)
}

// ends waits until Notify has returned.
func (x *trial) ends(l *listener) {
	x.Helper()
	select {
	case err := <-l.ended:
		if err == nil {
			x.Error("notify ended without an error")
		}
	case <-x.ctx.Done():
		x.Fatal("notify does not end")
	}
}
