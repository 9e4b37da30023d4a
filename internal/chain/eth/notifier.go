package eth

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/skycoin/teller"
)

var errHungUp = errors.New("the node ended the subscription")

// Notify implements teller.Notifier over a websocket, with the node's newHeads and newPendingTransactions. A node that
// refuses to tell of the second tells of blocks alone.
func (c *Chain) Notify(ctx context.Context, notice func(teller.Notice)) error {
	if !c.client.push {
		return teller.Errorf(teller.CodeUnsupported, "ethereum node %s tells nothing over HTTP: set eth_rpc.websocket", c.client.name)
	}
	heads := make(chan json.RawMessage)
	blocks, err := c.client.subscribe(ctx, heads, "newHeads")
	if err != nil {
		return err
	}
	defer blocks.Unsubscribe()
	pool := make(chan json.RawMessage)
	var poolEnds <-chan error
	pending, err := c.client.subscribe(ctx, pool, "newPendingTransactions")
	var refused *refusal
	switch {
	case err == nil:
		defer pending.Unsubscribe()
		poolEnds = pending.Err()
	case !errors.As(err, &refused):
		return err
	}
	notice(teller.NoticeBlock)
	notice(teller.NoticeTransaction)
	for {
		select {
		case <-heads:
			notice(teller.NoticeBlock)
		case <-pool:
			notice(teller.NoticeTransaction)
		case err = <-blocks.Err():
			return c.client.translate(ctx, "eth_subscribe", errors.Join(errHungUp, err))
		case err = <-poolEnds:
			return c.client.translate(ctx, "eth_subscribe", errors.Join(errHungUp, err))
		case <-ctx.Done():
			return c.client.translate(ctx, "eth_subscribe", ctx.Err())
		}
	}
}

// subscribe asks for news, which begin to come before it returns.
func (c *client) subscribe(ctx context.Context, news chan<- json.RawMessage, name string) (*rpc.ClientSubscription, error) {
	var s *rpc.ClientSubscription
	err := c.do(ctx, c.timeout, "eth_subscribe", func(ctx context.Context, r *rpc.Client) (err error) {
		s, err = r.EthSubscribe(ctx, news, name)
		return err
	})
	return s, err
}
