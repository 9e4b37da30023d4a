package bolt

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// stages are how far a backup may know the purchase for a deposit that was given back, or paid, since.
var stages = map[string]func(*testing.T, *Store){
	"not ordered": func(*testing.T, *Store) {},
	"prepared":    func(t *testing.T, s *Store) { attempt(t, s, "t:0") },
	"placing": func(t *testing.T, s *Store) {
		o := attempt(t, s, "t:0")
		_, err := s.BeginOrder(context.Background(), o.ClientID, o.Version)
		must(t, err)
	},
	"doubted": func(t *testing.T, s *Store) {
		o := attempt(t, s, "t:0")
		o, err := s.BeginOrder(context.Background(), o.ClientID, o.Version)
		must(t, err)
		_, err = s.DoubtOrder(context.Background(), o.ClientID, o.Version, "not shown")
		must(t, err)
	},
	"placed": func(t *testing.T, s *Store) {
		attempt(t, s, "t:0")
		told(t, s, "t:0", part(1_000_000, 200_000, false))
	},
}

// finish brings the purchase from any stage to its end: 2 SKY and 5 droplets were bought for 0.004 BTC.
func finish(t *testing.T, s *Store) {
	t.Helper()
	d, err := s.Deposit(context.Background(), "t:0")
	must(t, err)
	if d.Attempts == 0 {
		attempt(t, s, "t:0")
	}
	told(t, s, "t:0", part(2_000_005, 400_000, true))
}

// putBack ends a ledger, puts an older database in its place, and opens that.
func putBack(t *testing.T, s *Store, path string, backup []byte) *Store {
	t.Helper()
	must(t, s.Close())
	must(t, os.WriteFile(path, backup, 0o600))
	return open(t, Options{Path: path, Clock: stoppedClock{}})
}

// lose ends a ledger, removes its database or journal, and opens what is left.
func lose(t *testing.T, s *Store, path, suffix string) *Store {
	t.Helper()
	must(t, s.Close())
	must(t, os.Remove(path+suffix))
	return open(t, Options{Path: path, Clock: stoppedClock{}})
}

func inOrder(t *testing.T, s *Store) {
	t.Helper()
	v, err := s.Verify(context.Background())
	must(t, err)
	for _, f := range v.Findings {
		t.Errorf("%s: %s", f.Kind, f.Found)
	}
}

// What was given back is neither bought for again nor paid, however old the backup is that is put back, and however often.
func TestRefundOutlivesAnOldBackup(t *testing.T) {
	for name, before := range stages {
		for kind, c := range map[string]struct {
			owed   teller.Droplets
			status teller.Status
			error  string
		}{
			"ended": {0, teller.StatusDone, "refunded by btc-back: because"},
			"sends": {2_000_000, teller.StatusWaitingSend, ""},
		} {
			for journal, rewritten := range map[string]bool{"the same journal": false, "a journal written anew": true} {
				t.Run(name+", "+kind+", "+journal, func(t *testing.T) {
					ctx := context.Background()
					path := filepath.Join(t.TempDir(), "teller.db")
					s := buying(t, path)
					before(t, s)
					backup := backupOf(t, s)
					finish(t, s)
					_, err := s.Refund(ctx, "t:0", "btc-back", c.owed, olga)
					must(t, err)
					if rewritten {
						s = lose(t, s, path, ".bindings")
					}
					for range 2 {
						s = putBack(t, s, path, backup)
						d, err := s.Deposit(ctx, "t:0")
						must(t, err)
						if d.Status != c.status || d.RefundTxID != "btc-back" || d.Owed != c.owed || d.Sent != 0 || d.Hold != nil || d.Error != c.error {
							t.Errorf("after the backup was put back the deposit is %+v", d)
						}
						inOrder(t, s)
						noMoreOrders(t, s)
					}
					was := version(t, s)
					must(t, s.Close())
					cut(t, path, func(raw []byte) []byte { // another copy of the journal: all of it is read again
						return append([]byte("{\"journal\":\"another\"}\n"), raw[bytes.Index(raw, []byte("\n"))+1:]...)
					})
					s = open(t, Options{Path: path, Clock: stoppedClock{}})
					defer s.Close()
					if now := version(t, s); now != was {
						t.Errorf("what was told before has changed the deposit from version %d to %d", was, now)
					}
					inOrder(t, s)
				})
			}
		}
	}
}

