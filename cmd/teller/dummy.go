package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/config"
)

func newDummy(f *flags) *cobra.Command {
	var public, admin, control, coins string
	var passthrough bool
	cmd := &cobra.Command{
		Use:   "dummy",
		Short: "Try it: serve with simulated chains, wallet and payments, without any file or node",
		Long: `dummy serves a whole counter whose outside is simulated. Addresses and a throw-away wallet
are made on the spot; deposits and confirmations are yours to make with the dummy interface. With
--passthrough what BTC deposits are worth is bought on a simulated exchange, which you can
steer as well. Nothing of it is worth anything. The data stay in the data directory until you delete it.`,
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
			if passthrough {
				buyOnSimulation(&c)
			}
			if err := c.Validate(); err != nil {
				return err
			}
			return serve(cmd.Context(), c, func(a *app.App) { introduce(cmd.OutOrStdout(), a, dir, passthrough) })
		},
	}
	d := config.Default()
	cmd.Flags().StringVar(&public, "http-addr", d.Web.HTTPAddr, "address of the page and the public API")
	cmd.Flags().StringVar(&admin, "admin-addr", d.AdminPanel.Host, "address of the admin API")
	cmd.Flags().StringVar(&control, "dummy-addr", d.Dummy.HTTPAddr, "address of the dummy controls")
	cmd.Flags().StringVar(&coins, "coins", d.Dummy.Coins.String(), "SKY in the dummy wallet, when it is made")
	cmd.Flags().BoolVar(&passthrough, "passthrough", false, "buy on a simulated exchange what BTC deposits are worth")
	return cmd
}

// buyOnSimulation has a demonstration buy on the simulated exchange, and be quick about it.
func buyOnSimulation(c *config.Config) {
	c.SkyExchanger.BuyMethod = teller.BuyPassthrough
	e := &c.SkyExchanger.ExchangeClient
	e.MaxSlippage = "0.05"
	e.CheckOrderWait, e.RequestFailureWait, e.RatelimitWait = time.Second, 2*time.Second, 5*time.Second
}

// introduce prints what a person can do now.
func introduce(w io.Writer, a *app.App, dir string, passthrough bool) {
	buyer := "YOUR_SKY_ADDRESS"
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err == nil {
		if made, err := app.NewAddresses(teller.SKY, hex.EncodeToString(seed[:]), 1, ""); err == nil {
			buyer = made[0]
		}
	}
	intro := direct
	if passthrough {
		intro = bought
	}
	fmt.Fprintf(w, intro, a.Addr("public"), a.Addr("admin"), a.Addr("dummy"), dir, buyer)
}

const direct = `
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

`

const bought = `
teller runs in dummy mode with passthrough: chains, wallet, payments and the exchange are simulated.

  page      http://%[1]s/
  admin     http://%[2]s/api/deposits
  exchange  http://%[3]s/dummy/exchange/state
  data      %[4]s

Have SKY bought for 0.1 BTC, from another terminal:

  curl -H 'Content-Type: application/json' -d '{"skyaddr":"%[5]s","coin_type":"BTC"}' http://%[1]s/api/bind
  curl 'http://%[3]s/dummy/scanner/deposit?value=10000000&addr=DEPOSIT_ADDRESS_FROM_ABOVE'
  curl 'http://%[2]s/api/orders'
  curl 'http://%[3]s/dummy/sender/broadcasts'
  curl 'http://%[3]s/dummy/sender/confirm?seq=1'

Let the next order end when 40 %% of it are bought, and decide:

  curl -d '{"kind":"end_cancelled","part":40}' http://%[3]s/dummy/exchange/faults
  curl 'http://%[3]s/dummy/scanner/deposit?value=10000000&addr=DEPOSIT_ADDRESS_FROM_ABOVE'
  curl 'http://%[2]s/api/holds'
  curl -H 'Content-Type: application/json' -d '{"deposit_id":"DEPOSIT_ID_FROM_ABOVE","reason":"try again"}' http://%[2]s/api/orders/retry

Let nobody sell, or take coins from the account:

  curl -d '{"asks":[]}' http://%[3]s/dummy/exchange/book
  curl -d '{"key":"dummy","coin":"btc","amount":"-999"}' http://%[3]s/dummy/exchange/deposit
  curl 'http://%[1]s/api/health'

Ctrl-C ends it.

`
