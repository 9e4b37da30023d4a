package chaintest

import (
	"math"
	"sync"

	"github.com/skycoin/teller"
)

// testTip: what Tip, BlockHash, Genesis and Block say of one block agrees, and the chain grows by what is mined.
func testTip(x *trial) {
	if coin := x.chain.Coin(); coin.Decimals() == 0 {
		x.Errorf("the coin is %q", coin)
	}
	before := x.tip()
	x.node.Mine(3)
	tip := x.tip()
	if tip.Height != before.Height+3 || tip.Hash == before.Hash {
		x.Fatalf("the tip was %+v and is %+v after three blocks", before, tip)
	}
	genesis, err := x.chain.Genesis(x.ctx)
	x.must(err)
	for _, at := range []teller.BlockRef{tip, before, {Height: 0, Hash: genesis}} {
		hash, err := x.chain.BlockHash(x.ctx, at.Height)
		x.must(err)
		b := x.block(at.Height, keySet{})
		if hash != at.Hash || b.BlockRef != at || len(b.Transfers) != 0 {
			x.Errorf("block %+v has the hash %s and is %s", at, hash, show(b))
		}
	}
	for h := tip.Height; h > before.Height; h-- {
		parent, err := x.chain.BlockHash(x.ctx, h-1)
		x.must(err)
		if b := x.block(h, keySet{}); b.Parent != parent {
			x.Errorf("block %d has the parent %s, want %s", h, b.Parent, parent)
		}
	}
	again, err := x.open().Genesis(x.ctx)
	x.must(err)
	if again != genesis || genesis == "" {
		x.Errorf("genesis is %q and %q", genesis, again)
	}
}

// testAboveTip: there are no blocks above the tip, however far.
func testAboveTip(x *trial) {
	x.node.Mine(1)
	tip := x.tip().Height
	for _, height := range []int64{tip + 1, tip + 2, tip + 1000, math.MaxInt32, math.MaxUint32 + 1, math.MaxInt64} {
		_, err := x.chain.BlockHash(x.ctx, height)
		x.wantCode("the hash of a block that is not there", err, teller.CodeNotFound)
		_, err = x.chain.Block(x.ctx, height, keySet{})
		x.wantCode("a block that is not there", err, teller.CodeNotFound)
		_, err = x.chain.Block(x.ctx, height, manyKeys{})
		x.wantCode("a block that is not there", err, teller.CodeNotFound)
	}
}

// testWatchKey: every address has its own key, and what is no address has none.
func testWatchKey(x *trial) {
	owner := make(map[string]string)
	for _, a := range x.addresses(20) {
		key, err := x.chain.WatchKey(a)
		x.must(err)
		again, err := x.chain.WatchKey(a)
		x.must(err)
		if len(key) == 0 || string(key) != string(again) || owner[string(key)] != "" {
			x.Errorf("the key of %s is %x, then %x; %q has it already", a, key, again, owner[string(key)])
		}
		owner[string(key)] = a
	}
	good := x.node.NewAddress()
	bad := append(x.node.BadAddresses(), "", " ", good+" ", " "+good, good+good, good[:len(good)-1], "\x00", "address")
	for _, a := range bad {
		_, err := x.chain.WatchKey(a)
		x.wantCode("watch "+a, err, teller.CodeInvalid)
	}
}

// testPayment: a payment is found in the block that holds it, once, with its exact value and id.
func testPayment(x *trial) {
	to := x.node.NewAddress()
	start := x.tip()
	sent := x.pay(to)
	x.node.Mine(1)
	f := x.follow(start.Height+1, x.watch(to))
	x.wantFound(f, sent)
	x.node.Mine(3)
	x.must(f.catchUp(x.ctx))
	x.wantFound(f, sent)
	for _, b := range f.saved[1:] {
		if again := x.block(b.Height, x.watch(to)); show(again) != show(b) {
			x.Errorf("read again, %s is %s", show(b), show(again))
		}
		for _, t := range b.Transfers {
			key, err := x.chain.WatchKey(t.Address)
			x.must(err)
			if !x.watch(to).Has(key) {
				x.Errorf("%s is reported under the address %s, which is not the one that was watched", id(t), t.Address)
			}
		}
	}
	more := append(sent, x.pay(to)...) // the same address once more
	x.node.Mine(1)
	x.must(f.catchUp(x.ctx))
	x.wantFound(f, more)
}

