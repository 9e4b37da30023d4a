package dummy

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/skycoin/teller"
)

var quiet = slog.New(slog.DiscardHandler)

// words takes any word for an address and spells it in lower case.
type words struct{}

func (words) Parse(s string) (string, error) {
	if s == "" || strings.ContainsAny(s, " !") {
		return "", teller.Errorf(teller.CodeInvalid, "%q is no address", s)
	}
	return strings.ToLower(s), nil
}

// everybody watches every address.
type everybody struct{}

func (everybody) Has([]byte) bool { return true }

func (everybody) Keys() ([][]byte, bool) { return nil, false }

type only string

func (o only) Has(key []byte) bool { return string(key) == string(o) }

func (o only) Keys() ([][]byte, bool) { return [][]byte{[]byte(o)}, true }

func openChain(t testing.TB, dir string, confirmations int64) *Chain {
	t.Helper()
	c, err := OpenChain(teller.BTC, dir, confirmations, words{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // some tests close it themselves
	return c
}

func post(t testing.TB, c *Chain, address string, value uint64, txid string, n uint32) string {
	t.Helper()
	id, err := c.Deposit(t.Context(), Deposit{Address: address, Value: teller.NewAmount(value), TxID: txid, N: n})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// readChain follows a chain from block 0 to its tip and checks that it hangs together.
func readChain(t testing.TB, c *Chain) []teller.Block {
	t.Helper()
	tip, err := c.Tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var blocks []teller.Block
	parent := ""
	for height := int64(0); height <= tip.Height; height++ {
		b, err := c.Block(t.Context(), height, everybody{})
		if err != nil {
			t.Fatal(err)
		}
		hash, err := c.BlockHash(t.Context(), height)
		if err != nil || hash != b.Hash || b.Height != height || b.Parent != parent {
			t.Fatalf("block %d is %+v, its hash %s (%v), its parent should be %q", height, b.BlockRef, hash, err, parent)
		}
		parent = b.Hash
		blocks = append(blocks, b)
	}
	if blocks[tip.Height].BlockRef != tip {
		t.Fatalf("the tip is %+v, the last block %+v", tip, blocks[tip.Height].BlockRef)
	}
	return blocks
}

func TestNewChain(t *testing.T) {
	c := openChain(t, t.TempDir(), 1)
	if genesis, err := c.Genesis(t.Context()); err != nil || genesis != "dummy" || c.Coin() != teller.BTC {
		t.Errorf("genesis %q, %v; coin %s", genesis, err, c.Coin())
	}
	if blocks := readChain(t, c); len(blocks) != 1 || blocks[0].Hash != teller.DummyGenesis {
		t.Errorf("a new chain is %+v", blocks)
	}
	for _, height := range []int64{-1, 1} {
		if _, err := c.BlockHash(t.Context(), height); teller.CodeOf(err) != teller.CodeNotFound {
			t.Errorf("hash of block %d: %v", height, err)
		}
		if _, err := c.Block(t.Context(), height, everybody{}); teller.CodeOf(err) != teller.CodeNotFound {
			t.Errorf("block %d: %v", height, err)
		}
	}
	if key, err := c.WatchKey("ABC"); err != nil || string(key) != "abc" {
		t.Errorf("WatchKey = %q, %v", key, err)
	}
	if _, err := c.WatchKey("!"); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("WatchKey of no address: %v", err)
	}
}

func TestDepositsAreMinedTogether(t *testing.T) {
	const deposits, confirmations = 10_000, 3
	c := openChain(t, t.TempDir(), confirmations)
	for i := range deposits {
		post(t, c, fmt.Sprintf("Buyer%d", i%100), uint64(i+1), "aa", uint32(i))
	}
	blocks := readChain(t, c)
	if len(blocks) != 1+1+confirmations {
		t.Fatalf("%d blocks, want block 0, one with all deposits, and %d on top", len(blocks), confirmations)
	}
	if got := blocks[1].Transfers; len(got) != deposits || got[41].Address != "buyer41" || got[41].TxID != "aa" || got[41].N != 41 || got[41].Value.String() != "42" {
		t.Errorf("%d transfers, one of them %+v", len(got), got[41])
	}
	one, err := c.Block(t.Context(), 1, only("buyer7"))
	if err != nil || len(one.Transfers) != deposits/100 || one.Hash != blocks[1].Hash {
		t.Errorf("%d transfers to one address, %v", len(one.Transfers), err)
	}
	if again := readChain(t, c); !reflect.DeepEqual(again, blocks) {
		t.Error("asking again made new blocks")
	}
	post(t, c, "buyer1", 5, "bb", 0)
	if grown := readChain(t, c); len(grown) != len(blocks)+1+confirmations || !reflect.DeepEqual(grown[:len(blocks)], blocks) {
		t.Errorf("%d blocks after another deposit", len(grown))
	}
}

func TestDepositRefusals(t *testing.T) {
	c := openChain(t, t.TempDir(), 0)
	good := Deposit{Address: "a", Value: teller.NewAmount(7), TxID: "t1", N: 2}
	if id, err := c.Deposit(t.Context(), good); err != nil || id != "t1" {
		t.Fatal(id, err)
	}
	with := func(change func(*Deposit)) Deposit {
		d := good
		change(&d)
		return d
	}
	for name, tc := range map[string]struct {
		d    Deposit
		code teller.Code
		text string
	}{
		"repeated":        {good, teller.CodeConflict, "deposit t1:2 is there already; nothing was added"},
		"other spelling":  {with(func(d *Deposit) { d.Address = "A" }), teller.CodeConflict, "nothing was added"},
		"other label":     {with(func(d *Deposit) { d.Height = 9 }), teller.CodeConflict, "nothing was added"},
		"other address":   {with(func(d *Deposit) { d.Address = "b" }), teller.CodeConflict, "another address or value"},
		"other value":     {with(func(d *Deposit) { d.Value = teller.NewAmount(8) }), teller.CodeConflict, "another address or value"},
		"no value":        {with(func(d *Deposit) { d.Value = teller.Amount{} }), teller.CodeInvalid, "a deposit of 0 BTC"},
		"no address":      {with(func(d *Deposit) { d.Address = "" }), teller.CodeInvalid, "no address"},
		"malformed txid":  {with(func(d *Deposit) { d.TxID = "a:1" }), teller.CodeInvalid, "a txid is"},
		"txid too long":   {with(func(d *Deposit) { d.TxID = strings.Repeat("a", 129) }), teller.CodeInvalid, "a txid is"},
		"txid of a slash": {with(func(d *Deposit) { d.TxID = "../x" }), teller.CodeInvalid, "a txid is"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Deposit(t.Context(), tc.d)
			if teller.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v (%s), want %s with %q", err, teller.CodeOf(err), tc.code, tc.text)
			}
		})
	}
	if _, err := c.Deposit(t.Context(), with(func(d *Deposit) { d.N = 3 })); err != nil {
		t.Errorf("another output of the same transaction: %v", err)
	}
	first, second := post(t, c, "a", 7, "", 0), post(t, c, "a", 7, "", 0)
	if len(first) != 64 || first == second {
		t.Errorf("made up the txids %q and %q", first, second)
	}
	if blocks := readChain(t, c); len(blocks) != 2 || len(blocks[1].Transfers) != 4 {
		t.Errorf("the chain is %+v", blocks)
	}
}

func TestChainSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	c := openChain(t, dir, 2)
	made := post(t, c, "a", 1, "", 0)
	before := readChain(t, c)
	huge, err := teller.ParseAmount("123456789012345678901234567890")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deposit(t.Context(), Deposit{Address: "B", Value: huge, TxID: "t2", N: 1, Height: 494713}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}

	c = openChain(t, dir, 0) // the configuration changed meanwhile: blocks that exist stay
	after := readChain(t, c)
	if len(after) != len(before)+1 || !reflect.DeepEqual(after[:len(before)], before) {
		t.Fatalf("before %+v\nafter %+v", before, after)
	}
	if got := after[len(before)].Transfers; len(got) != 1 || got[0].Address != "b" || !got[0].Value.Equal(huge) {
		t.Errorf("the posted and not yet mined deposit became %+v", got)
	}
	if _, err := c.Deposit(t.Context(), Deposit{Address: "a", Value: teller.NewAmount(1), TxID: made}); teller.CodeOf(err) != teller.CodeConflict {
		t.Errorf("a deposit from before was taken again: %v", err)
	}
}

func TestTornChainJournal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dummy-btc.jsonl")
	c := openChain(t, dir, 1)
	post(t, c, "a", 1, "t1", 0)
	before := readChain(t, c)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	post(t, c, "a", 2, "t2", 0)
	more, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for size := len(whole); size < len(more); size++ { // killed after each byte of the last record
		if err := os.WriteFile(path, more[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		c := openChain(t, dir, 1)
		if got := readChain(t, c); !reflect.DeepEqual(got, before) {
			t.Fatalf("cut at %d: %+v", size, got)
		}
		post(t, c, "a", 2, "t2", 0) // goes into a line of its own
		grown := readChain(t, c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if again := readChain(t, openChain(t, dir, 1)); !reflect.DeepEqual(again, grown) || len(grown) != len(before)+2 {
			t.Fatalf("cut at %d, then a deposit, then reopened: %+v", size, again)
		}
	}
}

func TestCorruptChainJournal(t *testing.T) {
	const header, deposit = `{"coin":"BTC"}` + "\n", `{"deposit":{"address":"a","value":"1","txid":"t","n":0}}` + "\n"
	for name, tc := range map[string]struct{ content, want string }{
		"no JSON":          {header + "x\n", "dummy-btc.jsonl:2: "},
		"another coin's":   {`{"coin":"ETH"}` + "\n", `:1: `},
		"nothing":          {header + deposit + "{}\n", ":3: "},
		"a deposit twice":  {header + deposit + deposit, "deposit t:0 is there twice"},
		"too many blocks":  {header + `{"mined":{"empty":99999999999}}` + "\n", "99999999999 empty blocks"},
		"a negative value": {header + `{"deposit":{"address":"a","value":"-1","txid":"t","n":0}}` + "\n", ":2: "},
		"an endless line":  {header + strings.Repeat("x", maxRecord+1), ":2: "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "dummy-btc.jsonl"), []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenChain(teller.BTC, dir, 1, words{}, quiet)
			if teller.CodeOf(err) != teller.CodeCorrupt || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("OpenChain = %v, want corrupt with %q", err, tc.want)
			}
		})
	}
}

