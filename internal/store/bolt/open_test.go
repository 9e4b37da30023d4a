package bolt

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/skycoin/teller"
)

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		code teller.Code
		says string
	}{
		"a text file": {func(t *testing.T, path string) {
			must(t, os.WriteFile(path, bytes.Repeat([]byte("not a database\n"), 1000), 0o600))
		}, teller.CodeCorrupt, "restore a backup"},
		"a short file": {func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte("x"), 0o600))
		}, teller.CodeCorrupt, "restore a backup"},
		"a file cut off": {func(t *testing.T, path string) {
			s := open(t, Options{Path: path})
			for i := range 100 {
				bindN(t, s, i)
			}
			must(t, s.Close())
			must(t, os.Truncate(path, 10*4096))
		}, teller.CodeCorrupt, "cut off"},
		"another program's database": {func(t *testing.T, path string) {
			db, err := bolt.Open(path, 0o600, nil)
			must(t, err)
			must(t, db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("wallets")); return err }))
			must(t, db.Close())
		}, teller.CodeCorrupt, "another program"},
		"a newer format": {func(t *testing.T, path string) {
			s := open(t, Options{Path: path})
			must(t, s.db.Update(func(tx *bolt.Tx) error {
				return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaFormat), []byte("99"))
			}))
			must(t, s.Close())
		}, teller.CodeUnsupported, "newer teller"},
		"a directory": {func(t *testing.T, path string) {
			must(t, os.Mkdir(path, 0o700))
		}, teller.CodeUnavailable, "is a directory"},
		"a missing directory": {func(t *testing.T, path string) {
			must(t, os.Remove(filepath.Dir(path)))
		}, teller.CodeUnavailable, "directory does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data", "teller.db")
			must(t, os.Mkdir(filepath.Dir(path), 0o700))
			c.make(t, path)
			_, err := Open(context.Background(), Options{Path: path})
			wantCode(t, err, c.code)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	defer s.Close()
	_, err := Open(context.Background(), Options{Path: path}) // the lock is the file's, not the process'
	wantCode(t, err, teller.CodeUnavailable)
	if !strings.Contains(err.Error(), "another teller") {
		t.Errorf("%q does not say who has the file", err)
	}
	bindN(t, s, 0)
}

func TestOpenErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		code teller.Code
		says string
	}{
		{berrors.ErrTimeout, teller.CodeUnavailable, "stop that one first"},
		{berrors.ErrInvalid, teller.CodeCorrupt, "restore a backup"},
		{berrors.ErrChecksum, teller.CodeCorrupt, "restore a backup"},
		{&fs.PathError{Op: "open", Err: syscall.EACCES}, teller.CodeUnavailable, "right to"},
		{&fs.PathError{Op: "open", Err: syscall.EROFS}, teller.CodeUnavailable, "mount it writable"},
		{&fs.PathError{Op: "open", Err: syscall.ENOSPC}, teller.CodeUnavailable, "space"},
		{&fs.PathError{Op: "open", Err: syscall.ENOENT}, teller.CodeUnavailable, "directory does not exist"},
	} {
		err := openError("teller.db", c.err)
		if teller.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v became %v (%s)", c.err, err, teller.CodeOf(err))
		}
	}
}

func TestBackupIsACompleteLedger(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "teller.db")
	s := open(t, Options{Path: path})
	for i := range 20 {
		bindN(t, s, i)
	}
	var copied bytes.Buffer
	must(t, s.Backup(ctx, &copied))
	bindN(t, s, 20)
	must(t, s.Close())
	left, err := filepath.Glob(path + backupInfix + "*")
	must(t, err)
	if len(left) != 0 {
		t.Errorf("the backup left %v", left)
	}
	elsewhere := filepath.Join(dir, "restored.db")
	must(t, os.WriteFile(elsewhere, copied.Bytes(), 0o600))
	r := open(t, Options{Path: elsewhere})
	defer r.Close()
	hasBindings(t, r, 20)
}

func TestLeftoversOfABackupAreRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "teller.db")
	must(t, os.WriteFile(path+backupInfix+"123", []byte("half"), 0o600))
	must(t, open(t, Options{Path: path}).Close())
	if _, err := os.Stat(path + backupInfix + "123"); err == nil {
		t.Error("a copy of an interrupted backup stays for ever")
	}
}

func TestBlockHashesAreKeptForTenThousandBlocks(t *testing.T) {
	ctx := context.Background()
	s := stopped(t, Options{NoSync: true})
	hash := func(h int64) string { return fmt.Sprint("h", h) }
	const last = keepBlocks + 50
	for h := int64(0); h <= last; {
		var runs []func(*txn) error
		for ; h <= last && len(runs) < 1000; h++ {
			b := teller.Block{BlockRef: teller.BlockRef{Height: h, Hash: hash(h)}, Parent: hash(h - 1)}
			runs = append(runs, func(t *txn) error { return (&blockStep{txn: t, coin: teller.BTC, block: b}).run() })
		}
		for _, err := range group(t, s, runs...) {
			must(t, err)
		}
	}
	for _, h := range []int64{last, last - keepBlocks + 1} {
		got, err := s.SavedHash(ctx, teller.BTC, h)
		must(t, err)
		if got != hash(h) {
			t.Errorf("hash of block %d is %s", h, got)
		}
	}
	_, err := s.SavedHash(ctx, teller.BTC, last-keepBlocks)
	wantCode(t, err, teller.CodeNotFound)
}
