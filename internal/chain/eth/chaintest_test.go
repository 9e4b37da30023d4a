package eth

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/chaintest"
	"github.com/skycoin/teller/internal/chain/eth/anviltest"
	"github.com/skycoin/teller/internal/chain/eth/gethtest"
	"github.com/skycoin/teller/internal/chain/eth/nodetest"
)

var waysToAsk = []struct {
	name      string
	websocket bool
}{{"http", false}, {"ws", true}}

func TestChainOnGeth(t *testing.T) {
	for _, way := range waysToAsk {
		t.Run(way.name, func(t *testing.T) {
			geth := gethtest.Start(t, gethtest.Options{})
			node := &gethNode{suiteNode{node: geth.Node, t: t, websocket: way.websocket}, geth}
			chaintest.Run(t, chaintest.Harness{
				Start:   func(testing.TB) chaintest.Node { return node }, // each takes it as the one before has left it
				Instant: true, Push: way.websocket, Verified: true,
			})
		})
	}
}

func TestChainOnAnvil(t *testing.T) {
	for _, way := range waysToAsk {
		t.Run(way.name, func(t *testing.T) {
			chaintest.Run(t, chaintest.Harness{
				Start: func(t testing.TB) chaintest.Node {
					node := anviltest.Start(t)
					return &anvilNode{suiteNode{node: node.Node, t: t, websocket: way.websocket}, node}
				},
				Push: way.websocket, Verified: true,
			})
		})
	}
}

// suiteNode is what both kinds of nodes have in common.
type suiteNode struct {
	node      *nodetest.Node
	t         testing.TB
	websocket bool
	paid      []string // ids of all payments, in their order
}

func (n *suiteNode) Server() string { return net.JoinHostPort(n.node.Server, n.node.Port) }

func (n *suiteNode) Open(server string, timeout time.Duration) teller.Chain {
	return n.open(server, timeout, n.node.ChainID)
}

func (n *suiteNode) Foreign() teller.Chain {
	return n.open(n.Server(), 0, n.node.ChainID+1)
}

func (n *suiteNode) open(server string, timeout time.Duration, chainID int64) teller.Chain {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		n.t.Fatal(err)
	}
	c, err := New(Config{Server: host, Port: port, Websocket: n.websocket, ChainID: chainID, Timeout: timeout})
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

func (n *suiteNode) NewAddress() string {
	key, err := crypto.GenerateKey()
	if err != nil {
		n.t.Fatal(err)
	}
	return FromHash(crypto.PubkeyToAddress(key.PublicKey))
}

func (n *suiteNode) BadAddresses() []string {
	return []string{
		"0x" + strings.Repeat("0", 40), strings.Repeat("ab", 20), "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
	}
}

// pay sends a transaction for each address.
func (n *suiteNode) pay(addresses []string, after func(txid string)) []teller.Transfer {
	var ts []teller.Transfer
	for _, address := range addresses {
		wei := uint64(1_000_000_007*(len(n.paid)+1)) + 1
		txid := n.node.Pay(address, wei)
		after(txid)
		n.paid = append(n.paid, txid)
		ts = append(ts, teller.Transfer{Address: address, TxID: txid, Value: teller.NewAmount(wei)})
	}
	return ts
}

// paidAbove are the payments in the blocks above a height, in their order.
func (n *suiteNode) paidAbove(height int64) []string {
	var ids []string
	for _, txid := range slices.Backward(n.paid) {
		var r *struct{ BlockNumber hexutil.Uint64 }
		n.node.Call(&r, "eth_getTransactionReceipt", txid)
		if r != nil && int64(r.BlockNumber) <= height {
			break // what was paid before is below
		}
		if r != nil {
			ids = append(ids, txid)
		}
	}
	slices.Reverse(ids)
	return ids
}

type gethNode struct {
	suiteNode
	geth *gethtest.Node
}

func (n *gethNode) Stop()    { n.node.Stop() }
func (n *gethNode) Restart() { n.node.Restart() }

func (n *gethNode) Mine(blocks int) { n.geth.Mine(blocks) }

func (n *gethNode) Pay(addresses ...string) []teller.Transfer {
	return n.pay(addresses, func(txid string) { n.geth.Settle(txid) })
}

func (n *gethNode) Reorg(depth int, remine bool) {
	tip := n.node.Height()
	fork := tip - int64(depth)
	again := n.paidAbove(fork)
	n.geth.Rewind(fork)
	n.Mine(1) // another block than before at the first height, so the others differ by their parents
	for _, txid := range again {
		if remine {
			n.node.SendAgain(txid)
			n.geth.Settle(txid)
		}
	}
	n.Mine(int(tip + 1 - n.node.Height()))
}

// Lag keeps the last blocks in a file while the node forgets them.
func (n *gethNode) Lag(blocks int) (behind teller.Chain, catchUp func()) {
	tip := n.node.Height()
	file := filepath.Join(n.t.TempDir(), "blocks")
	var ok bool
	n.node.Call(&ok, "admin_exportChain", file, tip-int64(blocks)+1, tip)
	if _, err := os.Stat(file); err != nil || !ok {
		n.t.Fatalf("export: %t, %v", ok, err)
	}
	n.geth.Rewind(tip - int64(blocks))
	return n.Open(n.Server(), 0), func() { n.node.Call(&ok, "admin_importChain", file) }
}

// anvilNode has no Stop and Restart: anvil keeps its chain in memory.
type anvilNode struct {
	suiteNode
	anvil *anviltest.Node
}

func (n *anvilNode) Mine(blocks int) { n.anvil.Mine(blocks) }

func (n *anvilNode) Pay(addresses ...string) []teller.Transfer {
	return n.pay(addresses, func(string) {})
}

func (n *anvilNode) Reorg(depth int, remine bool) {
	again := n.paidAbove(n.node.Height() - int64(depth))
	n.anvil.Reorg(depth)
	for _, txid := range again {
		if remine {
			n.node.SendAgain(txid)
		}
	}
	n.Mine(1)
}
