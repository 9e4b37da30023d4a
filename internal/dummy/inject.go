package dummy

import (
	"context"
	"fmt"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/params"
	skytx "github.com/skycoin/skycoin/src/transaction"
	"github.com/skycoin/skycoin/src/util/fee"

	"github.com/skycoin/teller"
)

// Inject implements teller.Node. It checks what the real node checks, in the same order, with the same words: as there,
// a transaction that spends what another pending one spends is taken, and one that is in the chain already is refused
// because its inputs are gone. Refusals are CodeInvalid. A pending one is taken again without a word.
func (n *Node) Inject(ctx context.Context, raw []byte) error {
	if err := alive(ctx); err != nil {
		return err
	}
	if len(raw) > 4*maxBlockSize { // far too much to be worth decoding
		return refusal(skytx.NewErrTxnViolatesSoftConstraint(skytx.ErrTxnExceedsMaxBlockSize))
	}
	tx, err := coin.DeserializeTransaction(raw)
	if err != nil {
		return refusal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	t := &transaction{SkyTx: describe(tx), raw: tx}
	if k, ok := n.known[t.ID]; ok && !k.confirmed {
		return nil
	}
	if err := n.verify(t); err != nil {
		return refusal(err)
	}
	n.known[t.ID] = t
	n.pending = append(n.pending, t)
	n.broadcasts = append(n.broadcasts, t)
	n.log.Debug("took a dummy skycoin transaction", "txid", t.ID)
	return nil
}

func refusal(err error) error { return teller.Errorf(teller.CodeInvalid, "%w", err) }

// verify checks a transaction as it stands to the head block, and fills in what its inputs tell.
func (n *Node) verify(t *transaction) error {
	if err := skytx.VerifySingleTxnUserConstraints(t.raw); err != nil {
		return err
	}
	inputs, err := n.inputsOf(t.raw)
	if err != nil {
		return skytx.NewErrTxnViolatesHardConstraint(err)
	}
	if err := skytx.VerifySingleTxnHardConstraints(t.raw, n.head, inputs, skytx.TxnSigned); err != nil {
		return err
	}
	// The distribution parameters name the addresses that are locked on the main chain: there are none here.
	if err := skytx.VerifySingleTxnSoftConstraints(t.raw, n.head.Time, inputs, params.Distribution{}, rules); err != nil {
		return err
	}
	if t.fee, err = fee.TransactionFee(&t.raw, n.head.Time, inputs); err != nil {
		return err
	}
	t.from = owners(inputs)
	return nil
}

func (n *Node) inputsOf(tx coin.Transaction) (coin.UxArray, error) {
	inputs := make(coin.UxArray, len(tx.In))
	for i, id := range tx.In {
		ux, ok := n.unspent[id]
		if !ok {
			return nil, fmt.Errorf("unspent output of %s does not exist", id.Hex())
		}
		inputs[i] = ux
	}
	return inputs, nil
}

// owners are the addresses of outputs, each once.
func owners(outputs coin.UxArray) []string {
	var all []string
	seen := make(map[cipher.Address]bool)
	for _, ux := range outputs {
		if !seen[ux.Body.Address] {
			seen[ux.Body.Address] = true
			all = append(all, ux.Body.Address.String())
		}
	}
	return all
}

// describe translates a transaction that is in no block yet. The ids of its outputs do not depend on the block, but in
// block 0: see apply.
func describe(tx coin.Transaction) teller.SkyTx {
	id := tx.Hash()
	t := teller.SkyTx{ID: id.Hex(), Inputs: make([]string, len(tx.In)), Outputs: make([]teller.SkyOutput, len(tx.Out))}
	for i, in := range tx.In {
		t.Inputs[i] = in.Hex()
	}
	for i, o := range tx.Out {
		t.Outputs[i] = teller.SkyOutput{ID: o.UxID(id).Hex(), Address: o.Address.String(), Coins: teller.Droplets(o.Coins), Hours: o.Hours}
	}
	return t
}