// testTwoOutputs: every output of a transaction is a payment of its own, also two to one address.
func testTwoOutputs(x *trial) {
	to := x.addresses(2)
	start := x.tip()
	sent := x.pay(to[0], to[1], to[0])
	x.node.Mine(1)
	x.wantFound(x.follow(start.Height+1, x.watch(to...)), sent)
	x.wantFound(x.follow(start.Height+1, manyKeys{x.watch(to...)}), sent)
	x.wantFound(x.follow(start.Height+1, x.watch(to[0])), []teller.Transfer{sent[0], sent[2]})
}

// testOthersPayments: what pays other addresses is not reported.
func testOthersPayments(x *trial) {
	to := x.addresses(6)
	start := x.tip()
	sent := x.pay(to[:4]...)
	x.node.Mine(2)
	for _, c := range []struct {
		watched []string
		want    []teller.Transfer
	}{
		{nil, nil},
		{to[4:], nil},
		{to[2:3], sent[2:3]},
		{[]string{to[5], to[0], to[3]}, []teller.Transfer{sent[0], sent[3]}},
	} {
		x.wantFound(x.follow(start.Height+1, x.watch(c.watched...)), c.want)
		x.wantFound(x.follow(start.Height+1, manyKeys{x.watch(c.watched...)}), c.want)
	}
}

const (
	longChain = 60 // blocks to catch up with
	inFlight  = 8  // calls of Block
)

// testCatchUp: many blocks, read by many calls at once, are the same as read one by one.
func testCatchUp(x *trial) {
	to := x.addresses(longChain / 3)
	start := x.tip()
	var sent []teller.Transfer
	for _, a := range to {
		sent = append(sent, x.pay(a)...)
		x.node.Mine(3)
	}
	keys := x.watch(to...)
	f := x.follow(start.Height+1, keys)
	x.wantFound(f, sent)
	if n := int64(len(f.saved)) - 1; n < longChain || f.cursor().BlockRef != x.tip() {
		x.Fatalf("followed %d blocks to %s", n, f.cursor().Hash)
	}
	for _, watched := range []teller.Watched{keys, manyKeys{keys}} {
		x.readAtOnce(f.saved[1:], watched)
	}
}

// readAtOnce reads blocks through one adapter, several at a time.
func (x *trial) readAtOnce(want []teller.Block, watched teller.Watched) {
	x.Helper()
	chain := x.open()
	next := make(chan teller.Block)
	var readers sync.WaitGroup
	for range inFlight {
		readers.Go(func() {
			for b := range next {
				got, err := chain.Block(x.ctx, b.Height, watched)
				if err != nil || show(got) != show(b) {
					x.Errorf("read with others at once, %s is %s (%v)", show(b), show(got), err)
				}
				if _, err := chain.Tip(x.ctx); err != nil {
					x.Errorf("tip, asked for by many at once: %v", err)
				}
			}
		})
	}
	for _, b := range want {
		next <- b
	}
	close(next)
	readers.Wait()
}

// testRestartAtCursor: who comes back reads nothing again, and the node may have been restarted too.
func testRestartAtCursor(x *trial) {
	to := x.node.NewAddress()
	start := x.tip()
	sent := x.pay(to)
	x.node.Mine(4)
	f := x.follow(start.Height+1, x.watch(to))
	if r, ok := x.node.(Restarter); ok {
		r.Stop()
		r.Restart()
	}
	f = f.restart(x.open())
	x.must(f.catchUp(x.ctx))
	if f.reads != 0 {
		x.Errorf("%d blocks were read again", f.reads)
	}
	x.node.Mine(1)
	x.must(f.catchUp(x.ctx))
	if f.reads != 1 {
		x.Errorf("%d blocks were read for a new one", f.reads)
	}
	x.wantFound(f, sent)
}
