package bolt

import (
	"context"
	"fmt"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

const (
	mixedETH = "0xdE709f2102306220921060314715629080e2fB77"
	lowerETH = "0xde709f2102306220921060314715629080e2fb77"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		mixedETH:                             lowerETH,
		lowerETH:                             lowerETH,
		"0x" + strings.ToUpper(lowerETH[2:]): lowerETH,
		"0X" + mixedETH[2:]:                  "0X" + mixedETH[2:], // nobody spells it so
		mixedETH + "A":                       mixedETH + "A",
		mixedETH[:41]:                        mixedETH[:41],
		"0xG" + mixedETH[3:]:                 "0xG" + mixedETH[3:],
		"1BoatSLRHtKNngkdXEeobR76b53LETtpyT": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
		"":                                   "",
	} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}

// paysETH saves the first block of the ETH chain, which pays the address, as a scan gives it.
func paysETH(t *testing.T, s *Store, txid string) teller.ScanResult {
	t.Helper()
	b := teller.Block{BlockRef: teller.BlockRef{Height: 5_000_000, Hash: "first"},
		Transfers: []teller.Transfer{{Address: lowerETH, TxID: txid, Value: teller.NewAmount(1_500_000_000_000_000_007)}}}
	res, err := s.SaveBlock(context.Background(), teller.ETH, b, teller.ScanTerms{Rate: teller.MustRate("1"), Tip: b.Height})
	must(t, err)
	return res
}

func TestImportSpellsETHAddressesCanonically(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"bind_address_eth":       {mixedETH: bindJSON("ETH", mixedETH, "alice"), "odd": bindJSON("ETH", "odd", "bob")},
		"used_eth_address":       {mixedETH: "", "0x" + strings.ToUpper(lowerETH[2:39]) + "00A": ""},
		"sky_deposit_seqs_index": {"alice": "[" + bindJSON("BTC", "b1", "alice") + "," + bindJSON("ETH", mixedETH, "alice") + "]"},
		"bind_address_btc":       {"b1": bindJSON("BTC", "b1", "alice")},
		"deposit_info":           {"0xt:0": rowJSON(1, "waiting_send", "ETH", mixedETH, "0xt", 0, 1_500_000_000, 0)},
		"deposit_value": {
			"0xv:0": `{"coin_type":"ETH","address":"` + mixedETH + `","value":7,"height":1001,"tx":"0xv","n":0}`,
		},
	})})
	defer s.Close()
	b, err := s.Binding(ctx, teller.ETH, lowerETH)
	must(t, err)
	if b.Address != lowerETH || b.SkyAddress != "alice" || b.Height != teller.UnknownHeight || !b.CreatedAt.IsZero() {
		t.Errorf("binding is %+v", b)
	}
	_, err = s.Binding(ctx, teller.ETH, mixedETH)
	wantCode(t, err, teller.CodeNotFound)
	for address, want := range map[string]bool{lowerETH: true, mixedETH: false, "odd": true, lowerETH[:39] + "00a": true} {
		used, err := s.IsUsed(ctx, teller.ETH, address)
		must(t, err)
		if used != want {
			t.Errorf("address %s is used: %v", address, used)
		}
	}
	bs, err := s.BindingsOf(ctx, "alice")
	must(t, err)
	if len(bs) != 2 || bs[0].Address != "b1" || bs[1].Address != lowerETH {
		t.Errorf("alice's bindings are %+v", bs)
	}
	ds, err := s.DepositsTo(ctx, teller.ETH, lowerETH)
	must(t, err)
	if len(ds) != 2 || ds[0].ID != "0xt:0" || ds[1].ID != "0xv:0" || ds[0].Address != lowerETH {
		t.Errorf("deposits are %+v", ds)
	}
	sum, err := s.Totals(ctx)
	must(t, err)
	if sum.Bound[teller.ETH] != 2 {
		t.Errorf("%d ETH addresses are bound", sum.Bound[teller.ETH])
	}
	if res := paysETH(t, s, "0xt"); len(res.Recorded)+len(res.Unbound) != 0 {
		t.Errorf("the imported deposit was not found again: %+v", res)
	}
	d, err := s.Deposit(ctx, "0xt:0")
	must(t, err)
	if d.Absorbed != "0xt:0" {
		t.Errorf("deposit is %+v", d)
	}
}

