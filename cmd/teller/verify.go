package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/skycoin/skycoin/src/cipher"
	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/chain/eth"
	"github.com/skycoin/teller/internal/pool"
)

const (
	firstShown    = 3      // addresses of a proved extended public key
	foreignShown  = 100    // addresses of a file that do not belong
	searchLeast   = 10_000 // addresses that are derived to find those of a file
	progressEvery = 5_000  // derived addresses between two lines of progress
)

func newAddresses(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "addresses",
		Short: "Prove where deposit addresses come from",
	}
	cmd.AddCommand(newVerify(f))
	return cmd
}

func newVerify(f *flags) *cobra.Command {
	var v verifier
	var coin string
	cmd := &cobra.Command{
		Use:   "verify --file FILE | --xpub KEY",
		Short: "Prove that an address file or extended public key belongs to a seed",
		Long: `Derives addresses from a secret and compares: every address of the file must be among them, or
the extended public key must be the secret's. It fails when one is not: somebody else would
receive what is paid to it. Run it where the secret is, never on the server; it speaks with
nobody and needs no configuration.

The secret is asked for, or read from standard input, and is never shown: a BIP 39 mnemonic
(its passphrase is asked for next), an extended private key, or the seed that was given to
newbtcaddress, newethaddress or newskyaddress.`,
		Example: `  teller addresses verify --xpub zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9x...
  teller addresses verify --coin ETH --xpub xpub6DCoCpSuQZB2jawqnGMEPS63ePKW...
  teller addresses verify --file btc_addresses.txt --coin BTC`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if v.network == "" {
				v.network = networkOf(f)
			}
			v.in, v.out, v.progress = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			var err error
			if v.coin, err = teller.ParseCoin(strings.ToUpper(coin)); err != nil {
				return err
			}
			if v.xpub != "" {
				return v.verifyXPub()
			}
			return v.verifyFile()
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&v.file, "file", "", "address file to verify")
	fl.StringVar(&v.xpub, "xpub", "", "extended public key to verify")
	fl.StringVar(&coin, "coin", "BTC", "BTC, ETH or SKY")
	fl.StringVar(&v.addressType, "type", "", "type of BTC addresses: p2pkh, p2sh-p2wpkh, p2wpkh or p2tr (default: as the key or the addresses tell)")
	fl.StringVar(&v.network, "network", "", "Bitcoin network (default: the configuration's, else mainnet)")
	fl.StringVar(&v.path, "path", "", "derivation path of the account (default m/PURPOSE'/COIN'/0' as BIP 44, 49, 84 and 86 have it)")
	fl.IntVar(&v.search, "search", 0, "addresses to derive for a file (default: twice as many as it has, at least 10000)")
	cmd.MarkFlagsOneRequired("file", "xpub")
	cmd.MarkFlagsMutuallyExclusive("file", "xpub")
	return cmd
}

// verifier is one run of the command.
type verifier struct {
	file, xpub           string
	coin                 teller.Coin
	addressType, network string
	path                 string // "" for the usual one
	search               int
	in                   io.Reader
	out, progress        io.Writer
}

// deriver reads an extended public key of the coin.
func (v *verifier) deriver(key, addressType string) (pool.Deriver, error) {
	switch v.coin {
	case teller.BTC:
		return btc.NewXPub(key, addressType, v.network)
	case teller.ETH:
		return eth.NewXPub(key)
	default:
		return nil, fmt.Errorf("%s addresses are not made of an extended public key: verify their file", v.coin)
	}
}

// usualPath is where wallets have an account.
func (v *verifier) usualPath(addressType string, account uint32) string {
	if v.coin == teller.ETH {
		return fmt.Sprintf("m/44'/60'/%d'", account)
	}
	purpose := map[string]int{"p2pkh": 44, "p2sh-p2wpkh": 49, "p2wpkh": 84, "p2tr": 86}[addressType]
	coinType := 0
	if v.testNetwork() {
		coinType = 1
	}
	return fmt.Sprintf("m/%d'/%d'/%d'", purpose, coinType, account)
}

func (v *verifier) testNetwork() bool { return v.coin == teller.BTC && v.network != "mainnet" }

// own derives what the secret has at --path, or at the usual one, and tells where that is.
func (v *verifier) own(s secret, addressType string, account uint32) (own pool.Deriver, where string, err error) {
	key, where, err := s.account(cmp.Or(v.path, v.usualPath(addressType, account)), v.path != "")
	if err != nil {
		return nil, "", err
	}
	public, err := publicKey(key, v.testNetwork())
	if err != nil {
		return nil, "", err
	}
	own, err = v.deriver(public, addressType)
	return own, where, err
}

func (v *verifier) verifyXPub() error {
	given, err := v.deriver(v.xpub, v.addressType)
	if err != nil {
		return err
	}
	addressType := ""
	if x, ok := given.(*btc.XPub); ok {
		addressType = x.AddressType()
	}
	s, err := askSecret(v.in, v.progress)
	if err != nil {
		return err
	}
	if s.key == nil {
		return fmt.Errorf("the secret was taken for %s: an extended public key is proved by a mnemonic or an extended private key", s.what)
	}
	own, where, err := v.own(s, addressType, accountNumber(v.xpub))
	if err != nil {
		return err
	}
	if own.ID() != given.ID() {
		return fmt.Errorf("the extended public key does NOT belong to the secret, which was taken for %s: "+
			"it has another one at %s (--path names another account, and another passphrase makes another wallet)", s.what, where)
	}
	fmt.Fprintf(v.out, "belongs: %s, first addresses\n", where)
	for i := range uint32(firstShown) {
		a, err := given.Address(i)
		if err != nil {
			return err
		}
		fmt.Fprintf(v.out, "  0/%d  %s\n", i, a)
	}
	return nil
}

