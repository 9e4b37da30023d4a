package sim

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/audit"
)

// maxRounds bounds how long the backlog may take to drain once the faults have ended, in rounds of ten seconds.
const maxRounds = 20

// roundTime is how much time passes between two rounds.
const roundTime = 10 * time.Second

// quiesce ends the faults and demands that everything payable is paid within the bound (I8), and that every other
// deposit was closed, or is held for a reason that the world knows (I3).
func (r *run) quiesce() {
	w := r.world
	w.note("--- the faults end")
	w.faults.height = 0
	clear(w.down)
	w.sky.lag = 0
	w.exchange.drain()
	r.fund(6, 20_000)
	var left []string
	for i := range maxRounds {
		r.round()
		if r.model.broken != nil {
			return
		}
		if left = r.unfinished(); len(left) == 0 {
			r.counts.Rounds = i + 1
			break
		}
	}
	for _, what := range left {
		r.model.violate("I8", "%s, %s after the faults have ended", what, maxRounds*roundTime)
	}
	r.lateDrain()
	r.final()
}

// round lets ten seconds pass in peace: blocks are made, and every worker works until it has nothing more to do.
func (r *run) round() {
	w := r.world
	if !r.setting.passthrough {
		w.now = w.now.Add(roundTime)
	}
	for _, c := range []teller.Coin{teller.BTC, teller.ETH} {
		w.chains[c].mine(1)
	}
	w.exchange.drain()
	w.sky.mine(1000)
	w.sky.confirm(w.sky.gift(teller.Recipient{Address: faucetAddress, Coins: teller.DropletsPerSKY})) // the life of others
	r.thaw()
	for i := range r.engine.workers {
		most, worked := 50, true
		if r.engine.workers[i].Name() == "buyer" { // looks at the orders every two seconds, at those of held deposits seldom
			for range 5 {
				w.now = w.now.Add(roundTime / 5)
				_, _ = r.step(r.engine.workers[i])
			}
		}
		for ; worked && most > 0; most-- {
			worked, _ = r.step(r.engine.workers[i])
		}
	}
}

// thaw is the operator who sees to coins that are frozen: a deposit that was credited is gone for good.
func (r *run) thaw() {
	for _, id := range r.model.order() {
		d := r.model.rows[id]
		if !d.HeldFor(teller.HoldOrphaned) {
			continue
		}
		p := r.model.payments[id]
		if p != nil {
			p.closing = p.closing || p.gone
		}
		if p == nil || p.gone {
			before := r.world.commits
			err := r.closeForGood(d)
			r.settle("thaw", err, false, before)
		}
	}
}

