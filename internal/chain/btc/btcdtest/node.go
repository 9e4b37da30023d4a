// Package btcdtest starts a real btcd for tests, mines on it, and pays addresses with signed transactions. Package
// bitcoindtest does the same with Bitcoin Core, through Run.
//
// The node is alone and mines to a key of its own, so a test has as many coins as it mines: Generate(101) makes the first
// reward spendable. Everything here fails the test instead of returning an error. A Node is for one goroutine.
package btcdtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/skycoin/teller/internal/chain/processtest"
)

// Options say what node to start.
type Options struct {
	// Network is "regtest" (when empty) or "simnet". btcd deletes its regtest database at every start: a test that
	// restarts the node needs simnet.
	Network string
	TLS     bool
	Args    []string // further arguments of the command line
	Env     []string // what is added to the environment, as NAME=value
}

// Program is the node's program.
type Program struct {
	Name    string // of the binary
	Install string // the make target that installs it, "" = none does
	// Args are the arguments that start the node on its Server, alone, with its data in dir.
	Args func(n *Node, dir string) []string
	// Mine mines blocks on top of the chain, with rewards for the node's MiningAddress, and returns their hashes.
	Mine func(n *Node, blocks int) []string
}

// Node is a running btcd.
type Node struct {
	Server, User, Pass string // for btc_rpc.server, .user and .pass
	Cert               string // the certificate's file; "" without TLS
	Network            string
	MiningAddress      string

	t       testing.TB
	program Program
	binary  string
	options Options
	dir     string
	params  *chaincfg.Params
	rpc     *rpc
	proc    *processtest.Process

	key    *btcec.PrivateKey
	script []byte // pays key
	coins  map[wire.OutPoint]int64
	order  []wire.OutPoint // of coins, oldest first
	mined  uint64          // blocks that mine made
	full   filler
}

// Start runs btcd until the test ends. It skips the test when there is no btcd binary.
func Start(t testing.TB, opts Options) *Node {
	t.Helper()
	return Run(t, Program{Name: "btcd", Install: "tools", Args: btcdArgs, Mine: func(n *Node, blocks int) []string {
		n.t.Helper()
		var hashes []string
		n.Call(&hashes, "generate", blocks)
		return hashes
	}}, opts)
}

func btcdArgs(n *Node, dir string) []string {
	args := []string{
		"--" + n.Network, "--configfile=" + filepath.Join(dir, "btcd.conf"), "--datadir=" + dir,
		"--logdir=" + filepath.Join(dir, "logs"), "--rpcuser=" + n.User, "--rpcpass=" + n.Pass, "--rpclisten=" + n.Server,
		"--nolisten", "--nodnsseed", "--txindex", "--miningaddr=" + n.MiningAddress,
	}
	if n.Cert == "" {
		return append(args, "--notls")
	}
	return append(args, "--rpccert="+n.Cert, "--rpckey="+filepath.Join(dir, "rpc.key"))
}

// Run runs a program until the test ends. It skips the test when there is no such binary.
func Run(t testing.TB, program Program, opts Options) *Node {
	t.Helper()
	n := &Node{
		User: "user", Pass: "correct horse", Network: "regtest", params: &chaincfg.RegressionNetParams,
		t: t, program: program, binary: processtest.Find(t, program.Name, program.Install), options: opts, dir: t.TempDir(),
		coins: make(map[wire.OutPoint]int64),
	}
	switch opts.Network {
	case "", "regtest":
	case "simnet":
		n.Network, n.params = "simnet", &chaincfg.SimNetParams
	default:
		t.Fatalf("btcdtest: network %q: use regtest or simnet", opts.Network)
	}
	if opts.TLS {
		n.Cert = filepath.Join(n.dir, "rpc.cert")
	}
	n.key, _ = btcec.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	miner, err := address.NewAddressPubKeyHash(address.Hash160(n.key.PubKey().SerializeCompressed()), n.params)
	n.must(err)
	n.MiningAddress = miner.EncodeAddress()
	n.script, err = txscript.PayToAddrScript(miner)
	n.must(err)
	n.must(os.WriteFile(filepath.Join(n.dir, program.Name+".conf"), nil, 0o600))
	t.Cleanup(n.Stop)
	for range 3 { // somebody else may take the port before the node does
		n.Server = processtest.FreeAddr(t)
		if err = n.launch(); err == nil {
			return n
		}
	}
	n.must(err)
	return nil
}

// Restart starts the node again, at the same address, after Stop or instead of it.
func (n *Node) Restart() {
	n.t.Helper()
	n.must(n.launch())
}

func (n *Node) launch() error {
	n.t.Helper()
	n.Stop()
	n.proc = processtest.Start(n.t, n.options.Env, n.binary, append(n.program.Args(n, n.dir), n.options.Args...)...)
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := n.connect()
		if err == nil {
			return nil
		}
		if n.proc.Ended() || time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w\n%s", n.program.Name, err, n.proc.Output())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (n *Node) connect() error {
	var err error
	if n.rpc, err = newRPC(n.Server, n.User, n.Pass, n.Cert); err != nil {
		return err
	}
	var height int64
	return n.rpc.call(&height, "getblockcount")
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
	var height int64
	n.Call(&height, "getblockcount")
	return height
}

// Generate mines blocks with all that is in the mempool and returns their hashes, oldest first.
func (n *Node) Generate(blocks int) []string {
	n.t.Helper()
	hashes := n.program.Mine(n, blocks)
	for _, hash := range hashes {
		block := n.Block(hash)
		coinbase := block.Transactions[0]
		for i, out := range coinbase.TxOut {
			n.own(wire.OutPoint{Hash: coinbase.TxHash(), Index: uint32(i)}, out)
		}
	}
	return hashes
}

// Block returns a block, parsed by btcd's own package.
func (n *Node) Block(hash string) *wire.MsgBlock {
	n.t.Helper()
	var raw hexBytes
	n.Call(&raw, "getblock", hash, 0)
	block := new(wire.MsgBlock)
	n.must(block.Deserialize(bytes.NewReader(raw)))
	return block
}

// Invalidate takes the block and all above it off the chain. Their transactions return to the mempool.
func (n *Node) Invalidate(hash string) {
	n.t.Helper()
	n.Call(nil, "invalidateblock", hash)
}

// Reconsider takes Invalidate back.
func (n *Node) Reconsider(hash string) {
	n.t.Helper()
	n.Call(nil, "reconsiderblock", hash)
}

// HashAt is the hash of the best chain's block at a height.
func (n *Node) HashAt(height int64) string {
	n.t.Helper()
	var hash string
	n.Call(&hash, "getblockhash", height)
	return hash
}

func (n *Node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatalf("btcdtest: %v", err)
	}
}
