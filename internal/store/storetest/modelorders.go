package storetest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// orderModel is a handful of deposits that are bought for, and an exchange that fills orders as it likes. A worker and an
// operator do whatever they may, and what they may not, in any order; the model knows what must come of it.
type orderModel struct {
	*ledger
	deposits []*modelPurchase
}

// modelPurchase is what must be known of a deposit and its orders.
type modelPurchase struct {
	id       string
	status   teller.Status
	value    uint64
	orders   []*modelOrder
	holds    []teller.HoldReason
	owed     teller.Droplets
	instead  bool // an operator has let the wallet pay
	refunded bool
	closed   bool
}

type modelOrder struct {
	state   teller.OrderState
	doubted bool
	shown   bool // the exchange has a name for it
	bought  teller.Droplets
	spent   uint64
}

func runOrderModel(t *testing.T, factory Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &orderModel{ledger: newLedger(rt, factory(t))}
		defer m.close()
		m.openWallet(1000, 1000)
		rt.Repeat(map[string]func(*rapid.T){
			"deposit":     m.come,
			"prepare":     m.prepareSome,
			"prepare2":    m.prepareSome,
			"begin":       m.beginSome,
			"begin2":      m.beginSome,
			"note":        m.noteSome,
			"note2":       m.noteSome,
			"doubt":       m.doubtSome,
			"send":        m.sendSome,
			"send2":       m.sendSome,
			"pay instead": m.payInsteadSome,
			"refund":      m.refundSome,
			"mark paid":   m.markPaidSome,
			"close":       m.closeSome,
			"hold":        m.holdSome,
			"release":     m.releaseSome,
			"release2":    m.releaseSome,
			"payout":      m.paySome,
			"reopen":      func(*rapid.T) { m.reopen() },
			"":            m.check,
		})
	})
}

func (m *orderModel) come(rt *rapid.T) {
	if len(m.deposits) == 4 {
		rt.Skip("that is enough")
	}
	value := rapid.Uint64Range(1, 5).Draw(rt, "value") * 100_000
	d := m.toBuy(m.name("buyer"), value)
	m.deposits = append(m.deposits, &modelPurchase{id: d.ID, status: d.Status, value: value})
}

// some draws a deposit. One that is not done is drawn more often.
func (m *orderModel) some(rt *rapid.T) *modelPurchase {
	if len(m.deposits) == 0 {
		rt.Skip("there is none")
	}
	d := rapid.SampledFrom(m.deposits).Draw(rt, "deposit")
	if d.status == teller.StatusDone {
		d = rapid.SampledFrom(m.deposits).Draw(rt, "another")
	}
	return d
}

// ordered draws a deposit that has an order.
func (m *orderModel) ordered(rt *rapid.T) (*modelPurchase, *modelOrder, teller.Order) {
	d := m.some(rt)
	if len(d.orders) == 0 {
		rt.Skip("it has no order")
	}
	o, err := m.store.Order(m.ctx, teller.OrderClientID(d.id, len(d.orders)))
	m.must(err)
	return d, d.orders[len(d.orders)-1], o
}

// last is the deposit's last order, one that is final when it has none.
func (d *modelPurchase) last() *modelOrder {
	if len(d.orders) == 0 {
		return &modelOrder{state: teller.OrderFinal}
	}
	return d.orders[len(d.orders)-1]
}

func (d *modelPurchase) pending() bool { return d.last().state != teller.OrderFinal }

func (d *modelPurchase) mayBuy() bool { return d.pending() && d.last().state != teller.OrderPrepared }

func (d *modelPurchase) buying() bool {
	return d.status == teller.StatusWaitingPassthrough || d.status == teller.StatusWaitingPassthroughOrderComplete
}

// open reports whether what the deposit is owed is not fixed.
func (d *modelPurchase) open() bool { return d.buying() || d.status == teller.StatusWaitingDecide }

func (d *modelPurchase) sums() (bought teller.Droplets, spent uint64) {
	for _, o := range d.orders {
		bought += o.bought
		spent += o.spent
	}
	return bought, spent
}

func (d *modelPurchase) drop(reasons ...teller.HoldReason) {
	d.holds = slices.DeleteFunc(d.holds, func(h teller.HoldReason) bool { return slices.Contains(reasons, h) })
}

// ended notes that an operator has decided about the deposit: a prepared order is never placed.
func (d *modelPurchase) ended() {
	if d.pending() {
		d.last().state = teller.OrderFinal
	}
}

// expect checks that a step went well, or was refused with one of two codes.
func (m *orderModel) expect(err error, allowed bool, codes ...teller.Code) bool {
	m.Helper()
	if allowed {
		m.must(err)
		return true
	}
	if !slices.Contains(codes, teller.CodeOf(err)) {
		m.Fatalf("got error %v (code %q), want one of %q", err, teller.CodeOf(err), codes)
	}
	return false
}

