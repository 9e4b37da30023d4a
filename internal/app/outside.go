package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/eth"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/pool"
	"github.com/skycoin/teller/internal/wallet"
)

// callTimeout bounds every call to a node.
const callTimeout = 30 * time.Second

// Addresses knows the spelling of a coin's addresses on the given Bitcoin network.
func Addresses(coin teller.Coin, network string) (teller.Addresses, error) {
	switch coin {
	case teller.BTC:
		return btc.NewAddresses(network)
	case teller.ETH:
		return eth.Addresses{}, nil
	default:
		return sky.Addresses{}, nil
	}
}

// openOutside makes the wallet and the clients of the Skycoin node, real or dummy.
func (a *App) openOutside(context.Context) error {
	a.sky = sky.Addresses{}
	if a.Config.Dummy.Sender {
		return a.openDummySender()
	}
	path := a.Config.Path(a.Config.SkyExchanger.Wallet)
	w, err := wallet.Load(path, a.Passphrase)
	if err != nil {
		return fmt.Errorf("sky_exchanger.wallet: %w", err)
	}
	if warning := w.Insecure(); warning != "" {
		a.Log.Warn("hot wallet file can be read by others", "path", path, "err", warning)
	}
	a.wallet = w
	a.node = sky.NewNode(sky.Config{Address: a.Config.SkyRPC.Address, Timeout: callTimeout, MinPeers: a.Config.SkyRPC.MinPeers})
	return nil
}

// chain makes the client of a deposit chain, real or dummy, and returns what its block 0 must be.
func (a *App) chain(coin teller.Coin) (c teller.Chain, genesis string, err error) {
	if a.Config.Dummy.Scanner {
		return a.openDummyChain(coin)
	}
	if coin != teller.BTC {
		return nil, "", teller.Errorf(teller.CodeUnsupported, "%s_scanner.enabled: scanning %s is not built yet", coin.Lower(), coin)
	}
	chain, err := btc.New(NodeConfig(a.Config))
	if err != nil {
		return nil, "", err
	}
	a.onClose("btc node client", func() error { chain.Close(); return nil })
	return chain, chain.ExpectedGenesis(), nil
}

// openCounter reads the address pools of the coins that are on offer. A pool that is listed although its coin is
// switched off is read as well: its SKY addresses must not be bound.
func (a *App) openCounter(ctx context.Context) error {
	a.counter = &counter{
		terms: a.terms, store: a.store, clock: a.clock, sky: a.sky, own: a.wallet.Addresses(),
		pools: make(map[teller.Coin]addressPool), watch: make(map[teller.Coin]func(string) error),
	}
	for _, coin := range teller.Coins {
		file, err := a.addressFile(coin)
		if err != nil {
			return err
		}
		if file == "" {
			continue
		}
		p, err := a.readPool(ctx, coin, file)
		if err != nil {
			return fmt.Errorf("%s_addresses: %w", coin.Lower(), err)
		}
		a.counter.pools[coin] = p
		a.Log.Info("deposit addresses read", "coin", coin, "path", file, "remaining", p.Remaining())
	}
	return nil
}

func (a *App) readPool(ctx context.Context, coin teller.Coin, file string) (*pool.Pool, error) {
	addresses, err := Addresses(coin, a.Config.BTCRPC.Network)
	if err != nil {
		return nil, err
	}
	list, err := pool.ReadFile(file, coin, addresses)
	if err != nil {
		return nil, err
	}
	p := pool.New(list)
	return p, a.store.UsedAddresses(ctx, coin, func(address string) error {
		p.Exclude(address)
		return nil
	})
}

// addressFile is where a coin's deposit addresses are. In dummy mode they are made when none are configured.
func (a *App) addressFile(coin teller.Coin) (string, error) {
	if file := a.Config.Path(a.Config.Addresses(coin)); file != "" {
		return file, nil
	}
	if !a.Config.Dummy.Scanner || !a.terms.Coins[coin].Enabled {
		return "", nil
	}
	file := filepath.Join(a.Config.DataDir, "dummy-"+coin.Lower()+"-addresses.txt")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	return file, makeAddresses(file, coin, a.Config.BTCRPC.Network)
}

// NodeConfig is how the Bitcoin node is reached.
func NodeConfig(c config.Config) btc.Config {
	return btc.Config{
		Server: c.BTCRPC.Server, User: c.BTCRPC.User.Reveal(), Pass: c.BTCRPC.Pass.Reveal(), CertFile: c.Path(c.BTCRPC.Cert),
		Websocket: c.BTCRPC.Websocket, Network: c.BTCRPC.Network, Timeout: callTimeout,
	}
}
