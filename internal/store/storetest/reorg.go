package storetest

import "github.com/skycoin/teller"

var reorgTests = map[string]func(*ledger){
	"Uncredited":     testReorgUncredited,
	"KeepsTheRate":   testReorgKeepsRate,
	"Credited":       testReorgCredited,
	"Reinstated":     testReorgReinstated,
	"TwiceInARow":    testReorgTwice,
	"Released":       testReorgReleased,
	"Closed":         testReorgClosed,
	"HeldOtherwise":  testReorgHeldOtherwise,
	"AfterPayment":   testReorgAfterPayment,
	"CoinsApart":     testReorgCoinsApart,
	"Refusals":       testRewindRefusals,
	"UncreditedHeld": testReorgUncreditedHeld,
	"DeepHistory":    testRewindHistory,
	"SameIDOtherSum": testReorgSameIDOtherSum,
}

// atDepth makes a credited deposit t1:0 to alice in the block before the last.
func (l *ledger) atDepth() teller.Transfer {
	l.Helper()
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.bind(teller.BTC, "b2", "bob")
	tr := transfer("b1", "t1", 0, 1_000_000)
	l.block(teller.BTC, tr)
	l.block(teller.BTC)
	l.is("t1:0", teller.StatusWaitingDecide, "")
	return tr
}

func testReorgUncredited(l *ledger) {
	l.conf = 3
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	tr := transfer("b1", "t1", 0, 1000)
	l.block(teller.BTC, tr)
	l.block(teller.BTC)
	res := l.reorg(teller.BTC, 2)
	l.same("orphaned", ids(res.Orphaned), []string{"t1:0"})
	l.same("held, frozen", []any{len(res.Held), res.Frozen}, []any{0, false})
	if d := l.is("t1:0", teller.StatusWaitingDeposit, ""); !d.Orphaned {
		l.Fatalf("deposit is not orphaned: %+v", d)
	}
	to, err := l.store.DepositsTo(l.ctx, teller.BTC, "b1")
	l.must(err)
	l.same("shown to the buyer", len(to), 0)
	res = l.blocks(teller.BTC, 6)
	l.same("credited without a block", len(res.Credited), 0)

	res = l.block(teller.BTC, tr)
	l.same("recorded anew", len(res.Recorded), 0)
	block := l.chains[teller.BTC][len(l.chains[teller.BTC])-1]
	if d := l.deposit("t1:0"); d.Orphaned || d.Height != block.Height || d.BlockHash != block.Hash || d.Seq != 1 {
		l.Fatalf("re-mined deposit is %+v", d)
	}
	l.same("credited too early", len(l.blocks(teller.BTC, 2).Credited), 0)
	l.same("credited", ids(l.block(teller.BTC).Credited), []string{"t1:0"})
	l.same("received", l.totals().Received[teller.BTC].String(), "1000")
}

func testReorgKeepsRate(l *ledger) {
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.block(teller.BTC, transfer("b1", "t1", 0, 1000))
	l.reorg(teller.BTC, 1)
	b := l.next(teller.BTC, transfer("b1", "t1", 0, 1000), transfer("b1", "t2", 0, 1000))
	_, err := l.store.SaveBlock(l.ctx, teller.BTC, b, teller.ScanTerms{Confirmations: 1, Rate: teller.MustRate("1/3"), Tip: b.Height})
	l.must(err)
	l.same("old rate", l.deposit("t1:0").Rate.String(), "500")
	l.same("new rate", l.deposit("t2:0").Rate.String(), "1/3")
}

// A reorg deeper than the confirmations freezes the coin.
func testReorgCredited(l *ledger) {
	l.atDepth()
	res := l.reorg(teller.BTC, 2)
	l.same("orphaned", ids(res.Orphaned), []string{"t1:0"})
	l.same("held", ids(res.Held), []string{"t1:0"})
	l.same("frozen", res.Frozen, true)
	l.is("t1:0", teller.StatusWaitingDecide, teller.HoldOrphaned)
	to, err := l.store.DepositsTo(l.ctx, teller.BTC, "b1")
	l.must(err)
	l.same("shown to the buyer", ids(to), []string{"t1:0"})

	l.block(teller.BTC, transfer("b2", "t2", 0, 1000))
	res = l.blocks(teller.BTC, 3)
	l.same("frozen still", []any{res.Frozen, len(res.Credited)}, []any{true, 0})
	l.reopen()
	l.is("t2:0", teller.StatusWaitingDeposit, "")
	l.same("frozen in the totals", l.totals().Frozen[teller.BTC], 1)
}

