package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"sync"
	"testing"
	"time"
)

// turnstile stands before the simulated exchange and stops single calls where a test wants them to stand.
type turnstile struct {
	t *testing.T

	mu       sync.Mutex
	exchange http.Handler
	stops    []*stop
}

// serve changes the exchange behind it.
func (x *turnstile) serve(exchange http.Handler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.exchange = exchange
}

// stop is one call that is stopped: before the exchange hears of it, or when it is done and before the reply goes out.
type stop struct {
	t        *testing.T
	endpoint string
	after    bool
	when     func() bool   // nil = the next call
	reached  chan struct{} // closed when the call stands there
	goOn     chan bool     // whether the call goes on from there, or the connection is closed
	gone     chan struct{} // closed when it has gone on, and all of the reply is sent
}

// before stops the next call to an endpoint that comes when a condition holds (nil = any), before the exchange hears of it.
func (x *turnstile) before(endpoint string, when func() bool) *stop {
	return x.stop(endpoint, false, when)
}

// after stops such a call when the exchange has done what was asked, before its reply.
func (x *turnstile) after(endpoint string, when func() bool) *stop {
	return x.stop(endpoint, true, when)
}

func (x *turnstile) stop(endpoint string, after bool, when func() bool) *stop {
	s := &stop{
		t: x.t, endpoint: endpoint, after: after, when: when,
		reached: make(chan struct{}), goOn: make(chan bool, 1), gone: make(chan struct{}),
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stops = append(x.stops, s)
	return s
}

// await waits until the call stands there.
func (s *stop) await() {
	s.t.Helper()
	select {
	case <-s.reached:
	case <-time.After(60 * time.Second):
		s.t.Fatalf("no %s came within a minute", s.endpoint)
	}
}

// pass lets the call go on, and waits until it has.
func (s *stop) pass() {
	s.goOn <- true
	<-s.gone
}

// drop closes the connection: a request that stands before the exchange never gets there, a reply is lost.
func (s *stop) drop() {
	s.goOn <- false
	<-s.gone
}

// match takes out the stop that a call meets, nil for most calls, and tells who answers it.
func (x *turnstile) match(endpoint string) (*stop, http.Handler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.stops, func(s *stop) bool { return s.endpoint == endpoint && (s.when == nil || s.when()) })
	if i < 0 {
		return nil, x.exchange
	}
	s := x.stops[i]
	x.stops = slices.Delete(x.stops, i, i+1)
	return s, x.exchange
}

// ServeHTTP implements http.Handler.
func (x *turnstile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	// The exchange does what it was asked also when the one who asked is dead by then.
	asked := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
	asked.Header = r.Header
	s, exchange := x.match(path.Base(r.URL.Path))
	if s != nil {
		defer close(s.gone)
	}
	if s != nil && !s.after {
		close(s.reached)
		if !<-s.goOn {
			panic(http.ErrAbortHandler)
		}
	}
	reply := httptest.NewRecorder()
	exchange.ServeHTTP(reply, asked)
	if s != nil && s.after {
		close(s.reached)
		if !<-s.goOn {
			panic(http.ErrAbortHandler)
		}
	}
	maps.Copy(w.Header(), reply.Header())
	w.WriteHeader(reply.Code)
	_, _ = w.Write(reply.Body.Bytes()) // who asked may be dead
	_ = http.NewResponseController(w).Flush()
}
