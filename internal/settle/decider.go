package settle

import (
	"context"
	"log/slog"

	"github.com/skycoin/teller"
)

// Decider moves credited deposits from waiting_decide to waiting_send: it fixes the SKY that they are owed, at the rate
// kept with the deposit.
type Decider struct {
	Store       Ledger
	Log         *slog.Logger
	MaxDecimals int
	Rates       map[teller.Coin]teller.Rate // for imported rows that came without one
	Decided     func()                      // wakes the payer; may be nil
}

// Ledger is what the workers of this package need of the store.
type Ledger interface {
	teller.DepositStore
	teller.WalletStore
	Hold(ctx context.Context, id string, version uint64, reason teller.HoldReason, detail string) (teller.Deposit, error)
}

// Name implements the worker's name.
func (w *Decider) Name() string { return "processor" }

// Step decides a page of deposits in one transaction.
func (w *Decider) Step(ctx context.Context) (bool, error) {
	due, err := w.Store.Due(ctx, teller.StatusWaitingDecide, 0, page)
	if err != nil || len(due) == 0 {
		return false, err
	}
	var decisions []teller.Decision
	for _, d := range due {
		owed, err := w.owed(d)
		if err == nil {
			decisions = append(decisions, teller.Decision{DepositID: d.ID, Version: d.Version, Owed: owed})
			continue
		}
		held, err := w.Store.Hold(ctx, d.ID, d.Version, teller.HoldUnpayable, err.Error())
		if err != nil {
			return false, err
		}
		tellHeld(w.Log, []teller.Deposit{held})
	}
	n, err := w.Store.Decide(ctx, decisions)
	if err != nil {
		return false, err
	}
	if n > 0 {
		w.Log.Info("deposits decided", "count", n)
		if w.Decided != nil {
			w.Decided()
		}
	}
	return true, nil
}

func (w *Decider) owed(d teller.Deposit) (teller.Droplets, error) {
	if d.BuyMethod == teller.BuyPassthrough {
		return 0, teller.Errorf(teller.CodeUnsupported, "its address was bound for a purchase on an exchange, which this version can not make")
	}
	rate := d.Rate
	if rate.IsZero() {
		rate = w.Rates[d.Coin]
	}
	return rate.Convert(d.Coin, d.Value, w.MaxDecimals)
}
