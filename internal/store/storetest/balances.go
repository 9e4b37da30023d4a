package storetest

import (
	"fmt"

	"github.com/skycoin/teller"
)

var balanceTests = map[string]func(*ledger){
	"Agree":          testBalancesAgree,
	"Refusals":       testBalancesRefusals,
	"Excess":         testBalancesExcess,
	"Departed":       testBalancesDeparted,
	"ReleasedIsPaid": testBalancesReleased,
	"Reorg":          testBalancesReorg,
	"ReorgCredited":  testBalancesReorgCredited,
	"DepartedReorg":  testBalancesDepartedReorg,
	"FoundLater":     testBalancesFoundLater,
	"SeveralInOne":   testBalancesSeveral,
	"BeforeBinding":  testBalancesBeforeBinding,
}

// holds compares balances after the newest block of ETH.
func (l *ledger) holds(values map[string]uint64) teller.ScanResult {
	l.Helper()
	chain := l.chains[teller.ETH]
	return l.holdsAt(chain[len(chain)-1], values)
}

func (l *ledger) holdsAt(at teller.BlockRef, values map[string]uint64) teller.ScanResult {
	l.Helper()
	var bs []teller.Balance
	for i := range 10 { // in a fixed order
		address := fmt.Sprint("e", i)
		if v, ok := values[address]; ok {
			bs = append(bs, teller.Balance{Address: address, Value: teller.NewAmount(v)})
		}
	}
	res, err := l.store.CompareBalances(l.ctx, teller.ETH, at, bs, rate)
	l.must(err)
	return res
}

// quiet checks that a comparison found nothing new.
func (l *ledger) quiet(res teller.ScanResult) {
	l.Helper()
	l.same("changes", len(res.Recorded)+len(res.Held)+len(res.Credited)+len(res.Orphaned), 0)
}

// watched makes a chain of ETH with e1 bound to alice and a deposit of 1000 to it that is credited.
func (l *ledger) watched() {
	l.Helper()
	l.block(teller.ETH)
	l.bind(teller.ETH, "e1", "alice")
	l.block(teller.ETH, transfer("e1", "0xt", 0, 1000))
	l.block(teller.ETH)
}

func testBalancesAgree(l *ledger) {
	l.watched()
	l.bind(teller.ETH, "e2", "bob")
	before := l.history()
	l.quiet(l.holds(map[string]uint64{"e1": 1000, "e2": 0, "e3": 77})) // nobody is bound to e3
	l.quiet(l.holds(nil))
	l.same("written", l.history(), before)
}

// history is the number of audit entries.
func (l *ledger) history() int {
	l.Helper()
	es, err := l.store.Audit(l.ctx, 0, 100_000)
	l.must(err)
	return len(es)
}

func testBalancesRefusals(l *ledger) {
	compare := func(at teller.BlockRef) error {
		_, err := l.store.CompareBalances(l.ctx, teller.ETH, at, nil, rate)
		return err
	}
	l.refused(compare(teller.BlockRef{Height: 100, Hash: "x"}), teller.CodeConflict)
	l.watched()
	tip := l.chains[teller.ETH][2]
	l.must(compare(tip))
	l.refused(compare(l.chains[teller.ETH][1]), teller.CodeConflict)
	l.refused(compare(teller.BlockRef{Height: tip.Height, Hash: "another"}), teller.CodeConflict)
	l.refused(compare(teller.BlockRef{Height: tip.Height + 1, Hash: "next"}), teller.CodeConflict)
	l.block(teller.BTC)
	_, err := l.store.CompareBalances(l.ctx, teller.BTC, l.chains[teller.BTC][0], nil, rate)
	l.refused(err, teller.CodeUnsupported)
}

