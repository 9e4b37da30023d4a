package crashtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// gate is the way to a node. It can be shut as if the node were down or hung, while the node itself goes on: one that can
// not be started again where it was, and does not bear to be paused, is disturbed in this way.
type gate struct {
	address string
	node    string

	mu    sync.Mutex
	how   passage
	conns map[net.Conn]bool
}

// passage is what happens to those who come.
type passage int

const (
	opened  passage = iota
	refused         // they are turned away
	hung            // they are let in, and nothing happens
)

func openGate(t *testing.T, node string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{address: l.Addr().String(), node: node, conns: make(map[net.Conn]bool)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go g.serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		g.turn(refused)
	})
	return g
}

// turn opens or shuts the gate. Whoever is connected is cut off, or hangs until the gate is turned again.
func (g *gate) turn(how passage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.how = how
	if how == hung {
		return
	}
	for conn := range g.conns {
		_ = conn.Close()
	}
	clear(g.conns)
}

func (g *gate) serve(client net.Conn) {
	defer client.Close()
	if !g.enter(client) {
		return
	}
	node, err := net.Dial("tcp", g.node)
	if err != nil || !g.enter(node) {
		return
	}
	defer node.Close()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, node}, {node, client}} {
		go func() {
			_, _ = io.Copy(passing{g, way[0]}, way[1])
			_ = way[0].Close()
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	g.leave(client, node)
}

// enter notes a connection, which is closed at once where the gate refuses it.
func (g *gate) enter(conn net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.how == refused {
		_ = conn.Close()
		return false
	}
	g.conns[conn] = true
	return true
}

func (g *gate) leave(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range conns {
		delete(g.conns, conn)
	}
}

// passing writes what may pass. What comes while the gate is hung is lost with the connection, which turn closes.
type passing struct {
	gate *gate
	to   io.Writer
}

// Write implements io.Writer.
func (p passing) Write(b []byte) (int, error) {
	p.gate.mu.Lock()
	how := p.gate.how
	p.gate.mu.Unlock()
	if how == hung {
		return len(b), nil
	}
	return p.to.Write(b)
}
