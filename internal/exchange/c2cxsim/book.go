package c2cxsim

import (
	"cmp"
	"slices"

	"github.com/skycoin/teller"
)

// Ask is what others sell.
type Ask struct {
	Price    Decimal `json:"price"`    // BTC for one SKY
	Quantity Decimal `json:"quantity"` // SKY
}

// maxAsks bounds the book.
const maxAsks = 10_000

// checkAsks refuses what can not stand in a book.
func checkAsks(asks []Ask) error {
	if len(asks) > maxAsks {
		return teller.Errorf(teller.CodeInvalid, "%d asks are more than %d", len(asks), maxAsks)
	}
	for _, a := range asks {
		if a.Price.Sign() <= 0 || a.Quantity.Sign() <= 0 {
			return teller.Errorf(teller.CodeInvalid, "nobody sells %s SKY at %s", a.Quantity, a.Price)
		}
	}
	return nil
}

// SetBook replaces what others sell. What waits is matched before it returns.
func (s *Server) SetBook(asks ...Ask) error { return s.offer(asks, false) }

// AddAsks adds to what others sell.
func (s *Server) AddAsks(asks ...Ask) error { return s.offer(asks, true) }

func (s *Server) offer(asks []Ask, add bool) error {
	if err := checkAsks(asks); err != nil {
		return err
	}
	return s.change(func() error {
		if !add {
			s.book = nil
		}
		s.book = append(s.book, asks...)
		slices.SortStableFunc(s.book, func(a, b Ask) int { return a.Price.Cmp(b.Price) })
		s.touched.book = true
		s.matchAll()
		return nil
	})
}

// matchAll lets every order that waits take what is on offer: market orders first, then the highest price, then the
// oldest.
func (s *Server) matchAll() {
	waiting := slices.Clone(s.live)
	slices.SortFunc(waiting, func(a, b *Order) int {
		switch {
		case a.Market != b.Market && a.Market:
			return -1
		case a.Market != b.Market:
			return 1
		}
		return cmp.Or(b.Price.Cmp(a.Price), cmp.Compare(a.ID, b.ID))
	})
	for _, o := range waiting {
		s.match(o, nil)
	}
}

// match lets an order take what is on offer, no more than most if that is given, and completes it when it has all that it
// can get.
func (s *Server) match(o *Order, most *Decimal) {
	if !o.matches() {
		return
	}
	enough := false
	for len(s.book) > 0 && !enough {
		best := s.book[0]
		wanted := o.wants(best.Price, s.rules.quantityDecimals)
		if wanted.Sign() == 0 {
			enough = o.Market // what is left buys nothing, not even of the cheapest
			break
		}
		quantity := least(wanted, best.Quantity)
		if most != nil {
			quantity = least(quantity, most.sub(o.Bought))
			if quantity.Sign() <= 0 {
				return
			}
		}
		s.fill(o, best.Price, quantity)
		if s.book[0].Quantity = best.Quantity.sub(quantity); s.book[0].Quantity.Sign() == 0 {
			s.book = s.book[1:]
		}
		s.touched.book = true
	}
	switch {
	case !o.Market && o.Bought.Cmp(o.Quantity) == 0, o.Market && o.Spent.Cmp(o.Spend) == 0, enough && o.Bought.Sign() > 0:
		s.setStatus(o, Completed)
	case enough:
		s.setStatus(o, Cancelled) // the sum buys nothing at all
	}
}

// quote is how much an order would buy now.
func (s *Server) quote(o *Order) Decimal {
	trial := o.clone()
	for _, a := range s.book {
		quantity := least(trial.wants(a.Price, s.rules.quantityDecimals), a.Quantity)
		if quantity.Sign() == 0 {
			break
		}
		trial.take(a.Price, quantity, Decimal{})
	}
	return trial.Bought
}

// fill books a purchase on both sides.
func (s *Server) fill(o *Order, price, quantity Decimal) {
	fee := quantity.mul(s.rules.fee)
	o.take(price, quantity, fee)
	s.touch(o)
	account := s.accounts[o.Account]
	account.BTC = account.BTC.sub(price.mul(quantity))
	account.SKY = account.SKY.add(quantity.sub(fee))
	s.touched.accounts[account.Key] = true
	s.totals.SoldSKY = s.totals.SoldSKY.add(quantity)
	s.totals.ReceivedBTC = s.totals.ReceivedBTC.add(price.mul(quantity))
	s.totals.FeesSKY = s.totals.FeesSKY.add(fee)
}
