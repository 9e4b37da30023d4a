package audit

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/skycoin/teller"
)

var errDown = teller.Errorf(teller.CodeUnavailable, "the node is down")

func notFound(what string) error { return teller.Errorf(teller.CodeNotFound, "no %s", what) }

// fakeLedger is a ledger that says what the test wants.
type fakeLedger struct {
	own         []teller.Finding // of Verify and VerifyWallet
	pins        map[string]string
	since       map[string]int64
	payouts     []teller.Payout
	withdrawals []teller.Withdrawal // all of them open
	cursor      teller.WalletCursor
	outputs     []teller.Output
	cursors     map[teller.Coin]teller.Cursor
	saved       map[int64]string
	deposits    []teller.Deposit
	bound       []string
	orders      []teller.Order // in the order of their Seq
	told        int            // attempts that the journal knows
	totals      teller.Totals
	moving      int // how often the cursor still moves while it is looked at
}

func (l *fakeLedger) Verify(context.Context) (teller.Verification, error) {
	return teller.Verification{Entries: 3, Deposits: len(l.deposits), Findings: l.own}, nil
}
func (l *fakeLedger) VerifyWallet(context.Context) ([]teller.Finding, error) { return l.own, nil }
func (l *fakeLedger) Pins(context.Context) (map[string]string, error)        { return l.pins, nil }
func (l *fakeLedger) WalletSince(context.Context) (map[string]int64, error)  { return l.since, nil }
func (l *fakeLedger) Withdrawals(context.Context) ([]teller.Withdrawal, error) {
	return l.withdrawals, nil
}
func (l *fakeLedger) OpenWithdrawals(context.Context) ([]teller.Withdrawal, error) {
	return l.withdrawals, nil
}
func (l *fakeLedger) Totals(context.Context) (teller.Totals, error) {
	sum := l.totals
	sum.Deposits = map[teller.Status]int{teller.StatusDone: len(l.deposits)}
	return sum, nil
}

func (l *fakeLedger) PendingOrders(_ context.Context, after uint64, _ int) ([]teller.Order, error) {
	return slices.DeleteFunc(slices.Clone(l.orders), func(o teller.Order) bool { return o.Seq <= after || !o.Pending() }), nil
}

func (l *fakeLedger) Order(_ context.Context, clientID string) (teller.Order, error) {
	for _, o := range l.orders {
		if o.ClientID == clientID {
			return o, nil
		}
	}
	return teller.Order{}, notFound(clientID)
}

func (l *fakeLedger) Attempted(context.Context, string) (int, error) { return l.told, nil }

func (l *fakeLedger) OrdersOf(_ context.Context, depositID string) ([]teller.Order, error) {
	return slices.DeleteFunc(slices.Clone(l.orders), func(o teller.Order) bool { return o.DepositID != depositID }), nil
}

func (l *fakeLedger) Payouts(_ context.Context, after string, _ int) ([]teller.Payout, error) {
	if after != "" {
		return nil, nil
	}
	return l.payouts, nil
}

func (l *fakeLedger) Payout(_ context.Context, txid string) (teller.Payout, error) {
	for _, p := range l.payouts {
		if p.TxID == txid {
			return p, nil
		}
	}
	return teller.Payout{}, notFound(txid)
}

func (l *fakeLedger) WalletCursor(context.Context) (teller.WalletCursor, error) {
	if len(l.cursor.Addresses) == 0 {
		return l.cursor, notFound("wallet")
	}
	if l.moving > 0 {
		l.moving--
		l.cursor.Time++
	}
	return l.cursor, nil
}

func (l *fakeLedger) Outputs(context.Context) (all, spendable []teller.Output, err error) {
	return l.outputs, nil, nil
}

func (l *fakeLedger) Cursor(_ context.Context, coin teller.Coin) (teller.Cursor, error) {
	c, ok := l.cursors[coin]
	if !ok {
		return c, notFound("cursor")
	}
	return c, nil
}

