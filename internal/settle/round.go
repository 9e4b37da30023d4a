package settle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skycoin/teller"
)

// round is one Step of the Buyer. Its methods return the errors of the ledger, which end the Step; what goes wrong at the
// exchange is noted, and the next order has its turn. How an order is followed is in follow.go.
type round struct {
	*Buyer
	pending  map[string]bool // deposits with an order that is not final
	markets  map[teller.Coin]rules
	balances map[teller.Coin]teller.Amount // what further orders may spend
	errs     []error
	strikes  int           // orders in a row about which the exchange did not answer
	stopped  bool          // the exchange is not called any more
	wait     time.Duration // before it is called again
	prepared int           // orders
}

// rules are a market's, or why they could not be read.
type rules struct {
	teller.Market
	err error
}

func (r *round) run(ctx context.Context) error {
	orders, err := r.pendingOrders(ctx)
	if err != nil {
		return err
	}
	r.remember(orders)
	for _, o := range orders {
		r.pending[o.DepositID] = true
	}
	r.after = 0
	for _, o := range orders {
		before := r.strikes
		if err := r.goOn(r.follow(ctx, o)); err != nil {
			return err
		}
		if r.strikes == before {
			r.strikes = 0
		}
		if r.stopped {
			r.after = o.Seq
			break
		}
	}
	if r.strikes >= strikesToStop { // perhaps it never answers about just these orders: one more call for the deposits that wait
		r.stopped, r.strikes = false, strikesToStop-1
	}
	return r.decide(ctx)
}

// goOn drops an error of the ledger that is only about one row: one that changed since it was read is read again at the
// next Step, and one that can not be changed like this is reported.
func (r *round) goOn(err error) error {
	switch teller.CodeOf(err) {
	case teller.CodeConflict:
		return nil
	case teller.CodeForbidden, teller.CodeInvalid:
		r.errs = append(r.errs, err)
		return nil
	}
	return err
}

// fault notes that something went wrong at the exchange. It is not asked any more in this Step when it refuses everything, or
// seems to answer nothing. What it answers about one order, however odd, says nothing about the next.
func (r *round) fault(err error) {
	r.errs = append(r.errs, err)
	switch teller.CodeOf(err) {
	case teller.CodeRateLimited:
		r.wait, r.stopped = r.RatelimitWait, true
	case teller.CodeNotAuthenticated:
		r.stopped = true
	case teller.CodeUnavailable, teller.CodeInternal:
		r.strikes++
		r.stopped = r.stopped || r.strikes >= strikesToStop
	}
}

// outcome is what the Step has to report.
func (r *round) outcome() error {
	const most = 5
	if more := len(r.errs) - most; more > 0 {
		return errors.Join(append(r.errs[:most:most], teller.Errorf(teller.CodeUnavailable, "and %d more", more))...)
	}
	return errors.Join(r.errs...)
}

// market returns the rules for a coin. Its error is noted already, but for CodeUnsupported: the coin is not traded.
func (r *round) market(ctx context.Context, coin teller.Coin) (teller.Market, error) {
	if m, asked := r.markets[coin]; asked {
		return m.Market, m.err
	}
	if r.stopped {
		return teller.Market{}, teller.Errorf(teller.CodeUnavailable, "%s is left alone", r.Exchange.Name())
	}
	m, err := r.Exchange.Market(ctx, coin)
	if err != nil && teller.CodeOf(err) != teller.CodeUnsupported {
		r.fault(err)
	}
	r.markets[coin] = rules{m, err}
	return m, err
}

// covers reports whether the account has what an order needs, and sets that aside. A smaller order may still be covered.
func (r *round) covers(ctx context.Context, coin teller.Coin, need teller.Amount) bool {
	have, asked := r.balances[coin]
	if !asked {
		balance, err := r.Exchange.Balance(ctx, coin)
		if err != nil {
			r.fault(err)
			return false
		}
		have = balance
	}
	rest, err := have.Sub(need)
	if err != nil {
		r.short(coin, "it has %s %s left, an order needs %s", have.Format(coin), coin, need.Format(coin))
		rest = have
	}
	r.balances[coin] = rest
	return err == nil
}

