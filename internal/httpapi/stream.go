package httpapi

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/skycoin/teller"
)

// pageSize is how many rows are in memory at a time.
const pageSize = 500

// stall is how long a client may take for one chunk of a streamed answer before it is given up.
const stall = time.Minute

// position is how far a listing has come.
type position struct {
	after uint64 // Seq of the last row
	left  int    // rows that may still be sent; -1 = all there are
}

// positionOf reads the query arguments after and limit.
func positionOf(q url.Values) (*position, error) {
	pos := &position{left: -1}
	if s := q.Get("after"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, badRequest("Invalid after")
		}
		pos.after = n
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, badRequest("Invalid limit")
		}
		pos.left = n
	}
	return pos, nil
}

// turn fetches the next page and shapes its rows for the answer. No rows means that the listing is complete.
func turn[T, J any](
	pos *position, fetch func(after uint64, limit int) ([]T, error), seq func(*T) uint64, shape func(*T) J,
) ([]J, error) {
	limit := pageSize
	if pos.left >= 0 {
		limit = min(limit, pos.left)
	}
	if limit == 0 {
		return nil, nil
	}
	rows, err := fetch(pos.after, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	last := seq(&rows[len(rows)-1])
	if last <= pos.after { // the listing would never end
		return nil, teller.Errorf(teller.CodeCorrupt, "page after row %d ends with row %d", pos.after, last)
	}
	pos.after = last
	if pos.left > 0 {
		pos.left -= min(pos.left, len(rows))
	}
	shaped := make([]J, len(rows))
	for i := range rows {
		shaped[i] = shape(&rows[i])
	}
	return shaped, nil
}

// streamList answers with {"name": [rows]}, page by page until next returns none.
func streamList[J any](w http.ResponseWriter, r *http.Request, name string, next func() ([]J, error)) error {
	page, err := next() // before anything is written: its error can still be answered
	if err != nil {
		return err
	}
	out := startStream(w, "application/json")
	if r.Method == http.MethodHead {
		return nil
	}
	first := true
	_, _ = out.WriteString("{\n" + indent + strconv.Quote(name) + ": [") // bufio keeps its first error for Flush
	for len(page) > 0 {
		for _, row := range page {
			if err := writeRow(out, row, first); err != nil {
				return &errBroken{err}
			}
			first = false
		}
		if page, err = next(); err != nil {
			return &errBroken{err}
		}
	}
	if !first {
		_, _ = out.WriteString("\n" + indent)
	}
	_, _ = out.WriteString("]\n}\n")
	if err := out.Flush(); err != nil {
		return &errBroken{err}
	}
	return nil
}

// writeRow writes one element of an array that is itself a field of the outermost object.
func writeRow(out *bufio.Writer, row any, first bool) error {
	b, err := json.MarshalIndent(row, indent+indent, indent)
	if err != nil {
		return err
	}
	sep := ",\n"
	if first {
		sep = "\n"
	}
	_, _ = out.WriteString(sep + indent + indent)
	_, err = out.Write(b)
	return err
}

// startStream begins an answer of unknown length.
func startStream(w http.ResponseWriter, contentType string) *bufio.Writer {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	return bufio.NewWriterSize(newPatientWriter(w), 32<<10)
}

// patientWriter lets an answer take as long as it needs while the client keeps reading: the server's write deadline
// counts anew for every chunk.
type patientWriter struct {
	w       io.Writer
	control *http.ResponseController
	written bool
}

// newPatientWriter suspends the write deadline until the first write: preparing a big answer may take its time.
func newPatientWriter(w http.ResponseWriter) *patientWriter {
	p := &patientWriter{w: w, control: http.NewResponseController(w)}
	_ = p.control.SetWriteDeadline(time.Time{}) // not every ResponseWriter has one
	return p
}

func (p *patientWriter) Write(b []byte) (int, error) {
	p.written = true
	_ = p.control.SetWriteDeadline(time.Now().Add(stall))
	return p.w.Write(b)
}
