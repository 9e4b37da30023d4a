package main

import (
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/config"
)

func newScanBlock(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "scanblock HEIGHT",
		Short: "Show what a BTC block pays to which address, as the scanner would read it",
		Long: `Asks the configured Bitcoin node for the block at HEIGHT and lists every output that pays one
address. It changes nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			height, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || height < 0 {
				return fmt.Errorf("HEIGHT is %q; it must be a block's height", args[0])
			}
			c, err := config.Read(f.source())
			if err != nil {
				return err
			}
			chain, err := btc.New(app.NodeConfig(c))
			if err != nil {
				return err
			}
			defer chain.Close()
			block, err := chain.Block(cmd.Context(), height, everything{})
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "block %d %s\n", block.Height, block.Hash)
			for _, t := range block.Transfers {
				fmt.Fprintf(w, "%s:%d\t%s\t%s BTC\n", t.TxID, t.N, t.Address, t.Value.Format(chain.Coin()))
			}
			return w.Flush()
		},
	}
}

// everything watches every key.
type everything struct{}

func (everything) Has([]byte) bool { return true }
