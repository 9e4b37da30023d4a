package storetest

import "github.com/skycoin/teller"

// What is made of what a deposit's orders have bought, by the worker and by an operator.
var purchaseTests = map[string]func(*ledger){
	"Sent":            testBoughtSent,
	"SendRefusals":    testBoughtSendRefusals,
	"NoEndWhileItMay": testNoEndWhileAnOrderMayBuy,
	"EndsPrepared":    testEndsPreparedOrder,
	"StaleActs":       testStaleActs,
	"PayInstead":      testPayInstead,
	"PayInsteadEarly": testPayInsteadEarly,
	"PayRefusals":     testPayInsteadRefusals,
	"RefundEnds":      testRefundEnds,
	"RefundSends":     testRefundSends,
	"RefundRefusals":  testRefundRefusals,
	"MarkPaid":        testMarkPaidOfBought,
	"Closed":          testClosedAfterPurchase,
	"Withdrawal":      testPurchaseAndWithdrawal,
	"OnlyByOrders":    testNotDecidedWhileBuying,
}

// bought makes a deposit of 0.01 BTC whose only order is final, and has bought and spent so much.
func (l *ledger) bought(to string, coins teller.Droplets, spent uint64) teller.Deposit {
	l.Helper()
	d := l.toBuy(to, 1_000_000)
	o := l.begin(l.prepare(d.ID))
	r := final(o, coins, spent)
	r.Filled = spent == 1_000_000
	l.note(o, r)
	return l.deposit(d.ID)
}

// held puts a hold on a deposit as it is now.
func (l *ledger) held(id string, reason teller.HoldReason) teller.Deposit {
	l.Helper()
	d, err := l.store.Hold(l.ctx, id, l.deposit(id).Version, reason, "a reason")
	l.must(err)
	return d
}

// What was bought is sent, but for what no transaction can carry.
func testBoughtSent(l *ledger) {
	l.openWallet(100)
	d := l.bought("alice", 5*sky+432, 1_000_000)
	l.same("due", l.due(teller.StatusWaitingPassthroughOrderComplete), []string{d.ID})
	l.must(l.store.SendBought(l.ctx, d.ID, d.Version, 5*sky))
	l.reopen()
	d = l.is(d.ID, teller.StatusWaitingSend, "")
	l.same("owed", d.Owed, 5*sky)
	l.same("kept", l.totals().Kept, teller.Droplets(432))
	_, tx := l.pay(d)
	l.skyBlock(tx)
	l.is(d.ID, teller.StatusDone, "")
	sum := l.totals()
	l.same("sent, bought, kept", []any{sum.Sent, sum.Bought, sum.Kept}, []any{5 * sky, 5*sky + 432, teller.Droplets(432)})
}

func testBoughtSendRefusals(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	send := func(owed teller.Droplets) error {
		return l.store.SendBought(l.ctx, d.ID, l.deposit(d.ID).Version, owed)
	}
	l.refused(send(5*sky), teller.CodeForbidden) // nothing was bought
	o := l.prepare(d.ID)
	l.refused(send(5*sky), teller.CodeConflict)
	o = l.begin(o)
	l.refused(send(5*sky), teller.CodeConflict)
	o = l.note(o, report(o, 5*sky, 1_000_000))
	l.refused(send(5*sky), teller.CodeConflict)
	l.note(o, final(o, 5*sky, 1_000_000))
	l.refused(send(5*sky+1), teller.CodeForbidden)
	l.refused(send(0), teller.CodeForbidden)
	l.refused(l.store.SendBought(l.ctx, d.ID, l.deposit(d.ID).Version-1, 5*sky), teller.CodeConflict)
	l.held(d.ID, teller.HoldOrderFailed)
	l.refused(send(5*sky), teller.CodeConflict)
	_, err := l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	l.must(send(5 * sky))
	l.refused(send(5*sky), teller.CodeForbidden) // once
	direct := l.credited("bob", 1_000_000)
	l.refused(l.store.SendBought(l.ctx, direct.ID, direct.Version, 1), teller.CodeForbidden)
}

// endings are what an operator can do to end a deposit, or to fix what it is owed.
func (l *ledger) endings(id string) map[string]func() error { return l.acts(id, operator) }

