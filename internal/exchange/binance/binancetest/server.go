// Package binancetest is a stand-in for Binance's spot market: the part of its REST API that teller uses, on this machine,
// for one account. It is as strict as the exchange's documentation says that the exchange is: signatures, clocks, unknown
// parameters, precision, filters, balances, client ids. What the exchange would do and a test wants to see can be
// arranged: a book of offers, fees, orders that are not matched at once, closed markets, and calls that go wrong.
//
// It is written from the documentation and shares no code with the adapter, so that one does not repeat the other's
// mistakes.
package binancetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The account that every Server has.
const (
	Key    = "vq3fHpr1bZQkz0DyVbAcTn6mJxe5sWuLKgRi8o2NtEYhPdMXl7GwCaOB9USFj4TI"
	Secret = "Yk7RzQf2Wn9sVdLxJb3TgPmHc6uEa1oKi8yDtXvNqZ5wSrMjF4lGhBpU0eCOIAT"
)

// Server is the exchange. Its methods may be called while requests are served.
type Server struct {
	URL  string
	http *httptest.Server

	mu       sync.Mutex
	key      string
	secret   string
	skew     time.Duration // by which the exchange's clock is ahead
	symbols  map[string]*Symbol
	balances map[string]*balance
	books    map[string][]Offer
	feeRate  string
	feeAsset string
	held     bool // orders are accepted and not matched
	patient  bool // limit orders wait for their price
	orders   []*Order
	trades   []*trade
	hidden   bool // trades are not listed yet
	faults   []Fault
	calls    []string
}

// New starts an exchange without markets, which ends with the test.
func New(t testing.TB) *Server {
	s := &Server{
		key: Key, secret: Secret, symbols: map[string]*Symbol{}, balances: map[string]*balance{}, books: map[string][]Offer{}, feeRate: "0",
	}
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	t.Cleanup(func() {
		s.http.CloseClientConnections() // of requests that hang
		s.http.Close()
	})
	return s
}

// SetKey gives the account another key, so that the old one is refused.
func (s *Server) SetKey(key, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.secret = key, secret
}

// SetSkew sets by how much the exchange's clock is ahead of this machine's.
func (s *Server) SetSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// Calls lists all requests so far, such as "GET /api/v3/order".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Count is how many requests there were of a kind.
func (s *Server) Count(call string) int {
	n := 0
	for _, c := range s.Calls() {
		if c == call {
			n++
		}
	}
	return n
}

func (s *Server) now() int64 { return time.Now().Add(s.skew).UnixMilli() }

// endpoint is one call of the API.
type endpoint struct {
	signed bool
	params string // that it takes, separated by blanks
	serve  func(*Server, url.Values) (any, *Refusal)
}