func (m *orderModel) prepareSome(rt *rapid.T) {
	d := m.some(rt)
	now := m.deposit(d.id)
	_, spent := d.sums()
	ask := rapid.Uint64Range(1, d.value).Draw(rt, "requested")
	allowed := d.open() && len(d.holds) == 0 && !d.pending() && spent < d.value && ask <= d.value-spent
	_, err := m.store.PrepareOrder(m.ctx, teller.OrderDraft{DepositID: d.id, Version: now.Version, Exchange: "fair", Requested: teller.NewAmount(ask)})
	if m.expect(err, allowed, teller.CodeConflict, teller.CodeForbidden, teller.CodeInvalid) {
		d.orders = append(d.orders, &modelOrder{state: teller.OrderPrepared})
		d.status = teller.StatusWaitingPassthrough
	}
}

func (m *orderModel) beginSome(rt *rapid.T) {
	d, mo, o := m.ordered(rt)
	allowed := d.status == teller.StatusWaitingPassthrough && len(d.holds) == 0 &&
		(mo.state == teller.OrderPrepared || mo.state == teller.OrderPlacing)
	_, err := m.store.BeginOrder(m.ctx, o.ClientID, o.Version)
	if m.expect(err, allowed, teller.CodeConflict) {
		mo.state, mo.doubted = teller.OrderPlacing, false
	}
}

// noteSome has the exchange tell of an order: that it has bought more, less, or nothing, and perhaps that it is final.
func (m *orderModel) noteSome(rt *rapid.T) {
	d, mo, o := m.ordered(rt)
	r := report(o, mo.bought, mo.spent)
	if rapid.IntRange(0, 9).Draw(rt, "contradicts") == 0 && mo.bought > 0 {
		r.Bought--
		_, err := m.store.NoteOrder(m.ctx, o.ClientID, o.Version, r)
		m.expect(err, false, teller.CodeMalformed, teller.CodeConflict)
		return
	}
	r.Bought += teller.Droplets(rapid.Uint64Range(0, 2_000_000).Draw(rt, "bought"))
	r.Spent = teller.NewAmount(mo.spent + rapid.Uint64Range(0, 150_000).Draw(rt, "spent")) // fees may exceed what was asked for
	r.Final = rapid.Bool().Draw(rt, "final")
	if r.Final && !mo.shown && rapid.IntRange(0, 3).Draw(rt, "refused") == 0 {
		r = teller.OrderReport{Final: true, Status: "refused"}
	}
	stale := rapid.IntRange(0, 9).Draw(rt, "stale") == 0
	version := o.Version
	if stale {
		version--
	}
	_, err := m.store.NoteOrder(m.ctx, o.ClientID, version, r)
	if !m.expect(err, mo.state != teller.OrderFinal && !stale, teller.CodeConflict) {
		return
	}
	mo.state = teller.OrderPlaced
	if r.Final {
		mo.state = teller.OrderFinal
	}
	if r.OrderID != "" {
		mo.shown = true
		mo.bought = r.Bought
		mo.spent, _ = r.Spent.Uint64()
		if d.status == teller.StatusWaitingPassthrough {
			d.status = teller.StatusWaitingPassthroughOrderComplete
		}
	}
	if mo.doubted {
		mo.doubted = false
		d.drop(teller.HoldOrderUnknown)
	}
}

func (m *orderModel) doubtSome(rt *rapid.T) {
	d, mo, o := m.ordered(rt)
	held := mo.doubted && slices.Contains(d.holds, teller.HoldOrderUnknown)
	_, err := m.store.DoubtOrder(m.ctx, o.ClientID, o.Version, m.name("doubt"))
	if m.expect(err, d.mayBuy() && !held, teller.CodeConflict) {
		mo.doubted = true
		d.holds = append(d.holds, teller.HoldOrderUnknown)
	}
}

func (m *orderModel) sendSome(rt *rapid.T) {
	d := m.some(rt)
	bought, _ := d.sums()
	owed := bought / 1000 * 1000
	if rapid.IntRange(0, 4).Draw(rt, "too much") == 0 {
		owed = bought + 1
	}
	allowed := d.buying() && len(d.holds) == 0 && !d.pending() && owed > 0 && owed <= bought
	err := m.store.SendBought(m.ctx, d.id, m.deposit(d.id).Version, owed)
	if m.expect(err, allowed, teller.CodeConflict, teller.CodeForbidden) {
		d.status, d.owed = teller.StatusWaitingSend, owed
	}
}

var orderHolds = []teller.HoldReason{teller.HoldOrderFailed, teller.HoldOrderUnknown, teller.HoldBelowMinimum, teller.HoldUnpayable}

func (m *orderModel) payInsteadSome(rt *rapid.T) {
	d := m.some(rt)
	owed := teller.Droplets(rapid.Uint64Range(0, 5).Draw(rt, "owed")) * sky
	_, err := m.store.PayInstead(m.ctx, d.id, owed, operator)
	if m.expect(err, d.open() && !d.mayBuy() && owed > 0, teller.CodeForbidden) {
		d.ended()
		d.status, d.owed, d.instead = teller.StatusWaitingSend, owed, true
		d.drop(orderHolds...)
	}
}

