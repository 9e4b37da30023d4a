package storetest

import "github.com/skycoin/teller"

var rescanTests = map[string]func(*ledger){
	"Refusals":        testRescanRefusals,
	"FindsMissing":    testRescanFindsMissing,
	"PaysNothingNew":  testRescanPaysNothingTwice,
	"BelowFirstBlock": testRescanBelowFirstBlock,
	"BeginsAgain":     testRescanBeginsAgain,
	"Rewound":         testRescanRewound,
	"Frozen":          testRescanFrozen,
	"Unbound":         testRescanUnbound,
	"Remines":         testRescanRemines,
	"Replaced":        testRescanReplaced,
}

// again is the block at an index of a coin's chain, as a node would give it once more.
func (l *ledger) again(coin teller.Coin, i int, transfers ...teller.Transfer) teller.Block {
	b := teller.Block{BlockRef: l.chains[coin][i], Transfers: transfers}
	if i > 0 {
		b.Parent = l.chains[coin][i-1].Hash
	}
	return b
}

func (l *ledger) rescanTerms() teller.ScanTerms {
	return teller.ScanTerms{Confirmations: l.conf, Rate: teller.MustRate("7"), Tip: 1000}
}

func (l *ledger) rescanned(coin teller.Coin, b teller.Block) teller.ScanResult {
	l.Helper()
	res, err := l.store.SaveRescanned(l.ctx, coin, b, l.rescanTerms())
	l.must(err)
	return res
}

func (l *ledger) startRescan(coin teller.Coin, from int64) teller.Rescan {
	l.Helper()
	r, err := l.store.StartRescan(l.ctx, coin, from, operator)
	l.must(err)
	return r
}

// rescanIs checks where a rescan stands.
func (l *ledger) rescanIs(coin teller.Coin, from, to, next int64, found int) {
	l.Helper()
	r, err := l.store.Rescan(l.ctx, coin)
	l.must(err)
	l.same("rescan", []int64{r.From, r.To, r.Next, int64(r.Found)}, []int64{from, to, next, int64(found)})
}

func testRescanRefusals(l *ledger) {
	_, err := l.store.StartRescan(l.ctx, teller.BTC, 0, operator)
	l.refused(err, teller.CodeConflict)
	_, err = l.store.StartRescan(l.ctx, "DOGE", 0, operator)
	l.refused(err, teller.CodeInvalid)
	_, err = l.store.Rescan(l.ctx, teller.BTC)
	l.refused(err, teller.CodeNotFound)
	l.blocks(teller.BTC, 5) // 100 to 104
	_, err = l.store.SaveRescanned(l.ctx, teller.BTC, l.again(teller.BTC, 0), l.rescanTerms())
	l.refused(err, teller.CodeConflict) // nobody asked
	for _, from := range []int64{-1, 105} {
		_, err = l.store.StartRescan(l.ctx, teller.BTC, from, operator)
		l.refused(err, teller.CodeInvalid)
	}
	r := l.startRescan(teller.BTC, 102)
	l.same("rescan", []any{r.Coin, r.From, r.To, r.Next, r.Found, r.StartedAt.IsZero(), r.Done()},
		[]any{teller.BTC, 102, 104, 102, 0, false, false})
	other := l.again(teller.BTC, 2)
	other.Hash = "another"
	for _, b := range []teller.Block{l.again(teller.BTC, 1), l.again(teller.BTC, 3), other} {
		_, err = l.store.SaveRescanned(l.ctx, teller.BTC, b, l.rescanTerms())
		l.refused(err, teller.CodeConflict)
	}
	_, err = l.store.SaveRescanned(l.ctx, teller.BTC, l.again(teller.BTC, 2), teller.ScanTerms{Confirmations: -1})
	l.refused(err, teller.CodeInvalid)
	_, err = l.store.SaveRescanned(l.ctx, teller.ETH, l.again(teller.BTC, 2), l.rescanTerms())
	l.refused(err, teller.CodeConflict)
	l.block(teller.BTC) // the scan goes on meanwhile
	for i := 2; i <= 4; i++ {
		l.reopen()
		l.rescanned(teller.BTC, l.again(teller.BTC, i))
	}
	l.rescanIs(teller.BTC, 102, 104, 105, 0)
	_, err = l.store.SaveRescanned(l.ctx, teller.BTC, l.again(teller.BTC, 5), l.rescanTerms())
	l.refused(err, teller.CodeConflict) // it is done
	l.startRescan(teller.BTC, 105)
	l.startRescan(teller.BTC, 100)
	l.rescanIs(teller.BTC, 100, 105, 100, 0)
	l.same("audited", l.audited("rescan"), 4) // three begun, one done
}

