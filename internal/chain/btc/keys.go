package btc

import (
	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/skycoin/skycoin/src/cipher"

	"github.com/skycoin/teller"
)

// Key is a deposit address and the private key that spends from it.
type Key struct {
	Address string // P2PKH of the compressed public key
	WIF     string // the secret, in wallet import format: never log or store it on a machine that runs teller
}

// Generate derives n deposit addresses from a seed. They are those of Skycoin's deterministic key pairs, so whoever has
// the seed can spend from them with Skycoin's own tools: on mainnet they equal cipher.BitcoinAddressFromPubKey. Equal
// arguments give equal addresses, and a larger n only appends. A key takes some milliseconds. CodeInvalid for an empty seed, an unknown network, or an n
// below 1.
func Generate(seed string, n int, network string) ([]string, error) {
	keys, err := GenerateKeys(seed, n, network)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, len(keys))
	for i, k := range keys {
		addresses[i] = k.Address
	}
	return addresses, nil
}

// GenerateKeys is Generate with the private keys, for the operator's own, offline machine.
func GenerateKeys(seed string, n int, network string) ([]Key, error) {
	params, err := paramsOf(network)
	if err != nil {
		return nil, err
	}
	if seed == "" {
		return nil, teller.Errorf(teller.CodeInvalid, "the seed is empty")
	}
	if n < 1 {
		return nil, teller.Errorf(teller.CodeInvalid, "can not generate %d addresses: give a number from 1", n)
	}
	secrets, err := cipher.GenerateDeterministicKeyPairs([]byte(seed), n)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInternal, "derive keys: %w", err)
	}
	keys := make([]Key, n)
	for i, secret := range secrets {
		private, public := btcec.PrivKeyFromBytes(secret[:])
		addr, err := address.NewAddressPubKeyHash(address.Hash160(public.SerializeCompressed()), params)
		if err != nil {
			return nil, teller.Errorf(teller.CodeInternal, "address of key %d: %w", i, err)
		}
		wif, err := btcutil.NewWIF(private, params, true)
		if err != nil {
			return nil, teller.Errorf(teller.CodeInternal, "wallet import format of key %d: %w", i, err)
		}
		keys[i] = Key{Address: addr.EncodeAddress(), WIF: wif.String()}
	}
	return keys, nil
}

// FromHash is the P2PKH address of a public key's hash, whoever has that key, if anybody.
func FromHash(hash160 [20]byte, network string) (string, error) {
	params, err := paramsOf(network)
	if err != nil {
		return "", err
	}
	addr, err := address.NewAddressPubKeyHash(hash160[:], params)
	if err != nil {
		return "", teller.Errorf(teller.CodeInternal, "address of a hash: %w", err)
	}
	return addr.EncodeAddress(), nil
}
