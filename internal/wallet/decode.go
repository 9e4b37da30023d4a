package wallet

import (
	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// Decode reads signed bytes back, independently of Build; CodeInvalid when they are not one complete, well-formed and
// signed transaction. Whether its inputs exist and belong to the signers, only the chain knows.
func (w *Wallet) Decode(raw []byte) (tx teller.SkyTx, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on what it takes for impossible
			tx, err = teller.SkyTx{}, teller.Errorf(teller.CodeInvalid, "not a skycoin transaction: %v", p)
		}
	}()
	txn, err := coin.DeserializeTransaction(raw)
	if err != nil {
		return teller.SkyTx{}, teller.Errorf(teller.CodeInvalid, "not a skycoin transaction: %w", err)
	}
	if err := txn.Verify(); err != nil {
		return teller.SkyTx{}, teller.Errorf(teller.CodeInvalid, "not a valid skycoin transaction: %w", err)
	}
	if _, err := txn.OutputHours(); err != nil {
		return teller.SkyTx{}, teller.Errorf(teller.CodeInvalid, "not a valid skycoin transaction: %w", err)
	}
	for _, out := range txn.Out {
		if out.Address.Null() || out.Address.Version != 0 {
			return teller.SkyTx{}, teller.Errorf(teller.CodeInvalid, "not a valid skycoin transaction: it pays an address that can not exist")
		}
	}
	return describe(txn), nil
}

// describe says what a signed transaction does.
func describe(txn coin.Transaction) teller.SkyTx {
	id := txn.Hash()
	tx := teller.SkyTx{ID: id.Hex()}
	for _, in := range txn.In {
		tx.Inputs = append(tx.Inputs, in.Hex())
	}
	for _, out := range txn.Out {
		tx.Outputs = append(tx.Outputs, teller.SkyOutput{
			ID: uxid(out, id), Address: out.Address.String(), Coins: teller.Droplets(out.Coins), Hours: out.Hours,
		})
	}
	return tx
}

func uxid(out coin.TransactionOutput, txid cipher.SHA256) string { return out.UxID(txid).Hex() }
