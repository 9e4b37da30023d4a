// Package sky speaks with a Skycoin node over its REST API, and knows the spelling of SKY addresses.
//
// A Node implements teller.Node: teller sees the Skycoin chain only through it, and hands its payouts to it. A Chain is
// the same node as teller.Chain, for deposits in SKY.
//
// Nothing that the node says is taken on trust where a hash can tell: the header of every block is hashed again and must
// link to its parent, every transaction of a block is rebuilt from its parts and must have the id under which it is
// listed, and so must every output. What a node could still do is to withhold blocks or to invent whole ones; the
// publisher's signature is not checked, because the API does not show it.
//
// Failures are teller.Errors. CodeUnavailable means that nothing is known now (the node is down, slow, busy or
// refuses), CodeMalformed that the answer is not what Skycoin's API says. Every call ends with its context, and after
// Config.Timeout at the latest.
package sky

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/util/logging"

	"github.com/skycoin/teller"
)

// DefaultTimeout is the longest time that one request may take when Config names none. A node on a long chain needs
// some seconds for the outputs of an address.
const DefaultTimeout = 30 * time.Second

// Config says where the node is.
type Config struct {
	// Address is host:port or an http or https URL of the node's REST interface.
	Address string
	Timeout time.Duration // of one request; 0 = DefaultTimeout
	// MinPeers is how many peers the node needs before it is believed to know the whole chain; see Synced.
	MinPeers int
}

// Node is a Skycoin node. It holds no state but its connections and is safe for concurrent use.
type Node struct {
	base    *url.URL
	invalid error  // what is wrong with the configured address
	hint    string // what to tell along with an error
	client  *http.Client
	timeout time.Duration
	peers   int // needed by Synced
}

var _ teller.Node = (*Node)(nil)