// noMoreOrders checks that nothing can be bought for the deposit any more, and that an order that its ledger knows is
// followed to its end all the same.
func noMoreOrders(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	d, err := s.Deposit(ctx, "t:0")
	must(t, err)
	_, err = s.PrepareOrder(ctx, teller.OrderDraft{DepositID: d.ID, Version: d.Version, Exchange: "fair", Requested: teller.NewAmount(1)})
	if err == nil {
		t.Error("it is bought for again")
	}
	pending, err := s.PendingOrders(ctx, 0, 0)
	must(t, err)
	for _, o := range pending {
		if _, err := s.BeginOrder(ctx, o.ClientID, o.Version); teller.CodeOf(err) != teller.CodeConflict {
			t.Errorf("an order is placed (again): %v", err)
		}
		told(t, s, "t:0", part(2_000_005, 400_000, true))
		after, err := s.Deposit(ctx, "t:0")
		must(t, err)
		if after.Status != d.Status || after.Bought != 2_000_005 || !after.Spent.Equal(teller.NewAmount(400_000)) || after.Owed != d.Owed {
			t.Errorf("after its order has ended the deposit is %+v", after)
		}
		inOrder(t, s)
	}
}

// Attempts that were refused leave no trace on the exchange: only the journal tells an older backup how many there were, and
// thereby under which names to look for one that has bought.
func TestAttemptsOutliveAnOldBackup(t *testing.T) {
	for name, rewritten := range map[string]bool{"the same journal": false, "a journal written anew": true} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "teller.db")
			s := buying(t, path)
			backup := backupOf(t, s)
			for range 5 {
				o := attempt(t, s, "t:0")
				o, err := s.BeginOrder(ctx, o.ClientID, o.Version)
				must(t, err)
				o, err = s.BeginOrder(ctx, o.ClientID, o.Version) // once more
				must(t, err)
				_, err = s.NoteOrder(ctx, o.ClientID, o.Version, teller.OrderReport{Status: "refused", Final: true})
				must(t, err)
			}
			attempt(t, s, "t:0") // nobody was called for it
			attempted := func(want, known int) {
				t.Helper()
				n, err := s.Attempted(ctx, "t:0")
				must(t, err)
				d, err := s.Deposit(ctx, "t:0")
				must(t, err)
				if n != want || d.Attempts != known {
					t.Errorf("%d attempts are known of %d, want %d of %d", d.Attempts, n, known, want)
				}
				inOrder(t, s)
			}
			attempted(6, 6)
			if rewritten {
				s = lose(t, s, path, ".bindings")
			}
			for range 2 {
				s = putBack(t, s, path, backup)
				attempted(5, 0)
				s = lose(t, s, path, ".bindings") // what it told is not lost with it
				attempted(5, 0)
			}
			attempt(t, s, "t:0")
			attempted(5, 1)
			s = lose(t, s, path, "")
			save(t, s, teller.ScanTerms{Rate: teller.MustRate("500")}, 2, teller.Transfer{Address: "b0", TxID: "t", Value: teller.NewAmount(1_000_000)})
			attempted(5, 0)
			_, err := s.Attempted(ctx, "nobody:0")
			wantCode(t, err, teller.CodeNotFound)
			must(t, s.Close())
		})
	}
}

