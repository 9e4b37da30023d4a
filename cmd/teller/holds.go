package main

import (
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newHolds(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "holds",
		Short: "List, release and close deposits that wait for an operator's decision",
		Long: `A deposit is held when teller can not know what is right: its block left the chain after it was
credited, somebody else spent the hot wallet, an imported payment is unknown, and the like. It
keeps its status and is not paid until you decide. teller must be running: these commands ask
its admin interface.`,
	}
	cmd.AddCommand(newHoldsList(f), newHoldsAct(f, "release", "Let a held deposit go on: it will be paid what it is owed"),
		newHoldsAct(f, "close", "End a deposit without paying it, with a reason that buyers and auditors can be told"))
	return cmd
}

// heldDeposit is what the admin interface says of a held deposit, as far as it is shown.
type heldDeposit struct {
	DepositID  string `json:"deposit_id"`
	Status     string `json:"status"`
	CoinType   string `json:"coin_type"`
	SkyAddress string `json:"sky_address"`
	Hold       *struct {
		Reason string `json:"reason"`
		Detail string `json:"detail"`
		Since  int64  `json:"since"`
	} `json:"hold"`
}

func newHoldsList(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what is held, and why",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Deposits []heldDeposit `json:"deposits"`
			}
			if err := askAdmin(cmd.Context(), f, http.MethodGet, "/api/holds", nil, &list); err != nil {
				return err
			}
			if len(list.Deposits) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing is held")
				return nil
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, d := range list.Deposits {
				if d.Hold == nil {
					continue
				}
				since := time.Unix(d.Hold.Since, 0).Format(time.DateTime)
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\tsince %s\n\t%s\n", d.DepositID, d.Status, d.SkyAddress, d.Hold.Reason, since, d.Hold.Detail)
			}
			return w.Flush()
		},
	}
}

func newHoldsAct(f *flags, act, short string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     act + " DEPOSIT_ID --reason TEXT",
		Short:   short,
		Example: fmt.Sprintf("  teller holds %s 4a5e…:0 --reason 'looked the address up: never paid'", act),
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var d heldDeposit
			body := map[string]string{"deposit_id": args[0], "reason": reason}
			if err := askAdmin(cmd.Context(), f, http.MethodPost, "/api/holds/"+act, body, &d); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", d.DepositID, d.Status)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit log (required)")
	_ = cmd.MarkFlagRequired("reason") // it exists
	return cmd
}
