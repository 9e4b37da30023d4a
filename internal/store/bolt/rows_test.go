package bolt

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() *record {
	wei, _ := teller.ParseAmount("1500000000000000007")
	return &record{mined: true, passthrough: json.RawMessage(`{"exchange_name":"c2cx"}`), Deposit: teller.Deposit{
		ID: "0xt:2", Seq: 12, Version: 4, Coin: teller.ETH, Address: "0xaddress", SkyAddress: "sky", BuyMethod: teller.BuyDirect,
		Value: wei, TxID: "0xt", N: 2, Height: 4711, BlockHash: "0xblock", Rate: teller.MustRate("1/3"),
		Status: teller.StatusWaitingConfirm, Owed: 500_000, Sent: 500_000, PayoutTxID: "payout", Orphaned: true,
		Hold:   &teller.Hold{Reason: teller.HoldOrphaned, Detail: "gone", Since: time.Unix(1_500_000_001, 0).UTC()},
		Behind: []teller.Hold{{Reason: teller.HoldUnpayable, Detail: "refused", Since: time.Unix(1_500_000_003, 0).UTC()}},
		Import: teller.ImportChecked, Absorbed: "0xt:3", UpdatedAt: time.Unix(1_500_000_002, 0).UTC(),
	}}
}

// The row's form on disk is a contract with every older and newer version.
func TestRowGolden(t *testing.T) {
	raw, err := encodeRecord(sample())
	must(t, err)
	var pretty bytes.Buffer
	must(t, json.Indent(&pretty, raw, "", "  "))
	pretty.WriteByte('\n')
	golden := filepath.Join("testdata", "row.golden.json")
	if *update {
		must(t, os.WriteFile(golden, pretty.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("row is\n%s\nwant\n%s", pretty.Bytes(), want)
	}
	r, err := decodeRecord("0xt:2", want)
	must(t, err)
	if got, want := dump(r), dump(sample()); got != want {
		t.Errorf("the golden row reads as\n%s\nwant\n%s", got, want)
	}
}

// dump prints everything that a record holds.
func dump(r *record) string {
	hold := "none"
	if r.Hold != nil {
		hold = fmt.Sprint(*r.Hold)
	}
	d := r.Deposit
	d.Hold, d.Value, d.Rate = nil, teller.Amount{}, teller.Rate{}
	var compact, pass bytes.Buffer
	_ = json.Compact(&compact, r.passthrough)
	json.HTMLEscape(&pass, compact.Bytes()) // as it is written; what it says is the same
	return fmt.Sprintf("%+v value=%s rate=%s hold=%s mined=%v pass=%s", d, r.Value, r.Rate, hold, r.mined, &pass)
}

func TestRowsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9a-zA-Z]{1,12}`)
		d := teller.Deposit{
			ID: "t:1", Seq: rapid.Uint64().Draw(t, "seq"), Version: rapid.Uint64Min(1).Draw(t, "version"),
			Coin: rapid.SampledFrom(teller.Coins).Draw(t, "coin"), Address: text.Draw(t, "address"), SkyAddress: text.Draw(t, "sky"),
			BuyMethod: teller.BuyDirect, TxID: text.Draw(t, "txid"), N: rapid.Uint32().Draw(t, "n"),
			Height: rapid.Int64Min(0).Draw(t, "height"), BlockHash: text.Draw(t, "hash"), Rate: teller.MustRate("0.25"),
			Status: rapid.SampledFrom(teller.Statuses).Draw(t, "status"), Owed: teller.Droplets(rapid.Uint64().Draw(t, "owed")),
			Sent: teller.Droplets(rapid.Uint64().Draw(t, "sent")), Error: rapid.String().Draw(t, "error"),
			Orphaned: rapid.Bool().Draw(t, "orphaned"), ByBalance: rapid.Bool().Draw(t, "by balance"),
			Uncounted: rapid.Bool().Draw(t, "uncounted"), UpdatedAt: fromUnix(rapid.Int64Range(0, 1<<40).Draw(t, "updated")),
			Bought: teller.Droplets(rapid.Uint64().Draw(t, "bought")), Spent: teller.NewAmount(rapid.Uint64().Draw(t, "spent")),
			Attempts: rapid.IntRange(0, 3).Draw(t, "attempts"), RefundTxID: rapid.StringMatching(`[0-9a-z]{0,12}`).Draw(t, "refund"),
		}
		value, err := teller.ParseAmount(rapid.StringMatching(`[0-9]{1,40}`).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		d.Value = value
		r := &record{Deposit: d, mined: rapid.Bool().Draw(t, "mined")}
		raw, err := encodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRecord("t:1", raw)
		if err != nil {
			t.Fatal(err)
		}
		if dump(got) != dump(r) {
			t.Fatalf("wrote %s\nread  %s", dump(r), dump(got))
		}
	})
}

func FuzzDecodeRow(f *testing.F) {
	raw, err := encodeRecord(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("0xt:2", raw)
	f.Add("t1:0", []byte(rowJSON(1, "waiting_send", "BTC", "b1", "t1", 0, 100, 0)))
	f.Add("x", []byte(`{"status":"done"}`))
	f.Add("x", []byte(`{"status":"done","passthrough":{"original":"<&>"}}`))
	f.Fuzz(func(t *testing.T, id string, raw []byte) {
		if !utf8.ValidString(id) {
			t.Skip("JSON holds no such text, and no id is like that")
		}
		r, err := decodeRecord(id, raw)
		if err != nil {
			if teller.CodeOf(err) != teller.CodeCorrupt {
				t.Fatalf("error %v has code %s", err, teller.CodeOf(err))
			}
			return
		}
		if r.ID != id || len(r.entries()) < 3 {
			t.Fatalf("row of %q is %+v", id, r.Deposit)
		}
		again, err := encodeRecord(r)
		if err != nil {
			t.Skip("the row holds what only the original could write") // a passthrough that is no JSON any more
		}
		back, err := decodeRecord(id, again)
		if err != nil {
			t.Fatalf("what was read can not be read again: %v", err)
		}
		if dump(back) != dump(r) {
			t.Fatalf("read %s\nthen %s", dump(r), dump(back))
		}
	})
}

func FuzzDecodeBinding(f *testing.F) {
	f.Add([]byte(bindJSON("BTC", "b1", "alice")))
	f.Add([]byte("2gr6z6UcUXupoXKxhYEgijQUrYcdCLhhTe7"))
	f.Add([]byte(`{"Height":7,"CreatedAt":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := decodeBinding(teller.BTC, "b1", raw)
		if err == nil && (b.Address != "b1" || b.Coin != teller.BTC || b.BuyMethod == "") {
			t.Fatalf("binding is %+v", b)
		}
		if err != nil && teller.CodeOf(err) != teller.CodeCorrupt {
			t.Fatalf("error %v has code %s", err, teller.CodeOf(err))
		}
	})
}

