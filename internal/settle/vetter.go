package settle

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/skycoin/teller"
)

// Vetter asks the Skycoin chain about deposits that were imported in the middle of their way. The original broadcast
// inside an uncommitted transaction and kept no bytes, so what its rows say may be behind what it did. What can not be
// known is held, not guessed.
type Vetter struct {
	Node        teller.Node
	Store       Ledger
	Log         *slog.Logger
	Addresses   []string // of the hot wallet
	MaxDecimals int
	Done        func() // wakes the payer; may be nil

	after uint64 // rows up to here were looked at in this round
}

// Name implements the worker's name.
func (v *Vetter) Name() string { return "import" }

// Step looks at a page of imported deposits. Rows whose transaction is still pending stay and are asked about again.
func (v *Vetter) Step(ctx context.Context) (bool, error) {
	ds, err := v.Store.ImportsToCheck(ctx, v.after, page)
	if err != nil {
		return false, err
	}
	if len(ds) == 0 {
		v.after = 0
		return false, nil
	}
	if _, ready, err := ledgerHead(ctx, v.Node, v.Store, v.Addresses); err != nil || !ready {
		return false, err // a node that lacks blocks does not know what was paid
	}
	var failed []error
	for _, d := range ds {
		if d.Hold != nil {
			v.after = d.Seq // looked at again once it is released
			continue
		}
		verdict, known, err := v.judge(ctx, d)
		switch teller.CodeOf(err) {
		case teller.CodeInvalid: // its own address or txid makes no sense, and never will
			verdict.Hold, verdict.Detail, known, err = teller.HoldImportUnknown, "the node can not be asked about it: "+err.Error(), true, nil
		case teller.CodeMalformed: // the node's fault, or that of what stands before it: ask again in the next round
			v.after = d.Seq
			failed = append(failed, err)
			continue
		}
		if err != nil {
			return false, err
		}
		if known {
			if err := v.resolve(ctx, verdict); err != nil {
				return false, err
			}
		}
		v.after = d.Seq
	}
	return true, errors.Join(failed...)
}

func (v *Vetter) resolve(ctx context.Context, verdict teller.ImportVerdict) error {
	d, err := v.Store.ResolveImport(ctx, verdict)
	if err != nil {
		return err
	}
	if d.Hold != nil {
		tellHeld(v.Log, []teller.Deposit{d})
	} else {
		v.Log.Info("imported deposit checked", "deposit_id", d.ID, "coin", d.Coin, "status", d.Status)
	}
	if v.Done != nil {
		v.Done()
	}
	return nil
}

// judge returns what is known about one deposit, and whether anything is.
func (v *Vetter) judge(ctx context.Context, d teller.Deposit) (teller.ImportVerdict, bool, error) {
	verdict := teller.ImportVerdict{DepositID: d.ID, Version: d.Version}
	switch d.Status {
	case teller.StatusWaitingConfirm:
		return v.judgeSent(ctx, d, verdict)
	case teller.StatusWaitingSend:
		owed, err := d.Rate.Convert(d.Coin, d.Value, v.MaxDecimals)
		if err != nil || owed == 0 {
			verdict.Hold, verdict.Detail = teller.HoldUnpayable, "no SKY can be computed for it from its rate and value"
			return verdict, true, nil
		}
		verdict.Owed = owed
	}
	detail, err := v.paidAlready(ctx, d, verdict.Owed)
	if err != nil {
		return verdict, false, err
	}
	if detail != "" {
		verdict.Hold, verdict.Detail = teller.HoldImportPaid, detail
	}
	return verdict, true, nil
}

func (v *Vetter) judgeSent(ctx context.Context, d teller.Deposit, verdict teller.ImportVerdict) (teller.ImportVerdict, bool, error) {
	tx, state, err := v.Node.Transaction(ctx, d.PayoutTxID)
	if teller.CodeOf(err) == teller.CodeNotFound {
		verdict.Hold = teller.HoldImportUnknown
		verdict.Detail = "the original noted that transaction " + d.PayoutTxID + " pays it, but the node does not know it and its bytes were not kept: look the address up on the chain, then close the deposit"
		return verdict, true, nil
	}
	if err != nil || state == teller.TxPending {
		return verdict, false, err
	}
	pays := slices.ContainsFunc(tx.Outputs, func(o teller.SkyOutput) bool { return o.Address == d.SkyAddress && o.Coins >= d.Sent })
	if !pays {
		verdict.Hold = teller.HoldImportUnknown
		verdict.Detail = "transaction " + d.PayoutTxID + " is confirmed but does not pay this deposit"
		return verdict, true, nil
	}
	verdict.Confirmed = true
	return verdict, true, nil
}

// paidAlready looks for an output of the wallet's making to the deposit's SKY address that no other deposit claims. For a
// deposit whose amount is not fixed yet (owed 0) any amount counts.
func (v *Vetter) paidAlready(ctx context.Context, d teller.Deposit, owed teller.Droplets) (string, error) {
	history, err := v.Node.History(ctx, d.SkyAddress)
	if err != nil {
		return "", err
	}
	for _, tx := range history {
		ours := slices.ContainsFunc(tx.From, func(a string) bool { return slices.Contains(v.Addresses, a) })
		if !ours {
			continue
		}
		if _, err := v.Store.Payout(ctx, tx.ID); teller.CodeOf(err) != teller.CodeNotFound {
			if err != nil {
				return "", err
			}
			continue // made by this ledger, which knows whom it paid
		}
		claims, err := v.Store.DepositsPaidBy(ctx, tx.ID)
		if err != nil {
			return "", err
		}
		if unclaimed(tx, d.SkyAddress, owed, claims) {
			return "the hot wallet's transaction " + tx.ID + " pays its SKY address, and no other deposit claims that payment", nil
		}
	}
	return "", nil
}

func unclaimed(tx teller.HistoryTx, address string, owed teller.Droplets, claims []teller.Deposit) bool {
	free := 0
	for _, o := range tx.Outputs {
		if o.Address == address && (owed == 0 || o.Coins == owed) {
			free++
		}
	}
	for _, c := range claims {
		if c.SkyAddress == address && (owed == 0 || c.Sent == owed) {
			free--
		}
	}
	return free > 0
}
