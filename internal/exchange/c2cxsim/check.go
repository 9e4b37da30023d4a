package c2cxsim

import "fmt"

// Check holds everything against what came in and went out, and returns what is wrong: nothing. No coin may come from
// nowhere or get lost, no order may buy worse or spend more than was asked for, and every sum is that of its parts.
func (s *Server) Check() (wrong []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	equal := func(what string, got, want Decimal) {
		if got.Cmp(want) != 0 {
			say("%s is %s, not %s", what, got, want)
		}
	}
	btc, sky := make(map[string]Decimal), make(map[string]Decimal)
	var sold, received, fees Decimal
	live := 0
	for _, o := range s.orders {
		wrong = append(wrong, o.check()...)
		btc[o.Account] = btc[o.Account].add(o.Spent)
		sky[o.Account] = sky[o.Account].add(o.Bought).sub(o.Fee)
		sold, received, fees = sold.add(o.Bought), received.add(o.Spent), fees.add(o.Fee)
		if !o.Status.Final() {
			live++
		}
		if s.byID[o.ID] != o || (o.CID != "" && s.byCID[name{o.Account, o.CID}] != o) {
			say("order %d is not found by its id or its cid", o.ID)
		}
	}
	if live != len(s.live) {
		say("%d orders are not final, %d are followed", live, len(s.live))
	}
	for _, key := range sortedKeys(s.accounts) {
		a := s.accounts[key]
		equal("the btc of "+key, a.BTC, a.InBTC.sub(btc[key]))
		equal("the sky of "+key, a.SKY, a.InSKY.add(sky[key]))
		if frozen := s.frozen(a); a.BTC.Cmp(frozen) < 0 || a.SKY.Sign() < 0 || frozen.Sign() < 0 {
			say("%s has %s btc, %s of it reserved, and %s sky", key, a.BTC, frozen, a.SKY)
		}
	}
	equal("what others sold", s.totals.SoldSKY, sold)
	equal("what others received", s.totals.ReceivedBTC, received)
	equal("the fees", s.totals.FeesSKY, fees)
	for i, a := range s.book {
		if a.Price.Sign() <= 0 || a.Quantity.Sign() <= 0 || (i > 0 && a.Price.Cmp(s.book[i-1].Price) < 0) {
			say("ask %d is %s at %s", i, a.Quantity, a.Price)
		}
	}
	return wrong
}

// check holds an order's sums against its parts and its terms.
func (o *Order) check() (wrong []string) {
	var bought, spent, fee Decimal
	for _, f := range o.Fills {
		bought, spent, fee = bought.add(f.Quantity), spent.add(f.Price.mul(f.Quantity)), fee.add(f.Fee)
		if f.Quantity.Sign() <= 0 || f.Fee.Sign() < 0 || f.Fee.Cmp(f.Quantity) >= 0 || (!o.Market && f.Price.Cmp(o.Price) > 0) {
			wrong = append(wrong, fmt.Sprintf("order %d bought %s at %s for a fee of %s", o.ID, f.Quantity, f.Price, f.Fee))
		}
	}
	if bought.Cmp(o.Bought) != 0 || spent.Cmp(o.Spent) != 0 || fee.Cmp(o.Fee) != 0 {
		wrong = append(wrong, fmt.Sprintf("order %d bought %s for %s and a fee of %s, in parts %s for %s and %s",
			o.ID, o.Bought, o.Spent, o.Fee, bought, spent, fee))
	}
	over := o.Bought.Cmp(o.Quantity) > 0
	if o.Market {
		over = o.Spent.Cmp(o.Spend) > 0
	}
	if over || (o.Status == Completed && o.Bought.Sign() == 0) || (!o.Market && o.Status == Completed && o.Bought.Cmp(o.Quantity) != 0) {
		wrong = append(wrong, fmt.Sprintf("order %d for %s or %s SKY bought %s for %s and is %s", o.ID, o.Spend, o.Quantity, o.Bought, o.Spent, o.Status))
	}
	return wrong
}
