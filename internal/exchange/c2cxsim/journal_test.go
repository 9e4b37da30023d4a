package c2cxsim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// TestRestart: what was answered is remembered, and so is what was done when the answer got lost.
func TestRestart(t *testing.T) {
	opts := Options{Journal: filepath.Join(t.TempDir(), "sub", "exchange.jsonl")}
	s := open(t, opts)
	asks(t, s, "0.001", "100")
	wantDone(t, buy(s, "filled", "0.01"))
	wantDone(t, bid(s, "rests", "0.0005", "10"))
	must(t, s.AddFault(Fault{Kind: LoseReply, Endpoint: "createorder"}))
	if a := buy(s, "lost", "0.02"); a.Error == nil {
		t.Errorf("answered %+v", a)
	}
	must(t, s.AddFault(Fault{Kind: HoldPending, Shown: 2}))
	wantDone(t, buy(s, "pending", "0.01"))
	listed(t, s, "status", "0")
	before := snapshot(t, s)
	s = open(t, opts) // the one before was not closed: it was killed
	if after := snapshot(t, s); after != before {
		t.Errorf("before the restart\n%s\nafter it\n%s", before, after)
	}
	for _, cid := range []string{"filled", "rests", "lost"} {
		wantRefused(t, buy(s, cid, "0.01"), 400, "cid already exists")
	}
	listed(t, s, "status", "0")
	wantOrder(t, s, "pending", "completed 10 0.01 0.02")
	asks(t, s, "0.0005", "10")
	wantOrder(t, s, "rests", "completed 10 0.005 0.02")
	wantDone(t, buy(s, "new", "0.01"))
	must(t, s.Close())
	wantRefused(t, buy(s, "closed", "0.01"), 500, "")
	s = open(t, opts)
	wantOrder(t, s, "rests", "completed 10 0.005 0.02")
	if n := len(s.Orders()); n != 5 {
		t.Errorf("%d orders", n)
	}
}

// TestTornJournal: a last line that was not written to its end was never answered.
func TestTornJournal(t *testing.T) {
	opts := Options{Journal: filepath.Join(t.TempDir(), "exchange.jsonl")}
	s := open(t, opts)
	wantDone(t, buy(s, "a", "0.01"))
	before := snapshot(t, s)
	wantDone(t, buy(s, "b", "0.01"))
	must(t, s.Close())
	whole, err := os.ReadFile(opts.Journal)
	must(t, err)
	start := bytes.LastIndexByte(bytes.TrimSpace(whole), '\n') + 1
	for _, end := range []int{start, start + 1, len(whole) / 2 * 2, len(whole) - 1} {
		must(t, os.WriteFile(opts.Journal, whole[:min(end, len(whole)-1)], 0o600))
		s := open(t, opts)
		if after := snapshot(t, s); after != before {
			t.Errorf("cut at %d of %d:\n%s\nwant\n%s", end, len(whole), after, before)
		}
		wantDone(t, buy(s, "b", "0.01"))
		must(t, s.Close())
	}
}

func TestCorruptJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exchange.jsonl")
	for _, text := range []string{
		"hello\n", "{\"orders\":[null]}\n", "{\"accounts\":[{}]}\n", `{"orders":[{"order_id":3266573,"account":"K","status":2}]}` + "\n",
		`{"accounts":[{"key":"K"}],"orders":[{"order_id":7,"account":"K","status":2}]}` + "\n",
		`{"accounts":[{"key":"K"}],"orders":[{"order_id":3266573,"account":"K","status":99}]}` + "\n",
		`{"book":[{"price":"-1","quantity":"1"}]}` + "\n", `{"accounts":[{"key":"K","btc":"much"}]}` + "\n",
	} {
		must(t, os.WriteFile(path, []byte("{}\n"+text), 0o600))
		if _, err := Open(Options{Journal: path}); teller.CodeOf(err) != teller.CodeCorrupt || !strings.Contains(err.Error(), ":2 ") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Open(Options{Journal: t.TempDir()}); teller.CodeOf(err) != teller.CodeUnavailable {
		t.Errorf("a directory: %v", err)
	}
}

