package sim

import (
	"context"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/store/bolt"
)

// ledger is the engine's way to its store: every operation can be refused before it begins, and has a name, so that the
// disk beneath knows which one it makes durable. Operations that the engine does not call are the store's own.
type ledger struct {
	*bolt.Store
	w *world
}

func (l *ledger) call(op string, f func() error) error {
	l.w.mustLive()
	m := l.w.faults.draw(l.w, "ledger."+op)
	if m == Fail {
		return teller.Errorf(teller.CodeUnavailable, "the simulated ledger was not waited for")
	}
	l.w.spring("ledger."+op, false)
	before := l.w.op
	l.w.op = op
	l.w.inLedger++
	err := f()
	l.w.inLedger--
	l.w.op = before
	l.w.mustLive()
	l.w.spring("ledger."+op, true)
	if m == Delay { // others work between what was read and what follows from it
		l.w.drift()
	}
	return err
}

// value is call for an operation that returns something.
func value[T any](l *ledger, op string, f func() (T, error)) (v T, err error) {
	err = l.call(op, func() (err error) { v, err = f(); return err })
	return v, err
}

func (l *ledger) Bind(ctx context.Context, b teller.Binding, limit int) (teller.Binding, error) {
	return value(l, "Bind", func() (teller.Binding, error) { return l.Store.Bind(ctx, b, limit) })
}

func (l *ledger) IsUsed(ctx context.Context, coin teller.Coin, address string) (bool, error) {
	return value(l, "IsUsed", func() (bool, error) { return l.Store.IsUsed(ctx, coin, address) })
}

func (l *ledger) BoundAddresses(ctx context.Context, coin teller.Coin, f func(string) error) error {
	return l.call("BoundAddresses", func() error { return l.Store.BoundAddresses(ctx, coin, f) })
}

func (l *ledger) UsedAddresses(ctx context.Context, coin teller.Coin, f func(string) error) error {
	return l.call("UsedAddresses", func() error { return l.Store.UsedAddresses(ctx, coin, f) })
}

func (l *ledger) BoundAfter(ctx context.Context, coin teller.Coin, after string, limit int) ([]string, error) {
	return value(l, "BoundAfter", func() ([]string, error) { return l.Store.BoundAfter(ctx, coin, after, limit) })
}

func (l *ledger) PinChain(ctx context.Context, coin teller.Coin, genesis string) error {
	return l.call("PinChain", func() error { return l.Store.PinChain(ctx, coin, genesis) })
}

func (l *ledger) Cursor(ctx context.Context, coin teller.Coin) (teller.Cursor, error) {
	return value(l, "Cursor", func() (teller.Cursor, error) { return l.Store.Cursor(ctx, coin) })
}

func (l *ledger) SavedHash(ctx context.Context, coin teller.Coin, height int64) (string, error) {
	return value(l, "SavedHash", func() (string, error) { return l.Store.SavedHash(ctx, coin, height) })
}

func (l *ledger) SaveBlocks(ctx context.Context, coin teller.Coin, bs []teller.Block, terms teller.ScanTerms) (teller.ScanResult, error) {
	return value(l, "SaveBlocks", func() (teller.ScanResult, error) { return l.Store.SaveBlocks(ctx, coin, bs, terms) })
}

func (l *ledger) CreditDeep(ctx context.Context, coin teller.Coin, terms teller.ScanTerms) (teller.ScanResult, error) {
	return value(l, "CreditDeep", func() (teller.ScanResult, error) { return l.Store.CreditDeep(ctx, coin, terms) })
}

func (l *ledger) NoteTip(ctx context.Context, coin teller.Coin, tip int64) error {
	return l.call("NoteTip", func() error { return l.Store.NoteTip(ctx, coin, tip) })
}

func (l *ledger) Rewind(ctx context.Context, coin teller.Coin, to teller.BlockRef) (teller.ScanResult, error) {
	return value(l, "Rewind", func() (teller.ScanResult, error) { return l.Store.Rewind(ctx, coin, to) })
}

