package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/config"
)

func newDummy(f *flags) *cobra.Command {
	var public, admin, control, coins string
	cmd := &cobra.Command{
		Use:   "dummy",
		Short: "Try it: serve with simulated chains, wallet and payments, without any file or node",
		Long: `dummy serves a whole counter whose outside is simulated. Addresses and a throw-away wallet
are made on the spot; deposits and confirmations are yours to make with the dummy interface.
Nothing of it is worth anything. The data stay in the data directory until you delete it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir := f.dir
			if dir == "" {
				home, err := os.UserHomeDir()
				if err != nil {
					return fmt.Errorf("find a place for the data: %w; name one with --dir", err)
				}
				dir = filepath.Join(home, ".teller-skycoin", "dummy")
			}
			c := config.Dummy(dir)
			c.Debug = false
			c.Web.HTTPAddr, c.AdminPanel.Host, c.Dummy.HTTPAddr = public, admin, control
			funds, err := teller.ParseDroplets(coins)
			if err != nil {
				return fmt.Errorf("--coins: %w", err)
			}
			c.Dummy.Coins = funds
			if err := c.Validate(); err != nil {
				return err
			}
			return serve(cmd.Context(), c, func(a *app.App) { introduce(cmd.OutOrStdout(), a, dir) })
		},
	}
	d := config.Default()
	cmd.Flags().StringVar(&public, "http-addr", d.Web.HTTPAddr, "address of the page and the public API")
	cmd.Flags().StringVar(&admin, "admin-addr", d.AdminPanel.Host, "address of the admin API")
	cmd.Flags().StringVar(&control, "dummy-addr", d.Dummy.HTTPAddr, "address of the dummy controls")
	cmd.Flags().StringVar(&coins, "coins", d.Dummy.Coins.String(), "SKY in the dummy wallet, when it is made")
	return cmd
}

// introduce prints what a person can do now.
func introduce(w io.Writer, a *app.App, dir string) {
	buyer := "YOUR_SKY_ADDRESS"
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err == nil {
		if made, err := app.NewAddresses(teller.SKY, hex.EncodeToString(seed[:]), 1, ""); err == nil {
			buyer = made[0]
		}
	}
	fmt.Fprintf(w, `
teller runs in dummy mode: chains, wallet and payments are simulated.

  page     http://%[1]s/
  admin    http://%[2]s/api/deposits
  data     %[4]s

Buy 50 SKY for 0.1 BTC, from another terminal:

  curl -H 'Content-Type: application/json' -d '{"skyaddr":"%[5]s","coin_type":"BTC"}' http://%[1]s/api/bind
  curl 'http://%[3]s/dummy/scanner/deposit?value=10000000&addr=DEPOSIT_ADDRESS_FROM_ABOVE'
  curl 'http://%[3]s/dummy/sender/broadcasts'
  curl 'http://%[3]s/dummy/sender/confirm?seq=1'
  curl 'http://%[1]s/api/status?skyaddr=%[5]s'

Ctrl-C ends it.

`, a.Addr("public"), a.Addr("admin"), a.Addr("dummy"), dir, buyer)
}
