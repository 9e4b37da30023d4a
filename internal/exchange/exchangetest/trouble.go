package exchangetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/goleak"

	"github.com/skycoin/teller"
)

const (
	page     = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!</body></html>"
	document = `<?xml version="1.0" encoding="utf-8"?><Error><Message>An error has occurred.</Message></Error>`
)

// badAnswers are none that the exchange would give.
var badAnswers = map[string]func(*answer){
	"nothing":        func(a *answer) { a.body = nil },
	"half":           func(a *answer) { a.body = a.body[:len(a.body)/2] },
	"cut off":        func(a *answer) { a.cut = true },
	"no answer":      func(a *answer) { a.drop = true },
	"a page":         func(a *answer) { a.is("text/html", page) },
	"a document":     func(a *answer) { a.is("application/xml", document) },
	"a string":       func(a *answer) { a.is("application/json", `"ok"`) },
	"null":           func(a *answer) { a.is("application/json", "null") },
	"an empty list":  func(a *answer) { a.is("application/json", "[]") },
	"an empty thing": func(a *answer) { a.is("application/json", "{}") },
	"a number":       func(a *answer) { a.is("application/json", "7") },
	"twice":          func(a *answer) { a.body = append(bytes.Clone(a.body), a.body...) },
	"noise":          func(a *answer) { a.body = bytes.Repeat([]byte{0xff, 0, '"', '{', 0x80, '\n'}, 1+len(a.body)/6) },
	"deep lists":     func(a *answer) { a.body = bytes.Repeat([]byte{'['}, 1<<20) },
	"endless":        func(a *answer) { a.body = endless() },
	"302":            func(a *answer) { a.status = http.StatusFound; a.header.Set("Location", "/elsewhere") },
	"307":            func(a *answer) { a.status = http.StatusTemporaryRedirect; a.header.Set("Location", "/elsewhere") },
	"404":            func(a *answer) { a.status = http.StatusNotFound; a.is("text/html", page) },
	"500":            func(a *answer) { a.status = http.StatusInternalServerError; a.is("text/html", page) },
	"502":            func(a *answer) { a.status = http.StatusBadGateway; a.is("text/html", page) },
	"503":            func(a *answer) { a.status = http.StatusServiceUnavailable; a.is("text/plain", "back soon") },
	"504":            func(a *answer) { a.status = http.StatusGatewayTimeout; a.body = nil },
}

// endless is more than any answer of an exchange.
var endless = sync.OnceValue(func() []byte { return bytes.Repeat([]byte{' '}, 8<<20) })

func (a *answer) is(kind, body string) {
	a.header = http.Header{"Content-Type": {kind}}
	a.body = []byte(body)
}

// spoken is what an adapter may say of an answer that is none. CodeNotFound is not among it: that would have an order
// placed a second time.
var spoken = []teller.Code{teller.CodeMalformed, teller.CodeUnavailable}

// scene is an adapter behind a proxy, and orders that are known.
type scene struct {
	*trial
	proxy *proxy
	order teller.OrderRequest // filled, and some others after it
	id    string
}

func (x *trial) scene() *scene {
	x.Helper()
	x.rich()
	s := &scene{trial: x, proxy: x.startProxy(), order: x.request(sky(10))}
	s.id = x.place(s.order)
	for range 3 {
		x.place(x.request(sky(10)))
	}
	x.exchange = x.openAt(s.proxy.addr, x.timeout)
	return s
}

// fresh lets the adapter forget what it may have remembered.
func (s *scene) fresh() {
	s.Helper()
	s.proxy.set(nil)
	closeExchange(s.exchange)
	s.exchange = s.openAt(s.proxy.addr, s.timeout)
}

// calls are all that ask the exchange, but Place. They check what is answered without an error.
func (s *scene) calls() map[string]func(context.Context, teller.Exchange) error {
	return map[string]func(context.Context, teller.Exchange) error{
		"balance": func(ctx context.Context, e teller.Exchange) error {
			_, err := e.Balance(ctx, s.Coin)
			return err
		},
		"find": func(ctx context.Context, e teller.Exchange) error {
			r, err := e.Find(ctx, s.Coin, s.order.ClientID)
			if err == nil {
				s.wantReport("find", r, s.seen(s.order.ClientID))
			}
			return err
		},
		"order": func(ctx context.Context, e teller.Exchange) error {
			r, err := e.Order(ctx, s.Coin, s.id)
			if err == nil {
				s.wantReport("order", r, s.seen(s.order.ClientID))
			}
			return err
		},
		"open": func(ctx context.Context, e teller.Exchange) error {
			_, err := e.Open(ctx, s.Coin)
			return err
		},
	}
}

// wellAgain checks that nothing is left of a trouble.
func (s *scene) wellAgain(after string) {
	s.Helper()
	s.proxy.set(nil)
	s.eventually("all is well after "+after, func() error {
		_, err := s.exchange.Balance(s.ctx, s.Coin)
		return err
	})
	s.report(s.order)
}

