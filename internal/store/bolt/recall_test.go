package bolt

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/skycoin/teller"
)

// spending is a block of the Skycoin chain with one transaction out of the wallet.
func spending(height int64, txid, input string, outputs ...teller.SkyOutput) teller.SkyBlock {
	names := map[int64]string{1: "s1", 2: "s2", 3: "s3", 4: "s4"}
	return teller.SkyBlock{
		BlockRef: teller.BlockRef{Height: height, Hash: names[height]}, Parent: names[height-1], Time: uint64(height),
		Txs: []teller.SkyTx{{ID: txid, Inputs: []string{input}, Outputs: outputs}},
	}
}

// What was paid or closed since a backup was made is known to it from the journal as soon as it is opened: the deposit is
// never payable again, and ends as it did.
func TestRecall(t *testing.T) {
	buyer := teller.SkyOutput{ID: "o1", Address: "sky0", Coins: 5_000_000}
	change := func(id string, coins teller.Droplets) teller.SkyOutput {
		return teller.SkyOutput{ID: id, Address: "hot", Coins: coins}
	}
	paid := spending(2, "p", "ux", buyer, change("ux2", 95_000_000))
	theft := spending(2, "x", "ux", change("ux2", 60_000_000), teller.SkyOutput{ID: "o9", Address: "elsewhere", Coins: 40_000_000})
	for name, c := range map[string]struct {
		since  func(*testing.T, *Store, teller.Payout)    // the backup was made
		blocks []teller.SkyBlock                          // that are followed after it was put back
		want   func(d teller.Deposit, pending int) string // what is wrong
	}{
		"a payout on its way": {
			since:  func(t *testing.T, s *Store, p teller.Payout) { must(t, s.CreatePayout(context.Background(), p)) },
			blocks: []teller.SkyBlock{paid},
			want:   doneBy("p"),
		},
		"a payout confirmed since": {
			since: func(t *testing.T, s *Store, p teller.Payout) {
				must(t, s.CreatePayout(context.Background(), p))
				follow(t, s, paid)
			},
			blocks: []teller.SkyBlock{paid},
			want:   doneBy("p"),
		},
		"a payout that died and was replaced": {
			since: func(t *testing.T, s *Store, p teller.Payout) {
				must(t, s.CreatePayout(context.Background(), p))
				follow(t, s, theft)
				p.TxID, p.Inputs, p.Shares[0].Version = "p2", []string{"ux2"}, version(t, s)
				must(t, s.CreatePayout(context.Background(), p))
			},
			blocks: []teller.SkyBlock{theft, spending(3, "p2", "ux2", buyer, change("ux3", 55_000_000))},
			want:   doneBy("p2"),
		},
		"closed by an operator": {
			since: func(t *testing.T, s *Store, _ teller.Payout) {
				_, err := s.CloseDeposit(context.Background(), "t:0", teller.Act{Actor: "olga", Reason: "refunded"})
				must(t, err)
			},
			want: func(d teller.Deposit, pending int) string {
				if d.Status != teller.StatusDone || d.Sent != 0 || d.Error != "refunded" || pending > 0 {
					return "not closed"
				}
				return ""
			},
		},
		"a paid one whose hold was closed": { // there is nothing to remember, and the journal must stay readable
			since: func(t *testing.T, s *Store, p teller.Payout) {
				must(t, s.CreatePayout(context.Background(), p))
				follow(t, s, paid)
				_, err := s.Hold(context.Background(), "t:0", version(t, s), teller.HoldUnpayable, "by hand")
				must(t, err)
				_, err = s.CloseDeposit(context.Background(), "t:0", teller.Act{Actor: "olga", Reason: "all is well"})
				must(t, err)
			},
			blocks: []teller.SkyBlock{paid},
			want:   doneBy("p"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "teller.db")
			s := open(t, Options{Path: path})
			payout := payable(t, s)
			var backup bytes.Buffer
			must(t, s.Backup(ctx, &backup))
			c.since(t, s, payout)
			must(t, s.Close())
			must(t, os.WriteFile(path, backup.Bytes(), 0o600))
			s = open(t, Options{Path: path})
			due, err := s.Due(ctx, teller.StatusWaitingSend, 0, 1)
			must(t, err)
			if len(due) > 0 {
				t.Errorf("payable again: %+v", due)
			}
			follow(t, s, c.blocks...)
			must(t, s.Close())
			s = open(t, Options{Path: path})
			d, err := s.Deposit(ctx, "t:0")
			must(t, err)
			pending, err := s.PendingPayouts(ctx)
			must(t, err)
			if wrong := c.want(d, len(pending)); wrong != "" {
				t.Errorf("%s: %+v, %d payouts pending", wrong, d, len(pending))
			}
		})
	}
}

