package bolt

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// A binding that comes back from the journal finds what the older database had kept as paid to nobody.
func TestRestoredBindingAdoptsWhatWasPaidBefore(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	b := teller.Block{BlockRef: teller.BlockRef{Height: 10, Hash: "ten"},
		Transfers: []teller.Transfer{{Address: "p1", TxID: "t1", Value: teller.NewAmount(5)}}}
	_, err := s.SaveBlock(ctx, teller.BTC, b, teller.ScanTerms{Rate: teller.MustRate("1"), Confirmations: 1})
	must(t, err)
	_, err = s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 5, Hash: "five"}}, []string{"hot"}, nil, nil)
	must(t, err)
	backup, err := os.Create(path + ".backup")
	must(t, err)
	must(t, s.Backup(ctx, backup))
	must(t, backup.Close())
	bound := teller.Binding{Coin: teller.BTC, Address: "p1", SkyAddress: "alice", BuyMethod: teller.BuyDirect, Source: "xpub", Index: 41}
	bound, err = s.Bind(ctx, bound, 0)
	must(t, err)
	must(t, s.Close())
	must(t, os.Rename(path+".backup", path))

	s = open(t, Options{Path: path})
	defer s.Close()
	got, err := s.Binding(ctx, teller.BTC, "p1")
	must(t, err)
	if got != bound {
		t.Errorf("restored %+v, want %+v", got, bound)
	}
	next, err := s.NextIndex(ctx, teller.BTC, "xpub")
	must(t, err)
	if next != 42 {
		t.Errorf("the next index is %d: addresses would be given away again", next)
	}
	left, err := s.UnboundPayments(ctx, 0, 0)
	must(t, err)
	d, err := s.Deposit(ctx, "t1:0")
	must(t, err)
	if len(left) != 0 || !d.HeldFor(teller.HoldBeforeBinding) || d.SkyAddress != "alice" {
		t.Errorf("deposit is %+v, unbound are %+v", d, left)
	}
	child := teller.Block{BlockRef: teller.BlockRef{Height: 11, Hash: "eleven"}, Parent: "ten"}
	res, err := s.SaveBlock(ctx, teller.BTC, child, teller.ScanTerms{Rate: teller.MustRate("1"), Confirmations: 1})
	must(t, err)
	if len(res.Credited) != 1 {
		t.Errorf("credited %+v", res.Credited)
	}
}

// A binding of which no height is known, restored into a ledger that has scanned since: it is held all the same.
func TestAdoptedWithoutAHeightIsHeld(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	_, err := s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 5, Hash: "five"}}, []string{"hot"}, nil, nil)
	must(t, err)
	b := teller.Block{BlockRef: teller.BlockRef{Height: 10, Hash: "ten"},
		Transfers: []teller.Transfer{{Address: lowerETH, TxID: "0xt", Value: teller.NewAmount(5)}}}
	_, err = s.SaveBlock(ctx, teller.ETH, b, teller.ScanTerms{Rate: teller.MustRate("1")})
	must(t, err)
	must(t, s.Close())
	journal, err := os.OpenFile(path+".bindings", os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	// as it was written before addresses were spelt canonically, and before there were sources
	_, err = journal.WriteString(`{"coin":"ETH","address":"` + mixedETH + `","sky_address":"alice","buy_method":"direct","height":-1,"created_at":0}` + "\n")
	must(t, err)
	must(t, journal.Close())

	s = open(t, Options{Path: path})
	defer s.Close()
	d, err := s.Deposit(ctx, "0xt:0")
	must(t, err)
	if d.Hold == nil || d.Hold.Reason != teller.HoldBeforeBinding || !strings.Contains(d.Hold.Detail, "block 10") {
		t.Errorf("deposit is %+v", d)
	}
}

// A row of the original whose address was not bound any more, and is bound now: its output is not paid a second time.
func TestAdoptedOutputIsAnImportedDeposit(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"deposit_info": {"t1:0": rowJSON(1, "done", "BTC", "b1", "t1", 0, 100, 7)},
	})})
	defer s.Close()
	b := teller.Block{BlockRef: teller.BlockRef{Height: 10, Hash: "ten"},
		Transfers: []teller.Transfer{{Address: "b1", TxID: "t1", N: 3, Value: teller.NewAmount(100)}}}
	_, err := s.SaveBlock(ctx, teller.BTC, b, teller.ScanTerms{Rate: teller.MustRate("1")})
	must(t, err)
	_, err = s.Bind(ctx, teller.Binding{Coin: teller.BTC, Address: "b1", SkyAddress: "alice"}, 0)
	must(t, err)
	all, err := s.Deposits(ctx, teller.DepositQuery{})
	must(t, err)
	if len(all) != 1 || all[0].Absorbed != "t1:3" || all[0].Status != teller.StatusDone {
		t.Errorf("deposits are %+v", all)
	}
}

func TestBoundAfter(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "teller.db")})
	defer s.Close()
	for n := range 5 {
		bindN(t, s, n)
	}
	var got []string
	for after := ""; ; {
		page, err := s.BoundAfter(ctx, teller.BTC, after, 2)
		must(t, err)
		if len(page) == 0 {
			break
		}
		got, after = append(got, page...), page[len(page)-1]
	}
	if strings.Join(got, " ") != "b0 b1 b2 b3 b4" {
		t.Errorf("went round %v", got)
	}
}
