// Package c2cx buys SKY with BTC on C2CX, as teller.Exchange. The public service is closed; what speaks its protocol today
// is its simulator, and private servers.
//
// # The protocol
//
// Every call is a POST of a signed form, see client.go. What an answer means stands in its body, and its numbers are now
// JSON numbers, now strings, see number.go. Refusals have no codes worth the name: refusal.go knows their texts.
//
// # Orders
//
// A market order says how many BTC to spend. A limit order says a price and a quantity of SKY: both are rounded down, so
// that the price is never worse than demanded and the whole never more than the sum given. What the rounding leaves over
// is not spent.
//
// C2CX accepts orders that the account can not pay and then cancels or suspends them, which burns their client ids. So
// the balance is asked for first. When the coins go to somebody else between the two calls, the order comes to nothing and
// is reported as what it is.
//
// # What was bought, and what for
//
// Bought is completedAmount less fee, which is taken in SKY, cut down to the droplet. What was spent is told nowhere:
// Spent is completedAmount times avgPrice, rounded half up to the satoshi, and at most what the order asked to spend,
// because an average that was rounded up would make it more. It is exact as long as avgPrice has as many digits as that
// takes. Where it has not, it is told a little low while more may be bought, because later reports must not say less.
//
// # Finding an order
//
// C2CX can not be asked for an order by its client id. Find reads the list of all orders, whatever their status, and
// remembers which it has seen; see listing.go.
package c2cx

