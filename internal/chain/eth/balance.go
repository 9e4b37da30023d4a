package eth

import (
	"context"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/skycoin/teller"
)

// maxBatch is how many balances are asked for in one request. Nodes take up to 1,000.
const maxBatch = 500

// Balances implements teller.BalanceReader. The balances are exact wei, in the order of the addresses.
func (c *Chain) Balances(ctx context.Context, at teller.BlockRef, addresses []string) ([]teller.Amount, error) {
	keys := make([]hexutil.Bytes, len(addresses))
	for i, address := range addresses {
		key, err := c.WatchKey(address)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	// What nodes say about a block that is on no chain any more differs. This does not.
	hash, err := c.BlockHash(ctx, at.Height)
	if err != nil {
		return nil, err
	}
	if hash != at.Hash {
		return nil, teller.Errorf(teller.CodeNotFound, "block %d is %s, not %s any more", at.Height, hash, at.Hash)
	}
	balances := make([]teller.Amount, 0, len(addresses))
	for some := range slices.Chunk(keys, maxBatch) {
		read, err := c.balances(ctx, at.Hash, some)
		if err != nil {
			return nil, err
		}
		balances = append(balances, read...)
	}
	return balances, nil
}

func (c *Chain) balances(ctx context.Context, hash string, keys []hexutil.Bytes) ([]teller.Amount, error) {
	block := rpc.BlockNumberOrHashWithHash(common.HexToHash(hash), true) // EIP-1898
	results := make([]*hexutil.Big, len(keys))
	calls := make([]rpc.BatchElem, len(keys))
	for i, key := range keys {
		calls[i] = rpc.BatchElem{Method: "eth_getBalance", Args: []any{key, block}, Result: &results[i]}
	}
	if err := c.client.batch(ctx, calls); err != nil {
		if teller.CodeOf(err) == teller.CodeMalformed {
			return nil, err
		}
		return nil, teller.Errorf(teller.CodeUnavailable, "balances at block %s: %w", hash, err)
	}
	amounts := make([]teller.Amount, len(results))
	for i, r := range results {
		if r == nil {
			return nil, c.client.malformed("a balance at block %s is null", hash)
		}
		amounts[i] = wei(r.ToInt())
	}
	return amounts, nil
}
