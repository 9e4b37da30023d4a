package c2cxsim

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
)

// maxCID bounds client ids.
const maxCID = 64

// createOrder accepts an order, or says why not.
func (s *Server) createOrder(account *Account, form url.Values, fate Fault) reply {
	o, refusal := s.readOrder(account, form)
	if refusal != "" {
		return refuse(refusal)
	}
	short := account.BTC.sub(s.frozen(account)).Cmp(o.reserved()) < 0
	if short && s.rules.refuseShort {
		return refuse("insufficient balance")
	}
	o.ID = s.nextID()
	o.Created = s.now().UnixMilli()
	s.add(o)
	s.touch(o)
	switch {
	case short && o.Market:
		s.setStatus(o, Cancelled)
	case short:
		o.Unpaid = true
		s.setStatus(o, Suspended)
	case fate.Kind.in(orderFates):
		s.meetFate(o, fate)
	default:
		s.match(o, nil)
	}
	return success(map[string]json.RawMessage{"orderId": number(strconv.FormatInt(o.ID, 10), o.ID%2 == 0)})
}

// readOrder reads the terms of an order; refusal is "" when they are good.
func (s *Server) readOrder(account *Account, form url.Values) (o *Order, refusal string) {
	o = &Order{Account: account.Key, CID: form.Get("cid"), Status: Active, Fills: []Fill{}}
	price, priceErr := readNumber(form.Get("price"))
	quantity, quantityErr := readNumber(form.Get("quantity"))
	worth := price.mul(quantity)
	switch {
	case form.Get("symbol") != symbol:
		return nil, "symbol not exists"
	case form.Get("orderType") != "buy":
		return nil, "orderType is wrong" // nobody sells here but the book
	case form.Get("isAdvancedOrder") != "" && form.Get("isAdvancedOrder") != "0":
		return nil, "isAdvancedOrder is wrong"
	case len(o.CID) > maxCID:
		return nil, "cid is wrong"
	case o.CID != "" && s.byCID[name{account.Key, o.CID}] != nil:
		return nil, "cid already exists, please change"
	case priceErr != nil || price.Sign() < 0:
		return nil, "price is wrong"
	case quantityErr != nil || quantity.Sign() < 0:
		return nil, "quantity is wrong"
	}
	switch form.Get("priceTypeId") {
	case "market":
		if worth.Sign() != 0 {
			return nil, "price or quantity is wrong"
		}
		worth = price.add(quantity)
		o.Market, o.Spend, o.InPrice = true, worth, price.Sign() > 0
		if !worth.fits(s.rules.spendDecimals) {
			return nil, fmt.Sprintf("quantity is wrong, at most %d decimals", s.rules.spendDecimals)
		}
	case "limit":
		o.Price, o.Quantity = price, quantity
		if !price.fits(s.rules.priceDecimals) || !quantity.fits(s.rules.quantityDecimals) {
			return nil, fmt.Sprintf("price or quantity is wrong, at most %d and %d decimals", s.rules.priceDecimals, s.rules.quantityDecimals)
		}
	default:
		return nil, "priceTypeId is wrong"
	}
	if worth.Sign() == 0 || worth.Cmp(s.rules.minimum) < 0 {
		return nil, "limit value: " + s.rules.minimum.String()
	}
	return o, ""
}

// readNumber reads a parameter; one that is not there is 0.
func readNumber(text string) (Decimal, error) {
	if text == "" {
		return Decimal{}, nil
	}
	return ParseDecimal(text)
}

// meetFate lets an order buy a part and then end, or wait for some time.
func (s *Server) meetFate(o *Order, fate Fault) {
	hundred := MustDecimal("100")
	part := s.quote(o).mul(Decimal{new(big.Rat).SetInt64(int64(fate.Part))}).quo(hundred, s.rules.quantityDecimals)
	s.match(o, &part)
	if o.Status.Final() {
		return
	}
	if failure, ok := failures[fate.Kind]; ok {
		s.setStatus(o, failure)
		return
	}
	s.setStatus(o, holds[fate.Kind])
	if o.Status == Partial && o.Bought.Sign() == 0 {
		o.Status = Active
	}
	o.Shown = max(1, fate.Shown)
}

// show writes an order into an answer. One that waits to be shown often enough goes on when it has been.
func (s *Server) show(o *Order, listed bool) map[string]json.RawMessage {
	row := s.row(o, listed)
	if o.Shown > 0 {
		o.Shown--
		s.touch(o)
		if o.Shown == 0 {
			s.goOn(o)
		}
	}
	return row
}

