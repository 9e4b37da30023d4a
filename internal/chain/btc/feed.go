package btc

import (
	"context"

	"github.com/skycoin/teller"
)

// feed is how a node tells of news. listen has the contract of teller.Notifier.
type feed interface {
	listen(ctx context.Context, notice func(teller.Notice)) error
}

// newFeed returns nil when the configuration has none.
func newFeed(cfg Config, c *client) (feed, error) {
	if cfg.ZMQ != "" {
		return newZMQFeed(cfg.ZMQ, c.timeout)
	}
	if s, ok := c.transport.(*socket); ok {
		return &socketFeed{client: c, socket: s, pingEvery: pingEvery}, nil
	}
	return nil, nil
}

// Notify implements teller.Notifier. A connection that is silent is checked, so that it is noticed within about a minute
// when the node's machine has vanished.
func (c *Chain) Notify(ctx context.Context, notice func(teller.Notice)) error {
	if c.feed == nil {
		return teller.Errorf(teller.CodeUnsupported, "bitcoin node %s is not listened to: "+
			"set btc_rpc.websocket for btcd, or btc_rpc.zmq for Bitcoin Core", c.client.server)
	}
	return c.feed.listen(ctx, notice)
}
