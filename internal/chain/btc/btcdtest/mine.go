package btcdtest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// GenerateEmpty mines blocks that leave the mempool alone and returns their hashes, oldest first. They claim no reward.
func (n *Node) GenerateEmpty(blocks int) []string {
	n.t.Helper()
	var hashes []string
	for range blocks {
		hashes = append(hashes, n.mine())
	}
	return hashes
}

// mine mines a block of these transactions and no others. No two of its blocks are alike.
func (n *Node) mine(txs ...*wire.MsgTx) (hash string) {
	n.t.Helper()
	height := n.Height()
	parent := n.Block(n.HashAt(height)).Header
	n.mined++
	tag := binary.BigEndian.AppendUint64(nil, n.mined)
	script, err := txscript.NewScriptBuilder().AddInt64(height + 1).AddData(tag).Script()
	n.must(err)
	coinbase := wire.NewMsgTx(1)
	coinbase.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: wire.MaxPrevOutIndex}, script, nil))
	coinbase.AddTxOut(wire.NewTxOut(0, n.script))
	block := &wire.MsgBlock{Transactions: slices.Insert(slices.Clone(txs), 0, coinbase)}
	block.Header = wire.BlockHeader{
		Version: parent.Version, PrevBlock: parent.BlockHash(), MerkleRoot: merkleRoot(block.Transactions),
		Timestamp: parent.Timestamp.Add(time.Second), Bits: parent.Bits,
	}
	return n.submit(block)
}

// submit finds a proof of work, which every second hash is on networks for tests, and hands the block in.
func (n *Node) submit(block *wire.MsgBlock) (hash string) {
	n.t.Helper()
	const target = 0x7f // its first byte
	for h := block.BlockHash(); h[len(h)-1] >= target; h = block.BlockHash() {
		block.Header.Nonce++
	}
	var raw bytes.Buffer
	n.must(block.Serialize(&raw))
	var refusal *string
	n.Call(&refusal, "submitblock", hex.EncodeToString(raw.Bytes()))
	if refusal != nil {
		n.t.Fatalf("btcdtest: a block is refused: %s", *refusal)
	}
	return block.BlockHash().String()
}

// merkleRoot is the root by its definition: a level of odd length repeats its last.
func merkleRoot(txs []*wire.MsgTx) chainhash.Hash {
	var level []chainhash.Hash
	for _, tx := range txs {
		level = append(level, tx.TxHash())
	}
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		var up []chainhash.Hash
		for pair := range slices.Chunk(level, 2) {
			up = append(up, chainhash.DoubleHashH(append(pair[0].CloneBytes(), pair[1][:]...)))
		}
		level = up
	}
	return level[0]
}
