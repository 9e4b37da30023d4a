package scan

import (
	"context"
	"log/slog"

	"github.com/skycoin/teller"
)

// RescanStore is what the Rescanner needs of the ledger.
type RescanStore interface {
	Rescan(ctx context.Context, coin teller.Coin) (teller.Rescan, error)
	SaveRescanned(ctx context.Context, coin teller.Coin, b teller.Block, terms teller.ScanTerms) (teller.ScanResult, error)
}

// Rescanner is the worker that reads blocks again when an operator asked for it, beside the Scanner, whose watch set,
// terms and reports it shares. What it finds missing is recorded as if it had been seen in time; what is known is left
// alone. It goes on after a restart where it was.
type Rescanner struct {
	scanner *Scanner
	store   RescanStore
	log     *slog.Logger
	meter   *meter
}

// NewRescanner makes the Rescanner beside a Scanner.
func NewRescanner(s *Scanner, store RescanStore) *Rescanner {
	log := s.Log.With("rescan", true)
	return &Rescanner{scanner: s, store: store, log: log, meter: newMeter(s.Clock, log)}
}

// Name implements the worker's name.
func (r *Rescanner) Name() string { return r.scanner.Name() + " rescan" }

// Step reads a stretch of the rescan's blocks. It reports whether it changed anything.
func (r *Rescanner) Step(ctx context.Context) (bool, error) {
	s := r.scanner
	job, err := r.store.Rescan(ctx, s.coin)
	if teller.CodeOf(err) == teller.CodeNotFound || (err == nil && job.Done()) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := r.checkBranch(ctx); err != nil {
		return false, err
	}
	terms := s.terms(teller.BlockRef{Height: job.To})
	everywhere := func(int64) teller.Watched { return s.watched }
	for b, err := range s.readBlocks(ctx, job.Next, min(job.To, job.Next+window-1), everywhere) {
		if err != nil {
			return false, err
		}
		res, err := r.store.SaveRescanned(ctx, s.coin, b, terms)
		if err != nil {
			return false, err
		}
		s.report.tell(res)
		r.meter.passed(1, b.Height, job.To)
	}
	if job, err = r.store.Rescan(ctx, s.coin); err == nil && job.Done() {
		r.log.Info("rescan is done", "from", job.From, "to", job.To, "found", job.Found)
	}
	return true, err
}

// checkBranch makes sure that the node has the ledger's chain, and all of it: far below the cursor no hash is kept that
// a block could be compared with, and a block of another branch is another block.
func (r *Rescanner) checkBranch(ctx context.Context) error {
	s := r.scanner
	cursor, err := s.Store.Cursor(ctx, s.coin)
	if err != nil {
		return err
	}
	hash, err := s.Chain.BlockHash(ctx, cursor.Height)
	switch {
	case teller.CodeOf(err) == teller.CodeNotFound:
		return teller.Errorf(teller.CodeNodeBehind, "the %s node does not have block %d: the rescan waits for it to catch up", s.coin, cursor.Height)
	case err != nil:
		return err
	case hash != cursor.Hash:
		return teller.Errorf(teller.CodeConflict, "the %s node has another block %d than the ledger: the rescan waits until the scan has followed", s.coin, cursor.Height)
	}
	return nil
}