// accountNumber is what an account's key tells of its own place.
func accountNumber(xpub string) uint32 {
	key, err := hdkeychain.NewKeyFromString(strings.TrimSpace(xpub))
	if err != nil || key.Depth() != 3 || key.ChildIndex() < hdkeychain.HardenedKeyStart {
		return 0
	}
	return key.ChildIndex() - hdkeychain.HardenedKeyStart
}

// origin is a sequence of addresses that the secret makes.
type origin struct {
	where   string
	address func(index uint32) (string, error) // called with 0, 1, 2 ...
	limit   int                                // of those that are worth deriving
}

func (v *verifier) verifyFile() error {
	parse, err := app.Addresses(v.coin, v.network)
	if err != nil {
		return err
	}
	list, err := pool.ReadFile(v.file, v.coin, parse)
	if err != nil {
		return err
	}
	s, err := askSecret(v.in, v.progress)
	if err != nil {
		return err
	}
	origins, err := v.origins(list, s)
	if err != nil {
		return err
	}
	found := make(map[string]bool, list.Len())
	for _, o := range origins {
		if err := v.match(o, list, found); err != nil {
			return err
		}
	}
	if len(found) < list.Len() {
		return v.reportForeign(parse, found, list.Len(), s.what)
	}
	fmt.Fprintf(v.out, "all %d addresses of %s belong to the secret\n", list.Len(), v.file)
	return nil
}

// origins are all the ways in which the secret may have made the addresses of the file.
func (v *verifier) origins(list *pool.List, s secret) ([]origin, error) {
	types, err := v.types(list)
	if err != nil {
		return nil, err
	}
	var all []origin
	if s.key != nil && v.coin != teller.SKY {
		for _, addressType := range types {
			own, where, err := v.own(s, addressType, 0)
			if err != nil {
				return nil, err
			}
			all = append(all, origin{where + "/0", own.Address, cmp.Or(v.search, max(2*list.Len(), searchLeast))})
		}
	}
	hierarchical := v.path != "" || v.addressType != "" // for sure
	if s.seed != "" && !hierarchical && (v.coin != teller.BTC || slices.Contains(types, "p2pkh")) {
		where := "new" + v.coin.Lower() + "address"
		all = append(all, origin{where, seedAddresses(v.coin, s.seed, v.network), max(v.search, list.Len())})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the secret was taken for %s, which makes no %s addresses such as those in %s", s.what, v.coin, v.file)
	}
	return all, nil
}

// types are the types of the addresses in the file, or the one that was named.
func (v *verifier) types(list *pool.List) ([]string, error) {
	switch {
	case v.coin != teller.BTC:
		return []string{""}, nil
	case v.addressType != "":
		return []string{v.addressType}, nil
	}
	addresses, err := btc.NewAddresses(v.network)
	if err != nil {
		return nil, err
	}
	var types []string
	for a := range list.All() {
		is, err := addresses.Type(a)
		if err != nil {
			return nil, err
		}
		if is != "" && !slices.Contains(types, is) {
			types = append(types, is)
		}
	}
	return types, nil
}

// seedAddresses derives what new*address makes of a seed, one after the other: each key is made from the one before.
func seedAddresses(coin teller.Coin, seed, network string) func(uint32) (string, error) {
	state := []byte(seed)
	return func(uint32) (string, error) {
		next, public, _, err := cipher.DeterministicKeyPairIterator(state)
		if err != nil {
			return "", fmt.Errorf("derive from the seed: %w", err)
		}
		state = next
		switch coin {
		case teller.BTC:
			return btc.FromHash([20]byte(address.Hash160(public[:])), network)
		case teller.ETH:
			key, err := crypto.DecompressPubkey(public[:])
			if err != nil {
				return "", fmt.Errorf("derive from the seed: %w", err)
			}
			return eth.FromHash(crypto.PubkeyToAddress(*key)), nil
		default:
			return cipher.AddressFromPubKey(public).String(), nil
		}
	}
}

// match marks the addresses of the list that an origin makes, until all of them are found.
func (v *verifier) match(o origin, list *pool.List, found map[string]bool) error {
	before, last := len(found), 0
	for i := 0; i < o.limit && len(found) < list.Len(); i++ {
		a, err := o.address(uint32(i))
		if err != nil && teller.CodeOf(err) != teller.CodeNotFound { // an index without a key
			return err
		}
		if list.Contains(a) && !found[a] {
			found[a], last = true, i
		}
		if (i+1)%progressEvery == 0 {
			fmt.Fprintf(v.progress, "%s: %d derived, %d of %d found\n", o.where, i+1, len(found), list.Len())
		}
	}
	if n := len(found) - before; n > 0 {
		fmt.Fprintf(v.out, "%d at %s, the last at index %d\n", n, o.where, last)
	}
	return nil
}

func (v *verifier) reportForeign(parse teller.Addresses, found map[string]bool, total int, what string) error {
	foreign := 0
	err := pool.Lines(v.file, v.coin, parse, func(a string, line int) {
		if found[a] {
			return
		}
		if foreign++; foreign <= foreignShown {
			fmt.Fprintf(v.out, "%s:%d: %s does not belong\n", v.file, line, a)
		}
	})
	if err != nil {
		return err
	}
	if foreign > foreignShown {
		fmt.Fprintf(v.out, "and %d more\n", foreign-foreignShown)
	}
	return fmt.Errorf("%d of %d addresses of %s do NOT belong to the secret, which was taken for %s "+
		"(--search looks further, --path at another account, and another passphrase makes another wallet)", foreign, total, v.file, what)
}
