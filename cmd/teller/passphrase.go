package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
)

// credential is the name under which systemd hands over the passphrase (LoadCredential=wallet_passphrase:PATH).
const credential = "wallet_passphrase"

// passphraseFrom returns what asks for the hot wallet's passphrase: the configured file, a systemd credential, or a prompt.
func passphraseFrom(c config.Config) func() ([]byte, error) {
	return func() ([]byte, error) {
		if path := c.Path(c.SkyExchanger.WalletPassphraseFile); path != "" {
			return readPassphrase(path)
		}
		if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
			if path := filepath.Join(dir, credential); fileExists(path) {
				return readPassphrase(path)
			}
		}
		stdin := int(os.Stdin.Fd())
		if !term.IsTerminal(stdin) {
			return nil, teller.Errorf(teller.CodeInvalid, "the hot wallet is encrypted: set sky_exchanger.wallet_passphrase_file, pass the systemd credential %q, or start teller on a terminal", credential)
		}
		fmt.Fprint(os.Stderr, "passphrase of the hot wallet: ")
		p, err := term.ReadPassword(stdin)
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return nil, teller.Errorf(teller.CodeInvalid, "read the passphrase: %w", err)
		}
		return p, nil
	}
}

func readPassphrase(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "read the wallet's passphrase: %w", err)
	}
	return bytes.TrimRight(b, "\r\n"), nil
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