func FuzzJournalLine(f *testing.F) {
	for _, e := range []journalEntry{
		{Binding: &teller.Binding{Coin: teller.BTC, Address: "b1", SkyAddress: "alice", BuyMethod: teller.BuyDirect, Height: -1}},
		{Payout: &teller.Payout{
			TxID: "p1", Raw: []byte{1}, Inputs: []string{"u1"}, Shares: []teller.Share{{DepositID: "a:1", Version: 3, Coins: 5}}, Fee: 7,
			Status: teller.PayoutPending, Height: teller.UnknownHeight,
		}},
		{Closed: &journalClosed{DepositID: "a:1", Reason: "paid by hand", TxID: "t"}},
		{Closed: &journalClosed{DepositID: "a:1", Reason: "half of it", Refund: "back", Owed: 5}},
		{Attempt: &journalAttempt{DepositID: "a:1", N: 5}},
		{Anchor: &journalAnchor{Seq: 5, Hash: "00"}},
	} {
		line, err := e.line()
		must(f, err)
		f.Add(line[:len(line)-1])
	}
	f.Add([]byte(`{"coin":"ETH","address":"` + mixedETH + `","sky_address":"alice","source":"x","index":7}`))
	f.Add([]byte(`{"journal":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parseJournalLine(line)
		if err != nil {
			return
		}
		again, err := e.line()
		must(t, err)
		back, err := parseJournalLine(again[:len(again)-1])
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("line reads as %+v, then as %+v (%v)", e, back, err)
		}
	})
}

func FuzzFileHead(f *testing.F) {
	raw, err := os.ReadFile("testdata/original/teller.db")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw[:8192])
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if n := neededSize(bytes.NewReader(head)); n < 0 {
			t.Fatalf("a file needs %d bytes", n)
		}
	})
}
