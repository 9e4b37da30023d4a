package sky

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
)

var update = flag.Bool("update", false, "write the answers of a real node to testdata")

// spender makes transactions by hand, from the chain's first output on.
type spender struct {
	t       *testing.T
	node    *Node
	secret  cipher.SecKey
	address string
}

func newSpender(t *testing.T, node *Node) *spender {
	public, secret := cipher.MustGenerateDeterministicKeyPair([]byte(skynodetest.Seed))
	return &spender{t: t, node: node, secret: secret, address: cipher.AddressFromPubKey(public).String()}
}

// pay spends the address's newest output: a fifth of its hours is burnt and the rest of everything comes back.
func (s *spender) pay(to []string, each teller.Droplets) (raw []byte, txid string) {
	s.t.Helper()
	_, outputs, err := s.node.Outputs(context.Background(), []string{s.address})
	must(s.t, err)
	o := outputs[len(outputs)-1]
	var txn coin.Transaction
	must(s.t, txn.PushInput(cipher.MustSHA256FromHex(o.ID)))
	change := uint64(o.Coins)
	for _, a := range to {
		must(s.t, txn.PushOutput(cipher.MustDecodeBase58Address(a), uint64(each), 1))
		change -= uint64(each)
	}
	must(s.t, txn.PushOutput(cipher.MustDecodeBase58Address(s.address), change, o.Hours/5*4-uint64(len(to))))
	txn.SignInputs([]cipher.SecKey{s.secret})
	must(s.t, txn.UpdateHeader())
	return txn.MustSerialize(), txn.Hash().Hex()
}

// strangers are addresses without keys, which cost nothing to make.
func strangers(n int) []string {
	addresses := make([]string, 0, n)
	for i := range n {
		address := cipher.Address{Key: cipher.HashRipemd160(fmt.Appendf(nil, "stranger %d", i))}
		addresses = append(addresses, address.String())
	}
	return addresses
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code teller.Code) {
	t.Helper()
	if teller.CodeOf(err) != code {
		t.Fatalf("got code %q (%v), want %q", teller.CodeOf(err), err, code)
	}
}

// ledger follows the chain as the real one does: it knows only what the blocks say.
type ledger map[string]teller.SkyOutput

func (l ledger) follow(blocks []teller.SkyBlock) {
	for _, b := range blocks {
		for _, tx := range b.Txs {
			for _, in := range tx.Inputs {
				delete(l, in)
			}
			for _, o := range tx.Outputs {
				l[o.ID] = o
			}
		}
	}
}

func (l ledger) of(address string) []teller.SkyOutput {
	var outs []teller.SkyOutput
	for _, o := range l {
		if o.Address == address {
			outs = append(outs, o)
		}
	}
	return outs
}

func TestNodeOnRealChain(t *testing.T) {
	chain := skynodetest.Start(t, skynodetest.Options{})
	node := NewNode(Config{Address: chain.Address})
	ctx := context.Background()
	s := newSpender(t, node)

	genesis, err := node.Genesis(ctx)
	must(t, err)
	head, err := node.Head(ctx)
	must(t, err)
	if genesis != chain.GenesisHash || head.Hash != genesis || head.Height != 0 || head.Time == 0 {
		t.Fatalf("genesis %s, head %+v, want %s", genesis, head, chain.GenesisHash)
	}
	rules, err := node.Rules(ctx)
	must(t, err)
	if want := (teller.TxRules{BurnFactor: 10, MaxSize: 32768, MaxDecimals: 3}); rules != want {
		t.Fatalf("rules %+v, want %+v", rules, want)
	}

	buyers := strangers(600)
	raw, txid := s.pay(buyers, 5*teller.DropletsPerSKY)
	if _, _, err := node.Transaction(ctx, txid); teller.CodeOf(err) != teller.CodeNotFound {
		t.Fatalf("unknown transaction: %v", err)
	}
	must(t, node.Inject(ctx, raw))
	must(t, node.Inject(ctx, raw)) // pending already: no harm

	pending, err := node.Pending(ctx)
	must(t, err)
	if len(pending) != 1 || pending[0].ID != txid || len(pending[0].Outputs) != 601 {
		t.Fatalf("pending: %d transactions", len(pending))
	}
	wantState(t, node, txid, teller.TxPending)
	wantHistory(t, node, s.address, teller.TxConfirmed, teller.TxPending)
	wantHistory(t, node, buyers[3], teller.TxPending)

	if height, count := chain.Mine(); height != 1 || count != 1 {
		t.Fatalf("mined block %d with %d transactions", height, count)
	}
	wantState(t, node, txid, teller.TxConfirmed)
	wantHistory(t, node, s.address, teller.TxConfirmed, teller.TxConfirmed)
	history := wantHistory(t, node, buyers[3], teller.TxConfirmed)
	if !slices.Equal(history[0].From, []string{s.address}) {
		t.Errorf("paid by %v", history[0].From)
	}
	if err := node.Inject(ctx, raw); err == nil {
		t.Log("the node takes a confirmed transaction again")
	}

	wantSame(t, node, append([]string{s.address}, buyers...))
	if got := chain.Balance(buyers[7]); got != 5*teller.DropletsPerSKY {
		t.Errorf("buyer has %s SKY", got)
	}
}

