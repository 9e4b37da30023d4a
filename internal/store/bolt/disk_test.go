package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

// failingDisk is a disk whose next commits or appends fail.
type failingDisk struct {
	commit func(commit func() error) error // nil = as it should be
	append func(write func() error) error
}

func (d *failingDisk) Commit(commit func() error) error {
	if d.commit != nil {
		return d.commit(commit)
	}
	return realDisk{}.Commit(commit)
}

func (d *failingDisk) Append(lines []byte, write func([]byte) error) error {
	if d.append != nil {
		return d.append(func() error { return write(lines) })
	}
	return write(lines)
}

var errIO = &fs.PathError{Op: "write", Path: "teller.db", Err: syscall.EIO}

// payable brings a ledger to a deposit that is due, and returns the payout that would pay it.
func payable(t *testing.T, s *Store) teller.Payout {
	t.Helper()
	ctx := context.Background()
	terms := teller.ScanTerms{Rate: teller.MustRate("500")}
	save(t, s, terms, 1)
	_, err := s.Bind(ctx, numbered(0), 0)
	must(t, err)
	save(t, s, terms, 2, teller.Transfer{Address: "b0", TxID: "t", Value: teller.NewAmount(1_000_000)})
	d, err := s.Deposit(ctx, "t:0")
	must(t, err)
	_, err = s.Decide(ctx, []teller.Decision{{DepositID: d.ID, Version: d.Version, Owed: 5_000_000}})
	must(t, err)
	out := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux", Address: "hot", Coins: 100_000_000}}
	_, err = s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 1, Hash: "s1"}}, []string{"hot"}, []teller.Output{out}, nil)
	must(t, err)
	d, err = s.Deposit(ctx, "t:0")
	must(t, err)
	return teller.Payout{
		TxID: "p", Raw: []byte("signed"), Inputs: []string{"ux"}, Status: teller.PayoutPending, Height: teller.UnknownHeight,
		Shares: []teller.Share{{DepositID: d.ID, Version: d.Version, Coins: d.Owed}},
	}
}

func save(t *testing.T, s *Store, terms teller.ScanTerms, height int64, transfers ...teller.Transfer) {
	t.Helper()
	hash := func(h int64) string { return fmt.Sprint("h", h) }
	b := teller.Block{BlockRef: teller.BlockRef{Height: height, Hash: hash(height)}, Parent: hash(height - 1), Transfers: transfers}
	_, err := s.SaveBlock(context.Background(), teller.BTC, b, terms)
	must(t, err)
}

// After a disk error in the middle of a commit the ledger answers nothing more: nobody knows what the disk holds. Opened
// anew it is whole, with the commit or without it.
func TestBrokenDiskEndsTheLedger(t *testing.T) {
	for name, c := range map[string]struct {
		commit func(commit func() error) error
		says   string
		stored bool
	}{
		"nothing is written":         {func(func() error) error { return errIO }, "check its disk", false},
		"all is written":             {func(f func() error) error { return errors.Join(f(), errIO) }, "check its disk", true},
		"the file system turns over": {func(func() error) error { return syscall.EROFS }, "mount it writable", false},
		"full, as the sync says":     {realDiskSaying(syscall.ENOSPC), "check its disk", true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "teller.db")
			disk := new(failingDisk)
			s := open(t, Options{Path: path, Disk: disk})
			payout := payable(t, s)
			must(t, s.Condition())
			disk.commit = c.commit
			err := s.CreatePayout(ctx, payout)
			wantCode(t, err, teller.CodeUnavailable)
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("%q says neither %q nor which file", err, c.says)
			}
			disk.commit = nil
			select {
			case <-s.Broken():
			default:
				t.Error("nobody is told that the ledger is broken")
			}
			for what, f := range everything(s) {
				if got := f(ctx); got == nil || got.Error() != err.Error() {
					t.Errorf("%s answers %v, want %v", what, got, err)
				}
			}
			must(t, s.Close())

			s = open(t, Options{Path: path})
			defer s.Close()
			pending, err := s.PendingPayouts(ctx)
			must(t, err)
			if got := len(pending) == 1; got != c.stored {
				t.Errorf("the payout is there: %t, want %t", got, c.stored)
			}
			must(t, s.Condition())
		})
	}
}

func realDiskSaying(err error) func(func() error) error {
	return func(f func() error) error {
		return realDisk{}.Commit(func() error { return errors.Join(f(), err) })
	}
}