import (
	"cmp"
	"context"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// Config says how to reach the exchange, and under which rules it trades.
type Config struct {
	// URL is that of the exchange, without /v1/. There is no default: the public service has closed, and whoever owns its
	// name next could report purchases that were never made.
	URL string
	// Key and Secret are those of the account, made on the exchange's site.
	Key    string `json:"-"`
	Secret string `json:"-"`
	// Timeout bounds every call; 10 s when 0.
	Timeout time.Duration
	// Minimum is the smallest order that is tried, in satoshi; 0 = any. The exchange's own minimum varies.
	Minimum teller.Amount
	// Step is what sums to spend must be a multiple of; 1 satoshi when 0. The public service took 1,000.
	Step teller.Amount
	// PriceDecimals and QuantityDecimals are those that a limit order's price in BTC and quantity of SKY may have, 8 and 6
	// when 0. The public service took 5 and 2.
	PriceDecimals, QuantityDecimals int
	// Transport carries the requests; nil = the network.
	Transport http.RoundTripper
}

// String leaves out the keys.
func (c Config) String() string { return "c2cx at " + c.URL }

const (
	defaultTimeout = 10 * time.Second
	symbol         = "BTC_SKY"
)

// Exchange is an account on C2CX. It implements teller.Exchange and is safe for concurrent use.
type Exchange struct {
	client                          *client
	market                          teller.Market
	priceDecimals, quantityDecimals int
	listing                         *listing
}

var _ teller.Exchange = (*Exchange)(nil)

// New makes an adapter. It asks the exchange nothing. CodeInvalid for a configuration that can not work.
func New(c Config) (*Exchange, error) {
	base, err := url.Parse(strings.TrimSuffix(strings.TrimSuffix(c.URL, "/"), "/v1"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") || base.RawQuery != "" || base.Fragment != "" {
		return nil, teller.Errorf(teller.CodeInvalid, "c2cx: the URL of the exchange is no http or https URL") // it may hold a password
	}
	switch {
	case c.Key == "" || c.Secret == "":
		return nil, teller.Errorf(teller.CodeInvalid, "c2cx: an API key and its secret are needed")
	case c.PriceDecimals < 0 || c.PriceDecimals > 18 || c.QuantityDecimals < 0 || c.QuantityDecimals > 18:
		return nil, teller.Errorf(teller.CodeInvalid, "c2cx: decimals are between 1 and 18")
	}
	if c.Step.IsZero() {
		c.Step = teller.NewAmount(1)
	}
	return &Exchange{
		client:        newClient(base.JoinPath("v1"), c),
		market:        teller.Market{Symbol: symbol, Minimum: c.Minimum, Step: c.Step, IDsOnce: true},
		priceDecimals: cmp.Or(c.PriceDecimals, 8), quantityDecimals: cmp.Or(c.QuantityDecimals, 6),
		listing: newListing(),
	}, nil
}

// Close ends connections that are kept for later calls.
func (x *Exchange) Close() { x.client.http.CloseIdleConnections() }

// Name implements teller.Exchange.
func (x *Exchange) Name() string { return "c2cx" }

// Market implements teller.Exchange. It asks the exchange nothing: C2CX does not tell its rules.
func (x *Exchange) Market(_ context.Context, coin teller.Coin) (teller.Market, error) {
	return x.market, traded(coin)
}

// traded returns nil for the one coin that SKY is bought with.
func traded(coin teller.Coin) error {
	if coin != teller.BTC {
		return teller.Errorf(teller.CodeUnsupported, "c2cx sells SKY for BTC only, not for %s", coin)
	}
	return nil
}

// Balance implements teller.Exchange. What is beyond the satoshi is cut off.
func (x *Exchange) Balance(ctx context.Context, coin teller.Coin) (teller.Amount, error) {
	if err := traded(coin); err != nil {
		return teller.Amount{}, err
	}
	data, err := x.client.call(ctx, "getbalance", nil)
	if err != nil {
		return teller.Amount{}, err
	}
	return decodeBalance(data)
}

func decodeBalance(data json.RawMessage) (teller.Amount, error) {
	var a struct{ Balance, Frozen struct{ BTC number } }
	if err := json.Unmarshal(data, &a); err != nil {
		return teller.Amount{}, teller.Errorf(teller.CodeMalformed, "c2cx: getbalance: %w", err)
	}
	if !a.Balance.BTC.given() || !a.Frozen.BTC.given() {
		return teller.Amount{}, teller.Errorf(teller.CodeMalformed, "c2cx: getbalance: it does not tell the btc that there are, or the frozen ones")
	}
	spendable := new(big.Rat).Sub(a.Balance.BTC.rat(), a.Frozen.BTC.rat())
	if spendable.Sign() < 0 { // more is reserved than there is: nothing can be spent
		return teller.Amount{}, nil
	}
	return teller.AmountFromBig(floor(scaled(spendable, teller.BTC.Decimals())))
}

// Place implements teller.Exchange.
func (x *Exchange) Place(ctx context.Context, o teller.OrderRequest) (orderID string, err error) {
	if err := traded(o.Coin); err != nil {
		return "", err
	}
	terms, err := x.terms(o)
	if err != nil {
		return "", err
	}
	spendable, err := x.Balance(ctx, o.Coin)
	if err != nil {
		return "", err
	}
	if spendable.Cmp(terms.cost) < 0 {
		return "", teller.Errorf(teller.CodeShortOfCoins, "c2cx: the account has %s BTC to spend, order %s needs %s",
			spendable.Format(o.Coin), o.ClientID, terms.cost.Format(o.Coin))
	}
	data, err := x.client.call(ctx, "createorder", map[string]string{
		"symbol": symbol, "orderType": "buy", "priceTypeId": terms.priceType, "price": terms.price, "quantity": terms.quantity,
		"cid": o.ClientID, "isAdvancedOrder": "0",
	})
	if err != nil {
		if teller.CodeOf(err) == teller.CodeAlreadyPlaced {
			x.doubt(ctx, o.ClientID)
		}
		return "", err
	}
	return decodePlaced(data)
}

func decodePlaced(data json.RawMessage) (orderID string, err error) {
	var a struct{ OrderID number }
	if err := json.Unmarshal(data, &a); err != nil {
		return "", teller.Errorf(teller.CodeMalformed, "c2cx: createorder: %w", err)
	}
	if !isOrderID(a.OrderID.text) {
		return "", teller.Errorf(teller.CodeMalformed, "c2cx: createorder: %.40q is no order id", a.OrderID.text)
	}
	return a.OrderID.text, nil
}

// isOrderID reports whether it can be an id of the exchange: a number above 0. -1 would ask for all orders.
func isOrderID(s string) bool {
	return s != "" && len(s) <= 19 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// Find implements teller.Exchange.
func (x *Exchange) Find(ctx context.Context, coin teller.Coin, clientID string) (teller.OrderReport, error) {
	if err := traded(coin); err != nil {
		return teller.OrderReport{}, err
	}
	id, err := x.lookUp(ctx, clientID)
	if err != nil {
		return teller.OrderReport{}, err
	}
	o, err := x.listed(ctx, id)
	if err != nil {
		return teller.OrderReport{}, err
	}
	if o.clientID != clientID {
		return teller.OrderReport{}, teller.Errorf(teller.CodeMalformed, "c2cx: order %s has the client id %.40q, and was listed with %s", id, o.clientID, clientID)
	}
	return o.report()
}

// listed asks for an order that the exchange has listed: when it knows no such order then, it must not be taken for one
// that was never placed.
func (x *Exchange) listed(ctx context.Context, id string) (order, error) {
	o, err := x.order(ctx, id)
	if teller.CodeOf(err) == teller.CodeNotFound {
		err = teller.Errorf(teller.CodeUnavailable, "c2cx: order %s is listed, and then unknown", id)
	}
	return o, err
}

// Order implements teller.Exchange.
func (x *Exchange) Order(ctx context.Context, coin teller.Coin, orderID string) (teller.OrderReport, error) {
	if err := traded(coin); err != nil {
		return teller.OrderReport{}, err
	}
	o, err := x.order(ctx, orderID)
	if err != nil {
		return teller.OrderReport{}, err
	}
	return o.report()
}

// order asks for one order.
func (x *Exchange) order(ctx context.Context, id string) (order, error) {
	if !isOrderID(id) {
		return order{}, teller.Errorf(teller.CodeInvalid, "c2cx: %.40q is no order id", id)
	}
	data, err := x.client.call(ctx, "getorderinfo", map[string]string{"orderId": id, "symbol": symbol})
	if err != nil {
		return order{}, err
	}
	o, err := decodeOrderInfo(data)
	if err == nil && o.id != id {
		err = teller.Errorf(teller.CodeMalformed, "c2cx: getorderinfo: asked for order %s, told about %s", id, o.id)
	}
	return o, err
}

// Open implements teller.Exchange. An order without a client id of its own stands under "#" and its order id. Orders that
// sell are listed too; they have bought and spent nothing.
func (x *Exchange) Open(ctx context.Context, coin teller.Coin) (map[string]teller.OrderReport, error) {
	if err := traded(coin); err != nil {
		return nil, err
	}
	orders, err := x.live(ctx)
	if err != nil {
		return nil, err
	}
	open := make(map[string]teller.OrderReport, len(orders))
	for _, o := range orders {
		r, err := o.report()
		if err != nil {
			return nil, err
		}
		name := o.clientID
		if _, taken := open[name]; taken || name == "" {
			name = "#" + o.id
		}
		if !r.Final {
			open[name] = r
		}
	}
	return open, nil
}

// Cancel implements teller.Exchange. An order that can not be cancelled (any more) is no error.
func (x *Exchange) Cancel(ctx context.Context, coin teller.Coin, orderID string) error {
	if err := traded(coin); err != nil {
		return err
	}
	if !isOrderID(orderID) {
		return teller.Errorf(teller.CodeInvalid, "c2cx: %.40q is no order id", orderID)
	}
	_, err := x.client.call(ctx, "cancelorder", map[string]string{"orderId": orderID})
	if teller.CodeOf(err) == teller.CodeConflict {
		return nil
	}
	return err
}