// lacks reports whether it is known that the account has too little for an order.
func (r *round) lacks(coin teller.Coin, need teller.Amount) bool {
	have, asked := r.balances[coin]
	return asked && have.Cmp(need) < 0
}

// short notes that the account has too little of a coin.
func (r *round) short(coin teller.Coin, format string, args ...any) {
	r.errs = append(r.errs, teller.Errorf(teller.CodeShortOfCoins, "the account on %s is short of %s, no SKY is bought until it is topped up: %s",
		r.Exchange.Name(), coin, fmt.Sprintf(format, args...)))
}

// decide judges every deposit that is due and has no order under way. Those that a Step that was stopped could not ask
// about are first.
func (r *round) decide(ctx context.Context) error {
	due, err := r.due(ctx)
	if err != nil {
		return err
	}
	at := 1 + slices.IndexFunc(due, func(d teller.Deposit) bool { return d.ID == r.judged })
	if !r.stopped { // else nobody is asked about now
		r.judged = ""
	}
	for _, d := range slices.Concat(due[at:], due[:at]) {
		if err := r.goOn(r.judge(ctx, d)); err != nil {
			return err
		}
		if r.stopped && r.judged == "" {
			r.judged = d.ID
		}
	}
	return nil
}

func (r *round) due(ctx context.Context) (all []teller.Deposit, err error) {
	for _, status := range []teller.Status{
		teller.StatusWaitingPassthroughOrderComplete, teller.StatusWaitingPassthrough, teller.StatusWaitingDecide,
	} {
		for after := uint64(0); ; {
			due, err := r.Store.Due(ctx, status, after, page)
			if err != nil {
				return nil, err
			}
			if len(due) == 0 {
				break
			}
			after = due[len(due)-1].Seq
			for _, d := range due {
				if r.pending[d.ID] || d.BuyMethod != teller.BuyPassthrough {
					continue
				}
				all = append(all, d)
			}
		}
	}
	return all, nil
}

func (r *round) judge(ctx context.Context, d teller.Deposit) error {
	var last *teller.Order
	if d.Attempts > 0 {
		o, err := r.Store.Order(ctx, teller.OrderClientID(d.ID, d.Attempts))
		if err != nil || o.Pending() {
			return err
		}
		last = &o
	}
	var m teller.Market
	if last == nil || !last.Filled || !d.Unspent().IsZero() {
		var err error
		m, err = r.market(ctx, d.Coin)
		switch {
		case teller.CodeOf(err) == teller.CodeUnsupported && (last == nil || !last.Filled):
			return r.hold(ctx, d, nil, teller.HoldUnpayable, fmt.Sprintf("its address was bound for a purchase on an exchange, and %s does not trade %s: %v", r.Exchange.Name(), d.Coin, err))
		case teller.CodeOf(err) == teller.CodeUnsupported: // what was filled is sent, whatever has become of the exchange
			m.Minimum = d.Value
		case err != nil:
			return nil
		}
	}
	switch v := next(d, last, m, r.Policy); {
	case v.send > 0:
		return r.settle(ctx, d, last, v.send)
	case v.hold != "":
		return r.giveUp(ctx, d, last, v)
	default:
		return r.prepare(ctx, d, last, v.order)
	}
}

func (r *round) send(ctx context.Context, d teller.Deposit, owed teller.Droplets) error {
	if err := r.Store.SendBought(ctx, d.ID, d.Version, owed); err != nil {
		return err
	}
	r.Log.Info("deposit bought", "deposit_id", d.ID, "coin", d.Coin, "bought", d.Bought.String(), "owed", owed.String())
	wake(r.Bought)
	return nil
}

