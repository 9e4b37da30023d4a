package c2cxsim

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/skycoin/teller"
)

// record is one change: everything that it touched, as it is after it.
type record struct {
	Accounts []*Account `json:"accounts,omitempty"`
	Orders   []*Order   `json:"orders,omitempty"`
	Book     *[]Ask     `json:"book,omitempty"`
	Totals   Totals     `json:"totals"`
}

// journal is an append-only file of records, one a line. It is not safe for concurrent use.
type journal struct {
	f    *os.File
	size int64 // up to the end of the last whole record
}

// openJournal opens or creates a journal and calls replay for each of its records, in order. A last line that was not
// written to its end is cut off. CodeCorrupt, with the line, when a record makes no sense.
func openJournal(path string, replay func(record) error) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, teller.Errorf(teller.CodeUnavailable, "open the simulated exchange's journal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, teller.Errorf(teller.CodeUnavailable, "open the simulated exchange's journal: %w", err)
	}
	j := &journal{f: f}
	if err := j.read(replay); err != nil {
		_ = f.Close() // the first error says more
		return nil, err
	}
	return j, nil
}

func (j *journal) read(replay func(record) error) error {
	lines := bufio.NewReader(j.f)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return j.cut()
		}
		if err != nil {
			return teller.Errorf(teller.CodeUnavailable, "read the simulated exchange's journal: %w", err)
		}
		var r record
		if err = json.Unmarshal(line, &r); err == nil {
			err = replay(r)
		}
		if err != nil {
			return teller.Errorf(teller.CodeCorrupt, "%s:%d is no record of a simulated exchange: %w", j.f.Name(), number, err)
		}
		j.size += int64(len(line))
	}
}

// cut drops everything after the last whole record.
func (j *journal) cut() error {
	if err := j.f.Truncate(j.size); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "cut the simulated exchange's journal: %w", err)
	}
	return nil
}

// append writes one record.
func (j *journal) append(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "encode a record of the simulated exchange: %w", err)
	}
	line = append(line, '\n')
	if _, err := j.f.WriteAt(line, j.size); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "write the simulated exchange's journal: %w", errors.Join(err, j.cut()))
	}
	j.size += int64(len(line))
	return nil
}

func (j *journal) close() error {
	if err := j.f.Close(); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "close the simulated exchange's journal: %w", err)
	}
	return nil
}
