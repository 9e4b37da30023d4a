// Package audit compares the ledger with the world: with itself, with the Skycoin chain and the hot wallet's history
// there, with the deposit chains, and with the exchange where SKY is bought. It writes nothing. Every difference is a
// teller.Finding, which tells an operator in words what was found, what it means, what teller does about it by itself, and
// what is left to do.
//
// Run is the whole audit, behind `teller audit`. Gate is the quick part of it, which must pass at every start before the
// first payout is made: skycoin.go has what both share. Gate asks the exchange nothing. What is paid was bought before, as
// the ledger says; whoever buys more asks the exchange first; and a deposit that is paid from the wallet must not wait for
// an exchange that is down.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// Ledger is what an audit reads. Beside methods of teller.Store it needs some that only an audit asks for.
type Ledger interface {
	// Verify checks the ledger by itself; VerifyWallet only, and quickly, what must be right before anything is paid.
	Verify(ctx context.Context) (teller.Verification, error)
	VerifyWallet(ctx context.Context) ([]teller.Finding, error)
	// Pins are the recorded hashes of the chains' blocks 0, by coin, and "payout" for the chain that payouts are made on.
	Pins(ctx context.Context) (map[string]string, error)
	// WalletSince are the heights of the Skycoin blocks at which the wallet's addresses were taken over.
	WalletSince(ctx context.Context) (map[string]int64, error)
	// Payouts lists payouts of any status in the order of their txids, from behind one on.
	Payouts(ctx context.Context, after string, limit int) ([]teller.Payout, error)
	// OpenWithdrawals lists the withdrawals that nobody has settled or used up.
	OpenWithdrawals(ctx context.Context) ([]teller.Withdrawal, error)

	WalletCursor(ctx context.Context) (teller.WalletCursor, error)
	Outputs(ctx context.Context) (all, spendable []teller.Output, err error)
	Payout(ctx context.Context, txid string) (teller.Payout, error)
	Withdrawals(ctx context.Context) ([]teller.Withdrawal, error)
	DepositsPaidBy(ctx context.Context, txid string) ([]teller.Deposit, error)
	Totals(ctx context.Context) (teller.Totals, error)
	Cursor(ctx context.Context, coin teller.Coin) (teller.Cursor, error)
	SavedHash(ctx context.Context, coin teller.Coin, height int64) (string, error)
	PendingOrders(ctx context.Context, after uint64, limit int) ([]teller.Order, error)
	Order(ctx context.Context, clientID string) (teller.Order, error)
	OrdersOf(ctx context.Context, depositID string) ([]teller.Order, error)
	Attempted(ctx context.Context, depositID string) (int, error)
	Deposit(ctx context.Context, id string) (teller.Deposit, error)
	Deposits(ctx context.Context, q teller.DepositQuery) ([]teller.Deposit, error)
	DepositsTo(ctx context.Context, coin teller.Coin, address string) ([]teller.Deposit, error)
	BoundAddresses(ctx context.Context, coin teller.Coin, f func(address string) error) error
}

// Auditor compares a ledger with the world. It holds no state and is safe for concurrent use.
type Auditor struct {
	Ledger   Ledger
	Node     teller.Node                  // nil = leave the Skycoin chain out
	Chains   map[teller.Coin]teller.Chain // those of other coins are left out
	Exchange teller.Exchange              // where SKY is bought; nil = none is configured
	Log      *slog.Logger                 // how a long audit goes on
	// RatelimitWait is how long the exchange is left alone when it was asked too often; 0 = half a minute.
	RatelimitWait time.Duration
}

// run is one audit under way.
type run struct {
	*Auditor
	report   teller.AuditReport
	findings teller.Findings
}

func (r *run) check(part, format string, args ...any) {
	told := fmt.Sprintf(format, args...)
	r.report.Checks = append(r.report.Checks, teller.AuditCheck{Part: part, Told: told})
	r.Log.Info("audit", "part", part, "told", told)
}

func (r *run) skip(part, format string, args ...any) {
	r.report.Checks = append(r.report.Checks, teller.AuditCheck{Part: part, Told: fmt.Sprintf(format, args...), Skipped: true})
}

