package storetest

import (
	"slices"

	"github.com/skycoin/teller"
)

var auditTests = map[string]func(*ledger){
	"ActsAreSigned": auditActs,
	"LaterEntriesLeaveEarlierOnesAlone": func(l *ledger) {
		l.credited("alice", 1_000_000)
		before := l.trail()
		l.payable("bob", 1_000_000)
		l.reopen()
		after := l.trail()
		l.same("the first entries", after[:len(before)], before)
	},
}

// trail is the whole audit log.
func (l *ledger) trail() []teller.AuditEntry {
	l.Helper()
	var all []teller.AuditEntry
	for {
		page, err := l.store.Audit(l.ctx, uint64(len(all)), 7)
		l.must(err)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// checkTrail checks that the audit log is one chain without gaps, and that following it gives the deposits (I6).
func (l *ledger) checkTrail(all []teller.Deposit) {
	l.Helper()
	last := map[string]teller.AuditEntry{}
	hash := ""
	for i, e := range l.trail() {
		l.same("entry's number", e.Seq, i+1)
		l.same("entry's hash", e.Hash, e.Link(hash))
		hash = e.Hash
		if e.DepositID == "" || e.To == "" {
			continue
		}
		l.same("status before entry of "+e.DepositID, e.From, last[e.DepositID].To)
		last[e.DepositID] = e
	}
	for _, d := range all {
		e := last[d.ID]
		var held []teller.HoldReason
		for _, h := range d.Holds() {
			held = append(held, h.Reason)
		}
		l.same("deposit "+d.ID+" after its last entry",
			[]any{d.Status, d.PayoutTxID, held, d.Version}, []any{e.To, e.PaidBy, e.Holds, e.Version})
	}
	l.same("deposits in the log", len(last), len(all))
}

// Every act of an operator names who did it, and why.
func auditActs(l *ledger) {
	l.openWallet(50)
	first, second := l.payable("alice", 1_000_000), l.payable("bob", 1_000_000)
	_, err := l.store.Hold(l.ctx, first.ID, first.Version, teller.HoldUnpayable, "test")
	l.must(err)
	_, err = l.store.Release(l.ctx, first.ID, operator)
	l.must(err)
	all, _ := l.outputs()
	foreign := l.spend(all[:1], teller.Recipient{Address: "bob", Coins: 5 * teller.DropletsPerSKY})
	l.skyBlock(foreign)
	_, err = l.store.CloseDeposit(l.ctx, second.ID, operator)
	l.must(err)
	l.must(l.store.SettleWithdrawal(l.ctx, foreign.ID, operator))
	_, err = l.store.StartRescan(l.ctx, teller.BTC, 100, operator)
	l.must(err)

	var acts []string
	for _, e := range l.trail() {
		if e.Actor != "" {
			l.same("actor of "+e.Event, e.Actor, operator.Actor)
			if e.Event != "claim" {
				l.mentions(e.Detail, operator.Reason)
			}
			acts = append(acts, e.Event)
		}
	}
	slices.Sort(acts)
	l.same("acts", acts, []string{"claim", "close", "release", "rescan", "settle"})
}
