// Package bitcoindtest starts a real Bitcoin Core for tests. Its Node is btcdtest's, with the same ways to mine and pay.
//
// It serves compact block filters and publishes notices over ZeroMQ, as an operator would configure it for teller. It is
// not among the tools that make tools builds: where no bitcoind binary is found, its tests are skipped.
package bitcoindtest

import (
	"encoding/binary"
	"net"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/processtest"
)

// Node is a running bitcoind on regtest. Its chain outlives a Restart.
type Node struct {
	*btcdtest.Node
	ZMQ string // for btc_rpc.zmq
}

// Start runs bitcoind until the test ends. args are added to its command line. It skips the test when there is no
// bitcoind binary.
func Start(t testing.TB, args ...string) *Node {
	t.Helper()
	zmq := "tcp://" + processtest.FreeAddr(t)
	var top int64    // the highest block so far
	var forks uint64 // how often the chain became shorter
	mine := func(n *btcdtest.Node, blocks int) []string {
		t.Helper()
		var first, rest []string
		height := n.Height()
		if height < top {
			// The same miner could find the same block again, and an invalidated one is refused.
			forks++
			n.Call(&first, "generatetoaddress", 1, stranger(t, forks))
		}
		n.Call(&rest, "generatetoaddress", blocks-len(first), n.MiningAddress)
		top = height + int64(blocks)
		return append(first, rest...)
	}
	node := btcdtest.Run(t, btcdtest.Program{
		Name: "bitcoind", Mine: mine,
		Args: func(n *btcdtest.Node, dir string) []string {
			host, port, err := net.SplitHostPort(n.Server)
			if err != nil {
				t.Fatal(err)
			}
			return []string{
				"-regtest", "-conf=" + filepath.Join(dir, "bitcoind.conf"), "-datadir=" + dir,
				"-rpcuser=" + n.User, "-rpcpassword=" + n.Pass, "-rpcbind=" + host, "-rpcport=" + port, "-rpcallowip=" + host,
				"-listen=0", "-connect=0", "-dnsseed=0", "-disablewallet", "-txindex", "-blockfilterindex",
				"-acceptnonstdtxn=1", "-dustrelayfee=0", "-zmqpubhashblock=" + zmq, "-zmqpubhashtx=" + zmq,
			}
		},
	}, btcdtest.Options{Args: args})
	return &Node{Node: node, ZMQ: zmq}
}

// stranger is an address of which nobody has the key.
func stranger(t testing.TB, n uint64) string {
	t.Helper()
	hash := make([]byte, 20)
	binary.BigEndian.PutUint64(hash, n)
	addr, err := address.NewAddressPubKeyHash(hash, &chaincfg.RegressionNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return addr.EncodeAddress()
}