func (m *orderModel) refundSome(rt *rapid.T) {
	d := m.some(rt)
	bought, _ := d.sums()
	owed := bought / 1000 * 1000
	if rapid.IntRange(0, 4).Draw(rt, "too much") == 0 {
		owed = bought + 1
	}
	_, err := m.store.Refund(m.ctx, d.id, m.name("back"), owed, operator)
	allowed := d.open() && !d.mayBuy() && owed <= bought && (owed == 0 || d.buying())
	if !m.expect(err, allowed, teller.CodeForbidden) {
		return
	}
	d.ended()
	d.refunded = true
	if owed == 0 {
		d.status, d.closed, d.holds = teller.StatusDone, true, nil
		return
	}
	d.status, d.owed = teller.StatusWaitingSend, owed
	d.drop(orderHolds...)
}

func (m *orderModel) markPaidSome(rt *rapid.T) {
	d := m.some(rt)
	bought, _ := d.sums()
	owed := d.owed
	if owed == 0 {
		owed = bought / 1000 * 1000
	}
	allowed := d.status != teller.StatusDone && d.status != teller.StatusWaitingConfirm && !d.mayBuy() && owed > 0
	_, err := m.store.MarkPaid(m.ctx, d.id, m.name("handmade"), 1000*sky, teller.MaxDecimals, operator)
	if m.expect(err, allowed, teller.CodeForbidden) {
		d.ended()
		d.status, d.owed, d.holds = teller.StatusDone, owed, nil
	}
}

func (m *orderModel) closeSome(rt *rapid.T) {
	d := m.some(rt)
	if rapid.Bool().Draw(rt, "rather not") {
		rt.Skip("most deposits are not closed")
	}
	allowed := d.status != teller.StatusWaitingConfirm && !d.mayBuy() && (d.status != teller.StatusDone || len(d.holds) > 0)
	_, err := m.store.CloseDeposit(m.ctx, d.id, operator)
	if m.expect(err, allowed, teller.CodeForbidden) {
		d.ended()
		d.closed = d.closed || d.status != teller.StatusDone
		d.status, d.holds = teller.StatusDone, nil
	}
}

func (m *orderModel) holdSome(rt *rapid.T) {
	d := m.some(rt)
	reason := rapid.SampledFrom([]teller.HoldReason{teller.HoldOrderFailed, teller.HoldBelowMinimum, teller.HoldUnpayable}).Draw(rt, "reason")
	_, err := m.store.Hold(m.ctx, d.id, m.deposit(d.id).Version, reason, m.name("detail"))
	m.must(err)
	d.holds = append(d.holds, reason)
}

func (m *orderModel) releaseSome(rt *rapid.T) {
	d := m.some(rt)
	_, err := m.store.Release(m.ctx, d.id, operator)
	if m.expect(err, len(d.holds) > 0, teller.CodeForbidden) {
		d.holds = d.holds[1:]
	}
}

// paySome pays one deposit that is due, and perhaps confirms that.
func (m *orderModel) paySome(rt *rapid.T) {
	due, err := m.store.Due(m.ctx, teller.StatusWaitingSend, 0, 0)
	m.must(err)
	_, spendable := m.outputs()
	if len(due) == 0 || len(spendable) == 0 {
		rt.Skip("nothing to pay, or to pay with")
	}
	p, tx := m.payoutOf(spendable[:1], due[0])
	m.must(m.store.CreatePayout(m.ctx, p))
	i := slices.IndexFunc(m.deposits, func(d *modelPurchase) bool { return d.id == due[0].ID })
	m.deposits[i].status = teller.StatusWaitingConfirm
	if rapid.Bool().Draw(rt, "confirm") {
		m.skyBlock(tx)
		m.deposits[i].status = teller.StatusDone
	}
}

// check compares the store with the model after each step. checkBooks has compared sums, counters and listings with the
// rows, and found no deposit with two pending orders.
func (m *orderModel) check(*rapid.T) {
	m.Helper()
	m.checkBooks()
	for _, want := range m.deposits {
		d := m.deposit(want.id)
		var holds []teller.HoldReason
		for _, h := range d.Holds() {
			holds = append(holds, h.Reason)
		}
		bought, spent := want.sums()
		m.same("deposit "+d.ID, []any{d.Status, d.Attempts, d.Bought, d.Spent, d.Owed, len(holds), d.RefundTxID != "", d.Error != ""},
			[]any{want.status, len(want.orders), bought, teller.NewAmount(spent), want.owed, len(want.holds), want.refunded, want.closed})
		for i, h := range want.holds {
			m.same("hold of "+d.ID, holds[i], h)
		}
		if d.Sent > d.Bought && !want.instead {
			m.Fatalf("%s SKY are sent for %s, for which %s were bought", d.Sent, d.ID, d.Bought)
		}
		orders, err := m.store.OrdersOf(m.ctx, d.ID)
		m.must(err)
		for i, o := range orders {
			mo := want.orders[i]
			m.same("order "+o.ClientID, []any{o.State, o.Doubted, o.OrderID != "", o.Bought, o.Spent},
				[]any{mo.state, mo.doubted, mo.shown, mo.bought, teller.NewAmount(mo.spent)})
		}
	}
}
