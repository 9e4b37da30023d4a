package bolt

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

func bindJSON(coin, address, sky string) string {
	return fmt.Sprintf(`{"SkyAddress":%q,"Address":%q,"CoinType":%q,"BuyMethod":"direct"}`, sky, address, coin)
}

func rowJSON(seq int, status, coin, address, txid string, n int, value, sent int64) string {
	return fmt.Sprintf(`{"seq":%d,"updated_at":1500000000,"status":%q,"coin_type":%q,"sky_address":"alice","buy_method":"direct",
		"deposit_address":%q,"deposit_id":"%s:%d","txid":"","conversion_rate":"500","deposit_value":%d,"sky_sent":%d,
		"passthrough":{"exchange_name":"c2cx"},"error":"",
		"deposit":{"coin_type":%q,"address":%q,"value":%d,"height":%d,"tx":%q,"n":%d,"processed":false}}`,
		seq, status, coin, address, txid, n, value, sent, coin, address, value, 1000+seq, txid, n)
}

// Each status that the original may have left, its scanner's findings, and the oldest formats.
func TestImportOfEveryKindOfRow(t *testing.T) {
	ctx := context.Background()
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"bind_address_btc": {"b1": bindJSON("BTC", "b1", "alice"), "b2": "bob"}, // the bare form is the oldest
		"bind_address_eth": {"e1": bindJSON("ETH", "e1", "alice")},
		"used_btc_address": {"b1": "", "b2": "", "b9": ""},
		"sky_deposit_seqs_index": {
			"alice": "[" + bindJSON("BTC", "b1", "alice") + "," + bindJSON("ETH", "e1", "alice") + "]",
			"bob":   `["b2"]`,
		},
		"deposit_info": {
			"t1:0": rowJSON(1, "done", "BTC", "b1", "t1", 0, 100, 7),
			"t2:0": rowJSON(2, "waiting_decide", "BTC", "b1", "t2", 0, 200, 0),
			"t3:0": rowJSON(3, "waiting_passthrough", "BTC", "b1", "t3", 0, 300, 0),
			"t4:0": rowJSON(4, "waiting_passthrough_order_complete", "BTC", "b1", "t4", 0, 400, 0),
			"e5:0": rowJSON(5, "waiting_send", "ETH", "e1", "e5", 0, 1_500_000_000, 0), // gwei
		},
		"deposit_value": {
			"t1:0": `{"coin_type":"BTC","address":"b1","value":100,"height":1001,"tx":"t1","n":0,"processed":true}`,
			"t2:0": `{"coin_type":"BTC","address":"b1","value":200,"height":1002,"tx":"t2","n":0,"processed":false}`,
			"t7:0": `{"coin_type":"BTC","address":"b2","value":700,"height":1500,"tx":"t7","n":0,"processed":false}`,
			"t8:0": `{"coin_type":"BTC","address":"nobody","value":800,"height":1501,"tx":"t8","n":0,"processed":false}`,
		},
	})})
	defer s.Close()

	for _, w := range []struct {
		id     string
		seq    uint64
		status teller.Status
		imp    teller.ImportState
		hold   string
		value  string
	}{
		{"t1:0", 1, teller.StatusDone, teller.ImportChecked, "", "100"},
		{"t2:0", 2, teller.StatusWaitingDecide, teller.ImportPending, "", "200"},
		{"t3:0", 3, teller.StatusWaitingPassthrough, teller.ImportChecked, "import_order", "300"},
		{"t4:0", 4, teller.StatusWaitingPassthroughOrderComplete, teller.ImportChecked, "import_order", "400"},
		{"e5:0", 5, teller.StatusWaitingSend, teller.ImportPending, "", "1500000000000000000"},
		{"t7:0", 6, teller.StatusWaitingDecide, teller.ImportPending, "", "700"},
	} {
		d, err := s.Deposit(ctx, w.id)
		must(t, err)
		hold := ""
		if d.Hold != nil {
			hold = string(d.Hold.Reason)
		}
		got := fmt.Sprintln(d.Seq, d.Status, d.Import, hold, d.Value, d.Due() && d.Status != teller.StatusDone)
		if want := fmt.Sprintln(w.seq, w.status, w.imp, w.hold, w.value, false); got != want {
			t.Errorf("%s: got %s, want %s", w.id, got, want)
		}
	}
	_, err := s.Deposit(ctx, "t8:0")
	wantCode(t, err, teller.CodeNotFound) // nobody is bound to its address

	b, err := s.Binding(ctx, teller.BTC, "b2")
	must(t, err)
	bs, err := s.BindingsOf(ctx, "bob")
	must(t, err)
	if b.SkyAddress != "bob" || b.BuyMethod != teller.BuyDirect || len(bs) != 1 || bs[0] != b {
		t.Errorf("the oldest form of a binding was read as %+v, listed as %+v", b, bs)
	}
	used, err := s.IsUsed(ctx, teller.BTC, "b9")
	must(t, err)
	if !used {
		t.Error("an address that the original had used is free again")
	}
	sum, err := s.Totals(ctx)
	must(t, err)
	if got := fmt.Sprint(sum.Received[teller.BTC], sum.Received[teller.ETH], sum.Sent, sum.Held); got != "1700 1500000000000000000 0.000007 2" {
		t.Errorf("totals are %s", got)
	}
	d, err := s.Deposit(ctx, "t7:0") // no rate is known: whoever decides takes the one of the day
	must(t, err)
	if !d.Rate.IsZero() || d.SkyAddress != "bob" {
		t.Errorf("found deposit is %+v", d)
	}
	d, err = s.ResolveImport(ctx, teller.ImportVerdict{DepositID: d.ID, Version: d.Version})
	must(t, err)
	n, err := s.Decide(ctx, []teller.Decision{{DepositID: d.ID, Version: d.Version, Owed: 5}})
	must(t, err)
	if n != 1 {
		t.Error("a checked import can not be decided")
	}
}

