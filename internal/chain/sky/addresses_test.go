package sky

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skycoin/skycoin/src/cipher"

	"github.com/skycoin/teller"
)

func TestAddressesParse(t *testing.T) {
	const good = "2GgFvqoyk9RjwVzj8tqfcXVXB4orBwoc9qv"
	for address, ok := range map[string]bool{
		good:                                 true,
		genesisOwner:                         true,
		"":                                   false,
		good[1:]:                             false,
		good + "1":                           false,
		"1" + good:                           false,
		" " + good:                           false,
		strings.ToLower(good):                false,
		"0OIl":                               false,
		"é":                                  false,
		strings.Repeat("2", 1e6):             false,
		cipher.Address{}.String():            false,
		"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2": false, // bitcoin
	} {
		got, err := Addresses{}.Parse(address)
		if (err == nil) != ok {
			t.Errorf("%.60q: %v", address, err)
		}
		if ok && got != address {
			t.Errorf("%s became %s", address, got)
		}
		if !ok {
			wantCode(t, err, teller.CodeInvalid)
		}
	}
}

// TestGenerate compares with the addresses that Skycoin's own client derives.
func TestGenerate(t *testing.T) {
	keys, err := GenerateKeys("seed", 3)
	must(t, err)
	addresses, err := Generate("seed", 3)
	must(t, err)
	for i, k := range keys {
		secret := cipher.MustSecKeyFromHex(k.Secret)
		if cipher.MustAddressFromSecKey(secret).String() != k.Address || addresses[i] != k.Address || cipher.MustPubKeyFromSecKey(secret).Hex() != k.Public {
			t.Errorf("key %d does not belong to %s", i, k.Address)
		}
		if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, keys); strings.Contains(text, k.Secret) {
			t.Error("printing a key prints its secret")
		}
	}
	first, _ := cipher.MustGenerateDeterministicKeyPair([]byte("seed"))
	if addresses[0] != cipher.AddressFromPubKey(first).String() || addresses[0] == addresses[1] {
		t.Errorf("addresses %v", addresses)
	}
	if _, err := Generate("", 1); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("empty seed: %v", err)
	}
	if _, err := Generate("seed", 0); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("no addresses: %v", err)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add(genesisOwner)
	f.Add("")
	f.Add("1111111111111111111111111")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Addresses{}.Parse(s)
		if err != nil {
			wantCode(t, err, teller.CodeInvalid)
			return
		}
		if got != s {
			t.Fatalf("%q has the other spelling %q", s, got)
		}
	})
}