// A payout that came after the refund counts; both are remembered, whichever of them the deposit meets first.
func TestPayoutAfterARefund(t *testing.T) {
	for name, rewritten := range map[string]bool{"the same journal": false, "a journal written anew": true} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "teller.db")
			s := buying(t, path)
			seen := backupOf(t, s)
			finish(t, s)
			d, err := s.Refund(ctx, "t:0", "btc-back", 2_000_000, olga)
			must(t, err)
			must(t, s.CreatePayout(ctx, teller.Payout{TxID: "p", Raw: []byte("signed"), Inputs: []string{"ux"},
				Shares: []teller.Share{{DepositID: d.ID, Version: d.Version, Coins: d.Owed}}}))
			paid := func(s *Store) {
				t.Helper()
				d, err := s.Deposit(ctx, "t:0")
				must(t, err)
				if d.Status != teller.StatusWaitingConfirm || d.PayoutTxID != "p" || d.RefundTxID != "btc-back" || d.Sent != 2_000_000 {
					t.Errorf("after the backup was put back the deposit is %+v", d)
				}
				inOrder(t, s)
			}
			if rewritten {
				s = lose(t, s, path, ".bindings")
			}
			s = putBack(t, s, path, seen)
			paid(s)

			// The database is lost, twice, and the journal in between, which is then written anew. The deposit comes in again.
			s = lose(t, s, path, "")
			s = lose(t, s, path, ".bindings")
			s = lose(t, s, path, "")
			save(t, s, teller.ScanTerms{Rate: teller.MustRate("500")}, 2, teller.Transfer{Address: "b0", TxID: "t", Value: teller.NewAmount(1_000_000)})
			paid(s)

			// That journal tells of the payout first.
			s = lose(t, s, path, ".bindings")
			s = putBack(t, s, path, seen)
			defer s.Close()
			paid(s)
		})
	}
}

// Of a deposit that was closed, or marked as paid, after its refund the refund is known as well.
func TestEndAfterARefund(t *testing.T) {
	for name, end := range map[string]func(*Store) error{
		"closed": func(s *Store) error { _, err := s.CloseDeposit(context.Background(), "t:0", olga); return err },
		"paid": func(s *Store) error {
			_, err := s.MarkPaid(context.Background(), "t:0", "handmade", 9_000_000, teller.MaxDecimals, olga)
			return err
		},
	} {
		for journal, rewritten := range map[string]bool{"the same journal": false, "a journal written anew": true} {
			t.Run(name+", "+journal, func(t *testing.T) {
				ctx := context.Background()
				path := filepath.Join(t.TempDir(), "teller.db")
				s := buying(t, path)
				backup := backupOf(t, s)
				finish(t, s)
				_, err := s.Refund(ctx, "t:0", "btc-back", 2_000_000, olga)
				must(t, err)
				must(t, end(s))
				want, err := s.Deposit(ctx, "t:0")
				must(t, err)
				if rewritten {
					s = lose(t, s, path, ".bindings")
				}
				same := func(s *Store) {
					t.Helper()
					d, err := s.Deposit(ctx, "t:0")
					must(t, err)
					if d.Status != teller.StatusDone || d.RefundTxID != "btc-back" || d.Error != want.Error || d.Sent != want.Sent || d.PayoutTxID != want.PayoutTxID {
						t.Errorf("after the backup was put back the deposit is %+v, want %+v", d, want)
					}
					inOrder(t, s)
				}
				s = putBack(t, s, path, backup)
				same(s)
				s = lose(t, s, path, "")
				defer s.Close()
				save(t, s, teller.ScanTerms{Rate: teller.MustRate("500")}, 2, teller.Transfer{Address: "b0", TxID: "t", Value: teller.NewAmount(1_000_000)})
				same(s)
			})
		}
	}
}

