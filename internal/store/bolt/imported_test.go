package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// expected is what the original answered about testdata/original/teller.db.
type expected struct {
	Deposits []struct {
		Seq            uint64        `json:"seq"`
		UpdatedAt      int64         `json:"updated_at"`
		Status         teller.Status `json:"status"`
		CoinType       teller.Coin   `json:"coin_type"`
		SkyAddress     string        `json:"sky_address"`
		BuyMethod      string        `json:"buy_method"`
		DepositAddress string        `json:"deposit_address"`
		DepositID      string        `json:"deposit_id"`
		TxID           string        `json:"txid"`
		ConversionRate string        `json:"conversion_rate"`
		DepositValue   int64         `json:"deposit_value"`
		SkySent        uint64        `json:"sky_sent"`
		Error          string        `json:"error"`
		Deposit        struct {
			Height int64  `json:"height"`
			Tx     string `json:"tx"`
			N      uint32 `json:"n"`
		} `json:"deposit"`
	} `json:"deposits"`
	Accounting struct {
		Sent     string                 `json:"sent"`
		Received map[teller.Coin]string `json:"received"`
	} `json:"accounting"`
	Status map[string][]struct {
		Status   teller.Status `json:"status"`
		CoinType teller.Coin   `json:"coin_type"`
	} `json:"status"`
}

// original copies the sample database to a fresh directory.
func original(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "teller.db")
	if err := copyFile("testdata/original/teller.db", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func readExpected(t *testing.T) expected {
	t.Helper()
	raw, err := os.ReadFile("testdata/original/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func TestOriginalDatabaseOpensAsItIs(t *testing.T) {
	ctx, want := context.Background(), readExpected(t)
	path := original(t)
	s := open(t, Options{Path: path})
	check := func() {
		t.Helper()
		ds, err := s.Deposits(ctx, teller.DepositQuery{})
		must(t, err)
		if len(ds) != len(want.Deposits) {
			t.Fatalf("%d deposits, want %d", len(ds), len(want.Deposits))
		}
		for i, w := range want.Deposits {
			d := ds[i]
			got := fmt.Sprintln(d.Seq, d.UpdatedAt.Unix(), d.Status, d.Coin, d.SkyAddress, d.BuyMethod, d.Address, d.ID, d.PayoutTxID,
				d.Rate, d.Value, uint64(d.Sent), d.Error, d.Height, d.TxID, d.N, d.Hold)
			exp := fmt.Sprintln(w.Seq, w.UpdatedAt, w.Status, w.CoinType, w.SkyAddress, w.BuyMethod, w.DepositAddress, w.DepositID, w.TxID,
				w.ConversionRate, w.DepositValue, w.SkySent, w.Error, w.Deposit.Height, w.Deposit.Tx, w.Deposit.N, (*teller.Hold)(nil))
			if got != exp {
				t.Errorf("deposit %d:\n got %s\nwant %s", i, got, exp)
			}
		}
		sum, err := s.Totals(ctx)
		must(t, err)
		if sum.Sent.String() != want.Accounting.Sent {
			t.Errorf("sent %s, want %s", sum.Sent, want.Accounting.Sent)
		}
		for c, w := range want.Accounting.Received {
			if got := sum.Received[c].Format(c); got != w {
				t.Errorf("received %s %s, want %s", got, c, w)
			}
		}
		if sum.Bound[teller.BTC] != 8 || sum.Errored != 1 || sum.Held != 0 {
			t.Errorf("bound %d, errored %d, held %d", sum.Bound[teller.BTC], sum.Errored, sum.Held)
		}
	}
	check()
	must(t, s.Close())
	s = open(t, Options{Path: path}) // it is imported once
	defer s.Close()
	check()

	for sky, entries := range want.Status {
		var got, exp []string
		bs, err := s.BindingsOf(ctx, sky)
		must(t, err)
		for _, b := range bs {
			ds, err := s.DepositsTo(ctx, b.Coin, b.Address)
			must(t, err)
			if len(ds) == 0 {
				got = append(got, fmt.Sprint(teller.StatusWaitingDeposit, b.Coin))
			}
			for _, d := range ds {
				got = append(got, fmt.Sprint(d.Status, d.Coin))
			}
			if b.Height != teller.UnknownHeight {
				t.Errorf("binding %s has height %d", b.Address, b.Height)
			}
			_, err = s.Bind(ctx, b, 0)
			wantCode(t, err, teller.CodeAlreadyBound)
		}
		for _, e := range entries {
			exp = append(exp, fmt.Sprint(e.Status, e.CoinType))
		}
		if fmt.Sprint(got) != fmt.Sprint(exp) {
			t.Errorf("statuses of %s: got %v, want %v", sky, got, exp)
		}
	}
}

func TestOriginalIsCopiedBeforeTheFirstWrite(t *testing.T) {
	path := original(t)
	before, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path+".before-import", []byte("the copy of another import"), 0o600))
	s := open(t, Options{Path: path})
	must(t, s.Close())
	aside, err := os.ReadFile(path + ".before-import.2")
	must(t, err)
	if !bytes.Equal(before, aside) {
		t.Error("the copy differs from what the original left")
	}
	other, err := os.ReadFile(path + ".before-import")
	must(t, err)
	if string(other) != "the copy of another import" {
		t.Error("another copy was overwritten")
	}
}