// NewNode connects to nothing yet: a node may be down when teller starts. An address that can not be one is reported by
// every call, as CodeInvalid.
func NewNode(cfg Config) *Node {
	logging.Disable() // the library's own logger knows no levels that ours could follow
	n := &Node{timeout: cfg.Timeout, peers: cfg.MinPeers}
	if n.timeout <= 0 {
		n.timeout = DefaultTimeout
	}
	n.base, n.invalid = ParseAddress(cfg.Address)
	if n.invalid == nil && n.base.Port() == oldPort {
		n.hint = " (port " + oldPort + " was the JSON-RPC interface of old nodes; nodes since 0.25 speak REST, on port 6420: set sky_rpc.address to it)"
	}
	n.client = &http.Client{
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 16, // as many as a scan has requests in flight
			IdleConnTimeout:     time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return n
}

// Close drops idle connections. The Node can be used on.
func (n *Node) Close() { n.client.CloseIdleConnections() }

// Head is the node's best block.
func (n *Node) Head(ctx context.Context) (teller.SkyHead, error) {
	var answer struct {
		Head headerJSON `json:"head"`
	}
	if err := n.get(ctx, "/api/v1/blockchain/metadata", nil, &answer); err != nil {
		return teller.SkyHead{}, err
	}
	return answer.Head.check()
}

// Synced returns nil when the node has all blocks that most of its peers have, and at least Config.MinPeers peers that
// have told. What one peer claims decides nothing.
func (n *Node) Synced(ctx context.Context) error {
	var answer struct {
		Current uint64 `json:"current"`
		Peers   []struct {
			Height uint64 `json:"height"` // 0 = not told yet
		} `json:"peers"`
	}
	if err := n.get(ctx, "/api/v1/blockchain/progress", nil, &answer); err != nil {
		return err
	}
	told, ahead := 0, 0
	for _, p := range answer.Peers {
		if p.Height > 0 {
			told++
		}
		if p.Height > answer.Current {
			ahead++
		}
	}
	if told < n.peers {
		return teller.Errorf(teller.CodeNodeBehind, "%d peers of the skycoin node have told their height and sky_rpc.min_peers is %d: alone it can not know whether its chain is whole", told, n.peers)
	}
	if 2*ahead > told {
		return teller.Errorf(teller.CodeNodeBehind, "the skycoin node is at block %d and %d of its %d peers are ahead: nothing is paid until it has caught up", answer.Current, ahead, told)
	}
	return nil
}

// Genesis is the hash of block 0.
func (n *Node) Genesis(ctx context.Context) (string, error) {
	var answer blockJSON
	if err := n.get(ctx, "/api/v1/block", url.Values{"seq": {"0"}}, &answer); err != nil {
		return "", err
	}
	b, err := answer.check()
	if err != nil {
		return "", err
	}
	if b.Height != 0 {
		return "", teller.Errorf(teller.CodeMalformed, "skycoin node: asked for block 0, got block %d", b.Height)
	}
	return b.Hash, nil
}

// Rules are the node's limits for a user's transaction.
func (n *Node) Rules(ctx context.Context) (teller.TxRules, error) {
	var answer struct {
		Rules struct {
			BurnFactor  uint32 `json:"burn_factor"`
			MaxSize     uint32 `json:"max_transaction_size"`
			MaxDecimals *uint8 `json:"max_decimals"`
		} `json:"user_verify_transaction"`
	}
	if err := n.get(ctx, "/api/v1/health", nil, &answer); err != nil {
		return teller.TxRules{}, err
	}
	r := answer.Rules
	if r.BurnFactor == 0 || r.MaxSize == 0 || r.MaxDecimals == nil || *r.MaxDecimals > 6 {
		return teller.TxRules{}, teller.Errorf(teller.CodeMalformed,
			"skycoin node: its health does not tell the rules for transactions: is it older than 0.26?")
	}
	return teller.TxRules{BurnFactor: uint64(r.BurnFactor), MaxSize: int(r.MaxSize), MaxDecimals: int(*r.MaxDecimals)}, nil
}

// pageOfBlocks is how many blocks are asked for at once: full blocks are about 250 kB of JSON each, so that a page
// stays far below maxBody.
const pageOfBlocks = 50

// Blocks reads the blocks from..to, both included. It returns fewer when the chain ends before.
func (n *Node) Blocks(ctx context.Context, from, to int64) ([]teller.SkyBlock, error) {
	if from < 0 {
		return nil, teller.Errorf(teller.CodeInvalid, "there is no block %d", from)
	}
	var blocks []teller.SkyBlock
	for from <= to {
		end := to
		if to-from >= pageOfBlocks {
			end = from + pageOfBlocks - 1
		}
		page, err := n.blocks(ctx, from, end)
		if err != nil {
			return nil, err
		}
		if len(blocks) > 0 && len(page) > 0 && page[0].Parent != blocks[len(blocks)-1].Hash {
			return nil, notLinked(page[0])
		}
		blocks = append(blocks, page...)
		if int64(len(page)) < end-from+1 {
			break
		}
		from = end + 1
	}
	return blocks, nil
}

func (n *Node) blocks(ctx context.Context, from, to int64) ([]teller.SkyBlock, error) {
	var answer struct {
		Blocks []blockJSON `json:"blocks"`
	}
	query := url.Values{"start": {strconv.FormatInt(from, 10)}, "end": {strconv.FormatInt(to, 10)}}
	if err := n.get(ctx, "/api/v1/blocks", query, &answer); err != nil {
		return nil, err
	}
	return checkBlocks(answer.Blocks, from, to)
}

// Transaction tells where a transaction stands; CodeNotFound when the node does not know it.
func (n *Node) Transaction(ctx context.Context, txid string) (teller.SkyTx, teller.TxState, error) {
	if _, err := cipher.SHA256FromHex(txid); err != nil {
		return teller.SkyTx{}, "", teller.Errorf(teller.CodeInvalid, "%q is not the id of a skycoin transaction", txid)
	}
	var answer struct {
		Status statusJSON `json:"status"`
		Txn    txJSON     `json:"txn"`
	}
	if err := n.get(ctx, "/api/v1/transaction", url.Values{"txid": {txid}}, &answer); err != nil {
		return teller.SkyTx{}, "", err
	}
	state, err := answer.Status.state()
	if err != nil {
		return teller.SkyTx{}, "", err
	}
	tx, err := answer.Txn.check(answer.Status.genesis())
	if err != nil {
		return teller.SkyTx{}, "", err
	}
	if tx.ID != txid {
		return teller.SkyTx{}, "", teller.Errorf(teller.CodeMalformed, "skycoin node: asked for transaction %s, got %s", txid, tx.ID)
	}
	return tx, state, nil
}
