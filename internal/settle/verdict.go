package settle

import (
	"fmt"
	"math/big"

	"github.com/skycoin/teller"
)

// Policy is what the operator wants of orders on an exchange.
type Policy struct {
	// Retry has what an order did not buy tried again, up to MaxAttempts orders a deposit. Without it, and after those, an
	// operator is asked.
	Retry       bool
	MaxAttempts int
	// MaxSlippage is how much less SKY than the deposit's own rate says an order may bring, as a part of it: 1/20 is 5 %.
	// nil = orders are placed at any price.
	MaxSlippage *big.Rat
	// ChecksBeforeCancel is how often an order with a worst price is looked at before it is cancelled: nobody sells at it.
	ChecksBeforeCancel int
	// Minimum are the smallest deposits that are bought for. Of what an order has left over, only the exchange's own minimum
	// decides whether it is worth another one: it is the buyer's money.
	Minimum     map[teller.Coin]teller.Amount
	MaxDecimals int // of the SKY sent
}

// verdict is what happens next to a deposit: one of order, send and hold is set.
type verdict struct {
	order  teller.Amount     // to be spent by another order
	send   teller.Droplets   // of what was bought
	hold   teller.HoldReason // an operator must decide
	detail string            // why, in an operator's words
}

// next is the whole of what the Buyer decides: what happens to a deposit that is due and whose last order (nil before the
// first one) is final. It reads nothing but what it is given, all of it out of the ledger and the exchange's rules; so a
// decision that was lost is made again.
func next(d teller.Deposit, last *teller.Order, m teller.Market, p Policy) verdict {
	if own := p.Minimum[d.Coin]; last == nil && m.Minimum.Cmp(own) < 0 {
		m.Minimum = own
	}
	spend := cut(d.Unspent(), m.Step)
	small := spend.IsZero() || spend.Cmp(m.Minimum) < 0
	switch {
	case last == nil && small:
		return verdict{hold: teller.HoldBelowMinimum, detail: fmt.Sprintf(
			"an order could spend %s of its %s %s, and nothing is bought (market %s) for less than %s %s",
			spend.Format(d.Coin), d.Value.Format(d.Coin), d.Coin, m.Symbol, atLeast(m).Format(d.Coin), d.Coin)}
	case last == nil:
		return verdict{order: spend}
	case small, last.Filled && last.Bought == 0 && !last.Judged: // the exchange takes no order for the rest, as far as is known
		return nothingLeft(d, *last, p)
	case last.Filled && last.Bought > 0: // at a better price than it had to: what that has left over buys, too
		return verdict{order: spend}
	case last.Judged || (p.Retry && !last.Ended && d.Attempts < p.MaxAttempts):
		return verdict{order: spend}
	}
	return verdict{hold: teller.HoldOrderFailed, detail: ended(*last) + account(d)}
}

// nothingLeft is the verdict on a deposit for which no more is bought.
func nothingLeft(d teller.Deposit, last teller.Order, p Policy) verdict {
	if send := d.Bought.Cut(p.MaxDecimals); send > 0 {
		return verdict{send: send}
	}
	why := "; no further order is large enough, and what was bought rounds to nothing"
	return verdict{hold: teller.HoldOrderFailed, detail: ended(last) + why + account(d)}
}

// ended says how an order ended.
func ended(o teller.Order) string {
	status := o.Status
	switch {
	case o.OrderID == "":
		return fmt.Sprintf("order %s was not accepted by %s: %s", o.ClientID, o.Exchange, status)
	case tooThin(o):
		return fmt.Sprintf("order %s on %s bought nothing (%s): the order book is too thin, nobody sells %s SKY for 1 %s, the worst price accepted",
			o.ClientID, o.Exchange, status, o.Least, o.Coin)
	}
	return fmt.Sprintf("order %s on %s ended as %q: it bought %s SKY for %s of %s %s",
		o.ClientID, o.Exchange, status, o.Bought, o.Spent.Format(o.Coin), o.Requested.Format(o.Coin), o.Coin)
}

// tooThin reports whether an order with a worst price has bought nothing.
func tooThin(o teller.Order) bool {
	return o.OrderID != "" && !o.Ended && o.Bought == 0 && !o.Least.IsZero()
}

// OrderFailed is what the Buyer reports of an order that has ended without buying all that it should.
type OrderFailed struct{ teller.Order }

// Error implements error.
func (f *OrderFailed) Error() string { return ended(f.Order) }

// TooThin reports whether nobody sold at the worst price that the order accepted.
func (f *OrderFailed) TooThin() bool { return tooThin(f.Order) }

// account says what all orders of a deposit have come to.
func account(d teller.Deposit) string {
	return fmt.Sprintf("; after %d orders %s SKY are bought for it and %s of %s %s are not spent",
		d.Attempts, d.Bought, d.Unspent().Format(d.Coin), d.Value.Format(d.Coin), d.Coin)
}

func atLeast(m teller.Market) teller.Amount {
	if m.Minimum.Cmp(m.Step) < 0 {
		return m.Step
	}
	return m.Minimum
}

// cut takes off what is beyond the last whole step.
func cut(a, step teller.Amount) teller.Amount {
	if step.IsZero() {
		return a
	}
	over, err := teller.AmountFromBig(new(big.Int).Mod(a.Big(), step.Big()))
	if err != nil {
		return teller.Amount{}
	}
	rest, err := a.Sub(over)
	if err != nil {
		return teller.Amount{}
	}
	return rest
}
