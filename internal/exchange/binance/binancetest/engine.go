package binancetest

import (
	"math/big"
	"slices"
	"sort"
)

// Offer is what somebody sells.
type Offer struct{ Price, Quantity string }

type balance struct{ free, locked *big.Rat }

// Order is an order of the account.
type Order struct {
	ID                 int64
	ClientID           string
	Symbol, Side, Type string
	TimeInForce        string
	Status             string

	placedAs  string   // its client id before it was cancelled
	price     *big.Rat // nil for a market order
	quantity  *big.Rat // nil for one that says what to spend
	spend     *big.Rat
	locked    *big.Rat // of the asset that it pays with
	executed  *big.Rat
	paid      *big.Rat
	got       *big.Rat // what has come to the account for it, fees taken off
	spent     *big.Rat // what has left the account for it, fees in that asset included
	time      int64
	forgotten bool
	unpaid    bool // what was paid is not known any more
}

// Executed is how much of the base asset the order has bought or sold, as a decimal.
func (o Order) Executed() string { return show(o.executed) }

// Paid is how much of the quote asset has gone for it.
func (o Order) Paid() string { return show(o.paid) }

// Got is how much of what was bought has come to the account, fees taken off.
func (o Order) Got() string { return show(o.got) }

// Spent is how much of what was paid with has left the account, fees included.
func (o Order) Spent() string { return show(o.spent) }

// Final reports whether the order has ended.
func (o Order) Final() bool { return !o.open() }

// Quantity is what was asked for, "" for an order that says what to spend.
func (o Order) Quantity() string { return optional(o.quantity) }

// Price is the limit, "" for a market order.
func (o Order) Price() string { return optional(o.price) }

func optional(n *big.Rat) string {
	if n == nil {
		return ""
	}
	return show(n)
}

func (o *Order) open() bool { return o.Status == "NEW" || o.Status == "PARTIALLY_FILLED" }

type trade struct {
	id                int64
	order             *Order
	price, quantity   *big.Rat
	paid, fee         *big.Rat
	feeAsset          string
	buyer             bool
	time              int64
	symbolOfTheMarket string
}

// SetBalance gives the account a free amount of an asset, beside what open orders have reserved.
func (s *Server) SetBalance(asset, free string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asset(asset).free = rat(free)
}

// Balance is how much of an asset is free, and how much is reserved by open orders.
func (s *Server) Balance(asset string) (free, locked string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.asset(asset)
	return show(b.free), show(b.locked)
}

func (s *Server) asset(name string) *balance {
	b, ok := s.balances[name]
	if !ok {
		b = &balance{free: new(big.Rat), locked: new(big.Rat)}
		s.balances[name] = b
	}
	return b
}

// SetBook replaces what is offered on a market. Open orders to buy that find their price take it.
func (s *Server) SetBook(symbol string, offers ...Offer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	book := append([]Offer(nil), offers...)
	sort.SliceStable(book, func(i, j int) bool { return rat(book[i].Price).Cmp(rat(book[j].Price)) < 0 })
	s.books[symbol] = book
	for _, o := range s.orders {
		if o.Symbol == symbol && o.Side == "BUY" && o.open() && !s.held {
			s.match(o)
		}
	}
}

// SetFee sets what is taken of each trade. It is taken in what is bought ("" as the asset), in the asset that is paid
// with, or in any other, of which the account is then taken to have enough.
func (s *Server) SetFee(rate, asset string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeRate, s.feeAsset = rate, asset
}

// Hold makes the exchange accept orders without matching them.
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// Wait makes limit orders that do not find enough at their price wait for it, although they say IOC. The exchange does so
// with orders of other kinds.
func (s *Server) Wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patient = true
}

// Match matches what is open and new orders from now on.
func (s *Server) Match() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	for _, o := range s.orders {
		if o.open() && o.Side == "BUY" {
			s.match(o)
		}
	}
}

// Trade lets an open order buy a quantity at a price.
func (s *Server) Trade(clientID, price, quantity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.ClientID == clientID && o.open() {
			s.trade(o, rat(price), rat(quantity))
			if o.quantity != nil && o.executed.Cmp(o.quantity) == 0 {
				s.end(o, "FILLED")
			}
			return
		}
	}
	panic("binancetest: no open order " + clientID)
}

// End ends an open order with a status of the exchange's choice.
func (s *Server) End(clientID, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.ClientID == clientID && o.open() {
			s.end(o, status)
			return
		}
	}
	panic("binancetest: no open order " + clientID)
}

// Archive forgets an order that has bought nothing, as the exchange does after 90 days.
func (s *Server) Archive(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.ClientID == clientID {
			o.forgotten = true
		}
	}
}

// ForgetPaid makes the exchange say of all orders that it does not know any more what was paid.
func (s *Server) ForgetPaid() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		o.unpaid = true
	}
}

// HideTrades makes the list of trades lag behind.
func (s *Server) HideTrades(hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = hidden
}

