package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/eth"
	"github.com/skycoin/teller/internal/counter"
	"github.com/skycoin/teller/internal/httpapi"
	"github.com/skycoin/teller/internal/pool"
)

// addressFile is a file of deposit addresses that is in use.
type addressFile struct {
	path string
	pool *pool.Pool
}

// openCounter opens the address pools. One that is configured although its coin is switched off is opened as well: its
// SKY addresses must not be bound.
func (a *App) openCounter(ctx context.Context) error {
	a.counter = &counter.Counter{
		Terms: a.terms, Store: a.store, Clock: a.clock, SKY: a.sky, Own: a.wallet.Addresses(),
		Pools: make(map[teller.Coin]counter.Pool), Watch: make(map[teller.Coin]func(string) error),
	}
	for _, coin := range teller.Coins {
		path, err := a.addressPath(coin)
		if err != nil {
			return err
		}
		var sources []pool.Source
		if path != "" {
			p, err := a.readPool(ctx, coin, path)
			if err != nil {
				return err
			}
			a.files[coin] = addressFile{path, p}
			sources = append(sources, p)
		}
		fromKey, err := a.openXPub(ctx, coin)
		if err != nil {
			return fmt.Errorf("%s_xpub: %w", coin.Lower(), err)
		}
		if fromKey != nil {
			sources = append(sources, fromKey)
		}
		if len(sources) == 0 {
			continue
		}
		p := pool.NewSequence(sources...)
		a.counter.Pools[coin], a.pools[coin] = p, p
		a.Log.Info("deposit addresses ready", "coin", coin, "path", path, "xpub", fromKey != nil, "remaining", p.Remaining())
	}
	return nil
}

// readPool reads an address file and takes out what was used before.
func (a *App) readPool(ctx context.Context, coin teller.Coin, path string) (*pool.Pool, error) {
	addresses, err := Addresses(coin, a.Config.BTCRPC.Network)
	if err != nil {
		return nil, err
	}
	list, err := pool.ReadFile(path, coin, addresses)
	if err != nil {
		return nil, fmt.Errorf("%s_addresses: %w", coin.Lower(), err)
	}
	p := pool.New(list)
	return p, a.store.UsedAddresses(ctx, coin, func(address string) error {
		p.Exclude(address)
		return nil
	})
}

// openXPub makes the pool of a coin's extended public key, nil when there is none.
func (a *App) openXPub(ctx context.Context, coin teller.Coin) (*pool.Derived, error) {
	key := a.Config.XPub(coin)
	if !key.IsSet() {
		return nil, nil
	}
	var x pool.Deriver
	var err error
	if coin == teller.BTC {
		x, err = btc.NewXPub(key.Reveal(), a.Config.BTCXPubType, a.Config.BTCRPC.Network)
	} else {
		x, err = eth.NewXPub(key.Reveal())
	}
	if err != nil {
		return nil, err
	}
	next, err := a.store.NextIndex(ctx, coin, x.ID())
	if err != nil {
		return nil, err
	}
	return pool.NewDerived(coin, x, next), nil
}

// addressPath is where a coin's deposit addresses are. In dummy mode they are made when none are configured.
func (a *App) addressPath(coin teller.Coin) (string, error) {
	if file := a.Config.Path(a.Config.Addresses(coin)); file != "" {
		return file, nil
	}
	if !a.Config.Dummy.Scanner || !a.terms.Coins[coin].Enabled || a.Config.XPub(coin).IsSet() {
		return "", nil
	}
	file := filepath.Join(a.Config.DataDir, "dummy-"+coin.Lower()+"-addresses.txt")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	return file, makeAddresses(file, coin, a.Config.BTCRPC.Network)
}

// Reload reads the address files again. Every file is read before any is used: a mistake in one changes nothing. An
// address that is no longer in its file is not handed out any more; one that is bound stays bound and watched.
func (a *App) Reload(ctx context.Context) (map[teller.Coin]httpapi.Reloaded, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	read := make(map[teller.Coin]*pool.Pool)
	for coin, file := range a.files {
		fresh, err := a.readPool(ctx, coin, file.path)
		if err != nil {
			return nil, err
		}
		if watch := a.counter.Watch[coin]; watch != nil {
			if err := fresh.Upcoming(watch); err != nil {
				return nil, err
			}
		}
		read[coin] = fresh
	}
	reloaded := make(map[teller.Coin]httpapi.Reloaded)
	for coin, fresh := range read {
		p := a.files[coin].pool
		added, removed := fresh.List().Changes(p.List())
		p.Replace(fresh)
		reloaded[coin] = httpapi.Reloaded{Added: added, Removed: removed, Remaining: a.counter.Remaining(coin)}
	}
	return reloaded, nil
}
