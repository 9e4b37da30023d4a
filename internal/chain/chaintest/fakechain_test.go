package chaintest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/skycoin/teller"
)

// fakeChain is an adapter of fakeNode. It has the named bug, or none.
type fakeChain struct {
	server  string
	timeout time.Duration
	client  *http.Client
	bug     string
	socket  bool // it asks through websockets

	mu     sync.Mutex
	hashes map[int64]string       // for the bug of remembering them
	known  map[int64]teller.Block // likewise
	seen   map[string]fakeTx      // likewise
	stuck  chan struct{}          // for the bug of leaving a goroutine
}

func newFakeChain(server string, timeout time.Duration, bug string) *fakeChain {
	return &fakeChain{
		server: server, timeout: timeout, bug: bug, client: &http.Client{Transport: new(http.Transport)},
		hashes: make(map[int64]string), known: make(map[int64]teller.Block), seen: make(map[string]fakeTx),
		stuck: make(chan struct{}),
	}
}

func (c *fakeChain) Close() { c.client.CloseIdleConnections() }

func (c *fakeChain) Coin() teller.Coin { return teller.BTC }

func (c *fakeChain) get(ctx context.Context, into any, path string) error {
	if c.bug == "ignores its context" {
		ctx = context.WithoutCancel(ctx)
	}
	if c.bug != "has no timeout" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	text, err := c.ask(ctx, path)
	if err != nil && c.bug == "has errors of its own" {
		return errors.New("no answer")
	}
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "%w", err)
	}
	var answer struct {
		Found  *bool           `json:"found"`
		Result json.RawMessage `json:"result"`
	}
	err = json.Unmarshal(text, &answer)
	if c.bug == "takes nonsense for nothing" && err != nil {
		return nil
	}
	if err != nil || answer.Found == nil {
		return teller.Errorf(teller.CodeMalformed, "no answer: %w", err)
	}
	if !*answer.Found {
		return teller.Errorf(teller.CodeNotFound, "there is no %s", path)
	}
	if err := json.Unmarshal(answer.Result, into); err != nil {
		return teller.Errorf(teller.CodeMalformed, "%w", err)
	}
	return nil
}

// ask gets a text from the node, over HTTP or a websocket that it opens for it.
func (c *fakeChain) ask(ctx context.Context, path string) ([]byte, error) {
	if c.socket {
		socket, _, err := websocket.Dial(ctx, "ws://"+c.server+"/socket", &websocket.DialOptions{HTTPClient: c.client})
		if err != nil {
			return nil, err
		}
		defer func() { _ = socket.CloseNow() }()
		if err := socket.Write(ctx, websocket.MessageText, []byte(path)); err != nil {
			return nil, err
		}
		socket.SetReadLimit(1 << 22)
		_, text, err := socket.Read(ctx)
		return text, err
	}
	resp, err := c.request(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<22))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return text, err
}

func (c *fakeChain) request(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.server+path, nil)
	if err != nil {
		return nil, err
	}
	return c.client.Do(req)
}

func (c *fakeChain) Genesis(ctx context.Context) (string, error) {
	if c.bug == "calls all networks alike" {
		return "genesis", nil
	}
	return c.BlockHash(ctx, 0)
}

func (c *fakeChain) Tip(ctx context.Context) (teller.BlockRef, error) {
	height := int64(-1)
	if err := c.get(ctx, &height, "/tip"); err != nil {
		return teller.BlockRef{}, err
	}
	hash, err := c.BlockHash(ctx, height)
	return teller.BlockRef{Height: height, Hash: hash}, err
}

func (c *fakeChain) BlockHash(ctx context.Context, height int64) (string, error) {
	if c.bug == "remembers hashes" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if hash, ok := c.hashes[height]; ok {
			return hash, nil
		}
	}
	var hash string
	err := c.get(ctx, &hash, fmt.Sprintf("/hash/%d", height))
	if err == nil && c.bug == "remembers hashes" {
		c.hashes[height] = hash
	}
	if c.bug == "says unavailable above the tip" && teller.CodeOf(err) == teller.CodeNotFound {
		err = teller.Errorf(teller.CodeUnavailable, "%w", err)
	}
	return hash, err
}

