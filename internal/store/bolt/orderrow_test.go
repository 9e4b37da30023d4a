package bolt

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/skycoin/teller"
)

func sampleOrder() teller.Order {
	return teller.Order{
		ClientID: teller.OrderClientID("0xt:2", 2), DepositID: "0xt:2", Attempt: 2, Seq: 7, Version: 5, Exchange: "c2cx", Coin: teller.ETH,
		Requested: teller.NewAmount(1_500_000_000_000_000_007), Least: teller.MustRate("1/3"), State: teller.OrderPlaced, Doubted: true,
		OrderReport: teller.OrderReport{
			OrderID: "12345", Status: "partial", Bought: 499_999, Spent: teller.NewAmount(1_499_999_999_999_999_999),
			Completed: "0.5", Price: "3.000000", Original: `{"code":200,"data":{"orderId":12345,"x":"<&>"}}`,
		},
		CreatedAt: time.Unix(1_500_000_001, 0).UTC(), UpdatedAt: time.Unix(1_500_000_002, 0).UTC(),
	}
}

// The form of an order on disk, and of what its deposit's row says of it, are contracts with every other version; the
// latter is also that of the original's API.
func TestOrderGolden(t *testing.T) {
	o := sampleOrder()
	raw, err := encodeOrder(&o)
	must(t, err)
	r := sample()
	r.BuyMethod, r.Attempts, r.Bought, r.Spent, r.RefundTxID = teller.BuyPassthrough, 2, 600_000, teller.NewAmount(1_500_000_000_000_000_000), "0xback"
	r.passthrough, err = passthroughOf(&r.Deposit, &o)
	must(t, err)
	row, err := encodeRecord(r)
	must(t, err)
	for name, got := range map[string][]byte{"order.golden.json": raw, "orderedrow.golden.json": row} {
		var pretty bytes.Buffer
		must(t, json.Indent(&pretty, got, "", "  "))
		pretty.WriteByte('\n')
		golden := filepath.Join("testdata", name)
		if *update {
			must(t, os.WriteFile(golden, pretty.Bytes(), 0o644))
		}
		want, err := os.ReadFile(golden)
		must(t, err)
		if !bytes.Equal(pretty.Bytes(), want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, pretty.Bytes(), want)
		}
	}
	back, err := decodeOrder(o.ClientID, raw)
	must(t, err)
	if again, err := encodeOrder(&back); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("read back as %+v, %v", back, err)
	}
	rec, err := decodeRecord("0xt:2", row)
	must(t, err)
	if dump(rec) != dump(r) {
		t.Errorf("the row reads as\n%s\nwant\n%s", dump(rec), dump(r))
	}
	if want, err := passthroughOf(&rec.Deposit, &back); err != nil || !bytes.Equal(rec.passthrough, want) {
		t.Errorf("what the row says of its last order reads back as\n%s\nwant\n%s", rec.passthrough, want)
	}
}

func TestDecodeOrderRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"no JSON":         `{`,
		"no state":        `{"deposit_id":"t:0"}`,
		"unknown state":   `{"state":"lost"}`,
		"final, or not":   `{"state":"placed","final":true}`,
		"not final":       `{"state":"final"}`,
		"negative amount": `{"state":"placed","spent":"-1"}`,
		"no rate":         `{"state":"placed","least":"cheap"}`,
	} {
		if _, err := decodeOrder("t-x-1", []byte(raw)); teller.CodeOf(err) != teller.CodeCorrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeOrder(f *testing.F) {
	o := sampleOrder()
	raw, err := encodeOrder(&o)
	must(f, err)
	f.Add(raw)
	f.Add([]byte(`{"state":"prepared"}`))
	f.Add([]byte(`{"state":"final","final":true,"original":"\ud800"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := decodeOrder("t-x-1", raw)
		if err != nil {
			if teller.CodeOf(err) != teller.CodeCorrupt {
				t.Fatalf("error %v has code %s", err, teller.CodeOf(err))
			}
			return
		}
		first, err := encodeOrder(&o)
		must(t, err)
		back, err := decodeOrder("t-x-1", first)
		must(t, err)
		if second, err := encodeOrder(&back); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("read %s\nthen %s (%v)", first, second, err)
		}
	})
}

// What an exchange answers may be any bytes: stored is text that reads back as it was returned.
func FuzzStorableReport(f *testing.F) {
	f.Add([]byte(`{"code":200}`))
	f.Add([]byte("\xff<\u2028&\x00"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		o := sampleOrder()
		o.OrderReport = storable(teller.OrderReport{OrderID: "1", Original: string(answer), Status: string(answer)})
		if utf8.Valid(answer) && o.Original != string(answer) {
			t.Fatalf("%q became %q", answer, o.Original)
		}
		raw, err := encodeOrder(&o)
		must(t, err)
		back, err := decodeOrder(o.ClientID, raw)
		must(t, err)
		if back.Original != o.Original || back.Status != o.Status {
			t.Fatalf("wrote %q, read %q", o.Original, back.Original)
		}
	})
}
