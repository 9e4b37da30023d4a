package c2cxsim

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/skycoin/teller"
)

// Book returns what others sell, the cheapest first.
func (s *Server) Book() []Ask {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Ask{}, s.book...)
}

// Totals returns the books of the other side.
func (s *Server) Totals() Totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.totals
}

// Orders returns all orders that were ever accepted, the oldest first.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allOrders()
}

func (s *Server) allOrders() []Order {
	all := make([]Order, len(s.orders))
	for i, o := range s.orders {
		all[i] = o.clone()
	}
	return all
}

// Order returns an order by its cid, of whatever account, or by its id; CodeNotFound when there is none.
func (s *Server) Order(cidOrID string) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(cidOrID)
	if err != nil {
		return Order{}, err
	}
	return o.clone(), nil
}

func (s *Server) find(cidOrID string) (*Order, error) {
	for _, key := range sortedKeys(s.accounts) {
		if o := s.byCID[name{key, cidOrID}]; o != nil {
			return o, nil
		}
	}
	if id, err := strconv.ParseInt(cidOrID, 10, 64); err == nil && s.byID[id] != nil {
		return s.byID[id], nil
	}
	return nil, teller.Errorf(teller.CodeNotFound, "there is no order %.80q", cidOrID)
}

// edit changes an order that is not final; CodeNotFound when there is none, CodeConflict when it is final.
func (s *Server) edit(cidOrID string, f func(*Order) error) error {
	return s.change(func() error {
		o, err := s.find(cidOrID)
		if err != nil {
			return err
		}
		if o.Status.Final() {
			return teller.Errorf(teller.CodeConflict, "order %.80q is %s", cidOrID, o.Status)
		}
		return f(o)
	})
}

// End ends an order as the exchange does: "cancelled", "error" or "expired". What it has bought it keeps. CodeNotFound
// when there is no such order, CodeConflict when it is final.
func (s *Server) End(cidOrID, how string) error {
	to, err := parseFailure(how)
	if err != nil {
		return err
	}
	return s.edit(cidOrID, func(o *Order) error {
		s.setStatus(o, to)
		return nil
	})
}

// Suspend lets an order buy nothing until it is resumed.
func (s *Server) Suspend(cidOrID string) error {
	return s.edit(cidOrID, func(o *Order) error {
		s.setStatus(o, Suspended)
		return nil
	})
}

// Resume lets an order that is pending, suspended or being cancelled go on buying. An unpaid one needs coins instead.
func (s *Server) Resume(cidOrID string) error {
	return s.edit(cidOrID, func(o *Order) error {
		if o.Unpaid {
			return teller.Errorf(teller.CodeConflict, "order %.80q waits for coins", cidOrID)
		}
		s.setStatus(o, Active)
		s.match(o, nil)
		return nil
	})
}

// Fill lets somebody sell to an order past the book. CodeInvalid when the order does not want so much at the price.
func (s *Server) Fill(cidOrID string, price, quantity Decimal) error {
	return s.edit(cidOrID, func(o *Order) error {
		if err := checkAsks([]Ask{{price, quantity}}); err != nil {
			return err
		}
		wanted := o.wants(price, s.rules.quantityDecimals)
		if o.Unpaid || quantity.Cmp(wanted) > 0 || !quantity.fits(s.rules.quantityDecimals) {
			return teller.Errorf(teller.CodeInvalid, "order %.80q wants %s at %s, not %s", cidOrID, wanted, price, quantity)
		}
		s.fill(o, price, quantity)
		if o.wants(price, s.rules.quantityDecimals).Sign() == 0 {
			s.setStatus(o, Completed)
		}
		return nil
	})
}

