package storetest

import (
	"strings"

	"github.com/skycoin/teller"
)

var operatorTests = map[string]func(*ledger){
	"HoldAndRelease": testHoldAndRelease,
	"Close":          testCloseDeposit,
	"CloseEach":      testCloseInEachStatus,
	"CloseInPayout":  testCloseInPayout,
	"ClaimExact":     testClaimExact,
	"MarkPaid":       testMarkPaid,
	"MarkPaidOf":     testMarkPaidOfWithdrawal,
	"MarkPaidEarly":  testMarkPaidBeforeWithdrawal,
	"MarkPaidPayout": testMarkPaidByPayout,
	"Audit":          testAudit,
	"Unknown":        testUnknownDeposit,
}

func testHoldAndRelease(l *ledger) {
	d := l.credited("alice", 1_000_000)
	_, err := l.store.Hold(l.ctx, d.ID, d.Version+1, teller.HoldUnpayable, "x")
	l.refused(err, teller.CodeConflict)
	_, err = l.store.Hold(l.ctx, d.ID, d.Version, "", "x")
	l.refused(err, teller.CodeInvalid)
	_, err = l.store.Release(l.ctx, d.ID, operator)
	l.refused(err, teller.CodeForbidden)
	held, err := l.store.Hold(l.ctx, d.ID, d.Version, teller.HoldUnpayable, "the address is refused")
	l.must(err)
	l.same("hold", []any{held.Hold.Reason, held.Hold.Detail, held.Hold.Since.IsZero()}, []any{teller.HoldUnpayable, "the address is refused", false})
	_, err = l.store.Hold(l.ctx, d.ID, held.Version, teller.HoldUnpayable, "the address is refused")
	l.refused(err, teller.CodeConflict)
	_, err = l.store.Hold(l.ctx, d.ID, held.Version, teller.HoldWithdrawal, "y")
	l.must(err)
	l.reopen()
	released, err := l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	l.same("still held", released.Hold.Reason, teller.HoldWithdrawal) // the operator decided about the first only
	released, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	l.same("released", []any{released.Hold == nil, released.Status, released.Version > held.Version}, []any{true, teller.StatusWaitingDecide, true})
}

func testCloseDeposit(l *ledger) {
	d := l.credited("alice", 1_000_000)
	_, err := l.store.CloseDeposit(l.ctx, d.ID, teller.Act{Actor: "olga"})
	l.refused(err, teller.CodeInvalid)
	got, err := l.store.CloseDeposit(l.ctx, d.ID, teller.Act{Actor: "olga", Reason: "paid back by hand"})
	l.must(err)
	l.same("closed", []any{got.Status, got.Error}, []any{teller.StatusDone, "paid back by hand"})
	_, err = l.store.CloseDeposit(l.ctx, d.ID, operator)
	l.refused(err, teller.CodeForbidden)
	l.same("counters", []any{l.totals().Errored, l.totals().Received[teller.BTC]}, []any{1, "1000000"})
}

func testCloseInEachStatus(l *ledger) {
	l.openWallet(100)
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.block(teller.BTC, transfer("b1", "t1", 0, 1000))
	for _, id := range []string{"t1:0", l.credited("alice", 1000).ID, l.payable("alice", 1_000_000).ID} {
		got, err := l.store.CloseDeposit(l.ctx, id, operator)
		l.must(err)
		l.same("closed", got.Status, teller.StatusDone)
	}
	l.blocks(teller.BTC, 3)
	l.is("t1:0", teller.StatusDone, "")
	d := l.payable("bob", 1_000_000)
	_, tx := l.pay(d)
	l.skyBlock(tx)
	_, err := l.store.CloseDeposit(l.ctx, d.ID, operator)
	l.refused(err, teller.CodeForbidden) // I5: done is done
	done := l.deposit(d.ID)
	_, err = l.store.Hold(l.ctx, d.ID, done.Version, teller.HoldUnpayable, "a question")
	l.must(err)
	got, err := l.store.CloseDeposit(l.ctx, d.ID, operator) // only the hold is taken away
	l.must(err)
	l.same("closed", []any{got.Status, got.Hold == nil, got.Sent, got.Error}, []any{teller.StatusDone, true, done.Sent, ""})
}

func testCloseInPayout(l *ledger) {
	l.openWallet(100)
	d := l.payable("alice", 1_000_000)
	_, tx := l.pay(d)
	_, err := l.store.CloseDeposit(l.ctx, d.ID, operator)
	l.refused(err, teller.CodeForbidden)
	l.is(d.ID, teller.StatusWaitingConfirm, "")
	l.skyBlock(tx)
	l.is(d.ID, teller.StatusDone, "")
}

