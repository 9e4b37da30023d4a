package wallet

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/util/logging"
	"github.com/skycoin/skycoin/src/wallet"
	"github.com/skycoin/skycoin/src/wallet/deterministic"

	"github.com/skycoin/teller"
)

// NewThrowaway writes a new deterministic wallet file with one address and a random seed that nobody knows, for a chain
// that is not real. It refuses to overwrite a file (CodeConflict). Only its owner can read it.
func NewThrowaway(path string) error {
	return create(path, "teller dummy wallet: not for real coins", hex.EncodeToString(cipher.RandByte(32)))
}

func create(path, label, seed string) error {
	logging.Disable()
	if seed == "" {
		return teller.Errorf(teller.CodeInvalid, "a wallet needs a seed")
	}
	file, err := deterministic.NewWallet(filepath.Base(path), label, seed, wallet.OptionGenerateN(1))
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "no wallet can be made from this seed")
	}
	data, err := file.Serialize()
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "the new wallet can not be written")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return teller.Errorf(teller.CodeConflict, "%s exists already: a wallet is never overwritten", path)
	}
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "wallet file: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(path) // half a wallet is worse than none, and nobody has paid to it yet
		return teller.Errorf(teller.CodeUnavailable, "wallet file: %w", err)
	}
	return nil
}
