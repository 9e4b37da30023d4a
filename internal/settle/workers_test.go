package settle

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

func TestDeciderFixesTheAmountAtTheDepositsOwnRate(t *testing.T) {
	l := &fakeLedger{deposits: []teller.Deposit{
		{ID: "a", Seq: 1, Coin: teller.BTC, Status: teller.StatusWaitingDecide, Value: teller.NewAmount(100_000_000), Rate: teller.MustRate("500")},
		{ID: "b", Seq: 2, Coin: teller.BTC, Status: teller.StatusWaitingDecide, Value: teller.NewAmount(1), Rate: teller.MustRate("500")},
		{ID: "c", Seq: 3, Coin: teller.BTC, Status: teller.StatusWaitingDecide, Value: teller.NewAmount(100_000_000)}, // imported without one
		{ID: "d", Seq: 4, Coin: teller.BTC, Status: teller.StatusWaitingDecide, BuyMethod: teller.BuyPassthrough, Rate: teller.MustRate("500")},
	}}
	woken := 0
	w := &Decider{Store: l, Log: quiet, MaxDecimals: 3, Rates: map[teller.Coin]teller.Rate{teller.BTC: teller.MustRate("2")}, Decided: func() { woken++ }}
	if worked, err := w.Step(context.Background()); err != nil || !worked || woken != 1 {
		t.Fatal(worked, err, woken)
	}
	if got, want := statuses(l), "waiting_send done waiting_send waiting_decide+unpayable"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if l.deposits[0].Owed != 500*teller.DropletsPerSKY || l.deposits[2].Owed != 2*teller.DropletsPerSKY {
		t.Errorf("owed %s and %s", l.deposits[0].Owed, l.deposits[2].Owed)
	}
	if l.deposits[1].Error != teller.ErrSendAmountZero {
		t.Errorf("error %q", l.deposits[1].Error)
	}
}

func TestBroadcasterSendsTheSameBytesUntilConfirmed(t *testing.T) {
	l := &fakeLedger{payouts: []teller.Payout{{TxID: "tx1", Raw: []byte("bytes")}}}
	n := &fakeNode{fail: errors.New("503 after it was passed on")}
	clock := &movingClock{t: now}
	b := &Broadcaster{Node: n, Store: l, Log: quiet, Clock: clock, Every: 10 * time.Second}
	for range 3 {
		_, err := b.Step(context.Background())
		if sent := clock.t.Sub(now) != 6*time.Second; (err != nil) != sent {
			t.Errorf("after %s: error %v, want the node's own exactly when something was sent", clock.t.Sub(now), err)
		}
		clock.t = clock.t.Add(6 * time.Second)
	}
	if len(n.injected) != 2 || string(n.injected[0]) != "bytes" || string(n.injected[1]) != "bytes" {
		t.Errorf("sent %q, want the same bytes at 0 s and 12 s", n.injected)
	}
	if len(l.payouts) != 1 {
		t.Error("an answer changed the ledger")
	}
}

// A clock that is put back must not keep a payout from being sent again: a node may have forgotten it.
func TestBroadcasterSendsAgainWhenTheClockIsPutBack(t *testing.T) {
	l := &fakeLedger{payouts: []teller.Payout{{TxID: "tx1", Raw: []byte("bytes")}}}
	n := &fakeNode{}
	clock := &movingClock{t: now}
	b := &Broadcaster{Node: n, Store: l, Log: quiet, Clock: clock, Every: 10 * time.Second}
	for _, jump := range []time.Duration{0, -49 * time.Hour, 11 * time.Second} {
		clock.t = clock.t.Add(jump)
		if _, err := b.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if len(n.injected) != 3 {
		t.Errorf("sent %d times, want 3", len(n.injected))
	}
}

type movingClock struct{ t time.Time }

func (c *movingClock) Now() time.Time { return c.t }

func TestVetterHoldsWhatCanNotBeKnown(t *testing.T) {
	paid := teller.HistoryTx{
		SkyTx: teller.SkyTx{ID: "old", Outputs: []teller.SkyOutput{{Address: "buyer1", Coins: 1_000_000}}},
		From:  []string{"wallet"}, State: teller.TxConfirmed,
	}
	send := func() teller.Deposit {
		d := waitingSend(1, "buyer1", 0)
		d.Import, d.Value = teller.ImportPending, teller.NewAmount(100_000_000)
		return d
	}
	confirm := func() teller.Deposit {
		d := send()
		d.Status, d.PayoutTxID, d.Sent = teller.StatusWaitingConfirm, "old", 1000
		return d
	}
	claimed := waitingSend(2, "buyer1", 0)
	claimed.Status, claimed.PayoutTxID, claimed.Sent = teller.StatusDone, "old", 1_000_000
	for _, tc := range []struct {
		name     string
		deposits []teller.Deposit
		node     fakeNode
		wantHold teller.HoldReason
		wantOwed teller.Droplets
		wantDone bool
		wantNone bool
	}{
		{name: "never paid", deposits: []teller.Deposit{send()}, wantOwed: 1_000_000},
		{name: "paid by nobody's claim", deposits: []teller.Deposit{send()}, node: fakeNode{history: []teller.HistoryTx{paid}}, wantHold: teller.HoldImportPaid, wantOwed: 1_000_000},
		{name: "that payment is another deposit's", deposits: []teller.Deposit{send(), claimed}, node: fakeNode{history: []teller.HistoryTx{paid}}, wantOwed: 1_000_000},
		{name: "paid by a stranger", deposits: []teller.Deposit{send()}, node: fakeNode{history: []teller.HistoryTx{{SkyTx: paid.SkyTx, From: []string{"stranger"}}}}, wantOwed: 1_000_000},
		{name: "sent and confirmed", deposits: []teller.Deposit{confirm()}, node: fakeNode{txs: map[string]teller.TxState{"old": teller.TxConfirmed}}, wantDone: true},
		{name: "sent and pending", deposits: []teller.Deposit{confirm()}, node: fakeNode{txs: map[string]teller.TxState{"old": teller.TxPending}}, wantNone: true},
		{name: "sent and unknown", deposits: []teller.Deposit{confirm()}, wantHold: teller.HoldImportUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &fakeLedger{deposits: tc.deposits, cursor: walletAtZero}
			v := &Vetter{Node: &tc.node, Store: l, Log: quiet, Addresses: []string{"wallet"}, MaxDecimals: 3}
			if _, err := v.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
			if tc.wantNone {
				if len(l.verdicts) != 0 {
					t.Errorf("verdict %+v on a pending transaction", l.verdicts)
				}
				return
			}
			if len(l.verdicts) != 1 {
				t.Fatalf("%d verdicts", len(l.verdicts))
			}
			got := l.verdicts[0]
			if got.Hold != tc.wantHold || got.Owed != tc.wantOwed || got.Confirmed != tc.wantDone {
				t.Errorf("verdict %+v", got)
			}
		})
	}
}

