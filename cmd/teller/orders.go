package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
)

func newOrders(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "orders",
		Short: "List orders on the exchange, and decide about purchases that have failed",
		Long: `For a deposit of a passthrough address SKY is bought on an exchange, order by order. When its orders
have not bought all that they should, or the exchange does not show one that it may have accepted,
the deposit is held until you decide:

  retry        one more order for what is not spent yet
  pay-instead  the wallet pays what was not bought, at the deposit's own rate
  refund       you have given back what was not spent; what was bought is sent
  end          the exchange has no such order, and never will

To close it, see teller holds close. Nothing is paid, refunded or closed while an order may still buy:
cancel it at the exchange first. teller must be running: these commands ask its admin interface.`,
	}
	cmd.AddCommand(newOrdersList(f), newOrdersRetry(f), newOrdersPayInstead(f), newOrdersRefund(f), newOrdersEnd(f))
	return cmd
}

// shownOrder is what the admin interface says of an order, as far as it is shown.
type shownOrder struct {
	ClientID  string          `json:"client_id"`
	DepositID string          `json:"deposit_id"`
	Exchange  string          `json:"exchange_name"`
	CoinType  string          `json:"coin_type"`
	State     string          `json:"state"`
	Requested string          `json:"requested_amount"`
	Least     string          `json:"least"`
	SkyBought teller.Droplets `json:"sky_bought"`
	Spent     string          `json:"spent"`
	OrderID   string          `json:"order_id"`
	Status    string          `json:"status"`
	Doubted   bool            `json:"doubted"`
	UpdatedAt int64           `json:"updated_at"`
}

func newOrdersList(f *flags) *cobra.Command {
	var pending bool
	var deposit string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List orders, the oldest first",
		Example: "  teller orders list --pending\n  teller orders list --deposit 4a5e…:0",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{}
			if pending {
				q.Set("status", "pending")
			}
			if deposit != "" {
				q.Set("deposit_id", deposit)
			}
			var list struct{ Orders []shownOrder }
			if err := askAdmin(cmd.Context(), f, http.MethodGet, "/api/orders?"+q.Encode(), nil, &list); err != nil {
				return err
			}
			if len(list.Orders) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "there are none")
				return nil
			}
			return printOrders(cmd.OutOrStdout(), list.Orders)
		},
	}
	cmd.Flags().BoolVar(&pending, "pending", false, "only those that may still buy")
	cmd.Flags().StringVar(&deposit, "deposit", "", "only those of this deposit")
	return cmd
}

func printOrders(out io.Writer, orders []shownOrder) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range orders {
		price := "at any price"
		if o.Least != "" {
			price = "at " + o.Least + " SKY or better"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\tto spend %s %s\t%s\tbought %s SKY for %s\t%s\n", o.ClientID, o.State, o.Exchange, o.Requested, o.CoinType, price,
			o.SkyBought, o.Spent, time.Unix(o.UpdatedAt, 0).Format(time.DateTime))
		there := "the exchange has not shown it"
		if o.OrderID != "" {
			there = fmt.Sprintf("there %s, %s", o.OrderID, o.Status)
		} else if o.Status != "" {
			there = o.Status
		}
		if o.Doubted {
			there += "; its deposit was held for that"
		}
		fmt.Fprintf(w, "\tdeposit %s\n\t%s\n", o.DepositID, there)
	}
	return w.Flush()
}

func newOrdersRetry(f *flags) *cobra.Command {
	return newPurchaseAct(f, "retry", "Let a deposit that is held for its purchase go on: what is not spent yet is tried again",
		`Releases the hold, whatever max_attempts says. For a deposit that is held because the exchange does not
show an order: only when you have looked there and it is neither among the open nor the past orders.
Then it is placed again, under the same client id; say with --seen which version you have looked at.`,
		"there are sellers again")
}

func newOrdersPayInstead(f *flags) *cobra.Command {
	return newPurchaseAct(f, "pay-instead", "Have the wallet pay what was not bought",
		`What is not spent of the deposit is paid from the hot wallet at the deposit's own rate, beside what was
bought. Nothing more is bought for it.`,
		"as we promised")
}

// newPurchaseAct is a decision about a deposit that needs nothing but a reason.
func newPurchaseAct(f *flags, act, short, long, example string) *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:     act + " DEPOSIT_ID --reason TEXT",
		Short:   short,
		Long:    short + ".\n\n" + long,
		Example: fmt.Sprintf("  teller orders %s 4a5e…:0 --reason '%s'", act, example),
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.carryOut(cmd, f, "/api/orders/"+act, args[0])
		},
	}
	d.flags(cmd)
	return cmd
}

func newOrdersRefund(f *flags) *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:   "refund DEPOSIT_ID --txid TXID --reason TEXT",
		Short: "Note that you have given back what was not spent of a deposit",
		Long: `Note that you have given back, by the transaction TXID of the coin's own chain, what was not spent of
the deposit. What was bought is sent; when that is nothing, the deposit ends. teller does not look
the transaction up, and moves no coins by itself.`,
		Example: "  teller orders refund 4a5e…:0 --txid 9f31… --reason 'nobody sells at a fair price'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.carryOut(cmd, f, "/api/orders/refund", args[0])
		},
	}
	d.flags(cmd)
	d.needTxID(cmd, "the transaction that gave it back")
	return cmd
}

func newOrdersEnd(f *flags) *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:   "end CLIENT_ID --reason TEXT",
		Short: "Declare that the exchange has no such order, and never will",
		Long: `Ends an order that the exchange may have accepted and does not show, or not any more: what is known of
it stays. Look for the client id among the open and the past orders there first. An order that the
exchange shows is refused: cancel it there, and teller notes its end.

While teller may be asking for the order in this moment, its deposit is held first, so that it is asked
for no more, and the order is looked for. Then do this again. What becomes of the deposit is asked of
you after that.`,
		Example: "  teller orders end t-n6ema5uaattwbbuoab6a7pfh-1 --reason 'looked there, and asked them'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var o shownOrder
			body := map[string]any{"client_id": args[0], "version": d.Version, "reason": d.Reason}
			if err := askAdmin(cmd.Context(), f, http.MethodPost, "/api/orders/end", body, &o); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", o.ClientID, o.State)
			if o.State != string(teller.OrderFinal) {
				fmt.Fprintln(cmd.OutOrStdout(), "its deposit is held, and it is looked for once more: look there again in some minutes, then repeat this")
			}
			return nil
		},
	}
	d.flags(cmd)
	return cmd
}

// needReason adds the flag that every decision needs.
func needReason(cmd *cobra.Command, reason *string) {
	cmd.Flags().StringVar(reason, "reason", "", "why, for the audit log (required)")
	_ = cmd.MarkFlagRequired("reason") // it exists
}
