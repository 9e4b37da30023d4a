package httpapi

import (
	"math/big"
	"net/http"

	"github.com/skycoin/teller"
)

type configResponse struct {
	Enabled       bool             `json:"enabled"`
	BuyMethod     teller.BuyMethod `json:"buy_method"`
	MaxBoundAddrs int              `json:"max_bound_addrs"`
	MaxDecimals   int              `json:"max_decimals"`
	Deposits      struct {
		BTC coinConfig `json:"btc"`
		ETH coinConfig `json:"eth"`
		SKY coinConfig `json:"sky"`
	} `json:"deposits"`
}

type coinConfig struct {
	Enabled               bool   `json:"enabled"`
	ConfirmationsRequired int64  `json:"confirmations_required"`
	FixedExchangeRate     string `json:"fixed_exchange_rate"`
	MinimumVolume         string `json:"passthrough_minimum_volume"`
	// Minimum is the smallest deposit that buys any SKY without further ado, in the coin.
	Minimum string `json:"minimum"`
	// BuyMethod is what a bind of this coin would get: coins that the exchange does not trade are direct.
	BuyMethod teller.BuyMethod `json:"buy_method"`
	// Available says whether a bind of this coin would find an address now.
	Available bool `json:"available"`
}

// config is GET /api/config.
func (p *public) config(w http.ResponseWriter, _ *http.Request) error {
	t := p.Terms
	resp := configResponse{
		Enabled: t.BindEnabled, BuyMethod: t.BuyMethod, MaxBoundAddrs: t.MaxBoundAddrs, MaxDecimals: t.MaxDecimals,
	}
	resp.Deposits.BTC = p.coinConfig(teller.BTC)
	resp.Deposits.ETH = p.coinConfig(teller.ETH)
	resp.Deposits.SKY = p.coinConfig(teller.SKY)
	return writeJSON(w, resp)
}

func (p *public) coinConfig(c teller.Coin) coinConfig {
	ct := p.Terms.Coins[c]
	volume := ct.MinimumVolume
	if volume == "" {
		volume = "0" // a number to every client
	}
	return coinConfig{
		Enabled:               ct.Enabled,
		ConfirmationsRequired: ct.Confirmations,
		FixedExchangeRate:     ct.Rate.Fixed(),
		MinimumVolume:         volume,
		Minimum:               p.minimum(c).Format(c),
		BuyMethod:             p.Terms.BuyMethodFor(c),
		Available:             p.Terms.BindEnabled && ct.Enabled && p.Remaining(c) > 0,
	}
}

// minimum is the smallest deposit of a coin that is paid by itself: what buys nothing at the rate is closed, and what is too
// small for the exchange is held.
func (p *public) minimum(c teller.Coin) teller.Amount {
	least := p.Terms.Minimum(c)
	if p.Terms.BuyMethodFor(c) != teller.BuyPassthrough {
		return least
	}
	volume, ok := new(big.Rat).SetString(p.Terms.Coins[c].MinimumVolume)
	if !ok {
		return least
	}
	units := volume.Mul(volume, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Decimals())), nil)))
	smallest, err := teller.AmountFromBig(new(big.Int).Quo(units.Num(), units.Denom()))
	if err != nil || smallest.Cmp(least) < 0 {
		return least
	}
	return smallest
}
