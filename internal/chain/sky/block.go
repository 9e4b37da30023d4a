package sky

import (
	"math"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// headerJSON is a block's header as the node writes it.
type headerJSON struct {
	Seq      uint64 `json:"seq"`
	Hash     string `json:"block_hash"`
	Parent   string `json:"previous_block_hash"`
	Time     uint64 `json:"timestamp"`
	Fee      uint64 `json:"fee"`
	Version  uint32 `json:"version"`
	BodyHash string `json:"tx_body_hash"`
	UxHash   string `json:"ux_hash"`
}

// check hashes the header again.
func (h headerJSON) check() (teller.SkyHead, error) {
	var header coin.BlockHeader
	for _, f := range []struct {
		to   *cipher.SHA256
		text string
	}{{&header.PrevHash, h.Parent}, {&header.BodyHash, h.BodyHash}, {&header.UxHash, h.UxHash}} {
		hash, err := cipher.SHA256FromHex(f.text)
		if err != nil {
			return teller.SkyHead{}, teller.Errorf(teller.CodeMalformed, "skycoin node: header of block %d: %w", h.Seq, err)
		}
		*f.to = hash
	}
	header.Version, header.Time, header.BkSeq, header.Fee = h.Version, h.Time, h.Seq, h.Fee
	if header.Hash().Hex() != h.Hash {
		return teller.SkyHead{}, teller.Errorf(teller.CodeMalformed, "skycoin node: the header of block %d does not have the hash %q", h.Seq, h.Hash)
	}
	if h.Seq > math.MaxInt64 {
		return teller.SkyHead{}, teller.Errorf(teller.CodeMalformed, "skycoin node: block number %d is too large", h.Seq)
	}
	return teller.SkyHead{BlockRef: teller.BlockRef{Height: int64(h.Seq), Hash: h.Hash}, Time: h.Time}, nil
}

// blockJSON is a block as the node writes it.
type blockJSON struct {
	Header headerJSON `json:"header"`
	Body   struct {
		Txns []txJSON `json:"txns"`
	} `json:"body"`
}

// check rebuilds the block's transactions and compares them with its header.
func (b blockJSON) check() (teller.SkyBlock, error) {
	head, err := b.Header.check()
	if err != nil {
		return teller.SkyBlock{}, err
	}
	if len(b.Body.Txns) == 0 {
		return teller.SkyBlock{}, teller.Errorf(teller.CodeMalformed, "skycoin node: block %d has no transactions", head.Height)
	}
	block := teller.SkyBlock{BlockRef: head.BlockRef, Parent: b.Header.Parent, Time: head.Time}
	ids := make([]cipher.SHA256, 0, len(b.Body.Txns))
	for _, t := range b.Body.Txns {
		tx, err := t.check(head.Height == 0)
		if err != nil {
			return teller.SkyBlock{}, err
		}
		id, err := cipher.SHA256FromHex(tx.ID)
		if err != nil {
			return teller.SkyBlock{}, teller.Errorf(teller.CodeInternal, "block %d: %w", head.Height, err)
		}
		ids = append(ids, id)
		block.Txs = append(block.Txs, tx)
	}
	if cipher.Merkle(ids).Hex() != b.Header.BodyHash {
		return teller.SkyBlock{}, teller.Errorf(teller.CodeMalformed, "skycoin node: the transactions of block %d are not those of its header", head.Height)
	}
	return block, nil
}

// checkBlocks checks a page of blocks that must begin with from and be linked.
func checkBlocks(answer []blockJSON, from, to int64) ([]teller.SkyBlock, error) {
	if int64(len(answer)) > to-from+1 {
		return nil, teller.Errorf(teller.CodeMalformed, "skycoin node: asked for blocks %d to %d, got %d of them", from, to, len(answer))
	}
	blocks := make([]teller.SkyBlock, 0, len(answer))
	for i, b := range answer {
		block, err := b.check()
		if err != nil {
			return nil, err
		}
		if block.Height != from+int64(i) {
			return nil, teller.Errorf(teller.CodeMalformed, "skycoin node: got block %d where block %d belongs", block.Height, from+int64(i))
		}
		if i > 0 && block.Parent != blocks[i-1].Hash {
			return nil, notLinked(block)
		}
		blocks = append(blocks, block)
	}
	return blocks, nil
}

func notLinked(b teller.SkyBlock) error {
	return teller.Errorf(teller.CodeMalformed, "skycoin node: block %d is not the child of the block before it", b.Height)
}
