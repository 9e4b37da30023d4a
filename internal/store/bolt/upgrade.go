package bolt

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// upgrade brings a ledger of format 1 to the present format: it copies the file aside, and then in one transaction adds
// the buckets that were not there, sums up what arrived at addresses with balances, and spells addresses canonically,
// which the import of that time left as they were.
func (s *Store) upgrade() error {
	aside, err := copyAside(s.path, ".before-upgrade")
	if err != nil {
		return err
	}
	err = s.apply(func(tx *bolt.Tx) error {
		if err := createBuckets(tx); err != nil {
			return err
		}
		t := &txn{tx: tx, now: s.now()}
		for _, c := range teller.Coins {
			if err := t.upgradeCoin(c); err != nil {
				return err
			}
		}
		t.writeTotals()
		return t.err
	})
	if err != nil {
		return translate(err)
	}
	s.log.Info("database of an older teller brought to the present format", "format", formatVersion, "copy", aside)
	return nil
}

func (t *txn) upgradeCoin(c teller.Coin) error {
	if hasBalances(c) {
		if err := t.sumArrivals(c); err != nil {
			return err
		}
	}
	changed, merged, err := t.foldBindings(c)
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
	sum.Bound[c] -= merged
	deposits, err := t.foldDeposits(c)
	if err != nil {
		return err
	}
	t.audit(teller.AuditEntry{Event: eventUpgrade, Detail: fmt.Sprintf(
		"to format %s; %s addresses spelt in lower case: %d bindings, %d deposits", formatVersion, c, len(changed), deposits)})
	return nil
}

// foldDeposits spells the address of all deposits of a coin canonically, and returns how many it changed.
func (t *txn) foldDeposits(c teller.Coin) (int, error) {
	prefix := textKey(string(c))
	var ids []string
	err := t.each(indexAddress, prefix, nil, func(k, id []byte) (bool, error) {
		address := string(k[len(prefix) : len(k)-len("\x00")-8]) // between them and the seq
		if fold(c, address) != address {
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
		r.Address = fold(c, was)
		if err := t.save(r, eventUpgrade, teller.AuditEntry{Detail: "address " + was}); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