func (l *fakeLedger) SavedHash(_ context.Context, _ teller.Coin, height int64) (string, error) {
	hash, ok := l.saved[height]
	if !ok {
		return "", notFound("hash")
	}
	return hash, nil
}

func (l *fakeLedger) Deposit(_ context.Context, id string) (teller.Deposit, error) {
	for _, d := range l.deposits {
		if d.ID == id {
			return d, nil
		}
	}
	return teller.Deposit{}, notFound(id)
}

func (l *fakeLedger) Deposits(_ context.Context, q teller.DepositQuery) ([]teller.Deposit, error) {
	return slices.DeleteFunc(slices.Clone(l.deposits), func(d teller.Deposit) bool {
		return d.Seq <= q.After || (q.Held && d.Hold == nil) || (q.Status != "" && d.Status != q.Status)
	}), nil
}

func (l *fakeLedger) DepositsTo(_ context.Context, coin teller.Coin, address string) ([]teller.Deposit, error) {
	return slices.DeleteFunc(slices.Clone(l.deposits), func(d teller.Deposit) bool { return d.Coin != coin || d.Address != address }), nil
}

func (l *fakeLedger) DepositsPaidBy(_ context.Context, txid string) ([]teller.Deposit, error) {
	return slices.DeleteFunc(slices.Clone(l.deposits), func(d teller.Deposit) bool { return d.PayoutTxID != txid }), nil
}

func (l *fakeLedger) BoundAddresses(_ context.Context, _ teller.Coin, f func(string) error) error {
	for _, a := range l.bound {
		if err := f(a); err != nil {
			return err
		}
	}
	return nil
}

// fakeNode is a Skycoin node.
type fakeNode struct {
	teller.Node
	err     error
	genesis string
	head    teller.SkyHead
	outputs []teller.Output
	blocks  []teller.SkyBlock
	history []teller.HistoryTx
}

func (n *fakeNode) Genesis(context.Context) (string, error) { return n.genesis, n.err }

func (n *fakeNode) Outputs(context.Context, []string) (teller.SkyHead, []teller.Output, error) {
	return n.head, n.outputs, n.err
}

func (n *fakeNode) Blocks(_ context.Context, from, to int64) ([]teller.SkyBlock, error) {
	return slices.DeleteFunc(slices.Clone(n.blocks), func(b teller.SkyBlock) bool { return b.Height < from || b.Height > to }), n.err
}

func (n *fakeNode) History(context.Context, string) ([]teller.HistoryTx, error) {
	return n.history, n.err
}

func (n *fakeNode) Transaction(_ context.Context, txid string) (teller.SkyTx, teller.TxState, error) {
	for _, tx := range n.history {
		if tx.ID == txid {
			return tx.SkyTx, tx.State, n.err
		}
	}
	return teller.SkyTx{}, "", notFound(txid)
}

// fakeChain is a chain of BTC whose blocks are called btc-HEIGHT, but for those that the test names otherwise.
type fakeChain struct {
	teller.Chain
	err       error
	genesis   string
	tip       int64
	other     map[int64]string
	transfers map[int64][]teller.Transfer
}

func (c *fakeChain) Coin() teller.Coin                       { return teller.BTC }
func (c *fakeChain) Genesis(context.Context) (string, error) { return c.genesis, c.err }
func (c *fakeChain) WatchKey(address string) ([]byte, error) { return []byte(address), nil }

func (c *fakeChain) BlockHash(_ context.Context, height int64) (string, error) {
	if height > c.tip {
		return "", notFound("block")
	}
	if hash, ok := c.other[height]; ok {
		return hash, c.err
	}
	return fmt.Sprint("btc-", height), c.err
}

func (c *fakeChain) Block(ctx context.Context, height int64, _ teller.Watched) (teller.Block, error) {
	hash, err := c.BlockHash(ctx, height)
	return teller.Block{BlockRef: teller.BlockRef{Height: height, Hash: hash}, Transfers: c.transfers[height]}, err
}

