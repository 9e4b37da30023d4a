package main

import (
	"context"
	"log/slog"
	"syscall"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/chain/processtest"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/exchange/c2cx"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
	"github.com/skycoin/teller/internal/scan"
	"github.com/skycoin/teller/internal/store/bolt"
)

// boundary is a place between two steps of an order.
type boundary struct {
	name string
	// ledger is how the deposit and its orders then stand in the ledger; + marks an order that has bought something.
	ledger string
	// there is how many orders the exchange has for it then.
	there int
	// die pays, has teller come to that place, and kills it there.
	die func(k *orderKill, p *purchase)
	// meanwhile is what happens while teller is dead.
	meanwhile func(k *orderKill, p *purchase)
	// risen is what has to happen when it runs again.
	risen func(k *orderKill, p *purchase)
	// orders is how many there are in the end; 0 = one.
	orders int
}

// boundaries are all places between the steps of an order, in their order. Where teller can not be stopped from outside,
// because it calls nobody between two writes to its ledger, it is killed before and the first of them is done in its stead.
func boundaries() []boundary {
	waits := c2cxsim.Fault{Kind: c2cxsim.HoldPartial, Part: 40, Shown: 1_000_000} // an order that has bought a part
	fails := c2cxsim.Fault{Kind: c2cxsim.EndCancelled, Part: 40}
	return []boundary{
		{
			name: "credited, no order stored", ledger: "waiting_decide", die: func(k *orderKill, p *purchase) {
				k.kill(syscall.SIGKILL)
				k.pay(p)
				k.credit()
			}},
		{
			name: "stored, not begun", ledger: "waiting_passthrough prepared", die: func(k *orderKill, p *purchase) {
				s := k.turnstile.before("getorderbystatus", nil)
				k.dieAt(s, p)
				s.drop()
			}},
		{
			name: "begun, the exchange not called", ledger: "waiting_passthrough placing", die: func(k *orderKill, p *purchase) {
				s := k.turnstile.before("createorder", nil)
				k.dieAt(s, p)
				s.drop()
			}},
		{
			name: "called, and the call arrives while the next life calls again", ledger: "waiting_passthrough placing", die: func(k *orderKill, p *purchase) {
				k.late = k.turnstile.before("createorder", nil)
				k.dieAt(k.late, p)
				k.again = k.turnstile.before("createorder", nil)
			}, risen: func(k *orderKill, _ *purchase) {
				k.again.await()
				k.late.pass()
				k.again.pass()
			}},
		{
			name: "accepted, the reply lost", ledger: "waiting_passthrough placing", there: 1, die: func(k *orderKill, p *purchase) {
				s := k.turnstile.after("createorder", nil)
				k.dieAt(s, p)
				s.drop()
			}, meanwhile: func(k *orderKill, _ *purchase) { k.restartExchange() }},
		{
			name: "accepted, the reply come and not noted", ledger: "waiting_passthrough placing", there: 1, die: func(k *orderKill, p *purchase) {
				s := k.turnstile.after("createorder", nil)
				k.pay(p)
				k.dieWithReply(s)
			}},
		{
			name: "placed", ledger: "waiting_passthrough_order_complete placed", there: 1, die: func(k *orderKill, p *purchase) {
				s := k.turnstile.before("getorderinfo", nil)
				k.dieAt(s, p)
				s.drop()
			}},
		{
			name: "bought in part, not noted", ledger: "waiting_passthrough_order_complete placed", there: 1, die: func(k *orderKill, p *purchase) {
				k.fault(waits)
				s := k.turnstile.after("getorderinfo", nil)
				k.pay(p)
				k.dieWithReply(s)
			}, meanwhile: (*orderKill).resume},
		{
			name: "bought in part, noted", ledger: "waiting_passthrough_order_complete placed+", there: 1, die: func(k *orderKill, p *purchase) {
				k.fault(waits)
				k.pay(p)
				k.eventually("the part is noted", func() bool { return k.noted(p).SkyBought > 0 })
				s := k.turnstile.before("getorderinfo", nil)
				s.await()
				k.kill(syscall.SIGKILL)
				s.drop()
			}, meanwhile: (*orderKill).resume},
		{
			name: "bought in part, and no more while teller was dead", ledger: "waiting_passthrough_order_complete placed+", there: 1, die: func(k *orderKill, p *purchase) {
				k.fault(waits)
				k.pay(p)
				k.eventually("the part is noted", func() bool { return k.noted(p).SkyBought > 0 })
				k.kill(syscall.SIGKILL)
			}, risen: (*orderKill).resume},
		{
			name: "final, not noted", ledger: "waiting_passthrough_order_complete placed", there: 1, die: func(k *orderKill, p *purchase) {
				s := k.turnstile.after("getorderinfo", nil)
				k.pay(p)
				k.dieWithReply(s)
			}},
		{
			name: "final, nothing decided", ledger: "waiting_passthrough_order_complete final+", there: 1, die: func(k *orderKill, p *purchase) {
				s := k.turnstile.before("getorderinfo", nil)
				k.dieAt(s, p)
				s.drop()
				k.note()
			}},
		{
			name: "failed, the next attempt not stored", ledger: "waiting_passthrough_order_complete final+", there: 1, die: func(k *orderKill, p *purchase) {
				k.fault(fails)
				s := k.turnstile.before("getorderinfo", nil)
				k.dieAt(s, p)
				s.drop()
				k.note()
			}, orders: 2},
		{
			name: "failed, the next attempt stored and not begun", ledger: "waiting_passthrough final+ prepared", there: 1, die: func(k *orderKill, p *purchase) {
				k.fault(fails)
				s := k.turnstile.before("getorderbystatus", k.newOrder())
				k.dieAt(s, p)
				s.drop()
			}, orders: 2},
		{
			name: "failed, the next attempt accepted, the reply lost", ledger: "waiting_passthrough final+ placing", there: 2, die: func(k *orderKill, p *purchase) {
				k.fault(fails)
				s := k.turnstile.after("createorder", k.newOrder())
				k.dieAt(s, p)
				s.drop()
			}, orders: 2},
		{
			name: "decided, not sent", ledger: "waiting_send final+", there: 1, die: func(k *orderKill, p *purchase) {
				s := k.turnstile.before("getorderinfo", nil)
				k.dieAt(s, p)
				s.drop()
				k.note()
				k.decide()
			}},
		{
			name: "payout stored, not sent", ledger: "waiting_confirm final+", there: 1, die: func(k *orderKill, p *purchase) {
				k.sky.FailInject(skynodetest.FailBefore)
				k.pay(p)
				k.waitFor(p.buyer, string(teller.StatusWaitingConfirm))
				k.kill(syscall.SIGKILL)
			}, meanwhile: func(k *orderKill, _ *purchase) { k.sky.FailInject(skynodetest.FailOff) }},
		{
			name: "sent, not confirmed", ledger: "waiting_confirm final+", there: 1, die: func(k *orderKill, p *purchase) {
				k.pay(p)
				k.eventually("the payout is at the node", func() bool { return k.onItsWay(p.buyer) })
				k.kill(syscall.SIGKILL)
			}},
	}
}