func (c *fakeChain) Block(ctx context.Context, height int64, watched teller.Watched) (teller.Block, error) {
	if c.bug == "remembers blocks" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if b, ok := c.known[height]; ok {
			return b, nil
		}
	}
	hash, err := c.BlockHash(ctx, height)
	if err != nil {
		return teller.Block{}, err
	}
	var b fakeBlock
	if err := c.get(ctx, &b, "/block/"+hash); err != nil {
		return teller.Block{}, err
	}
	if (b.Hash != hash || b.Height != height) && c.bug != "takes any block" && c.bug != "takes nonsense for nothing" {
		return teller.Block{}, teller.Errorf(teller.CodeMalformed, "another block")
	}
	if b.seal() != b.Hash && c.bug != "does not hash" && c.bug != "takes nonsense for nothing" {
		return teller.Block{}, teller.Errorf(teller.CodeMalformed, "block %s is not what it says", b.Hash)
	}
	block := teller.Block{BlockRef: teller.BlockRef{Height: height, Hash: hash}, Parent: b.Parent}
	if c.bug == "gives no parent" {
		block.Parent = ""
	}
	for _, tx := range b.Txs {
		block.Transfers = append(block.Transfers, c.transfers(tx, watched)...)
	}
	if c.bug == "remembers blocks" {
		c.known[height] = block
	}
	if c.bug == "leaves a goroutine" {
		go func() { <-c.stuck }()
	}
	return block, nil
}

func (c *fakeChain) transfers(tx fakeTx, watched teller.Watched) []teller.Transfer {
	var ts []teller.Transfer
	_, few := watched.Keys()
	for i, o := range tx.Outputs {
		switch {
		case !watched.Has([]byte(o.Address)) && c.bug != "reports everybody's payments":
			continue
		case c.bug == "finds nothing for many" && !few, c.bug == "sees one output" && i > 0:
			continue
		}
		t := teller.Transfer{Address: o.Address, TxID: tx.ID, N: uint32(i), Value: teller.NewAmount(o.Value)}
		switch c.bug {
		case "numbers no outputs":
			t.N = 0
		case "rounds":
			t.Value = teller.NewAmount(o.Value / 10 * 10)
		case "spells addresses wrong":
			t.Address = strings.ToUpper(t.Address)
		case "finds it twice":
			ts = append(ts, t)
		}
		ts = append(ts, t)
	}
	return ts
}

func (c *fakeChain) WatchKey(address string) ([]byte, error) {
	ok := c.bug == "watches anything" || len(address) == 11 && strings.HasPrefix(address, "fake-") && !strings.ContainsFunc(address[5:], func(r rune) bool { return r < '0' || r > '9' })
	if !ok {
		return nil, teller.Errorf(teller.CodeInvalid, "no address")
	}
	if c.bug == "gives addresses the same key" {
		address = address[:10] + "0"
	}
	return []byte(address), nil
}

func (c *fakeChain) Unconfirmed(ctx context.Context, watched teller.Watched) ([]teller.Transfer, error) {
	var txs []fakeTx
	if err := c.get(ctx, &txs, "/pool"); err != nil {
		return nil, err
	}
	var ts []teller.Transfer
	if c.bug == "keeps what was mined in the mempool" {
		for _, tx := range txs {
			c.seen[tx.ID] = tx
		}
		txs = nil
		for _, tx := range c.seen {
			txs = append(txs, tx)
		}
	}
	for _, tx := range txs {
		ts = append(ts, c.transfers(tx, watched)...)
	}
	return ts, nil
}

func (c *fakeChain) Notify(ctx context.Context, notice func(teller.Notice)) error {
	if c.bug == "does not stop listening" {
		ctx = context.WithoutCancel(ctx)
	}
	resp, err := c.request(ctx, "/news")
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	for first, lines := true, bufio.NewScanner(resp.Body); lines.Scan(); first = false {
		if c.bug == "tells no news" && !first {
			continue
		}
		notice(teller.NoticeBlock)
		if c.bug != "tells of blocks only" {
			notice(teller.NoticeTransaction)
		}
	}
	return teller.Errorf(teller.CodeUnavailable, "no news any more")
}
