package eth

import (
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/eth/gethtest"
	"github.com/skycoin/teller/internal/chain/eth/nodetest"
)

// What the contracts of these tests are put together from. Each piece leaves the stack as it found it.

const (
	opPop          = 0x50
	opGas          = 0x5a
	opPush0        = 0x5f
	opPush1        = 0x60
	opPush20       = 0x73
	opCreate       = 0xf0
	opCall         = 0xf1
	opCallCode     = 0xf2
	opDelegateCall = 0xf4
	opStaticCall   = 0xfa
	opRevert       = 0xfd
	opSelfDestruct = 0xff
)

func pushAddress(address string) []byte {
	return append([]byte{opPush20}, common.HexToAddress(address).Bytes()...)
}

func pushWei(wei byte) []byte { return []byte{opPush1, wei} }

var (
	noData = []byte{opPush0, opPush0, opPush0, opPush0}
	revert = []byte{opPush0, opPush0, opRevert}
)

func call(to string, wei byte) []byte {
	return slices.Concat(noData, pushWei(wei), pushAddress(to), []byte{opGas, opCall, opPop})
}

func callCode(to string, wei byte) []byte {
	return slices.Concat(noData, pushWei(wei), pushAddress(to), []byte{opGas, opCallCode, opPop})
}

func delegate(to string) []byte {
	return slices.Concat(noData, pushAddress(to), []byte{opGas, opDelegateCall, opPop})
}

func static(to string) []byte {
	return slices.Concat(noData, pushAddress(to), []byte{opGas, opStaticCall, opPop})
}

func create(wei byte) []byte {
	return slices.Concat([]byte{opPush0, opPush0}, pushWei(wei), []byte{opCreate, opPop})
}

func selfDestruct(to string) []byte {
	return append(pushAddress(to), opSelfDestruct)
}

// TestContractsOnGeth is about value that contracts move: what counts, and under which number.
func TestContractsOnGeth(t *testing.T) {
	node := gethtest.Start(t, gethtest.Options{})
	traced := chainOf(t, node.Node, func(cfg *Config) { cfg.Trace = TraceOn })
	untraced := chainOf(t, node.Node, func(cfg *Config) { cfg.Trace = TraceOff })
	deploy := func(wei uint64, code ...[]byte) string { return node.Deploy(slices.Concat(code...), wei) }
	run := func(contract string) string { return node.Send(nodetest.Tx{To: contract, Gas: 500_000}) }
	const precompile = "0x0000000000000000000000000000000000000004"

	type payment struct {
		to    int // which of the watched addresses
		n     uint32
		value uint64
	}
	for _, tc := range []struct {
		name string
		// send makes the transaction; watched are two fresh addresses, and a third if the contract makes one
		send func(a, b string) (txid, third string)
		want []payment
	}{
		{"two transfers in one transaction", func(a, b string) (string, string) {
			return node.PayInside(a, b, 101), ""
		}, []payment{{0, 1, 50}, {1, 2, 51}}},
		{"two to one address", func(a, _ string) (string, string) {
			return node.PayInside(a, a, 3), ""
		}, []payment{{0, 1, 1}, {0, 2, 2}}},
		{"number does not depend on what is watched", func(a, _ string) (string, string) {
			return node.PayInside("0x00000000000000000000000000000000deadbeef", a, 2), ""
		}, []payment{{0, 2, 1}}},
		{"nested", func(a, b string) (string, string) {
			inner := deploy(9, call(b, 2), call(a, 3))
			return run(deploy(9, call(a, 1), call(inner, 0), call(b, 4))), ""
		}, []payment{{0, 1, 1}, {1, 2, 2}, {0, 3, 3}, {1, 4, 4}}},
		{"undone inside of a successful transaction", func(a, b string) (string, string) {
			bad := deploy(9, call(a, 5), revert)
			return run(deploy(9, call(a, 1), call(bad, 3), call(b, 2))), ""
		}, []payment{{0, 1, 1}, {1, 2, 2}}},
		{"a part of an undone call that had succeeded itself", func(a, b string) (string, string) {
			good := deploy(9, call(a, 5))
			bad := deploy(9, call(good, 1), revert)
			return run(deploy(9, call(bad, 3), call(b, 2))), ""
		}, []payment{{1, 1, 2}}},
		{"all undone", func(a, b string) (string, string) {
			return run(deploy(9, call(a, 1), call(b, 2), revert)), ""
		}, nil},
		{"more than it has", func(a, b string) (string, string) {
			return run(deploy(9, call(a, 100), call(b, 9))), ""
		}, []payment{{1, 1, 9}}},
		{"nothing", func(a, b string) (string, string) {
			return run(deploy(9, call(a, 0), call(b, 1))), ""
		}, []payment{{1, 1, 1}}},
		{"code of another contract", func(a, b string) (string, string) {
			library := deploy(9, call(a, 5))
			return run(deploy(9, delegate(library), callCode(library, 3), static(b), call(b, 1))), ""
		}, []payment{{0, 1, 5}, {1, 2, 1}}}, // the second time it has only 4 wei left
		{"code of the watched address itself", func(a, b string) (string, string) {
			return run(deploy(9, delegate(a), callCode(a, 3), static(a), call(b, 1))), ""
		}, []payment{{1, 1, 1}}},
		{"precompiled contracts have no number", func(a, _ string) (string, string) {
			return run(deploy(9, call(precompile, 2), call(a, 1))), ""
		}, []payment{{0, 1, 1}}},
		{"self destruction", func(a, b string) (string, string) {
			return run(deploy(9, call(b, 4), selfDestruct(a))), ""
		}, []payment{{1, 1, 4}, {0, 2, 5}}},
		{"a contract that is made with value", func(a, _ string) (string, string) {
			maker := deploy(9, create(7), call(a, 2))
			third := crypto.CreateAddress(common.HexToAddress(maker), 1)
			return run(maker), FromHash(third)
		}, []payment{{2, 1, 7}, {0, 2, 2}}},
		{"while a contract is being made", func(a, b string) (string, string) {
			return node.Send(nodetest.Tx{Data: slices.Concat(call(a, 3), call(b, 4)), Value: big.NewInt(9)}), ""
		}, []payment{{0, 1, 3}, {1, 2, 4}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to := addresses(t, 2)
			txid, third := tc.send(to[0], to[1])
			height := node.Mined(txid)
			if third != "" {
				to = append(to, third)
			}
			var want []teller.Transfer
			sums := make([]uint64, len(to))
			for _, p := range tc.want {
				want = append(want, teller.Transfer{Address: to[p.to], TxID: txid, N: p.n, Value: teller.NewAmount(p.value)})
				sums[p.to] += p.value
			}
			wantTransfers(t, found(t, traced, height, height, watch(t, traced, to...)), want...)
			wantTransfers(t, found(t, untraced, height, height, watch(t, traced, to...)))
			// what tracing finds is what the chain itself says that they have
			at := teller.BlockRef{Height: height, Hash: node.Hash(height)}
			balances, err := untraced.Balances(t.Context(), at, to)
			if err != nil {
				t.Fatal(err)
			}
			for i, sum := range sums {
				if !balances[i].Equal(teller.NewAmount(sum)) {
					t.Errorf("%s has %s wei, want %d", to[i], balances[i], sum)
				}
			}
		})
	}
	if able, reason := traced.Tracing(); !able {
		t.Error(reason)
	}
	if able, _ := untraced.Tracing(); able {
		t.Error("it says that it traces")
	}
}

