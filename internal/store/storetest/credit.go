package storetest

import "github.com/skycoin/teller"

var creditTests = map[string]func(*ledger){
	"NoBlock":            testCreditNoBlock,
	"QuietChain":         testCreditQuietChain,
	"FewerConfirmations": testCreditFewerConfirmations,
	"Released":           testCreditReleased,
	"Frozen":             testCreditFrozen,
	"NoteTip":            testNoteTip,
}

func (l *ledger) creditDeep(coin teller.Coin) teller.ScanResult {
	l.Helper()
	res, err := l.store.CreditDeep(l.ctx, coin, teller.ScanTerms{Confirmations: l.conf})
	l.must(err)
	return res
}

func testCreditNoBlock(l *ledger) {
	l.same("credited", len(l.creditDeep(teller.SKY).Credited), 0)
	_, err := l.store.CreditDeep(l.ctx, teller.SKY, teller.ScanTerms{Confirmations: -1})
	l.refused(err, teller.CodeInvalid)
	l.same("written", l.history(), 0)
}

// On a chain that makes blocks only when there is something to put in, the next one may be far.
func testCreditQuietChain(l *ledger) {
	l.conf = 0
	l.block(teller.SKY)
	l.block(teller.SKY, transfer("s1", "t1", 0, 5_000_000))
	l.bind(teller.SKY, "s1", "alice")
	l.release("t1:0")
	l.is("t1:0", teller.StatusWaitingDeposit, "")
	l.same("credited", ids(l.creditDeep(teller.SKY).Credited), []string{"t1:0"})
	l.is("t1:0", teller.StatusWaitingDecide, "")
	before := l.history()
	l.same("credited again", len(l.creditDeep(teller.SKY).Credited), 0)
	l.same("written", l.history(), before)
}

func testCreditFewerConfirmations(l *ledger) {
	l.conf = 3
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.block(teller.BTC, transfer("b1", "t1", 0, 1000))
	l.block(teller.BTC)
	for _, conf := range []int64{3, 2} {
		l.conf = conf
		l.same("credited", len(l.creditDeep(teller.BTC).Credited), 0)
	}
	l.conf = 1
	l.same("credited", ids(l.creditDeep(teller.BTC).Credited), []string{"t1:0"})
}

func testCreditReleased(l *ledger) {
	l.watched()
	id := l.holds(map[string]uint64{"e1": 1700}).Recorded[0].ID
	l.release(id)
	l.same("credited early", len(l.creditDeep(teller.ETH).Credited), 0)
	l.conf = 0
	l.same("credited", ids(l.creditDeep(teller.ETH).Credited), []string{id})
}

func testCreditFrozen(l *ledger) {
	tr := l.atDepth()
	l.reorg(teller.BTC, 2)
	l.block(teller.BTC, transfer("b2", "t2", 0, 1000))
	l.block(teller.BTC)
	before := l.history()
	res := l.creditDeep(teller.BTC)
	l.same("frozen", []any{len(res.Credited), res.Frozen}, []any{0, true})
	l.same("written", l.history(), before)
	l.block(teller.BTC, tr) // it is back, and under no confirmations deep enough
	l.conf = 0
	res = l.creditDeep(teller.BTC)
	l.same("frozen", []any{ids(res.Credited), res.Frozen}, []any{[]string{"t2:0"}, false})
	l.is("t1:0", teller.StatusWaitingDecide, "")
}

// After a downtime an address is bound before the blocks of that time are read: what they paid to it is older.
func testNoteTip(l *ledger) {
	tip := func(want int64) {
		l.Helper()
		cur, err := l.store.Cursor(l.ctx, teller.BTC)
		l.must(err)
		l.same("cursor", cur, teller.Cursor{BlockRef: l.chains[teller.BTC][0], Tip: want})
	}
	l.must(l.store.NoteTip(l.ctx, teller.BTC, 1000))
	_, err := l.store.Cursor(l.ctx, teller.BTC)
	l.refused(err, teller.CodeNotFound)
	l.block(teller.BTC)
	tip(100)
	l.must(l.store.NoteTip(l.ctx, teller.BTC, 1000))
	tip(1000)
	l.must(l.store.NoteTip(l.ctx, teller.BTC, 999))
	l.reopen()
	tip(1000)
	l.same("height of the binding", l.bind(teller.BTC, "b1", "alice").Height, 1000)
	res := l.block(teller.BTC, transfer("b1", "t1", 0, 5))
	l.same("held", ids(res.Held), []string{"t1:0"})
	l.is("t1:0", teller.StatusWaitingDeposit, teller.HoldBeforeBinding)
}
