package chaintest

import (
	"context"
	"fmt"

	"go.uber.org/goleak"

	"github.com/skycoin/teller"
)

// testNodeBehind: a node that knows less than the follower has nothing to tell above its tip, and takes nothing back.
func testNodeBehind(x *trial) {
	lagger, ok := x.node.(Lagger)
	if !ok {
		x.Skip("no node that is behind")
	}
	const n = 3
	to := x.node.NewAddress()
	start := x.tip()
	x.node.Mine(n)
	sent := x.pay(to)
	x.node.Mine(n)
	f := x.follow(start.Height+1, x.watch(to))
	end := f.cursor()

	behind, catchUp := lagger.Lag(n)
	x.Cleanup(func() { closeChain(behind) })
	f = f.restart(behind)
	x.wantCode("follow a node that is behind", f.catchUp(x.ctx), teller.CodeNodeBehind)
	tip, err := behind.Tip(x.ctx)
	x.must(err)
	if tip.Height != end.Height-n {
		x.Errorf("the tip of a node that is %d blocks behind %d is %d", n, end.Height, tip.Height)
	}
	for h := tip.Height + 1; h <= end.Height; h++ {
		_, err := behind.BlockHash(x.ctx, h)
		x.wantCode("the hash of a block that the node does not know yet", err, teller.CodeNotFound)
		_, err = behind.Block(x.ctx, h, f.watched)
		x.wantCode("a block that the node does not know yet", err, teller.CodeNotFound)
	}
	catchUp()
	x.eventually("the node catches up", func() error { return f.catchUp(x.ctx) })
	if f.cursor().Hash != end.Hash || f.reads != 0 {
		x.Errorf("after the node has caught up the cursor is %s, %d blocks were read, want %s", f.cursor().Hash, f.reads, end.Hash)
	}
	x.wantFound(f, sent)
}

// testNodeDown: without a node nothing is known, and with it everything again.
func testNodeDown(x *trial) {
	r, ok := x.node.(Restarter)
	if !ok {
		x.Skip("this node can not be restarted")
	}
	x.node.Mine(1)
	tip := x.tip()
	r.Stop()
	for range 2 {
		_, err := x.chain.Tip(x.ctx)
		x.wantCode("tip without a node", err, teller.CodeUnavailable)
		_, err = x.chain.BlockHash(x.ctx, tip.Height)
		x.wantCode("block hash without a node", err, teller.CodeUnavailable)
		_, err = x.chain.Block(x.ctx, tip.Height, keySet{})
		x.wantCode("block without a node", err, teller.CodeUnavailable)
		_, err = x.open().Genesis(x.ctx) // an adapter that is made while the node is away
		x.wantCode("genesis without a node", err, teller.CodeUnavailable)
	}
	r.Restart()
	x.eventually("the node is back", func() error {
		now, err := x.chain.Tip(x.ctx)
		if err == nil && now != tip {
			err = fmt.Errorf("the tip is %+v, want %+v", now, tip)
		}
		return err
	})
}

// testWrongNetwork: a node of another network is told from the right one.
func testWrongNetwork(x *trial) {
	genesis, err := x.chain.Genesis(x.ctx)
	x.must(err)
	if want := expected(x.chain); want != "" && want != genesis {
		x.Errorf("genesis is %s, although the adapter expects %s", genesis, want)
	}
	foreign := x.node.Foreign()
	x.Cleanup(func() { closeChain(foreign) })
	other, err := foreign.Genesis(x.ctx)
	if teller.CodeOf(err) == teller.CodeWrongNetwork {
		return
	}
	x.must(err)
	want := expected(foreign)
	if other == genesis && (want == "" || want == other) {
		x.Errorf("nothing tells another network from the right one: genesis is %s, expected %q", other, want)
	}
}

// expected is the genesis that an adapter expects, "" when it can not know.
func expected(c teller.Chain) string {
	if e, ok := c.(interface{ ExpectedGenesis() string }); ok {
		return e.ExpectedGenesis()
	}
	return ""
}

// testCancel: calls end with their context, also while the node hangs.
func testCancel(x *trial) {
	s := x.scene()
	over, cancel := context.WithCancel(x.ctx)
	cancel()
	for what, call := range s.everyCall() {
		x.wantCode(what+" after the end of its context", call(over, s.chain), teller.CodeUnavailable)
	}
	for what, call := range s.everyCall() {
		ctx, cancel := context.WithCancel(x.ctx)
		s.proxy.set(func(_ int, a *answer) {
			a.hang = true
			cancel() // in the middle of the call
		})
		x.wantCode(what+", cancelled", call(ctx, s.chain), teller.CodeUnavailable)
		cancel()
	}
	s.recovers("cancelled calls")
}

// testNoLeaks: a closed adapter leaves no goroutine behind, whatever happened to it.
func testNoLeaks(x *trial) {
	to := x.node.NewAddress()
	x.pay(to)
	x.node.Mine(2)
	keys := x.watch(to)
	tip := x.tip()
	before := goleak.IgnoreCurrent()
	chain := x.node.Open(x.node.Server(), x.timeout)
	for h := max(0, tip.Height-5); h <= tip.Height; h++ {
		_, err := chain.Block(x.ctx, h, keys)
		x.must(err)
	}
	_, err := chain.BlockHash(x.ctx, tip.Height+1)
	x.wantCode("above the tip", err, teller.CodeNotFound)
	ctx, cancel := context.WithCancel(x.ctx)
	if n, ok := chain.(teller.Notifier); ok && x.harness.Push {
		done := make(chan error)
		go func() { done <- n.Notify(ctx, func(teller.Notice) { cancel() }) }()
		if err := <-done; err == nil {
			x.Error("notify ended without an error")
		}
	}
	cancel()
	_, err = chain.Tip(ctx)
	x.wantCode("tip after the end of its context", err, teller.CodeUnavailable)
	closeChain(chain)
	if err := goleak.Find(before); err != nil {
		x.Error(err)
	}
}