// placing lets a fault at the request that places an order, and at nothing else.
func (s *scene) placing(f func(answered bool, p *passage)) {
	s.proxy.set(func(_ int, answered bool, p *passage) {
		if s.Places(p.request) {
			f(answered, p)
		}
	})
}

// again places an order once more after it has been accepted without a word.
func (s *scene) again(o teller.OrderRequest) {
	s.Helper()
	s.proxy.set(nil)
	s.report(o)
	if s.market.IDsOnce {
		_, err := s.exchange.Place(s.ctx, o)
		s.wantCode("place again what was accepted", err, teller.CodeAlreadyPlaced)
		s.report(o)
	}
}

// testLostReply: when the reply is lost, or spoilt, after the order was accepted, Find shows it.
func testLostReply(x *trial) {
	s := x.scene()
	for name, change := range badAnswers {
		before, err := x.exchange.Balance(x.ctx, x.Coin)
		x.must(err)
		o := x.request(sky(10))
		s.placing(func(answered bool, p *passage) {
			if answered {
				change(&p.answer)
			}
		})
		_, err = x.exchange.Place(x.ctx, o)
		x.wantCode("place, and the answer is "+name, err, spoken...)
		s.again(o)
		left, err := before.Sub(x.seen(o.ClientID).Spent)
		x.must(err)
		x.wantBalance("after an order whose answer was "+name, left)
	}
}

// testLostRequest: an order that never arrived is not found, and can be placed.
func testLostRequest(x *trial) {
	s := x.scene()
	o := x.request(sky(10))
	s.placing(func(_ bool, p *passage) { p.lose = true })
	_, err := x.exchange.Place(x.ctx, o)
	x.wantCode("place, and the request is lost", err, spoken...)
	s.proxy.set(nil)
	x.unseen("after the request was lost", o.ClientID)
	x.place(o)
	x.report(o)
}

// testLateRequest: an order that arrives after it was given up is found then.
func testLateRequest(x *trial) {
	s := x.scene()
	o := x.request(sky(10))
	arrive := make(chan struct{})
	release := sync.OnceFunc(func() { close(arrive) })
	defer release()
	s.placing(func(_ bool, p *passage) { p.wait = arrive })
	impatient := x.openAt(s.proxy.addr, 300*time.Millisecond)
	_, err := impatient.Place(x.ctx, o)
	x.wantCode("place, and the request is late", err, teller.CodeUnavailable)
	x.unseen("before it arrives", o.ClientID)
	release()
	x.eventually("it arrives", func() error {
		_, err := x.exchange.Find(x.ctx, x.Coin, o.ClientID)
		return err
	})
	s.again(o)
}

// everyCallSays checks what all calls answer while the server is in some state, and that it accepts nothing then.
func (s *scene) everyCallSays(what string, e teller.Exchange, codes ...teller.Code) {
	s.Helper()
	for name, call := range s.calls() {
		s.wantCode(what+": "+name, call(s.ctx, e), codes...)
	}
	o := s.request(sky(10))
	_, err := e.Place(s.ctx, o)
	s.wantCode(what+": place", err, codes...)
	if all := s.server.Seen(o.ClientID); len(all) != 0 {
		s.Errorf("%s: the server has accepted %+v: that is the harness's fault", what, all)
	}
	_, err = e.Find(s.ctx, s.Coin, o.ClientID)
	s.wantCode(what+": find what is not there", err, codes...)
	if err := e.Cancel(s.ctx, s.Coin, s.id); err != nil { // it may know that there is nothing to cancel
		s.wantCode(what+": cancel", err, codes...)
	}
}

// testRateLimit: a server that was asked too often is called that.
func testRateLimit(x *trial) {
	s := x.scene()
	x.server.RateLimit(true)
	s.everyCallSays("rate limited", x.exchange, teller.CodeRateLimited)
	x.server.RateLimit(false)
	s.wellAgain("the rate limit")
}

// testMaintenance: a server that is being worked on knows nothing, and nothing is taken for an answer.
func testMaintenance(x *trial) {
	s := x.scene()
	x.server.Maintain(true)
	s.everyCallSays("maintenance", x.exchange, spoken...)
	x.server.Maintain(false)
	s.wellAgain("maintenance")
}

// testBadAnswers: no call believes an answer that is none, and all is well again afterwards.
func testBadAnswers(x *trial) {
	s := x.scene()
	for name, change := range badAnswers {
		s.fresh()
		s.proxy.set(func(_ int, answered bool, p *passage) {
			if answered {
				change(&p.answer)
			}
		})
		for what, call := range s.calls() {
			x.wantCode(what+": "+name, call(x.ctx, x.exchange), spoken...)
		}
		_, err := x.exchange.Find(x.ctx, x.Coin, x.newID())
		x.wantCode("find what is not there: "+name, err, spoken...)
		s.wellAgain(name)
	}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests} {
		s.proxy.set(func(_ int, answered bool, p *passage) {
			if answered {
				p.status = status
				p.is("text/plain", "no")
			}
		})
		for what, call := range s.calls() {
			x.wantCode(fmt.Sprint(what, ": ", status), call(x.ctx, x.exchange),
				append([]teller.Code{teller.CodeNotAuthenticated, teller.CodeRateLimited}, spoken...)...)
		}
		s.wellAgain(fmt.Sprint(status))
	}
}

