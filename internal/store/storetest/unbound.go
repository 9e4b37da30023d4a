package storetest

import (
	"fmt"
	"sync"

	"github.com/skycoin/teller"
)

var unboundTests = map[string]func(*ledger){
	"Kept":              testUnboundKept,
	"Adopted":           testUnboundAdopted,
	"AdoptedAndLost":    testUnboundAdoptedAndLost,
	"Forgotten":         testUnboundForgotten,
	"ForgottenAndBound": testUnboundForgottenAndBound,
	"OwnPayout":         testUnboundOwnPayout,
	"SeenTwice":         testUnboundSeenTwice,
	"BindDuringBlock":   testUnboundBindDuringBlock,
	"Malformed":         testUnboundMalformed,
	"NextIndex":         testNextIndex,
}

func (l *ledger) unbound() []teller.UnboundPayment {
	l.Helper()
	var all []teller.UnboundPayment
	for {
		var after uint64
		if len(all) > 0 {
			after = all[len(all)-1].Seq
		}
		page, err := l.store.UnboundPayments(l.ctx, after, 2)
		l.must(err)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// payments prints what identifies unbound payments.
func payments(ps []teller.UnboundPayment) []string {
	s := []string{}
	for _, p := range ps {
		s = append(s, fmt.Sprintf("%s %s %s %s @%d", p.Coin, p.Address, teller.DepositID(p.TxID, p.N), p.Value, p.Height))
	}
	return s
}

func testUnboundKept(l *ledger) {
	l.block(teller.BTC)
	res := l.block(teller.BTC, transfer("p1", "t1", 0, 1000), transfer("p1", "t1", 1, 1000), transfer("p2", "t1", 2, 5))
	want := []string{"BTC p1 t1:0 1000 @101", "BTC p1 t1:1 1000 @101", "BTC p2 t1:2 5 @101"}
	l.same("told", payments(res.Unbound), want)
	l.same("recorded", len(res.Recorded)+len(res.Held), 0)
	l.reopen()
	got := l.unbound()
	l.same("listed", payments(got), want)
	l.same("as told", fmt.Sprint(got), fmt.Sprint(res.Unbound))
	if p := got[0]; p.Seq != 1 || p.Hash != l.chains[teller.BTC][1].Hash || p.SeenAt.IsZero() {
		l.Fatalf("payment is %+v", p)
	}
	l.same("told again", len(l.block(teller.BTC).Unbound), 0)
	l.same("received", l.totals().Received[teller.BTC].String(), "0")
	l.same("audited", l.audited("unbound"), 3)
}

// audited counts the audit entries of an event.
func (l *ledger) audited(event string) int {
	l.Helper()
	es, err := l.store.Audit(l.ctx, 0, 100_000)
	l.must(err)
	n := 0
	for _, e := range es {
		if e.Event == event {
			n++
		}
	}
	return n
}

// What was paid before the binding is a held deposit with it: credited at depth, at the rate of the day it was seen, and
// paid when an operator says so.
func testUnboundAdopted(l *ledger) {
	l.openWallet(100)
	l.conf = 2
	l.block(teller.BTC)
	l.block(teller.BTC, transfer("p1", "t1", 3, 1_000_000), transfer("p2", "t2", 0, 7))
	b := l.next(teller.BTC)
	_, err := l.store.SaveBlock(l.ctx, teller.BTC, b, teller.ScanTerms{Confirmations: 2, Rate: teller.MustRate("9"), Tip: b.Height})
	l.must(err)
	l.chains[teller.BTC] = append(l.chains[teller.BTC], b.BlockRef)
	l.bind(teller.BTC, "p1", "alice")
	l.same("left", payments(l.unbound()), []string{"BTC p2 t2:0 7 @101"})
	d := l.is("t1:3", teller.StatusWaitingDeposit, teller.HoldBeforeBinding)
	at := l.chains[teller.BTC][1]
	if d.SkyAddress != "alice" || d.Value.String() != "1000000" || d.Height != at.Height || d.BlockHash != at.Hash ||
		d.Rate.String() != "500" || d.Orphaned || len(d.Behind) != 0 {
		l.Fatalf("adopted deposit is %+v", d)
	}
	l.reopen()
	res := l.block(teller.BTC)
	l.same("credited at depth", ids(res.Credited), []string{"t1:3"})
	d = l.is("t1:3", teller.StatusWaitingDecide, teller.HoldBeforeBinding)
	l.same("due", d.Due(), false)
	d, err = l.store.Release(l.ctx, d.ID, operator)
	l.must(err)
	_, tx := l.pay(l.decide(d))
	l.skyBlock(tx)
	l.is("t1:3", teller.StatusDone, "")
	_, err = l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: "p1", SkyAddress: "bob"}, 0)
	l.refused(err, teller.CodeAlreadyBound)
}

