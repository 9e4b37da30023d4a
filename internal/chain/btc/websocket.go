package btc

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"github.com/skycoin/teller"
)

var errClosed = errors.New("the client is closed")

// socket sends all requests over one websocket, many at a time. A connection that fails, or over which an answer did not
// come in time, is given up; the next request makes a new one.
type socket struct {
	endpoint
	url string

	connecting chan struct{} // holds a token while somebody connects; a lock that a caller can stop waiting for
	readers    sync.WaitGroup

	mu     sync.Mutex
	link   *link
	closed bool
}

func newSocket(e endpoint, url string) *socket {
	return &socket{endpoint: e, url: url, connecting: make(chan struct{}, 1)}
}

func (s *socket) close() {
	s.mu.Lock()
	s.closed = true
	l := s.link
	s.mu.Unlock()
	if l != nil {
		l.giveUp(s.unreachable(errClosed))
	}
	s.readers.Wait()
	s.http.CloseIdleConnections()
}

// roundTrip asks once more on a new connection when an old one fails: that the node had hung up long ago may show only
// now. Every request is one that may be repeated.
func (s *socket) roundTrip(ctx context.Context, id uint64, request []byte) (reply, error) {
	l, fresh, err := s.connect(ctx)
	if err != nil {
		return reply{}, err
	}
	r, err := s.exchange(ctx, l, id, request)
	if err == nil || fresh || ctx.Err() != nil {
		return r, err
	}
	if l, _, err = s.connect(ctx); err != nil {
		return reply{}, err
	}
	return s.exchange(ctx, l, id, request)
}

// exchange sends the request and waits for its reply.
func (s *socket) exchange(ctx context.Context, l *link, id uint64, request []byte) (reply, error) {
	answer := l.expect(id)
	defer l.forget(id)
	if err := l.conn.Write(ctx, websocket.MessageText, request); err != nil {
		l.giveUp(s.unreachable(err))
	}
	select {
	case r := <-answer:
		return r, nil
	case <-l.down:
		select {
		case r := <-answer: // the last before the connection failed
			return r, nil
		default:
			return reply{}, l.err
		}
	case <-ctx.Done():
		err := s.unreachable(context.Cause(ctx))
		if errors.Is(context.Cause(ctx), errTimeout) {
			l.giveUp(err) // a machine that vanished leaves a connection that never fails by itself
		}
		return reply{}, err
	}
}

// connect returns the link that is up, or makes a fresh one.
func (s *socket) connect(ctx context.Context) (l *link, fresh bool, err error) {
	select {
	case s.connecting <- struct{}{}:
		defer func() { <-s.connecting }()
	case <-ctx.Done():
		return nil, false, s.unreachable(context.Cause(ctx))
	}
	if l, err := s.current(); l != nil || err != nil {
		return l, false, err
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, false, err
	}
	conn.SetReadLimit(-1) // readBounded has the limit, and says so in an error of ours
	l = &link{conn: conn, waiting: make(map[uint64]chan reply), down: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.conn.CloseNow() // nobody has used it yet
		return nil, false, s.unreachable(errClosed)
	}
	s.link = l
	s.readers.Go(func() { s.read(l) })
	return l, true, nil
}

func (s *socket) current() (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, s.unreachable(errClosed)
	}
	if s.link == nil || s.link.isDown() {
		return nil, nil
	}
	return s.link, nil
}

func (s *socket) dial(ctx context.Context) (*websocket.Conn, error) {
	login := base64.StdEncoding.EncodeToString([]byte(s.user + ":" + s.pass))
	conn, resp, err := websocket.Dial(ctx, s.url, &websocket.DialOptions{
		HTTPClient: s.http,
		HTTPHeader: http.Header{"Authorization": {"Basic " + login}},
	})
	switch {
	case err == nil:
		return conn, nil
	case resp == nil:
		return nil, s.unreachable(err)
	}
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if readErr != nil {
		return nil, s.unreachable(readErr)
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return nil, teller.Errorf(teller.CodeUnavailable,
			"bitcoin node %s offers no websocket, as Bitcoin Core does not: set btc_rpc.websocket to false", s.server)
	}
	return nil, s.badStatus(resp.StatusCode, body)
}

// read hands out replies until the link is down.
func (s *socket) read(l *link) {
	for {
		// Ends when giveUp closes the connection.
		_, message, err := l.conn.Reader(context.Background())
		var body []byte
		var lent *bytes.Buffer
		if err == nil {
			body, lent, err = readBounded(message)
		}
		if err != nil {
			l.giveUp(s.unreachable(err))
			return
		}
		r, err := parseReply(body)
		if err != nil {
			l.giveUp(s.garbage(fmt.Errorf("%w, in %s", err, quote(body))))
			return
		}
		r.lent = lent
		l.deliver(r)
	}
}

// link is one connection with the requests that wait for an answer on it.
type link struct {
	conn *websocket.Conn
	down chan struct{} // closed by giveUp, after which err says why

	mu      sync.Mutex
	waiting map[uint64]chan reply
	err     error
}

func (l *link) expect(id uint64) <-chan reply {
	answer := make(chan reply, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[id] = answer
	return answer
}

func (l *link) forget(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, id)
}

// deliver drops what nobody waits for: an answer that came too late.
func (l *link) deliver(r reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answer, ok := l.waiting[r.id]; ok {
		delete(l.waiting, r.id)
		answer <- r
	}
}

// giveUp ends the link and fails all that wait. Only the first error counts.
func (l *link) giveUp(err error) {
	l.mu.Lock()
	first := l.err == nil
	if first {
		l.err = err
		close(l.down)
	}
	l.mu.Unlock()
	if first {
		_ = l.conn.CloseNow() // it is being given up; how it ends does not matter
	}
}

func (l *link) isDown() bool {
	select {
	case <-l.down:
		return true
	default:
		return false
	}
}
