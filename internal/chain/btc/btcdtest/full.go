package btcdtest

import (
	"encoding/binary"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// The blocks of GenerateFull: 0.99 MB each.
const (
	fullTxs = 4200
	// FullPayments is how many strangers a block of GenerateFull pays.
	FullPayments = 2 * fullTxs
)

// filler has the coins of which the next full block is made. They need no signature: to make and to check one would take
// most of the time.
type filler struct {
	coins []wire.OutPoint
	value int64 // of each of them
	paid  int   // strangers so far
}

// GenerateFull mines full blocks, each with 4200 transactions that pay two strangers each, and returns their hashes,
// oldest first. It needs a mature reward.
func (n *Node) GenerateFull(blocks int) []string {
	n.t.Helper()
	anyone := []byte{txscript.OP_TRUE}
	if n.full.coins == nil {
		n.full.value = 1e6
		tx := wire.NewMsgTx(2)
		for range fullTxs {
			tx.AddTxOut(wire.NewTxOut(n.full.value, anyone))
		}
		n.fund(tx)
		n.mine(tx)
		for i := range fullTxs {
			n.full.coins = append(n.full.coins, wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)})
		}
	}
	const signature, publicKey = 72, 33
	spend := slices.Concat([]byte{signature}, make([]byte, signature), []byte{publicKey}, make([]byte, publicKey))
	var hashes []string
	for range blocks {
		n.full.value -= 2 * dust
		var txs []*wire.MsgTx
		for i, coin := range n.full.coins {
			tx := wire.NewMsgTx(2)
			tx.AddTxIn(wire.NewTxIn(&coin, spend, nil))
			tx.AddTxOut(wire.NewTxOut(n.full.value, anyone))
			tx.AddTxOut(wire.NewTxOut(dust, Stranger(n.full.paid)))
			tx.AddTxOut(wire.NewTxOut(dust, Stranger(n.full.paid+1)))
			n.full.paid += 2
			n.full.coins[i] = wire.OutPoint{Hash: tx.TxHash()}
			txs = append(txs, tx)
		}
		hashes = append(hashes, n.mine(txs...))
	}
	return hashes
}

// Stranger is the output script that the i-th payment of all full blocks goes to, a P2PKH of which nobody has the key.
func Stranger(i int) []byte {
	const hashAt = 3
	script := []byte{txscript.OP_DUP, txscript.OP_HASH160, txscript.OP_DATA_20}
	script = append(script, make([]byte, 20)...)
	binary.BigEndian.PutUint64(script[hashAt:], uint64(i))
	return append(script, txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG)
}