// What a rescan finds is recorded and, when it is deep, credited at once: on a quiet chain no other block may come.
func testRescanFindsMissing(l *ledger) {
	l.conf = 2
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.blocks(teller.BTC, 2)
	l.bind(teller.BTC, "b2", "bob") // at 102
	l.blocks(teller.BTC, 2)
	l.startRescan(teller.BTC, 101)
	res := l.rescanned(teller.BTC, l.again(teller.BTC, 1, transfer("b1", "t1", 0, 1000), transfer("b2", "t2", 0, 1000)))
	l.same("recorded", ids(res.Recorded), []string{"t1:0", "t2:0"})
	l.same("held", ids(res.Held), []string{"t2:0"})
	l.same("credited", ids(res.Credited), []string{"t1:0", "t2:0"})
	l.is("t1:0", teller.StatusWaitingDecide, "")
	l.is("t2:0", teller.StatusWaitingDecide, teller.HoldBeforeBinding)
	d := l.deposit("t1:0")
	l.same("as in its block", []any{d.Height, d.BlockHash, d.Rate.String()}, []any{101, l.chains[teller.BTC][1].Hash, "7"})
	res = l.rescanned(teller.BTC, l.again(teller.BTC, 2))
	l.same("credited again", len(res.Credited), 0)
	res = l.rescanned(teller.BTC, l.again(teller.BTC, 3, transfer("b1", "t3", 0, 5)))
	l.same("not deep yet", []any{ids(res.Recorded), len(res.Credited)}, []any{[]string{"t3:0"}, 0})
	l.rescanIs(teller.BTC, 101, 104, 104, 3)
	l.same("credited by the next block", ids(l.block(teller.BTC).Credited), []string{"t3:0"})
}

func testRescanPaysNothingTwice(l *ledger) {
	l.openWallet(100)
	tr := l.atDepth()
	_, tx := l.pay(l.decide(l.deposit("t1:0")))
	for range 2 {
		before := l.deposit("t1:0")
		l.startRescan(teller.BTC, 100)
		for i := range l.chains[teller.BTC] {
			b := l.again(teller.BTC, i)
			if i == 1 {
				b.Transfers = []teller.Transfer{tr, tr}
			}
			res := l.rescanned(teller.BTC, b)
			l.same("changed", len(res.Recorded)+len(res.Credited)+len(res.Held)+len(res.Orphaned), 0)
		}
		l.rescanIs(teller.BTC, 100, 102, 103, 0)
		l.same("deposit", printed(l.deposit("t1:0")), printed(before))
		if before.Status == teller.StatusWaitingConfirm {
			l.skyBlock(tx)
		}
	}
	l.is("t1:0", teller.StatusDone, "")
	l.same("received", l.totals().Received[teller.BTC].String(), "1000000")
}

// older is a block below the first one of a coin's chain.
func older(height int64, parent, hash string, transfers ...teller.Transfer) teller.Block {
	return teller.Block{BlockRef: teller.BlockRef{Height: height, Hash: hash}, Parent: parent, Transfers: transfers}
}

