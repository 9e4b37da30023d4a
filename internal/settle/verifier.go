package settle

import (
	"slices"

	"github.com/skycoin/teller"
)

// verifier looks at a signed transaction with the eyes of the ledger, as read back from its bytes: not what the wallet
// meant to sign counts, but what the network would execute.
type verifier struct {
	wallet   teller.Wallet
	outputs  []teller.Output // what may be spent
	headTime uint64
	rules    teller.TxRules
}

func (v verifier) verify(signed teller.SignedTx, batch []*group) error {
	tx, err := v.wallet.Decode(signed.Raw)
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "the wallet built a transaction that can not be read back: %w", err)
	}
	if tx.ID != signed.ID || !slices.Equal(tx.Inputs, signed.Inputs) {
		return bad("its bytes are those of another transaction")
	}
	if len(signed.Raw) > v.rules.MaxSize {
		return bad("it is larger than the node takes")
	}
	inCoins, inHours, err := v.inputs(tx)
	if err != nil {
		return err
	}
	outCoins, outHours, err := v.paysExactly(tx, batch)
	if err != nil {
		return err
	}
	if inCoins != outCoins {
		return bad("its inputs and outputs do not balance")
	}
	if outHours > inHours || inHours-outHours != signed.Fee {
		return bad("its fee is not what the wallet says")
	}
	if least := (inHours + v.rules.BurnFactor - 1) / v.rules.BurnFactor; signed.Fee < max(least, 1) {
		return bad("its fee is below the node's minimum")
	}
	return nil
}

func bad(why string) error {
	return teller.Errorf(teller.CodeInternal, "the wallet built a wrong transaction, nothing was sent: %s", why)
}

func (v verifier) inputs(tx teller.SkyTx) (coins teller.Droplets, hours uint64, err error) {
	known := make(map[string]teller.Output, len(v.outputs))
	for _, o := range v.outputs {
		known[o.ID] = o
	}
	for _, id := range tx.Inputs {
		o, ok := known[id]
		if !ok {
			return 0, 0, bad("it spends an output twice or one that may not be spent")
		}
		delete(known, id)
		h, ok := o.HoursAt(v.headTime)
		if !ok {
			return 0, 0, bad("the hours of one of its inputs overflow")
		}
		coins += o.Coins
		hours += h
	}
	return coins, hours, nil
}

// paysExactly checks that every buyer gets the exact sum in one output and that all the rest goes back to the wallet.
func (v verifier) paysExactly(tx teller.SkyTx, batch []*group) (coins teller.Droplets, hours uint64, err error) {
	due := make(map[string]teller.Droplets, len(batch))
	for _, g := range batch {
		due[g.address] = g.coins
	}
	own := v.wallet.Addresses()
	for _, o := range tx.Outputs {
		if hours += o.Hours; hours < o.Hours {
			return 0, 0, bad("its hours overflow")
		}
		coins += o.Coins
		if want, ok := due[o.Address]; ok {
			if o.Coins != want {
				return 0, 0, bad("a buyer would get another sum than is due")
			}
			delete(due, o.Address)
			continue
		}
		if !slices.Contains(own, o.Address) {
			return 0, 0, bad("an output goes to neither a buyer nor the wallet")
		}
	}
	if len(due) > 0 {
		return 0, 0, bad("a buyer would get nothing")
	}
	return coins, hours, nil
}
