package settle

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/skycoin/teller"
)

// blocksAStep is how many Skycoin blocks are read and stored together. A full one is 32 kB.
const blocksAStep = 100

// Follower reads the Skycoin chain into the ledger.
type Follower struct {
	Node      teller.Node
	Store     Ledger
	Log       *slog.Logger
	Addresses []string // of the hot wallet
	Genesis   string   // what the chain's block 0 must be, "" = any
	Changed   func()   // wakes the payer; may be nil

	pinned bool
	shown  bool // the balance was read once
	mu     sync.Mutex
	bal    Balance
}

// Balance is what the hot wallet holds as of the last followed block, payouts on their way included.
type Balance struct {
	Coins teller.Droplets
	Hours uint64
}

// Name implements the worker's name.
func (f *Follower) Name() string { return "skycoin" }

// Balance returns the balance that was last seen. It calls nobody.
func (f *Follower) Balance() Balance {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bal
}

// Step follows the chain by some blocks. The first ever takes the wallet's outputs as its opening balance.
func (f *Follower) Step(ctx context.Context) (bool, error) {
	if err := f.checkNetwork(ctx); err != nil {
		return false, err
	}
	cursor, err := f.Store.WalletCursor(ctx)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return f.openFirst(ctx)
	}
	if err != nil {
		return false, err
	}
	if !f.shown {
		if err := f.readBalance(ctx); err != nil {
			return false, err
		}
	}
	head, err := f.Node.Head(ctx)
	switch {
	case err != nil:
		return false, err
	case head.Height < cursor.Height:
		return false, nodeBehind(head, cursor)
	case head.Height == cursor.Height && head.Hash != cursor.Hash:
		return false, foreignChain(cursor)
	case head.Height == cursor.Height:
		return f.adopt(ctx, cursor)
	}
	return f.follow(ctx, cursor, head)
}

func (f *Follower) checkNetwork(ctx context.Context) error {
	if f.pinned {
		return nil
	}
	genesis, err := f.Node.Genesis(ctx)
	if err != nil {
		return err
	}
	if f.Genesis != "" && genesis != f.Genesis {
		return teller.Errorf(teller.CodeWrongNetwork, "the skycoin node is on another chain: its block 0 is %s, sky_rpc.genesis says %s", genesis, f.Genesis)
	}
	if err := f.Store.PinSkycoin(ctx, genesis); err != nil {
		return err
	}
	f.pinned = true
	return nil
}

func foreignChain(cursor teller.WalletCursor) error {
	return teller.Errorf(teller.CodeWrongNetwork, "the skycoin node's chain does not contain block %d %s, which the ledger has seen: nothing is paid until this is cleared up", cursor.Height, cursor.Hash)
}

// openFirst opens the wallet for a new ledger. One that knows of payouts already, from the journal of a ledger that was
// lost, must be told what has become of them: their blocks are below the one at which it begins.
func (f *Follower) openFirst(ctx context.Context) (bool, error) {
	payouts, err := f.Store.PendingPayouts(ctx)
	if err != nil {
		return false, err
	}
	// Those of a wallet that is not in use any more are in none of its addresses' histories.
	var past []teller.SkyTx
	for _, p := range payouts {
		tx, state, err := f.Node.Transaction(ctx, p.TxID)
		switch {
		case teller.CodeOf(err) == teller.CodeNotFound:
		case err != nil:
			return false, err
		case state == teller.TxConfirmed:
			past = append(past, tx)
		}
	}
	return f.open(ctx, f.Addresses, past, len(payouts) > 0)
}

// spentFrom are the transactions in the blocks up to a height that spent from an address. One that is only pending decides
// nothing, and what comes in later blocks is followed there.
func (f *Follower) spentFrom(ctx context.Context, address string, height int64) ([]teller.SkyTx, error) {
	history, err := f.Node.History(ctx, address)
	var spent []teller.SkyTx
	for _, tx := range history {
		if tx.State == teller.TxConfirmed && tx.Height <= height && slices.Contains(tx.From, address) {
			spent = append(spent, tx.SkyTx)
		}
	}
	return spent, err
}