// everything is a call of each kind.
func everything(s *Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Condition":      func(context.Context) error { return s.Condition() },
		"Totals":         func(ctx context.Context) error { _, err := s.Totals(ctx); return err },
		"PendingPayouts": func(ctx context.Context) error { _, err := s.PendingPayouts(ctx); return err },
		"BoundAddresses": func(ctx context.Context) error {
			return s.BoundAddresses(ctx, teller.BTC, func(string) error { return nil })
		},
		"Bind":    func(ctx context.Context) error { _, err := s.Bind(ctx, numbered(99), 0); return err },
		"NoteTip": func(ctx context.Context) error { return s.NoteTip(ctx, teller.BTC, 1000) },
	}
}

// A payout is seen by who sends it only when the disk has it for good: until then a power cut could take it away (I2).
func TestPayoutIsNotSentBeforeItIsDurable(t *testing.T) {
	ctx := context.Background()
	disk := new(failingDisk)
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "teller.db"), Disk: disk})
	defer s.Close()
	payout := payable(t, s)
	written, goOn := make(chan struct{}), make(chan struct{})
	disk.commit = func(f func() error) error {
		err := f()
		close(written)
		<-goOn // the sync hangs
		return errors.Join(err, errIO)
	}
	stored := make(chan error, 1)
	go func() { stored <- s.CreatePayout(ctx, payout) }()
	<-written
	type answer struct {
		payouts []teller.Payout
		err     error
	}
	asked := make(chan answer, 1)
	go func() {
		ps, err := s.PendingPayouts(ctx)
		asked <- answer{ps, err}
	}()
	time.Sleep(20 * time.Millisecond) // so that a reader that does not wait has read
	close(goOn)
	wantCode(t, <-stored, teller.CodeUnavailable)
	if got := <-asked; len(got.payouts) > 0 || got.err == nil {
		t.Fatalf("the sender sees %d payouts of a commit that failed: %v", len(got.payouts), got.err)
	}
}

// A full disk refuses each write as a whole, says so, and is no obstacle any more once there is room.
func TestFullDiskRefusesEachStep(t *testing.T) {
	ctx := context.Background()
	for name, step := range map[string]func(s *Store, p teller.Payout) error{
		"bind": func(s *Store, _ teller.Payout) error { _, err := s.Bind(ctx, numbered(1), 0); return err },
		"save": func(s *Store, _ teller.Payout) error {
			b := teller.Block{BlockRef: teller.BlockRef{Height: 3, Hash: "h3"}, Parent: "h2", Transfers: []teller.Transfer{
				{Address: "b0", TxID: "t3", Value: teller.NewAmount(1)},
			}}
			_, err := s.SaveBlock(ctx, teller.BTC, b, teller.ScanTerms{Rate: teller.MustRate("500")})
			return err
		},
		"pay": func(s *Store, p teller.Payout) error { return s.CreatePayout(ctx, p) },
	} {
		for _, full := range []error{
			&fs.PathError{Op: "write", Path: "teller.db", Err: syscall.ENOSPC}, &fs.PathError{Op: "write", Path: "teller.db", Err: syscall.EFBIG},
			&fs.PathError{Op: "write", Path: "teller.db", Err: syscall.EDQUOT}, fmt.Errorf("file resize error: truncate x: %s", syscall.EFBIG.Error()),
		} {
			t.Run(name+"/"+full.Error(), func(t *testing.T) {
				disk := new(failingDisk)
				path := filepath.Join(t.TempDir(), "teller.db")
				s := open(t, Options{Path: path, Disk: disk})
				p := payable(t, s)
				before, err := s.Totals(ctx)
				must(t, err)
				disk.commit = func(func() error) error { return full }
				for _, told := range []error{step(s, p), s.Condition()} {
					wantCode(t, told, teller.CodeUnavailable)
					if !strings.Contains(told.Error(), "free some") || !strings.Contains(told.Error(), path) {
						t.Errorf("%q does not say what to do with which file", told)
					}
				}
				after, err := s.Totals(ctx)
				must(t, err)
				if !reflect.DeepEqual(before, after) {
					t.Errorf("something was written: %+v, was %+v", after, before)
				}
				disk.commit = nil
				must(t, step(s, p))
				must(t, s.Condition())
				must(t, s.Close())
			})
		}
	}
}

