package btc

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"github.com/skycoin/teller"
)

// zmqTopics are what Bitcoin Core publishes. hashtx also comes for each transaction of a new block.
var zmqTopics = map[string]teller.Notice{
	"hashblock": teller.NoticeBlock,
	"hashtx":    teller.NoticeTransaction,
}

// zmqFeed listens to Bitcoin Core's ZeroMQ publisher. A zmq4 socket would connect again by itself and tell nobody; so the
// protocol is spoken on a connection of our own, which ends when it fails. The publisher does not confirm
// subscriptions: what it tells in the moment before it has read them is missed, and polling finds it.
type zmqFeed struct {
	server  string // host:port
	timeout time.Duration
}

// newZMQFeed takes an endpoint as btc_rpc.zmq has it.
func newZMQFeed(endpoint string, timeout time.Duration) (*zmqFeed, error) {
	server, ok := strings.CutPrefix(endpoint, "tcp://")
	if _, _, err := net.SplitHostPort(server); !ok || err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "btc_rpc.zmq %q is not tcp://host:port", endpoint)
	}
	return &zmqFeed{server: server, timeout: timeout}, nil
}

// listen implements feed.
func (f *zmqFeed) listen(ctx context.Context, notice func(teller.Notice)) error {
	conn, err := f.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // wakes the read, which tells
	subscription, err := f.subscribe(ctx, conn)
	if err != nil {
		return err
	}
	notice(teller.NoticeBlock)
	notice(teller.NoticeTransaction)
	for {
		m, err := subscription.RecvMsg()
		if err != nil {
			return f.lost(ctx, err)
		}
		if len(m.Frames) == 0 {
			continue // a heartbeat, answered already
		}
		if n, ok := zmqTopics[string(m.Frames[0])]; ok {
			notice(n)
		}
	}
}

// dial makes a connection that is found to be dead about a minute after the other end has vanished.
func (f *zmqFeed) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.timeout, errTimeout)
	defer cancel()
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: pingEvery, Interval: 10 * time.Second, Count: 3,
	}}
	conn, err := dialer.DialContext(ctx, "tcp", f.server)
	if err != nil {
		return nil, f.lost(ctx, err)
	}
	return conn, nil
}

// subscribe greets the publisher and asks for the topics.
func (f *zmqFeed) subscribe(ctx context.Context, conn net.Conn) (*zmq4.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.timeout, errTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	subscription, err := zmq4.Open(newFrameGuard(conn), null.Security(), zmq4.Sub, nil, false, nil)
	if err != nil {
		return nil, f.lost(ctx, err)
	}
	for topic := range zmqTopics {
		if err := subscription.SendMsg(zmq4.NewMsgString("\x01" + topic)); err != nil {
			return nil, f.lost(ctx, err)
		}
	}
	return subscription, nil
}

// lost is the error for a publisher that can not be listened to.
func (f *zmqFeed) lost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause // that the connection was closed says less
	}
	if errors.Is(err, errTimeout) {
		return teller.Errorf(teller.CodeUnavailable, "the ZeroMQ publisher %s of the bitcoin node does not answer within %s: "+
			"check btc_rpc.zmq", f.server, f.timeout)
	}
	return teller.Errorf(teller.CodeUnavailable, "the ZeroMQ publisher %s of the bitcoin node is lost: %w", f.server, err)
}
