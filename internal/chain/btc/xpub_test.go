package btc

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/skycoin/skycoin/src/cipher/bip39"

	"github.com/skycoin/teller"
)

// The accounts of the mnemonic that the BIPs' test vectors are made from.
const (
	bipMnemonic = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	bip44XPub   = "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhUd9yLb6qx39T9nMdj"
	bip49UPub   = "upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRUocHqguyjknFHYfgY"
	bip84ZPub   = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
	bip86XPub   = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
)

func TestXPubTestVectors(t *testing.T) {
	for name, tc := range map[string]struct {
		key, addressType, network string
		want                      []string // the first ones
	}{
		"BIP 44": {bip44XPub, "p2pkh", "mainnet", []string{"1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA", "1Ak8PffB2meyfYnbXZR9EGfLfFZVpzJvQP"}},
		"BIP 49": {bip49UPub, "p2sh-p2wpkh", "testnet3", []string{"2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"}},
		"BIP 84": {bip84ZPub, "p2wpkh", "mainnet", []string{"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"}},
		"BIP 86": {bip86XPub, "p2tr", "mainnet", []string{
			"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
			"bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"}},
		"implied":             {bip84ZPub, "", "mainnet", []string{"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"}},
		"with white space":    {" " + bip84ZPub + "\n", "", "mainnet", []string{"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"}},
		"implied, test nets":  {bip49UPub, "", "signet", []string{"2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"}},
		"the same in regtest": {bip49UPub, "", "regtest", []string{"2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"}},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := NewXPub(tc.key, tc.addressType, tc.network)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range tc.want {
				if got, err := x.Address(uint32(i)); err != nil || got != want {
					t.Errorf("address %d = %q, %v; want %s", i, got, err, want)
				}
			}
		})
	}
}

// accountOf derives an account's extended private key from the mnemonic, and rewrites its version.
func accountOf(t testing.TB, params *chaincfg.Params, path ...uint32) *hdkeychain.ExtendedKey {
	t.Helper()
	seed, err := bip39.NewSeed(bipMnemonic, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := hdkeychain.NewMaster(seed, params)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range path {
		if key, err = key.Derive(i); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

const hardened = hdkeychain.HardenedKeyStart

// Whatever the type and network: the holder of the account's private key can spend, which is shown by deriving the same
// addresses from private keys, and the adapter takes them for addresses of its network in their canonical spelling.
func TestXPubAddressesBelongToThePrivateKey(t *testing.T) {
	for _, n := range networks {
		params := n.params
		account := accountOf(t, params, 84+hardened, hardened, 7+hardened)
		params = &chaincfg.MainNetParams
		if n.name != "mainnet" {
			params = &chaincfg.TestNet3Params // simnet has a version of its own, which wallets do not know
		}
		account.SetNet(params)
		public, err := account.Neuter()
		if err != nil {
			t.Fatal(err)
		}
		for _, addressType := range []string{p2pkh, p2shP2wpkh, p2wpkh, p2tr} {
			x, err := NewXPub(public.String(), addressType, n.name)
			if err != nil {
				t.Fatalf("%s on %s: %v", addressType, n.name, err)
			}
			external, err := account.Derive(0)
			if err != nil {
				t.Fatal(err)
			}
			for _, index := range []uint32{0, 1, 77, hardened - 1} {
				got, err := x.Address(index)
				if err != nil {
					t.Fatal(err)
				}
				child, err := external.Derive(index)
				if err != nil {
					t.Fatal(err)
				}
				private, err := child.ECPrivKey()
				if err != nil {
					t.Fatal(err)
				}
				want, err := addressOfKey(private.PubKey(), addressType, n.params)
				if err != nil || got != want.EncodeAddress() {
					t.Errorf("%s on %s, index %d: %s, the private key's is %v, %v", addressType, n.name, index, got, want, err)
				}
				if parsed, err := mustAddresses(t, n.name).Parse(got); err != nil || parsed != got {
					t.Errorf("%s is not canonical on %s: %q, %v", got, n.name, parsed, err)
				}
				if is, err := mustAddresses(t, n.name).Type(got); err != nil || is != addressType {
					t.Errorf("%s is of type %q, %v; want %s", got, is, err, addressType)
				}
			}
		}
	}
}

// The library derives 100,000 addresses, each from the account's key by its own functions: they are ours.
func TestXPubEqualsTheLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("derives 300,000 keys")
	}
	const n = 100_000
	x, err := NewXPub(bip84ZPub, "", "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	account, err := hdkeychain.NewKeyFromString(bip84ZPub)
	if err != nil {
		t.Fatal(err)
	}
	library := func(index uint32) (string, error) {
		external, err := account.Derive(0)
		if err != nil {
			return "", err
		}
		child, err := external.Derive(index)
		if err != nil {
			return "", err
		}
		key, err := child.Address(&chaincfg.MainNetParams) // the hash of the public key, as P2PKH
		if err != nil {
			return "", err
		}
		a, err := address.NewAddressWitnessPubKeyHash(key.Hash160()[:], &chaincfg.MainNetParams)
		if err != nil {
			return "", err
		}
		return a.EncodeAddress(), nil
	}
	var next atomic.Uint32
	var running sync.WaitGroup
	all := make([]string, n)
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < n && !t.Failed(); i = next.Add(1) - 1 {
				got, err := x.Address(i)
				if err != nil {
					t.Errorf("address %d: %v", i, err)
				}
				if want, err := library(i); err != nil || got != want {
					t.Errorf("address %d is %s, the library's is %s, %v", i, got, want, err)
				}
				all[i] = got
			}
		})
	}
	running.Wait()
	distinct := make(map[string]bool, n)
	for _, a := range all {
		distinct[a] = true
	}
	if len(distinct) != n {
		t.Errorf("%d different addresses of %d", len(distinct), n)
	}
}

