package app

import (
	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/eth"
	"github.com/skycoin/teller/internal/chain/sky"
)

// Key is a deposit address and the secret that spends what is paid to it, in the form that the coin's wallets import:
// WIF for BTC, hexadecimal for ETH and SKY.
type Key struct{ Address, Secret string }

// String leaves the secret out, so that it does not end in a log by accident.
func (k Key) String() string { return k.Address }

// NewKeys derives n keys of a coin from a seed: always the same for the same seed.
func NewKeys(coin teller.Coin, seed string, n int, network string) ([]Key, error) {
	keys := make([]Key, 0, n)
	switch coin {
	case teller.BTC:
		made, err := btc.GenerateKeys(seed, n, network)
		if err != nil {
			return nil, err
		}
		for _, k := range made {
			keys = append(keys, Key{k.Address, k.WIF})
		}
	case teller.ETH:
		made, err := eth.GenerateKeys(seed, n)
		if err != nil {
			return nil, err
		}
		for _, k := range made {
			keys = append(keys, Key{k.Address, k.Private})
		}
	default:
		made, err := sky.GenerateKeys(seed, n)
		if err != nil {
			return nil, err
		}
		for _, k := range made {
			keys = append(keys, Key{k.Address, k.Secret})
		}
	}
	return keys, nil
}

// NewAddresses is NewKeys without the secrets.
func NewAddresses(coin teller.Coin, seed string, n int, network string) ([]string, error) {
	switch coin {
	case teller.BTC:
		return btc.Generate(seed, n, network)
	case teller.ETH:
		return eth.Generate(seed, n)
	default:
		return sky.Generate(seed, n)
	}
}
