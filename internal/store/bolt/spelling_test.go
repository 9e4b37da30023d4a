package bolt

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
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
	const bech32 = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	for _, c := range []struct {
		coin     teller.Coin
		in, want string
	}{
		{teller.ETH, mixedETH, lowerETH},
		{teller.ETH, lowerETH, lowerETH},
		{teller.ETH, "0x" + strings.ToUpper(lowerETH[2:]), lowerETH},
		{teller.ETH, "0X" + mixedETH[2:], "0X" + mixedETH[2:]}, // nobody spells it so
		{teller.ETH, mixedETH + "A", mixedETH + "A"},
		{teller.ETH, mixedETH[:41], mixedETH[:41]},
		{teller.ETH, "0xG" + mixedETH[3:], "0xG" + mixedETH[3:]},
		{teller.ETH, "", ""},
		{teller.BTC, strings.ToUpper(bech32), bech32},
		{teller.BTC, bech32, bech32},
		{teller.BTC, "BC1" + bech32[3:], "BC1" + bech32[3:]},                                 // mixed: invalid
		{teller.BTC, strings.ToUpper(bech32) + "B", strings.ToUpper(bech32) + "B"},           // no digit of bech32
		{teller.BTC, "XY" + strings.ToUpper(bech32[2:]), "XY" + strings.ToUpper(bech32[2:])}, // no network
		{teller.BTC, "TB1PQQQQP399ET2XYGDJ5XREQHJJVCMZHXW4AYWXECJDZEW6HYLGVSESF3HN0C", "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c"},
		{teller.BTC, "BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"},
		{teller.BTC, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"},
		{teller.BTC, "1BBB", "1BBB"},
		{teller.BTC, mixedETH, mixedETH},
		{teller.BTC, "", ""},
		{teller.SKY, strings.ToUpper(bech32), strings.ToUpper(bech32)},
		{teller.SKY, mixedETH, mixedETH},
	} {
		if got := fold(c.coin, c.in); got != c.want {
			t.Errorf("fold(%s, %q) = %q, want %q", c.coin, c.in, got, c.want)
		}
	}
}