func testUnboundAdoptedAndLost(l *ledger) {
	l.block(teller.BTC)
	l.block(teller.BTC, transfer("p1", "t1", 0, 1000))
	l.bind(teller.BTC, "p1", "alice")
	res := l.reorg(teller.BTC, 1)
	l.same("orphaned", ids(res.Orphaned), []string{"t1:0"})
	l.same("unbound", len(l.unbound()), 0)
	res = l.block(teller.BTC, transfer("p1", "t1", 0, 1000)) // at the binding's height: still too old
	l.same("recorded anew", len(res.Recorded)+len(res.Unbound), 0)
	l.same("credited", ids(l.block(teller.BTC).Credited), []string{"t1:0"})
	l.same("lost when credited", l.reorg(teller.BTC, 2).Frozen, true)
	d := l.is("t1:0", teller.StatusWaitingDecide, teller.HoldBeforeBinding)
	l.same("held for both", d.HeldFor(teller.HoldOrphaned), true)
}

func testUnboundForgotten(l *ledger) {
	l.block(teller.BTC)
	l.block(teller.BTC, transfer("p1", "t1", 0, 1000))
	l.block(teller.BTC, transfer("p1", "t2", 0, 2000), transfer("p1", "t3", 0, 3000))
	l.block(teller.ETH)
	l.block(teller.ETH, transfer("e1", "0xt", 0, 1))
	l.block(teller.ETH)
	l.reorg(teller.BTC, 1)
	l.same("left", payments(l.unbound()), []string{"BTC p1 t1:0 1000 @101", "ETH e1 0xt:0 1 @101"})
	res := l.block(teller.BTC, transfer("p1", "t3", 0, 3000))
	l.same("mined again", payments(res.Unbound), []string{"BTC p1 t3:0 3000 @102"})
	l.bind(teller.BTC, "p1", "alice")
	to, err := l.store.DepositsTo(l.ctx, teller.BTC, "p1")
	l.must(err)
	l.same("adopted", ids(to), []string{"t1:0", "t3:0"})
}

// Seen before the binding, thrown out, and mined again higher than it: it is older than the binding all the same.
func testUnboundForgottenAndBound(l *ledger) {
	l.blocks(teller.BTC, 3)
	tr := transfer("p1", "t1", 0, 1000)
	l.same("unbound", len(l.block(teller.BTC, tr).Unbound), 1)
	l.reorg(teller.BTC, 1)
	l.same("unbound", len(l.unbound()), 0)
	l.reopen()
	l.bind(teller.BTC, "p1", "alice")
	l.same("unbound", len(l.unbound()), 0)
	l.block(teller.BTC)
	res := l.block(teller.BTC, tr, transfer("p1", "t1", 1, 1000))
	l.same("held", ids(res.Held), []string{"t1:0"})
	l.is("t1:0", teller.StatusWaitingDeposit, teller.HoldBeforeBinding)
	l.is("t1:1", teller.StatusWaitingDeposit, "")
}

func testUnboundOwnPayout(l *ledger) {
	l.openWallet(100)
	_, tx := l.pay(l.payable("alice", 1_000_000))
	l.block(teller.SKY)
	l.block(teller.SKY, transfer("s1", tx.ID, 0, 5_000_000))
	l.bind(teller.SKY, "s1", "mallory")
	l.is(tx.ID+":0", teller.StatusWaitingDeposit, teller.HoldOwnPayout)
}

func testUnboundSeenTwice(l *ledger) {
	l.block(teller.BTC)
	tr := transfer("p1", "t1", 0, 1000)
	l.block(teller.BTC, tr, tr)
	l.same("told again", len(l.block(teller.BTC, tr).Unbound), 0) // no chain does this
	l.same("listed", payments(l.unbound()), []string{"BTC p1 t1:0 1000 @101"})
	l.bind(teller.BTC, "p1", "alice")
	l.same("recorded again", len(l.block(teller.BTC, tr).Recorded), 0)
	l.same("received", l.totals().Received[teller.BTC].String(), "1000")
}

