package audit

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Every kind of difference once, in the words that the operator reads.
func TestFindings(t *testing.T) {
	from := map[teller.Coin]int64{teller.BTC: 80}
	var told strings.Builder
	for _, c := range []struct {
		name  string
		spoil func(*world)
		kind  string // "" = there is no difference
	}{
		{"everything agrees", func(*world) {}, ""},
		{"the ledger's own fault", func(w *world) {
			w.ledger.own = []teller.Finding{{Kind: "books", Found: "Found.", Means: "Means.", Did: "Did.", Do: "Do."}}
		}, "books"},
		{"another network", func(w *world) { w.node.genesis = "test-0" }, kindNetwork},
		{"another skycoin chain", func(w *world) { w.node.head.Hash = "other-20" }, kindChain},
		{"another skycoin chain, longer", func(w *world) { w.mine(); w.node.blocks[0].Parent = "other-20" }, kindChain},
		{"an output too much", func(w *world) {
			w.node.outputs = append(w.node.outputs, teller.Output{SkyOutput: teller.SkyOutput{ID: "ux-9", Address: "hot", Coins: 1_000_000}})
		}, kindOutput},
		{"an output is gone", func(w *world) { w.node.outputs = nil }, kindOutput},
		{"an output is worth more", func(w *world) {
			w.node.outputs[0] = teller.Output{SkyOutput: teller.SkyOutput{ID: "ux-2", Address: "hot", Coins: 46_000_000}}
		}, kindOutput},
		{"the node is ahead", func(w *world) {
			w.mine(teller.SkyTx{ID: "top-up", Outputs: []teller.SkyOutput{{ID: "ux-5", Address: "hot", Coins: 1}}})
			w.node.outputs = append(w.node.outputs, teller.Output{SkyOutput: teller.SkyOutput{ID: "ux-5", Address: "hot", Coins: 1}})
		}, ""},
		{"the ledger moves", func(w *world) { w.ledger.moving = 3 }, ""},
		{"a payout that was overlooked", func(w *world) { w.node.history = append(w.node.history, foreign(teller.TxConfirmed, 15)) }, kindUnknownPayout},
		{"a payout that is not read yet", func(w *world) {
			tx := foreign(teller.TxConfirmed, 21)
			w.mine(tx.SkyTx)
			w.node.outputs = []teller.Output{{SkyOutput: tx.Outputs[1]}}
			w.node.history = append(w.node.history, tx)
		}, kindUnknownPayout},
		{"a payout that is not confirmed yet", func(w *world) {
			w.node.history = append(w.node.history, foreign(teller.TxPending, teller.UnknownHeight))
		}, kindUnknownPayout},
		{"a withdrawal that holds", func(w *world) {
			tx := foreign(teller.TxConfirmed, 15)
			w.node.history = append(w.node.history, tx)
			w.ledger.withdrawals = []teller.Withdrawal{{TxID: tx.ID, Height: 15, Outputs: tx.Outputs[:1]}}
			w.ledger.deposits = append(w.ledger.deposits, teller.Deposit{ID: "t2:0", Seq: 2, SkyAddress: "bob",
				Hold: &teller.Hold{Reason: teller.HoldWithdrawal, Detail: "withdrawal foreign pays"}})
		}, kindWithdrawal},
		{"the original's payment", func(w *world) {
			w.node.history = append(w.node.history, foreign(teller.TxConfirmed, 15))
			w.ledger.deposits = append(w.ledger.deposits, teller.Deposit{ID: "t2:0", Seq: 2, PayoutTxID: "foreign", Import: teller.ImportChecked, Status: teller.StatusDone})
		}, ""},
		{"a payout is pending in the ledger", func(w *world) { w.ledger.payouts[0].Status = teller.PayoutPending }, kindPayout},
		{"a payout paid another sum", func(w *world) { w.ledger.payouts[0].Shares[0].Coins = 6_000_000 }, kindPayout},
		{"a payout is unknown to the node", func(w *world) { w.node.history = w.node.history[:2] }, kindPayout},
		{"a payout is not confirmed on the node", func(w *world) { w.node.history[2].State = teller.TxPending }, kindPayout},
		{"another deposit chain", func(w *world) { w.chain.genesis = "testnet-0" }, kindNetwork},
		{"the scan is on another branch", func(w *world) { w.chain.other = map[int64]string{100: "other-100"} }, kindChain},
		{"a deposit's block is gone", func(w *world) { w.chain.other = map[int64]string{90: "other-90"} }, kindLost},
		{"a deposit was missed", func(w *world) {
			w.chain.transfers[93] = []teller.Transfer{{Address: "b2", TxID: "t2", N: 3, Value: teller.NewAmount(2_500_000)}}
		}, kindMissed},
		{"an imported deposit stands for its output", func(w *world) {
			w.chain.transfers[90][0].N = 4
			w.ledger.deposits[0].Import, w.ledger.deposits[0].Absorbed = teller.ImportChecked, "t1:4"
		}, ""},
		{"the wallet was not opened", func(w *world) { w.ledger.cursor = teller.WalletCursor{} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			c.spoil(w)
			report, err := w.auditor().Run(context.Background(), from)
			if err != nil || !report.Complete() {
				t.Fatalf("%v, %+v", err, report.Checks)
			}
			got := ""
			if len(report.Findings) > 0 {
				got = report.Findings[0].Kind
			}
			if got != c.kind {
				t.Errorf("found %+v, want %q", report.Findings, c.kind)
			}
			if height, ok := report.Missed[teller.BTC]; ok != (c.kind == kindMissed) || (ok && height != 93) {
				t.Errorf("missed from %d: %v", height, ok)
			}
			fmt.Fprintf(&told, "# %s\n", c.name)
			for _, f := range report.Findings {
				fmt.Fprintf(&told, "%s: %s\nIt means: %s\nDone: %s\nTo do: %s\n", f.Kind, f.Found, f.Means, f.Did, f.Do)
			}
			told.WriteByte('\n')
		})
	}
	const golden = "testdata/findings.golden.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(told.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if told.String() != string(want) {
		t.Errorf("the words changed; run the test with -update and read what they are now:\n%s", told.String())
	}
}