func TestChainRefusesConfirmations(t *testing.T) {
	for _, n := range []int64{-1, maxEmpty + 1} {
		if _, err := OpenChain(teller.BTC, t.TempDir(), n, words{}, quiet); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%d confirmations: %v", n, err)
		}
	}
}

func TestChainAfterAFailedWrite(t *testing.T) {
	c := openChain(t, t.TempDir(), 1)
	post(t, c, "a", 1, "t1", 0)
	if err := c.journal.f.Close(); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	if _, err := c.Deposit(t.Context(), Deposit{Address: "a", Value: teller.NewAmount(1), TxID: "t2"}); teller.CodeOf(err) != teller.CodeUnavailable {
		t.Errorf("Deposit = %v", err)
	}
	if _, err := c.Tip(t.Context()); teller.CodeOf(err) != teller.CodeUnavailable {
		t.Errorf("Tip = %v", err)
	}
	if len(c.mempool) != 1 || len(c.blocks) != 1 || len(c.outputs) != 1 {
		t.Errorf("something happened that was not written: %d posted, %d blocks, %d outputs", len(c.mempool), len(c.blocks), len(c.outputs))
	}
}

func TestChainObeysContext(t *testing.T) {
	c := openChain(t, t.TempDir(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Genesis":   func() error { _, err := c.Genesis(ctx); return err },
		"Tip":       func() error { _, err := c.Tip(ctx); return err },
		"BlockHash": func() error { _, err := c.BlockHash(ctx, 0); return err },
		"Block":     func() error { _, err := c.Block(ctx, 0, everybody{}); return err },
		"Deposit":   func() error { _, err := c.Deposit(ctx, Deposit{Address: "a", Value: teller.NewAmount(1)}); return err },
	} {
		if err := call(); teller.CodeOf(err) != teller.CodeUnavailable {
			t.Errorf("%s = %v", name, err)
		}
	}
}

func TestConcurrentDeposits(t *testing.T) {
	const posters, each = 8, 50
	dir := t.TempDir()
	c := openChain(t, dir, 1)
	var running sync.WaitGroup
	for i := range posters {
		running.Go(func() {
			for j := range each {
				if _, err := c.Deposit(t.Context(), Deposit{Address: "a", Value: teller.NewAmount(1), TxID: fmt.Sprintf("t%d", i), N: uint32(j)}); err != nil {
					t.Error(err)
				}
			}
		})
		running.Go(func() {
			for range each {
				tip, err := c.Tip(t.Context())
				if err != nil {
					t.Error(err)
				}
				if _, err := c.Block(t.Context(), tip.Height, everybody{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	blocks := readChain(t, c)
	seen := map[string]bool{}
	for _, b := range blocks {
		for _, tr := range b.Transfers {
			seen[teller.DepositID(tr.TxID, tr.N)] = true
		}
	}
	if len(seen) != posters*each {
		t.Errorf("%d deposits on the chain, want %d", len(seen), posters*each)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if again := readChain(t, openChain(t, dir, 1)); !reflect.DeepEqual(again, blocks) {
		t.Error("the chain is another one after a restart")
	}
}

// FuzzChainJournal replays anything: it is refused, or gives a chain that opens the same again.
func FuzzChainJournal(f *testing.F) {
	f.Add([]byte("{\"coin\":\"BTC\"}\n{\"deposit\":{\"address\":\"a\",\"value\":\"1\",\"txid\":\"t\",\"n\":0}}\n{\"mined\":{\"empty\":1}}\n"))
	f.Add([]byte("{\"coin\":\"BTC\"}\n{\"mi"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "dummy-btc.jsonl"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := OpenChain(teller.BTC, dir, 1, words{}, quiet)
		if err != nil {
			if teller.CodeOf(err) != teller.CodeCorrupt {
				t.Fatalf("OpenChain = %v", err)
			}
			return
		}
		blocks := readChain(t, c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if again := readChain(t, openChain(t, dir, 1)); !reflect.DeepEqual(again, blocks) {
			t.Fatalf("%+v became %+v", blocks, again)
		}
	})
}