// What an address holds too much is held for the operator, once, and counts as received only when the operator says so.
func testBalancesExcess(l *ledger) {
	l.watched()
	tip := l.chains[teller.ETH][2]
	res := l.holds(map[string]uint64{"e1": 1700})
	id := teller.DepositID(tip.Hash, 0)
	l.same("recorded, held", []any{ids(res.Recorded), ids(res.Held)}, []any{[]string{id}, []string{id}})
	d := l.is(id, teller.StatusWaitingDeposit, teller.HoldUnexplained)
	if d.Value.String() != "700" || d.Address != "e1" || d.SkyAddress != "alice" || d.TxID != tip.Hash || d.Height != tip.Height ||
		d.BlockHash != tip.Hash || !d.ByBalance || d.Rate.String() != "500" || len(d.Behind) != 0 {
		l.Fatalf("unexplained deposit is %+v", d)
	}
	l.quiet(l.holds(map[string]uint64{"e1": 1700}))
	l.reopen()
	for range 3 {
		l.same("credited while nobody knows", len(l.block(teller.ETH).Credited), 0)
		l.quiet(l.holds(map[string]uint64{"e1": 1700}))
	}
	l.same("received", l.totals().Received[teller.ETH].String(), "1000")
	res = l.holds(map[string]uint64{"e1": 1701})
	l.same("one more", res.Recorded[0].Value.String(), "1")
	l.closes(id)
	l.block(teller.ETH)
	l.received(1000)
	l.quiet(l.holds(map[string]uint64{"e1": 1701}))
}

func testBalancesDeparted(l *ledger) {
	l.watched()
	l.quiet(l.holds(map[string]uint64{"e1": 0})) // the operator takes the coins away
	l.block(teller.ETH, transfer("e1", "0xu", 0, 500))
	l.quiet(l.holds(map[string]uint64{"e1": 500}))
	l.reopen()
	l.block(teller.ETH)
	res := l.holds(map[string]uint64{"e1": 530})
	l.same("excess", res.Recorded[0].Value.String(), "30")
	l.block(teller.ETH)
	l.quiet(l.holds(map[string]uint64{"e1": 10}))
	l.quiet(l.holds(map[string]uint64{"e1": 10}))
	l.block(teller.ETH)
	l.same("excess", l.holds(map[string]uint64{"e1": 12}).Recorded[0].Value.String(), "2")
}

func testBalancesReleased(l *ledger) {
	l.openWallet(100)
	l.watched()
	const value = 10_000_000_000_000_000 // 5 SKY
	id := l.holds(map[string]uint64{"e1": 1000 + value}).Recorded[0].ID
	_, err := l.store.Release(l.ctx, id, operator)
	l.must(err)
	l.same("credited", ids(l.block(teller.ETH).Credited), []string{id})
	_, tx := l.pay(l.decide(l.deposit(id)))
	l.skyBlock(tx)
	l.is(id, teller.StatusDone, "")
	l.quiet(l.holds(map[string]uint64{"e1": 1000 + value}))
}

// The block after which it was noticed leaves the chain: nothing freezes, and it is noticed again.
func testBalancesReorg(l *ledger) {
	l.watched()
	old := l.chains[teller.ETH][2]
	id := l.holds(map[string]uint64{"e1": 1700}).Recorded[0].ID
	l.block(teller.ETH)
	l.reorg(teller.ETH, 2)
	res := l.blocks(teller.ETH, 2)
	l.same("frozen", []any{res.Frozen, l.totals().Held}, []any{false, 0})
	second := l.holds(map[string]uint64{"e1": 1700}).Recorded[0]
	l.same("again", []any{second.ID == id, second.Value.String()}, []any{false, "700"})
	l.quiet(l.holds(map[string]uint64{"e1": 1700}))

	l.reorg(teller.ETH, 2) // and back to the first branch
	b := l.next(teller.ETH)
	b.Hash = old.Hash
	_, err := l.store.SaveBlock(l.ctx, teller.ETH, b, teller.ScanTerms{Confirmations: 1, Rate: rate, Tip: b.Height})
	l.must(err)
	l.chains[teller.ETH] = append(l.chains[teller.ETH], b.BlockRef)
	res = l.holds(map[string]uint64{"e1": 1700})
	l.same("the old one", []any{len(res.Recorded), ids(res.Held)}, []any{0, []string{id}})
	l.is(id, teller.StatusWaitingDeposit, teller.HoldUnexplained)
	l.quiet(l.holds(map[string]uint64{"e1": 1700}))
	to, err := l.store.DepositsTo(l.ctx, teller.ETH, "e1")
	l.must(err)
	l.same("shown to the buyer", ids(to), []string{"0xt:0", id})
}

