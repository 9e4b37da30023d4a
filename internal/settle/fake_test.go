package settle

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	now   = time.Unix(1_700_000_000, 0)
)

type fixedClock struct{}

func (fixedClock) Now() time.Time { return now }

// fakeWallet signs nothing: its "bytes" are the number of a transaction that it remembers.
type fakeWallet struct {
	perTx    int // recipients that fit into one transaction
	refuse   map[string]teller.Code
	noHours  int // builds with more recipients than this fail for hours; 0 = never
	built    map[string]teller.SkyTx
	requests []int // recipients of each attempt
}

func (w *fakeWallet) Addresses() []string { return []string{"wallet"} }

func (w *fakeWallet) FitRecipients(_, inputs, _ int) int { return w.perTx - inputs }

func (w *fakeWallet) Build(_ context.Context, req teller.PayoutRequest) (teller.SignedTx, error) {
	w.requests = append(w.requests, len(req.Pay))
	if len(req.Pay) > w.perTx-2 {
		return teller.SignedTx{}, teller.Errorf(teller.CodeTooLarge, "too large")
	}
	if w.noHours > 0 && len(req.Pay) > w.noHours {
		return teller.SignedTx{}, teller.Errorf(teller.CodeShortOfHours, "short of hours")
	}
	var tx teller.SkyTx
	in := req.Spendable[0]
	rest := in.Coins
	for _, r := range req.Pay {
		if code, ok := w.refuse[r.Address]; ok {
			return teller.SignedTx{}, teller.Errorf(code, "refused")
		}
		if r.Coins > rest {
			return teller.SignedTx{}, teller.Errorf(teller.CodeShortOfCoins, "short of coins")
		}
		rest -= r.Coins
		tx.Outputs = append(tx.Outputs, teller.SkyOutput{Address: r.Address, Coins: r.Coins})
	}
	hours, _ := in.HoursAt(req.HeadTime)
	fee := max(1, (hours+req.Rules.BurnFactor-1)/req.Rules.BurnFactor)
	tx.Outputs = append(tx.Outputs, teller.SkyOutput{Address: "wallet", Coins: rest, Hours: hours - fee})
	tx.Inputs = []string{in.ID}
	tx.ID = fmt.Sprintf("tx%d", len(w.built)+1)
	if w.built == nil {
		w.built = make(map[string]teller.SkyTx)
	}
	w.built[tx.ID] = tx
	return teller.SignedTx{SkyTx: tx, Raw: []byte(tx.ID), Fee: fee}, nil
}

func (w *fakeWallet) Decode(raw []byte) (teller.SkyTx, error) {
	tx, ok := w.built[string(raw)]
	if !ok {
		return tx, teller.Errorf(teller.CodeInvalid, "unknown bytes")
	}
	return tx, nil
}

// fakeLedger holds deposits in a slice; what a test does not need is not there and would panic.
type fakeLedger struct {
	Ledger
	deposits []teller.Deposit
	outputs  []teller.Output
	cursor   teller.WalletCursor
	payouts  []teller.Payout
	noted    []teller.SkyTx
	verdicts []teller.ImportVerdict
}

func (l *fakeLedger) Due(_ context.Context, status teller.Status, after uint64, limit int) ([]teller.Deposit, error) {
	var due []teller.Deposit
	for _, d := range l.deposits {
		if d.Status == status && d.Seq > after && d.Due() && len(due) < limit {
			due = append(due, d)
		}
	}
	return due, nil
}

func (l *fakeLedger) Hold(_ context.Context, id string, _ uint64, reason teller.HoldReason, detail string) (teller.Deposit, error) {
	for i := range l.deposits {
		if l.deposits[i].ID == id {
			return l.deposits[i], l.deposits[i].PutHold(reason, detail, now)
		}
	}
	return teller.Deposit{}, teller.Errorf(teller.CodeNotFound, "no deposit %s", id)
}

func (l *fakeLedger) Decide(_ context.Context, ds []teller.Decision) (int, error) {
	for _, dec := range ds {
		for i := range l.deposits {
			if l.deposits[i].ID == dec.DepositID {
				if err := l.deposits[i].Decide(dec.Owed, now); err != nil {
					return 0, err
				}
			}
		}
	}
	return len(ds), nil
}

func (l *fakeLedger) WalletCursor(context.Context) (teller.WalletCursor, error) { return l.cursor, nil }

func (l *fakeLedger) NotePending(_ context.Context, txs []teller.SkyTx) (teller.WalletResult, error) {
	l.noted = append(l.noted, txs...)
	return teller.WalletResult{}, nil
}

func (l *fakeLedger) Outputs(context.Context) (all, spendable []teller.Output, err error) {
	return l.outputs, l.outputs, nil
}

