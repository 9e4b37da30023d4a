package dummy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/skycoin/teller"
)

// Chain is a simulated deposit chain. It implements teller.Chain and is safe for concurrent use.
type Chain struct {
	coin          teller.Coin
	confirmations int64
	addrs         teller.Addresses
	log           *slog.Logger

	mu      sync.Mutex
	journal *journal
	blocks  []block           // by height
	outputs map[string]output // by deposit id, mined or not
	mempool []teller.Transfer
}

var _ teller.Chain = (*Chain)(nil)

// block is a block without its height and parent: those are its place in Chain.blocks and the block before it.
type block struct {
	hash      string
	transfers []teller.Transfer
}

// output is what makes a deposit posted twice the same or another one.
type output struct {
	address string
	value   teller.Amount
}

// chainRecord is a line of a chain's journal: exactly one of its fields is set.
type chainRecord struct {
	Coin    teller.Coin   `json:"coin,omitempty"` // the first line: whose chain this is
	Deposit *Deposit      `json:"deposit,omitempty"`
	Mined   *minedDetails `json:"mined,omitempty"` // everything posted before went into a block
}

type minedDetails struct {
	Empty int64 `json:"empty"` // blocks on top of it
}

// maxEmpty bounds the empty blocks that follow each full one. No coin needs nearly as many confirmations.
const maxEmpty = 10_000

// OpenChain opens the coin's simulated chain in a data directory, in the file dummy-btc.jsonl, dummy-eth.jsonl or
// dummy-sky.jsonl, and makes a new one when there is none. A deposit gets the given number of confirmations at once.
// CodeCorrupt when the file does not make sense.
func OpenChain(coin teller.Coin, dir string, confirmations int64, addrs teller.Addresses, logger *slog.Logger) (*Chain, error) {
	if confirmations < 0 || confirmations > maxEmpty {
		return nil, teller.Errorf(teller.CodeInvalid, "a dummy chain gives 0 to %d confirmations, not %d", maxEmpty, confirmations)
	}
	c := &Chain{
		coin: coin, confirmations: confirmations, addrs: addrs, log: logger,
		blocks: []block{{hash: teller.DummyGenesis}}, outputs: make(map[string]output),
	}
	path := filepath.Join(dir, "dummy-"+coin.Lower()+".jsonl")
	j, torn, err := openJournal(path, c.replay)
	if err != nil {
		return nil, err
	}
	if torn > 0 {
		logger.Warn("cut an incomplete record off a dummy chain", "coin", coin, "bytes", torn)
	}
	c.journal = j
	if j.size == 0 {
		if err := j.append(chainRecord{Coin: coin}); err != nil {
			_ = j.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *Chain) replay(line []byte) error {
	var r chainRecord
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch {
	case r.Deposit != nil:
		if _, ok := c.outputs[r.Deposit.id()]; ok {
			return fmt.Errorf("deposit %s is there twice", r.Deposit.id())
		}
		c.accept(*r.Deposit)
	case r.Mined != nil:
		if r.Mined.Empty < 0 || r.Mined.Empty > maxEmpty {
			return fmt.Errorf("%d empty blocks", r.Mined.Empty)
		}
		c.extend(r.Mined.Empty)
	case r.Coin != c.coin:
		return fmt.Errorf("this is the chain of %q, not of %s", r.Coin, c.coin)
	}
	return nil
}

// Close ends the chain. Whatever was posted is on it when it is opened again.
func (c *Chain) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.journal.close()
}

// Coin implements teller.Chain.
func (c *Chain) Coin() teller.Coin { return c.coin }

// Genesis implements teller.Chain: it is teller.DummyGenesis.
func (c *Chain) Genesis(ctx context.Context) (string, error) {
	if err := alive(ctx); err != nil {
		return "", err
	}
	return teller.DummyGenesis, nil
}

// Tip implements teller.Chain. It first mines what was posted.
func (c *Chain) Tip(ctx context.Context) (teller.BlockRef, error) {
	if err := alive(ctx); err != nil {
		return teller.BlockRef{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.mempool) > 0 {
		if err := c.journal.append(chainRecord{Mined: &minedDetails{Empty: c.confirmations}}); err != nil {
			return teller.BlockRef{}, err
		}
		c.log.Debug("mined a dummy block", "coin", c.coin, "height", len(c.blocks), "deposits", len(c.mempool))
		c.extend(c.confirmations)
	}
	height := len(c.blocks) - 1
	return teller.BlockRef{Height: int64(height), Hash: c.blocks[height].hash}, nil
}

// extend puts the mempool into a block and empty blocks on top of it.
func (c *Chain) extend(empty int64) {
	c.push(c.mempool)
	c.mempool = nil
	for range empty {
		c.push(nil)
	}
}

func (c *Chain) push(transfers []teller.Transfer) {
	parent := c.blocks[len(c.blocks)-1].hash
	c.blocks = append(c.blocks, block{hash: hashBlock(c.coin, parent, transfers), transfers: transfers})
}

// hashBlock depends on the coin, the parent and the content only: a journal replayed gives the same chain.
func hashBlock(coin teller.Coin, parent string, transfers []teller.Transfer) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", coin, parent)
	for _, t := range transfers {
		fmt.Fprintf(h, "%q %q %d %s\n", t.Address, t.TxID, t.N, t.Value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// BlockHash implements teller.Chain.
func (c *Chain) BlockHash(ctx context.Context, height int64) (string, error) {
	b, err := c.Block(ctx, height, nobody{})
	return b.Hash, err
}

// nobody watches nothing.
type nobody struct{}

func (nobody) Has([]byte) bool { return false }

func (nobody) Keys() ([][]byte, bool) { return nil, true }

// Block implements teller.Chain.
func (c *Chain) Block(ctx context.Context, height int64, watched teller.Watched) (teller.Block, error) {
	if err := alive(ctx); err != nil {
		return teller.Block{}, err
	}
	at, parent, err := c.block(height)
	if err != nil {
		return teller.Block{}, err
	}
	b := teller.Block{BlockRef: teller.BlockRef{Height: height, Hash: at.hash}, Parent: parent}
	for _, t := range at.transfers { // a block never changes: it is read without the lock
		if watched.Has([]byte(t.Address)) {
			b.Transfers = append(b.Transfers, t)
		}
	}
	return b, nil
}

func (c *Chain) block(height int64) (at block, parent string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if height < 0 || height >= int64(len(c.blocks)) {
		return block{}, "", teller.Errorf(teller.CodeNotFound, "the dummy %s chain has no block %d", c.coin, height)
	}
	if height > 0 {
		parent = c.blocks[height-1].hash
	}
	return c.blocks[height], parent, nil
}

// WatchKey implements teller.Chain: the key is the canonical spelling.
func (c *Chain) WatchKey(address string) ([]byte, error) {
	canonical, err := c.addrs.Parse(address)
	if err != nil {
		return nil, err
	}
	return []byte(canonical), nil
}
