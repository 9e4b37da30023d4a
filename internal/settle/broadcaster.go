package settle

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/skycoin/teller"
)

// stuckAfter is how many broadcasts of one payout without a confirmation call for a person.
const stuckAfter = 120

// Broadcaster sends the bytes of stored payouts to the node until a block holds them. The node's answer is reported and
// decides nothing: it refuses what is in the chain already, and says 503 after it has passed the bytes on.
type Broadcaster struct {
	Node  teller.Node
	Store Ledger
	Log   *slog.Logger
	Clock teller.Clock
	Every time.Duration // between two broadcasts of the same payout

	sent map[string]attempts // of pending payouts; losing it only means sending once more
}

type attempts struct {
	n    int
	last time.Time
}

// Name implements the worker's name.
func (b *Broadcaster) Name() string { return "broadcaster" }

// Step sends every pending payout that was not sent for a while.
func (b *Broadcaster) Step(ctx context.Context) (bool, error) {
	payouts, err := b.Store.PendingPayouts(ctx)
	if err != nil {
		return false, err
	}
	now := b.Clock.Now()
	sent := make(map[string]attempts, len(payouts))
	var errs []error
	for _, p := range payouts {
		a := b.sent[p.TxID]
		if since := now.Sub(a.last); a.n == 0 || since >= b.Every || since < 0 { // the clock was put back
			a = attempts{n: a.n + 1, last: now}
			if err := b.Node.Inject(ctx, p.Raw); err != nil {
				errs = append(errs, teller.Errorf(teller.CodeUnavailable, "payout %s is not taken yet: %w", p.TxID, err))
			}
			if a.n == 1 {
				b.Log.Info("payout broadcast", "txid", p.TxID, "deposits", len(p.Shares))
			}
			if a.n%stuckAfter == 0 {
				b.Log.Error("payout does not confirm", "notice", "WATCH", "txid", p.TxID, "broadcasts", a.n)
			}
		}
		sent[p.TxID] = a
	}
	b.sent = sent
	return false, errors.Join(errs...)
}