// Of several payments outside of the ledger the one with the exact amount is taken.
func testClaimExact(l *ledger) {
	l.openWallet(100)
	five, ten := l.payable("alice", 1_000_000), l.payable("alice", 2_000_000)
	all, _ := l.outputs()
	l.skyBlock(l.spend(all, teller.Recipient{Address: "alice", Coins: 5 * sky}, teller.Recipient{Address: "alice", Coins: 10 * sky}))
	for _, d := range []teller.Deposit{ten, five} {
		_, err := l.store.CloseDeposit(l.ctx, d.ID, operator)
		l.must(err)
	}
	claims := map[string]string{}
	for _, e := range l.audit() {
		if e.Event == "claim" {
			claims[e.DepositID] = e.Detail
		}
	}
	l.same("claims", []string{claims[five.ID], claims[ten.ID]}, []string{"5.000000 SKY", "10.000000 SKY"})
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, "")
}

// A person paid from a wallet of his own: teller never pays it, and the transaction pays no more than its coins cover.
func testMarkPaid(l *ledger) {
	l.openWallet(100)
	five, ten := l.payable("alice", 1_000_000), l.payable("alice", 2_000_000)
	bob := l.payable("bob", 1_000_000)
	_, err := l.store.MarkPaid(l.ctx, five.ID, "handmade", 5*sky, teller.MaxDecimals, teller.Act{Actor: "olga"})
	l.refused(err, teller.CodeInvalid)
	_, err = l.store.MarkPaid(l.ctx, five.ID, "", 5*sky, teller.MaxDecimals, operator)
	l.refused(err, teller.CodeInvalid)
	_, err = l.store.MarkPaid(l.ctx, "nobody:0", "handmade", 5*sky, teller.MaxDecimals, operator)
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.MarkPaid(l.ctx, ten.ID, "handmade", 10*sky-1, teller.MaxDecimals, operator)
	l.refused(err, teller.CodeForbidden)
	held, err := l.store.Hold(l.ctx, ten.ID, ten.Version, teller.HoldRebuilt, "look it up")
	l.must(err)
	got, err := l.store.MarkPaid(l.ctx, held.ID, "handmade", 12*sky, teller.MaxDecimals, operator)
	l.must(err)
	l.same("paid", []any{got.Status, got.Sent, got.PayoutTxID, got.Error, got.Hold == nil}, []any{teller.StatusDone, 10 * sky, "handmade", "", true})
	_, err = l.store.MarkPaid(l.ctx, five.ID, "handmade", 12*sky, teller.MaxDecimals, operator) // 2 of its 12 are left
	l.refused(err, teller.CodeForbidden)
	_, err = l.store.MarkPaid(l.ctx, bob.ID, "handmade", 5*sky, teller.MaxDecimals, operator) // what it gives to bob is another matter
	l.must(err)
	_, err = l.store.MarkPaid(l.ctx, bob.ID, "handmade", 5*sky, teller.MaxDecimals, operator)
	l.refused(err, teller.CodeForbidden) // I5
	l.is(five.ID, teller.StatusWaitingSend, "")
	undecided := l.credited("carol", 1_000_000)
	got, err = l.store.MarkPaid(l.ctx, undecided.ID, "handmade", 5*sky, teller.MaxDecimals, operator)
	l.must(err)
	l.same("paid", []any{got.Status, got.Owed, got.Sent}, []any{teller.StatusDone, 5 * sky, 5 * sky})
	whole := l.credited("dave", 1_100_100) // 5.5005 SKY, of which one decimal would be sent
	got, err = l.store.MarkPaid(l.ctx, whole.ID, "handmade", 5_500_000, 1, operator)
	l.must(err)
	l.same("paid", []any{got.Status, got.Owed, got.Sent}, []any{teller.StatusDone, "5.500000", "5.500000"})
	entries := l.audit()
	last := entries[len(entries)-1]
	l.same("who, why and with what", []string{last.Actor, last.Detail, last.TxID}, []string{operator.Actor, operator.Reason, "handmade"})

	_, tx := l.pay(five)
	_, err = l.store.MarkPaid(l.ctx, five.ID, "another", 5*sky, teller.MaxDecimals, operator)
	l.refused(err, teller.CodeForbidden) // it is in a payout that can still confirm
	l.skyBlock(tx)
	l.is(five.ID, teller.StatusDone, "")
}

// What is marked as paid by a withdrawal is taken out of what that holds others for.
func testMarkPaidOfWithdrawal(l *ledger) {
	l.openWallet(100, 100)
	first, second := l.payable("alice", 1_000_000), l.payable("alice", 2_000_000)
	other := l.withdraw("alice", 3*sky)
	tx := l.withdraw("alice", 15*sky)
	for _, d := range []teller.Deposit{second, first} {
		l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
		_, err := l.store.MarkPaid(l.ctx, d.ID, tx.ID, 15*sky, teller.MaxDecimals, operator)
		l.must(err)
	}
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, teller.HoldWithdrawal) // for the other one
	l.must(l.store.SettleWithdrawal(l.ctx, other.ID, operator))
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, "") // used up
}

