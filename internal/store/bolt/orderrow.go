package bolt

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// orderRow is the JSON of bucketOrders; the client id is the key.
type orderRow struct {
	DepositID string            `json:"deposit_id"`
	Attempt   int               `json:"attempt"`
	Seq       uint64            `json:"seq"`
	Version   uint64            `json:"version"`
	Exchange  string            `json:"exchange"`
	Coin      teller.Coin       `json:"coin"`
	Requested teller.Amount     `json:"requested"`
	Least     teller.Rate       `json:"least"` // "" = any
	State     teller.OrderState `json:"state"`
	Doubted   bool              `json:"doubted,omitempty"`
	Judged    bool              `json:"judged,omitempty"`
	Ended     bool              `json:"ended,omitempty"`
	CreatedAt int64             `json:"created_at"`
	UpdatedAt int64             `json:"updated_at"`

	OrderID   string          `json:"order_id"`
	Status    string          `json:"status"`
	Final     bool            `json:"final"`
	Filled    bool            `json:"filled"`
	Bought    teller.Droplets `json:"bought"`
	Spent     teller.Amount   `json:"spent"`
	Completed string          `json:"completed"`
	Price     string          `json:"price"`
	Original  string          `json:"original"`
}

func encodeOrder(o *teller.Order) ([]byte, error) {
	return json.Marshal(orderRow{
		DepositID: o.DepositID, Attempt: o.Attempt, Seq: o.Seq, Version: o.Version, Exchange: o.Exchange, Coin: o.Coin,
		Requested: o.Requested, Least: o.Least, State: o.State, Doubted: o.Doubted, Judged: o.Judged, Ended: o.Ended,
		CreatedAt: unixSeconds(o.CreatedAt), UpdatedAt: unixSeconds(o.UpdatedAt),
		OrderID: o.OrderID, Status: o.Status, Final: o.Final, Filled: o.Filled, Bought: o.Bought, Spent: o.Spent,
		Completed: o.Completed, Price: o.Price, Original: o.Original,
	})
}

var orderStates = []teller.OrderState{teller.OrderPrepared, teller.OrderPlacing, teller.OrderPlaced, teller.OrderFinal}

func decodeOrder(clientID string, raw []byte) (teller.Order, error) {
	var row orderRow
	if err := json.Unmarshal(raw, &row); err != nil {
		return teller.Order{}, corrupt(bucketOrders, []byte(clientID), err)
	}
	switch {
	case !slices.Contains(orderStates, row.State):
		return teller.Order{}, corrupt(bucketOrders, []byte(clientID), teller.Errorf(teller.CodeCorrupt, "unknown state %q", row.State))
	case row.Final != (row.State == teller.OrderFinal):
		return teller.Order{}, corrupt(bucketOrders, []byte(clientID), teller.Errorf(teller.CodeCorrupt, "state %q, and final is %t", row.State, row.Final))
	}
	return teller.Order{
		ClientID: clientID, DepositID: row.DepositID, Attempt: row.Attempt, Seq: row.Seq, Version: row.Version,
		Exchange: row.Exchange, Coin: row.Coin, Requested: row.Requested, Least: row.Least, State: row.State, Doubted: row.Doubted, Judged: row.Judged, Ended: row.Ended,
		OrderReport: teller.OrderReport{
			OrderID: row.OrderID, Status: row.Status, Final: row.Final, Filled: row.Filled, Bought: row.Bought, Spent: row.Spent,
			Completed: row.Completed, Price: row.Price, Original: row.Original,
		},
		CreatedAt: fromUnix(row.CreatedAt), UpdatedAt: fromUnix(row.UpdatedAt),
	}, nil
}

// storable is a report whose texts read back from JSON as they are: what an exchange answers may be any bytes.
func storable(r teller.OrderReport) teller.OrderReport {
	for _, text := range []*string{&r.OrderID, &r.Status, &r.Completed, &r.Price, &r.Original} {
		*text = strings.ToValidUTF8(*text, "\ufffd")
	}
	return r
}

// passthroughRow is what a deposit's row says of its orders, in the original's form. The exact sums stand beside it in the
// row.
type passthroughRow struct {
	ExchangeName      string          `json:"exchange_name"`
	SkyBought         uint64          `json:"sky_bought"`          // by all its orders, in droplets
	DepositValueSpent int64           `json:"deposit_value_spent"` // by all its orders, in the original's unit
	RequestedAmount   string          `json:"requested_amount"`    // of the last one, in the coin
	Order             passthroughLast `json:"order"`               // the last one
}

type passthroughLast struct {
	CustomerID      string `json:"customer_id"`
	OrderID         string `json:"order_id"`
	CompletedAmount string `json:"completed_amount"`
	Price           string `json:"price"`
	Status          string `json:"status"`
	Final           bool   `json:"final"`
	Original        string `json:"original"`
}

// passthroughOf is the passthrough of the row of a deposit whose last order is o. What the original had noted in it was
// nothing when an order of ours is made: rows that it left in the middle of an order are never bought for again.
func passthroughOf(d *teller.Deposit, o *teller.Order) (json.RawMessage, error) {
	return json.Marshal(passthroughRow{
		ExchangeName: o.Exchange, SkyBought: uint64(d.Bought), DepositValueSpent: cutValue(d.Coin, d.Spent),
		RequestedAmount: o.Requested.Format(o.Coin),
		Order: passthroughLast{
			CustomerID: o.ClientID, OrderID: o.OrderID, CompletedAmount: o.Completed, Price: o.Price, Status: o.Status,
			Final: o.Final, Original: o.Original,
		},
	})
}
