package btc

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"maps"
	"reflect"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/gcs"
	"github.com/btcsuite/btcd/btcutil/v2/gcs/builder"
	"github.com/btcsuite/btcd/chainhash/v2"
	"pgregory.net/rapid"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/bitcoindtest"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
)

// listed is a teller.Watched that lists its keys.
type listed struct{ scripts }

func (l listed) Keys() ([][]byte, bool) {
	keys := [][]byte{}
	for key := range l.scripts {
		keys = append(keys, []byte(key))
	}
	return keys, true
}

// recorder counts the calls that pass through it, by their method.
type recorder struct {
	transport
	mu    sync.Mutex
	calls map[string]int
}

func record(c *Chain) *recorder {
	r := &recorder{transport: c.client.transport, calls: make(map[string]int)}
	c.client.transport = r
	return r
}

func (r *recorder) roundTrip(ctx context.Context, id uint64, request []byte) (reply, error) {
	var asked struct{ Method string }
	if err := json.Unmarshal(request, &asked); err != nil {
		return reply{}, err
	}
	r.mu.Lock()
	r.calls[asked.Method]++
	r.mu.Unlock()
	return r.transport.roundTrip(ctx, id, request)
}

// during returns the calls that f makes.
func (r *recorder) during(f func()) map[string]int {
	clear(r.calls)
	f()
	return maps.Clone(r.calls)
}

// filterNodes are the nodes that serve filters, with what a filter takes and how to have none.
var filterNodes = []struct {
	name     string
	calls    map[string]int // for a block that is not read, the one below having been the last
	start    func(t testing.TB) *btcdtest.Node
	without  func(t testing.TB) *btcdtest.Node
	attempts int // calls to find out that there is none
}{
	{
		name:  "btcd",
		calls: map[string]int{"getblockhash": 1, "getblockheader": 1, "getcfilter": 1, "getcfilterheader": 1},
		start: func(t testing.TB) *btcdtest.Node { return btcdtest.Start(t, btcdtest.Options{}) },
		without: func(t testing.TB) *btcdtest.Node {
			return btcdtest.Start(t, btcdtest.Options{Args: []string{"--nocfilters"}})
		},
		attempts: 1,
	},
	{
		name:     "Bitcoin Core",
		calls:    map[string]int{"getblockhash": 1, "getblockheader": 1, "getblockfilter": 1},
		start:    func(t testing.TB) *btcdtest.Node { return bitcoindtest.Start(t).Node },
		without:  func(t testing.TB) *btcdtest.Node { return bitcoindtest.Start(t, "-blockfilterindex=0").Node },
		attempts: 2,
	},
}

func TestFiltersSpareBlocks(t *testing.T) {
	for _, kind := range filterNodes {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			node := kind.start(t)
			c := chainOf(t, node, false, 0)
			addr := fiveKinds(t, "regtest", 3)[4]
			node.Generate(110)
			node.Pay(btcdtest.Output{Address: addr, Value: 1e6})
			node.Generate(2)
			watched := watch(t, c, addr, fiveKinds(t, "regtest", 4)[0])
			calls := record(c)
			read := func(height int64, w teller.Watched) (b teller.Block) {
				t.Helper()
				b, err := c.Block(t.Context(), height, w)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			for height := range int64(113) {
				var spared, whole teller.Block
				made := calls.during(func() { spared = read(height, listed{watched}) })
				whole = read(height, watched)
				if !reflect.DeepEqual(spared, whole) {
					t.Errorf("with filters: %+v\nwithout: %+v", spared, whole)
				}
				wantTransfers, wantReads := 0, 0
				if height == 111 {
					wantTransfers, wantReads = 1, 1
				}
				if len(spared.Transfers) != wantTransfers || made["getblock"] != wantReads {
					t.Errorf("block %d: %d transfers, %v", height, len(spared.Transfers), made)
				}
				if height == 112 && !reflect.DeepEqual(made, kind.calls) {
					t.Errorf("a block that is not read takes %v, want %v", made, kind.calls)
				}
			}
			// who watches nothing needs no filter
			made := calls.during(func() { read(112, listed{}) })
			if want := map[string]int{"getblockhash": 1, "getblockheader": 1}; !reflect.DeepEqual(made, want) {
				t.Errorf("nothing watched takes %v", made)
			}
			// a set that is too large for filters is not asked for
			many := listed{scripts{}}
			for i := range maxFilterKeys + 1 {
				many.scripts[string(btcdtest.Stranger(i))] = true
			}
			made = calls.during(func() { read(112, many) })
			if want := map[string]int{"getblockhash": 1, "getblock": 1}; !reflect.DeepEqual(made, want) {
				t.Errorf("too many watched takes %v", made)
			}
		})
	}
}

