package audit

import (
	"context"
	"time"

	"github.com/skycoin/teller"
)

const (
	// strikesToStop is how many calls in a row may fail before the exchange is left alone, waitsToStop how often in a row it
	// may say that it was asked too often.
	strikesToStop = 3
	waitsToStop   = 5
	// defaultRatelimitWait is how long the exchange is left alone when it was asked too often, unless it is configured.
	defaultRatelimitWait = 30 * time.Second
)

// asker asks the exchange about many orders, one by one, within its limits.
type asker struct {
	exchange teller.Exchange
	wait     time.Duration // when it was asked too often
	strikes  int           // calls in a row that failed
	failed   int           // in all
	failure  error         // the last one
}

// answer is what comes of a question for an order.
type answer int

const (
	none    answer = iota // the call failed
	missing               // there is no such order
	shown
)

// find looks for an order. A single call that fails is counted, and returned is only what ends the comparison.
func (a *asker) find(ctx context.Context, coin teller.Coin, clientID string) (report teller.OrderReport, got answer, err error) {
	err = a.patiently(ctx, func() (err error) {
		report, err = a.exchange.Find(ctx, coin, clientID)
		return err
	})
	switch teller.CodeOf(err) {
	case "":
		a.strikes = 0
		return report, shown, nil
	case teller.CodeNotFound:
		a.strikes = 0
		return report, missing, nil
	case teller.CodeNotAuthenticated, teller.CodeRateLimited:
		return report, none, err
	}
	a.strikes++
	if a.strikes == strikesToStop || ctx.Err() != nil {
		return report, none, err
	}
	a.failed, a.failure = a.failed+1, err
	return report, none, nil
}

// patiently makes a call again after a rest, some times, as long as the exchange says that it was asked too often.
func (a *asker) patiently(ctx context.Context, call func() error) error {
	for waits := 0; ; waits++ {
		err := call()
		if teller.CodeOf(err) != teller.CodeRateLimited || waits == waitsToStop {
			return err
		}
		if err := a.rest(ctx); err != nil {
			return err
		}
	}
}

// rest leaves the exchange alone for a while: its limit is shared with the buyer.
func (a *asker) rest(ctx context.Context) error {
	wait := a.wait
	if wait <= 0 {
		wait = defaultRatelimitWait
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return teller.Errorf(teller.CodeUnavailable, "%s was asked too often: %w", a.exchange.Name(), ctx.Err())
	}
}
