package wallet

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// rules are those of the main chain.
var rules = teller.TxRules{BurnFactor: 10, MaxSize: 32768, MaxDecimals: 3}

// testChain is a Skycoin chain in memory, as far as one wallet's outputs matter: a block every ten seconds, and only
// when there is something to put into it.
type testChain struct {
	t     testing.TB
	time  uint64
	seq   int64
	owned []teller.Output
	mine  map[string]bool // addresses
}

func newChain(t testing.TB, w *Wallet) *testChain {
	c := &testChain{t: t, time: 1_700_000_000, seq: 100, mine: map[string]bool{}}
	for _, a := range w.Addresses() {
		c.mine[a] = true
	}
	return c
}

// fund gives the wallet an output in the head block.
func (c *testChain) fund(address string, coins teller.Droplets, hours uint64) {
	c.seq++
	source := cipher.SumSHA256(fmt.Appendf(nil, "source %d", c.seq))
	c.owned = append(c.owned, makeOutput(source, address, coins, hours, c.seq, c.time))
}

func makeOutput(source cipher.SHA256, address string, coins teller.Droplets, hours uint64, height int64, time uint64) teller.Output {
	body := coin.UxBody{
		SrcTransaction: source, Address: cipher.MustDecodeBase58Address(address), Coins: uint64(coins), Hours: hours,
	}
	return teller.Output{
		SkyOutput: teller.SkyOutput{ID: body.Hash().Hex(), Address: address, Coins: coins, Hours: hours},
		SrcTx:     source.Hex(), Height: height, Time: time,
	}
}

// free are the outputs that none of the transactions spends.
func (c *testChain) free(pending []teller.SignedTx) []teller.Output {
	return slices.DeleteFunc(slices.Clone(c.owned), func(o teller.Output) bool {
		return slices.ContainsFunc(pending, func(tx teller.SignedTx) bool { return slices.Contains(tx.Inputs, o.ID) })
	})
}

// block takes up a transaction, ten seconds after the block before.
func (c *testChain) block(tx teller.SkyTx) {
	c.t.Helper()
	c.seq++
	c.time += 10
	before := len(c.owned)
	c.owned = slices.DeleteFunc(c.owned, func(o teller.Output) bool { return slices.Contains(tx.Inputs, o.ID) })
	if before-len(c.owned) != len(tx.Inputs) {
		c.t.Fatalf("transaction %s spends what does not exist", tx.ID)
	}
	for _, o := range tx.Outputs {
		if c.mine[o.Address] {
			c.owned = append(c.owned, teller.Output{SkyOutput: o, SrcTx: tx.ID, Height: c.seq, Time: c.time})
		}
	}
}

func (c *testChain) coins() teller.Droplets {
	var sum teller.Droplets
	for _, o := range c.owned {
		sum += o.Coins
	}
	return sum
}

// hours are those that the wallet could burn now.
func (c *testChain) hours() uint64 {
	var sum uint64
	for _, o := range c.owned {
		ux, err := rebuild(o)
		if err != nil {
			c.t.Fatal(err)
		}
		h, err := ux.CoinHours(c.time)
		if err != nil {
			c.t.Fatal(err)
		}
		sum += h
	}
	return sum
}

func (c *testChain) request(pay []teller.Recipient, keep int) teller.PayoutRequest {
	return teller.PayoutRequest{
		Spendable: c.owned, Pay: pay, HeadTime: c.time, Rules: rules, MaxSize: 24_576, Keep: keep,
	}
}

// stranger is an address without a key, which costs nothing to make.
func stranger(i int) string {
	return cipher.Address{Key: cipher.HashRipemd160(fmt.Appendf(nil, "stranger %d", i))}.String()
}

// crowd is n recipients who get the same.
func crowd(n int, each teller.Droplets) []teller.Recipient {
	pay := make([]teller.Recipient, 0, n)
	for i := range n {
		pay = append(pay, teller.Recipient{Address: stranger(i), Coins: each})
	}
	return pay
}

