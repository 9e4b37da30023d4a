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

	"github.com/skycoin/teller"
)

// margin is how many blocks below the first height are stored for their hashes, so that a reorg right after the first
// start finds the common ancestor.
const margin = 20

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
	Clock         teller.Clock
	InitialHeight int64       // the first block whose deposits count, when the store has no cursor yet
	Confirmations int64       // blocks on top of a deposit's own before it is credited
	Rate          teller.Rate // for deposits recorded from now on
	Genesis       string      // what the chain's block 0 must be, "" = any
	InFlight      int         // blocks asked for at once, 0 = as many as pay. With 1 every call is made on Step's own goroutine
	Credited      func()      // wakes whoever decides on credited deposits; may be nil
}

// Scanner is the worker that follows one chain. Step must not be called concurrently; Watch may be, at any time.
type Scanner struct {
	Options
	coin    teller.Coin
	watched *WatchSet
	meter   *meter
	report  reporter
	quiet   int64 // below this height nothing is looked for: what lies before the very first block to scan
	pinned  bool  // the node's network was checked
	frozen  bool  // as of the last step, so that it is logged once
}

// New makes a Scanner that watches every address bound so far; Watch adds those that may be bound later.
func New(ctx context.Context, o Options) (*Scanner, error) {
	totals, err := o.Store.Totals(ctx)
	if err != nil {
		return nil, err
	}
	if o.InFlight == 0 {
		o.InFlight = defaultInFlight
	}
	s := &Scanner{Options: o, coin: o.Chain.Coin()}
	s.watched = NewWatchSet(totals.Bound[s.coin])
	s.Log = o.Log.With("coin", s.coin)
	s.meter = newMeter(o.Clock, s.Log)
	s.report = reporter{s.Log, o.Credited}
	if err := o.Store.BoundAddresses(ctx, s.coin, s.Watch); err != nil {
		return nil, fmt.Errorf("load the bound %s addresses: %w", s.coin, err)
	}
	return s, nil
}

// Name implements the worker's name, for logs and health.
func (s *Scanner) Name() string { return s.coin.Lower() }

// Watch makes the scanner look for payments to address from its next block on. Again changes nothing.
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
	if !s.pinned {
		if err := s.checkNetwork(ctx); err != nil {
			return false, err
		}
		s.pinned = true
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
		return s.creditDeep(ctx, tip)
	case tip.Height == cursor.Height:
		return s.reorganise(ctx, cursor, tip.Height)
	}
	if tip.Height > cursor.Height+1 { // what is bound from now on is younger than all that is still to be read
		if err := s.Store.NoteTip(ctx, s.coin, tip.Height); err != nil {
			return false, err
		}
	}
	return s.advance(ctx, cursor.Height+1, tip, &cursor)
}

// creditDeep credits what became payable without a new block: an operator released it, say. On a quiet chain the next
// block may be far away.
func (s *Scanner) creditDeep(ctx context.Context, tip teller.BlockRef) (bool, error) {
	res, err := s.Store.CreditDeep(ctx, s.coin, s.terms(tip))
	if err != nil {
		return false, err
	}
	s.tell(res)
	return false, nil
}

// terms are those under which blocks are saved while the node is at tip.
func (s *Scanner) terms(tip teller.BlockRef) teller.ScanTerms {
	return teller.ScanTerms{Confirmations: s.Confirmations, Rate: s.Rate, Tip: tip.Height}
}

// checkNetwork makes sure that the node is on the network that was configured and that the ledger belongs to.
func (s *Scanner) checkNetwork(ctx context.Context) error {
	genesis, err := s.Chain.Genesis(ctx)
	if err != nil {
		return err
	}
	if s.Genesis != "" && genesis != s.Genesis {
		return teller.Errorf(teller.CodeWrongNetwork, "the %s node is on another network: its block 0 is %s, the configured network's is %s", s.coin, genesis, s.Genesis)
	}
	return s.Store.PinChain(ctx, s.coin, genesis)
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

// group is how many blocks are stored in one transaction while the tip is farther away than that.
const group = 16

// advance reads the next blocks and stores them one after the other. cursor is nil at the very first.
func (s *Scanner) advance(ctx context.Context, from int64, tip teller.BlockRef, cursor *teller.Cursor) (bool, error) {
	to := min(from+window-1, tip.Height)
	if to < from {
		return false, nil // the chain has not reached the first height yet
	}
	var last *teller.BlockRef
	if cursor != nil {
		last = &cursor.BlockRef
	}
	var read []teller.Block // linked, and not stored yet
	next := from
	for b, err := range s.readBlocks(ctx, from, to, s.watchedAt) {
		if err != nil {
			if saveErr := s.save(ctx, read, tip); saveErr != nil {
				return next > from, saveErr
			}
			if teller.CodeOf(err) == teller.CodeNotFound {
				err = s.explainMissing(ctx, next)
			}
			return next > from, err
		}
		if last != nil && b.Parent != last.Hash {
			if next > from {
				return true, s.save(ctx, read, tip) // the chain changed while we read; the next step sees where
			}
			return s.reorganise(ctx, *cursor, cursor.Height)
		}
		read, last, next = append(read, b), &b.BlockRef, b.Height+1
		if len(read) == group || tip.Height-b.Height < group {
			if err := s.save(ctx, read, tip); err != nil {
				return next > from, err
			}
			read = nil
		}
	}
	return true, s.save(ctx, read, tip)
}

// save stores blocks that follow each other.
func (s *Scanner) save(ctx context.Context, blocks []teller.Block, tip teller.BlockRef) error {
	if len(blocks) == 0 {
		return nil
	}
	res, err := s.Store.SaveBlocks(ctx, s.coin, blocks, s.terms(tip))
	if err != nil {
		return err
	}
	s.tell(res)
	s.meter.passed(len(blocks), blocks[len(blocks)-1].Height, tip.Height)
	return nil
}

// explainMissing finds out why the node has no block at a height that it seemed to have. The chain may have become
// shorter meanwhile; a node that does not keep blocks that old must not look as if all were well.
func (s *Scanner) explainMissing(ctx context.Context, height int64) error {
	tip, err := s.Chain.Tip(ctx)
	if err != nil || tip.Height < height {
		return err
	}
	return teller.Errorf(teller.CodeUnavailable, "the %s node does not give block %d, although it is at %d: does it keep blocks that old?", s.coin, height, tip.Height)
}

// watchedAt is what is looked for in the block at a height.
func (s *Scanner) watchedAt(height int64) teller.Watched {
	if height < s.quiet {
		return watchNothing{}
	}
	return s.watched
}

// Progress tells how far the scan is.
func (s *Scanner) Progress() Progress { return s.meter.progress() }

// tell reports what a step changed, and when crediting stops and goes on.
func (s *Scanner) tell(res teller.ScanResult) {
	s.report.tell(res)
	if res.Frozen && !s.frozen {
		s.Log.Error("crediting is frozen: a credited deposit's block left the best chain", "notice", "WATCH")
	}
	if !res.Frozen && s.frozen {
		s.Log.Info("crediting goes on")
	}
	s.frozen = res.Frozen
}
