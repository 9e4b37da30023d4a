package storetest

import (
	"fmt"

	"github.com/skycoin/teller"
)

var payoutTests = map[string]func(*ledger){
	"Stored":         testPayoutStored,
	"Refusals":       testPayoutRefusals,
	"Confirmed":      testPayoutConfirmed,
	"Many":           testPayoutMany,
	"Dead":           testPayoutDead,
	"DeadPaysBuyer":  testPayoutDeadPaysBuyer,
	"DeadFreesInput": testPayoutDeadFreesInputs,
	"LateConfirm":    testPayoutLateConfirm,
	"HeldConfirms":   testPayoutHeldConfirms,
	"SameBlock":      testPayoutChainInOneBlock,
}

func testPayoutStored(l *ledger) {
	l.openWallet(100, 100)
	a, b := l.payable("alice", 1_000_000), l.payable("bob", 2_000_000)
	p, _ := l.pay(a, b)
	l.reopen() // I2: stored before anybody could have broadcast it
	got, err := l.store.Payout(l.ctx, p.TxID)
	l.must(err)
	l.same("payout", []any{got.TxID, string(got.Raw), got.Inputs, got.Shares, got.Fee, got.Status, got.Height},
		[]any{p.TxID, string(p.Raw), p.Inputs, p.Shares, p.Fee, teller.PayoutPending, teller.UnknownHeight})
	if got.CreatedAt.IsZero() {
		l.Fatalf("payout has no time")
	}
	d := l.is(a.ID, teller.StatusWaitingConfirm, "")
	l.same("deposit", []any{d.PayoutTxID, d.Sent, d.Version > a.Version}, []any{p.TxID, a.Owed, true})
	paid, err := l.store.DepositsPaidBy(l.ctx, p.TxID)
	l.must(err)
	l.same("paid by it", ids(paid), []string{a.ID, b.ID})
	_, spendable := l.outputs()
	l.same("spendable", len(spendable), 1)
	l.same("sent", l.totals().Sent, 15*sky)
	second, _ := l.pay(l.payable("carol", 1_000_000))
	pending, err := l.store.PendingPayouts(l.ctx)
	l.must(err)
	l.same("pending, oldest first", []string{pending[0].TxID, pending[1].TxID}, []string{p.TxID, second.TxID})
	_, err = l.store.Payout(l.ctx, "nothing")
	l.refused(err, teller.CodeNotFound)
}

func testPayoutRefusals(l *ledger) {
	l.openWallet(100, 100, 100)
	a := l.payable("alice", 1_000_000)
	deciding := l.credited("bob", 1_000_000)
	held := l.payable("carol", 1_000_000)
	_, err := l.store.Hold(l.ctx, held.ID, held.Version, teller.HoldUnpayable, "x")
	l.must(err)
	stored, _ := l.pay(l.payable("dave", 1_000_000))
	_, free := l.outputs()

	good := func(ds ...teller.Deposit) teller.Payout { p, _ := l.payoutOf(free[:1], ds...); return p }
	change := func(f func(*teller.Payout)) teller.Payout { p := good(a); f(&p); return p }
	for name, c := range map[string]struct {
		p    teller.Payout
		code teller.Code
	}{
		"no id":             {change(func(p *teller.Payout) { p.TxID = "" }), teller.CodeInvalid},
		"no bytes":          {change(func(p *teller.Payout) { p.Raw = nil }), teller.CodeInvalid},
		"no inputs":         {change(func(p *teller.Payout) { p.Inputs = nil }), teller.CodeInvalid},
		"no shares":         {change(func(p *teller.Payout) { p.Shares = nil }), teller.CodeInvalid},
		"input twice":       {change(func(p *teller.Payout) { p.Inputs = append(p.Inputs, p.Inputs[0]) }), teller.CodeInvalid},
		"deposit twice":     {change(func(p *teller.Payout) { p.Shares = append(p.Shares, p.Shares[0]) }), teller.CodeInvalid},
		"stored already":    {change(func(p *teller.Payout) { p.TxID = stored.TxID }), teller.CodeConflict},
		"unknown input":     {change(func(p *teller.Payout) { p.Inputs = []string{"nothing"} }), teller.CodeConflict},
		"input of a payout": {change(func(p *teller.Payout) { p.Inputs = stored.Inputs }), teller.CodeConflict},
		"old version":       {change(func(p *teller.Payout) { p.Shares[0].Version-- }), teller.CodeConflict},
		"too much":          {change(func(p *teller.Payout) { p.Shares[0].Coins++ }), teller.CodeConflict},
		"too little":        {change(func(p *teller.Payout) { p.Shares[0].Coins-- }), teller.CodeConflict},
		"unknown deposit":   {change(func(p *teller.Payout) { p.Shares[0].DepositID = "nobody:0" }), teller.CodeConflict},
		"not decided":       {good(a, deciding), teller.CodeConflict},
		"held":              {good(a, l.deposit(held.ID)), teller.CodeConflict},
	} {
		before := l.totals()
		err := l.store.CreatePayout(l.ctx, c.p)
		if teller.CodeOf(err) != c.code {
			l.Fatalf("%s: got %v, want code %s", name, err, c.code)
		}
		l.same(name+": totals", l.totals(), before)
	}
	l.is(a.ID, teller.StatusWaitingSend, "")
	l.must(l.store.CreatePayout(l.ctx, good(a)))
	again, _ := l.payoutOf(free[1:2], a)
	l.refused(l.store.CreatePayout(l.ctx, again), teller.CodeConflict) // I1
}

