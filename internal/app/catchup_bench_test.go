package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/scan"
	"github.com/skycoin/teller/internal/store/bolt"
)

const (
	fullBlocks    = 80 // of 1 MB each
	verboseBlocks = 4  // of them: it takes long
	catchUpRounds = 3
	// everyThousandth payment of the full blocks goes to a watched address.
	everyThousandth = 1000
	// scanJobVar tells a child process what to scan.
	scanJobVar = "TELLER_BENCH_SCAN"
)

// scanJob is a catch-up in a process of its own, so that its memory can be told from everything else's.
type scanJob struct {
	Dir        string
	Node       btc.Config
	From       int64 // the first full block
	Watched    int
	Elsewhere  bool // watch addresses that no block pays
	Times      int  // how often, each time with a new ledger; quick scans need more to be measured
	WantUnpaid int  // payments that the scan must find; nobody is bound to the addresses
}

// scanReport is what the child measured.
type scanReport struct {
	Seconds float64
	AnonKB  int // at most, while it scanned
}

// BenchmarkCatchUp compares, in one run and against the same node: a bare client that reads raw blocks; the scan with its
// ledger, with 1,000 and with 1,000,000 watched addresses; a scan by verbose JSON; and the scan by filters of blocks that
// pay none of 1,000 addresses. They take turns, and the median of their rounds counts. The node's garbage collector is
// pinned, as its pace decides the node's.
func BenchmarkCatchUp(b *testing.B) {
	node := btcdtest.Start(b, btcdtest.Options{Env: []string{"GOGC=100", "GOMEMLIMIT=off"}})
	node.Generate(110)
	from := node.Height() + 2 // behind the block that prepares them
	node.GenerateFull(fullBlocks)
	found := fullBlocks * btcdtest.FullPayments / everyThousandth
	conf := btc.Config{Server: node.Server, User: node.User, Pass: node.Pass, Websocket: true, Network: node.Network}
	whole := conf
	whole.Filters = "off"
	bare := btcdtest.BareClient{Node: node}
	job := scanJob{Node: whole, From: from, Watched: 1_000, WantUnpaid: min(found, 1_000)}
	million := scanJob{Node: whole, From: from, Watched: 1_000_000, WantUnpaid: found}
	filters := scanJob{Node: conf, From: from, Watched: 1_000, Elsewhere: true, Times: 5}

	var raw, verbose, few, many, filtered paces
	memory := 0
	for b.Loop() {
		for range catchUpRounds {
			raw.add(fullBlocks, readBare(b, bare.RawBlock, from, fullBlocks, 4))
			few.add(fullBlocks, job.run(b, nil))
			many.add(fullBlocks, million.run(b, &memory))
			verbose.add(verboseBlocks, readBare(b, bare.VerboseBlock, from, verboseBlocks, 1))
			filtered.add(filters.Times*fullBlocks, filters.run(b, nil))
		}
	}
	b.ReportMetric(raw.median(), "raw_blocks/s")
	b.ReportMetric(few.median(), "scan1k_blocks/s")
	b.ReportMetric(few.median()/raw.median(), "scan1k/raw")
	b.ReportMetric(few.median()/verbose.median(), "scan1k/verbose")
	b.ReportMetric(many.median()/few.median(), "scan1M/scan1k")
	b.ReportMetric(filtered.median()/few.median(), "filters/scan1k")
	b.ReportMetric(float64(memory)/1000, "scan1M_anon_MB")
	b.ReportMetric(0, "ns/op") // of all ways together, it says nothing
}

// paces are the blocks per second of one way's rounds.
type paces []float64

func (p *paces) add(blocks int, took time.Duration) { *p = append(*p, float64(blocks)/took.Seconds()) }

func (p *paces) median() float64 {
	slices.Sort(*p)
	return (*p)[len(*p)/2]
}