// A node that is down keeps its own part from being compared, and no other.
func TestWhatCanNotBeCompared(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"skycoin": func(w *world) { w.node.err = errDown },
		"btc":     func(w *world) { w.chain.err = errDown },
		"behind":  func(w *world) { w.node.head.Height = 19 },
		"short":   func(w *world) { w.chain.tip = 99 },
		"moving":  func(w *world) { w.ledger.moving = 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			spoil(w)
			report, err := w.auditor().Run(context.Background(), nil)
			if err != nil || report.Complete() || len(report.Findings) > 0 {
				t.Errorf("%v, %+v", err, report)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := newWorld()
	w.node.err = errDown
	if report, err := w.auditor().Run(ctx, nil); err == nil {
		t.Errorf("an audit that was ended reports %+v", report)
	}
}

func TestOffline(t *testing.T) {
	w := newWorld()
	a := w.auditor()
	a.Node, a.Chains = nil, nil
	report, err := a.Run(context.Background(), nil)
	if err != nil || !report.Complete() || len(report.Findings) > 0 || len(report.Checks) == 0 {
		t.Errorf("%v, %+v", err, report)
	}
}

// What the first payout waits for, and what it does not wait for.
func TestGate(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*world)
		want  teller.Code // "" = it passes
	}{
		{"everything agrees", func(*world) {}, ""},
		{"the ledger's own fault", func(w *world) { w.ledger.own = []teller.Finding{{Kind: "books", Found: "Found."}} }, teller.CodeCorrupt},
		{"an output is gone", func(w *world) { w.node.outputs = nil }, teller.CodeCorrupt},
		{"an output too much", func(w *world) {
			w.node.outputs = append(w.node.outputs, teller.Output{SkyOutput: teller.SkyOutput{ID: "ux-9"}})
		}, teller.CodeCorrupt},
		{"another skycoin chain", func(w *world) { w.node.head.Hash = "other-20" }, teller.CodeCorrupt},
		{"the skycoin node is down", func(w *world) { w.node.err = errDown }, teller.CodeUnavailable},
		{"the skycoin node is behind", func(w *world) { w.node.head.Height = 19 }, teller.CodeNodeBehind},
		{"the head went on, and its block is not told yet", func(w *world) { w.mine(); w.node.blocks = nil }, teller.CodeUnavailable},
		{"the head went on", func(w *world) { w.mine() }, ""},
		{"an unknown payout in a new block, which will be read before anything is paid", func(w *world) {
			tx := foreign(teller.TxConfirmed, 21)
			w.mine(tx.SkyTx)
			w.node.outputs = []teller.Output{{SkyOutput: tx.Outputs[1]}}
		}, ""},
		{"something is unconfirmed", func(w *world) {
			w.node.history = append(w.node.history, foreign(teller.TxPending, teller.UnknownHeight))
		}, ""},
		{"the ledger has an older wallet's outputs too", func(w *world) {
			old := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux-0", Address: "old", Coins: 1}}
			w.ledger.cursor.Addresses = append(w.ledger.cursor.Addresses, "old")
			w.ledger.outputs, w.node.outputs = append(w.ledger.outputs, old), append(w.node.outputs, old)
		}, ""},
		{"a reorganisation is being followed", func(w *world) { w.chain.other = map[int64]string{100: "x", 99: "x", 98: "x"} }, teller.CodeUnavailable},
		{"a reorganisation that the scan can not follow", func(w *world) {
			w.chain.other = map[int64]string{100: "x", 99: "x", 98: "x", 96: "x"}
		}, ""},
		{"a deposit chain's node is down", func(w *world) { w.chain.err = errDown }, ""},
		{"a deposit chain's node is behind", func(w *world) { w.chain.tip = 50 }, ""},
		{"a coin that was never scanned", func(w *world) { w.ledger.cursors = nil }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			c.spoil(w)
			if err := w.auditor().Gate(context.Background()); teller.CodeOf(err) != c.want {
				t.Errorf("got %v, want code %q", err, c.want)
			}
		})
	}
}
