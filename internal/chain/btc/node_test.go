package btc

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
)

// transports are the ways to ask a real btcd.
var transports = []struct {
	name           string
	tls, websocket bool
}{
	{"http", false, false}, {"https", true, false}, {"ws", false, true}, {"wss", true, true},
}

func chainOf(t testing.TB, node *btcdtest.Node, websocket bool, timeout time.Duration) *Chain {
	t.Helper()
	c, err := New(Config{
		Server: node.Server, User: node.User, Pass: node.Pass, CertFile: node.Cert,
		Websocket: websocket, Network: node.Network, Timeout: timeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func watch(t testing.TB, c *Chain, addresses ...string) scripts {
	t.Helper()
	watched := scripts{}
	for _, addr := range addresses {
		key, err := c.WatchKey(addr)
		if err != nil {
			t.Fatal(err)
		}
		watched[string(key)] = true
	}
	return watched
}

func TestDepositsOnBtcd(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			t.Parallel()
			node := btcdtest.Start(t, btcdtest.Options{TLS: transport.tls})
			c := chainOf(t, node, transport.websocket, 0)
			node.Generate(105)
			kinds := fiveKinds(t, "regtest", 3)
			stranger := fiveKinds(t, "regtest", 4)[0]
			// two outputs to one address and one to a stranger in one transaction
			first := node.Pay(btcdtest.Output{Address: kinds[0], Value: 1000}, btcdtest.Output{Address: stranger, Value: 5e8},
				btcdtest.Output{Address: kinds[0], Value: 1001}, btcdtest.Output{Address: kinds[1], Value: 1e8})
			second := node.Pay(btcdtest.Output{Address: kinds[4], Value: 3}, btcdtest.Output{Address: kinds[3], Value: 2},
				btcdtest.Output{Address: kinds[2], Value: 49e8})
			hash := node.Generate(1)[0]
			got, err := c.Block(t.Context(), 106, watch(t, c, kinds...))
			if err != nil {
				t.Fatal(err)
			}
			parsed := node.Block(hash)
			want := teller.Block{
				BlockRef: teller.BlockRef{Height: 106, Hash: hash},
				Parent:   parsed.Header.PrevBlock.String(),
			}
			paid := map[string][]teller.Transfer{
				first: {
					{Address: kinds[0], TxID: first, N: 0, Value: teller.NewAmount(1000)},
					{Address: kinds[0], TxID: first, N: 2, Value: teller.NewAmount(1001)},
					{Address: kinds[1], TxID: first, N: 3, Value: teller.NewAmount(1e8)},
				},
				second: {
					{Address: kinds[4], TxID: second, N: 0, Value: teller.NewAmount(3)},
					{Address: kinds[3], TxID: second, N: 1, Value: teller.NewAmount(2)},
					{Address: kinds[2], TxID: second, N: 2, Value: teller.NewAmount(49e8)},
				},
			}
			for _, m := range parsed.Transactions {
				want.Transfers = append(want.Transfers, paid[m.TxID()]...)
			}
			if !reflect.DeepEqual(got, want) || len(got.Transfers) != 6 {
				t.Errorf("block = %+v\nwant %+v", got, want)
			}
			checkChain(t, c, node, hash)
		})
	}
}

// checkChain asks for everything that is not a deposit; tip is the hash of block 106.
func checkChain(t *testing.T, c *Chain, node *btcdtest.Node, tip string) {
	t.Helper()
	if got, err := c.Genesis(t.Context()); err != nil || got != c.ExpectedGenesis() {
		t.Errorf("genesis = %s, %v; want %s", got, err, c.ExpectedGenesis())
	}
	if got, err := c.Tip(t.Context()); err != nil || got != (teller.BlockRef{Height: 106, Hash: tip}) {
		t.Errorf("tip = %+v, %v", got, err)
	}
	var wg sync.WaitGroup
	parents := make([]string, 107)
	hashes := make([]string, 107)
	limit := make(chan struct{}, 4)
	for height := range parents {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			b, err := c.Block(t.Context(), int64(height), watch(t, c, node.MiningAddress))
			if err != nil {
				t.Error(err)
				return
			}
			parents[height], hashes[height] = b.Parent, b.Hash
			if height > 0 && len(b.Transfers) == 0 {
				t.Errorf("block %d: no reward", height)
			}
		})
	}
	wg.Wait()
	for height := 1; height < len(parents); height++ {
		if parents[height] != hashes[height-1] {
			t.Errorf("block %d has the parent %s", height, parents[height])
		}
	}
	if _, err := c.Block(t.Context(), 107, everything{}); teller.CodeOf(err) != teller.CodeNotFound {
		t.Errorf("above the tip: %v", err)
	}
	if _, err := c.client.bytes(t.Context(), "getblock", chainhash.Hash{1}.String(), 0); teller.CodeOf(err) != teller.CodeNotFound {
		t.Errorf("unknown hash: %v", err)
	}
}

