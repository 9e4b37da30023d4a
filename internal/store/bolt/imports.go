package bolt

import (
	"context"
	"strconv"

	"github.com/skycoin/teller"
)

// importHeight is the height of the highest imported deposit of a coin; ok is false when the coin has none. A dummy
// chain's heights are its own, and say nothing about those that the original noted.
func (t *txn) importHeight(c teller.Coin) (height int64, ok bool, err error) {
	if string(t.get(bucketChains, []byte(c))) == teller.DummyGenesis {
		return 0, false, nil
	}
	key := []byte(metaImportHeight + string(c))
	raw := t.get(bucketMeta, key)
	if raw == nil {
		return 0, false, nil
	}
	height, err = strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, false, corrupt(bucketMeta, key, err)
	}
	return height, true, nil
}

// ImportsToCheck implements teller.WalletStore.
func (s *Store) ImportsToCheck(ctx context.Context, after uint64, limit int) (ds []teller.Deposit, err error) {
	err = s.view(ctx, func(t *txn) (err error) {
		ds, err = t.page(indexImport, nil, after, limit, nil)
		return err
	})
	return ds, err
}

// ResolveImport implements teller.WalletStore. A waiting_confirm row about which nothing was found stays as it is. A
// waiting_send row that is held without an amount is checked again once it is released.
func (s *Store) ResolveImport(ctx context.Context, v teller.ImportVerdict) (teller.Deposit, error) {
	return s.decideHold(ctx, v.DepositID, func(t *txn, r *record) error {
		if r.Version != v.Version {
			return teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile", r.ID)
		}
		if r.Import != teller.ImportPending || r.Status == teller.StatusDone {
			return teller.Errorf(teller.CodeForbidden, "deposit %s is not an import that waits for a check", r.ID)
		}
		return t.resolve(r, v)
	})
}

func (t *txn) resolve(r *record, v teller.ImportVerdict) error {
	if v.Confirmed != (v.Confirmed && r.Status == teller.StatusWaitingConfirm && v.Hold == "") {
		return teller.Errorf(teller.CodeInvalid, "deposit %s in %s can not be resolved as confirmed", r.ID, r.Status)
	}
	checked := true
	switch r.Status {
	case teller.StatusWaitingConfirm:
		if v.Confirmed {
			if err := r.Confirm(r.PayoutTxID, t.now); err != nil {
				return err
			}
		} else if v.Hold == "" {
			return nil
		}
	case teller.StatusWaitingSend:
		if v.Owed == 0 && v.Hold == "" {
			return teller.Errorf(teller.CodeInvalid, "deposit %s needs the amount to be paid", r.ID)
		}
		r.Owed = v.Owed
		checked = v.Owed > 0
	}
	if v.Hold != "" {
		if err := r.PutHold(v.Hold, v.Detail, t.now); err != nil {
			return err
		}
	} else if !v.Confirmed {
		r.Version, r.UpdatedAt = r.Version+1, t.now
	}
	if checked {
		r.Import = teller.ImportChecked
	}
	return t.save(r, eventChecked, teller.AuditEntry{TxID: r.PayoutTxID, Detail: string(v.Hold) + " " + v.Detail})
}
