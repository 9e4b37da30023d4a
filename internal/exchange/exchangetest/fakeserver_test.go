package exchangetest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

const (
	fakeKey  = "a secret of the account"
	fakeLeap = 5_000 // satoshi: the smallest order
)

// fakeOrder is an order as the fake exchange keeps it and tells it.
type fakeOrder struct {
	ID     int
	CID    string
	Spend  int64 // satoshi, of a market order
	Price  int64 // satoshi for one SKY, of a limit order
	Want   int64 // droplets, likewise
	Got    int64 // droplets, before the fee
	Cost   int64 // millionths of a satoshi
	Status string
}

func (o fakeOrder) final() bool { return o.Status != "open" }

func (o fakeOrder) fee() int64 { return (o.Got + 999) / 1000 }

// spent is rounded half up.
func (o fakeOrder) spent() int64 { return (o.Cost + 500_000) / 1_000_000 }

// reserved is what the order keeps from the account, in satoshi.
func (o fakeOrder) reserved() int64 {
	switch {
	case o.final():
		return 0
	case o.Price == 0:
		return o.Spend - o.spent()
	}
	return (o.Price*(o.Want-o.Got) + 999_999) / 1_000_000
}

// wants is how many droplets the order would buy at a price.
func (o fakeOrder) wants(price int64) int64 {
	switch {
	case o.Price == 0:
		return (o.Spend*1_000_000 - o.Cost) / price
	case price > o.Price:
		return 0
	}
	return o.Want - o.Got
}

// fakeServer is an exchange with one account, and as simple a protocol as can be.
type fakeServer struct {
	t    testing.TB
	bug  string
	http *httptest.Server

	mu          sync.Mutex
	orders      []*fakeOrder
	asks        []Ask
	money       int64 // satoshi
	limited, xy bool
}

func startFakeServer(t testing.TB, bug string) *fakeServer {
	s := &fakeServer{t: t, bug: bug}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.http.Close)
	return s
}

func (s *fakeServer) Addr() string { return strings.TrimPrefix(s.http.URL, "http://") }

func (s *fakeServer) Open(addr string, timeout time.Duration) teller.Exchange {
	return newFakeExchange(addr, fakeKey, timeout, s.bug)
}

func (s *fakeServer) OpenWithWrongKeys(addr string, timeout time.Duration) teller.Exchange {
	return newFakeExchange(addr, "guessed", timeout, s.bug)
}

func (s *fakeServer) Secrets() []string { return []string{fakeKey} }

func (s *fakeServer) Fund(amount teller.Amount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.money = amount.Big().Int64()
	for _, o := range s.orders {
		s.money += o.reserved()
	}
}

func (s *fakeServer) Offer(asks ...Ask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks = slices.Clone(asks)
	for _, o := range s.orders {
		s.match(o)
	}
}

func (s *fakeServer) match(o *fakeOrder) {
	if o.final() {
		return
	}
	before, done := o.spent(), false
	for len(s.asks) > 0 && !done {
		price := s.asks[0].Price.Big().Int64()
		n := min(o.wants(price), int64(s.asks[0].Quantity))
		if n == 0 {
			done = o.Price == 0
			break
		}
		o.Got += n
		o.Cost += n * price
		if s.asks[0].Quantity -= teller.Droplets(n); s.asks[0].Quantity == 0 {
			s.asks = s.asks[1:]
		}
	}
	if done || (o.Price > 0 && o.Got == o.Want) || (o.Price == 0 && o.Cost == o.Spend*1_000_000) {
		o.Status = "filled"
	}
	s.money -= o.spent() - before
}

func (s *fakeServer) Seen(clientID string) (seen []Seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.CID == clientID && clientID != "" {
			seen = append(seen, Seen{
				fmt.Sprint(o.ID), o.final(), o.Status == "filled", teller.Droplets(o.Got - o.fee()), teller.NewAmount(uint64(o.spent())),
			})
		}
	}
	return seen
}

func (s *fakeServer) Ends() []string { return []string{"cancelled", "expired"} }

func (s *fakeServer) End(clientID, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.CID == clientID && !o.final() {
			o.Status = how
		}
	}
}

func (s *fakeServer) RateLimit(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limited = on
}

func (s *fakeServer) Maintain(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.xy = on
}

func (s *fakeServer) PlaceByHand() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.place(fakeOrder{Spend: 1_000_000})
	s.place(fakeOrder{Price: 1, Want: 1_000_000_000_000})
	return 1
}

func (s *fakeServer) place(o fakeOrder) int {
	o.ID, o.Status = 100+len(s.orders), "open"
	s.orders = append(s.orders, &o)
	s.match(&o)
	return o.ID
}

// fakeAnswer is every answer.
type fakeAnswer struct {
	Done   bool
	Error  string
	ID     int
	Money  *big.Int
	Free   *big.Int
	Orders []fakeOrder
}

// fakeAsked is every request.
type fakeAsked struct {
	Key   string
	CID   string
	ID    string
	Order fakeOrder
}

func (s *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked fakeAsked
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.xy {
		http.Error(w, page, http.StatusServiceUnavailable)
		return
	}
	a := fakeAnswer{Done: true}
	switch {
	case s.limited:
		a.Error = "slower"
	case asked.Key != fakeKey:
		a.Error = "who are you"
	default:
		s.answer(r.URL.Path, asked, &a)
	}
	_ = json.NewEncoder(w).Encode(a)
}

func (s *fakeServer) answer(path string, asked fakeAsked, a *fakeAnswer) {
	var reserved int64
	for _, o := range s.orders {
		reserved += o.reserved()
	}
	switch path {
	case "/balance":
		a.Money, a.Free = big.NewInt(s.money), big.NewInt(s.money-reserved)
	case "/place":
		o := asked.Order
		cost := o.Spend + (o.Price*o.Want+999_999)/1_000_000
		switch {
		case slices.ContainsFunc(s.orders, func(other *fakeOrder) bool { return other.CID == o.CID }):
			a.Error = "taken"
		case cost < fakeLeap:
			a.Error = "too little"
		case cost > s.money-reserved:
			a.Error = "too poor"
		default:
			a.ID = s.place(o)
		}
	case "/orders":
		for _, o := range s.orders {
			a.Orders = append(a.Orders, *o)
		}
	case "/cancel":
		for _, o := range s.orders {
			if fmt.Sprint(o.ID) != asked.ID {
				continue
			}
			if a.ID = o.ID; !o.final() {
				o.Status = "cancelled"
			}
		}
	}
}