func TestLoginOnBtcd(t *testing.T) {
	node := btcdtest.Start(t, btcdtest.Options{})
	for _, websocket := range []bool{false, true} {
		c := newChain(t, Config{Server: node.Server, Websocket: websocket})
		_, err := c.Tip(t.Context())
		checkError(t, c, err, teller.CodeUnavailable, "check btc_rpc.user and btc_rpc.pass")
	}
}

func TestReorgOnBtcd(t *testing.T) {
	node := btcdtest.Start(t, btcdtest.Options{})
	c := chainOf(t, node, true, 0)
	node.Generate(105)
	addr := fiveKinds(t, "regtest", 3)[2]
	watched := watch(t, c, addr)
	txid := node.Pay(btcdtest.Output{Address: addr, Value: 7e8})
	orphan := node.Generate(1)[0]
	before, err := c.Block(t.Context(), 106, watched)
	if err != nil || before.Hash != orphan || len(before.Transfers) != 1 {
		t.Fatalf("block = %+v, %v", before, err)
	}
	node.Invalidate(orphan)
	if got, err := c.Tip(t.Context()); err != nil || got.Height != 105 {
		t.Fatalf("tip = %+v, %v", got, err)
	}
	if _, err := c.BlockHash(t.Context(), 106); teller.CodeOf(err) != teller.CodeNotFound {
		t.Errorf("orphaned height: %v", err)
	}
	node.Generate(2)
	var found []teller.Block
	for height := int64(106); height <= 107; height++ {
		b, err := c.Block(t.Context(), height, watched)
		if err != nil {
			t.Fatal(err)
		}
		if b.Hash == orphan {
			t.Error("the orphan is back")
		}
		if len(b.Transfers) > 0 {
			found = append(found, b)
		}
	}
	if len(found) != 1 || !reflect.DeepEqual(found[0].Transfers, before.Transfers) || before.Transfers[0].TxID != txid {
		t.Errorf("mined again: %+v, want %+v once", found, before.Transfers)
	}
	// coins of the node that were in the orphaned block do not confuse later payments
	node.Generate(10)
	node.PayMany([]btcdtest.Output{{Address: addr, Value: 1e8}, {Address: addr, Value: 2e8}, {Address: addr, Value: 3e8}}, 2)
	node.Generate(1)
	b, err := c.Block(t.Context(), node.Height(), watched)
	if err != nil || len(b.Transfers) != 3 {
		t.Errorf("after the reorg: %+v, %v", b.Transfers, err)
	}
}

func TestNodeStopsAndReturns(t *testing.T) {
	for _, transport := range transports[1:3] {
		t.Run(transport.name, func(t *testing.T) {
			t.Parallel()
			node := btcdtest.Start(t, btcdtest.Options{Network: "simnet", TLS: transport.tls})
			const timeout = time.Second
			c := chainOf(t, node, transport.websocket, timeout)
			node.Generate(3)
			tip, err := c.Tip(t.Context())
			if err != nil || tip.Height != 3 {
				t.Fatalf("tip = %+v, %v", tip, err)
			}
			resume := node.Pause()
			mustBeDown(t, c, timeout, "within 1s")
			resume()
			mustBeBack(t, c, tip)
			node.Stop()
			mustBeDown(t, c, timeout, "does not answer")
			mustBeDown(t, c, timeout, "connection refused")
			node.Restart()
			mustBeBack(t, c, tip)
		})
	}
}

