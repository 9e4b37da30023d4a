package bolt

import (
	"strconv"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// upgrade brings a ledger of format 1 to the present format, in one transaction: it adds the buckets that were not there
// and spells ETH addresses canonically, which the import of that time left as they were.
func (s *Store) upgrade() error {
	return translate(s.db.Update(func(tx *bolt.Tx) error {
		if err := createBuckets(tx); err != nil {
			return err
		}
		t := &txn{tx: tx, now: s.now()}
		changed, merged, err := t.foldETH()
		if err != nil {
			return err
		}
		for _, b := range changed {
			if err := t.completeList(b); err != nil {
				return err
			}
		}
		sum, err := t.readTotals()
		if err != nil {
			return err
		}
		sum.Bound[teller.ETH] -= merged
		deposits, err := t.foldDeposits()
		if err != nil {
			return err
		}
		t.audit(teller.AuditEntry{Event: eventUpgrade, Detail: "to format " + formatVersion + "; ETH addresses spelt in lower case: " +
			strconv.Itoa(len(changed)) + " bindings, " + strconv.Itoa(deposits) + " deposits"})
		t.writeTotals()
		return t.err
	}))
}

// foldDeposits spells the address of all ETH deposits canonically, and returns how many it changed.
func (t *txn) foldDeposits() (int, error) {
	prefix := textKey(string(teller.ETH))
	var ids []string
	err := t.each(indexAddress, prefix, nil, func(k, id []byte) (bool, error) {
		address := string(k[len(prefix) : len(k)-len("\x00")-8]) // between them and the seq
		if fold(address) != address {
			ids = append(ids, string(id))
		}
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		r, err := t.mustDeposit(id)
		if err != nil {
			return 0, err
		}
		was := r.Address
		r.Address = fold(was)
		if err := t.save(r, eventUpgrade, teller.AuditEntry{Detail: "address " + was}); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
