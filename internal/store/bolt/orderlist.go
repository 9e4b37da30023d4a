package bolt

import (
	"context"

	"github.com/skycoin/teller"
)

// Orders implements teller.OrderStore.
func (s *Store) Orders(ctx context.Context, after uint64, limit int) ([]teller.Order, error) {
	return s.listOrders(ctx, indexOrders, after, limit)
}

// PendingOrders implements teller.OrderStore.
func (s *Store) PendingOrders(ctx context.Context, after uint64, limit int) ([]teller.Order, error) {
	return s.listOrders(ctx, indexPendingOrders, after, limit)
}

// listOrders lists what an index of orders names.
func (s *Store) listOrders(ctx context.Context, index string, after uint64, limit int) (os []teller.Order, err error) {
	if limit <= 0 {
		limit = pageSize
	}
	err = s.view(ctx, func(t *txn) error {
		os = nil
		return t.each(index, nil, seqKey(after), func(_, id []byte) (bool, error) {
			o, ok, err := t.order(string(id))
			if err == nil && !ok {
				err = teller.Errorf(teller.CodeCorrupt, "order %s, which %s names, is not stored: restore a backup", id, index)
			}
			os = append(os, o)
			return err == nil && len(os) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return os, nil
}

// Order implements teller.OrderStore.
func (s *Store) Order(ctx context.Context, clientID string) (o teller.Order, err error) {
	err = s.view(ctx, func(t *txn) (err error) {
		o, err = t.mustOrder(clientID)
		return err
	})
	return o, err
}

// OrdersOf implements teller.OrderStore. CodeNotFound when there is no such deposit.
func (s *Store) OrdersOf(ctx context.Context, depositID string) (os []teller.Order, err error) {
	err = s.view(ctx, func(t *txn) error {
		r, err := t.mustDeposit(depositID)
		if err != nil {
			return err
		}
		for n := range r.Attempts {
			o, err := t.storedOrder(depositID, n+1)
			if err != nil {
				return err
			}
			os = append(os, o)
		}
		return nil
	})
	return os, err
}

// Attempted implements teller.OrderStore.
func (s *Store) Attempted(ctx context.Context, depositID string) (n int, err error) {
	err = s.view(ctx, func(t *txn) error {
		if _, err := t.mustDeposit(depositID); err != nil {
			return err
		}
		n, err = t.attempted(depositID)
		return err
	})
	return n, err
}
