package c2cxsim

import (
	"slices"

	"github.com/skycoin/teller"
)

// Status is how far an order is, in C2CX's numbers.
type Status int

// The statuses. 8 and 9 belong to advanced orders, which the simulator does not take.
const (
	Pending    Status = 1
	Active     Status = 2
	Partial    Status = 3
	Completed  Status = 4
	Cancelled  Status = 5
	Errored    Status = 6
	Suspended  Status = 7
	Expired    Status = 11
	Cancelling Status = 12
)

var statusNames = map[Status]string{
	Pending: "pending", Active: "active", Partial: "partial", Completed: "completed", Cancelled: "cancelled",
	Errored: "error", Suspended: "suspended", Expired: "expired", Cancelling: "cancelling",
}

// String is the status's name.
func (s Status) String() string { return statusNames[s] }

// Final reports whether nothing more is bought.
func (s Status) Final() bool { return s == Completed || s.failed() }

// failed reports whether an order ended before it was filled.
func (s Status) failed() bool { return s == Cancelled || s == Errored || s == Expired }

// parseFailure reads the name of a way in which an order can fail.
func parseFailure(name string) (Status, error) {
	for s, n := range statusNames {
		if n == name && s.failed() {
			return s, nil
		}
	}
	return 0, teller.Errorf(teller.CodeInvalid, "%.60q is not cancelled, error or expired", name)
}

// Order is an order to buy SKY, with everything that has become of it. All sums are exact.
type Order struct {
	ID      int64  `json:"order_id"`
	CID     string `json:"cid"` // "" = none
	Account string `json:"account"`
	Market  bool   `json:"market"`
	// Spend is the sum that a market order spends, in BTC.
	Spend Decimal `json:"spend"`
	// InPrice says that the sum stood in the price, and does so in answers.
	InPrice bool `json:"in_price,omitempty"`
	// Price and Quantity are a limit order's.
	Price    Decimal `json:"price"`
	Quantity Decimal `json:"quantity"`
	Status   Status  `json:"status"`
	// Fills are what was bought. Their sums are below.
	Fills   []Fill  `json:"fills"`
	Bought  Decimal `json:"bought"`  // SKY, before the fee
	Spent   Decimal `json:"spent"`   // BTC
	Fee     Decimal `json:"fee"`     // SKY
	Created int64   `json:"created"` // milliseconds since 1970
	Updated int64   `json:"updated"`

	// Shown is how often the order will be shown in its status before it goes on; 0 = it stays until something happens.
	Shown int `json:"shown,omitempty"`
	// Unpaid says that it is suspended because the account can not pay it.
	Unpaid bool `json:"unpaid,omitempty"`
}

// Fill is one purchase.
type Fill struct {
	Price    Decimal `json:"price"`
	Quantity Decimal `json:"quantity"`
	Fee      Decimal `json:"fee"` // SKY
}

// clone is a copy that shares nothing that changes.
func (o *Order) clone() Order {
	c := *o
	c.Fills = slices.Clone(o.Fills)
	return c
}

// matches reports whether the order takes what is on offer.
func (o *Order) matches() bool {
	return o.Status == Cancelling || (o.Status == Active || o.Status == Partial) && o.Shown == 0
}

// reserved is what the order keeps from the account, in BTC.
func (o *Order) reserved() Decimal {
	switch {
	case o.Status.Final() || o.Unpaid:
		return Decimal{}
	case o.Market:
		return o.Spend.sub(o.Spent)
	default:
		return o.Price.mul(o.Quantity.sub(o.Bought))
	}
}

// wants is how much the order would buy at a price.
func (o *Order) wants(price Decimal, decimals int) Decimal {
	if o.Market {
		return o.Spend.sub(o.Spent).quo(price, decimals)
	}
	if price.Cmp(o.Price) > 0 {
		return Decimal{}
	}
	return o.Quantity.sub(o.Bought)
}

// take books a purchase.
func (o *Order) take(price, quantity, fee Decimal) {
	o.Fills = append(o.Fills, Fill{price, quantity, fee})
	o.Bought = o.Bought.add(quantity)
	o.Spent = o.Spent.add(price.mul(quantity))
	o.Fee = o.Fee.add(fee)
	if o.Status == Active {
		o.Status = Partial
	}
}
