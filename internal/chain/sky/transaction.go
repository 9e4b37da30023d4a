package sky

import (
	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// outJSON is an output of a transaction as the node writes it.
type outJSON struct {
	ID      string `json:"uxid"`
	Address string `json:"dst"`
	Coins   string `json:"coins"`
	Hours   uint64 `json:"hours"`
}

// txParts is what a transaction has in every form in which the node writes it.
type txParts struct {
	Length    uint32    `json:"length"`
	Type      uint8     `json:"type"`
	ID        string    `json:"txid"`
	InnerHash string    `json:"inner_hash"`
	Sigs      []string  `json:"sigs"`
	Outputs   []outJSON `json:"outputs"`
}

// txJSON is a transaction whose inputs are only ids.
type txJSON struct {
	txParts
	Inputs []string `json:"inputs"`
}

// statusJSON is where a transaction stands.
type statusJSON struct {
	Confirmed   bool   `json:"confirmed"`
	Unconfirmed bool   `json:"unconfirmed"`
	BlockSeq    uint64 `json:"block_seq"`
}

func (s statusJSON) state() (teller.TxState, error) {
	switch {
	case s.Confirmed && !s.Unconfirmed:
		return teller.TxConfirmed, nil
	case s.Unconfirmed && !s.Confirmed:
		return teller.TxPending, nil
	}
	return "", teller.Errorf(teller.CodeMalformed, "skycoin node: a transaction is neither confirmed nor unconfirmed")
}

// genesis reports whether this is the status of the very first transaction, which is unlike all others.
func (s statusJSON) genesis() bool { return s.Confirmed && s.BlockSeq == 0 }

// check rebuilds the transaction and its outputs, whose ids must be those that the node gives.
func (t txJSON) check(genesis bool) (teller.SkyTx, error) { return t.rebuild(t.Inputs, genesis) }

func (t txParts) rebuild(inputs []string, genesis bool) (teller.SkyTx, error) {
	txn, err := t.decode(inputs)
	if err != nil {
		return teller.SkyTx{}, teller.Errorf(teller.CodeMalformed, "skycoin node: transaction %q: %w", t.ID, err)
	}
	_, id, err := txn.SizeHash()
	if err != nil {
		return teller.SkyTx{}, teller.Errorf(teller.CodeMalformed, "skycoin node: transaction %q: %w", t.ID, err)
	}
	if id.Hex() != t.ID {
		return teller.SkyTx{}, teller.Errorf(teller.CodeMalformed, "skycoin node: transaction %q hashes to %s", t.ID, id.Hex())
	}
	source := id
	if genesis {
		source = cipher.SHA256{} // the outputs of the first transaction name none as their source
	}
	tx := teller.SkyTx{ID: t.ID, Inputs: inputs, Outputs: make([]teller.SkyOutput, 0, len(txn.Out))}
	for i, out := range txn.Out {
		if out.UxID(source).Hex() != t.Outputs[i].ID {
			return teller.SkyTx{}, teller.Errorf(teller.CodeMalformed, "skycoin node: output %d of transaction %s does not have the id %q", i, t.ID, t.Outputs[i].ID)
		}
		tx.Outputs = append(tx.Outputs, teller.SkyOutput{
			ID: t.Outputs[i].ID, Address: t.Outputs[i].Address, Coins: teller.Droplets(out.Coins), Hours: out.Hours,
		})
	}
	return tx, nil
}

// decode makes Skycoin's own form of the transaction. Its errors say what can not be read.
func (t txParts) decode(inputs []string) (coin.Transaction, error) {
	txn := coin.Transaction{Length: t.Length, Type: t.Type}
	var err error
	if txn.InnerHash, err = cipher.SHA256FromHex(t.InnerHash); err != nil {
		return txn, err
	}
	for _, s := range t.Sigs {
		sig, err := cipher.SigFromHex(s)
		if err != nil {
			return txn, err
		}
		txn.Sigs = append(txn.Sigs, sig)
	}
	for _, s := range inputs {
		in, err := cipher.SHA256FromHex(s)
		if err != nil {
			return txn, err
		}
		txn.In = append(txn.In, in)
	}
	for _, o := range t.Outputs {
		address, err := cipher.DecodeBase58Address(o.Address)
		if err != nil {
			return txn, err
		}
		coins, err := teller.ParseDroplets(o.Coins)
		if err != nil {
			return txn, err
		}
		txn.Out = append(txn.Out, coin.TransactionOutput{Address: address, Coins: uint64(coins), Hours: o.Hours})
	}
	return txn, nil
}
