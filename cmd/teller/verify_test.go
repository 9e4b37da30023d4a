package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/skycoin/skycoin/src/cipher/bip39"

	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/eth"
)

// The mnemonic that the BIPs' test vectors are made from, and its accounts.
const (
	mnemonic  = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	another   = "legal winner thank year wave sausage worth useful legal winner thank yellow"
	bip44XPub = "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhUd9yLb6qx39T9nMdj"
	bip49UPub = "upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRUocHqguyjknFHYfgY"
	bip84ZPub = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
	bip86XPub = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
	ethXPub   = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"
	// Of the mnemonic with the passphrase TREZOR, from the test vectors of BIP 39.
	trezorMaster = "xprv9s21ZrQH143K3h3fDYiay8mocZ3afhfULfb5GX8kCBdno77K4HiA15Tg23wpbeF1pLfs1c5SPmYHrEpTuuRhxMwvKDwqdKiGJS9XFKzUsAF"
)

// verify runs teller addresses verify with the secret on standard input, and sees that no line of it is shown.
func verify(t *testing.T, secret string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetIn(strings.NewReader(secret))
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"-d", t.TempDir(), "addresses", "verify"}, args...))
	err := root.ExecuteContext(t.Context())
	said := out.String() + fmt.Sprint(err)
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); line != "" && strings.Contains(said, line) {
			t.Errorf("verify %v shows a secret", args)
		}
	}
	if strings.Contains(said, "abandon") || strings.Contains(said, "prv9") {
		t.Errorf("verify %v shows a part of a secret", args)
	}
	return out.String(), err
}

// child derives from a master key.
func child(t *testing.T, key *hdkeychain.ExtendedKey, path ...uint32) *hdkeychain.ExtendedKey {
	t.Helper()
	for _, i := range path {
		next, err := key.Derive(i)
		if err != nil {
			t.Fatal(err)
		}
		key = next
	}
	return key
}

func neuter(t *testing.T, key *hdkeychain.ExtendedKey) string {
	t.Helper()
	public, err := key.Neuter()
	if err != nil {
		t.Fatal(err)
	}
	return public.String()
}

