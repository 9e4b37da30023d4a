package settle

import (
	"context"
	"log/slog"

	"github.com/skycoin/teller"
)

// Decider moves credited deposits from waiting_decide to waiting_send: it fixes the SKY that they are owed, at the rate
// kept with the deposit. Deposits that were bound for a purchase on an exchange are the Buyer's.
type Decider struct {
	Store       Ledger
	Log         *slog.Logger
	MaxDecimals int
	Rates       map[teller.Coin]teller.Rate // for imported rows that came without one
	Exchange    bool                        // one is configured, and a Buyer runs
	Decided     func()                      // wakes the payer; may be nil
}

// Ledger is what the workers of this package need of the store.
type Ledger interface {
	teller.DepositStore
	teller.OrderStore
	teller.WalletStore
	Hold(ctx context.Context, id string, version uint64, reason teller.HoldReason, detail string) (teller.Deposit, error)
}

// Name implements the worker's name.
func (w *Decider) Name() string { return "processor" }

// Step decides a page of deposits in one transaction: the first page that has any to decide.
func (w *Decider) Step(ctx context.Context) (bool, error) {
	if !w.Exchange {
		if err := w.holdOrdered(ctx); err != nil {
			return false, err
		}
	}
	for after := uint64(0); ; {
		due, err := w.Store.Due(ctx, teller.StatusWaitingDecide, after, page)
		if err != nil || len(due) == 0 {
			return false, err
		}
		after = due[len(due)-1].Seq
		if worked, err := w.decide(ctx, due); err != nil || worked {
			return worked, err
		}
	}
}

func (w *Decider) decide(ctx context.Context, due []teller.Deposit) (worked bool, err error) {
	var decisions []teller.Decision
	for _, d := range due {
		if d.BuyMethod == teller.BuyPassthrough && w.Exchange {
			continue
		}
		worked = true
		owed, err := w.owed(d)
		if err == nil {
			decisions = append(decisions, teller.Decision{DepositID: d.ID, Version: d.Version, Owed: owed})
			continue
		}
		if err := w.hold(ctx, d, err); err != nil {
			return false, err
		}
	}
	if len(decisions) == 0 {
		return worked, nil
	}
	n, err := w.Store.Decide(ctx, decisions)
	if err != nil {
		return false, err
	}
	if n > 0 {
		w.Log.Info("deposits decided", "count", n)
		wake(w.Decided)
	}
	return true, nil
}

// holdOrdered holds deposits in the middle of a purchase when there is no exchange any more that could be asked about it.
func (w *Decider) holdOrdered(ctx context.Context) error {
	for _, status := range []teller.Status{teller.StatusWaitingPassthrough, teller.StatusWaitingPassthroughOrderComplete} {
		due, err := w.Store.Due(ctx, status, 0, page)
		if err != nil {
			return err
		}
		for _, d := range due {
			if err := w.hold(ctx, d, noExchange()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Decider) hold(ctx context.Context, d teller.Deposit, why error) error {
	held, err := w.Store.Hold(ctx, d.ID, d.Version, teller.HoldUnpayable, why.Error())
	if err != nil {
		return err
	}
	tellHeld(w.Log, []teller.Deposit{held})
	return nil
}

func noExchange() error {
	return teller.Errorf(teller.CodeUnsupported, "its address was bound for a purchase on an exchange, and none is configured: configure it again and release, or pay it from the wallet instead")
}

func (w *Decider) owed(d teller.Deposit) (teller.Droplets, error) {
	if d.BuyMethod == teller.BuyPassthrough {
		return 0, noExchange()
	}
	rate := d.Rate
	if rate.IsZero() {
		rate = w.Rates[d.Coin]
	}
	return rate.Convert(d.Coin, d.Value, w.MaxDecimals)
}
