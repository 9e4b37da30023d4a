package sim

import (
	"slices"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/settle"
)

// act is what the operator signs with.
var by = teller.Act{Actor: "operator", Reason: "simulated"}

// operate is an operator at work.
func (r *run) operate() {
	before := r.world.commits
	var what string
	r.busy = nil
	err, died := r.world.guard(func() (err error) { what, err = r.act(); return err })
	r.settle(what, err, died, before)
}

// act is what an operator does: holds are decided, withdrawals settled or found to have paid a deposit, blocks read again.
func (r *run) act() (what string, err error) {
	switch r.world.between(0, 8) {
	case 0:
		return "rescan", r.rescan()
	case 1, 2:
		return "settle a withdrawal", r.settleWithdrawal()
	case 3, 4:
		return "mark as paid", r.markPaid()
	default:
		return "decide a hold", r.decideHold()
	}
}

func (r *run) rescan() error {
	coin := pick(r.world, teller.Coins)
	if coin == teller.ETH && r.world.chance(300) {
		r.learnToTrace()
	}
	_, err := r.engine.ledger.StartRescan(r.ctx, coin, int64(r.world.between(0, 5)), by)
	r.counts.Rescans += count(err == nil)
	return err
}

func (r *run) settleWithdrawal() error {
	ws, err := r.engine.store.Withdrawals(r.ctx)
	if err != nil || len(ws) == 0 {
		return err
	}
	txid := pick(r.world, ws).TxID
	for _, w := range r.model.withdrawn {
		w.settled = w.settled || w.tx.ID == txid
	}
	return r.engine.ledger.SettleWithdrawal(r.ctx, txid, by)
}

// tellPaid is somebody who has paid by hand, and says so as soon as it is in a block.
func (r *run) tellPaid() {
	r.world.sky.mine(1000)
	r.stepOf("skycoin")
	before := r.world.commits
	r.busy = nil
	err, died := r.world.guard(r.markPaid)
	r.settle("mark as paid", err, died, before)
}

// markPaid says of a deposit that a withdrawal has paid it, which is so.
func (r *run) markPaid() error {
	var last error
	for _, id := range r.model.order() {
		d, p := r.model.rows[id], r.model.payments[id]
		for _, out := range r.model.withdrawn {
			if p == nil || d.Status == teller.StatusDone || !d.HeldFor(teller.HoldWithdrawal) || out.to != d.SkyAddress || out.settled || last != nil && r.world.chance(500) {
				continue
			}
			p.closing = true
			got, err := settle.MarkPaid(r.ctx, &skyNode{r.world.sky}, r.engine.ledger, r.model.maxDecimals, id, out.tx.ID, by)
			if err == nil {
				p.ended, out.marked[id] = true, got.Sent
				r.model.markedOnce(out)
				return nil
			}
			last = err
		}
	}
	return last
}

// forgive is an operator who finds that what was withdrawn to a buyer had nothing to do with deposits.
func (r *run) forgive(buyer string) {
	before := r.world.commits
	r.busy = nil
	err, died := r.world.guard(func() error {
		for _, w := range r.model.withdrawn {
			if w.to == buyer && !w.settled {
				w.settled = true
				_ = r.engine.ledger.SettleWithdrawal(r.ctx, w.tx.ID, by) // the ledger may not know of it yet
			}
		}
		for _, id := range r.model.order() {
			if d := r.model.rows[id]; d.SkyAddress == buyer && d.Hold != nil && d.Hold.Reason == teller.HoldWithdrawal {
				if err := r.decide(d); err != nil {
					return err
				}
			}
		}
		return nil
	})
	r.settle("forgive", err, died, before)
}

// decideHold decides one hold as somebody would who knows what happened.
func (r *run) decideHold() error {
	var held []teller.Deposit
	for _, d := range r.model.rows {
		if d.Hold != nil {
			held = append(held, d)
		}
	}
	if len(held) == 0 {
		return nil
	}
	orders := slices.DeleteFunc(slices.Clone(held), func(d teller.Deposit) bool { return !r.aboutOrders(d.Hold.Reason) })
	if len(orders) > 0 && r.world.chance(700) {
		held = orders
	}
	slices.SortFunc(held, func(a, b teller.Deposit) int { return int(a.Seq) - int(b.Seq) })
	return r.decide(pick(r.world, held))
}

func (r *run) decide(d teller.Deposit) error {
	p := r.model.payments[d.ID]
	l := r.engine.ledger
	if r.world.chance(300) || !r.true(d) {
		if p != nil {
			p.closing = true
		}
		if d.Attempts > 0 && !r.mayCome(teller.OrderClientID(d.ID, d.Attempts)) {
			_, _ = r.engine.resolver.EndOrder(r.ctx, teller.OrderClientID(d.ID, d.Attempts), by)
		}
		got, err := l.CloseDeposit(r.ctx, d.ID, by)
		if err == nil {
			r.model.closed(d.ID)
		}
		if err == nil && p != nil && got.Sent == 0 {
			p.ended = true
		}
		return err
	}
	held, err := r.engine.store.Deposit(r.ctx, d.ID)
	if err != nil {
		return err
	}
	if held.Hold != nil && r.aboutOrders(held.Hold.Reason) {
		if done, err := r.decideOrder(held); done || err != nil {
			return err
		}
	}
	if p == nil {
		r.model.balances[d.ID].vouched = true
	} else {
		p.released = true
		if held.Hold != nil {
			p.freed += held.Hold.Detail + "\n"
		}
	}
	if _, err := l.Release(r.ctx, d.ID, by); err != nil {
		return err
	}
	r.model.releasedOne(held, r.engine.store)
	return nil
}

// true reports whether somebody who looks at the chain finds that a deposit's coins are there, and not paid for already.
func (r *run) true(d teller.Deposit) bool {
	p := r.model.payments[d.ID]
	switch {
	case p == nil:
		return r.model.believable(d)
	case d.HeldFor(teller.HoldDuplicate):
		return p.height >= 0 && !r.model.balancePaid(d.Address)
	}
	return p.height >= 0
}

// releasedOne judges an answered release: it takes away the hold that the operator has seen, and no other.
func (m *model) releasedOne(was teller.Deposit, ledger peeker) {
	now := m.read(ledger)[was.ID]
	same := func(a, b teller.Hold) bool { return a.Reason == b.Reason && a.Detail == b.Detail }
	if !slices.EqualFunc(now.Holds(), was.Holds()[1:], same) {
		m.violate("I5", "deposit %s was held as %v and released from the first: it is held as %v", was.ID, was.Holds(), now.Holds())
	}
}

// markedOnce judges what operators were answered that a withdrawal has paid: not more than it has.
func (m *model) markedOnce(out *withdrawal) {
	var all teller.Droplets
	for _, coins := range out.marked {
		all += coins
	}
	if all > out.coins {
		m.violate("I3", "withdrawal %s of %s SKY is taken for the payment of %s SKY", out.tx.ID, out.coins, all)
	}
}
