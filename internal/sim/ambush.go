package sim

import (
	"github.com/skycoin/teller"
)

// What goes wrong by chance goes wrong seldom between two calls that belong together. Here it does so on purpose: a worker
// is about to decide on a deposit or to pay it, and right then its ground is taken away.

// between are the calls of the workers that act on a due deposit, by its status.
var between = map[teller.Status][]string{
	teller.StatusWaitingPassthrough:              buying,
	teller.StatusWaitingPassthroughOrderComplete: buying,
	teller.StatusWaitingDecide:                   {"ledger.Due"},
	teller.StatusWaitingSend: {
		"ledger.Due", "node.Pending", "node.Synced", "node.Head", "node.Rules", "ledger.WalletCursor", "ledger.Outputs", "wallet.Build",
	},
	teller.StatusWaitingConfirm: {"ledger.PendingPayouts", "node.Inject", "node.Blocks"},
}

// buying are the calls of the worker that buys on the exchange.
var buying = []string{
	"ledger.PendingOrders", "ledger.Order", "ledger.Deposit", "ledger.Due", "exchange.Find", "exchange.Market", "exchange.Balance",
	"exchange.Place", "exchange.Order",
}

// looking are the calls by which the payer finds out what others take out of the wallet.
var looking = []string{"ledger.WalletCursor", "node.Synced", "node.Head", "node.Pending", "node.Rules"}

// acting names the worker that acts on a due deposit of a status.
var acting = map[teller.Status]string{
	teller.StatusWaitingDecide: "processor", teller.StatusWaitingSend: "sender", teller.StatusWaitingConfirm: "broadcaster",
	teller.StatusWaitingPassthrough: "buyer", teller.StatusWaitingPassthroughOrderComplete: "buyer",
}

// plot sets a trap for the worker that is to act on a deposit, and lets it walk into it.
func (r *run) plot() {
	w := r.world
	open := r.open()
	if len(open) == 0 {
		return
	}
	d := pick(w, open)
	if d.Status == teller.StatusWaitingDecide && w.chance(500) { // it is to be paid next
		r.stepOf(acting[d.Status])
		if d = r.model.rows[d.ID]; d.Status != teller.StatusWaitingSend || d.Hold != nil {
			return
		}
	}
	if d.Status == teller.StatusWaitingConfirm && w.chance(300) {
		r.rival(d)
		return
	}
	t := &trap{point: pick(w, between[d.Status]), after: w.chance(500), spring: func() { r.within(func() { r.ambush(d) }) }}
	if d.Status == teller.StatusWaitingSend && w.chance(600) { // somebody pays the buyer, and a block takes that in at the wrong moment
		w.sky.withdraw(w.sky.own(), d.SkyAddress, r.model.most(r.model.payments[d.ID]))
		t.point, t.spring = pick(w, looking), func() { w.sky.mine(1000) }
	}
	if c := w.chains[d.Coin]; c != nil && d.Status == teller.StatusWaitingSend && w.chance(400) { // all but written
		t.point, t.after, t.spring = "ledger.CreatePayout", false, func() { r.within(func() { r.vanish(d) }) }
	}
	w.trap = t
	acted := r.stepOf(acting[d.Status])
	w.trap = nil
	if acted && w.chance(700) {
		r.forgive(d.SkyAddress)
	}
}

// connive is about an order that is to be placed next: an operator who has looked ends it while the call is on its way, or it
// is on its way for longer than anybody waits, is asked for once more, and arrives after that.
func (r *run) connive() {
	w := r.world
	if w.exchange.picky > few && w.chance(500) {
		r.takeBackup()
	}
	buy := func() {
		w.now = w.now.Add(roundTime)
		r.stepOf("buyer")
	}
	buy() // it is prepared
	t := &trap{point: "exchange.Place", spring: func() { r.within(r.endTooSoon) }}
	if w.chance(600) {
		t.spring = func() { w.exchange.strand = true }
	}
	w.trap = t
	buy()
	w.trap, w.exchange.strand = nil, false
	if len(w.exchange.late) > 0 {
		r.counts.Stranded++
		buy()
		buy()
		w.exchange.arrive()
	}
}

// rival is somebody who pays a deposit's buyer by hand while a payout pays it already, whereupon something else spends what that
// payout spends: what was paid by hand still stands.
func (r *run) rival(d teller.Deposit) {
	w := r.world
	payout := w.sky.txs[d.PayoutTxID]
	if payout == nil || payout.height >= 0 {
		return
	}
	byHand := w.sky.withdraw(w.sky.spentBy(payout, true), d.SkyAddress, r.model.most(r.model.payments[d.ID]))
	if byHand == nil {
		return
	}
	r.counts.Ambushes++
	w.sky.confirm(byHand)
	r.stepOf("skycoin")
	if killer := w.sky.withdraw(w.sky.spentBy(payout, false), faucetAddress, teller.DropletsPerSKY); killer != nil {
		w.sky.confirm(killer)
	}
	r.stepOf("skycoin")
	r.stepOf("sender")
}

// stepOf lets a worker do a step, and reports whether there is one of that name: nobody buys where no exchange is configured.
func (r *run) stepOf(name string) bool {
	for _, worker := range r.engine.workers {
		if worker.Name() == name {
			_, _ = r.step(worker)
			return true
		}
	}
	return false
}

// ambush takes the ground from under a deposit, and lets the engine notice it: its block leaves the chain, or somebody pays
// its buyer out of the wallet.
func (r *run) ambush(d teller.Deposit) {
	w, p := r.world, r.model.payments[d.ID]
	r.counts.Ambushes++
	if w.chains[d.Coin] != nil && p.height >= 0 && w.chance(500) {
		r.vanish(d)
		return
	}
	w.sky.withdraw(w.sky.own(), d.SkyAddress, r.model.most(p))
	w.sky.mine(1000)
	r.notice("skycoin")
}

// vanish takes a deposit's block from its chain, and lets the engine notice it.
func (r *run) vanish(d teller.Deposit) {
	if c, p := r.world.chains[d.Coin], r.model.payments[d.ID]; p.height >= 0 {
		r.world.note("deposit %s is to vanish", d.ID)
		c.reorg(int(c.tip().Height - p.height + 1))
		r.notice(d.Coin.Lower())
	}
}

// notice lets a worker do a step in the middle of another one's; a scanner, which stands twice among the workers, two.
func (r *run) notice(name string) {
	for _, worker := range r.engine.workers {
		if worker.Name() == name {
			r.meanwhile(worker)
		}
	}
}
