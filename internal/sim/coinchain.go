package sim

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// payment is what somebody pays to a deposit address. It is the same output wherever it is mined.
type payment struct {
	teller.Transfer
	coin   teller.Coin
	late   bool  // untold once: a node that traces tells of it now
	untold bool  // moved by a contract, where no transfer shows it
	height int64 // of the block of the best chain that holds it, -1 = in none
	whale  bool  // more than the wallet ever has
	gone   bool  // spent elsewhere: it will never be mined (again)

	fate // what the model knows of it
}

func (p *payment) id() string { return teller.DepositID(p.TxID, p.N) }

// coinBlock is a block of a deposit chain.
type coinBlock struct {
	teller.BlockRef
	parent   string
	payments []*payment
}

// coinChain is the BTC or the ETH network, and the one node of it that the engine asks.
type coinChain struct {
	w       *world
	coin    teller.Coin
	blocks  []*coinBlock // the best chain, by height
	before  []*coinBlock // as it was before the last change
	asOf    int          // the last version of the world with before
	mempool []*payment
	highest int64 // that any best chain ever had
}

func newCoinChain(w *world, coin teller.Coin) *coinChain {
	c := &coinChain{w: w, coin: coin}
	c.blocks = []*coinBlock{{BlockRef: teller.BlockRef{Hash: coin.Lower() + "-genesis"}}}
	c.before = c.blocks
	return c
}

func (c *coinChain) tip() *coinBlock { return c.blocks[len(c.blocks)-1] }

// pay puts payments into the mempool.
func (c *coinChain) pay(ps ...*payment) {
	c.mempool = append(c.mempool, ps...)
}

// mine makes blocks. The first of them holds what the mempool has, or a part of it.
func (c *coinChain) mine(n int) {
	c.before, c.asOf = slices.Clone(c.blocks), c.w.version
	for range n {
		tip := c.tip()
		b := &coinBlock{BlockRef: teller.BlockRef{Height: tip.Height + 1, Hash: c.w.id()}, parent: tip.Hash}
		var left []*payment
		for _, p := range c.mempool {
			if c.w.chance(150) {
				left = append(left, p)
				continue
			}
			p.height = b.Height
			b.payments = append(b.payments, p)
		}
		c.mempool = left
		c.blocks = append(c.blocks, b)
	}
	c.highest = max(c.highest, c.tip().Height)
	c.w.note("%s: %d blocks mined, the tip is %d %.10s", c.coin, n, c.tip().Height, hashEnd(c.tip().Hash))
	c.w.changed()
}

// hashEnd is the part of a made-up hash that differs from others.
func hashEnd(h string) string { return h[max(0, len(h)-8):] }

// reorg replaces the last blocks by other and more ones. What they held is mined again, now or later, or never.
func (c *coinChain) reorg(depth int) {
	depth = min(depth, len(c.blocks)-1)
	if depth == 0 {
		return
	}
	c.w.reorgs++
	c.before, c.asOf = slices.Clone(c.blocks), c.w.version
	old := c.blocks[len(c.blocks)-depth:]
	c.blocks = slices.Clone(c.blocks[:len(c.blocks)-depth])
	for _, b := range old {
		for _, p := range b.payments {
			p.height = -1
			p.left = true
			if c.w.chance(150) {
				p.gone = true
				c.w.note("%s: payment %s is gone for good", c.coin, p.id())
				continue
			}
			c.mempool = append(c.mempool, p)
		}
	}
	c.w.note("%s: reorg of depth %d from height %d", c.coin, depth, old[0].Height)
	before, asOf := c.before, c.asOf
	c.mine(depth + c.w.between(0, 2)) // as long as before is a reorg, too
	c.before, c.asOf = before, asOf
}

// chainNode is the node of a coinChain as the engine sees it. It implements teller.Chain.
type chainNode struct {
	*coinChain
	name string
}

// Coin implements teller.Chain.
func (n *chainNode) Coin() teller.Coin { return n.coin }

