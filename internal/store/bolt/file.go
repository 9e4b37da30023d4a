package bolt

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/skycoin/teller"
)

// openFile opens the bolt file and turns what may be wrong with it into advice. A damaged page may make bolt panic.
func (s *Store) openFile(opts Options) error {
	if err := checkFile(opts.Path); err != nil {
		return err
	}
	db, err := bolt.Open(opts.Path, 0o600, &bolt.Options{
		Timeout:        lockWait,
		NoFreelistSync: true, // so that opening writes nothing; see writer.noteFreePages for later
		FreelistType:   bolt.FreelistMapType,
		// Room to grow without a new mapping, which would have to wait for every reader.
		InitialMmapSize: mapSize(opts.Path),
		NoSync:          opts.NoSync,
		MaxSize:         opts.maxSize,
	})
	if err != nil {
		return openError(opts.Path, err)
	}
	db.NoFreelistSync = false
	s.db = db
	return nil
}

func openError(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return teller.Errorf(teller.CodeUnavailable, "database %s is in use: another teller runs with it, stop that one first", path)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return teller.Errorf(teller.CodeCorrupt, "%s is not a teller database, or it is damaged: name the right dbfile, or restore a backup: %w", path, err)
	case errors.Is(err, os.ErrPermission):
		return teller.Errorf(teller.CodeUnavailable, "%s can not be written: give teller's user the right to write it and its directory: %w", path, err)
	case errors.Is(err, os.ErrNotExist):
		return teller.Errorf(teller.CodeUnavailable, "database %s can not be made: its directory does not exist: %w", path, err)
	case errors.Is(err, syscall.EISDIR):
		return teller.Errorf(teller.CodeUnavailable, "%s is a directory: name a file as dbfile: %w", path, err)
	case errors.Is(err, syscall.EROFS):
		return readOnly(path, err)
	case outOfSpace(err):
		return noSpace(path, err)
	}
	return teller.Errorf(teller.CodeUnavailable, "%s can not be opened: %w", path, err)
}

func mapSize(path string) int {
	const room = 1 << 30
	if strconv.IntSize < 64 {
		return 1 << 26
	}
	info, err := os.Stat(path)
	if err != nil {
		return room
	}
	return int(info.Size()) + room
}

// Space that must be free on the disk of the database.
const (
	startSpace = 1 << 20  // to begin: less would be used up by the first blocks
	spareSpace = 64 << 20 // beside as much as the database takes: a backup is made beside it
)

// checkSpace refuses a disk that is as good as full.
func checkSpace(path string) error {
	free, ok := freeSpace(filepath.Dir(path))
	if ok && free < startSpace {
		return teller.Errorf(teller.CodeUnavailable, "only %d kB are free on the disk of %s: free some, nothing was started", free>>10, path)
	}
	return nil
}

// Space reports how many bytes are free on the disk of the database, and how many should be: to grow, and for a copy of
// it, which a backup needs. ok is false where that is not known.
func (s *Store) Space() (free, want uint64, ok bool) {
	free, ok = freeSpace(filepath.Dir(s.path))
	want = spareSpace
	if info, err := os.Stat(s.path); err == nil {
		want += uint64(info.Size())
	}
	return free, want, ok
}

// Where things stand in a meta page of a bolt file, of which there is one at the start of each of the first two pages.
const (
	boltMagic    = 0xED0CDAED
	metaAt       = 16          // behind the page's own header
	metaPageSize = metaAt + 8  // uint32
	metaPages    = metaAt + 40 // uint64: number of pages in use
	metaTxID     = metaAt + 48 // uint64
	metaSum      = metaAt + 56 // uint64: FNV-1a of what is before it
	metaEnd      = metaAt + 64
)

// checkFile finds out whether a database file ends before its last page, as an interrupted copy does: bolt maps the file
// into memory and would fault there. A file that does not exist or is empty is fine, and whatever else is wrong bolt
// tells.
func checkFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil
	}
	need := neededSize(f)
	if info.Mode().IsRegular() && need > info.Size() {
		return teller.Errorf(teller.CodeCorrupt, "database %s is cut off, it has %d of %d bytes: restore a backup", path, info.Size(), need)
	}
	return nil
}

// neededSize is the length that the newest valid meta page asks for; 0 when there is none. Both pages are valid but for
// a crash during a commit, and then the older one counts.
func neededSize(f io.ReaderAt) int64 {
	first, size := readMeta(f, 0)
	var best, txid uint64
	if size == 0 {
		size = uint64(os.Getpagesize())
	}
	second, _ := readMeta(f, int64(size))
	for _, m := range [][]byte{first, second} {
		if m == nil {
			continue
		}
		if tx := binary.NativeEndian.Uint64(m[metaTxID:]); best == 0 || tx > txid {
			best, txid = binary.NativeEndian.Uint64(m[metaPages:]), tx
		}
	}
	const sane = 1 << 40 // pages; beyond it the number is garbage
	if best > sane {
		return 0
	}
	return int64(best * size)
}

// readMeta reads the meta page at an offset, with its page size; nil when it is not valid.
func readMeta(f io.ReaderAt, at int64) ([]byte, uint64) {
	m := make([]byte, metaEnd)
	if _, err := f.ReadAt(m, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0
	}
	sum := fnv.New64a()
	sum.Write(m[metaAt:metaSum])
	if binary.NativeEndian.Uint32(m[metaAt:]) != boltMagic || binary.NativeEndian.Uint64(m[metaSum:]) != sum.Sum64() {
		return nil, 0
	}
	size := uint64(binary.NativeEndian.Uint32(m[metaPageSize:]))
	if size < 512 || size > 1<<16 {
		return nil, 0
	}
	return m, size
}