func (l *ledger) acts(id string, act teller.Act) map[string]func() error {
	return map[string]func() error{
		"close": func() error { _, err := l.store.CloseDeposit(l.ctx, id, act); return err },
		"mark paid": func() error {
			_, err := l.store.MarkPaid(l.ctx, id, "handmade", 50*sky, teller.MaxDecimals, act)
			return err
		},
		"pay instead": func() error { _, err := l.store.PayInstead(l.ctx, id, 5*sky, act); return err },
		"refund":      func() error { _, err := l.store.Refund(l.ctx, id, "back", 0, act); return err },
	}
}

// What was decided about a row is refused when the row is another one by now.
func testStaleActs(l *ledger) {
	stale := operator
	d := l.bought("alice", 2*sky, 400_000)
	stale.Version = d.Version
	o := l.prepare(d.ID)
	acts := l.acts(d.ID, stale)
	acts["release"] = func() error { _, err := l.store.Release(l.ctx, d.ID, stale); return err }
	acts["end order"] = func() error { _, err := l.store.EndOrder(l.ctx, o.ClientID, stale); return err }
	for name, act := range acts {
		if err := act(); teller.CodeOf(err) != teller.CodeConflict {
			l.Fatalf("%s: got %v, want code %s", name, err, teller.CodeConflict)
		}
	}
	stale.Version = l.deposit(d.ID).Version
	_, err := l.store.PayInstead(l.ctx, d.ID, 5*sky, stale)
	l.must(err)
}

// While an order may buy, nothing is decided behind its back, and the operator is told what to do.
func testNoEndWhileAnOrderMayBuy(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.begin(l.prepare(d.ID))
	refuse := func(words ...string) {
		l.Helper()
		before := l.history()
		for name, end := range l.endings(d.ID) {
			err := end()
			if teller.CodeOf(err) != teller.CodeForbidden {
				l.Fatalf("%s: got %v, want code %s", name, err, teller.CodeForbidden)
			}
			l.mentions(err.Error(), append(words, o.ClientID, d.ID, "fair")...)
		}
		l.same("written", l.history(), before)
	}
	refuse("wait")
	o = l.note(o, report(o, 1*sky, 200_000))
	refuse("cancel", o.OrderID)
	l.held(d.ID, teller.HoldOrderFailed)
	refuse("cancel")
	l.note(o, final(o, 1*sky, 200_000))
	_, err := l.store.CloseDeposit(l.ctx, d.ID, operator)
	l.must(err)
}

// An order that was never placed ends with its deposit.
func testEndsPreparedOrder(l *ledger) {
	for _, name := range []string{"close", "pay instead", "refund"} {
		d := l.toBuy("alice", 1_000_000)
		o := l.prepare(d.ID)
		l.must(l.endings(d.ID)[name]())
		ended, err := l.store.Order(l.ctx, o.ClientID)
		l.must(err)
		l.same(name, []any{ended.State, ended.Final, ended.Filled, ended.Status, ended.OrderID}, []any{teller.OrderFinal, true, false, "not placed", ""})
		_, err = l.store.BeginOrder(l.ctx, o.ClientID, ended.Version)
		l.refused(err, teller.CodeConflict)
	}
	d := l.bought("bob", 2*sky, 400_000)
	o := l.prepare(d.ID) // for the rest
	l.must(l.endings(d.ID)["mark paid"]())
	ended, err := l.store.Order(l.ctx, o.ClientID)
	l.must(err)
	l.same("marked as paid", []any{ended.Status, l.deposit(d.ID).Sent}, []any{"not placed", 2 * sky})
	l.same("pending", l.pending(), []string(nil))
	l.same("audited", l.audited("order final"), 5)
}

// The wallet pays what an order has not bought; what was bought beyond that is kept.
func testPayInstead(l *ledger) {
	l.openWallet(100)
	d := l.bought("alice", 2*sky, 400_000)
	l.held(d.ID, teller.HoldOrderFailed)
	l.held(d.ID, teller.HoldWithdrawal)
	got, err := l.store.PayInstead(l.ctx, d.ID, 5*sky, operator)
	l.must(err)
	l.same("paid instead", []any{got.Status, got.Owed, got.Sent}, []any{teller.StatusWaitingSend, 5 * sky, teller.Droplets(0)})
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal) // another matter
	last := l.trail()[len(l.trail())-1]
	l.mentions(last.Detail, operator.Reason, teller.OrderClientID(d.ID, 1), "5.000000 SKY", "2.000000")
	l.same("who", []string{last.Actor, last.Event}, []string{operator.Actor, "pay instead"})
	_, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	_, tx := l.pay(l.deposit(d.ID))
	l.skyBlock(tx)
	l.is(d.ID, teller.StatusDone, "")
	l.same("kept", l.totals().Kept, teller.Droplets(0))

	more := l.bought("bob", 6*sky, 1_000_000)
	_, err = l.store.PayInstead(l.ctx, more.ID, 5*sky, operator)
	l.must(err)
	l.same("kept", l.totals().Kept, sky)
}