func (l *fakeLedger) CreatePayout(_ context.Context, p teller.Payout) error {
	l.payouts = append(l.payouts, p)
	for _, s := range p.Shares {
		for i := range l.deposits {
			if l.deposits[i].ID == s.DepositID {
				if err := l.deposits[i].Pay(p.TxID, s.Coins, now); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (l *fakeLedger) PendingPayouts(context.Context) ([]teller.Payout, error) { return l.payouts, nil }

func (l *fakeLedger) Payout(_ context.Context, txid string) (teller.Payout, error) {
	for _, p := range l.payouts {
		if p.TxID == txid {
			return p, nil
		}
	}
	return teller.Payout{}, teller.Errorf(teller.CodeNotFound, "no payout %s", txid)
}

func (l *fakeLedger) DepositsPaidBy(_ context.Context, txid string) ([]teller.Deposit, error) {
	var ds []teller.Deposit
	for _, d := range l.deposits {
		if d.PayoutTxID == txid {
			ds = append(ds, d)
		}
	}
	return ds, nil
}

func (l *fakeLedger) ImportsToCheck(_ context.Context, after uint64, limit int) ([]teller.Deposit, error) {
	var ds []teller.Deposit
	for _, d := range l.deposits {
		if d.Import == teller.ImportPending && d.Seq > after && len(ds) < limit {
			ds = append(ds, d)
		}
	}
	return ds, nil
}

func (l *fakeLedger) ResolveImport(_ context.Context, v teller.ImportVerdict) (teller.Deposit, error) {
	l.verdicts = append(l.verdicts, v)
	for i := range l.deposits {
		if l.deposits[i].ID == v.DepositID {
			l.deposits[i].Import = teller.ImportChecked
			if v.Hold != "" {
				return l.deposits[i], l.deposits[i].PutHold(v.Hold, v.Detail, now)
			}
			return l.deposits[i], nil
		}
	}
	return teller.Deposit{}, teller.Errorf(teller.CodeNotFound, "no deposit")
}

// fakeNode answers what it is given.
type fakeNode struct {
	teller.Node
	head     teller.SkyHead
	pending  []teller.SkyTx
	txs      map[string]teller.TxState
	history  []teller.HistoryTx
	injected [][]byte
	fail     error
	behind   error // what Synced says
}

func (n *fakeNode) Head(context.Context) (teller.SkyHead, error) { return n.head, n.fail }

func (n *fakeNode) Synced(context.Context) error { return n.behind }

func (n *fakeNode) Rules(context.Context) (teller.TxRules, error) {
	return teller.TxRules{BurnFactor: 10, MaxSize: 32768, MaxDecimals: 3}, n.fail
}

func (n *fakeNode) Pending(context.Context) ([]teller.SkyTx, error) { return n.pending, n.fail }

func (n *fakeNode) Inject(_ context.Context, raw []byte) error {
	n.injected = append(n.injected, raw)
	return n.fail
}

func (n *fakeNode) Transaction(_ context.Context, txid string) (teller.SkyTx, teller.TxState, error) {
	state, ok := n.txs[txid]
	if !ok {
		return teller.SkyTx{}, "", teller.Errorf(teller.CodeNotFound, "unknown transaction")
	}
	return teller.SkyTx{ID: txid, Outputs: []teller.SkyOutput{{Address: "buyer1", Coins: 1000}}}, state, nil
}

func (n *fakeNode) History(context.Context, string) ([]teller.HistoryTx, error) {
	return n.history, n.fail
}

type anyAddress struct{}

func (anyAddress) Parse(s string) (string, error) {
	if strings.HasPrefix(s, "bad") {
		return "", teller.Errorf(teller.CodeInvalid, "%q is not an address", s)
	}
	return s, nil
}

func waitingSend(seq int, buyer string, owed teller.Droplets) teller.Deposit {
	return teller.Deposit{
		ID: fmt.Sprintf("d%d", seq), Seq: uint64(seq), Coin: teller.BTC, SkyAddress: buyer,
		Status: teller.StatusWaitingSend, Owed: owed, Rate: teller.MustRate("1"),
	}
}

// counter returns a payer over a wallet that holds one output of the given coins.
func payerWith(t *testing.T, coins teller.Droplets, ds ...teller.Deposit) (*Payer, *fakeLedger, *fakeNode, *fakeWallet) {
	t.Helper()
	head := teller.SkyHead{BlockRef: teller.BlockRef{Height: 7, Hash: "h7"}, Time: 1000}
	l := &fakeLedger{deposits: ds, cursor: teller.WalletCursor{SkyHead: head, Addresses: []string{"wallet"}}}
	if coins > 0 {
		l.outputs = []teller.Output{{SkyOutput: teller.SkyOutput{ID: "ux1", Address: "wallet", Coins: coins, Hours: 100}}}
	}
	n := &fakeNode{head: head}
	w := &fakeWallet{perTx: 100}
	return &Payer{Node: n, Store: l, Wallet: w, SKY: anyAddress{}, Log: quiet, Clock: fixedClock{}, MaxSize: 24000}, l, n, w
}