// readBare reads blocks with some requests in flight and returns how long it took.
func readBare(b *testing.B, read func(context.Context, int64) error, from int64, blocks, inFlight int) time.Duration {
	b.Helper()
	heights := make(chan int64)
	var readers sync.WaitGroup
	start := time.Now()
	for range inFlight {
		readers.Go(func() {
			for height := range heights {
				if err := read(b.Context(), height); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range int64(blocks) {
		heights <- from + i
	}
	close(heights)
	readers.Wait()
	return time.Since(start)
}

// run scans in a child process and returns how long the scan took.
func (j scanJob) run(b *testing.B, memory *int) time.Duration {
	b.Helper()
	j.Dir = b.TempDir()
	text, err := json.Marshal(j)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), scanJobVar+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var r scanReport
	if err := json.Unmarshal(out, &r); err != nil {
		b.Fatalf("%v in %q", err, out)
	}
	if memory != nil {
		*memory = max(*memory, r.AnonKB)
	}
	return time.Duration(r.Seconds * float64(time.Second))
}

// scanInChild is what the child process does.
func scanInChild(text string) error {
	var j scanJob
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	ctx := context.Background()
	chain, err := btc.New(j.Node)
	if err != nil {
		return err
	}
	defer chain.Close()
	var report scanReport
	for i := range max(j.Times, 1) {
		once, err := j.scan(ctx, chain, filepath.Join(j.Dir, fmt.Sprint(i, ".db")))
		if err != nil {
			return err
		}
		report.Seconds += once.Seconds
		report.AnonKB = max(report.AnonKB, once.AnonKB)
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// scan catches up with a new ledger.
func (j scanJob) scan(ctx context.Context, chain *btc.Chain, path string) (scanReport, error) {
	store, err := bolt.Open(ctx, bolt.Options{Path: path, Clock: systemClock{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return scanReport{}, err
	}
	defer store.Close()
	terms := teller.ScanTerms{Rate: teller.MustRate("500"), Tip: j.From - 1}
	before, err := chain.Block(ctx, j.From-1, blind{})
	if err != nil {
		return scanReport{}, err
	}
	if _, err := store.SaveBlock(ctx, teller.BTC, before, terms); err != nil { // the scan begins behind it
		return scanReport{}, err
	}
	s, err := scan.New(ctx, scan.Options{Chain: chain, Store: store, Log: slog.New(slog.DiscardHandler), Clock: systemClock{}, Rate: terms.Rate})
	if err != nil {
		return scanReport{}, err
	}
	if err := j.watch(s); err != nil {
		return scanReport{}, err
	}
	report, err := measureScan(ctx, s)
	if err != nil {
		return scanReport{}, err
	}
	paid, err := store.UnboundPayments(ctx, 0, 1_000_000)
	if err == nil && len(paid) != j.WantUnpaid {
		err = fmt.Errorf("the scan found %d payments, want %d", len(paid), j.WantUnpaid)
	}
	return report, err
}

func (j scanJob) watch(s *scan.Scanner) error {
	const hashAt = 3 // in a script that pays a public key's hash
	first := 0
	if j.Elsewhere {
		first = 1 << 40
	}
	for i := range j.Watched {
		script := btcdtest.Stranger(first + i*everyThousandth)
		address, err := btc.FromHash([20]byte(script[hashAt:hashAt+20]), j.Node.Network)
		if err != nil {
			return err
		}
		if err := s.Watch(address); err != nil {
			return err
		}
	}
	return nil
}

// measureScan steps until the scan has caught up.
func measureScan(ctx context.Context, s *scan.Scanner) (scanReport, error) {
	ended, sampled := make(chan struct{}), make(chan struct{})
	var r scanReport
	go func() {
		defer close(sampled)
		for {
			if anon, err := anonymousMemory(); err == nil {
				r.AnonKB = max(r.AnonKB, anon)
			}
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	start := time.Now()
	var err error
	for worked := true; worked && err == nil; {
		worked, err = s.Step(ctx)
	}
	r.Seconds = time.Since(start).Seconds()
	close(ended)
	<-sampled
	return r, err
}
