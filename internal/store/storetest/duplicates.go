package storetest

import "github.com/skycoin/teller"

// A balance shows coins before a block does: whatever becomes of the deposit that stands for them, the transfer that
// comes to light later must not be paid again by itself.
var duplicateTests = map[string]func(*ledger){
	"Released":       testDuplicateReleased,
	"PaidByHand":     testDuplicatePaidByHand,
	"HeldStill":      testDuplicateHeldStill,
	"InCursorsBlock": testDuplicateInCursorsBlock,
	"MinedAgain":     testDuplicateMinedAgain,
	"OnNewBranch":    testDuplicateOnNewBranch,
	"OtherAddresses": testDuplicateOtherAddresses,
	"Received":       testDuplicateReceived,
	"ReceivedOnce":   testDuplicateReceivedOnce,
	"SecondInBlock":  testSecondInBlock,
}

// fiveSKY is what the suite's rate makes 5 SKY of.
const fiveSKY = 10_000_000_000_000_000

// shown makes a chain of ETH in which e1's balance shows 5 SKY that no transfer explains, and returns the deposit's id.
func (l *ledger) shown() string {
	l.Helper()
	l.watched()
	return l.holds(map[string]uint64{"e1": 1000 + fiveSKY}).Recorded[0].ID
}

// found has a rescan find the transfer of these coins.
func (l *ledger) found() teller.ScanResult {
	l.Helper()
	l.startRescan(teller.ETH, 102)
	return l.rescanned(teller.ETH, l.again(teller.ETH, 2, transfer("e1", "0xcontract", 1, fiveSKY)))
}

func (l *ledger) release(id string) {
	l.Helper()
	_, err := l.store.Release(l.ctx, id, operator)
	l.must(err)
}

func (l *ledger) closes(id string) {
	l.Helper()
	_, err := l.store.CloseDeposit(l.ctx, id, operator)
	l.must(err)
}

func (l *ledger) received(want uint64) {
	l.Helper()
	l.same("received", l.totals().Received[teller.ETH].String(), teller.NewAmount(want).String())
}

func testDuplicateReleased(l *ledger) {
	l.openWallet(100)
	id := l.shown()
	l.release(id)
	l.block(teller.ETH)
	_, tx := l.pay(l.decide(l.deposit(id)))
	l.skyBlock(tx)
	res := l.found()
	l.same("recorded, held", []any{ids(res.Recorded), ids(res.Held)}, []any{[]string{"0xcontract:1"}, []string{"0xcontract:1"}})
	l.same("credited", len(res.Credited)+len(l.blocks(teller.ETH, 2).Credited), 0)
	d := l.is("0xcontract:1", teller.StatusWaitingDeposit, teller.HoldDuplicate)
	l.mentions(d.Hold.Detail, id, "done")
	l.received(1000 + fiveSKY)
	l.closes(d.ID)
	l.received(1000 + fiveSKY)
	l.quiet(l.holds(map[string]uint64{"e1": 1000 + fiveSKY}))
}

func testDuplicatePaidByHand(l *ledger) {
	id := l.shown()
	_, err := l.store.CloseDeposit(l.ctx, id, teller.Act{Actor: "olga", Reason: "paid by hand"})
	l.must(err)
	l.found()
	d := l.is("0xcontract:1", teller.StatusWaitingDeposit, teller.HoldDuplicate)
	l.mentions(d.Hold.Detail, id, "done", "paid by hand")
	l.same("credited", len(l.blocks(teller.ETH, 2).Credited), 0)
	l.release(d.ID) // it was a mistake: nobody had paid
	l.same("credited", ids(l.block(teller.ETH).Credited), []string{d.ID})
}

func testDuplicateHeldStill(l *ledger) {
	id := l.shown()
	l.found()
	d := l.is("0xcontract:1", teller.StatusWaitingDeposit, teller.HoldDuplicate)
	l.mentions(d.Hold.Detail, id, "waiting_deposit", "unexplained")
	l.reopen()
	l.release(id)
	l.same("credited", ids(l.blocks(teller.ETH, 2).Credited), []string(nil))
	l.is(id, teller.StatusWaitingDecide, "")
	l.is(d.ID, teller.StatusWaitingDeposit, teller.HoldDuplicate)
}

// A rescan may read the very block after which the balance was looked at, and deposits above it are none of its business.
func testDuplicateInCursorsBlock(l *ledger) {
	l.shown()
	l.startRescan(teller.ETH, 102)
	l.rescanned(teller.ETH, l.again(teller.ETH, 2, transfer("e1", "0xcontract", 1, fiveSKY)))
	l.is("0xcontract:1", teller.StatusWaitingDeposit, teller.HoldDuplicate)
	l.blocks(teller.ETH, 2)
	l.startRescan(teller.ETH, 103)
	res := l.rescanned(teller.ETH, l.again(teller.ETH, 3, transfer("e1", "0xlater", 0, 7)))
	l.same("held", len(res.Held), 0)
	l.same("credited", ids(res.Credited), []string{"0xlater:0"})
}