// A binding that is made while its payment's block is saved: whichever comes first, there is one deposit.
func testUnboundBindDuringBlock(l *ledger) {
	const rounds, each = 20, 5
	l.block(teller.BTC)
	for round := range rounds {
		b := l.next(teller.BTC)
		for i := range each {
			b.Transfers = append(b.Transfers, transfer(fmt.Sprintf("p%d-%d", round, i), fmt.Sprint("t", round), uint32(i), 1))
		}
		var wg sync.WaitGroup
		for _, tr := range b.Transfers {
			wg.Go(func() {
				if _, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: tr.Address, SkyAddress: "alice"}, 0); err != nil {
					l.Errorf("bind: %v", err)
				}
			})
		}
		wg.Go(func() {
			if _, err := l.store.SaveBlock(l.ctx, teller.BTC, b, teller.ScanTerms{Rate: rate, Tip: b.Height}); err != nil {
				l.Errorf("save block: %v", err)
			}
		})
		wg.Wait()
		l.chains[teller.BTC] = append(l.chains[teller.BTC], b.BlockRef)
	}
	l.conf = 0
	l.block(teller.BTC)
	l.same("unbound", len(l.unbound()), 0)
	l.same("received", l.totals().Received[teller.BTC].String(), fmt.Sprint(rounds*each))
	for round := range rounds {
		for i := range each {
			d := l.deposit(teller.DepositID(fmt.Sprint("t", round), uint32(i)))
			b, err := l.store.Binding(l.ctx, teller.BTC, d.Address)
			l.must(err)
			l.same("held "+d.ID, d.HeldFor(teller.HoldBeforeBinding), d.Height <= b.Height)
		}
	}
}

func testUnboundMalformed(l *ledger) {
	l.block(teller.BTC)
	for _, tr := range []teller.Transfer{transfer("", "t", 0, 1), transfer("p\x001", "t", 0, 1), transfer("p1", "", 0, 1)} {
		b := l.next(teller.BTC, tr)
		_, err := l.store.SaveBlock(l.ctx, teller.BTC, b, teller.ScanTerms{Rate: rate})
		l.refused(err, teller.CodeMalformed)
	}
}

func testNextIndex(l *ledger) {
	next := func(coin teller.Coin, source string, want uint32) {
		l.Helper()
		n, err := l.store.NextIndex(l.ctx, coin, source)
		l.must(err)
		l.same("next index of "+source, n, want)
	}
	bind := func(coin teller.Coin, address, source string, index uint32) error {
		_, err := l.store.Bind(l.ctx, teller.Binding{Coin: coin, Address: address, SkyAddress: "alice", Source: source, Index: index}, 0)
		return err
	}
	next(teller.BTC, "xa", 0)
	l.must(bind(teller.BTC, "b0", "xa", 0))
	next(teller.BTC, "xa", 1)
	l.must(bind(teller.BTC, "b7", "xa", 7))
	l.must(bind(teller.BTC, "b3", "xa", 3)) // one that came back to the pool
	l.must(bind(teller.BTC, "file", "", 0))
	l.must(bind(teller.BTC, "last", "xb", 1<<31-1))
	l.must(bind(teller.ETH, "e2", "xa", 2))
	l.refused(bind(teller.BTC, "b7", "xc", 9), teller.CodeAlreadyBound) // the same address from another source
	l.refused(bind(teller.BTC, "b8", "xc", 1<<31), teller.CodeInvalid)
	l.refused(bind(teller.BTC, "b8", "x\x00c", 1), teller.CodeInvalid)
	l.reopen()
	next(teller.BTC, "xa", 8)
	next(teller.BTC, "xb", 1<<31)
	next(teller.BTC, "xc", 0)
	next(teller.BTC, "", 0)
	next(teller.ETH, "xa", 3)
	b, err := l.store.Binding(l.ctx, teller.BTC, "b7")
	l.must(err)
	l.same("source", fmt.Sprint(b.Source, b.Index), "xa7")
	list, err := l.store.BindingsOf(l.ctx, "alice")
	l.must(err)
	l.same("source in the list", fmt.Sprint(list[1].Source, list[1].Index), "xa7")
}
