package sim

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// onlooker shows the exchange as it is: what the audit at the end asks meets no faults.
type onlooker struct{ *exchange }

// Market implements teller.Exchange.
func (x onlooker) Market(_ context.Context, coin teller.Coin) (teller.Market, error) {
	if _, traded := smallest[coin]; !traded {
		return teller.Market{}, teller.Errorf(teller.CodeUnsupported, "the simulated exchange does not trade %s", coin)
	}
	return teller.Market{}, nil
}

// Balance implements teller.Exchange.
func (x onlooker) Balance(_ context.Context, coin teller.Coin) (teller.Amount, error) {
	return x.funds[coin], nil
}

// Find implements teller.Exchange.
func (x onlooker) Find(_ context.Context, _ teller.Coin, clientID string) (teller.OrderReport, error) {
	for _, p := range slices.Backward(x.orders) {
		if p.ClientID == clientID {
			return p.report(), nil
		}
	}
	return teller.OrderReport{}, teller.Errorf(teller.CodeNotFound, "the simulated exchange has no such order")
}

// Open implements teller.Exchange.
func (x onlooker) Open(_ context.Context, coin teller.Coin) (map[string]teller.OrderReport, error) {
	open := make(map[string]teller.OrderReport)
	for _, p := range x.open() {
		if p.Coin == coin {
			open[p.ClientID] = p.report()
		}
	}
	return open, nil
}
