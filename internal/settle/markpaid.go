package settle

import (
	"context"

	"github.com/skycoin/teller"
)

// MarkStore is what MarkPaid needs of the ledger.
type MarkStore interface {
	Deposit(ctx context.Context, id string) (teller.Deposit, error)
	WalletCursor(ctx context.Context) (teller.WalletCursor, error)
	MarkPaid(ctx context.Context, id, txid string, coins teller.Droplets, decimals int, act teller.Act) (teller.Deposit, error)
}

// MarkPaid takes an operator's word that the transaction txid, made by hand, has paid a deposit, as far as the Skycoin
// chain bears it out: it must be in a block that the ledger has followed, and pay the deposit's SKY address what it is
// owed: so many decimals of SKY, when that is not decided yet. CodeForbidden or CodeConflict with the reason otherwise. That
// it is this deposit that was paid with it, and no other purchase, nothing but the operator's word tells.
func MarkPaid(ctx context.Context, node teller.Node, store MarkStore, decimals int, id, txid string, act teller.Act) (teller.Deposit, error) {
	var none teller.Deposit
	d, err := store.Deposit(ctx, id)
	if err != nil {
		return none, err
	}
	tx, state, err := node.Transaction(ctx, txid)
	switch {
	case teller.CodeOf(err) == teller.CodeNotFound:
		return none, teller.Errorf(teller.CodeForbidden, "the Skycoin node does not know transaction %s", txid)
	case err != nil:
		return none, err
	case state != teller.TxConfirmed:
		return none, teller.Errorf(teller.CodeConflict, "transaction %s is not in a block yet: try again when it is", txid)
	}
	// The transaction is known first and the head after it: at that head the ledger knows the transaction too, if it
	// spends the hot wallet, and whom else it paid.
	head, err := node.Head(ctx)
	if err != nil {
		return none, err
	}
	cursor, err := store.WalletCursor(ctx)
	if err != nil && teller.CodeOf(err) != teller.CodeNotFound {
		return none, err
	}
	if err != nil || cursor.Height < head.Height {
		return none, teller.Errorf(teller.CodeConflict, "the ledger has not followed the Skycoin chain to its head yet: try again in a moment")
	}
	var coins teller.Droplets
	for _, o := range tx.Outputs {
		if o.Address == d.SkyAddress {
			coins += o.Coins // the supply of SKY can not overflow
		}
	}
	if coins == 0 {
		return none, teller.Errorf(teller.CodeForbidden, "transaction %s pays nothing to %s, the SKY address of deposit %s", txid, d.SkyAddress, id)
	}
	return store.MarkPaid(ctx, id, tx.ID, coins, decimals, act)
}
