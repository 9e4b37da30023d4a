package skynodetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/skycoin/skycoin/src/cipher/encoder"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// FailMode says how inject fails.
type FailMode string

// The ways in which inject can fail.
const (
	FailOff    FailMode = "off"    // it works
	FailBefore FailMode = "before" // 503, and the transaction is forgotten: a node without peers
	FailAfter  FailMode = "after"  // 503, but the transaction is kept: a node that lost its peers meanwhile
	FailDrop   FailMode = "drop"   // the transaction is kept, and the connection closed without an answer
)

// client never waits for ever on a chain that hangs.
var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}

// Mine makes a block of what is pending. It returns the height of the head and how many transactions the new block has: 0
// when nothing was pending and no block was made.
func (c *Chain) Mine() (height int64, count int) {
	c.t.Helper()
	return c.MineAfter(0)
}

// MineAfter is Mine with a block time so much later than now, so that coin hours accrue. The chain's clock never goes
// back: what is mined next is later still.
func (c *Chain) MineAfter(d time.Duration) (height int64, count int) {
	c.t.Helper()
	var mined struct {
		Seq   int64 `json:"seq"`
		Count int   `json:"count"`
	}
	answer := c.tell(fmt.Sprintf("/mine?advance=%d", int64(d/time.Second)))
	c.must(json.Unmarshal(answer, &mined))
	return mined.Seq, mined.Count
}

// FailInject makes inject fail from now on, or work again. A restart makes it work again.
func (c *Chain) FailInject(mode FailMode) {
	c.t.Helper()
	c.tell("/fail/" + string(mode))
}

// Prune drops pending transactions that can never confirm, which a node does by itself once a minute. As long as it has
// such a one, it can not tell anybody's outputs.
func (c *Chain) Prune() {
	c.t.Helper()
	c.tell("/prune")
}

// Balance is what an address owns in the head block.
func (c *Chain) Balance(address string) teller.Droplets {
	c.t.Helper()
	resp, err := client.Get("http://" + c.Address + "/api/v1/balance?addrs=" + address)
	c.must(err)
	var balance struct {
		Confirmed struct {
			Coins uint64 `json:"coins"`
		} `json:"confirmed"`
	}
	c.must(json.Unmarshal(c.read(resp), &balance))
	return teller.Droplets(balance.Confirmed.Coins)
}

// Transactions are those of the block at a height, serialized as Inject takes them.
func (c *Chain) Transactions(height int64) [][]byte {
	c.t.Helper()
	var b coin.SignedBlock
	c.must(encoder.DeserializeRawExact(c.block(height), &b))
	var raw [][]byte
	for _, txn := range b.Body.Transactions {
		raw = append(raw, txn.MustSerialize())
	}
	return raw
}

// Learn takes over another chain's blocks from..to, as a node gets them from its peers. They must continue the own ones.
func (c *Chain) Learn(other *Chain, from, to int64) {
	c.t.Helper()
	for height := from; height <= to; height++ {
		resp, err := client.Post("http://"+c.control+"/block", "application/octet-stream", bytes.NewReader(other.block(height)))
		c.must(err)
		c.read(resp)
	}
}

// Become goes on with all that another chain has instead of the own blocks, at the own address. The other one ends. It is
// how a test makes a fork: Skycoin's chain has one publisher and does not turn by itself.
func (c *Chain) Become(other *Chain) {
	c.t.Helper()
	other.Stop()
	c.Stop()
	c.dir, other.dir = other.dir, c.dir
	c.Restart()
}

// block is a serialized, signed block.
func (c *Chain) block(height int64) []byte {
	c.t.Helper()
	resp, err := client.Get(fmt.Sprintf("http://%s/block/%d", c.control, height))
	c.must(err)
	return c.read(resp)
}

// tell sends a command to the chain's control server.
func (c *Chain) tell(path string) []byte {
	c.t.Helper()
	resp, err := client.Post("http://"+c.control+path, "text/plain", strings.NewReader(""))
	c.must(err)
	return c.read(resp)
}

func (c *Chain) read(resp *http.Response) []byte {
	c.t.Helper()
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	c.must(err)
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("skynode: %s: %s", resp.Status, body)
	}
	return body
}
