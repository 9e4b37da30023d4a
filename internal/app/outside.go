package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/eth"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/config"
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
	a.node = sky.NewNode(skyConfig(a.Config))
	return nil
}

// chain makes the client of a deposit chain, real or dummy, and returns what its block 0 must be.
func (a *App) chain(coin teller.Coin) (c teller.Chain, genesis string, err error) {
	if a.Config.Dummy.Scanner {
		return a.openDummyChain(coin)
	}
	c, genesis, closeChain, err := OpenChain(a.Config, coin, a.Log)
	if err != nil {
		return nil, "", err
	}
	a.onClose(coin.Lower()+" node client", func() error { closeChain(); return nil })
	return c, genesis, nil
}

// OpenChain makes the client of the real node of a coin's deposit chain, and tells what its block 0 must be, "" when any
// is right. No node is asked anything yet.
func OpenChain(c config.Config, coin teller.Coin, log *slog.Logger) (chain teller.Chain, genesis string, closeChain func(), err error) {
	switch coin {
	case teller.BTC:
		chain, err := btc.New(btcConfig(c))
		if err != nil {
			return nil, "", nil, err
		}
		return chain, chain.ExpectedGenesis(), chain.Close, nil
	case teller.ETH:
		chain, err := eth.New(ethConfig(c, log))
		if err != nil {
			return nil, "", nil, err
		}
		return chain, chain.ExpectedGenesis(), chain.Close, nil
	default:
		node := sky.NewNode(skyConfig(c))
		return sky.NewChain(node), c.SkyRPC.Genesis, node.Close, nil
	}
}

func btcConfig(c config.Config) btc.Config {
	return btc.Config{
		Server: c.BTCRPC.Server, User: c.BTCRPC.User.Reveal(), Pass: c.BTCRPC.Pass.Reveal(), CertFile: c.Path(c.BTCRPC.Cert),
		Websocket: c.BTCRPC.Websocket, ZMQ: c.BTCRPC.ZMQ, Filters: c.BTCRPC.Filters, Network: c.BTCRPC.Network, Timeout: callTimeout,
	}
}

func ethConfig(c config.Config, log *slog.Logger) eth.Config {
	server := c.ETHRPC.Server
	if c.ETHRPC.URL.IsSet() {
		server = c.ETHRPC.URL.Reveal()
	}
	return eth.Config{
		Server: server, Port: c.ETHRPC.Port, Websocket: c.ETHRPC.Websocket, ChainID: c.ETHRPC.ChainID, Trace: c.ETHRPC.Trace,
		Timeout: callTimeout, Log: log,
	}
}

func skyConfig(c config.Config) sky.Config {
	return sky.Config{Address: c.SkyRPC.Address, Timeout: callTimeout, MinPeers: c.SkyRPC.MinPeers}
}
