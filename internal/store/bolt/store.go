package bolt

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// Options say how a ledger is opened.
type Options struct {
	Path   string       // of the database; made when it does not exist. The journal is Path + ".bindings"
	Clock  teller.Clock // nil = the system's
	Logger *slog.Logger // nil = none
	NoSync bool         // lose writes on a crash of the machine: for tests and for filling benchmarks only
	Disk   Disk         // nil = the machine's

	maxSize int // bytes; 0 = no bound. Stands in for a full disk in tests
}

// Store is the ledger in a bbolt file. It implements teller.Store and is safe for concurrent use.
type Store struct {
	path      string
	db        *bolt.DB
	journal   *journal
	disk      Disk
	w         *writer
	condition *condition
	clock     teller.Clock
	log       *slog.Logger
	once      sync.Once
	closeErr  error
}

var _ teller.Store = (*Store)(nil)

// lockWait is how long Open waits for another process to let go of the file.
const lockWait = time.Second

// Open opens the ledger, or makes an empty one. A database of the original teller is copied to Path + ".before-import"
// and taken over; one of an older format is copied to Path + ".before-upgrade" and brought to the present one. Errors: CodeUnavailable when another process has the file open, or it can not be read or written;
// CodeCorrupt when it is damaged, belongs to another program or contradicts the journal; CodeUnsupported when a newer
// teller wrote it.
func Open(ctx context.Context, opts Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, translate(err)
	}
	s := &Store{path: opts.Path, clock: opts.Clock, log: opts.Logger, condition: newCondition()}
	if s.clock == nil {
		s.clock = systemClock{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if opts.Disk == nil {
		opts.Disk = realDisk{}
	}
	s.disk = opts.Disk
	if err := checkSpace(opts.Path); err != nil {
		return nil, err
	}
	if err := s.guard(func() error { return s.openFile(opts) }); err != nil {
		return nil, err
	}
	if err := s.guard(s.prepare); err != nil {
		if s.journal != nil {
			_ = s.journal.close()
		}
		_ = s.db.Close()
		return nil, err
	}
	s.w = newWriter(s)
	return s, nil
}

// prepare makes the schema, takes over a database of the original, and brings the journal in line.
func (s *Store) prepare() error {
	kind, err := s.kind()
	if err != nil {
		return err
	}
	switch kind {
	case kindEmpty:
		err = translate(s.apply(createBuckets))
	case kindOriginal:
		err = s.importOriginal()
	case kindSpelled, kindUnchained, kindOrderless, kindUntold:
		err = s.upgrade(kind)
	}
	if err != nil {
		return err
	}
	removeStale(s.path)
	return s.openJournal()
}

type kind int

const (
	kindEmpty kind = iota
	kindOriginal
	kindSpelled   // ours, of format 1
	kindUnchained // ours, of format 2
	kindOrderless // ours, of format 3
	kindUntold    // ours, of format 4
	kindOurs
)

// kind finds out what database this is.
func (s *Store) kind() (k kind, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		t := &txn{tx: tx}
		if format := t.get(bucketMeta, []byte(metaFormat)); format != nil {
			switch string(format) {
			case formatVersion:
				k = kindOurs
			case formatUntold:
				k = kindUntold
			case formatOrderless:
				k = kindOrderless
			case formatUnchained:
				k = kindUnchained
			case formatSpelled:
				k = kindSpelled
			default:
				return teller.Errorf(teller.CodeUnsupported, "database %s has format %s, this teller knows %s: use the newer teller that wrote it", s.path, format, formatVersion)
			}
			return nil
		}
		for _, name := range originalBuckets() {
			if t.bucket(name) != nil {
				k = kindOriginal
				return nil
			}
		}
		if first, _ := tx.Cursor().First(); first != nil {
			return teller.Errorf(teller.CodeCorrupt, "database %s belongs to another program (it has a bucket %q): name another dbfile", s.path, first)
		}
		return nil
	})
	return k, translate(err)
}

func createBuckets(tx *bolt.Tx) error {
	for _, name := range ownBuckets() {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaFormat), []byte(formatVersion))
}

// Close implements teller.Store. A second call does nothing.
func (s *Store) Close() error {
	s.once.Do(func() {
		if s.w == nil { // opened for reading
			s.closeErr = translate(s.db.Close())
			return
		}
		s.w.close()
		// An orderly end notes the free pages, however many, which spares the next start the search for them.
		s.db.NoFreelistSync = false
		var err error
		if s.condition.usable() == nil {
			err = s.db.Update(func(*bolt.Tx) error { return nil })
		}
		s.closeErr = translate(errors.Join(err, s.db.Close(), s.journal.close()))
	})
	return s.closeErr
}

// now is the time to note, in whole seconds: what is stored must read back as it was returned.
func (s *Store) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

func (s *Store) view(ctx context.Context, f func(*txn) error) error {
	if err := ctx.Err(); err != nil {
		return translate(err)
	}
	if err := s.condition.usable(); err != nil {
		return err
	}
	return translate(s.guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error { return f(&txn{tx: tx}) })
	}))
}

// apply is one write before the writer runs, while the ledger is opened.
func (s *Store) apply(f func(*bolt.Tx) error) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // also of one that a damaged page ends; after the commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	if err := s.disk.Commit(tx.Commit); err != nil {
		_, told := writeError(s.path, err)
		return told
	}
	return nil
}

func (s *Store) update(ctx context.Context, f func(*txn) error) error {
	if s.w == nil {
		return s.read(ctx, f)
	}
	return s.w.do(ctx, f)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// removeStale removes copies that an interrupted backup left.
func removeStale(path string) {
	left, _ := filepath.Glob(path + backupInfix + "*")
	for _, name := range left {
		_ = os.Remove(name)
	}
}
