package bolt

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"

	"github.com/skycoin/teller"
)

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
		return teller.Errorf(teller.CodeCorrupt, "database %s is cut off: it has %d of %d bytes; restore a backup", path, info.Size(), need)
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
