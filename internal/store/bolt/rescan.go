package bolt

import (
	"context"
	"fmt"

	"github.com/skycoin/teller"
)

// rescanRow is the JSON of a coin's rescan.
type rescanRow struct {
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Next      int64  `json:"next"`
	Last      string `json:"last,omitempty"` // hash of the block before Next, "" when this rescan has not read it
	Found     int    `json:"found"`
	StartedAt int64  `json:"started_at"`
}

func (r rescanRow) rescan(c teller.Coin) teller.Rescan {
	return teller.Rescan{Coin: c, From: r.From, To: r.To, Next: r.Next, Found: r.Found, StartedAt: fromUnix(r.StartedAt)}
}

func (t *txn) rescan(c teller.Coin) (rescanRow, bool, error) {
	return getJSON[rescanRow](t, bucketRescans, []byte(c))
}

// StartRescan implements teller.RescanStore.
func (s *Store) StartRescan(ctx context.Context, coin teller.Coin, from int64, act teller.Act) (started teller.Rescan, err error) {
	if _, err := teller.ParseCoin(string(coin)); err != nil {
		return teller.Rescan{}, err
	}
	err = s.update(ctx, func(t *txn) error {
		cur, known, err := t.cursor(coin)
		if err != nil {
			return err
		}
		if !known {
			return teller.Errorf(teller.CodeConflict, "no block of %s was read yet, so there is none to read again: wait for the scan to begin", coin)
		}
		if from < 0 || from > cur.Height {
			return teller.Errorf(teller.CodeInvalid, "a rescan of %s begins at a block from 0 to %d, where the scan is, not at %d", coin, cur.Height, from)
		}
		row := rescanRow{From: from, To: cur.Height, Next: from, StartedAt: unixSeconds(t.now)}
		t.putJSON(bucketRescans, []byte(coin), row)
		t.audit(teller.AuditEntry{Event: eventRescan, Actor: act.Actor,
			Detail: fmt.Sprintf("%s blocks %d to %d: %s", coin, row.From, row.To, act.Reason)})
		started = row.rescan(coin)
		return nil
	})
	if err != nil {
		return teller.Rescan{}, err
	}
	return started, nil
}

// Rescan implements teller.RescanStore.
func (s *Store) Rescan(ctx context.Context, coin teller.Coin) (r teller.Rescan, err error) {
	err = s.view(ctx, func(t *txn) error {
		row, ok, err := t.rescan(coin)
		if err == nil && !ok {
			err = teller.Errorf(teller.CodeNotFound, "no rescan of %s was asked for", coin)
		}
		r = row.rescan(coin)
		return err
	})
	if err != nil {
		return teller.Rescan{}, err
	}
	return r, nil
}

// SaveRescanned implements teller.RescanStore. Depth is counted from the cursor, not from the block. Where no hash is
// kept (below the first block ever saved, and more than the kept number of blocks below the cursor) each block must be
// the parent of the next; when one is not, the chain changed meanwhile and the rescan begins again by itself. That these
// blocks are the cursor's ancestors the caller has made sure. What stands
// in the ledger as mined in another block of that height is orphaned then.
func (s *Store) SaveRescanned(ctx context.Context, coin teller.Coin, b teller.Block, terms teller.ScanTerms) (teller.ScanResult, error) {
	if err := checkBlock(b, terms); err != nil {
		return teller.ScanResult{}, err
	}
	var st *rescanStep
	err := s.update(ctx, func(t *txn) error {
		st = &rescanStep{blockStep: blockStep{txn: t, coin: coin, block: b, terms: terms}}
		return st.run()
	})
	if err != nil {
		return teller.ScanResult{}, err
	}
	return st.res, nil
}

// rescanStep is the second reading of one block.
type rescanStep struct {
	blockStep
	row rescanRow
}

func (s *rescanStep) run() error {
	if err := s.check(); err != nil {
		return err
	}
	if s.row.Last != "" && s.block.Parent != s.row.Last {
		s.audit(teller.AuditEntry{Event: eventRescan, Detail: fmt.Sprintf("%s from block %d again: block %d %s does not follow %s",
			s.coin, s.row.From, s.block.Height, s.block.Hash, s.row.Last)})
		s.row.Next, s.row.Last, s.row.Found = s.row.From, "", 0
		s.putJSON(bucketRescans, []byte(s.coin), s.row)
		var err error
		s.res.Frozen, err = s.frozen(s.coin)
		return err
	}
	if err := s.orphanRivals(); err != nil {
		return err
	}
	if err := s.take(); err != nil {
		return err
	}
	s.row.Next, s.row.Last = s.block.Height+1, s.block.Hash
	s.row.Found += len(s.res.Recorded)
	s.putJSON(bucketRescans, []byte(s.coin), s.row)
	if s.row.Next > s.row.To {
		s.audit(teller.AuditEntry{Event: eventRescan,
			Detail: fmt.Sprintf("%s blocks %d to %d are read again: %d deposits were missing", s.coin, s.row.From, s.row.To, s.row.Found)})
	}
	return nil
}

// check refuses a block that is not the rescan's next one, or not the one that the ledger knows.
func (s *rescanStep) check() error {
	cur, known, err := s.cursor(s.coin)
	if err != nil {
		return err
	}
	var under bool
	if s.row, under, err = s.rescan(s.coin); err != nil {
		return err
	}
	s.head = cur.Height
	if !known || !under || s.row.Next > s.row.To || s.block.Height != s.row.Next || s.block.Height > cur.Height {
		return teller.Errorf(teller.CodeConflict, "block %d is not the one that a rescan of %s waits for", s.block.Height, s.coin)
	}
	saved := s.get(bucketBlocks, heightKey(s.coin, s.block.Height))
	if saved != nil && string(saved) != s.block.Hash {
		return teller.Errorf(teller.CodeConflict, "block %d of %s is stored as %s, the node has %s: the scan must follow its chain first",
			s.block.Height, s.coin, saved, s.block.Hash)
	}
	return nil
}

// orphanRivals orphans what an earlier reading found in another block of this height.
func (s *rescanStep) orphanRivals() error {
	at := heightKey(s.coin, s.block.Height)
	for _, id := range s.ids(indexHeight, at) {
		r, err := s.mustDeposit(id)
		if err != nil {
			return err
		}
		if r.BlockHash == s.block.Hash {
			continue
		}
		if err := s.orphan(r, &s.res); err != nil {
			return err
		}
	}
	return s.forgetUnbound(at, at, s.block.Hash)
}

// shortenRescan ends a coin's rescan at a height to which the chain goes back: the blocks above come through SaveBlock.
func (t *txn) shortenRescan(coin teller.Coin, height int64) error {
	row, ok, err := t.rescan(coin)
	if err != nil || !ok || row.To <= height || row.Next > row.To {
		return err
	}
	if row.Next > height {
		t.audit(teller.AuditEntry{Event: eventRescan, Detail: fmt.Sprintf(
			"%s blocks %d to %d: ended before block %d, because the chain went back to %d; %d deposits were missing",
			coin, row.From, row.To, row.Next, height, row.Found)})
	}
	row.To = height
	t.putJSON(bucketRescans, []byte(coin), row)
	return nil
}
