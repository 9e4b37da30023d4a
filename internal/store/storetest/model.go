package storetest

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// runModel drives a store by random steps and compares it, after each of them, with a model that knows only the outside
// world: which outputs are in which block, and which transactions the Skycoin chain holds. What it asserts are the
// invariants I1, I3, I4, I5, I6 and I9 of the ledger.
func runModel(t *testing.T, factory Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt, factory(t))
		defer m.close()
		rt.Repeat(map[string]func(*rapid.T){
			"bind":     m.bindSome,
			"bind2":    m.bindAgain,
			"bind3":    m.bindPaid,
			"mine":     m.mine,
			"mine2":    m.mine, // more often than the others
			"reorg":    m.reorgSome,
			"deep":     m.creditSome,
			"rescan":   m.rescanFrom,
			"rescan2":  m.rescanSome,
			"rescan3":  m.rescanSome,
			"decide":   m.decideSome,
			"pay":      m.paySome,
			"pay2":     m.paySome,
			"stale":    m.payStale,
			"confirm":  m.confirm,
			"rival":    m.rival,
			"withdraw": m.withdraw,
			"top up":   m.topUp,
			"hold":     m.holdSome,
			"release":  m.releaseSome,
			"close":    m.closeSome,
			"reopen":   func(*rapid.T) { m.reopen() },
			"":         m.check,
		})
	})
}

// modelDeposit is what the outside world and the store's answers tell about one output.
type modelDeposit struct {
	transfer teller.Transfer
	height   int64 // of the block in which the store has been shown it; 0 = in none
	credited bool
	lost     bool // credited, orphaned, and nobody has vouched for it yet
	closed   bool
	status   teller.Status
	version  uint64
	paid     teller.Droplets // by confirmed transactions of the ledger
	times    int             // how many of them
}

// modelPayout is a payout and what the Skycoin chain did to it.
type modelPayout struct {
	payout teller.Payout
	tx     teller.SkyTx
	status teller.PayoutStatus
}

type model struct {
	*ledger
	bound    map[string]string // deposit address -> SKY address
	deposits map[string]*modelDeposit
	order    []string
	payouts  []*modelPayout
	unspent  map[string]teller.Output

	real    []teller.Block           // the chain with all its transfers, from modelFirst on; the scan misses some
	pool    []string                 // addresses that are watched and not bound
	unbound map[string]*modelDeposit // what was seen to be paid to them, now in no block (height 0) included
	rescan  *teller.Rescan
}

const modelCoin = teller.BTC

func newModel(rt *rapid.T, open func() teller.Store) *model {
	m := &model{
		ledger: newLedger(rt, open), bound: map[string]string{},
		deposits: map[string]*modelDeposit{}, unspent: map[string]teller.Output{},
		pool: []string{"p-1", "p-2"}, unbound: map[string]*modelDeposit{},
	}
	m.conf = rapid.Int64Range(0, 3).Draw(rt, "confirmations")
	m.openWallet(60, 40, 30, 20)
	all, _ := m.outputs()
	for _, o := range all {
		m.unspent[o.ID] = o
	}
	m.beginChain()
	return m
}

var modelBuyers = []string{"alice", "bob", "carol"}

func (m *model) bindSome(rt *rapid.T) {
	address := m.name("b")
	buyer := rapid.SampledFrom(modelBuyers).Draw(rt, "buyer")
	m.bind(modelCoin, address, buyer)
	m.bound[address] = buyer
}

// I9.
func (m *model) bindAgain(rt *rapid.T) {
	address := m.anyAddress(rt)
	buyer := rapid.SampledFrom(modelBuyers).Draw(rt, "buyer")
	_, err := m.store.Bind(m.ctx, teller.Binding{Coin: modelCoin, Address: address, SkyAddress: buyer}, 0)
	m.refused(err, teller.CodeAlreadyBound)
}

func (m *model) anyAddress(rt *rapid.T) string {
	if len(m.bound) == 0 {
		rt.Skip("nothing is bound")
	}
	addresses := make([]string, 0, len(m.bound))
	for a := range m.bound {
		addresses = append(addresses, a)
	}
	slices.Sort(addresses)
	return rapid.SampledFrom(addresses).Draw(rt, "address")
}

