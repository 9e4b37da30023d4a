package btc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/btcsuite/btcd/btcjson"
	"github.com/btcsuite/btcd/btcutil/v2/gcs"
	"github.com/btcsuite/btcd/btcutil/v2/gcs/builder"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	// maxFilterKeys is how many keys filters pay for. A key matches a full block by chance once in 800,000 times: with
	// 100,000 one block in seven is read in vain, and matching them takes a quarter of the time of reading it.
	maxFilterKeys = 100_000
	// unaskedBlocks is how many blocks are read whole before a node that refused a filter is asked for one again: few
	// enough to notice soon a node that was restarted with filters or has built them, and enough to cost nothing.
	unaskedBlocks = 100
	// keptHeaders is how many filter headers are kept for the blocks that follow: more than are read at once.
	keptHeaders = 64
)

// errNoFilter says that the node gave no filter that could be relied on. The block is read then.
var errNoFilter = errors.New("no filter")

// blockFilters tells by the node's compact filters (BIP 158) which blocks need not be read. A filter counts only when it
// hashes, together with the filter header of the parent, to the filter header of the block (BIP 157): one that is
// garbled or another block's excludes nothing. It is safe for concurrent use.
type blockFilters struct {
	client  *client
	core    atomic.Bool  // the node understands Bitcoin Core's call, not btcd's
	unasked atomic.Int32 // blocks to be read before the node is asked again

	mu      sync.Mutex
	headers map[chainhash.Hash]chainhash.Hash // filter headers by their block's hash
	order   []chainhash.Hash                  // of headers, oldest first
}

func newBlockFilters(c *client) *blockFilters {
	return &blockFilters{client: c, headers: make(map[chainhash.Hash]chainhash.Hash)}
}

// worthAsking is called once for each block: it counts those that are read without asking.
func (f *blockFilters) worthAsking(scripts int) bool {
	if scripts > maxFilterKeys {
		return false
	}
	if f.unasked.Load() > 0 {
		f.unasked.Add(-1)
		return false
	}
	return true
}

// exclude is true only when the block's filter says that no output of it has any of these scripts.
func (f *blockFilters) exclude(ctx context.Context, hash, parent chainhash.Hash, scripts [][]byte) (bool, error) {
	matched, err := f.match(ctx, hash, parent, scripts)
	if errors.Is(err, errNoFilter) {
		return false, nil
	}
	return err == nil && !matched, err
}

func (f *blockFilters) match(ctx context.Context, hash, parent chainhash.Hash, scripts [][]byte) (bool, error) {
	filter, header, err := f.filter(ctx, hash)
	if err != nil {
		return false, err
	}
	f.keep(hash, header)
	previous, err := f.header(ctx, parent)
	if err != nil {
		return false, err
	}
	if filterHeader(filter, previous) != header {
		return false, errNoFilter
	}
	return matchFilter(filter, hash, scripts)
}

// filter asks for a block's filter and filter header.
func (f *blockFilters) filter(ctx context.Context, hash chainhash.Hash) ([]byte, chainhash.Hash, error) {
	if f.core.Load() {
		return f.coreFilter(ctx, hash)
	}
	r, err := f.client.ask(ctx, "getcfilter", hash.String(), wire.GCSFilterRegular)
	switch {
	case errors.Is(err, errForbidden):
		return f.coreFilter(ctx, hash)
	case err != nil:
		return nil, chainhash.Hash{}, err
	case r.err != nil && r.err.Code == btcjson.ErrRPCMethodNotFound.Code:
		return f.coreFilter(ctx, hash)
	case r.err != nil:
		return nil, chainhash.Hash{}, f.refused()
	}
	filter, err := hex.DecodeString(string(r.text))
	if err != nil {
		return nil, chainhash.Hash{}, errNoFilter
	}
	header, err := f.btcdHeader(ctx, hash)
	return filter, header, err
}

