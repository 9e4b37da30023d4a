package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/config"
)

// auditOptions are the flags of audit.
type auditOptions struct {
	from    []string
	deposit string
	after   uint64
	offline bool
	repair  bool
	log     bool
	json    bool
}

func newAudit(f *flags) *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Compare the ledger with itself, the hot wallet's history, the chains and the exchange",
		Long: `Checks the ledger by itself (audit log, deposits, payouts, orders, books), compares the hot wallet with
the Skycoin node, every transaction out of it with the ledger, the deposit chains with what was
recorded, and the orders on the exchange with those of the ledger, both ways. Each difference is
explained: what was found, what it means, what teller has done about it, and what you should do.
Nothing is changed by it, and buyers notice nothing.

The running teller is asked to do it. When none answers, the database is opened, for reading only,
and compared with the nodes and the exchange of the configuration; --offline does without any.

A deposit that was missed is found only by reading the blocks again: name the first one, for each
coin, with --from, which also has all orders of that coin looked up, not only the newest. --repair
then starts a rescan for what is missing, which pays nothing twice.

--log prints the audit log instead: every transition of a deposit and every act of an operator.

Exit code: 0 everything agrees, 1 there are differences, 2 it could not be audited, or not all of it.`,
		Example: `  teller audit
  teller audit --from BTC=800000 --from ETH=19000000 --repair
  teller audit --offline
  teller audit --log --deposit 4a5e…:0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Read(f.source())
			if err == nil && o.log {
				err = auditLog(cmd.Context(), f, c, o, cmd.OutOrStdout())
			} else if err == nil {
				err = auditAll(cmd.Context(), f, c, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if err != nil && !errors.Is(err, errDifferences) {
				err = &exit{2, err}
			}
			return err
		},
	}
	cmd.Flags().StringArrayVar(&o.from, "from", nil, "COIN=HEIGHT: read that chain's blocks again from there on and look for missed deposits; may be repeated")
	cmd.Flags().BoolVar(&o.repair, "repair", false, "start a rescan of the coins that deposits are missing of; teller must be running")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "open the database itself and ask no node; teller must not be running")
	cmd.Flags().BoolVar(&o.log, "log", false, "print the audit log")
	cmd.Flags().StringVar(&o.deposit, "deposit", "", "with --log: only what happened to this deposit")
	cmd.Flags().Uint64Var(&o.after, "after", 0, "with --log: begin behind this entry")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("log", "from")
	cmd.MarkFlagsMutuallyExclusive("offline", "repair")
	return cmd
}

// errDifferences ends an audit that has found any. The report has told them.
var errDifferences = errors.New("the ledger and the world do not agree; see above")

func auditAll(ctx context.Context, f *flags, c config.Config, o auditOptions, out, progress io.Writer) error {
	from, err := parseFrom(o.from)
	if err != nil {
		return err
	}
	report, running, err := audited(ctx, f, c, o, from, progress)
	if err != nil {
		return err
	}
	if o.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "    ")
		err = enc.Encode(report)
	} else {
		err = printReport(out, report)
	}
	if err == nil && o.repair && len(report.Missed) > 0 {
		if !running {
			return teller.Errorf(teller.CodeUnavailable, "teller is not running, so nothing was repaired: start it and run this again")
		}
		err = startRescans(ctx, f, report.Missed, progress)
	}
	switch {
	case err != nil:
		return err
	case len(report.Findings) > 0:
		return errDifferences
	case !report.Complete():
		return teller.Errorf(teller.CodeUnavailable, "not everything could be compared; see above")
	}
	return nil
}

func parseFrom(args []string) (map[teller.Coin]int64, error) {
	from := make(map[teller.Coin]int64, len(args))
	for _, arg := range args {
		name, number, _ := strings.Cut(arg, "=")
		coin, err := teller.ParseCoin(strings.ToUpper(name))
		if err != nil {
			return nil, fmt.Errorf("--from %s: %w", arg, err)
		}
		height, err := strconv.ParseInt(number, 10, 64)
		if err != nil || height < 0 {
			return nil, fmt.Errorf("--from %s: it must be a coin, = and the height of a block, like BTC=800000", arg)
		}
		from[coin] = height
	}
	return from, nil
}

// audited has the running teller audit itself, or does it when none answers.
func audited(
	ctx context.Context, f *flags, c config.Config, o auditOptions, from map[teller.Coin]int64, progress io.Writer,
) (report teller.AuditReport, running bool, err error) {
	if !o.offline {
		query := url.Values{}
		for coin, height := range from {
			query.Add("from", fmt.Sprintf("%s=%d", coin, height))
		}
		fmt.Fprintln(progress, "asking the running teller on "+c.AdminPanel.Host+"; a large ledger takes minutes")
		err = askAdminWithin(ctx, f, patience, http.MethodGet, "/api/audit/report?"+query.Encode(), nil, &report)
		if !errors.Is(err, errNoTeller) {
			return report, true, err
		}
		fmt.Fprintln(progress, "none answers: opening the database "+c.DBPath())
	}
	log := slog.New(slog.NewTextHandler(progress, &slog.HandlerOptions{Level: slog.LevelInfo}))
	report, err = app.AuditClosed(ctx, c, log, o.offline, from)
	return report, false, err
}

// patience is how long an audit of the running teller may take.
const patience = 6 * time.Hour

func printReport(out io.Writer, report teller.AuditReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range report.Checks {
		fmt.Fprintf(w, "%s\t%s\n", c.Part, c.Told)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, x := range report.Findings {
		fmt.Fprintf(out, "\n%d. %s\n   What it means: %s\n   What teller did: %s\n   What you should do: %s\n", i+1, x.Found, x.Means, x.Did, x.Do)
	}
	switch n := len(report.Findings); {
	case n > 0:
		_, err := fmt.Fprintf(out, "\n%d differences.\n", n)
		return err
	case !report.Complete():
		_, err := fmt.Fprintln(out, "\nNo differences in what could be compared.")
		return err
	}
	_, err := fmt.Fprintln(out, "\nEverything agrees.")
	return err
}

// startRescans has the blocks read again in which deposits are missing.
func startRescans(ctx context.Context, f *flags, missed map[teller.Coin]int64, progress io.Writer) error {
	for coin, height := range missed {
		var job rescanJob
		body := map[string]any{"coin_type": coin, "from": height, "reason": "teller audit: deposits are missing"}
		if err := askAdmin(ctx, f, http.MethodPost, "/api/rescans", body, &job); err != nil {
			return err
		}
		if err := printRescans(progress, []rescanJob{job}); err != nil {
			return err
		}
	}
	return nil
}

// auditLine is an entry of the audit log as the admin interface tells it, and as it is printed.
type auditLine struct {
	Seq       uint64 `json:"seq"`
	Time      int64  `json:"time"`
	Event     string `json:"event"`
	DepositID string `json:"deposit_id"`
	TxID      string `json:"txid"`
	From      string `json:"from"`
	To        string `json:"to"`
	Actor     string `json:"actor"`
	Detail    string `json:"detail"`
	Hash      string `json:"hash"`
}

// auditLog prints the log as it stands in the running teller, or in the database when none answers.
func auditLog(ctx context.Context, f *flags, c config.Config, o auditOptions, out io.Writer) error {
	enc := json.NewEncoder(out)
	show := func(l auditLine) error {
		if o.deposit != "" && l.DepositID != o.deposit {
			return nil
		}
		if o.json {
			return enc.Encode(l)
		}
		_, err := fmt.Fprintln(out, l)
		return err
	}
	after := o.after
	for !o.offline {
		var list struct{ Audit []auditLine }
		err := askAdmin(ctx, f, http.MethodGet, fmt.Sprintf("/api/audit?after=%d&limit=%d", after, logPage), nil, &list)
		if errors.Is(err, errNoTeller) {
			break
		}
		if err != nil || len(list.Audit) == 0 {
			return err
		}
		for _, l := range list.Audit {
			if err := show(l); err != nil {
				return err
			}
		}
		after = list.Audit[len(list.Audit)-1].Seq
	}
	var failed error
	err := app.AuditLog(ctx, c, after, func(e teller.AuditEntry) bool {
		failed = show(auditLine{
			Seq: e.Seq, Time: e.Time.Unix(), Event: e.Event, DepositID: e.DepositID, TxID: e.TxID,
			From: string(e.From), To: string(e.To), Actor: e.Actor, Detail: e.Detail, Hash: e.Hash,
		})
		return failed == nil
	})
	return errors.Join(err, failed)
}

// logPage is how many entries are asked for at once.
const logPage = 2000

func (l auditLine) String() string {
	parts := []string{strconv.FormatUint(l.Seq, 10), time.Unix(l.Time, 0).Format(time.DateTime), l.Event}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+value)
		}
	}
	add("", l.DepositID)
	if l.From != l.To {
		add("", l.From+" -> "+l.To)
	}
	add("tx ", l.TxID)
	add("by ", l.Actor)
	add("", l.Detail)
	return strings.Join(parts, "  ")
}

// exit is an error with an exit code of its own.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

func exitCode(err error) int {
	if e, ok := errors.AsType[*exit](err); ok {
		return e.code
	}
	return 1
}
