package btcdtest

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	coinbaseMaturity = 100
	feePerByte       = 10  // satoshi
	inputSize        = 149 // bytes that one of our inputs adds, signed
	dust             = 1000
)

// Output is what a payment pays to one address.
type Output struct {
	Address string
	Value   int64 // satoshi
}

// Pay sends one signed transaction with these outputs first, in their order, and the change after them. It returns the
// transaction's id; Generate mines it.
func (n *Node) Pay(outputs ...Output) string {
	n.t.Helper()
	tx := wire.NewMsgTx(2)
	for _, out := range outputs {
		tx.AddTxOut(wire.NewTxOut(out.Value, n.scriptOf(out.Address)))
	}
	n.fund(tx)
	var raw bytes.Buffer
	n.must(tx.Serialize(&raw))
	var txid string
	n.Call(&txid, "sendrawtransaction", hex.EncodeToString(raw.Bytes()))
	for i := len(outputs); i < len(tx.TxOut); i++ {
		n.own(wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)}, tx.TxOut[i])
	}
	return txid
}

// PayMany is Pay with at most perTx outputs in each transaction. One block can hold them all, as a transaction may spend
// the change of the one before.
func (n *Node) PayMany(outputs []Output, perTx int) []string {
	n.t.Helper()
	var txids []string
	for some := range slices.Chunk(outputs, perTx) {
		txids = append(txids, n.Pay(some...))
	}
	return txids
}

// fund adds inputs, change and signatures.
func (n *Node) fund(tx *wire.MsgTx) {
	n.t.Helper()
	tx.AddTxOut(wire.NewTxOut(0, n.script)) // the change, filled in below
	need := int64(tx.SerializeSize()) * feePerByte
	for _, out := range tx.TxOut {
		need += out.Value
	}
	for _, coin := range slices.Clone(n.order) {
		if need <= -dust {
			break
		}
		if !n.spendable(coin) {
			continue
		}
		tx.AddTxIn(wire.NewTxIn(&coin, nil, nil))
		need += inputSize*feePerByte - n.coins[coin]
		n.disown(coin)
	}
	if need > -dust {
		n.t.Fatalf("btcdtest: %d satoshi short: mine more blocks, a reward matures after %d", need+dust, coinbaseMaturity)
	}
	tx.TxOut[len(tx.TxOut)-1].Value = -need
	for i, in := range tx.TxIn {
		script, err := txscript.SignatureScript(tx, i, n.script, txscript.SigHashAll, n.key, true)
		n.must(err)
		in.SignatureScript = script
	}
}

// spendable asks the node, because a reorg may have taken a coin away, and a reward needs to mature.
func (n *Node) spendable(coin wire.OutPoint) bool {
	n.t.Helper()
	var out *struct {
		Confirmations int64 `json:"confirmations"`
		Coinbase      bool  `json:"coinbase"`
	}
	n.Call(&out, "gettxout", coin.Hash.String(), coin.Index, true)
	return out != nil && (!out.Coinbase || out.Confirmations >= coinbaseMaturity)
}

func (n *Node) own(coin wire.OutPoint, out *wire.TxOut) {
	if bytes.Equal(out.PkScript, n.script) {
		n.coins[coin] = out.Value
		n.order = append(n.order, coin)
	}
}

func (n *Node) disown(coin wire.OutPoint) {
	delete(n.coins, coin)
	n.order = slices.DeleteFunc(n.order, func(o wire.OutPoint) bool { return o == coin })
}

func (n *Node) scriptOf(addr string) []byte {
	n.t.Helper()
	a, err := address.DecodeAddress(addr, n.params)
	n.must(err)
	script, err := txscript.PayToAddrScript(a)
	n.must(err)
	return script
}
