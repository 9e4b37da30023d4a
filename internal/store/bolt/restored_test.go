package bolt

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

var olga = teller.Act{Actor: "olga", Reason: "because"}

// A deposit that only a balance speaks for is named after the block of the comparison, and so comes back under another
// name after a restore.
func TestPaidBalanceDepositIsNotPayableAgainUnderAnotherName(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	terms := teller.ScanTerms{Rate: teller.MustRate("50")}
	block := func(h int64) teller.BlockRef {
		b := teller.Block{BlockRef: teller.BlockRef{Height: h, Hash: fmt.Sprint("e", h)}, Parent: fmt.Sprint("e", h-1)}
		_, err := s.SaveBlock(ctx, teller.ETH, b, terms)
		must(t, err)
		return b.BlockRef
	}
	compare := func(at teller.BlockRef) teller.Deposit {
		res, err := s.CompareBalances(ctx, teller.ETH, at, []teller.Balance{{Address: "0xa", Value: teller.NewAmount(1e18)}}, terms.Rate)
		must(t, err)
		if len(res.Recorded) != 1 {
			t.Fatalf("%+v", res)
		}
		return res.Recorded[0]
	}
	block(1)
	_, err := s.Bind(ctx, teller.Binding{Coin: teller.ETH, Address: "0xa", SkyAddress: "buyer", BuyMethod: teller.BuyDirect}, 0)
	must(t, err)
	out := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux", Address: "hot", Coins: 100_000_000}}
	_, err = s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 1, Hash: "s1"}}, []string{"hot"}, []teller.Output{out}, nil)
	must(t, err)
	old := backupOf(t, s)

	d := compare(block(2))
	_, err = s.Release(ctx, d.ID, olga)
	must(t, err)
	_, err = s.CreditDeep(ctx, teller.ETH, terms)
	must(t, err)
	d, _ = s.Deposit(ctx, d.ID)
	_, err = s.Decide(ctx, []teller.Decision{{DepositID: d.ID, Version: d.Version, Owed: 50_000_000}})
	must(t, err)
	d, _ = s.Deposit(ctx, d.ID)
	must(t, s.CreatePayout(ctx, teller.Payout{TxID: "p", Raw: []byte("x"), Inputs: []string{"ux"}, Shares: []teller.Share{{DepositID: d.ID, Version: d.Version, Coins: d.Owed}}}))
	must(t, s.Close())

	must(t, os.WriteFile(path, old, 0o600))
	s = open(t, Options{Path: path})
	defer s.Close()
	tx := teller.SkyTx{ID: "p", Inputs: []string{"ux"}, Outputs: []teller.SkyOutput{{ID: "o", Address: "buyer", Coins: 50_000_000}, {ID: "c", Address: "hot", Coins: 50_000_000}}}
	_, err = s.SaveSkyBlocks(ctx, []teller.SkyBlock{{BlockRef: teller.BlockRef{Height: 2, Hash: "s2"}, Parent: "s1", Txs: []teller.SkyTx{tx}}})
	must(t, err)
	block(2)
	d = compare(block(3)) // the comparison comes at another block this time
	told := false
	for _, h := range d.Holds() {
		told = told || strings.Contains(h.Detail, "payout p")
	}
	if !told {
		t.Errorf("deposit %s, paid by p, is held for %+v only: one release (\"if the amount is right\") pays it a second time", d.ID, d.Holds())
	}
}

// A deposit that the original sent, held and closed by the operator since the backup, is closed again.
func TestClosedImportIsClosedAgain(t *testing.T) {
	ctx := context.Background()
	path := originalWith(t, map[string]map[string]string{
		"bind_address_btc": {"b0": bindJSON("BTC", "b0", "sky0")},
		bucketDeposits:     {"t:0": rowJSON(1, "waiting_confirm", "BTC", "b0", "t", 0, 1000, 5)},
	})
	s := open(t, Options{Path: path})
	old := backupOf(t, s)
	_, err := s.CloseDeposit(ctx, "t:0", olga)
	must(t, err)
	must(t, s.Close())
	must(t, os.WriteFile(path, old, 0o600))
	s = open(t, Options{Path: path})
	defer s.Close()
	d, err := s.Deposit(ctx, "t:0")
	must(t, err)
	if d.Status != teller.StatusDone {
		t.Errorf("it is %s, though the journal says that it was closed", d.Status)
	}
}

// A deposit that was marked as paid by a withdrawal comes in only after the withdrawal was followed again.
func TestMarkedPaidNeedsNobodyAgain(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	terms := teller.ScanTerms{Rate: teller.MustRate("500")}
	pay := teller.Transfer{Address: "b0", TxID: "t", Value: teller.NewAmount(1_000_000)}
	save(t, s, terms, 1)
	_, err := s.Bind(ctx, numbered(0), 0)
	must(t, err)
	out := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux", Address: "hot", Coins: 100_000_000}}
	_, err = s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 1, Hash: "s1"}}, []string{"hot"}, []teller.Output{out}, nil)
	must(t, err)
	old := backupOf(t, s)
	w := []teller.SkyBlock{{BlockRef: teller.BlockRef{Height: 2, Hash: "s2"}, Parent: "s1", Txs: []teller.SkyTx{{ID: "w", Inputs: []string{"ux"},
		Outputs: []teller.SkyOutput{{ID: "o", Address: "sky0", Coins: 5_000_000}, {ID: "c", Address: "hot", Coins: 95_000_000}}}}}}
	save(t, s, terms, 2, pay)
	_, err = s.SaveSkyBlocks(ctx, w)
	must(t, err)
	_, err = s.MarkPaid(ctx, "t:0", "w", 5_000_000, teller.MaxDecimals, olga)
	must(t, err)
	must(t, s.Close())

	must(t, os.WriteFile(path, old, 0o600))
	s = open(t, Options{Path: path})
	defer s.Close()
	_, err = s.SaveSkyBlocks(ctx, w)
	must(t, err)
	save(t, s, terms, 2, pay)
	d, err := s.Deposit(ctx, "t:0")
	must(t, err)
	if d.Status != teller.StatusDone || d.Hold != nil {
		t.Errorf("it is %s, held for %+v", d.Status, d.Holds())
	}
	ws, err := s.OpenWithdrawals(ctx)
	must(t, err)
	if len(ws) > 0 {
		t.Errorf("withdrawal w is open again, and holds the buyer's next deposit")
	}
}