// order lists the rows' ids in a fixed order.
func (m *model) order() []string {
	var ids []string
	for id := range m.rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// unfinished lists what is still to be done: payments on the chain that are neither paid nor closed nor held.
func (r *run) unfinished() []string {
	var left []string
	for _, p := range r.model.paid {
		if p.height < 0 || p.sky == "" || p.untold || (p.whale && tooLarge(r.model.rows[p.id()].Status)) {
			continue
		}
		d, ok := r.model.rows[p.id()]
		switch {
		case !ok && p.late && !r.traced: // its block was read by a node that did not trace
		case !ok:
			left = append(left, "deposit "+p.id()+" is unknown to the ledger")
		case d.Status != teller.StatusDone && d.Hold == nil:
			left = append(left, "deposit "+p.id()+" is "+string(d.Status))
		case d.HeldFor(teller.HoldOrphaned):
			left = append(left, "deposit "+p.id()+" is held as orphaned, and back in block "+strconv.FormatInt(p.height, 10))
		}
	}
	return slices.Concat(left, r.unseen(), r.forgotten())
}

// tooLarge reports whether a deposit may wait for ever in a status, that is larger than the wallet and the account.
func tooLarge(s teller.Status) bool {
	return s == teller.StatusWaitingSend || s == teller.StatusWaitingPassthrough
}

// unseen lists the addresses that hold more than the ledger knows of, when it had a chance to find out: value that no
// transfer shows must come to light by the balance.
func (r *run) unseen() (left []string) {
	m := r.model
	for _, a := range depositAddresses(teller.ETH) {
		if !m.untold[a] {
			continue
		}
		var have, told teller.Amount
		settled := true
		for _, p := range m.paid {
			if p.Address == a {
				settled = settled && p.height >= 0 && p.sky != "" && !p.left && !p.doubted
				have = have.Add(p.Value)
			}
		}
		for _, d := range m.rows {
			if d.Coin == teller.ETH && d.Address == a {
				told = told.Add(d.Value)
			}
		}
		if settled && told.Cmp(have) < 0 {
			left = append(left, "address "+a+" holds "+have.String()+" wei, of which the ledger knows "+told.String())
		}
	}
	return left
}

// final judges where everything has ended.
func (r *run) final() {
	m := r.model
	for _, p := range m.paid {
		d, ok := m.rows[p.id()]
		if !ok {
			continue
		}
		r.counts.Duplicates += count(p.doubled)
		r.counts.Orphaned += count(p.frozen)
		r.counts.Purchases += count(d.Bought > 0 && d.Sent > 0)
		r.counts.Doubts += count(d.HeldFor(teller.HoldOrderUnknown))
		r.counts.Instead += count(m.instead[d.ID] && d.Sent > 0)
		r.counts.Refunds += count(d.RefundTxID != "")
		switch {
		case p.ended && d.Sent > 0:
			r.counts.ByHand++
		case d.Sent > 0:
			r.counts.Paid++
		case d.Hold != nil:
			r.counts.Held++
		case p.closing:
			r.counts.Closed++
		}
		for _, h := range d.Holds() {
			if why := m.unjustified(p, h); why != "" {
				m.violate("I3", "deposit %s is held as %s (%s), but %s", p.id(), h.Reason, h.Detail, why)
			}
		}
	}
	for _, b := range m.balances {
		r.counts.Unexplained++
		r.counts.Vouched += count(b.Sent > 0)
	}
	for txid, payout := range m.payouts {
		if payout.tx.height < 0 {
			r.counts.Dead++
			continue
		}
		r.counts.Payouts++
		for _, share := range payout.shares {
			m.remembered(txid, share)
		}
	}
	r.purchases()
	r.replayAudit()
	r.verify()
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// verify has the ledger audited, by itself and against the exchange: rows, indexes, counters, the audit log and all orders
// must agree. A ledger that was put back may have forgotten orders, or that they were placed, of which forgotten judges; and
// withdrawals are the operator's.
func (r *run) verify() {
	a := &audit.Auditor{Ledger: r.engine.store, Log: slog.New(slog.DiscardHandler)}
	from := make(map[teller.Coin]int64)
	if r.setting.passthrough {
		a.Exchange = onlooker{r.world.exchange}
		from[teller.BTC], from[teller.ETH] = 0, 0 // all of their orders
	}
	report, err := a.Run(r.ctx, from)
	if err != nil || !report.Complete() {
		r.model.violate("I6", "the ledger can not be audited: %v, %+v", err, report.Checks)
	}
	for _, f := range report.Findings {
		forgotten := f.Kind == "unknown_order" || (f.Kind == "order" && strings.Contains(f.Found, "as not accepted"))
		if f.Kind == "withdrawal" || (forgotten && r.counts.Restores > 0) {
			continue
		}
		r.model.violate("I6", "the ledger contradicts itself, or the exchange: %+v", f)
	}
}

// remembered judges whether the ledger knows what a confirmed transaction has paid. A deposit that has left its chain since,
// and that a backup does not know, need not be there.
func (m *model) remembered(txid string, share teller.Share) {
	d, ok := m.rows[share.DepositID]
	p := m.payments[share.DepositID]
	if p == nil && (!ok || !d.Credited() && d.Hold != nil) {
		return // after a restore, what a balance has shown may come in under another name, or waits for the operator again
	}
	lost := p != nil && p.height < 0 && p.left && (!ok || !d.Credited())
	if !lost && (d.Status != teller.StatusDone || d.PayoutTxID != txid || d.Sent != share.Coins) {
		m.violate("I1", "transaction %s has paid deposit %s with %s SKY, the ledger says %s, %q, %s", txid, share.DepositID, share.Coins,
			d.Status, d.PayoutTxID, d.Sent)
	}
}

// unjustified says why the world knows of no reason for a hold, "" when it does.
func (m *model) unjustified(p *payment, h teller.Hold) string {
	ok := false
	switch h.Reason {
	case teller.HoldOrphaned:
		ok = p.left || p.doubted
	case teller.HoldBeforeBinding:
		ok = p.height <= m.boundAt[p.Address] || p.sky == "" || p.left
	case teller.HoldWithdrawal:
		ok = slices.ContainsFunc(m.withdrawn, func(w *withdrawal) bool { return w.to == m.rows[p.id()].SkyAddress })
	case teller.HoldUnpayable:
		ok = m.rows[p.id()].SkyAddress == noAddress
	case teller.HoldOrderFailed, teller.HoldOrderUnknown:
		ok = m.trades(p)
	case teller.HoldBelowMinimum:
		ok = p.Value.Cmp(teller.NewAmount(smallest[p.coin].minimum)) < 0
	case teller.HoldRebuilt:
		ok = m.rebuilt
	case teller.HoldUnexplained, teller.HoldDuplicate:
		ok = m.untold[p.Address] || p.left || p.doubted
	}
	if ok {
		return ""
	}
	return "nothing happened that calls for it"
}

// replayAudit goes through the audit log: it must tell each deposit's status (I6).
func (r *run) replayAudit() {
	status := make(map[string]teller.Status)
	for after := uint64(0); ; {
		page, err := r.engine.store.Audit(r.ctx, after, 500)
		if err != nil {
			r.model.violate("I6", "the audit log can not be read: %v", err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			after = e.Seq
			if e.DepositID != "" && e.To != "" {
				status[e.DepositID] = e.To
			}
		}
	}
	for id, d := range r.model.rows {
		if got := status[id]; got != d.Status {
			r.model.violate("I6", "deposit %s is %s, the audit log says %q", id, d.Status, got)
		}
	}
}
