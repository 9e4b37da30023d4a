package btc

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// pipe is the reading end of a connection.
type pipe struct {
	net.Conn
	io.Reader
}

func (p pipe) Read(b []byte) (int, error) { return p.Reader.Read(b) }

func TestFrameGuard(t *testing.T) {
	greeting := make([]byte, zmtpGreeting)
	short := []byte{0x01, 3, 'a', 'b', 'c'}
	long := append([]byte{0x02, 0, 0, 0, 0, 0, 0, 1, 0}, make([]byte, 256)...)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, tc := range []struct {
		name   string
		stream []byte
		wrong  string
	}{
		{"frames of both kinds", join(greeting, short, long, short), ""},
		{"empty frame", join(greeting, []byte{0, 0}, short), ""},
		{"more than any memory", join(greeting, short, []byte{0x02, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}), "no publisher"},
		{"a gigabyte", join(greeting, []byte{0x03, 0, 0, 0, 0, 0x40, 0, 0, 0}), "no publisher"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(tc.stream), iotest.OneByteReader(bytes.NewReader(tc.stream))} {
				got, err := io.ReadAll(newFrameGuard(pipe{Reader: r}))
				if tc.wrong == "" && (err != nil || !bytes.Equal(got, tc.stream)) {
					t.Errorf("read %d of %d bytes, %v", len(got), len(tc.stream), err)
				}
				if tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)) {
					t.Errorf("got %v, want an error that says %q", err, tc.wrong)
				}
			}
		})
	}
}
