package dummy

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

func TestDoubleSpend(t *testing.T) {
	ctx := t.Context()
	n := openNode(t, t.TempDir())
	head, outputs := bank.wallet(t, n)
	loser := inject(t, n, bank.pay(t, head, outputs[0], out(buyer, teller.DropletsPerSKY, 1)))
	winner := inject(t, n, bank.pay(t, head, outputs[0], out(buyer, 2*teller.DropletsPerSKY, 1)))
	if err := n.Confirm(ctx, "", 2); err != nil {
		t.Fatal(err)
	}
	if _, state, err := n.Transaction(ctx, winner); err != nil || state != teller.TxConfirmed {
		t.Errorf("the winner is %q, %v", state, err)
	}
	if _, _, err := n.Transaction(ctx, loser); teller.CodeOf(err) != teller.CodeNotFound {
		t.Errorf("the loser: %v", err)
	}
	for _, err := range []error{n.Confirm(ctx, loser, 0), n.Confirm(ctx, "", 1)} {
		if teller.CodeOf(err) != teller.CodeConflict {
			t.Errorf("confirming the loser: %v", err)
		}
	}
	if got := n.Broadcasts(); len(got) != 2 || got[0].Confirmed || !got[1].Confirmed {
		t.Errorf("broadcasts %+v", got)
	}
}

func TestConfirmRefusals(t *testing.T) {
	ctx := t.Context()
	n := openNode(t, t.TempDir())
	head, outputs := bank.wallet(t, n)
	txid := inject(t, n, bank.pay(t, head, outputs[0], out(buyer, teller.DropletsPerSKY, 1)))
	inject(t, n, bank.pay(t, head, outputs[1], out(buyer, teller.DropletsPerSKY, 1)))
	for _, tc := range []struct {
		txid string
		seq  int
		want teller.Code
	}{
		{"", 0, teller.CodeInvalid}, {"", 3, teller.CodeNotFound}, {"", -1, teller.CodeNotFound},
		{"00", 0, teller.CodeNotFound}, {txid, 3, teller.CodeNotFound}, {txid, 2, teller.CodeInvalid},
	} {
		if err := n.Confirm(ctx, tc.txid, tc.seq); teller.CodeOf(err) != tc.want {
			t.Errorf("Confirm(%q, %d) = %v, want %s", tc.txid, tc.seq, err, tc.want)
		}
	}
	if blocks := readNode(t, n); len(blocks) != 1 {
		t.Errorf("%d blocks", len(blocks))
	}
}

func TestMine(t *testing.T) {
	ctx := t.Context()
	n := openNode(t, t.TempDir(), func(o *NodeOptions) { o.Coins, o.Hours = 40_000*teller.DropletsPerSKY, 40_000 })
	if mined, err := n.Mine(ctx); err != nil || mined != 0 || len(readNode(t, n)) != 1 {
		t.Fatalf("mined %d of nothing, %v", mined, err)
	}
	head, outputs := bank.wallet(t, n)
	var outs []coin.TransactionOutput
	for i := range 600 {
		outs = append(outs, out(buyer, teller.Droplets(i+1)*1000, 0))
	}
	large := inject(t, n, bank.pay(t, head, outputs[0], outs...))                                            // 22 kB
	large2 := inject(t, n, bank.pay(t, head, outputs[1], outs...))                                           // 22 kB
	small := inject(t, n, bank.pay(t, head, outputs[2], out(buyer, teller.DropletsPerSKY, 0)))               // more hours a byte
	rival := inject(t, n, bank.sign(t, outputs[2:3], out(buyer, teller.Droplets(outputs[2].Body.Coins), 0))) // burns all
	if mined, err := n.Mine(ctx); err != nil || mined != 2 {
		t.Fatalf("mined %d, %v", mined, err)
	}
	first := readNode(t, n)[1].Txs
	if first[0].ID != rival || first[1].ID != large && first[1].ID != large2 {
		t.Errorf("the first block has %s and %s; the one with the highest fee for its size comes first", first[0].ID, first[1].ID)
	}
	if _, _, err := n.Transaction(ctx, small); teller.CodeOf(err) != teller.CodeNotFound {
		t.Errorf("the one whose input was spent: %v", err)
	}
	if mined, err := n.Mine(ctx); err != nil || mined != 1 {
		t.Fatalf("then mined %d, %v", mined, err)
	}
	if pending, err := n.Pending(ctx); err != nil || len(pending) != 0 {
		t.Errorf("pending %v, %v", pending, err)
	}
}