// TestWalletDoesNotRunDry pays a full transaction in every block and shows that a wallet that keeps four outputs never
// lacks a coin hour, while one that keeps a single output does, with nearly all its coins in place.
func TestWalletDoesNotRunDry(t *testing.T) {
	const sky = teller.DropletsPerSKY
	w := testWallet(t, "runs dry")
	full := crowd(w.FitRecipients(24_576, 1, 4), 5*sky)
	if len(full) < 640 {
		t.Fatalf("a full transaction pays only %d recipients", len(full))
	}
	for _, tc := range []struct {
		name    string
		outputs int
		total   teller.Droplets
		hours   uint64 // of the whole wallet at the beginning
		each    teller.Droplets
		keep    int
		blocks  int
		dry     bool
	}{
		{name: "four outputs", outputs: 4, total: 1_000_000 * sky, hours: 4000, each: 5 * sky, keep: 4, blocks: 60},
		{name: "one output", outputs: 1, total: 1_000_000 * sky, hours: 4000, each: 5 * sky, keep: 4, blocks: 60},
		{name: "one output, hardly any hours", outputs: 1, total: 1_000_000 * sky, hours: 5, each: 5 * sky, keep: 4, blocks: 60},
		{name: "nearly all is paid out", outputs: 1, total: 1_000_000 * sky, hours: 4000, each: 45 * sky, keep: 4, blocks: 30},
		{name: "small wallet", outputs: 4, total: 20_000 * sky, hours: 4000, each: sky / 4, keep: 4, blocks: 30},
		{name: "small wallet in one output", outputs: 1, total: 20_000 * sky, hours: 100, each: sky / 4, keep: 4, blocks: 30},
		{name: "two kept", outputs: 1, total: 1_000_000 * sky, hours: 4000, each: 5 * sky, keep: 2, blocks: 30},
		{name: "many outputs", outputs: 40, total: 1_000_000 * sky, hours: 4000, each: 5 * sky, keep: 4, blocks: 30},
		{name: "longer", outputs: 1, total: 1_000_000 * sky, hours: 4000, each: sky, keep: 4, blocks: 120},
		{name: "only one kept", outputs: 1, total: 1_000_000 * sky, hours: 4000, each: 5 * sky, keep: 1, blocks: 60, dry: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if testing.Short() && tc.name != "one output" && !tc.dry {
				t.Skip("one case of each kind is enough to be quick")
			}
			c := newChain(t, w)
			for range tc.outputs {
				c.fund(w.Addresses()[0], tc.total/teller.Droplets(tc.outputs), tc.hours/uint64(tc.outputs))
			}
			for i := range full {
				full[i].Coins = tc.each
			}
			gifts, low := 0, c.hours()
			for i := range tc.blocks {
				tx, err := w.Build(context.Background(), c.request(full, tc.keep))
				if tc.dry && teller.CodeOf(err) == teller.CodeShortOfHours {
					t.Logf("dry after %d payouts with %s SKY left", i, c.coins())
					return
				}
				if err != nil {
					t.Fatalf("payout %d of %d: %v", i+1, tc.blocks, err)
				}
				if tx.Outputs[0].Hours > 0 {
					gifts++
				}
				c.block(tx.SkyTx)
				low = min(low, c.hours())
			}
			if tc.dry {
				t.Fatal("it did not run dry")
			}
			t.Logf("%d payouts, recipients got hours in %d; now %d outputs, %s SKY, %d hours, lowest %d", tc.blocks, gifts, len(c.owned), c.coins(), c.hours(), low)
		})
	}
}

// TestWalletAheadOfTheChain builds payouts faster than blocks take them up: a full transaction fills a block, so that up to
// three wait for theirs. There must be one for every block.
func TestWalletAheadOfTheChain(t *testing.T) {
	w := testWallet(t, "ahead")
	c := newChain(t, w)
	c.fund(w.Addresses()[0], 1_000_000*teller.DropletsPerSKY, 4000)
	full := crowd(640, 5*teller.DropletsPerSKY)
	var pending []teller.SignedTx
	for i := range 60 {
		for len(pending) < 3 {
			req := c.request(full, 4)
			req.Spendable = c.free(pending)
			tx, err := w.Build(context.Background(), req)
			if code := teller.CodeOf(err); code == teller.CodeShortOfCoins || code == teller.CodeShortOfHours {
				break // all is on its way
			}
			if err != nil {
				t.Fatal(err)
			}
			pending = append(pending, tx)
		}
		if len(pending) == 0 {
			t.Fatalf("no payout for block %d: %d outputs, %d hours", i, len(c.owned), c.hours())
		}
		c.block(pending[0].SkyTx)
		pending = pending[1:]
	}
	t.Logf("%d outputs, %s SKY, %d hours", len(c.owned), c.coins(), c.hours())
	if len(c.owned) > 4+2*3 { // those kept, and for each payout on its way what it replaces and what it makes
		t.Errorf("the wallet splits its coins ever further: %d outputs", len(c.owned))
	}
}
