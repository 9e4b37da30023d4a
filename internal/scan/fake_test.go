package scan_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/skycoin/teller"
)

// fakeChain is a chain of blocks in memory whose branch can be replaced.
type fakeChain struct {
	mu      sync.Mutex
	blocks  []teller.Block
	gen     int
	down    bool
	slow    time.Duration // of a call of Block
	panics  int64         // height at which Block panics; 0 = none
	missing int64         // height of a block that the node does not keep; 0 = none
	asked   int           // calls of Block under way
	most    int           // at once
	reads   int           // calls of Block
}

// clock is the wall clock, which a synctest bubble replaces.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

func newChain(n int) *fakeChain {
	c := &fakeChain{}
	c.mine(n)
	return c
}

func (c *fakeChain) mine(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		h := int64(len(c.blocks))
		b := teller.Block{BlockRef: teller.BlockRef{Height: h, Hash: fmt.Sprintf("block-%d-%d", h, c.gen)}}
		if h > 0 {
			b.Parent = c.blocks[h-1].Hash
		}
		b.Transfers = []teller.Transfer{{Address: "a", TxID: fmt.Sprintf("tx-%d", h), Value: teller.NewAmount(uint64(h))}}
		c.blocks = append(c.blocks, b)
	}
}

// drop takes the last n blocks away; blocks mined from now on have other hashes.
func (c *fakeChain) drop(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks = c.blocks[:len(c.blocks)-n]
	c.gen++
}

func (c *fakeChain) at(h int64) (teller.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return teller.Block{}, teller.Errorf(teller.CodeUnavailable, "down")
	}
	if h < 0 || h >= int64(len(c.blocks)) {
		return teller.Block{}, teller.Errorf(teller.CodeNotFound, "no block %d", h)
	}
	return c.blocks[h], nil
}

func (c *fakeChain) Coin() teller.Coin { return teller.BTC }

func (c *fakeChain) Genesis(context.Context) (string, error) {
	b, err := c.at(0)
	return b.Hash, err
}

func (c *fakeChain) Tip(context.Context) (teller.BlockRef, error) {
	c.mu.Lock()
	h := int64(len(c.blocks)) - 1
	c.mu.Unlock()
	b, err := c.at(h)
	return b.BlockRef, err
}

func (c *fakeChain) BlockHash(_ context.Context, h int64) (string, error) {
	b, err := c.at(h)
	return b.Hash, err
}

func (c *fakeChain) Block(ctx context.Context, h int64, w teller.Watched) (teller.Block, error) {
	c.mu.Lock()
	c.reads++
	c.asked++
	c.most = max(c.most, c.asked)
	slow := c.slow
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked--
	}()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return teller.Block{}, teller.Errorf(teller.CodeUnavailable, "%w", ctx.Err())
	}
	if h > 0 && h == c.panics {
		panic("nobody foresaw this block")
	}
	b, err := c.at(h)
	if h > 0 && h == c.missing {
		return teller.Block{}, teller.Errorf(teller.CodeNotFound, "block %d is not kept", h)
	}
	if !w.Has([]byte("a")) {
		b.Transfers = nil
	}
	return b, err
}

func (c *fakeChain) WatchKey(address string) ([]byte, error) {
	if address == "" {
		return nil, teller.Errorf(teller.CodeInvalid, "empty address")
	}
	return []byte(address), nil
}

// fakeStore keeps what the scanner saved, and checks that it saves a chain.
type fakeStore struct {
	genesis string
	cursor  *teller.Cursor
	hashes  map[int64]string
	seen    map[string]int64 // deposit -> height on the best chain
	rewinds []int64
	saves   int     // of blocks
	commits int     // of SaveBlocks
	idle    int     // calls of CreditDeep
	noted   []int64 // by NoteTip
	bound   []string
}

func newStore(bound ...string) *fakeStore {
	return &fakeStore{hashes: map[int64]string{}, seen: map[string]int64{}, bound: bound}
}

func (s *fakeStore) PinChain(_ context.Context, _ teller.Coin, genesis string) error {
	if s.genesis != "" && s.genesis != genesis {
		return teller.Errorf(teller.CodeWrongNetwork, "pinned to %s", s.genesis)
	}
	s.genesis = genesis
	return nil
}

func (s *fakeStore) Cursor(context.Context, teller.Coin) (teller.Cursor, error) {
	if s.cursor == nil {
		return teller.Cursor{}, teller.Errorf(teller.CodeNotFound, "no cursor")
	}
	return *s.cursor, nil
}

func (s *fakeStore) SavedHash(_ context.Context, _ teller.Coin, h int64) (string, error) {
	if hash, ok := s.hashes[h]; ok {
		return hash, nil
	}
	return "", teller.Errorf(teller.CodeNotFound, "never saved")
}

func (s *fakeStore) SaveBlock(_ context.Context, _ teller.Coin, b teller.Block, terms teller.ScanTerms) (teller.ScanResult, error) {
	if s.cursor != nil && (b.Parent != s.cursor.Hash || b.Height != s.cursor.Height+1) {
		return teller.ScanResult{}, teller.Errorf(teller.CodeConflict, "not the cursor's child")
	}
	s.saves++
	s.cursor = &teller.Cursor{BlockRef: b.BlockRef, Tip: terms.Tip}
	s.hashes[b.Height] = b.Hash
	for _, t := range b.Transfers {
		s.seen[t.TxID] = b.Height
	}
	return teller.ScanResult{}, nil
}

func (s *fakeStore) SaveBlocks(ctx context.Context, coin teller.Coin, blocks []teller.Block, terms teller.ScanTerms) (teller.ScanResult, error) {
	s.commits++
	for _, b := range blocks {
		if res, err := s.SaveBlock(ctx, coin, b, terms); err != nil {
			return res, err
		}
	}
	return teller.ScanResult{}, nil
}

func (s *fakeStore) Rewind(_ context.Context, _ teller.Coin, to teller.BlockRef) (teller.ScanResult, error) {
	if s.hashes[to.Height] != to.Hash {
		return teller.ScanResult{}, teller.Errorf(teller.CodeConflict, "rewind to a block that was never saved")
	}
	for h := range s.hashes {
		if h > to.Height {
			delete(s.hashes, h)
		}
	}
	for tx, h := range s.seen {
		if h > to.Height {
			delete(s.seen, tx)
		}
	}
	s.rewinds = append(s.rewinds, to.Height)
	s.cursor = &teller.Cursor{BlockRef: to}
	return teller.ScanResult{}, nil
}

func (s *fakeStore) CreditDeep(context.Context, teller.Coin, teller.ScanTerms) (teller.ScanResult, error) {
	s.idle++
	return teller.ScanResult{}, nil
}

func (s *fakeStore) NoteTip(_ context.Context, _ teller.Coin, tip int64) error {
	s.cursor.Tip = max(s.cursor.Tip, tip)
	s.noted = append(s.noted, tip)
	return nil
}

func (s *fakeStore) Totals(context.Context) (teller.Totals, error) { return teller.Totals{}, nil }

func (s *fakeStore) BoundAddresses(_ context.Context, _ teller.Coin, f func(string) error) error {
	for _, a := range s.bound {
		if err := f(a); err != nil {
			return err
		}
	}
	return nil
}
