package app

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/pool"
)

// counter is the buyer's side of the desk: it binds addresses.
type counter struct {
	terms teller.Terms
	store teller.Store
	clock teller.Clock
	sky   teller.Addresses
	own   []string                                   // the hot wallet's addresses
	pools map[teller.Coin]pool.Source                // of disabled coins too, if they are configured
	watch map[teller.Coin]func(address string) error // of enabled coins: look for deposits from now on
}

// Bind gives a SKY address a fresh deposit address of a coin. What it returns is durable and watched.
func (c *counter) Bind(ctx context.Context, coin teller.Coin, skyAddress string) (teller.Binding, error) {
	addresses, err := c.check(ctx, coin, skyAddress)
	if err != nil {
		return teller.Binding{}, err
	}
	for {
		fresh, err := addresses.Take()
		if err != nil {
			return teller.Binding{}, err
		}
		b, err := c.store.Bind(ctx, teller.Binding{
			Address: fresh.Address, Source: fresh.Source, Index: fresh.Index,
			Coin: coin, SkyAddress: skyAddress, BuyMethod: c.terms.BuyMethod, CreatedAt: c.clock.Now(),
		}, c.terms.MaxBoundAddrs)
		switch teller.CodeOf(err) {
		case "":
			return b, c.watch[coin](fresh.Address)
		case teller.CodeAlreadyBound:
			continue // bound in an earlier life of the pool; the next one
		case teller.CodeLimit:
			addresses.Return(fresh)
			return b, err
		default:
			// Whether it was bound is not known: an address that may have been is not offered again before a restart
			// has read the store.
			return b, err
		}
	}
}

func (c *counter) check(ctx context.Context, coin teller.Coin, skyAddress string) (pool.Source, error) {
	if !c.terms.BindEnabled {
		return nil, teller.Errorf(teller.CodeBindDisabled, "binding is switched off")
	}
	addresses := c.pools[coin]
	if addresses == nil || !c.terms.Coins[coin].Enabled {
		return nil, teller.Errorf(teller.CodeCoinDisabled, "%s deposits are switched off", coin)
	}
	canonical, err := c.sky.Parse(skyAddress)
	if err != nil {
		return nil, err
	}
	used, err := c.store.IsUsed(ctx, teller.SKY, canonical) // of a pool that is gone
	if err != nil {
		return nil, err
	}
	skyPool := c.pools[teller.SKY]
	if used || slices.Contains(c.own, canonical) || (skyPool != nil && skyPool.Contains(canonical)) {
		return nil, teller.Errorf(teller.CodeInvalid, "this address belongs to the counter itself; use one of your own")
	}
	return addresses, nil
}

// remaining is the number of addresses that are left to bind.
func (c *counter) remaining(coin teller.Coin) int {
	if p := c.pools[coin]; p != nil {
		return p.Remaining()
	}
	return 0
}
