package chaintest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/skycoin/teller"
)

const page = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!</body></html>"

// badAnswers are none that a node would give.
var badAnswers = map[string]func(*answer){
	"nothing":        func(a *answer) { a.body = nil },
	"half":           func(a *answer) { a.body = a.body[:len(a.body)/2] },
	"cut off":        func(a *answer) { a.cut = true },
	"no answer":      func(a *answer) { a.drop = true },
	"a page":         func(a *answer) { a.kind, a.body = "text/html", []byte(page) },
	"null":           func(a *answer) { a.body = []byte("null") },
	"an empty list":  func(a *answer) { a.body = []byte("[]") },
	"an empty thing": func(a *answer) { a.body = []byte("{}") },
	"a number":       func(a *answer) { a.body = []byte("7") },
	"noise":          func(a *answer) { a.body = bytes.Repeat([]byte{0xff, 0, '"', '{', 0x80, '\n'}, 1+len(a.body)/6) },
	"deep lists":     func(a *answer) { a.body = bytes.Repeat([]byte{'['}, 1<<20) },
	"401":            func(a *answer) { a.status, a.body = http.StatusUnauthorized, nil },
	"403":            func(a *answer) { a.status, a.kind, a.body = http.StatusForbidden, "text/html", []byte(page) },
	"429":            func(a *answer) { a.status, a.body = http.StatusTooManyRequests, []byte("slow down") },
	"500":            func(a *answer) { a.status, a.kind, a.body = http.StatusInternalServerError, "text/html", []byte(page) },
	"502":            func(a *answer) { a.status, a.body = http.StatusBadGateway, nil },
	"503":            func(a *answer) { a.status, a.body = http.StatusServiceUnavailable, []byte("warming up") },
}

// spoken is what an adapter may say of an answer that is none. NotFound is among it, because a node may well be
// understood to know nothing: the block is asked for again.
var spoken = []teller.Code{teller.CodeMalformed, teller.CodeUnavailable, teller.CodeNotFound}

// scene is an adapter behind a proxy, with a block whose content is known.
type scene struct {
	*trial
	proxy   *proxy
	chain   teller.Chain
	watched []teller.Watched // the same keys in both forms
	other   teller.Block     // below block, with another payment
	block   teller.Block
}

func (x *trial) scene() *scene {
	x.Helper()
	to := x.addresses(2)
	x.node.Mine(1)
	start := x.tip()
	sent := x.pay(to[0])
	x.node.Mine(2)
	sent = append(sent, x.pay(to[1])...)
	x.node.Mine(2)
	keys := x.watch(to...)
	f := x.follow(start.Height+1, keys)
	x.wantFound(f, sent)
	s := &scene{trial: x, proxy: x.startProxy(), watched: []teller.Watched{keys, manyKeys{keys}}}
	paying := slices.DeleteFunc(slices.Clone(f.saved), func(b teller.Block) bool { return len(b.Transfers) == 0 })
	if len(paying) != 2 {
		x.Fatalf("%d blocks hold two payments", len(paying))
	}
	s.other, s.block = paying[0], paying[1]
	s.chain = x.openAt(s.proxy.addr, x.timeout)
	s.recovers("at first")
	return s
}

// recovers waits until the adapter has found back to its node.
func (s *scene) recovers(after string) {
	s.Helper()
	s.proxy.set(nil)
	s.eventually("recovery from "+after, func() error {
		_, err := s.chain.Tip(s.ctx)
		return err
	})
	for _, w := range s.watched {
		b, err := s.chain.Block(s.ctx, s.block.Height, w)
		if err != nil || show(b) != show(s.block) {
			s.Errorf("after %s the block is %s (%v), want %s", after, show(b), err, show(s.block))
		}
	}
}

// record returns the node's answers while a block is read.
func (s *scene) record(height int64, w teller.Watched) [][]byte {
	s.Helper()
	var bodies [][]byte
	s.proxy.set(func(_ int, a *answer) { bodies = append(bodies, a.body) })
	if _, err := s.chain.Block(s.ctx, height, w); err != nil {
		s.Fatal(err)
	}
	s.proxy.set(nil)
	if len(bodies) == 0 {
		s.Fatal("a block was read without asking the node anything")
	}
	return bodies
}

// readsTrue reads the block and checks that a wrong one is not believed. A block that is whole, but not the child of
// the one below, is caught by whoever follows the chain: no adapter can know which of two branches is the best.
func (s *scene) readsTrue(what string, w teller.Watched, codes ...teller.Code) {
	s.Helper()
	b, err := s.chain.Block(s.ctx, s.block.Height, w)
	if err != nil {
		s.wantCode(what, err, codes...)
		return
	}
	unlinked := b.Height == s.block.Height && b.Hash != s.block.Hash && b.Parent != s.block.Parent
	if show(b) != show(s.block) && !unlinked {
		s.Errorf("%s is read as %s, want %s", what, show(b), show(s.block))
	}
}