// SetFaultPercent changes how many of a hundred requests meet a fault by themselves. At 0 none does, and orders that such
// faults have delayed go on as they would have.
func (s *Server) SetFaultPercent(percent int) error {
	if percent < 0 || percent > 100 {
		return teller.Errorf(teller.CodeInvalid, "%d faults in a hundred requests", percent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.percent = percent
	return nil
}

// state is what GET /sim/state tells.
type state struct {
	Accounts     []Account `json:"accounts"`
	Orders       []Order   `json:"orders"`
	Book         []Ask     `json:"book"`
	Totals       Totals    `json:"totals"`
	Faults       []Fault   `json:"faults"`
	FaultPercent int       `json:"fault_percent"`
}

func (s *Server) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return state{
		s.allAccounts(), s.allOrders(), append([]Ask{}, s.book...), s.totals, append([]Fault{}, s.faults...), s.percent,
	}
}

func (s *Server) addControls(mux *http.ServeMux) {
	mux.HandleFunc("GET /sim/state", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.state(), nil) })
	mux.HandleFunc("GET /sim/check", func(w http.ResponseWriter, _ *http.Request) {
		wrong := s.Check()
		tell(w, map[string]any{"ok": len(wrong) == 0, "wrong": append([]string{}, wrong...)}, nil)
	})
	mux.HandleFunc("GET /sim/orders/{order}", func(w http.ResponseWriter, r *http.Request) { s.tellOrder(w, r, nil) })
	mux.HandleFunc("POST /sim/book", take(func(c struct {
		Asks []Ask `json:"asks"`
		Add  bool  `json:"add"`
	}) (any, error) {
		err := s.offer(c.Asks, c.Add)
		return s.Book(), err
	}))
	mux.HandleFunc("POST /sim/deposit", take(func(c struct {
		Key    string  `json:"key"`
		Coin   string  `json:"coin"`
		Amount Decimal `json:"amount"`
	}) (any, error) {
		err := s.Deposit(c.Key, c.Coin, c.Amount)
		account, _ := s.Account(c.Key)
		return account, err
	}))
	mux.HandleFunc("POST /sim/faults", take(func(f Fault) (any, error) { return f, s.AddFault(f) }))
	mux.HandleFunc("DELETE /sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ForgetFaults()
		tell(w, []Fault{}, nil)
	})
	mux.HandleFunc("POST /sim/fault-percent", take(func(c struct {
		Percent int `json:"percent"`
	}) (any, error) {
		return c, s.SetFaultPercent(c.Percent)
	}))
	mux.HandleFunc("POST /sim/orders/{order}/{act}", s.serveAct)
}

// serveAct does something to an order.
func (s *Server) serveAct(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Status   string  `json:"status"`
		Price    Decimal `json:"price"`
		Quantity Decimal `json:"quantity"`
	}
	order, act := r.PathValue("order"), r.PathValue("act")
	if act == "end" || act == "fill" {
		if err := decode(w, r, &c); err != nil {
			tell(w, nil, err)
			return
		}
	}
	var err error
	switch act {
	case "end":
		err = s.End(order, c.Status)
	case "suspend":
		err = s.Suspend(order)
	case "resume":
		err = s.Resume(order)
	case "fill":
		err = s.Fill(order, c.Price, c.Quantity)
	default:
		err = teller.Errorf(teller.CodeInvalid, "%.60q is not end, suspend, resume or fill", act)
	}
	s.tellOrder(w, r, err)
}

func (s *Server) tellOrder(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		tell(w, nil, err)
		return
	}
	o, err := s.Order(r.PathValue("order"))
	tell(w, o, err)
}

// take serves a command whose arguments are JSON.
func take[C any](do func(C) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var c C
		err := decode(w, r, &c)
		var answer any
		if err == nil {
			answer, err = do(c)
		}
		tell(w, answer, err)
	}
}

// maxBody bounds requests.
const maxBody = 1 << 20

func decode(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return teller.Errorf(teller.CodeInvalid, "the body is not what is expected: %w", err)
	}
	return nil
}

func tell(w http.ResponseWriter, answer any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(answer) // who does not read it does not want it
}
