package btc

import (
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/skycoin/skycoin/src/cipher"

	"github.com/skycoin/teller"
)

func TestGenerateIsSkycoinsDerivation(t *testing.T) {
	const seed, n = "a seed of the operator", 5
	keys, err := GenerateKeys(seed, n, "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	for i, secret := range cipher.MustGenerateDeterministicKeyPairs([]byte(seed), n) {
		want := Key{
			Address: cipher.BitcoinAddressFromPubKey(cipher.MustPubKeyFromSecKey(secret)).String(),
			WIF:     cipher.BitcoinWalletImportFormatFromSeckey(secret),
		}
		if keys[i] != want {
			t.Errorf("key %d = %+v, want %+v", i, keys[i], want)
		}
	}
}

func TestGenerateOnEveryNetwork(t *testing.T) {
	main, err := GenerateKeys("seed", 3, "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range networks {
		addresses, err := Generate("seed", 3, n.name)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := GenerateKeys("seed", 3, n.name)
		if err != nil {
			t.Fatal(err)
		}
		for i, addr := range addresses {
			got, err := mustAddresses(t, n.name).Parse(addr)
			if err != nil || got != addr {
				t.Errorf("%s: Parse(%s) = %q, %v", n.name, addr, got, err)
			}
			wif, err := btcutil.DecodeWIF(keys[i].WIF)
			if err != nil || !wif.IsForNet(n.params) || !wif.CompressPubKey {
				t.Errorf("%s: WIF %d is not for the network, %v", n.name, i, err)
			}
			ofMain, err := btcutil.DecodeWIF(main[i].WIF)
			if err != nil || !ofMain.PrivKey.Key.Equals(&wif.PrivKey.Key) {
				t.Errorf("%s: key %d differs from mainnet's, %v", n.name, i, err)
			}
		}
	}
}

func TestGenerateMoreAppends(t *testing.T) {
	few, err := Generate("seed", 2, "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	more, err := Generate("seed", 7, "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(few, more[:2]) {
		t.Errorf("%v is not the beginning of %v", few, more)
	}
	if slices.Sort(more); len(slices.Compact(more)) != 7 {
		t.Error("addresses repeat")
	}
}

func TestGenerateRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		seed    string
		n       int
		network string
	}{
		"no seed": {"", 1, "mainnet"}, "none": {"s", 0, "mainnet"}, "negative": {"s", -1, "mainnet"}, "network": {"s", 1, "x"},
	} {
		if got, err := Generate(tc.seed, tc.n, tc.network); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestFromHashIsAnAddressOfEveryNetwork(t *testing.T) {
	for _, n := range networks {
		a, err := FromHash([20]byte{1, 2, 3}, n.name)
		if err != nil {
			t.Fatal(err)
		}
		parse, err := NewAddresses(n.name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parse.Parse(a); err != nil || got != a {
			t.Errorf("%s: %s parses to %q, %v", n.name, a, got, err)
		}
	}
	if _, err := FromHash([20]byte{1}, "moon"); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("network moon: %v", err)
	}
}