// What the original had ordered for a deposit is not known: what was paid for it by hand is measured by the rate, and its
// row keeps what was noted.
func TestImportedOrderIsMarkedAsPaid(t *testing.T) {
	ctx := context.Background()
	const noted = `{"exchange_name":"c2cx","sky_bought":7,"order":{"customer_id":"old"}}`
	row := strings.NewReplacer(`"direct"`, `"passthrough"`, `{"exchange_name":"c2cx"}`, noted).
		Replace(rowJSON(1, "waiting_passthrough", "BTC", "b1", "t1", 0, 1_000_000, 0))
	s := open(t, Options{Path: originalWith(t, map[string]map[string]string{
		"bind_address_btc": {"b1": bindJSON("BTC", "b1", "alice")},
		"deposit_info":     {"t1:0": row},
	})})
	defer s.Close()
	_, err := s.PayInstead(ctx, "t1:0", 5_000_000, olga)
	wantCode(t, err, teller.CodeForbidden)
	_, err = s.MarkPaid(ctx, "t1:0", "handmade", 4_999_999, teller.MaxDecimals, olga)
	wantCode(t, err, teller.CodeForbidden)
	d, err := s.MarkPaid(ctx, "t1:0", "handmade", 5_000_000, teller.MaxDecimals, olga)
	must(t, err)
	if d.Status != teller.StatusDone || d.Sent != 5_000_000 || d.Bought != 0 || d.BuyMethod != teller.BuyPassthrough {
		t.Errorf("paid: %+v", d)
	}
	must(t, s.view(ctx, func(t2 *txn) error {
		if raw := t2.get(bucketDeposits, []byte("t1:0")); !strings.Contains(string(raw), `"passthrough":`+noted) {
			t.Errorf("the row does not keep what the original noted: %s", raw)
		}
		return nil
	}))
}

func TestImportRefusesWhatMakesNoSense(t *testing.T) {
	for name, buckets := range map[string]map[string]map[string]string{
		"row":     {"deposit_info": {"t1:0": `{"seq":`}},
		"status":  {"deposit_info": {"t1:0": rowJSON(1, "waiting_tea", "BTC", "b1", "t1", 0, 1, 0)}},
		"coin":    {"deposit_info": {"t1:0": rowJSON(1, "done", "DOGE", "b1", "t1", 0, 1, 0)}},
		"value":   {"deposit_info": {"t1:0": rowJSON(1, "done", "BTC", "b1", "t1", 0, -1, 0)}},
		"binding": {"bind_address_btc": {"b1": `{"SkyAddress":""}`}},
		"list":    {"bind_address_btc": {"b1": "alice"}, "sky_deposit_seqs_index": {"alice": "b1"}},
		"found":   {"deposit_value": {"t1:0": `{"coin_type":7}`}},
	} {
		t.Run(name, func(t *testing.T) {
			path := originalWith(t, buckets)
			for range 2 { // a second attempt finds it as it was
				_, err := Open(context.Background(), Options{Path: path})
				wantCode(t, err, teller.CodeCorrupt)
			}
		})
	}
}

