package httpapi

import (
	"context"
	"math/big"
	"net/http"

	"github.com/skycoin/teller"
)

// depositJSON is a deposit as the admin API has always shown it, and behind that what is new.
type depositJSON struct {
	Seq            uint64           `json:"seq"`
	UpdatedAt      int64            `json:"updated_at"`
	Status         teller.Status    `json:"status"`
	CoinType       teller.Coin      `json:"coin_type"`
	SkyAddress     string           `json:"sky_address"`
	BuyMethod      teller.BuyMethod `json:"buy_method"`
	DepositAddress string           `json:"deposit_address"`
	DepositID      string           `json:"deposit_id"`
	TxID           string           `json:"txid"` // of the payout
	ConversionRate string           `json:"conversion_rate"`
	DepositValue   *big.Int         `json:"deposit_value"` // satoshi, gwei or droplets
	SkySent        teller.Droplets  `json:"sky_sent"`
	Passthrough    passthroughJSON  `json:"passthrough"`
	Error          string           `json:"error"`
	Deposit        transferJSON     `json:"deposit"`

	Version           uint64          `json:"version"`             // grows by one with every change
	DepositValueExact teller.Amount   `json:"deposit_value_exact"` // base units: satoshi, wei or droplets
	Owed              teller.Droplets `json:"owed"`
	Hold              *holdJSON       `json:"hold"`
	FurtherHolds      []holdJSON      `json:"further_holds"` // to be decided when Hold is
	Orphaned          bool            `json:"orphaned"`
	RefundTxID        string          `json:"refund_txid"` // the transaction that gave back what was not spent
}

// passthroughJSON is what was bought on an exchange: zero values for a deposit that had no order. The sums are those of all
// its orders, the rest tells of the last one.
type passthroughJSON struct {
	ExchangeName      string          `json:"exchange_name"`
	SkyBought         teller.Droplets `json:"sky_bought"`
	DepositValueSpent *big.Int        `json:"deposit_value_spent"` // satoshi, gwei or droplets
	RequestedAmount   string          `json:"requested_amount"`    // in the coin
	Order             orderJSON       `json:"order"`

	DepositValueSpentExact teller.Amount `json:"deposit_value_spent_exact"` // base units
	Attempts               int           `json:"attempts"`                  // how many orders there were
}

// orderJSON is an order, in the exchange's own words but for the first field.
type orderJSON struct {
	CustomerID      string `json:"customer_id"`
	OrderID         string `json:"order_id"`
	CompletedAmount string `json:"completed_amount"`
	Price           string `json:"price"`
	Status          string `json:"status"`
	Final           bool   `json:"final"`
	Original        string `json:"original"`
}

// transferJSON is the output or transfer that the deposit is.
type transferJSON struct {
	CoinType  teller.Coin `json:"coin_type"`
	Address   string      `json:"address"`
	Value     *big.Int    `json:"value"`
	Height    int64       `json:"height"`
	Tx        string      `json:"tx"`
	N         uint32      `json:"n"`
	Processed bool        `json:"processed"` // was never set where clients could see it, and stays so
}

type holdJSON struct {
	Reason teller.HoldReason `json:"reason"`
	Detail string            `json:"detail"`
	Since  int64             `json:"since"`
}

// orderedDeposit is a deposit with its last order, nil when there was none.
type orderedDeposit struct {
	teller.Deposit
	last *teller.Order
}

// withOrder adds to a deposit its last order. A damaged ledger may lack it: an operator needs to see the deposit all the same.
func (a *admin) withOrder(ctx context.Context, d teller.Deposit) orderedDeposit {
	if d.Attempts == 0 {
		return orderedDeposit{Deposit: d}
	}
	o, err := a.Store.Order(ctx, teller.OrderClientID(d.ID, d.Attempts))
	if err != nil {
		a.Logger.Error("the last order of a deposit can not be shown", "deposit_id", d.ID, "err", err)
		return orderedDeposit{Deposit: d}
	}
	return orderedDeposit{d, &o}
}

