package sim

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/settle"
)

// rebroadcast is how long the engine waits between two broadcasts of the same payout.
const rebroadcast = 30 * time.Second

// Options say what to simulate.
type Options struct {
	Seed   uint64
	Events int    // before the faults end; 0 = DefaultEvents
	Dir    string // where the ledger is kept; emptied before
	Story  bool   // write down what happens
	Height int    // thousandths of the usual rate of faults; 0 = drawn from the seed
	// Allow says which faults may be injected, nil = all.
	Allow func(point string, m Mode) bool
}

// DefaultEvents is how many events a seed has.
const DefaultEvents = 250

// Result is what a run has shown.
type Result struct {
	Err    error // the first invariant that did not hold
	Events int
	Hits   Hits
	Counts Counts
	Story  string
	// Trace is a hash-like digest of all that happened: equal for equal seeds.
	Trace string
}

// Counts tell what a run was made of.
type Counts struct {
	Payments, Paid, Held, Closed, Payouts, Dead, Reorgs, Starts, Restores, Bindings int
	Unexplained, Vouched, Duplicates                                                int // shown by balances, of these paid; and shown again by transfers
	Orders, OrdersFailed, Purchases, Doubts, Instead, Refunds                       int // Purchases: deposits paid with what was bought
	Orphaned, ByHand, Rescans, Ambushes, Outgrown, Stranded                         int
	Rounds                                                                          int // until all was paid after the faults had ended
}

// Add adds other counts; of Rounds it keeps the largest.
func (c *Counts) Add(o Counts) {
	c.Payments += o.Payments
	c.Paid += o.Paid
	c.Held += o.Held
	c.Closed += o.Closed
	c.Payouts += o.Payouts
	c.Dead += o.Dead
	c.Reorgs += o.Reorgs
	c.Starts += o.Starts
	c.Restores += o.Restores
	c.Bindings += o.Bindings
	c.Unexplained += o.Unexplained
	c.Vouched += o.Vouched
	c.Duplicates += o.Duplicates
	c.Orphaned += o.Orphaned
	c.ByHand += o.ByHand
	c.Rescans += o.Rescans
	c.Ambushes += o.Ambushes
	c.Outgrown += o.Outgrown
	c.Stranded += o.Stranded
	c.Orders += o.Orders
	c.OrdersFailed += o.OrdersFailed
	c.Purchases += o.Purchases
	c.Doubts += o.Doubts
	c.Instead += o.Instead
	c.Refunds += o.Refunds
	c.Rounds = max(c.Rounds, o.Rounds)
}

// run is one simulation.
type run struct {
	ctx      context.Context
	dir      string
	world    *world
	model    *model
	engine   *engine
	busy     worker // in the middle of a step
	setting  setting
	backup   []byte         // of the database, nil = none
	opened   int64          // the model's, when the backup was taken
	backedUp map[string]int // attempts by deposit, then
	outgrew  map[string]int // attempts by deposit, for which the backup was put back: see outgrown
	traced   bool           // all blocks of ETH are being read again by a node that traces
	restored bool           // a backup was put back since the last start
	counts   Counts
}

// Run simulates one seed.
func Run(o Options) Result {
	if o.Events == 0 {
		o.Events = DefaultEvents
	}
	r := newRun(o)
	r.live(o.Events)
	r.stop()
	r.counts.Reorgs = r.world.reorgs
	res := Result{Err: r.model.broken, Events: o.Events, Hits: r.world.faults.hits, Counts: r.counts}
	res.Trace = fmt.Sprint(r.world.serial, r.world.version, r.world.now.Unix(), r.world.commits, r.world.rng.Uint64())
	if r.world.story != nil {
		res.Story = r.world.story.String()
	}
	return res
}

// live lets the events happen, ends the faults, and judges.
func (r *run) live(events int) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(refused); !ok {
				panic(p)
			}
		}
	}()
	r.start()
	if r.world.chance(300) {
		r.awkward()
	}
	for i := 0; i < events && r.model.broken == nil; i++ {
		r.event()
	}
	if r.model.broken == nil {
		r.quiesce()
	}
}

func newRun(o Options) *run {
	w := newWorld(o.Seed)
	if o.Story {
		w.story = new(strings.Builder)
	}
	r := &run{ctx: context.Background(), dir: o.Dir, world: w, model: newModel(w), outgrew: make(map[string]int)}
	w.faults, w.model = newFaults(o.Allow), r.model
	w.elsewhere = r.elsewhere
	w.peek = func() peeker { return r.engine.store }
	small, _ := loadWallets()
	for _, c := range []teller.Coin{teller.BTC, teller.ETH} {
		w.chains[c] = newCoinChain(w, c)
		r.model.confirmations[c] = int64(w.between(0, 3))
	}
	r.model.confirmations[teller.SKY] = int64(w.between(0, 1))
	r.model.maxDecimals = w.between(0, 3)
	if w.chance(700) {
		r.model.maxDecimals = 3
	}
	_, large := loadWallets()
	w.sky = newSkyChain(w, large.Addresses())
	w.exchange = newExchange(w)
	r.setting = setting{rates: make(map[teller.Coin]teller.Rate), maxDecimals: r.model.maxDecimals, maxSize: pick(w, []int{700, 2000, 24000}), wallet: small}
	if r.setting.passthrough = w.chance(750); r.setting.passthrough {
		r.model.trading = true
		r.setting.policy = settle.Policy{
			Retry: w.chance(500), MaxAttempts: w.between(1, 4), ChecksBeforeCancel: w.between(1, 5), MaxDecimals: r.model.maxDecimals,
		}
		if w.exchange.picky > few { // so that some are refused many times in a row
			r.setting.policy.Retry = true
			r.setting.policy.MaxAttempts += 5
		}
		if w.chance(600) {
			r.setting.policy.MaxSlippage = big.NewRat(int64(w.between(1, 60)), 100)
		}
	}
	for _, c := range teller.Coins {
		r.setRate(c)
	}
	w.faults.height = pick(w, []int{0, 100, 500, 1000, 1000, 3000})
	if o.Height > 0 {
		w.faults.height = o.Height
	}
	w.note("seed %d: confirmations %v, decimals %d, faults at %d", o.Seed, r.model.confirmations, r.model.maxDecimals, w.faults.height)
	r.fund(w.between(0, 3), 2000)
	return r
}

