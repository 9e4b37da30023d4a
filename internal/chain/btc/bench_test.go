package btc

import (
	"context"
	"hash/maphash"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
)

const (
	benchBlocks   = 40 // full ones
	stretchBlocks = 20 // of which every way reads so many in a round
	verboseBlocks = 2  // but a scan by JSON these, in about the same time
	benchReaders  = 8  // calls of Block at once, as the scanner makes them
	bareReaders   = 4  // requests of the bare client at once: more are no faster
)

// BenchmarkCatchUp reads full blocks of 1 MB from a btcd in every way, one after the other in each round, and reports
// blocks per second and what they are to each other. The node's garbage collector is pinned: its pace decides the node's.
// A round takes some seconds; -benchtime=10x makes ten.
func BenchmarkCatchUp(b *testing.B) {
	node := btcdtest.Start(b, btcdtest.Options{Env: []string{"GOGC=100", "GOMEMLIMIT=off"}})
	node.Generate(110)
	first := node.Height() + 2 // behind the block that prepares them
	node.GenerateFull(benchBlocks)
	bare := btcdtest.BareClient{Node: node}
	few, many := newHashSet(1_000, 0), newHashSet(1_000_000, 0)
	none := newHashSet(1_000, 1<<40)
	for _, transport := range []string{"websocket", "post"} {
		b.Run(transport, func(b *testing.B) {
			c := chainOf(b, node, transport == "websocket", 0)
			const found = stretchBlocks * btcdtest.FullPayments / hashSetStep
			ways := []*way{
				{name: "raw", read: nothing(bare.RawBlock), blocks: stretchBlocks, readers: bareReaders},
				{name: "watch-1k", read: reader(c, few.unlisted()), blocks: stretchBlocks, readers: benchReaders, want: found},
				{name: "watch-1M", read: reader(c, many), blocks: stretchBlocks, readers: benchReaders, want: found},
				{name: "verbose", read: nothing(bare.VerboseBlock), blocks: verboseBlocks, readers: 1},
				{name: "filters-1k", read: reader(c, none), blocks: stretchBlocks, readers: benchReaders},
			}
			for round := 0; b.Loop(); round++ {
				for i := range ways { // another one is the first in each round
					ways[(round+i)%len(ways)].run(b, first+int64(round%2*stretchBlocks))
				}
			}
			report(b, ways)
		})
	}
}

func report(b *testing.B, ways []*way) {
	b.Helper()
	rate := make(map[string]float64)
	for _, w := range ways {
		rate[w.name] = float64(w.blocks*w.rounds) / w.took.Seconds()
		b.ReportMetric(rate[w.name], w.name+"-blocks/s")
	}
	b.ReportMetric(rate["watch-1k"]/rate["raw"], "watch-1k/raw")
	b.ReportMetric(rate["watch-1k"]/rate["verbose"], "watch-1k/verbose")
	b.ReportMetric(rate["watch-1M"]/rate["watch-1k"], "watch-1M/watch-1k")
	b.ReportMetric(rate["filters-1k"]/rate["watch-1k"], "filters-1k/watch-1k")
	b.ReportMetric(0, "ns/op") // of all ways together, it says nothing
}

// way is a way to read a stretch of blocks.
type way struct {
	name            string
	read            func(ctx context.Context, height int64) (transfers int, err error)
	blocks, readers int
	want            int // transfers in a stretch

	rounds int
	took   time.Duration
}

func (w *way) run(b *testing.B, first int64) {
	b.Helper()
	heights := make(chan int64)
	var readers sync.WaitGroup
	var mu sync.Mutex
	found := 0
	start := time.Now()
	for range w.readers {
		readers.Go(func() {
			for height := range heights {
				n, err := w.read(b.Context(), height)
				if err != nil {
					b.Error(err)
				}
				mu.Lock()
				found += n
				mu.Unlock()
			}
		})
	}
	for i := range w.blocks {
		heights <- first + int64(i)
	}
	close(heights)
	readers.Wait()
	w.took += time.Since(start)
	w.rounds++
	if found != w.want {
		b.Fatalf("%s: %d transfers, want %d", w.name, found, w.want)
	}
}

func reader(c *Chain, watched teller.Watched) func(context.Context, int64) (int, error) {
	return func(ctx context.Context, height int64) (int, error) {
		block, err := c.Block(ctx, height, watched)
		return len(block.Transfers), err
	}
}

// nothing is a read that finds none.
func nothing(read func(context.Context, int64) error) func(context.Context, int64) (int, error) {
	return func(ctx context.Context, height int64) (int, error) { return 0, read(ctx, height) }
}

// hashSetStep is how many payments of full blocks there are for one that a hashSet watches.
const hashSetStep = 1000

// hashSet is a teller.Watched like the scanner's: an open-addressed table of hashes.
type hashSet struct {
	seed  maphash.Seed
	table []uint64
	keys  [][]byte
}

// newHashSet watches n strangers, every hashSetStep-th from one on.
func newHashSet(n, from int) *hashSet {
	size := 1024
	for size < 2*n {
		size *= 2
	}
	s := &hashSet{seed: maphash.MakeSeed(), table: make([]uint64, size)}
	for i := range n {
		key := btcdtest.Stranger(from + i*hashSetStep)
		h := maphash.Bytes(s.seed, key)
		s.table[s.slot(h)] = h
		if n <= maxFilterKeys {
			s.keys = append(s.keys, key)
		}
	}
	return s
}

func (s *hashSet) slot(h uint64) uint64 {
	mask := uint64(len(s.table) - 1)
	i := h & mask
	for s.table[i] != 0 && s.table[i] != h {
		i = (i + 1) & mask
	}
	return i
}

func (s *hashSet) Has(key []byte) bool {
	h := maphash.Bytes(s.seed, key)
	return s.table[s.slot(h)] == h
}

func (s *hashSet) Keys() ([][]byte, bool) { return s.keys, s.keys != nil }

// unlisted is the set without the list that filters need.
func (s *hashSet) unlisted() *hashSet { return &hashSet{seed: s.seed, table: s.table} }
