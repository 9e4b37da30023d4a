package sim

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/skycoin/teller"
)

// skyNode is the Skycoin node as the engine sees it. It implements teller.Node.
type skyNode struct{ *skyChain }

func (n *skyNode) ask(method string, f func(blocks []teller.SkyBlock, m Mode) error) error {
	return n.w.call("node."+method, func(m Mode) error {
		if n.w.down["node"] {
			return teller.Errorf(teller.CodeUnavailable, "the simulated skycoin node is down")
		}
		return f(n.blocks[:max(1, len(n.blocks)-n.lag)], m)
	})
}

func last(blocks []teller.SkyBlock) teller.SkyHead {
	b := blocks[len(blocks)-1]
	return teller.SkyHead{BlockRef: b.BlockRef, Time: b.Time}
}

// Genesis implements teller.Node.
func (n *skyNode) Genesis(context.Context) (hash string, err error) {
	err = n.ask("Genesis", func(blocks []teller.SkyBlock, m Mode) error {
		if hash = blocks[0].Hash; m == Malformed {
			hash = "another network"
		}
		return nil
	})
	return hash, err
}

// Head implements teller.Node.
func (n *skyNode) Head(context.Context) (head teller.SkyHead, err error) {
	err = n.ask("Head", func(blocks []teller.SkyBlock, _ Mode) error { head = last(blocks); return nil })
	return head, err
}

// Synced implements teller.Node.
func (n *skyNode) Synced(context.Context) error {
	return n.ask("Synced", func([]teller.SkyBlock, Mode) error {
		if n.lag > 0 {
			return teller.Errorf(teller.CodeNodeBehind, "the simulated skycoin node lacks %d blocks", n.lag)
		}
		return nil
	})
}

// Rules implements teller.Node.
func (n *skyNode) Rules(context.Context) (rules teller.TxRules, err error) {
	err = n.ask("Rules", func([]teller.SkyBlock, Mode) error {
		rules = teller.TxRules{BurnFactor: 10, MaxSize: 32768, MaxDecimals: 3}
		return nil
	})
	return rules, err
}

// Blocks implements teller.Node.
func (n *skyNode) Blocks(_ context.Context, from, to int64) (found []teller.SkyBlock, err error) {
	err = n.ask("Blocks", func(blocks []teller.SkyBlock, m Mode) error {
		to = min(to, int64(len(blocks))-1)
		if from > to {
			return nil
		}
		found = slices.Clone(blocks[from : to+1])
		if m == Malformed { // of another chain, or of another height
			found[n.w.rng.IntN(len(found))].Parent = n.w.id()
		}
		return nil
	})
	return found, err
}

// Outputs implements teller.Node.
func (n *skyNode) Outputs(_ context.Context, addresses []string) (head teller.SkyHead, outs []teller.Output, err error) {
	err = n.ask("Outputs", func(blocks []teller.SkyBlock, _ Mode) error {
		head = last(blocks)
		all := maps.Clone(n.unspent)
		for id, o := range n.spent { // what a block above the node's head has spent is unspent to it
			if tx := n.spender(id); tx != nil && tx.height > head.Height {
				all[id] = o
			}
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if o := all[id]; o.Height <= head.Height && slices.Contains(addresses, o.Address) {
				outs = append(outs, o)
			}
		}
		return nil
	})
	return head, outs, err
}

// spender is the confirmed transaction that spent an output.
func (n *skyNode) spender(id string) *skyTx {
	for _, b := range n.blocks {
		for _, tx := range b.Txs {
			if slices.Contains(tx.Inputs, id) {
				return n.txs[tx.ID]
			}
		}
	}
	return nil
}

// Pending implements teller.Node.
func (n *skyNode) Pending(context.Context) (txs []teller.SkyTx, err error) {
	err = n.ask("Pending", func(blocks []teller.SkyBlock, _ Mode) error { txs = n.pending(blocks); return nil })
	return txs, err
}

// pending are the transactions that the node has heard of and sees in no block.
func (n *skyNode) pending(blocks []teller.SkyBlock) (txs []teller.SkyTx) {
	for _, id := range slices.Sorted(maps.Keys(n.known)) {
		tx := n.txs[id]
		if tx == nil || !n.known[id] {
			continue
		}
		if tx.height > last(blocks).Height || (tx.height < 0 && slices.Contains(n.pool, tx)) {
			txs = append(txs, tx.SkyTx)
		}
	}
	return txs
}