func TestNodesWithoutFilters(t *testing.T) {
	for _, kind := range filterNodes {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			node := kind.without(t)
			c := chainOf(t, node, false, 0)
			node.Generate(1)
			watched := listed{watch(t, c, node.MiningAddress)}
			calls := record(c)
			made := calls.during(func() {
				for range unaskedBlocks + 2 {
					b, err := c.Block(t.Context(), 1, watched)
					if err != nil || len(b.Transfers) != 1 {
						t.Fatalf("%+v, %v", b, err)
					}
				}
			})
			if asked := made["getcfilter"] + made["getblockfilter"]; asked != 2*kind.attempts {
				t.Errorf("the node was asked for filters %d times, want %d times for %d blocks: %v", asked, 2*kind.attempts,
					unaskedBlocks+2, made)
			}
		})
	}
}

func TestFiltersOff(t *testing.T) {
	node := btcdtest.Start(t, btcdtest.Options{})
	c := newChain(t, Config{Server: node.Server, Filters: "off"})
	c.client.transport = chainOf(t, node, false, 0).client.transport
	calls := record(c)
	made := calls.during(func() {
		if _, err := c.Block(t.Context(), 0, listed{scripts{"key": true}}); err != nil {
			t.Fatal(err)
		}
	})
	if want := map[string]int{"getblockhash": 1, "getblock": 1}; !reflect.DeepEqual(made, want) {
		t.Errorf("calls %v", made)
	}
}

// A filter is read only when it is whole: it finds every member, and nothing of one that was cut off or went on is
// believed.
func TestFilterIsWholeOrNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := chainhash.HashH(rapid.SliceOf(rapid.Byte()).Draw(t, "block"))
		var members [][]byte
		for i := range rapid.IntRange(0, 200).Draw(t, "members") {
			members = append(members, btcdtest.Stranger(i))
		}
		raw := buildFilter(t, block, members)
		for _, member := range members {
			if matched, err := matchFilter(raw, block, [][]byte{btcdtest.Stranger(-1), member}); !matched || err != nil {
				t.Fatalf("a member is not found: %v", err)
			}
		}
		cut := rapid.IntRange(0, len(raw)-1).Draw(t, "cut")
		if isWhole(raw[:cut]) {
			t.Fatalf("the first %d of %d bytes pass for a filter", cut, len(raw))
		}
		if isWhole(append(bytes.Clone(raw), rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(t, "more")...)) {
			t.Fatal("a filter with more than its entries passes")
		}
	})
}

func buildFilter(t interface{ Fatal(...any) }, block chainhash.Hash, members [][]byte) []byte {
	filter, err := gcs.BuildGCSFilter(builder.DefaultP, builder.DefaultM, builder.DeriveKey(&block), members)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := filter.NBytes()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// FuzzFilter holds isWhole against package gcs: what passes can be read to its end.
func FuzzFilter(f *testing.F) {
	for _, n := range []int{0, 1, 2, 50} {
		var members [][]byte
		for i := range n {
			members = append(members, binary.AppendUvarint(nil, uint64(i)))
		}
		f.Add(buildFilter(f, chainhash.Hash{1}, members))
	}
	f.Add([]byte{})
	f.Add([]byte{0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0})
	f.Add([]byte{1, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !isWhole(raw) {
			return
		}
		c := &cursor{b: raw}
		if n := c.varint(); n > uint64(len(raw)) {
			t.Fatalf("%d bytes are said to hold %d entries", len(raw), n)
		}
		for _, keys := range [][][]byte{{{1}}, make([][]byte, 1000)} { // both of gcs's ways to match
			if _, err := matchFilter(raw, chainhash.Hash{1}, keys); err != nil {
				t.Fatal(err)
			}
		}
	})
}
