// Package eth reads deposits from an Ethereum chain, through any node that speaks Ethereum's JSON-RPC, and knows
// Ethereum's addresses.
//
// # How a block becomes deposits
//
// Chain.Block asks for the whole block at a height and looks for two kinds of transfers:
//
//   - Value that a transaction sends to a watched address by itself stands in the block (block.go). It is number 0 of its
//     transaction.
//   - Value that contracts move while they run stands nowhere in the chain. Nodes find it by running the transaction again
//     (trace.go). The number of such a transfer is its place among all that the transaction made successfully, from 1, in
//     the order of execution; so it depends neither on the block nor on what is watched.
//
// A transaction with a transfer to a watched address counts when its receipt says that it succeeded (receipt.go). Amounts
// are exact wei from end to end.
//
// A garbled or shortened answer is an error; it can not pass for a block without deposits. The header must hash to the
// block's hash, the transactions to the header's root (root.go), and so must the receipts that decide. Where a network
// has rules that are newer than this program, the fields that it does not know can not be hashed, and what remains is to
// compare the answers with one another.
//
// # Value that no transfer shows
//
// A node that does not trace, and what pays an address without a transaction (a validator's withdrawals), leave value
// that is in the balance only. Balances (balance.go) reads what addresses hold, so that it is found all the same.
//
// # How the node is asked
//
// client (client.go) is go-ethereum's own over HTTP or a websocket, which it opens when it is first needed and again after
// it was lost. Every call has a deadline, and what goes wrong is translated into teller's error codes there and nowhere
// else. Over a websocket the node also tells of news by itself (notifier.go). Unconfirmed (mempool.go) shows what no
// block holds yet.
//
// Addresses (addresses.go) checks and spells addresses; Generate and GenerateKeys (generate.go) derive the operator's
// deposit addresses and private keys from a seed.
package eth

import (
	"context"
	"log/slog"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/params"

	"github.com/skycoin/teller"
)

// DefaultTimeout bounds every call to the node when Config.Timeout is 0.
const DefaultTimeout = 30 * time.Second

// What Config.Trace may be.
const (
	TraceAuto = "auto" // trace where the node can, go on without where it can not
	TraceOn   = "on"   // a block that can not be traced is an error
	TraceOff  = "off"  // find no transfers that contracts make
)

// Config says which node to ask and how.
type Config struct {
	// Server is a host, to which Port belongs, or a whole URL: http, https, ws or wss. Errors never show more of a URL
	// than its host, because those of hosted nodes hold a key.
	Server    string
	Port      string
	Websocket bool // instead of HTTP; a URL's own ws or wss says so too
	ChainID   int64
	Trace     string        // TraceAuto (when empty), TraceOn or TraceOff
	Timeout   time.Duration // of each call; 0 = DefaultTimeout; a trace may take four times as long
	Log       *slog.Logger  // is told when tracing ends and begins; nil = nobody
}

// Chain implements teller.Chain, Notifier, Mempool and BalanceReader. It is safe for concurrent use: two to four calls
// of Block in flight keep a node busy.
type Chain struct {
	client  *client
	chainID int64
	tracer  *tracer
}

var (
	_ teller.Chain         = (*Chain)(nil)
	_ teller.Notifier      = (*Chain)(nil)
	_ teller.Mempool       = (*Chain)(nil)
	_ teller.BalanceReader = (*Chain)(nil)
)

// New checks the configuration, with CodeInvalid naming the key at fault. It does not call the node.
func New(cfg Config) (*Chain, error) {
	if cfg.ChainID < 1 {
		return nil, teller.Errorf(teller.CodeInvalid, "eth_rpc.chain_id is %d: it is at least 1", cfg.ChainID)
	}
	client, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	tracer, err := newTracer(cfg, client)
	if err != nil {
		return nil, err
	}
	return &Chain{client: client, chainID: cfg.ChainID, tracer: tracer}, nil
}

// Close ends the connections; calls that are under way fail with CodeUnavailable, and so does every later one.
// Idempotent.
func (c *Chain) Close() { c.client.close() }

// Coin implements teller.Chain.
func (c *Chain) Coin() teller.Coin { return teller.ETH }

// ExpectedGenesis is the hash of block 0 of a well-known network, which Genesis must agree with; "" for a network that
// this program does not know.
func (c *Chain) ExpectedGenesis() string {
	for id, genesis := range map[*big.Int]common.Hash{
		params.MainnetChainConfig.ChainID: params.MainnetGenesisHash,
		params.SepoliaChainConfig.ChainID: params.SepoliaGenesisHash,
		params.HoleskyChainConfig.ChainID: params.HoleskyGenesisHash,
		params.HoodiChainConfig.ChainID:   params.HoodiGenesisHash,
	} {
		if id.Int64() == c.chainID {
			return genesis.Hex()
		}
	}
	return ""
}

// Genesis implements teller.Chain: CodeWrongNetwork when the node follows a chain with another id than the configured.
func (c *Chain) Genesis(ctx context.Context) (string, error) {
	var id *hexutil.Big
	if err := c.client.call(ctx, &id, "eth_chainId"); err != nil {
		return "", err
	}
	if id == nil {
		return "", c.client.malformed("it names no chain id")
	}
	if id.ToInt().Cmp(big.NewInt(c.chainID)) != 0 {
		return "", teller.Errorf(teller.CodeWrongNetwork, "ethereum node %s follows chain %s, eth_rpc.chain_id is %d",
			c.client.name, id.ToInt(), c.chainID)
	}
	return c.BlockHash(ctx, 0)
}

// blockID is what every answer about a block tells.
type blockID struct {
	Number *hexutil.Uint64 `json:"number"`
	Hash   *common.Hash    `json:"hash"`
}

// Tip implements teller.Chain.
func (c *Chain) Tip(ctx context.Context) (teller.BlockRef, error) {
	var b *blockID
	if err := c.client.call(ctx, &b, "eth_getBlockByNumber", "latest", false); err != nil {
		return teller.BlockRef{}, err
	}
	if b == nil || b.Number == nil || b.Hash == nil || *b.Number > maxHeight {
		return teller.BlockRef{}, c.client.malformed("its latest block has no number or no hash")
	}
	return teller.BlockRef{Height: int64(*b.Number), Hash: b.Hash.Hex()}, nil
}

// BlockHash implements teller.Chain.
func (c *Chain) BlockHash(ctx context.Context, height int64) (string, error) {
	var b *blockID
	if err := c.client.callBlock(ctx, &b, height, false); err != nil {
		return "", err
	}
	if b == nil {
		return "", c.noBlock(height)
	}
	if b.Number == nil || b.Hash == nil || *b.Number != hexutil.Uint64(height) {
		return "", c.client.malformed("asked for block %d, it answers with another one", height)
	}
	return b.Hash.Hex(), nil
}

func (c *Chain) noBlock(height int64) error {
	return teller.Errorf(teller.CodeNotFound, "ethereum node %s has no block %d", c.client.name, height)
}

// WatchKey implements teller.Chain: the key is the address's 20 bytes.
func (c *Chain) WatchKey(address string) ([]byte, error) {
	canonical, err := Addresses{}.Parse(address)
	if err != nil {
		return nil, err
	}
	return common.HexToAddress(canonical).Bytes(), nil
}

// spell is the canonical spelling of an address.
func spell(a common.Address) string { return FromHash(a) }