func mustBeDown(t *testing.T, c *Chain, timeout time.Duration, says string) {
	t.Helper()
	start := time.Now()
	_, err := c.Tip(t.Context())
	checkError(t, c, err, teller.CodeUnavailable, says)
	if took := time.Since(start); took > timeout+2*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

func mustBeBack(t *testing.T, c *Chain, want teller.BlockRef) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		got, err := c.Tip(t.Context())
		if err == nil && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("tip = %+v, %v; want %+v", got, err, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestManyOutputsOnBtcd(t *testing.T) {
	node := btcdtest.Start(t, btcdtest.Options{})
	c := chainOf(t, node, false, 0)
	node.Generate(110)
	var addresses []string
	for i := range 120 {
		addresses = append(addresses, fiveKinds(t, "regtest", byte(i))...)
	}
	var outputs []btcdtest.Output
	want := map[string]bool{}
	for i, addr := range addresses {
		outputs = append(outputs, btcdtest.Output{Address: addr, Value: int64(1000 + i)})
	}
	for i, txid := range node.PayMany(outputs, 550) {
		for n, out := range outputs[550*i : min(550*(i+1), len(outputs))] {
			want[fmt.Sprint(out.Address, txid, n, out.Value)] = true
		}
	}
	node.Generate(1)
	b, err := c.Block(t.Context(), 111, watch(t, c, addresses...))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, tr := range b.Transfers {
		got[fmt.Sprint(tr.Address, tr.TxID, tr.N, tr.Value)] = true
	}
	if len(b.Transfers) != 600 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d transfers, %d of them different, want 600", len(b.Transfers), len(got))
	}
}

// TestWitnessesOnBtcd mines until segwit is active and spends a P2WPKH output, so that the node's own serialization of
// witnesses is read.
func TestWitnessesOnBtcd(t *testing.T) {
	node := btcdtest.Start(t, btcdtest.Options{})
	c := chainOf(t, node, true, 0)
	node.Generate(450)
	keys, err := GenerateKeys("witness", 1, "regtest")
	if err != nil {
		t.Fatal(err)
	}
	wif, err := btcutil.DecodeWIF(keys[0].WIF)
	if err != nil {
		t.Fatal(err)
	}
	// the same key's hash in a P2WPKH script
	legacy := payTo(t, keys[0].Address)
	script := append([]byte{txscript.OP_0, txscript.OP_DATA_20}, legacy[3:23]...)
	own, ok := addressOf(script, c.params())
	if !ok {
		t.Fatal("no address")
	}
	paid, err := chainhash.NewHashFromStr(node.Pay(btcdtest.Output{Address: own, Value: 1e8}))
	if err != nil {
		t.Fatal(err)
	}
	node.Generate(1)
	addr := fiveKinds(t, "regtest", 6)[4]
	spend := wire.NewMsgTx(2)
	spend.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: *paid}, nil, nil))
	spend.AddTxOut(wire.NewTxOut(9e7, payTo(t, addr)))
	prev := txscript.NewCannedPrevOutputFetcher(script, 1e8)
	spend.TxIn[0].Witness, err = txscript.WitnessSignature(spend, txscript.NewTxSigHashes(spend, prev), 0, 1e8, script,
		txscript.SigHashAll, wif.PrivKey, true)
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := spend.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	node.Call(nil, "sendrawtransaction", hex.EncodeToString(raw.Bytes()))
	node.Generate(1)
	b, err := c.Block(t.Context(), 452, watch(t, c, addr))
	if err != nil {
		t.Fatal(err)
	}
	want := []teller.Transfer{{Address: addr, TxID: spend.TxID(), N: 0, Value: teller.NewAmount(9e7)}}
	if !reflect.DeepEqual(b.Transfers, want) {
		t.Errorf("transfers = %+v, want %+v", b.Transfers, want)
	}
}

func TestBlockEndsWithItsContext(t *testing.T) {
	node := btcdtest.Start(t, btcdtest.Options{})
	for _, websocket := range []bool{false, true} {
		c := chainOf(t, node, websocket, 0)
		if _, err := c.Tip(t.Context()); err != nil {
			t.Fatal(err)
		}
		resume := node.Pause()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := c.Block(ctx, 0, everything{})
		cancel()
		resume()
		if teller.CodeOf(err) != teller.CodeUnavailable || !errors.Is(err, ctx.Err()) {
			t.Errorf("websocket %t: %v", websocket, err)
		}
	}
}
