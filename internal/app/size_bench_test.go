package app

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/store/bolt"
)

// startDir names the data directory for the child process of BenchmarkAtSize.
const startDir = "TELLER_BENCH_START_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(startDir); dir != "" {
		if err := startOnce(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if job := os.Getenv(scanJobVar); job != "" {
		if err := scanInChild(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func startConfig(dir string) config.Config {
	c := config.Dummy(dir)
	c.Web.HTTPAddr, c.AdminPanel.Host, c.Dummy.HTTPAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.ETHScanner.Enabled, c.SkyScanner.Enabled = false, false
	c.Web.ThrottleMax = 0
	c.BTCAddresses = filepath.Join(dir, "addresses.txt")
	return c
}

// startOnce opens a counter and prints how long it took, in milliseconds, and its anonymous memory, in kB.
func startOnce(dir string) error {
	start := time.Now()
	a, err := New(context.Background(), Options{Config: startConfig(dir), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	took := time.Since(start)
	anon, err := anonymousMemory()
	if err != nil {
		return err
	}
	fmt.Println(took.Milliseconds(), anon, a.scanners[teller.BTC].Watching())
	return a.close()
}

// anonymousMemory is what the process has of its own: the mapped database file is the kernel's to drop.
func anonymousMemory() (kB int, err error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "RssAnon:"); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("no RssAnon in /proc/self/status")
}

// fill makes a ledger of n bindings with a deposit each.
func fill(b *testing.B, dir string, n int) {
	b.Helper()
	addresses := mainnetAddresses(b, n+1000)
	c := startConfig(dir)
	text := strings.Join(addresses, "\n") + "\n"
	if err := os.WriteFile(c.BTCAddresses, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	s, err := bolt.Open(ctx, bolt.Options{Path: c.DBPath(), Clock: systemClock{}, Logger: slog.New(slog.DiscardHandler), NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.PinChain(ctx, teller.BTC, teller.DummyGenesis); err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for client := range 64 {
		wg.Go(func() {
			for i := client; i < n; i += 64 {
				_, err := s.Bind(ctx, teller.Binding{Address: addresses[i], Coin: teller.BTC, SkyAddress: benchBuyer(i), BuyMethod: teller.BuyDirect}, 5)
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	parent := teller.DummyGenesis
	for h, at := int64(0), 0; at < n; h++ {
		block := teller.Block{BlockRef: teller.BlockRef{Height: h, Hash: fmt.Sprint("block", h)}, Parent: parent}
		for ; at < n && len(block.Transfers) < 10_000; at++ {
			block.Transfers = append(block.Transfers, teller.Transfer{Address: addresses[at], TxID: fmt.Sprintf("%064x", at), Value: teller.NewAmount(1000)})
		}
		if _, err := s.SaveBlock(ctx, teller.BTC, block, teller.ScanTerms{Rate: teller.MustRate("500"), Tip: h}); err != nil {
			b.Fatal(err)
		}
		parent = block.Hash
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAtSize compares a small ledger with one of a million bindings and deposits: what a start takes, in time and in
// anonymous memory, and what the answers to status, health and accounting cost. Each start is a process of its own; the
// last of three counts, when the disk's cache is warm.
func BenchmarkAtSize(b *testing.B) {
	const small, large = 1_000, 1_000_000
	dirs := map[int]string{small: b.TempDir(), large: b.TempDir()}
	for n, dir := range dirs {
		fill(b, dir, n)
	}
	for b.Loop() {
		for n, dir := range dirs {
			var ms, kB, watching int
			for range 3 {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), startDir+"="+dir)
				cmd.Stderr = os.Stderr
				out, err := cmd.Output()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := fmt.Sscan(string(out), &ms, &kB, &watching); err != nil {
					b.Fatal(err)
				}
			}
			if watching != n {
				b.Fatalf("%d addresses watched, want %d", watching, n)
			}
			b.ReportMetric(float64(ms)/1000, fmt.Sprintf("s-to-start@%d", n))
			b.ReportMetric(float64(kB)/1024, fmt.Sprintf("anon-MB@%d", n))
		}
		compareAnswers(b, small, large, dirs)
	}
}

// compareAnswers asks both ledgers in turn, so that whatever else the machine does falls on both. The status is asked for a
// thousand buyers, drawn from all, ten times each, as pages that wait do; the first round, in which the kernel maps the
// pages of the file, does not count.
func compareAnswers(b *testing.B, small, large int, dirs map[int]string) {
	b.Helper()
	desks := map[int]*App{}
	for n, dir := range dirs {
		a, err := New(b.Context(), Options{Config: startConfig(dir), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = a.close() })
		desks[n] = a
	}
	random := rand.New(rand.NewPCG(1, 2))
	const buyers, rounds = 1000, 10
	asked := map[int][]string{}
	for n := range desks {
		for range buyers {
			asked[n] = append(asked[n], benchBuyer(random.IntN(n)))
		}
	}
	for _, q := range []struct{ name, listener, path string }{
		{"status", "public", "/api/status?skyaddr="}, {"health", "public", "/api/health"}, {"accounting", "admin", "/api/accounting"},
	} {
		took := map[int]time.Duration{}
		for i := range (1 + rounds) * buyers {
			for n, a := range desks {
				path := q.path
				if q.name == "status" {
					path += asked[n][i%buyers]
				}
				req := httptest.NewRequest("GET", path, nil)
				req.Host = "127.0.0.1"
				rec := httptest.NewRecorder()
				start := time.Now()
				a.handler(q.listener).ServeHTTP(rec, req)
				if i >= buyers {
					took[n] += time.Since(start)
				}
				if rec.Code != 200 {
					b.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
				}
			}
		}
		b.ReportMetric(float64(took[large])/float64(took[small]), q.name+":1M/1k")
		b.ReportMetric(float64(took[large].Microseconds())/(rounds*buyers), q.name+"-us@1M")
	}
}

// benchBuyer is the SKY address of the i-th binding.
func benchBuyer(i int) string {
	h := sha256.Sum256(strconv.AppendInt([]byte("buyer"), int64(i), 10))
	return sky.FromHash([20]byte(h[:20]))
}

func (a *App) handler(name string) http.Handler {
	for _, l := range a.listeners {
		if l.name == name {
			return l.server.Handler
		}
	}
	panic("no listener " + name)
}