// settle has sent what was bought, unless the exchange has a later order for the rest, of which only the journal knows.
func (r *round) settle(ctx context.Context, d teller.Deposit, last *teller.Order, owed teller.Droplets) error {
	told, err := r.Store.Attempted(ctx, d.ID)
	if err != nil {
		return err
	}
	if told > d.Attempts {
		if taken, err := r.takeOver(ctx, d, last); taken || err != nil {
			return err
		}
	}
	return r.send(ctx, d, owed)
}

// giveUp has an operator decide, unless the exchange has a later order for the deposit.
func (r *round) giveUp(ctx context.Context, d teller.Deposit, last *teller.Order, v verdict) error {
	if taken, err := r.takeOver(ctx, d, last); taken || err != nil {
		return err
	}
	return r.hold(ctx, d, last, v.hold, v.detail)
}

// takeOver prepares the next attempt when the exchange has a later order for the deposit. taken also says that it did not
// answer, so that nothing is to be decided about the deposit now.
func (r *round) takeOver(ctx context.Context, d teller.Deposit, last *teller.Order) (taken bool, err error) {
	if d.Unspent().IsZero() {
		return false, nil
	}
	later, known, err := r.later(ctx, d)
	switch {
	case err != nil || !known:
		return true, err
	case later != "":
		return true, r.prepare(ctx, d, last, d.Unspent())
	}
	return false, nil
}

// later looks for an order of an attempt after the deposit's last one: there is one when the ledger was restored from an
// older backup. Attempts between may have left no trace, because they were refused. known says that the exchange answered;
// err is the ledger's.
func (r *round) later(ctx context.Context, d teller.Deposit) (clientID string, known bool, err error) {
	last, err := r.Store.Attempted(ctx, d.ID)
	if err != nil {
		return "", false, err
	}
	last = max(last, d.Attempts+attemptsAhead)
	for n := d.Attempts + 1; n <= last && !r.stopped; n++ {
		clientID := teller.OrderClientID(d.ID, n)
		switch _, err := r.Exchange.Find(ctx, d.Coin, clientID); teller.CodeOf(err) {
		case "":
			return clientID, true, nil
		case teller.CodeNotFound:
		default:
			r.fault(err)
			return "", false, nil
		}
	}
	return "", !r.stopped, nil
}

// hold holds the deposit. With a last order, that one is judged by it.
func (r *round) hold(ctx context.Context, d teller.Deposit, last *teller.Order, reason teller.HoldReason, detail string) error {
	var held teller.Deposit
	var err error
	if last != nil {
		held, err = r.Store.FailOrder(ctx, d.ID, d.Version, detail)
	} else {
		held, err = r.Store.Hold(ctx, d.ID, d.Version, reason, detail)
	}
	if err == nil {
		tellHeld(r.Log, []teller.Deposit{held})
	}
	return err
}

// prepare stores the next attempt. It is placed by the next Step, which first asks the exchange for it.
func (r *round) prepare(ctx context.Context, d teller.Deposit, last *teller.Order, spend teller.Amount) error {
	least, err := r.least(d)
	if err != nil {
		return r.hold(ctx, d, last, teller.HoldOrderFailed, "no worst price can be computed for it: "+err.Error())
	}
	o, err := r.Store.PrepareOrder(ctx, teller.OrderDraft{
		DepositID: d.ID, Version: d.Version, Exchange: r.Exchange.Name(), Requested: spend, Least: least,
	})
	if err != nil {
		return err
	}
	r.prepared++
	r.Log.Info("order prepared", "deposit_id", d.ID, "coin", d.Coin, "client_id", o.ClientID, "spend", spend.Format(d.Coin), "least", least.String())
	return nil
}

// least is the worst price for a deposit, the zero value for any.
func (r *round) least(d teller.Deposit) (teller.Rate, error) {
	if r.Policy.MaxSlippage == nil {
		return teller.Rate{}, nil
	}
	rate := d.Rate
	if rate.IsZero() {
		rate = r.Rates[d.Coin]
	}
	return rate.Less(r.Policy.MaxSlippage)
}
