package httpapi

import (
	"net/http"

	"github.com/skycoin/teller"
)

type unboundJSON struct {
	Seq            uint64        `json:"seq"`
	CoinType       teller.Coin   `json:"coin_type"`
	DepositID      string        `json:"deposit_id"`
	DepositAddress string        `json:"deposit_address"`
	Value          teller.Amount `json:"value"` // satoshi, wei or droplets
	Height         int64         `json:"height"`
	SeenAt         int64         `json:"seen_at"`
}

// unbound is GET /api/unbound-payments: coins on addresses of the pool that nobody was given.
func (a *admin) unbound(w http.ResponseWriter, r *http.Request) error {
	pos, err := positionOf(r.URL.Query())
	if err != nil {
		return err
	}
	next := func() ([]unboundJSON, error) {
		return turn(pos,
			func(after uint64, limit int) ([]teller.UnboundPayment, error) {
				return a.Store.UnboundPayments(r.Context(), after, limit)
			},
			func(u *teller.UnboundPayment) uint64 { return u.Seq },
			func(u *teller.UnboundPayment) unboundJSON {
				return unboundJSON{u.Seq, u.Coin, teller.DepositID(u.TxID, u.N), u.Address, u.Value, u.Height, unix(u.SeenAt)}
			})
	}
	return streamList(w, r, "unbound_payments", next)
}

// Reloaded is what reading a coin's address file again changed.
type Reloaded struct {
	Added     int `json:"added"`
	Removed   int `json:"removed"`
	Remaining int `json:"remaining_addresses"`
}

// reload is POST /api/addresses/reload. A file with a mistake changes nothing, and the answer says what is wrong.
func (a *admin) reload(w http.ResponseWriter, r *http.Request) error {
	reloaded, err := a.Reload(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, reloaded)
}
