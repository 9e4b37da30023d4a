package eth

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/crypto/kzg4844"
	"github.com/holiman/uint256"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/eth/anviltest"
	"github.com/skycoin/teller/internal/chain/eth/gethtest"
)

// TestKindsOfTransactions pays with each kind that there is: all hash to what the headers say.
func TestKindsOfTransactions(t *testing.T) {
	node := gethtest.Start(t, gethtest.Options{})
	c := chainOf(t, node.Node, func(cfg *Config) { cfg.Trace = TraceOn })
	id, gas, fee, tip := uint256.NewInt(uint64(node.ChainID)), uint64(200_000), uint256.NewInt(100e9), uint256.NewInt(1e9)
	access := types.AccessList{{Address: common.Address{7}, StorageKeys: []common.Hash{{1}, {2}}}}
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	auth, err := types.SignSetCode(key, types.SetCodeAuthorization{ChainID: *id, Address: common.Address{9}})
	if err != nil {
		t.Fatal(err)
	}
	for name, build := range map[string]func(nonce uint64, to common.Address) types.TxData{
		"legacy": func(nonce uint64, to common.Address) types.TxData {
			return &types.LegacyTx{Nonce: nonce, GasPrice: fee.ToBig(), Gas: gas, To: &to, Value: big.NewInt(3), Data: []byte("hello")}
		},
		"access list": func(nonce uint64, to common.Address) types.TxData {
			return &types.AccessListTx{ChainID: id.ToBig(), Nonce: nonce, GasPrice: fee.ToBig(), Gas: gas, To: &to,
				Value: big.NewInt(3), AccessList: access}
		},
		"dynamic fee": func(nonce uint64, to common.Address) types.TxData {
			return &types.DynamicFeeTx{ChainID: id.ToBig(), Nonce: nonce, GasFeeCap: fee.ToBig(), GasTipCap: tip.ToBig(), Gas: gas,
				To: &to, Value: big.NewInt(3), AccessList: access}
		},
		"set code": func(nonce uint64, to common.Address) types.TxData {
			return &types.SetCodeTx{ChainID: id, Nonce: nonce, GasFeeCap: fee, GasTipCap: tip, Gas: gas, To: to,
				Value: uint256.NewInt(3), AuthList: []types.SetCodeAuthorization{auth}}
		},
		"blob": func(nonce uint64, to common.Address) types.TxData {
			blob := new(kzg4844.Blob)
			commitment, err := kzg4844.BlobToCommitment(blob)
			if err != nil {
				t.Fatal(err)
			}
			proofs, err := kzg4844.ComputeCellProofs(blob)
			if err != nil {
				t.Fatal(err)
			}
			sidecar := types.NewBlobTxSidecar(types.BlobSidecarVersion1, []kzg4844.Blob{*blob}, []kzg4844.Commitment{commitment}, proofs)
			return &types.BlobTx{ChainID: id, Nonce: nonce, GasFeeCap: fee, GasTipCap: tip, Gas: gas, To: to, Value: uint256.NewInt(3),
				BlobFeeCap: fee, BlobHashes: sidecar.BlobHashes(), Sidecar: sidecar}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "blob" {
				t.Skip("its proofs take long")
			}
			to := addresses(t, 1)[0]
			txid := node.SendInner(build(node.Nonce(node.Address), common.HexToAddress(to)))
			h := node.Settle(txid)
			wantTransfers(t, found(t, c, h, h, watch(t, c, to)),
				teller.Transfer{Address: to, TxID: txid, Value: teller.NewAmount(3)})
			var b *block
			if err := c.client.callBlock(t.Context(), &b, h, true); err != nil {
				t.Fatal(err)
			}
			if err := c.verify(t.Context(), b, h); err != nil || !b.provable {
				t.Errorf("it had to be believed: %v", err)
			}
		})
	}
}

// TestBalances reads more of them than one request can hold, and none at a block that was replaced.
func TestBalances(t *testing.T) {
	node := anviltest.Start(t)
	for _, way := range waysToAsk {
		c := chainOf(t, node.Node, func(cfg *Config) { cfg.Websocket = way.websocket })
		to := addresses(t, 2*maxBatch+7)
		before, err := c.Tip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		had, err := c.Balances(t.Context(), before, to)
		if err != nil {
			t.Fatal(err)
		}
		node.Pay(to[0], 1)
		node.Pay(to[len(to)-1], 1_000_000_000_000_000_001)
		node.Mine(1)
		at, err := c.Tip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Balances(t.Context(), at, to)
		if err != nil || len(got) != len(to) {
			t.Fatalf("%d balances, %v", len(got), err)
		}
		for i := range to {
			want := had[i]
			switch i {
			case 0:
				want = want.Add(teller.NewAmount(1))
			case len(to) - 1:
				want = want.Add(teller.NewAmount(1_000_000_000_000_000_001))
			}
			if !got[i].Equal(want) {
				t.Errorf("balance %d is %s, want %s", i, got[i], want)
			}
		}
		if then, err := c.Balances(t.Context(), before, to[:1]); err != nil || !then[0].Equal(had[0]) {
			t.Errorf("the block before has balances %v, %v", then, err)
		}
		node.Reorg(1)
		_, err = c.Balances(t.Context(), at, to[:1])
		if teller.CodeOf(err) != teller.CodeNotFound {
			t.Errorf("balances at a replaced block: %v", err)
		}
		_, err = c.Balances(t.Context(), teller.BlockRef{Height: at.Height + 1, Hash: at.Hash}, to[:1])
		if teller.CodeOf(err) != teller.CodeNotFound {
			t.Errorf("balances above the tip: %v", err)
		}
		if none, err := c.Balances(t.Context(), before, nil); err != nil || len(none) != 0 {
			t.Errorf("no balances: %v, %v", none, err)
		}
	}
}

// TestWithdrawalOnGeth: what validators withdraw is paid by no transaction, and shows in the balance.
func TestWithdrawalOnGeth(t *testing.T) {
	node := gethtest.Start(t, gethtest.Options{})
	c := chainOf(t, node.Node, nil)
	to := addresses(t, 1)
	start := node.Height()
	node.Call(nil, "dev_addWithdrawal", types.Withdrawal{Address: common.HexToAddress(to[0]), Amount: 5})
	node.Mine(1)
	tip, err := c.Tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantTransfers(t, found(t, c, start, tip.Height, watch(t, c, to...)))
	got, err := c.Balances(t.Context(), tip, to)
	if err != nil || !got[0].Equal(teller.NewAmount(5e9)) {
		t.Errorf("balance = %v, %v", got, err)
	}
}

func TestRootOfNothing(t *testing.T) {
	if got := rootOf(txList(nil)); got != types.EmptyTxsHash {
		t.Errorf("root = %s", got)
	}
}