// An address of the original in upper case, as QR codes have it: its binding, its use and its deposits are found again,
// also in the journal of a ledger from before they were spelt canonically.
func TestBech32AddressesAreSpeltCanonically(t *testing.T) {
	const lower = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	ctx, upper := context.Background(), strings.ToUpper(lower)
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"bind_address_btc":       {upper: bindJSON("BTC", upper, "alice")},
		"used_btc_address":       {upper: ""},
		"sky_deposit_seqs_index": {"alice": "[" + bindJSON("BTC", upper, "alice") + "]"},
		"deposit_info":           {"t1:0": rowJSON(1, "done", "BTC", upper, "t1", 0, 100, 7)},
	})})
	defer s.Close()
	check := func(s *Store) {
		t.Helper()
		b, err := s.Binding(ctx, teller.BTC, lower)
		must(t, err)
		used, err := s.IsUsed(ctx, teller.BTC, upper)
		must(t, err)
		bs, err := s.BindingsOf(ctx, "alice")
		must(t, err)
		ds, err := s.DepositsTo(ctx, teller.BTC, lower)
		must(t, err)
		if b.SkyAddress != "alice" || used || len(bs) != 1 || bs[0].Address != lower || len(ds) != 1 || ds[0].Address != lower {
			t.Errorf("binding %+v, list %+v, deposits %+v, used in upper case: %v", b, bs, ds, used)
		}
	}
	check(s)

	path := filepath.Join(t.TempDir(), "teller.db")
	old := open(t, Options{Path: path})
	_, err := old.Bind(ctx, teller.Binding{Coin: teller.BTC, Address: upper, SkyAddress: "alice"}, 0)
	must(t, err)
	b := teller.Block{BlockRef: teller.BlockRef{Height: 10, Hash: "ten"}, Transfers: []teller.Transfer{{Address: upper, TxID: "t1", Value: teller.NewAmount(5)}}}
	_, err = old.SaveBlock(ctx, teller.BTC, b, teller.ScanTerms{Rate: teller.MustRate("1"), Confirmations: 1})
	must(t, err)
	formatOne(t, old)
	must(t, old.Close())
	for range 2 { // the upgrade, and what the journal then says
		old = open(t, Options{Path: path})
		check(old)
		must(t, old.Close())
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
		for _, name := range []string{bucketUnbound, indexUnboundOf, indexUnboundAt, bucketRescans, bucketSources, bucketArrivals, bucketDepartures, indexBalance} {
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
	before, err := os.ReadFile(path)
	must(t, err)

	for range 2 {
		s = open(t, Options{Path: path})
		must(t, s.checkArrivals(ctx))
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
	aside, err := os.ReadFile(path + ".before-upgrade")
	must(t, err)
	if !bytes.Equal(aside, before) {
		t.Error("the copy differs from what the older teller left")
	}
	if _, err := os.Stat(path + ".before-upgrade.2"); err == nil {
		t.Error("it was copied again, with nothing to upgrade")
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
	must(t, s.checkArrivals(ctx))
}

// What an imported address held at its first comparison stays its past when that block leaves the chain, and so does
// what the comparisons on the next branch add to it.
func TestImportedBalancesReorg(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"bind_address_eth": {mixedETH: bindJSON("ETH", mixedETH, "alice")},
	})})
	defer s.Close()
	rate := teller.MustRate("1")
	save := func(h int64, hash, parent string) teller.BlockRef {
		t.Helper()
		b := teller.Block{BlockRef: teller.BlockRef{Height: h, Hash: hash}, Parent: parent}
		_, err := s.SaveBlock(ctx, teller.ETH, b, teller.ScanTerms{Rate: rate})
		must(t, err)
		return b.BlockRef
	}
	arrived := func(at teller.BlockRef, value uint64, want string) {
		t.Helper()
		res, err := s.CompareBalances(ctx, teller.ETH, at, []teller.Balance{{Address: lowerETH, Value: teller.NewAmount(value)}}, rate)
		must(t, err)
		var got string
		for _, d := range res.Recorded {
			got += d.Value.String()
		}
		if got != want {
			t.Errorf("a balance of %d after block %s gave deposits of %q, want %q", value, at.Hash, got, want)
		}
	}
	rewind := func(to teller.BlockRef) {
		t.Helper()
		_, err := s.Rewind(ctx, teller.ETH, to)
		must(t, err)
	}
	one := save(1, "one", "")
	arrived(save(2, "two", "one"), 50, "")
	rewind(one)
	arrived(save(2, "two-b", "one"), 20, "") // 30 leave at the same height
	rewind(one)                              // and are back
	save(2, "two-c", "one")
	arrived(save(3, "three", "two-c"), 750, "700") // a contract pays 700
}

// An imported deposit counted as arrived from the start: the rescan that meets its output finds no duplicate of what a
// balance showed since.
func TestImportedDepositIsNoDuplicate(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"bind_address_eth": {mixedETH: bindJSON("ETH", mixedETH, "alice")},
		"deposit_info":     {"0xt:0": rowJSON(1, "done", "ETH", mixedETH, "0xt", 0, 1, 0)}, // 1 gwei
	})})
	defer s.Close()
	at := teller.BlockRef{Height: 9, Hash: "nine"}
	terms := teller.ScanTerms{Rate: teller.MustRate("1")}
	_, err := s.SaveBlock(ctx, teller.ETH, teller.Block{BlockRef: at}, terms)
	must(t, err)
	for _, value := range []uint64{1_000_000_000, 1_000_000_005} {
		_, err = s.CompareBalances(ctx, teller.ETH, at, []teller.Balance{{Address: lowerETH, Value: teller.NewAmount(value)}}, terms.Rate)
		must(t, err)
	}
	_, err = s.StartRescan(ctx, teller.ETH, 9, teller.Act{})
	must(t, err)
	res, err := s.SaveRescanned(ctx, teller.ETH, teller.Block{BlockRef: at,
		Transfers: []teller.Transfer{{Address: lowerETH, TxID: "0xt", Value: teller.NewAmount(1_000_000_000)}}}, terms)
	must(t, err)
	d, err := s.Deposit(ctx, "0xt:0")
	must(t, err)
	if len(res.Held)+len(res.Recorded) != 0 || d.Hold != nil || d.Absorbed != "0xt:0" {
		t.Errorf("deposit is %+v, the rescan told %+v", d, res)
	}
	if unexplained, err := s.Deposit(ctx, "nine:0"); err != nil || unexplained.Value.String() != "5" {
		t.Errorf("unexplained is %+v, %v", unexplained, err)
	}
	must(t, s.checkArrivals(ctx))
}
