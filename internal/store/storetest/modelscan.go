package storetest

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// The part of the model that is about what the scan misses, and what comes before a binding.

// modelFirst is the first block of the model's chain. The scan begins two blocks above it.
const modelFirst = 98

// beginChain makes the blocks below the first one that is scanned, with a payment in each, and that one.
func (m *model) beginChain() {
	m.Helper()
	parent := "older"
	for i, address := range m.pool {
		b := older(modelFirst+int64(i), parent, m.name("old"), transfer(address, m.name("t"), 0, 100_000))
		m.real = append(m.real, b)
		parent = b.Hash
	}
	b := m.next(modelCoin)
	m.block(modelCoin)
	b.Hash, b.Parent = m.chains[modelCoin][0].Hash, parent
	m.real = append(m.real, b)
}

func (m *model) onRealChain(tr teller.Transfer) bool {
	return slices.ContainsFunc(m.real, func(b teller.Block) bool {
		return slices.ContainsFunc(b.Transfers, func(x teller.Transfer) bool { return x.TxID == tr.TxID && x.N == tr.N })
	})
}

// see takes down what the store has been shown, and returns how many deposits are new to it.
func (m *model) see(height int64, trs []teller.Transfer) (found int) {
	for _, tr := range trs {
		id := teller.DepositID(tr.TxID, tr.N)
		known := m.deposits
		if m.bound[tr.Address] == "" {
			known = m.unbound
		}
		d := known[id]
		if d == nil {
			d = &modelDeposit{transfer: tr, status: teller.StatusWaitingDeposit}
			known[id] = d
			if m.bound[tr.Address] != "" {
				m.order = append(m.order, id)
				found++
				if m.unbound[id] != nil { // seen before the binding, and in another block now
					delete(m.unbound, id)
					m.same("held "+id, holdOf(m.deposit(id)), teller.HoldBeforeBinding)
				}
			}
		}
		if d.height == 0 {
			d.height = height
		}
	}
	return found
}

// forget takes off what is above the chain's tip.
func (m *model) forget() {
	tip := m.tip()
	m.real = m.real[:tip-modelFirst+1]
	for _, d := range m.unbound {
		if d.height > tip {
			d.height = 0
		}
	}
	if m.rescan != nil && !m.rescan.Done() {
		m.rescan.To = min(m.rescan.To, tip)
	}
}

// bindPaid binds an address that may have been paid already: what was seen of it is a held deposit now.
func (m *model) bindPaid(rt *rapid.T) {
	address := rapid.SampledFrom(m.pool).Draw(rt, "address")
	buyer := rapid.SampledFrom(modelBuyers).Draw(rt, "buyer")
	m.bind(modelCoin, address, buyer)
	m.bound[address] = buyer
	m.pool = append(slices.DeleteFunc(m.pool, func(a string) bool { return a == address }), m.name("p"))
	for _, id := range slices.Sorted(maps.Keys(m.unbound)) {
		if d := m.unbound[id]; d.transfer.Address == address && d.height > 0 {
			m.deposits[id] = d
			m.order = append(m.order, id)
			delete(m.unbound, id)
			m.is(id, teller.StatusWaitingDeposit, teller.HoldBeforeBinding)
		}
	}
}

// creditSome credits without a block, under other confirmations from now on.
func (m *model) creditSome(rt *rapid.T) {
	m.conf = rapid.Int64Range(0, 3).Draw(rt, "confirmations")
	m.expectCredits(m.creditDeep(modelCoin), m.tip())
}

func (m *model) rescanFrom(rt *rapid.T) {
	r := m.startRescan(modelCoin, rapid.Int64Range(modelFirst, m.tip()).Draw(rt, "from"))
	m.rescan = &r
}

// rescanSome reads the next blocks of the rescan, now with all that is in them.
func (m *model) rescanSome(rt *rapid.T) {
	if m.rescan == nil || m.rescan.Done() {
		rt.Skip("no rescan is under way")
	}
	for range rapid.IntRange(1, 4).Draw(rt, "blocks") {
		if m.rescan.Done() {
			return
		}
		b := m.real[m.rescan.Next-modelFirst]
		res, err := m.store.SaveRescanned(m.ctx, modelCoin, b, teller.ScanTerms{Confirmations: m.conf, Rate: rate, Tip: m.tip()})
		m.must(err)
		found := m.see(b.Height, b.Transfers)
		m.same("found", len(res.Recorded), found)
		m.rescan.Found += found
		m.rescan.Next++
		m.expectCredits(res, m.tip())
	}
}

// checkScan compares what is not bound, and how far the rescan is.
func (m *model) checkScan() {
	m.Helper()
	got := map[string]int64{}
	for _, p := range m.ledger.unbound() {
		got[teller.DepositID(p.TxID, p.N)] = p.Height
	}
	want := map[string]int64{}
	for id, d := range m.unbound {
		if d.height > 0 {
			want[id] = d.height
		}
	}
	m.same("unbound payments", got, want)
	if m.rescan != nil {
		r, err := m.store.Rescan(m.ctx, modelCoin)
		m.must(err)
		m.same("rescan", r, *m.rescan)
	}
}