// setRate changes what a coin buys from the next start on.
func (r *run) setRate(c teller.Coin) {
	rate := pick(r.world, map[teller.Coin][]string{
		teller.BTC: {"500", "1234.567", "1/3"}, teller.ETH: {"30", "100/7"}, teller.SKY: {"1", "0.99"},
	}[c])
	r.setting.rates[c] = teller.MustRate(rate)
	r.model.rates[c] = append(r.model.rates[c], rate)
}

// fund tops the hot wallet up with a number of outputs of about so many SKY each.
func (r *run) fund(outputs, sky int) {
	for range outputs {
		coins := teller.Droplets(r.world.between(sky/2, sky)) * teller.DropletsPerSKY
		to := r.setting.wallet.Addresses()[0]
		r.world.sky.confirm(r.world.sky.gift(teller.Recipient{Address: to, Coins: coins}))
	}
}

// step lets a worker do one step, judges what it has done, and starts the process anew when it died or its disk failed.
func (r *run) step(w worker) (worked bool, err error) {
	r.model.begin()
	r.model.steps++
	before := r.world.commits
	r.busy = w
	err, died := r.world.guard(func() (err error) { worked, err = w.Step(r.ctx); return err })
	r.settle(w.Name(), err, died, before)
	return worked, err
}

// elsewhere lets another worker, a buyer or the operator do something while a step waits for an answer, as they do in a
// process whose workers run at once. When that kills the process, the step that waits dies with it.
func (r *run) elsewhere() {
	if r.engine == nil {
		return // it is being started
	}
	r.within(func() {
		open := r.open()
		switch {
		case r.world.chance(300):
			_, _ = r.act()
		case len(open) > 0 && r.world.chance(300):
			r.ambush(pick(r.world, open))
		default:
			r.meanwhile(pick(r.world, r.engine.workers))
		}
	})
}

// within does something in the middle of a step, and judges what came of it before the step goes on.
func (r *run) within(f func()) {
	began, before := r.model.began, r.world.commits
	r.model.began = r.world.version
	f()
	if _, unusable := r.engine.store.IsUsed(r.ctx, teller.BTC, ""); unusable == nil && r.world.commits != before {
		r.model.check(r.engine.store)
	}
	r.model.began = began
}

// meanwhile lets a worker do a step while another one is in the middle of its own.
func (r *run) meanwhile(other worker) {
	if other == r.busy {
		return
	}
	_, err := other.Step(r.ctx)
	r.world.note("meanwhile %s: %v", other.Name(), err)
}

// settle follows up on whatever the engine was made to do.
func (r *run) settle(what string, err error, died bool, commitsBefore int) {
	if err != nil || died {
		r.world.note("%s: died %t, %v", what, died, err)
	}
	if !died {
		// A disk that failed leaves a ledger that must be opened anew: whoever watches over the process starts it again.
		_, unusable := r.engine.store.IsUsed(r.ctx, teller.BTC, "")
		died = unusable != nil
	}
	switch {
	case died:
		r.stop()
		r.start()
	case r.world.commits != commitsBefore:
		r.model.check(r.engine.store)
	}
}

// takeBackup copies the database as `teller backup` does.
func (r *run) takeBackup() {
	if r.backup != nil && r.world.exchange.picky > few {
		return // one that is outgrown
	}
	var copied strings.Builder
	if err := r.engine.store.Backup(r.ctx, &copied); err != nil {
		r.model.violate("I3", "no backup can be made: %v", err)
	}
	r.backup, r.backedUp = []byte(copied.String()), make(map[string]int)
	for id, d := range r.model.rows {
		r.backedUp[id] = d.Attempts
	}
	r.opened = r.model.opened
	r.world.note("backup taken")
}

// restore puts the last backup back in place of the database, or nothing at all. The journal stays where it is. No request
// to the exchange stays on its way for as long as that takes.
func (r *run) restore() {
	r.stop()
	r.world.exchange.arrive()
	path := filepath.Join(r.dir, "teller.db")
	lost := r.backup == nil || r.world.chance(150)
	var err error
	if lost {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, r.backup, 0o600)
	}
	if err != nil {
		panic(err)
	}
	r.restored = true
	r.model.opened = r.opened
	if lost {
		r.model.opened = 0
	}
	r.model.rebuilt = r.model.rebuilt || r.model.opened == 0
	r.counts.Restores++
	r.model.restores++
	r.world.note("backup put back, lost %t", lost)
	r.start()
}
