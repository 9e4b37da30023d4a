package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

type stoppedClock struct{}

func (stoppedClock) Now() time.Time { return time.Unix(1_700_000_000, 0) }

// exemplary makes a ledger that has something of everything, and closes it.
func exemplary(t *testing.T) (path string) {
	t.Helper()
	ctx := context.Background()
	path = filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path, Clock: stoppedClock{}, NoSync: true})
	out := func(id string, sky uint64) teller.Output {
		return teller.Output{SkyOutput: teller.SkyOutput{ID: id, Address: "hot", Coins: teller.Droplets(sky) * teller.DropletsPerSKY}, SrcTx: "genesis"}
	}
	head := teller.SkyHead{BlockRef: teller.BlockRef{Height: 10, Hash: "sky-10"}, Time: 1000}
	_, err := s.OpenWallet(ctx, head, []string{"hot"}, []teller.Output{out("ux-1", 50), out("ux-2", 20), out("ux-3", 30)}, nil)
	must(t, err)
	for i, buyer := range []string{"alice", "bob", "carol", "alice"} {
		_, err := s.Bind(ctx, teller.Binding{Coin: teller.BTC, Address: fmt.Sprint("b", i+1), SkyAddress: buyer, BuyMethod: teller.BuyDirect}, 0)
		must(t, err)
	}
	_, err = s.Bind(ctx, teller.Binding{Coin: teller.ETH, Address: "e1", SkyAddress: "dave", BuyMethod: teller.BuyDirect}, 0)
	must(t, err)
	terms := teller.ScanTerms{Rate: teller.MustRate("500")}
	pay := func(address string, n uint32, value uint64) teller.Transfer {
		return teller.Transfer{Address: address, TxID: "t-" + address, N: n, Value: teller.NewAmount(value)}
	}
	b := teller.Block{BlockRef: teller.BlockRef{Height: 100, Hash: "btc-100"}, Transfers: []teller.Transfer{
		pay("b1", 0, 1_000_000), pay("b2", 1, 2_000_000), pay("b3", 2, 3_000_000), pay("nobody", 0, 7)}}
	_, err = s.SaveBlock(ctx, teller.BTC, b, terms)
	must(t, err)
	_, err = s.SaveBlock(ctx, teller.ETH, teller.Block{BlockRef: teller.BlockRef{Height: 5, Hash: "eth-5"}, Transfers: []teller.Transfer{pay("e1", 0, 9)}}, terms)
	must(t, err)
	waiting, err := s.Due(ctx, teller.StatusWaitingDecide, 0, 3)
	must(t, err)
	for _, d := range waiting {
		owed, err := d.Rate.Convert(d.Coin, d.Value, 3)
		must(t, err)
		_, err = s.Decide(ctx, []teller.Decision{{DepositID: d.ID, Version: d.Version, Owed: owed}})
		must(t, err)
	}
	due, err := s.Due(ctx, teller.StatusWaitingSend, 0, 0)
	must(t, err)
	for i, d := range due[:2] {
		must(t, s.CreatePayout(ctx, teller.Payout{TxID: fmt.Sprint("payout-", i+1), Raw: []byte("signed"), Inputs: []string{fmt.Sprint("ux-", i+1)},
			Shares: []teller.Share{{DepositID: d.ID, Version: d.Version, Coins: d.Owed}}}))
	}
	spend := func(id, in, to string, coins, change teller.Droplets) teller.SkyTx {
		return teller.SkyTx{ID: id, Inputs: []string{in}, Outputs: []teller.SkyOutput{{ID: id + "-0", Address: to, Coins: coins}, {ID: id + "-1", Address: "hot", Coins: change}}}
	}
	_, err = s.SaveSkyBlocks(ctx, []teller.SkyBlock{{BlockRef: teller.BlockRef{Height: 11, Hash: "sky-11"}, Parent: "sky-10", Time: 1010, Txs: []teller.SkyTx{
		spend("payout-1", "ux-1", "alice", due[0].Owed, 50*teller.DropletsPerSKY-due[0].Owed),
		spend("foreign", "ux-3", "carol", teller.DropletsPerSKY, 29*teller.DropletsPerSKY)}}})
	must(t, err)
	must(t, s.Close())
	return path
}

