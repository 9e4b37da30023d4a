package settle

import (
	"context"
	"fmt"

	"github.com/skycoin/teller"
)

// follow takes one order as far as it comes: looks for it, places it, looks how it stands.
func (r *round) follow(ctx context.Context, o teller.Order) error {
	r.looks[o.ClientID]++
	if r.looks[o.ClientID] == looksBeforeAlarm {
		r.Log.Error("an order on the exchange does not end", "notice", "WATCH", "deposit_id", o.DepositID, "coin", o.Coin,
			"client_id", o.ClientID, "order_id", o.OrderID, "state", o.State, "status", o.Status)
	}
	if o.Exchange != r.Exchange.Name() {
		return r.unreachable(ctx, o, r.Exchange.Name()+" is configured now")
	}
	if o.State == teller.OrderPlaced {
		return r.look(ctx, o)
	}
	d, err := r.Store.Deposit(ctx, o.DepositID)
	if err != nil {
		return err
	}
	if !buyable(d) {
		if r.turns[o.ClientID]++; r.turns[o.ClientID]%heldEvery != 1 {
			return nil
		}
	}
	if o.State == teller.OrderPrepared && r.looks[o.ClientID] > 1 && r.lacks(o.Coin, o.Requested) {
		return nil
	}
	report, err := r.Exchange.Find(ctx, o.Coin, o.ClientID)
	switch teller.CodeOf(err) {
	case "":
		_, err = r.note(ctx, o, report)
		return err
	case teller.CodeNotFound:
		return r.notFound(ctx, d, o)
	case teller.CodeUnsupported:
		return r.unreachable(ctx, o, err.Error())
	}
	delete(r.turns, o.ClientID) // nothing was seen: it has its turn again at once
	r.fault(err)
	return nil
}

// buyable reports whether an order may be placed for the deposit now.
func buyable(d teller.Deposit) bool {
	return d.Due() && (d.Status == teller.StatusWaitingPassthrough || d.Status == teller.StatusWaitingPassthroughOrderComplete)
}

// unreachable sees to an order that the exchange can not be asked about, because it is another one's, or its coin's market
// is not used any more. What has become of it only an operator can tell, once somebody was called for it.
func (r *round) unreachable(ctx context.Context, o teller.Order, why string) error {
	d, err := r.Store.Deposit(ctx, o.DepositID)
	if err != nil || !buyable(d) && (o.State != teller.OrderPlaced || o.Doubted || !d.Ordered()) {
		return err
	}
	switch {
	case o.State == teller.OrderPrepared: // nobody was called for it: there is nothing to doubt
		_, err = r.note(ctx, o, teller.OrderReport{Status: "not placed: " + why, Final: true})
		return err
	case o.State == teller.OrderPlaced:
		return r.doubt(ctx, o, "it can not be asked: "+why+". Configure it as it was until the order is final")
	case o.Doubted:
		_, err = r.note(ctx, o, teller.OrderReport{Status: "it is not there, an operator says", Final: true})
		return err
	}
	return r.doubt(ctx, o, why)
}

// notFound goes on with an order that the exchange does not have. It is placed when no call that was made before can have
// been accepted, or when accepting this one twice is impossible.
func (r *round) notFound(ctx context.Context, d teller.Deposit, o teller.Order) error {
	if d.Status == teller.StatusDone && o.State == teller.OrderPrepared {
		_, err := r.note(ctx, o, teller.OrderReport{Status: "not placed: the deposit was closed", Final: true})
		return err
	}
	switch {
	case !buyable(d) && o.Asked() && d.HeldFor(teller.HoldOrderUnknown): // an operator wants to end it
		return r.doubt(ctx, o, "it was asked for before its deposit was held, and it is not shown")
	case !buyable(d):
		return nil
	}
	m, err := r.market(ctx, o.Coin)
	if teller.CodeOf(err) == teller.CodeUnsupported {
		return r.unreachable(ctx, o, err.Error())
	}
	if err != nil {
		return nil
	}
	first := o.State == teller.OrderPrepared || o.Doubted || r.refused[o.ClientID] == o.Version
	switch {
	case !first && !m.IDsOnce:
		return r.doubt(ctx, o, "no answer came when it was placed, and it is not shown")
	case !r.covers(ctx, o.Coin, o.Requested):
		return nil
	}
	later, known, err := r.later(ctx, d)
	switch {
	case err != nil || !known:
		return err
	case later != "":
		_, err = r.note(ctx, o, teller.OrderReport{Status: "not placed: there is a later order " + later, Final: true})
		return err
	}
	return r.place(ctx, o, m, first)
}