// testBadAnswers: no call believes an answer that is none, and all is well again afterwards.
func testBadAnswers(x *trial) {
	s := x.scene()
	genesis, err := x.chain.Genesis(x.ctx)
	x.must(err)
	for name, change := range badAnswers {
		s.proxy.set(func(_ int, a *answer) { change(a) })
		_, err := s.chain.Tip(x.ctx)
		x.wantCode("tip: "+name, err, spoken...)
		if hash, err := s.chain.Genesis(x.ctx); err != nil || hash != genesis { // it may have been remembered
			x.wantCode("genesis: "+name, err, spoken...)
		}
		if hash, err := s.chain.BlockHash(x.ctx, s.block.Height); err != nil || hash != s.block.Hash {
			x.wantCode("block hash: "+name, err, spoken...)
		}
		for _, w := range s.watched {
			s.readsTrue("block: "+name, w, spoken...)
		}
		s.recovers(name)
	}
}

// testOneBadAnswer: nor does it when only one answer of those that make a block is bad.
func testOneBadAnswer(x *trial) {
	s := x.scene()
	for _, w := range s.watched {
		for at := range s.record(s.block.Height, w) {
			for name, change := range badAnswers {
				s.proxy.set(func(n int, a *answer) {
					if n == at {
						change(a)
					}
				})
				s.readsTrue(fmt.Sprintf("answer %d of a block: %s", at, name), w, spoken...)
			}
			s.recovers("bad answers")
		}
	}
}

// testAnotherBlocksAnswer: an answer that would be good for another block is not believed.
func testAnotherBlocksAnswer(x *trial) {
	s := x.scene()
	for _, w := range s.watched {
		recorded := s.record(s.other.Height, w)
		for at := range recorded {
			s.proxy.set(func(n int, a *answer) {
				if n == at {
					a.body = withIDOf(a.body, recorded[at])
				}
			})
			s.readsTrue(fmt.Sprintf("answer %d is that of another block", at), w, spoken...)
		}
		s.recovers("another block's answers")
	}
}

// flips is how many bytes of an answer are changed, one at a time.
const flips = 60

// testChangedByte: a single wrong byte makes no other block of it.
func testChangedByte(x *trial) {
	if !x.harness.Verified {
		x.Skip("this adapter has to believe some of what the node says")
	}
	s := x.scene()
	codes := append(slices.Clone(spoken), teller.CodeWrongNetwork)
	for _, w := range s.watched {
		for at, body := range s.record(s.block.Height, w) {
			for i := range flips {
				s.proxy.set(func(n int, a *answer) {
					if n == at && len(a.body) > 0 {
						a.body[(i*len(a.body)+i)/flips%len(a.body)] ^= 1 << (i % 3)
					}
				})
				s.readsTrue(fmt.Sprintf("byte %d/%d of answer %d (%.40s...) is changed", i, flips, at, body), w, codes...)
			}
		}
		s.recovers("changed bytes")
	}
}

// hangs let a node hang, at once or in the middle of its answer.
var hangs = map[string]fault{
	"at once":       func(_ int, a *answer) { a.status, a.hang = 0, true },
	"in its answer": func(_ int, a *answer) { a.hang = true },
}

// everyCall are the ways to ask a chain something that it can not know.
func (s *scene) everyCall() map[string]func(context.Context, teller.Chain) error {
	return map[string]func(context.Context, teller.Chain) error{
		"tip": func(ctx context.Context, c teller.Chain) error { _, err := c.Tip(ctx); return err },
		"block hash": func(ctx context.Context, c teller.Chain) error {
			_, err := c.BlockHash(ctx, s.block.Height)
			return err
		},
		"block": func(ctx context.Context, c teller.Chain) error {
			_, err := c.Block(ctx, s.block.Height, s.watched[1])
			return err
		},
	}
}

// testHangingNode: a node that does not go on is given up after the adapter's own time or the caller's, whichever is
// shorter.
func testHangingNode(x *trial) {
	s := x.scene()
	const short = 300 * time.Millisecond
	impatient := x.openAt(s.proxy.addr, short)
	for name, hang := range hangs {
		for what, call := range s.everyCall() {
			s.proxy.set(hang)
			x.wantCode(what+" of a node that hangs "+name, call(x.ctx, impatient), teller.CodeUnavailable)
			ctx, cancel := context.WithTimeout(x.ctx, short)
			x.wantCode(what+" of a node that hangs "+name+", called with a deadline", call(ctx, s.chain), teller.CodeUnavailable)
			cancel()
		}
		s.recovers("hanging " + name)
		x.eventually("recovery of the impatient", func() error {
			_, err := impatient.Tip(x.ctx)
			return err
		})
	}
}
