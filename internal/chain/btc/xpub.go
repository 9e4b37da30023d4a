package btc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/skycoin/teller"
)

// The types of addresses that an extended public key can be turned into, by their names in output descriptors.
const (
	p2pkh      = "p2pkh"       // BIP 44: 1...
	p2shP2wpkh = "p2sh-p2wpkh" // BIP 49: 3...
	p2wpkh     = "p2wpkh"      // BIP 84: bc1q...
	p2tr       = "p2tr"        // BIP 86: bc1p...
)

// keyVersions are the ways in which an extended public key can begin: BIP 32's and those of SLIP 132.
var keyVersions = map[[4]byte]struct {
	prefix      string
	testNetwork bool
	addressType string // "" when the prefix does not tell
}{
	{0x04, 0x88, 0xb2, 0x1e}: {"xpub", false, ""},
	{0x04, 0x9d, 0x7c, 0xb2}: {"ypub", false, p2shP2wpkh},
	{0x04, 0xb2, 0x47, 0x46}: {"zpub", false, p2wpkh},
	{0x04, 0x35, 0x87, 0xcf}: {"tpub", true, ""},
	{0x04, 0x4a, 0x52, 0x62}: {"upub", true, p2shP2wpkh},
	{0x04, 0x5f, 0x1c, 0xf6}: {"vpub", true, p2wpkh},
}

// errPrivate does not repeat the key: the message goes into logs.
var errPrivate = teller.Errorf(teller.CodeInvalid, "this is an extended PRIVATE key: whoever has it can take every coin "+
	"paid to its addresses, and it must not be on the machine that runs teller; remove it, move the coins if anybody "+
	"else may have seen it, and give the account's extended PUBLIC key (xpub...) instead")

// XPub derives the deposit addresses of an extended public key (BIP 32). They are those at KEY/0/index: the external
// chain of an account as BIP 44, 49, 84 and 86 describe it, which wallets show and scan. An XPub holds no secret, but
// whoever has the key sees all payments; so neither String nor any error repeats it. Safe for concurrent use.
type XPub struct {
	external    *hdkeychain.ExtendedKey // KEY/0
	addressType string
	params      *chaincfg.Params
	id          string
}

// NewXPub reads an extended public key. ypub, zpub, upub and vpub tell the type of the addresses; for xpub and tpub it
// must be given: p2pkh, p2sh-p2wpkh, p2wpkh or p2tr (spendable by the key alone, as in BIP 86). CodeInvalid when the
// key is none or private, is for another kind of network, or contradicts the type. No error repeats the key.
func NewXPub(key, addressType, network string) (*XPub, error) {
	params, err := paramsOf(network)
	if err != nil {
		return nil, err
	}
	account, err := parseXPub(key)
	if err != nil {
		return nil, err
	}
	version, known := keyVersions[[4]byte(account.Version())]
	switch {
	case !known:
		return nil, teller.Errorf(teller.CodeInvalid, "the extended public key is of a kind that is not known: "+
			"it must begin with xpub, ypub, zpub, tpub, upub or vpub")
	case version.testNetwork != (network != "mainnet"):
		return nil, teller.Errorf(teller.CodeInvalid, "an extended public key that begins with %s is not for %s",
			version.prefix, network)
	case addressType == "" && version.addressType == "":
		return nil, teller.Errorf(teller.CodeInvalid, "%s does not tell the type of its addresses: "+
			"say which one your wallet uses, %s, %s, %s or %s", version.prefix, p2pkh, p2shP2wpkh, p2wpkh, p2tr)
	case addressType == "":
		addressType = version.addressType
	case version.addressType != "" && addressType != version.addressType:
		return nil, teller.Errorf(teller.CodeInvalid, "address type %q contradicts the key: %s is for %s",
			addressType, version.prefix, version.addressType)
	}
	external, err := account.Derive(0)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "nothing can be derived from the extended public key: %w", err)
	}
	id, err := keyID(account, addressType)
	if err != nil {
		return nil, err
	}
	x := &XPub{external: external, addressType: addressType, params: params, id: id}
	if _, err := x.Address(0); err != nil && teller.CodeOf(err) != teller.CodeNotFound {
		return nil, err // an unknown type, or a key that is too deep
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
	if err != nil { // which may quote a part of the key
		return nil, teller.Errorf(teller.CodeInvalid, "this is no extended public key: "+
			"a character is wrong or missing, copy it again")
	}
	if account.IsPrivate() {
		return nil, errPrivate
	}
	return account, nil
}

// maxXPub is the length from which a text is no extended key without looking closer: decoding takes quadratic time.
const maxXPub = 120

// keyID hashes what the addresses depend on, so that an xpub and the zpub of the same key have one name.
func keyID(account *hdkeychain.ExtendedKey, addressType string) (string, error) {
	public, err := account.ECPubKey()
	if err != nil {
		return "", teller.Errorf(teller.CodeInvalid, "this is no extended public key: "+
			"a character is wrong or missing, copy it again")
	}
	h := sha256.New()
	h.Write([]byte("teller btc " + addressType + "\n"))
	h.Write(public.SerializeCompressed())
	h.Write(account.ChainCode())
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// ID names the key and the type of its addresses with 16 hex digits, from which the key can not be found. The ledger
// keeps it with each binding: it is the same for ever.
func (x *XPub) ID() string { return x.id }

// String is ID: a key in a log would show all payments.
func (x *XPub) String() string { return x.id }

// GoString is String, for %#v.
func (x *XPub) GoString() string { return x.id }

// AddressType is p2pkh, p2sh-p2wpkh, p2wpkh or p2tr.
func (x *XPub) AddressType() string { return x.addressType }

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
	a, err := addressOfKey(public, x.addressType, x.params)
	if err != nil {
		return "", err
	}
	return a.EncodeAddress(), nil
}

func addressOfKey(public *btcec.PublicKey, addressType string, params *chaincfg.Params) (address.Address, error) {
	hash := address.Hash160(public.SerializeCompressed())
	switch addressType {
	case p2pkh:
		return address.NewAddressPubKeyHash(hash, params)
	case p2wpkh:
		return address.NewAddressWitnessPubKeyHash(hash, params)
	case p2shP2wpkh:
		return address.NewAddressScriptHash(append([]byte{txscript.OP_0, txscript.OP_DATA_20}, hash...), params)
	case p2tr:
		return address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(public)), params)
	}
	return nil, teller.Errorf(teller.CodeInvalid, "address type %q is unknown: use %s, %s, %s or %s",
		addressType, p2pkh, p2shP2wpkh, p2wpkh, p2tr)
}

// Type is the type of an address in the words of NewXPub; "" for one that no extended public key makes. A P2SH address
// counts as p2sh-p2wpkh: what it stands for can not be seen. CodeInvalid when it is no address of the network.
func (a Addresses) Type(s string) (string, error) {
	decoded, err := a.decode(s)
	if err != nil {
		return "", err
	}
	switch decoded.(type) {
	case *address.AddressPubKeyHash:
		return p2pkh, nil
	case *address.AddressScriptHash:
		return p2shP2wpkh, nil
	case *address.AddressWitnessPubKeyHash:
		return p2wpkh, nil
	case *address.AddressTaproot:
		return p2tr, nil
	}
	return "", nil
}
