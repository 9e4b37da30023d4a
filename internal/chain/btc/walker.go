package btc

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/skycoin/teller"
)

// maxValue is 21 million BTC in satoshi; no output can hold more.
const maxValue = 21e14

// hit is an output whose script is watched.
type hit struct {
	txid   chainhash.Hash
	n      uint32
	value  uint64 // satoshi
	script []byte // points into the raw block
}

// readBlock checks that raw is the whole block with that hash and returns its parent and its outputs to watched
// scripts, in the order of the block.
func readBlock(raw []byte, hash chainhash.Hash, watched teller.Watched) (chainhash.Hash, []hit, error) {
	header, err := readHeader(raw, hash)
	if err != nil {
		return chainhash.Hash{}, nil, err
	}
	var hits []hit
	var of []int // the index of each hit's transaction: its id is known only at its end
	txids, err := walk(raw[wire.MaxBlockHeaderPayload:], func(tx int, n uint32, value uint64, script []byte) {
		if watched.Has(script) {
			hits = append(hits, hit{n: n, value: value, script: script})
			of = append(of, tx)
		}
	})
	if err != nil {
		return chainhash.Hash{}, nil, err
	}
	for i := range hits {
		hits[i].txid = txids[of[i]]
	}
	root, err := merkleRoot(txids)
	if err != nil {
		return chainhash.Hash{}, nil, err
	}
	if root != header.MerkleRoot {
		return chainhash.Hash{}, nil, errors.New("the transactions are not those that the header commits to")
	}
	return header.PrevBlock, hits, nil
}

// readHeader reads the header that raw begins with and checks that it is the one with that hash.
func readHeader(raw []byte, hash chainhash.Hash) (wire.BlockHeader, error) {
	var header wire.BlockHeader
	if err := header.Deserialize(bytes.NewReader(raw)); err != nil {
		return header, fmt.Errorf("header: %w", err)
	}
	if got := header.BlockHash(); got != hash {
		return header, fmt.Errorf("the answer is another block, %s", got)
	}
	return header, nil
}

// readTx checks that raw is the whole transaction with that id and returns its outputs to watched scripts.
func readTx(raw []byte, txid chainhash.Hash, watched teller.Watched) ([]hit, error) {
	c := &cursor{b: raw}
	var hits []hit
	got := c.tx(0, func(_ int, n uint32, value uint64, script []byte) {
		if watched.Has(script) {
			hits = append(hits, hit{txid: txid, n: n, value: value, script: script})
		}
	})
	switch {
	case c.err != nil:
		return nil, c.err
	case c.at != len(raw):
		return nil, fmt.Errorf("%d bytes after it", len(raw)-c.at)
	case got != txid:
		return nil, fmt.Errorf("the answer is another transaction, %s", got)
	}
	return hits, nil
}

// visitOutput is told one output: the position of its transaction in the block, its own in the transaction, and its
// value in satoshi. The script points into the block.
type visitOutput func(tx int, n uint32, value uint64, script []byte)

// walk steps through a block's transactions, which is all that follows its header, and returns their ids. Nothing may
// be left over. It allocates in proportion to what it has read, never to a count that it was told.
func walk(txs []byte, visit visitOutput) ([]chainhash.Hash, error) {
	c := &cursor{b: txs}
	count := c.varint()
	var ids []chainhash.Hash
	for i := uint64(0); i < count && c.err == nil; i++ {
		ids = append(ids, c.tx(int(i), visit))
	}
	switch {
	case c.err != nil:
		return nil, fmt.Errorf("transaction %d: %w", max(len(ids)-1, 0), c.err)
	case len(ids) == 0:
		return nil, errors.New("no transaction")
	case c.at != len(c.b):
		return nil, fmt.Errorf("%d bytes after the last transaction", len(c.b)-c.at)
	}
	return ids, nil
}

// cursor reads forward through serialized transactions. After the first error every read returns zero values, so only
// loops have to look at err.
type cursor struct {
	b   []byte
	at  int
	err error
}

