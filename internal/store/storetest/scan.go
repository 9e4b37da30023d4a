package storetest

import (
	"fmt"

	"github.com/skycoin/teller"
)

var scanTests = map[string]func(*ledger){
	"Pin":            testPin,
	"Follows":        testScanFollows,
	"Together":       testScanTogether,
	"Records":        testScanRecords,
	"Depth":          testScanDepth,
	"SameOutput":     testScanSameOutput,
	"OneTransaction": testScanOneTransaction,
	"BeforeBinding":  testHoldBeforeBinding,
	"OwnPayout":      testHoldOwnPayout,
	"ManyInABlock":   testScanMany,
	"LargeValues":    testScanLargeValues,
}

func testPin(l *ledger) {
	l.must(l.store.PinChain(l.ctx, teller.BTC, "genesis-a"))
	l.must(l.store.PinChain(l.ctx, teller.BTC, "genesis-a"))
	l.must(l.store.PinChain(l.ctx, teller.SKY, "genesis-s"))
	l.must(l.store.PinSkycoin(l.ctx, "genesis-p"))
	l.reopen()
	l.refused(l.store.PinChain(l.ctx, teller.BTC, "genesis-b"), teller.CodeWrongNetwork)
	l.refused(l.store.PinChain(l.ctx, teller.BTC, "dummy"), teller.CodeWrongNetwork)
	l.refused(l.store.PinSkycoin(l.ctx, "genesis-s"), teller.CodeWrongNetwork)
	l.must(l.store.PinSkycoin(l.ctx, "genesis-p"))
	l.must(l.store.PinChain(l.ctx, teller.ETH, "dummy"))
}

func testScanFollows(l *ledger) {
	_, err := l.store.Cursor(l.ctx, teller.BTC)
	l.refused(err, teller.CodeNotFound)
	l.block(teller.BTC)
	first := l.chains[teller.BTC][0]

	terms := teller.ScanTerms{Confirmations: 1, Rate: rate, Tip: 101}
	stranger := l.next(teller.BTC)
	stranger.Parent = "another"
	_, err = l.store.SaveBlock(l.ctx, teller.BTC, stranger, terms)
	l.refused(err, teller.CodeConflict)
	gap := l.next(teller.BTC)
	gap.Height++
	_, err = l.store.SaveBlock(l.ctx, teller.BTC, gap, terms)
	l.refused(err, teller.CodeConflict)
	_, err = l.store.SaveBlock(l.ctx, teller.BTC, l.next(teller.BTC), teller.ScanTerms{Confirmations: -1})
	l.refused(err, teller.CodeInvalid)

	l.blocks(teller.BTC, 2)
	l.block(teller.ETH)
	l.reopen()
	cur, err := l.store.Cursor(l.ctx, teller.BTC)
	l.must(err)
	l.same("cursor", cur, teller.Cursor{BlockRef: l.chains[teller.BTC][2], Tip: 102})
	hash, err := l.store.SavedHash(l.ctx, teller.BTC, 100)
	l.must(err)
	l.same("hash of the first block", hash, first.Hash)
	for _, height := range []int64{-1, 99, 103} {
		_, err = l.store.SavedHash(l.ctx, teller.BTC, height)
		l.refused(err, teller.CodeNotFound)
	}
}