// Run audits everything that it was given. from names, by coin, the first block to be read again in full and compared,
// which is the only way to find a deposit that was missed; coins that it does not name are compared by the hashes of
// their blocks only. Of the orders on the exchange, all are asked about of coins that from names, and the newest of the
// others. It may take minutes, and with an exchange that allows few calls hours. What keeps one part from being compared, as a node that is down, is told in the
// report and stops no other; an error is returned when the ledger can not be read or ctx ends.
func (a *Auditor) Run(ctx context.Context, from map[teller.Coin]int64) (teller.AuditReport, error) {
	r := &run{Auditor: a}
	r.report.Missed = make(map[teller.Coin]int64)
	if err := r.ledger(ctx); err != nil {
		return teller.AuditReport{}, err
	}
	type part struct {
		name  string
		check func(context.Context) error
	}
	parts := []part{{"wallet", r.wallet}, {"history", r.history}}
	if a.Node == nil {
		parts = nil
	}
	for _, coin := range teller.Coins {
		if chain := a.Chains[coin]; chain != nil {
			first, again := from[coin]
			parts = append(parts, part{string(coin), func(ctx context.Context) error { return r.chain(ctx, chain, first, again) }})
		}
	}
	switch {
	case a.Exchange != nil:
		parts = append(parts, part{"exchange", func(ctx context.Context) error { return r.exchange(ctx, from) }})
	case a.Node != nil: // else nobody in the world is asked
		parts = append(parts, part{"exchange", r.noExchange})
	}
	for _, p := range parts {
		if err := p.check(ctx); err != nil {
			if ctx.Err() != nil {
				return teller.AuditReport{}, err
			}
			r.skip(p.name, "not compared: %v", err)
		}
	}
	r.report.Findings = r.findings.List()
	return r.report, nil
}

// ledger checks the ledger by itself.
func (r *run) ledger(ctx context.Context) error {
	v, err := r.Ledger.Verify(ctx)
	if err != nil {
		return err
	}
	for _, f := range v.Findings {
		r.findings.Add(f)
	}
	r.check("ledger", "%d entries of the audit log, %d deposits, %d payouts, %d bindings; the log ends with %s",
		v.Entries, v.Deposits, v.Payouts, v.Bindings, cmp.Or(v.Head, "nothing"))
	sum, err := r.Ledger.Totals(ctx)
	if err != nil {
		return err
	}
	r.check("books", "opened with %s SKY, %s came in, %s were paid, %s withdrawn", sum.Opening, sum.TopUps, sum.Paid, sum.Withdrawn)
	if spent := purchases(sum); spent != "" {
		r.check("purchases", "%s SKY were bought on exchanges for %s; %s of them are kept", sum.Bought, spent, sum.Kept)
	}
	return r.withdrawals(ctx)
}

// purchases says what was spent on exchanges, "" = nothing.
func purchases(sum teller.Totals) string {
	var spent []string
	for _, coin := range teller.Coins {
		if s := sum.Spent[coin]; !s.IsZero() {
			spent = append(spent, s.Format(coin)+" "+string(coin))
		}
	}
	return strings.Join(spent, ", ")
}

// withdrawals tells of transactions out of the wallet that wait for an operator's word.
func (r *run) withdrawals(ctx context.Context) error {
	open, err := r.Ledger.OpenWithdrawals(ctx)
	if err != nil {
		return err
	}
	held, err := r.held(ctx)
	if err != nil {
		return err
	}
	for _, w := range open {
		r.findings.Add(openWithdrawal(w, held))
	}
	r.check("holds", "%d deposits wait for a decision, %d withdrawals for an explanation", len(held), len(open))
	return nil
}

// held are all deposits that are held.
func (r *run) held(ctx context.Context) ([]teller.Deposit, error) {
	var all []teller.Deposit
	var after uint64
	for {
		page, err := r.Ledger.Deposits(ctx, teller.DepositQuery{Held: true, After: after})
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(all, page...)
		after = page[len(page)-1].Seq
	}
}

// Gate is the quick part, to be passed before the first payout: the ledger's own books, pending payouts and orders are in
// order, the wallet's outputs are those that the Skycoin node has, and no deposit chain is being reorganised just now. It
// asks the Skycoin node for all outputs once, each deposit chain for one hash, the exchange nothing.
//
// CodeCorrupt, with what an operator should do, when ledger and node do not agree. CodeUnavailable when it can not be told
// now: a node is down, a block came meanwhile, a scan has not followed its chain yet. A deposit chain whose node is down,
// behind or on another network keeps nothing from being paid; its own scanner deals with that.
func (a *Auditor) Gate(ctx context.Context) error {
	found, err := a.Ledger.VerifyWallet(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		view, err := a.compareOutputs(ctx)
		if err != nil {
			return err
		}
		found = view.findings.List()
	}
	if len(found) > 0 {
		return teller.Errorf(teller.CodeCorrupt, "nothing is paid until this is cleared up: %s (%d differences in all; run `teller audit`, which says what to do)",
			found[0].Found, len(found))
	}
	for _, coin := range teller.Coins {
		if chain := a.Chains[coin]; chain != nil {
			if err := a.followed(ctx, chain); err != nil {
				return err
			}
		}
	}
	return nil
}