func shapePassthrough(d *orderedDeposit) passthroughJSON {
	out := passthroughJSON{
		SkyBought: d.Bought, DepositValueSpent: shownValue(d.Coin, d.Spent), DepositValueSpentExact: d.Spent, Attempts: d.Attempts,
	}
	if o := d.last; o != nil {
		out.ExchangeName, out.RequestedAmount = o.Exchange, o.Requested.Format(o.Coin)
		out.Order = orderJSON{
			CustomerID: o.ClientID, OrderID: o.OrderID, CompletedAmount: o.Completed, Price: o.Price, Status: o.Status,
			Final: o.Final, Original: o.Original,
		}
	}
	return out
}

func shapeDeposit(d *orderedDeposit) depositJSON {
	value := shownValue(d.Coin, d.Value)
	out := depositJSON{
		Seq: d.Seq, UpdatedAt: unix(d.UpdatedAt), Status: d.Status, CoinType: d.Coin,
		SkyAddress: d.SkyAddress, BuyMethod: d.BuyMethod, DepositAddress: d.Address, DepositID: d.ID,
		TxID: d.PayoutTxID, ConversionRate: d.Rate.String(), DepositValue: value, SkySent: d.Sent,
		Passthrough: shapePassthrough(d), Error: d.Error, RefundTxID: d.RefundTxID,
		Deposit: transferJSON{
			CoinType: d.Coin, Address: d.Address, Value: value, Height: d.Height, Tx: d.TxID, N: d.N,
		},
		Version: d.Version, DepositValueExact: d.Value, Owed: d.Owed, Orphaned: d.Orphaned, FurtherHolds: []holdJSON{},
	}
	for i, h := range d.Holds() {
		shown := holdJSON{h.Reason, h.Detail, unix(h.Since)}
		if i == 0 {
			out.Hold = &shown
		} else {
			out.FurtherHolds = append(out.FurtherHolds, shown)
		}
	}
	return out
}

// weiPerGwei: the API counts ETH in gwei, because wei did not fit into the numbers that it was made for.
var weiPerGwei = big.NewInt(1_000_000_000)

// shownValue is a deposit's value in the unit of the API, cut to whole ones.
func shownValue(c teller.Coin, a teller.Amount) *big.Int {
	n := a.Big()
	if c == teller.ETH {
		n.Quo(n, weiPerGwei)
	}
	return n
}

// deposits is GET /api/deposits.
func (a *admin) deposits(w http.ResponseWriter, r *http.Request) error {
	var q teller.DepositQuery
	if s := r.URL.Query().Get("status"); s != "" {
		status, err := teller.ParseStatus(s)
		if err != nil {
			return badRequest("Invalid status")
		}
		q.Status = status
	}
	return a.list(w, r, q)
}

// errored is GET /api/deposits/errored.
func (a *admin) errored(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, teller.DepositQuery{Errored: true})
}

// holds is GET /api/holds.
func (a *admin) holds(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, teller.DepositQuery{Held: true})
}

// list streams the deposits that q selects.
func (a *admin) list(w http.ResponseWriter, r *http.Request, q teller.DepositQuery) error {
	pos, err := positionOf(r.URL.Query())
	if err != nil {
		return err
	}
	fetch := func(after uint64, limit int) ([]orderedDeposit, error) {
		q.After, q.Limit = after, limit
		rows, err := a.Store.Deposits(r.Context(), q)
		page := make([]orderedDeposit, len(rows))
		for i, d := range rows {
			page[i] = a.withOrder(r.Context(), d)
		}
		return page, err
	}
	return streamList(w, r, "deposits", func() ([]depositJSON, error) {
		return turn(pos, fetch, func(d *orderedDeposit) uint64 { return d.Seq }, shapeDeposit)
	})
}
