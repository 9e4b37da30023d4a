package settle

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// everyFault are the outcomes that a call may have.
var everyFault = []outcome{fails, lost, late, limited, diesFirst, diesAfter}

// failAt has the n-th call from now, to the exchange or the ledger, end in a fault, and so for further pairs.
func (s *shop) failAt(faults map[int]outcome) (calls *int) {
	n := 0
	fate := func(string) outcome {
		n++
		return faults[n]
	}
	s.x.fate, s.l.fate = fate, fate
	return &n
}

// lives are what may happen to the orders of one deposit of 100,000 satoshi.
var lives = []struct {
	name         string
	plans        []string
	retry, limit bool
	hide         int // how often an order is not shown at first
	releases     int
	// What becomes of it without any fault where a client id is good for one order; "" = not the same everywhere.
	want string
}{
	{name: "filled at once", want: "waiting_send 0.500000"},
	{name: "filled slowly", plans: []string{"slow"}, want: "waiting_send 0.500000"},
	{name: "most of it", plans: []string{"most"}, want: "waiting_send 0.497000"},
	{name: "half", plans: []string{"half"}, want: "waiting_passthrough_order_complete 0.000000 held for order_failed"},
	{name: "half, and the rest by itself", plans: []string{"half"}, retry: true, want: "waiting_send 0.500000"},
	{name: "half, and the rest when released", plans: []string{"half"}, releases: 1, want: "waiting_send 0.500000"},
	{name: "nothing, as often as is allowed", plans: []string{"nothing", "half", "nothing"}, retry: true, want: "waiting_passthrough_order_complete 0.000000 held for order_failed"},
	{name: "nothing, and on and on", plans: []string{"nothing", "nothing", "nothing", "half"}, retry: true, releases: 2, want: "waiting_send 0.500000"},
	{name: "refused", plans: []string{"invalid"}, want: "waiting_passthrough 0.000000 held for order_failed"},
	{name: "refused, and released", plans: []string{"invalid"}, releases: 1, want: "waiting_send 0.500000"},
	{name: "refused twice", plans: []string{"invalid", "invalid"}, retry: true, want: "waiting_send 0.500000"},
	{name: "too small", plans: []string{"below"}, retry: true, want: "waiting_passthrough 0.000000 held for order_failed"},
	{name: "too small, and not any more when released", plans: []string{"below"}, releases: 1, want: "waiting_send 0.500000"},
	{name: "filled at a better price", plans: []string{"better", "better", "better"}, limit: true, want: "waiting_send 0.499000"},
	{name: "filled at a better price, and the exchange takes no order for the rest", plans: []string{"better", "below"}, limit: true, want: "waiting_send 0.480000"},
	{name: "half, and the exchange takes no order for the rest", plans: []string{"half", "below"}, retry: true, want: "waiting_send 0.250000"},
	{name: "short of coins", plans: []string{"short", "short"}, want: "waiting_send 0.500000"},
	{name: "cancelled at its price", plans: []string{"wait"}, limit: true, retry: true, want: "waiting_send 0.500000"},
	{name: "waiting without a price", plans: []string{"wait"}, want: ""},
	{name: "shown late", hide: 4, releases: 1, want: "waiting_send 0.500000"},
	{name: "half, shown late", plans: []string{"half", "nothing"}, hide: 2, retry: true, want: "waiting_send 0.500000"},
}

// lead has the deposit lead one of the lives.
func (s *shop) lead(life int) {
	c := lives[life]
	s.script(c.plans...)
	s.policy.Retry, s.x.hide, s.releases = c.retry, c.hide, c.releases
	if c.limit {
		s.policy.MaxSlippage = big.NewRat(1, 20)
	}
	s.run()
	if c.want != "" {
		s.settled()
	}
}

// live is a deposit's life, with faults at some calls.
func live(t *testing.T, life int, idsOnce bool, faults map[int]outcome) (s *shop, calls int) {
	t.Helper()
	s = newShop(t, idsOnce, bound(1, 100_000))
	n := s.failAt(faults)
	s.lead(life)
	return s, *n
}

func TestBuyerLives(t *testing.T) {
	for i, c := range lives {
		for _, idsOnce := range []bool{true, false} {
			s, _ := live(t, i, idsOnce, nil)
			if state := s.state(); !strings.Contains(state, c.want+";") && c.want != "" {
				t.Errorf("%s: %s, want %s", c.name, state, c.want)
			}
			for _, o := range s.l.orders {
				if o.Doubted {
					t.Errorf("%s: doubted without any fault", c.name)
				}
			}
		}
	}
}

// Whatever call of whatever life fails, loses its answer, or is the process's last: no order is accepted twice, none
// beside another, and nothing is sent that was not bought.
func TestBuyerKilledAndCutOffAtEveryCall(t *testing.T) {
	for i, c := range lives {
		t.Run(c.name, func(t *testing.T) {
			for _, idsOnce := range []bool{true, false} {
				_, calls := live(t, i, idsOnce, nil)
				for n := range calls {
					for _, fault := range everyFault {
						live(t, i, idsOnce, map[int]outcome{n + 1: fault})
					}
				}
			}
		})
	}
}

// The same with two faults, for the lives that are short.
func TestBuyerKilledAndCutOffTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	for _, i := range []int{0, 9} {
		for _, idsOnce := range []bool{true, false} {
			_, calls := live(t, i, idsOnce, nil)
			for n := range calls {
				for m := n + 1; m < n+10; m++ {
					for _, first := range everyFault {
						for _, second := range everyFault {
							live(t, i, idsOnce, map[int]outcome{n + 1: first, m + 1: second})
						}
					}
				}
			}
		}
	}
}

// Several deposits, an exchange in any mood, processes that die anywhere, and an operator who changes everything meanwhile.
func TestBuyerProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var ds []teller.Deposit
		for i := range rapid.IntRange(1, 4).Draw(t, "deposits") {
			ds = append(ds, bound(i+1, rapid.Uint64Range(500, 200_000).Draw(t, "value")))
		}
		s := newShop(t, rapid.Bool().Draw(t, "client ids are good for one order"), ds...)
		moods := []int{0, 1, 10, 40}
		worst := rapid.SampledFrom(moods).Draw(t, "calls of 100 that go wrong")
		fate := func(string) outcome {
			if random.IntN(100) < worst {
				return everyFault[random.IntN(len(everyFault))]
			}
			return fine
		}
		s.x.fate, s.l.fate = fate, fate
		plans := []string{"fill", "fill", "slow", "half", "most", "nothing", "wait", "invalid", "below", "short", "better"}
		s.x.plan = func() string { return plans[random.IntN(len(plans))] }
		for range rapid.IntRange(0, 150).Draw(t, "steps") {
			s.meddle(random)
			_, _ = s.step()
		}
		// From here on nothing goes wrong any more, and what waits for its price is cancelled.
		s.x.fate = func(string) outcome { return fine }
		s.l.fate, s.x.hide, s.releases = s.x.fate, 0, 10
		s.script()
		for _, d := range s.x.deals {
			d.plan = "fill"
		}
		s.start()
		s.run()
		s.settled()
	})
}
