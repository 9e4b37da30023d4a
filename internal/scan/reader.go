package scan

import (
	"context"
	"iter"
	"runtime/debug"
	"sync"

	"github.com/skycoin/teller"
)

const (
	// defaultInFlight is how many blocks are asked for at once. Nodes are busy with four whole blocks; twice as many hide the
	// way there and back when only block filters are read. An adapter bounds what it holds of them in memory.
	defaultInFlight = 8
	// window is how many blocks one step reads: long enough that the pipeline is seldom empty, short enough that the
	// node's tip is asked for every few seconds.
	window = 256
)

// readBlocks yields the blocks from..to in their order, reading ahead. It ends after the first error, and when it has
// returned no call is under way any more.
func (s *Scanner) readBlocks(ctx context.Context, from, to int64, watched func(height int64) teller.Watched) iter.Seq2[teller.Block, error] {
	if s.InFlight == 1 {
		return func(yield func(teller.Block, error) bool) {
			for height := from; height <= to; height++ {
				if b, err := readBlock(ctx, s.Chain, height, watched(height)); !yield(b, err) || err != nil {
					return
				}
			}
		}
	}
	return prefetch(ctx, s.Chain, from, to, s.InFlight, watched)
}

func prefetch(ctx context.Context, chain teller.Chain, from, to int64, inFlight int, watched func(height int64) teller.Watched) iter.Seq2[teller.Block, error] {
	type result struct {
		block teller.Block
		err   error
	}
	return func(yield func(teller.Block, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var calls sync.WaitGroup
		defer calls.Wait()
		defer cancel()

		var queue []chan result // of the blocks asked for, in their order
		next := from
		for height := from; height <= to; height++ {
			for ; next <= to && len(queue) < inFlight; next++ {
				reply, at := make(chan result, 1), next
				queue = append(queue, reply)
				calls.Go(func() {
					b, err := readBlock(ctx, chain, at, watched(at))
					reply <- result{b, err}
				})
			}
			r := <-queue[0]
			queue = queue[1:]
			if !yield(r.block, r.err) || r.err != nil {
				return
			}
		}
	}
}

// readBlock reads one block. What goes wrong in an adapter over something that nobody foresaw in a block must stop its
// own coin only, and be told: it would be met again at every start.
func readBlock(ctx context.Context, chain teller.Chain, height int64, watched teller.Watched) (b teller.Block, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = teller.Errorf(teller.CodeInternal, "reading block %d of %s panicked: %v\n%s", height, chain.Coin(), p, debug.Stack())
		}
	}()
	b, err = chain.Block(ctx, height, watched)
	if err == nil && b.Height != height {
		err = teller.Errorf(teller.CodeMalformed, "the %s node answered block %d when asked for %d", chain.Coin(), b.Height, height)
	}
	return b, err
}
