package storetest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// balanceModel is one address in a world where each block brings transfers, takes coins away, or brings coins that no
// transfer shows until a rescan finds it, and may leave the chain again. An operator decides about what is held.
type balanceModel struct {
	*ledger
	world   []balanceBlock    // from block 100 on
	twins   map[string]string // the two deposits that stand for the same coins
	decided map[string]bool   // deposits that the operator released or closed
	lost    bool              // one that the operator vouched for has left the chain with its block
}

type balanceBlock struct {
	shown, hidden, swept uint64
	found                bool   // a rescan has found the transfer of what was hidden
	noticed              string // the deposit that stands for it until then
}

func runBalanceModel(t *testing.T, factory Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newBalanceModel(rt, factory(t))
		defer m.close()
		rt.Repeat(map[string]func(*rapid.T){
			"mine":    m.mine,
			"mine2":   m.mine,
			"reorg":   m.reorgSome,
			"rescan":  m.rescanSome,
			"operate": m.operate,
			"deep":    func(*rapid.T) { m.creditDeep(teller.ETH) },
			"reopen":  func(*rapid.T) { m.reopen() },
			"":        m.check,
		})
	})
}

func newBalanceModel(rt *rapid.T, open func() teller.Store) *balanceModel {
	m := &balanceModel{ledger: newLedger(rt, open), twins: map[string]string{}, decided: map[string]bool{}}
	m.block(teller.ETH)
	m.bind(teller.ETH, "e1", "alice")
	m.world = []balanceBlock{{}}
	return m
}

// sums are what transfers show, what they do not or did not at first, and what the address holds.
func (m *balanceModel) sums() (shown, hidden, held uint64) {
	for _, b := range m.world {
		shown += b.shown
		hidden += b.hidden
		held += b.shown + b.hidden - b.swept
	}
	return shown, hidden, held
}

func (m *balanceModel) compare() teller.ScanResult {
	m.Helper()
	_, _, held := m.sums()
	return m.holds(map[string]uint64{"e1": held})
}

func (m *balanceModel) mine(rt *rapid.T) {
	var b balanceBlock
	var trs []teller.Transfer
	_, _, held := m.sums()
	switch rapid.IntRange(0, 3).Draw(rt, "what") {
	case 0:
		b.shown = rapid.Uint64Range(1, 50).Draw(rt, "shown")
		trs = append(trs, transfer("e1", m.name("0xt"), 0, b.shown))
	case 1:
		b.hidden = rapid.Uint64Range(1, 50).Draw(rt, "hidden")
	case 2:
		b.swept = rapid.Uint64Range(0, held).Draw(rt, "swept")
	}
	m.block(teller.ETH, trs...)
	m.world = append(m.world, b)
	res := m.compare()
	if b.hidden > 0 {
		m.same("noticed", len(res.Recorded), 1)
		m.world[len(m.world)-1].noticed = res.Recorded[0].ID
	} else {
		m.quiet(res)
	}
}

func (m *balanceModel) reorgSome(rt *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(rt, "depth")
	if n >= len(m.world) {
		rt.Skip("the chain is shorter")
	}
	for _, d := range m.reorg(teller.ETH, n).Orphaned {
		m.lost = m.lost || (d.ByBalance && d.Credited())
	}
	m.world = m.world[:len(m.world)-n]
	// What a rescan found hides as many coins that arrive before the next comparison.
	if len(m.twins) > 0 || rapid.Bool().Draw(rt, "compare at once") {
		m.compare()
	}
}

// rescanSome reads a block again with the transfer that was hidden in it.
func (m *balanceModel) rescanSome(rt *rapid.T) {
	i := rapid.IntRange(1, max(1, len(m.world)-1)).Draw(rt, "block")
	if i >= len(m.world) || m.world[i].hidden == 0 || m.world[i].found {
		rt.Skip("nothing is hidden there")
	}
	b := &m.world[i]
	tr := transfer("e1", m.name("0xcontract"), 1, b.hidden)
	m.startRescan(teller.ETH, 100+int64(i))
	res := m.rescanned(teller.ETH, m.again(teller.ETH, i, tr))
	id := teller.DepositID(tr.TxID, tr.N)
	m.same("found, held", []any{ids(res.Recorded), ids(res.Held)}, []any{[]string{id}, []string{id}})
	b.found = true
	m.twins[id], m.twins[b.noticed] = b.noticed, id
	m.compare() // the sum of both looks as if coins had left
}

// operate decides about a held deposit. Of two that stand for the same coins one is released at most.
func (m *balanceModel) operate(rt *rapid.T) {
	held, err := m.store.Deposits(m.ctx, teller.DepositQuery{Held: true})
	m.must(err)
	held = slices.DeleteFunc(held, func(d teller.Deposit) bool { return d.Orphaned && !d.Credited() })
	if len(held) == 0 {
		rt.Skip("nothing is held")
	}
	d := rapid.SampledFrom(held).Draw(rt, "deposit")
	m.decided[d.ID] = true
	twin := m.twins[d.ID]
	vouched := twin != "" && m.decided[twin] && m.deposit(twin).Error == ""
	if vouched || rapid.Bool().Draw(rt, "close") {
		m.closes(d.ID)
	} else {
		m.release(d.ID)
	}
}

// check: compared after every block, what no transfer shows is held to the last coin, and so is a transfer that is found
// behind it. Of the two one is received at most.
func (m *balanceModel) check(*rapid.T) {
	m.Helper()
	m.checkBooks()
	var shown, unexplained uint64
	all, err := m.store.Deposits(m.ctx, teller.DepositQuery{Limit: 10_000})
	m.must(err)
	for _, d := range all {
		if twin := m.twins[d.ID]; twin != "" && d.Received() {
			other := m.deposit(twin)
			m.same("received twice", other.Received(), false)
		}
		i := d.Height - 100
		if i >= int64(len(m.world)) || m.chains[teller.ETH][i].Hash != d.BlockHash {
			continue // not on the chain
		}
		v, _ := d.Value.Uint64()
		switch {
		case d.ByBalance:
			unexplained += v
			m.undecided(d, teller.HoldUnexplained)
		case m.twins[d.ID] != "":
			m.undecided(d, teller.HoldDuplicate)
		default:
			shown += v
			m.same("held", d.Hold != nil, d.Hold != nil && m.lost)
		}
	}
	wantShown, hidden, _ := m.sums()
	m.same("shown and unexplained", []uint64{shown, unexplained}, []uint64{wantShown, hidden})
}

// undecided checks that a deposit about which no operator has decided is held and not credited.
func (m *balanceModel) undecided(d teller.Deposit, reason teller.HoldReason) {
	m.Helper()
	if !m.decided[d.ID] && (!d.HeldFor(reason) || d.Credited()) {
		m.Fatalf("nobody has decided about %s, and it is not held as %s: %+v", d.ID, reason, d)
	}
}
