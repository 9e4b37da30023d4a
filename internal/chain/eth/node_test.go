package eth

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/eth/anviltest"
	"github.com/skycoin/teller/internal/chain/eth/gethtest"
	"github.com/skycoin/teller/internal/chain/eth/nodetest"
)

// keys is a set of watched addresses.
type keys map[string]bool

func (k keys) Has(key []byte) bool    { return k[string(key)] }
func (k keys) Keys() ([][]byte, bool) { return nil, false }

// everything is a set that claims to watch all addresses.
type everything struct{}

func (everything) Has([]byte) bool        { return true }
func (everything) Keys() ([][]byte, bool) { return nil, false }

func chainOf(t testing.TB, node *nodetest.Node, change func(*Config)) *Chain {
	t.Helper()
	cfg := Config{Server: node.Server, Port: node.Port, ChainID: node.ChainID}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func watch(t testing.TB, c *Chain, addresses ...string) keys {
	t.Helper()
	watched := keys{}
	for _, address := range addresses {
		key, err := c.WatchKey(address)
		if err != nil {
			t.Fatal(err)
		}
		watched[string(key)] = true
	}
	return watched
}

// addresses are fresh ones, the same at every call of a test. Nobody has their keys.
func addresses(t testing.TB, n int) []string {
	t.Helper()
	some := make([]string, n)
	for i := range some {
		some[i] = FromHash([20]byte(crypto.Keccak256(fmt.Append(nil, t.Name(), i))[:20]))
	}
	return some
}

// found reads blocks and returns their transfers.
func found(t testing.TB, c *Chain, from, to int64, watched teller.Watched) []teller.Transfer {
	t.Helper()
	var ts []teller.Transfer
	for height := from; height <= to; height++ {
		b, err := c.Block(t.Context(), height, watched)
		if err != nil {
			t.Fatalf("block %d: %v", height, err)
		}
		ts = append(ts, b.Transfers...)
	}
	return ts
}

func wantTransfers(t testing.TB, got []teller.Transfer, want ...teller.Transfer) {
	t.Helper()
	if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("transfers = %+v\nwant %+v", got, want)
	}
}

func TestDepositsOnGeth(t *testing.T) {
	node := gethtest.Start(t, gethtest.Options{})
	for _, websocket := range []bool{false, true} {
		c := chainOf(t, node.Node, func(cfg *Config) { cfg.Websocket = websocket })
		start := node.Height()
		to := addresses(t, 3)
		one := node.Pay(to[0], 1)
		node.Mined(one)
		odd := node.Pay(to[1], 1_000_000_000_000_000_001)
		node.Mined(odd)
		nothing := node.Pay(to[1], 0)
		node.Mined(nothing)
		other := node.Pay(to[2], 5)
		end := node.Mined(other)
		got := found(t, c, start+1, end, watch(t, c, to[0], to[1]))
		wantTransfers(t, got,
			teller.Transfer{Address: to[0], TxID: one, Value: teller.NewAmount(1)},
			teller.Transfer{Address: to[1], TxID: odd, Value: teller.NewAmount(1_000_000_000_000_000_001)})
		tip, err := c.Tip(t.Context())
		if err != nil || tip.Height < end || tip.Hash != node.Hash(tip.Height) { // geth --dev may add an empty block
			t.Errorf("tip = %+v, %v", tip, err)
		}
	}
}

// TestManyTransactionsOnAnvil reads a block with more transactions than its index's encoding has lengths.
func TestManyTransactionsOnAnvil(t *testing.T) {
	node := anviltest.Start(t)
	c := chainOf(t, node.Node, nil)
	to := addresses(t, 140)
	var want []teller.Transfer
	for i, address := range to {
		txid := node.Pay(address, uint64(i+1))
		want = append(want, teller.Transfer{Address: address, TxID: txid, Value: teller.NewAmount(uint64(i + 1))})
	}
	inside := node.PayInside(to[0], to[1], 5) // mines the others
	node.Mine(1)
	h := node.Mined(inside)
	wantTransfers(t, found(t, c, 1, h-1, watch(t, c, to...)), want...)
	wantTransfers(t, found(t, c, h, h, watch(t, c, to...)),
		teller.Transfer{Address: to[0], TxID: inside, N: 1, Value: teller.NewAmount(2)},
		teller.Transfer{Address: to[1], TxID: inside, N: 2, Value: teller.NewAmount(3)})
	if able, reason := c.Tracing(); !able {
		t.Error(reason)
	}
}
