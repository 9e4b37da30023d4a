package settle

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/skycoin/teller"
)

const (
	// strikesToStop is about how many orders in a row no answer may come before the exchange is left alone for a while.
	strikesToStop = 3
	// heldEvery is how seldom an order is looked for whose deposit is held: at every so many Steps.
	heldEvery = 30
	// looksBeforeDoubt is how often the exchange may say that it has an order, and not show it, before a person is asked.
	looksBeforeDoubt = 10
	// attemptsAhead is how many attempts after the last one are looked for, in case that the ledger has forgotten them, and
	// the journal with it.
	attemptsAhead = 3
	// looksBeforeAlarm is how often a pending order is looked at before a person is told.
	looksBeforeAlarm = 300
)

// Buyer buys SKY on an exchange for the deposits that were bound for that, and has sent what was bought. Every attempt is a
// row under a client id of its own, and is stored before the exchange hears of it. Three rules make it exactly-once:
//
//   - the exchange is asked for the client id before an order is placed, always, and for those of the next attempts: so an
//     order whose answer was lost, or that an older ledger has forgotten, is found and not placed again;
//   - an order that may have been placed and is not found is placed again only where the exchange takes a client id once;
//     anywhere else an operator is asked;
//   - there is no next attempt before the last one is final, and only what was bought is sent.
//
// What is decided, it decides from the rows alone: see next. It may be killed between any two lines.
type Buyer struct {
	Exchange teller.Exchange
	Store    Ledger
	Log      *slog.Logger
	Clock    teller.Clock
	Policy   Policy
	Rates    map[teller.Coin]teller.Rate // for imported rows that came without one
	// FailureWait is how long the exchange is left alone after something went wrong, RatelimitWait after it was asked too often.
	FailureWait, RatelimitWait time.Duration
	Bought                     func() // wakes the payer; may be nil

	calling atomic.Pointer[string] // the order for which the exchange is being called to place it

	// What is remembered saves time and needless questions, and decides nothing that could cost money.
	looks   map[string]int    // at each pending order
	turns   map[string]int    // of an order whose deposit is held, at the few of which it is looked for
	missing map[string]int    // looks in a row at which an order was not shown that was shown before
	refused map[string]uint64 // orders that the exchange has certainly not accepted, with their version then
	after   uint64            // the order at which the last Step was stopped
	judged  string            // the deposit at which it was, when it came to those without an order
	failure error             // of the last Step, at the exchange
	since   time.Time         // of failure
	wait    time.Duration     // after failure
}

// Calling reports whether the exchange is being called to place an order in this moment. Once the order's deposit is held, no
// such call begins. Safe for concurrent use.
func (b *Buyer) Calling(clientID string) bool {
	called := b.calling.Load()
	return called != nil && *called == clientID
}

// Name implements the worker's name.
func (b *Buyer) Name() string { return "buyer" }

// Step looks at every pending order and at every deposit that is to be bought for. What goes wrong with one is reported
// when the others were seen to; an exchange that does not answer at all is left alone for a while.
func (b *Buyer) Step(ctx context.Context) (bool, error) {
	if b.resting() {
		return false, b.failure
	}
	r := &round{
		Buyer: b, pending: make(map[string]bool), wait: b.FailureWait,
		markets: make(map[teller.Coin]rules), balances: make(map[teller.Coin]teller.Amount),
	}
	if err := r.run(ctx); err != nil {
		return false, err
	}
	b.failure, b.since, b.wait = r.outcome(), b.Clock.Now(), r.wait
	return r.prepared > 0, b.failure
}

// resting reports whether the exchange is left alone because of what went wrong before.
func (b *Buyer) resting() bool {
	past := b.Clock.Now().Sub(b.since)
	return b.failure != nil && past >= 0 && past < b.wait // below 0, the clock was put back
}

// pendingOrders are the orders that are not final. Those that a Step that was stopped did not come to are first.
func (b *Buyer) pendingOrders(ctx context.Context) ([]teller.Order, error) {
	var all []teller.Order
	for after := uint64(0); ; after = all[len(all)-1].Seq {
		orders, err := b.Store.PendingOrders(ctx, after, page)
		if err != nil {
			return nil, err
		}
		if len(orders) == 0 {
			break
		}
		all = append(all, orders...)
	}
	at := slices.IndexFunc(all, func(o teller.Order) bool { return o.Seq > b.after })
	if at < 0 {
		return all, nil
	}
	return slices.Concat(all[at:], all[:at]), nil
}

// remember drops what is known of orders that are not pending any more.
func (b *Buyer) remember(pending []teller.Order) {
	looks, turns := make(map[string]int, len(pending)), make(map[string]int)
	missing, refused := make(map[string]int), make(map[string]uint64)
	for _, o := range pending {
		looks[o.ClientID] = b.looks[o.ClientID]
		if n := b.turns[o.ClientID]; n > 0 {
			turns[o.ClientID] = n
		}
		if n := b.missing[o.ClientID]; n > 0 {
			missing[o.ClientID] = n
		}
		if v, ok := b.refused[o.ClientID]; ok {
			refused[o.ClientID] = v
		}
	}
	b.looks, b.turns, b.missing, b.refused = looks, turns, missing, refused
}