func testPayoutConfirmed(l *ledger) {
	l.openWallet(100)
	a, b := l.payable("alice", 1_000_000), l.payable("bob", 2_000_000)
	p, tx := l.pay(a, b)
	l.same("an empty block", len(l.skyBlock().Confirmed), 0)
	res := l.skyBlock(tx)
	l.same("confirmed", []any{ids(res.Confirmed), res.Payouts}, []any{[]string{a.ID, b.ID}, []string{p.TxID}})
	l.reopen()
	l.is(a.ID, teller.StatusDone, "")
	got, err := l.store.Payout(l.ctx, p.TxID)
	l.must(err)
	l.same("payout", []any{got.Status, got.Height}, []any{teller.PayoutConfirmed, l.sky.Height})
	pending, err := l.store.PendingPayouts(l.ctx)
	l.must(err)
	l.same("pending", len(pending), 0)
	l.same("paid", []any{l.totals().Paid, l.totals().Sent}, []any{15 * sky, 15 * sky})
	all, _ := l.outputs()
	l.same("the change is back", []any{len(all), all[0].Coins}, []any{1, 85 * sky})
	paid, err := l.store.DepositsPaidBy(l.ctx, p.TxID)
	l.must(err)
	l.same("paid by it", len(paid), 2)
}

func testPayoutMany(l *ledger) {
	l.openWallet(100_000)
	l.block(teller.BTC)
	var trs []teller.Transfer
	for i := range 200 {
		address := l.name("b")
		l.bind(teller.BTC, address, fmt.Sprintf("buyer-%d", i%40))
		trs = append(trs, transfer(address, "t1", uint32(i), 1_000_000))
	}
	l.block(teller.BTC, trs...)
	l.block(teller.BTC)
	due, err := l.store.Due(l.ctx, teller.StatusWaitingDecide, 0, 1000)
	l.must(err)
	var ds []teller.Decision
	for _, d := range due {
		ds = append(ds, teller.Decision{DepositID: d.ID, Version: d.Version, Owed: 5 * sky})
	}
	n, err := l.store.Decide(l.ctx, ds)
	l.must(err)
	l.same("decided", n, 200)
	due, err = l.store.Due(l.ctx, teller.StatusWaitingSend, 0, 1000)
	l.must(err)
	_, tx := l.pay(due...)
	l.same("confirmed", len(l.skyBlock(tx).Confirmed), 200)
	l.same("done", l.totals().Deposits[teller.StatusDone], 200)
}

// An input spent by a transaction that pays somebody else: the deposits are payable again.
func testPayoutDead(l *ledger) {
	l.openWallet(100, 50)
	a := l.payable("alice", 1_000_000)
	p, tx := l.pay(a)
	rival := l.spend(l.inputsOf(tx), teller.Recipient{Address: "owner", Coins: 3 * sky})
	res := l.skyBlock(rival)
	l.same("dead", []any{res.Dead, ids(res.Payable), len(res.Held), len(res.Withdrawals)}, []any{[]string{p.TxID}, []string{a.ID}, 0, 1})
	l.reopen()
	d := l.is(a.ID, teller.StatusWaitingSend, "")
	l.same("deposit", []any{d.PayoutTxID, d.Sent, d.Owed}, []any{"", teller.Droplets(0), 5 * sky})
	l.same("payout", l.payoutStatus(p.TxID), teller.PayoutDead)
	sum := l.totals()
	l.same("sent, paid, withdrawn", []any{sum.Sent, sum.Paid, sum.Withdrawn}, []any{teller.Droplets(0), teller.Droplets(0), 3 * sky})
	paid, err := l.store.DepositsPaidBy(l.ctx, p.TxID)
	l.must(err)
	l.same("paid by the dead one", len(paid), 0)

	_, tx = l.pay(d)
	l.same("confirmed", ids(l.skyBlock(tx).Confirmed), []string{a.ID})
	l.same("paid", l.totals().Paid, 5*sky)
}