// Transaction implements teller.Node.
func (n *skyNode) Transaction(_ context.Context, txid string) (found teller.SkyTx, state teller.TxState, err error) {
	err = n.ask("Transaction", func(blocks []teller.SkyBlock, _ Mode) error {
		tx := n.txs[txid]
		switch {
		case tx != nil && tx.height >= 0 && tx.height <= last(blocks).Height:
			state = teller.TxConfirmed
		case tx != nil && n.known[txid] && (tx.height >= 0 || slices.Contains(n.pool, tx)):
			state = teller.TxPending
		default:
			return teller.Errorf(teller.CodeNotFound, "no transaction %s", txid)
		}
		found = tx.SkyTx
		return nil
	})
	return found, state, err
}

// History implements teller.Node.
func (n *skyNode) History(_ context.Context, address string) (found []teller.HistoryTx, err error) {
	err = n.ask("History", func(blocks []teller.SkyBlock, _ Mode) error {
		tell := func(h teller.HistoryTx) {
			for _, in := range h.Inputs {
				h.From = append(h.From, cmp.Or(n.spent[in].Address, n.unspent[in].Address))
			}
			pays := slices.ContainsFunc(h.Outputs, func(o teller.SkyOutput) bool { return o.Address == address })
			if pays || slices.Contains(h.From, address) {
				found = append(found, h)
			}
		}
		for _, b := range blocks {
			for _, tx := range b.Txs {
				tell(teller.HistoryTx{SkyTx: tx, State: teller.TxConfirmed, Height: b.Height})
			}
		}
		for _, tx := range n.pending(blocks) {
			tell(teller.HistoryTx{SkyTx: tx, State: teller.TxPending, Height: teller.UnknownHeight})
		}
		return nil
	})
	return found, err
}

// Inject implements teller.Node.
func (n *skyNode) Inject(_ context.Context, raw []byte) error {
	return n.ask("Inject", func([]teller.SkyBlock, Mode) error { return n.inject(raw) })
}

// skyDeposits are the deposits in SKY: the same chain and node, seen as a deposit chain. It implements teller.Chain.
type skyDeposits struct{ *skyNode }

func (n *skyDeposits) ask(method string, f func(blocks []teller.SkyBlock, m Mode) error) error {
	return n.w.call("sky."+method, func(m Mode) error {
		switch {
		case n.w.down["sky"]:
			return teller.Errorf(teller.CodeUnavailable, "the simulated skycoin node is down")
		case m == Malformed && n.w.chance(500):
			return teller.Errorf(teller.CodeMalformed, "the simulated skycoin node talks nonsense")
		case m == Stale:
			return f(n.blocks[:max(1, len(n.blocks)-1)], "")
		}
		return f(n.blocks[:max(1, len(n.blocks)-n.lag)], m)
	})
}

// Coin implements teller.Chain.
func (n *skyDeposits) Coin() teller.Coin { return teller.SKY }

// Genesis implements teller.Chain.
func (n *skyDeposits) Genesis(context.Context) (hash string, err error) {
	err = n.ask("Genesis", func(blocks []teller.SkyBlock, m Mode) error {
		if hash = blocks[0].Hash; m == Malformed {
			hash = "another network"
		}
		return nil
	})
	return hash, err
}

// Tip implements teller.Chain.
func (n *skyDeposits) Tip(context.Context) (ref teller.BlockRef, err error) {
	err = n.ask("Tip", func(blocks []teller.SkyBlock, m Mode) error {
		if ref = last(blocks).BlockRef; m == Malformed {
			ref.Hash = n.w.id()
		}
		return nil
	})
	return ref, err
}

// BlockHash implements teller.Chain.
func (n *skyDeposits) BlockHash(_ context.Context, height int64) (hash string, err error) {
	err = n.ask("BlockHash", func(blocks []teller.SkyBlock, m Mode) error {
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
func (n *skyDeposits) Block(_ context.Context, height int64, watched teller.Watched) (b teller.Block, err error) {
	err = n.ask("Block", func(blocks []teller.SkyBlock, m Mode) error {
		if height < 0 || height >= int64(len(blocks)) {
			return teller.Errorf(teller.CodeNotFound, "no block %d", height)
		}
		from := blocks[height]
		b = teller.Block{BlockRef: from.BlockRef, Parent: from.Parent}
		for _, tx := range from.Txs {
			for i, o := range tx.Outputs {
				if watched.Has([]byte(o.Address)) {
					b.Transfers = append(b.Transfers, teller.Transfer{
						Address: o.Address, TxID: tx.ID, N: uint32(i), Value: teller.NewAmount(uint64(o.Coins)),
					})
				}
			}
		}
		if m == Malformed {
			b.Parent = n.w.id()
		}
		return nil
	})
	return b, err
}

// WatchKey implements teller.Chain.
func (n *skyDeposits) WatchKey(address string) ([]byte, error) { return []byte(address), nil }
