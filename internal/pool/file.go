package pool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/skycoin/teller"
)

const (
	maxFileSize = 1 << 30 // bytes; some 25 million addresses
	maxShown    = 20      // mistakes that are written out; the rest is counted
	batchSize   = 1024    // addresses that go to a parser at a time
)

// ReadFile reads a deposit address file. A name that ends in .json is JSON, an object whose btc_addresses, eth_addresses
// or sky_addresses, according to the coin, is a list of strings; any other is text, an address a line, where empty lines
// and lines that begin with # are ignored. Addresses are checked by addrs, which must be safe for concurrent use, and
// kept in its spelling.
//
// A file with any mistake in it (an invalid address, one that is there twice, no address at all) is refused with a
// CodeInvalid error that names the first 20 mistakes with their lines and counts the rest.
func ReadFile(path string, coin teller.Coin, addrs teller.Addresses) (*List, error) {
	f, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, path, size, coin, addrs)
}

// Lines calls f for every address of a file that ReadFile accepts, with the line on which it stands, from 1.
func Lines(path string, coin teller.Coin, addrs teller.Addresses, f func(address string, line int)) error {
	file, _, err := open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var wrong mistakes
	for e := range parsed(skipBOM(file), coin, splitterOf(path), addrs) {
		if e.err != "" {
			wrong.add(e.place, e.err)
			continue
		}
		f(e.address, int(e.line))
	}
	if wrong.count > 0 {
		return wrong.error(path)
	}
	return nil
}

// open returns a file and its size.
func open(path string) (*os.File, int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, openError(err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = openError(err)
	case !info.Mode().IsRegular():
		err = teller.Errorf(teller.CodeInvalid, "address file %s is not a regular file", path)
	case info.Size() > maxFileSize:
		err = teller.Errorf(teller.CodeInvalid, "address file %s has %d bytes: at most %d are read", path, info.Size(), maxFileSize)
	default:
		return f, int(info.Size()), nil
	}
	_ = f.Close()
	return nil, 0, err
}

func openError(err error) error {
	code := teller.CodeUnavailable
	if errors.Is(err, fs.ErrNotExist) {
		code = teller.CodeNotFound
	}
	return teller.Errorf(code, "read address file: %w", err)
}

// read is ReadFile on an open file of about size bytes; path gives its format and its name in errors.
func read(r io.Reader, path string, size int, coin teller.Coin, addrs teller.Addresses) (*List, error) {
	b := newBuilder(coin, size)
	var places []place // of the addresses in b, to name the first of two equal ones
	var wrong mistakes
	for e := range parsed(skipBOM(r), coin, splitterOf(path), addrs) {
		if e.err != "" {
			wrong.add(e.place, e.err)
			continue
		}
		if first, added := b.add(e.address); added {
			places = append(places, e.place)
		} else {
			wrong.add(e.place, fmt.Sprintf("address %s is there twice, first on %s", e.address, places[first]))
		}
	}
	if len(places) == 0 && wrong.count == 0 {
		wrong.add(place{line: 1}, fmt.Sprintf("the file has no %s address", coin))
	}
	if wrong.count > 0 {
		return nil, wrong.error(path)
	}
	return b.list(), nil
}

// skipBOM drops the byte order mark that some editors put before UTF-8.
func skipBOM(r io.Reader) io.Reader {
	head := make([]byte, 3)
	n, _ := io.ReadFull(r, head) // an error comes again with the next Read
	return io.MultiReader(bytes.NewReader(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf"))), r)
}

// place is where an address stands in its file.
type place struct {
	line    uint32 // from 1
	element uint32 // from 1 in the list of a JSON file; 0 in a text file
}

func (p place) String() string {
	if p.element > 0 {
		return fmt.Sprintf("line %d as element %d", p.line, p.element)
	}
	return fmt.Sprintf("line %d", p.line)
}

// entry is one address on its way from the file into the list.
type entry struct {
	place
	address string // as found, then in its canonical spelling
	err     string // "" or what is wrong here
}

// splitter cuts a file into entries, in order. An error that it can not read beyond is the last entry that it emits.
type splitter func(r io.Reader, coin teller.Coin, emit func(entry))

func splitterOf(path string) splitter {
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return splitJSON
	}
	return splitText
}

// parsed yields the entries of a file in order, each checked. Splitting and checking run beside the consumer: checking
// a base58 address costs more than all else together, so it is spread over the processors.
func parsed(r io.Reader, coin teller.Coin, split splitter, addrs teller.Addresses) iter.Seq[entry] {
	type batch struct {
		entries []entry
		checked chan struct{}
	}
	return func(yield func(entry) bool) {
		workers := runtime.GOMAXPROCS(0)
		todo := make(chan *batch)
		inOrder := make(chan *batch, 2*workers) // its size bounds what is in memory
		var running sync.WaitGroup
		defer running.Wait()
		for range workers {
			running.Go(func() {
				for b := range todo {
					for i := range b.entries {
						b.entries[i].check(coin, addrs)
					}
					close(b.checked)
				}
			})
		}
		running.Go(func() {
			defer close(inOrder)
			defer close(todo)
			b := &batch{checked: make(chan struct{})}
			flush := func() {
				inOrder <- b
				todo <- b
				b = &batch{checked: make(chan struct{})}
			}
			split(r, coin, func(e entry) {
				if b.entries = append(b.entries, e); len(b.entries) == batchSize {
					flush()
				}
			})
			flush()
		})
		more := true
		for b := range inOrder { // drained to the end, so that no goroutine is left behind
			<-b.checked
			for i := 0; more && i < len(b.entries); i++ {
				more = yield(b.entries[i])
			}
		}
	}
}

func (e *entry) check(coin teller.Coin, addrs teller.Addresses) {
	if e.err != "" {
		return
	}
	canonical, err := addrs.Parse(e.address)
	if err != nil {
		e.err = fmt.Sprintf("%s is no %s address: %v", quote(e.address), coin, err)
		return
	}
	e.address = canonical
}

// quote bounds what of a file is repeated in a message.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		return fmt.Sprintf("%q...", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
