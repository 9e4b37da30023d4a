package storetest

import "github.com/skycoin/teller"

// Sequences in which one reason to hold a deposit could hide another, and the deposit be paid twice for it.
var holdTests = map[string]func(*ledger){
	"ReinstatedButWithdrawn": testReinstatedButWithdrawn,
	"ReleasedButWithdrawn":   testReleasedButWithdrawn,
	"SupersededAndWithdrawn": testSupersededAndWithdrawn,
	"OneOutputForTwo":        testOneOutputForTwo,
	"DustUsesNothingUp":      testDustUsesNothingUp,
	"TwoWithdrawals":         testTwoWithdrawals,
	"SettledWithdrawal":      testSettledWithdrawal,
	"AdoptedAddress":         testAdoptedAddress,
}

// withdraw has somebody else spend an output of the wallet.
func (l *ledger) withdraw(to string, coins teller.Droplets) teller.SkyTx {
	l.Helper()
	_, spendable := l.outputs()
	tx := l.spend(spendable[:1], teller.Recipient{Address: to, Coins: coins})
	l.skyBlock(tx)
	return tx
}

func testReinstatedButWithdrawn(l *ledger) {
	l.openWallet(100, 100)
	l.blocks(teller.BTC, 2)
	l.bind(teller.BTC, "a1", "alice")
	tr := transfer("a1", "tx1", 0, 1_000_000)
	l.block(teller.BTC, tr)
	l.blocks(teller.BTC, 1)
	d := l.decide(l.deposit("tx1:0"))
	l.reorg(teller.BTC, 2)
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldOrphaned)
	l.withdraw("alice", 5*sky)
	l.block(teller.BTC, tr)
	l.blocks(teller.BTC, 1)
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
}

func testReleasedButWithdrawn(l *ledger) {
	l.openWallet(100, 100)
	d := l.payable("alice", 1_000_000)
	_, err := l.store.Hold(l.ctx, d.ID, d.Version, teller.HoldBeforeBinding, "older")
	l.must(err)
	l.withdraw("alice", 5*sky)
	_, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
}

func testSupersededAndWithdrawn(l *ledger) {
	l.openWallet(100, 100, 100)
	d := l.payable("alice", 1_000_000)
	_, tx := l.pay(d)
	l.withdraw("alice", 5*sky)                  // a person pays her by hand while the payout is pending
	l.is(d.ID, teller.StatusWaitingConfirm, "") // which the chain may still confirm
	l.skyBlock(l.spend(l.inputsOf(tx)))         // and then makes the payout impossible
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
}

// A payout pays all deposits of a buyer in one output. To a ledger from an old backup it is a withdrawal; closing one of
// the deposits that it paid must not let the other be paid again.
func testOneOutputForTwo(l *ledger) {
	l.openWallet(100, 100)
	d1 := l.payable("alice", 1_000_000)
	l.withdraw("alice", 15*sky)
	l.is(d1.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
	_, err := l.store.CloseDeposit(l.ctx, d1.ID, operator)
	l.must(err)
	d2 := l.credited("alice", 2_000_000)
	l.is(d2.ID, teller.StatusWaitingDecide, teller.HoldWithdrawal)
	_, err = l.store.CloseDeposit(l.ctx, d2.ID, operator)
	l.must(err)
	l.is(l.credited("alice", 2_000_000).ID, teller.StatusWaitingDecide, "") // used up
}

// Closing a deposit that is worth nothing leaves all of the withdrawal to explain the others.
func testDustUsesNothingUp(l *ledger) {
	l.openWallet(100, 100)
	l.withdraw("alice", 15*sky)
	dust := l.credited("alice", 1)
	l.is(dust.ID, teller.StatusWaitingDecide, teller.HoldWithdrawal)
	_, err := l.store.CloseDeposit(l.ctx, dust.ID, operator)
	l.must(err)
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, teller.HoldWithdrawal)
}

// Releasing a deposit from one withdrawal says nothing about another.
func testTwoWithdrawals(l *ledger) {
	l.openWallet(100, 100)
	d := l.payable("alice", 1_000_000)
	first := l.withdraw("alice", 1*sky)
	second := l.withdraw("alice", 5*sky)
	if first.ID == second.ID {
		l.Fatalf("one withdrawal only")
	}
	for range 2 {
		l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
		_, err := l.store.Release(l.ctx, d.ID, operator)
		l.must(err)
	}
	l.is(d.ID, teller.StatusWaitingSend, "")
}

func testSettledWithdrawal(l *ledger) {
	l.openWallet(100, 100)
	tx := l.withdraw("alice", 5*sky)
	l.refused(l.store.SettleWithdrawal(l.ctx, "unknown", operator), teller.CodeNotFound)
	l.must(l.store.SettleWithdrawal(l.ctx, tx.ID, operator))
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, "")
}

// A wallet address that the ledger did not know (an old backup) may have paid deposits before.
func testAdoptedAddress(l *ledger) {
	l.openWallet(100)
	d := l.payable("alice", 1_000_000)
	past := teller.SkyTx{ID: "from-hot-2", Inputs: []string{"ux-hot-2"}, Outputs: []teller.SkyOutput{
		{ID: "o1", Address: "alice", Coins: 5 * sky}, {ID: "o2", Address: "hot-2", Coins: 20 * sky},
	}}
	l.skyBlock(past)
	l.is(d.ID, teller.StatusWaitingSend, "")
	rest := teller.Output{SkyOutput: past.Outputs[1], SrcTx: past.ID, Height: l.sky.Height, Time: l.sky.Time}
	res, err := l.store.OpenWallet(l.ctx, l.sky, []string{"hot-2"}, []teller.Output{rest}, []teller.SkyTx{past})
	l.must(err)
	l.same("withdrawals, held", []int{len(res.Withdrawals), len(res.Held)}, []int{1, 1})
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
}
