package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
)

// rescanJob is what the admin interface says of a rescan.
type rescanJob struct {
	CoinType  string `json:"coin_type"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Next      int64  `json:"next"`
	Done      bool   `json:"done"`
	Found     int    `json:"found"`
	StartedAt int64  `json:"started_at"`
}

func newRescan(f *flags) *cobra.Command {
	var coinName, reason string
	var from int64
	cmd := &cobra.Command{
		Use:   "rescan --from HEIGHT",
		Short: "Read a chain's blocks again from a height on, and record the deposits that are missing",
		Long: `Reads all blocks from HEIGHT up to where the scan is once more, beside the scan itself, and records
the deposits that the ledger does not know. It is always safe: what the ledger knows stays as it
is, and nothing is paid twice. It goes on after a restart, and may begin below
initial_scan_height. Without --from it shows how the last rescan of each coin stands.

teller must be running: this command asks its admin interface.`,
		Example: "  teller rescan --coin BTC --from 800000 --reason \"the node was replaced\"\n  teller rescan",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("from") {
				return showRescans(cmd, f)
			}
			coin, err := teller.ParseCoin(strings.ToUpper(coinName))
			if err != nil {
				return err
			}
			var job rescanJob
			body := map[string]any{"coin_type": coin, "from": from, "reason": reason}
			if err := askAdmin(cmd.Context(), f, http.MethodPost, "/api/rescans", body, &job); err != nil {
				return err
			}
			return printRescans(cmd.OutOrStdout(), []rescanJob{job})
		},
	}
	cmd.Flags().StringVar(&coinName, "coin", string(teller.BTC), "BTC, ETH or SKY")
	cmd.Flags().Int64Var(&from, "from", 0, "height of the first block to read again")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit log")
	return cmd
}

func showRescans(cmd *cobra.Command, f *flags) error {
	var list struct{ Rescans []rescanJob }
	if err := askAdmin(cmd.Context(), f, http.MethodGet, "/api/rescans", nil, &list); err != nil {
		return err
	}
	if len(list.Rescans) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "there was none")
		return nil
	}
	return printRescans(cmd.OutOrStdout(), list.Rescans)
}

func printRescans(out io.Writer, jobs []rescanJob) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, j := range jobs {
		state := fmt.Sprintf("at block %d", j.Next)
		if j.Done {
			state = "done"
		}
		fmt.Fprintf(w, "%s\tblocks %d to %d\tstarted %s\t%s\t%d missing deposits found\n",
			j.CoinType, j.From, j.To, time.Unix(j.StartedAt, 0).Format(time.DateTime), state, j.Found)
	}
	return w.Flush()
}
