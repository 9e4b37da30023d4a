package sim

import (
	"fmt"
	"slices"

	"github.com/skycoin/teller"
)

// What the model knows of purchases: it looks at what the exchange has accepted, not at what the ledger says of it.

// attemptsKnown is for how many attempts of a deposit the model knows the client id.
const attemptsKnown = 40

// expects notes under which client ids orders for a deposit may come.
func (m *model) expects(id string) {
	for n := 1; n <= attemptsKnown; n++ {
		m.clients[teller.OrderClientID(id, n)], m.attempts[teller.OrderClientID(id, n)] = id, n
	}
}

// accepted judges an order that the exchange has just accepted.
func (m *model) accepted(x *exchange, order *purchase, late bool) {
	id, known := m.clients[order.ClientID]
	if !known {
		m.violate("I1", "order %s is for no deposit that there is", order.ClientID)
		return
	}
	if since, held := m.heldSince[id]; held && since < m.steps && !late {
		m.violate("I5", "SKY is bought for deposit %s, which was held (%s) before", id, m.rows[id].Hold.Reason)
	}
	p, worth := m.payments[id], teller.Amount{}
	switch b := m.balances[id]; {
	case p != nil:
		worth = p.Value
		if p.deep == 0 {
			m.violate("I4", "SKY is bought for deposit %s, which never had %d confirmations", id, m.confirmations[p.coin])
		}
		if p.ended {
			m.violate("I1", "SKY is bought for deposit %s, which an operator has ended", id)
		}
	case b != nil:
		worth = b.Value
	}
	var spent teller.Amount
	for _, other := range x.orders {
		if m.clients[other.ClientID] != id {
			continue
		}
		if other != order && !other.final {
			m.violate("I1", "deposit %s has two orders that may buy at once: %s and %s", id, other.id, order.id)
		}
		used, _ := other.Spend.Sub(other.rest)
		if !other.final {
			used = other.Spend
		}
		spent = spent.Add(used)
	}
	if spent.Cmp(worth) > 0 {
		m.violate("I1", "the orders for deposit %s may spend %s, and it is worth %s", id, spent, worth)
	}
}

// purchased is what was bought and spent for a deposit, as the exchange has it.
func (m *model) purchased(id string) (bought teller.Droplets, spent teller.Amount) {
	for _, order := range m.w.exchange.orders {
		if m.clients[order.ClientID] == id {
			used, _ := order.Spend.Sub(order.rest)
			bought, spent = bought+order.bought, spent.Add(used)
		}
	}
	return bought, spent
}

// closed judges an answered close: nothing may be bought for the deposit any more. A ledger that was put back may have
// forgotten an order.
func (m *model) closed(id string) {
	if m.restores > 0 {
		return
	}
	for _, order := range m.w.exchange.open() {
		if m.clients[order.ClientID] == id {
			m.violate("I5", "deposit %s is closed while order %s for it may buy", id, order.id)
		}
	}
}

// cut takes off what is beyond the decimals that are sent.
func (m *model) cut(d teller.Droplets) teller.Droplets {
	unit := teller.DropletsPerSKY
	for range m.maxDecimals {
		unit /= 10
	}
	return d - d%unit
}

// purchase judges a row of a deposit that SKY is bought for on the exchange: no more is owed than was bought.
func (m *model) purchase(d teller.Deposit) {
	bought, spent := m.purchased(d.ID)
	switch {
	case d.Bought > bought || d.Spent.Cmp(spent) > 0:
		m.violate("I6", "for deposit %s the exchange has bought %s SKY for %s, the ledger says %s for %s", d.ID, bought, spent, d.Bought, d.Spent)
	case d.Owed > 0 && d.Owed != m.cut(bought) && !m.instead[d.ID]:
		m.violate("I1", "for deposit %s were bought %s SKY, and %s are owed", d.ID, bought, d.Owed)
	}
	p := m.payments[d.ID]
	if d.Owed == 0 || p == nil || p.closing || m.instead[d.ID] {
		return
	}
	if rest, err := p.Value.Sub(spent); err == nil && rest.Cmp(teller.NewAmount(smallest[p.coin].minimum)) >= 0 {
		m.violate("I3", "of deposit %s were never spent %s, enough for an order, and only what was bought is sent", d.ID, rest)
	}
}

// trades reports whether the SKY for a payment is bought on the exchange.
func (m *model) trades(p *payment) bool {
	_, traded := smallest[p.coin]
	list := depositAddresses(p.coin)
	return m.trading && traded && p.Address != list[len(list)-1] // which is bound by hand: see awkward
}

// mayBe reports whether an amount may be what a deposit is paid, whose SKY is bought on the exchange.
func (m *model) mayBe(id string, coins teller.Droplets) bool {
	bought, _ := m.purchased(id)
	return coins == m.cut(bought) || m.instead[id]
}

