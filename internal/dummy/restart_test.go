package dummy

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

func TestNodeSurvivesRestart(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	n := openNode(t, dir)
	head, outputs := bank.wallet(t, n)
	confirmed := inject(t, n, bank.pay(t, head, outputs[0], out(buyer, teller.DropletsPerSKY, 1)))
	if err := n.Confirm(ctx, confirmed, 0); err != nil {
		t.Fatal(err)
	}
	pending := bank.pay(t, head, outputs[1], out(buyer, teller.DropletsPerSKY, 2))
	txid := inject(t, n, pending)
	if _, err := n.Fund(ctx, buyer.address.String(), teller.DropletsPerSKY, 5); err != nil {
		t.Fatal(err)
	}
	blocks, history := readNode(t, n), confirmedHistory(t, n, buyer)
	_, wallet := bank.wallet(t, n)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}

	n = openNode(t, dir, func(o *NodeOptions) { o.Coins, o.Hours = 5, 5; o.Coins *= teller.DropletsPerSKY }) // of no effect any more
	if got := readNode(t, n); !reflect.DeepEqual(got, blocks) {
		t.Fatalf("blocks\n%+v\nbecame\n%+v", blocks, got)
	}
	if _, got := bank.wallet(t, n); !reflect.DeepEqual(got, wallet) {
		t.Errorf("the wallet %+v became %+v", wallet, got)
	}
	if got := confirmedHistory(t, n, buyer); !reflect.DeepEqual(got, history) {
		t.Errorf("the history %+v became %+v", history, got)
	}
	if len(n.Broadcasts()) != 0 {
		t.Errorf("broadcasts %+v", n.Broadcasts())
	}
	if err := n.Confirm(ctx, confirmed, 0); err != nil {
		t.Errorf("one confirmed before: %v", err)
	}
	if err := n.Confirm(ctx, txid, 0); teller.CodeOf(err) != teller.CodeNotFound {
		t.Errorf("one that was pending: %v", err)
	}
	if got := inject(t, n, pending); got != txid || n.Broadcasts()[0].Seq != 1 {
		t.Errorf("injected again: %s, %+v", got, n.Broadcasts())
	}
	if err := n.Confirm(ctx, "", 1); err != nil {
		t.Error(err)
	}
}

// confirmedHistory is the history without what is pending, which a restart forgets.
func confirmedHistory(t *testing.T, n *Node, who signer) []teller.HistoryTx {
	t.Helper()
	all, err := n.History(t.Context(), who.address.String())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(h teller.HistoryTx) bool { return h.State == teller.TxPending })
}

func TestNewWalletOnOldChain(t *testing.T) {
	dir := t.TempDir()
	if err := openNode(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	another := newSigner("another wallet")
	for range 2 { // once is enough
		n := openNode(t, dir, func(o *NodeOptions) { o.FundAddress = another.address.String() })
		if coins, hours := another.balance(t, n); coins != 100*teller.DropletsPerSKY || hours != 100 || len(readNode(t, n)) != 2 {
			t.Errorf("%s SKY and %d hours", coins, hours)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTornNodeJournal(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	path := filepath.Join(dir, "dummy-sky-node.jsonl")
	n := openNode(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, outputs := bank.wallet(t, n)
	tx := bank.pay(t, head, outputs[0], out(buyer, teller.DropletsPerSKY, 1))
	if err := n.Confirm(ctx, inject(t, n, tx), 0); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	more, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, len(whole) - 1, len(whole), len(whole) + 1, len(whole) + len(more)/2, len(more) - 1} {
		if err := os.WriteFile(path, more[:min(size, len(more)-1)], 0o600); err != nil {
			t.Fatal(err)
		}
		n := openNode(t, dir)
		if blocks := readNode(t, n); len(blocks) != 1 {
			t.Errorf("cut at %d: %d blocks", size, len(blocks))
		}
		if err := n.Confirm(ctx, inject(t, n, tx), 0); err != nil {
			t.Errorf("cut at %d, then confirmed: %v", size, err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if blocks := readNode(t, openNode(t, dir)); len(blocks) != 2 {
			t.Errorf("cut at %d, confirmed, reopened: %d blocks", size, len(blocks))
		}
	}
}

func TestCorruptNodeJournal(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, dir)
	head, outputs := bank.wallet(t, n)
	tx := hex.EncodeToString(func() []byte { tx := bank.pay(t, head, outputs[0], out(buyer, 1000, 0)); return tx.MustSerialize() }())
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "dummy-sky-node.jsonl")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ line, want string }{
		"no JSON":        {"x", ":2: "},
		"old":            {`{"time":5,"txs":["` + tx + `"]}`, "dated before its parent"},
		"far future":     {`{"time":18446744073709551615,"txs":["` + tx + `"]}`, "too far in the future"},
		"no transaction": {`{"time":1600000000,"txs":["00"]}`, "Invalid transaction"},
		"a missing block": {`{"time":1600000000,"txs":["` + tx + `"]}` + "\n" + `{"time":1700000000,"txs":["` + tx + `"]}`,
			":3: "},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(string(good)+tc.line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenNode(dir, NodeOptions{FundAddress: bank.address.String(), Now: fixedClock}, quiet)
			if teller.CodeOf(err) != teller.CodeCorrupt || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("OpenNode = %v, want corrupt with %q", err, tc.want)
			}
		})
	}
}
