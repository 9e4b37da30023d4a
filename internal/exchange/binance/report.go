package binance

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"

	"github.com/adshao/go-binance/v2"

	"github.com/skycoin/teller"
)

// state is what a status means.
type state struct{ final, filled bool }

// states are all statuses of an order. An unknown one is an error: nobody could tell whether it may still buy.
var states = map[binance.OrderStatusType]state{
	"PENDING_NEW":                          {},
	binance.OrderStatusTypeNew:             {},
	binance.OrderStatusTypePartiallyFilled: {},
	binance.OrderStatusTypePendingCancel:   {},
	binance.OrderStatusTypeFilled:          {final: true, filled: true},
	binance.OrderStatusTypeCanceled:        {final: true},
	binance.OrderStatusTypeRejected:        {final: true},
	binance.OrderStatusTypeExpired:         {final: true},
	binance.OrderStatusExpiredInMatch:      {final: true},
}

// archived is the status given to an order that the exchange has forgotten but for the fact that it bought nothing.
const archived = "ARCHIVED"

// Find looks for an order by our client id, also after Cancel has renamed it. (One that somebody else has cancelled, on the
// exchange's pages, is only found by its own id.)
func (e *Exchange) Find(ctx context.Context, coin teller.Coin, clientID string) (teller.OrderReport, error) {
	report, err := e.find(ctx, coin, clientID)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return e.find(ctx, coin, cancelledID(clientID))
	}
	return report, err
}

func (e *Exchange) find(ctx context.Context, coin teller.Coin, clientID string) (teller.OrderReport, error) {
	r, err := e.known(ctx, coin)
	if err != nil {
		return teller.OrderReport{}, err
	}
	o, original, err := e.query(ctx, r.symbol, func(s *binance.GetOrderService) { s.OrigClientOrderID(clientID) })
	if isArchived(err) {
		return teller.OrderReport{Status: archived, Final: true, Completed: "0", Original: err.Error()}, nil
	}
	if err != nil {
		return teller.OrderReport{}, err
	}
	if o.ClientOrderID != clientID && o.Status != binance.OrderStatusTypeCanceled {
		return teller.OrderReport{}, malformed("order", "it is about %q, not about %s", cut(o.ClientOrderID, 40), clientID)
	}
	return e.report(ctx, r, o, original)
}

// Order reports on an order by the exchange's id; CodeNotFound when it has none of that id.
func (e *Exchange) Order(ctx context.Context, coin teller.Coin, orderID string) (teller.OrderReport, error) {
	r, err := e.known(ctx, coin)
	if err != nil {
		return teller.OrderReport{}, err
	}
	id, err := parseID(orderID)
	if err != nil {
		return teller.OrderReport{}, err
	}
	o, original, err := e.query(ctx, r.symbol, func(s *binance.GetOrderService) { s.OrderID(id) })
	if isArchived(err) {
		return teller.OrderReport{OrderID: orderID, Status: archived, Final: true, Completed: "0", Original: err.Error()}, nil
	}
	if err != nil {
		return teller.OrderReport{}, err
	}
	if o.OrderID != id {
		return teller.OrderReport{}, malformed("order", "it is about %d, not about %d", o.OrderID, id)
	}
	return e.report(ctx, r, o, original)
}

// Open lists the orders of the coin's market that are not final. What orders to sell do is not told: they buy nothing.
func (e *Exchange) Open(ctx context.Context, coin teller.Coin) (map[string]teller.OrderReport, error) {
	r, err := e.known(ctx, coin)
	if err != nil {
		return nil, err
	}
	var open []*binance.Order
	answer, err := e.call(ctx, "openOrders", signed, func(ctx context.Context, c *binance.Client) (err error) {
		open, err = c.NewListOpenOrdersService().Symbol(r.symbol).Do(ctx, window)
		return err
	})
	if err != nil {
		return nil, err
	}
	var originals []json.RawMessage
	if err := json.Unmarshal(answer, &originals); err != nil || len(originals) != len(open) {
		return nil, malformed("openOrders", "not a list of orders")
	}
	reports := make(map[string]teller.OrderReport, len(open))
	for i, o := range open {
		if o == nil || o.ClientOrderID == "" {
			return nil, malformed("openOrders", "an order without a client id")
		}
		report, err := e.report(ctx, r, o, originals[i])
		if err != nil {
			return nil, err
		}
		if !report.Final {
			reports[o.ClientOrderID] = report
		}
	}
	return reports, nil
}

