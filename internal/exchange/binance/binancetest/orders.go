package binancetest

import (
	"math/big"
	"net/url"
	"regexp"
	"sort"
	"strconv"
)

func (s *Server) symbol(params url.Values) (*Symbol, *Refusal) {
	name := params.Get("symbol")
	if name == "" {
		return nil, missing("symbol")
	}
	symbol, ok := s.symbols[name]
	if !ok {
		return nil, refuse(400, -1121, "Invalid symbol.")
	}
	return symbol, nil
}

func missing(name string) *Refusal {
	return refuse(400, -1102, "Mandatory parameter '"+name+"' was not sent, was empty/null, or malformed.")
}

func (s *Server) serveAccount(url.Values) (any, *Refusal) {
	type row struct {
		Asset  string `json:"asset"`
		Free   string `json:"free"`
		Locked string `json:"locked"`
	}
	rows := []row{}
	for asset, b := range s.balances {
		rows = append(rows, row{asset, show(b.free), show(b.locked)})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Asset < rows[j].Asset })
	return map[string]any{
		"makerCommission": 10, "takerCommission": 10, "canTrade": true, "canWithdraw": false, "canDeposit": true,
		"updateTime": s.now(), "accountType": "SPOT", "balances": rows, "permissions": []string{"SPOT"}, "uid": 1,
	}, nil
}

var (
	clientIDForm = regexp.MustCompile(`^[\.A-Z\:/a-z0-9_-]{1,36}$`)
	numberForm   = regexp.MustCompile(`^[0-9]{1,20}(\.[0-9]{1,20})?$`)
	decimalsForm = regexp.MustCompile(`^[0-9]+(\.[0-9]{1,8})?$`)
)

// number reads a parameter that must be a number if it is there at all.
func number(params url.Values, name string) (*big.Rat, *Refusal) {
	text := params.Get(name)
	switch {
	case text == "":
		return nil, nil
	case !numberForm.MatchString(text):
		return nil, refuse(400, -1100, "Illegal characters found in parameter '"+name+"'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.")
	case !decimalsForm.MatchString(text):
		return nil, refuse(400, -1111, "Parameter '"+name+"' has too much precision.")
	}
	return rat(text), nil
}