var endpoints = map[string]endpoint{
	"GET /api/v3/time":         {serve: (*Server).serveTime},
	"GET /api/v3/exchangeInfo": {params: "symbol", serve: (*Server).serveInfo},
	"GET /api/v3/account":      {signed: true, serve: (*Server).serveAccount},
	"GET /api/v3/openOrders":   {signed: true, params: "symbol", serve: (*Server).serveOpen},
	"GET /api/v3/order":        {signed: true, params: "symbol orderId origClientOrderId", serve: (*Server).serveQuery},
	"DELETE /api/v3/order":     {signed: true, params: "symbol orderId origClientOrderId newClientOrderId", serve: (*Server).serveCancel},
	"GET /api/v3/myTrades":     {signed: true, params: "symbol orderId fromId limit", serve: (*Server).serveTrades},
	"POST /api/v3/order": {
		signed: true, params: "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId newOrderRespType", serve: (*Server).serveNew,
	},
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + r.URL.Path
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	fault := s.takeFault(call)
	s.mu.Unlock()
	if fault.Before != nil && !fault.Before(w, r) {
		return
	}
	status, answer := s.answer(call, r, string(body))
	if fault.After != nil && !fault.After(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("X-Mbx-Used-Weight", "1")
	w.Header().Set("X-Mbx-Used-Weight-1m", "1")
	w.Header().Set("X-Mbx-Order-Count-10s", "1")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// Refusal is an error as the exchange tells it.
type Refusal struct {
	Status int    `json:"-"` // of HTTP
	Code   int    `json:"code"`
	Msg    string `json:"msg"`
}

func refuse(status, code int, msg string) *Refusal { return &Refusal{status, code, msg} }

// answer checks the request's form and lets its endpoint answer.
func (s *Server) answer(call string, r *http.Request, body string) (int, []byte) {
	e, ok := endpoints[call]
	if !ok {
		return http.StatusNotFound, []byte("<html><body><h2>404 Not found</h2></body></html>")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	params, refusal := s.admit(e, r, body)
	var answer any
	if refusal == nil {
		answer, refusal = e.serve(s, params)
	}
	status := http.StatusOK
	if refusal != nil {
		status, answer = refusal.Status, refusal
	}
	b, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return status, b
}

// admit reads the parameters, and checks who sends them and when.
func (s *Server) admit(e endpoint, r *http.Request, body string) (url.Values, *Refusal) {
	if body != "" && r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, refuse(400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
	}
	if body != "" && r.Method == http.MethodGet {
		return nil, refuse(400, -1101, "Too many parameters; expected '0' and received '1'.")
	}
	query, signature := splitSignature(r.URL.RawQuery)
	params, err := url.ParseQuery(query)
	form, err2 := url.ParseQuery(body)
	if err != nil || err2 != nil {
		return nil, refuse(400, -1100, "Illegal characters found in a parameter.")
	}
	for name, values := range form {
		params[name] = append(params[name], values...)
	}
	known := strings.Fields(e.params)
	if e.signed {
		known = append(known, "timestamp", "recvWindow")
	}
	read := 0
	for name, values := range params {
		if len(values) != 1 {
			return nil, refuse(400, -1101, "Duplicate values for a parameter detected.")
		}
		if values[0] == "" {
			return nil, refuse(400, -1105, "Parameter '"+name+"' was empty.")
		}
		for _, k := range known {
			if k == name {
				read++
			}
		}
	}
	if read != len(params) {
		return nil, refuse(400, -1104, "Not all sent parameters were read; read '"+strconv.Itoa(read)+"' parameter(s) but was sent '"+strconv.Itoa(len(params))+"'.")
	}
	if !e.signed {
		return params, nil
	}
	return params, s.authenticate(r.Header.Get("X-MBX-APIKEY"), query+body, signature, params)
}

// splitSignature takes the signature off the end of a query: it covers everything else, as it was sent.
func splitSignature(query string) (rest, signature string) {
	i := strings.LastIndex(query, "signature=")
	if i < 0 {
		return query, ""
	}
	return strings.TrimSuffix(query[:i], "&"), query[i+len("signature="):]
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9]{1,200}$`)

func (s *Server) authenticate(key, signedText, signature string, params url.Values) *Refusal {
	switch {
	case !keyForm.MatchString(key):
		return refuse(401, -2014, "API-key format invalid.")
	case key != s.key:
		return refuse(401, -2015, "Invalid API-key, IP, or permissions for action.")
	case signature == "":
		return refuse(400, -1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.")
	case !hmac.Equal([]byte(strings.ToLower(signature)), []byte(Sign(s.secret, signedText))):
		return refuse(400, -1022, "Signature for this request is not valid.")
	}
	at, err := strconv.ParseInt(params.Get("timestamp"), 10, 64)
	if err != nil {
		return refuse(400, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
	}
	window := int64(5000)
	if text := params.Get("recvWindow"); text != "" {
		if window, err = strconv.ParseInt(text, 10, 64); err != nil || window < 0 || window > 60000 {
			return refuse(400, -1131, "'recvWindow' must be less than 60000.")
		}
	}
	switch now := s.now(); {
	case at >= now+1000:
		return refuse(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
	case now-at > window:
		return refuse(400, -1021, "Timestamp for this request is outside of the recvWindow.")
	}
	return nil
}

// Sign is the signature of a request's parameters.
func Sign(secret, params string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(params))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *Server) serveTime(url.Values) (any, *Refusal) {
	return map[string]int64{"serverTime": s.now()}, nil
}