// query asks for one order, which by sets.
func (e *Exchange) query(ctx context.Context, symbol string, by func(*binance.GetOrderService)) (*binance.Order, []byte, error) {
	var o *binance.Order
	answer, err := e.call(ctx, "order", signed, func(ctx context.Context, c *binance.Client) (err error) {
		s := c.NewGetOrderService().Symbol(symbol)
		by(s)
		o, err = s.Do(ctx, window)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if o.Symbol != symbol || o.OrderID <= 0 {
		return nil, nil, malformed("order", "it is not about an order of %s", symbol)
	}
	return o, answer, nil
}

func isArchived(err error) bool {
	var r *refusalError
	return errors.As(err, &r) && r.Code == codeArchived
}

// report tells about an order, whose trades it asks for when there are any.
func (e *Exchange) report(ctx context.Context, r rules, o *binance.Order, original []byte) (teller.OrderReport, error) {
	n, err := r.count(o)
	if err != nil {
		return teller.OrderReport{}, err
	}
	if o.Side == binance.SideTypeBuy && n.executed.Sign() > 0 {
		trades, err := e.trades(ctx, r.symbol, o.OrderID)
		if err != nil {
			return teller.OrderReport{}, err
		}
		if err := n.add(r, o.OrderID, trades); err != nil {
			return teller.OrderReport{}, err
		}
	}
	return n.report(r, o, original)
}

// pageSize and maxPages bound how many trades of one order are read.
const (
	pageSize = 1000
	maxPages = 50
)

// trades lists all trades of an order. Without a trade to begin with the exchange would tell the last ones only.
func (e *Exchange) trades(ctx context.Context, symbol string, orderID int64) ([]*binance.TradeV3, error) {
	var all []*binance.TradeV3
	var from int64
	for range maxPages {
		var page []*binance.TradeV3
		_, err := e.call(ctx, "myTrades", signed, func(ctx context.Context, c *binance.Client) (err error) {
			page, err = c.NewListTradesService().Symbol(symbol).OrderId(orderID).FromID(from).Limit(pageSize).Do(ctx, window)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, t := range page {
			if t == nil || t.ID < from {
				return nil, malformed("myTrades", "trades are not in order")
			}
			from = t.ID + 1
		}
		all = append(all, page...)
		if len(page) < pageSize {
			return all, nil
		}
	}
	return nil, malformed("myTrades", "order %d has more than %d trades", orderID, maxPages*pageSize)
}

// tally is what an order has done, in whole SKY and coins.
type tally struct {
	executed *big.Rat // of the base asset
	paid     *big.Rat // of the quote asset; nil when the exchange does not know it any more
	got      *big.Rat // executed, less the fees taken in it
	spent    *big.Rat // paid, and the fees taken in it
}

// count reads the numbers of an order. Without trades nothing is known of its fees.
func (r rules) count(o *binance.Order) (tally, error) {
	if o.Symbol != r.symbol || o.OrderID <= 0 {
		return tally{}, malformed("order", "it is not about an order of %s", r.symbol)
	}
	s, known := states[o.Status]
	if !known {
		return tally{}, malformed("order", "order %d has the unknown status %q", o.OrderID, cut(string(o.Status), 40))
	}
	executed, err := decimal(o.ExecutedQuantity)
	if err != nil {
		return tally{}, malformed("order", "executedQty: %w", err)
	}
	paid, err := decimal(o.CummulativeQuoteQuantity)
	if errors.Is(err, errNegative) { // how the exchange says that it does not know
		paid, err = nil, nil
	}
	if err != nil {
		return tally{}, malformed("order", "cummulativeQuoteQty: %w", err)
	}
	if executed.Sign() == 0 && (s.filled || paid != nil && paid.Sign() > 0) {
		return tally{}, malformed("order", "order %d is %s and has executed nothing for %s", o.OrderID, o.Status, cut(o.CummulativeQuoteQuantity, maxDigits))
	}
	return tally{executed: executed, paid: paid, got: new(big.Rat), spent: new(big.Rat)}, nil
}

// add takes in the trades of an order to buy, which must be all that it has executed.
func (n *tally) add(r rules, orderID int64, trades []*binance.TradeV3) error {
	traded, paid, fees := new(big.Rat), new(big.Rat), map[string]*big.Rat{r.base: {}, r.quote: {}}
	for _, t := range trades {
		if t.OrderID != orderID || t.Symbol != r.symbol || !t.IsBuyer {
			return malformed("myTrades", "trade %d does not belong to order %d", t.ID, orderID)
		}
		for _, f := range []struct {
			field, text string
			sum         *big.Rat
		}{
			{"qty", t.Quantity, traded}, {"quoteQty", t.QuoteQuantity, paid}, {"commission", t.Commission, fees[t.CommissionAsset]},
		} {
			v, err := decimal(f.text)
			if err != nil {
				return malformed("myTrades", "trade %d: %s: %w", t.ID, f.field, err)
			}
			if f.sum != nil { // nil for a fee in a third asset
				f.sum.Add(f.sum, v)
			}
		}
	}
	if traded.Cmp(n.executed) != 0 {
		return teller.Errorf(teller.CodeUnavailable, "binance: myTrades: the trades listed so far make %s of the %s that order %d has executed",
			write(traded), write(n.executed), orderID)
	}
	if n.paid == nil {
		n.paid = paid
	}
	n.got.Sub(n.executed, fees[r.base])
	n.spent.Add(n.paid, fees[r.quote])
	return nil
}

// report is the tally in teller's words.
func (n *tally) report(r rules, o *binance.Order, original []byte) (teller.OrderReport, error) {
	bought := floor(n.got, teller.SKY.Decimals())
	if bought.Sign() < 0 || !bought.IsUint64() {
		return teller.OrderReport{}, malformed("order", "order %d has bought %s", o.OrderID, write(n.got))
	}
	spent, err := teller.AmountFromBig(ceil(n.spent, teller.Coin(r.quote).Decimals()))
	if err != nil {
		return teller.OrderReport{}, malformed("order", "%w", err)
	}
	s := states[o.Status]
	report := teller.OrderReport{
		OrderID: strconv.FormatInt(o.OrderID, 10), Status: string(o.Status), Final: s.final, Filled: s.filled,
		Bought: teller.Droplets(bought.Uint64()), Spent: spent,
		Completed: o.ExecutedQuantity, Original: string(original),
	}
	if n.paid != nil && n.executed.Sign() > 0 {
		report.Price = new(big.Rat).Quo(n.paid, n.executed).FloatString(8) // the exchange itself tells no average
	}
	return report, nil
}
