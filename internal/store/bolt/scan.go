package bolt

import (
	"context"
	"strings"

	"github.com/skycoin/teller"
)

// keepBlocks is how many of a chain's block hashes are kept.
const keepBlocks = 10_000

// cursorRow is the JSON of a chain's cursor.
type cursorRow struct {
	teller.BlockRef
	Tip int64 `json:"tip"`
}

func (t *txn) cursor(c teller.Coin) (teller.Cursor, bool, error) {
	row, ok, err := getJSON[cursorRow](t, bucketCursors, []byte(c))
	return teller.Cursor(row), ok, err
}

// PinChain implements teller.ScanStore.
func (s *Store) PinChain(ctx context.Context, coin teller.Coin, genesis string) error {
	return s.pin(ctx, string(coin), genesis)
}

// pin compares with what is recorded, and records it the first time.
func (s *Store) pin(ctx context.Context, chain, genesis string) error {
	if genesis == "" {
		return teller.Errorf(teller.CodeInvalid, "the %s chain has no genesis hash", chain)
	}
	check := func(t *txn) (known bool, err error) {
		have := t.get(bucketChains, []byte(chain))
		if have != nil && string(have) != genesis {
			return true, teller.Errorf(teller.CodeWrongNetwork,
				"the ledger belongs to the %s chain with genesis %s, the node's is %s: use that chain's node, or another dbfile", chain, have, genesis)
		}
		return have != nil, nil
	}
	var known bool
	err := s.view(ctx, func(t *txn) (err error) { known, err = check(t); return err })
	if err != nil || known {
		return err
	}
	return s.update(ctx, func(t *txn) error {
		if known, err := check(t); err != nil || known {
			return err
		}
		t.put(bucketChains, []byte(chain), []byte(genesis))
		return nil
	})
}

// Cursor implements teller.ScanStore.
func (s *Store) Cursor(ctx context.Context, coin teller.Coin) (cur teller.Cursor, err error) {
	err = s.view(ctx, func(t *txn) error {
		c, ok, err := t.cursor(coin)
		if err == nil && !ok {
			err = teller.Errorf(teller.CodeNotFound, "no block of %s is stored yet", coin)
		}
		cur = c
		return err
	})
	return cur, err
}

// NoteTip implements teller.ScanStore.
func (s *Store) NoteTip(ctx context.Context, coin teller.Coin, tip int64) error {
	lower := func(t *txn) (cur teller.Cursor, lower bool, err error) {
		cur, known, err := t.cursor(coin)
		return cur, known && cur.Tip < tip, err
	}
	var needed bool
	err := s.view(ctx, func(t *txn) (err error) { _, needed, err = lower(t); return err })
	if err != nil || !needed {
		return err
	}
	return s.update(ctx, func(t *txn) error {
		cur, lower, err := lower(t)
		if err == nil && lower {
			t.putJSON(bucketCursors, []byte(coin), cursorRow{BlockRef: cur.BlockRef, Tip: tip})
		}
		return err
	})
}

// SavedHash implements teller.ScanStore.
func (s *Store) SavedHash(ctx context.Context, coin teller.Coin, height int64) (hash string, err error) {
	err = s.view(ctx, func(t *txn) error {
		raw := t.get(bucketBlocks, heightKey(coin, height))
		if raw == nil || height < 0 {
			return teller.Errorf(teller.CodeNotFound, "block %d of %s is not stored", height, coin)
		}
		hash = string(raw)
		return nil
	})
	return hash, err
}

// SaveBlock implements teller.ScanStore.
func (s *Store) SaveBlock(ctx context.Context, coin teller.Coin, b teller.Block, terms teller.ScanTerms) (teller.ScanResult, error) {
	return s.SaveBlocks(ctx, coin, []teller.Block{b}, terms)
}

// SaveBlocks implements teller.ScanStore.
func (s *Store) SaveBlocks(ctx context.Context, coin teller.Coin, blocks []teller.Block, terms teller.ScanTerms) (teller.ScanResult, error) {
	if _, err := teller.ParseCoin(string(coin)); err != nil {
		return teller.ScanResult{}, err
	}
	for _, b := range blocks {
		if err := checkBlock(b, terms); err != nil {
			return teller.ScanResult{}, err
		}
	}
	var st *blockStep
	err := s.update(ctx, func(t *txn) error {
		st = &blockStep{txn: t, coin: coin, terms: terms}
		for _, b := range blocks {
			st.block, st.head = b, b.Height
			if err := st.run(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return teller.ScanResult{}, err
	}
	return st.res, nil
}

// checkBlock refuses what can not become rows and keys.
func checkBlock(b teller.Block, terms teller.ScanTerms) error {
	if b.Height < 0 || b.Hash == "" || terms.Confirmations < 0 {
		return teller.Errorf(teller.CodeInvalid, "block %d %q with %d confirmations can not be stored", b.Height, b.Hash, terms.Confirmations)
	}
	for _, tr := range b.Transfers {
		if !keyable(tr.TxID) || !keyable(tr.Address) {
			return teller.Errorf(teller.CodeMalformed, "block %d has a transfer with id %q to address %q", b.Height, tr.TxID, tr.Address)
		}
	}
	return nil
}

// keyable reports whether a text may become part of a key.
func keyable(s string) bool { return s != "" && len(s) <= maxAddress && !strings.ContainsRune(s, 0) }

// blockStep is the saving of one block.
type blockStep struct {
	*txn
	coin  teller.Coin
	block teller.Block
	head  int64 // up to which the chain is stored: depth is counted from here
	terms teller.ScanTerms
	res   teller.ScanResult
}

func (s *blockStep) run() error {
	cur, known, err := s.cursor(s.coin)
	if err != nil {
		return err
	}
	if known && (s.block.Height != cur.Height+1 || s.block.Parent != cur.Hash) {
		return teller.Errorf(teller.CodeConflict, "block %d %s of %s does not follow %d %s",
			s.block.Height, s.block.Hash, s.coin, cur.Height, cur.Hash)
	}
	s.put(bucketBlocks, heightKey(s.coin, s.block.Height), []byte(s.block.Hash))
	if old := s.block.Height - keepBlocks; old >= 0 {
		s.del(bucketBlocks, heightKey(s.coin, old))
	}
	tip := max(s.block.Height, s.terms.Tip)
	s.putJSON(bucketCursors, []byte(s.coin), cursorRow{BlockRef: s.block.BlockRef, Tip: tip})

	return s.take()
}

// take records the block's transfers and credits what has the required depth.
func (s *blockStep) take() error {
	for _, tr := range s.block.Transfers {
		if err := s.transfer(tr); err != nil {
			return err
		}
	}
	return s.creditDeep()
}

// transfer records one transfer, or finds that it is recorded.
func (s *blockStep) transfer(tr teller.Transfer) error {
	b, bound, err := s.binding(s.coin, tr.Address)
	if err != nil {
		return err
	}
	if !bound {
		return s.keepUnbound(tr)
	}
	a, err := s.enter(b, sighting{Transfer: tr, at: s.block.BlockRef, rate: s.terms.Rate})
	if err != nil {
		return err
	}
	a.tell(&s.res)
	return nil
}