// open takes addresses into the ledger, with their past when that may matter. The outputs are asked for first: the history
// then reaches up to their block at least.
func (f *Follower) open(ctx context.Context, addresses []string, past []teller.SkyTx, withPast bool) (bool, error) {
	if err := f.Node.Synced(ctx); err != nil {
		return false, err
	}
	head, outputs, err := f.Node.Outputs(ctx, addresses)
	if err != nil {
		return false, err
	}
	for _, a := range addresses {
		if !withPast {
			break
		}
		spent, err := f.spentFrom(ctx, a, head.Height)
		if err != nil {
			return false, err
		}
		past = append(past, spent...)
	}
	res, err := f.Store.OpenWallet(ctx, head, addresses, outputs, past)
	if err != nil {
		return false, err
	}
	f.Log.Info("hot wallet opened", "height", head.Height, "addresses", len(addresses), "coins", sum(outputs).String())
	f.tell(res)
	return true, f.changed(ctx)
}

// adopt takes in addresses that the wallet file has gained since the ledger was opened. A ledger that comes from an old
// backup may have paid out of them already, so their past is looked up first.
func (f *Follower) adopt(ctx context.Context, cursor teller.WalletCursor) (bool, error) {
	var unknown []string
	for _, a := range f.Addresses {
		if !slices.Contains(cursor.Addresses, a) {
			unknown = append(unknown, a)
		}
	}
	if len(unknown) == 0 {
		return false, nil
	}
	return f.open(ctx, unknown, nil, true)
}

func (f *Follower) follow(ctx context.Context, cursor teller.WalletCursor, head teller.SkyHead) (bool, error) {
	blocks, err := f.Node.Blocks(ctx, cursor.Height+1, min(cursor.Height+blocksAStep, head.Height))
	if err != nil || len(blocks) == 0 {
		return false, err
	}
	if blocks[0].Parent != cursor.Hash {
		return false, foreignChain(cursor)
	}
	res, err := f.Store.SaveSkyBlocks(ctx, blocks)
	if err != nil {
		return false, err
	}
	f.tell(res)
	return true, f.changed(ctx)
}

func (f *Follower) changed(ctx context.Context) error {
	if f.Changed != nil {
		f.Changed()
	}
	return f.readBalance(ctx)
}

func (f *Follower) readBalance(ctx context.Context) error {
	all, _, err := f.Store.Outputs(ctx)
	if err != nil {
		return err
	}
	cursor, err := f.Store.WalletCursor(ctx)
	if err != nil {
		return err
	}
	all = ownedBy(f.Addresses, all)
	b := Balance{Coins: sum(all)}
	for _, o := range all {
		if h, ok := o.HoursAt(cursor.Time); ok {
			b.Hours += h
		}
	}
	f.mu.Lock()
	f.bal, f.shown = b, true
	f.mu.Unlock()
	return nil
}

func (f *Follower) tell(res teller.WalletResult) {
	for _, txid := range res.Payouts {
		f.Log.Info("payout confirmed", "txid", txid)
	}
	for _, d := range res.Confirmed {
		f.Log.Info("deposit done", "deposit_id", d.ID, "coin", d.Coin, "txid", d.PayoutTxID, "sent", d.Sent.String())
	}
	for _, txid := range res.Dead {
		f.Log.Error("payout can never confirm, another transaction spent its inputs", "notice", "WATCH", "txid", txid)
	}
	for _, d := range res.Payable {
		f.Log.Warn("deposit is to be paid again, its payout can never confirm", "deposit_id", d.ID, "coin", d.Coin)
	}
	if res.TopUps > 0 {
		f.Log.Info("hot wallet topped up", "coins", res.TopUps.String())
	}
	tellWithdrawals(f.Log, res.Withdrawals)
	tellHeld(f.Log, res.Held)
}
