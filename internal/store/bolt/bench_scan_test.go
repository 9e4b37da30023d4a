package bolt

import (
	"context"
	"fmt"
	"testing"

	"github.com/skycoin/teller"
)

// BenchmarkSaveEmptyBlock saves blocks that pay nobody, one after the other, as a catch-up does, in a small ledger and in
// one with a million bindings and deposits.
func BenchmarkSaveEmptyBlock(b *testing.B) {
	for _, size := range []int{small, large} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := filled(b, size)
			terms := teller.ScanTerms{Confirmations: 1, Rate: teller.MustRate("500"), Tip: 1 << 40}
			block := teller.Block{BlockRef: teller.BlockRef{Height: 1_000_000}}
			b.ResetTimer()
			for range b.N {
				block.Height++
				block.Parent, block.Hash = block.Hash, fmt.Sprintf("%064x", block.Height)
				if _, err := s.SaveBlock(context.Background(), teller.BTC, block, terms); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
		})
	}
}

// BenchmarkCompareBalances compares a batch of balances that tell nothing new, in a ledger with a million bindings.
func BenchmarkCompareBalances(b *testing.B) {
	const batch = 500
	s := filled(b, large)
	ctx := context.Background()
	at := teller.BlockRef{Height: 1_000_000, Hash: "tip"}
	if _, err := s.SaveBlock(ctx, teller.BTC, teller.Block{BlockRef: at}, teller.ScanTerms{Confirmations: 1, Rate: teller.MustRate("500")}); err != nil {
		b.Fatal(err)
	}
	addresses, after := 0, ""
	b.ResetTimer()
	for range b.N {
		page, err := s.BoundAfter(ctx, teller.BTC, after, batch)
		if err != nil || len(page) < batch {
			b.Fatal(len(page), err)
		}
		after = page[batch-1]
		balances := make([]teller.Balance, batch)
		for i, a := range page {
			balances[i] = teller.Balance{Address: a, Value: teller.NewAmount(1_000_000)}
		}
		if res, err := s.CompareBalances(ctx, teller.BTC, at, balances, teller.MustRate("500")); err != nil || len(res.Held) != 0 {
			b.Fatal(res, err)
		}
		addresses += batch
	}
	b.ReportMetric(float64(addresses)/b.Elapsed().Seconds(), "addresses/s")
}