// An input spent by a transaction that pays one of the buyers: that one is held, the others go on.
func testPayoutDeadPaysBuyer(l *ledger) {
	l.openWallet(100)
	a, b := l.payable("alice", 1_000_000), l.payable("bob", 1_000_000)
	_, tx := l.pay(a, b)
	rival := l.spend(l.inputsOf(tx), teller.Recipient{Address: "alice", Coins: 5 * sky})
	res := l.skyBlock(rival)
	l.same("payable, held", []any{ids(res.Payable), ids(res.Held)}, []any{[]string{b.ID}, []string{a.ID}})
	l.is(a.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
	l.same("due", l.due(teller.StatusWaitingSend), []string{b.ID})
	_, err := l.store.CloseDeposit(l.ctx, a.ID, operator)
	l.must(err)
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, "") // its payment is claimed
}

func testPayoutDeadFreesInputs(l *ledger) {
	l.openWallet(10, 20, 30)
	a := l.payable("alice", 1_000_000)
	_, free := l.outputs()
	p, _ := l.payoutOf(free, a)
	l.must(l.store.CreatePayout(l.ctx, p))
	_, spendable := l.outputs()
	l.same("spendable while it is pending", len(spendable), 0)
	l.skyBlock(l.spend(free[:1], teller.Recipient{Address: "owner", Coins: free[0].Coins}))
	all, spendable := l.outputs()
	l.same("spendable when it is dead", []int{len(all), len(spendable)}, []int{2, 2})
}

// A payout that was given up is in a block after all: it must never be paid again.
func testPayoutLateConfirm(l *ledger) {
	l.openWallet(100, 100)
	a, b := l.payable("alice", 1_000_000), l.payable("bob", 1_000_000)
	p, tx := l.pay(a, b)
	ins := l.inputsOf(tx)
	l.skyBlock(l.spend(ins, teller.Recipient{Address: "owner", Coins: sky}))
	_, again := l.pay(l.deposit(b.ID))
	l.skyBlock(again)
	l.is(b.ID, teller.StatusDone, "")

	res := l.skyBlock(tx)
	l.same("payouts", res.Payouts, []string{p.TxID})
	l.same("confirmed, held", []any{len(res.Confirmed), ids(res.Held)}, []any{0, []string{a.ID}})
	l.is(a.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
	l.same("payout", l.payoutStatus(p.TxID), teller.PayoutConfirmed)
	l.same("due", len(l.due(teller.StatusWaitingSend)), 0)
}

func testPayoutHeldConfirms(l *ledger) {
	l.openWallet(100)
	a := l.payable("alice", 1_000_000)
	_, tx := l.pay(a)
	d := l.deposit(a.ID)
	_, err := l.store.Hold(l.ctx, d.ID, d.Version, teller.HoldUnpayable, "x")
	l.must(err)
	l.same("confirmed", ids(l.skyBlock(tx).Confirmed), []string{a.ID})
	l.is(a.ID, teller.StatusDone, teller.HoldUnpayable)
}

// Two payouts in a row, the second out of the first one's change, in one block and one call.
func testPayoutChainInOneBlock(l *ledger) {
	l.openWallet(100)
	a := l.payable("alice", 1_000_000)
	_, tx := l.pay(a)
	change := teller.Output{SkyOutput: tx.Outputs[len(tx.Outputs)-1]}
	spend := l.spend([]teller.Output{change}, teller.Recipient{Address: "owner", Coins: sky})
	res := l.skyBlock(tx, spend)
	l.same("result", []any{len(res.Payouts), len(res.Withdrawals)}, []any{1, 1})
	all, _ := l.outputs()
	l.same("left", []any{len(all), all[0].Coins}, []any{1, 94 * sky})
}
