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
	switch r.world.between(0, 4) {
	case 0:
		return "rescan", r.rescan()
	case 1:
		return "settle a withdrawal", r.settleWithdrawal()
	case 2:
		return "mark as paid", r.markPaid()
	default:
		return "decide a hold", r.decideHold()
	}
}

func (r *run) rescan() error {
	coin := pick(r.world, teller.Coins)
	_, err := r.engine.ledger.StartRescan(r.ctx, coin, int64(r.world.between(0, 5)), by)
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

// markPaid says of a deposit that a withdrawal has paid it, which is so.
func (r *run) markPaid() error {
	for _, id := range r.model.order() {
		d, p := r.model.rows[id], r.model.payments[id]
		for _, out := range r.model.withdrawn {
			if p == nil || d.Status == teller.StatusDone || !d.HeldFor(teller.HoldWithdrawal) || out.to != d.SkyAddress || out.settled {
				continue
			}
			p.closing, out.settled = true, true
			_, err := settle.MarkPaid(r.ctx, &skyNode{r.world.sky}, r.engine.ledger, id, out.tx.ID, by)
			return err
		}
	}
	return nil
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
	slices.SortFunc(held, func(a, b teller.Deposit) int { return int(a.Seq) - int(b.Seq) })
	return r.decide(pick(r.world, held))
}

func (r *run) decide(d teller.Deposit) error {
	p := r.model.payments[d.ID]
	l := r.engine.ledger
	if p == nil || p.height < 0 || d.HeldFor(teller.HoldDuplicate) || r.world.chance(300) {
		if p != nil {
			p.closing = true
		}
		_, err := l.CloseDeposit(r.ctx, d.ID, by)
		return err
	}
	p.released = true
	_, err := l.Release(r.ctx, d.ID, by)
	return err
}
