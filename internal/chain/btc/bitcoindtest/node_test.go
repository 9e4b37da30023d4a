package bitcoindtest

import (
	"testing"

	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
)

func TestNode(t *testing.T) {
	node := Start(t)
	node.Generate(105)
	hash := node.Generate(1)[0]
	txid := node.Pay(btcdtest.Output{Address: node.MiningAddress, Value: 1000})
	node.Invalidate(hash)
	again := node.Generate(1)[0]
	if again == hash || node.Height() != 106 {
		t.Fatalf("height %d with block %s after %s was invalidated", node.Height(), again, hash)
	}
	if txs := node.Block(again).Transactions; len(txs) != 2 || txs[1].TxID() != txid {
		t.Errorf("%d transactions in the new block", len(txs))
	}
	node.Restart()
	if node.Height() != 106 {
		t.Errorf("height %d after a restart", node.Height())
	}
}
