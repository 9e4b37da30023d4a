package sky

import (
	"github.com/skycoin/skycoin/src/cipher"

	"github.com/skycoin/teller"
)

// Addresses knows the spelling of SKY addresses. There is only one spelling of an address, and the main network and
// test networks share it.
type Addresses struct{}

var _ teller.Addresses = Addresses{}

// maxAddress is the length from which a text is no address without looking closer: decoding takes quadratic time.
const maxAddress = 40

// Parse checks an address. The null address, which nobody can spend from, is refused.
func (Addresses) Parse(address string) (string, error) {
	if len(address) > maxAddress {
		return "", teller.Errorf(teller.CodeInvalid, "%w", cipher.ErrAddressInvalidLength)
	}
	a, err := cipher.DecodeBase58Address(address)
	if err != nil {
		return "", teller.Errorf(teller.CodeInvalid, "%w", err)
	}
	if a.Null() {
		return "", teller.Errorf(teller.CodeInvalid, "the null address belongs to nobody")
	}
	return a.String(), nil
}

// Key is one address with its key pair, in hexadecimal. Secret gives away the coins: print it only where the user
// asked for it.
type Key struct {
	Address string
	Public  string
	Secret  string
}

// String leaves the secret out, so that it does not end in a log by accident.
func (k Key) String() string { return k.Address }

// GoString is String.
func (k Key) GoString() string { return k.Address }

// GenerateKeys derives n key pairs from a seed, the same that a deterministic wallet with that seed holds.
func GenerateKeys(seed string, n int) ([]Key, error) {
	if seed == "" || n < 1 {
		return nil, teller.Errorf(teller.CodeInvalid, "generating addresses needs a seed and a number of at least 1")
	}
	secrets, err := cipher.GenerateDeterministicKeyPairs([]byte(seed), n)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "no keys can be made from this seed")
	}
	keys := make([]Key, 0, n)
	for _, secret := range secrets {
		public, err := cipher.PubKeyFromSecKey(secret)
		if err != nil {
			return nil, teller.Errorf(teller.CodeInternal, "no public key can be made from a generated key")
		}
		keys = append(keys, Key{Address: cipher.AddressFromPubKey(public).String(), Public: public.Hex(), Secret: secret.Hex()})
	}
	return keys, nil
}

// Generate derives n addresses from a seed.
func Generate(seed string, n int) ([]string, error) {
	keys, err := GenerateKeys(seed, n)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, 0, n)
	for _, k := range keys {
		addresses = append(addresses, k.Address)
	}
	return addresses, nil
}

// FromHash is the address of a public key's hash.
func FromHash(hash [20]byte) string { return cipher.Address{Key: hash}.String() }
