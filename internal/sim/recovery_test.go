package sim

import (
	"slices"
	"strings"
	"testing"
)

// TestRecovery: after each class of faults ends, the backlog drains by itself within the bound in virtual time (I8), and
// deposits that can not be paid delay no other. Run judges it; here each class is met alone, and often.
func TestRecovery(t *testing.T) {
	outside := func(point string) bool {
		return !strings.HasPrefix(point, "ledger.") && !strings.HasPrefix(point, "commit.") && !strings.HasPrefix(point, "journal.")
	}
	only := func(modes ...Mode) func(string, Mode) bool {
		return func(point string, m Mode) bool { return outside(point) && slices.Contains(modes, m) }
	}
	for name, allow := range map[string]func(string, Mode) bool{
		"nothing but the world's turns": func(string, Mode) bool { return false },
		"crashes":                       func(_ string, m Mode) bool { return m == CrashBefore || m == CrashAfter },
		"nodes that fail":               only(Fail),
		"nodes that are slow or hang":   only(Delay, Hang),
		"replies lost or doubled":       only(Lost, Twice),
		"stale answers":                 only(Stale),
		"malformed answers":             only(Malformed),
		"a disk that is full":           func(_ string, m Mode) bool { return m == Full },
		"a disk that fails":             func(point string, m Mode) bool { return !outside(point) && (m == Fail || m == Lost || m == Torn) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var counts Counts
			hits := make(Hits)
			seeds := uint64(25)
			if testing.Short() {
				seeds = 2
			}
			for seed := uint64(1); seed <= seeds; seed++ {
				res := simulate(t, t.TempDir(), Options{Seed: seed, Height: 3000, Allow: allow})
				if res.Err != nil {
					t.Fatalf("seed %d: %v", seed, res.Err)
				}
				counts.Add(res.Counts)
				hits.Add(res.Hits)
			}
			t.Logf("all paid %d s after the last fault at the latest, %d allowed; %d paid\n%s", counts.Rounds*int(roundTime.Seconds()),
				maxRounds*int(roundTime.Seconds()), counts.Paid, hits.ByMode())
		})
	}
}
