// Package scan follows one deposit chain into the ledger: block by block from the stored cursor, so that a restart
// rescans nothing. It knows no coin: what a block pays to whom is the chain adapter's knowledge, whose those addresses
// are is the store's.
//
// Each block's parent must be the cursor's block. When it is not, the node has reorganised its chain: the scanner walks
// back to the last block that both have, rewinds the store to it and goes on from there. The store orphans the deposits
// of the blocks that fell away; they are recorded again where they are mined again. A node that is merely behind what
// the ledger has seen changes nothing: the scanner waits for it.
package scan

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/skycoin/teller"
)

const (
	// inFlight is how many blocks are fetched at once. The node is the limit, and more than four gain nothing.
	inFlight = 4
	// margin is how many blocks below the first height are stored for their hashes, so that a reorg right after the
	// first start finds the common ancestor.
	margin = 20
)

// Store is what the scanner needs of the ledger.
type Store interface {
	teller.ScanStore
	BoundAddresses(ctx context.Context, coin teller.Coin, f func(address string) error) error
	Totals(ctx context.Context) (teller.Totals, error)
}

// Options are the parts and terms of a Scanner.
type Options struct {
	Chain         teller.Chain
	Store         Store
	Log           *slog.Logger
	InitialHeight int64       // the first block whose deposits count, when the store has no cursor yet
	Confirmations int64       // blocks on top of a deposit's own before it is credited
	Rate          teller.Rate // for deposits recorded from now on
	Genesis       string      // what the chain's block 0 must be, "" = any
	Credited      func()      // wakes whoever decides on credited deposits; may be nil
}

// Scanner is the worker that follows one chain. Step must not be called concurrently; Watch may be, at any time.
type Scanner struct {
	Options
	coin    teller.Coin
	watched *WatchSet
	quiet   int64 // below this height nothing is looked for: what lies before the very first block to scan
	pinned  bool  // the node's network was checked
	frozen  bool  // as of the last step, so that it is logged once
}

// New makes a Scanner that watches every address bound so far.
func New(ctx context.Context, o Options) (*Scanner, error) {
	totals, err := o.Store.Totals(ctx)
	if err != nil {
		return nil, err
	}
	s := &Scanner{Options: o, coin: o.Chain.Coin()}
	s.watched = NewWatchSet(totals.Bound[s.coin])
	s.Log = o.Log.With("coin", s.coin)
	if err := o.Store.BoundAddresses(ctx, s.coin, s.Watch); err != nil {
		return nil, fmt.Errorf("load the bound %s addresses: %w", s.coin, err)
	}
	return s, nil
}

// Name implements the worker's name, for logs and health.
func (s *Scanner) Name() string { return s.coin.Lower() }

// Watch makes the scanner look for payments to address from its next block on.
func (s *Scanner) Watch(address string) error {
	key, err := s.Chain.WatchKey(address)
	if err != nil {
		return fmt.Errorf("watch bound %s address %s: %w", s.coin, address, err)
	}
	s.watched.Add(key)
	return nil
}

// Watching is the number of addresses looked for.
func (s *Scanner) Watching() int { return s.watched.Len() }

// Step brings the store a few blocks closer to the node's tip. It reports whether it changed anything: if so, there may
// be more to do at once.
func (s *Scanner) Step(ctx context.Context) (bool, error) {
	if err := s.checkNetwork(ctx); err != nil {
		return false, err
	}
	tip, err := s.Chain.Tip(ctx)
	if err != nil {
		return false, err
	}
	cursor, err := s.Store.Cursor(ctx, s.coin)
	if teller.CodeOf(err) == teller.CodeNotFound {
		s.quiet = s.InitialHeight
		return s.advance(ctx, max(0, s.InitialHeight-margin), tip, nil)
	}
	if err != nil {
		return false, err
	}
	switch {
	case tip.Height < cursor.Height:
		return s.shorter(ctx, cursor, tip)
	case tip.Height == cursor.Height && tip.Hash == cursor.Hash:
		return false, nil
	case tip.Height == cursor.Height:
		return s.reorganise(ctx, cursor, tip.Height)
	}
	return s.advance(ctx, cursor.Height+1, tip, &cursor)
}

func (s *Scanner) checkNetwork(ctx context.Context) error {
	if s.pinned {
		return nil
	}
	genesis, err := s.Chain.Genesis(ctx)
	if err != nil {
		return err
	}
	if s.Genesis != "" && genesis != s.Genesis {
		return teller.Errorf(teller.CodeWrongNetwork, "the %s node is on another network: its block 0 is %s, the configured network's is %s", s.coin, genesis, s.Genesis)
	}
	if err := s.Store.PinChain(ctx, s.coin, genesis); err != nil {
		return err
	}
	s.pinned = true
	return nil
}

// shorter handles a node whose chain ends below the cursor: behind, or on a shorter branch.
func (s *Scanner) shorter(ctx context.Context, cursor teller.Cursor, tip teller.BlockRef) (bool, error) {
	saved, err := s.Store.SavedHash(ctx, s.coin, tip.Height)
	if err != nil && teller.CodeOf(err) != teller.CodeNotFound {
		return false, err
	}
	if err != nil || saved == tip.Hash {
		return false, teller.Errorf(teller.CodeNodeBehind, "the %s node is at height %d, behind the ledger's %d: waiting for it to catch up", s.coin, tip.Height, cursor.Height)
	}
	return s.reorganise(ctx, cursor, tip.Height)
}