// Below the kept hashes nothing but the chain of parents tells what branch the node is on; that it has the cursor's block
// the caller has made sure before each stretch.
func testRescanBelowFirstBlock(l *ledger) {
	l.bind(teller.BTC, "b1", "alice")
	l.block(teller.BTC)
	l.startRescan(teller.BTC, 98)
	res := l.rescanned(teller.BTC, older(98, "h97", "h98", transfer("b1", "t1", 0, 1000)))
	l.same("credited", ids(res.Credited), []string{"t1:0"})
	l.rescanned(teller.BTC, older(99, "h98", "h99"))
	b := l.again(teller.BTC, 0, transfer("b1", "t2", 0, 1000))
	b.Parent = "h99"
	l.same("found", ids(l.rescanned(teller.BTC, b).Recorded), []string{"t2:0"})
	l.rescanIs(teller.BTC, 98, 100, 101, 2)
	_, err := l.store.SavedHash(l.ctx, teller.BTC, 99)
	l.refused(err, teller.CodeNotFound) // the scan goes back only over blocks that it has saved
}

// The chain changes below the blocks that are stored, while they are read again. (The caller makes sure before each
// stretch that the node has the cursor's block, so that this is a change within one.)
func testRescanBeginsAgain(l *ledger) {
	l.bind(teller.BTC, "b1", "alice")
	l.bind(teller.BTC, "b2", "bob")
	l.block(teller.BTC)
	l.startRescan(teller.BTC, 97)
	l.rescanned(teller.BTC, older(97, "h96", "h97"))
	l.rescanned(teller.BTC, older(98, "h97", "h98", transfer("b1", "t1", 0, 1000), transfer("b2", "t2", 0, 1000), transfer("p1", "t3", 0, 1)))
	l.same("unbound", len(l.unbound()), 1)
	res := l.rescanned(teller.BTC, older(99, "h98-new", "h99", transfer("b1", "t9", 0, 1)))
	l.same("nothing is taken from a block of another branch", len(res.Recorded), 0)
	l.rescanIs(teller.BTC, 97, 100, 97, 0)
	l.reopen()
	l.rescanned(teller.BTC, older(97, "h96", "h97"))
	res = l.rescanned(teller.BTC, older(98, "h97", "h98-new", transfer("b1", "t1", 0, 1000)))
	l.same("gone and back", []any{ids(res.Orphaned), len(res.Recorded)}, []any{[]string{"t1:0", "t2:0"}, 0})
	l.same("frozen by the one that is gone", res.Frozen, true)
	l.is("t1:0", teller.StatusWaitingDecide, "")
	l.is("t2:0", teller.StatusWaitingDecide, teller.HoldOrphaned)
	l.same("unbound", len(l.unbound()), 0)
	l.rescanned(teller.BTC, older(99, "h98-new", "h99"))
	b := l.again(teller.BTC, 0)
	b.Parent = "h99"
	l.rescanned(teller.BTC, b)
	l.rescanIs(teller.BTC, 97, 100, 101, 0)
}

// A reorg ends the rescan where the chain goes back to: what comes above is read by the scan.
func testRescanRewound(l *ledger) {
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.blocks(teller.BTC, 9) // to 109
	l.startRescan(teller.BTC, 102)
	l.rescanned(teller.BTC, l.again(teller.BTC, 2, transfer("b1", "t1", 0, 1000)))
	l.rescanned(teller.BTC, l.again(teller.BTC, 3, transfer("b1", "t2", 0, 1000)))
	l.reorg(teller.BTC, 3) // to 106
	l.rescanIs(teller.BTC, 102, 106, 104, 2)
	l.rescanned(teller.BTC, l.again(teller.BTC, 4))
	audited := l.audited("rescan")
	res := l.reorg(teller.BTC, 4) // to 102, below where it is
	l.same("the end is audited", l.audited("rescan"), audited+1)
	l.same("orphaned", ids(res.Orphaned), []string{"t2:0"})
	r, err := l.store.Rescan(l.ctx, teller.BTC)
	l.must(err)
	l.same("done", r.Done(), true)
	l.blocks(teller.BTC, 5)
	_, err = l.store.SaveRescanned(l.ctx, teller.BTC, l.again(teller.BTC, 5), l.rescanTerms())
	l.refused(err, teller.CodeConflict)
	l.is("t1:0", teller.StatusWaitingDecide, "")
	l.startRescan(teller.BTC, 102) // another one goes through
	for i := 2; i <= 7; i++ {
		l.rescanned(teller.BTC, l.again(teller.BTC, i))
	}
	l.rescanIs(teller.BTC, 102, 107, 108, 0)
}

