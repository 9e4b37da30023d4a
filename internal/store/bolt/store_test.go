package bolt

import (
	"context"
	"os"
	"path/filepath"
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
		return func() teller.Store { return open(t, Options{Path: path, NoSync: true}) }
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
