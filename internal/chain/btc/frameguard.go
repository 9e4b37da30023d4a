package btc

import (
	"encoding/binary"
	"fmt"
	"net"
)

const (
	zmtpGreeting = 64       // bytes that open a connection (ZMTP 3.1, section "Protocol grammar")
	zmtpLong     = 0x02     // flag of a frame whose size takes eight bytes instead of one
	maxFrame     = 64 << 10 // notices have some dozen bytes
)

// frameGuard reads a ZMTP connection for a library that makes room for whatever size a frame announces. It fails when a
// frame announces more than maxFrame: whoever listens at that port is no publisher of block notices.
type frameGuard struct {
	net.Conn
	skip   uint64 // bytes up to the next frame's header
	header []byte // as far as it was read
}

func newFrameGuard(conn net.Conn) *frameGuard { return &frameGuard{Conn: conn, skip: zmtpGreeting} }

// Read implements net.Conn.
func (g *frameGuard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if g.skip > 0 {
			passed := min(g.skip, uint64(len(rest)))
			g.skip -= passed
			rest = rest[passed:]
			continue
		}
		g.header = append(g.header, rest[0])
		rest = rest[1:]
		size, whole := frameSize(g.header)
		if !whole {
			continue
		}
		if size > maxFrame {
			return 0, fmt.Errorf("a frame of %d bytes is announced: this is no publisher of hashblock and hashtx", size)
		}
		g.skip, g.header = size, g.header[:0]
	}
	return n, err
}

// frameSize reads a frame's header, when all of it is there: its flags and its size.
func frameSize(header []byte) (size uint64, whole bool) {
	long := header[0]&zmtpLong != 0
	switch {
	case long && len(header) == 9:
		return binary.BigEndian.Uint64(header[1:]), true
	case !long && len(header) == 2:
		return uint64(header[1]), true
	}
	return 0, false
}