func masterOf(t *testing.T, words, passphrase string) *hdkeychain.ExtendedKey {
	t.Helper()
	seed, err := bip39.NewSeed(words, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	key, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const hardened = hdkeychain.HardenedKeyStart

func TestVerifyXPub(t *testing.T) {
	master := masterOf(t, mnemonic, "")
	account := child(t, master, 84+hardened, hardened, hardened)
	zprv, err := account.CloneWithVersion([]byte{0x04, 0xb2, 0x43, 0x0c})
	if err != nil {
		t.Fatal(err)
	}
	trezor, err := hdkeychain.NewKeyFromString(trezorMaster)
	if err != nil {
		t.Fatal(err)
	}
	accented := neuter(t, child(t, masterOf(t, mnemonic, "cafe\u0301"), 84+hardened, hardened, hardened))
	for name, tc := range map[string]struct {
		secret, args string
		want         string // "" when it does not belong
	}{
		"BIP 84":                {mnemonic, "--xpub " + bip84ZPub, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"},
		"spelled otherwise":     {"  " + strings.ToUpper(strings.ReplaceAll(mnemonic, " ", "\t ")) + " \r\n\r\n", "--xpub " + bip84ZPub, "m/84'/0'/0'"},
		"BIP 44":                {mnemonic, "--type p2pkh --xpub " + bip44XPub, "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"},
		"BIP 49":                {mnemonic, "--network testnet3 --xpub " + bip49UPub, "m/49'/1'/0'"},
		"BIP 86":                {mnemonic, "--type p2tr --xpub " + bip86XPub, "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"},
		"ETH":                   {mnemonic, "--coin ETH --xpub " + ethXPub, "0x9858effd232b4033e47d90003d41ec34ecaeda94"},
		"master key":            {master.String(), "--xpub " + bip84ZPub, "m/84'/0'/0'"},
		"account's key":         {account.String(), "--xpub " + bip84ZPub, "the extended private key itself"},
		"account's zprv":        {zprv.String(), "--xpub " + bip84ZPub, "the extended private key itself"},
		"another account":       {mnemonic, "--type p2wpkh --xpub " + neuter(t, child(t, master, 84+hardened, hardened, 7+hardened)), "m/84'/0'/7'"},
		"another path":          {mnemonic, "--type p2wpkh --path m/1h/2 --xpub " + neuter(t, child(t, master, 1+hardened, 2)), "m/1h/2"},
		"the master itself":     {mnemonic, "--type p2wpkh --path m --xpub " + neuter(t, master), "belongs: m,"},
		"passphrase":            {mnemonic + "\nTREZOR\n", "--type p2wpkh --xpub " + neuter(t, child(t, trezor, 84+hardened, hardened, hardened)), "m/84'/0'/0'"},
		"passphrase normalised": {mnemonic + "\ncaf\u00e9\n", "--type p2wpkh --xpub " + accented, "m/84'/0'/0'"},

		"another mnemonic":    {another, "--xpub " + bip84ZPub, ""},
		"passphrase too much": {mnemonic + "\nTREZOR\n", "--xpub " + bip84ZPub, ""},
		"passphrase missing":  {mnemonic, "--type p2wpkh --xpub " + neuter(t, child(t, trezor, 84+hardened, hardened, hardened)), ""},
		"at another path":     {mnemonic, "--path m/84'/0'/1' --xpub " + bip84ZPub, ""},
		"a receiving chain":   {child(t, account, 0).String(), "--xpub " + bip84ZPub, ""},
		"another type's key":  {mnemonic, "--type p2wpkh --xpub " + bip44XPub, ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := verify(t, tc.secret, strings.Fields(tc.args)...)
			switch {
			case tc.want == "" && (err == nil || !strings.Contains(err.Error(), "does NOT belong") || strings.Contains(out, "belongs")):
				t.Errorf("%v: %s", err, out)
			case tc.want != "" && (err != nil || !strings.Contains(out, "belongs: ") || !strings.Contains(out, tc.want)):
				t.Errorf("%v: %s; want %q", err, out, tc.want)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	private := child(t, masterOf(t, mnemonic, ""), 84+hardened, hardened, hardened).String()
	file := filepath.Join(t.TempDir(), "sky.txt")
	writeLines(t, file, strings.Fields(mustRun(t, "newskyaddress", "seed", "1"))...)
	for name, tc := range map[string]struct{ secret, args, want string }{
		"nothing to verify":      {mnemonic, "", "file xpub"},
		"both":                   {mnemonic, "--file x --xpub y", "file xpub"},
		"empty secret":           {"", "--xpub " + bip84ZPub, "empty"},
		"misspelt mnemonic":      {strings.Replace(mnemonic, "about", "abuot", 1), "--xpub " + bip84ZPub, "unrecognized word"},
		"wrong checksum":         {strings.Replace(mnemonic, "about", "abandon", 1), "--xpub " + bip84ZPub, "checksum"},
		"misspelt private key":   {private[:len(private)-1], "--xpub " + bip84ZPub, "no extended private key"},
		"public key as secret":   {bip84ZPub, "--xpub " + bip84ZPub, "proved by a mnemonic"},
		"private key as public":  {mnemonic, "--type p2wpkh --xpub " + private, "PRIVATE"},
		"no type":                {mnemonic, "--xpub " + bip44XPub, "type of its addresses"},
		"unknown coin":           {mnemonic, "--coin DOGE --xpub " + bip84ZPub, "DOGE"},
		"SKY has none":           {mnemonic, "--coin SKY --xpub " + bip84ZPub, "verify their file"},
		"no path":                {mnemonic, "--path 84/0 --xpub " + bip84ZPub, "--path"},
		"path below account key": {private, "--path m/84'/0'/0' --xpub " + bip84ZPub, "not one"},
		"missing file":           {mnemonic, "--file " + file + "x", "no such file"},
		"file of another coin":   {mnemonic, "--file " + file, "no BTC address"},
		"SKY of a private key":   {private, "--coin SKY --file " + file, "makes no SKY addresses"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := verify(t, tc.secret, strings.Fields(tc.args)...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v: %s; want %q", err, out, tc.want)
			}
		})
	}
}

func writeLines(t *testing.T, file string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What new*address printed is proved by the seed it was given, also when it is a mnemonic, and by no other.
func TestVerifyFileOfASeed(t *testing.T) {
	for _, coin := range []string{"BTC", "ETH", "SKY"} {
		for _, seed := range []string{"a seed of mine", mnemonic} {
			file := filepath.Join(t.TempDir(), coin+".json")
			writeLines(t, file, mustRun(t, "new"+strings.ToLower(coin)+"address", seed, "5", "--json"))
			args := []string{"--coin", coin, "--file", file, "--search", "5"}
			if out, err := verify(t, seed, args...); err != nil || !strings.Contains(out, "all 5 addresses") {
				t.Errorf("%s: %v: %s", coin, err, out)
			}
			out, err := verify(t, another, args...)
			if err == nil || !strings.Contains(err.Error(), "5 of 5 addresses") || !strings.Contains(out, file+":3: ") || strings.Contains(out, "all") {
				t.Errorf("%s: %v: %s", coin, err, out)
			}
		}
	}
}

// derivedFrom are the addresses of the mnemonic's account at some indexes.
func derivedFrom(t *testing.T, addressType string, path []uint32, indexes ...uint32) []string {
	t.Helper()
	public := neuter(t, child(t, masterOf(t, mnemonic, ""), path...))
	var address func(uint32) (string, error)
	if addressType == "" {
		x, err := eth.NewXPub(public)
		if err != nil {
			t.Fatal(err)
		}
		address = x.Address
	} else {
		x, err := btc.NewXPub(public, addressType, "mainnet")
		if err != nil {
			t.Fatal(err)
		}
		address = x.Address
	}
	var all []string
	for _, i := range indexes {
		a, err := address(i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func TestVerifyFileOfAMnemonic(t *testing.T) {
	segwit := derivedFrom(t, "p2wpkh", []uint32{84 + hardened, hardened, hardened}, 3, 0, 1, 40)
	taproot := derivedFrom(t, "p2tr", []uint32{86 + hardened, hardened, hardened}, 0, 2)
	foreign := derivedFrom(t, "p2wpkh", []uint32{84 + hardened, hardened, 1 + hardened}, 0)
	file := filepath.Join(t.TempDir(), "btc.txt")

	writeLines(t, file, append(segwit, taproot...)...)
	out, err := verify(t, mnemonic, "--file", file, "--search", "50")
	if err != nil || !strings.Contains(out, "all 6 addresses") || !strings.Contains(out, "4 at m/84'/0'/0'/0, the last at index 40") ||
		!strings.Contains(out, "2 at m/86'/0'/0'/0, the last at index 2") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := verify(t, mnemonic, "--file", file, "--search", "40"); err == nil || !strings.Contains(out, ":4: "+segwit[3]) {
		t.Errorf("index 40 was found within 40: %v: %s", err, out)
	}
	if out, err := verify(t, mnemonic, "--file", file, "--type", "p2wpkh", "--search", "50"); err == nil || !strings.Contains(err.Error(), "2 of 6") {
		t.Errorf("other types than the one named were found: %v: %s", err, out)
	}

	writeLines(t, file, "# mine", segwit[0], "", foreign[0], segwit[1])
	out, err = verify(t, mnemonic, "--file", file, "--search", "50")
	if err == nil || !strings.Contains(err.Error(), "1 of 3 addresses") || !strings.Contains(out, file+":4: "+foreign[0]+" does not belong") ||
		strings.Contains(out, segwit[0]) {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := verify(t, mnemonic, "--file", file, "--path", "m/84'/0'/1'", "--search", "50"); err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("at another account: %v: %s", err, out)
	}

	ether := filepath.Join(t.TempDir(), "eth.txt")
	writeLines(t, ether, derivedFrom(t, "", []uint32{44 + hardened, 60 + hardened, hardened}, 0, 1, 2)...)
	if out, err := verify(t, mnemonic, "--coin", "ETH", "--file", ether); err != nil || !strings.Contains(out, "3 at m/44'/60'/0'/0") {
		t.Errorf("%v: %s", err, out)
	}
}

// A long list of what does not belong is cut, and progress is told.
func TestVerifyFileOfSomebodyElse(t *testing.T) {
	if testing.Short() {
		t.Skip("derives 10,000 keys")
	}
	indexes := make([]uint32, foreignShown+23)
	for i := range indexes {
		indexes[i] = uint32(i)
	}
	file := filepath.Join(t.TempDir(), "btc.txt")
	writeLines(t, file, derivedFrom(t, "p2wpkh", []uint32{84 + hardened, hardened, hardened}, indexes...)...)
	out, err := verify(t, another, "--file", file)
	if err == nil || !strings.Contains(out, "and 23 more") || strings.Count(out, "does not belong") != foreignShown ||
		!strings.Contains(out, "5000 derived, 0 of 123 found") {
		t.Errorf("%v: %s", err, out)
	}
}