// Imported deposits that are not done go on only after their past was looked up.
func TestOriginalGoesOnAfterTheCheck(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: original(t)})
	defer s.Close()
	for _, st := range teller.Statuses {
		due, err := s.Due(ctx, st, 0, 0)
		must(t, err)
		if len(due) != 0 {
			t.Errorf("%d deposits are due in %s before they were checked", len(due), st)
		}
	}
	imports, err := s.ImportsToCheck(ctx, 0, 0)
	must(t, err)
	if len(imports) != 3 {
		t.Fatalf("%d imports to check, want 3", len(imports))
	}
	confirm, first, second := imports[0], imports[1], imports[2]

	resolve := func(d teller.Deposit, v teller.ImportVerdict) (teller.Deposit, error) {
		v.DepositID, v.Version = d.ID, d.Version
		return s.ResolveImport(ctx, v)
	}
	_, err = resolve(first, teller.ImportVerdict{})
	wantCode(t, err, teller.CodeInvalid) // nothing to pay and nothing to hold
	_, err = resolve(first, teller.ImportVerdict{Confirmed: true})
	wantCode(t, err, teller.CodeInvalid)
	stale := first
	stale.Version++
	_, err = resolve(stale, teller.ImportVerdict{Owed: 1})
	wantCode(t, err, teller.CodeConflict)

	d, err := resolve(first, teller.ImportVerdict{Owed: 2_000_000})
	must(t, err)
	if !d.Due() || d.Owed != 2_000_000 || d.Status != teller.StatusWaitingSend {
		t.Errorf("checked deposit is %+v", d)
	}
	_, err = resolve(d, teller.ImportVerdict{Owed: 3_000_000})
	wantCode(t, err, teller.CodeForbidden) // once

	d, err = resolve(second, teller.ImportVerdict{Hold: teller.HoldImportPaid, Detail: "no amount is known"})
	must(t, err)
	second, err = s.Release(ctx, d.ID, teller.Act{Actor: "olga"})
	must(t, err)
	if second.Due() {
		t.Error("a deposit may be paid although its amount was never fixed")
	}
	d, err = resolve(second, teller.ImportVerdict{Owed: 3_000_000, Hold: teller.HoldImportPaid, Detail: "see abc"})
	must(t, err)
	if d.Due() || d.Hold.Reason != teller.HoldImportPaid || d.Hold.Detail != "see abc" {
		t.Errorf("held deposit is %+v", d)
	}
	d, err = s.Release(ctx, second.ID, teller.Act{Actor: "olga"})
	must(t, err)
	if !d.Due() || d.Owed != 3_000_000 {
		t.Errorf("released deposit is %+v", d)
	}

	d, err = resolve(confirm, teller.ImportVerdict{})
	must(t, err)
	if d.Version != confirm.Version || d.Import != teller.ImportPending {
		t.Errorf("a waiting_confirm row that nothing is known of changed: %+v", d)
	}
	d, err = resolve(confirm, teller.ImportVerdict{Hold: teller.HoldImportUnknown, Detail: "no node knows it"})
	must(t, err)
	_, err = s.Release(ctx, d.ID, teller.Act{Actor: "olga"})
	wantCode(t, err, teller.CodeForbidden)
	_, err = s.CloseDeposit(ctx, d.ID, teller.Act{Actor: "olga", Reason: "paid by hand"})
	must(t, err)
	imports, err = s.ImportsToCheck(ctx, 0, 0)
	must(t, err)
	if len(imports) != 0 {
		t.Errorf("%d imports are still to be checked", len(imports))
	}
}

