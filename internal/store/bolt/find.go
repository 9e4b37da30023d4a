package bolt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skycoin/teller"
)

// find looks for the row of a transfer. When there is none it returns the id that a new row takes.
//
// An output is the same as a row of ours when id, address and value agree. An imported row may carry another number than
// its output, because the original numbered all outputs 0: it is the output when transaction, address and value (in the
// original's unit) agree and it has not turned out to be another one before. So the order is: the imported row that
// already is this output, our own row, an imported row that may be it.
func (t *txn) find(coin teller.Coin, tr teller.Transfer) (*record, string, error) {
	plain := teller.DepositID(tr.TxID, tr.N)
	imported, err := t.absorber(coin, tr, plain)
	if err != nil {
		return nil, "", err
	}
	if imported != nil && imported.Absorbed == plain {
		return imported, imported.ID, nil
	}
	id := plain
	for n := 2; ; n++ {
		r, err := t.deposit(id)
		if err != nil {
			return nil, "", err
		}
		if r == nil {
			break
		}
		own := r.Import == teller.ImportNone && r.Coin == coin && r.Address == tr.Address
		if own && r.Value.Equal(tr.Value) {
			return r, id, nil
		}
		id = plain + "#" + strconv.Itoa(n)
	}
	if imported != nil {
		return imported, imported.ID, nil
	}
	return nil, id, nil
}

// absorber is the imported row that is the transfer, or else the first one that may be.
func (t *txn) absorber(coin teller.Coin, tr teller.Transfer, plain string) (*record, error) {
	var may *record
	for _, id := range t.ids(indexAbsorb, textKey(string(coin), tr.TxID)) {
		r, err := t.mustDeposit(id)
		if err != nil {
			return nil, err
		}
		if r.Address != tr.Address || cutValue(coin, r.Value) != cutValue(coin, tr.Value) {
			continue
		}
		if r.Absorbed == plain {
			return r, nil
		}
		if r.Absorbed == "" && may == nil {
			may = r
		}
	}
	return may, nil
}

// suspicion says why a new deposit must be held at once, if anything speaks against it. Every reason is told, the gravest
// counts.
func (t *txn) suspicion(r *record, b teller.Binding) ([]teller.Hold, error) {
	var reason teller.HoldReason
	var details []string
	add := func(why teller.HoldReason, format string, args ...any) {
		if reason == "" {
			reason = why
		}
		details = append(details, fmt.Sprintf(format, args...))
	}
	if t.get(bucketPayouts, []byte(r.TxID)) != nil {
		add(teller.HoldOwnPayout, "transaction %s is a payout of this ledger", r.TxID)
	}
	switch {
	case b.Height != teller.UnknownHeight && r.Height <= b.Height:
		add(teller.HoldBeforeBinding, "block %d is not above %d, where the chain was when the address was bound", r.Height, b.Height)
	case t.seenUnbound(r):
		add(teller.HoldBeforeBinding, "it was seen before the address was bound, in a block that has left the chain since")
	}
	if b.Restored {
		add(teller.HoldRebuilt, "its address was bound by a ledger that is lost, and which may have paid it")
	}
	top, imported, err := t.importHeight(r.Coin)
	if err != nil {
		return nil, err
	}
	if imported && r.Height <= top {
		add(teller.HoldImportHeight, "block %d is not above %d, the last one of an imported deposit, and no imported deposit is this output", r.Height, top)
	}
	if reason == "" {
		return nil, nil
	}
	return []teller.Hold{{Reason: reason, Detail: strings.Join(details, "; ")}}, nil
}
