package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/skycoin/skycoin/src/cipher/bip32"
	"github.com/skycoin/skycoin/src/cipher/bip39"
	"golang.org/x/term"
	"golang.org/x/text/unicode/norm"

	"github.com/skycoin/teller"
)

// secret is what the holder of the keys has. Nothing in it is ever printed.
type secret struct {
	what string                  // what it was taken for, to tell the user
	key  *hdkeychain.ExtendedKey // of a mnemonic or an extended private key; nil for any other text
	seed string                  // the text, as the new*address commands take it; "" for an extended private key
}

// askSecret reads a secret from the terminal, without showing it, or else the first two lines of in.
func askSecret(in io.Reader, prompts io.Writer) (secret, error) {
	ask := prompter(in, prompts)
	text, err := ask("mnemonic, extended private key, or seed of a new*address command: ")
	if err != nil {
		return secret{}, fmt.Errorf("read the secret: %w", err)
	}
	if text == "" {
		return secret{}, fmt.Errorf("the secret is empty")
	}
	if trimmed := strings.TrimSpace(text); len(trimmed) > 4 && strings.Contains("xyztuv", trimmed[:1]) && trimmed[1:4] == "prv" {
		key, err := hdkeychain.NewKeyFromString(trimmed)
		if err != nil || !key.IsPrivate() { // the error may quote the key
			return secret{}, fmt.Errorf("this is no extended private key: a character is wrong or missing")
		}
		return secret{what: "an extended private key", key: key}, nil
	}
	mnemonic := strings.Join(strings.Fields(strings.ToLower(text)), " ")
	if err := bip39.ValidateMnemonic(mnemonic); err != nil {
		what := fmt.Sprintf("the seed of a new*address command, as it is no BIP 39 mnemonic of English words: %v", err)
		return secret{what: what, seed: text}, nil
	}
	passphrase, err := ask("passphrase of the mnemonic (empty when it has none): ")
	if err != nil {
		return secret{}, fmt.Errorf("read the passphrase: %w", err)
	}
	key, err := masterKey(mnemonic, passphrase)
	return secret{what: "a BIP 39 mnemonic", key: key, seed: text}, err
}

func masterKey(mnemonic, passphrase string) (*hdkeychain.ExtendedKey, error) {
	seed, err := bip39.NewSeed(mnemonic, norm.NFKD.String(passphrase)) // as BIP 39 has it
	if err != nil {
		return nil, fmt.Errorf("the mnemonic: %w", err)
	}
	key, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
	if err != nil {
		return nil, fmt.Errorf("the mnemonic: %w", err)
	}
	return key, nil
}

// prompter returns what asks for one line after the other: on a terminal with a prompt and without an echo. The end of
// the input is an empty line.
func prompter(in io.Reader, prompts io.Writer) func(prompt string) (string, error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return func(prompt string) (string, error) {
			fmt.Fprint(prompts, prompt)
			b, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(prompts)
			return string(b), err
		}
	}
	lines := bufio.NewReader(in)
	return func(string) (string, error) {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
}

// account is the key at the path, or the secret itself when it is the key of an account already. where says which.
func (s secret) account(path string, explicit bool) (account *hdkeychain.ExtendedKey, where string, err error) {
	if s.key.Depth() > 0 {
		if explicit {
			return nil, "", fmt.Errorf("--path begins at a master key: the extended private key is not one, it is taken as it is")
		}
		return s.key, "the extended private key itself", nil
	}
	p, err := bip32.ParsePath(strings.NewReplacer("h", "'", "H", "'").Replace(path))
	if err != nil {
		return nil, "", fmt.Errorf("--path is %q, it must be like m/84'/0'/0': %w", path, err)
	}
	account = s.key
	for _, node := range p.Elements[1:] { // the first is m
		if account, err = account.Derive(node.ChildNumber); err != nil {
			return nil, "", fmt.Errorf("derive %s: %w", path, err)
		}
	}
	return account, path, nil
}

// publicKey writes an account's extended public key as xpub, or tpub.
func publicKey(account *hdkeychain.ExtendedKey, testNetwork bool) (string, error) {
	params := &chaincfg.MainNetParams
	if testNetwork {
		params = &chaincfg.TestNet3Params
	}
	account, err := account.CloneWithVersion(params.HDPrivateKeyID[:])
	if err == nil {
		account, err = account.Neuter()
	}
	if err != nil {
		return "", teller.Errorf(teller.CodeInternal, "public key of the account: %w", err)
	}
	return account.String(), nil
}
