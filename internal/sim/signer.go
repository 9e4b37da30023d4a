package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"

	"github.com/skycoin/skycoin/src/cipher"
	secp "github.com/skycoin/skycoin/src/cipher/secp256k1-go/secp256k1-go2"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/util/logging"
	skywallet "github.com/skycoin/skycoin/src/wallet"
	"github.com/skycoin/skycoin/src/wallet/deterministic"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/wallet"
)

// hotWallet is the real wallet, with keys that are always the same.
type hotWallet struct {
	*wallet.Wallet
	keys map[string]cipher.SecKey // by address
}

// loadWallets makes the wallets once: loading draws no keys, and they hold no state. The second one has got an address
// more.
var loadWallets = sync.OnceValues(func() (small, large *hotWallet) {
	return loadWallet(1), loadWallet(2)
})

const walletSeed = "teller simulation"

func loadWallet(addresses int) *hotWallet {
	logging.Disable()
	file, err := deterministic.NewWallet("sim.wlt", "simulation", walletSeed, skywallet.OptionGenerateN(uint64(addresses)))
	if err != nil {
		panic(err)
	}
	data, err := file.Serialize()
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "teller-sim-wallet")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "sim.wlt")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		panic(err)
	}
	w, err := wallet.Load(path, nil)
	if err != nil {
		panic(err)
	}
	h := &hotWallet{Wallet: w, keys: make(map[string]cipher.SecKey)}
	for _, key := range cipher.MustGenerateDeterministicKeyPairs([]byte(walletSeed), addresses) {
		h.keys[cipher.MustAddressFromSecKey(key).String()] = key
	}
	return h
}

// signer is the hot wallet as the engine sees it. A signature is random, and with it the transaction's id: for a run to
// be replayed, each transaction is signed once more with a nonce that the seed decides. Every call makes another
// transaction all the same.
type signer struct {
	*hotWallet
	w *world
}

// Build implements teller.Wallet.
func (s *signer) Build(ctx context.Context, req teller.PayoutRequest) (tx teller.SignedTx, err error) {
	err = s.w.call("wallet.Build", func(Mode) error {
		tx, err = s.hotWallet.Build(ctx, req)
		if err == nil {
			tx, err = s.resign(tx, req.Spendable)
		}
		return err
	})
	return tx, err
}

func (s *signer) resign(tx teller.SignedTx, spendable []teller.Output) (teller.SignedTx, error) {
	txn, err := coin.DeserializeTransaction(tx.Raw)
	if err != nil {
		return tx, err
	}
	owner := make(map[string]string)
	for _, o := range spendable {
		owner[o.ID] = o.Address
	}
	s.w.serial++
	for i, in := range txn.In {
		txn.Sigs[i] = s.sign(s.keys[owner[in.Hex()]], cipher.AddSHA256(txn.InnerHash, in))
	}
	if err := txn.UpdateHeader(); err != nil {
		return tx, err
	}
	raw, err := txn.Serialize()
	if err != nil {
		return tx, err
	}
	if tx.SkyTx, err = s.Decode(raw); err != nil {
		return tx, err
	}
	tx.Raw = raw
	return tx, nil
}

func (s *signer) sign(key cipher.SecKey, hash cipher.SHA256) (sig cipher.Sig) {
	var secret, message, nonce secp.Number
	secret.SetBytes(key[:])
	message.SetBytes(hash[:])
	draw := sha256.Sum256(binary.BigEndian.AppendUint64(append(key[:], hash[:]...), uint64(s.w.serial)))
	nonce.SetBytes(draw[:])
	var recovery int
	var out secp.Signature
	out.Sign(&secret, &message, &nonce, &recovery)
	copy(sig[:], out.Bytes())
	sig[64] = byte(recovery)
	return sig
}
