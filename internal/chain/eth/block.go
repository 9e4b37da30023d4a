package eth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/skycoin/teller"
)

// Block implements teller.Chain. The block is the one that was on the best chain when it was asked for; everything else
// about it is asked for by its hash, and CodeUnavailable when the node has dropped it meanwhile.
func (c *Chain) Block(ctx context.Context, height int64, watched teller.Watched) (teller.Block, error) {
	var b *block
	if err := c.client.callBlock(ctx, &b, height, true); err != nil {
		return teller.Block{}, err
	}
	if b == nil {
		return teller.Block{}, c.noBlock(height)
	}
	if err := c.verify(ctx, b, height); err != nil {
		return teller.Block{}, err
	}
	moves := b.direct(watched)
	inner, err := c.tracer.inner(ctx, b, watched)
	if err != nil {
		return teller.Block{}, err
	}
	moves = append(moves, inner...)
	slices.SortStableFunc(moves, func(x, y move) int { return x.index - y.index })
	if moves, err = c.successful(ctx, b, moves); err != nil {
		return teller.Block{}, err
	}
	return teller.Block{
		BlockRef:  teller.BlockRef{Height: height, Hash: b.Hash.Hex()},
		Parent:    b.ParentHash.Hex(),
		Transfers: b.transfers(moves),
	}, nil
}

// block is a block as nodes answer with it.
type block struct {
	blockID
	ParentHash       common.Hash       `json:"parentHash"`
	UncleHash        common.Hash       `json:"sha3Uncles"`
	Coinbase         *common.Address   `json:"miner"`
	Root             common.Hash       `json:"stateRoot"`
	TxHash           common.Hash       `json:"transactionsRoot"`
	ReceiptHash      common.Hash       `json:"receiptsRoot"`
	Bloom            types.Bloom       `json:"logsBloom"`
	Difficulty       *hexutil.Big      `json:"difficulty"`
	GasLimit         hexutil.Uint64    `json:"gasLimit"`
	GasUsed          hexutil.Uint64    `json:"gasUsed"`
	Time             hexutil.Uint64    `json:"timestamp"`
	Extra            hexutil.Bytes     `json:"extraData"`
	MixDigest        *common.Hash      `json:"mixHash"`
	Nonce            *types.BlockNonce `json:"nonce"`
	BaseFee          *hexutil.Big      `json:"baseFeePerGas"`
	WithdrawalsHash  *common.Hash      `json:"withdrawalsRoot"`
	BlobGasUsed      *hexutil.Uint64   `json:"blobGasUsed"`
	ExcessBlobGas    *hexutil.Uint64   `json:"excessBlobGas"`
	ParentBeaconRoot *common.Hash      `json:"parentBeaconBlockRoot"`
	RequestsHash     *common.Hash      `json:"requestsHash"`

	Transactions []transaction `json:"transactions"`

	provable bool // header and transactions were recomputed, and what hashes to them is proven
}

// headerHash is the hash that the header's fields give.
func (b *block) headerHash() common.Hash {
	h := types.Header{
		ParentHash: b.ParentHash, UncleHash: b.UncleHash, Root: b.Root, TxHash: b.TxHash, ReceiptHash: b.ReceiptHash,
		Bloom: b.Bloom, Difficulty: (*big.Int)(b.Difficulty), Number: new(big.Int).SetUint64(uint64(*b.Number)),
		GasLimit: uint64(b.GasLimit), GasUsed: uint64(b.GasUsed), Time: uint64(b.Time), Extra: b.Extra,
		BaseFee: (*big.Int)(b.BaseFee), WithdrawalsHash: b.WithdrawalsHash, BlobGasUsed: (*uint64)(b.BlobGasUsed),
		ExcessBlobGas: (*uint64)(b.ExcessBlobGas), ParentBeaconRoot: b.ParentBeaconRoot, RequestsHash: b.RequestsHash,
	}
	if b.Coinbase != nil {
		h.Coinbase = *b.Coinbase
	}
	if b.MixDigest != nil {
		h.MixDigest = *b.MixDigest
	}
	if b.Nonce != nil {
		h.Nonce = *b.Nonce
	}
	return h.Hash()
}

// verify checks that the block is the one at the height, whole and unchanged.
func (c *Chain) verify(ctx context.Context, b *block, height int64) error {
	if b.Number == nil || b.Hash == nil || *b.Number != hexutil.Uint64(height) {
		return c.client.malformed("asked for block %d, it answers with another one", height)
	}
	b.provable = b.headerHash() == *b.Hash
	if !b.provable {
		if err := c.mayBeNewer(ctx, b); err != nil {
			return err
		}
	}
	for i := range b.Transactions {
		if b.Transactions[i].signed == nil {
			b.provable = false // of a kind that this program does not know
		}
	}
	if b.provable && rootOf(txList(b.Transactions)) != b.TxHash {
		return c.client.malformed("block %d (%s) does not hold the transactions that its header names", height, b.Hash)
	}
	return nil
}