// coreFilter asks as Bitcoin Core wants to be asked.
func (f *blockFilters) coreFilter(ctx context.Context, hash chainhash.Hash) ([]byte, chainhash.Hash, error) {
	r, err := f.client.ask(ctx, "getblockfilter", hash.String(), "basic")
	if errors.Is(err, errForbidden) { // by its rpcwhitelist: a wrong login would show in reading the block
		return nil, chainhash.Hash{}, f.refused()
	}
	if err != nil {
		return nil, chainhash.Hash{}, err
	}
	f.core.Store(r.err == nil)
	if r.err != nil {
		return nil, chainhash.Hash{}, f.refused()
	}
	var answer struct{ Filter, Header string }
	if json.Unmarshal(r.result, &answer) != nil {
		return nil, chainhash.Hash{}, errNoFilter
	}
	filter, err := hex.DecodeString(answer.Filter)
	if err != nil {
		return nil, chainhash.Hash{}, errNoFilter
	}
	header, err := parseFilterHeader(answer.Header)
	return filter, header, err
}

func (f *blockFilters) btcdHeader(ctx context.Context, hash chainhash.Hash) (chainhash.Hash, error) {
	r, err := f.client.ask(ctx, "getcfilterheader", hash.String(), wire.GCSFilterRegular)
	if err != nil {
		return chainhash.Hash{}, err
	}
	if r.err != nil {
		return chainhash.Hash{}, f.refused()
	}
	return parseFilterHeader(string(r.text))
}

// refused lets some blocks pass before the node is asked again.
func (f *blockFilters) refused() error {
	f.unasked.Store(unaskedBlocks)
	return errNoFilter
}

// header returns a block's filter header. It is usually known, because blocks are read in about their order.
func (f *blockFilters) header(ctx context.Context, hash chainhash.Hash) (chainhash.Hash, error) {
	if hash == (chainhash.Hash{}) {
		return chainhash.Hash{}, nil // no block: the chain of filter headers begins with zeros
	}
	f.mu.Lock()
	header, ok := f.headers[hash]
	f.mu.Unlock()
	if ok {
		return header, nil
	}
	var err error
	if f.core.Load() {
		_, header, err = f.coreFilter(ctx, hash)
	} else {
		header, err = f.btcdHeader(ctx, hash)
	}
	if err != nil {
		return chainhash.Hash{}, err
	}
	f.keep(hash, header)
	return header, nil
}

func (f *blockFilters) keep(hash, header chainhash.Hash) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.headers[hash]; !ok {
		f.order = append(f.order, hash)
	}
	f.headers[hash] = header
	if len(f.order) > keptHeaders {
		delete(f.headers, f.order[0])
		f.order = f.order[1:]
	}
}

func parseFilterHeader(s string) (chainhash.Hash, error) {
	var header chainhash.Hash
	if len(s) != 2*chainhash.HashSize || chainhash.Decode(&header, s) != nil {
		return chainhash.Hash{}, errNoFilter
	}
	return header, nil
}

// filterHeader is a block's filter header by its filter and its parent's filter header.
func filterHeader(filter []byte, previous chainhash.Hash) chainhash.Hash {
	hash := chainhash.DoubleHashH(filter)
	return chainhash.DoubleHashH(append(hash[:], previous[:]...))
}

// matchFilter reports whether any of the scripts is in a block's filter, or looks as if it were.
func matchFilter(raw []byte, block chainhash.Hash, scripts [][]byte) (bool, error) {
	if !isWhole(raw) {
		return false, errNoFilter
	}
	filter, err := gcs.FromNBytes(builder.DefaultP, builder.DefaultM, raw)
	if err != nil {
		return false, errNoFilter
	}
	matched, err := filter.MatchAny(builder.DeriveKey(&block), scripts)
	if err != nil {
		return false, errNoFilter
	}
	return matched, nil
}

// isWhole reports whether a serialized filter has as many entries as it says, no more and no less. Package gcs takes the
// filter's word for how many there are, and its end for the end of the entries.
func isWhole(raw []byte) bool {
	c := &cursor{b: raw}
	entries := c.varint()
	if c.err != nil {
		return false
	}
	// An entry is a number in Golomb-Rice code: ones, a zero, and DefaultP bits more.
	bits := raw[c.at:]
	at, end := 0, 8*len(bits)
	for range entries {
		for at < end && bits[at/8]<<(at%8)&0x80 != 0 {
			at++
		}
		if at += 1 + builder.DefaultP; at > end {
			return false
		}
	}
	return end-at < 8 && (at == end || bits[at/8]<<(at%8) == 0) // what fills the last byte up
}
