// Command teller is the counter: without a subcommand it serves what its configuration says. The subcommands are for
// trying it (dummy, exchange-sim), for its operator (holds, orders) and for preparing and looking into a set-up (addresses,
// scanblock).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller/internal/config"
)

// version is set by the build; without it the version-control revision that Go notes is shown.
var version = ""

func main() {
	// The first SIGINT or SIGTERM asks for an orderly end; the second one ends the process as usual.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "teller: "+err.Error())
		os.Exit(exitCode(err))
	}
}

// flags are those that every command has.
type flags struct {
	config string
	dir    string
}

func (f *flags) source() config.Source {
	return config.Source{File: f.config, Dir: f.dir, Environ: os.Environ()}
}

func newRoot() *cobra.Command {
	var f flags
	root := &cobra.Command{
		Use:   "teller",
		Short: "A counter that sells SKY for BTC, ETH and SKY",
		Long: `teller binds a buyer's SKY address to a fresh deposit address, watches the chains for
deposits, and sends SKY for them from a hot wallet: no deposit lost, none paid twice.

Without a subcommand it serves what the configuration file says. To try it without
any node or file: teller dummy`,
		Example: `  teller dummy                     try it: everything outside is simulated
  teller -c teller.toml            serve with a configuration file
  teller -c teller.toml holds list what waits for a decision of yours
  teller -c teller.toml audit      compare the ledger with the chains`,
		Args:          cobra.NoArgs,
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return serveConfigured(cmd.Context(), &f) },
	}
	p := root.PersistentFlags()
	p.StringVarP(&f.config, "config", "c", "", "configuration file: a path, or a name to look for in the data and working directories (default config.toml)")
	p.StringVarP(&f.dir, "dir", "d", "", "data directory (default $HOME/.teller-skycoin)")
	root.AddCommand(newServe(&f), newDummy(&f), newHolds(&f), newOrders(&f), newExchange(&f), newWithdrawals(&f), newAudit(&f), newScanBlock(&f), newRescan(&f), newAddresses(&f), newKeys(), newExchangeSim())
	root.AddCommand(newAddressCommands(&f)...)
	return root
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
