package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// OpenReader opens a ledger that nobody uses, for reading only: every method that would write is refused with
// CodeForbidden. It makes nothing, takes nothing over and upgrades nothing, and leaves the journal alone. CodeNotFound
// when there is no ledger, CodeUnsupported when it is not of the present format; else the errors of Open.
func OpenReader(ctx context.Context, path string) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, translate(err)
	}
	s := &Store{path: path, disk: realDisk{}, condition: newCondition(), clock: systemClock{}, log: slog.New(slog.DiscardHandler)}
	if info, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || (err == nil && info.Size() == 0) {
		return nil, teller.Errorf(teller.CodeNotFound, "there is no database %s", path)
	}
	if err := s.guard(s.openReadOnly); err != nil {
		return nil, err
	}
	err := s.guard(func() error {
		k, err := s.kind()
		if err == nil && k != kindOurs {
			err = teller.Errorf(teller.CodeUnsupported, "database %s is not in this teller's format yet: start teller with it once, which copies it and brings it to that", path)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

func (s *Store) openReadOnly() error {
	if err := checkFile(s.path); err != nil {
		return err
	}
	db, err := bolt.Open(s.path, 0o600, &bolt.Options{Timeout: lockWait, ReadOnly: true})
	if err != nil {
		return openError(s.path, err)
	}
	s.db = db
	return nil
}

// read is update in a ledger that is open for reading only.
func (s *Store) read(ctx context.Context, f func(*txn) error) error {
	return s.view(ctx, func(t *txn) error {
		err := f(t)
		if t.wrote {
			return teller.Errorf(teller.CodeForbidden, "the ledger is open for reading only")
		}
		return err
	})
}

// Pins returns which networks the rows belong to: for each coin, and for "payout", the hash of block 0 of its chain, as
// PinChain and PinSkycoin recorded it.
func (s *Store) Pins(ctx context.Context) (pins map[string]string, err error) {
	err = s.view(ctx, func(t *txn) error {
		pins = make(map[string]string)
		return t.each(bucketChains, nil, nil, func(k, v []byte) (bool, error) {
			pins[string(k)] = string(v)
			return true, nil
		})
	})
	return pins, err
}

// WalletSince returns, for each address of the wallet, the height of the Skycoin block at which the ledger took it over.
// What happened up to that block it does not know.
func (s *Store) WalletSince(ctx context.Context) (since map[string]int64, err error) {
	err = s.view(ctx, func(t *txn) error {
		since = make(map[string]int64)
		return t.each(bucketWallet, nil, nil, func(k, v []byte) (bool, error) {
			height, err := strconv.ParseInt(string(v), 10, 64)
			if err != nil {
				return false, corrupt(bucketWallet, k, err)
			}
			since[string(k)] = height
			return true, nil
		})
	})
	return since, err
}

// Payouts lists payouts of any status in the order of their txids, from behind one on ("" = from the first).
func (s *Store) Payouts(ctx context.Context, after string, limit int) (ps []teller.Payout, err error) {
	if limit <= 0 {
		limit = pageSize
	}
	err = s.view(ctx, func(t *txn) error {
		ps = nil
		return t.each(bucketPayouts, nil, []byte(after), func(k, _ []byte) (bool, error) {
			row, _, err := t.payout(string(k))
			ps = append(ps, row.payout())
			return err == nil && len(ps) < limit, err
		})
	})
	return ps, err
}

// OpenWithdrawals lists the withdrawals that may still hold deposits, oldest first: nobody has settled them, and not all
// that they paid is used up by deposits that were closed.
func (s *Store) OpenWithdrawals(ctx context.Context) (ws []teller.Withdrawal, err error) {
	err = s.view(ctx, func(t *txn) error {
		ws = nil
		open := make(map[string]bool)
		err := t.each(bucketUnclaimed, nil, nil, func(k, v []byte) (bool, error) {
			var c claimRow
			if err := json.Unmarshal(v, &c); err != nil {
				return false, corrupt(bucketUnclaimed, k, err)
			}
			open[c.TxID] = true
			return true, nil
		})
		if err != nil {
			return err
		}
		return t.each(bucketWithdrawals, nil, nil, func(k, v []byte) (bool, error) {
			var row withdrawalRow
			if err := json.Unmarshal(v, &row); err != nil {
				return false, corrupt(bucketWithdrawals, k, err)
			}
			if open[row.TxID] {
				ws = append(ws, row.withdrawal())
			}
			return true, nil
		})
	})
	return ws, err
}
