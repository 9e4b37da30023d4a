package bolt

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// The benchmarks compare within one run, with the compared parts interleaved, because only ratios hold on another
// machine. Each reports its ratio as a metric: run them with -benchtime=1x.

const (
	small   = 1_000
	large   = 1_000_000
	fillDue = 200 // deposits of a filled ledger that are not done
)

// BenchmarkBindConcurrent compares 16 and 64 callers that bind at once with one.
func BenchmarkBindConcurrent(b *testing.B) {
	s := open(b, Options{Path: filepath.Join(b.TempDir(), "teller.db")})
	defer s.Close()
	rates := map[int]float64{}
	for b.Loop() {
		for range 5 {
			for _, callers := range []int{1, 16, 64} {
				rates[callers] += bindRate(b, s, callers, 300*time.Millisecond)
			}
		}
	}
	b.ReportMetric(rates[16]/rates[1], "x16/x1")
	b.ReportMetric(rates[64]/rates[1], "x64/x1")
	for callers, sum := range rates {
		b.ReportMetric(sum/5/float64(b.N), fmt.Sprintf("binds/s@%d", callers))
	}
}

// BenchmarkBindAtSize compares binding in a ledger with a thousand and with a million bindings.
func BenchmarkBindAtSize(b *testing.B) {
	few, many := filled(b, small), filled(b, large)
	var rateFew, rateMany float64
	for b.Loop() {
		for range 8 {
			rateFew += bindRate(b, few, 1, 250*time.Millisecond)
			rateMany += bindRate(b, many, 1, 250*time.Millisecond)
		}
	}
	b.ReportMetric(rateMany/rateFew, "rate:1M/1k")
	b.ReportMetric(rateFew/8/float64(b.N), "binds/s@1k")
	b.ReportMetric(rateMany/8/float64(b.N), "binds/s@1M")
}

// benchRead is one of the reads that must not grow with the ledger. Its turn says which buyer or page it is for.
type benchRead struct {
	name string
	f    func(s *Store, size, turn int) error
}

// buyers is how many buyers look at their status again and again.
const buyers = 500

func benchReads(ctx context.Context) []benchRead {
	return []benchRead{
		{"totals", func(s *Store, _, _ int) error { _, err := s.Totals(ctx); return err }},
		{"status", func(s *Store, size, turn int) error {
			bs, err := s.BindingsOf(ctx, skyName(nth(turn%buyers*(size/buyers), size)))
			if err == nil && len(bs) != 1 {
				err = fmt.Errorf("%d bindings", len(bs))
			}
			for _, bound := range bs {
				if err == nil {
					_, err = s.DepositsTo(ctx, bound.Coin, bound.Address)
				}
			}
			return err
		}},
		{"page", func(s *Store, size, turn int) error {
			after := uint64(fillDue + turn%buyers*((size-fillDue-100)/buyers))
			ds, err := s.Deposits(ctx, teller.DepositQuery{Status: teller.StatusDone, After: after, Limit: 100})
			if err == nil && len(ds) != 100 {
				err = fmt.Errorf("%d deposits", len(ds))
			}
			return err
		}},
		{"due", func(s *Store, _, _ int) error { _, err := s.Due(ctx, teller.StatusWaitingSend, 0, 100); return err }},
	}
}

// BenchmarkTotalsAndStatusAtSize compares what the status, health and accounting pages read.
func BenchmarkTotalsAndStatusAtSize(b *testing.B) {
	ledgers := []*Store{filled(b, small), filled(b, large)}
	sizes := []int{small, large}
	reads := benchReads(context.Background())
	spent := make([][2]time.Duration, len(reads))
	const rounds, turns = 5, buyers
	run := func(i, j int) time.Duration {
		start := time.Now()
		for turn := range turns {
			if err := reads[i].f(ledgers[j], sizes[j], turn); err != nil {
				b.Fatal(reads[i].name, err)
			}
		}
		return time.Since(start)
	}
	for i := range reads {
		run(i, 0)
		run(i, 1) // warm: the pages that are asked for are in memory
	}
	for b.Loop() {
		for range rounds {
			for i := range reads {
				for j := range ledgers {
					spent[i][j] += run(i, j)
				}
			}
		}
	}
	for i, r := range reads {
		b.ReportMetric(float64(spent[i][1])/float64(spent[i][0]), r.name+":1M/1k")
		b.ReportMetric(float64(spent[i][1].Microseconds())/float64(rounds*turns*b.N), r.name+"-us@1M")
	}
}

// BenchmarkOpenAtSize opens a ledger with a million bindings and deposits: after an orderly end, and after a crash, when
// bolt must look for the free pages.
func BenchmarkOpenAtSize(b *testing.B) {
	s := filled(b, large)
	path := s.path
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	var orderly, crashed time.Duration
	var allocated uint64
	for b.Loop() {
		took, bytes := timeOpen(b, path, true)
		orderly, allocated = orderly+took, max(allocated, bytes)
		took, _ = timeOpen(b, path, false) // leaves the file as a crash does
		orderly += took
		took, _ = timeOpen(b, path, true)
		crashed += took
	}
	b.ReportMetric(float64(orderly.Milliseconds())/2/float64(b.N), "ms/open")
	b.ReportMetric(float64(crashed.Milliseconds())/float64(b.N), "ms/open-after-crash")
	b.ReportMetric(float64(allocated)/1e6, "MB-allocated")
}