func testRescanFrozen(l *ledger) {
	tr := l.atDepth()
	l.reorg(teller.BTC, 2) // t1:0 is lost
	l.blocks(teller.BTC, 3)
	l.startRescan(teller.BTC, 101)
	res := l.rescanned(teller.BTC, l.again(teller.BTC, 1, transfer("b2", "t2", 0, 1000)))
	l.same("frozen", []any{ids(res.Recorded), len(res.Credited), res.Frozen}, []any{[]string{"t2:0"}, 0, true})
	res = l.rescanned(teller.BTC, l.again(teller.BTC, 2, tr)) // there it is: the scan had missed it
	l.same("credited", []any{ids(res.Credited), res.Frozen}, []any{[]string{"t2:0"}, false})
	l.is("t1:0", teller.StatusWaitingDecide, "")
}

func testRescanUnbound(l *ledger) {
	l.blocks(teller.BTC, 2)
	l.block(teller.BTC, transfer("p1", "t1", 0, 1000))
	again := func() teller.ScanResult {
		l.startRescan(teller.BTC, 101)
		l.rescanned(teller.BTC, l.again(teller.BTC, 1, transfer("p2", "t2", 0, 5)))
		return l.rescanned(teller.BTC, l.again(teller.BTC, 2, transfer("p1", "t1", 0, 1000)))
	}
	l.same("known", len(again().Unbound), 0)
	l.same("unbound", payments(l.unbound()), []string{"BTC p1 t1:0 1000 @102", "BTC p2 t2:0 5 @101"})
	l.rescanIs(teller.BTC, 101, 102, 103, 0)
	l.bind(teller.BTC, "p1", "alice")
	res := again()
	l.same("recorded twice", len(res.Recorded)+len(res.Unbound), 0)
	l.same("unbound", payments(l.unbound()), []string{"BTC p2 t2:0 5 @101"})
	l.is("t1:0", teller.StatusWaitingDeposit, teller.HoldBeforeBinding)
}

// An orphaned deposit that the scan did not see when it was mined again.
func testRescanRemines(l *ledger) {
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	tr := transfer("b1", "t1", 0, 1000)
	l.block(teller.BTC, tr)
	l.reorg(teller.BTC, 1)
	l.blocks(teller.BTC, 3)
	l.startRescan(teller.BTC, 101)
	l.rescanned(teller.BTC, l.again(teller.BTC, 1))
	res := l.rescanned(teller.BTC, l.again(teller.BTC, 2, tr))
	l.same("credited, not recorded", []any{len(res.Recorded), ids(res.Credited)}, []any{0, []string{"t1:0"}})
	d := l.is("t1:0", teller.StatusWaitingDecide, "")
	l.same("where and at what rate", []any{d.Height, d.Rate.String()}, []any{102, "500"})
	l.rescanIs(teller.BTC, 101, 103, 103, 0)
}

func testRescanReplaced(l *ledger) {
	l.blocks(teller.BTC, 4)
	l.startRescan(teller.BTC, 100)
	l.rescanned(teller.BTC, l.again(teller.BTC, 0))
	l.rescanned(teller.BTC, l.again(teller.BTC, 1))
	l.startRescan(teller.BTC, 102) // the block before it was not read by this one
	l.rescanned(teller.BTC, l.again(teller.BTC, 2))
	l.rescanIs(teller.BTC, 102, 103, 103, 0)
}
