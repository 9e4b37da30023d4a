package btc

import (
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/skycoin/teller"
)

// networks are the Bitcoin networks by the names that btc_rpc.network takes.
var networks = []struct {
	name   string
	params *chaincfg.Params
}{
	{"mainnet", &chaincfg.MainNetParams},
	{"testnet3", &chaincfg.TestNet3Params},
	{"testnet4", &chaincfg.TestNet4Params},
	{"signet", &chaincfg.SigNetParams},
	{"regtest", &chaincfg.RegressionNetParams},
	{"simnet", &chaincfg.SimNetParams},
}

func paramsOf(network string) (*chaincfg.Params, error) {
	names := make([]string, len(networks))
	for i, n := range networks {
		if n.name == network {
			return n.params, nil
		}
		names[i] = n.name
	}
	return nil, teller.Errorf(teller.CodeInvalid, "btc_rpc.network %q is unknown: use one of %s",
		network, strings.Join(names, ", "))
}

// Addresses implements teller.Addresses for the addresses of one Bitcoin network. testnet3, testnet4 and signet spell
// their addresses alike, and regtest's legacy ones are theirs too. Use NewAddresses: the zero value has no network.
type Addresses struct {
	params  *chaincfg.Params
	network string
}

var _ teller.Addresses = Addresses{}

// NewAddresses takes a network by the name that btc_rpc.network has; CodeInvalid for an unknown one.
func NewAddresses(network string) (Addresses, error) {
	params, err := paramsOf(network)
	if err != nil {
		return Addresses{}, err
	}
	return Addresses{params: params, network: network}, nil
}

// Parse implements teller.Addresses for P2PKH, P2SH, P2WPKH, P2WSH and P2TR. Bech32 comes back in lower case; base58 has
// one spelling.
func (a Addresses) Parse(s string) (string, error) {
	addr, err := a.decode(s)
	if err != nil {
		return "", err
	}
	return addr.EncodeAddress(), nil
}

func (a Addresses) decode(s string) (address.Address, error) {
	addr, err := address.DecodeAddress(s, a.params)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "%s is not a bitcoin address of %s: %w", quote([]byte(s)), a.network, err)
	}
	if !addr.IsForNet(a.params) { // DecodeAddress takes bech32 of any network
		return nil, teller.Errorf(teller.CodeInvalid, "%s is a bitcoin address of another network than %s", s, a.network)
	}
	switch addr.(type) {
	case *address.AddressPubKeyHash, *address.AddressScriptHash, *address.AddressWitnessPubKeyHash,
		*address.AddressWitnessScriptHash, *address.AddressTaproot:
		return addr, nil
	case *address.AddressPubKey:
		return nil, teller.Errorf(teller.CodeInvalid, "%s is a public key, not an address", s)
	}
	return nil, teller.Errorf(teller.CodeInvalid, "%s is a kind of address that nobody owns", s) // pay to anchor
}

func (a Addresses) script(s string) ([]byte, error) {
	addr, err := a.decode(s)
	if err != nil {
		return nil, err
	}
	script, err := txscript.PayToAddrScript(addr)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "%s has no output script: %w", s, err)
	}
	return script, nil
}

// addressOf is the one address that a script pays, if it is of a kind that Parse accepts.
func addressOf(script []byte, params *chaincfg.Params) (string, bool) {
	class, addrs, _, err := txscript.ExtractPkScriptAddrs(script, params)
	if err != nil || len(addrs) != 1 {
		return "", false
	}
	switch class {
	case txscript.PubKeyHashTy, txscript.ScriptHashTy, txscript.WitnessV0PubKeyHashTy,
		txscript.WitnessV0ScriptHashTy, txscript.WitnessV1TaprootTy:
		return addrs[0].EncodeAddress(), true
	}
	return "", false
}