func (s *Server) goOn(o *Order) {
	if o.Status == Cancelling {
		s.setStatus(o, Cancelled)
		return
	}
	s.setStatus(o, Active)
	s.match(o, nil)
}

// row is an order as answers show it.
func (s *Server) row(o *Order, listed bool) map[string]json.RawMessage {
	odd := o.ID%2 == 1
	price, amount := o.Price, o.Quantity
	switch {
	case o.Market && o.InPrice:
		price = o.Spend
	case o.Market:
		amount = o.Spend
	}
	average := "0"
	if o.Bought.Sign() > 0 {
		average = new(big.Rat).Quo(o.Spent.Rat(), o.Bought.Rat()).FloatString(s.rules.averageDecimals)
	}
	cid := json.RawMessage("null")
	if o.CID != "" {
		cid = encodeText(o.CID)
	}
	row := map[string]json.RawMessage{
		"amount": number(amount.String(), !odd), "avgPrice": number(average, !odd),
		"completedAmount": number(o.Bought.String(), odd), "createDate": number(strconv.FormatInt(o.Created, 10), false),
		"orderId": number(strconv.FormatInt(o.ID, 10), !odd), "price": number(price.String(), !odd),
		"status": number(strconv.Itoa(int(o.Status)), !odd), "fee": number(o.Fee.String(), odd),
		"type": json.RawMessage(`"buy"`), "cid": cid, "source": json.RawMessage(`"api"`),
	}
	if listed {
		row["updateDate"] = number(strconv.FormatInt(o.Updated, 10), false)
		row["trigger"] = number("0", false)
	}
	return row
}

func encodeText(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		panic("c2cxsim: " + err.Error()) // a string can always be encoded
	}
	return b
}

// ownOrder finds an order of the account by the parameter orderId.
func (s *Server) ownOrder(account *Account, form url.Values) *Order {
	id, err := strconv.ParseInt(form.Get("orderId"), 10, 64)
	if o := s.byID[id]; err == nil && o != nil && o.Account == account.Key {
		return o
	}
	return nil
}

func (s *Server) getOrderInfo(account *Account, form url.Values, _ Fault) reply {
	if form.Get("symbol") != symbol {
		return refuse("symbol not exists")
	}
	if form.Get("orderId") != "-1" {
		o := s.ownOrder(account, form)
		if o == nil {
			return refuse("orderId is wrong")
		}
		return success(s.show(o, false))
	}
	var rows []any
	for _, o := range slices.Backward(slices.Clone(s.live)) {
		if o.Account == account.Key {
			rows = append(rows, s.show(o, false))
		}
	}
	if len(rows) == 0 {
		return refuse("There is no items")
	}
	return success(rows)
}

// maxPage bounds what one page lists.
const maxPage = 100

// getOrderByStatus lists a page of the orders in a status, 0 for all, the newest first. Page 0 is page 1.
func (s *Server) getOrderByStatus(account *Account, form url.Values, _ Fault) reply {
	if form.Get("symbol") != symbol {
		return refuse("symbol not exists")
	}
	status, err := strconv.Atoi(form.Get("status"))
	if err != nil || status < 0 || status > int(Cancelling) {
		return refuse("status is wrong")
	}
	page, err := strconv.Atoi(form.Get("pageindex"))
	if err != nil || page < 1 {
		page = 1
	}
	size, err := strconv.Atoi(form.Get("pagesize"))
	if err != nil || size < 1 || size > maxPage {
		size = maxPage
	}
	var listed []*Order
	for _, o := range slices.Backward(s.orders) {
		if o.Account == account.Key && (status == 0 || o.Status == Status(status)) {
			listed = append(listed, o)
		}
	}
	from := min((page-1)*size, len(listed))
	rows := []any{}
	for _, o := range listed[from:min(from+size, len(listed))] {
		rows = append(rows, s.show(o, true))
	}
	return success(map[string]any{
		"rows": rows, "pageindex": nil, "pagesize": nil, "recordcount": len(listed), "pagecount": (len(listed) + size - 1) / size,
	})
}

func (s *Server) cancelOrder(account *Account, form url.Values, fate Fault) reply {
	o := s.ownOrder(account, form)
	switch {
	case o == nil:
		return refuse("orderId is wrong")
	case o.Status.Final():
		return refuse(fmt.Sprintf("you can't cancel order in %q status", o.Status))
	case o.Status == Cancelling:
		return success(struct{}{})
	case fate.Kind == HoldCancel:
		s.setStatus(o, Cancelling)
		o.Shown = max(1, fate.Shown)
	default:
		s.setStatus(o, Cancelled)
	}
	return success(struct{}{})
}