// blockFields are the fields of a block, or not of the header, that this program knows.
var blockFields = []string{
	"number", "hash", "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom",
	"difficulty", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot",
	"blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
	"transactions", "uncles", "withdrawals", "size", "totalDifficulty",
}

// mayBeNewer tells apart why a header does not hash to the block's hash. A header with fields that this program does not
// know is that of a later version of the protocol, and has to be believed. Any other has been changed on the way.
func (c *Chain) mayBeNewer(ctx context.Context, b *block) error {
	var fields map[string]json.RawMessage
	if err := c.client.call(ctx, &fields, "eth_getBlockByHash", b.Hash, false); err != nil {
		return err
	}
	if fields == nil {
		return c.dropped(b)
	}
	for name, value := range fields {
		if !slices.Contains(blockFields, name) && string(value) != "null" {
			return nil
		}
	}
	return c.client.malformed("the header of block %d is not that of %s", uint64(*b.Number), b.Hash)
}

// transaction is one transaction of a block.
type transaction struct {
	payment
	signed *types.Transaction // nil when it is of a kind that this program does not know
}

// payment is what matters of a transaction.
type payment struct {
	Hash  common.Hash     `json:"hash"`
	From  *common.Address `json:"from"`
	To    *common.Address `json:"to"` // nil when it makes a contract
	Value *hexutil.Big    `json:"value"`
	Gas   hexutil.Uint64  `json:"gas"`
}

// UnmarshalJSON implements json.Unmarshaler. Whatever it can it takes from what the signature covers.
func (t *transaction) UnmarshalJSON(raw []byte) error {
	signed := new(types.Transaction)
	err := signed.UnmarshalJSON(raw)
	if errors.Is(err, types.ErrTxTypeNotSupported) {
		return t.unknown(raw)
	}
	if err != nil {
		return err
	}
	t.signed = signed
	t.payment = payment{To: signed.To(), Value: (*hexutil.Big)(signed.Value()), Gas: hexutil.Uint64(signed.Gas())}
	return nil
}

// unknown reads a transaction of a kind that this program does not know, which has to be believed. EIP-2718 leaves room for
// kinds up to 0x7f; whatever else is said to be one is a known one that was changed on the way.
func (t *transaction) unknown(raw []byte) error {
	var kind struct {
		Type hexutil.Uint64 `json:"type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	if kind.Type > 0x7f {
		return fmt.Errorf("%#x is no kind of transaction", uint64(kind.Type))
	}
	return json.Unmarshal(raw, &t.payment)
}

// id is the transaction's hash. It is computed when it is needed, because hashing takes longer than all else.
func (t *transaction) id() common.Hash {
	if t.signed != nil {
		return t.signed.Hash()
	}
	return t.Hash
}

// sender is who signed it.
func (t *transaction) sender() (common.Address, bool) {
	if t.signed != nil {
		signer := types.Signer(types.HomesteadSigner{}) // for a transaction that names no chain, as before EIP-155
		if id := t.signed.ChainId(); id.Sign() > 0 {
			signer = types.LatestSignerForChainID(id)
		}
		from, err := types.Sender(signer, t.signed)
		return from, err == nil
	}
	if t.From == nil {
		return common.Address{}, false
	}
	return *t.From, true
}

// txList implements types.DerivableList.
type txList []transaction

// Len implements types.DerivableList.
func (l txList) Len() int { return len(l) }

// EncodeIndex implements types.DerivableList.
func (l txList) EncodeIndex(i int, w *bytes.Buffer) {
	types.Transactions{l[i].signed}.EncodeIndex(0, w)
}

// move is value on its way to a watched address.
type move struct {
	index int // of the transaction in the block
	n     uint32
	to    common.Address
	value *big.Int
}

// direct finds what transactions send to watched addresses by themselves.
func (b *block) direct(watched teller.Watched) []move {
	var moves []move
	for i := range b.Transactions {
		t := &b.Transactions[i]
		if t.To == nil || t.Value == nil || t.Value.ToInt().Sign() <= 0 || !watched.Has(t.To[:]) {
			continue
		}
		if from, ok := t.sender(); ok && from == *t.To {
			continue // it brings nothing to the address
		}
		moves = append(moves, move{i, 0, *t.To, t.Value.ToInt()})
	}
	return moves
}

func (b *block) transfers(moves []move) []teller.Transfer {
	var ts []teller.Transfer
	for _, m := range moves {
		ts = append(ts, teller.Transfer{
			Address: spell(m.to),
			TxID:    b.Transactions[m.index].id().Hex(),
			N:       m.n,
			Value:   wei(m.value),
		})
	}
	return ts
}

// wei makes an amount of a number that came as hex digits, and so has no sign.
func wei(n *big.Int) teller.Amount {
	a, err := teller.AmountFromBig(n)
	if err != nil {
		panic("eth: " + err.Error())
	}
	return a
}