func testReorgReinstated(l *ledger) {
	tr := l.atDepth()
	l.reorg(teller.BTC, 2)
	l.block(teller.BTC, transfer("b2", "t2", 0, 1000))
	l.block(teller.BTC)
	res := l.block(teller.BTC, tr)
	l.same("frozen until it is at depth", res.Frozen, true)
	l.is("t1:0", teller.StatusWaitingDecide, teller.HoldOrphaned)
	res = l.block(teller.BTC)
	l.same("frozen", res.Frozen, false)
	l.same("credited: only the one that had waited", ids(res.Credited), []string{"t2:0"})
	if d := l.is("t1:0", teller.StatusWaitingDecide, ""); d.Orphaned || !d.Due() {
		l.Fatalf("reinstated deposit is %+v", d)
	}
	l.same("received", l.totals().Received[teller.BTC].String(), "1001000")
}

// It comes back and is lost again before it is at depth.
func testReorgTwice(l *ledger) {
	tr := l.atDepth()
	l.reorg(teller.BTC, 2)
	l.block(teller.BTC, tr)
	res := l.reorg(teller.BTC, 1)
	l.same("orphaned again", ids(res.Orphaned), []string{"t1:0"})
	l.same("frozen", []any{res.Frozen, l.totals().Frozen[teller.BTC]}, []any{true, 1})
	res = l.blocks(teller.BTC, 3)
	l.same("nothing is reinstated", res.Frozen, true)
	l.block(teller.BTC, tr)
	l.same("frozen at the end", l.block(teller.BTC).Frozen, false)
	l.is("t1:0", teller.StatusWaitingDecide, "")
}

func testReorgReleased(l *ledger) {
	tr := l.atDepth()
	l.reorg(teller.BTC, 2)
	d, err := l.store.Release(l.ctx, "t1:0", operator)
	l.must(err)
	if d.Orphaned || d.Hold != nil {
		l.Fatalf("released deposit is %+v", d)
	}
	l.same("frozen", l.totals().Frozen[teller.BTC], 0)
	l.block(teller.BTC, tr) // it is back after all
	l.blocks(teller.BTC, 2)
	l.is("t1:0", teller.StatusWaitingDecide, "")
	l.same("received once", l.totals().Received[teller.BTC].String(), "1000000")
	l.same("lost again", l.reorg(teller.BTC, 3).Frozen, true)
}

func testReorgClosed(l *ledger) {
	l.atDepth()
	l.reorg(teller.BTC, 2)
	d, err := l.store.CloseDeposit(l.ctx, "t1:0", teller.Act{Actor: "olga", Reason: "the coins never came"})
	l.must(err)
	if d.Status != teller.StatusDone || d.Hold != nil || d.Error != "the coins never came" {
		l.Fatalf("closed deposit is %+v", d)
	}
	l.block(teller.BTC, transfer("b2", "t2", 0, 1000))
	res := l.block(teller.BTC)
	l.same("credited again", []any{ids(res.Credited), res.Frozen}, []any{[]string{"t2:0"}, false})
}

// A held deposit that is lost as well: releasing the first reason does not vouch for the block.
func testReorgHeldOtherwise(l *ledger) {
	l.atDepth()
	d := l.deposit("t1:0")
	_, err := l.store.Hold(l.ctx, d.ID, d.Version, teller.HoldUnpayable, "refused")
	l.must(err)
	res := l.reorg(teller.BTC, 2)
	l.same("frozen", res.Frozen, true)
	l.same("newly held", len(res.Held), 1)
	l.is("t1:0", teller.StatusWaitingDecide, teller.HoldUnpayable)
	_, err = l.store.Release(l.ctx, "t1:0", operator)
	l.must(err)
	l.is("t1:0", teller.StatusWaitingDecide, teller.HoldOrphaned)
	l.same("frozen", l.totals().Frozen[teller.BTC], 1)
	_, err = l.store.Release(l.ctx, "t1:0", operator)
	l.must(err)
	l.is("t1:0", teller.StatusWaitingDecide, "")
	l.same("frozen", l.totals().Frozen[teller.BTC], 0)
}

func testReorgAfterPayment(l *ledger) {
	l.openWallet(100)
	tr := l.atDepth()
	d := l.decide(l.deposit("t1:0"))
	_, tx := l.pay(d)
	l.reorg(teller.BTC, 2)
	l.is("t1:0", teller.StatusWaitingConfirm, teller.HoldOrphaned)
	res := l.skyBlock(tx)
	l.same("confirmed although held", ids(res.Confirmed), []string{"t1:0"})
	l.is("t1:0", teller.StatusDone, teller.HoldOrphaned)
	l.same("frozen", l.totals().Frozen[teller.BTC], 1)
	l.block(teller.BTC, tr)
	l.block(teller.BTC)
	l.is("t1:0", teller.StatusDone, "")
	l.same("frozen at the end", l.totals().Frozen[teller.BTC], 0)
	l.same("due", len(l.due(teller.StatusWaitingDecide)), 0)
}

