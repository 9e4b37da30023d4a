package eth

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/skycoin/skycoin/src/cipher/bip39"

	"github.com/skycoin/teller"
)

// The account m/44'/60'/0' of the mnemonic that BIP 84's test vectors are made from.
const (
	knownMnemonic = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	knownXPub     = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"
)

const hardened = hdkeychain.HardenedKeyStart

func knownAccount(t testing.TB) *hdkeychain.ExtendedKey {
	t.Helper()
	seed, err := bip39.NewSeed(knownMnemonic, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []uint32{44 + hardened, 60 + hardened, hardened} {
		if key, err = key.Derive(i); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

func TestXPubGivesTheAddressesOfWallets(t *testing.T) {
	x, err := NewXPub(knownXPub)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"0x9858EfFD232B4033E47d90003D41EC34EcaEda94", "0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0"} {
		canonical, err := Addresses{}.Parse(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.Address(uint32(i)); err != nil || got != canonical {
			t.Errorf("address %d = %q, %v; want %s", i, got, err, canonical)
		}
	}
}

// The holder of the account's private key can spend: go-ethereum makes the same addresses of the private keys.
func TestXPubAddressesBelongToThePrivateKey(t *testing.T) {
	external, err := knownAccount(t).Derive(0)
	if err != nil {
		t.Fatal(err)
	}
	x, err := NewXPub(knownXPub)
	if err != nil {
		t.Fatal(err)
	}
	for index := range uint32(1000) {
		child, err := external.Derive(index)
		if err != nil {
			t.Fatal(err)
		}
		private, err := child.ECPrivKey()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ToLower(crypto.PubkeyToAddress(private.ToECDSA().PublicKey).Hex())
		if got, err := x.Address(index); err != nil || got != want {
			t.Fatalf("address %d = %q, %v; want %s", index, got, err, want)
		}
	}
	for _, index := range []uint32{hardened, 1<<32 - 1} {
		if a, err := x.Address(index); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("address %d = %q, %v", index, a, err)
		}
	}
}

func TestXPubID(t *testing.T) {
	x, err := NewXPub(knownXPub)
	if err != nil {
		t.Fatal(err)
	}
	// Written down once: with another name for a key, the ledger would not know where to go on.
	if text := fmt.Sprintf("%s %v %+v %#v", x, x, x, x); x.ID() != "d17ba51cb753ad01" || strings.Contains(text, knownXPub[4:]) {
		t.Errorf("the key is named %s and prints as %s", x.ID(), text)
	}
}

func TestXPubRefuses(t *testing.T) {
	private := knownAccount(t)
	tpub, err := hdkeychain.NewKeyFromString(knownXPub)
	if err != nil {
		t.Fatal(err)
	}
	tpub.SetNet(&chaincfg.TestNet3Params)
	for name, tc := range map[string]struct{ key, want string }{
		"empty":            {"", "no extended public key"},
		"an address":       {"0x9858EfFD232B4033E47d90003D41EC34EcaEda94", "no extended public key"},
		"a letter changed": {strings.Replace(knownXPub, "jawq", "jawr", 1), "no extended public key"},
		"endless":          {strings.Repeat("x", 1<<20), "too many"},
		"private":          {private.String(), "PRIVATE"},
		"private misspelt": {private.String()[:60], "PRIVATE"},
		"test network":     {tpub.String(), "begins with xpub"},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := NewXPub(tc.key)
			if x != nil || teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%v, %v; want a message with %q", x, err, tc.want)
			}
			if len(tc.key) > 10 && strings.Contains(err.Error(), tc.key[5:]) {
				t.Errorf("the message repeats the key: %v", err)
			}
		})
	}
}

// No text makes it panic, a refusal has the code and does not repeat what may be a secret, and what is accepted derives.
func FuzzNewXPub(f *testing.F) {
	f.Add(base58.Decode(knownXPub))
	f.Add(base58.Decode(knownAccount(f).String()))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) > 4 { // with a correct checksum, or nothing behind it is ever reached
			payload = append(bytes.Clone(payload[:len(payload)-4]), chainhash.DoubleHashB(payload[:len(payload)-4])[:4]...)
		}
		key := base58.Encode(payload)
		x, err := NewXPub(key)
		if err != nil {
			if teller.CodeOf(err) != teller.CodeInvalid || len(key) > 20 && strings.Contains(err.Error(), key[5:]) {
				t.Fatalf("refused with %s: %v", teller.CodeOf(err), err)
			}
			return
		}
		a, err := x.Address(3)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (Addresses{}).Parse(a); err != nil || got != a {
			t.Fatalf("derived %q: %q, %v", a, got, err)
		}
	})
}
