package binancetest

import (
	"io"
	"net/http"
	"strconv"
)

// Fault is something that goes wrong with a call. Before and After are what happens instead of, or after, serving it; when
// one returns false, nothing more is answered.
type Fault struct {
	Call   string // such as "POST /api/v3/order"; "" = any
	Times  int    // how often; 0 = once
	Before func(http.ResponseWriter, *http.Request) bool
	After  func(http.ResponseWriter, *http.Request) bool
}

// Fail arranges for calls to go wrong. The first fault that fits is used up first.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) takeFault(call string) Fault {
	for i, f := range s.faults {
		if f.Call != "" && f.Call != call {
			continue
		}
		if f.Times > 1 {
			s.faults[i].Times--
		} else {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return f
	}
	return Fault{}
}

// Refuse answers with an error of the exchange, and does nothing.
func Refuse(call string, status, code int, msg string) Fault {
	return Answer(call, status, `{"code":`+strconv.Itoa(code)+`,"msg":`+strconv.Quote(msg)+`}`)
}

// Answer answers with any text, and does nothing.
func Answer(call string, status int, body string, header ...string) Fault {
	return Fault{Call: call, Before: func(w http.ResponseWriter, _ *http.Request) bool {
		answer(w, status, body, header)
		return false
	}}
}

// Garble does what was asked and answers with any text.
func Garble(call string, status int, body string, header ...string) Fault {
	return Fault{Call: call, After: func(w http.ResponseWriter, _ *http.Request) bool {
		answer(w, status, body, header)
		return false
	}}
}

func answer(w http.ResponseWriter, status int, body string, header []string) {
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// Lose does what was asked, and breaks the connection before it has answered.
func Lose(call string) Fault { return Fault{Call: call, After: drop} }

// Drop breaks the connection and does nothing.
func Drop(call string) Fault { return Fault{Call: call, Before: drop} }

func drop(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// Hang does nothing until the caller gives up.
func Hang(call string) Fault { return Fault{Call: call, Before: hang} }

// HangAfter does what was asked, and does not answer until the caller gives up.
func HangAfter(call string) Fault { return Fault{Call: call, After: hang} }

func hang(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return false
}
