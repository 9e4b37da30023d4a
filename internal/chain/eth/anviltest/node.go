// Package anviltest starts a real anvil for tests: a development chain that makes blocks when it is told to, and can be
// reorganised at any depth.
package anviltest

import (
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/skycoin/teller/internal/chain/eth/nodetest"
)

// key is that of the first account that anvil makes rich.
const key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

// Node is a running anvil.
type Node struct{ *nodetest.Node }

// Start runs anvil until the test ends. It skips the test when there is no anvil binary.
func Start(t testing.TB) *Node {
	t.Helper()
	return &Node{nodetest.Start(t, nodetest.Command{
		Binary: "anvil", Install: "anvil", Mine: "evm_mine", Key: key,
		Args: func(_, port string) []string {
			return []string{"--host", "127.0.0.1", "--port", port, "--no-mining", "--quiet"}
		},
	})}
}

// Mine makes blocks; the first holds all that is in the pool.
func (n *Node) Mine(blocks int) {
	n.Call(nil, "anvil_mine", hexutil.Uint64(blocks))
}

// Reorg replaces the last blocks by as many empty ones. Their transactions are forgotten.
func (n *Node) Reorg(depth int) {
	n.Call(nil, "anvil_reorg", depth, []any{})
}