// Blocks saved together do what they do one by one, or nothing.
func testScanTogether(l *ledger) {
	l.bind(teller.BTC, "b1", "alice")
	l.block(teller.BTC)
	one := l.next(teller.BTC, transfer("b1", "t1", 0, 1000))
	two := teller.Block{BlockRef: teller.BlockRef{Height: one.Height + 1, Hash: "two"}, Parent: one.Hash, Transfers: []teller.Transfer{transfer("free", "t2", 0, 5)}}
	three := teller.Block{BlockRef: teller.BlockRef{Height: one.Height + 2, Hash: "three"}, Parent: two.Hash, Transfers: []teller.Transfer{transfer("b1", "t3", 0, 2000)}}
	terms := teller.ScanTerms{Confirmations: 1, Rate: rate, Tip: 500}

	astray := three
	astray.Parent = "another"
	_, err := l.store.SaveBlocks(l.ctx, teller.BTC, []teller.Block{one, two, astray}, terms)
	l.refused(err, teller.CodeConflict)
	_, err = l.store.Deposit(l.ctx, "t1:0")
	l.refused(err, teller.CodeNotFound)

	res, err := l.store.SaveBlocks(l.ctx, teller.BTC, []teller.Block{one, two, three}, terms)
	l.must(err)
	l.same("recorded", ids(res.Recorded), []string{"t1:0", "t3:0"})
	l.same("credited", ids(res.Credited), []string{"t1:0"})
	l.same("unbound", len(res.Unbound), 1)
	cur, err := l.store.Cursor(l.ctx, teller.BTC)
	l.must(err)
	l.same("cursor", cur, teller.Cursor{BlockRef: three.BlockRef, Tip: 500})
	for _, b := range []teller.Block{one, two, three} {
		hash, err := l.store.SavedHash(l.ctx, teller.BTC, b.Height)
		l.must(err)
		l.same("saved hash", hash, b.Hash)
	}
}

func testScanRecords(l *ledger) {
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	res := l.block(teller.BTC, transfer("b1", "t1", 3, 1000), transfer("unbound", "t1", 4, 1000))
	l.same("recorded", ids(res.Recorded), []string{"t1:3"})
	l.same("nothing else", []int{len(res.Credited), len(res.Held), len(res.Orphaned)}, []int{0, 0, 0})
	d := l.is("t1:3", teller.StatusWaitingDeposit, "")
	block := l.chains[teller.BTC][1]
	if d.Seq != 1 || d.Version == 0 || d.Coin != teller.BTC || d.Address != "b1" || d.SkyAddress != "alice" ||
		d.BuyMethod != teller.BuyDirect || d.Value.String() != "1000" || d.TxID != "t1" || d.N != 3 ||
		d.Height != block.Height || d.BlockHash != block.Hash || d.Rate.String() != "500" || d.UpdatedAt.IsZero() {
		l.Fatalf("deposit is %+v", d)
	}
	to, err := l.store.DepositsTo(l.ctx, teller.BTC, "b1")
	l.must(err)
	l.same("deposits to b1", ids(to), []string{"t1:3"})
	_, err = l.store.Deposit(l.ctx, "t1:4")
	l.refused(err, teller.CodeNotFound)
	if got := l.totals(); !got.Received[teller.BTC].IsZero() {
		l.Fatalf("received %s before it was credited", got.Received[teller.BTC])
	}
}

// A deposit is credited in the step that saves the block which gives it the required depth, not earlier, and once.
func testScanDepth(l *ledger) {
	for conf := range int64(4) {
		l.conf = conf
		address, txid := l.name("b"), l.name("t")
		if conf == 0 {
			l.block(teller.BTC)
		}
		l.bind(teller.BTC, address, "alice")
		res := l.block(teller.BTC, transfer(address, txid, 0, 1000))
		for depth := range conf {
			if len(res.Credited) != 0 {
				l.Fatalf("credited at depth %d of %d", depth, conf)
			}
			res = l.block(teller.BTC)
		}
		l.same(fmt.Sprintf("credited at depth %d", conf), ids(res.Credited), []string{txid + ":0"})
		l.is(txid+":0", teller.StatusWaitingDecide, "")
		l.same("credited again", len(l.block(teller.BTC).Credited), 0)
	}
	l.same("received", l.totals().Received[teller.BTC].String(), "4000")
}

