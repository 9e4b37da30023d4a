package eth

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/skycoin/teller"
)

// successful leaves the moves whose transaction succeeded.
func (c *Chain) successful(ctx context.Context, b *block, moves []move) ([]move, error) {
	if len(moves) == 0 {
		return nil, nil // as in almost every block
	}
	receipts, err := c.receipts(ctx, b, moves)
	if err != nil {
		return nil, err
	}
	var good []move
	for _, m := range moves {
		r := receipts[m.index]
		if r == nil || r.TxHash != b.Transactions[m.index].id() || r.BlockHash != *b.Hash || r.TransactionIndex != uint(m.index) {
			return nil, c.client.malformed("transaction %d of block %s has the receipt of another", m.index, b.Hash)
		}
		if len(r.PostState) > 0 {
			return nil, teller.Errorf(teller.CodeUnsupported,
				"block %d is older than Byzantium: its receipts do not say whether a transaction succeeded", uint64(*b.Number))
		}
		if r.Status == types.ReceiptStatusSuccessful {
			good = append(good, m)
		}
	}
	return good, nil
}

// receipts are those of the moves' transactions, and maybe others, by their index in the block.
func (c *Chain) receipts(ctx context.Context, b *block, moves []move) (map[int]*types.Receipt, error) {
	var all []*types.Receipt
	err := c.client.call(ctx, &all, "eth_getBlockReceipts", b.Hash)
	var refused *refusal
	if errors.As(err, &refused) {
		return c.singleReceipts(ctx, b, moves) // an older node, or one that serves only some methods
	}
	if err != nil {
		return nil, err
	}
	if all == nil {
		return nil, c.dropped(b)
	}
	byIndex := make(map[int]*types.Receipt, len(all))
	for i, r := range all {
		if r == nil {
			return nil, c.client.malformed("a receipt of block %s is null", b.Hash)
		}
		byIndex[i] = r
	}
	if len(all) != len(b.Transactions) || b.provable && rootOf(types.Receipts(all)) != b.ReceiptHash {
		return nil, c.client.malformed("the receipts of block %s are not those that its header names", b.Hash)
	}
	return byIndex, nil
}

func (c *Chain) singleReceipts(ctx context.Context, b *block, moves []move) (map[int]*types.Receipt, error) {
	single := make([]*types.Receipt, len(moves))
	calls := make([]rpc.BatchElem, len(moves))
	for i, m := range moves {
		id := b.Transactions[m.index].id()
		calls[i] = rpc.BatchElem{Method: "eth_getTransactionReceipt", Args: []any{id}, Result: &single[i]}
	}
	if err := c.client.batch(ctx, calls); err != nil {
		return nil, err
	}
	byIndex := make(map[int]*types.Receipt, len(moves))
	for i, m := range moves {
		if single[i] == nil {
			return nil, c.dropped(b)
		}
		byIndex[m.index] = single[i]
	}
	return byIndex, nil
}

// dropped is the error when the chain turned between two questions about a block.
func (c *Chain) dropped(b *block) error {
	return teller.Errorf(teller.CodeUnavailable, "ethereum node %s has dropped block %s meanwhile", c.client.name, b.Hash)
}
