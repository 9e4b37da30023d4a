package eth

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller"
)

// The test vectors of EIP-55.
var eip55 = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7", // all upper case
	"0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77", // all lower case
	"0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestParseAcceptsEIP55(t *testing.T) {
	for _, address := range eip55 {
		lower := strings.ToLower(address)
		upper := "0x" + strings.ToUpper(address[2:])
		for _, spelled := range []string{address, lower, upper} {
			got, err := Addresses{}.Parse(spelled)
			if err != nil || got != lower {
				t.Errorf("Parse(%q) = %q, %v; want %q", spelled, got, err, lower)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	for name, tc := range map[string]struct{ in, want string }{
		"empty":          {"", "starts with 0x"},
		"no prefix":      {good[2:], "starts with 0x"},
		"capital X":      {"0X" + good[2:], "starts with 0x"},
		"leading blank":  {" " + good, "starts with 0x"},
		"trailing blank": {good + " ", "not 41"},
		"too short":      {good[:41], "not 39"},
		"prefix only":    {"0x", "not 0"},
		"not hex":        {"0x" + strings.Repeat("g", 40), "only the digits"},
		"not ASCII":      {"0x" + strings.Repeat("ä", 20), "only the digits"},
		"zero":           {"0x" + strings.Repeat("0", 40), "belongs to nobody"},
		"one wrong case": {strings.Replace(good, "aA", "AA", 1), "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Addresses{}.Parse(tc.in)
			if got != "" || teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Parse(%q) = %q, %v; want an invalid error with %q", tc.in, got, err, tc.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, address := range eip55 {
		f.Add(address)
		f.Add(address[2:])
	}
	f.Add("0X")
	f.Add("0x" + strings.Repeat("0", 40))
	f.Fuzz(func(t *testing.T, in string) {
		got, err := Addresses{}.Parse(in)
		if err != nil {
			if teller.CodeOf(err) != teller.CodeInvalid || got != "" {
				t.Fatalf("Parse(%q) = %q, %v", in, got, err)
			}
			return
		}
		if !strings.EqualFold(got, in) || got != strings.ToLower(got) {
			t.Fatalf("Parse(%q) = %q: another address", in, got)
		}
		if again, err := (Addresses{}).Parse(got); err != nil || again != got {
			t.Fatalf("the canonical %q does not parse to itself: %q, %v", got, again, err)
		}
		// The library agrees, and where letter case is mixed it is the checksum that the library would write.
		if !common.IsHexAddress(in) {
			t.Fatalf("go-ethereum does not take %q for an address", in)
		}
		if digits := in[2:]; digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && in != common.HexToAddress(in).Hex() {
			t.Fatalf("accepted %q with a wrong checksum", in)
		}
	})
}

func TestGenerate(t *testing.T) {
	keys, err := GenerateKeys("a test seed", 3)
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := Generate("a test seed", 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 || len(addresses) != 2 || addresses[0] != keys[0].Address || addresses[1] != keys[1].Address {
		t.Fatalf("a seed must always give the same addresses: %v, %v", keys, addresses)
	}
	seen := map[string]bool{}
	for _, k := range keys {
		private, err := crypto.HexToECDSA(k.Private)
		if err != nil {
			t.Fatal(err)
		}
		if got := crypto.PubkeyToAddress(private.PublicKey); !strings.EqualFold(got.Hex(), k.Address) {
			t.Errorf("the private key of %s is the key of %s", k.Address, got)
		}
		if canonical, err := (Addresses{}).Parse(k.Address); err != nil || canonical != k.Address {
			t.Errorf("%s is not canonical: %q, %v", k.Address, canonical, err)
		}
		if seen[k.Address] {
			t.Errorf("%s was made twice", k.Address)
		}
		seen[k.Address] = true
		if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(text, k.Private) {
			t.Errorf("a key prints its secret: %s", text)
		}
	}
	// Written down once: a later change of the derivation would lose operators their coins.
	if want := "0x037e6dde4c211f9703f72c6d16eb1a3aa519ab04"; keys[0].Address != want {
		t.Errorf("the first address of the seed is %s, was always %s", keys[0].Address, want)
	}
	for _, tc := range []struct {
		seed string
		n    int
	}{{"", 1}, {"x", 0}, {"x", -1}} {
		if _, err := Generate(tc.seed, tc.n); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("Generate(%q, %d) = %v, want invalid", tc.seed, tc.n, err)
		}
	}
}
