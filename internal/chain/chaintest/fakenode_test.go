package chaintest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/skycoin/teller"
)

// fakeTx and fakeBlock are what the fake node keeps and says.
type fakeTx struct {
	ID      string       `json:"id"`
	Outputs []fakeOutput `json:"outputs"`
}

type fakeOutput struct {
	Address string `json:"address"`
	Value   uint64 `json:"value"`
}

type fakeBlock struct {
	Height int64    `json:"height"`
	Hash   string   `json:"hash"`
	Parent string   `json:"parent"`
	Salt   int      `json:"salt"`
	Txs    []fakeTx `json:"txs"`
}

// seal is the hash that the block must have.
func (b fakeBlock) seal() string {
	b.Hash = ""
	text, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// fakeNode is a node in memory that answers over HTTP.
type fakeNode struct {
	t      testing.TB
	bug    string // of the adapters that Open makes
	socket bool   // they ask through websockets
	addr   string
	server *http.Server

	mu      sync.Mutex
	blocks  []fakeBlock
	pool    []fakeTx
	made    int // things numbered so far
	changed chan struct{}
}

func startFakeNode(t testing.TB, genesis, bug string) *fakeNode {
	n := &fakeNode{t: t, bug: bug, addr: "127.0.0.1:0", changed: make(chan struct{})}
	n.push(fakeTx{ID: genesis})
	n.Restart()
	t.Cleanup(n.Stop)
	return n
}

func (n *fakeNode) Stop() { _ = n.server.Close() }

func (n *fakeNode) Restart() {
	listener, err := net.Listen("tcp", n.addr)
	if err != nil {
		n.t.Fatal(err)
	}
	n.addr = listener.Addr().String()
	n.server = &http.Server{Handler: n}
	go func() { _ = n.server.Serve(listener) }()
}

func (n *fakeNode) Server() string { return n.addr }

func (n *fakeNode) Open(server string, timeout time.Duration) teller.Chain {
	c := newFakeChain(server, timeout, n.bug)
	c.socket = n.socket
	return c
}

func (n *fakeNode) Foreign() teller.Chain {
	return newFakeChain(startFakeNode(n.t, "another", "").addr, callTimeout, n.bug)
}

func (n *fakeNode) number() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	return n.made
}

func (n *fakeNode) NewAddress() string { return fmt.Sprintf("fake-%06d", n.number()) }

func (n *fakeNode) BadAddresses() []string { return []string{"real-000001", "fake-00001x"} }

func (n *fakeNode) Pay(addresses ...string) []teller.Transfer {
	tx := fakeTx{ID: fmt.Sprintf("tx%d", n.number())}
	var ts []teller.Transfer
	for i, a := range addresses {
		o := fakeOutput{Address: a, Value: uint64(1000 + n.number())}
		tx.Outputs = append(tx.Outputs, o)
		ts = append(ts, teller.Transfer{Address: a, TxID: tx.ID, N: uint32(i), Value: teller.NewAmount(o.Value)})
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pool = append(n.pool, tx)
	n.tell()
	return ts
}

func (n *fakeNode) Mine(count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range count {
		n.push(n.pool...)
		n.pool = nil
	}
	n.tell()
}

func (n *fakeNode) push(txs ...fakeTx) {
	n.made++
	b := fakeBlock{Height: int64(len(n.blocks)), Salt: n.made, Txs: txs}
	if b.Height == 0 {
		b.Salt = 0
	} else {
		b.Parent = n.blocks[b.Height-1].Hash
	}
	b.Hash = b.seal()
	n.blocks = append(n.blocks, b)
}

// tell wakes whoever waits for news.
func (n *fakeNode) tell() {
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *fakeNode) Reorg(depth int, remine bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fork := len(n.blocks) - depth
	var txs []fakeTx
	for _, b := range n.blocks[fork:] {
		txs = append(txs, b.Txs...)
	}
	n.blocks = slices.Clip(n.blocks[:fork])
	if !remine {
		n.pool, txs = append(n.pool, txs...), nil
	}
	n.push(txs...)
	for range depth {
		n.push()
	}
	n.tell()
}

func (n *fakeNode) Lag(by int) (teller.Chain, func()) {
	young := startFakeNode(n.t, "", n.bug)
	catchUp := func(blocks int) {
		young.mu.Lock()
		defer young.mu.Unlock()
		young.blocks = slices.Clone(n.blocks[:blocks])
	}
	catchUp(len(n.blocks) - by)
	return young.Open(young.addr, callTimeout), func() { catchUp(len(n.blocks)) }
}

// ServeHTTP implements http.Handler.
func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/news":
		n.news(w, r)
	case "/socket":
		n.converse(w, r)
	default:
		_, _ = w.Write(n.answer(r.URL.Path))
	}
}

// answer is what the node says of a path.
func (n *fakeNode) answer(path string) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	var result any
	what, of, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch what {
	case "tip":
		result = n.blocks[len(n.blocks)-1].Height
	case "hash":
		if h, err := strconv.Atoi(of); err == nil && h >= 0 && h < len(n.blocks) {
			result = n.blocks[h].Hash
		}
	case "block":
		if i := slices.IndexFunc(n.blocks, func(b fakeBlock) bool { return b.Hash == of }); i >= 0 {
			result = n.blocks[i]
		}
	case "pool":
		result = append([]fakeTx{}, n.pool...)
	}
	text, err := json.Marshal(map[string]any{"found": result != nil, "result": result})
	if err != nil {
		panic(err)
	}
	return text
}

// converse answers paths through a websocket.
func (n *fakeNode) converse(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	for {
		_, path, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), websocket.MessageText, n.answer(string(path))) != nil {
			return
		}
	}
}

// news writes a line for every change.
func (n *fakeNode) news(w http.ResponseWriter, r *http.Request) {
	for {
		n.mu.Lock()
		changed := n.changed
		n.mu.Unlock()
		_, _ = fmt.Fprintln(w, "look")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
