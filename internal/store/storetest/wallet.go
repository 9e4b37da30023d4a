package storetest

import "github.com/skycoin/teller"

var walletTests = map[string]func(*ledger){
	"Open":                testOpenWallet,
	"Follow":              testSkyFollow,
	"TopUp":               testTopUp,
	"Withdrawal":          testWithdrawal,
	"WithdrawalHolds":     testWithdrawalHolds,
	"WithdrawalThenLater": testWithdrawalBeforeDeposit,
	"Pending":             testPendingWithdrawal,
	"PendingOfOurs":       testPendingOfOurs,
	"SelfTransfer":        testSelfTransfer,
	"ForeignInputs":       testForeignInputs,
}

const sky = teller.DropletsPerSKY

func testOpenWallet(l *ledger) {
	_, err := l.store.WalletCursor(l.ctx)
	l.refused(err, teller.CodeNotFound)
	_, err = l.store.SaveSkyBlocks(l.ctx, []teller.SkyBlock{l.nextSky()})
	l.refused(err, teller.CodeConflict)

	l.openWallet(60, 40)
	l.openWallet(60, 40) // known addresses are left alone
	cur, err := l.store.WalletCursor(l.ctx)
	l.must(err)
	l.same("cursor", cur, teller.WalletCursor{SkyHead: l.sky, Addresses: []string{hotAddress}})
	all, spendable := l.outputs()
	l.same("outputs", []int{len(all), len(spendable)}, []int{2, 2})
	l.same("opening", l.totals().Opening, 100*sky)

	both := []string{hotAddress, "hot-2"}
	more := []teller.Output{{SkyOutput: teller.SkyOutput{ID: "ux-new", Address: "hot-2", Coins: 5 * sky}, SrcTx: "older", Height: 3, Time: 7}}
	old := l.sky
	l.skyBlock()
	l.refused(l.openAt(old, both, more), teller.CodeConflict)
	l.refused(l.openAt(l.sky, []string{"hot-2"}, []teller.Output{{SkyOutput: teller.SkyOutput{ID: "x", Address: "stranger"}}}), teller.CodeInvalid)
	l.refused(l.openAt(l.sky, nil, nil), teller.CodeInvalid)
	l.must(l.openAt(l.sky, both, more))
	l.reopen()
	cur, err = l.store.WalletCursor(l.ctx)
	l.must(err)
	l.same("addresses", len(cur.Addresses), 2)
	l.same("opening", l.totals().Opening, 105*sky)
	all, _ = l.outputs()
	for _, o := range all {
		if o.ID == "ux-new" {
			l.same("output", o, more[0])
		}
	}
}

func testSkyFollow(l *ledger) {
	l.openWallet(10)
	one := l.nextSky()
	two := teller.SkyBlock{BlockRef: teller.BlockRef{Height: one.Height + 1, Hash: "two"}, Parent: one.Hash, Time: 77}
	for _, bad := range [][]teller.SkyBlock{
		{two},
		{one, one},
		{one, {BlockRef: teller.BlockRef{Height: one.Height + 1, Hash: "x"}, Parent: "another"}},
	} {
		_, err := l.store.SaveSkyBlocks(l.ctx, bad)
		l.refused(err, teller.CodeConflict)
	}
	cur, err := l.store.WalletCursor(l.ctx)
	l.must(err)
	l.same("cursor after refusals", cur.SkyHead, l.sky)
	_, err = l.store.SaveSkyBlocks(l.ctx, []teller.SkyBlock{one, two})
	l.must(err)
	cur, err = l.store.WalletCursor(l.ctx)
	l.must(err)
	l.same("cursor", cur.SkyHead, teller.SkyHead{BlockRef: two.BlockRef, Time: 77})
	l.sky = cur.SkyHead
	res, err := l.store.SaveSkyBlocks(l.ctx, nil)
	l.must(err)
	l.same("no blocks", len(res.Payouts), 0)
	broken := l.nextSky(teller.SkyTx{ID: "t", Outputs: []teller.SkyOutput{{Address: hotAddress, Coins: 1}}})
	_, err = l.store.SaveSkyBlocks(l.ctx, []teller.SkyBlock{broken})
	l.refused(err, teller.CodeMalformed)
}

