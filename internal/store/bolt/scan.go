package bolt

import (
	"context"
	"strconv"
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
	if _, err := teller.ParseCoin(string(coin)); err != nil {
		return teller.ScanResult{}, err
	}
	if b.Height < 0 || b.Hash == "" || terms.Confirmations < 0 {
		return teller.ScanResult{}, teller.Errorf(teller.CodeInvalid,
			"block %d %q with %d confirmations can not be stored", b.Height, b.Hash, terms.Confirmations)
	}
	for _, tr := range b.Transfers {
		if tr.TxID == "" || len(tr.TxID) > maxAddress || strings.ContainsRune(tr.TxID, 0) {
			return teller.ScanResult{}, teller.Errorf(teller.CodeMalformed, "block %d has a transfer with id %q", b.Height, tr.TxID)
		}
	}
	var st *blockStep
	err := s.update(ctx, func(t *txn) error {
		st = &blockStep{txn: t, coin: coin, block: b, terms: terms}
		return st.run()
	})
	if err != nil {
		return teller.ScanResult{}, err
	}
	return st.res, nil
}

// blockStep is the saving of one block.
type blockStep struct {
	*txn
	coin  teller.Coin
	block teller.Block
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

	for _, tr := range s.block.Transfers {
		if err := s.transfer(tr); err != nil {
			return err
		}
	}
	if err := s.reinstate(); err != nil {
		return err
	}
	if err := s.credit(); err != nil {
		return err
	}
	s.res.Frozen, err = s.frozen(s.coin)
	return err
}

// transfer records one transfer, or finds that it is recorded.
func (s *blockStep) transfer(tr teller.Transfer) error {
	b, bound, err := s.binding(s.coin, tr.Address)
	if err != nil || !bound {
		return err
	}
	r, id, err := s.find(s.coin, tr)
	if err != nil {
		return err
	}
	if r == nil {
		return s.record(id, tr, b)
	}
	if r.mined {
		return nil
	}
	event, about := eventRemine, teller.AuditEntry{Detail: "block " + strconv.FormatInt(s.block.Height, 10) + " " + s.block.Hash}
	if r.Import != teller.ImportNone && r.Absorbed == "" {
		r.Absorbed = teller.DepositID(tr.TxID, tr.N)
		event, about.Detail = eventAbsorb, r.Absorbed+" in "+about.Detail
	}
	r.Remine(s.block.BlockRef, s.now)
	r.mined = true
	return s.save(r, event, about)
}

func (s *blockStep) record(id string, tr teller.Transfer, b teller.Binding) error {
	r := &record{mined: true, Deposit: teller.Deposit{
		ID: id, Coin: s.coin, Address: tr.Address, SkyAddress: b.SkyAddress, BuyMethod: b.BuyMethod,
		Value: tr.Value, TxID: tr.TxID, N: tr.N, Height: s.block.Height, BlockHash: s.block.Hash,
		Rate: s.terms.Rate, Status: teller.StatusWaitingDeposit,
	}}
	if err := s.create(r, eventRecord, teller.AuditEntry{TxID: tr.TxID, Detail: tr.Value.Format(s.coin) + " " + string(s.coin)}); err != nil {
		return err
	}
	reason, detail, err := s.suspicion(r, b)
	if err != nil {
		return err
	}
	if reason != "" {
		if _, err := s.hold(r, reason, detail); err != nil {
			return err
		}
		s.res.Held = append(s.res.Held, r.Deposit)
	}
	s.res.Recorded = append(s.res.Recorded, r.Deposit)
	return nil
}

// reinstate lifts the holds of credited deposits that were orphaned and are at depth again.
func (s *blockStep) reinstate() error {
	for _, id := range s.deep(indexReturned) {
		r, err := s.mustDeposit(id)
		if err != nil {
			return err
		}
		r.Reinstate(s.now)
		if err := s.save(r, eventReinstate, teller.AuditEntry{}); err != nil {
			return err
		}
	}
	return nil
}

// credit counts the deposits that are at depth as received, unless the coin is frozen.
func (s *blockStep) credit() error {
	if frozen, err := s.frozen(s.coin); err != nil || frozen {
		return err
	}
	for _, id := range s.deep(indexQueue) {
		r, err := s.mustDeposit(id)
		if err != nil {
			return err
		}
		if err := r.Credit(s.now); err != nil {
			return err
		}
		if err := s.save(r, eventCredit, teller.AuditEntry{}); err != nil {
			return err
		}
		claims, err := s.unclaimed(r.SkyAddress)
		if err != nil {
			return err
		}
		for _, claim := range claims {
			held, err := s.hold(r, teller.HoldWithdrawal, claim.detail())
			if err != nil {
				return err
			}
			if held {
				s.res.Held = append(s.res.Held, r.Deposit)
			}
		}
		s.res.Credited = append(s.res.Credited, r.Deposit)
	}
	return nil
}

// deep lists an index's deposits whose block has the required depth.
func (s *blockStep) deep(index string) []string {
	height := s.block.Height - s.terms.Confirmations
	if height < 0 {
		return nil
	}
	end := heightKey(s.coin, height+1)
	var ids []string
	_ = s.each(index, textKey(string(s.coin)), nil, func(k, v []byte) (bool, error) {
		if string(k) >= string(end) {
			return false, nil
		}
		ids = append(ids, string(v))
		return true, nil
	})
	return ids
}

func (t *txn) frozen(c teller.Coin) (bool, error) {
	sum, err := t.readTotals()
	if err != nil {
		return false, err
	}
	return sum.Frozen[c] > 0, nil
}
