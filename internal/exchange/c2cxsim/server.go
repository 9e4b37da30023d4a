package c2cxsim

import (
	"cmp"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/skycoin/teller"
)

// Server is the simulated exchange. It is safe for concurrent use.
type Server struct {
	rules rules
	now   func() time.Time
	log   *slog.Logger
	done  chan struct{} // closed by Close: who waits goes home
	close func()

	mu       sync.Mutex
	accounts map[string]*Account
	secrets  map[string]string // by key
	orders   []*Order          // in the order of their ids
	byID     map[int64]*Order
	byCID    map[name]*Order
	live     []*Order // those that are not final
	book     []Ask    // the cheapest first
	totals   Totals
	windows  map[name]window

	faults  []Fault
	percent int // of requests that meet a fault by themselves
	rnd     *rand.Rand

	journal *journal
	touched touched
	broken  error // the journal could not be written: what is told any more might be forgotten
}

// name is something of an account: the cid of an order, or an endpoint.
type name struct{ account, name string }

// touched is what a change has to write.
type touched struct {
	orders   map[int64]bool
	accounts map[string]bool
	book     bool
}

// Totals are the books of the exchange's other side.
type Totals struct {
	SoldSKY     Decimal `json:"sold_sky"`     // by those whose asks stand in the book
	ReceivedBTC Decimal `json:"received_btc"` // by them
	FeesSKY     Decimal `json:"fees_sky"`     // kept by the exchange
}

// firstOrderID is the id of the first order.
const firstOrderID = 3_266_573

// Open starts an exchange with nothing on offer, or goes on with what its journal tells. CodeInvalid for options that make
// no sense, CodeCorrupt when the journal makes none.
func Open(opts Options) (*Server, error) {
	rules, err := opts.rules()
	if err != nil {
		return nil, err
	}
	s := &Server{
		rules: rules, now: opts.Now, log: opts.Log, done: make(chan struct{}),
		accounts: make(map[string]*Account), secrets: make(map[string]string),
		byID: make(map[int64]*Order), byCID: make(map[name]*Order), windows: make(map[name]window),
		percent: opts.FaultPercent, rnd: rand.New(rand.NewPCG(opts.Seed, opts.Seed)), //nolint:gosec // faults need no secret randomness
	}
	s.close = sync.OnceFunc(func() { close(s.done) })
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.forgetTouched()
	if opts.Journal != "" {
		if s.journal, err = openJournal(opts.Journal, s.replay); err != nil {
			return nil, err
		}
	}
	if err := s.openAccounts(opts.Accounts); err != nil {
		_ = s.Close() // the first error says more
		return nil, err
	}
	return s, nil
}

// openAccounts makes the accounts that do not exist yet.
func (s *Server) openAccounts(accounts []NewAccount) error {
	for _, a := range accounts {
		if a.Key == "" || a.Secret == "" || a.BTC.Sign() < 0 || a.SKY.Sign() < 0 {
			return teller.Errorf(teller.CodeInvalid, "an account needs a key, a secret, and no debts")
		}
		err := s.change(func() error {
			s.secrets[a.Key] = a.Secret
			if s.accounts[a.Key] == nil {
				s.accounts[a.Key] = &Account{Key: a.Key, BTC: a.BTC, InBTC: a.BTC, SKY: a.SKY, InSKY: a.SKY}
				s.touched.accounts[a.Key] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close ends the exchange: requests that are being delayed end, and the journal is closed.
func (s *Server) Close() error {
	s.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = teller.Errorf(teller.CodeUnavailable, "the simulated exchange is closed")
	if s.journal == nil {
		return nil
	}
	j := s.journal
	s.journal = nil
	return j.close()
}

// Handler serves the exchange under /v1/ and its controls under /sim/.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/{endpoint}", s.serveExchange)
	s.addControls(mux)
	return mux
}

// change makes one change of the exchange: f makes all of it or, with an error, nothing. It is written to the journal
// before change returns.
func (s *Server) change(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if err := f(); err != nil {
		return err
	}
	if err := s.write(); err != nil {
		s.broken = err
		return err
	}
	return nil
}

// write writes what was touched.
func (s *Server) write() error {
	defer s.forgetTouched()
	if s.journal == nil || (len(s.touched.orders) == 0 && len(s.touched.accounts) == 0 && !s.touched.book) {
		return nil
	}
	r := record{Totals: s.totals}
	for _, id := range sortedKeys(s.touched.orders) {
		r.Orders = append(r.Orders, s.byID[id])
	}
	for _, key := range sortedKeys(s.touched.accounts) {
		r.Accounts = append(r.Accounts, s.accounts[key])
	}
	if s.touched.book {
		book := append([]Ask{}, s.book...) // an empty one is written too
		r.Book = &book
	}
	return s.journal.append(r)
}

func (s *Server) forgetTouched() {
	s.touched = touched{orders: make(map[int64]bool), accounts: make(map[string]bool)}
}

// replay takes over a record of the journal.
func (s *Server) replay(r record) error {
	for _, a := range r.Accounts {
		if a == nil || a.Key == "" {
			return teller.Errorf(teller.CodeCorrupt, "an account without a key")
		}
		s.accounts[a.Key] = a
	}
	for _, o := range r.Orders {
		if o == nil || s.accounts[o.Account] == nil || statusNames[o.Status] == "" {
			return teller.Errorf(teller.CodeCorrupt, "an order without an account or a status")
		}
		if known := s.byID[o.ID]; known != nil {
			*known = *o
			o = known
		} else if o.ID != s.nextID() {
			return teller.Errorf(teller.CodeCorrupt, "order %d after %d orders", o.ID, len(s.orders))
		} else {
			s.add(o)
		}
		if o.Status.Final() {
			s.bury(o)
		}
	}
	if r.Book != nil {
		s.book = *r.Book
	}
	s.totals = r.Totals
	return checkAsks(s.book)
}

func (s *Server) nextID() int64 { return firstOrderID + int64(len(s.orders)) }

// add puts an order into the indexes.
func (s *Server) add(o *Order) {
	s.orders = append(s.orders, o)
	s.byID[o.ID] = o
	if o.CID != "" {
		s.byCID[name{o.Account, o.CID}] = o
	}
	s.live = append(s.live, o)
}

// bury takes an order from among those that are not final.
func (s *Server) bury(o *Order) {
	s.live = slices.DeleteFunc(s.live, func(l *Order) bool { return l == o })
}

// touch notes that an order has changed.
func (s *Server) touch(o *Order) {
	o.Updated = s.now().UnixMilli()
	s.touched.orders[o.ID] = true
}

// setStatus moves an order to a status in which it stays until something happens.
func (s *Server) setStatus(o *Order, to Status) {
	s.log.Debug("simulated order", "order_id", o.ID, "cid", o.CID, "from", o.Status.String(), "to", to.String())
	o.Status, o.Shown = to, 0
	if to == Active && o.Bought.Sign() > 0 {
		o.Status = Partial
	}
	s.touch(o)
	if to.Final() {
		o.Unpaid = false
		s.bury(o)
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