// reorganise walks back from a height where store and node disagree to the last block that both have.
func (s *Scanner) reorganise(ctx context.Context, cursor teller.Cursor, from int64) (bool, error) {
	for h := from; h >= 0; h-- {
		saved, err := s.Store.SavedHash(ctx, s.coin, h)
		if teller.CodeOf(err) == teller.CodeNotFound {
			break
		}
		if err != nil {
			return false, err
		}
		onChain, err := s.Chain.BlockHash(ctx, h)
		if err != nil {
			return false, err
		}
		if onChain != saved {
			continue
		}
		res, err := s.Store.Rewind(ctx, s.coin, teller.BlockRef{Height: h, Hash: saved})
		if err != nil {
			return false, err
		}
		s.Log.Warn("chain reorganised, rewound to the common ancestor", "height", h, "depth", cursor.Height-h, "orphaned", len(res.Orphaned))
		s.tell(res)
		return true, nil
	}
	return false, teller.Errorf(teller.CodeWrongNetwork, "the %s node's chain shares none of the stored blocks: is it another network's node, or was its chain replaced? nothing of %s is credited until this is cleared up", s.coin, s.coin)
}

// advance fetches the next blocks together and stores them one after the other. cursor is nil at the very first.
func (s *Scanner) advance(ctx context.Context, from int64, tip teller.BlockRef, cursor *teller.Cursor) (bool, error) {
	n := min(inFlight, tip.Height-from+1)
	if n <= 0 {
		return false, nil // the chain has not reached the first height yet
	}
	blocks, fetchErr := s.fetch(ctx, from, int(n))
	for i, b := range blocks {
		if cursor != nil && b.Parent != cursor.Hash {
			if i > 0 {
				return true, nil // the chain changed while we fetched; the next step sees where
			}
			return s.reorganise(ctx, *cursor, cursor.Height)
		}
		terms := teller.ScanTerms{Confirmations: s.Confirmations, Rate: s.Rate, Tip: tip.Height}
		res, err := s.Store.SaveBlock(ctx, s.coin, b, terms)
		if err != nil {
			return i > 0, err
		}
		s.tell(res)
		cursor = &teller.Cursor{BlockRef: b.BlockRef, Tip: tip.Height}
	}
	if behind := tip.Height - (from + int64(len(blocks)) - 1); behind > 0 && from/1000 != (from+int64(len(blocks)))/1000 {
		s.Log.Info("catching up", "height", from, "behind", behind)
	}
	return len(blocks) > 0, fetchErr
}

// fetch reads n blocks at once. It returns those before the first failure, and the failure.
func (s *Scanner) fetch(ctx context.Context, from int64, n int) ([]teller.Block, error) {
	blocks, errs := make([]teller.Block, n), make([]error, n)
	var g errgroup.Group
	for i := range n {
		g.Go(func() error {
			height := from + int64(i)
			var watched teller.Watched = s.watched
			if height < s.quiet {
				watched = watchNothing{}
			}
			blocks[i], errs[i] = s.Chain.Block(ctx, height, watched)
			return nil
		})
	}
	_ = g.Wait()
	for i, err := range errs {
		if err == nil && blocks[i].Height != from+int64(i) {
			err = teller.Errorf(teller.CodeMalformed, "the %s node answered block %d when asked for %d", s.coin, blocks[i].Height, from+int64(i))
		}
		if err == nil {
			continue
		}
		if teller.CodeOf(err) == teller.CodeNotFound {
			err = nil // the chain got shorter meanwhile
		}
		return blocks[:i], err
	}
	return blocks, nil
}

// tell logs what a step changed: every transition once.
func (s *Scanner) tell(res teller.ScanResult) {
	for _, d := range res.Recorded {
		s.Log.Info("deposit seen", "deposit_id", d.ID, "height", d.Height, "value", d.Value, "sky_address", d.SkyAddress)
	}
	for _, d := range res.Credited {
		s.Log.Info("deposit credited", "deposit_id", d.ID, "height", d.Height, "value", d.Value, "sky_address", d.SkyAddress)
	}
	if len(res.Credited) > 0 && s.Credited != nil {
		s.Credited()
	}
	for _, d := range res.Orphaned {
		s.Log.Warn("deposit's block left the best chain", "deposit_id", d.ID, "height", d.Height)
	}
	for _, d := range res.Held {
		holds := d.Holds()
		last := holds[len(holds)-1]
		s.Log.Error("deposit held, an operator must decide", "notice", "WATCH", "deposit_id", d.ID, "reason", last.Reason, "detail", last.Detail)
	}
	if res.Frozen && !s.frozen {
		s.Log.Error("crediting is frozen: a credited deposit's block left the best chain", "notice", "WATCH")
	}
	if !res.Frozen && s.frozen {
		s.Log.Info("crediting goes on")
	}
	s.frozen = res.Frozen
}
