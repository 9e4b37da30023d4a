package eth

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/skycoin/teller"
)

// Unconfirmed implements teller.Mempool: what transactions send by themselves, in the block that the node is about to
// make, or else in its whole pool. A hosted node may offer neither, which is CodeUnsupported.
func (c *Chain) Unconfirmed(ctx context.Context, watched teller.Watched) ([]teller.Transfer, error) {
	var pending *struct {
		blockID
		Transactions []payment `json:"transactions"`
	}
	err := c.client.call(ctx, &pending, "eth_getBlockByNumber", "pending", true)
	var refused *refusal
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	if err != nil || pending == nil || pending.Number == nil {
		return c.pooled(ctx, watched)
	}
	tip, err := c.Tip(ctx)
	if err != nil {
		return nil, err
	}
	if *pending.Number > maxHeight || int64(*pending.Number) <= tip.Height {
		// It was mined just now, or the node calls its latest block pending.
		transfers, err := c.pooled(ctx, watched)
		if teller.CodeOf(err) == teller.CodeUnsupported {
			return nil, nil
		}
		return transfers, err
	}
	return payments(pending.Transactions, watched), nil
}

// pooled reads the whole pool.
func (c *Chain) pooled(ctx context.Context, watched teller.Watched) ([]teller.Transfer, error) {
	var pool struct {
		Pending map[string]map[string]payment `json:"pending"` // by sender and nonce
	}
	if err := c.client.call(ctx, &pool, "txpool_content"); err != nil {
		return nil, err
	}
	var all []payment
	for _, byNonce := range pool.Pending {
		for _, p := range byNonce {
			all = append(all, p)
		}
	}
	transfers := payments(all, watched)
	slices.SortFunc(transfers, func(a, b teller.Transfer) int { return cmp.Compare(a.TxID, b.TxID) })
	return transfers, nil
}

func payments(all []payment, watched teller.Watched) []teller.Transfer {
	var ts []teller.Transfer
	for _, p := range all {
		if p.To == nil || p.Value == nil || p.Value.ToInt().Sign() <= 0 || p.From != nil && *p.From == *p.To {
			continue
		}
		if watched.Has(p.To[:]) {
			ts = append(ts, teller.Transfer{Address: spell(*p.To), TxID: p.Hash.Hex(), Value: wei(p.Value.ToInt())})
		}
	}
	return ts
}
