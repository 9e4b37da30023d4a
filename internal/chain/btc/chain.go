// Package btc reads deposits from the Bitcoin chain, through btcd or Bitcoin Core, and knows Bitcoin's addresses.
//
// # How a block becomes deposits
//
// The node is asked for the height of its chain, the hash of a block at a height, and the raw bytes of a block.
// Chain.Block turns those bytes into transfers:
//
//   - walk (walker.go) steps through the serialized block and stops at nothing but outputs. It decodes no signature, no
//     witness and no address, and it allocates per block, not per output.
//   - Every output's script is looked up in teller.Watched. A script, not an address, is the key: the addresses that a
//     node prints into its JSON differ between nodes and versions, the script is what the chain itself says.
//   - The header must hash to the block that was asked for, and the transactions to the header's merkle root. So a
//     garbled or shortened answer is an error; it can not pass for a block without deposits.
//   - Only a script of one of the five kinds that stand for one address becomes a transfer: P2PKH, P2SH, P2WPKH, P2WSH
//     and P2TR. Bare multisig and bare public keys are ignored.
//
// # Blocks that need not be read
//
// When the watched keys are few enough to be listed, blockFilters (filters.go) asks the node for the block's compact
// filter (BIP 158), a fortieth of its size, and only a block whose filter matches is read; of any other the header is,
// for its parent. When in doubt the block is read: when the node serves no filters or refuses one, and when a filter is
// not whole or not this block's, which the chain of filter headers (BIP 157) tells.
//
// A filter needs more trust in the node: a whole block proves that it is complete, a filter does not. A node that lies
// could hide a payment in a block that it shows, where otherwise it would have to hide the block: the filter headers
// come from it too. Who asks a node of somebody else sets Config.Filters to "off".
//
// # How the node is asked
//
// client (client.go) makes JSON-RPC calls, every one of them with a deadline, over one of two transports: HTTP POST
// (post.go), or one websocket that is shared by all calls (websocket.go), which btcd offers and Bitcoin Core does not.
// What goes wrong is translated into teller's error codes there and nowhere else. The most that is under way at a time,
// of calls and of whole blocks, is bounded here, however many goroutines ask.
//
// Chain.Notify listens on a connection of its own: a second websocket (socketfeed.go) to btcd, or Bitcoin Core's ZeroMQ
// publisher (zmqfeed.go). Chain.Unconfirmed reads the mempool (mempool.go).
//
// Addresses (addresses.go) checks and spells addresses of one network; Generate and GenerateKeys (keys.go) derive the
// operator's deposit addresses and private keys from a seed.
package btc

import (
	"context"
	"math"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/skycoin/teller"
)

// DefaultTimeout bounds every call to the node when Config.Timeout is 0.
const DefaultTimeout = 30 * time.Second

// maxWholeBlocks is how many whole blocks are held at a time: a node serves no more of them by being asked for more at
// once, and each takes up to 8 MB.
const maxWholeBlocks = 4

// Config says which node to ask and how.
type Config struct {
	Server     string // host:port
	User, Pass string
	// CertFile is the node's certificate in PEM form, the only one that is trusted. Empty means without TLS, as
	// Bitcoin Core and btcd --notls speak.
	CertFile  string
	Websocket bool // one websocket instead of HTTP POST, and another for notices; btcd only
	// ZMQ is where Bitcoin Core publishes both hashblock and hashtx, as tcp://host:port. Empty means nowhere.
	ZMQ     string
	Filters string        // "auto" (or empty): use compact block filters where the node serves them; "off": never
	Network string        // mainnet, testnet3, testnet4, signet, regtest or simnet
	Timeout time.Duration // of each call; 0 = DefaultTimeout
}

// Chain implements teller.Chain, teller.Notifier and teller.Mempool. It is safe for concurrent use, but for Unconfirmed.
// Four calls of Block in flight keep a node busy with whole blocks, eight with filters.
type Chain struct {
	addresses Addresses
	client    *client
	filters   *blockFilters // nil when they are off
	feed      feed          // nil when the node is not listened to
	mempool   mempool
	lookout   *client       // reads the mempool: over a connection of its own, where a large answer keeps no block waiting
	whole     chan struct{} // holds a token for each whole block in memory
}

var (
	_ teller.Chain    = (*Chain)(nil)
	_ teller.Notifier = (*Chain)(nil)
	_ teller.Mempool  = (*Chain)(nil)
)

