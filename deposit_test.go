package teller_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

var (
	noon  = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	later = noon.Add(time.Hour)
)

func newDeposit() teller.Deposit {
	return teller.Deposit{
		ID: teller.DepositID("aa", 1), Seq: 1, Version: 1, Coin: teller.BTC, TxID: "aa", N: 1, Height: 7, BlockHash: "b7",
		Value: teller.NewAmount(201234), Rate: teller.MustRate("500"), Status: teller.StatusWaitingDeposit, UpdatedAt: noon,
	}
}

// paidDeposit is in the payout "p" and not confirmed.
func paidDeposit(t *testing.T) teller.Deposit {
	t.Helper()
	d := newDeposit()
	for _, err := range []error{d.Credit(noon), d.Decide(1_006_000, noon), d.Pay("p", 1_006_000, noon)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func wantCode(t *testing.T, what string, err error, want teller.Code) {
	t.Helper()
	if got := teller.CodeOf(err); got != want {
		t.Errorf("%s: got %v, want code %q", what, err, want)
	}
}

func TestDepositLife(t *testing.T) {
	d := newDeposit()
	if d.ID != "aa:1" || d.Credited() || !d.Due() {
		t.Errorf("a new deposit: %+v", d)
	}
	d = paidDeposit(t)
	if d.Status != teller.StatusWaitingConfirm || d.Sent != d.Owed || d.PayoutTxID != "p" || d.Version != 4 || !d.Credited() {
		t.Errorf("a paid deposit: %+v", d)
	}
	wantCode(t, "confirm by another transaction", d.Confirm("q", later), teller.CodeForbidden)
	wantCode(t, "confirm", d.Confirm("p", later), "")
	if d.Status != teller.StatusDone || d.Error != "" || !d.UpdatedAt.Equal(later) {
		t.Errorf("a confirmed deposit: %+v", d)
	}
	wantCode(t, "close a done deposit", d.Close("again", later), teller.CodeForbidden)
}

func TestDepositOfNothing(t *testing.T) {
	d := newDeposit()
	wantCode(t, "credit", d.Credit(noon), "")
	wantCode(t, "decide", d.Decide(0, noon), "")
	if d.Status != teller.StatusDone || d.Error != "Skycoin send amount is 0" || d.Owed != 0 {
		t.Errorf("got %+v", d)
	}
}

func TestPayIsExact(t *testing.T) {
	d := newDeposit()
	wantCode(t, "credit", d.Credit(noon), "")
	wantCode(t, "decide", d.Decide(5, noon), "")
	for _, share := range []teller.Droplets{0, 4, 6} {
		wantCode(t, fmt.Sprintf("pay %d of 5", share), d.Pay("p", share, noon), teller.CodeForbidden)
	}
	if d.Sent != 0 || d.PayoutTxID != "" {
		t.Errorf("a refused payment left its marks: %+v", d)
	}
}

func TestSupersede(t *testing.T) {
	d := paidDeposit(t)
	wantCode(t, "supersede another payout", d.Supersede("q", later), teller.CodeForbidden)
	wantCode(t, "supersede", d.Supersede("p", later), "")
	if d.Status != teller.StatusWaitingSend || d.Sent != 0 || d.PayoutTxID != "" || d.Owed != 1_006_000 {
		t.Errorf("got %+v", d)
	}
	wantCode(t, "pay again", d.Pay("q", d.Owed, later), "")
}

func TestHeldDepositIsNotPaid(t *testing.T) {
	d := newDeposit()
	wantCode(t, "credit", d.Credit(noon), "")
	wantCode(t, "hold", d.PutHold(teller.HoldOwnPayout, "tx aa is ours", later), "")
	wantCode(t, "the same hold", d.PutHold(teller.HoldOwnPayout, "tx aa is ours", later), teller.CodeConflict)
	wantCode(t, "a second hold", d.PutHold(teller.HoldUnpayable, "", later), "")
	wantCode(t, "decide", d.Decide(5, later), teller.CodeForbidden)
	if d.Due() || d.Hold.Reason != teller.HoldOwnPayout || !d.Hold.Since.Equal(later) || d.Status != teller.StatusWaitingDecide {
		t.Errorf("got %+v", d)
	}
	wantCode(t, "release", d.Release(later), "")
	if d.Due() || d.Hold.Reason != teller.HoldUnpayable {
		t.Errorf("the second reason went with the first: %+v", d)
	}
	wantCode(t, "release the second", d.Release(later), "")
	wantCode(t, "release a third time", d.Release(later), teller.CodeForbidden)
	wantCode(t, "decide", d.Decide(5, later), "")
	wantCode(t, "hold again", d.PutHold(teller.HoldWithdrawal, "", later), "")
	wantCode(t, "pay", d.Pay("p", 5, later), teller.CodeForbidden)
}

// An operator who meets a hold finds its reason in the documentation.
func TestHoldReasonsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := readConstDocs(t, "deposit.go", "Hold")
	if len(reasons) < 9 {
		t.Fatalf("only %d reasons found: %v", len(reasons), reasons)
	}
	for reason := range reasons {
		if !bytes.Contains(doc, []byte("\n| `"+reason+"` | ")) {
			t.Errorf("docs/operations.md does not say what to do about a deposit held as %s", reason)
		}
	}
}

// A payout that was stored before the hold is confirmed all the same: the coins have left.
func TestHeldPayoutIsConfirmed(t *testing.T) {
	d := paidDeposit(t)
	wantCode(t, "hold", d.PutHold(teller.HoldWithdrawal, "", noon), "")
	wantCode(t, "confirm", d.Confirm("p", noon), "")
	if d.Status != teller.StatusDone || d.Hold == nil {
		t.Errorf("got %+v", d)
	}
}

func TestImportedDeposit(t *testing.T) {
	d := newDeposit()
	wantCode(t, "credit", d.Credit(noon), "")
	d.Import = teller.ImportPending
	wantCode(t, "decide before the check", d.Decide(5, noon), teller.CodeForbidden)
	d.Import = teller.ImportChecked
	wantCode(t, "decide after the check", d.Decide(5, noon), "")

	for _, reason := range []teller.HoldReason{teller.HoldImportUnknown, teller.HoldImportOrder} {
		d := paidDeposit(t)
		wantCode(t, "hold", d.PutHold(reason, "", noon), "")
		wantCode(t, "release "+string(reason), d.Release(noon), teller.CodeForbidden)
		wantCode(t, "close "+string(reason), d.Close("paid by hand", noon), "")
		if d.Status != teller.StatusDone || d.Hold != nil || d.Error != "paid by hand" {
			t.Errorf("%s: got %+v", reason, d)
		}
	}
}

func TestClose(t *testing.T) {
	d := newDeposit()
	wantCode(t, "close without a reason", d.Close("", noon), teller.CodeInvalid)
	wantCode(t, "close", d.Close("a mistake", noon), "")
	if d.Status != teller.StatusDone || d.Error != "a mistake" || d.Sent != 0 {
		t.Errorf("got %+v", d)
	}

	d = paidDeposit(t)
	wantCode(t, "confirm", d.Confirm("p", noon), "")
	wantCode(t, "hold", d.PutHold(teller.HoldOrphaned, "", noon), "")
	wantCode(t, "close what is done and held", d.Close("written off", noon), "")
	if d.Status != teller.StatusDone || d.Hold != nil || d.Error != "" || d.Sent != d.Owed {
		t.Errorf("got %+v", d)
	}
}

func TestReorg(t *testing.T) {
	d := newDeposit()
	d.Orphan(noon)
	if d.Due() || d.Hold != nil {
		t.Errorf("an uncredited orphan only waits: %+v", d)
	}
	wantCode(t, "credit an orphan", d.Credit(noon), teller.CodeForbidden)
	d.Remine(teller.BlockRef{Height: 9, Hash: "b9"}, later)
	if !d.Due() || d.Height != 9 || d.BlockHash != "b9" || d.Rate.String() != "500" {
		t.Errorf("re-mined: %+v", d)
	}
	wantCode(t, "credit", d.Credit(later), "")
	d.Orphan(later)
	if d.Due() || d.Hold == nil || d.Hold.Reason != teller.HoldOrphaned {
		t.Errorf("a credited orphan is held: %+v", d)
	}
	d.Remine(teller.BlockRef{Height: 10, Hash: "b10"}, later)
	if d.Due() || d.Height != 10 {
		t.Errorf("a credited one stays held until it is deep enough again: %+v", d)
	}
	d.Reinstate(later)
	if !d.Due() {
		t.Errorf("back at depth: %+v", d)
	}
	d.Orphan(later)
	wantCode(t, "release", d.Release(later), "")
	if !d.Due() {
		t.Errorf("an operator vouched for it: %+v", d)
	}
}

// What only a balance speaks for is not credited until an operator vouches for it. Without its block nothing is left to
// explain, so that it neither freezes its coin nor waits for a decision for ever.
func TestUnexplained(t *testing.T) {
	d := newDeposit()
	hold := func() {
		t.Helper()
		wantCode(t, "hold", d.PutHold(teller.HoldUnexplained, "holds more", noon), "")
	}
	hold()
	wantCode(t, "credit", d.Credit(noon), teller.CodeForbidden)
	wantCode(t, "hold for another reason", d.PutHold(teller.HoldWithdrawal, "", noon), "")
	d.Orphan(later)
	if d.Freezes() || d.HeldFor(teller.HoldUnexplained) || !d.HeldFor(teller.HoldWithdrawal) {
		t.Errorf("an orphan is not unexplained: %+v", d)
	}
	wantCode(t, "release", d.Release(later), "")
	d.Remine(teller.BlockRef{Height: 9, Hash: "b9"}, later)
	hold()
	wantCode(t, "release", d.Release(later), "")
	wantCode(t, "credit", d.Credit(later), "")
	d.Orphan(later)
	if !d.Freezes() || !d.HeldFor(teller.HoldOrphaned) {
		t.Errorf("one that an operator vouched for may be paid: %+v", d)
	}
}

// Coins that may be another deposit's are credited and counted only when an operator says so; closed, they are not among
// what was received, even when they had been credited. An ordinary deposit that is closed was received all the same.
func TestReceived(t *testing.T) {
	for _, c := range []struct {
		name      string
		byBalance bool
		hold      teller.HoldReason
		credit    teller.Code // of the attempt to credit it
		want      bool        // received after it is closed
	}{
		{"ordinary", false, "", "", true},
		{"held otherwise", false, teller.HoldBeforeBinding, "", true},
		{"a duplicate", false, teller.HoldDuplicate, teller.CodeForbidden, false},
		{"unexplained", true, teller.HoldUnexplained, teller.CodeForbidden, false},
		{"vouched for", true, "", "", false},
	} {
		d := newDeposit()
		d.ByBalance = c.byBalance
		if c.hold != "" {
			wantCode(t, c.name, d.PutHold(c.hold, "", noon), "")
		}
		wantCode(t, c.name, d.Credit(noon), c.credit)
		if d.Received() != (c.credit == "") {
			t.Errorf("%s: received is %v before it is closed", c.name, d.Received())
		}
		wantCode(t, c.name, d.Close("looked it up", noon), "")
		if d.Received() != c.want {
			t.Errorf("%s: closed, received is %v", c.name, d.Received())
		}
	}
	d := newDeposit()
	wantCode(t, "credit", d.Credit(noon), "")
	wantCode(t, "hold", d.PutHold(teller.HoldDuplicate, "", noon), "") // mined again after a balance had shown it
	wantCode(t, "close", d.Close("paid as the other", noon), "")
	if d.Received() {
		t.Error("a credited duplicate is counted twice")
	}
	d = paidDeposit(t)
	d.ByBalance = true
	wantCode(t, "confirm", d.Confirm("p", noon), "")
	wantCode(t, "hold", d.PutHold(teller.HoldOrphaned, "", noon), "")
	wantCode(t, "close what is paid", d.Close("written off", noon), "")
	if !d.Received() {
		t.Error("what was paid is not counted any more")
	}
}

// boughtFor has had one order, which is final.
func boughtFor(t *testing.T, coins teller.Droplets, spent uint64) teller.Deposit {
	t.Helper()
	d := newDeposit()
	d.BuyMethod = teller.BuyPassthrough
	for _, err := range []error{d.Credit(noon), d.Order(noon), d.Placed(noon), d.Book(coins, teller.NewAmount(spent), noon)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestPurchase(t *testing.T) {
	d := newDeposit()
	wantCode(t, "order before it is credited", d.Order(noon), teller.CodeForbidden)
	wantCode(t, "credit", d.Credit(noon), "")
	wantCode(t, "placed without an order", d.Placed(noon), teller.CodeForbidden)
	wantCode(t, "order", d.Order(noon), "")
	if d.Status != teller.StatusWaitingPassthrough || d.Attempts != 1 || d.Unspent().String() != "201234" {
		t.Errorf("ordered: %+v", d)
	}
	wantCode(t, "decide", d.Decide(5, noon), teller.CodeForbidden)
	wantCode(t, "hold", d.PutHold(teller.HoldWithdrawal, "", noon), "")
	wantCode(t, "placed while held", d.Placed(noon), "")
	wantCode(t, "book while held", d.Book(700, teller.NewAmount(100_000), noon), "")
	wantCode(t, "send while held", d.SendBought(700, noon), teller.CodeForbidden)
	wantCode(t, "order while held", d.Order(noon), teller.CodeForbidden)
	wantCode(t, "release", d.Release(noon), "")
	if d.Status != teller.StatusWaitingPassthroughOrderComplete || d.Bought != 700 || d.Spent.String() != "100000" || d.Unspent().String() != "101234" {
		t.Errorf("placed and partly filled: %+v", d)
	}
	wantCode(t, "the next order", d.Order(noon), "")
	wantCode(t, "book", d.Book(300, teller.NewAmount(150_000), noon), "")
	if d.Status != teller.StatusWaitingPassthrough || d.Attempts != 2 || d.Bought != 1000 || !d.Unspent().IsZero() {
		t.Errorf("spent more than it had: %+v", d)
	}
	wantCode(t, "book too much", d.Book(1<<64-1, teller.Amount{}, noon), teller.CodeInvalid)
	wantCode(t, "send nothing", d.SendBought(0, noon), teller.CodeForbidden)
	wantCode(t, "send more than was bought", d.SendBought(1001, noon), teller.CodeForbidden)
	wantCode(t, "send", d.SendBought(999, later), "")
	if d.Status != teller.StatusWaitingSend || d.Owed != 999 || d.Bought != 1000 || d.Sent != 0 {
		t.Errorf("to be sent: %+v", d)
	}
	wantCode(t, "send again", d.SendBought(999, noon), teller.CodeForbidden)
	wantCode(t, "order again", d.Order(noon), teller.CodeForbidden)
	wantCode(t, "pay", d.Pay("p", 999, noon), "")
	wantCode(t, "what an order of an older backup comes to", d.Book(1, teller.NewAmount(1), noon), "")
	if d.Status != teller.StatusWaitingConfirm || d.Owed != 999 || d.Bought != 1001 {
		t.Errorf("in a payout: %+v", d)
	}
}

func TestDoubtEnds(t *testing.T) {
	d := boughtFor(t, 0, 0)
	for _, reason := range []teller.HoldReason{teller.HoldWithdrawal, teller.HoldOrderUnknown, teller.HoldOrderFailed} {
		wantCode(t, "hold", d.PutHold(reason, "", noon), "")
	}
	d.EndDoubt(later)
	if len(d.Holds()) != 2 || d.HeldFor(teller.HoldOrderUnknown) {
		t.Errorf("held for %+v", d.Holds())
	}
}

func TestPayInstead(t *testing.T) {
	early := newDeposit()
	early.BuyMethod = teller.BuyPassthrough
	wantCode(t, "before it is credited", early.PayInstead(5, noon), teller.CodeForbidden)
	wantCode(t, "credit", early.Credit(noon), "")
	for name, d := range map[string]teller.Deposit{"ordered": boughtFor(t, 2, 100), "not ordered": early} {
		for _, reason := range []teller.HoldReason{teller.HoldOrderFailed, teller.HoldWithdrawal, teller.HoldOrderUnknown, teller.HoldBelowMinimum, teller.HoldUnpayable} {
			wantCode(t, "hold", d.PutHold(reason, "", noon), "")
		}
		wantCode(t, name+": nothing", d.PayInstead(0, noon), teller.CodeForbidden)
		wantCode(t, name, d.PayInstead(5, later), "")
		if d.Status != teller.StatusWaitingSend || d.Owed != 5 || len(d.Holds()) != 1 || !d.HeldFor(teller.HoldWithdrawal) {
			t.Errorf("%s: %+v", name, d)
		}
		wantCode(t, name+": again", d.PayInstead(5, noon), teller.CodeForbidden)
	}
	direct := newDeposit()
	wantCode(t, "credit", direct.Credit(noon), "")
	wantCode(t, "direct", direct.PayInstead(5, noon), teller.CodeForbidden)
	for name, spoil := range map[string]func(*teller.Deposit){
		"not checked yet": func(d *teller.Deposit) { d.Import = teller.ImportPending },
		"ordered before":  func(d *teller.Deposit) { _ = d.PutHold(teller.HoldImportOrder, "", noon) },
	} {
		d := boughtFor(t, 0, 0)
		spoil(&d)
		wantCode(t, name, d.PayInstead(5, noon), teller.CodeForbidden)
	}
}

func TestRefund(t *testing.T) {
	d := boughtFor(t, 1000, 100_000)
	for _, reason := range []teller.HoldReason{teller.HoldOrderFailed, teller.HoldUnpayable} {
		wantCode(t, "hold", d.PutHold(reason, "", noon), "")
	}
	wantCode(t, "without a transaction", d.Refund("", 0, "why", noon), teller.CodeForbidden)
	wantCode(t, "without a reason", d.Refund("back", 0, "", noon), teller.CodeForbidden)
	wantCode(t, "more than was bought", d.Refund("back", 1001, "why", noon), teller.CodeForbidden)
	sent := d
	wantCode(t, "the rest", sent.Refund("back", 999, "why", later), "")
	if sent.Status != teller.StatusWaitingSend || sent.RefundTxID != "back" || sent.Owed != 999 || sent.Hold != nil || sent.Error != "" {
		t.Errorf("the rest was refunded: %+v", sent)
	}
	wantCode(t, "a second time", sent.Refund("back2", 0, "why", later), teller.CodeForbidden)
	ended := d
	wantCode(t, "all", ended.Refund("back", 0, "why", later), "")
	if ended.Status != teller.StatusDone || ended.RefundTxID != "back" || ended.Error != "refunded by back: why" || ended.Hold != nil || ended.Sent != 0 {
		t.Errorf("all was refunded: %+v", ended)
	}
	paid := paidDeposit(t)
	wantCode(t, "what is paid", paid.Refund("back", 0, "why", later), teller.CodeForbidden)
	early := newDeposit()
	wantCode(t, "before it is credited", early.Refund("back", 0, "why", later), "")
}

func TestRecallRefund(t *testing.T) {
	ordered := boughtFor(t, 0, 0)
	decided := newDeposit()
	wantCode(t, "before it is credited", decided.RecallRefund("back", 5, later), teller.CodeForbidden)
	wantCode(t, "credit", decided.Credit(noon), "")
	for name, d := range map[string]teller.Deposit{"ordered": ordered, "not ordered": decided} {
		for _, reason := range []teller.HoldReason{teller.HoldOrderFailed, teller.HoldWithdrawal, teller.HoldRebuilt} {
			wantCode(t, "hold", d.PutHold(reason, "", noon), "")
		}
		wantCode(t, name+": no transaction", d.RecallRefund("", 5, later), teller.CodeForbidden)
		wantCode(t, name+": nothing to send", d.RecallRefund("back", 0, later), teller.CodeForbidden)
		wantCode(t, name, d.RecallRefund("back", 5, later), "")
		if d.Status != teller.StatusWaitingSend || d.Owed != 5 || d.RefundTxID != "back" || len(d.Holds()) != 1 || !d.HeldFor(teller.HoldWithdrawal) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	paid := paidDeposit(t)
	wantCode(t, "in a payout", paid.RecallRefund("back", 5, later), "")
	if paid.Status != teller.StatusWaitingConfirm || paid.Owed != 1_006_000 || paid.RefundTxID != "back" {
		t.Errorf("in a payout: %+v", paid)
	}
	wantCode(t, "confirm", paid.Confirm("p", noon), "")
	wantCode(t, "done", paid.RecallRefund("back", 5, later), teller.CodeForbidden)
}

// Whatever happens in whatever order: a refused step changes nothing, a step grows the version by one and follows the
// table, what is done stays done, and a deposit is paid nothing or exactly what it is owed.
func TestDepositProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDeposit()
		d.BuyMethod = rapid.SampledFrom([]teller.BuyMethod{teller.BuyDirect, teller.BuyPassthrough}).Draw(t, "buy method")
		txid := rapid.SampledFrom([]string{"p", "q"})
		var err error
		act := func(f func()) func(*rapid.T) {
			return func(t *rapid.T) {
				before := d
				err = nil
				f()
				checkStep(t, before, d, err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"credit":    act(func() { err = d.Credit(later) }),
			"decide":    act(func() { err = d.Decide(teller.Droplets(rapid.Uint64Max(3).Draw(t, "owed")), later) }),
			"pay":       act(func() { err = d.Pay(txid.Draw(t, "tx"), d.Owed, later) }),
			"pay wrong": act(func() { err = d.Pay(txid.Draw(t, "tx"), d.Owed+1, later) }),
			"confirm":   act(func() { err = d.Confirm(txid.Draw(t, "tx"), later) }),
			"supersede": act(func() { err = d.Supersede(txid.Draw(t, "tx"), later) }),
			"hold":      act(func() { err = d.PutHold(teller.HoldWithdrawal, "", later) }),
			"hold2":     act(func() { err = d.PutHold(teller.HoldUnexplained, "", later) }),
			"hold3":     act(func() { err = d.PutHold(teller.HoldDuplicate, "", later) }),
			"release":   act(func() { err = d.Release(later) }),
			"close":     act(func() { err = d.Close("reason", later) }),
			"order":     act(func() { err = d.Order(later) }),
			"placed":    act(func() { err = d.Placed(later) }),
			"book": act(func() {
				err = d.Book(teller.Droplets(rapid.Uint64Max(3).Draw(t, "bought")), teller.NewAmount(7), later)
			}),
			"send":      act(func() { err = d.SendBought(d.Bought, later) }),
			"send more": act(func() { err = d.SendBought(d.Bought+1, later) }),
			"doubt":     act(func() { err = d.PutHold(teller.HoldOrderUnknown, "", later) }),
			"no doubt":  act(func() { d.EndDoubt(later) }),
			"instead":   act(func() { err = d.PayInstead(teller.Droplets(rapid.Uint64Max(3).Draw(t, "owed")), later) }),
			"refund":    act(func() { err = d.Refund(txid.Draw(t, "tx"), d.Bought, "reason", later) }),
			"refund 0":  act(func() { err = d.Refund(txid.Draw(t, "tx"), 0, "reason", later) }),
			"recall":    act(func() { err = d.Recall(txid.Draw(t, "tx"), max(d.Owed, 1), later) }),
			"recall 2":  act(func() { err = d.RecallRefund(txid.Draw(t, "tx"), max(d.Owed, 1), later) }),
			"orphan":    act(func() { d.Orphan(later) }),
			"remine":    act(func() { d.Remine(teller.BlockRef{Height: 8, Hash: "b8"}, later) }),
			"reinstate": act(func() { d.Reinstate(later) }),
		})
	})
}

func checkStep(t *rapid.T, before, after teller.Deposit, err error) {
	if err != nil {
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("refused with %v, and still changed:\n%+v\n%+v", err, before, after)
		}
		return
	}
	if after.Version != before.Version+1 || !after.UpdatedAt.Equal(later) {
		t.Fatalf("version %d became %d, updated at %s", before.Version, after.Version, after.UpdatedAt)
	}
	if after.Sent != 0 && (after.Sent != after.Owed || after.PayoutTxID == "") {
		t.Fatalf("owed %d, sent %d by %q", after.Owed, after.Sent, after.PayoutTxID)
	}
	if before.Status == after.Status {
		return
	}
	for _, e := range teller.Events {
		if to, err := teller.Next(before.Status, e); err == nil && to == after.Status {
			return
		}
	}
	t.Fatalf("%s became %s", before.Status, after.Status)
}
