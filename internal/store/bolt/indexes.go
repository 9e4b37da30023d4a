package bolt

import (
	"bytes"

	"github.com/skycoin/teller"
)

// entry is one key of one index.
type entry struct {
	index string
	key   []byte
}

// entries are the index keys of a row. They follow from the row alone.
func (r *record) entries() []entry {
	seq := seqKey(r.Seq)
	es := make([]entry, 0, 10)
	add := func(index string, key []byte) { es = append(es, entry{index, key}) }

	add(indexSeq, seq)
	add(indexStatus, textSeqKey(r.Seq, string(r.Status)))
	add(indexAddress, textSeqKey(r.Seq, string(r.Coin), r.Address))
	if r.Error != "" {
		add(indexErrored, seq)
	}
	if r.Hold != nil {
		add(indexHeld, seq)
	}
	if r.PayoutTxID != "" {
		add(indexPayout, textSeqKey(r.Seq, r.PayoutTxID))
	}
	if r.ByBalance {
		add(indexBalance, textSeqKey(r.Seq, string(r.Coin), r.Address))
	}
	if r.Import != teller.ImportNone {
		add(indexAbsorb, textSeqKey(r.Seq, string(r.Coin), r.TxID))
	}
	if r.Status != teller.StatusDone {
		add(indexOpen, textSeqKey(r.Seq, r.SkyAddress))
		if r.Due() {
			add(indexDue, textSeqKey(r.Seq, string(r.Status)))
		}
		if r.Import == teller.ImportPending {
			add(indexImport, seq)
		}
	}
	if r.mined {
		atHeight := append(heightKey(r.Coin, r.Height), seq...)
		add(indexHeight, atHeight)
		switch {
		case r.Credited() && r.Orphaned:
			add(indexReturned, atHeight)
		case !r.Credited() && !r.Doubtful():
			add(indexQueue, atHeight)
		}
	}
	return es
}

// reindex brings the indexes from the stored row to the new one.
func (t *txn) reindex(r *record) {
	var before []entry
	if r.stored != nil {
		before = r.stored.entries()
	}
	after := r.entries()
	for _, e := range before {
		if !contains(after, e) {
			t.del(e.index, e.key)
		}
	}
	for _, e := range after {
		if !contains(before, e) {
			t.put(e.index, e.key, []byte(r.ID))
		}
	}
}

func contains(es []entry, e entry) bool {
	for _, x := range es {
		if x.index == e.index && bytes.Equal(x.key, e.key) {
			return true
		}
	}
	return false
}

// page loads the deposits of an index in the order of its keys, after a seq, which must end the keys.
func (t *txn) page(index string, prefix []byte, after uint64, limit int, keep func(*teller.Deposit) bool) ([]teller.Deposit, error) {
	if limit <= 0 {
		limit = pageSize
	}
	var ds []teller.Deposit
	var from []byte
	if after > 0 {
		from = append(bytes.Clone(prefix), seqKey(after)...)
	}
	err := t.each(index, prefix, from, func(_, id []byte) (bool, error) {
		r, err := t.mustDeposit(string(id))
		if err != nil {
			return false, err
		}
		if keep == nil || keep(&r.Deposit) {
			ds = append(ds, r.Deposit)
		}
		return len(ds) < limit, nil
	})
	return ds, err
}
