package httpapi

import (
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

	DepositValueExact teller.Amount   `json:"deposit_value_exact"` // base units: satoshi, wei or droplets
	Owed              teller.Droplets `json:"owed"`
	Hold              *holdJSON       `json:"hold"`
	FurtherHolds      []holdJSON      `json:"further_holds"` // to be decided when Hold is
	Orphaned          bool            `json:"orphaned"`
}

// passthroughJSON holds zero values only: nothing is bought on an exchange.
type passthroughJSON struct {
	ExchangeName      string    `json:"exchange_name"`
	SkyBought         uint64    `json:"sky_bought"`
	DepositValueSpent uint64    `json:"deposit_value_spent"`
	RequestedAmount   string    `json:"requested_amount"`
	Order             orderJSON `json:"order"`
}

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

func shapeDeposit(d *teller.Deposit) depositJSON {
	value := shownValue(d.Coin, d.Value)
	out := depositJSON{
		Seq: d.Seq, UpdatedAt: unix(d.UpdatedAt), Status: d.Status, CoinType: d.Coin,
		SkyAddress: d.SkyAddress, BuyMethod: d.BuyMethod, DepositAddress: d.Address, DepositID: d.ID,
		TxID: d.PayoutTxID, ConversionRate: d.Rate.String(), DepositValue: value, SkySent: d.Sent, Error: d.Error,
		Deposit: transferJSON{
			CoinType: d.Coin, Address: d.Address, Value: value, Height: d.Height, Tx: d.TxID, N: d.N,
		},
		DepositValueExact: d.Value, Owed: d.Owed, Orphaned: d.Orphaned, FurtherHolds: []holdJSON{},
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
	fetch := func(after uint64, limit int) ([]teller.Deposit, error) {
		q.After, q.Limit = after, limit
		return a.Store.Deposits(r.Context(), q)
	}
	return streamList(w, r, "deposits", func() ([]depositJSON, error) {
		return turn(pos, fetch, func(d *teller.Deposit) uint64 { return d.Seq }, shapeDeposit)
	})
}
