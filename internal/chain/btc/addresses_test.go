package btc

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/skycoin/teller"
)

// fiveKinds are addresses of every kind that can receive a deposit, made from one byte.
func fiveKinds(t testing.TB, network string, b byte) []string {
	t.Helper()
	params, err := paramsOf(network)
	if err != nil {
		t.Fatal(err)
	}
	short, long := bytes.Repeat([]byte{b}, 20), bytes.Repeat([]byte{b}, 32)
	var all []string
	add := func(a address.Address, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a.EncodeAddress())
	}
	pkh, err := address.NewAddressPubKeyHash(short, params)
	add(pkh, err)
	sh, err := address.NewAddressScriptHashFromHash(short, params)
	add(sh, err)
	wpkh, err := address.NewAddressWitnessPubKeyHash(short, params)
	add(wpkh, err)
	wsh, err := address.NewAddressWitnessScriptHash(long, params)
	add(wsh, err)
	tr, err := address.NewAddressTaproot(long, params)
	add(tr, err)
	return all
}

func mustAddresses(t testing.TB, network string) Addresses {
	t.Helper()
	a, err := NewAddresses(network)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestParseTakesAllKindsOfItsNetwork(t *testing.T) {
	for _, n := range networks {
		a := mustAddresses(t, n.name)
		for _, addr := range fiveKinds(t, n.name, 5) {
			got, err := a.Parse(addr)
			if err != nil || got != addr {
				t.Errorf("%s: Parse(%s) = %q, %v", n.name, addr, got, err)
			}
			script, err := a.script(addr)
			if err != nil {
				t.Errorf("%s: %v", n.name, err)
			}
			if back, ok := addressOf(script, n.params); !ok || back != addr {
				t.Errorf("%s: script of %s is read as %q", n.name, addr, back)
			}
		}
	}
}

func TestParseKnownMainnetAddresses(t *testing.T) {
	a := mustAddresses(t, "mainnet")
	for in, want := range map[string]string{
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa":                             "",
		"3P14159f73E4gFr7JterCCQh9QjiTjiZrG":                             "",
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4":                     "",
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4":                     "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": "",
	} {
		if want == "" {
			want = in
		}
		if got, err := a.Parse(in); err != nil || got != want {
			t.Errorf("Parse(%s) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	_, public := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{1}, 32))
	for name, tc := range map[string]struct{ network, address, says string }{
		"empty":                    {"mainnet", "", "not a bitcoin address"},
		"blank before":             {"mainnet", " 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "not a bitcoin address"},
		"checksum":                 {"mainnet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"},
		"mixed case":               {"mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8F3T4", "not a bitcoin address"},
		"taproot as bech32":        {"mainnet", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "not a bitcoin address"},
		"witness version 2":        {"mainnet", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "not a bitcoin address"},
		"pay to anchor":            {"mainnet", "bc1pfeessrawgf", "nobody owns"},
		"public key":               {"mainnet", hex.EncodeToString(public.SerializeCompressed()), "public key"},
		"public key, uncompressed": {"mainnet", hex.EncodeToString(public.SerializeUncompressed()), "public key"},
		"testnet on mainnet":       {"mainnet", fiveKinds(t, "testnet3", 1)[0], "not a bitcoin address"},
		"testnet bech32":           {"mainnet", fiveKinds(t, "testnet3", 1)[2], "another network"},
		"mainnet on regtest":       {"regtest", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "not a bitcoin address"},
		"mainnet bech32":           {"regtest", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "another network"},
		"simnet taproot":           {"regtest", fiveKinds(t, "simnet", 1)[4], "another network"},
		"skycoin":                  {"mainnet", "2GgFvqoyk9RjwVzj8tqfcXVXB4orBwoc9qv", "not a bitcoin address"},
		"very long":                {"mainnet", strings.Repeat("1", 1<<16), "not a bitcoin address"},
	} {
		t.Run(name, func(t *testing.T) {
			a := mustAddresses(t, tc.network)
			got, err := a.Parse(tc.address)
			if teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Parse = %q, %v; want an invalid error with %q", got, err, tc.says)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("error of %d characters", len(err.Error()))
			}
			if _, err := a.script(tc.address); teller.CodeOf(err) != teller.CodeInvalid {
				t.Errorf("script: %v", err)
			}
		})
	}
}

func TestUnknownNetwork(t *testing.T) {
	_, err := NewAddresses("testnet")
	if teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), "testnet3, testnet4") {
		t.Errorf("err = %v", err)
	}
}

func FuzzAddress(f *testing.F) {
	for _, n := range networks {
		for _, addr := range fiveKinds(f, n.name, 9) {
			f.Add(addr)
			f.Add(strings.ToUpper(addr))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range networks {
			a := mustAddresses(t, n.name)
			canonical, err := a.Parse(s)
			if err != nil {
				continue
			}
			if again, err := a.Parse(canonical); err != nil || again != canonical {
				t.Fatalf("%s: %q -> %q -> %q, %v", n.name, s, canonical, again, err)
			}
			script, err := a.script(s)
			if err != nil {
				t.Fatalf("%s: %q: %v", n.name, s, err)
			}
			if back, ok := addressOf(script, n.params); !ok || back != canonical {
				t.Fatalf("%s: %q pays %q", n.name, s, back)
			}
		}
	})
}