func (n *chainNode) ask(method string, f func(blocks []*coinBlock, m Mode) error) error {
	return n.w.call(n.name+"."+method, func(m Mode) error {
		switch {
		case n.w.down[n.name]:
			return teller.Errorf(teller.CodeUnavailable, "the simulated %s node is down", n.coin)
		case m == Malformed && n.w.chance(500):
			return teller.Errorf(teller.CodeMalformed, "the simulated %s node talks nonsense", n.coin)
		case m == Stale:
			seen := n.w.model.stale
			seen[n.coin] = min(seen[n.coin], n.asOf)
			return f(n.before, "")
		}
		return f(n.blocks, m)
	})
}

// Genesis implements teller.Chain.
func (n *chainNode) Genesis(context.Context) (hash string, err error) {
	err = n.ask("Genesis", func(blocks []*coinBlock, m Mode) error {
		hash = blocks[0].Hash
		if m == Malformed {
			hash = "another network"
		}
		return nil
	})
	return hash, err
}

// Tip implements teller.Chain.
func (n *chainNode) Tip(context.Context) (ref teller.BlockRef, err error) {
	err = n.ask("Tip", func(blocks []*coinBlock, m Mode) error {
		ref = blocks[len(blocks)-1].BlockRef
		if m == Malformed {
			ref.Hash = n.w.id()
		}
		return nil
	})
	return ref, err
}

// BlockHash implements teller.Chain.
func (n *chainNode) BlockHash(_ context.Context, height int64) (hash string, err error) {
	err = n.ask("BlockHash", func(blocks []*coinBlock, m Mode) error {
		if height < 0 || height >= int64(len(blocks)) {
			return teller.Errorf(teller.CodeNotFound, "no block %d", height)
		}
		if hash = blocks[height].Hash; m == Malformed {
			hash = n.w.id()
		}
		return nil
	})
	return hash, err
}

// Block implements teller.Chain.
func (n *chainNode) Block(_ context.Context, height int64, watched teller.Watched) (b teller.Block, err error) {
	err = n.ask("Block", func(blocks []*coinBlock, m Mode) error {
		if height < 0 || height >= int64(len(blocks)) {
			return teller.Errorf(teller.CodeNotFound, "no block %d", height)
		}
		from := blocks[height]
		if m == Malformed && height > 0 && n.w.chance(500) {
			from = blocks[height-1]
			m = ""
		}
		b = teller.Block{BlockRef: from.BlockRef, Parent: from.parent}
		for _, p := range from.payments {
			if !p.untold && watched.Has([]byte(p.Address)) {
				b.Transfers = append(b.Transfers, p.Transfer)
			}
		}
		if m == Malformed && height > 0 { // adapters compute the hash; the first block would leave nothing to go back to
			b.Hash = n.w.id()
			n.w.model.doubt(from.payments)
		}
		return nil
	})
	return b, err
}

// WatchKey implements teller.Chain.
func (n *chainNode) WatchKey(address string) ([]byte, error) { return []byte(address), nil }

// Unconfirmed implements teller.Mempool.
func (n *chainNode) Unconfirmed(_ context.Context, watched teller.Watched) (ts []teller.Transfer, err error) {
	err = n.ask("Unconfirmed", func([]*coinBlock, Mode) error {
		for _, p := range n.mempool {
			if watched.Has([]byte(p.Address)) {
				ts = append(ts, p.Transfer)
			}
		}
		return nil
	})
	return ts, err
}

// balanceNode is a chainNode whose addresses have balances. It implements teller.BalanceReader.
type balanceNode struct{ *chainNode }

// Balances implements teller.BalanceReader.
func (n *balanceNode) Balances(_ context.Context, at teller.BlockRef, addresses []string) (values []teller.Amount, err error) {
	err = n.ask("Balances", func(blocks []*coinBlock, _ Mode) error {
		if at.Height >= int64(len(blocks)) || blocks[at.Height].Hash != at.Hash {
			return teller.Errorf(teller.CodeNotFound, "no block %s", at.Hash)
		}
		sums := make(map[string]teller.Amount)
		for _, b := range blocks[:at.Height+1] {
			for _, p := range b.payments {
				sums[p.Address] = sums[p.Address].Add(p.Value)
			}
		}
		for _, a := range addresses {
			values = append(values, sums[a])
		}
		return nil
	})
	return values, err
}