// One that an operator has vouched for freezes the coin like any other that was or may be paid.
func testBalancesReorgCredited(l *ledger) {
	l.watched()
	id := l.holds(map[string]uint64{"e1": 1700}).Recorded[0].ID
	_, err := l.store.Release(l.ctx, id, operator)
	l.must(err)
	l.block(teller.ETH)
	res := l.reorg(teller.ETH, 2)
	l.same("frozen", []any{ids(res.Held), res.Frozen}, []any{[]string{id}, true})
	l.is(id, teller.StatusWaitingDecide, teller.HoldOrphaned)
	l.block(teller.ETH)
	l.same("noticed again", l.holds(map[string]uint64{"e1": 1700}).Recorded[0].Value.String(), "700")
	_, err = l.store.CloseDeposit(l.ctx, id, operator)
	l.must(err)
	l.same("frozen", l.block(teller.ETH).Frozen, false)
}

// Coins that left in a block which is not on the chain any more are there again, and nobody wonders where they came from.
func testBalancesDepartedReorg(l *ledger) {
	l.watched()
	l.quiet(l.holds(map[string]uint64{"e1": 400}))
	l.blocks(teller.ETH, 2)
	l.quiet(l.holds(map[string]uint64{"e1": 100}))
	l.reorg(teller.ETH, 1)
	l.quiet(l.holds(map[string]uint64{"e1": 400}))
	l.block(teller.ETH)
	l.quiet(l.holds(map[string]uint64{"e1": 400}))
	l.reorg(teller.ETH, 3)
	l.quiet(l.holds(map[string]uint64{"e1": 1000}))
	l.block(teller.ETH)
	l.same("excess", l.holds(map[string]uint64{"e1": 1001}).Recorded[0].Value.String(), "1")
}

// A rescan with a node that traces finds the transfer: the operator closes the unexplained deposit.
func testBalancesFoundLater(l *ledger) {
	l.watched()
	id := l.holds(map[string]uint64{"e1": 1700}).Recorded[0].ID
	l.startRescan(teller.ETH, 102)
	b := l.again(teller.ETH, 2, transfer("e1", "0xcontract", 1, 700))
	l.same("found", ids(l.rescanned(teller.ETH, b).Recorded), []string{"0xcontract:1"})
	l.quiet(l.holds(map[string]uint64{"e1": 1700}))
	l.closes(id)
	l.release("0xcontract:1")
	l.same("credited", ids(l.block(teller.ETH).Credited), []string{"0xcontract:1"})
	l.quiet(l.holds(map[string]uint64{"e1": 1700}))
	l.block(teller.ETH)
	l.same("excess", l.holds(map[string]uint64{"e1": 1703}).Recorded[0].Value.String(), "3")
}

func testBalancesSeveral(l *ledger) {
	l.watched()
	l.bind(teller.ETH, "e2", "bob")
	l.bind(teller.ETH, "e3", "carol")
	l.block(teller.ETH)
	res := l.holds(map[string]uint64{"e1": 1005, "e2": 5, "e3": 6})
	l.same("recorded", len(res.Recorded), 3)
	for i, want := range []string{"e1 5", "e2 5", "e3 6"} {
		d := l.deposit(res.Recorded[i].ID)
		l.same("deposit", d.Address+" "+d.Value.String(), want)
	}
	l.quiet(l.holds(map[string]uint64{"e1": 1005, "e2": 5, "e3": 6}))
	l.reopen()
	l.quiet(l.holds(map[string]uint64{"e1": 1005, "e2": 5, "e3": 6}))
}

// An address that was not fresh when it was bound: both reasons are told.
func testBalancesBeforeBinding(l *ledger) {
	l.watched()
	l.bind(teller.ETH, "e2", "bob")
	d := l.holds(map[string]uint64{"e2": 5}).Recorded[0]
	l.same("held for", []bool{d.HeldFor(teller.HoldUnexplained), d.HeldFor(teller.HoldBeforeBinding)}, []bool{true, true})
	_, err := l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	l.is(d.ID, teller.StatusWaitingDeposit, teller.HoldBeforeBinding)
}