// TestJournalFails: what can not be kept is not answered, and nothing is from then on.
func TestJournalFails(t *testing.T) {
	s := open(t, Options{Journal: filepath.Join(t.TempDir(), "exchange.jsonl")})
	wantDone(t, ask(s, "getbalance"))
	must(t, s.journal.f.Close())
	wantRefused(t, buy(s, "a", "0.01"), 500, "")
	wantRefused(t, ask(s, "getbalance"), 500, "")
	if err := s.SetBook(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// TestAnything: whatever is done in whatever order, the books are right, what is final stays as it is, and a restart
// changes nothing.
func TestAnything(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		opts := Options{
			Journal:  filepath.Join(dir, fmt.Sprint(run)),
			Accounts: []NewAccount{{Key: testKey, Secret: testSecret, BTC: MustDecimal("0.05")}},
			Fee:      rapid.SampledFrom([]string{"0", "0.002", "0.1234567"}).Draw(r, "fee"), Minimum: "0.0001",
			FaultPercent: rapid.SampledFrom([]int{0, 40}).Draw(r, "percent"), Seed: rapid.Uint64().Draw(r, "seed"),
			RefuseShort: rapid.Bool().Draw(r, "refuse short"),
		}
		s, err := Open(opts)
		if err != nil {
			r.Fatal(err)
		}
		w := &world{s: s, opts: opts, final: make(map[int64]string)}
		defer func() { _ = w.s.Close() }()
		r.Repeat(map[string]func(*rapid.T){
			"": w.check, "book": w.book, "deposit": w.deposit, "place": w.place, "cancel": w.cancel, "act": w.act, "show": w.show,
			"fill": w.fill, "restart": w.restart,
		})
	})
}

// world is a run of TestAnything.
type world struct {
	s     *Server
	opts  Options
	final map[int64]string
}

func (w *world) check(r *rapid.T) {
	if wrong := w.s.Check(); len(wrong) > 0 {
		r.Fatal(strings.Join(wrong, "; "))
	}
	for _, o := range w.s.Orders() {
		now := fmt.Sprint(o)
		if before, ok := w.final[o.ID]; ok && before != now {
			r.Fatalf("the final order\n%s\nhas become\n%s", before, now)
		}
		if o.Status.Final() {
			w.final[o.ID] = now
		}
	}
}

func price(r *rapid.T) string {
	return fmt.Sprintf("0.0%07d", rapid.IntRange(10_000, 20_000).Draw(r, "price"))
}

func quantity(r *rapid.T) string {
	return fmt.Sprintf("%d.%06d", rapid.IntRange(0, 20).Draw(r, "whole"), rapid.IntRange(1, 999_999).Draw(r, "part"))
}

func (w *world) book(r *rapid.T) {
	var book []Ask
	for range rapid.IntRange(0, 3).Draw(r, "asks") {
		book = append(book, Ask{MustDecimal(price(r)), MustDecimal(quantity(r))})
	}
	if err := w.s.offer(book, rapid.Bool().Draw(r, "add")); err != nil {
		r.Fatal(err)
	}
}

func (w *world) deposit(r *rapid.T) {
	_ = w.s.Deposit(testKey, "btc", MustDecimal(rapid.SampledFrom([]string{"0.01", "-0.005", "-0.03"}).Draw(r, "amount"))) // or refused
}

func (w *world) cid(r *rapid.T) string { return fmt.Sprint("c", rapid.IntRange(0, 12).Draw(r, "cid")) }

func (w *world) place(r *rapid.T) {
	cid := w.cid(r)
	before, lookErr := w.s.Order(cid)
	var a answered
	if rapid.Bool().Draw(r, "market") {
		a = buy(w.s, cid, fmt.Sprintf("0.0%07d", rapid.IntRange(1, 200_000).Draw(r, "sum")))
	} else {
		a = bid(w.s, cid, price(r), quantity(r))
	}
	if after, err := w.s.Order(cid); lookErr == nil && (err != nil || after.ID != before.ID || a.Code == 200) {
		r.Fatalf("a second order %s: %+v", cid, a)
	}
}

func (w *world) cancel(r *rapid.T) {
	ask(w.s, "cancelorder", "orderId", fmt.Sprint(firstOrderID+rapid.IntRange(0, 12).Draw(r, "order")))
}

func (w *world) act(r *rapid.T) {
	cid := w.cid(r)
	switch rapid.SampledFrom([]string{"cancelled", "error", "expired", "suspend", "resume"}).Draw(r, "act") {
	case "suspend":
		_ = w.s.Suspend(cid) // or there is none
	case "resume":
		_ = w.s.Resume(cid)
	default:
		_ = w.s.End(cid, "expired")
	}
}

func (w *world) fill(r *rapid.T) {
	_ = w.s.Fill(w.cid(r), MustDecimal(price(r)), MustDecimal(quantity(r))) // or it does not want so much
}

func (w *world) show(*rapid.T) { ask(w.s, "getorderbystatus", "symbol", "BTC_SKY", "status", "0") }

func (w *world) restart(r *rapid.T) {
	before := fmt.Sprintf("%+v", w.s.Orders()) + fmt.Sprint(w.s.Accounts(), w.s.Book(), w.s.Totals())
	if err := w.s.Close(); err != nil {
		r.Fatal(err)
	}
	s, err := Open(w.opts)
	if err != nil {
		r.Fatal(err)
	}
	w.s = s
	if after := fmt.Sprintf("%+v", s.Orders()) + fmt.Sprint(s.Accounts(), s.Book(), s.Totals()); after != before {
		r.Fatalf("before the restart\n%s\nafter it\n%s", before, after)
	}
}
