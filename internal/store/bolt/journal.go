package bolt

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/skycoin/teller"
)

// journal is the file beside the database in which everything stands that an old backup must not have forgotten, each as a
// line of JSON: bindings, so that no buyer is forgotten and no address given away again; payouts with their signed bytes
// and deposits closed by an operator, so that nothing is paid a second time; how many orders there were for a deposit, so
// that nothing is bought a second time. Its first line names the file; the database
// notes the name, the length before its last group of lines and that group's lines. Opening therefore reads the tail only.
//
// A group is committed to the database first and then appended here, and only then are its callers answered. What a
// crash or a full disk left out in between is appended from the database's note.
type journal struct {
	path     string
	file     *os.File
	id       string
	size     int64  // of the lines that are known to be complete
	pending  []byte // committed, but not appended yet because the disk failed
	noSync   bool
	anchored uint64 // the entry of the audit log that was last told; telling it again does no harm
	disk     Disk
}

// journalMark is what the database notes about the journal; the lines stand under their own key.
type journalMark struct {
	ID     string `json:"id"`
	Offset int64  `json:"offset"`
	// Payouts and Orders say that the file was begun by a teller that writes these into it. An older one is written anew.
	Payouts bool `json:"payouts"`
	Orders  bool `json:"orders"`
}

type journalHeader struct {
	ID string `json:"journal"`
}

// mark is what a transaction that adds these lines must note.
func (j *journal) mark(t *txn) {
	t.putJSON(bucketMeta, []byte(metaJournal), journalMark{ID: j.id, Offset: j.size, Payouts: true, Orders: true})
	t.put(bucketMeta, []byte(metaJournalLines), append(bytes.Clone(j.pending), t.lines...))
}

// anchor adds the head of the audit log to the lines of a transaction, when it has moved on since it was last told.
func (j *journal) anchor(t *txn) error {
	seq, hash := t.auditHead()
	if seq == j.anchored {
		return nil
	}
	j.anchored = seq
	return t.journal(journalEntry{Anchor: &journalAnchor{seq, hash}})
}

// append writes committed lines and makes them durable. After an error they stay pending and go out with the next ones.
func (j *journal) append(lines []byte) error {
	j.pending = append(j.pending, lines...)
	if len(j.pending) == 0 {
		return nil
	}
	err := j.disk.Append(j.pending, func(lines []byte) error {
		_, err := j.file.WriteAt(lines, j.size)
		if err == nil && !j.noSync {
			err = j.file.Sync()
		}
		return err
	})
	if err != nil {
		_ = j.file.Truncate(j.size)
		return teller.Errorf(teller.CodeUnavailable, "it is stored, but the journal %s can not be written, which is tried again with the next write: "+
			"free some space, or check its disk: %w", j.path, err)
	}
	j.size += int64(len(j.pending))
	j.pending = nil
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// open opens the file, if it is there, and reads its name.
func (j *journal) open() error {
	f, err := os.OpenFile(j.path, os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return openError(j.path, err)
	}
	j.file = f
	line, err := bufio.NewReader(io.NewSectionReader(f, 0, 256)).ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil // empty
	}
	var h journalHeader
	if err != nil || json.Unmarshal(line, &h) != nil || h.ID == "" {
		return teller.Errorf(teller.CodeCorrupt, "%s is not a journal of bindings: restore it from a backup, or move it away to have it written anew", j.path)
	}
	j.id, j.size = h.ID, int64(len(line))
	return nil
}

// read calls f for every entry from an offset on and cuts a torn end off. A damaged line in front of good ones is
// CodeCorrupt: no crash does that.
func (j *journal) read(offset int64, f func(journalEntry) error) error {
	info, err := j.file.Stat()
	if err != nil {
		return translate(err)
	}
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, offset, max(info.Size()-offset, 0)), 1<<16)
	at, good := offset, offset
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return translate(err)
		}
		at += int64(len(line))
		if err != nil {
			break // the end; without a line feed the last line is torn
		}
		entry, bad := parseJournalLine(line[:len(line)-1])
		if bad != nil {
			continue
		}
		if good != at-int64(len(line)) {
			return teller.Errorf(teller.CodeCorrupt, "the journal %s is damaged at byte %d: restore it from a backup, or move it away to have it written anew", j.path, good)
		}
		if err := f(entry); err != nil {
			return err
		}
		good = at
	}
	if good < info.Size() {
		if err := j.file.Truncate(good); err != nil {
			return translate(err)
		}
	}
	j.size = good
	return nil
}

// rewrite replaces the file by one that holds the lines which list calls its argument for.
func (j *journal) rewrite(list func(add func(line []byte) error) error) error {
	fresh := &journal{path: j.path, id: rand.Text(), noSync: j.noSync, disk: j.disk}
	f, err := os.OpenFile(j.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return openError(j.path+".new", err)
	}
	fresh.file = f
	out := bufio.NewWriterSize(f, 1<<16)
	write := func(line []byte) error {
		n, err := out.Write(line)
		fresh.size += int64(n)
		return err
	}
	head, err := json.Marshal(journalHeader{ID: fresh.id})
	if err == nil {
		err = write(append(head, '\n'))
	}
	if err == nil {
		err = list(write)
	}
	err = errors.Join(err, out.Flush(), f.Sync())
	if err == nil {
		err = errors.Join(os.Rename(j.path+".new", j.path), syncDir(filepath.Dir(j.path)))
	}
	if err != nil {
		_ = f.Close()
		return translate(err)
	}
	_ = j.close()
	*j = *fresh
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