func (l *ledger) StartRescan(ctx context.Context, coin teller.Coin, from int64, act teller.Act) (teller.Rescan, error) {
	return value(l, "StartRescan", func() (teller.Rescan, error) { return l.Store.StartRescan(ctx, coin, from, act) })
}

func (l *ledger) Rescan(ctx context.Context, coin teller.Coin) (teller.Rescan, error) {
	return value(l, "Rescan", func() (teller.Rescan, error) { return l.Store.Rescan(ctx, coin) })
}

func (l *ledger) SaveRescanned(ctx context.Context, coin teller.Coin, b teller.Block, terms teller.ScanTerms) (teller.ScanResult, error) {
	return value(l, "SaveRescanned", func() (teller.ScanResult, error) { return l.Store.SaveRescanned(ctx, coin, b, terms) })
}

func (l *ledger) CompareBalances(ctx context.Context, coin teller.Coin, at teller.BlockRef, bs []teller.Balance, rate teller.Rate) (teller.ScanResult, error) {
	return value(l, "CompareBalances", func() (teller.ScanResult, error) { return l.Store.CompareBalances(ctx, coin, at, bs, rate) })
}

func (l *ledger) Totals(ctx context.Context) (teller.Totals, error) {
	return value(l, "Totals", func() (teller.Totals, error) { return l.Store.Totals(ctx) })
}

func (l *ledger) VerifyWallet(ctx context.Context) ([]teller.Finding, error) {
	return value(l, "VerifyWallet", func() ([]teller.Finding, error) { return l.Store.VerifyWallet(ctx) })
}

func (l *ledger) Due(ctx context.Context, status teller.Status, after uint64, limit int) ([]teller.Deposit, error) {
	return value(l, "Due", func() ([]teller.Deposit, error) { return l.Store.Due(ctx, status, after, limit) })
}

func (l *ledger) Decide(ctx context.Context, ds []teller.Decision) (int, error) {
	return value(l, "Decide", func() (int, error) { return l.Store.Decide(ctx, ds) })
}

func (l *ledger) PinSkycoin(ctx context.Context, genesis string) error {
	return l.call("PinSkycoin", func() error { return l.Store.PinSkycoin(ctx, genesis) })
}

func (l *ledger) WalletCursor(ctx context.Context) (teller.WalletCursor, error) {
	return value(l, "WalletCursor", func() (teller.WalletCursor, error) { return l.Store.WalletCursor(ctx) })
}

func (l *ledger) OpenWallet(
	ctx context.Context, head teller.SkyHead, addresses []string, outputs []teller.Output, past []teller.SkyTx,
) (teller.WalletResult, error) {
	return value(l, "OpenWallet", func() (teller.WalletResult, error) {
		return l.Store.OpenWallet(ctx, head, addresses, outputs, past)
	})
}

func (l *ledger) SaveSkyBlocks(ctx context.Context, bs []teller.SkyBlock) (teller.WalletResult, error) {
	return value(l, "SaveSkyBlocks", func() (teller.WalletResult, error) { return l.Store.SaveSkyBlocks(ctx, bs) })
}

func (l *ledger) NotePending(ctx context.Context, txs []teller.SkyTx) (teller.WalletResult, error) {
	return value(l, "NotePending", func() (teller.WalletResult, error) { return l.Store.NotePending(ctx, txs) })
}

func (l *ledger) Outputs(ctx context.Context) (all, spendable []teller.Output, err error) {
	err = l.call("Outputs", func() error { all, spendable, err = l.Store.Outputs(ctx); return err })
	return all, spendable, err
}

func (l *ledger) CreatePayout(ctx context.Context, p teller.Payout) error {
	return l.call("CreatePayout", func() error { return l.Store.CreatePayout(ctx, p) })
}

func (l *ledger) PendingPayouts(ctx context.Context) ([]teller.Payout, error) {
	return value(l, "PendingPayouts", func() ([]teller.Payout, error) { return l.Store.PendingPayouts(ctx) })
}

func (l *ledger) ImportsToCheck(ctx context.Context, after uint64, limit int) ([]teller.Deposit, error) {
	return value(l, "ImportsToCheck", func() ([]teller.Deposit, error) { return l.Store.ImportsToCheck(ctx, after, limit) })
}

