// Package gethtest starts a real geth for tests, as a development chain of its own, and pays addresses with signed
// transactions.
//
// The chain makes a block for every transaction as it comes, or every Period seconds with all that came.
package gethtest

import (
	"crypto/ecdsa"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller/internal/chain/eth/nodetest"
)

// key is that of the account which geth --dev makes rich.
const key = "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"

// Options say what node to start.
type Options struct {
	Period int // seconds between blocks; 0 = a block for every transaction
}

// Node is a running geth.
type Node struct {
	*nodetest.Node
	miner *ecdsa.PrivateKey // an account of its own, so that payments do not depend on what Mine did
	mined int64             // no two blocks that Mine makes are alike
}

// rest is how long the node has to be silent to be at rest.
const rest = 10 * time.Millisecond

// Start runs geth until the test ends. It skips the test when there is no geth binary.
func Start(t testing.TB, opts Options) *Node {
	t.Helper()
	const apis = "eth,net,web3,debug,dev,txpool,admin"
	n := &Node{Node: nodetest.Start(t, nodetest.Command{
		Binary: "geth", Install: "tools", Key: key,
		Args: func(dir, port string) []string {
			return []string{
				"--dev", "--dev.period", strconv.Itoa(opts.Period), "--datadir", dir, "--verbosity", "2",
				"--http", "--http.addr", "127.0.0.1", "--http.port", port, "--http.api", apis,
				"--ws", "--ws.addr", "127.0.0.1", "--ws.port", port, "--ws.api", apis,
				"--authrpc.addr", "127.0.0.1", "--authrpc.port", nodetest.FreePort(t),
				"--port", "0", "--nodiscover", "--maxpeers", "0", "--ipcdisable", "--cache", "64",
				// Once a minute geth puts local transactions back that a Rewind made it forget.
				"--txpool.nolocals",
			}
		},
	})}
	var err error
	if n.miner, err = crypto.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	if opts.Period == 0 {
		n.Settle(n.Pay(crypto.PubkeyToAddress(n.miner.PublicKey).Hex(), 1e18))
	}
	return n
}

// Mine makes blocks that pay nobody, on a node without a Period.
func (n *Node) Mine(blocks int) {
	for range blocks {
		n.mined++
		n.Settle(n.SendFrom(n.miner, nodetest.Tx{To: n.Address, Value: big.NewInt(n.mined)}))
	}
}

// Settle waits until a transaction is mined and the node at rest, and returns the block's height. A node without a Period
// that gets a transaction before it is done with the last one makes an empty block more, which is taken off again.
func (n *Node) Settle(txid string) int64 {
	height := n.Mined(txid)
	for time.Sleep(rest); n.Height() > height; time.Sleep(rest) {
		n.Rewind(height)
	}
	return height
}

// Rewind takes all blocks above a height off the chain. Their transactions are forgotten, unless another block comes before
// the node's pool has noticed: so it waits until the pool counts the accounts' payments as the chain does.
func (n *Node) Rewind(height int64) {
	n.Call(nil, "debug_setHead", hexutil.Uint64(height))
	for _, account := range []string{n.Address, crypto.PubkeyToAddress(n.miner.PublicKey).Hex()} {
		for range 1000 {
			var pooled, mined hexutil.Uint64
			n.Call(&pooled, "eth_getTransactionCount", account, "pending")
			n.Call(&mined, "eth_getTransactionCount", account, "latest")
			if pooled == mined {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}
