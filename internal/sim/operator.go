package sim

import (
	"slices"

	"github.com/skycoin/teller"
)

// act is what the operator signs with.
var by = teller.Act{Actor: "operator", Reason: "simulated"}

// operate is an operator at work: holds are released or closed, withdrawals settled, blocks read again.
func (r *run) operate() {
	w := r.world
	before := w.commits
	var what string
	err, died := w.guard(func() (err error) {
		switch w.between(0, 3) {
		case 0:
			what, err = "rescan", r.rescan()
		case 1:
			what, err = "settle a withdrawal", r.settleWithdrawal()
		default:
			what, err = "decide a hold", r.decideHold()
		}
		return err
	})
	r.settle(what, err, died, before)
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
