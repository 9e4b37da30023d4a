package c2cxsim

import (
	"time"

	"github.com/skycoin/teller"
)

// FaultKind is what goes wrong.
type FaultKind string

// Faults of requests. Those before LoseReply happen instead of what was asked for.
const (
	LoseRequest FaultKind = "lose_request" // the connection is closed
	RateLimit   FaultKind = "rate_limit"   // "Too Many Requests"
	XML         FaultKind = "xml"          // an answer in XML: maintenance
	HTML        FaultKind = "html"         // a page with status 200
	Error500    FaultKind = "error_500"    // an internal server error
	LoseReply   FaultKind = "lose_reply"   // it is done, and the connection closed
	CutReply    FaultKind = "cut_reply"    // it is done, and half of the answer sent
	Late        FaultKind = "late"         // it is done after DelayMS, also when the caller has gone
	Slow        FaultKind = "slow"         // it is done, and answered after DelayMS
)

// Fates of orders. An order buys Part of a hundred parts of what it would have bought at once, and then is
const (
	EndCancelled FaultKind = "end_cancelled" // cancelled
	EndError     FaultKind = "end_error"     // in error
	EndExpired   FaultKind = "end_expired"   // expired
	HoldPending  FaultKind = "hold_pending"  // pending, until it was shown Shown times
	HoldSuspend  FaultKind = "hold_suspend"  // suspended, likewise
	HoldPartial  FaultKind = "hold_partial"  // partly filled, likewise
	HoldCancel   FaultKind = "hold_cancel"   // cancelling, likewise, once somebody cancels it; until then it may be filled
)

// Fault is something that goes wrong with the next request that it fits.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Endpoint is the one it fits, such as "createorder"; "" = any. Fates of orders fit createorder, HoldCancel cancelorder.
	Endpoint string `json:"endpoint,omitempty"`
	// Times is how often it happens: 0 = once, -1 = until it is forgotten.
	Times   int `json:"times,omitempty"`
	DelayMS int `json:"delay_ms,omitempty"`
	Part    int `json:"part,omitempty"`  // 0 to 100
	Shown   int `json:"shown,omitempty"` // 0 = once
}

var (
	requestFaults = []FaultKind{LoseRequest, RateLimit, XML, HTML, Error500, LoseReply, CutReply, Late, Slow}
	orderFates    = []FaultKind{EndCancelled, EndError, EndExpired, HoldPending, HoldSuspend, HoldPartial}

	// What happens by itself takes no time.
	randomFaults = []FaultKind{LoseRequest, RateLimit, XML, HTML, Error500, LoseReply, CutReply}

	failures = map[FaultKind]Status{EndCancelled: Cancelled, EndError: Errored, EndExpired: Expired}
	holds    = map[FaultKind]Status{HoldPending: Pending, HoldSuspend: Suspended, HoldPartial: Partial}
)

func (k FaultKind) in(kinds []FaultKind) bool {
	for _, other := range kinds {
		if k == other {
			return true
		}
	}
	return false
}

// AddFault lets something go wrong. Faults that fit the same request happen in the order in which they were added, one to
// a request. CodeInvalid when it makes no sense.
func (s *Server) AddFault(f Fault) error {
	switch {
	case f.Kind.in(orderFates):
		f.Endpoint = "createorder"
	case f.Kind == HoldCancel:
		f.Endpoint = "cancelorder"
	case !f.Kind.in(requestFaults):
		return teller.Errorf(teller.CodeInvalid, "%.60q is no kind of fault", f.Kind)
	}
	if f.Times < -1 || f.DelayMS < 0 || f.Part < 0 || f.Part > 100 || f.Shown < 0 {
		return teller.Errorf(teller.CodeInvalid, "the fault %+v is out of bounds", f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// ForgetFaults drops the faults that wait.
func (s *Server) ForgetFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// meet is what goes wrong with a request: the zero Fault for most.
func (s *Server) meet(endpoint string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Endpoint != "" && f.Endpoint != endpoint {
			continue
		}
		switch {
		case f.Times > 1:
			s.faults[i].Times--
		case f.Times >= 0:
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
		}
		return f
	}
	return s.chance(endpoint)
}

// chance is what goes wrong by itself.
func (s *Server) chance(endpoint string) Fault {
	if s.percent == 0 || s.rnd.IntN(100) >= s.percent {
		return Fault{}
	}
	kinds := randomFaults
	switch endpoint {
	case "createorder":
		kinds = append(append([]FaultKind{}, randomFaults...), orderFates...)
	case "cancelorder":
		kinds = append(append([]FaultKind{}, randomFaults...), HoldCancel)
	}
	return Fault{Kind: kinds[s.rnd.IntN(len(kinds))], Part: []int{0, 25, 70}[s.rnd.IntN(3)], Shown: 1 + s.rnd.IntN(3)}
}

// wait lets time pass, until the server is closed.
func (s *Server) wait(f Fault) {
	timer := time.NewTimer(time.Duration(f.DelayMS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.done:
	}
}

// window counts the requests of a minute.
type window struct {
	minute int64
	count  int
}

// tooMany counts a request and reports whether it is one too many.
func (s *Server) tooMany(account, endpoint string) bool {
	if s.rules.perMinute == 0 {
		return false
	}
	key, minute := name{account, endpoint}, s.now().Unix()/60
	w := s.windows[key]
	if w.minute != minute {
		w = window{minute: minute}
	}
	w.count++
	s.windows[key] = w
	return w.count > s.rules.perMinute
}
