package pool

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/skycoin/teller"
)

// jsonKey is the name of a coin's list in a JSON file.
func jsonKey(coin teller.Coin) string { return coin.Lower() + "_addresses" }

// splitJSON is the splitter for JSON files. It reads token by token: a file is never in memory as a whole. Other keys
// than the coin's are skipped, so that one file may serve several coins.
func splitJSON(r io.Reader, coin teller.Coin, emit func(entry)) {
	lines := &lineReader{r: bufio.NewReaderSize(r, 1<<18), line: 1}
	s := jsonSplitter{dec: json.NewDecoder(lines), lines: lines, key: jsonKey(coin), emit: emit}
	if err := s.file(); err != nil {
		emit(entry{place: s.place(0), err: err.Error()})
	}
}

type jsonSplitter struct {
	dec   *json.Decoder
	lines *lineReader
	key   string
	emit  func(entry)
	found bool
}

func (s *jsonSplitter) place(element uint32) place {
	return place{line: s.lines.at(s.dec.InputOffset()), element: element}
}

// token reads the next one. The decoder reports a file that ends within a value in several ways; all of them become one.
func (s *jsonSplitter) token() (json.Token, error) {
	t, err := s.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the file ends in the middle of the JSON")
	}
	if err != nil {
		return nil, fmt.Errorf("the file is no valid JSON: %w", err)
	}
	return t, nil
}

func (s *jsonSplitter) file() error {
	t, err := s.token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf(`the file is no JSON object with a list %q`, s.key)
	}
	for s.dec.More() {
		name, err := s.token()
		if err != nil {
			return err
		}
		if name == s.key {
			err = s.list()
		} else {
			err = s.skip()
		}
		if err != nil {
			return err
		}
	}
	if _, err := s.token(); err != nil { // the closing brace
		return err
	}
	if !s.found {
		return fmt.Errorf(`the JSON object has no list %q`, s.key)
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after the JSON object")
	}
	return nil
}

// list emits the elements of the coin's list.
func (s *jsonSplitter) list() error {
	if s.found {
		return fmt.Errorf("%q is there twice", s.key)
	}
	s.found = true
	t, err := s.token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("%q is no list", s.key)
	}
	for element := uint32(1); s.dec.More(); element++ {
		t, err := s.token()
		if err != nil {
			return err
		}
		e := entry{place: s.place(element)}
		if address, ok := t.(string); ok {
			e.address = address
		} else {
			e.err = "this is no string"
			if err := s.rest(t); err != nil {
				return err
			}
		}
		s.emit(e)
	}
	_, err = s.token() // the closing bracket
	return err
}

// skip reads over one value.
func (s *jsonSplitter) skip() error {
	t, err := s.token()
	if err != nil {
		return err
	}
	return s.rest(t)
}

// rest reads on to the end of the value that begins with t.
func (s *jsonSplitter) rest(t json.Token) error {
	for depth := 0; ; {
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth <= 0 {
			return nil
		}
		var err error
		if t, err = s.token(); err != nil {
			return err
		}
	}
}

// lineReader tells the line of an offset in what was read through it. Offsets must be asked for in ascending order; it
// remembers only the line ends beyond the last one, which the decoder's read-ahead bounds.
type lineReader struct {
	r    io.Reader
	read int64   // bytes
	ends []int64 // offsets of the line ends beyond the last asked
	line uint32
}

func (l *lineReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for from := 0; ; {
		i := bytes.IndexByte(p[from:n], '\n')
		if i < 0 {
			break
		}
		l.ends = append(l.ends, l.read+int64(from+i))
		from += i + 1
	}
	l.read += int64(n)
	return n, err
}

func (l *lineReader) at(offset int64) uint32 {
	for len(l.ends) > 0 && l.ends[0] < offset {
		l.ends = l.ends[1:]
		l.line++
	}
	return l.line
}

// WriteJSON writes a coin's addresses as a JSON file, indented by four spaces.
func WriteJSON(w io.Writer, coin teller.Coin, addresses []string) error {
	if addresses == nil {
		addresses = []string{} // a list, not null
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "    ")
	if err := enc.Encode(map[string][]string{jsonKey(coin): addresses}); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "write addresses: %w", err)
	}
	return nil
}
