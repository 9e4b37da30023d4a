package dummy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// readNode reads the whole chain and checks that it hangs together.
func readNode(t testing.TB, n *Node) []teller.SkyBlock {
	t.Helper()
	head, err := n.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := n.Blocks(t.Context(), 0, head.Height+5)
	if err != nil || int64(len(blocks)) != head.Height+1 || blocks[head.Height].BlockRef != head.BlockRef || blocks[head.Height].Time != head.Time {
		t.Fatalf("%d blocks, %v; the head is %+v", len(blocks), err, head)
	}
	for i, b := range blocks {
		if b.Height != int64(i) || i > 0 && (b.Parent != blocks[i-1].Hash || b.Time < blocks[i-1].Time+3600) {
			t.Fatalf("block %d is %+v", i, b)
		}
	}
	return blocks
}

func TestNewNode(t *testing.T) {
	n := openNode(t, t.TempDir())
	if genesis, err := n.Genesis(t.Context()); err != nil || genesis != "dummy" {
		t.Errorf("genesis %q, %v", genesis, err)
	}
	head, err := n.Head(t.Context())
	if want := (teller.SkyHead{BlockRef: teller.BlockRef{Hash: "dummy"}, Time: 1_500_000_000}); err != nil || head != want {
		t.Errorf("head %+v, %v; want %+v", head, err, want)
	}
	if coins, hours := bank.balance(t, n); coins.String() != "100.000000" || hours != 100 {
		t.Errorf("the wallet starts with %s SKY and %d hours", coins, hours)
	}
	_, outputs := bank.wallet(t, n)
	amounts := map[uint64]bool{}
	for _, ux := range outputs {
		amounts[ux.Body.Coins] = true
	}
	if len(outputs) != 4 || len(amounts) != 4 {
		t.Errorf("it has %d outputs of %d different amounts, want 4", len(outputs), len(amounts))
	}
	if blocks := readNode(t, n); len(blocks) != 1 || len(blocks[0].Txs) != 1 || blocks[0].Txs[0].Outputs[0].ID != hashOf(outputs, blocks[0].Txs[0].Outputs[0].Coins) {
		t.Errorf("block 0 does not name the outputs: %+v", blocks)
	}
	if rules, err := n.Rules(t.Context()); err != nil || rules != (teller.TxRules{BurnFactor: 10, MaxSize: 32768, MaxDecimals: 3}) {
		t.Errorf("rules %+v, %v", rules, err)
	}
	for _, r := range [][2]int64{{1, 5}, {3, 2}, {-5, -1}} {
		if blocks, err := n.Blocks(t.Context(), r[0], r[1]); err != nil || len(blocks) != 0 {
			t.Errorf("blocks %d to %d: %v, %v", r[0], r[1], blocks, err)
		}
	}
	if _, _, err := n.Outputs(t.Context(), []string{"nonsense"}); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("outputs of no address: %v", err)
	}
}

func hashOf(outputs coin.UxArray, coins teller.Droplets) string {
	for _, ux := range outputs {
		if ux.Body.Coins == uint64(coins) {
			return ux.Hash().Hex()
		}
	}
	return "none"
}

