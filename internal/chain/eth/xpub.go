package eth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller"
)

// errPrivate does not repeat the key: the message goes into logs.
var errPrivate = teller.Errorf(teller.CodeInvalid, "this is an extended PRIVATE key: whoever has it can take all ether "+
	"paid to its addresses, and it must not be on the machine that runs teller; remove it, move the ether if anybody "+
	"else may have seen it, and give the account's extended PUBLIC key (xpub...) instead")

// maxXPub is the length from which a text is no extended key without looking closer: decoding takes quadratic time.
const maxXPub = 120

// XPub derives the deposit addresses of an extended public key (BIP 32). They are those at KEY/0/index; the key of the
// BIP 44 account m/44'/60'/0' gives the addresses that most wallets show. An XPub holds no secret, but whoever has the
// key sees all payments; so neither String nor any error repeats it. Safe for concurrent use.
type XPub struct {
	external *hdkeychain.ExtendedKey // KEY/0
	id       string
}

// NewXPub reads an extended public key, which wallets for Ethereum write as xpub on every network. CodeInvalid when
// it is none, or private. No error repeats the key.
func NewXPub(key string) (*XPub, error) {
	account, err := parseXPub(key)
	if err != nil {
		return nil, err
	}
	external, err := account.Derive(0)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "nothing can be derived from the extended public key: %w", err)
	}
	public, err := account.ECPubKey()
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "this is no extended public key: "+
			"a character is wrong or missing, copy it again")
	}
	h := sha256.New()
	h.Write([]byte("teller eth\n"))
	h.Write(public.SerializeCompressed())
	h.Write(account.ChainCode())
	x := &XPub{external: external, id: hex.EncodeToString(h.Sum(nil)[:8])}
	if _, err := x.Address(0); err != nil && teller.CodeOf(err) != teller.CodeNotFound {
		return nil, err // the key is too deep
	}
	return x, nil
}

// parseXPub refuses private keys also when they are misspelt.
func parseXPub(key string) (*hdkeychain.ExtendedKey, error) {
	key = strings.TrimSpace(key)
	if len(key) >= 4 && strings.EqualFold(key[1:4], "prv") {
		return nil, errPrivate
	}
	if len(key) > maxXPub {
		return nil, teller.Errorf(teller.CodeInvalid, "the extended public key has %d characters: that is too many", len(key))
	}
	account, err := hdkeychain.NewKeyFromString(key)
	switch {
	case err != nil: // it may quote a part of the key
		return nil, teller.Errorf(teller.CodeInvalid, "this is no extended public key: "+
			"a character is wrong or missing, copy it again")
	case account.IsPrivate():
		return nil, errPrivate
	case !account.IsForNet(&chaincfg.MainNetParams):
		return nil, teller.Errorf(teller.CodeInvalid, "an extended public key for Ethereum begins with xpub: "+
			"this one is of another coin's wallet")
	}
	return account, nil
}

// ID names the key with 16 hex digits, from which it can not be found. The ledger keeps it with each binding: it is the
// same for ever.
func (x *XPub) ID() string { return x.id }

// String is ID: a key in a log would show all payments.
func (x *XPub) String() string { return x.id }

// GoString is String, for %#v.
func (x *XPub) GoString() string { return x.id }

// Address derives the address at KEY/0/index, in its canonical spelling. It takes some 50 microseconds. CodeInvalid for
// an index of 2^31 or more; CodeNotFound for one of those (one in 2^127) that have no key: the next one is to be taken.
func (x *XPub) Address(index uint32) (string, error) {
	if index >= hdkeychain.HardenedKeyStart {
		return "", teller.Errorf(teller.CodeInvalid, "index %d can not be derived from a public key: "+
			"2^31 addresses are all that it has", index)
	}
	child, err := x.external.Derive(index)
	if errors.Is(err, hdkeychain.ErrInvalidChild) {
		return "", teller.Errorf(teller.CodeNotFound, "the extended public key has no address at index %d", index)
	}
	if err != nil {
		return "", teller.Errorf(teller.CodeInvalid, "derive the address at index %d: %w", index, err)
	}
	public, err := child.ECPubKey()
	if err != nil {
		return "", teller.Errorf(teller.CodeInternal, "public key at index %d: %w", index, err)
	}
	return FromHash([20]byte(crypto.Keccak256(public.SerializeUncompressed()[1:])[12:])), nil
}
