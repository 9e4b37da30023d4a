package sky

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// BenchmarkChain reads a chain from its beginning as a scan does, with some requests in flight; and, to compare with, as
// the ledger of payouts does, which asks for pages of blocks one after the other. It reports blocks per second.
func BenchmarkChain(b *testing.B) {
	const length = 1000
	n := startSuiteNode(b)
	n.Mine(length)
	ctx := context.Background()
	owner := watching{n.NewAddress()}
	for _, inFlight := range []int{1, 4, 8, 16} {
		b.Run(fmt.Sprintf("blocks/%d in flight", inFlight), func(b *testing.B) {
			chain := NewChain(n.node)
			for b.Loop() {
				heights := make(chan int64)
				var readers sync.WaitGroup
				for range inFlight {
					readers.Go(func() {
						for h := range heights {
							if _, err := chain.Block(ctx, h, owner); err != nil {
								b.Error(err)
							}
						}
					})
				}
				for h := range int64(length) {
					heights <- h
				}
				close(heights)
				readers.Wait()
			}
			b.ReportMetric(float64(length*b.N)/b.Elapsed().Seconds(), "blocks/s")
		})
	}
	b.Run("pages/1 in flight", func(b *testing.B) {
		for b.Loop() {
			blocks, err := n.node.Blocks(ctx, 0, length-1)
			must(b, err)
			if len(blocks) != length {
				b.Fatalf("read %d blocks of %d", len(blocks), length)
			}
		}
		b.ReportMetric(float64(length*b.N)/b.Elapsed().Seconds(), "blocks/s")
	})
}