func TestImportedPayoutConfirms(t *testing.T) {
	ctx := context.Background()
	confirmed := func(t *testing.T, s *Store, id string) {
		t.Helper()
		d, err := s.Deposit(ctx, id)
		must(t, err)
		if d.Status != teller.StatusDone || d.Sent != 10_000_000 || d.Hold != nil {
			t.Errorf("deposit is %+v", d)
		}
	}
	t.Run("by the check", func(t *testing.T) {
		s := open(t, Options{Path: original(t)})
		defer s.Close()
		imports, err := s.ImportsToCheck(ctx, 0, 1)
		must(t, err)
		_, err = s.ResolveImport(ctx, teller.ImportVerdict{DepositID: imports[0].ID, Version: imports[0].Version, Confirmed: true})
		must(t, err)
		confirmed(t, s, imports[0].ID)
	})
	for name, checkedFirst := range map[string]bool{"by a block": false, "by the check, then its block": true} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{Path: original(t)})
			defer s.Close()
			imports, err := s.ImportsToCheck(ctx, 0, 1)
			must(t, err)
			d := imports[0]
			head := teller.SkyHead{BlockRef: teller.BlockRef{Height: 5, Hash: "five"}}
			out := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux1", Address: "hot", Coins: 30_000_000}}
			_, err = s.OpenWallet(ctx, head, []string{"hot"}, []teller.Output{out}, nil)
			must(t, err)
			if checkedFirst { // the node knows it before its block was followed
				_, err = s.ResolveImport(ctx, teller.ImportVerdict{DepositID: d.ID, Version: d.Version, Confirmed: true})
				must(t, err)
			}
			tx := teller.SkyTx{ID: d.PayoutTxID, Inputs: []string{"ux1"}, Outputs: []teller.SkyOutput{
				{ID: "ux2", Address: d.SkyAddress, Coins: 10_000_000}, {ID: "ux3", Address: "hot", Coins: 20_000_000}}}
			noted, err := s.NotePending(ctx, []teller.SkyTx{tx})
			must(t, err)
			res, err := s.SaveSkyBlocks(ctx, []teller.SkyBlock{{BlockRef: teller.BlockRef{Height: 6, Hash: "six"}, Parent: "five", Txs: []teller.SkyTx{tx}}})
			must(t, err)
			if len(noted.Withdrawals)+len(res.Withdrawals) != 0 {
				t.Errorf("the original's own payment counts as a withdrawal: %+v, %+v", noted, res)
			}
			confirmed(t, s, d.ID)
			sum, err := s.Totals(ctx)
			must(t, err)
			if sum.Paid != 10_000_000 || sum.Withdrawn != 0 {
				t.Errorf("paid %s, withdrawn %s", sum.Paid, sum.Withdrawn)
			}
		})
	}
}

// originalWith writes a database as the original did, with the given buckets.
func originalWith(t *testing.T, buckets map[string]map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "teller.db")
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		for name, kv := range buckets {
			b, err := tx.CreateBucketIfNotExists([]byte(name))
			must(t, err)
			for k, v := range kv {
				must(t, b.Put([]byte(k), []byte(v)))
			}
		}
		return nil
	}))
	must(t, db.Close())
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code teller.Code) {
	t.Helper()
	if err == nil || teller.CodeOf(err) != code {
		t.Fatalf("got error %v (code %q), want code %q", err, teller.CodeOf(err), code)
	}
}

// What the check of an import finds is kept behind a hold that the row has already: releasing that one does not pay it.
func TestImportVerdictIsNotHiddenByAnotherHold(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: original(t)})
	defer s.Close()
	imports, err := s.ImportsToCheck(ctx, 0, 100)
	must(t, err)
	for _, d := range imports {
		verdict := teller.ImportVerdict{DepositID: d.ID, Hold: teller.HoldImportPaid, Detail: "seen", Owed: 1000}
		if d.Status == teller.StatusWaitingConfirm {
			verdict.Hold, verdict.Owed = teller.HoldImportUnknown, 0
		}
		held, err := s.Hold(ctx, d.ID, d.Version, teller.HoldWithdrawal, "first")
		must(t, err)
		verdict.Version = held.Version
		_, err = s.ResolveImport(ctx, verdict)
		must(t, err)
		released, err := s.Release(ctx, d.ID, teller.Act{Actor: "olga", Reason: "not by that one"})
		must(t, err)
		if released.Hold == nil || released.Hold.Reason != verdict.Hold {
			t.Errorf("%s in %s is held for %+v, want %s", d.ID, d.Status, released.Hold, verdict.Hold)
		}
	}
	if len(imports) == 0 {
		t.Fatal("nothing to check")
	}
}