func TestImportOfTwoSpellings(t *testing.T) {
	upper := "0x" + strings.ToUpper(lowerETH[2:])
	both := func(second string) string {
		return originalWith(t, map[string]map[string]string{
			"bind_address_eth":       {mixedETH: bindJSON("ETH", mixedETH, "alice"), upper: bindJSON("ETH", upper, second)},
			"sky_deposit_seqs_index": {"alice": "[" + bindJSON("ETH", mixedETH, "alice") + "," + bindJSON("ETH", upper, "alice") + "]"},
		})
	}
	s := open(t, Options{Path: both("alice")})
	bs, err := s.BindingsOf(context.Background(), "alice")
	must(t, err)
	sum, err := s.Totals(context.Background())
	must(t, err)
	if len(bs) != 1 || sum.Bound[teller.ETH] != 1 {
		t.Errorf("alice has %+v, and %d are counted", bs, sum.Bound[teller.ETH])
	}
	must(t, s.Close())

	_, err = Open(context.Background(), Options{Path: both("bob")})
	wantCode(t, err, teller.CodeCorrupt)
	for _, name := range []string{lowerETH, "alice", "bob"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
}

// formatOne makes of a ledger what the first format was: without the later buckets.
func formatOne(t *testing.T, s *Store) {
	t.Helper()
	must(t, s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{bucketUnbound, indexUnboundOf, indexUnboundAt, bucketRescans, bucketSources, bucketDepartures} {
			must(t, tx.DeleteBucket([]byte(name)))
		}
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaFormat), []byte(formatSpelled))
	}))
}

func TestUpgradeFromTheFirstFormat(t *testing.T) {
	ctx := context.Background()
	path := originalWith(t, map[string]map[string]string{"bind_address_btc": {"b1": bindJSON("BTC", "b1", "alice")}})
	s := open(t, Options{Path: path})
	for _, b := range []teller.Binding{
		{Coin: teller.ETH, Address: mixedETH, SkyAddress: "alice"},
		{Coin: teller.ETH, Address: lowerETH, SkyAddress: "alice"}, // given away again, because nobody knew the spelling
		{Coin: teller.ETH, Address: "0x" + lowerETH[2:40] + "AA", SkyAddress: "alice"},
		{Coin: teller.BTC, Address: "b2", SkyAddress: "alice"},
	} {
		_, err := s.Bind(ctx, b, 0)
		must(t, err)
	}
	b := teller.Block{BlockRef: teller.BlockRef{Height: 10, Hash: "ten"},
		Transfers: []teller.Transfer{{Address: mixedETH, TxID: "0xt", Value: teller.NewAmount(5)}, {Address: lowerETH, TxID: "0xu", Value: teller.NewAmount(6)}}}
	_, err := s.SaveBlock(ctx, teller.ETH, b, teller.ScanTerms{Rate: teller.MustRate("1"), Confirmations: 1})
	must(t, err)
	formatOne(t, s)
	must(t, s.Close())

	for range 2 {
		s = open(t, Options{Path: path})
		var all []string
		must(t, s.BoundAddresses(ctx, teller.ETH, func(a string) error { all = append(all, a); return nil }))
		sum, err := s.Totals(ctx)
		must(t, err)
		if want := []string{lowerETH, lowerETH[:40] + "aa"}; fmt.Sprint(all) != fmt.Sprint(want) || sum.Bound[teller.ETH] != 2 {
			t.Errorf("bound are %v, counted %d", all, sum.Bound[teller.ETH])
		}
		bs, err := s.BindingsOf(ctx, "alice")
		must(t, err)
		if len(bs) != 4 || bs[1].Address != lowerETH || bs[2].Address != lowerETH[:40]+"aa" {
			t.Errorf("alice's bindings are %+v", bs)
		}
		ds, err := s.DepositsTo(ctx, teller.ETH, lowerETH)
		must(t, err)
		if len(ds) != 2 || ds[0].ID != "0xt:0" || ds[0].Address != lowerETH {
			t.Errorf("deposits are %+v", ds)
		}
		must(t, s.Close()) // the second time there is nothing to upgrade
	}
	s = open(t, Options{Path: path})
	defer s.Close()
	next := teller.Block{BlockRef: teller.BlockRef{Height: 11, Hash: "eleven"}, Parent: "ten",
		Transfers: []teller.Transfer{{Address: "nobody", TxID: "0xv", Value: teller.NewAmount(1)}}}
	res, err := s.SaveBlock(ctx, teller.ETH, next, teller.ScanTerms{Rate: teller.MustRate("1"), Confirmations: 1})
	must(t, err)
	if len(res.Credited) != 2 || len(res.Unbound) != 1 {
		t.Errorf("the next block gave %+v", res)
	}
	_, err = s.Bind(ctx, teller.Binding{Coin: teller.BTC, Address: "b3", SkyAddress: "bob", Source: "x", Index: 4}, 0)
	must(t, err)
}