// wantSame compares what the blocks add up to with what the node says of the addresses.
func wantSame(t *testing.T, node *Node, addresses []string) {
	t.Helper()
	ctx := context.Background()
	head, err := node.Head(ctx)
	must(t, err)
	blocks, err := node.Blocks(ctx, 0, head.Height+10)
	must(t, err)
	if int64(len(blocks)) != head.Height+1 || blocks[head.Height].BlockRef != head.BlockRef || blocks[head.Height].Time != head.Time {
		t.Fatalf("%d blocks up to %+v, head is %+v", len(blocks), blocks[len(blocks)-1].BlockRef, head)
	}
	l := ledger{}
	l.follow(blocks)
	at, outputs, err := node.Outputs(ctx, addresses) // 600 addresses go as a form, with a token
	must(t, err)
	if at != head {
		t.Errorf("outputs at %+v, head %+v", at, head)
	}
	n := 0
	for _, a := range addresses {
		n += len(l.of(a))
	}
	if n != len(outputs) {
		t.Errorf("the node lists %d outputs, the blocks %d", len(outputs), n)
	}
	for _, o := range outputs {
		if l[o.ID] != o.SkyOutput {
			t.Errorf("output %s: node says %+v, blocks say %+v", o.ID, o.SkyOutput, l[o.ID])
		}
		if b := blocks[o.Height]; b.Time != o.Time || !slices.ContainsFunc(b.Txs, func(tx teller.SkyTx) bool { return tx.ID == o.SrcTx || o.Height == 0 }) {
			t.Errorf("output %s does not come from block %d", o.ID, o.Height)
		}
	}
}

func wantState(t *testing.T, node *Node, txid string, want teller.TxState) {
	t.Helper()
	tx, state, err := node.Transaction(context.Background(), txid)
	must(t, err)
	if tx.ID != txid || state != want {
		t.Fatalf("transaction %s is %s, want %s", tx.ID, state, want)
	}
}

func wantHistory(t *testing.T, node *Node, address string, want ...teller.TxState) []teller.HistoryTx {
	t.Helper()
	history, err := node.History(context.Background(), address)
	must(t, err)
	var states []teller.TxState
	for _, h := range history {
		states = append(states, h.State)
		if len(h.From) != len(h.Inputs) {
			t.Errorf("transaction %s has %d inputs from %d addresses", h.ID, len(h.Inputs), len(h.From))
		}
	}
	if !slices.Equal(states, want) {
		t.Fatalf("history of %s: %v, want %v", address, states, want)
	}
	return history
}

// TestRecordAnswers writes a real node's answers to testdata, for the tests that need no node.
func TestRecordAnswers(t *testing.T) {
	if !*update {
		t.Skip("run with -update to record the answers of a real node")
	}
	chain := skynodetest.Start(t, skynodetest.Options{})
	node := NewNode(Config{Address: chain.Address})
	s := newSpender(t, node)
	buyers := strangers(2)
	record := func(name, path string) {
		resp, err := http.Get("http://" + chain.Address + path)
		must(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", resp.Status, body)
		}
		must(t, os.WriteFile(filepath.Join("testdata", name), body, 0o644)) // #nosec G306 -- public
	}
	raw, txid := s.pay(buyers, teller.DropletsPerSKY)
	must(t, node.Inject(context.Background(), raw))
	record("pending.json", "/api/v1/pendingTxs")
	record("pending_verbose.json", "/api/v1/pendingTxs?verbose=1")
	chain.Mine()
	record("metadata.json", "/api/v1/blockchain/metadata")
	record("genesis.json", "/api/v1/block?seq=0")
	record("blocks.json", "/api/v1/blocks?start=0&end=1")
	record("outputs.json", "/api/v1/outputs?addrs="+s.address+","+buyers[0])
	record("history.json", "/api/v2/transactions?confirmed=1&verbose=1&page=1&limit=100&sort=asc&addrs="+s.address)
	record("transaction.json", "/api/v1/transaction?txid="+txid)
	record("health.json", "/api/v1/health")
}

