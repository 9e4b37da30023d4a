package sky

import (
	"context"

	"github.com/skycoin/teller"
)

// Chain reads deposits in SKY. A deposit is an output of a transaction, its number N the output's place in it, its value
// in droplets. Change that comes back to a watched address is an output like any other, and so are the coins with which
// the chain began.
//
// It has what Node has: everything in a block is covered by the hashes that are checked (see block.go), and the key of an
// address is its only spelling. Nodes tell no news by themselves. Chain holds no state and is safe for concurrent use:
// many calls of Block in flight keep a node busy.
type Chain struct{ node *Node }

var (
	_ teller.Chain   = (*Chain)(nil)
	_ teller.Mempool = (*Chain)(nil)
)

// NewChain makes the deposit chain of a node.
func NewChain(node *Node) *Chain { return &Chain{node: node} }

// Close drops the node's idle connections. It can be used on.
func (c *Chain) Close() { c.node.Close() }

// Coin implements teller.Chain.
func (c *Chain) Coin() teller.Coin { return teller.SKY }

// Genesis implements teller.Chain.
func (c *Chain) Genesis(ctx context.Context) (string, error) { return c.node.Genesis(ctx) }

// Tip implements teller.Chain.
func (c *Chain) Tip(ctx context.Context) (teller.BlockRef, error) {
	head, err := c.node.Head(ctx)
	return head.BlockRef, err
}

// BlockHash implements teller.Chain.
func (c *Chain) BlockHash(ctx context.Context, height int64) (string, error) {
	b, err := c.block(ctx, height)
	return b.Hash, err
}

// Block implements teller.Chain.
func (c *Chain) Block(ctx context.Context, height int64, watched teller.Watched) (teller.Block, error) {
	b, err := c.block(ctx, height)
	if err != nil {
		return teller.Block{}, err
	}
	return teller.Block{BlockRef: b.BlockRef, Parent: b.Parent, Transfers: transfers(b.Txs, watched)}, nil
}

// block asks for a page of one: the answer is empty where there is no such block, while a 404 may come from anything.
func (c *Chain) block(ctx context.Context, height int64) (teller.SkyBlock, error) {
	blocks, err := c.node.Blocks(ctx, height, height)
	if err != nil {
		return teller.SkyBlock{}, err
	}
	if len(blocks) == 0 {
		return teller.SkyBlock{}, teller.Errorf(teller.CodeNotFound, "the skycoin node has no block %d", height)
	}
	return blocks[0], nil
}

// Unconfirmed implements teller.Mempool. A node's mempool is small: it is read whole. It may hold a transaction that can
// not confirm any more, for a minute or so.
func (c *Chain) Unconfirmed(ctx context.Context, watched teller.Watched) ([]teller.Transfer, error) {
	txs, err := c.node.Pending(ctx)
	if err != nil {
		return nil, err
	}
	return transfers(txs, watched), nil
}

func transfers(txs []teller.SkyTx, watched teller.Watched) []teller.Transfer {
	var ts []teller.Transfer
	for _, tx := range txs {
		for i, o := range tx.Outputs {
			if !watched.Has([]byte(o.Address)) {
				continue
			}
			ts = append(ts, teller.Transfer{Address: o.Address, TxID: tx.ID, N: uint32(i), Value: teller.NewAmount(uint64(o.Coins))})
		}
	}
	return ts
}

// WatchKey implements teller.Chain: the key is the address itself.
func (c *Chain) WatchKey(address string) ([]byte, error) {
	canonical, err := (Addresses{}).Parse(address)
	if err != nil {
		return nil, err
	}
	return []byte(canonical), nil
}