func testTopUp(l *ledger) {
	l.openWallet(10)
	res := l.skyBlock(
		teller.SkyTx{ID: "other", Inputs: []string{"theirs"}, Outputs: []teller.SkyOutput{{ID: "o1", Address: "stranger", Coins: 9 * sky}}},
		teller.SkyTx{ID: "top", Inputs: []string{"theirs2"}, Outputs: []teller.SkyOutput{
			{ID: "o2", Address: hotAddress, Coins: 7 * sky, Hours: 3}, {ID: "o3", Address: "stranger", Coins: sky}}},
	)
	l.same("top-ups", []any{res.TopUps, l.totals().TopUps, len(res.Withdrawals)}, []any{7 * sky, 7 * sky, 0})
	all, _ := l.outputs()
	for _, o := range all {
		if o.ID == "o2" {
			l.same("output", o, teller.Output{
				SkyOutput: teller.SkyOutput{ID: "o2", Address: hotAddress, Coins: 7 * sky, Hours: 3},
				SrcTx:     "top", Height: l.sky.Height, Time: l.sky.Time,
			})
		}
	}
	l.same("outputs", len(all), 2)
}

func testWithdrawal(l *ledger) {
	l.openWallet(10, 20)
	all, _ := l.outputs()
	tx := l.spend(all[:1], teller.Recipient{Address: "owner", Coins: 4 * sky})
	res := l.skyBlock(tx)
	l.same("withdrawals", len(res.Withdrawals), 1)
	l.reopen()
	ws, err := l.store.Withdrawals(l.ctx)
	l.must(err)
	l.same("withdrawal", []any{ws[0].TxID, ws[0].Height, ws[0].Outputs}, []any{tx.ID, l.sky.Height, tx.Outputs[:1]})
	l.same("withdrawn", l.totals().Withdrawn, 4*sky)
	l.checkBooks()
}