// readOrder reads a new order's parameters.
func readOrder(params url.Values) (*Order, *Refusal) {
	o := &Order{
		ClientID: params.Get("newClientOrderId"), Symbol: params.Get("symbol"), Side: params.Get("side"),
		Type: params.Get("type"), TimeInForce: params.Get("timeInForce"),
	}
	for _, f := range []struct {
		name string
		into **big.Rat
	}{{"quantity", &o.quantity}, {"quoteOrderQty", &o.spend}, {"price", &o.price}} {
		n, refusal := number(params, f.name)
		if refusal != nil {
			return nil, refusal
		}
		*f.into = n
	}
	if o.Side != "BUY" {
		return nil, refuse(400, -1117, "Invalid side.") // selling is left out
	}
	if !clientIDForm.MatchString(o.ClientID) {
		return nil, refuse(400, -1100, "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{1,36}$'.")
	}
	switch o.Type {
	case "MARKET":
		if o.TimeInForce != "" || o.price != nil {
			return nil, refuse(400, -1106, "Parameter 'timeInForce' sent when not required.")
		}
		if (o.quantity == nil) == (o.spend == nil) {
			return nil, refuse(400, -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!")
		}
	case "LIMIT":
		if o.TimeInForce == "" {
			return nil, missing("timeInForce")
		}
		if o.TimeInForce != "IOC" { // GTC is left out: Rest places such orders
			return nil, refuse(400, -1115, "Invalid timeInForce.")
		}
		if o.price == nil || o.quantity == nil || o.spend != nil {
			return nil, missing("price")
		}
	default:
		return nil, refuse(400, -1116, "Invalid orderType.")
	}
	return o, nil
}

func (s *Server) serveNew(params url.Values) (any, *Refusal) {
	symbol, refusal := s.symbol(params)
	if refusal != nil {
		return nil, refusal
	}
	o, refusal := readOrder(params)
	if refusal != nil {
		return nil, refusal
	}
	notional := o.spend
	if o.price != nil {
		notional = new(big.Rat).Mul(o.price, o.quantity)
	}
	if notional == nil {
		return nil, refuse(400, -1102, "Param 'quoteOrderQty' must be sent.") // market orders by quantity are left out
	}
	if notional.Sign() == 0 {
		return nil, refuse(400, -1013, "Invalid quantity.")
	}
	if refusal := symbol.check(o.price, o.quantity, notional); refusal != nil {
		return nil, refusal
	}
	if symbol.Status != "TRADING" {
		return nil, refuse(400, -2010, "This order type is not possible in this trading phase.")
	}
	for _, other := range s.orders {
		if other.open() && other.ClientID == o.ClientID {
			return nil, refuse(400, -2010, "Duplicate order sent.")
		}
	}
	if o.Type == "MARKET" && !s.held {
		book := s.books[o.Symbol]
		if len(book) == 0 {
			return nil, refuse(400, -2010, "Order book liquidity is less than symbol minimum quantity.")
		}
		if new(big.Rat).Quo(o.spend, rat(book[0].Price)).Cmp(rat(symbol.MinQty)) < 0 {
			return nil, refuse(400, -1013, "Filter failure: LOT_SIZE")
		}
	}
	if refusal := s.accept(o); refusal != nil {
		return nil, refusal
	}
	if !s.held {
		s.match(o)
	}
	if params.Get("newOrderRespType") != "ACK" {
		return o.show(), nil // without fills: nothing here asks for them
	}
	return map[string]any{
		"symbol": o.Symbol, "orderId": o.ID, "orderListId": -1, "clientOrderId": o.ClientID, "transactTime": o.time,
	}, nil
}

// show is an order as queries show it.
func (o *Order) show() map[string]any {
	paid := show(o.paid)
	if o.unpaid {
		paid = "-1.00000000"
	}
	quantity, spend, price, force := o.quantity, o.spend, o.price, o.TimeInForce
	if quantity == nil {
		quantity = o.executed
	}
	if spend == nil {
		spend = new(big.Rat)
	}
	if price == nil {
		price = new(big.Rat)
	}
	if force == "" {
		force = "GTC"
	}
	return map[string]any{
		"symbol": o.Symbol, "orderId": o.ID, "orderListId": -1, "clientOrderId": o.ClientID, "price": show(price),
		"origQty": show(quantity), "executedQty": show(o.executed), "cummulativeQuoteQty": paid, "status": o.Status,
		"timeInForce": force, "type": o.Type, "side": o.Side, "stopPrice": "0.00000000", "icebergQty": "0.00000000",
		"time": o.time, "updateTime": o.time, "isWorking": true, "workingTime": o.time, "origQuoteOrderQty": show(spend),
		"selfTradePreventionMode": "EXPIRE_MAKER",
	}
}

// find looks an order up. The exchange's id counts more than the client's; of several with one client id the last is meant.
func (s *Server) find(params url.Values) (*Order, *Refusal) {
	symbol, refusal := s.symbol(params)
	if refusal != nil {
		return nil, refusal
	}
	id, clientID := params.Get("orderId"), params.Get("origClientOrderId")
	if id == "" && clientID == "" {
		return nil, refuse(400, -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
	}
	if _, err := strconv.ParseInt(id, 10, 64); id != "" && err != nil {
		return nil, refuse(400, -1100, "Illegal characters found in parameter 'orderId'; legal range is '^[0-9]{1,20}$'.")
	}
	for i := len(s.orders) - 1; i >= 0; i-- {
		o := s.orders[i]
		if o.Symbol == symbol.Name && (id == "" || strconv.FormatInt(o.ID, 10) == id) && (clientID == "" || o.ClientID == clientID) {
			return o, nil
		}
	}
	return nil, nil
}

func (s *Server) serveQuery(params url.Values) (any, *Refusal) {
	o, refusal := s.find(params)
	switch {
	case refusal != nil:
		return nil, refusal
	case o == nil:
		return nil, refuse(400, -2013, "Order does not exist.")
	case o.forgotten:
		return nil, refuse(400, -2026, "Order was canceled or expired with no executed qty over 90 days ago and has been archived.")
	}
	return o.show(), nil
}

// serveCancel ends an open order, whose client id is then that of the cancellation.
func (s *Server) serveCancel(params url.Values) (any, *Refusal) {
	o, refusal := s.find(params)
	if refusal != nil {
		return nil, refusal
	}
	if o == nil || !o.open() {
		return nil, refuse(400, -2011, "Unknown order sent.")
	}
	id := params.Get("newClientOrderId")
	if id == "" {
		id = "pXLV6Hz6mprAcVYpVMTGgx"
	}
	if !clientIDForm.MatchString(id) {
		return nil, refuse(400, -1100, "Illegal characters found in parameter 'newClientOrderId'.")
	}
	s.end(o, "CANCELED")
	answer := o.show()
	answer["origClientOrderId"], answer["clientOrderId"] = o.ClientID, id
	o.ClientID = id
	return answer, nil
}

func (s *Server) serveOpen(params url.Values) (any, *Refusal) {
	symbol, refusal := s.symbol(params)
	if refusal != nil {
		return nil, refusal
	}
	open := []any{}
	for _, o := range s.orders {
		if o.Symbol == symbol.Name && o.open() {
			open = append(open, o.show())
		}
	}
	return open, nil
}

// serveTrades lists trades of one order: from a trade on the first, else the last.
func (s *Server) serveTrades(params url.Values) (any, *Refusal) {
	symbol, refusal := s.symbol(params)
	if refusal != nil {
		return nil, refusal
	}
	limit := 500
	if text := params.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, refuse(400, -1130, "Data sent for parameter 'limit' is not valid.")
		}
		limit = n
	}
	id := params.Get("orderId")
	if id == "" {
		return nil, refuse(400, -1128, "Combination of optional parameters invalid.") // lists of all trades are left out
	}
	from, err := strconv.ParseInt(params.Get("fromId"), 10, 64)
	list := []any{}
	for _, t := range s.trades {
		if s.hidden || t.symbolOfTheMarket != symbol.Name || strconv.FormatInt(t.order.ID, 10) != id || err == nil && t.id < from {
			continue
		}
		list = append(list, map[string]any{
			"symbol": symbol.Name, "id": t.id, "orderId": t.order.ID, "orderListId": -1, "price": show(t.price), "qty": show(t.quantity),
			"quoteQty": show(t.paid), "commission": show(t.fee), "commissionAsset": t.feeAsset, "time": t.time,
			"isBuyer": t.buyer, "isMaker": false, "isBestMatch": true,
		})
	}
	switch {
	case len(list) <= limit:
	case err == nil:
		list = list[:limit]
	default:
		list = list[len(list)-limit:]
	}
	return list, nil
}