// TestNodeOnLongerChain reads more than one page of blocks and of history, and the same again after a restart.
func TestNodeOnLongerChain(t *testing.T) {
	chain := skynodetest.Start(t, skynodetest.Options{NoCSRF: true})
	node := NewNode(Config{Address: "http://" + chain.Address + "/"})
	ctx := context.Background()
	s := newSpender(t, node)
	buyers := strangers(1)
	const n = pageOfHistory + 5
	for i := range n {
		raw, _ := s.pay(buyers, teller.Droplets(i+1)*teller.DropletsPerSKY)
		must(t, node.Inject(ctx, raw))
		if height, _ := chain.Mine(); height != int64(i+1) {
			t.Fatalf("mined block %d after %d payments", height, i+1)
		}
	}
	for _, restarted := range []bool{false, true} {
		if restarted {
			chain.Kill()
			chain.Restart()
		}
		wantSame(t, node, []string{s.address, buyers[0]})
		wantHistory(t, node, buyers[0], slices.Repeat([]teller.TxState{teller.TxConfirmed}, n)...)
		wantHistory(t, node, s.address, slices.Repeat([]teller.TxState{teller.TxConfirmed}, n+1)...)
		blocks, err := node.Blocks(ctx, 40, 60)
		must(t, err)
		if len(blocks) != 21 || blocks[0].Height != 40 || blocks[20].Height != 60 {
			t.Errorf("got %d blocks", len(blocks))
		}
		if blocks, err = node.Blocks(ctx, n+1, n+9); err != nil || len(blocks) != 0 {
			t.Errorf("above the head: %d blocks, %v", len(blocks), err)
		}
	}
}

// TestNodeInjectFails shows that an answer to inject tells nothing, and that the chain does.
func TestNodeInjectFails(t *testing.T) {
	chain := skynodetest.Start(t, skynodetest.Options{})
	node := NewNode(Config{Address: chain.Address})
	ctx := context.Background()
	s := newSpender(t, node)
	buyers := strangers(1)
	for _, tc := range []struct {
		mode  skynodetest.FailMode
		known bool
	}{{skynodetest.FailBefore, false}, {skynodetest.FailAfter, true}, {skynodetest.FailDrop, true}} {
		t.Run(string(tc.mode), func(t *testing.T) {
			raw, txid := s.pay(buyers, teller.DropletsPerSKY)
			chain.FailInject(tc.mode)
			wantCode(t, node.Inject(ctx, raw), teller.CodeUnavailable)
			_, _, err := node.Transaction(ctx, txid)
			if tc.known {
				must(t, err)
			} else {
				wantCode(t, err, teller.CodeNotFound)
			}
			chain.FailInject(skynodetest.FailOff)
			must(t, node.Inject(ctx, raw))
			chain.Mine()
			wantState(t, node, txid, teller.TxConfirmed)
		})
	}
	wantCode(t, node.Inject(ctx, []byte("no transaction")), teller.CodeInvalid)
}

// TestNodeWithRivals spends one output twice: the node takes both, and when a block holds one of them, it can not tell
// outputs until it has dropped the other. That is trouble for a while, no malformed answer.
func TestNodeWithRivals(t *testing.T) {
	chain := skynodetest.Start(t, skynodetest.Options{})
	node := NewNode(Config{Address: chain.Address})
	ctx := context.Background()
	s := newSpender(t, node)
	buyers := strangers(2)
	first, id1 := s.pay(buyers[:1], teller.DropletsPerSKY)
	second, id2 := s.pay(buyers[1:], teller.DropletsPerSKY)
	must(t, node.Inject(ctx, first))
	must(t, node.Inject(ctx, second))
	if _, count := chain.Mine(); count != 1 {
		t.Fatalf("%d of two rivals are in the block", count)
	}
	_, _, err := node.Outputs(ctx, buyers)
	wantCode(t, err, teller.CodeUnavailable)
	chain.Prune()
	wantSame(t, node, append(buyers, s.address))
	known := 0
	for _, id := range []string{id1, id2} {
		if _, state, err := node.Transaction(ctx, id); err == nil && state == teller.TxConfirmed {
			known++
		} else {
			wantCode(t, err, teller.CodeNotFound)
		}
	}
	if known != 1 {
		t.Errorf("%d of two rivals are known", known)
	}
}

// TestNodeGoneAndBack stops the node under the client's feet.
func TestNodeGoneAndBack(t *testing.T) {
	chain := skynodetest.Start(t, skynodetest.Options{})
	node := NewNode(Config{Address: chain.Address})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	before, err := node.Head(ctx)
	must(t, err)
	chain.Stop()
	for name, call := range map[string]func() error{
		"head":    func() error { _, err := node.Head(ctx); return err },
		"blocks":  func() error { _, err := node.Blocks(ctx, 0, 5); return err },
		"outputs": func() error { _, _, err := node.Outputs(ctx, []string{chain.GenesisAddress}); return err },
		"inject":  func() error { return node.Inject(ctx, []byte{1}) },
		"history": func() error { _, err := node.History(ctx, chain.GenesisAddress); return err },
	} {
		if err := call(); teller.CodeOf(err) != teller.CodeUnavailable {
			t.Errorf("%s without a node: %v", name, err)
		}
	}
	chain.Restart()
	after, err := node.Head(ctx)
	must(t, err)
	if before != after {
		t.Errorf("head was %+v and is %+v", before, after)
	}
}
