package settle

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// shop is a Buyer with its exchange and its ledger, and with an operator who looks in when nothing moves any more.
type shop struct {
	t      interface{ Fatalf(string, ...any) }
	x      *fakeExchange
	l      *orderLedger
	b      *Buyer
	policy Policy
	clock  *movingClock
	// releases is how often the operator has a failed deposit tried again.
	releases int
	errs     []error // what the Steps said
}

func bound(seq int, value uint64) teller.Deposit {
	return teller.Deposit{
		ID: fmt.Sprintf("tx%d:0", seq), Seq: uint64(seq), Version: 1, Coin: teller.BTC, SkyAddress: "buyer", BuyMethod: teller.BuyPassthrough,
		Status: teller.StatusWaitingDecide, Value: teller.NewAmount(value), Rate: teller.MustRate("500"),
	}
}

func newShop(t interface{ Fatalf(string, ...any) }, idsOnce bool, ds ...teller.Deposit) *shop {
	s := &shop{t: t, x: newExchange(idsOnce), l: newOrderLedger(ds...), clock: &movingClock{t: now}, policy: Policy{MaxAttempts: 3, ChecksBeforeCancel: 2, MaxDecimals: 3}}
	s.x.check, s.l.check = s.check, s.check
	return s
}

// start begins a process.
func (s *shop) start() {
	s.b = &Buyer{Exchange: s.x, Store: s.l, Log: quiet, Clock: s.clock, Policy: s.policy}
}

// step is one Step of a process, which is another one when it dies.
func (s *shop) step() (worked bool, err error) {
	if s.b == nil {
		s.start()
	}
	defer func() {
		switch r := recover(); r {
		case nil, died{}:
			if r != nil {
				s.b = nil
			}
		default:
			panic(r)
		}
	}()
	worked, err = s.b.Step(context.Background())
	if err != nil {
		s.errs = append(s.errs, err)
	}
	return worked, err
}

// script has the next orders end as the plans say, and those after them be filled.
func (s *shop) script(plans ...string) {
	s.x.plan = func() string {
		if len(plans) == 0 {
			return "fill"
		}
		next := plans[0]
		plans = plans[1:]
		return next
	}
}

// run steps until nothing moves, has the operator act, and so on until nobody does anything any more.
func (s *shop) run() {
	for range 40 {
		s.rest()
		if s.x.land(); !s.operate() && s.rest() {
			return
		}
	}
	s.t.Fatalf("no end: %s", s.history())
}

// rest steps until nothing moves, and reports whether nothing has. A lost order of a held deposit is looked for seldom.
func (s *shop) rest() bool {
	began := s.l.writes
	for still := 0; ; still++ {
		if s.l.writes > began+1000 {
			s.t.Fatalf("no rest: %s", s.state())
		}
		before := s.l.writes
		_, _ = s.step()
		if s.l.writes != before {
			still = 0
		}
		lost := slices.ContainsFunc(s.l.orders, func(o teller.Order) bool { return o.State == teller.OrderPlacing })
		if still > heldEvery || (still > 2 && !lost) {
			return s.l.writes == began
		}
	}
}

func (s *shop) state() string {
	var b strings.Builder
	for _, d := range s.l.deposits {
		reason := ""
		if d.Hold != nil {
			reason = " held for " + string(d.Hold.Reason)
		}
		fmt.Fprintf(&b, "%s/%d %s %s%s; ", d.ID, d.Version, d.Status, d.Owed, reason)
	}
	for _, o := range s.l.orders {
		fmt.Fprintf(&b, "%s/%d %s; ", o.ClientID, o.Version, o.State)
	}
	return b.String()
}

// operate is what a careful operator does about holds, and whether it was anything.
func (s *shop) operate() bool {
	acted := false
	for i := range s.l.deposits {
		d := &s.l.deposits[i]
		if d.Hold == nil {
			continue
		}
		switch d.Hold.Reason {
		case teller.HoldOrderUnknown: // released once it is certain that the order is not there and will not come
			if s.x.has(teller.OrderClientID(d.ID, d.Attempts)) {
				continue
			}
		case teller.HoldOrderFailed:
			if s.releases == 0 {
				continue
			}
			s.releases--
		case teller.HoldWithdrawal: // it was nothing
		default:
			continue
		}
		if err := d.Release(now); err != nil {
			s.t.Fatalf("release: %v", err)
		}
		acted = true
	}
	return acted
}