// A withdrawal to a buyer's SKY address holds what that buyer is owed, whatever its status.
func testWithdrawalHolds(l *ledger) {
	l.openWallet(100, 100)
	deciding, sending, paid := l.credited("alice", 1_000_000), l.payable("alice", 2_000_000), l.payable("alice", 1_000_000)
	other := l.payable("bob", 1_000_000)
	_, confirmed := l.pay(paid)
	l.skyBlock(confirmed)
	inPayout := l.payable("alice", 1_000_000)
	p, _ := l.pay(inPayout)
	l.block(teller.BTC)
	l.bind(teller.BTC, "b-new", "alice")
	l.block(teller.BTC, transfer("b-new", "t-new", 0, 1000))

	_, spendable := l.outputs()
	tx := l.spend(spendable[:1], teller.Recipient{Address: "alice", Coins: 10 * sky})
	res := l.skyBlock(tx)
	l.same("held", len(res.Held), 3)
	l.is(deciding.ID, teller.StatusWaitingDecide, teller.HoldWithdrawal)
	l.is(sending.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
	l.is("t-new:0", teller.StatusWaitingDeposit, teller.HoldWithdrawal)
	l.is(paid.ID, teller.StatusDone, "")
	l.is(inPayout.ID, teller.StatusWaitingConfirm, "")
	l.is(other.ID, teller.StatusWaitingSend, "")
	l.same("payout", l.payoutStatus(p.TxID), teller.PayoutPending)
}

func (l *ledger) payoutStatus(txid string) teller.PayoutStatus {
	l.Helper()
	p, err := l.store.Payout(l.ctx, txid)
	l.must(err)
	return p.Status
}

// A restored backup: the withdrawal is known before the deposit that it paid. One claim frees the deposits after it.
func testWithdrawalBeforeDeposit(l *ledger) {
	l.openWallet(100)
	all, _ := l.outputs()
	l.skyBlock(l.spend(all, teller.Recipient{Address: "alice", Coins: 5 * sky}))
	first := l.credited("alice", 1_000_000)
	l.is(first.ID, teller.StatusWaitingDecide, teller.HoldWithdrawal)
	second := l.credited("alice", 1_000_000)
	l.is(second.ID, teller.StatusWaitingDecide, teller.HoldWithdrawal)
	_, err := l.store.Release(l.ctx, second.ID, operator)
	l.must(err)
	third := l.credited("alice", 1_000_000)
	l.is(third.ID, teller.StatusWaitingDecide, teller.HoldWithdrawal) // a release claims nothing
	_, err = l.store.CloseDeposit(l.ctx, first.ID, operator)
	l.must(err)
	fourth := l.credited("alice", 1_000_000)
	l.is(fourth.ID, teller.StatusWaitingDecide, "")
	l.is(l.credited("bob", 1_000_000).ID, teller.StatusWaitingDecide, "")
}

// A withdrawal that is still unconfirmed counts as one, and is not recorded again when its block comes.
func testPendingWithdrawal(l *ledger) {
	l.openWallet(100)
	d := l.payable("alice", 1_000_000)
	all, _ := l.outputs()
	tx := l.spend(all, teller.Recipient{Address: "alice", Coins: 5 * sky})
	stranger := teller.SkyTx{ID: "other", Inputs: []string{"theirs"}, Outputs: []teller.SkyOutput{{Address: "alice", Coins: sky}}}
	note := func() teller.WalletResult {
		res, err := l.store.NotePending(l.ctx, []teller.SkyTx{stranger, tx})
		l.must(err)
		return res
	}
	res := note()
	l.same("noted", []any{len(res.Withdrawals), ids(res.Held)}, []any{1, []string{d.ID}})
	l.same("noted again", len(note().Withdrawals), 0)
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
	ws, err := l.store.Withdrawals(l.ctx)
	l.must(err)
	l.same("height", ws[0].Height, teller.UnknownHeight)
	l.same("withdrawn", l.totals().Withdrawn, teller.Droplets(0))
	l.reopen()

	l.same("confirmed", len(l.skyBlock(tx).Withdrawals), 1)
	ws, err = l.store.Withdrawals(l.ctx)
	l.must(err)
	l.same("withdrawals", []any{len(ws), ws[0].Height}, []any{1, l.sky.Height})
	l.same("withdrawn", l.totals().Withdrawn, 5*sky)
	_, err = l.store.CloseDeposit(l.ctx, d.ID, operator)
	l.must(err)
	l.is(l.credited("alice", 1_000_000).ID, teller.StatusWaitingDecide, "") // there was one output to claim, not two
}

func testPendingOfOurs(l *ledger) {
	l.openWallet(100)
	d := l.payable("alice", 1_000_000)
	_, tx := l.pay(d)
	res, err := l.store.NotePending(l.ctx, []teller.SkyTx{tx})
	l.must(err)
	l.same("our own payout", []int{len(res.Withdrawals), len(res.Held)}, []int{0, 0})
	rival := l.spend(l.inputsOf(tx), teller.Recipient{Address: "alice", Coins: sky})
	res, err = l.store.NotePending(l.ctx, []teller.SkyTx{rival})
	l.must(err)
	l.same("a rival", len(res.Withdrawals), 1)
	l.is(d.ID, teller.StatusWaitingConfirm, "") // the chain decides which of the two it is
	l.skyBlock(rival)
	l.is(d.ID, teller.StatusWaitingSend, teller.HoldWithdrawal)
}

// inputsOf are the wallet's outputs that a transaction spends.
func (l *ledger) inputsOf(tx teller.SkyTx) []teller.Output {
	l.Helper()
	all, _ := l.outputs()
	var ins []teller.Output
	for _, o := range all {
		for _, in := range tx.Inputs {
			if o.ID == in {
				ins = append(ins, o)
			}
		}
	}
	return ins
}

func testSelfTransfer(l *ledger) {
	l.openWallet(30, 20)
	all, _ := l.outputs()
	res := l.skyBlock(l.spend(all))
	l.same("recorded", []any{len(res.Withdrawals), len(res.Withdrawals[0].Outputs)}, []any{1, 0})
	l.same("withdrawn", l.totals().Withdrawn, teller.Droplets(0))
	all, _ = l.outputs()
	l.same("outputs", len(all), 1)
}

// A transaction with inputs of others besides ours may give the wallet more than it takes.
func testForeignInputs(l *ledger) {
	l.openWallet(30)
	all, _ := l.outputs()
	tx := teller.SkyTx{ID: "mixed", Inputs: []string{all[0].ID, "theirs"}, Outputs: []teller.SkyOutput{
		{ID: "o1", Address: hotAddress, Coins: 45 * sky}, {ID: "o2", Address: "stranger", Coins: 5 * sky}}}
	res := l.skyBlock(tx)
	l.same("withdrawals", len(res.Withdrawals), 1)
	l.same("books", []any{l.totals().TopUps, l.totals().Withdrawn}, []any{15 * sky, teller.Droplets(0)})
}