func TestUpgradeRefusesAnAddressOfTwoBuyers(t *testing.T) {
	path := originalWith(t, map[string]map[string]string{"bind_address_btc": {"b1": bindJSON("BTC", "b1", "alice")}})
	s := open(t, Options{Path: path})
	for address, sky := range map[string]string{mixedETH: "alice", lowerETH: "bob"} {
		_, err := s.Bind(context.Background(), teller.Binding{Coin: teller.ETH, Address: address, SkyAddress: sky}, 0)
		must(t, err)
	}
	formatOne(t, s)
	must(t, s.Close())
	_, err := Open(context.Background(), Options{Path: path})
	wantCode(t, err, teller.CodeCorrupt)
	if !strings.Contains(err.Error(), "alice") || !strings.Contains(err.Error(), "bob") {
		t.Errorf("%q does not name both", err)
	}
}

// The first comparison takes what an imported address holds as right, whatever the original knew of it.
func TestImportedBalances(t *testing.T) {
	ctx := context.Background()
	second := "0x" + strings.Repeat("2", 40)
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"bind_address_eth": {mixedETH: bindJSON("ETH", mixedETH, "alice"), second: bindJSON("ETH", second, "bob")},
		"deposit_info":     {"0xt:0": rowJSON(1, "done", "ETH", mixedETH, "0xt", 0, 100, 0)}, // 100 gwei
	})})
	defer s.Close()
	at := teller.BlockRef{Height: 9_000_000, Hash: "first"}
	save := func(b teller.Block) {
		t.Helper()
		_, err := s.SaveBlock(ctx, teller.ETH, b, teller.ScanTerms{Rate: teller.MustRate("1")})
		must(t, err)
	}
	compare := func(first, other uint64) []teller.Deposit {
		t.Helper()
		res, err := s.CompareBalances(ctx, teller.ETH, at, []teller.Balance{
			{Address: lowerETH, Value: teller.NewAmount(first)}, {Address: second, Value: teller.NewAmount(other)}}, teller.MustRate("1"))
		must(t, err)
		return res.Recorded
	}
	save(teller.Block{BlockRef: at})
	if got := compare(40_000_000_007, 50); len(got) != 0 { // swept, and never known
		t.Errorf("the first comparison gave %+v", got)
	}
	at = teller.BlockRef{Height: at.Height + 1, Hash: "second"}
	save(teller.Block{BlockRef: at, Parent: "first"})
	if got := compare(40_000_000_007, 50); len(got) != 0 {
		t.Errorf("the second comparison gave %+v", got)
	}
	got := compare(40_000_000_010, 51)
	if len(got) != 2 || got[0].Value.String() != "3" || got[1].Value.String() != "1" {
		t.Errorf("arrived are %+v", got)
	}
}