// place calls the exchange. first says that no earlier call can have been accepted: only then a refusal is final.
func (r *round) place(ctx context.Context, o teller.Order, m teller.Market, first bool) error {
	vouched, before := o.Doubted, o
	r.calling.Store(&before.ClientID)
	defer r.calling.Store(nil)
	o, err := r.Store.BeginOrder(ctx, o.ClientID, o.Version)
	if err != nil {
		r.notCalled(ctx, before, first)
		return err
	}
	id, err := r.Exchange.Place(ctx, teller.OrderRequest{ClientID: o.ClientID, Coin: o.Coin, Spend: o.Requested, Least: o.Least})
	switch code := teller.CodeOf(err); code {
	case "":
		r.Log.Info("order placed", "deposit_id", o.DepositID, "coin", o.Coin, "client_id", o.ClientID, "order_id", id)
		o, err = r.note(ctx, o, teller.OrderReport{OrderID: id})
		if err != nil || o.State != teller.OrderPlaced {
			return err
		}
		return r.look(ctx, o)
	case teller.CodeAlreadyPlaced:
		return r.alreadyPlaced(ctx, o, m.IDsOnce && vouched, err)
	case teller.CodeInvalid, teller.CodeBelowMinimum:
		if !first {
			return r.doubt(ctx, o, "it is refused now, but no answer came when it was placed before: "+err.Error())
		}
		// Too small for an order: all that could be bought was.
		_, err = r.note(ctx, o, teller.OrderReport{Status: err.Error(), Final: true, Filled: code == teller.CodeBelowMinimum})
		return err
	case teller.CodeShortOfCoins, teller.CodeNotAuthenticated, teller.CodeRateLimited:
		if first {
			r.refused[o.ClientID] = o.Version
		}
		if code != teller.CodeShortOfCoins {
			r.fault(err)
			return nil
		}
		r.balances[o.Coin] = teller.Amount{}
		r.short(o.Coin, "%v", err)
		return nil
	}
	r.fault(err)
	return nil
}

// notCalled notes of an order that could not be begun, as far as this process was told, that it did not call for it. The ledger
// may have stored that it would, with the journal's disk full.
func (r *round) notCalled(ctx context.Context, before teller.Order, first bool) {
	o, err := r.Store.Order(ctx, before.ClientID)
	if err == nil && first && o.Asked() && o.Version == before.Version+1 {
		r.refused[o.ClientID] = o.Version
	}
}

// alreadyPlaced looks for an order that the exchange says it has or had. When it is not shown, its client id may be used
// up all the same; vouched says that an operator has made sure that nothing was bought under it.
func (r *round) alreadyPlaced(ctx context.Context, o teller.Order, vouched bool, why error) error {
	report, err := r.Exchange.Find(ctx, o.Coin, o.ClientID)
	switch code := teller.CodeOf(err); {
	case code == "":
		_, err = r.note(ctx, o, report)
		return err
	case code != teller.CodeNotFound:
		r.fault(err)
		return nil
	case vouched:
		_, err = r.note(ctx, o, teller.OrderReport{Status: why.Error(), Final: true})
		return err
	case r.looks[o.ClientID] >= looksBeforeDoubt:
		return r.doubt(ctx, o, "it is refused because it exists, and it is not shown: "+why.Error())
	}
	r.errs = append(r.errs, teller.Errorf(teller.CodeUnavailable, "%s has an order %s and does not show it: %w", o.Exchange, o.ClientID, why))
	return nil
}

// doubt has an operator look whether the order exists.
func (r *round) doubt(ctx context.Context, o teller.Order, why string) error {
	what, then := "may have accepted", "release only if it is not there: then SKY is bought anew"
	if o.State == teller.OrderPlaced {
		what, then = "has accepted", "if it is gone, or has ended, note that with `teller orders end`; release to have it looked for again"
	}
	detail := fmt.Sprintf("%s %s order %s for %s %s: %s. Look for it there; %s", o.Exchange, what, o.ClientID, o.Requested.Format(o.Coin), o.Coin, why, then)
	if _, err := r.Store.DoubtOrder(ctx, o.ClientID, o.Version, detail); err != nil {
		return err
	}
	r.Log.Error("deposit held, an operator must decide", "notice", "WATCH", "deposit_id", o.DepositID, "coin", o.Coin,
		"reason", teller.HoldOrderUnknown, "detail", detail)
	return nil
}

