package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seedCount = flag.Int("seeds", 0, "how many seeds TestSeeds simulates (0 = 1,000, and 20 with -short)")
	firstSeed = flag.Uint64("first", 1, "the first of them")
	oneSeed   = flag.Uint64("seed", 0, "the seed that TestSeed replays and tells the story of")
	failures  = flag.Int("failures", 1, "after how many seeds that fail TestSeeds ends")
	update    = flag.Bool("update", false, "write the golden file anew")
	events    = flag.Int("events", DefaultEvents, "events of each seed before the faults end")
)

// simulate runs one seed in a directory of its own.
func simulate(t *testing.T, dir string, o Options) Result {
	t.Helper()
	o.Dir = filepath.Join(dir, fmt.Sprint(o.Seed))
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(o.Dir)
	return Run(o)
}

// TestSeeds simulates many seeds. The first one that fails is printed; TestSeed replays it.
func TestSeeds(t *testing.T) {
	if *seedCount == 0 {
		*seedCount = 1000
		if testing.Short() {
			*seedCount = 20
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // much garbage, little memory
	dir := t.TempDir()
	var (
		next    atomic.Uint64
		failed  atomic.Int64
		mu      sync.Mutex
		hits    = make(Hits)
		counts  Counts
		done    int
		workers sync.WaitGroup
	)
	next.Store(*firstSeed)
	last := *firstSeed + uint64(*seedCount) - 1
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed <= last && failed.Load() < int64(*failures); seed = next.Add(1) - 1 {
				res := simulate(t, dir, Options{Seed: seed, Events: *events})
				mu.Lock()
				hits.Add(res.Hits)
				counts.Add(res.Counts)
				if done++; done%1000 == 0 {
					t.Logf("%d of %d seeds: %d deposits paid by %d payouts", done, *seedCount, counts.Paid, counts.Payouts)
				}
				mu.Unlock()
				if res.Err != nil {
					failed.Add(1)
					t.Errorf("seed %d: %v\nthe story: go test ./internal/sim -run '^TestSeed$' -v -args -seed=%d", seed, res.Err, seed)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d seeds of %d events: %+v\n%s", *seedCount, *events, counts, hits.ByMode())
	if *seedCount < 1000 {
		return
	}
	if missed := hits.Missed(); len(missed) > 0 {
		t.Errorf("%d failpoint modes were never hit: %q", len(missed), missed)
	}
	for i, all := 0, reflect.ValueOf(counts); i < all.NumField(); i++ {
		if all.Field(i).Int() == 0 && failed.Load() == 0 {
			t.Errorf("nothing was ever %s: the simulation does not get there any more", all.Type().Field(i).Name)
		}
	}
}

// TestFailpoints holds the list of failpoints against the file that shows it.
func TestFailpoints(t *testing.T) {
	var list strings.Builder
	for _, b := range boundaries() {
		fmt.Fprintf(&list, "%s: ", b.name)
		for i, m := range b.modes {
			if i > 0 {
				list.WriteString(", ")
			}
			list.WriteString(string(m))
		}
		list.WriteString("\n")
	}
	const file = "testdata/failpoints.txt"
	if *update {
		if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != list.String() {
		t.Errorf("%s is stale (%v): run the test with -update", file, err)
	}
}

// TestSeed replays one seed exactly and tells its story.
func TestSeed(t *testing.T) {
	if *oneSeed == 0 {
		t.Skip("run with -args -seed=N")
	}
	res := simulate(t, t.TempDir(), Options{Seed: *oneSeed, Events: *events, Story: true})
	t.Logf("%s", res.Story)
	if res.Err != nil {
		t.Error(res.Err)
	}
}

// TestReplay: a seed has one story.
func TestReplay(t *testing.T) {
	seeds := uint64(10)
	if testing.Short() {
		seeds = 2
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		var first Result
		for i := range 3 {
			res := simulate(t, t.TempDir(), Options{Seed: seed, Story: i == 1})
			if i == 0 {
				first = res
			} else if res.Trace != first.Trace {
				t.Errorf("seed %d: %s, then %s", seed, first.Trace, res.Trace)
			}
		}
	}
}