// testOneBadAnswer: nor when only one of several answers is bad: Find knows all, or says that it does not know.
func testOneBadAnswer(x *trial) {
	s := x.scene()
	if by, ok := x.server.(ByHand); ok {
		by.PlaceByHand()
	}
	for what, call := range s.calls() {
		var answers int
		s.fresh()
		s.proxy.set(func(n int, _ bool, _ *passage) { answers = n + 1 })
		x.must(call(x.ctx, x.exchange))
		for at := range answers {
			for name, change := range badAnswers {
				s.fresh()
				s.proxy.set(func(n int, answered bool, p *passage) {
					if answered && n == at {
						change(&p.answer)
					}
				})
				if err := call(x.ctx, x.exchange); err != nil { // it may have asked again
					x.wantCode(fmt.Sprintf("%s: answer %d is %s", what, at, name), err, spoken...)
				}
			}
		}
	}
	s.wellAgain("single bad answers")
}

// hangs let a server hang, at once or in the middle of its answer.
var hangs = map[string]func(*answer){
	"at once":       func(a *answer) { a.status, a.hang = 0, true },
	"in its answer": func(a *answer) { a.hang = true },
}

// testHangingServer: a server that does not go on is given up after the adapter's own time or the caller's, whichever is
// shorter.
func testHangingServer(x *trial) {
	s := x.scene()
	const short = 100 * time.Millisecond
	calls := s.calls()
	calls["place"] = func(ctx context.Context, e teller.Exchange) error {
		_, err := e.Place(ctx, x.request(sky(10)))
		return err
	}
	for name, hang := range hangs {
		for what, call := range calls {
			s.fresh()
			impatient := x.openAt(s.proxy.addr, short)
			s.proxy.set(func(_ int, answered bool, p *passage) {
				if answered {
					hang(&p.answer)
				}
			})
			x.wantCode(what+" of a server that hangs "+name, call(x.ctx, impatient), teller.CodeUnavailable)
			ctx, cancel := context.WithTimeout(x.ctx, short)
			x.wantCode(what+" of a server that hangs "+name+", called with a deadline", call(ctx, x.exchange), teller.CodeUnavailable)
			cancel()
		}
		s.wellAgain("hanging " + name)
	}
}

// testCancelledCalls: calls end with their context, also while the server hangs.
func testCancelledCalls(x *trial) {
	s := x.scene()
	over, cancel := context.WithCancel(x.ctx)
	cancel()
	for what, call := range s.calls() {
		x.wantCode(what+" after the end of its context", call(over, x.exchange), teller.CodeUnavailable)
	}
	o := x.request(sky(10))
	_, err := x.exchange.Place(over, o)
	x.wantCode("place after the end of its context", err, teller.CodeUnavailable)
	x.unseen("after the end of its context", o.ClientID)
	for what, call := range s.calls() {
		s.fresh()
		ctx, cancel := context.WithCancel(x.ctx)
		s.proxy.set(func(_ int, answered bool, p *passage) {
			if answered {
				p.hang = true
				cancel() // in the middle of the call
			}
		})
		x.wantCode(what+", cancelled", call(ctx, x.exchange), teller.CodeUnavailable)
		cancel()
	}
	s.wellAgain("cancelled calls")
}

// testServerDown: without a server nothing is known.
func testServerDown(x *trial) {
	s := x.scene()
	listener, err := new(net.ListenConfig).Listen(x.ctx, "tcp", "127.0.0.1:0")
	x.must(err)
	x.must(listener.Close())
	s.everyCallSays("without a server", x.openAt(listener.Addr().String(), x.timeout), teller.CodeUnavailable)
}

// testWrongKeys: keys that are refused are called that, and do nothing.
func testWrongKeys(x *trial) {
	s := x.scene()
	stranger := x.server.OpenWithWrongKeys(x.server.Addr(), x.timeout)
	x.Cleanup(func() { closeExchange(stranger) })
	s.everyCallSays("wrong keys", stranger, teller.CodeNotAuthenticated)
}

// testNoLeaks: a closed adapter leaves no goroutine behind, whatever happened to it.
func testNoLeaks(x *trial) {
	s := x.scene()
	s.report(s.order)
	closeExchange(s.exchange)
	x.exchange = nil
	before := goleak.IgnoreCurrent()
	e := x.server.Open(x.server.Addr(), x.timeout)
	for _, call := range s.calls() {
		x.must(call(x.ctx, e))
	}
	over, cancel := context.WithCancel(x.ctx)
	cancel()
	for what, call := range s.calls() {
		x.wantCode(what+" after the end of its context", call(over, e), teller.CodeUnavailable)
	}
	closeExchange(e)
	if err := goleak.Find(before); err != nil {
		x.Error(err)
	}
}