// world is a counter in order: a wallet with one output, which has paid alice out of another one.
type world struct {
	ledger *fakeLedger
	node   *fakeNode
	chain  *fakeChain
}

func newWorld() *world {
	output := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux-2", Address: "hot", Coins: 45_000_000}}
	head := teller.SkyHead{BlockRef: teller.BlockRef{Height: 20, Hash: "sky-20"}}
	paid := teller.SkyTx{ID: "payout-1", Inputs: []string{"ux-1"}, Outputs: []teller.SkyOutput{
		{ID: "ux-a", Address: "alice", Coins: 5_000_000}, output.SkyOutput}}
	return &world{
		ledger: &fakeLedger{
			pins: map[string]string{"payout": "sky-0", "BTC": "btc-0"}, since: map[string]int64{"hot": 10},
			cursor: teller.WalletCursor{SkyHead: head, Addresses: []string{"hot"}}, outputs: []teller.Output{output},
			payouts: []teller.Payout{{TxID: "payout-1", Status: teller.PayoutConfirmed, Height: 12, Shares: []teller.Share{{DepositID: "t1:0", Coins: 5_000_000}}}},
			cursors: map[teller.Coin]teller.Cursor{teller.BTC: {BlockRef: teller.BlockRef{Height: 100, Hash: "btc-100"}}},
			saved:   map[int64]string{96: "btc-96", 98: "btc-98", 99: "btc-99", 100: "btc-100"},
			deposits: []teller.Deposit{{ID: "t1:0", Seq: 1, Coin: teller.BTC, Address: "b1", SkyAddress: "alice", TxID: "t1", Value: teller.NewAmount(1_000_000),
				Height: 90, BlockHash: "btc-90", Status: teller.StatusDone, Owed: 5_000_000, Sent: 5_000_000, PayoutTxID: "payout-1"}},
			bound: []string{"b1", "b2"},
		},
		node: &fakeNode{genesis: "sky-0", head: head, outputs: []teller.Output{output}, history: []teller.HistoryTx{
			{SkyTx: teller.SkyTx{ID: "earlier"}, From: []string{"hot"}, State: teller.TxConfirmed, Height: 9},
			{SkyTx: teller.SkyTx{ID: "gift"}, From: []string{"stranger"}, State: teller.TxConfirmed, Height: 11},
			{SkyTx: paid, From: []string{"hot"}, State: teller.TxConfirmed, Height: 12},
		}},
		chain: &fakeChain{genesis: "btc-0", tip: 105, transfers: map[int64][]teller.Transfer{
			90: {{Address: "b1", TxID: "t1", Value: teller.NewAmount(1_000_000)}},
			95: {{Address: "nobody", TxID: "t9", Value: teller.NewAmount(1)}},
		}},
	}
}

func (w *world) auditor() *Auditor {
	return &Auditor{Ledger: w.ledger, Node: w.node, Chains: map[teller.Coin]teller.Chain{teller.BTC: w.chain}, Log: slog.New(slog.DiscardHandler)}
}

// foreign is a transaction out of the wallet that the ledger did not make.
func foreign(state teller.TxState, height int64) teller.HistoryTx {
	return teller.HistoryTx{From: []string{"hot"}, State: state, Height: height, SkyTx: teller.SkyTx{
		ID: "foreign", Inputs: []string{"ux-2"}, Outputs: []teller.SkyOutput{{ID: "ux-b", Address: "bob", Coins: 7_000_000}, {ID: "ux-3", Address: "hot", Coins: 38_000_000}}}}
}

// mine makes the node one block longer than the ledger.
func (w *world) mine(txs ...teller.SkyTx) {
	b := teller.SkyBlock{BlockRef: teller.BlockRef{Height: 21, Hash: "sky-21"}, Parent: "sky-20", Txs: txs}
	w.node.blocks = append(w.node.blocks, b)
	w.node.head.BlockRef = b.BlockRef
}