func testReorgCoinsApart(l *ledger) {
	l.atDepth()
	l.block(teller.ETH)
	l.bind(teller.ETH, "e1", "alice")
	l.reorg(teller.BTC, 2)
	l.block(teller.ETH, transfer("e1", "0xt", 0, 1000))
	res := l.block(teller.ETH)
	l.same("the other coin goes on", []any{ids(res.Credited), res.Frozen}, []any{[]string{"0xt:0"}, false})
}

func testRewindRefusals(l *ledger) {
	_, err := l.store.Rewind(l.ctx, teller.BTC, teller.BlockRef{Height: 1, Hash: "x"})
	l.refused(err, teller.CodeConflict)
	l.atDepth()
	chain := l.chains[teller.BTC]
	for _, c := range []struct {
		to   teller.BlockRef
		code teller.Code
	}{
		{teller.BlockRef{Height: 103, Hash: "above"}, teller.CodeConflict},
		{teller.BlockRef{Height: 101, Hash: "another"}, teller.CodeConflict},
		{teller.BlockRef{Height: 99, Hash: "older"}, teller.CodeNotFound},
		{teller.BlockRef{Height: -1, Hash: "older"}, teller.CodeConflict},
	} {
		_, err := l.store.Rewind(l.ctx, teller.BTC, c.to)
		l.refused(err, c.code)
	}
	res, err := l.store.Rewind(l.ctx, teller.BTC, chain[2])
	l.must(err)
	l.same("going back to where it is", len(res.Orphaned), 0)
	l.is("t1:0", teller.StatusWaitingDecide, "")
}

func testReorgUncreditedHeld(l *ledger) {
	l.conf = 2
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.block(teller.BTC, transfer("b1", "t1", 0, 1000))
	d := l.deposit("t1:0")
	_, err := l.store.Hold(l.ctx, d.ID, d.Version, teller.HoldUnpayable, "refused")
	l.must(err)
	l.same("frozen", l.reorg(teller.BTC, 1).Frozen, false)
	_, err = l.store.CloseDeposit(l.ctx, "t1:0", operator)
	l.refused(err, teller.CodeForbidden) // it would count as received
	_, err = l.store.Release(l.ctx, "t1:0", operator)
	l.must(err)
	l.block(teller.BTC, transfer("b1", "t1", 0, 1000))
	l.same("credited", ids(l.blocks(teller.BTC, 2).Credited), []string{"t1:0"})
}

// A contract may pay another sum when its transaction is executed again in another block: the same id is another deposit.
func testReorgSameIDOtherSum(l *ledger) {
	l.block(teller.ETH)
	l.bind(teller.ETH, "e1", "alice")
	l.block(teller.ETH, transfer("e1", "0xt", 1, 1000))
	l.reorg(teller.ETH, 1)
	again := transfer("e1", "0xt", 1, 700)
	res := l.block(teller.ETH, again)
	l.same("recorded", len(res.Recorded), 1)
	id := res.Recorded[0].ID
	l.same("credited", ids(l.block(teller.ETH).Credited), []string{id})
	l.same("received", l.totals().Received[teller.ETH].String(), "700")
	to, err := l.store.DepositsTo(l.ctx, teller.ETH, "e1")
	l.must(err)
	l.same("shown to the buyer", ids(to), []string{id})
	l.reorg(teller.ETH, 1)
	l.reorg(teller.ETH, 1)
	l.same("found again", len(l.block(teller.ETH, again).Recorded), 0)
	l.same("frozen at depth", l.block(teller.ETH).Frozen, false)
}

func testRewindHistory(l *ledger) {
	l.blocks(teller.BTC, 30)
	old := l.chains[teller.BTC][20:]
	l.reorg(teller.BTC, 10)
	for _, b := range old {
		_, err := l.store.SavedHash(l.ctx, teller.BTC, b.Height)
		l.refused(err, teller.CodeNotFound)
	}
	cur, err := l.store.Cursor(l.ctx, teller.BTC)
	l.must(err)
	l.same("cursor", cur.BlockRef, l.chains[teller.BTC][19])
	l.blocks(teller.BTC, 12)
	hash, err := l.store.SavedHash(l.ctx, teller.BTC, old[0].Height)
	l.must(err)
	if hash == old[0].Hash {
		l.Fatalf("the hash of the old branch is still stored")
	}
}