// look asks how a placed order stands, and cancels one that waits for its price too long.
func (r *round) look(ctx context.Context, o teller.Order) error {
	o, known, err := r.report(ctx, o)
	if err != nil || !known || !o.Pending() || o.Least.IsZero() || r.looks[o.ClientID] < r.Policy.ChecksBeforeCancel {
		return err
	}
	refusal := r.Exchange.Cancel(ctx, o.Coin, o.OrderID)
	o, known, err = r.report(ctx, o)
	if known && o.Pending() && refusal != nil {
		r.fault(refusal)
	}
	return err
}

// report asks the exchange about an order by its id, and notes the answer; known says that there was one.
func (r *round) report(ctx context.Context, o teller.Order) (_ teller.Order, known bool, err error) {
	told, err := r.Exchange.Order(ctx, o.Coin, o.OrderID)
	if teller.CodeOf(err) == teller.CodeNotFound {
		told, err = r.Exchange.Find(ctx, o.Coin, o.ClientID)
	}
	if err == nil {
		delete(r.missing, o.ClientID)
	}
	switch teller.CodeOf(err) {
	case teller.CodeNotFound:
		return o, false, r.vanished(ctx, o)
	case "":
		o, err = r.note(ctx, o, told)
		return o, err == nil, err
	case teller.CodeUnsupported:
		return o, false, r.unreachable(ctx, o, err.Error())
	}
	r.fault(err)
	return o, false, nil
}

// vanished sees to an order that the exchange had, and does not show any more. It may come back, and answers the doubt then.
func (r *round) vanished(ctx context.Context, o teller.Order) error {
	r.missing[o.ClientID]++
	r.errs = append(r.errs, teller.Errorf(teller.CodeUnavailable, "%s has shown order %s, there %s, and does not any more", o.Exchange, o.ClientID, o.OrderID))
	if r.missing[o.ClientID] < looksBeforeDoubt {
		return nil
	}
	delete(r.missing, o.ClientID)
	return r.doubt(ctx, o, "it has shown it before, as "+o.OrderID+", and does not any more")
}

// note writes what the exchange has told, when it is anything new.
func (r *round) note(ctx context.Context, o teller.Order, report teller.OrderReport) (teller.Order, error) {
	if report.OrderID == "" {
		report.OrderID = o.OrderID // not every answer repeats it
	}
	if report.OrderID == "" && !report.Final {
		r.fault(teller.Errorf(teller.CodeMalformed, "%s tells of order %s without an id of its own", o.Exchange, o.ClientID))
		return o, nil
	}
	if same(o.OrderReport, report) && !o.Doubted {
		return o, nil
	}
	noted, err := r.Store.NoteOrder(ctx, o.ClientID, o.Version, report)
	if teller.CodeOf(err) == teller.CodeMalformed {
		r.fault(err)
		return o, nil
	}
	if err != nil {
		return o, err
	}
	if o.State != noted.State {
		r.looks[o.ClientID] = 0
	}
	if noted.Pending() {
		return noted, nil
	}
	delete(r.pending, noted.DepositID)
	r.Log.Info("order final", "deposit_id", noted.DepositID, "coin", noted.Coin, "client_id", noted.ClientID, "order_id", noted.OrderID,
		"status", noted.Status, "filled", noted.Filled, "bought", noted.Bought.String(), "spent", noted.Spent.Format(noted.Coin))
	if !noted.Filled {
		r.errs = append(r.errs, teller.Errorf(teller.CodeUnavailable, "%w", &OrderFailed{noted}))
	}
	return noted, nil
}

// same reports whether two reports tell the same; the exchange's own words for it may differ, by the time for one thing.
func same(a, b teller.OrderReport) bool {
	if !a.Spent.Equal(b.Spent) {
		return false
	}
	b.Spent, b.Original = a.Spent, a.Original
	return a == b
}
