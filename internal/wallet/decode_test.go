package wallet

import (
	"context"
	"reflect"
	"testing"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// signed is a small payout.
func signed(t testing.TB, w *Wallet) teller.SignedTx {
	t.Helper()
	c := newChain(t, w)
	c.fund(w.Addresses()[0], 100*teller.DropletsPerSKY, 100)
	tx, err := w.Build(context.Background(), c.request(crowd(2, teller.DropletsPerSKY), 3))
	must(t, err)
	return tx
}

func TestDecode(t *testing.T) {
	w := testWallet(t, "decode")
	tx := signed(t, w)
	got, err := w.Decode(tx.Raw)
	must(t, err)
	if !reflect.DeepEqual(got, tx.SkyTx) {
		t.Errorf("decoded %+v\nbuilt   %+v", got, tx.SkyTx)
	}
	if txn := coin.MustDeserializeTransaction(tx.Raw); got.ID != txn.Hash().Hex() || got.Outputs[1].ID != txn.Out[1].UxID(txn.Hash()).Hex() {
		t.Errorf("ids %+v", got)
	}
	for i := range tx.Raw { // not one bit can be changed without being noticed
		changed := append([]byte(nil), tx.Raw...)
		changed[i] ^= 1
		if other, err := w.Decode(changed); err == nil && other.ID == tx.ID {
			t.Errorf("byte %d can be changed", i)
		} else if err != nil {
			wantCode(t, err, teller.CodeInvalid)
		}
	}
	for _, raw := range [][]byte{nil, tx.Raw[:len(tx.Raw)-1], append(append([]byte(nil), tx.Raw...), 0)} {
		_, err := w.Decode(raw)
		wantCode(t, err, teller.CodeInvalid)
	}
	for name, change := range map[string]func(*coin.Transaction){
		"unsigned":       func(x *coin.Transaction) { x.Sigs[0] = cipher.Sig{} },
		"null address":   func(x *coin.Transaction) { x.Out[0].Address = cipher.Address{} },
		"other version":  func(x *coin.Transaction) { x.Out[0].Address.Version = 1 },
		"hours overflow": func(x *coin.Transaction) { x.Out[0].Hours, x.Out[1].Hours = 1<<63, 1<<63 },
	} {
		x := coin.MustDeserializeTransaction(tx.Raw)
		change(&x)
		if name != "unsigned" {
			x.Sigs = nil
			x.SignInputs([]cipher.SecKey{w.keys[w.change]})
		}
		must(t, x.UpdateHeader())
		if _, err := w.Decode(x.MustSerialize()); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	w := testWallet(f, "fuzz")
	f.Add(signed(f, w).Raw)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := w.Decode(raw)
		if err != nil {
			wantCode(t, err, teller.CodeInvalid)
			return
		}
		if txn := coin.MustDeserializeTransaction(raw); tx.ID != txn.Hash().Hex() || len(tx.Outputs) != len(txn.Out) {
			t.Fatalf("decoded %+v", tx)
		}
	})
}
