package storetest

import (
	"context"
	"io"
	"sync"

	"github.com/skycoin/teller"
)

var lifeTests = map[string]func(*ledger){
	"EachStatusSurvives": testEachStatusSurvives,
	"Closed":             testClosed,
	"Cancelled":          testCancelled,
	"Backup":             testBackup,
	"SlowBackup":         testSlowBackup,
	"AllAtOnce":          testAllAtOnce,
}

// A restart in each status changes nothing, and the deposit goes on from there.
func testEachStatusSurvives(l *ledger) {
	l.openWallet(100)
	l.block(teller.BTC)
	l.bind(teller.BTC, "b1", "alice")
	l.block(teller.BTC, transfer("b1", "t1", 0, 1_000_000))
	survives := func(s teller.Status) teller.Deposit {
		before := l.is("t1:0", s, "")
		l.reopen()
		after := l.deposit("t1:0")
		l.same("deposit in "+string(s), printed(after), printed(before))
		return after
	}
	survives(teller.StatusWaitingDeposit)
	l.block(teller.BTC)
	l.decide(survives(teller.StatusWaitingDecide))
	_, tx := l.pay(survives(teller.StatusWaitingSend))
	survives(teller.StatusWaitingConfirm)
	l.skyBlock(tx)
	survives(teller.StatusDone)
}

func testClosed(l *ledger) {
	l.bind(teller.BTC, "b1", "alice")
	l.close()
	_, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: "b2", SkyAddress: "alice"}, 0)
	l.refused(err, teller.CodeUnavailable)
	_, err = l.store.Totals(l.ctx)
	l.refused(err, teller.CodeUnavailable)
	l.must(l.store.Close()) // a second time does nothing
	l.store = l.open()
	_, err = l.store.Binding(l.ctx, teller.BTC, "b1")
	l.must(err)
}

func testCancelled(l *ledger) {
	ctx, cancel := context.WithCancel(l.ctx)
	cancel()
	_, err := l.store.Bind(ctx, teller.Binding{Coin: teller.BTC, Address: "b1", SkyAddress: "alice"}, 0)
	l.refused(err, teller.CodeUnavailable)
	_, err = l.store.Totals(ctx)
	l.refused(err, teller.CodeUnavailable)
	l.bind(teller.BTC, "b1", "alice") // nothing had been written
}

func testBackup(l *ledger) {
	l.bind(teller.BTC, "b1", "alice")
	var n counter
	l.must(l.store.Backup(l.ctx, &n))
	if n == 0 {
		l.Fatalf("the backup is empty")
	}
	ctx, cancel := context.WithCancel(l.ctx)
	cancel()
	l.refused(l.store.Backup(ctx, io.Discard), teller.CodeUnavailable)
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// stuck is a reader that takes nothing until it is let go.
type stuck struct {
	started sync.Once
	begun   chan struct{}
	letGo   chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.started.Do(func() { close(s.begun) })
	<-s.letGo
	return len(p), nil
}

// I7's other half: somebody who reads a backup slowly stops nobody from writing.
func testSlowBackup(l *ledger) {
	l.bind(teller.BTC, "b0", "alice")
	w := &stuck{begun: make(chan struct{}), letGo: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- l.store.Backup(l.ctx, w) }()
	<-w.begun
	for range 300 {
		l.bind(teller.BTC, l.name("b"), l.name("sky"))
	}
	close(w.letGo)
	l.must(<-done)
}

// Everything that runs in teller at the same time, at the same time.
func testAllAtOnce(l *ledger) {
	l.openWallet(1000, 1000)
	l.block(teller.BTC)
	for i := range 20 {
		l.bind(teller.BTC, "seed-"+string(rune('a'+i)), "alice")
	}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for _, read := range []func() error{
		func() error { _, err := l.store.Totals(l.ctx); return err },
		func() error { _, err := l.store.Deposits(l.ctx, teller.DepositQuery{Limit: 5}); return err },
		func() error { _, err := l.store.BindingsOf(l.ctx, "alice"); return err },
		func() error { _, _, err := l.store.Outputs(l.ctx); return err },
	} {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := read(); err != nil {
					l.Errorf("read: %v", err)
					return
				}
			}
		})
	}
	writers.Go(func() { // the scan
		height, parent := l.chains[teller.BTC][0].Height, l.chains[teller.BTC][0].Hash
		for i := range 20 {
			b := teller.Block{BlockRef: teller.BlockRef{Height: height + 1, Hash: "at-once-" + string(rune('a'+i))}, Parent: parent,
				Transfers: []teller.Transfer{transfer("seed-"+string(rune('a'+i)), "at-once", uint32(i), 1_000_000)}}
			if _, err := l.store.SaveBlock(l.ctx, teller.BTC, b, teller.ScanTerms{Rate: rate, Tip: b.Height}); err != nil {
				l.Errorf("save block: %v", err)
			}
			height, parent = b.Height, b.Hash
		}
	})
	for i := range 4 { // buyers
		writers.Go(func() {
			for n := range 20 {
				address := "buyer-" + string(rune('a'+i)) + string(rune('a'+n))
				if _, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.ETH, Address: address, SkyAddress: address}, 5); err != nil {
					l.Errorf("bind: %v", err)
				}
			}
		})
	}
	for range 2 { // two deciders, of which one is always too late
		writers.Go(func() {
			for range 20 {
				due, err := l.store.Due(l.ctx, teller.StatusWaitingDecide, 0, 0)
				for _, d := range due {
					if err == nil {
						_, err = l.store.Decide(l.ctx, []teller.Decision{{DepositID: d.ID, Version: d.Version, Owed: 5 * sky}})
					}
				}
				if err != nil {
					l.Errorf("decide: %v", err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	sum := l.totals()
	l.same("bound", []int{sum.Bound[teller.BTC], sum.Bound[teller.ETH]}, []int{20, 80})
	l.same("credited", sum.Received[teller.BTC].String(), "20000000")
}
