package wallet

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/cipher/bip39"
	"github.com/skycoin/skycoin/src/cipher/crypto"
	"github.com/skycoin/skycoin/src/wallet"
	"github.com/skycoin/skycoin/src/wallet/bip44wallet"
	"github.com/skycoin/skycoin/src/wallet/collection"
	"github.com/skycoin/skycoin/src/wallet/deterministic"

	"github.com/skycoin/teller"
)

const password = "correct horse"

// fileOf makes a wallet file as a Skycoin client does. The quick cipher replaces the slow default one: it is not what is
// tested.
func fileOf(t testing.TB, kind string, encrypted bool) []byte {
	t.Helper()
	options := []wallet.Option{wallet.OptionCryptoType(crypto.CryptoTypeSha256Xor)}
	if encrypted {
		options = append(options, wallet.OptionEncrypt(true), wallet.OptionPassword([]byte(password)))
	}
	three := append(slices.Clip(options), wallet.OptionGenerateN(3))
	var w wallet.Wallet
	var err error
	switch kind {
	case wallet.WalletTypeDeterministic:
		w, err = deterministic.NewWallet("w.wlt", "label", "seed of "+t.Name(), three...)
	case wallet.WalletTypeCollection:
		var keys []cipher.SecKey
		for _, s := range []string{"one", "two", "three"} {
			_, k := cipher.MustGenerateDeterministicKeyPair([]byte(s + t.Name()))
			keys = append(keys, k)
		}
		options = append(options, wallet.OptionCollectionPrivateKeys(keys))
		w, err = collection.NewWallet("w.wlt", "label", options...)
	case wallet.WalletTypeBip44:
		w, err = bip44wallet.NewWallet("w.wlt", "label", bip39.MustNewDefaultMnemonic(), t.Name(), three...)
	default:
		t.Fatal(kind)
	}
	must(t, err)
	data, err := w.Serialize()
	must(t, err)
	return data
}

func writeFile(t testing.TB, data []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.wlt")
	must(t, os.WriteFile(path, data, mode))
	must(t, os.Chmod(path, mode))
	return path
}

func TestLoadEveryType(t *testing.T) {
	for kind, addresses := range map[string]int{
		wallet.WalletTypeDeterministic: 3,
		wallet.WalletTypeCollection:    3,
		wallet.WalletTypeBip44:         4, // and one for change
	} {
		for _, encrypted := range []bool{false, true} {
			name := kind
			if encrypted {
				name += " encrypted"
			}
			t.Run(name, func(t *testing.T) {
				path := writeFile(t, fileOf(t, kind, encrypted), 0o600)
				asked := 0
				w, err := Load(path, func() ([]byte, error) { asked++; return []byte(password), nil })
				must(t, err)
				if encrypted != (asked == 1) {
					t.Errorf("asked %d times for the passphrase", asked)
				}
				got := w.Addresses()
				if len(got) != addresses || len(w.keys) != addresses || got[0] != w.change.String() {
					t.Errorf("addresses %v, change to %s", got, w.change)
				}
				for a, k := range w.keys {
					if cipher.MustAddressFromSecKey(k) != a {
						t.Errorf("the key of %s is another's", a)
					}
				}
				got[0] = "changed"
				if w.Addresses()[0] == "changed" || w.Insecure() != "" {
					t.Error("the list of addresses is not a copy, or the file is called insecure")
				}
			})
		}
	}
}

// TestLoadEncryptions opens what each of the library's ciphers made. The default one takes seconds and a gigabyte to make;
// its weak variant is the same but for the number of rounds, which stands in the file.
func TestLoadEncryptions(t *testing.T) {
	for _, kind := range []crypto.CryptoType{crypto.CryptoTypeSha256Xor, crypto.CryptoTypeScryptChacha20poly1305Insecure, crypto.CryptoTypeScryptChacha20poly1305} {
		made := kind
		if made == crypto.CryptoTypeScryptChacha20poly1305 {
			made = crypto.CryptoTypeScryptChacha20poly1305Insecure
		}
		w, err := deterministic.NewWallet("w.wlt", "label", string(kind), wallet.OptionGenerateN(1), wallet.OptionCryptoType(made),
			wallet.OptionEncrypt(true), wallet.OptionPassword([]byte(password)))
		must(t, err)
		data, err := w.Serialize()
		must(t, err)
		data = bytes.ReplaceAll(data, []byte(`"`+made+`"`), []byte(`"`+kind+`"`))
		path := writeFile(t, data, 0o600)
		secret := []byte(password)
		got, err := Load(path, func() ([]byte, error) { return secret, nil })
		must(t, err)
		if len(got.Addresses()) != 1 || string(secret) == password {
			t.Errorf("%s: addresses %v, or the passphrase is not wiped", kind, got.Addresses())
		}
		_, err = Load(path, func() ([]byte, error) { return []byte("wrong"), nil })
		wantCode(t, err, teller.CodeNotAuthenticated)
	}
}

