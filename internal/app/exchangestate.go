package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
)

// lookTimeout bounds a look at the exchange that a person waits for.
const lookTimeout = 5 * time.Second

// exchangeState looks at the exchange. What can not be seen now is said in words, beside what can.
func (a *App) exchangeState(ctx context.Context) (httpapi.ExchangeState, error) {
	if a.exchange == nil {
		return httpapi.ExchangeState{}, teller.Errorf(teller.CodeNotFound, "no exchange is configured: SKY is sent from the wallet")
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	state := httpapi.ExchangeState{Name: a.exchange.Name(), Buying: a.Config.SkyExchanger.SendEnabled, Error: a.processorError()}
	for _, coin := range teller.Coins {
		if m, traded := a.look(ctx, coin); traded {
			state.Markets = append(state.Markets, m)
		}
	}
	return state, nil
}

// look looks at the market for one coin; traded is false when there is none.
func (a *App) look(ctx context.Context, coin teller.Coin) (m httpapi.ExchangeMarket, traded bool) {
	m = httpapi.ExchangeMarket{Coin: coin}
	rules, err := a.exchange.Market(ctx, coin)
	if teller.CodeOf(err) == teller.CodeUnsupported {
		return m, false
	}
	fault := func(what string, err error) {
		if err != nil {
			m.Errors = append(m.Errors, what+": "+err.Error())
		}
	}
	fault("market", err)
	m.Symbol, m.Minimum = rules.Symbol, rules.Minimum
	if own := a.buyer.Policy.Minimum[coin]; m.Minimum.Cmp(own) < 0 {
		m.Minimum = own
	}
	balance, err := a.exchange.Balance(ctx, coin)
	fault("balance", err)
	if err == nil {
		m.Balance = &balance
	}
	open, err := a.exchange.Open(ctx, coin)
	fault("open orders", err)
	m.Open = len(open)
	for _, clientID := range slices.Sorted(maps.Keys(open)) {
		stray, err := a.stray(ctx, coin, clientID, open[clientID])
		fault("order "+clientID, err)
		if stray != nil {
			m.Strays = append(m.Strays, *stray)
		}
	}
	return m, true
}

// stray is an open order at the exchange that the ledger does not follow, nil when it does: somebody else trades with the
// account, or the ledger has forgotten something.
func (a *App) stray(ctx context.Context, coin teller.Coin, clientID string, shown teller.OrderReport) (*httpapi.ExchangeStray, error) {
	o, err := a.store.Order(ctx, clientID)
	switch {
	case teller.CodeOf(err) == teller.CodeNotFound:
		return &httpapi.ExchangeStray{ClientID: clientID, OrderReport: shown, Why: "the ledger does not know it"}, nil
	case err != nil || o.Pending():
		return nil, err
	}
	now, err := a.exchange.Order(ctx, coin, shown.OrderID) // it may have ended since it was listed
	if err != nil || now.Final {
		return nil, err
	}
	return &httpapi.ExchangeStray{ClientID: clientID, OrderReport: now, Why: "the ledger has it as ended: " + o.Status}, nil
}
