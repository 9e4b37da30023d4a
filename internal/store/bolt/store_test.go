package bolt

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/store/storetest"
)

// fillDir holds what benchmarks share.
var fillDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "teller-ledgers-")
	if err != nil {
		panic(err)
	}
	fillDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
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