// Orders lists all orders that were ever accepted.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Order
	for _, o := range s.orders {
		c := *o
		for _, n := range []**big.Rat{&c.executed, &c.paid, &c.got, &c.spent} {
			*n = new(big.Rat).Set(*n)
		}
		all = append(all, c)
	}
	return all
}

// PlacedAs lists the orders that were placed under a client id, whatever they are called now.
func (s *Server) PlacedAs(clientID string) []Order {
	return slices.DeleteFunc(s.Orders(), func(o Order) bool { return o.placedAs != clientID })
}

// Rest places an order by hand, which rests in the book: SELL or BUY.
func (s *Server) Rest(clientID, symbol, side, price, quantity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &Order{ClientID: clientID, Symbol: symbol, Side: side, Type: "LIMIT", TimeInForce: "GTC", price: rat(price), quantity: rat(quantity)}
	if refusal := s.accept(o); refusal != nil {
		panic(refusal.Msg)
	}
}

// accept takes an order in and reserves what it pays with.
func (s *Server) accept(o *Order) *Refusal {
	symbol := s.symbols[o.Symbol]
	pays, amount := symbol.Quote, o.spend
	if o.Side == "SELL" {
		pays, amount = symbol.Base, o.quantity
	} else if o.price != nil {
		amount = new(big.Rat).Mul(o.price, o.quantity)
	}
	amount = up(amount, smallest())
	from := s.asset(pays)
	if from.free.Cmp(amount) < 0 {
		return refuse(400, -2010, "Account has insufficient balance for requested action.")
	}
	from.free.Sub(from.free, amount)
	from.locked.Add(from.locked, amount)
	o.ID, o.Status, o.time, o.placedAs = int64(len(s.orders)+1), "NEW", s.now(), o.ClientID
	o.locked, o.executed, o.paid, o.got, o.spent = amount, new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat)
	s.orders = append(s.orders, o)
	return nil
}

// match lets an order to buy take what is offered, and ends it unless it waits.
func (s *Server) match(o *Order) {
	symbol := s.symbols[o.Symbol]
	lot := rat(symbol.StepSize)
	if lot.Sign() == 0 {
		lot = smallest()
	}
	book := s.books[o.Symbol]
	enough := false
	for i := 0; i < len(book) && !enough; i++ {
		price, offered := rat(book[i].Price), rat(book[i].Quantity)
		if o.price != nil && price.Cmp(o.price) > 0 {
			break
		}
		var want *big.Rat
		if o.quantity != nil {
			want = new(big.Rat).Sub(o.quantity, o.executed)
		} else {
			want = down(new(big.Rat).Quo(new(big.Rat).Sub(o.spend, o.paid), price), lot)
		}
		take := want
		if enough = offered.Cmp(want) >= 0; !enough {
			take = offered
		}
		if take.Sign() > 0 {
			s.trade(o, price, take)
		}
		book[i].Quantity = show(new(big.Rat).Sub(offered, take))
	}
	switch {
	case enough:
		s.end(o, "FILLED")
	case o.TimeInForce == "GTC", s.patient && o.Type == "LIMIT":
	default:
		s.end(o, "EXPIRED")
	}
}

// trade books one trade of an order.
func (s *Server) trade(o *Order, price, quantity *big.Rat) {
	symbol := s.symbols[o.Symbol]
	paid := down(new(big.Rat).Mul(price, quantity), smallest())
	gives, gets, given, got := symbol.Quote, symbol.Base, paid, quantity
	if o.Side == "SELL" {
		gives, gets, given, got = gets, gives, got, given
	}
	o.locked.Sub(o.locked, given)
	s.asset(gives).locked.Sub(s.asset(gives).locked, given)
	s.asset(gets).free.Add(s.asset(gets).free, got)

	feeAsset, base := s.feeAsset, got
	switch feeAsset {
	case "":
		feeAsset = gets
	case gives:
		base = given
	}
	fee := down(new(big.Rat).Mul(base, rat(s.feeRate)), smallest())
	s.asset(feeAsset).free.Sub(s.asset(feeAsset).free, fee)
	o.got.Add(o.got, got)
	o.spent.Add(o.spent, given)
	switch feeAsset {
	case gets:
		o.got.Sub(o.got, fee)
	case gives:
		o.spent.Add(o.spent, fee)
	}

	o.Status = "PARTIALLY_FILLED"
	o.executed.Add(o.executed, quantity)
	o.paid.Add(o.paid, paid)
	s.trades = append(s.trades, &trade{
		id: int64(len(s.trades)) + 100, order: o, price: price, quantity: quantity, paid: paid, fee: fee, feeAsset: feeAsset,
		buyer: o.Side == "BUY", time: s.now(), symbolOfTheMarket: o.Symbol,
	})
}

// end sets an order's last status, and frees what it had reserved and not paid.
func (s *Server) end(o *Order, status string) {
	symbol := s.symbols[o.Symbol]
	pays := s.asset(symbol.Quote)
	if o.Side == "SELL" {
		pays = s.asset(symbol.Base)
	}
	pays.free.Add(pays.free, o.locked)
	pays.locked.Sub(pays.locked, o.locked)
	o.locked = new(big.Rat)
	o.Status = status
}
