package httpapi

import (
	"net/http"

	"github.com/skycoin/teller"
)

// ExchangeState is what a look at the exchange has shown.
type ExchangeState struct {
	Name    string
	Buying  bool   // false while sending is switched off
	Error   string // as health tells it
	Markets []ExchangeMarket
}

// ExchangeMarket is the market for one coin, and what the account has there. What could not be seen is in Errors.
type ExchangeMarket struct {
	Coin    teller.Coin
	Symbol  string
	Minimum teller.Amount  // of a deposit that is bought for
	Balance *teller.Amount // that can be spent; nil = not known
	Open    int            // orders
	Strays  []ExchangeStray
	Errors  []string
}

// ExchangeStray is an open order at the exchange that the ledger does not follow.
type ExchangeStray struct {
	ClientID string
	teller.OrderReport
	Why string
}

type exchangeResponse struct {
	Name    string       `json:"name"`
	Buying  bool         `json:"buying"`
	Error   string       `json:"error"`
	Markets []marketJSON `json:"markets"`
}

type marketJSON struct {
	CoinType teller.Coin `json:"coin_type"`
	Symbol   string      `json:"symbol"`
	Minimum  string      `json:"minimum"` // in the coin
	Balance  string      `json:"balance"` // in the coin; "" = not known
	Open     int         `json:"open_orders"`
	Unknown  []strayJSON `json:"unknown_orders"`
	Errors   []string    `json:"errors"`
}

type strayJSON struct {
	ClientID  string          `json:"client_id"`
	OrderID   string          `json:"order_id"`
	Status    string          `json:"status"`
	SkyBought teller.Droplets `json:"sky_bought"`
	Spent     string          `json:"spent"` // in the coin
	Why       string          `json:"why"`
}

// exchange is GET /api/exchange. It asks the exchange.
func (a *admin) exchange(w http.ResponseWriter, r *http.Request) error {
	state, err := a.Exchange(r.Context())
	if err != nil {
		return err
	}
	resp := exchangeResponse{Name: state.Name, Buying: state.Buying, Error: state.Error, Markets: []marketJSON{}}
	for _, m := range state.Markets {
		out := marketJSON{
			CoinType: m.Coin, Symbol: m.Symbol, Minimum: m.Minimum.Format(m.Coin), Open: m.Open,
			Unknown: []strayJSON{}, Errors: append([]string{}, m.Errors...),
		}
		if m.Balance != nil {
			out.Balance = m.Balance.Format(m.Coin)
		}
		for _, s := range m.Strays {
			out.Unknown = append(out.Unknown, strayJSON{s.ClientID, s.OrderID, s.Status, s.Bought, s.Spent.Format(m.Coin), s.Why})
		}
		resp.Markets = append(resp.Markets, out)
	}
	return writeJSON(w, resp)
}
