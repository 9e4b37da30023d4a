package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// Purchases carries out what an operator decides about deposits that are bought for on an exchange.
type Purchases interface {
	// Retry releases a deposit that is held for its purchase; CodeForbidden when it is held for something else.
	Retry(ctx context.Context, id string, act teller.Act) (teller.Deposit, error)
	// PayInstead has the wallet pay what was not bought.
	PayInstead(ctx context.Context, id string, act teller.Act) (teller.Deposit, error)
	// Refund notes that the transaction txid has given back what is not spent; what was bought is sent.
	Refund(ctx context.Context, id, txid string, act teller.Act) (teller.Deposit, error)
	// EndOrder ends an order that the exchange does not have, or holds its deposit first and returns it as it is.
	EndOrder(ctx context.Context, clientID string, act teller.Act) (teller.Order, error)
}

// attemptJSON is an order with all that the ledger knows of it. What the admin API has always shown of an order stands in a
// deposit's passthrough.
type attemptJSON struct {
	Seq       uint64            `json:"seq"`
	CreatedAt int64             `json:"created_at"`
	UpdatedAt int64             `json:"updated_at"`
	ClientID  string            `json:"client_id"`
	DepositID string            `json:"deposit_id"`
	Attempt   int               `json:"attempt"`
	Exchange  string            `json:"exchange_name"`
	CoinType  teller.Coin       `json:"coin_type"`
	State     teller.OrderState `json:"state"`
	Requested string            `json:"requested_amount"` // in the coin
	Least     string            `json:"least"`            // SKY for one coin; "" = any price
	SkyBought teller.Droplets   `json:"sky_bought"`
	Spent     string            `json:"spent"` // in the coin
	Doubted   bool              `json:"doubted"`
	Judged    bool              `json:"judged"`
	Ended     bool              `json:"ended"` // by an operator

	// In the exchange's own words.
	OrderID   string `json:"order_id"`
	Completed string `json:"completed_amount"`
	Price     string `json:"price"`
	Status    string `json:"status"`
	Final     bool   `json:"final"`
	Filled    bool   `json:"filled"`
	Original  string `json:"original"`
}

func shapeAttempt(o *teller.Order) attemptJSON {
	return attemptJSON{
		Seq: o.Seq, CreatedAt: unix(o.CreatedAt), UpdatedAt: unix(o.UpdatedAt), ClientID: o.ClientID, DepositID: o.DepositID,
		Attempt: o.Attempt, Exchange: o.Exchange, CoinType: o.Coin, State: o.State, Requested: o.Requested.Format(o.Coin),
		Least: o.Least.String(), SkyBought: o.Bought, Spent: o.Spent.Format(o.Coin), Doubted: o.Doubted, Judged: o.Judged, Ended: o.Ended,
		OrderID: o.OrderID, Completed: o.Completed, Price: o.Price, Status: o.Status, Final: o.Final, Filled: o.Filled,
		Original: o.Original,
	}
}

// orders is GET /api/orders: all of them, those that are pending, or those of one deposit.
func (a *admin) orders(w http.ResponseWriter, r *http.Request) error {
	pos, err := positionOf(r.URL.Query())
	if err != nil {
		return err
	}
	fetch, err := a.ordersAsked(r.Context(), r.URL.Query())
	if err != nil {
		return err
	}
	return streamList(w, r, "orders", func() ([]attemptJSON, error) {
		return turn(pos, fetch, func(o *teller.Order) uint64 { return o.Seq }, shapeAttempt)
	})
}

// ordersAsked is where the orders come from that a query asks for.
func (a *admin) ordersAsked(ctx context.Context, q url.Values) (fetch func(after uint64, limit int) ([]teller.Order, error), err error) {
	list := a.Store.Orders
	pending := false
	switch q.Get("status") {
	case "":
	case "pending":
		list, pending = a.Store.PendingOrders, true
	default:
		return nil, badRequest("Invalid status")
	}
	id := strings.TrimSpace(q.Get("deposit_id"))
	if id == "" {
		return func(after uint64, limit int) ([]teller.Order, error) { return list(ctx, after, limit) }, nil
	}
	return func(after uint64, limit int) ([]teller.Order, error) {
		all, err := a.Store.OrdersOf(ctx, id) // few, in ascending Seq
		all = slices.DeleteFunc(all, func(o teller.Order) bool { return o.Seq <= after || (pending && !o.Pending()) })
		return all[:min(limit, len(all))], err
	}, nil
}

// retry is POST /api/orders/retry.
func (a *admin) retry(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, func(holdRequest) (act, error) { return a.Purchases.Retry, nil })
}

// payInstead is POST /api/orders/pay-instead.
func (a *admin) payInstead(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, func(holdRequest) (act, error) { return a.Purchases.PayInstead, nil })
}

// refund is POST /api/orders/refund.
func (a *admin) refund(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, func(req holdRequest) (act, error) {
		txid := strings.TrimSpace(req.TxID)
		if txid == "" {
			return nil, badRequest("Missing txid")
		}
		return func(ctx context.Context, id string, by teller.Act) (teller.Deposit, error) {
			return a.Purchases.Refund(ctx, id, txid, by)
		}, nil
	})
}

// endOrder is POST /api/orders/end: the exchange does not have an order (any more), and never will.
func (a *admin) endOrder(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		ClientID string `json:"client_id"`
		Version  uint64 `json:"version"` // of the deposit when it was read
		Reason   string `json:"reason"`
	}
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	id, reason := strings.TrimSpace(req.ClientID), strings.TrimSpace(req.Reason)
	if id == "" {
		return badRequest("Missing client_id")
	}
	if reason == "" {
		return badRequest("Missing reason")
	}
	o, err := a.Purchases.EndOrder(r.Context(), id, teller.Act{Actor: actorOf(r), Reason: reason, Version: req.Version})
	if err != nil {
		return err
	}
	return writeJSON(w, shapeAttempt(&o))
}