func TestPayoutIsConfirmed(t *testing.T) {
	ctx := t.Context()
	n := openNode(t, t.TempDir())
	head, outputs := bank.wallet(t, n)
	tx := bank.pay(t, head, outputs[0], out(buyer, 5*teller.DropletsPerSKY, 1))
	txid := inject(t, n, tx)
	if again := inject(t, n, tx); again != txid {
		t.Fatal(again)
	}

	pending, err := n.Pending(ctx)
	if err != nil || len(pending) != 1 || pending[0].ID != txid || pending[0].Inputs[0] != outputs[0].Hash().Hex() || len(pending[0].Outputs) != 2 {
		t.Fatalf("pending %+v, %v", pending, err)
	}
	wantBroadcast := Broadcast{Seq: 1, TxID: txid, Outputs: []teller.Recipient{{Address: buyer.address.String(), Coins: 5 * teller.DropletsPerSKY}}}
	if got := n.Broadcasts(); len(got) != 1 || !reflect.DeepEqual(got[0], wantBroadcast) {
		t.Fatalf("broadcasts %+v, want %+v once", got, wantBroadcast)
	}
	if _, state, err := n.Transaction(ctx, txid); err != nil || state != teller.TxPending {
		t.Fatalf("state %q, %v", state, err)
	}
	if coins, _ := buyer.balance(t, n); coins != 0 {
		t.Fatalf("the buyer has %s before a block was made", coins)
	}
	if got, err := n.Head(ctx); err != nil || got != head {
		t.Fatalf("a block was made: %+v, %v", got, err)
	}

	if err := n.Confirm(ctx, txid, 0); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{n.Confirm(ctx, txid, 0), n.Confirm(ctx, "", 1), n.Confirm(ctx, txid, 1)} {
		if err != nil {
			t.Errorf("confirming again: %v", err)
		}
	}
	blocks := readNode(t, n)
	if len(blocks) != 2 || blocks[1].Hash == teller.DummyGenesis || len(blocks[1].Txs) != 1 || !reflect.DeepEqual(blocks[1].Txs[0], pending[0]) {
		t.Fatalf("blocks %+v", blocks)
	}
	if got, state, err := n.Transaction(ctx, txid); err != nil || state != teller.TxConfirmed || got.ID != txid {
		t.Errorf("transaction %+v, %q, %v", got, state, err)
	}
	if pending, err := n.Pending(ctx); err != nil || len(pending) != 0 {
		t.Errorf("pending %+v, %v", pending, err)
	}
	if got := n.Broadcasts(); len(got) != 1 || !got[0].Confirmed {
		t.Errorf("broadcasts %+v", got)
	}
	if coins, hours := buyer.balance(t, n); coins != 5*teller.DropletsPerSKY || hours != 1 {
		t.Errorf("the buyer has %s SKY and %d hours", coins, hours)
	}
	if coins, hours := bank.balance(t, n); coins != 95*teller.DropletsPerSKY || hours < 150 {
		t.Errorf("the wallet has %s SKY and %d hours; an hour has passed", coins, hours)
	}
	err = n.Inject(ctx, tx.MustSerialize())
	if want := "Transaction violates hard constraint: unspent output of " + outputs[0].Hash().Hex() + " does not exist"; teller.CodeOf(err) != teller.CodeInvalid || err.Error() != want {
		t.Errorf("injected again: %v, want %s", err, want)
	}
}

func TestHistory(t *testing.T) {
	ctx := t.Context()
	n := openNode(t, t.TempDir())
	head, outputs := bank.wallet(t, n)
	first := inject(t, n, bank.pay(t, head, outputs[0], out(buyer, teller.DropletsPerSKY, 1)))
	if err := n.Confirm(ctx, first, 0); err != nil {
		t.Fatal(err)
	}
	second := inject(t, n, bank.pay(t, head, outputs[1], out(buyer, teller.DropletsPerSKY, 1)))
	check := func(who signer, want ...string) {
		t.Helper()
		history, err := n.History(ctx, who.address.String())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range history {
			got = append(got, fmt.Sprint(h.ID, " ", h.State, " from ", h.From))
		}
		if !slices.Equal(got, want) {
			t.Errorf("history\n%q\nwant\n%q", got, want)
		}
	}
	from := "[" + bank.address.String() + "]"
	check(buyer, first+" confirmed from "+from, second+" pending from "+from)
	genesis := readNode(t, n)[0].Txs[0].ID
	check(bank, genesis+" confirmed from []", first+" confirmed from "+from, second+" pending from "+from)
	check(newSigner("nobody"))
}

func TestNodeObeysContext(t *testing.T) {
	n := openNode(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	address := bank.address.String()
	for name, call := range map[string]func() error{
		"Genesis":     func() error { _, err := n.Genesis(ctx); return err },
		"Head":        func() error { _, err := n.Head(ctx); return err },
		"Rules":       func() error { _, err := n.Rules(ctx); return err },
		"Blocks":      func() error { _, err := n.Blocks(ctx, 0, 1); return err },
		"Outputs":     func() error { _, _, err := n.Outputs(ctx, []string{address}); return err },
		"Pending":     func() error { _, err := n.Pending(ctx); return err },
		"Transaction": func() error { _, _, err := n.Transaction(ctx, "x"); return err },
		"History":     func() error { _, err := n.History(ctx, address); return err },
		"Inject":      func() error { return n.Inject(ctx, nil) },
		"Confirm":     func() error { return n.Confirm(ctx, "x", 0) },
		"Mine":        func() error { _, err := n.Mine(ctx); return err },
		"Fund":        func() error { _, err := n.Fund(ctx, address, 1000, 0); return err },
	} {
		if err := call(); teller.CodeOf(err) != teller.CodeUnavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v", name, err)
		}
	}
}