// check holds what must be true at every moment.
func (s *shop) check() {
	for _, d := range s.l.deposits {
		var bought teller.Droplets
		var committed teller.Amount
		accepted, live := make(map[string]int), 0
		for _, deal := range s.x.deals {
			if s.owner(deal.ClientID) != d.ID {
				continue
			}
			if accepted[deal.ClientID]++; accepted[deal.ClientID] > 1 {
				s.t.Fatalf("order %s was accepted twice\n%s", deal.ClientID, s.history())
			}
			bought += deal.report.Bought
			if deal.report.Final {
				committed = committed.Add(deal.report.Spent)
			} else {
				live++
				committed = committed.Add(deal.Spend)
			}
		}
		if live > 1 || committed.Cmp(d.Value) > 0 {
			s.t.Fatalf("deposit %s of %s has %d live orders and %s spent\n%s", d.ID, d.Value, live, committed, s.history())
		}
		if d.Owed > bought {
			s.t.Fatalf("for deposit %s were bought %s SKY and %s are sent\n%s", d.ID, bought, d.Owed, s.history())
		}
	}
}

// owner is the deposit that a client id speaks of, by the rule for client ids and not by what the ledger knows.
func (s *shop) owner(clientID string) string {
	for _, d := range s.l.deposits {
		name := names[d.ID]
		if name == "" {
			name = strings.TrimSuffix(teller.OrderClientID(d.ID, 1), "1")
			names[d.ID] = name
		}
		if strings.HasPrefix(clientID, name) {
			return d.ID
		}
	}
	return ""
}

// names are what the client ids of each deposit begin with.
var names = make(map[string]string)

func (s *shop) history() string { return strings.Join(s.x.calls, " ") + "\n" + s.state() }

// settled checks how things stand when all faults are over: what was bought is known, and what is not held is on its way.
func (s *shop) settled() {
	for _, d := range s.l.deposits {
		var bought teller.Droplets
		for _, deal := range s.x.deals {
			if s.owner(deal.ClientID) == d.ID {
				bought += deal.report.Bought
			}
		}
		if d.Bought != bought && (d.Hold == nil || d.Hold.Reason != teller.HoldOrderUnknown) {
			s.t.Fatalf("for deposit %s were bought %s SKY, the ledger says %s\n%s", d.ID, bought, d.Bought, s.history())
		}
		if d.Hold == nil && d.Status != teller.StatusDone && (d.Status != teller.StatusWaitingSend || d.Owed != bought-bought%1000) {
			s.t.Fatalf("deposit %s is %s and owed %s SKY of %s\n%s", d.ID, d.Status, d.Owed, bought, s.history())
		}
	}
}

// meddle is what else may happen between two Steps.
func (s *shop) meddle(random *rand.Rand) {
	d := &s.l.deposits[random.IntN(len(s.l.deposits))]
	switch random.IntN(40) {
	case 0:
		s.policy.Retry = !s.policy.Retry
		s.start()
	case 1:
		s.policy.MaxSlippage = big.NewRat(1, 20)
		s.start()
	case 2:
		s.policy.MaxSlippage = nil
		s.start()
	case 3:
		s.x.rules.Minimum = teller.NewAmount(uint64(random.IntN(5000)))
	case 4:
		s.x.hide = random.IntN(4)
	case 5:
		_ = d.PutHold(teller.HoldWithdrawal, "", now)
	case 6, 7:
		if d.Hold != nil && d.Hold.Reason == teller.HoldWithdrawal {
			_ = d.Release(now)
		}
	case 8:
		if random.IntN(5) == 0 {
			_ = d.Close("paid by hand", now)
		}
	case 9, 10:
		s.x.land()
		s.releases = 1
		s.operate()
	}
}