// What is committed but not in the journal yet is told as refused, and follows as soon as the disk takes it.
func TestDiskFullBetweenDatabaseAndJournal(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	disk := new(failingDisk)
	s := open(t, Options{Path: path, Disk: disk})
	bindN(t, s, 0)
	disk.append = func(func() error) error { return syscall.ENOSPC }
	_, err := s.Bind(ctx, numbered(1), 0)
	for _, told := range []error{err, s.Condition()} {
		wantCode(t, told, teller.CodeUnavailable)
		if !strings.Contains(told.Error(), path+".bindings") || !strings.Contains(told.Error(), "free some space") {
			t.Errorf("%q does not say what to do with which file", told)
		}
	}
	_, err = s.Bind(ctx, numbered(1), 0)
	wantCode(t, err, teller.CodeAlreadyBound)
	disk.append = nil
	must(t, s.PinChain(ctx, teller.BTC, "genesis")) // any write
	must(t, s.Condition())
	journalHas(t, path, 2)
	must(t, s.Close())
}

// mountTmpfs mounts a small file system.
func mountTmpfs(t *testing.T, size string) (dir string, remount func(options string)) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir, func(options string) {
		t.Helper()
		if out, err := exec.Command("mount", "-o", "remount,"+options, dir).CombinedOutput(); err != nil {
			t.Fatalf("remount: %v: %s", err, out)
		}
	}
}

// takeSpace takes all space that is left in a directory; the file can be removed again.
func takeSpace(t *testing.T, dir string) (name string) {
	t.Helper()
	name = filepath.Join(dir, "filler")
	f, err := os.Create(name)
	must(t, err)
	for _, chunk := range []int{1 << 20, 1 << 12} {
		for err == nil {
			_, err = f.Write(make([]byte, chunk))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	must(t, f.Close())
	return name
}

// A real file system that is full: each answer is kept, nothing else is, and it goes on once there is space.
func TestFullFileSystem(t *testing.T) {
	ctx := context.Background()
	dir, _ := mountTmpfs(t, "16m")
	path := filepath.Join(dir, "teller.db")
	s := open(t, Options{Path: path})
	payout := payable(t, s)
	filler := takeSpace(t, dir)
	bound := 1
	var err error
	for ; bound < 10_000; bound++ {
		if _, err = s.Bind(ctx, numbered(bound), 0); err != nil {
			break
		}
	}
	wantCode(t, err, teller.CodeUnavailable)
	if free, want, ok := s.Space(); !ok || free >= want {
		t.Errorf("%d bytes are free, %d wanted, known %t: nobody would be warned", free, want, ok)
	}
	_, err = Open(ctx, Options{Path: filepath.Join(dir, "another.db")})
	wantCode(t, err, teller.CodeUnavailable)
	if !strings.Contains(err.Error(), "free some") {
		t.Errorf("%q does not say what to do", err)
	}
	err = s.CreatePayout(ctx, payout)
	pending, readErr := s.PendingPayouts(ctx)
	must(t, readErr)
	if (err == nil) != (len(pending) == 1) {
		t.Errorf("CreatePayout says %v, and %d payouts are to be sent", err, len(pending))
	}
	must(t, os.Remove(filler))
	if err != nil {
		must(t, s.CreatePayout(ctx, payout))
	}
	must(t, s.NoteTip(ctx, teller.BTC, 5000))
	must(t, s.Condition())
	must(t, s.Close())
	s = open(t, Options{Path: path})
	defer s.Close()
	sum, err := s.Totals(ctx)
	must(t, err)
	if n := sum.Bound[teller.BTC]; n < bound || n > bound+1 { // the last one may be committed and not journaled
		t.Errorf("%d bindings are there, %d were answered", n, bound)
	}
	hasBindings(t, s, sum.Bound[teller.BTC])
	raw, err := os.ReadFile(path + ".bindings")
	must(t, err)
	if n := bytes.Count(raw, []byte(`"sky_address"`)); n != sum.Bound[teller.BTC] {
		t.Errorf("the journal has %d bindings, the database %d", n, sum.Bound[teller.BTC])
	}
}

func TestReadOnlyFileSystem(t *testing.T) {
	ctx := context.Background()
	dir, remount := mountTmpfs(t, "16m")
	path := filepath.Join(dir, "teller.db")
	s := open(t, Options{Path: path})
	bindN(t, s, 0)
	must(t, s.Close())
	remount("ro")
	for _, name := range []string{"teller.db", "new.db"} {
		_, err := Open(ctx, Options{Path: filepath.Join(dir, name)})
		wantCode(t, err, teller.CodeUnavailable)
		if !strings.Contains(err.Error(), "mount it writable") || !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not say what to do with which file", err)
		}
	}
	remount("rw")
	s = open(t, Options{Path: path})
	defer s.Close()
	hasBindings(t, s, 1)
}
