package dummy

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// Broadcast is a transaction that was injected since the node was opened.
type Broadcast struct {
	Seq     int // from 1, in the order of arrival
	TxID    string
	Outputs []teller.Recipient // the change that goes back to the wallet is left out
	// Confirmed tells that a block holds it.
	Confirmed bool
}

// Broadcasts lists them, oldest first. The list is empty after a restart; what is still pending shows up again when it is
// injected again.
func (n *Node) Broadcasts() []Broadcast {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]Broadcast, len(n.broadcasts))
	own := n.fundAddress.String()
	for i, t := range n.broadcasts {
		b := Broadcast{Seq: i + 1, TxID: t.ID, Outputs: []teller.Recipient{}, Confirmed: t.confirmed}
		for _, o := range t.Outputs {
			if o.Address != own && !slices.Contains(t.from, o.Address) {
				b.Outputs = append(b.Outputs, teller.Recipient{Address: o.Address, Coins: o.Coins})
			}
		}
		list[i] = b
	}
	return list
}

// Confirm makes a block of one transaction, named by its txid or, when that is "", by its Broadcast.Seq. One that is
// confirmed already is left alone. CodeNotFound when there is none, CodeInvalid when both are given and do not name the
// same or neither is given, CodeConflict when a block holds another transaction that spends one of its inputs.
func (n *Node) Confirm(ctx context.Context, txid string, seq int) error {
	if err := alive(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	t, err := n.find(txid, seq)
	if err != nil || t.confirmed {
		return err
	}
	if n.known[t.ID] != t {
		return teller.Errorf(teller.CodeConflict, "transaction %s can not be confirmed any more: another one spent its inputs", t.ID)
	}
	return n.mine([]*transaction{t}, false)
}

func (n *Node) find(txid string, seq int) (*transaction, error) {
	if txid == "" && seq == 0 {
		return nil, teller.Errorf(teller.CodeInvalid, "say which transaction, by txid or seq")
	}
	var bySeq *transaction
	if seq != 0 {
		if seq < 0 || seq > len(n.broadcasts) {
			return nil, teller.Errorf(teller.CodeNotFound, "there is no broadcast %d", seq)
		}
		bySeq = n.broadcasts[seq-1]
	}
	switch {
	case txid == "" || bySeq != nil && bySeq.ID == txid:
		return bySeq, nil
	case bySeq != nil:
		return nil, teller.Errorf(teller.CodeInvalid, "broadcast %d is not transaction %s", seq, txid)
	}
	if t, ok := n.known[txid]; ok {
		return t, nil
	}
	for _, t := range n.broadcasts { // one that died is not known any more
		if t.ID == txid {
			return t, nil
		}
	}
	return nil, teller.Errorf(teller.CodeNotFound, "there is no transaction %s", txid)
}
