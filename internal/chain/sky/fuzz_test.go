package sky

import (
	"encoding/json"
	"testing"

	"github.com/skycoin/teller"
)

// FuzzAnswers decodes arbitrary answers in every way in which answers are decoded. Nothing may panic, an error is always
// CodeMalformed, and what is accepted is complete.
func FuzzAnswers(f *testing.F) {
	for kind, name := range []string{"metadata.json", "genesis.json", "blocks.json", "outputs.json", "pending.json", "pending_verbose.json", "history.json", "transaction.json"} {
		f.Add(uint8(kind), []byte(recorded(f, name)))
	}
	f.Add(uint8(2), []byte(`{"blocks":[{"header":{"seq":18446744073709551615},"body":{"txns":[{}]}}]}`))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		check := func(tx teller.SkyTx, err error) {
			if err != nil {
				wantCode(t, err, teller.CodeMalformed)
				return
			}
			if len(tx.ID) != 64 {
				t.Fatalf("accepted the transaction id %q", tx.ID)
			}
			for _, o := range tx.Outputs {
				if _, err := (Addresses{}).Parse(o.Address); err != nil || len(o.ID) != 64 {
					t.Logf("transaction %s pays %+v: %v", tx.ID, o, err) // the null address can be paid
				}
			}
		}
		switch kind % 6 {
		case 0:
			var a struct{ Head headerJSON }
			if json.Unmarshal(data, &a) == nil {
				_, err := a.Head.check()
				check(teller.SkyTx{ID: a.Head.Hash}, err)
			}
		case 1:
			var a blockJSON
			if json.Unmarshal(data, &a) == nil {
				b, err := a.check()
				check(teller.SkyTx{ID: b.Hash}, err)
			}
		case 2:
			var a struct{ Blocks []blockJSON }
			if json.Unmarshal(data, &a) == nil && len(a.Blocks) > 0 {
				bs, err := checkBlocks(a.Blocks, 0, 10)
				if err == nil && len(bs) != len(a.Blocks) {
					t.Fatal("blocks got lost")
				}
				if err != nil {
					wantCode(t, err, teller.CodeMalformed)
				}
			}
		case 3:
			var a unspentsJSON
			if json.Unmarshal(data, &a) == nil {
				_, os, err := a.check([]string{genesisOwner})
				if err == nil && len(os) != len(a.Outputs) {
					t.Fatal("outputs got lost")
				}
				if err != nil {
					wantCode(t, err, teller.CodeMalformed)
				}
			}
		case 4:
			var a []pendingJSON
			if json.Unmarshal(data, &a) == nil {
				for _, p := range a {
					check(p.Txn.check(false))
				}
			}
		case 5:
			var a []historyJSON
			if json.Unmarshal(data, &a) == nil {
				for _, p := range a {
					h, err := p.Txn.check(teller.TxPending, p.Status.genesis())
					check(h.SkyTx, err)
				}
			}
		}
	})
}