func doneBy(txid string) func(teller.Deposit, int) string {
	return func(d teller.Deposit, pending int) string {
		if d.Status != teller.StatusDone || d.Sent != 5_000_000 || d.PayoutTxID != txid || pending > 0 {
			return "not done by " + txid
		}
		return ""
	}
}

func follow(t *testing.T, s *Store, blocks ...teller.SkyBlock) {
	t.Helper()
	_, err := s.SaveSkyBlocks(context.Background(), blocks)
	must(t, err)
}

func version(t *testing.T, s *Store) uint64 {
	t.Helper()
	d, err := s.Deposit(context.Background(), "t:0")
	must(t, err)
	return d.Version
}

// A deposit that the journal knows to be paid, and that the backup has not credited yet, can not be ended by an operator:
// the ledger would say that it was not paid.
func TestRecalledDepositCanNotBeEnded(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	_, err := s.Bind(ctx, numbered(0), 0)
	must(t, err)
	waiting := teller.ScanTerms{Rate: teller.MustRate("500"), Confirmations: 1}
	save(t, s, waiting, 2, teller.Transfer{Address: "b0", TxID: "t", Value: teller.NewAmount(1_000_000)})
	var backup bytes.Buffer
	must(t, s.Backup(ctx, &backup))
	save(t, s, waiting, 3)
	_, err = s.Decide(ctx, []teller.Decision{{DepositID: "t:0", Version: version(t, s), Owed: 5_000_000}})
	must(t, err)
	out := teller.Output{SkyOutput: teller.SkyOutput{ID: "ux", Address: "hot", Coins: 100_000_000}}
	_, err = s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 1, Hash: "s1"}}, []string{"hot"}, []teller.Output{out}, nil)
	must(t, err)
	must(t, s.CreatePayout(ctx, teller.Payout{
		TxID: "p", Raw: []byte("signed"), Inputs: []string{"ux"}, Status: teller.PayoutPending, Height: teller.UnknownHeight,
		Shares: []teller.Share{{DepositID: "t:0", Version: version(t, s), Coins: 5_000_000}},
	}))
	must(t, s.Close())
	must(t, os.WriteFile(path, backup.Bytes(), 0o600))
	s = open(t, Options{Path: path})
	_, err = s.CloseDeposit(ctx, "t:0", teller.Act{Actor: "olga", Reason: "not wanted"})
	wantCode(t, err, teller.CodeForbidden)
	_, err = s.MarkPaid(ctx, "t:0", "other", 5_000_000, teller.MaxDecimals, teller.Act{Actor: "olga", Reason: "by hand"})
	wantCode(t, err, teller.CodeForbidden)
	save(t, s, waiting, 3)
	if d, err := s.Deposit(ctx, "t:0"); err != nil || d.Status != teller.StatusWaitingConfirm || d.PayoutTxID != "p" {
		t.Errorf("credited, it is %+v, %v", d, err)
	}
}

// A ledger that is begun anew from its journal knows of payouts that died before: whatever killed them is below the block
// at which the wallet is opened, and only its past tells.
func TestLostLedgerLearnsWhatKilledAPayout(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	must(t, s.CreatePayout(ctx, payable(t, s)))
	must(t, s.Close())
	must(t, os.Remove(path))
	s = open(t, Options{Path: path})
	pending, err := s.PendingPayouts(ctx)
	must(t, err)
	if len(pending) != 1 {
		t.Fatalf("%d payouts come back from the journal", len(pending))
	}
	theft := teller.SkyTx{ID: "x", Inputs: []string{"ux"}, Outputs: []teller.SkyOutput{{ID: "o9", Address: "elsewhere", Coins: 100_000_000}}}
	_, err = s.OpenWallet(ctx, teller.SkyHead{BlockRef: teller.BlockRef{Height: 9, Hash: "s9"}}, []string{"hot"}, nil, []teller.SkyTx{theft})
	must(t, err)
	pending, err = s.PendingPayouts(ctx)
	must(t, err)
	if len(pending) != 0 {
		t.Error("it waits for a confirmation that can not come")
	}
}
