package dummy

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/skycoin/teller"
)

// maxRecord bounds one line: a full block has 32,768 bytes of transactions, twice as many as hex.
const maxRecord = 256 << 10

// journal is an append-only file of JSON records, one a line. It is not safe for concurrent use.
type journal struct {
	f    *os.File
	size int64 // up to the end of the last whole record
}

// openJournal opens or creates a journal and calls replay for each of its records, in order. An incomplete last line,
// which a killed process left behind, is cut off; torn says how many bytes it had. CodeCorrupt, with the line, when
// replay refuses one.
func openJournal(path string, replay func(record []byte) error) (j *journal, torn int64, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, 0, teller.Errorf(teller.CodeUnavailable, "open dummy journal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, teller.Errorf(teller.CodeUnavailable, "open dummy journal: %w", err)
	}
	j = &journal{f: f}
	if torn, err = j.read(replay); err != nil {
		_ = f.Close() // the first error says more
		return nil, 0, err
	}
	return j, torn, nil
}

func (j *journal) read(replay func([]byte) error) (torn int64, err error) {
	r := bufio.NewReaderSize(j.f, maxRecord)
	for line := 1; ; line++ {
		record, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return int64(len(record)), j.cut()
		case errors.Is(err, bufio.ErrBufferFull):
			return 0, j.corrupt(line, errors.New("the line is too long"))
		case err != nil:
			return 0, teller.Errorf(teller.CodeUnavailable, "read dummy journal: %w", err)
		}
		if err := replay(record); err != nil {
			return 0, j.corrupt(line, err)
		}
		j.size += int64(len(record))
	}
}

func (j *journal) corrupt(line int, err error) error {
	return teller.Errorf(teller.CodeCorrupt, "%s:%d: this is no journal of a dummy chain, remove it together with the dummy database: %w", j.f.Name(), line, err)
}

// cut drops everything after the last whole record.
func (j *journal) cut() error {
	if err := j.f.Truncate(j.size); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "cut dummy journal: %w", err)
	}
	return nil
}

// append writes one record. After an error the journal is as it was before.
func (j *journal) append(record any) error {
	line, err := json.Marshal(record)
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "encode dummy journal record: %w", err)
	}
	line = append(line, '\n')
	if len(line) > maxRecord {
		return teller.Errorf(teller.CodeInternal, "dummy journal record of %d bytes is too long", len(line))
	}
	if _, err := j.f.WriteAt(line, j.size); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "write dummy journal: %w", errors.Join(err, j.cut()))
	}
	j.size += int64(len(line))
	return nil
}

func (j *journal) close() error {
	if err := j.f.Close(); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "close dummy journal: %w", err)
	}
	return nil
}
