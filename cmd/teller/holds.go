package main

import (
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
)

func newHolds(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "holds",
		Short: "List deposits that wait for an operator's decision, and decide",
		Long: `A deposit is held when teller can not know what is right: its block left the chain after it was
credited, somebody else spent the hot wallet, an imported payment is unknown, and the like. It
keeps its status and is not paid until you decide. teller must be running: these commands ask
its admin interface.`,
	}
	cmd.AddCommand(newHoldsList(f), newHoldsRelease(f), newHoldsClose(f), newHoldsPaid(f))
	return cmd
}

// heldDeposit is what the admin interface says of a held deposit, as far as it is shown.
type heldDeposit struct {
	DepositID  string `json:"deposit_id"`
	Version    uint64 `json:"version"`
	Status     string `json:"status"`
	CoinType   string `json:"coin_type"`
	SkyAddress string `json:"sky_address"`
	Hold       *struct {
		Reason string `json:"reason"`
		Detail string `json:"detail"`
		Since  int64  `json:"since"`
	} `json:"hold"`
}

// nextSteps says in a line what to do about each reason; docs/operations.md says more.
var nextSteps = map[teller.HoldReason]string{
	teller.HoldOrphaned:      "wait, it is lifted when the deposit is back at depth; if that never comes, close it",
	teller.HoldBeforeBinding: "find out who paid; release it if it was the buyer",
	teller.HoldOwnPayout:     "close it, unless a buyer really uses a deposit address as a SKY address",
	teller.HoldWithdrawal:    "look the transaction up: if it paid this deposit, say so with paid --txid; if not, release it",
	teller.HoldImportPaid:    "compare with the transaction named: if it is the payment, say so with paid --txid; if not, release it",
	teller.HoldImportUnknown: "look the SKY address up: if it was paid, say so with paid --txid; if not, pay by hand and then do so",
	teller.HoldImportOrder:   "settle the order by hand, then say so with paid --txid, or close it",
	teller.HoldImportHeight:  "release it if it was never paid, else say by which transaction with paid --txid",
	teller.HoldRebuilt:       "look the SKY address up: if it was paid, say so with paid --txid; if not, release it",
	teller.HoldUnexplained:   "look the address up: release it if the amount is right; else close it and pay by hand",
	teller.HoldDuplicate:     "look the address up: close one of the two if they are the same coins",
	teller.HoldOrderFailed:   "look at the market and the account: orders retry, orders pay-instead, or give back what is not spent and note it with orders refund",
	teller.HoldOrderUnknown:  "look for the order at the exchange: wait if it is there; orders retry --seen VERSION if it is not, or orders end and then decide",
	teller.HoldBelowMinimum:  "orders pay-instead, or give it back and note that with orders refund; orders retry once the minimum is lower",
	teller.HoldUnpayable:     "close it, or pay by hand if you can and say so with paid --txid; when no exchange trades its coin: orders retry once one does, orders pay-instead, or give it back and note that with orders refund",
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
				fmt.Fprintf(w, "%s\tversion %d\t%s\t%s\t%s\tsince %s\n\t%s\n", d.DepositID, d.Version, d.Status, d.SkyAddress, d.Hold.Reason, since, d.Hold.Detail)
				if next, ok := nextSteps[teller.HoldReason(d.Hold.Reason)]; ok {
					fmt.Fprintf(w, "\t-> %s\n", next)
				}
			}
			return w.Flush()
		},
	}
}

// decision is what every operator's act about a deposit says.
type decision struct {
	DepositID string `json:"deposit_id"`
	Version   uint64 `json:"version,omitempty"`
	TxID      string `json:"txid,omitempty"`
	Reason    string `json:"reason"`
}

// flags adds those that every decision has.
func (d *decision) flags(cmd *cobra.Command) {
	needReason(cmd, &d.Reason)
	cmd.Flags().Uint64Var(&d.Version, "seen", 0, "the version of the deposit that `teller holds list` has shown you; "+
		"when it is another one by now, nothing is done")
}

// needTxID adds the flag for a transaction that somebody has made by hand.
func (d *decision) needTxID(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVar(&d.TxID, "txid", "", usage+" (required)")
	_ = cmd.MarkFlagRequired("txid") // it exists
}

func newHoldsRelease(f *flags) *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:   "release DEPOSIT_ID --seen VERSION --reason TEXT",
		Short: "Let a held deposit go on: it will be paid what it is owed",
		Long: `Decide that the reason for which a deposit is held does not stand in the way. It goes on where it stood,
unless it is held for another reason as well, which then shows. VERSION is what teller holds list has
shown beside the deposit: so you never release a hold that has come since, and that you have not read.`,
		Example: "  teller holds release 4a5e…:0 --seen 7 --reason 'looked the address up: never paid'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.carryOut(cmd, f, "/api/holds/release", args[0])
		},
	}
	d.flags(cmd)
	_ = cmd.MarkFlagRequired("seen") // it exists
	return cmd
}

func newHoldsClose(f *flags) *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:     "close DEPOSIT_ID --reason TEXT",
		Short:   "End a deposit without paying it, with a reason that buyers and auditors can be told",
		Example: "  teller holds close 4a5e…:0 --reason 'paid back in BTC'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.carryOut(cmd, f, "/api/holds/close", args[0])
		},
	}
	d.flags(cmd)
	return cmd
}

func newHoldsPaid(f *flags) *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:   "paid DEPOSIT_ID --txid SKYCOIN_TXID --reason TEXT",
		Short: "End a deposit that you have paid by hand, by the transaction that paid it",
		Long: `End a deposit that somebody has paid by hand, from whatever wallet. The transaction must be in a
block of the Skycoin chain and pay the deposit's SKY address what it is owed; teller asks the node.`,
		Example: "  teller holds paid 4a5e…:0 --txid 9f31… --reason 'paid from the cold wallet'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.carryOut(cmd, f, "/api/holds/paid", args[0])
		},
	}
	d.flags(cmd)
	d.needTxID(cmd, "the Skycoin transaction that paid it")
	return cmd
}

// carryOut asks for the act and shows what has become of the deposit.
func (d decision) carryOut(cmd *cobra.Command, f *flags, path, depositID string) error {
	d.DepositID = depositID
	var after heldDeposit
	if err := askAdmin(cmd.Context(), f, http.MethodPost, path, d, &after); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", after.DepositID, after.Status)
	if after.Hold != nil {
		fmt.Fprintf(cmd.OutOrStdout(), "it is held for another reason, too (version %d): %s, %s\n", after.Version, after.Hold.Reason, after.Hold.Detail)
	}
	return nil
}
