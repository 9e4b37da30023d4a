package main

import (
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
)

// shownExchange is what the admin interface says of the exchange.
type shownExchange struct {
	Name    string        `json:"name"`
	Buying  bool          `json:"buying"`
	Error   string        `json:"error"`
	Markets []shownMarket `json:"markets"`
}

type shownMarket struct {
	CoinType string `json:"coin_type"`
	Symbol   string `json:"symbol"`
	Minimum  string `json:"minimum"`
	Balance  string `json:"balance"`
	Open     int    `json:"open_orders"`
	Unknown  []struct {
		ClientID  string          `json:"client_id"`
		OrderID   string          `json:"order_id"`
		Status    string          `json:"status"`
		SkyBought teller.Droplets `json:"sky_bought"`
		Spent     string          `json:"spent"`
		Why       string          `json:"why"`
	} `json:"unknown_orders"`
	Errors []string `json:"errors"`
}

func newExchange(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "exchange",
		Short: "Look at the exchange: what the account can spend, and open orders that teller does not know",
		Long: `Asks the exchange, through the running teller, what the account can spend of each coin that is traded,
and which of its open orders the ledger does not follow: those of somebody else, or such that teller
has forgotten. It changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var x shownExchange
			if err := askAdmin(cmd.Context(), f, http.MethodGet, "/api/exchange", nil, &x); err != nil {
				return err
			}
			return printExchange(cmd.OutOrStdout(), x)
		},
	}
}

func printExchange(out io.Writer, x shownExchange) error {
	fmt.Fprint(out, x.Name)
	if !x.Buying {
		fmt.Fprint(out, ": nothing is bought, sending is switched off")
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range x.Markets {
		balance := "unknown"
		if m.Balance != "" {
			balance = m.Balance + " " + m.CoinType
		}
		fmt.Fprintf(w, "%s\tto spend: %s\tsmallest deposit: %s %s\topen orders: %d\n", m.Symbol, balance, m.Minimum, m.CoinType, m.Open)
		for _, o := range m.Unknown {
			fmt.Fprintf(w, "\torder %s, there %s, %s, bought %s SKY for %s %s: %s\n", o.ClientID, o.OrderID, o.Status, o.SkyBought, o.Spent, m.CoinType, o.Why)
		}
		for _, e := range m.Errors {
			fmt.Fprintf(w, "\t! %s\n", e)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if x.Error != "" {
		fmt.Fprintln(out, x.Error)
	}
	return nil
}
