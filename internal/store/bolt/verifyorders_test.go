package bolt

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// buying makes a ledger with five credited deposits of 0.01 BTC for a purchase: t:0 to t:4.
func buying(t *testing.T, path string) *Store {
	t.Helper()
	ctx := context.Background()
	s := open(t, Options{Path: path, Clock: stoppedClock{}, NoSync: true})
	out := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux", Address: "hot", Coins: 100_000_000}}
	_, err := s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 1, Hash: "s1"}}, []string{"hot"}, []teller.Output{out}, nil)
	must(t, err)
	var trs []teller.Transfer
	for i := range 5 {
		b := numbered(i)
		b.BuyMethod = teller.BuyPassthrough
		_, err := s.Bind(ctx, b, 0)
		must(t, err)
		trs = append(trs, teller.Transfer{Address: b.Address, TxID: "t", N: uint32(i), Value: teller.NewAmount(1_000_000)})
	}
	save(t, s, teller.ScanTerms{Rate: teller.MustRate("500")}, 2, trs...)
	return s
}

// attempt prepares the next order of a deposit, to spend all that is left.
func attempt(t *testing.T, s *Store, id string) teller.Order {
	t.Helper()
	d, err := s.Deposit(context.Background(), id)
	must(t, err)
	o, err := s.PrepareOrder(context.Background(), teller.OrderDraft{DepositID: id, Version: d.Version, Exchange: "fair", Requested: d.Unspent()})
	must(t, err)
	return o
}

// told writes what the exchange says of a deposit's last order, and returns the order.
func told(t *testing.T, s *Store, id string, r teller.OrderReport) teller.Order {
	t.Helper()
	ctx := context.Background()
	os, err := s.OrdersOf(ctx, id)
	must(t, err)
	o := os[len(os)-1]
	o, err = s.NoteOrder(ctx, o.ClientID, o.Version, r)
	must(t, err)
	return o
}

// part is the report of an order that has not bought all; it may be final.
func part(bought teller.Droplets, spent uint64, final bool) teller.OrderReport {
	r := completed(bought, spent)
	r.Filled, r.Final, r.Status = false, final, "partial"
	return r
}

// ordered makes a ledger with orders of every kind, and closes it.
func ordered(t *testing.T) (path string) {
	t.Helper()
	ctx := context.Background()
	path = filepath.Join(t.TempDir(), "teller.db")
	s := buying(t, path)
	attempt(t, s, "t:0") // cancelled, done, sent
	told(t, s, "t:0", part(2_000_000, 400_000, true))
	attempt(t, s, "t:0")
	told(t, s, "t:0", completed(3_000_007, 600_000))
	d, err := s.Deposit(ctx, "t:0")
	must(t, err)
	must(t, s.SendBought(ctx, d.ID, d.Version, 5_000_000))
	attempt(t, s, "t:1") // may still buy
	told(t, s, "t:1", part(1_000_000, 200_000, false))
	o := attempt(t, s, "t:2") // is about to be placed
	_, err = s.BeginOrder(ctx, o.ClientID, o.Version)
	must(t, err)
	attempt(t, s, "t:3") // the wallet pays the rest
	told(t, s, "t:3", part(1_000_000, 200_000, true))
	_, err = s.PayInstead(ctx, "t:3", 5_000_000, olga)
	must(t, err)
	attempt(t, s, "t:4") // was given back
	_, err = s.Refund(ctx, "t:4", "back", 0, olga)
	must(t, err)
	must(t, s.Close())
	return path
}

// forged is a change of a row by somebody who also writes the log anew.
func forged(id, old, fresh string) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		if err := edit(bucketDeposits, []byte(id), old, fresh)(tx); err != nil {
			return err
		}
		row := bytes.Clone(tx.Bucket([]byte(bucketDeposits)).Get([]byte(id)))
		var last uint64
		es, err := (&txn{tx: tx}).auditPage(0, 1000)
		for _, e := range es {
			if e.DepositID == id && e.To != "" {
				last = e.Seq
			}
		}
		return cmpOr(err, rewritten(last, func(e *teller.AuditEntry) { e.Row = rowDigest(row) })(tx))
	}
}