// tamper changes a closed database behind the ledger's back.
func tamper(t *testing.T, path string, change func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(change))
	must(t, db.Close())
}

// edit replaces text in the value of a key; it must occur there.
func edit(bucket string, key []byte, old, fresh string) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		was := b.Get(key)
		if !bytes.Contains(was, []byte(old)) {
			return fmt.Errorf("%s of %s has no %s: %s", key, bucket, old, was)
		}
		return b.Put(key, bytes.Replace(was, []byte(old), []byte(fresh), 1))
	}
}

func remove(bucket string, keys ...[]byte) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		for _, k := range keys {
			if tx.Bucket([]byte(bucket)).Get(k) == nil {
				return fmt.Errorf("%s has no %q", bucket, k)
			}
			if err := tx.Bucket([]byte(bucket)).Delete(k); err != nil {
				return err
			}
		}
		return nil
	}
}

func insert(bucket string, key []byte, value string) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucket)).Put(key, []byte(value)) }
}

// rewritten is a change that somebody makes who knows how the chain is computed: an entry, and all hashes from there on.
func rewritten(seq uint64, change func(*teller.AuditEntry)) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		t := &txn{tx: tx}
		es, err := t.auditPage(0, 1000)
		hash := ""
		for _, e := range es {
			if e.Seq == seq {
				change(&e)
			}
			hash = e.Link(hash)
			e.Hash = hash
			t.putJSON(bucketAudit, seqKey(e.Seq), e)
		}
		return cmpOr(err, t.err)
	}
}