// TestDirectOnGeth is about value that transactions send by themselves.
func TestDirectOnGeth(t *testing.T) {
	node := gethtest.Start(t, gethtest.Options{})
	refuser := node.Deploy(revert, 0)
	for _, mode := range []string{TraceOn, TraceOff} {
		c := chainOf(t, node.Node, func(cfg *Config) { cfg.Trace = mode })
		t.Run("failed "+mode, func(t *testing.T) {
			for _, gas := range []uint64{100_000, 21_001} { // undone by the contract; out of gas
				txid := node.Send(nodetest.Tx{To: refuser, Value: big.NewInt(5), Data: []byte{1}, Gas: gas + 200})
				h := node.Mined(txid)
				if node.Succeeded(txid) {
					t.Fatal("it did not fail")
				}
				wantTransfers(t, found(t, c, h, h, watch(t, c, refuser)))
			}
		})
		t.Run("to itself "+mode, func(t *testing.T) {
			h := node.Mined(node.Pay(node.Address, 5))
			wantTransfers(t, found(t, c, h, h, watch(t, c, node.Address)))
		})
		t.Run("more than 64 bits "+mode, func(t *testing.T) {
			to := addresses(t, 1)[0]
			wei, _ := new(big.Int).SetString("123456789012345678901", 10)
			txid := node.Send(nodetest.Tx{To: to, Value: wei})
			h := node.Mined(txid)
			amount, err := teller.AmountFromBig(wei)
			if err != nil {
				t.Fatal(err)
			}
			wantTransfers(t, found(t, c, h, h, watch(t, c, to)), teller.Transfer{Address: to, TxID: txid, Value: amount})
		})
		t.Run("makes a contract "+mode, func(t *testing.T) {
			txid := node.Send(nodetest.Tx{Data: nodetest.Constructor(revert), Value: big.NewInt(5)})
			h := node.Mined(txid)
			if ts := found(t, c, h, h, everything{}); len(ts) != 0 {
				t.Errorf("transfers = %+v", ts)
			}
		})
	}
}
