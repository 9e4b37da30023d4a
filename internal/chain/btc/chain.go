// Package btc reads deposits from the Bitcoin chain, through btcd or Bitcoin Core, and knows Bitcoin's addresses.
//
// # How a block becomes deposits
//
// The node is asked for three things only: the height of its chain, the hash of a block at a height, and the raw bytes
// of a block. Chain.Block turns those bytes into transfers:
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
// # How the node is asked
//
// client (client.go) makes JSON-RPC calls, every one of them with a deadline, over one of two transports: HTTP POST
// (post.go), or one websocket that is shared by all calls (websocket.go), which btcd offers and Bitcoin Core does not.
// What goes wrong is translated into teller's error codes there and nowhere else.
//
// Addresses (addresses.go) checks and spells addresses of one network; Generate and GenerateKeys (keys.go) derive the
// operator's deposit addresses and private keys from a seed.
package btc

import (
	"context"
	"encoding/hex"
	"math"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/skycoin/teller"
)

// DefaultTimeout bounds every call to the node when Config.Timeout is 0.
const DefaultTimeout = 30 * time.Second

// Config says which node to ask and how.
type Config struct {
	Server     string // host:port
	User, Pass string
	// CertFile is the node's certificate in PEM form, the only one that is trusted. Empty means without TLS, as
	// Bitcoin Core and btcd --notls speak.
	CertFile  string
	Websocket bool          // one websocket instead of HTTP POST; btcd only
	Network   string        // mainnet, testnet3, testnet4, signet, regtest or simnet
	Timeout   time.Duration // of each call; 0 = DefaultTimeout
}

// Chain implements teller.Chain. It is safe for concurrent use: two to four calls of Block in flight keep a node busy.
type Chain struct {
	addresses Addresses
	client    *client
}

var _ teller.Chain = (*Chain)(nil)

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
	return &Chain{addresses: addresses, client: client}, nil
}

// Close ends the connections; calls that are under way fail with CodeUnavailable, and so does every later one over a
// websocket. Idempotent.
func (c *Chain) Close() { c.client.transport.close() }

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
	raw, err := c.rawBlock(ctx, hash)
	if err != nil {
		return teller.Block{}, err
	}
	parent, hits, err := readBlock(raw, hash, watched)
	if err != nil {
		return teller.Block{}, c.client.malformed("block %d (%s): %w", height, hash, err)
	}
	return teller.Block{
		BlockRef:  teller.BlockRef{Height: height, Hash: hash.String()},
		Parent:    parent.String(),
		Transfers: c.transfers(hits),
	}, nil
}

// rawBlock decodes the hex over itself: a block is held in memory once.
func (c *Chain) rawBlock(ctx context.Context, hash chainhash.Hash) ([]byte, error) {
	text, err := c.client.text(ctx, "getblock", hash.String(), 0)
	if err != nil {
		return nil, err
	}
	n, err := hex.Decode(text, text)
	if err != nil {
		return nil, c.client.malformed("block %s is not hex: %w", hash, err)
	}
	return text[:n], nil
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
