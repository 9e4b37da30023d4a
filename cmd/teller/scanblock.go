package main

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/config"
)

func newScanBlock(f *flags) *cobra.Command {
	var coinName string
	cmd := &cobra.Command{
		Use:   "scanblock HEIGHT",
		Short: "Show what a block pays to which address, as the scanner would read it",
		Long: `Asks the configured node for the block at HEIGHT and lists everything that pays one address. It
changes nothing.`,
		Example: "  teller scanblock 800000\n  teller scanblock --coin ETH 19000000",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			height, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || height < 0 {
				return fmt.Errorf("HEIGHT is %q; it must be a block's height", args[0])
			}
			coin, err := teller.ParseCoin(strings.ToUpper(coinName))
			if err != nil {
				return err
			}
			c, err := config.Read(f.source())
			if err != nil {
				return err
			}
			chain, _, closeChain, err := app.OpenChain(c, coin, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
			if err != nil {
				return err
			}
			defer closeChain()
			block, err := chain.Block(cmd.Context(), height, everything{})
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "block %d %s\n", block.Height, block.Hash)
			for _, t := range block.Transfers {
				fmt.Fprintf(w, "%s:%d\t%s\t%s %s\n", t.TxID, t.N, t.Address, t.Value.Format(coin), coin)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&coinName, "coin", string(teller.BTC), "BTC, ETH or SKY")
	return cmd
}

// everything watches every key.
type everything struct{}

func (everything) Has([]byte) bool { return true }

func (everything) Keys() ([][]byte, bool) { return nil, false }
