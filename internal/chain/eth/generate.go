package eth

import (
	"encoding/hex"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/skycoin/skycoin/src/cipher"

	"github.com/skycoin/teller"
)

// Key is one generated address and the private key that spends from it.
type Key struct {
	Address string // canonical
	Private string // 64 hex digits, as wallets import it; a secret
}

// String leaves the private key out, so that a Key in a log or an error text gives nothing away.
func (k Key) String() string { return k.Address }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.Address }

// Generate makes n deposit addresses from a seed: the same seed always gives the same addresses, and a larger n the same
// ones first. Whoever knows the seed can spend from them. CodeInvalid for an empty seed or an n below 1.
func Generate(seed string, n int) ([]string, error) {
	keys, err := GenerateKeys(seed, n)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, len(keys))
	for i, k := range keys {
		addresses[i] = k.Address
	}
	return addresses, nil
}

// GenerateKeys is Generate with the private keys. The keys are the deterministic sequence of Skycoin's cipher, the same
// that BTC and SKY deposit addresses are made from, so one seed serves all coins.
func GenerateKeys(seed string, n int) ([]Key, error) {
	if seed == "" {
		return nil, teller.Errorf(teller.CodeInvalid, "the seed is empty")
	}
	if n < 1 {
		return nil, teller.Errorf(teller.CodeInvalid, "%d addresses can not be made: ask for 1 or more", n)
	}
	secrets, err := cipher.GenerateDeterministicKeyPairs([]byte(seed), n)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInternal, "make keys: %w", err)
	}
	keys := make([]Key, len(secrets))
	for i, secret := range secrets {
		private, err := crypto.ToECDSA(secret[:])
		if err != nil {
			return nil, teller.Errorf(teller.CodeInternal, "make key %d: %w", i+1, err)
		}
		keys[i] = Key{
			Address: strings.ToLower(crypto.PubkeyToAddress(private.PublicKey).Hex()),
			Private: hex.EncodeToString(secret[:]),
		}
	}
	return keys, nil
}

// FromHash is the address of a public key's hash, in canonical spelling.
func FromHash(hash [20]byte) string { return "0x" + hex.EncodeToString(hash[:]) }