// tx reads one transaction and returns its id: the hash of everything but the witnesses.
func (c *cursor) tx(index int, visit visitOutput) chainhash.Hash {
	start := c.at
	c.take(4) // version
	body := c.at
	inputs := c.varint()
	segwit := inputs == 0 // no transaction is without inputs: this is the marker, and a flag follows
	if segwit {
		if flag := c.take(1); len(flag) == 1 && flag[0] != 1 {
			c.fail("segwit flag %d", flag[0])
		}
		body = c.at
		inputs = c.varint()
	}
	for i := uint64(0); i < inputs && c.err == nil; i++ {
		c.take(36)         // the output that is spent
		c.take(c.varint()) // signature script
		c.take(4)          // sequence
	}
	outputs := c.varint()
	for n := uint64(0); n < outputs && c.err == nil; n++ {
		c.output(index, uint32(n), visit)
	}
	end := c.at
	if segwit {
		c.witnesses(inputs)
	}
	lock := c.at
	c.take(4) // lock time
	if c.err != nil {
		return chainhash.Hash{}
	}
	if !segwit {
		return chainhash.DoubleHashH(c.b[start:c.at])
	}
	h := sha256.New()
	h.Write(c.b[start : start+4])
	h.Write(c.b[body:end])
	h.Write(c.b[lock:c.at])
	var id chainhash.Hash
	return sha256.Sum256(h.Sum(id[:0]))
}

func (c *cursor) output(tx int, n uint32, visit visitOutput) {
	raw := c.take(8)
	script := c.take(c.varint())
	if c.err != nil {
		return
	}
	value := binary.LittleEndian.Uint64(raw)
	if value > maxValue { // a negative number is a large one here
		c.fail("output %d has the value %d satoshi", n, int64(value))
		return
	}
	visit(tx, n, value, script)
}

func (c *cursor) witnesses(inputs uint64) {
	found := false
	for i := uint64(0); i < inputs && c.err == nil; i++ {
		items := c.varint()
		found = found || items > 0
		for j := uint64(0); j < items && c.err == nil; j++ {
			c.take(c.varint())
		}
	}
	if !found {
		c.fail("segwit flag without a witness")
	}
}

func (c *cursor) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.b)-c.at) {
		c.fail("cut off: %d bytes wanted, %d left", n, len(c.b)-c.at)
		return nil
	}
	b := c.b[c.at : c.at+int(n)]
	c.at += int(n)
	return b
}

// varint reads Bitcoin's CompactSize, in its shortest form only.
func (c *cursor) varint() uint64 {
	first := c.take(1)
	if len(first) == 0 {
		return 0
	}
	var n, least uint64
	switch first[0] {
	case 0xfd:
		if b := c.take(2); b != nil {
			n, least = uint64(binary.LittleEndian.Uint16(b)), 0xfd
		}
	case 0xfe:
		if b := c.take(4); b != nil {
			n, least = uint64(binary.LittleEndian.Uint32(b)), 1<<16
		}
	case 0xff:
		if b := c.take(8); b != nil {
			n, least = binary.LittleEndian.Uint64(b), 1<<32
		}
	default:
		return uint64(first[0])
	}
	if n < least {
		c.fail("the number %d is not in its shortest form", n)
	}
	return n
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// merkleRoot overwrites ids. It refuses two equal neighbours: repeating the last transactions of a block gives the same
// root, and so would let an output count twice.
func merkleRoot(ids []chainhash.Hash) (chainhash.Hash, error) {
	var pair [2 * chainhash.HashSize]byte
	for len(ids) > 1 {
		half := ids[:0]
		for i := 0; i < len(ids); i += 2 {
			left, right := ids[i], ids[i] // an odd one out is paired with itself
			if i+1 < len(ids) {
				if right = ids[i+1]; right == left {
					return chainhash.Hash{}, errors.New("transactions are repeated")
				}
			}
			copy(pair[:chainhash.HashSize], left[:])
			copy(pair[chainhash.HashSize:], right[:])
			half = append(half, chainhash.DoubleHashH(pair[:]))
		}
		ids = half
	}
	return ids[0], nil
}
