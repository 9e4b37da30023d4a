package eth

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
)

// link is go-ethereum's client with one websocket, or with the connections of HTTP. The client could replace a websocket
// that is lost by itself, but a request that is being sent at that moment would wait for its answer for ever; so a link
// that is down is given up as a whole.
type link struct {
	*rpc.Client
	down    chan struct{} // closed when the websocket is; never for HTTP
	once    sync.Once     // closes down
	settled func() bool   // the context of dial does not concern the connection any more
}

func dial(ctx context.Context, url string, web *http.Client) (*link, error) {
	l := &link{down: make(chan struct{}), settled: func() bool { return true }}
	var err error
	l.Client, err = rpc.DialOptions(ctx, url,
		rpc.WithHTTPClient(web),
		// Present but empty, it is not sent: it tells net/http that the request may be repeated on a new connection
		// when the node closed a kept one at this moment.
		rpc.WithHeaders(http.Header{"Idempotency-Key": {}}),
		rpc.WithWebsocketDialer(websocket.Dialer{
			Proxy:           http.ProxyFromEnvironment,
			NetDialContext:  l.dial,
			ReadBufferSize:  64 << 10,
			WriteBufferSize: 4 << 10,
		}),
		rpc.WithWebsocketMessageSizeLimit(maxReply))
	l.settled()
	if err != nil {
		return nil, err
	}
	return l, nil
}

// dial makes the link's one connection. The handshake after it looks at the context's deadline, but not at its end, which
// therefore closes the connection.
func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.isDown() {
		return nil, errLost
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	watched := &watchedConn{conn, l}
	l.settled = context.AfterFunc(ctx, func() { _ = watched.Close() })
	return watched, nil
}

func (l *link) isDown() bool {
	select {
	case <-l.down:
		return true
	default:
		return false
	}
}

// do asks until the link is down.
func (l *link) do(ctx context.Context, ask func(context.Context, *rpc.Client) error) error {
	asking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		select {
		case <-l.down:
			stop(errLost)
		case <-finished:
		}
	}()
	err := ask(asking, l.Client)
	if err != nil && errors.Is(context.Cause(asking), errLost) && ctx.Err() == nil {
		return errLost
	}
	return err
}

// watchedConn tells its link when it can not be read any more.
type watchedConn struct {
	net.Conn
	link *link
}

// Read implements net.Conn.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.link.once.Do(func() { close(c.link.down) })
	}
	return n, err
}

// Close implements net.Conn.
func (c *watchedConn) Close() error {
	c.link.once.Do(func() { close(c.link.down) })
	return c.Conn.Close()
}

// bounded fails an answer that is longer than maxReply.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxReply}
	}
	return resp, err
}

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	(&http.Client{Transport: b.RoundTripper}).CloseIdleConnections()
}

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