// newOrder is the condition that the exchange has one more order than now.
func (k *orderKill) newOrder() func() bool {
	now := len(k.exchange.Orders())
	return func() bool { return len(k.exchange.Orders()) > now }
}

// dieWithReply kills teller when the reply has reached it and it has not read it: it stands still meanwhile.
func (k *orderKill) dieWithReply(s *stop) {
	k.t.Helper()
	s.await()
	check(k.t, k.cmd.Process.Signal(syscall.SIGSTOP))
	k.eventually("teller stands still", func() bool { return processtest.Stopped(k.cmd.Process.Pid) })
	s.pass()
	k.kill(syscall.SIGKILL)
}

// offline opens the ledger of the dead teller.
func (k *orderKill) offline(f func(ctx context.Context, c config.Config, store *bolt.Store, log *slog.Logger)) {
	k.t.Helper()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	c, err := config.Read(config.Source{File: k.args[1], Dir: k.data()})
	check(k.t, err)
	store, err := bolt.Open(ctx, bolt.Options{Path: c.DBPath(), Clock: clock{}, Logger: log})
	check(k.t, err)
	f(ctx, c, store, log)
	check(k.t, store.Close())
}

// credit reads the chain as far as it goes, so that what was paid is credited and nobody has decided about it.
func (k *orderKill) credit() {
	k.t.Helper()
	k.offline(func(ctx context.Context, c config.Config, store *bolt.Store, log *slog.Logger) {
		chain, _, closeChain, err := app.OpenChain(c, teller.BTC, log)
		check(k.t, err)
		defer closeChain()
		scanner, err := scan.New(ctx, scan.Options{Chain: chain, Store: store, Clock: clock{}, Log: log, Confirmations: 1, Rate: teller.MustRate("500")})
		check(k.t, err)
		for worked := true; worked; {
			worked, err = scanner.Step(ctx)
			check(k.t, err)
		}
		due, err := store.Due(ctx, teller.StatusWaitingDecide, 0, 10)
		check(k.t, err)
		if len(due) != 1 {
			k.t.Fatalf("%d deposits in waiting_decide, want 1", len(due))
		}
	})
}

// note writes the end of the one pending order into the ledger, as the buyer does, and decides nothing.
func (k *orderKill) note() {
	k.t.Helper()
	k.offline(func(ctx context.Context, _ config.Config, store *bolt.Store, _ *slog.Logger) {
		x, err := c2cx.New(c2cx.Config{URL: k.url, Key: "K", Secret: "S", Timeout: time.Minute})
		check(k.t, err)
		defer x.Close()
		pending, err := store.PendingOrders(ctx, 0, 10)
		check(k.t, err)
		if len(pending) != 1 || pending[0].State != teller.OrderPlaced {
			k.t.Fatalf("pending orders %+v, want one that is placed", pending)
		}
		report, err := x.Find(ctx, teller.BTC, pending[0].ClientID)
		check(k.t, err)
		o, err := store.NoteOrder(ctx, pending[0].ClientID, pending[0].Version, report)
		check(k.t, err)
		if o.Pending() {
			k.t.Fatalf("the order has not ended: %+v", o)
		}
	})
}

// decide fixes what is to be sent, as the buyer does.
func (k *orderKill) decide() {
	k.t.Helper()
	k.offline(func(ctx context.Context, _ config.Config, store *bolt.Store, _ *slog.Logger) {
		due, err := store.Due(ctx, teller.StatusWaitingPassthroughOrderComplete, 0, 10)
		check(k.t, err)
		if len(due) != 1 {
			k.t.Fatalf("%d deposits wait for a decision about what was bought, want 1", len(due))
		}
		check(k.t, store.SendBought(ctx, due[0].ID, due[0].Version, due[0].Bought/1000*1000))
	})
}
