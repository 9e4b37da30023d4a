package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/skycoin/teller"
)

// pusher listens to what a node tells by itself and wakes the workers that want to know. Looking every scan_period goes
// on beside it: a notice that is lost costs time and nothing else.
type pusher struct {
	chain teller.Notifier
	wake  map[teller.Notice]func()
	clock teller.Clock
	log   *slog.Logger
}

// steady is how long a connection must have lasted to be worth a quick second try.
const steady = 30 * time.Second

// Run listens, again and again, until the context ends. It returns at once when the node tells nothing.
func (p *pusher) Run(ctx context.Context) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval = 100 * time.Millisecond
	retry.MaxInterval = steady
	lost := false
	notice := func(n teller.Notice) {
		if lost {
			p.log.Info("the node tells of new blocks again")
		}
		lost = false
		if wake := p.wake[n]; wake != nil {
			wake()
		}
	}
	for {
		began := p.clock.Now()
		err := p.chain.Notify(ctx, notice)
		if p.clock.Now().Sub(began) >= steady {
			retry.Reset()
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case teller.CodeOf(err) == teller.CodeUnsupported:
			p.log.Info("the node does not tell of new blocks: looking for them every scan_period")
			return nil
		case !lost:
			p.log.Warn("the node's notices are lost: looking for new blocks every scan_period until they come again", "err", err)
			lost = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retry.NextBackOff()):
		}
	}
}
