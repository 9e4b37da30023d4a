package chaintest

import (
	"context"
	"fmt"

	"github.com/skycoin/teller"
)

// confirmations is what an operator might demand: reorgs go up to twice as deep.
const confirmations = 3

// branch is the part of a chain that a reorg is about to replace.
type branch struct {
	addresses []string
	kept      []teller.Transfer // below the fork
	replaced  []teller.Transfer
}

// grow makes a payment that stays, and then depth blocks with payments in each of them.
func (x *trial) grow(depth int) branch {
	x.Helper()
	b := branch{addresses: x.addresses(depth + 1)}
	b.kept = x.pay(b.addresses[0])
	x.node.Mine(1)
	fork := x.tip().Height
	for _, a := range b.addresses[1:] {
		b.replaced = append(b.replaced, x.pay(a)...)
		if !x.harness.Instant {
			x.node.Mine(1)
		}
	}
	if made := x.tip().Height - fork; made != int64(depth) {
		x.Fatalf("the harness made %d blocks instead of %d", made, depth)
	}
	return b
}

// left is what the reorg leaves of the branch's payments.
func (b branch) left(remine bool) []teller.Transfer {
	if remine {
		return append(b.kept, b.replaced...)
	}
	return b.kept
}

func (x *trial) reorganiser() Reorganiser {
	x.Helper()
	r, ok := x.node.(Reorganiser)
	if !ok {
		x.Skip("this node's chain does not turn")
	}
	return r
}

// reorg turns the chain and checks that the harness did so.
func (x *trial) reorg(depth int, remine bool) {
	x.Helper()
	before := x.tip()
	x.reorganiser().Reorg(depth, remine)
	x.eventually("reorg", func() error {
		if after := x.tip(); after.Height != before.Height+1 {
			return fmt.Errorf("the tip is %+v after a reorg of depth %d at %+v", after, depth, before)
		}
		return nil
	})
	if hash, err := x.chain.BlockHash(x.ctx, before.Height); err != nil || hash == before.Hash {
		x.Fatalf("block %+v is still on the chain after a reorg (%v)", before, err)
	}
}

// testReorg: whatever the depth, the follower ends with exactly the payments on the best chain.
func testReorg(x *trial) {
	x.reorganiser()
	for depth := 1; depth <= 2*confirmations; depth++ {
		for _, remine := range []bool{true, false} {
			start := x.tip().Height
			b := x.grow(depth)
			keys := x.watch(b.addresses...)
			f := x.follow(start+1, keys)
			x.wantFound(f, append(b.kept, b.replaced...))
			x.reorg(depth, remine)
			x.must(f.catchUp(x.ctx))
			x.wantFound(f, b.left(remine))
			x.sameAsFresh(f, keys)
			x.node.Mine(1)
			x.must(f.catchUp(x.ctx))
			x.sameAsFresh(f, keys)
			if x.Failed() {
				x.Fatalf("after a reorg of depth %d, mined again: %v", depth, remine)
			}
		}
	}
}

// sameAsFresh compares a follower that went through reorgs with one that reads the chain as it is now.
func (x *trial) sameAsFresh(f *follower, keys keySet) {
	x.Helper()
	fresh := x.follow(f.saved[0].Height+1, manyKeys{keys})
	for i, b := range fresh.saved[1:] {
		if got := f.saved[i+1]; show(got) != show(b) {
			x.Errorf("followed through reorgs the chain has\n%s\nread anew\n%s", show(got), show(b))
		}
	}
}

// testReorgWhileDown: the chain turns while nobody is looking, and another process goes on.
func testReorgWhileDown(x *trial) {
	x.reorganiser()
	for _, remine := range []bool{true, false} {
		start := x.tip().Height
		b := x.grow(confirmations + 1)
		keys := x.watch(b.addresses...)
		f := x.follow(start+1, keys)
		closeChain(x.chain)
		x.chain = x.open()
		x.reorg(confirmations+1, remine)
		f = f.restart(x.open())
		x.must(f.catchUp(x.ctx))
		x.wantFound(f, b.left(remine))
		x.sameAsFresh(f, keys)
	}
}

// testReorgWhileReading: the chain turns while blocks are being read.
func testReorgWhileReading(x *trial) {
	x.reorganiser()
	for range confirmations {
		start := x.tip().Height
		b := x.grow(2 * confirmations)
		keys := x.watch(b.addresses...)
		f := x.follow(start+1, keys)
		f.saved = f.saved[:2] // it has all of the branch still to read
		ctx, cancel := context.WithCancel(x.ctx)
		done := make(chan error, 1)
		go func() {
			for ctx.Err() == nil {
				if err := f.catchUp(ctx); err != nil && ctx.Err() == nil && !passing(err) {
					done <- err
					return
				}
			}
			done <- nil
		}()
		x.reorg(2*confirmations, true)
		cancel()
		x.must(<-done)
		x.must(f.catchUp(x.ctx))
		x.wantFound(f, b.left(true))
		x.sameAsFresh(f, keys)
	}
}

// passing reports whether an error may come and go while a chain turns: for a moment it is shorter, or has no block at a
// height at which it had one.
func passing(err error) bool {
	switch teller.CodeOf(err) {
	case teller.CodeNodeBehind, teller.CodeNotFound, teller.CodeUnavailable:
		return true
	}
	return false
}