// A deposit that is too small for any order, or for which no exchange is there, is paid without one.
func testPayInsteadEarly(l *ledger) {
	l.openWallet(100)
	for _, reason := range []teller.HoldReason{teller.HoldBelowMinimum, teller.HoldUnpayable} {
		d := l.toBuy("alice", 1000)
		l.held(d.ID, reason)
		got, err := l.store.PayInstead(l.ctx, d.ID, 5000, operator)
		l.must(err)
		l.same("paid instead", []any{got.Status, got.Owed, got.Hold == nil, got.Attempts}, []any{teller.StatusWaitingSend, teller.Droplets(5000), true, 0})
	}
}

func testPayInsteadRefusals(l *ledger) {
	d := l.bought("alice", 2*sky, 400_000)
	_, err := l.store.PayInstead(l.ctx, d.ID, 5*sky, teller.Act{Actor: "olga"})
	l.refused(err, teller.CodeInvalid)
	_, err = l.store.PayInstead(l.ctx, d.ID, 0, operator)
	l.refused(err, teller.CodeForbidden)
	for _, id := range []string{l.credited("bob", 1_000_000).ID, l.payable("bob", 1_000_000).ID} {
		_, err = l.store.PayInstead(l.ctx, id, 5*sky, operator)
		l.refused(err, teller.CodeForbidden)
	}
	_, err = l.store.PayInstead(l.ctx, d.ID, 5*sky, operator)
	l.must(err)
	_, err = l.store.PayInstead(l.ctx, d.ID, 5*sky, operator)
	l.refused(err, teller.CodeForbidden)
}

// Nothing was bought, or nothing that could be sent: what was paid in is given back, and the deposit ends.
func testRefundEnds(l *ledger) {
	for _, d := range []teller.Deposit{l.toBuy("alice", 1000), l.bought("alice", 0, 0), l.bought("alice", 999, 1)} {
		l.held(d.ID, teller.HoldOrderFailed)
		got, err := l.store.Refund(l.ctx, d.ID, "btc-back", 0, operator)
		l.must(err)
		l.same("refunded", []any{got.Status, got.RefundTxID, got.Error, got.Hold == nil, got.Owed},
			[]any{teller.StatusDone, "btc-back", "refunded by btc-back: " + operator.Reason, true, teller.Droplets(0)})
	}
	l.same("kept, errored", []any{l.totals().Kept, l.totals().Errored}, []any{teller.Droplets(999), 3})
	last := l.trail()[len(l.trail())-1]
	l.same("who", []string{last.Actor, last.Event, last.TxID}, []string{operator.Actor, "refund", "btc-back"})
	l.mentions(last.Detail, operator.Reason, "kept 0.000999")
}

// What was bought is sent, the rest was given back.
func testRefundSends(l *ledger) {
	l.openWallet(100)
	d := l.bought("alice", 2*sky+5, 400_000)
	l.held(d.ID, teller.HoldOrderFailed)
	l.held(d.ID, teller.HoldUnpayable) // the exchange does not trade the coin any more
	got, err := l.store.Refund(l.ctx, d.ID, "btc-back", 2*sky, operator)
	l.must(err)
	l.same("refunded", []any{got.Status, got.RefundTxID, got.Error, got.Owed, got.Hold == nil},
		[]any{teller.StatusWaitingSend, "btc-back", "", 2 * sky, true})
	last := l.trail()[len(l.trail())-1]
	l.mentions(last.Detail, operator.Reason, teller.OrderClientID(d.ID, 1), "2.000000 SKY")
	_, err = l.store.Refund(l.ctx, d.ID, "btc-back-2", 0, operator)
	l.refused(err, teller.CodeForbidden)
	l.reopen()
	l.same("kept", l.totals().Kept, teller.Droplets(5))
	_, tx := l.pay(l.deposit(d.ID))
	l.skyBlock(tx)
	got = l.is(d.ID, teller.StatusDone, "")
	l.same("sent", []any{got.Sent, got.RefundTxID}, []any{2 * sky, "btc-back"})
}

