package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/skycoin/teller"
)

// worker is one Step, again and again. A Step reads what is due from the store, acts, and writes the result; it may be
// killed at any line and called again.
type worker interface {
	Name() string
	Step(ctx context.Context) (worked bool, err error)
}

// loop runs a worker until the context ends: at once again while there is work, else after its period, or when it is
// woken. Failures are reported to the vitals and retried with backoff up to the period; no failure ends a loop.
type loop struct {
	worker worker
	period time.Duration
	pace   time.Duration // at least this long between two steps, however often it is woken
	wakeup chan struct{} // holds at most one wake-up; losing more loses nothing
	vitals teller.Vitals // nil = what it does is only shown, and its failures cost nothing
	topUp  string        // what must be topped up when it is short of coins
	log    *slog.Logger
}

func newLoop(w worker, period time.Duration, vitals teller.Vitals, log *slog.Logger) *loop {
	return &loop{worker: w, period: period, wakeup: make(chan struct{}, 1), vitals: vitals, topUp: "the hot wallet", log: log.With("worker", w.Name())}
}

// wake makes the worker look for work now. It never blocks.
func (l *loop) wake() {
	select {
	case l.wakeup <- struct{}{}:
	default:
	}
}

// Run implements the loop. It returns nil when the context ends.
func (l *loop) Run(ctx context.Context) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval = 100 * time.Millisecond
	retry.MaxInterval = max(l.period, time.Second)
	var last teller.Code
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-l.wakeup:
		}
		worked, err := l.worker.Step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if l.vitals != nil {
			l.vitals.Report(l.worker.Name(), err)
		}
		pause := l.period
		switch {
		case err != nil:
			if code := teller.CodeOf(gravest(err)); code != last {
				l.tell(err)
				last = code
			}
			pause = min(retry.NextBackOff(), retry.MaxInterval)
		case last != "":
			l.log.Info("worker goes on after a failure")
			last = ""
		}
		if err == nil {
			retry.Reset()
			if worked {
				pause = 0
			}
		}
		if !l.rest(ctx) {
			return nil
		}
		timer.Reset(pause)
	}
}

// rest keeps the pace. It reports whether the loop goes on.
func (l *loop) rest(ctx context.Context) bool {
	if l.pace == 0 {
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(l.pace):
		return true
	}
}

// tell logs a failure once, at the level that says who must act. What a node or the buyers can mend by themselves is a
// warning; a wrong network, corrupt data or a fault of our own needs a person.
func (l *loop) tell(err error) {
	if l.vitals == nil {
		l.log.Warn("worker will retry", "err", err)
		return
	}
	if _, ok := errors.AsType[*ledgerTrouble](err); ok {
		l.log.Warn("the ledger's disk needs a person", "notice", "WATCH", "err", err)
		return
	}
	switch gravity(gravest(err)) {
	case mends:
		l.log.Warn("worker will retry", "err", err)
	case short:
		l.log.Error("what is due can not be paid: top it up", "what", l.topUp, "err", err)
	default:
		l.log.Error("worker can not go on until this is cleared up", "notice", "WATCH", "err", err)
	}
}

// How grave a failure is.
const (
	mends = iota // by itself
	short        // of coins: somebody must send some
	stuck        // until a person has looked
)

func gravity(err error) int {
	switch teller.CodeOf(err) {
	case "", teller.CodeUnavailable, teller.CodeNodeBehind, teller.CodeConflict, teller.CodeRateLimited:
		return mends
	case teller.CodeShortOfCoins, teller.CodeShortOfHours:
		return short
	default:
		return stuck
	}
}

// gravest is the gravest of several failures.
func gravest(err error) error {
	all := failures(err)
	return slices.MaxFunc(all, func(a, b error) int { return gravity(a) - gravity(b) })
}

// failures are what one error joins: a worker that has much to do reports what went wrong with each part of it.
func failures(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { // only what is joined at the top is several failures
		return joined.Unwrap()
	}
	return []error{err}
}
