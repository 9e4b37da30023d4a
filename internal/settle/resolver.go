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
	Exchange    teller.Exchange             // nil = none is configured
	// Calling reports whether the exchange is being called for an order in this moment: Buyer.Calling. nil = nobody calls it.
	Calling func(clientID string) bool
}

// ResolverStore is what a Resolver needs of the ledger.
type ResolverStore interface {
	Deposit(ctx context.Context, id string) (teller.Deposit, error)
	Release(ctx context.Context, id string, act teller.Act) (teller.Deposit, error)
	PayInstead(ctx context.Context, id string, owed teller.Droplets, act teller.Act) (teller.Deposit, error)
	Refund(ctx context.Context, id, txid string, owed teller.Droplets, act teller.Act) (teller.Deposit, error)
	Order(ctx context.Context, clientID string) (teller.Order, error)
	Attempted(ctx context.Context, depositID string) (int, error)
	DoubtOrder(ctx context.Context, clientID string, version uint64, detail string) (teller.Order, error)
	EndOrder(ctx context.Context, clientID string, act teller.Act) (teller.Order, error)
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
		if err := seen(asked, d); err != nil {
			return teller.Deposit{}, err
		}
		act.Version = d.Version
		if after, err = do(&d, act); teller.CodeOf(err) != teller.CodeConflict {
			break
		}
	}
	return after, err
}

// seen refuses an act that is about another version of the deposit; 0 = it is about any.
func seen(asked uint64, d teller.Deposit) error {
	if asked != 0 && asked != d.Version {
		return teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile: look at it again", d.ID)
	}
	return nil
}

// Retry releases a deposit that is held for its purchase, and from no other hold: what is left is bought, or compared with
// the smallest order, once more. CodeForbidden when the deposit is held for something else, or not at all; CodeInvalid
// without a Version when an order may exist: the operator has vouched for what was read, and not for what came since.
func (r *Resolver) Retry(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	asked := act.Version
	return r.decide(ctx, id, act, func(d *teller.Deposit, act teller.Act) (teller.Deposit, error) {
		switch {
		case d.Hold == nil:
			return teller.Deposit{}, teller.Errorf(teller.CodeForbidden, "deposit %s is not held: what can be done for it is done by itself", id)
		case !aboutPurchase(d):
			return teller.Deposit{}, teller.Errorf(teller.CodeForbidden, "deposit %s is held for another reason: %s. Decide about that first: `teller holds`", id, d.Hold.Reason)
		case d.Hold.Reason == teller.HoldOrderUnknown && asked == 0:
			return teller.Deposit{}, teller.Errorf(teller.CodeInvalid, "say which version of deposit %s you have looked at (--seen): an order for it may exist, and is placed again", id)
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
		if err == nil {
			err = r.noneForgotten(ctx, d)
		}
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
		if err := r.noneForgotten(ctx, d); err != nil {
			return teller.Deposit{}, err
		}
		return r.Store.Refund(ctx, id, txid, d.Bought.Cut(r.MaxDecimals), act)
	})
}

// noneForgotten refuses to take as unspent what an order may have spent that the ledger has forgotten: an older backup was
// put back, and only the journal and the exchange know of it.
func (r *Resolver) noneForgotten(ctx context.Context, d *teller.Deposit) error {
	last, err := r.Store.Attempted(ctx, d.ID)
	if err != nil || last <= d.Attempts {
		return err
	}
	if r.Exchange == nil {
		return teller.Errorf(teller.CodeForbidden, "since the backup that was put back there were %d orders for deposit %s, of which the ledger knows %d, "+
			"and no exchange is configured that could be asked for the others: configure it, or settle the deposit by hand and close it", last, d.ID, d.Attempts)
	}
	for n := d.Attempts + 1; n <= last; n++ {
		clientID := teller.OrderClientID(d.ID, n)
		switch _, err := r.Exchange.Find(ctx, d.Coin, clientID); teller.CodeOf(err) {
		case "":
			return teller.Errorf(teller.CodeForbidden, "the exchange has order %s for deposit %s, which the backup that was put back has forgotten: `teller orders retry` takes it over", clientID, d.ID)
		case teller.CodeNotFound:
		default:
			return err
		}
	}
	return nil
}

// EndOrder takes an operator's word that the exchange has no such order, and never will: see the store's EndOrder. It is not
// taken while the exchange is being called for it. When no exchange is configured, there is nobody to contradict it.
func (r *Resolver) EndOrder(ctx context.Context, clientID string, act teller.Act) (teller.Order, error) {
	var none teller.Order
	o, err := r.Store.Order(ctx, clientID)
	if err != nil {
		return none, err
	}
	d, err := r.Store.Deposit(ctx, o.DepositID)
	if err == nil {
		err = seen(act.Version, d)
	}
	if err != nil {
		return none, err
	}
	switch stands := o.State == teller.OrderPlaced && !o.Doubted; {
	case r.Exchange == nil && (stands || o.Asked()):
		if _, err := r.Store.DoubtOrder(ctx, clientID, o.Version, "order "+clientID+" can not be asked about: no exchange is configured"); err != nil {
			return none, err
		}
		act.Version = 0 // it was compared
	case r.Calling != nil && d.HeldFor(teller.HoldOrderUnknown) && r.Calling(clientID):
		return none, teller.Errorf(teller.CodeConflict, "%s is being asked for order %s in this moment: try again when that call has ended", o.Exchange, clientID)
	}
	return r.Store.EndOrder(ctx, clientID, act)
}

// dropletDecimals are the decimals of a droplet.
const dropletDecimals = 6
