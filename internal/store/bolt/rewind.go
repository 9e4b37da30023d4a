package bolt

import (
	"context"
	"fmt"

	"github.com/skycoin/teller"
)

// Rewind implements teller.ScanStore. Only rows that the scan has met in a block are orphaned: an imported row that no
// output was found for yet is left alone.
func (s *Store) Rewind(ctx context.Context, coin teller.Coin, to teller.BlockRef) (res teller.ScanResult, err error) {
	err = s.update(ctx, func(t *txn) error {
		res = teller.ScanResult{}
		return t.rewind(coin, to, &res)
	})
	if err != nil {
		return teller.ScanResult{}, err
	}
	return res, nil
}

func (t *txn) rewind(coin teller.Coin, to teller.BlockRef, res *teller.ScanResult) error {
	cur, ok, err := t.cursor(coin)
	if err != nil {
		return err
	}
	if !ok || to.Height < 0 || to.Height > cur.Height {
		return teller.Errorf(teller.CodeConflict, "the scan of %s can not go back to block %d: it is at %d", coin, to.Height, cur.Height)
	}
	saved := t.get(bucketBlocks, heightKey(coin, to.Height))
	if saved == nil {
		return teller.Errorf(teller.CodeNotFound, "block %d of %s is not stored", to.Height, coin)
	}
	if string(saved) != to.Hash {
		return teller.Errorf(teller.CodeConflict, "block %d of %s is stored as %s, not %s", to.Height, coin, saved, to.Hash)
	}
	if to.Height < cur.Height {
		if err := t.orphanAbove(coin, to.Height, res); err != nil {
			return err
		}
		for h := to.Height + 1; h <= cur.Height; h++ {
			t.del(bucketBlocks, heightKey(coin, h))
		}
		t.putJSON(bucketCursors, []byte(coin), cursorRow{BlockRef: to, Tip: cur.Tip})
		if err := t.shortenRescan(coin, to.Height); err != nil {
			return err
		}
		t.audit(teller.AuditEntry{Event: eventRewind, Detail: fmt.Sprintf("%s from block %d %s to %d %s", coin, cur.Height, cur.Hash, to.Height, to.Hash)})
	}
	res.Frozen, err = t.frozen(coin)
	return err
}

// orphanAbove orphans the deposits above a height, and forgets the unbound payments there.
func (t *txn) orphanAbove(coin teller.Coin, height int64, res *teller.ScanResult) error {
	var ids []string
	err := t.each(indexHeight, textKey(string(coin)), heightKey(coin, height+1), func(_, v []byte) (bool, error) {
		ids = append(ids, string(v))
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := t.mustDeposit(id)
		if err != nil {
			return err
		}
		if err := t.orphan(r, res); err != nil {
			return err
		}
	}
	return t.forgetUnbound(textKey(string(coin)), heightKey(coin, height+1), "")
}

func (t *txn) orphan(r *record, res *teller.ScanResult) error {
	held := len(r.Holds())
	r.Orphan(t.now)
	r.mined = false
	about := teller.AuditEntry{Detail: fmt.Sprintf("block %d %s", r.Height, r.BlockHash)}
	if err := t.save(r, eventOrphan, about); err != nil {
		return err
	}
	res.Orphaned = append(res.Orphaned, r.Deposit)
	if len(r.Holds()) > held {
		res.Held = append(res.Held, r.Deposit)
	}
	return nil
}
