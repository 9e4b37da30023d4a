package main

import (
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newWithdrawals(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "withdrawals",
		Short: "List and settle transactions out of the hot wallet that teller did not make",
		Long: `Somebody else spent the hot wallet: you, or a teller whose database this one does not know.
Unpaid deposits of the SKY addresses that such a transaction pays are held, those that come
later too, until you say that it had nothing to do with them.`,
	}
	cmd.AddCommand(newWithdrawalsList(f), newWithdrawalsSettle(f))
	return cmd
}

func newWithdrawalsList(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the withdrawals and what they paid to whom",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Withdrawals []struct {
					TxID    string `json:"txid"`
					Height  int64  `json:"height"`
					SeenAt  int64  `json:"seen_at"`
					Outputs []struct{ Address, Coins string }
				}
			}
			if err := askAdmin(cmd.Context(), f, http.MethodGet, "/api/withdrawals", nil, &list); err != nil {
				return err
			}
			if len(list.Withdrawals) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "there are none")
				return nil
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, d := range list.Withdrawals {
				block := fmt.Sprint("block ", d.Height)
				if d.Height < 0 {
					block = "unconfirmed"
				}
				fmt.Fprintf(w, "%s\t%s\tseen %s\n", d.TxID, block, time.Unix(d.SeenAt, 0).Format(time.DateTime))
				for _, o := range d.Outputs {
					fmt.Fprintf(w, "\t%s\t%s SKY\n", o.Address, o.Coins)
				}
			}
			return w.Flush()
		},
	}
}

func newWithdrawalsSettle(f *flags) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "settle TXID --reason TEXT",
		Short: "Declare that a withdrawal had nothing to do with deposits: it holds no further ones",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]string{"txid": args[0], "reason": reason}
			if err := askAdmin(cmd.Context(), f, http.MethodPost, "/api/withdrawals/settle", body, &struct{}{}); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is settled; deposits that it holds already are yours to release or close\n", args[0])
			return nil
		},
	}
	needReason(cmd, &reason)
	return cmd
}
