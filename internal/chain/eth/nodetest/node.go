// Package nodetest is what gethtest and anviltest have in common: a development node of Ethereum that runs as a process,
// and transactions that are signed here and sent to it.
//
// Everything here fails the test instead of returning an error. A Node is for one goroutine.
package nodetest

import (
	"crypto/ecdsa"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller/internal/chain/processtest"
)

// Command says what to run.
type Command struct {
	Binary  string // its name
	Install string // the make target that installs it
	// Args are the arguments for a port on loopback, where the node answers over HTTP and websocket alike.
	Args func(dir, port string) []string
	// Mine is the method by which the node is told to make a block; "" when it makes them by itself.
	Mine string
	// Key is the private key, in hex, of an account that is rich from block 0 on.
	Key string
}

// Node is a running development node.
type Node struct {
	Server, Port string // for eth_rpc.server and .port
	ChainID      int64
	Address      string // of the account that pays

	t       testing.TB
	command Command
	binary  string
	dir     string
	rpc     *rpc
	proc    *processtest.Process

	key      *ecdsa.PrivateKey
	raw      map[string]hexutil.Bytes // every transaction sent, by its id
	splitter string                   // where the contract is; "" before it was needed
}

// Start runs the node until the test ends. It skips the test when the binary is missing.
func Start(t testing.TB, command Command) *Node {
	t.Helper()
	n := &Node{Server: "127.0.0.1", t: t, command: command, binary: processtest.Find(t, command.Binary, command.Install), dir: t.TempDir(), raw: make(map[string]hexutil.Bytes)}
	var err error
	n.key, err = crypto.HexToECDSA(command.Key)
	n.must(err)
	n.Address = crypto.PubkeyToAddress(n.key.PublicKey).Hex()
	t.Cleanup(n.Stop)
	for range 3 { // somebody else may take the port before the node does
		n.Port = FreePort(t)
		if err = n.launch(); err == nil {
			return n
		}
	}
	n.must(err)
	return nil
}

// HTTP is the node's URL.
func (n *Node) HTTP() string { return "http://" + net.JoinHostPort(n.Server, n.Port) }

// Restart starts the node again, at the same address, after Stop or instead of it.
func (n *Node) Restart() {
	n.t.Helper()
	n.must(n.launch())
}

func (n *Node) launch() error {
	n.t.Helper()
	n.Stop()
	n.proc = processtest.Start(n.t, nil, n.binary, n.command.Args(n.dir, n.Port)...)
	n.rpc = newRPC(n.HTTP())
	deadline := time.Now().Add(30 * time.Second)
	for {
		var id hexutil.Uint64
		err := n.rpc.call(&id, "eth_chainId")
		if err == nil {
			n.ChainID = int64(id)
			return nil
		}
		if n.proc.Ended() || time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w\n%s", n.command.Binary, err, n.proc.Output())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the node; it can be started again. Idempotent.
func (n *Node) Stop() {
	if n.proc != nil {
		n.proc.Stop()
		n.proc = nil
	}
}

// Pause stops the process where it is, without closing anything: a node that hangs. The returned function wakes it.
func (n *Node) Pause() (resume func()) {
	n.t.Helper()
	n.must(n.proc.Pause())
	return func() { n.must(n.proc.Resume()) }
}

// Call makes a JSON-RPC call and decodes its result into result, which may be nil.
func (n *Node) Call(result any, method string, params ...any) {
	n.t.Helper()
	n.must(n.rpc.call(result, method, params...))
}

// Height is the height of the best chain.
func (n *Node) Height() int64 {
	n.t.Helper()
	var height hexutil.Uint64
	n.Call(&height, "eth_blockNumber")
	return int64(height)
}

// Hash is the hash of the best chain's block at a height.
func (n *Node) Hash(height int64) string {
	n.t.Helper()
	var block struct{ Hash string }
	n.Call(&block, "eth_getBlockByNumber", hexutil.Uint64(height), false)
	return block.Hash
}

func (n *Node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatalf("%s: %v", n.command.Binary, err)
	}
}

// FreePort is a port on loopback that nothing listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	_, port, err := net.SplitHostPort(processtest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}
