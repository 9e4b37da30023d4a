package bolt

import (
	"context"

	"github.com/skycoin/teller"
)

// CreditDeep implements teller.ScanStore.
func (s *Store) CreditDeep(ctx context.Context, coin teller.Coin, terms teller.ScanTerms) (teller.ScanResult, error) {
	if terms.Confirmations < 0 {
		return teller.ScanResult{}, teller.Errorf(teller.CodeInvalid, "nothing of %s can have %d confirmations", coin, terms.Confirmations)
	}
	var st *blockStep
	begin := func(t *txn) (due bool, err error) {
		cur, known, err := t.cursor(coin)
		st = &blockStep{txn: t, coin: coin, head: cur.Height, terms: terms}
		if err != nil || !known {
			return false, err
		}
		return st.due()
	}
	var due bool
	err := s.view(ctx, func(t *txn) (err error) { due, err = begin(t); return err })
	if err == nil && due {
		err = s.update(ctx, func(t *txn) error {
			if due, err := begin(t); err != nil || !due {
				return err
			}
			return st.creditDeep()
		})
	}
	if err != nil {
		return teller.ScanResult{}, err
	}
	return st.res, nil
}

// due reports whether creditDeep has anything to do, and notes whether the coin is frozen.
func (s *blockStep) due() (bool, error) {
	var err error
	if s.res.Frozen, err = s.frozen(s.coin); err != nil {
		return false, err
	}
	return len(s.deep(indexReturned)) > 0 || (!s.res.Frozen && len(s.deep(indexQueue)) > 0), nil
}

// creditDeep credits what has the required depth.
func (s *blockStep) creditDeep() error {
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
		if r.Status == teller.StatusDone { // the journal told that it was closed
			claims = nil
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
