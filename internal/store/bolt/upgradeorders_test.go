package bolt

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// formatThree copies a ledger that a teller of format 3 has written: exemplary's, and a deposit for a purchase on an
// exchange, which that teller could only hold.
func formatThree(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "teller.db")
	must(t, copyFile("testdata/format3/teller.db", path))
	must(t, copyFile("testdata/format3/teller.db.bindings", path+".bindings"))
	return path
}

// A ledger from before there were orders opens, its rows are as they were to the byte, and what was bound for a purchase
// can now be bought for.
func TestUpgradeFromBeforeOrders(t *testing.T) {
	ctx := context.Background()
	path := formatThree(t)
	_, err := OpenReader(ctx, path)
	wantCode(t, err, teller.CodeUnsupported)
	rows := rowsOf(t, path)
	for range 2 {
		must(t, open(t, Options{Path: path, NoSync: true}).Close())
	}
	if _, err := os.Stat(path + ".before-upgrade"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + ".before-upgrade.2"); err == nil {
		t.Error("it was upgraded twice")
	}
	v, err := Verify(ctx, path)
	must(t, err)
	if v.Deposits != 5 || v.Payouts != 2 || v.Bindings != 6 || len(v.Findings) != 0 {
		t.Errorf("after the upgrade: %+v", v)
	}
	for id, was := range rows {
		if now := rowsOf(t, path)[id]; now != was {
			t.Errorf("row of %s\n was %s\n  is %s", id, was, now)
		}
	}

	s := open(t, Options{Path: path, NoSync: true})
	sum, err := s.Totals(ctx)
	must(t, err)
	if sum.Bought != 0 || sum.Kept != 0 || len(sum.Spent) != len(teller.Coins) || sum.Held != 2 {
		t.Errorf("totals are %+v", sum)
	}
	d, err := s.Release(ctx, "t-b5:0", olga)
	must(t, err)
	o, err := s.PrepareOrder(ctx, teller.OrderDraft{DepositID: d.ID, Version: d.Version, Exchange: "fair", Requested: d.Value})
	must(t, err)
	if _, err := s.NoteOrder(ctx, o.ClientID, o.Version, completed(5*teller.DropletsPerSKY, 1_000_000)); err != nil {
		t.Fatal(err)
	}
	must(t, s.Close())
	v, err = Verify(ctx, path)
	must(t, err)
	if len(v.Findings) != 0 {
		t.Errorf("after an order: %+v", v)
	}
}

// The journal of a ledger from before attempts were told is written anew, with those that there were.
func TestUpgradeFromBeforeAttemptsWereTold(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := buying(t, path)
	before := backupOf(t, s)
	o := attempt(t, s, "t:0")
	_, err := s.BeginOrder(ctx, o.ClientID, o.Version)
	must(t, err)
	id := s.journal.id
	must(t, s.Close())
	formatFour(t, path)
	cut(t, path, func(raw []byte) []byte {
		lines := bytes.SplitAfter(raw, []byte("\n"))
		return bytes.Join(slices.DeleteFunc(lines, func(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"order":`)) }), nil)
	})
	s = open(t, Options{Path: path})
	if s.journal.id == id {
		t.Error("the journal is the old one")
	}
	inOrder(t, s)
	s = putBack(t, s, path, before)
	if n, err := s.Attempted(ctx, "t:0"); err != nil || n != 1 {
		t.Errorf("%d attempts are known (%v), want 1", n, err)
	}
	must(t, s.Close())
	if _, err := os.Stat(path + ".before-upgrade"); err != nil {
		t.Error(err)
	}
}

// formatFour makes a ledger what a teller of format 4 has written.
func formatFour(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket([]byte(bucketAttempts)); err != nil {
			return err
		}
		meta := tx.Bucket([]byte(bucketMeta))
		mark := bytes.Replace(meta.Get([]byte(metaJournal)), []byte(`,"orders":true`), nil, 1)
		return errors.Join(meta.Put([]byte(metaJournal), mark), meta.Put([]byte(metaFormat), []byte(formatUntold)))
	}))
	must(t, db.Close())
}

// completed is the report of an order that has bought SKY for satoshi, and is final.
func completed(bought teller.Droplets, spent uint64) teller.OrderReport {
	return teller.OrderReport{
		OrderID: "4711", Status: "completed", Final: true, Filled: true, Bought: bought, Spent: teller.NewAmount(spent),
		Completed: bought.String(), Price: "0.002", Original: `{"orderId":4711,"note":"<&>"}`,
	}
}

// rowsOf reads the deposits' rows as they are stored.
func rowsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	rows := make(map[string]string)
	tamper(t, path, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketDeposits)).ForEach(func(k, v []byte) error {
			rows[string(k)] = string(v)
			return nil
		})
	})
	return rows
}