// The original numbered all BTC and SKY outputs 0. A scan of its blocks must neither pay them again nor lose what it
// had not seen.
func TestScanAbsorbsImportedRows(t *testing.T) {
	ctx := context.Background()
	path := originalWith(t, map[string]map[string]string{
		"bind_address_btc": {"b1": bindJSON("BTC", "b1", "alice"), "b2": bindJSON("BTC", "b2", "bob")},
		"bind_address_eth": {"e1": bindJSON("ETH", "e1", "alice")},
		"deposit_info": {
			"t1:0": rowJSON(1, "done", "BTC", "b1", "t1", 0, 100, 7),
			"e2:4": rowJSON(2, "done", "ETH", "e1", "e2", 4, 5, 7), // 5 gwei and something cut off
		},
	})
	s := open(t, Options{Path: path, NoSync: true})
	defer s.Close()
	value := func(units uint64) teller.Amount { return teller.NewAmount(units) }
	blocks := []teller.Block{
		{BlockRef: teller.BlockRef{Height: 1000, Hash: "h0"}},
		{BlockRef: teller.BlockRef{Height: 1001, Hash: "h1"}, Parent: "h0", Transfers: []teller.Transfer{
			{Address: "b2", TxID: "t1", N: 0, Value: value(900)}, // its id is taken by the imported row
			{Address: "b1", TxID: "t1", N: 1, Value: value(100)}, // this is the imported row
			{Address: "b1", TxID: "t1", N: 2, Value: value(100)}, // one row absorbs one output
			{Address: "b1", TxID: "t9", N: 0, Value: value(50)},  // the original never saw it
		}},
		{BlockRef: teller.BlockRef{Height: 1002, Hash: "h2"}, Parent: "h1", Transfers: []teller.Transfer{
			{Address: "b1", TxID: "t10", N: 0, Value: value(60)}, // above what was imported
		}},
	}
	save := func(b teller.Block) teller.ScanResult {
		t.Helper()
		res, err := s.SaveBlock(ctx, teller.BTC, b, teller.ScanTerms{Confirmations: 5, Rate: teller.MustRate("500"), Tip: 2000})
		must(t, err)
		return res
	}
	scan := func() (recorded int) {
		t.Helper()
		for _, b := range blocks[1:] {
			recorded += len(save(b).Recorded)
		}
		return recorded
	}
	held := func(id string) string {
		t.Helper()
		d, err := s.Deposit(ctx, id)
		must(t, err)
		if d.Hold == nil {
			return ""
		}
		return string(d.Hold.Reason)
	}
	save(blocks[0])
	if n := scan(); n != 4 {
		t.Errorf("%d rows recorded, want 4", n)
	}
	for id, want := range map[string]string{
		"t1:0": "", "t1:0#2": "import_height", "t1:2": "import_height", "t9:0": "import_height", "t10:0": "",
	} {
		if got := held(id); got != want {
			t.Errorf("%s is held for %q, want %q", id, got, want)
		}
	}
	row, err := s.Deposit(ctx, "t1:0")
	must(t, err)
	if row.Absorbed != "t1:1" || row.Status != teller.StatusDone || row.BlockHash != "h1" {
		t.Errorf("imported row is %+v", row)
	}

	// The same blocks again, after a reorg that came back to them: every row is found, none is added.
	_, err = s.Rewind(ctx, teller.BTC, blocks[0].BlockRef)
	must(t, err)
	if n := scan(); n != 0 {
		t.Errorf("the second scan recorded %d rows", n)
	}
	sum, err := s.Totals(ctx)
	must(t, err)
	if sum.Deposits[teller.StatusWaitingDeposit] != 4 || sum.Frozen[teller.BTC] != 1 {
		t.Errorf("totals are %+v", sum)
	}
	for i := range 5 { // the absorbed row is at depth again
		ref := teller.BlockRef{Height: int64(1003 + i), Hash: fmt.Sprint("g", i)}
		parent := "h2"
		if i > 0 {
			parent = fmt.Sprint("g", i-1)
		}
		save(teller.Block{BlockRef: ref, Parent: parent})
	}
	if got := held("t1:0"); got != "" {
		t.Errorf("the imported row is still held for %q", got)
	}

	wei, err := teller.ParseAmount("5000000007")
	must(t, err)
	eth := teller.Block{BlockRef: teller.BlockRef{Height: 900, Hash: "x"}, Transfers: []teller.Transfer{{Address: "e1", TxID: "e2", Value: wei}}}
	res, err := s.SaveBlock(ctx, teller.ETH, eth, teller.ScanTerms{Rate: teller.MustRate("1")})
	must(t, err)
	if len(res.Recorded) != 0 {
		t.Errorf("a transfer that the original had cut to gwei was recorded again: %+v", res.Recorded)
	}
}