func TestLoadErrors(t *testing.T) {
	plain := string(fileOf(t, wallet.WalletTypeDeterministic, false))
	locked := string(fileOf(t, wallet.WalletTypeDeterministic, true))
	give := func(s string, err error) func() ([]byte, error) {
		return func() ([]byte, error) { return []byte(s), err }
	}
	_, other := cipher.MustGenerateDeterministicKeyPair([]byte("other"))
	secretAt := strings.Index(plain, `"secret_key": "`) + len(`"secret_key": "`)
	for name, tc := range map[string]struct {
		data       string
		passphrase func() ([]byte, error)
		code       teller.Code
		says       string
	}{
		"empty":            {"", nil, teller.CodeInvalid, "not a skycoin wallet"},
		"no wallet":        {`{"meta":{}}`, nil, teller.CodeInvalid, "not a skycoin wallet"},
		"xpub":             {`{"meta":{"type":"xpub"}}`, nil, teller.CodeUnsupported, "no keys to sign with"},
		"unknown type":     {`{"meta":{"type":"paper"}}`, nil, teller.CodeUnsupported, "paper"},
		"other coin":       {strings.Replace(plain, `"coin": "skycoin"`, `"coin": "dogecoin"`, 1), nil, teller.CodeInvalid, "broken"},
		"no entries":       {plain[:strings.Index(plain, `"entries"`)] + `"entries": []}`, nil, teller.CodeInvalid, "no addresses"},
		"cut":              {plain[:len(plain)/2], nil, teller.CodeInvalid, "not a skycoin wallet"},
		"foreign key":      {plain[:secretAt] + other.Hex() + plain[secretAt+64:], nil, teller.CodeInvalid, ""},
		"no key":           {plain[:secretAt] + plain[secretAt+64:], nil, teller.CodeInvalid, "no secret key"},
		"bad key":          {plain[:secretAt] + "zz" + plain[secretAt+2:], nil, teller.CodeInvalid, "broken"},
		"nobody to ask":    {locked, nil, teller.CodeNotAuthenticated, "encrypted"},
		"wrong passphrase": {locked, give("wrong", nil), teller.CodeNotAuthenticated, "wrong"},
		"no passphrase":    {locked, give("", nil), teller.CodeNotAuthenticated, "empty"},
		"cannot ask":       {locked, give("", errors.New("no terminal")), teller.CodeNotAuthenticated, "no terminal"},
		"bad bool":         {strings.Replace(plain, `"encrypted": "false"`, `"encrypted": "perhaps"`, 1), nil, teller.CodeInvalid, "broken"},
		"bad cipher":       {strings.Replace(locked, `sha256-xor`, `rot13`, 1), give(password, nil), teller.CodeInvalid, "broken"},
		"bip44 nonsense":   {`{"meta":{"type":"bip44","coin":"x"},"accounts":[null]}`, nil, teller.CodeInvalid, "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, []byte(tc.data), 0o600)
			_, err := Load(path, tc.passphrase)
			wantCode(t, err, tc.code)
			if !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("%q does not name the file and say %q", err, tc.says)
			}
			for _, secret := range []string{plain[secretAt : secretAt+64], other.Hex(), "seed of", password} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
		})
	}
	_, err := Load(filepath.Join(t.TempDir(), "none.wlt"), nil)
	wantCode(t, err, teller.CodeNotFound)
	_, err = Load(t.TempDir(), nil)
	wantCode(t, err, teller.CodeUnavailable)
}

func TestLoadWarnsOfReaders(t *testing.T) {
	data := fileOf(t, wallet.WalletTypeDeterministic, false)
	for mode, warns := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o644: true, 0o620: true} {
		w, err := Load(writeFile(t, data, mode), nil)
		must(t, err)
		if (w.Insecure() != "") != warns {
			t.Errorf("mode %o: %q", mode, w.Insecure())
		}
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.wlt")
	must(t, create(path, "a wallet", "seed"))
	w, err := Load(path, nil)
	must(t, err)
	public, _ := cipher.MustGenerateDeterministicKeyPair([]byte("seed"))
	if want := cipher.AddressFromPubKey(public).String(); !slices.Equal(w.Addresses(), []string{want}) {
		t.Errorf("addresses %v, want %s", w.Addresses(), want)
	}
	if w.Insecure() != "" {
		t.Error(w.Insecure())
	}
	wantCode(t, create(path, "a wallet", "another seed"), teller.CodeConflict)
	wantCode(t, NewThrowaway(path), teller.CodeConflict)
	if again, err := Load(path, nil); err != nil || again.Addresses()[0] != w.Addresses()[0] {
		t.Errorf("the wallet changed: %v", err)
	}
	wantCode(t, create(filepath.Join(t.TempDir(), "empty.wlt"), "a wallet", ""), teller.CodeInvalid)
	wantCode(t, create(filepath.Join(t.TempDir(), "no", "where.wlt"), "a wallet", "seed"), teller.CodeUnavailable)

	a, b := filepath.Join(t.TempDir(), "a.wlt"), filepath.Join(t.TempDir(), "b.wlt")
	must(t, NewThrowaway(a))
	must(t, NewThrowaway(b))
	wa, err := Load(a, nil)
	must(t, err)
	wb, err := Load(b, nil)
	must(t, err)
	if wa.Addresses()[0] == wb.Addresses()[0] {
		t.Error("two throw-away wallets are the same")
	}
}

func FuzzWalletFile(f *testing.F) {
	for _, kind := range []string{wallet.WalletTypeDeterministic, wallet.WalletTypeCollection, wallet.WalletTypeBip44} {
		f.Add(fileOf(f, kind, false))
		f.Add(fileOf(f, kind, true))
	}
	f.Add([]byte(`{"meta":{"type":"bip44","coin":"skycoin","encrypted":"perhaps"},"accounts":[{"index":7,"chains":[{}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := decode("file", data, func() ([]byte, error) { return nil, errors.New("nobody there") })
		if err == nil && (len(w.Addresses()) == 0 || len(w.keys) != len(w.Addresses())) {
			t.Fatalf("accepted a wallet with %d addresses and %d keys", len(w.Addresses()), len(w.keys))
		}
		if err != nil && teller.CodeOf(err) == teller.CodeInternal {
			t.Fatalf("untranslated: %v", err)
		}
	})
}
