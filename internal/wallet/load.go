package wallet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/util/logging"
	"github.com/skycoin/skycoin/src/wallet"
	"github.com/skycoin/skycoin/src/wallet/bip44wallet"
	"github.com/skycoin/skycoin/src/wallet/collection"
	"github.com/skycoin/skycoin/src/wallet/deterministic"

	"github.com/skycoin/teller"
)

// maxFile bounds a wallet file: 16 MiB hold some 50,000 addresses.
const maxFile = 16 << 20

// loaders reads the wallet types that can sign.
var loaders = map[string]wallet.Loader{
	wallet.WalletTypeDeterministic: deterministic.Loader{},
	wallet.WalletTypeCollection:    collection.Loader{},
	wallet.WalletTypeBip44:         bip44wallet.Loader{},
}

// Load reads a wallet file of a Skycoin client: deterministic, collection or bip44, plain or encrypted. The passphrase
// is only asked for when the file is encrypted, and is wiped afterwards. Addresses that the file does not list do
// not exist for teller. Errors say what is wrong and never hold anything secret.
func Load(path string, passphrase func() ([]byte, error)) (*Wallet, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, teller.Errorf(teller.CodeNotFound, "there is no wallet file %s", path)
	}
	if err != nil {
		return nil, teller.Errorf(teller.CodeUnavailable, "wallet file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, teller.Errorf(teller.CodeUnavailable, "wallet file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, teller.Errorf(teller.CodeUnavailable, "wallet file: %w", err)
	}
	if len(data) > maxFile {
		return nil, teller.Errorf(teller.CodeInvalid, "wallet file %s is larger than %d MiB: it can not be a wallet", path, maxFile>>20)
	}
	w, err := decode(path, data, passphrase)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		w.insecure = fmt.Sprintf("wallet file %s can be read or written by others (mode %04o): chmod 600 it", path, mode)
	}
	return w, nil
}

// decode makes a Wallet of a file's bytes. The library panics on some broken files, which must not end the process; and
// its error texts can quote the file, so only the fixed ones among them are passed on.
func decode(path string, data []byte, passphrase func() ([]byte, error)) (w *Wallet, err error) {
	logging.Disable()
	defer func() {
		if recover() != nil { // the value may quote the file
			w, err = nil, broken(path, nil)
		}
	}()
	var header struct {
		Meta struct {
			Type string `json:"type"`
		} `json:"meta"`
	}
	if json.Unmarshal(data, &header) != nil || header.Meta.Type == "" {
		return nil, teller.Errorf(teller.CodeInvalid, "%s is not a skycoin wallet file: it is no JSON, or has no meta.type", path)
	}
	loader, ok := loaders[header.Meta.Type]
	if !ok {
		return nil, teller.Errorf(teller.CodeUnsupported,
			"wallet file %s is of type %.20q, which holds no keys to sign with: use a deterministic, collection or bip44 wallet", path, header.Meta.Type)
	}
	file, err := loader.Load(data)
	if err != nil {
		return nil, broken(path, err)
	}
	if file.Coin() != wallet.CoinTypeSkycoin {
		return nil, teller.Errorf(teller.CodeInvalid, "wallet file %s is for another coin than skycoin", path)
	}
	if file.IsEncrypted() {
		if file, err = unlock(path, file, passphrase); err != nil {
			return nil, err
		}
	}
	return collect(path, file)
}

func unlock(path string, locked wallet.Wallet, passphrase func() ([]byte, error)) (wallet.Wallet, error) {
	if passphrase == nil {
		return nil, teller.Errorf(teller.CodeNotAuthenticated, "wallet file %s is encrypted, and no passphrase is given", path)
	}
	secret, err := passphrase()
	defer clear(secret)
	if err != nil {
		return nil, teller.Errorf(teller.CodeNotAuthenticated, "passphrase of wallet file %s: %w", path, err)
	}
	if len(secret) == 0 {
		return nil, teller.Errorf(teller.CodeNotAuthenticated, "the passphrase of wallet file %s is empty", path)
	}
	open, err := locked.Unlock(secret)
	if errors.Is(err, wallet.ErrInvalidPassword) {
		return nil, teller.Errorf(teller.CodeNotAuthenticated, "the passphrase of wallet file %s is wrong", path)
	}
	if err != nil {
		return nil, broken(path, err)
	}
	return open, nil
}

// collect takes the keys out of an open wallet, each checked against its address.
func collect(path string, file wallet.Wallet) (*Wallet, error) {
	entries, err := entriesOf(file)
	if err != nil {
		return nil, broken(path, err)
	}
	w := &Wallet{name: path, keys: make(map[cipher.Address]cipher.SecKey, len(entries))}
	for _, e := range entries {
		address, ok := e.Address.(cipher.Address)
		if !ok || address.Null() {
			return nil, broken(path, nil)
		}
		if e.Secret.Null() {
			return nil, teller.Errorf(teller.CodeInvalid, "wallet file %s has no secret key for %s", path, address)
		}
		if e.Verify() != nil {
			return nil, teller.Errorf(teller.CodeInvalid, "wallet file %s: the keys of %s are not those of the address", path, address)
		}
		if _, twice := w.keys[address]; twice {
			continue
		}
		w.keys[address] = e.Secret
		w.addresses = append(w.addresses, address.String())
		if len(w.addresses) == 1 {
			w.change = address
		}
	}
	if len(w.addresses) == 0 {
		return nil, teller.Errorf(teller.CodeInvalid, "wallet file %s has no addresses: generate one with the skycoin client", path)
	}
	return w, nil
}

// entriesOf lists what the wallet holds. A bip44 wallet has accounts, each with a chain for receiving and one for change.
func entriesOf(file wallet.Wallet) (wallet.Entries, error) {
	if file.Type() != wallet.WalletTypeBip44 {
		return file.GetEntries()
	}
	var entries wallet.Entries
	for _, account := range file.Accounts() {
		es, err := file.GetEntries(wallet.OptionAccount(account.Index))
		if err != nil {
			return nil, err
		}
		entries = append(entries, es...)
	}
	return entries, nil
}

// broken reports a file that can not be read. The library's own wallet.Error texts are fixed sentences and safe to
// show; all others are left out, since they may repeat what stands in the file.
func broken(path string, err error) error {
	var fixed wallet.Error
	if errors.As(err, &fixed) {
		return teller.Errorf(teller.CodeInvalid, "wallet file %s is broken: %w", path, fixed)
	}
	return teller.Errorf(teller.CodeInvalid, "wallet file %s is broken: restore it from a backup, or recover it from its seed", path)
}
