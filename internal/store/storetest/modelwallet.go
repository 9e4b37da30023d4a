package storetest

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// The half of the model that is about the wallet and its payouts.

// paySome pays some of the due deposits out of one spendable output.
func (m *model) paySome(rt *rapid.T) {
	due, err := m.store.Due(m.ctx, teller.StatusWaitingSend, 0, 0)
	m.must(err)
	_, spendable := m.outputs()
	if len(due) == 0 || len(spendable) == 0 {
		rt.Skip("nothing to pay, or nothing to pay with")
	}
	in := rapid.SampledFrom(spendable).Draw(rt, "input")
	left := in.Coins
	var ds []teller.Deposit
	for _, d := range due {
		if d.Owed <= left {
			left -= d.Owed
			ds = append(ds, d)
		}
	}
	if len(ds) == 0 {
		rt.Skip("the output is too small")
	}
	for _, d := range ds {
		if md := m.deposits[d.ID]; !md.credited || md.closed || md.lost {
			m.Fatalf("I4: %s is due, and the model says %+v", d.ID, *md)
		}
	}
	p, tx := m.payoutOf([]teller.Output{in}, ds...)
	m.must(m.store.CreatePayout(m.ctx, p))
	m.payouts = append(m.payouts, &modelPayout{payout: p, tx: tx, status: teller.PayoutPending})
}

// payStale tries to pay what has been changed since, or is in a payout already (I5).
func (m *model) payStale(rt *rapid.T) {
	d := m.some(rt, func(d teller.Deposit) bool { return d.Owed > 0 })
	_, spendable := m.outputs()
	if len(spendable) == 0 {
		rt.Skip("nothing to pay with")
	}
	if d.Status == teller.StatusWaitingSend && d.Due() {
		d.Version--
	}
	p := teller.Payout{TxID: m.name("stale"), Raw: []byte("x"), Inputs: []string{spendable[0].ID},
		Shares: []teller.Share{{DepositID: d.ID, Version: d.Version, Coins: d.Owed}}}
	m.refused(m.store.CreatePayout(m.ctx, p), teller.CodeConflict)
}

// pick draws a pending payout.
func (m *model) pick(rt *rapid.T) *modelPayout {
	pending := slices.DeleteFunc(slices.Clone(m.payouts), func(p *modelPayout) bool { return p.status != teller.PayoutPending })
	if len(pending) == 0 {
		rt.Skip("no payout is pending")
	}
	return rapid.SampledFrom(pending).Draw(rt, "payout")
}

func (m *model) confirm(rt *rapid.T) {
	p := m.pick(rt)
	p.status = teller.PayoutConfirmed
	for _, s := range p.payout.Shares {
		d := m.deposits[s.DepositID]
		d.paid += s.Coins
		d.times++
	}
	m.onChain(p.tx)
}

// rival lets somebody else's transaction spend a payout's input.
func (m *model) rival(rt *rapid.T) {
	p := m.pick(rt)
	p.status = teller.PayoutDead
	m.onChain(m.outsider(rt, m.inputsOf(p.tx)))
}

func (m *model) withdraw(rt *rapid.T) {
	_, spendable := m.outputs()
	if len(spendable) == 0 {
		rt.Skip("nothing to withdraw")
	}
	tx := m.outsider(rt, spendable[:1])
	if rapid.Bool().Draw(rt, "seen unconfirmed") {
		_, err := m.store.NotePending(m.ctx, []teller.SkyTx{tx})
		m.must(err)
	}
	m.onChain(tx)
}

// outsider makes a transaction that the ledger knows nothing of.
func (m *model) outsider(rt *rapid.T, ins []teller.Output) teller.SkyTx {
	to := rapid.SampledFrom(append([]string{"owner"}, modelBuyers...)).Draw(rt, "to")
	return m.spend(ins, teller.Recipient{Address: to, Coins: min(ins[0].Coins, teller.DropletsPerSKY)})
}

func (m *model) topUp(rt *rapid.T) {
	coins := teller.Droplets(rapid.IntRange(1, 50).Draw(rt, "coins")) * teller.DropletsPerSKY
	m.onChain(teller.SkyTx{ID: m.name("top"), Inputs: []string{m.name("theirs")},
		Outputs: []teller.SkyOutput{{ID: m.name("ux"), Address: hotAddress, Coins: coins}}})
}

// onChain puts a transaction into a block, for the model and for the store.
func (m *model) onChain(tx teller.SkyTx) {
	m.Helper()
	for _, in := range tx.Inputs {
		delete(m.unspent, in)
	}
	for _, o := range tx.Outputs {
		if o.Address == hotAddress {
			m.unspent[o.ID] = teller.Output{SkyOutput: o}
		}
	}
	m.skyBlock(tx)
}

// check compares the store with the model after each step.
func (m *model) check(*rapid.T) {
	m.Helper()
	m.checkBooks()
	m.checkScan()
	for _, id := range m.order {
		m.checkDeposit(m.deposits[id], m.deposit(id))
	}
	all, err := m.store.Deposits(m.ctx, teller.DepositQuery{Limit: len(m.order) + 1})
	m.must(err)
	m.same("number of deposits", len(all), len(m.order))
	for _, p := range m.payouts {
		m.same("payout "+p.payout.TxID, m.payoutStatus(p.payout.TxID), p.status)
	}
	outs, _ := m.outputs()
	m.same("I6: number of outputs", len(outs), len(m.unspent))
	for _, o := range outs {
		if mine, ok := m.unspent[o.ID]; !ok || mine.Coins != o.Coins {
			m.Fatalf("I6: the ledger has output %+v, the chain %+v", o, mine)
		}
	}
}

func (m *model) checkDeposit(md *modelDeposit, d teller.Deposit) {
	m.Helper()
	if md.paid > d.Owed || md.times > 1 {
		m.Fatalf("I1: %s is owed %s and was paid %s by %d transactions", d.ID, d.Owed, md.paid, md.times)
	}
	if md.times == 1 && d.Status != teller.StatusDone {
		m.Fatalf("I1: %s is paid, and %s", d.ID, d.Status)
	}
	if d.Version < md.version || (d.Version == md.version && d.Status != md.status) {
		m.Fatalf("I5: %s went from version %d %s to %d %s", d.ID, md.version, md.status, d.Version, d.Status)
	}
	if d.Status != md.status && !follows(md.status, d.Status) {
		m.Fatalf("I5: %s went from %s to %s", d.ID, md.status, d.Status)
	}
	if d.SkyAddress != m.bound[d.Address] {
		m.Fatalf("I9: %s is for %s, its address is bound to %s", d.ID, d.SkyAddress, m.bound[d.Address])
	}
	m.same("credited "+d.ID, d.Credited(), md.credited || md.closed)
	m.same("lost "+d.ID, d.Freezes(), md.lost)
	md.status, md.version = d.Status, d.Version
}

// follows reports whether one event of the table leads from a status to another.
func follows(from, to teller.Status) bool {
	return slices.ContainsFunc(teller.Events, func(e teller.Event) bool {
		next, err := teller.Next(from, e)
		return err == nil && next == to
	})
}