// A deposit that was orphaned, whose second block a scan without traces read: the balance shows it, the rescan finds it.
func testDuplicateMinedAgain(l *ledger) {
	l.block(teller.ETH)
	l.bind(teller.ETH, "e1", "alice")
	l.block(teller.ETH)
	tr := transfer("e1", "0xcontract", 1, 700)
	l.block(teller.ETH, tr)
	l.reorg(teller.ETH, 1)
	l.block(teller.ETH)
	id := l.holds(map[string]uint64{"e1": 700}).Recorded[0].ID
	l.release(id)
	l.same("credited", ids(l.block(teller.ETH).Credited), []string{id})
	l.startRescan(teller.ETH, 102)
	res := l.rescanned(teller.ETH, l.again(teller.ETH, 2, tr))
	l.same("changed", []any{len(res.Recorded), ids(res.Held), len(res.Credited)}, []any{0, []string{"0xcontract:1"}, 0})
	l.is("0xcontract:1", teller.StatusWaitingDeposit, teller.HoldDuplicate)
}

// The block after which the coins were noticed leaves the chain when they were paid out. On the new branch a block shows
// the transfer, or the balance does once more.
func testDuplicateOnNewBranch(l *ledger) {
	l.openWallet(100)
	id := l.shown()
	l.release(id)
	l.block(teller.ETH)
	_, tx := l.pay(l.decide(l.deposit(id)))
	l.skyBlock(tx)
	l.reorg(teller.ETH, 2)
	l.is(id, teller.StatusDone, teller.HoldOrphaned)
	l.closes(id) // it was paid; nothing is left to decide
	l.block(teller.ETH, transfer("e1", "0xcontract", 1, fiveSKY))
	l.is("0xcontract:1", teller.StatusWaitingDeposit, teller.HoldDuplicate)
	l.quiet(l.holds(map[string]uint64{"e1": 1000 + fiveSKY}))
	l.reorg(teller.ETH, 1)
	l.block(teller.ETH)
	d := l.holds(map[string]uint64{"e1": 1000 + fiveSKY}).Recorded[0]
	l.same("held for both", []bool{d.HeldFor(teller.HoldUnexplained), d.HeldFor(teller.HoldDuplicate)}, []bool{true, true})
}

func testDuplicateOtherAddresses(l *ledger) {
	l.shown()
	l.bind(teller.ETH, "e2", "bob")
	l.blocks(teller.ETH, 2)
	id := l.holds(map[string]uint64{"e2": 5}).Recorded[0].ID
	l.startRescan(teller.ETH, 104)
	res := l.rescanned(teller.ETH, l.again(teller.ETH, 4, transfer("e1", "0xother", 0, 5)))
	l.same("held", []any{len(res.Held), id != ""}, []any{0, true})
}

// Closing what was never credited does not make it received.
func testDuplicateReceived(l *ledger) {
	id := l.shown()
	l.closes(id)
	l.block(teller.ETH)
	l.received(1000)
	l.quiet(l.holds(map[string]uint64{"e1": 1000 + fiveSKY}))
	l.found()
	l.release("0xcontract:1")
	l.same("credited", ids(l.block(teller.ETH).Credited), []string{"0xcontract:1"})
	l.received(1000 + fiveSKY)
}

// Of two that stand for the same coins one counts, also when the other was credited already.
func testDuplicateReceivedOnce(l *ledger) {
	id := l.shown()
	l.release(id)
	l.block(teller.ETH)
	l.received(1000 + fiveSKY)
	l.found()
	l.received(1000 + fiveSKY)
	l.closes(id)
	l.received(1000)
	l.release("0xcontract:1")
	l.block(teller.ETH)
	l.received(1000 + fiveSKY)
}

// The node changes its mind about the balance after one block.
func testSecondInBlock(l *ledger) {
	l.watched()
	first := l.holds(map[string]uint64{"e1": 1700}).Recorded[0]
	l.release(first.ID)
	res := l.holds(map[string]uint64{"e1": 2400})
	l.same("recorded", len(res.Recorded), 1)
	second := res.Recorded[0]
	l.same("held", ids(res.Held), []string{second.ID})
	l.same("as another one", []any{second.ID != first.ID, second.Value.String()}, []any{true, "700"})
	l.is(second.ID, teller.StatusWaitingDeposit, teller.HoldUnexplained)
	l.same("duplicate", second.HeldFor(teller.HoldDuplicate), false)
	l.quiet(l.holds(map[string]uint64{"e1": 2400}))
	l.same("credited", ids(l.block(teller.ETH).Credited), []string{first.ID})
}
