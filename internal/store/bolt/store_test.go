package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/store/storetest"
)

// fillDir holds what benchmarks share; "" until the first of them needs it, because processes that tests kill would
// leave it behind.
var fillDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if fillDir != "" {
		_ = os.RemoveAll(fillDir)
	}
	os.Exit(code)
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() teller.Store {
		path := filepath.Join(t.TempDir(), "teller.db")
		paidTwice := strings.HasSuffix(t.Name(), "/LateConfirm") // on the chain, in spite of all
		return func() teller.Store { return summed{open(t, Options{Path: path, NoSync: true}), paidTwice} }
	})
}

// summed is a ledger that proves, before each comparison of balances, that the sums of what arrived are those of the
// deposits, and at its end that it is in order altogether.
type summed struct {
	*Store
	paidTwice bool // and that Verify finds
}

func (s summed) CompareBalances(ctx context.Context, coin teller.Coin, at teller.BlockRef, bs []teller.Balance, rate teller.Rate) (teller.ScanResult, error) {
	if err := s.checkArrivals(ctx); err != nil {
		return teller.ScanResult{}, err
	}
	return s.Store.CompareBalances(ctx, coin, at, bs, rate)
}

func (s summed) Close() error {
	v, err := s.verify(context.Background())
	if errors.Is(err, errClosed) {
		err = nil
	}
	for _, f := range v.Findings {
		if !s.paidTwice || f.Kind != findPayouts {
			err = errors.Join(err, errors.New(f.Found))
		}
	}
	return errors.Join(err, s.Store.Close())
}

func (s *Store) checkArrivals(ctx context.Context) error {
	return s.view(ctx, func(t *txn) error {
		want := map[string]teller.Amount{}
		err := t.each(bucketDeposits, nil, nil, func(k, v []byte) (bool, error) {
			r, err := decodeRecord(string(k), v)
			if err == nil && r.Coin == teller.ETH && r.arrived() {
				want[r.Address] = want[r.Address].Add(r.Value)
			}
			return err == nil, err
		})
		if err != nil {
			return err
		}
		err = t.each(bucketArrivals, nil, nil, func(k, _ []byte) (bool, error) {
			address := string(k[len("ETH\x00") : len(k)-1])
			sum, err := t.arrivals(teller.ETH, address)
			if err == nil && !sum.Equal(want[address]) {
				err = fmt.Errorf("%s has arrived at %s, the sum says %s", want[address], address, sum)
			}
			delete(want, address)
			return err == nil, err
		})
		if err == nil && len(want) > 0 {
			err = fmt.Errorf("there is no sum of %v", want)
		}
		return err
	})
}

// open opens a ledger, or fails the test.
func open(t testing.TB, opts Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
