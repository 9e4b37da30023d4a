package btc

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/bitcoindtest"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/chaintest"
)

func TestChainOnBtcd(t *testing.T) {
	for name, websocket := range map[string]bool{"post": false, "websocket": true} {
		t.Run(name, func(t *testing.T) {
			chaintest.Run(t, chaintest.Harness{Push: websocket, Verified: true, Start: func(t testing.TB) chaintest.Node {
				node := btcdtest.Start(t, btcdtest.Options{Network: "simnet"}) // whose chain outlives a restart
				return newSuiteNode(t, node, Config{Websocket: websocket})
			}})
		})
	}
}

func TestChainOnBitcoinCore(t *testing.T) {
	chaintest.Run(t, chaintest.Harness{Push: true, Verified: true, Start: func(t testing.TB) chaintest.Node {
		node := bitcoindtest.Start(t)
		return newSuiteNode(t, node.Node, Config{ZMQ: node.ZMQ})
	}})
}

// suiteNode implements what chaintest wants of a node.
type suiteNode struct {
	*btcdtest.Node
	t         testing.TB
	cfg       Config
	addresses uint64 // made so far
	value     int64  // of the last payment
}

var (
	_ chaintest.Reorganiser = (*suiteNode)(nil)
	_ chaintest.Restarter   = (*suiteNode)(nil)
	_ chaintest.Lagger      = (*suiteNode)(nil)
)

func newSuiteNode(t testing.TB, node *btcdtest.Node, cfg Config) *suiteNode {
	cfg.User, cfg.Pass, cfg.Network = node.User, node.Pass, node.Network
	node.Generate(110)
	return &suiteNode{Node: node, t: t, cfg: cfg, value: 1000}
}

func (n *suiteNode) Server() string { return n.Node.Server }

func (n *suiteNode) Open(server string, timeout time.Duration) teller.Chain {
	cfg := n.cfg
	cfg.Server, cfg.Timeout = server, timeout
	return n.new(cfg)
}

func (n *suiteNode) Foreign() teller.Chain {
	cfg := n.cfg
	cfg.Server, cfg.Network = n.Server(), "mainnet"
	return n.new(cfg)
}

func (n *suiteNode) new(cfg Config) *Chain {
	n.t.Helper()
	c, err := New(cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

// NewAddress makes one of the five kinds after the other.
func (n *suiteNode) NewAddress() string {
	n.t.Helper()
	params, err := paramsOf(n.cfg.Network)
	if err != nil {
		n.t.Fatal(err)
	}
	n.addresses++
	hash := make([]byte, 32)
	binary.BigEndian.PutUint64(hash, n.addresses)
	var addr address.Address
	switch n.addresses % 5 {
	case 0:
		addr, err = address.NewAddressPubKeyHash(hash[:20], params)
	case 1:
		addr, err = address.NewAddressScriptHashFromHash(hash[:20], params)
	case 2:
		addr, err = address.NewAddressWitnessPubKeyHash(hash[:20], params)
	case 3:
		addr, err = address.NewAddressWitnessScriptHash(hash, params)
	default:
		addr, err = address.NewAddressTaproot(hash, params)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return addr.EncodeAddress()
}

func (n *suiteNode) BadAddresses() []string {
	bad := fiveKinds(n.t, "mainnet", 1)
	bad = append(bad, fiveKinds(n.t, "signet", 1)[2:]...)
	return append(bad, "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5") // a public key
}

func (n *suiteNode) Pay(addresses ...string) []teller.Transfer {
	n.t.Helper()
	var outputs []btcdtest.Output
	var sent []teller.Transfer
	for i, addr := range addresses {
		n.value++
		outputs = append(outputs, btcdtest.Output{Address: addr, Value: n.value})
		sent = append(sent, teller.Transfer{Address: addr, N: uint32(i), Value: teller.NewAmount(uint64(n.value))})
	}
	txid := n.Node.Pay(outputs...)
	for i := range sent {
		sent[i].TxID = txid
	}
	return sent
}

func (n *suiteNode) Mine(blocks int) {
	n.t.Helper()
	n.Generate(blocks)
}

func (n *suiteNode) Reorg(depth int, remine bool) {
	n.t.Helper()
	n.Invalidate(n.HashAt(n.Height() - int64(depth) + 1))
	if remine {
		n.Generate(depth + 1)
	} else {
		n.GenerateEmpty(depth + 1)
	}
}

func (n *suiteNode) Lag(blocks int) (behind teller.Chain, catchUp func()) {
	n.t.Helper()
	hash := n.HashAt(n.Height() - int64(blocks) + 1)
	n.Invalidate(hash)
	return n.Open(n.Server(), 0), func() { n.Reconsider(hash) }
}
