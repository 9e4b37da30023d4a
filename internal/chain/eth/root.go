package eth

import (
	"bytes"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// rootOf is the hash by which a header commits to a list of transactions or receipts: the root of the Merkle-Patricia
// trie that maps the encoded index of each to its encoding (Yellow Paper, appendix D).
func rootOf(list types.DerivableList) common.Hash { return types.DeriveSha(list, new(listTrie)) }

// listTrie implements types.ListHasher. It keeps the entries and builds the trie when it is asked for the hash. That does
// the same as the library's own trie without the database that comes with it.
type listTrie struct{ entries []trieEntry }

type trieEntry struct {
	path  []byte // of the key, a hex digit each
	value []byte
}

// Reset implements types.ListHasher.
func (t *listTrie) Reset() { t.entries = t.entries[:0] }

// Update implements types.ListHasher.
func (t *listTrie) Update(key, value []byte) error {
	path := make([]byte, 0, 2*len(key))
	for _, b := range key {
		path = append(path, b>>4, b&15)
	}
	t.entries = append(t.entries, trieEntry{path, bytes.Clone(value)})
	return nil
}

// Hash implements types.ListHasher.
func (t *listTrie) Hash() common.Hash {
	if len(t.entries) == 0 {
		return types.EmptyRootHash
	}
	slices.SortFunc(t.entries, func(a, b trieEntry) int { return bytes.Compare(a.path, b.path) })
	return crypto.Keccak256Hash(node(t.entries, 0))
}

// node encodes the node under which all entries stand, which have the first digits in common. No key is the beginning of
// another, so values stand in leaves only.
func node(entries []trieEntry, depth int) []byte {
	first, last := entries[0].path, entries[len(entries)-1].path
	if len(entries) == 1 {
		return encode([]any{compact(first[depth:], true), entries[0].value})
	}
	shared := depth
	for first[shared] == last[shared] { // they are sorted: what these two share, all share
		shared++
	}
	if shared > depth {
		return encode([]any{compact(first[depth:shared], false), reference(node(entries, shared))})
	}
	var branch [17]any // the last is for a value
	for i := range branch {
		branch[i] = []byte{}
	}
	for start := 0; start < len(entries); {
		digit := entries[start].path[depth]
		end := start
		for end < len(entries) && entries[end].path[depth] == digit {
			end++
		}
		branch[digit] = reference(node(entries[start:end], depth+1))
		start = end
	}
	return encode(branch[:])
}

// reference is how a node is named in the one above it: by its hash, or by itself when it is shorter than that.
func reference(node []byte) any {
	if len(node) < common.HashLength {
		return rlp.RawValue(node)
	}
	return crypto.Keccak256(node)
}

// compact packs digits into bytes, with what kind of node they belong to and whether their number is odd in front.
func compact(digits []byte, leaf bool) []byte {
	var head byte
	if leaf {
		head = 2
	}
	packed := []byte{head << 4}
	if len(digits)%2 == 1 {
		packed[0] |= 1<<4 | digits[0]
		digits = digits[1:]
	}
	for i := 0; i < len(digits); i += 2 {
		packed = append(packed, digits[i]<<4|digits[i+1])
	}
	return packed
}

// encode writes byte strings and lists of them in RLP.
func encode(list []any) []byte {
	b, err := rlp.EncodeToBytes(list)
	if err != nil {
		panic("eth: " + err.Error()) // every type in it is one that RLP knows
	}
	return b
}
