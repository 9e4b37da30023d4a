package settle

import (
	"context"

	"github.com/skycoin/teller"
)

// Resolver carries out what an operator decides about a deposit that is bought for on an exchange. The amounts that such a
// decision comes to are computed here and nowhere else. What is computed from a row is written only as long as the row is
// the same; when an order changes it in that very moment, it is computed anew. An Act with a Version is about that one alone.
type Resolver struct {
	Store       ResolverStore
	MaxDecimals int                         // of the SKY sent
	Rates       map[teller.Coin]teller.Rate // for imported rows that came without one
}

// ResolverStore is what a Resolver needs of the ledger.
type ResolverStore interface {
	Deposit(ctx context.Context, id string) (teller.Deposit, error)
	Release(ctx context.Context, id string, act teller.Act) (teller.Deposit, error)
	PayInstead(ctx context.Context, id string, owed teller.Droplets, act teller.Act) (teller.Deposit, error)
	Refund(ctx context.Context, id, txid string, owed teller.Droplets, act teller.Act) (teller.Deposit, error)
}

// resolveTries is how often a row may change between being read and written before the operator is told.
const resolveTries = 5

// decide carries out a decision about a deposit as it is.
func (r *Resolver) decide(ctx context.Context, id string, act teller.Act, do func(d *teller.Deposit, act teller.Act) (teller.Deposit, error)) (after teller.Deposit, err error) {
	asked := act.Version
	for range resolveTries {
		d, readErr := r.Store.Deposit(ctx, id)
		if readErr != nil {
			return teller.Deposit{}, readErr
		}
		if asked != 0 && asked != d.Version {
			return teller.Deposit{}, teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile: look at it again", id)
		}
		act.Version = d.Version
		if after, err = do(&d, act); teller.CodeOf(err) != teller.CodeConflict {
			break
		}
	}
	return after, err
}

// Retry releases a deposit that is held for its purchase, and from no other hold: what is left is bought, or compared with
// the smallest order, once more. CodeForbidden when the deposit is held for something else, or not at all.
func (r *Resolver) Retry(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return r.decide(ctx, id, act, func(d *teller.Deposit, act teller.Act) (teller.Deposit, error) {
		switch {
		case d.Hold == nil:
			return teller.Deposit{}, teller.Errorf(teller.CodeForbidden, "deposit %s is not held: what can be done for it is done by itself", id)
		case !aboutPurchase(d):
			return teller.Deposit{}, teller.Errorf(teller.CodeForbidden, "deposit %s is held for another reason: %s. Decide about that first: `teller holds`", id, d.Hold.Reason)
		}
		return r.Store.Release(ctx, id, act)
	})
}

// aboutPurchase reports whether the hold to be decided next is about what is bought for the deposit.
func aboutPurchase(d *teller.Deposit) bool {
	switch d.Hold.Reason {
	case teller.HoldOrderFailed, teller.HoldOrderUnknown, teller.HoldBelowMinimum:
		return true
	case teller.HoldUnpayable: // there was no exchange, or it did not trade the coin
		return d.Ordered() || (d.Status == teller.StatusWaitingDecide && d.BuyMethod == teller.BuyPassthrough)
	}
	return false
}

// PayInstead has the wallet pay what was not bought: what is not spent of the deposit, at the deposit's own rate, beside what
// was bought. The sum is cut to the decimals that are sent.
func (r *Resolver) PayInstead(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return r.decide(ctx, id, act, func(d *teller.Deposit, act teller.Act) (teller.Deposit, error) {
		owed, err := r.instead(d)
		if err != nil {
			return teller.Deposit{}, err
		}
		return r.Store.PayInstead(ctx, id, owed, act)
	})
}

func (r *Resolver) instead(d *teller.Deposit) (teller.Droplets, error) {
	rate := d.Rate
	if rate.IsZero() {
		rate = r.Rates[d.Coin]
	}
	var rest teller.Droplets
	if unspent := d.Unspent(); !unspent.IsZero() {
		if rate.IsZero() {
			return 0, teller.Errorf(teller.CodeForbidden, "deposit %s has no rate, and none is configured for %s: the wallet can not pay it", d.ID, d.Coin)
		}
		var err error
		if rest, err = rate.Convert(d.Coin, unspent, dropletDecimals); err != nil {
			return 0, err
		}
	}
	sum, err := teller.AddDroplets(d.Bought, rest)
	return sum.Cut(r.MaxDecimals), err
}

// Refund notes that the transaction txid, made by hand, has given back what is not spent of the deposit. What was bought is
// sent, cut to the decimals that are sent; when that is nothing, the deposit ends.
func (r *Resolver) Refund(ctx context.Context, id, txid string, act teller.Act) (teller.Deposit, error) {
	return r.decide(ctx, id, act, func(d *teller.Deposit, act teller.Act) (teller.Deposit, error) {
		return r.Store.Refund(ctx, id, txid, d.Bought.Cut(r.MaxDecimals), act)
	})
}

// dropletDecimals are the decimals of a droplet.
const dropletDecimals = 6