func cmpOr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Every kind of change behind the ledger's back is found, and told in words.
func TestVerifyFindsWhatWasTamperedWith(t *testing.T) {
	text := textSeqKey
	cases := []struct {
		name   string
		change func(*bolt.Tx) error
		kind   string
	}{
		{"an entry is changed", edit(bucketAudit, seqKey(4), `"event":"record"`, `"event":"recard"`), findLog},
		{"an entry's time is changed", edit(bucketAudit, seqKey(4), `2023-11-14`, `2023-11-13`), findLog},
		{"an entry is rewritten with its hash", func(tx *bolt.Tx) error {
			es, err := (&txn{tx: tx}).auditPage(2, 2)
			if err != nil {
				return err
			}
			es[1].Detail = "nothing"
			es[1].Hash = es[1].Link(es[0].Hash)
			raw, err := json.Marshal(es[1])
			return cmpOr(err, tx.Bucket([]byte(bucketAudit)).Put(seqKey(4), raw))
		}, findLog},
		{"an entry is removed", remove(bucketAudit, seqKey(7)), findLog},
		{"the last entries are removed", func(tx *bolt.Tx) error {
			last, _ := tx.Bucket([]byte(bucketAudit)).Cursor().Last()
			last = bytes.Clone(last)
			return remove(bucketAudit, last)(tx)
		}, findLog},
		{"two entries are swapped", func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucketAudit))
			x, y := bytes.Clone(b.Get(seqKey(5))), bytes.Clone(b.Get(seqKey(6)))
			return cmpOr(b.Put(seqKey(5), y), b.Put(seqKey(6), x))
		}, findLog},
		{"an entry loses its hash", edit(bucketAudit, seqKey(6), `"hash"`, `"hush"`), findLog},
		{"an entry can not be read", edit(bucketAudit, seqKey(6), `{`, `[`), findLog},
		{"history is rewritten with all hashes", rewritten(7, func(e *teller.AuditEntry) { e.To = teller.StatusDone }), findReplay},
		{"a buyer is changed", edit(bucketDeposits, []byte("t-b3:2"), `"sky_address":"carol"`, `"sky_address":"mallo"`), findReplay},
		{"an amount is changed", edit(bucketDeposits, []byte("t-b3:2"), `"owed":15000000`, `"owed":95000000`), findReplay},
		{"a status is changed", edit(bucketDeposits, []byte("t-b1:0"), `"status":"done"`, `"status":"waiting_send"`), findPayouts},
		{"a hold is lifted", edit(bucketDeposits, []byte("t-b3:2"), `"hold":{`, `"hald":{`), findReplay},
		{"a deposit is removed", remove(bucketDeposits, []byte("t-b2:1")), findIndex},
		{"a deposit is not due any more", remove(indexOpen, text(3, "carol")), findIndex},
		{"a held deposit is due", insert(indexDue, text(3, string(teller.StatusWaitingSend)), "t-b3:2"), findIndex},
		{"an index names a deposit that is not there", insert(indexHeld, seqKey(99), "t-x:0"), findIndex},
		{"sums are changed", edit(bucketCounters, []byte(totalsKey), `"sent":15`, `"sent":16`), findTotals},
		{"arrivals are changed", insert(bucketArrivals, textKey("ETH", "e1"), `"8"`), findTotals},
		{"an output is removed", remove(bucketOutputs, []byte("payout-1-1")), findBooks},
		{"an output is not kept", remove(bucketReserved, []byte("ux-2")), findReserved},
		{"an output is kept for nobody", insert(bucketReserved, []byte("foreign-1"), "payout-1"), findReserved},
		{"a payout is not broadcast", remove(bucketPending, seqKey(2)), findPayouts},
		{"a payout is changed", edit(bucketPayouts, []byte("payout-2"), `"t-b2:1"`, `"t-b9:1"`), findPayouts},
		{"a payout pays a second time", func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucketPayouts))
			return b.Put([]byte("payout-9"), bytes.Replace(b.Get([]byte("payout-1")), []byte("payout-1"), []byte("payout-9"), 1))
		}, findPayouts},
		{"a binding is changed", edit(bindBucket(teller.BTC), []byte("b3"), "carol", "mallo"), findBindings},
		{"a binding is removed", remove(bindBucket(teller.BTC), []byte("b4")), findBindings},
		{"a binding is listed twice", edit(bucketSkyIndex, []byte("alice"), `"b4"`, `"b1"`), findBindings},
		{"a withdrawal is removed", remove(bucketWithdrawals, seqKey(1)), findIndex},
		{"an unbound payment is removed", remove(bucketUnbound, seqKey(1)), findIndex},
		{"a block is changed", insert(bucketBlocks, heightKey(teller.BTC, 100), "other"), findRow},
	}
	var told strings.Builder
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := exemplary(t)
			tamper(t, path, c.change)
			v, err := Verify(context.Background(), path)
			must(t, err)
			if !slices.ContainsFunc(v.Findings, func(f teller.Finding) bool { return f.Kind == c.kind }) {
				t.Errorf("want a finding %q, got %+v", c.kind, v.Findings)
			}
			fmt.Fprintf(&told, "# %s\n", c.name)
			for _, f := range v.Findings {
				fmt.Fprintf(&told, "%s: %s\n", f.Kind, f.Found)
			}
			told.WriteByte('\n')
		})
	}
	const golden = "testdata/findings.golden.txt"
	if *update {
		must(t, os.WriteFile(golden, []byte(told.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if told.String() != string(want) {
		t.Errorf("the words changed; run the test with -update and read what they are now:\n%s", told.String())
	}
}

func TestVerifyFindsNothing(t *testing.T) {
	ctx := context.Background()
	path := exemplary(t)
	before, err := os.ReadFile(path)
	must(t, err)
	v, err := Verify(ctx, path)
	must(t, err)
	if v.Entries == 0 || v.Deposits != 4 || v.Payouts != 2 || v.Bindings != 5 || len(v.Findings) != 0 {
		t.Errorf("a ledger in order is told as %+v", v)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("verifying a ledger changed its file")
	}
	s := open(t, Options{Path: path, NoSync: true})
	defer s.Close()
	_, err = Verify(ctx, path)
	wantCode(t, err, teller.CodeUnavailable)
	running, err := s.Verify(ctx)
	must(t, err)
	seq, hash, err := s.AuditHead(ctx)
	must(t, err)
	if running.Head != v.Head || hash != v.Head || seq != v.Entries || len(running.Findings) != 0 {
		t.Errorf("the running ledger is told as %+v, its log ends with %d %s; want %+v", running, seq, hash, v)
	}
	left, err := filepath.Glob(path + backupInfix + "*")
	must(t, err)
	quick, err := s.VerifyWallet(ctx)
	must(t, err)
	if len(left) != 0 || len(quick) != 0 {
		t.Errorf("left behind: %v; found: %v", left, quick)
	}
}

func TestReaderOnlyReads(t *testing.T) {
	ctx := context.Background()
	path := exemplary(t)
	r, err := OpenReader(ctx, path)
	must(t, err)
	defer r.Close()
	_, err = r.Bind(ctx, teller.Binding{Coin: teller.BTC, Address: "b9", SkyAddress: "alice"}, 0)
	wantCode(t, err, teller.CodeForbidden)
	pending, err := r.PendingPayouts(ctx)
	must(t, err)
	since, err := r.WalletSince(ctx)
	must(t, err)
	ps, err := r.Payouts(ctx, "payout-1", 5)
	must(t, err)
	if len(pending) != 1 || since["hot"] != 10 || len(ps) != 1 || ps[0].TxID != "payout-2" {
		t.Errorf("read %+v, %v, %+v", pending, since, ps)
	}
	_, err = OpenReader(ctx, path+"x")
	wantCode(t, err, teller.CodeNotFound)
}

// A ledger of format 2, whose log has no hashes: its entries are chained as they stand, and what is changed in them later
// is found.
func TestUpgradeChainsTheLog(t *testing.T) {
	ctx := context.Background()
	path := exemplary(t)
	tamper(t, path, func(tx *bolt.Tx) error {
		t := &txn{tx: tx}
		es, err := t.auditPage(0, 1000)
		for _, e := range es {
			e.Version, e.PaidBy, e.Holds, e.Row, e.Hash = 0, "", nil, "", ""
			t.putJSON(bucketAudit, seqKey(e.Seq), e)
		}
		t.put(bucketWallet, []byte("hot"), nil)
		t.put(bucketMeta, []byte(metaFormat), []byte(formatUnchained))
		return cmpOr(err, t.err)
	})
	_, err := Verify(ctx, path)
	wantCode(t, err, teller.CodeUnsupported)
	for range 2 {
		must(t, open(t, Options{Path: path, NoSync: true}).Close())
	}
	v, err := Verify(ctx, path)
	must(t, err)
	if len(v.Findings) != 0 || v.Head == "" {
		t.Errorf("after the upgrade: %+v", v)
	}
	if _, err := os.Stat(path + ".before-upgrade"); err != nil {
		t.Error(err)
	}
	r, err := OpenReader(ctx, path)
	must(t, err)
	since, err := r.WalletSince(ctx)
	must(t, err)
	must(t, r.Close())
	if since["hot"] != 10 {
		t.Errorf("the wallet is known since %v, want block 10", since)
	}
	for name, change := range map[string]func(*bolt.Tx) error{
		"an old entry":                     edit(bucketAudit, seqKey(2), `"seq":2,`, `"seq":2,"actor":"x",`),
		"what an open deposit is owed":     edit(bucketDeposits, []byte("t-b3:2"), `"owed":15000000`, `"owed":15000001`),
		"by what a done deposit was paid":  edit(bucketDeposits, []byte("t-b1:0"), `"txid":"payout-1"`, `"txid":"payout-2"`),
		"the status of a deposit that was": edit(bucketDeposits, []byte("t-b1:0"), `"status":"done"`, `"status":"waiting_send"`),
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "teller.db")
			must(t, copyFile(path, copied))
			tamper(t, copied, change)
			v, err := Verify(ctx, copied)
			must(t, err)
			if len(v.Findings) == 0 {
				t.Error("nothing was found")
			}
		})
	}
}
