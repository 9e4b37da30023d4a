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
	if err := checkBlock(b, terms); err != nil {
		return teller.ScanResult{}, err
	}
	var st *blockStep
	err := s.update(ctx, func(t *txn) error {
		st = &blockStep{txn: t, coin: coin, block: b, head: b.Height, terms: terms}
		return st.run()
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
	if err := s.reinstate(); err != nil {
		return err
	}
	if err := s.credit(); err != nil {
		return err
	}
	var err error
	s.res.Frozen, err = s.frozen(s.coin)
	return err
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
	r, fresh, err := s.enter(b, tr, s.block.BlockRef, s.terms.Rate)
	if err != nil || !fresh {
		return err
	}
	s.recorded(r)
	return nil
}

// recorded adds a new row to the result.
func (s *blockStep) recorded(r *record) {
	if r.Hold != nil {
		s.res.Held = append(s.res.Held, r.Deposit)
	}
	s.res.Recorded = append(s.res.Recorded, r.Deposit)
}

// enter brings the row of a transfer to a bound address into its block: a new one, for which it reports true, or one
// that was not in a block (any more). What holds are given it is held for, besides what else speaks against a new row.
func (t *txn) enter(b teller.Binding, tr teller.Transfer, at teller.BlockRef, rate teller.Rate, holds ...teller.Hold) (r *record, fresh bool, err error) {
	r, id, err := t.find(b.Coin, tr)
	if err != nil {
		return nil, false, err
	}
	switch {
	case r == nil:
		fresh = true
		r = newRecord(id, b, tr, at, rate)
		about := teller.AuditEntry{TxID: r.TxID, Detail: r.Value.Format(r.Coin) + " " + string(r.Coin)}
		if err := t.create(r, eventRecord, about); err != nil {
			return nil, false, err
		}
		more, err := t.suspicion(r, b)
		if err != nil {
			return nil, false, err
		}
		holds = append(holds, more...)
	case r.mined:
		return r, false, nil
	default:
		if err := t.remine(r, tr, at); err != nil {
			return nil, false, err
		}
	}
	for _, h := range holds {
		if _, err := t.hold(r, h.Reason, h.Detail); err != nil {
			return nil, false, err
		}
	}
	return r, fresh, nil
}

// newRecord is the row of a transfer that was not known before.
func newRecord(id string, b teller.Binding, tr teller.Transfer, at teller.BlockRef, rate teller.Rate) *record {
	return &record{mined: true, Deposit: teller.Deposit{
		ID: id, Coin: b.Coin, Address: tr.Address, SkyAddress: b.SkyAddress, BuyMethod: b.BuyMethod,
		Value: tr.Value, TxID: tr.TxID, N: tr.N, Height: at.Height, BlockHash: at.Hash,
		Rate: rate, Status: teller.StatusWaitingDeposit,
	}}
}

// remine notes that a known output is in a block of the best chain: again, or an imported one for the first time.
func (t *txn) remine(r *record, tr teller.Transfer, at teller.BlockRef) error {
	event, about := eventRemine, teller.AuditEntry{Detail: "block " + strconv.FormatInt(at.Height, 10) + " " + at.Hash}
	if r.Import != teller.ImportNone && r.Absorbed == "" {
		r.Absorbed = teller.DepositID(tr.TxID, tr.N)
		event, about.Detail = eventAbsorb, r.Absorbed+" in "+about.Detail
	}
	r.Remine(at, t.now)
	r.mined = true
	return t.save(r, event, about)
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
	height := s.head - s.terms.Confirmations
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