func testRefundRefusals(l *ledger) {
	d := l.bought("alice", 2*sky, 400_000)
	refund := func(txid string, owed teller.Droplets, act teller.Act) error {
		_, err := l.store.Refund(l.ctx, d.ID, txid, owed, act)
		return err
	}
	l.refused(refund("", 0, operator), teller.CodeInvalid)
	l.refused(refund("back", 0, teller.Act{Actor: "olga"}), teller.CodeInvalid)
	l.refused(refund("back", 2*sky+1, operator), teller.CodeForbidden)
	l.must(l.store.SendBought(l.ctx, d.ID, d.Version, 2*sky))
	l.refused(refund("back", 0, operator), teller.CodeForbidden) // its amount is fixed
	l.same("deposit", []any{l.deposit(d.ID).RefundTxID, l.deposit(d.ID).Status}, []any{"", teller.StatusWaitingSend})

	l.block(teller.BTC)
	l.bind(teller.BTC, "b9", "bob")
	l.block(teller.BTC, transfer("b9", "t9", 0, 1000))
	l.reorg(teller.BTC, 1)
	_, err := l.store.Refund(l.ctx, "t9:0", "back", 0, operator)
	l.refused(err, teller.CodeForbidden) // nothing has come
}

// What somebody has paid by hand is measured by what was bought, once something was.
func testMarkPaidOfBought(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	paid := func(id string, coins teller.Droplets) (teller.Deposit, error) {
		return l.store.MarkPaid(l.ctx, id, "handmade", coins, teller.MaxDecimals, operator)
	}
	_, err := paid(d.ID, 50*sky)
	l.refused(err, teller.CodeForbidden) // whatever the rate says: nobody knows what would be bought
	l.mentions(err.Error(), "bought", "refund")
	b := l.bought("alice", 2*sky+5_999, 400_000)
	_, err = paid(b.ID, 2*sky+4_999)
	l.refused(err, teller.CodeForbidden)
	got, err := paid(b.ID, 2*sky+5_000)
	l.must(err)
	l.same("paid", []any{got.Status, got.Owed, got.Sent}, []any{teller.StatusDone, 2*sky + 5_000, 2*sky + 5_000})
	l.same("kept", l.totals().Kept, teller.Droplets(999))
	fixed, err := l.store.PayInstead(l.ctx, l.bought("bob", 2*sky, 400_000).ID, 5*sky, operator)
	l.must(err)
	got, err = paid(fixed.ID, 5*sky)
	l.must(err)
	l.same("paid", got.Sent, 5*sky)
}

// Whatever was bought for a deposit that is closed is nobody's any more.
func testClosedAfterPurchase(l *ledger) {
	for _, send := range []bool{false, true} {
		d := l.bought("alice", 2*sky, 400_000)
		before := l.totals().Kept
		if send {
			l.must(l.store.SendBought(l.ctx, d.ID, d.Version, 2*sky))
		}
		l.same("kept before", l.totals().Kept, before)
		_, err := l.store.CloseDeposit(l.ctx, d.ID, operator)
		l.must(err)
		l.same("kept", l.totals().Kept-before, 2*sky)
	}
}

// What a withdrawal may have paid is used up by what was bought for the deposits that are closed for it. Nobody knows what
// one is worth for which nothing was: then all of the withdrawal is left to explain others.
func testPurchaseAndWithdrawal(l *ledger) {
	l.openWallet(100, 100)
	first, second := l.toBuy("alice", 1_000_000), l.bought("alice", 5*sky, 1_000_000)
	l.withdraw("alice", 5*sky)
	for _, d := range []teller.Deposit{first, second} {
		l.same("held", holdOf(l.deposit(d.ID)), teller.HoldWithdrawal)
		_, err := l.store.CloseDeposit(l.ctx, d.ID, operator)
		l.must(err)
		if d.ID == first.ID {
			l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, teller.HoldWithdrawal)
		}
	}
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, "")
}

// A decision at a rate does not touch a deposit that is being bought for.
func testNotDecidedWhileBuying(l *ledger) {
	d := l.toBuy("alice", 1_000_000)
	o := l.prepare(d.ID)
	decide := func() int {
		l.Helper()
		n, err := l.store.Decide(l.ctx, []teller.Decision{{DepositID: d.ID, Version: l.deposit(d.ID).Version, Owed: 5 * sky}})
		l.must(err)
		return n
	}
	l.same("decided", decide(), 0)
	o = l.begin(o)
	l.note(o, final(o, 5*sky, 1_000_000))
	l.same("decided", decide(), 0)
	l.is(d.ID, teller.StatusWaitingPassthroughOrderComplete, "")
}
