package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

func newExchangeSim() *cobra.Command {
	var addr, rate, btc string
	var o c2cxsim.Options
	account := c2cxsim.NewAccount{}
	cmd := &cobra.Command{
		Use:   "exchange-sim",
		Short: "Serve a simulation of C2CX, the exchange, to try and test purchases with",
		Long: `Serves C2CX's protocol under /v1/, with one account and a book of others who sell SKY for BTC, and controls
under /sim/ that need no authentication: keep it on this machine. Nothing of it is worth anything.

Controls, in JSON (amounts are texts):

  GET  /sim/state                  accounts, orders, book, totals
  GET  /sim/check                  whether no coin came from nowhere or got lost
  POST /sim/book                   {"asks": [{"price": "0.002", "quantity": "1000"}], "add": false}
  POST /sim/deposit                {"key": "K", "coin": "btc", "amount": "-1.5"}
  POST /sim/orders/ORDER/end       {"status": "cancelled"}, or "error", "expired"
  POST /sim/orders/ORDER/suspend, /resume, and /fill with {"price": "0.002", "quantity": "1"}
  POST /sim/faults                 {"kind": "end_expired", "part": 40, "times": 1}
  DELETE /sim/faults
  POST /sim/fault-percent          {"percent": 10}

Kinds of faults: lose_request, rate_limit, xml, html, error_500, lose_reply, cut_reply, late, slow (with
"endpoint" and "delay_ms"); end_cancelled, end_error, end_expired, hold_pending, hold_suspend, hold_partial
for the next order (with "part" of a hundred and "shown"); hold_cancel for the next cancellation.`,
		Example: `  teller exchange-sim
  teller exchange-sim --addr 127.0.0.1:4122 --journal sim.journal --faults 10 --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if account.BTC, err = c2cxsim.ParseDecimal(btc); err != nil {
				return fmt.Errorf("--btc: %w", err)
			}
			o.Accounts = []c2cxsim.NewAccount{account}
			o.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelDebug}))
			sim, err := openSim(o, rate)
			if err != nil {
				return err
			}
			return errors.Join(serveSim(cmd.Context(), cmd.OutOrStdout(), sim, addr, account), sim.Close())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&addr, "addr", "127.0.0.1:4122", "address to listen on")
	flags.StringVar(&o.Journal, "journal", "", "file in which all of it is kept (default: in memory only)")
	flags.StringVar(&account.Key, "key", "simulated", "API key of the account")
	flags.StringVar(&account.Secret, "secret", "simulated", "its secret")
	flags.StringVar(&btc, "btc", "1000", "BTC in the account, when it is made")
	flags.StringVar(&rate, "rate", "500", "SKY for one BTC around which others sell, when the book is empty; \"\" leaves it empty")
	flags.StringVar(&o.Fee, "fee", "0.002", "part of what is bought that the exchange keeps")
	flags.StringVar(&o.Minimum, "minimum", "0.0005", "the least that an order may be worth, in BTC")
	flags.IntVar(&o.PerMinute, "per-minute", 0, "requests to an endpoint in a minute; 0 = any number")
	flags.BoolVar(&o.RefuseShort, "refuse-short", false, "refuse orders that the account can not pay, instead of accepting them without executing them")
	flags.IntVar(&o.FaultPercent, "faults", 0, "how many of a hundred requests meet a fault by themselves")
	flags.Uint64Var(&o.Seed, "seed", 1, "which faults: the same requests meet the same ones")
	return cmd
}

// openSim opens the simulation, and lays out its book when that is empty.
func openSim(o c2cxsim.Options, rate string) (*c2cxsim.Server, error) {
	sim, err := c2cxsim.Open(o)
	if err != nil || rate == "" || len(sim.Book()) > 0 {
		return sim, err
	}
	r, err := teller.ParseRate(rate)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--rate: %w", err), sim.Close())
	}
	asks, err := app.DummyBook(r)
	if err == nil {
		err = sim.SetBook(asks...)
	}
	if err != nil {
		return nil, errors.Join(err, sim.Close())
	}
	return sim, nil
}

// serveSim serves the simulation until the context ends.
func serveSim(ctx context.Context, out io.Writer, sim *c2cxsim.Server, addr string, account c2cxsim.NewAccount) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "open the simulated exchange: %w", err)
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		fmt.Fprintln(out, "Beware: anybody who reaches this address controls the simulation.")
	}
	fmt.Fprintf(out, `A simulation of C2CX is served on %[1]s. To buy there:

  [sky_exchanger]
  buy_method = "passthrough"

  [sky_exchanger.exchange_client]
  name = "c2cx"
  url = "http://%[1]s"
  key = %[2]q
  secret = %[3]q

Its controls: curl http://%[1]s/sim/state, and see --help. Ctrl-C ends it.
`, l.Addr(), account.Key, account.Secret)
	server := &http.Server{Handler: sim.Handler(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			_ = server.Close() // a request that is being delayed does not keep us
		}
		ended <- nil
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return teller.Errorf(teller.CodeUnavailable, "serve the simulated exchange: %w", err)
	}
	return <-ended
}