func TestXPubID(t *testing.T) {
	asXPub := withVersion(t, bip84ZPub, chaincfg.MainNetParams.HDPublicKeyID)
	ids := map[string]string{}
	for name, arg := range map[string][2]string{
		"zpub":         {bip84ZPub, ""},
		"p2tr":         {asXPub, "p2tr"},
		"p2pkh":        {asXPub, "p2pkh"},
		"p2sh":         {asXPub, "p2sh-p2wpkh"},
		"another":      {bip44XPub, "p2pkh"},
		"another p2tr": {bip86XPub, "p2tr"},
	} {
		x, err := NewXPub(arg[0], arg[1], "mainnet")
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := ids[x.ID()]; ok {
			t.Errorf("%s and %s are both named %s", name, other, x.ID())
		}
		ids[x.ID()] = name
		if len(x.ID()) != 16 || strings.Contains(fmt.Sprintf("%s %v %+v %#v", x, x, x, x), arg[0][4:]) {
			t.Errorf("%s prints as %#v", name, x)
		}
	}
	// Written down once: with another name for a key, the ledger would not know where to go on.
	same, err := NewXPub(asXPub, "p2wpkh", "mainnet")
	if err != nil || same.ID() != "5531d645d8e0db55" || ids[same.ID()] != "zpub" {
		t.Errorf("the BIP 84 key is named %v, %v", same, err)
	}
}

// withVersion rewrites how a key begins.
func withVersion(t testing.TB, key string, version [4]byte) string {
	t.Helper()
	k, err := hdkeychain.NewKeyFromString(key)
	if err != nil {
		t.Fatal(err)
	}
	if k, err = k.CloneWithVersion(version[:]); err != nil {
		t.Fatal(err)
	}
	return k.String()
}