func importOf(seq int) teller.Deposit {
	d := waitingSend(seq, "buyer1", 0)
	d.Import, d.Value = teller.ImportPending, teller.NewAmount(100_000_000)
	return d
}

// unopened is a ledger that has not met its node yet.
type unopened struct{ *fakeLedger }

func (unopened) WalletCursor(context.Context) (teller.WalletCursor, error) {
	return teller.WalletCursor{}, teller.Errorf(teller.CodeNotFound, "not opened")
}

func TestVetterBelievesOnlyANodeThatWasChecked(t *testing.T) {
	l := &fakeLedger{deposits: []teller.Deposit{importOf(1)}, cursor: walletAtZero}
	for name, v := range map[string]*Vetter{
		"wallet not opened": {Node: &fakeNode{}, Store: unopened{l}},
		"new address":       {Node: &fakeNode{}, Store: &fakeLedger{deposits: l.deposits}},
		"ledger not there":  {Node: &fakeNode{head: teller.SkyHead{BlockRef: teller.BlockRef{Height: 3}}}, Store: l},
		"node syncing":      {Node: &fakeNode{behind: teller.Errorf(teller.CodeNodeBehind, "syncing")}, Store: l},
	} {
		v.Log, v.Addresses, v.MaxDecimals = quiet, []string{"wallet"}, 3
		_, _ = v.Step(context.Background())
		if len(l.verdicts) != 0 {
			t.Errorf("%s: verdict %+v", name, l.verdicts)
		}
	}
}

// One import that the node can not be asked about is held and delays no other; a held one is not asked about again.
func TestVetterIsNotStoppedByOneRow(t *testing.T) {
	l := &fakeLedger{deposits: []teller.Deposit{importOf(1), importOf(2)}, cursor: walletAtZero}
	v := &Vetter{Node: brokenNode{&fakeNode{}, teller.CodeInvalid}, Store: l, Log: quiet, Addresses: []string{"wallet"}, MaxDecimals: 3}
	for range 5 {
		if _, err := v.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.verdicts) != 2 || l.verdicts[0].Hold == "" || l.verdicts[1].Hold == "" {
		t.Errorf("verdicts %+v, want both held, once", l.verdicts)
	}
}

// brokenNode fails to tell any history.
type brokenNode struct {
	*fakeNode
	code teller.Code
}

func (n brokenNode) History(context.Context, string) ([]teller.HistoryTx, error) {
	return nil, teller.Errorf(n.code, "no history")
}

// A proxy's error page says nothing about a deposit: it is asked about again, and not given up.
func TestVetterGivesUpNothingForTheNodesFault(t *testing.T) {
	l := &fakeLedger{deposits: []teller.Deposit{importOf(1), importOf(2)}, cursor: walletAtZero}
	v := &Vetter{Node: brokenNode{&fakeNode{}, teller.CodeMalformed}, Store: l, Log: quiet, Addresses: []string{"wallet"}, MaxDecimals: 3}
	if _, err := v.Step(context.Background()); teller.CodeOf(err) != teller.CodeMalformed {
		t.Errorf("got %v, want the node's fault reported", err)
	}
	if len(l.verdicts) != 0 {
		t.Errorf("verdicts %+v", l.verdicts)
	}
}

// walletAtZero is a ledger that stands at the head of a node that is not told otherwise.
var walletAtZero = teller.WalletCursor{Addresses: []string{"wallet"}}