// mine makes a block with new outputs and with some that a reorg had thrown out. The scan does not see all of them.
func (m *model) mine(rt *rapid.T) {
	var trs, seen []teller.Transfer
	add := func(tr teller.Transfer) {
		trs = append(trs, tr)
		if rapid.IntRange(0, 4).Draw(rt, "missed") > 0 {
			seen = append(seen, tr)
		}
	}
	if rapid.Bool().Draw(rt, "deposit") {
		for range rapid.IntRange(1, 3).Draw(rt, "outputs") {
			to := rapid.SampledFrom(m.pool).Draw(rt, "pool address")
			if len(m.bound) > 0 && rapid.IntRange(0, 2).Draw(rt, "bound") > 0 {
				to = m.anyAddress(rt)
			}
			add(transfer(to, m.name("t"), uint32(rapid.IntRange(0, 2).Draw(rt, "n")), uint64(rapid.IntRange(1, 30).Draw(rt, "value"))*100_000))
		}
	}
	for _, id := range m.order {
		if d := m.deposits[id]; !m.onRealChain(d.transfer) && rapid.Bool().Draw(rt, "re-mine") {
			add(d.transfer)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.unbound)) {
		if d := m.unbound[id]; !m.onRealChain(d.transfer) && rapid.Bool().Draw(rt, "re-mine") {
			add(d.transfer)
		}
	}
	b := m.next(modelCoin, trs...)
	res := m.block(modelCoin, seen...)
	b.Hash = m.chains[modelCoin][len(m.chains[modelCoin])-1].Hash
	m.real = append(m.real, b)
	m.see(b.Height, seen)
	m.expectCredits(res, b.Height)
}

func (m *model) tip() int64 {
	chain := m.chains[modelCoin]
	return chain[len(chain)-1].Height
}

// expectCredits works out what the block must have credited: everything at depth, unless the coin is frozen (I3, I4).
func (m *model) expectCredits(res teller.ScanResult, tip int64) {
	m.Helper()
	for _, d := range m.deposits {
		if d.lost && d.height > 0 && d.height <= tip-m.conf {
			d.lost = false
		}
	}
	frozen := slices.ContainsFunc(m.order, func(id string) bool { return m.deposits[id].lost })
	var want []string
	for _, id := range m.order {
		d := m.deposits[id]
		if !frozen && !d.credited && !d.closed && d.height > 0 && d.height <= tip-m.conf {
			d.credited = true
			want = append(want, id)
		}
	}
	got := ids(res.Credited)
	slices.Sort(got)
	slices.Sort(want)
	m.same("credited", got, want)
	m.same("frozen", res.Frozen, frozen)
}

func (m *model) reorgSome(rt *rapid.T) {
	n := rapid.IntRange(1, 4).Draw(rt, "depth")
	if n >= len(m.chains[modelCoin]) {
		rt.Skip("the chain is shorter")
	}
	m.reorg(modelCoin, n)
	m.forget()
	tip := m.tip()
	for _, d := range m.deposits {
		if d.height > tip {
			d.height = 0
			d.lost = (d.credited || d.closed) && (d.status != teller.StatusDone || d.times > 0)
		}
	}
}

// some draws a deposit in a status, as the store has it now.
func (m *model) some(rt *rapid.T, keep func(teller.Deposit) bool) teller.Deposit {
	all, err := m.store.Deposits(m.ctx, teller.DepositQuery{})
	m.must(err)
	all = slices.DeleteFunc(all, func(d teller.Deposit) bool { return !keep(d) })
	if len(all) == 0 {
		rt.Skip("there is none")
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(rt, "which")]
}

func (m *model) decideSome(rt *rapid.T) {
	m.decide(m.some(rt, func(d teller.Deposit) bool { return d.Status == teller.StatusWaitingDecide && d.Due() }))
}

func (m *model) holdSome(rt *rapid.T) {
	d := m.some(rt, func(d teller.Deposit) bool { return d.Hold == nil })
	_, err := m.store.Hold(m.ctx, d.ID, d.Version, teller.HoldUnpayable, "by the model")
	m.must(err)
}

func (m *model) releaseSome(rt *rapid.T) {
	d := m.some(rt, func(d teller.Deposit) bool { return d.Hold != nil })
	was := d.Hold.Reason
	_, err := m.store.Release(m.ctx, d.ID, operator)
	m.must(err)
	if was == teller.HoldOrphaned {
		m.deposits[d.ID].lost = false
	}
}

func (m *model) closeSome(rt *rapid.T) {
	d := m.some(rt, func(d teller.Deposit) bool {
		return (d.Status != teller.StatusDone || d.Hold != nil) && (d.Credited() || !d.Orphaned)
	})
	_, err := m.store.CloseDeposit(m.ctx, d.ID, operator)
	if d.Status == teller.StatusWaitingConfirm {
		m.refused(err, teller.CodeForbidden)
		return
	}
	m.must(err)
	m.deposits[d.ID].closed, m.deposits[d.ID].lost = true, false
}
