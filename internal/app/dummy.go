package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/eth"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/dummy"
	"github.com/skycoin/teller/internal/httpapi"
	"github.com/skycoin/teller/internal/pool"
	"github.com/skycoin/teller/internal/wallet"
)

// dummyAddresses is how many deposit addresses of a coin are made for dummy mode.
const dummyAddresses = 1000

// dummyWorld is the simulated outside: the chains, the node and the exchange that the dummy interface controls.
type dummyWorld struct {
	chains   map[teller.Coin]*dummy.Chain
	node     *dummy.Node
	exchange http.Handler // nil = none
	wake     func(worker string)
}

// openDummySender makes a throw-away wallet and a simulated Skycoin chain that funds it. Everything between is real.
func (a *App) openDummySender() error {
	path := filepath.Join(a.Config.DataDir, "dummy.wlt")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		if err := wallet.NewThrowaway(path); err != nil {
			return err
		}
	}
	w, err := wallet.Load(path, nil)
	if err != nil {
		return err
	}
	node, err := dummy.OpenNode(a.Config.DataDir, dummy.NodeOptions{
		FundAddress: w.Addresses()[0], Coins: a.Config.Dummy.Coins, Hours: a.Config.Dummy.Hours,
	}, a.Log)
	if err != nil {
		return err
	}
	a.onClose("dummy skycoin chain", node.Close)
	a.wallet, a.node, a.dummy.node = w, node, node
	return nil
}

func (a *App) openDummyChain(coin teller.Coin) (teller.Chain, string, error) {
	addresses, err := Addresses(coin, a.Config.BTCRPC.Network)
	if err != nil {
		return nil, "", err
	}
	c, err := dummy.OpenChain(coin, a.Config.DataDir, a.Config.Scanner(coin).ConfirmationsRequired, addresses, a.Log)
	if err != nil {
		return nil, "", err
	}
	a.onClose("dummy "+coin.Lower()+" chain", c.Close)
	if a.dummy.chains == nil {
		a.dummy.chains = make(map[teller.Coin]*dummy.Chain)
	}
	a.dummy.chains[coin] = c
	return c, teller.DummyGenesis, nil
}

// makeAddresses writes a file of deposit addresses for which nobody has a key.
func makeAddresses(file string, coin teller.Coin, network string) error {
	addresses := make([]string, dummyAddresses)
	for i := range addresses {
		a, err := keyless(coin, network)
		if err != nil {
			return err
		}
		addresses[i] = a
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "write the dummy addresses: %w", err)
	}
	if err := pool.WriteText(f, addresses); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// keyless is a valid address whose key nobody knows: the hash is drawn, not computed from a key.
func keyless(coin teller.Coin, network string) (string, error) {
	var hash [20]byte
	if _, err := rand.Read(hash[:]); err != nil {
		return "", teller.Errorf(teller.CodeInternal, "read random bytes: %w", err)
	}
	switch coin {
	case teller.BTC:
		return btc.FromHash(hash, network)
	case teller.ETH:
		return eth.FromHash(hash), nil
	default:
		return sky.FromHash(hash), nil
	}
}

// Deposit implements httpapi.DummyScanner.
func (w *dummyWorld) Deposit(ctx context.Context, d httpapi.DummyDeposit) error {
	chain := w.chains[d.Coin]
	if chain == nil {
		return teller.Errorf(teller.CodeCoinDisabled, "%s deposits are switched off", d.Coin)
	}
	if _, err := chain.Deposit(ctx, dummy.Deposit{Address: d.Address, Value: d.Value, Height: d.Height, TxID: d.TxID, N: d.N}); err != nil {
		return err
	}
	w.wake(d.Coin.Lower())
	return nil
}

// Broadcasts implements httpapi.DummySender.
func (w *dummyWorld) Broadcasts() []httpapi.DummyBroadcast {
	var list []httpapi.DummyBroadcast
	for _, b := range w.node.Broadcasts() {
		out := httpapi.DummyBroadcast{Seq: b.Seq, TxID: b.TxID, Confirmed: b.Confirmed}
		for _, o := range b.Outputs {
			out.Outputs = append(out.Outputs, teller.Recipient{Address: o.Address, Coins: o.Coins})
		}
		list = append(list, out)
	}
	return list
}

// Confirm implements httpapi.DummySender.
func (w *dummyWorld) Confirm(ctx context.Context, txid string, seq int) error {
	if err := w.node.Confirm(ctx, txid, seq); err != nil {
		return err
	}
	w.wake("skycoin")
	return nil
}