// Every kind of change of orders behind the ledger's back is found, and told in words.
func TestVerifyFindsWrongOrders(t *testing.T) {
	client := func(id string, n int) []byte { return []byte(teller.OrderClientID(id, n)) }
	cases := []struct {
		name   string
		change func(*bolt.Tx) error
		kind   string
	}{
		{"an order is removed", remove(bucketOrders, client("t:0", 1)), findOrders},
		{"an order is added", insert(bucketOrders, client("t:9", 1), `{"deposit_id":"t:9","attempt":1,"seq":9,"state":"final","final":true}`), findOrders},
		{"an order can not be read", edit(bucketOrders, client("t:0", 1), "{", "["), findRow},
		{"an order belongs to another deposit", edit(bucketOrders, client("t:1", 1), `"t:1"`, `"t:2"`), findOrders},
		{"an order has bought more", edit(bucketOrders, client("t:0", 1), `"bought":2000000`, `"bought":2100000`), findOrders},
		{"an order has spent less", edit(bucketOrders, client("t:0", 1), `"spent":"400000"`, `"spent":"300000"`), findOrders},
		{"an order's end is changed", edit(bucketOrders, client("t:0", 2), `"status":"completed"`, `"status":"cancelled"`), findOrders},
		{"an older order may buy again", edit(bucketOrders, client("t:0", 1), `"final":true`, `"final":false`), findRow},
		{"an older order is placed again", func(tx *bolt.Tx) error {
			return cmpOr(edit(bucketOrders, client("t:0", 1), `"state":"final"`, `"state":"placed"`)(tx),
				edit(bucketOrders, client("t:0", 1), `"final":true`, `"final":false`)(tx))
		}, findOrders},
		{"an order is not listed", remove(indexOrders, seqKey(1)), findIndex},
		{"an order that is not there is listed", insert(indexOrders, seqKey(99), string(client("t:9", 1))), findIndex},
		{"a pending order is not followed", remove(indexPendingOrders, seqKey(3)), findIndex},
		{"a final order is followed", insert(indexPendingOrders, seqKey(1), string(client("t:0", 1))), findIndex},
		{"an order that is not there is followed", insert(indexPendingOrders, seqKey(99), string(client("t:9", 1))), findIndex},
		{"a deposit has bought more", edit(bucketDeposits, []byte("t:0"), `"bought":5000007`, `"bought":6000007`), findOrders},
		{"a deposit has had one order less", edit(bucketDeposits, []byte("t:0"), `"attempts":2`, `"attempts":1`), findOrders},
		{"a deposit has had none", edit(bucketDeposits, []byte("t:2"), `,"attempts":1`, ""), findOrders},
		{"more is sent than was bought, and the log is written anew", forged("t:0", `"owed":5000000`, `"owed":6000000`), findOrders},
		{"sums of what was bought are changed", edit(bucketCounters, []byte(totalsKey), `"bought":7000007`, `"bought":8000007`), findTotals},
		{"sums of what was spent are changed", edit(bucketCounters, []byte(totalsKey), `"BTC":"1400000"`, `"BTC":"1300000"`), findTotals},
		{"sums of what was kept are changed", edit(bucketCounters, []byte(totalsKey), `"kept":7`, `"kept":8`), findTotals},
	}
	var told strings.Builder
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := ordered(t)
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
	const golden = "testdata/orderfindings.golden.txt"
	if *update {
		must(t, os.WriteFile(golden, []byte(told.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if told.String() != string(want) {
		t.Errorf("the words changed; run the test with -update and read what they are now:\n%s", told.String())
	}
}

func TestVerifyFindsNothingAboutOrders(t *testing.T) {
	v, err := Verify(context.Background(), ordered(t))
	must(t, err)
	if v.Deposits != 5 || len(v.Findings) != 0 {
		t.Errorf("a ledger in order is told as %+v", v)
	}
}

// Before anything is paid, what contradicts itself about orders is found where it matters for the next payment.
func TestVerifyWalletFindsWrongOrders(t *testing.T) {
	client := func(id string, n int) []byte { return []byte(teller.OrderClientID(id, n)) }
	for _, c := range []struct {
		name   string
		change func(*bolt.Tx) error
		kind   string // "" = nothing is found
	}{
		{"in order", func(*bolt.Tx) error { return nil }, ""},
		{"an order of what is to be sent is removed", remove(bucketOrders, client("t:0", 1)), findOrders},
		{"an order of what is to be sent has bought less", edit(bucketOrders, client("t:0", 2), `"bought":3000007`, `"bought":3000006`), findOrders},
		{"a deposit that is to be sent has bought more", edit(bucketDeposits, []byte("t:0"), `"bought":5000007`, `"bought":6000007`), findOrders},
		{"an order that may still buy can not be read", edit(bucketOrders, client("t:1", 1), "{", "["), findRow},
		{"an order that may still buy is removed", remove(bucketOrders, client("t:1", 1)), findIndex},
		{"a deposit that is being bought for can not be read", edit(bucketDeposits, []byte("t:1"), "{", "["), findRow},
		{"a deposit has had none of its orders", edit(bucketDeposits, []byte("t:2"), `,"attempts":1`, ""), findOrders},
		{"an order that is not there is followed", insert(indexPendingOrders, seqKey(99), string(client("t:9", 1))), findIndex},
		{"a final order is followed", insert(indexPendingOrders, seqKey(1), string(client("t:0", 1))), findIndex},
		{"what is over is not looked at", edit(bucketOrders, client("t:4", 1), `"attempt":1`, `"attempt":2`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := ordered(t)
			tamper(t, path, c.change)
			s, err := OpenReader(context.Background(), path)
			must(t, err)
			defer s.Close()
			found, err := s.VerifyWallet(context.Background())
			must(t, err)
			if !slices.ContainsFunc(found, func(f teller.Finding) bool { return f.Kind == c.kind }) && (c.kind != "" || len(found) > 0) {
				t.Errorf("want a finding %q, got %+v", c.kind, found)
			}
		})
	}
}