func TestXPubRefuses(t *testing.T) {
	asXPub := withVersion(t, bip84ZPub, chaincfg.MainNetParams.HDPublicKeyID)
	tpub := withVersion(t, bip84ZPub, chaincfg.TestNet3Params.HDPublicKeyID)
	private := accountOf(t, &chaincfg.MainNetParams, 84+hardened, hardened, hardened)
	zprv, err := private.CloneWithVersion([]byte{0x04, 0xb2, 0x43, 0x0c})
	if err != nil {
		t.Fatal(err)
	}
	deep := hdkeychain.NewExtendedKey(private.Version(), mustKey(t, private), private.ChainCode(), []byte{1, 2, 3, 4}, 254, 0, false)
	deep.SetNet(&chaincfg.MainNetParams)
	for name, tc := range map[string]struct{ key, addressType, network, want string }{
		"empty":            {"", "p2wpkh", "mainnet", "no extended public key"},
		"an address":       {"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "p2wpkh", "mainnet", "no extended public key"},
		"a letter changed": {strings.Replace(bip84ZPub, "EqTU", "EqTV", 1), "", "mainnet", "no extended public key"},
		"cut off":          {bip84ZPub[:100], "", "mainnet", "no extended public key"},
		"endless":          {strings.Repeat("x", 1<<20), "", "mainnet", "too many"},
		"no curve point":   {badPoint(t), "p2wpkh", "mainnet", "no extended public key"},
		"private":          {private.String(), "p2wpkh", "mainnet", "PRIVATE"},
		"private zprv":     {zprv.String(), "", "mainnet", "PRIVATE"},
		"private misspelt": {private.String()[:60], "", "mainnet", "PRIVATE"},
		"private disguise": {withVersion(t, private.String(), chaincfg.MainNetParams.HDPublicKeyID), "p2pkh", "mainnet", "PRIVATE"},
		"no type":          {asXPub, "", "mainnet", "does not tell the type"},
		"unknown type":     {asXPub, "p2wsh", "mainnet", `"p2wsh" is unknown`},
		"contradiction":    {bip84ZPub, "p2pkh", "mainnet", "zpub is for p2wpkh"},
		"test key on main": {tpub, "p2wpkh", "mainnet", "tpub is not for mainnet"},
		"main key on test": {bip84ZPub, "", "regtest", "zpub is not for regtest"},
		"unknown network":  {bip84ZPub, "", "moon", "moon"},
		"multi-signature":  {withVersion(t, bip84ZPub, [4]byte{0x02, 0xaa, 0x7e, 0xd3}), "p2wpkh", "mainnet", "not known"},
		"too deep":         {deep.String(), "p2wpkh", "mainnet", "255"},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := NewXPub(tc.key, tc.addressType, tc.network)
			if x != nil || teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%v, %v; want a message with %q", x, err, tc.want)
			}
			if len(tc.key) > 10 && strings.Contains(err.Error(), tc.key[5:]) {
				t.Errorf("the message repeats the key: %v", err)
			}
		})
	}
	x, err := NewXPub(bip84ZPub, "", "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []uint32{hardened, hardened + 1, 1<<32 - 1} {
		if a, err := x.Address(index); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("address %d = %q, %v", index, a, err)
		}
	}
}

func mustKey(t testing.TB, k *hdkeychain.ExtendedKey) []byte {
	t.Helper()
	public, err := k.ECPubKey()
	if err != nil {
		t.Fatal(err)
	}
	return public.SerializeCompressed()
}

// badPoint is spelled correctly and has an x coordinate that no point of the curve has.
func badPoint(t testing.TB) string {
	t.Helper()
	k := hdkeychain.NewExtendedKey(chaincfg.MainNetParams.HDPublicKeyID[:], append([]byte{2}, make([]byte, 32)...),
		make([]byte, 32), make([]byte, 4), 0, 0, false)
	return k.String()
}

func withChecksum(payload []byte) []byte {
	return append(bytes.Clone(payload), chainhash.DoubleHashB(payload)[:4]...)
}

// No text makes it panic, a refusal has the code and does not repeat what may be a secret, and what is accepted derives.
func FuzzNewXPub(f *testing.F) {
	for _, key := range []string{bip44XPub, bip49UPub, bip84ZPub, bip86XPub, badPoint(f)} {
		f.Add(base58.Decode(key), "p2wpkh")
		f.Add(base58.Decode(key), "")
	}
	f.Fuzz(func(t *testing.T, payload []byte, addressType string) {
		if len(payload) > 4 { // with a correct checksum, or nothing behind it is ever reached
			payload = withChecksum(payload[:len(payload)-4])
		}
		key := base58.Encode(payload)
		x, err := NewXPub(key, addressType, "mainnet")
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
		if got, err := mustAddresses(t, "mainnet").Parse(a); err != nil || got != a {
			t.Fatalf("derived %q: %q, %v", a, got, err)
		}
	})
}

func BenchmarkXPubAddress(b *testing.B) {
	for _, tc := range []struct{ key, addressType string }{{bip84ZPub, ""}, {bip86XPub, "p2tr"}} {
		x, err := NewXPub(tc.key, tc.addressType, "mainnet")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(x.AddressType(), func(b *testing.B) {
			for i := uint32(0); b.Loop(); i++ {
				if _, err := x.Address(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
