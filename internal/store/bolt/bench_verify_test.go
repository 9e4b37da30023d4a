package bolt

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// BenchmarkVerifyAtSize checks a ledger with a million bindings and deposits by itself. Their payouts are not stored, which
// is found, and told up to the bound only.
func BenchmarkVerifyAtSize(b *testing.B) {
	s := filled(b, large)
	ctx := context.Background()
	var heap uint64
	var took, quick time.Duration
	for b.Loop() {
		start := time.Now()
		peak := make(chan uint64)
		stop := make(chan struct{})
		go func() {
			var top uint64
			for {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				top = max(top, m.HeapInuse)
				select {
				case <-stop:
					peak <- top
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		}()
		v, err := s.verify(ctx)
		took += time.Since(start)
		close(stop)
		heap = max(heap, <-peak)
		if err != nil || v.Deposits != large || v.Entries != large {
			b.Fatal(v.Deposits, v.Entries, err)
		}
		start = time.Now()
		if _, err := s.VerifyWallet(ctx); err != nil {
			b.Fatal(err)
		}
		quick += time.Since(start)
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s@1M")
	b.ReportMetric(float64(heap)/(1<<20), "MiB-heap")
	b.ReportMetric(float64(quick.Microseconds())/float64(b.N), "µs-quick")
}