// The operator may know of a transaction out of the wallet before the ledger does. It still holds whom else it paid.
func testMarkPaidBeforeWithdrawal(l *ledger) {
	l.openWallet(100, 100)
	alice, more, bob := l.payable("alice", 1_000_000), l.payable("alice", 1_000_000), l.payable("bob", 1_000_000)
	all, _ := l.outputs()
	tx := l.spend(all[:1], teller.Recipient{Address: "alice", Coins: 5 * sky}, teller.Recipient{Address: "bob", Coins: 5 * sky})
	_, err := l.store.MarkPaid(l.ctx, alice.ID, tx.ID, 5*sky, teller.MaxDecimals, operator)
	l.must(err)
	res := l.skyBlock(tx)
	l.same("withdrawals", len(res.Withdrawals), 1)
	l.is(more.ID, teller.StatusWaitingSend, "")
	l.is(bob.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
}

// A payout that was confirmed although it was dead has paid its own deposits, and nobody else's.
func testMarkPaidByPayout(l *ledger) {
	l.openWallet(100, 100)
	d, other := l.payable("alice", 1_000_000), l.payable("alice", 1_000_000)
	p, tx := l.pay(d)
	_, err := l.store.MarkPaid(l.ctx, other.ID, p.TxID, 5*sky, teller.MaxDecimals, operator)
	l.refused(err, teller.CodeForbidden)
	l.skyBlock(l.spend(l.inputsOf(tx)))
	l.skyBlock(tx)
	_, err = l.store.MarkPaid(l.ctx, other.ID, p.TxID, 5*sky, teller.MaxDecimals, operator)
	l.refused(err, teller.CodeForbidden)
	_, err = l.store.MarkPaid(l.ctx, d.ID, p.TxID, 5*sky, teller.MaxDecimals, operator)
	l.must(err)
	l.is(d.ID, teller.StatusDone, "")
}

func (l *ledger) audit() []teller.AuditEntry {
	l.Helper()
	var all []teller.AuditEntry
	var after uint64
	for {
		es, err := l.store.Audit(l.ctx, after, 4)
		l.must(err)
		if len(es) == 0 {
			return all
		}
		all = append(all, es...)
		after = es[len(es)-1].Seq
	}
}

// The log tells every change of status, in order, and who did what is not done by itself.
func testAudit(l *ledger) {
	l.openWallet(100)
	d := l.payable("alice", 1_000_000)
	p, tx := l.pay(d)
	now := l.deposit(d.ID)
	_, err := l.store.Hold(l.ctx, d.ID, now.Version, teller.HoldUnpayable, "a question")
	l.must(err)
	l.skyBlock(tx)
	_, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)

	var steps []string
	status := teller.Status("")
	for i, e := range l.audit() {
		if e.Seq != uint64(i+1) || e.Time.IsZero() || e.Event == "" {
			l.Fatalf("audit entry %d is %+v", i, e)
		}
		if e.DepositID != d.ID {
			continue
		}
		if e.From != status {
			l.Fatalf("entry %+v does not follow %s", e, status)
		}
		status = e.To
		steps = append(steps, strings.TrimSpace(string(e.From)+" > "+string(e.To)))
		if e.From == teller.StatusWaitingSend && e.TxID != p.TxID {
			l.Fatalf("the payment's entry names %q", e.TxID)
		}
	}
	l.same("steps", steps, []string{
		"> waiting_deposit", "waiting_deposit > waiting_decide", "waiting_decide > waiting_send",
		"waiting_send > waiting_confirm", "waiting_confirm > waiting_confirm", "waiting_confirm > done", "done > done",
	})
	last := l.audit()[len(l.audit())-1]
	l.same("who and why", []string{last.Actor, last.Detail}, []string{operator.Actor, operator.Reason})
}

func testUnknownDeposit(l *ledger) {
	_, err := l.store.Release(l.ctx, "nobody:0", operator)
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.CloseDeposit(l.ctx, "nobody:0", operator)
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.Hold(l.ctx, "nobody:0", 1, teller.HoldUnpayable, "x")
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.ResolveImport(l.ctx, teller.ImportVerdict{DepositID: "nobody:0"})
	l.refused(err, teller.CodeNotFound)
	d := l.payable("alice", 1_000_000)
	_, err = l.store.ResolveImport(l.ctx, teller.ImportVerdict{DepositID: d.ID, Version: d.Version, Owed: 1})
	l.refused(err, teller.CodeForbidden) // not an imported one
	imports, err := l.store.ImportsToCheck(l.ctx, 0, 0)
	l.must(err)
	l.same("imports", len(imports), 0)
}