func TestBlocksFollowTheClock(t *testing.T) {
	now := fixedClock()
	n := openNode(t, t.TempDir(), func(o *NodeOptions) { o.Now = func() time.Time { return now } })
	times := func() (all []uint64) {
		for _, b := range readNode(t, n) {
			all = append(all, b.Time-uint64(fixedClock().Unix()))
		}
		return all
	}
	fund := func() {
		t.Helper()
		if _, err := n.Fund(t.Context(), bank.address.String(), teller.DropletsPerSKY, 0); err != nil {
			t.Fatal(err)
		}
	}
	fund()
	now = now.Add(-time.Hour * 24 * 365 * 100) // the clock jumps back, even before 1970
	fund()
	now = fixedClock().Add(100 * time.Hour)
	fund()
	if want := []uint64{0, 3601, 7202, 363600}; !slices.Equal(times(), want) {
		t.Errorf("blocks at %v, want %v", times(), want)
	}
}

// TestFullBlocks pays 24 kB transactions block after block: neither the node nor the wallet's hours get stuck.
func TestFullBlocks(t *testing.T) {
	const blocks, recipients = 60, 640
	n := openNode(t, t.TempDir(), func(o *NodeOptions) { o.Coins, o.Hours = 100_000*teller.DropletsPerSKY, 0 })
	if _, err := n.Fund(t.Context(), newSigner("somebody").address.String(), 1000, 0); err != nil {
		t.Fatal(err) // the first hour passes
	}
	var outs []coin.TransactionOutput
	for i := range recipients {
		outs = append(outs, out(buyer, teller.Droplets(i+1)*1000, 1))
	}
	started := time.Now()
	for range blocks {
		head, outputs := bank.wallet(t, n)
		oldest := slices.MinFunc(outputs, func(a, b coin.UxOut) int { return int(a.Head.BkSeq) - int(b.Head.BkSeq) })
		if err := n.Confirm(t.Context(), inject(t, n, bank.pay(t, head, oldest, outs...)), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d blocks in %s", blocks, time.Since(started))
	if coins, hours := bank.balance(t, n); coins != (100_000*1000-blocks*recipients*(recipients+1)/2)*1000 || hours < 1000 {
		t.Errorf("%s SKY and %d hours are left", coins, hours)
	}
}

func TestConcurrentNode(t *testing.T) {
	const payers = 8
	n := openNode(t, t.TempDir(), func(o *NodeOptions) { o.Outputs = payers })
	head, outputs := bank.wallet(t, n)
	var running sync.WaitGroup
	for i := range payers {
		tx := bank.pay(t, head, outputs[i], out(buyer, teller.DropletsPerSKY, 1))
		running.Go(func() {
			if err := n.Inject(t.Context(), tx.MustSerialize()); err != nil {
				t.Error(err)
			}
			if err := n.Confirm(t.Context(), tx.Hash().Hex(), 0); err != nil {
				t.Error(err)
			}
		})
		running.Go(func() {
			for range 20 {
				txs, err := n.Pending(t.Context())
				if err != nil {
					t.Error(err)
				}
				for _, tx := range txs {
					_ = fmt.Sprint(tx.Outputs)
				}
				n.Broadcasts()
				if _, err := n.History(t.Context(), buyer.address.String()); err != nil {
					t.Error(err)
				}
				if _, err := n.Blocks(t.Context(), 0, 99); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	if coins, _ := buyer.balance(t, n); coins != payers*teller.DropletsPerSKY {
		t.Errorf("the buyer has %s SKY", coins)
	}
}
