package nodetest

import (
	"crypto/ecdsa"
	_ "embed"
	"encoding/hex"
	"math/big"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// What every transaction offers for its gas, in wei, and how much gas one with data may use.
const (
	tip     = 1e9
	fee     = 100e9
	plenty  = 1_000_000
	plain   = 21_000
	patient = 30 * time.Second
)

// splitterCode is explained in testdata/README.md.
//
//go:embed testdata/splitter.hex
var splitterCode string

// Tx is a transaction to be signed.
type Tx struct {
	To    string // "" makes a contract of Data
	Value *big.Int
	Data  []byte
	Gas   uint64 // 0 = 21,000 without data, a million with it
}

// Pay sends wei to an address and returns the transaction's id.
func (n *Node) Pay(to string, wei uint64) string {
	n.t.Helper()
	return n.Send(Tx{To: to, Value: new(big.Int).SetUint64(wei)})
}

// Send signs a transaction with the rich account and hands it to the node.
func (n *Node) Send(tx Tx) string {
	n.t.Helper()
	return n.SendFrom(n.key, tx)
}

// SendFrom is Send from another account.
func (n *Node) SendFrom(key *ecdsa.PrivateKey, tx Tx) string {
	n.t.Helper()
	inner := &types.DynamicFeeTx{
		ChainID: big.NewInt(n.ChainID), Nonce: n.Nonce(crypto.PubkeyToAddress(key.PublicKey).Hex()),
		GasTipCap: big.NewInt(tip), GasFeeCap: big.NewInt(fee), Gas: tx.Gas, Value: tx.Value, Data: tx.Data,
	}
	if tx.To != "" {
		to := common.HexToAddress(tx.To)
		inner.To = &to
	}
	if inner.Value == nil {
		inner.Value = new(big.Int)
	}
	if inner.Gas == 0 {
		inner.Gas = plain
		if len(tx.Data) > 0 {
			inner.Gas = plenty
		}
	}
	return n.send(key, inner)
}

// SendInner is Send for a transaction of any kind.
func (n *Node) SendInner(inner types.TxData) string {
	n.t.Helper()
	return n.send(n.key, inner)
}

func (n *Node) send(key *ecdsa.PrivateKey, inner types.TxData) string {
	n.t.Helper()
	signed, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(n.ChainID)), inner)
	n.must(err)
	raw, err := signed.MarshalBinary()
	n.must(err)
	txid := signed.Hash().Hex()
	n.raw[txid] = raw
	n.SendAgain(txid)
	return txid
}

// SendAgain hands a transaction to the node that a reorg has made it forget.
func (n *Node) SendAgain(txid string) {
	n.t.Helper()
	n.Call(nil, "eth_sendRawTransaction", n.raw[txid])
}

// Nonce is the number of an account's next transaction.
func (n *Node) Nonce(account string) uint64 {
	n.t.Helper()
	var nonce hexutil.Uint64
	n.Call(&nonce, "eth_getTransactionCount", account, "pending")
	return uint64(nonce)
}

// Mined waits until a transaction is in a block and returns the block's height.
func (n *Node) Mined(txid string) int64 {
	n.t.Helper()
	return int64(n.receipt(txid).BlockNumber)
}

// Succeeded waits until a transaction is in a block and reports whether it did what it should.
func (n *Node) Succeeded(txid string) bool {
	n.t.Helper()
	return n.receipt(txid).Status == 1
}

type receipt struct {
	BlockNumber     hexutil.Uint64
	Status          hexutil.Uint64
	ContractAddress string
}

func (n *Node) receipt(txid string) receipt {
	n.t.Helper()
	for deadline := time.Now().Add(patient); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var r *receipt
		// For a moment after a block geth says that it is still indexing its transactions.
		if err := n.rpc.call(&r, "eth_getTransactionReceipt", txid); err == nil && r != nil {
			return *r
		}
	}
	n.t.Fatalf("%s: %s is not mined", n.command.Binary, txid)
	return receipt{}
}

// Deploy makes a contract of runtime code, waits for it and returns its address, where wei are then.
func (n *Node) Deploy(runtime []byte, wei uint64) string {
	n.t.Helper()
	txid := n.Send(Tx{Data: Constructor(runtime), Value: new(big.Int).SetUint64(wei), Gas: plenty})
	if n.command.Mine != "" {
		n.Call(nil, n.command.Mine)
	}
	if !n.Succeeded(txid) {
		n.t.Fatalf("%s: the contract could not be made", n.command.Binary)
	}
	return n.receipt(txid).ContractAddress
}

// PayInside lets a contract pay two addresses half of wei each, the second one wei more when it is odd. It returns the
// id of the one transaction that does it.
func (n *Node) PayInside(first, second string, wei uint64) string {
	n.t.Helper()
	if n.splitter == "" || !n.hasCode(n.splitter) {
		runtime, err := hex.DecodeString(strings.TrimSpace(splitterCode))
		n.must(err)
		n.splitter = n.Deploy(runtime, 0)
	}
	data := append(common.LeftPadBytes(common.HexToAddress(first).Bytes(), 32),
		common.LeftPadBytes(common.HexToAddress(second).Bytes(), 32)...)
	return n.Send(Tx{To: n.splitter, Value: new(big.Int).SetUint64(wei), Data: data})
}

// hasCode is false after a reorg took the contract away.
func (n *Node) hasCode(address string) bool {
	n.t.Helper()
	var code hexutil.Bytes
	n.Call(&code, "eth_getCode", address, "latest")
	return len(code) > 0
}

// Constructor is code that makes a contract of runtime code: it copies what stands behind itself to memory, and returns it.
func Constructor(runtime []byte) []byte {
	const (
		push2, dup1, push1, push0, codecopy, ret = 0x61, 0x80, 0x60, 0x5f, 0x39, 0xf3
		length                                   = 10
	)
	size := len(runtime)
	return append([]byte{push2, byte(size >> 8), byte(size), dup1, push1, length, push0, codecopy, push0, ret}, runtime...)
}
