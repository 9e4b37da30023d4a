package httpapi

import (
	"net/http"
	"strings"

	"github.com/skycoin/teller"
)

type bindRequest struct {
	SkyAddr  string `json:"skyaddr"`
	CoinType string `json:"coin_type"`
}

type bindResponse struct {
	DepositAddress string           `json:"deposit_address"`
	CoinType       teller.Coin      `json:"coin_type"`
	BuyMethod      teller.BuyMethod `json:"buy_method"`
}

// bind is POST /api/bind.
func (p *public) bind(w http.ResponseWriter, r *http.Request) error {
	var req bindRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	coin, skyAddr, err := p.checkBind(req)
	if err != nil {
		return err
	}
	b, err := p.Counter.Bind(r.Context(), coin, skyAddr)
	if err != nil {
		return bindRefused(coin, err)
	}
	return writeJSON(w, bindResponse{b.Address, b.Coin, b.BuyMethod})
}

// checkBind returns what is to be bound, as far as the request alone and the terms can tell.
func (p *public) checkBind(req bindRequest) (teller.Coin, string, error) {
	if !p.Terms.BindEnabled {
		return "", "", teller.Errorf(teller.CodeBindDisabled, "binding is switched off")
	}
	skyAddr := strings.TrimSpace(req.SkyAddr)
	if skyAddr == "" {
		return "", "", badRequest("Missing skyaddr")
	}
	if req.CoinType == "" {
		return "", "", badRequest("Missing coin_type")
	}
	coin, err := teller.ParseCoin(req.CoinType)
	if err != nil {
		return "", "", badRequest("Invalid coin_type")
	}
	if !p.Terms.Coins[coin].Enabled {
		return "", "", notEnabled(coin)
	}
	skyAddr, err = p.parseSkyAddr(skyAddr)
	return coin, skyAddr, err
}

func notEnabled(coin teller.Coin) error { return badRequest("%s not enabled", coin) }

// parseSkyAddr returns the address in its canonical spelling.
func (p *public) parseSkyAddr(s string) (string, error) {
	addr, err := p.Addresses.Parse(s)
	if err != nil {
		return "", badRequest("Invalid skycoin address: %v", err)
	}
	return addr, nil
}

// bindRefused puts the counter's refusals that the API has words for into those words.
func bindRefused(coin teller.Coin, err error) error {
	switch teller.CodeOf(err) {
	case teller.CodeInvalid:
		return badRequest("Invalid skycoin address: %v", err)
	case teller.CodeCoinDisabled:
		return notEnabled(coin)
	}
	return concealed(err)
}
