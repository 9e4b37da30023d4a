package bolt

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/skycoin/teller"
)

func backupOf(t *testing.T, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, s.Backup(context.Background(), &b))
	return b.Bytes()
}

// The same backup is put back twice, beside a journal that was begun anew since it was made.
func TestClosedDepositIsNotForgottenByASecondRestore(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	terms := teller.ScanTerms{Rate: teller.MustRate("500")}
	save(t, s, terms, 1)
	_, err := s.Bind(ctx, numbered(0), 0)
	must(t, err)
	out := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux", Address: "hot", Coins: 100_000_000}}
	_, err = s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 1, Hash: "s1"}}, []string{"hot"}, []teller.Output{out}, nil)
	must(t, err)
	old := backupOf(t, s)
	must(t, s.Close())
	must(t, os.Remove(path+".bindings")) // or an upgrade, or a lost database: the journal is written anew
	s = open(t, Options{Path: path})
	pay := teller.Transfer{Address: "b0", TxID: "t", Value: teller.NewAmount(1_000_000)}
	save(t, s, terms, 2, pay)
	_, err = s.MarkPaid(ctx, "t:0", "cold-tx", 5_000_000, teller.MaxDecimals, teller.Act{Actor: "olga", Reason: "from the cold wallet"}) // paid by hand from a cold wallet
	must(t, err)
	must(t, s.Close())

	for i := range 2 {
		must(t, os.WriteFile(path, old, 0o600))
		s, err = Open(ctx, Options{Path: path})
		must(t, err)
		if i == 1 {
			save(t, s, terms, 2, pay)
			d, err := s.Deposit(ctx, "t:0")
			must(t, err)
			if d.Status != teller.StatusDone {
				t.Errorf("the deposit that was paid by hand is %s, due %v: it is paid again", d.Status, d.Due())
			}
		}
		must(t, s.Close())
	}
}

// Bytes leave the process only when the journal has them too (ADR 11).
func TestPayoutIsNotSentBeforeTheJournalHasIt(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	disk := new(failingDisk)
	s := open(t, Options{Path: path, Disk: disk})
	p := payable(t, s)
	disk.append = func(func() error) error { return errIO }
	wantCode(t, s.CreatePayout(ctx, p), teller.CodeUnavailable)
	ps, err := s.PendingPayouts(ctx)
	if len(ps) > 0 || err == nil {
		t.Errorf("the sender is given %d payouts that the journal lacks, %v", len(ps), err)
	}
	disk.append = nil
	ps, err = s.PendingPayouts(ctx)
	must(t, err)
	if len(ps) != 1 {
		t.Error("it is never sent")
	}
	raw, _ := os.ReadFile(path + ".bindings")
	if !bytes.Contains(raw, []byte(`"txid":"p"`)) {
		t.Error("the journal lacks it")
	}
	must(t, s.Close())
}

// The same when both are in one group of the writer.
func TestPayoutIsNotSentBeforeTheJournalHasItInOneGroup(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	disk := new(failingDisk)
	s := open(t, Options{Path: path, Disk: disk})
	p := payable(t, s)
	release, began := make(chan struct{}), make(chan struct{})
	go func() { _ = s.update(ctx, func(*txn) error { close(began); <-release; return nil }) }()
	<-began
	disk.append = func(func() error) error { return errIO }
	stored, asked := make(chan error, 1), make(chan error, 1)
	var ps []teller.Payout
	go func() { stored <- s.CreatePayout(ctx, p) }()
	for len(s.w.steps) == 0 {
		runtime.Gosched()
	}
	go func() { got, err := s.PendingPayouts(ctx); ps = got; asked <- err }()
	for len(s.w.steps) < 2 {
		runtime.Gosched()
	}
	close(release)
	<-stored
	if err := <-asked; len(ps) > 0 || err == nil {
		t.Errorf("the sender is given %d payouts that the journal lacks, %v", len(ps), err)
	}
	disk.append = nil
	must(t, s.Close())
}

// The machine loses power while a group is appended; the disk has the last block of it and not the first.
func TestPowerCutInTheMiddleOfAnAppend(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	p := payable(t, s)
	p.Raw = bytes.Repeat([]byte("x"), 20_000)
	info, err := os.Stat(path + ".bindings")
	must(t, err)
	start := info.Size()
	must(t, s.CreatePayout(ctx, p))
	must(t, s.Close())
	cut(t, path, func(raw []byte) []byte { // a file system block that was allocated and not written reads as zeros
		from := start
		for i := from; i < (from/4096+2)*4096; i++ {
			raw[i] = 0
		}
		return raw
	})
	s, err = Open(ctx, Options{Path: path})
	if err != nil {
		t.Fatalf("the start is refused, though the database knows these lines: %v", err)
	}
	must(t, s.Close())
	raw, _ := os.ReadFile(path + ".bindings")
	if !bytes.Contains(raw, []byte(`"txid":"p"`)) || bytes.IndexByte(raw, 0) >= 0 {
		t.Error("the journal lacks the payout, or has zeros")
	}
}
