package scan

import (
	"context"
	"fmt"

	"github.com/skycoin/teller"
)

const (
	// balanceBatch is how many balances are asked for in one step.
	balanceBatch = 500
	// maxMisses is how often in a row the chain may move on while balances are read, before somebody is told.
	maxMisses = 10
)

// BalanceStore is what the Balances worker needs of the ledger.
type BalanceStore interface {
	teller.BalanceStore
	Cursor(ctx context.Context, coin teller.Coin) (teller.Cursor, error)
	BoundAfter(ctx context.Context, coin teller.Coin, after string, limit int) ([]string, error)
}

// Balances is the worker that holds what bound addresses have against what is known to have been paid to them, a batch
// of them in each step, round and round. It finds what no transfer shows: on a node that does not trace, value that a
// contract moved. What it finds is held for the operator, and never paid by itself.
type Balances struct {
	scanner *Scanner
	chain   teller.BalanceReader
	store   BalanceStore
	after   string          // the last address of the last batch
	batch   int             // smaller while reading it takes longer than a block
	misses  int             // in a row
	began   teller.BlockRef // where the scan was when the round began
	done    teller.BlockRef // as began of the last whole round: nothing is new until the scan moves on
}

// NewBalances makes the worker beside a Scanner, whose chain tells balances.
func NewBalances(s *Scanner, chain teller.BalanceReader, store BalanceStore) *Balances {
	return &Balances{scanner: s, chain: chain, store: store, batch: balanceBatch}
}

// Name implements the worker's name.
func (b *Balances) Name() string { return b.scanner.Name() + " balances" }

// Step compares one batch. It waits until the scan has caught up: nodes keep the state of the newest blocks only.
func (b *Balances) Step(ctx context.Context) (bool, error) {
	cursor, err := b.store.Cursor(ctx, b.scanner.coin)
	if teller.CodeOf(err) == teller.CodeNotFound || (err == nil && cursor.Height < cursor.Tip) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if b.after == "" {
		if cursor.BlockRef == b.done {
			return false, nil
		}
		b.began = cursor.BlockRef
	}
	addresses, err := b.store.BoundAfter(ctx, b.scanner.coin, b.after, b.batch)
	if err != nil {
		return false, err
	}
	if len(addresses) == 0 {
		b.after, b.done = "", b.began
		return false, nil
	}
	values, err := b.chain.Balances(ctx, cursor.BlockRef, addresses)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return b.missed(err) // the chain has turned; the scanner sees to it
	}
	if err != nil {
		return false, err
	}
	balances := make([]teller.Balance, len(addresses))
	for i, a := range addresses {
		balances[i] = teller.Balance{Address: a, Value: values[i]}
	}
	res, err := b.store.CompareBalances(ctx, b.scanner.coin, cursor.BlockRef, balances, b.scanner.Rate)
	if teller.CodeOf(err) == teller.CodeConflict {
		return b.missed(err) // a block came in between
	}
	if err != nil {
		return false, err
	}
	b.after = addresses[len(addresses)-1]
	b.misses, b.batch = 0, min(2*b.batch, balanceBatch)
	b.scanner.report.tell(res)
	return false, nil
}

// missed takes the same addresses again, fewer of them. That is everyday, unless it goes on.
func (b *Balances) missed(err error) (bool, error) {
	b.batch = max(b.batch/2, 1)
	if b.misses++; b.misses >= maxMisses {
		return false, fmt.Errorf("balances can not be compared, %d times in a row: %w", b.misses, err)
	}
	return false, nil
}
