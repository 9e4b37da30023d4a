package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/pool"
)

// maxNewAddresses bounds one file: a typing error should not fill the disk.
const maxNewAddresses = 10_000_000

// newAddressCommands are new*, add* and get*address for every coin.
func newAddressCommands(f *flags) []*cobra.Command {
	var cmds []*cobra.Command
	for _, coin := range teller.Coins {
		cmds = append(cmds, newNewAddress(f, coin), newAddAddress(f, coin), newGetAddress(f, coin))
	}
	return cmds
}

func newNewAddress(f *flags, coin teller.Coin) *cobra.Command {
	var asJSON, withKeys bool
	var network string
	cmd := &cobra.Command{
		Use:   "new" + coin.Lower() + "address SEED NUM",
		Short: "Derive " + string(coin) + " deposit addresses from a seed and print them as an address file",
		Long: fmt.Sprintf(`Derives NUM %s deposit addresses from SEED, always the same ones for the same seed, and prints
them as an address file. Whoever knows the seed can spend what is paid to them: run this on
a machine of yours that is not the server, and write the seed down. SEED "-" reads it from
the terminal or standard input, which keeps it out of the shell's history.`, coin),
		Example: fmt.Sprintf("  teller new%saddress - 1000 > %s_addresses.txt", coin.Lower(), coin.Lower()),
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil || n < 1 || n > maxNewAddresses {
				return fmt.Errorf("NUM is %q; it must be a number from 1 to %d", args[1], maxNewAddresses)
			}
			seed, err := readSeed(args[0])
			if err != nil {
				return err
			}
			if network == "" {
				network = networkOf(f)
			}
			keys, err := app.NewKeys(coin, seed, n, network)
			if err != nil {
				return err
			}
			if withKeys {
				return printKeys(cmd.OutOrStdout(), keys)
			}
			addresses := make([]string, len(keys))
			for i, k := range keys {
				addresses[i] = k.Address
			}
			if asJSON {
				return pool.WriteJSON(cmd.OutOrStdout(), coin, addresses)
			}
			return pool.WriteText(cmd.OutOrStdout(), addresses)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the JSON form")
	cmd.Flags().BoolVar(&withKeys, "keys", false, "print each address with its private key, to import into a wallet; not an address file")
	cmd.MarkFlagsMutuallyExclusive("json", "keys")
	if coin == teller.BTC {
		cmd.Flags().StringVar(&network, "network", "", "mainnet, testnet3, testnet4, signet, regtest or simnet (default: the configuration's, else mainnet)")
	}
	return cmd
}

func printKeys(w io.Writer, keys []app.Key) error {
	for _, k := range keys {
		if _, err := fmt.Fprintln(w, k.Address, k.Secret); err != nil {
			return fmt.Errorf("print the keys: %w", err)
		}
	}
	return nil
}

// networkOf is the configured Bitcoin network; a tool works without any configuration.
func networkOf(f *flags) string {
	c, err := config.Read(f.source())
	if err != nil {
		return config.Default().BTCRPC.Network
	}
	return c.BTCRPC.Network
}

// addressFile is the file that the address commands work on, and what checks its addresses.
func addressFile(f *flags, coin teller.Coin, file string) (string, teller.Addresses, error) {
	network := networkOf(f)
	if file == "" {
		c, err := config.Read(f.source())
		if err != nil {
			return "", nil, err
		}
		file = c.Path(c.Addresses(coin))
	}
	if file == "" {
		return "", nil, fmt.Errorf("no address file: set %s_addresses in the configuration, or name one with --file", coin.Lower())
	}
	a, err := app.Addresses(coin, network)
	return file, a, err
}

func newAddAddress(f *flags, coin teller.Coin) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "add" + coin.Lower() + "address ADDRESS...",
		Short: "Add " + string(coin) + " deposit addresses to the address file",
		Long: `Checks the addresses, adds them at the end of the address file, and refuses what is in it already.
A running teller reads the file again on SIGHUP or POST /api/addresses/reload.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, parse, err := addressFile(f, coin, file)
			if err != nil {
				return err
			}
			if err := addAddresses(path, coin, parse, args); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d added to %s\n", len(args), path)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "address file (default: the configuration's)")
	return cmd
}

func addAddresses(path string, coin teller.Coin, parse teller.Addresses, more []string) error {
	var all []string
	if fileExists(path) {
		list, err := pool.ReadFile(path, coin, parse)
		if err != nil {
			return err
		}
		all = slices.Collect(list.All())
	}
	for _, m := range more {
		a, err := parse.Parse(m)
		if err != nil {
			return err
		}
		if slices.Contains(all, a) {
			return teller.Errorf(teller.CodeInvalid, "%s is in the file already", a)
		}
		all = append(all, a)
	}
	return replaceFile(path, func(f *os.File) error {
		if strings.HasSuffix(path, ".json") {
			return pool.WriteJSON(f, coin, all)
		}
		return pool.WriteText(f, all)
	})
}

// replaceFile writes beside the file and renames: a reader sees the old content or the new, never half.
func replaceFile(path string, write func(*os.File) error) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the address file: %w", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write the address file: %w", err)
	}
	return nil
}

func newGetAddress(f *flags, coin teller.Coin) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "get" + coin.Lower() + "address",
		Short: "Check and list the addresses of the " + string(coin) + " address file",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, parse, err := addressFile(f, coin, file)
			if err != nil {
				return err
			}
			list, err := pool.ReadFile(path, coin, parse)
			if err != nil {
				return err
			}
			return pool.WriteText(cmd.OutOrStdout(), slices.Collect(list.All()))
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "address file (default: the configuration's)")
	return cmd
}

func newKeys() *cobra.Command {
	return &cobra.Command{
		Use:   "newkeys",
		Short: "Make a fresh key pair and print it as JSON",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pub, sec := cipher.GenerateKeyPair()
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "    ")
			return enc.Encode(struct{ Pubkey, Seckey string }{pub.Hex(), sec.Hex()})
		},
	}
}
