package eth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/skycoin/teller"
)

// receipt is one that tells whether the transaction's success was stated: a status that is left out reads as a failure.
type receipt struct {
	types.Receipt
	stated bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *receipt) UnmarshalJSON(raw []byte) error {
	var said struct {
		Status *hexutil.Uint64 `json:"status"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return err
	}
	r.stated = said.Status != nil
	return r.Receipt.UnmarshalJSON(raw)
}

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
		switch {
		case r == nil || r.TxHash != b.Transactions[m.index].id():
			return nil, c.client.malformed("transaction %d of block %s has the receipt of another", m.index, b.Hash)
		case r.BlockHash != *b.Hash || r.TransactionIndex != uint(m.index):
			return nil, c.dropped(b) // it was mined again elsewhere
		case len(r.PostState) > 0:
			return nil, teller.Errorf(teller.CodeUnsupported,
				"block %d is older than Byzantium: its receipts do not say whether a transaction succeeded", uint64(*b.Number))
		case !r.stated:
			return nil, c.client.malformed("the receipt of transaction %d of block %s does not say whether it succeeded", m.index, b.Hash)
		}
		if r.Status == types.ReceiptStatusSuccessful {
			good = append(good, m)
		}
	}
	return good, nil
}

// receipts are those of the moves' transactions, and maybe others, by their index in the block.
func (c *Chain) receipts(ctx context.Context, b *block, moves []move) (map[int]*receipt, error) {
	var all []*receipt
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
	byIndex := make(map[int]*receipt, len(all))
	plain := make(types.Receipts, len(all))
	for i, r := range all {
		if r == nil {
			return nil, c.client.malformed("a receipt of block %s is null", b.Hash)
		}
		byIndex[i], plain[i] = r, &r.Receipt
	}
	if len(all) != len(b.Transactions) || b.provable && rootOf(plain) != b.ReceiptHash {
		return nil, c.client.malformed("the receipts of block %s are not those that its header names", b.Hash)
	}
	return byIndex, nil
}

// singleReceipts asks for each transaction's receipt once, however many moves it made.
func (c *Chain) singleReceipts(ctx context.Context, b *block, moves []move) (map[int]*receipt, error) {
	byIndex := make(map[int]*receipt)
	var indexes []int
	for _, m := range moves {
		if _, asked := byIndex[m.index]; !asked {
			byIndex[m.index] = nil
			indexes = append(indexes, m.index)
		}
	}
	for some := range slices.Chunk(indexes, maxBatch) {
		single := make([]*receipt, len(some))
		calls := make([]rpc.BatchElem, len(some))
		for i, index := range some {
			calls[i] = rpc.BatchElem{Method: "eth_getTransactionReceipt", Args: []any{b.Transactions[index].id()}, Result: &single[i]}
		}
		if err := c.client.batch(ctx, calls); err != nil {
			return nil, err
		}
		for i, index := range some {
			if single[i] == nil {
				return nil, c.dropped(b)
			}
			byIndex[index] = single[i]
		}
	}
	return byIndex, nil
}

// dropped is the error when the chain turned between two questions about a block.
func (c *Chain) dropped(b *block) error {
	return teller.Errorf(teller.CodeUnavailable, "ethereum node %s has dropped block %s meanwhile", c.client.name, b.Hash)
}