// A deposit that was paid since is recalled from any stage of its purchase, and its order is followed to its end without
// touching what it is paid.
func TestRecallDuringAPurchase(t *testing.T) {
	for name, before := range stages {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "teller.db")
			s := buying(t, path)
			before(t, s)
			backup := backupOf(t, s)
			finish(t, s)
			must(t, s.SendBought(ctx, "t:0", version(t, s), 2_000_000))
			must(t, s.CreatePayout(ctx, teller.Payout{TxID: "p", Raw: []byte("signed"), Inputs: []string{"ux"},
				Shares: []teller.Share{{DepositID: "t:0", Version: version(t, s), Coins: 2_000_000}}}))
			s = putBack(t, s, path, backup)
			defer s.Close()
			d, err := s.Deposit(ctx, "t:0")
			must(t, err)
			if d.Status != teller.StatusWaitingConfirm || d.PayoutTxID != "p" || d.Sent != 2_000_000 || d.Hold != nil {
				t.Errorf("after the backup was put back the deposit is %+v", d)
			}
			inOrder(t, s)
			noMoreOrders(t, s)
			pays := teller.SkyTx{ID: "p", Inputs: []string{"ux"}, Outputs: []teller.SkyOutput{
				{ID: "o", Address: "sky0", Coins: 2_000_000}, {ID: "c", Address: "hot", Coins: 98_000_000}}}
			follow(t, s, teller.SkyBlock{BlockRef: teller.BlockRef{Height: 2, Hash: "s2"}, Parent: "s1", Txs: []teller.SkyTx{pays}})
			d, err = s.Deposit(ctx, "t:0")
			must(t, err)
			sum, err := s.Totals(ctx)
			must(t, err)
			want := teller.Droplets(0)
			if d.Attempts > 0 {
				want = 5
			}
			if d.Status != teller.StatusDone || sum.Kept != want {
				t.Errorf("confirmed it is %+v, kept are %s", d, sum.Kept)
			}
			inOrder(t, s)
		})
	}
}

// An operator ends a recalled deposit only when its order can not buy any more.
func TestRecalledDepositWithAPendingOrder(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := buying(t, path)
	stages["placed"](t, s)
	backup := backupOf(t, s)
	finish(t, s)
	_, err := s.Refund(ctx, "t:0", "btc-back", 2_000_000, olga)
	must(t, err)
	s = putBack(t, s, path, backup)
	defer s.Close()
	_, err = s.CloseDeposit(ctx, "t:0", olga)
	wantCode(t, err, teller.CodeForbidden)
	if !strings.Contains(err.Error(), "cancel it") {
		t.Errorf("%q does not say what to do", err)
	}
	told(t, s, "t:0", part(2_000_005, 400_000, true))
	_, err = s.CloseDeposit(ctx, "t:0", olga)
	must(t, err)
	inOrder(t, s)
}

// The exchange is called only when the journal knows of the attempt, also the second time.
func TestAttemptIsToldBeforeTheCall(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	must(t, buying(t, path).Close())
	disk := new(failingDisk)
	s := open(t, Options{Path: path, Clock: stoppedClock{}, Disk: disk})
	o := attempt(t, s, "t:0")
	disk.append = func(func() error) error { return errIO }
	for range 2 {
		_, err := s.BeginOrder(ctx, o.ClientID, o.Version)
		wantCode(t, err, teller.CodeUnavailable)
		o, err = s.Order(ctx, o.ClientID)
		must(t, err)
	}
	disk.append = nil
	_, err := s.BeginOrder(ctx, o.ClientID, o.Version)
	must(t, err)
	raw, err := os.ReadFile(path + ".bindings")
	must(t, err)
	if n := bytes.Count(raw, []byte(`"order":`)); n != 1 {
		t.Errorf("the journal has %d attempts", n)
	}
	must(t, s.Close())
}

// A refund answers that no exchange is configured, also when a backup from before it is put back.
func TestRefundOfTheUnpayableOutlivesAnOldBackup(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := buying(t, path)
	attempt(t, s, "t:0")
	told(t, s, "t:0", part(2_000_005, 400_000, true))
	d, err := s.Deposit(ctx, "t:0")
	must(t, err)
	_, err = s.Hold(ctx, d.ID, d.Version, teller.HoldUnpayable, "no exchange")
	must(t, err)
	backup := backupOf(t, s)
	_, err = s.Refund(ctx, "t:0", "btc-back", 2_000_000, olga)
	must(t, err)
	s = putBack(t, s, path, backup)
	d, err = s.Deposit(ctx, "t:0")
	must(t, err)
	if d.Status != teller.StatusWaitingSend || d.Hold != nil {
		t.Errorf("after the backup was put back the deposit is %+v", d)
	}
	must(t, s.Close())
}