func (l *ledger) Hold(ctx context.Context, id string, version uint64, reason teller.HoldReason, detail string) (teller.Deposit, error) {
	return value(l, "Hold", func() (teller.Deposit, error) { return l.Store.Hold(ctx, id, version, reason, detail) })
}

func (l *ledger) Release(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return value(l, "Release", func() (teller.Deposit, error) { return l.Store.Release(ctx, id, act) })
}

func (l *ledger) CloseDeposit(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return value(l, "CloseDeposit", func() (teller.Deposit, error) { return l.Store.CloseDeposit(ctx, id, act) })
}

func (l *ledger) Deposit(ctx context.Context, id string) (teller.Deposit, error) {
	return value(l, "Deposit", func() (teller.Deposit, error) { return l.Store.Deposit(ctx, id) })
}

func (l *ledger) MarkPaid(ctx context.Context, id, txid string, coins teller.Droplets, decimals int, act teller.Act) (teller.Deposit, error) {
	return value(l, "MarkPaid", func() (teller.Deposit, error) { return l.Store.MarkPaid(ctx, id, txid, coins, decimals, act) })
}

func (l *ledger) PendingOrders(ctx context.Context, after uint64, limit int) ([]teller.Order, error) {
	return value(l, "PendingOrders", func() ([]teller.Order, error) { return l.Store.PendingOrders(ctx, after, limit) })
}

func (l *ledger) Order(ctx context.Context, clientID string) (teller.Order, error) {
	return value(l, "Order", func() (teller.Order, error) { return l.Store.Order(ctx, clientID) })
}

func (l *ledger) PrepareOrder(ctx context.Context, d teller.OrderDraft) (teller.Order, error) {
	return value(l, "PrepareOrder", func() (teller.Order, error) { return l.Store.PrepareOrder(ctx, d) })
}

func (l *ledger) BeginOrder(ctx context.Context, clientID string, version uint64) (teller.Order, error) {
	return value(l, "BeginOrder", func() (teller.Order, error) { return l.Store.BeginOrder(ctx, clientID, version) })
}

func (l *ledger) NoteOrder(ctx context.Context, clientID string, version uint64, r teller.OrderReport) (teller.Order, error) {
	return value(l, "NoteOrder", func() (teller.Order, error) { return l.Store.NoteOrder(ctx, clientID, version, r) })
}

func (l *ledger) DoubtOrder(ctx context.Context, clientID string, version uint64, detail string) (teller.Order, error) {
	return value(l, "DoubtOrder", func() (teller.Order, error) { return l.Store.DoubtOrder(ctx, clientID, version, detail) })
}

func (l *ledger) FailOrder(ctx context.Context, id string, version uint64, detail string) (teller.Deposit, error) {
	return value(l, "FailOrder", func() (teller.Deposit, error) { return l.Store.FailOrder(ctx, id, version, detail) })
}

func (l *ledger) SendBought(ctx context.Context, id string, version uint64, owed teller.Droplets) error {
	return l.call("SendBought", func() error { return l.Store.SendBought(ctx, id, version, owed) })
}

func (l *ledger) EndOrder(ctx context.Context, clientID string, act teller.Act) (teller.Order, error) {
	return value(l, "EndOrder", func() (teller.Order, error) { return l.Store.EndOrder(ctx, clientID, act) })
}

func (l *ledger) PayInstead(ctx context.Context, id string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	return value(l, "PayInstead", func() (teller.Deposit, error) { return l.Store.PayInstead(ctx, id, owed, act) })
}

func (l *ledger) Refund(ctx context.Context, id, txid string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	return value(l, "Refund", func() (teller.Deposit, error) { return l.Store.Refund(ctx, id, txid, owed, act) })
}

func (l *ledger) SettleWithdrawal(ctx context.Context, txid string, act teller.Act) error {
	return l.call("SettleWithdrawal", func() error { return l.Store.SettleWithdrawal(ctx, txid, act) })
}