// New checks the configuration and reads the certificate, with CodeInvalid naming the key at fault. It does not call
// the node.
func New(cfg Config) (*Chain, error) {
	addresses, err := NewAddresses(cfg.Network)
	if err != nil {
		return nil, err
	}
	client, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	c := &Chain{addresses: addresses, client: client, whole: make(chan struct{}, maxWholeBlocks)}
	switch cfg.Filters {
	case "", "auto":
		c.filters = newBlockFilters(client)
	case "off":
	default:
		return nil, teller.Errorf(teller.CodeInvalid, "btc_rpc.filters %q is neither auto nor off", cfg.Filters)
	}
	if c.lookout, err = newClient(cfg); err != nil {
		return nil, err
	}
	if c.feed, err = newFeed(cfg, client); err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends the connections of calls; those that are under way fail with CodeUnavailable, and so does every later one
// over a websocket. Notify ends with its context. Idempotent.
func (c *Chain) Close() {
	c.client.transport.close()
	c.lookout.transport.close()
}

// Coin implements teller.Chain.
func (c *Chain) Coin() teller.Coin { return teller.BTC }

// ExpectedGenesis is the hash of the configured network's block 0, which Genesis must agree with. All signets share the
// one of the public signet.
func (c *Chain) ExpectedGenesis() string { return c.params().GenesisHash.String() }

func (c *Chain) params() *chaincfg.Params { return c.addresses.params }

// Genesis implements teller.Chain.
func (c *Chain) Genesis(ctx context.Context) (string, error) { return c.BlockHash(ctx, 0) }

// Tip implements teller.Chain. The hash is read after the height and belongs to it; a block that is found between the
// two calls is seen by the next Tip.
func (c *Chain) Tip(ctx context.Context) (teller.BlockRef, error) {
	for range 3 {
		height, err := c.client.number(ctx, "getblockcount")
		if err != nil {
			return teller.BlockRef{}, err
		}
		hash, err := c.BlockHash(ctx, height)
		if teller.CodeOf(err) == teller.CodeNotFound {
			continue // the chain became shorter between the two calls
		}
		if err != nil {
			return teller.BlockRef{}, err
		}
		return teller.BlockRef{Height: height, Hash: hash}, nil
	}
	return teller.BlockRef{}, teller.Errorf(teller.CodeUnavailable,
		"bitcoin node %s has no block at the height that it says it has", c.client.server)
}

// BlockHash implements teller.Chain.
func (c *Chain) BlockHash(ctx context.Context, height int64) (string, error) {
	hash, err := c.hashAt(ctx, height)
	if err != nil {
		return "", err
	}
	return hash.String(), nil
}

func (c *Chain) hashAt(ctx context.Context, height int64) (chainhash.Hash, error) {
	// btcd cuts the height to 32 bits and would answer for another block
	if height < 0 || height > math.MaxInt32 {
		return chainhash.Hash{}, teller.Errorf(teller.CodeNotFound, "no bitcoin block has height %d", height)
	}
	text, err := c.client.text(ctx, "getblockhash", height)
	if err != nil {
		return chainhash.Hash{}, err
	}
	var hash chainhash.Hash
	if len(text) != 2*chainhash.HashSize || chainhash.Decode(&hash, string(text)) != nil {
		return chainhash.Hash{}, c.client.malformed("its hash of block %d is %s", height, quote(text))
	}
	return hash, nil
}

// Block implements teller.Chain. The block is the one that was on the best chain when its hash was asked for; if the
// chain turns meanwhile, the next block's Parent tells.
func (c *Chain) Block(ctx context.Context, height int64, watched teller.Watched) (teller.Block, error) {
	hash, err := c.hashAt(ctx, height)
	if err != nil {
		return teller.Block{}, err
	}
	parent, pays, err := c.mayPay(ctx, hash, watched)
	var transfers []teller.Transfer
	if err == nil && pays {
		parent, transfers, err = c.read(ctx, hash, watched)
	}
	if err != nil {
		return teller.Block{}, err
	}
	return teller.Block{
		BlockRef:  teller.BlockRef{Height: height, Hash: hash.String()},
		Parent:    parent.String(),
		Transfers: transfers,
	}, nil
}

// mayPay is false only for a block without an output to a watched key, whose parent it returns then.
func (c *Chain) mayPay(ctx context.Context, hash chainhash.Hash, watched teller.Watched) (parent chainhash.Hash, pays bool, err error) {
	keys, listed := watched.Keys()
	if !listed || len(keys) > 0 && (c.filters == nil || !c.filters.worthAsking(len(keys))) {
		return chainhash.Hash{}, true, nil
	}
	parent, err = c.parent(ctx, hash)
	if err != nil || len(keys) == 0 {
		return parent, false, err
	}
	excluded, err := c.filters.exclude(ctx, hash, parent, keys)
	return parent, !excluded, err
}

// parent reads the header only.
func (c *Chain) parent(ctx context.Context, hash chainhash.Hash) (chainhash.Hash, error) {
	raw, err := c.client.bytes(ctx, "getblockheader", hash.String(), false)
	if err != nil {
		return chainhash.Hash{}, err
	}
	if len(raw) != wire.MaxBlockHeaderPayload {
		return chainhash.Hash{}, c.client.malformed("its header of block %s has %d bytes", hash, len(raw))
	}
	header, err := readHeader(raw, hash)
	if err != nil {
		return chainhash.Hash{}, c.client.malformed("block %s: %w", hash, err)
	}
	return header.PrevBlock, nil
}

// read reads the whole block, as one of maxWholeBlocks at a time.
func (c *Chain) read(ctx context.Context, hash chainhash.Hash, watched teller.Watched) (chainhash.Hash, []teller.Transfer, error) {
	select {
	case c.whole <- struct{}{}:
		defer func() { <-c.whole }()
	case <-ctx.Done():
		return chainhash.Hash{}, nil, teller.Errorf(teller.CodeUnavailable, "read bitcoin block %s: %w", hash, context.Cause(ctx))
	}
	raw, release, err := c.client.lend(ctx, "getblock", hash.String(), 0)
	if err != nil {
		return chainhash.Hash{}, nil, err
	}
	defer release() // what is returned has nothing of it
	parent, hits, err := readBlock(raw, hash, watched)
	if err != nil {
		return chainhash.Hash{}, nil, c.client.malformed("block %s: %w", hash, err)
	}
	return parent, c.transfers(hits), nil
}

func (c *Chain) transfers(hits []hit) []teller.Transfer {
	var ts []teller.Transfer
	for _, h := range hits {
		address, ok := addressOf(h.script, c.params())
		if !ok {
			continue // no single address: a watched set may answer true for a script that is none of ours
		}
		ts = append(ts, teller.Transfer{
			Address: address,
			TxID:    h.txid.String(),
			N:       h.n,
			Value:   teller.NewAmount(h.value),
		})
	}
	return ts
}

// WatchKey implements teller.Chain: the key is the output script that pays the address.
func (c *Chain) WatchKey(address string) ([]byte, error) { return c.addresses.script(address) }
