package pool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/skycoin/teller"
)

const maxLine = 64 << 10 // bytes

// splitText is the splitter for text files.
func splitText(r io.Reader, _ teller.Coin, emit func(entry)) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	at := place{}
	for lines.Scan() {
		at.line++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		emit(entry{place: at, address: line})
	}
	at.line++
	switch err := lines.Err(); {
	case err == nil:
	case errors.Is(err, bufio.ErrTooLong):
		emit(entry{place: at, err: fmt.Sprintf("the line is longer than %d bytes: this is no list of addresses", maxLine)})
	default:
		emit(entry{place: at, err: fmt.Sprintf("the file can not be read further: %v", err)})
	}
}

// WriteText writes addresses as a text file, one a line.
func WriteText(w io.Writer, addresses []string) error {
	b := bufio.NewWriter(w)
	for _, address := range addresses {
		b.WriteString(address)
		b.WriteByte('\n')
	}
	if err := b.Flush(); err != nil { // bufio keeps the first error
		return teller.Errorf(teller.CodeUnavailable, "write addresses: %w", err)
	}
	return nil
}
