// Package counter is the buyer's side of the desk: it binds fresh deposit addresses to SKY addresses, for ever. What is
// paid to them is the scanners' business, what is sent for it the settlement's; the ledger is all they share.
package counter

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// Pool hands out the deposit addresses of one coin.
type Pool interface {
	teller.Pool
	// Contains reports whether an address, in its canonical spelling, is or was one of the pool's.
	Contains(address string) bool
}

// Store is what the Counter needs of the ledger.
type Store interface {
	Bind(ctx context.Context, b teller.Binding, limit int) (teller.Binding, error)
	IsUsed(ctx context.Context, coin teller.Coin, address string) (bool, error)
}

// Counter binds addresses. Bind and Remaining are safe for concurrent use once the fields are set.
type Counter struct {
	Terms teller.Terms
	Store Store
	Clock teller.Clock
	SKY   teller.Addresses
	Own   []string                                   // the hot wallet's addresses
	Pools map[teller.Coin]Pool                       // of disabled coins too, if they are configured
	Watch map[teller.Coin]func(address string) error // of enabled coins: look for deposits from now on
}

// Bind gives a SKY address a fresh deposit address of a coin. What it returns is durable and watched. After an error an
// address may have been bound all the same; nobody has been told of it, and it is not offered again.
func (c *Counter) Bind(ctx context.Context, coin teller.Coin, skyAddress string) (teller.Binding, error) {
	addresses, err := c.check(ctx, coin, skyAddress)
	if err != nil {
		return teller.Binding{}, err
	}
	for {
		fresh, err := addresses.Take()
		if err != nil {
			return teller.Binding{}, err
		}
		b, err := c.Store.Bind(ctx, teller.Binding{
			Address: fresh.Address, Source: fresh.Source, Index: fresh.Index,
			Coin: coin, SkyAddress: skyAddress, BuyMethod: c.Terms.BuyMethodFor(coin), CreatedAt: c.Clock.Now(),
		}, c.Terms.MaxBoundAddrs)
		switch teller.CodeOf(err) {
		case "":
			return b, c.Watch[coin](fresh.Address)
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

func (c *Counter) check(ctx context.Context, coin teller.Coin, skyAddress string) (Pool, error) {
	if !c.Terms.BindEnabled {
		return nil, teller.Errorf(teller.CodeBindDisabled, "binding is switched off")
	}
	addresses := c.Pools[coin]
	if addresses == nil || !c.Terms.Coins[coin].Enabled {
		return nil, teller.Errorf(teller.CodeCoinDisabled, "%s deposits are switched off", coin)
	}
	canonical, err := c.SKY.Parse(skyAddress)
	if err != nil {
		return nil, err
	}
	used, err := c.Store.IsUsed(ctx, teller.SKY, canonical) // of a pool that is gone
	if err != nil {
		return nil, err
	}
	skyPool := c.Pools[teller.SKY]
	if used || slices.Contains(c.Own, canonical) || (skyPool != nil && skyPool.Contains(canonical)) {
		return nil, teller.Errorf(teller.CodeInvalid, "this address belongs to the counter itself; use one of your own")
	}
	return addresses, nil
}

// Remaining is the number of addresses that are left to bind.
func (c *Counter) Remaining(coin teller.Coin) int {
	if p := c.Pools[coin]; p != nil {
		return p.Remaining()
	}
	return 0
}
