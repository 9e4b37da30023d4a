package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/dummy"
	"github.com/skycoin/teller/internal/scan"
	"github.com/skycoin/teller/internal/store/bolt"
)

// newBuyer makes a SKY address.
func newBuyer(t *testing.T) string {
	t.Helper()
	a, err := app.NewAddresses(teller.SKY, t.Name(), 1, "")
	if err != nil {
		t.Fatal(err)
	}
	return a[0]
}

// A purchase goes through with a configuration file of the documented keys only.
func TestPurchase(t *testing.T) {
	p := newProcess(t)
	p.start()
	buyer := newBuyer(t)
	address := p.bind(buyer, "BTC")
	p.waitFor(buyer, "waiting_deposit")
	p.deposit("BTC", address, "10000000")
	p.waitFor(buyer, "waiting_confirm")
	p.eventually("the payout is broadcast", func() bool { return len(p.broadcasts()) > 0 })
	list := p.broadcasts()
	if len(list) != 1 || len(list[0].Outputs) != 1 || list[0].Outputs[0].Address != buyer || list[0].Outputs[0].Coins != "50.000000" {
		t.Fatalf("broadcasts %+v, want one that pays the buyer 50 SKY", list)
	}
	p.confirmAll()
	p.waitFor(buyer, "done")
	if got := p.sent(); got != "50.000000" {
		t.Errorf("sent %s, want 50.000000", got)
	}
	p.kill(syscall.SIGTERM)
}

// stage brings a purchase of 50 SKY to a status.
type stage struct {
	status teller.Status
	send   bool // whether sending is switched on while the status is reached
	reach  func(p *process, buyer, address string)
	// offline does what has to be done between the end of teller and its restart.
	offline func(p *process, address string)
	// resume does what the outside has to do before teller can go on.
	resume func(p *process, address string)
}

var stages = []stage{
	{
		status: teller.StatusWaitingDeposit, send: true,
		resume: func(p *process, address string) { p.deposit("BTC", address, "10000000") },
	},
	{
		status: teller.StatusWaitingDeposit, send: true, // and then waiting_decide, which no one can see from outside
		offline: func(p *process, address string) { p.creditOffline(address, 10_000_000) },
	},
	{
		status: teller.StatusWaitingSend, send: false,
		reach: func(p *process, _, address string) { p.deposit("BTC", address, "10000000") },
	},
	{
		status: teller.StatusWaitingConfirm, send: true,
		reach: func(p *process, _, address string) { p.deposit("BTC", address, "10000000") },
	},
	{
		status: teller.StatusDone, send: true,
		reach: func(p *process, buyer, address string) {
			p.deposit("BTC", address, "10000000")
			p.waitFor(buyer, "waiting_confirm")
			p.eventually("the payout is broadcast", func() bool { return len(p.broadcasts()) > 0 })
			p.confirmAll()
		},
	},
}

// Whatever the status in which teller ends, and however it ends, everything goes on by itself after the restart, and
// nothing is paid twice.
func TestRestart(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		for i, st := range stages {
			t.Run(fmt.Sprintf("%s in %d %s", sig, i, st.status), func(t *testing.T) {
				p := newProcess(t)
				p.configure(st.send)
				p.start()
				buyer := newBuyer(t)
				address := p.bind(buyer, "BTC")
				if st.reach != nil {
					st.reach(p, buyer, address)
				}
				p.waitFor(buyer, string(st.status))
				p.kill(sig)
				if st.offline != nil {
					st.offline(p, address)
				}
				p.configure(true)
				p.start()
				if st.resume != nil {
					st.resume(p, address)
				}
				p.eventually("done", func() bool {
					p.confirmAll()
					return p.statuses(buyer) == "done"
				})
				p.eventually("50 of the wallet's 100 SKY are left", func() bool { return p.balance() == "50.000000" })
				if got := p.sent(); got != "50.000000" {
					t.Errorf("sent %s, want 50.000000", got)
				}
			})
		}
	}
}

// creditOffline makes a deposit and has a scanner credit it while no one decides on it: the instant in which teller may
// be killed between two workers.
func (p *process) creditOffline(address string, satoshi uint64) {
	p.t.Helper()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	check := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	store, err := bolt.Open(ctx, bolt.Options{Path: filepath.Join(p.data(), "teller.db"), Clock: clock{}, Logger: log})
	check(err)
	addresses, err := btc.NewAddresses("mainnet")
	check(err)
	chain, err := dummy.OpenChain(teller.BTC, p.data(), 1, addresses, log)
	check(err)
	_, err = chain.Deposit(ctx, dummy.Deposit{Address: address, Value: teller.NewAmount(satoshi)})
	check(err)
	scanner, err := scan.New(ctx, scan.Options{Chain: chain, Store: store, Log: log, Confirmations: 1, Rate: teller.MustRate("500")})
	check(err)
	for worked := true; worked; {
		worked, err = scanner.Step(ctx)
		check(err)
	}
	due, err := store.Due(ctx, teller.StatusWaitingDecide, 0, 10)
	check(err)
	if len(due) != 1 {
		p.t.Fatalf("%d deposits in waiting_decide, want 1", len(due))
	}
	check(chain.Close())
	check(store.Close())
}

type clock struct{}

func (clock) Now() time.Time { return time.Now() }
