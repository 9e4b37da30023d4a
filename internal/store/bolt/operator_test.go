package bolt

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/skycoin/teller"
)

// What was paid by hand is never paid by teller, also not by a ledger from before it was marked: nothing on the chain
// tells it, when the coins came from somebody else's wallet.
func TestPaidByHandOutlivesAnOldBackup(t *testing.T) {
	for name, rewritten := range map[string]bool{"the same journal": false, "a journal written anew since": true} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "teller.db")
			s := open(t, Options{Path: path})
			payout := payable(t, s)
			var backup bytes.Buffer
			must(t, s.Backup(ctx, &backup))
			_, err := s.MarkPaid(ctx, "t:0", "handmade", 6_000_000, teller.MaxDecimals, teller.Act{Actor: "olga", Reason: "from the cold wallet"})
			must(t, err)
			must(t, s.Close())
			if rewritten {
				must(t, os.Remove(path+".bindings"))
				must(t, open(t, Options{Path: path}).Close())
			}

			must(t, os.WriteFile(path, backup.Bytes(), 0o600))
			for range 2 {
				s = open(t, Options{Path: path})
				d, err := s.Deposit(ctx, "t:0")
				must(t, err)
				if d.Status != teller.StatusDone || d.PayoutTxID != "handmade" || d.Sent != 5_000_000 || d.Error != "" {
					t.Errorf("after the backup was put back the deposit is %+v", d)
				}
				wantCode(t, s.CreatePayout(ctx, payout), teller.CodeConflict)
				must(t, s.Close())
			}
		})
	}
}
