package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/settle"
)

// scripted is a worker whose steps are given by a function.
type scripted struct{ step func(n int) (bool, error) }

type counted struct {
	scripted
	n int
}

func (c *counted) Name() string { return "scripted" }

func (c *counted) Step(context.Context) (bool, error) {
	c.n++
	return c.step(c.n)
}

// runLoop runs a worker for a span of virtual time and returns how often it stepped.
func runLoop(t *testing.T, span time.Duration, during func(*loop), step func(n int) (bool, error)) (steps int, log string, v *vitals) {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		w := &counted{scripted: scripted{step}}
		v = newVitals(systemClock{})
		l := newLoop(w, 10*time.Second, v, slog.New(slog.NewTextHandler(&out, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		if during != nil {
			during(l)
		}
		time.Sleep(span)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the loop ended with %v", err)
		}
		steps = w.n
	})
	return steps, out.String(), v
}

func TestLoopStepsOncePerPeriodWhenThereIsNothingToDo(t *testing.T) {
	steps, _, _ := runLoop(t, 35*time.Second, nil, func(int) (bool, error) { return false, nil })
	if steps != 4 { // at 0, 10, 20 and 30 s
		t.Errorf("%d steps, want 4", steps)
	}
}

func TestLoopGoesOnAtOnceWhileThereIsWork(t *testing.T) {
	steps, _, _ := runLoop(t, 5*time.Second, nil, func(n int) (bool, error) { return n < 100, nil })
	if steps != 100 {
		t.Errorf("%d steps, want 100 without a pause", steps)
	}
}

func TestLoopIsWoken(t *testing.T) {
	steps, _, _ := runLoop(t, time.Second, func(l *loop) {
		time.Sleep(time.Second)
		l.wake()
		time.Sleep(time.Second)
	}, func(int) (bool, error) { return false, nil })
	if steps != 2 {
		t.Errorf("%d steps, want the first and the woken one", steps)
	}
}

func TestLoopBacksOffTellsOnceAndRecovers(t *testing.T) {
	down := teller.Errorf(teller.CodeUnavailable, "no answer from 10.1.2.3:8334")
	steps, log, v := runLoop(t, 2*time.Minute, nil, func(n int) (bool, error) {
		if n <= 12 {
			return false, down
		}
		return false, nil
	})
	if steps < 13 || steps > 40 {
		t.Errorf("%d steps in two minutes, want retries that come slower and then one a period", steps)
	}
	if n := strings.Count(log, "worker will retry"); n != 1 {
		t.Errorf("the failure was logged %d times, want once:\n%s", n, log)
	}
	if !strings.Contains(log, "goes on after a failure") {
		t.Errorf("the recovery was not logged:\n%s", log)
	}
	if v.Error("scripted") != "" {
		t.Errorf("still reported as failing: %s", v.Error("scripted"))
	}
}

func TestLoopCallsForAPerson(t *testing.T) {
	_, log, v := runLoop(t, time.Second, nil, func(int) (bool, error) {
		return false, teller.Errorf(teller.CodeWrongNetwork, "block 0 of node 10.1.2.3 is another")
	})
	if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "notice=WATCH") {
		t.Errorf("nobody is called:\n%s", log)
	}
	if text := v.Error("scripted"); text == "" || strings.Contains(text, "10.1.2.3") {
		t.Errorf("public text %q must say that something is wrong and not where", text)
	}
}

func TestVitalsKeepTheTimeOfTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVitals(systemClock{})
		v.Report("btc", nil)
		start := time.Now()
		time.Sleep(time.Minute)
		v.Report("btc", nil)
		if got := v.All()[0].Since; !got.Equal(start) {
			t.Errorf("since %v, want the first report %v", got, start)
		}
		time.Sleep(time.Minute)
		v.Report("btc", teller.Errorf(teller.CodeUnavailable, "down"))
		if got := v.All()[0]; got.OK || !got.Since.Equal(time.Now()) {
			t.Errorf("%+v, want not OK since now", got)
		}
	})
}

// A worker that has much to do reports several failures at once: the gravest decides who is told, and the public reads of
// each what it may.
func TestLoopTellsTheGravestOfSeveralFailures(t *testing.T) {
	away := teller.Errorf(teller.CodeUnavailable, "no answer from 10.1.2.3")
	often := teller.Errorf(teller.CodeRateLimited, "Too Many Requests at 10.1.2.3")
	short := teller.Errorf(teller.CodeShortOfCoins, "the account is short of BTC")
	keys := teller.Errorf(teller.CodeNotAuthenticated, "key 123 is refused")
	thin := &settle.OrderFailed{Order: teller.Order{ClientID: "t-1", Least: teller.MustRate("475"), OrderReport: teller.OrderReport{OrderID: "7", Final: true}}}
	refused := &settle.OrderFailed{Order: teller.Order{ClientID: "t-1"}}
	part := &settle.OrderFailed{Order: teller.Order{ClientID: "t-1", OrderReport: teller.OrderReport{OrderID: "7", Bought: 1, Final: true}}}
	for _, tt := range []struct {
		err         error
		level, text string
	}{
		{errors.Join(away, often, away), "WARN", "does not answer; was asked too often and is left alone for a while"},
		{errors.Join(away, short), "ERROR", "does not answer; the account is short of BTC"},
		{errors.Join(short, keys, away), "notice=WATCH", "the account is short of BTC; is stopped until the operator has looked at it; does not answer"},
		{teller.Errorf(teller.CodeUnavailable, "%w", thin), "WARN", "the order book is too thin, nobody sells at the worst price accepted"},
		{teller.Errorf(teller.CodeUnavailable, "%w", refused), "WARN", "an order was refused"},
		{teller.Errorf(teller.CodeUnavailable, "%w", part), "WARN", "an order ended before it had bought all that it should"},
		{often, "WARN", "was asked too often and is left alone for a while"},
	} {
		_, log, v := runLoop(t, time.Second, nil, func(int) (bool, error) { return false, tt.err })
		if !strings.Contains(log, tt.level) || (tt.level == "ERROR" && strings.Contains(log, "WATCH")) {
			t.Errorf("%v is told as\n%s", tt.err, log)
		}
		if got := v.Error("scripted"); got != tt.text {
			t.Errorf("the public reads %q, want %q", got, tt.text)
		}
	}
}

func TestLoopSaysWhatMustBeToppedUp(t *testing.T) {
	var out bytes.Buffer
	l := newLoop(&counted{}, time.Second, newVitals(systemClock{}), slog.New(slog.NewTextHandler(&out, nil)))
	l.topUp = "the account on the exchange"
	l.tell(teller.Errorf(teller.CodeShortOfCoins, "it is short of BTC"))
	if !strings.Contains(out.String(), `what="the account on the exchange"`) {
		t.Error(out.String())
	}
}
