package sim

import (
	"github.com/skycoin/teller"
)

// What no transfer shows. A part of the payments in ETH is untold: the node does not show them, only the address holds
// more. The ledger makes a deposit of it that is held, and an operator may release that one. Later the node learns to
// trace, a rescan shows the transfers themselves, and the same coins must not be paid again.

// byBalance is what the model knows of a deposit that only a balance speaks for.
type byBalance struct {
	teller.Deposit
	vouched bool // an operator has tried to release it
}

// unexplained judges a row that only a balance speaks for: it is never paid by itself.
func (m *model) unexplained(d teller.Deposit) {
	b := m.balances[d.ID]
	if b == nil {
		b = new(byBalance)
		m.balances[d.ID] = b
		m.expects(d.ID)
	}
	b.Deposit = d
	if !b.vouched && d.Status != teller.StatusWaitingDeposit && d.Status != teller.StatusDone {
		m.violate("I4", "deposit %s, which no transfer shows, is %s", d.ID, d.Status)
	}
	if !b.vouched && d.Sent > 0 {
		m.violate("I1", "deposit %s, which no transfer shows, is paid %s SKY", d.ID, d.Sent)
	}
}

// given is what of the coins at an address was paid for by a payout that is or can be confirmed; shown is the part of it
// that went to deposits which transfers show.
func (m *model) given(address string) (all, shown teller.Amount) {
	counted := make(map[string]bool)
	for _, payout := range m.payouts {
		if !m.possible(payout.tx) {
			continue
		}
		for _, share := range payout.shares {
			if counted[share.DepositID] {
				continue
			}
			counted[share.DepositID] = true
			if p := m.payments[share.DepositID]; p != nil && p.Address == address {
				all, shown = all.Add(p.Value), shown.Add(p.Value)
			} else if b := m.balances[share.DepositID]; b != nil && b.Address == address {
				all = all.Add(b.Value)
			}
		}
	}
	return all, shown
}

// arrived is what was ever paid to an address.
func (m *model) arrived(address string) (sum teller.Amount) {
	for _, p := range m.paid {
		if p.Address == address {
			sum = sum.Add(p.Value)
		}
	}
	return sum
}

// counted judges whether for the coins at an address more was paid than ever came.
func (m *model) counted(address string) {
	if given, _ := m.given(address); given.Cmp(m.arrived(address)) > 0 {
		m.violate("I1", "%s wei came to address %s, and %s are paid for", m.arrived(address), address, given)
	}
}

// believable reports whether an operator who looks at the chain finds coins for a deposit that only a balance speaks for,
// beside those of every other row of its address.
func (m *model) believable(d teller.Deposit) bool {
	all, shown := m.given(d.Address)
	sum, _ := all.Sub(shown) // what transfers show is counted by its rows
	sum = sum.Add(d.Value)
	var here teller.Amount
	for _, p := range m.paid {
		if p.Address == d.Address && p.height >= 0 {
			here = here.Add(p.Value)
			if _, known := m.rows[p.id()]; known || p.late {
				sum = sum.Add(p.Value)
			}
		}
	}
	return sum.Cmp(here) <= 0
}

// balancePaid reports whether coins at an address were paid for, or will be, that only a balance spoke for.
func (m *model) balancePaid(address string) bool {
	for _, b := range m.balances {
		if b.Address == address && b.vouched && (b.Status != teller.StatusDone || b.Sent > 0) {
			return true
		}
	}
	all, shown := m.given(address)
	return all.Cmp(shown) > 0
}

// learnToTrace makes the node show from now on what contracts have moved.
func (r *run) learnToTrace() {
	for _, p := range r.model.paid {
		if p.untold {
			p.untold, p.late = false, true
			r.world.note("payment %s is told from now on", p.id())
		}
	}
}

// lateDrain has the blocks read again by a node that traces, after everything else has come to rest: what only balances
// spoke for shows now, and must be paid once.
func (r *run) lateDrain() {
	if len(r.model.untold) == 0 || r.model.broken != nil {
		return
	}
	r.world.note("--- the ETH node traces, and its blocks are read again")
	r.learnToTrace()
	r.traced = true
	if _, err := r.engine.ledger.StartRescan(r.ctx, teller.ETH, 0, by); err != nil {
		r.model.violate("I8", "no rescan can be started: %v", err)
	}
	var left []string
	for range maxRounds {
		r.round()
		rescan, err := r.engine.store.Rescan(r.ctx, teller.ETH)
		if left = r.unfinished(); r.model.broken != nil || (len(left) == 0 && err == nil && rescan.Done()) {
			return
		}
	}
	for _, what := range append(left, "the rescan") {
		r.model.violate("I8", "%s does not come to its end", what)
	}
}