func testScanSameOutput(l *ledger) {
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	tr := transfer("b1", "t1", 0, 1000)
	res := l.block(teller.BTC, tr, tr)
	l.same("recorded", len(res.Recorded), 1)
	res = l.block(teller.BTC, tr) // no chain does this, and it must not pay twice
	l.same("recorded again", len(res.Recorded), 0)
	l.same("credited", ids(res.Credited), []string{"t1:0"})
	l.same("received", l.totals().Received[teller.BTC].String(), "1000")
}

func testScanOneTransaction(l *ledger) {
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.bind(teller.BTC, "b2", "bob")
	res := l.block(teller.BTC, transfer("b1", "t1", 0, 1000), transfer("b2", "t1", 1, 2000), transfer("b1", "t1", 2, 1000))
	l.same("recorded", ids(res.Recorded), []string{"t1:0", "t1:1", "t1:2"})
	to, err := l.store.DepositsTo(l.ctx, teller.BTC, "b1")
	l.must(err)
	l.same("to b1", ids(to), []string{"t1:0", "t1:2"})
}

func testHoldBeforeBinding(l *ledger) {
	l.bind(teller.BTC, "unknown", "alice") // its height is not known: never too old
	l.block(teller.BTC)
	b := l.next(teller.BTC)
	_, err := l.store.SaveBlock(l.ctx, teller.BTC, b, teller.ScanTerms{Confirmations: 1, Rate: rate, Tip: 103})
	l.must(err)
	l.chains[teller.BTC] = append(l.chains[teller.BTC], b.BlockRef)
	l.bind(teller.BTC, "late", "alice") // the node is at 103 already
	res := l.block(teller.BTC, transfer("unknown", "t1", 0, 1), transfer("late", "t2", 0, 1))
	l.same("held", ids(res.Held), []string{"t2:0"})
	l.block(teller.BTC, transfer("late", "t3", 0, 1))
	l.block(teller.BTC, transfer("late", "t4", 0, 1))
	l.block(teller.BTC)
	l.is("t1:0", teller.StatusWaitingDecide, "")
	l.is("t2:0", teller.StatusWaitingDecide, teller.HoldBeforeBinding) // it arrived; it is only never due
	l.is("t3:0", teller.StatusWaitingDecide, teller.HoldBeforeBinding)
	l.is("t4:0", teller.StatusWaitingDecide, "")
}

func testHoldOwnPayout(l *ledger) {
	l.openWallet(100)
	_, tx := l.pay(l.payable("alice", 1_000_000))
	l.block(teller.SKY)
	l.bind(teller.SKY, "s1", "mallory")
	res := l.block(teller.SKY, transfer("s1", tx.ID, 0, 5_000_000), transfer("s1", "t1", 0, 1))
	l.same("held", ids(res.Held), []string{tx.ID + ":0"})
	l.is(tx.ID+":0", teller.StatusWaitingDeposit, teller.HoldOwnPayout)
	l.is("t1:0", teller.StatusWaitingDeposit, "")
}

func testScanMany(l *ledger) {
	l.block(teller.BTC)
	var trs []teller.Transfer
	for i := range 300 {
		address := l.name("b")
		l.bind(teller.BTC, address, "alice")
		trs = append(trs, transfer(address, "t1", uint32(i), 10))
	}
	l.same("recorded", len(l.block(teller.BTC, trs...).Recorded), 300)
	l.same("credited", len(l.block(teller.BTC).Credited), 300)
	l.same("received", l.totals().Received[teller.BTC].String(), "3000")
}

func testScanLargeValues(l *ledger) {
	wei, err := teller.ParseAmount("123456789012345678901234567")
	l.must(err)
	l.block(teller.ETH)
	l.bind(teller.ETH, "e1", "alice")
	l.block(teller.ETH, teller.Transfer{Address: "e1", TxID: "0xt", Value: wei})
	l.block(teller.ETH, transfer("e1", "0xu", 0, 1))
	l.block(teller.ETH)
	l.reopen()
	l.same("value", l.deposit("0xt:0").Value.String(), wei.String())
	l.same("received", l.totals().Received[teller.ETH].String(), "123456789012345678901234568")
}