func timeOpen(b *testing.B, path string, orderly bool) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	s := open(b, Options{Path: path})
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if orderly {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		return took, after.TotalAlloc - before.TotalAlloc
	}
	if err := s.PinChain(context.Background(), teller.BTC, "genesis"); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Bind(context.Background(), teller.Binding{Coin: teller.BTC, Address: fmt.Sprint(rand.Uint64()), SkyAddress: "x"}, 0); err != nil {
		b.Fatal(err)
	}
	crash(b, s)
	return took, after.TotalAlloc - before.TotalAlloc
}

// crash lets go of the files without the orderly end of Close.
func crash(tb testing.TB, s *Store) {
	tb.Helper()
	s.w.close()
	if err := s.db.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := s.journal.close(); err != nil {
		tb.Fatal(err)
	}
}

// bindRate is how many bindings a second some callers make, each as fast as it is answered.
func bindRate(b *testing.B, s *Store, callers int, d time.Duration) float64 {
	var wg sync.WaitGroup
	counts := make([]int, callers)
	start := time.Now()
	for i := range callers {
		wg.Go(func() {
			for time.Since(start) < d {
				binding := teller.Binding{Coin: teller.BTC, Address: addressName(rand.Uint64()), SkyAddress: skyName(rand.Uint64()), BuyMethod: teller.BuyDirect}
				if _, err := s.Bind(context.Background(), binding, 5); err != nil {
					b.Error(err)
					return
				}
				counts[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(start).Seconds()
}

// Names as long as real ones, spread over the key space as real ones are. A fill makes them in ascending order, which is
// what makes it fast; the bindings that are measured go anywhere in between.
func addressName(n uint64) string { return fmt.Sprintf("1%016x%016x", n, n) }
func skyName(n uint64) string     { return fmt.Sprintf("2%016x%016x", n, n) }

// nth is the name's number of the i-th of n rows of a fill.
func nth(i, n int) uint64 { return uint64(i) * (math.MaxUint64 / uint64(n)) }

// fills are the files of filled ledgers, by size. They are made once for all benchmarks of a run.
var fills = map[int]string{}

// filled opens a copy of a ledger with n bindings, of n SKY addresses, and one deposit to each, most of them done.
func filled(b *testing.B, n int) *Store {
	b.Helper()
	if fillDir == "" {
		dir, err := os.MkdirTemp("", "teller-ledgers-") //nolint:usetesting // it outlives this benchmark
		if err != nil {
			b.Fatal(err)
		}
		fillDir = dir
	}
	if fills[n] == "" {
		fills[n] = filepath.Join(fillDir, fmt.Sprintf("%d.db", n))
		makeFill(b, fills[n], n)
	}
	path := filepath.Join(b.TempDir(), "teller.db")
	for _, suffix := range []string{"", ".bindings"} {
		if err := copyFile(fills[n]+suffix, path+suffix); err != nil {
			b.Fatal(err)
		}
	}
	s := open(b, Options{Path: path})
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func makeFill(b *testing.B, path string, n int) {
	b.Helper()
	s := open(b, Options{Path: path, NoSync: true})
	const group = 20_000
	for from := 0; from < n; from += group {
		err := s.db.Update(func(tx *bolt.Tx) error {
			t := &txn{tx: tx, now: s.now()}
			for _, name := range ownBuckets() {
				tx.Bucket([]byte(name)).FillPercent = 0.7 // as full as pages are when keys come in no order
			}
			for i := from; i < min(from+group, n); i++ {
				if err := fill(t, i, n); err != nil {
					return err
				}
			}
			t.writeTotals()
			return t.err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := s.rebuildJournal(); err != nil {
		b.Fatal(err)
	}
	if err := s.db.Sync(); err != nil { // or the disk writes it out while others are measured
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func fill(t *txn, i, n int) error {
	binding := teller.Binding{
		Coin: teller.BTC, Address: addressName(nth(i, n)), SkyAddress: skyName(nth(i, n)), BuyMethod: teller.BuyDirect,
		Height: int64(i / 10), CreatedAt: t.now,
	}
	if _, err := t.putBinding(binding, nil); err != nil {
		return err
	}
	txid := fmt.Sprintf("%016x%048x", nth(i, n), i)
	r := &record{mined: true, Deposit: teller.Deposit{
		ID: teller.DepositID(txid, 0), Coin: teller.BTC, Address: binding.Address, SkyAddress: binding.SkyAddress,
		BuyMethod: teller.BuyDirect, Value: teller.NewAmount(1_000_000), TxID: txid, Height: int64(i/10) + 1, BlockHash: txid,
		Rate: teller.MustRate("500"), Status: teller.StatusDone, Owed: 5_000_000, Sent: 5_000_000, PayoutTxID: txid[:60] + "paid",
	}}
	if i < fillDue { // a few are still to be sent
		r.Status, r.Sent, r.PayoutTxID = teller.StatusWaitingSend, 0, ""
	}
	return t.create(r, eventRecord, teller.AuditEntry{TxID: txid})
}