// forgotten lists the orders that are not final, and the deposits of which the ledger does not know all that was bought. A
// ledger that was put back does not know the orders of what its journal tells to be paid.
func (r *run) forgotten() (left []string) {
	m := r.model
	for _, order := range m.w.exchange.orders {
		id := m.clients[order.ClientID]
		if !order.final {
			left = append(left, "order "+order.id+" for deposit "+id+" is still open")
		}
		bought, spent := m.purchased(id)
		d, ok := m.rows[id]
		p := m.payments[id]
		excused := !ok || d.Hold != nil || d.Status == teller.StatusDone || p == nil || p.left
		if ok && d.Bought == bought && d.Spent.Equal(spent) || m.restores > 0 && excused {
			continue
		}
		left = append(left, fmt.Sprintf("for deposit %s the exchange has bought %s SKY for %s, the ledger says %s for %s", id, bought, spent, d.Bought, d.Spent))
	}
	return left
}

// purchases judges at the end what was bought.
func (r *run) purchases() {
	m := r.model
	for _, what := range r.forgotten() {
		m.violate("I6", "%s", what)
	}
	for _, order := range m.w.exchange.orders {
		r.counts.Orders++
		r.counts.OrdersFailed += count(!order.filled)
	}
	var sum teller.Droplets
	for _, d := range m.rows {
		sum += d.Bought
	}
	if totals, err := r.engine.store.Totals(r.ctx); err != nil || totals.Bought != sum {
		m.violate("I6", "the totals say that %s SKY were bought, the deposits %s (%v)", totals.Bought, sum, err)
	}
}

// endTooSoon is an operator who ends an order that the exchange does not show, while it is asked for it.
func (r *run) endTooSoon() {
	pending, err := r.engine.store.PendingOrders(r.ctx, 0, 0)
	if err != nil {
		return
	}
	for _, o := range pending {
		if o.Asked() && !r.mayCome(o.ClientID) {
			for range 2 {
				after, err := r.engine.resolver.EndOrder(r.ctx, o.ClientID, by)
				r.world.note("order %s is to be ended: %s, %v", o.ClientID, after.State, err)
			}
		}
	}
}

// looksPast is how many attempts without a trace a ledger looks past that is not told of them: the next one, and three more.
const looksPast = 4

// outgrown reports whether the backup is so old that for a deposit there were more attempts without a trace since, before one that
// the exchange has taken, than a ledger looks past that is not told of them. Each such order is reported once.
func (r *run) outgrown() bool {
	seen := make(map[string]int) // by deposit, the last attempt that an older ledger finds
	for _, order := range r.world.exchange.orders {
		id, n := r.model.clients[order.ClientID], r.model.attempts[order.ClientID]
		last := max(seen[id], r.backedUp[id])
		d := r.model.rows[id]
		open := d.Status != teller.StatusDone && d.Status != teller.StatusWaitingConfirm
		switch {
		case n <= last+looksPast:
			seen[id] = max(last, n)
		case open && r.outgrew[id] < n:
			r.outgrew[id] = n
			return true
		}
	}
	return false
}

// aboutOrders reports whether a hold is about a deposit's orders.
func (r *run) aboutOrders(reason teller.HoldReason) bool {
	return slices.Contains([]teller.HoldReason{teller.HoldOrderFailed, teller.HoldOrderUnknown, teller.HoldBelowMinimum}, reason)
}

// decideOrder decides on a deposit that is held for its orders. Unless it is done with, it is to be released: that is to try
// again.
func (r *run) decideOrder(d teller.Deposit) (done bool, err error) {
	m := r.model
	if d.HeldFor(teller.HoldOrderUnknown) {
		// Who looks at the exchange sees whether the order is there, and waits until it can not come any more.
		clientID := teller.OrderClientID(d.ID, d.Attempts)
		if done = r.mayCome(clientID) || r.world.chance(500); done && !r.mayCome(clientID) {
			_, err = r.engine.resolver.EndOrder(r.ctx, clientID, by)
		}
		return done, err
	}
	switch r.world.between(0, 3) {
	case 0, 1:
		m.instead[d.ID] = true
		_, err = r.engine.resolver.PayInstead(r.ctx, d.ID, by)
		return true, err
	case 2:
		if p := m.payments[d.ID]; p != nil {
			p.closing = true
		}
		got, err := r.engine.resolver.Refund(r.ctx, d.ID, "refund-"+r.world.id(), by)
		if p := m.payments[d.ID]; p != nil && err == nil {
			p.ended = p.ended || got.Status == teller.StatusDone
		}
		return true, err
	}
	return false, nil
}

// closeForGood is an operator who closes a deposit whose coins are gone. An order for it that the exchange does not have is
// ended first.
func (r *run) closeForGood(d teller.Deposit) error {
	if d.Attempts > 0 && !r.mayCome(teller.OrderClientID(d.ID, d.Attempts)) {
		_, _ = r.engine.resolver.EndOrder(r.ctx, teller.OrderClientID(d.ID, d.Attempts), by)
	}
	_, err := r.engine.ledger.CloseDeposit(r.ctx, d.ID, by)
	return err
}

// mayCome reports whether the exchange has an order of a client id, or one is on its way.
func (r *run) mayCome(clientID string) bool {
	x := r.world.exchange
	return x.onItsWay(clientID) || slices.ContainsFunc(x.orders, func(p *purchase) bool { return p.ClientID == clientID })
}
