package bolt

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/skycoin/teller"
)

// When the database is lost and only the journal of bindings is left, the chains are scanned anew. What is paid to the
// addresses of that time may have been paid out by the lost ledger: it is held. Addresses bound since are as ever.
func TestLedgerRebuiltFromTheJournalHoldsWhatMayHaveBeenPaid(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	open := func() *Store {
		t.Helper()
		s, err := Open(ctx, Options{Path: path})
		must(t, err)
		return s
	}
	bind := func(s *Store, address string) {
		t.Helper()
		_, err := s.Bind(ctx, teller.Binding{Address: address, Coin: teller.BTC, SkyAddress: "buyer", BuyMethod: teller.BuyDirect}, 0)
		must(t, err)
	}
	s := open()
	bind(s, "old")
	must(t, s.Close())
	must(t, os.Remove(path))

	s = open()
	bind(s, "new")
	must(t, s.Close()) // a second start must not forget it
	s = open()
	defer s.Close()
	for i, address := range []string{"old", "new"} {
		b := teller.Block{BlockRef: teller.BlockRef{Height: int64(i), Hash: fmt.Sprint("block", i)}}
		if i > 0 {
			b.Parent = fmt.Sprint("block", i-1)
		}
		b.Transfers = []teller.Transfer{{Address: address, TxID: "tx-" + address, Value: teller.NewAmount(1000)}}
		_, err := s.SaveBlock(ctx, teller.BTC, b, teller.ScanTerms{Rate: teller.MustRate("1"), Tip: int64(i)})
		must(t, err)
		d, err := s.Deposit(ctx, teller.DepositID("tx-"+address, 0))
		must(t, err)
		if held, want := d.HeldFor(teller.HoldRebuilt), address == "old"; held != want {
			t.Errorf("deposit to the %s address held: %v, want %v", address, held, want)
		}
	}
}

// A backup from before the wallet was first opened knows nothing of what was paid since either.
func TestBackupFromBeforeTheFirstStartIsDistrusted(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s, err := Open(ctx, Options{Path: path})
	must(t, err)
	bind := func(address string) {
		t.Helper()
		_, err := s.Bind(ctx, teller.Binding{Address: address, Coin: teller.BTC, SkyAddress: "buyer", BuyMethod: teller.BuyDirect}, 0)
		must(t, err)
	}
	bind("in the backup")
	paid := teller.Block{BlockRef: teller.BlockRef{Hash: "block0"}, Transfers: []teller.Transfer{{Address: "in the backup", TxID: "tx", Value: teller.NewAmount(1000)}}}
	_, err = s.SaveBlock(ctx, teller.BTC, paid, teller.ScanTerms{Rate: teller.MustRate("1")})
	must(t, err)
	backup, err := os.Create(path + ".backup")
	must(t, err)
	must(t, s.Backup(ctx, backup))
	must(t, backup.Close())
	bind("since")
	must(t, s.Close())
	must(t, os.Rename(path+".backup", path))

	s, err = Open(ctx, Options{Path: path})
	must(t, err)
	defer s.Close()
	d, err := s.Deposit(ctx, "tx:0")
	must(t, err)
	if !d.HeldFor(teller.HoldRebuilt) {
		t.Error("the deposit in the backup is payable")
	}
	for _, address := range []string{"in the backup", "since"} {
		b, err := s.Binding(ctx, teller.BTC, address)
		must(t, err)
		if !b.Restored {
			t.Errorf("the binding of %q is trusted", address)
		}
	}
}
