package bolt

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// upgrade brings a ledger of an older format to the present one: it copies the file aside, and then changes it in one
// transaction.
func (s *Store) upgrade(from kind) error {
	aside, err := copyAside(s.path, ".before-upgrade")
	if err != nil {
		return err
	}
	err = s.apply(func(tx *bolt.Tx) error {
		if err := createBuckets(tx); err != nil {
			return err
		}
		t := &txn{tx: tx, now: s.now()}
		switch from {
		case kindUntold: // the journal is written anew, with the orders that there were
			t.audit(teller.AuditEntry{Event: eventUpgrade, Detail: "to format " + formatVersion + ", whose journal tells of orders on an exchange"})
		case kindOrderless:
			t.audit(teller.AuditEntry{Event: eventUpgrade, Detail: "to format " + formatVersion + ", which knows orders on an exchange; no deposit has one"})
		default:
			if err := t.upgradeUnchained(from); err != nil {
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

// upgradeUnchained brings a ledger to the present format whose log has no hashes.
func (t *txn) upgradeUnchained(from kind) error {
	if err := t.chainLog(); err != nil {
		return err
	}
	if from == kindSpelled {
		for _, c := range teller.Coins {
			if err := t.upgradeCoin(c); err != nil {
				return err
			}
		}
	}
	return t.vouch()
}

// chainLog links what is written next to all entries of a log without a chain. They stay as they are: the hash of the
// next entry is over all of them, and their own are not kept.
func (t *txn) chainLog() error {
	var head auditHead
	err := t.each(bucketAudit, nil, nil, func(k, v []byte) (bool, error) {
		e, err := decodeEntry(k, v)
		head = auditHead{e.Seq, e.Link(head.hash)}
		return err == nil, err
	})
	t.head = &head
	return err
}

// vouch takes down in the log how every deposit stands that is not done, or held, because older entries do not tell; and
// with the wallet's addresses, since when the ledger knows them.
func (t *txn) vouch() error {
	ids := t.ids(indexOpen, nil)
	for _, id := range t.ids(indexHeld, nil) {
		r, err := t.mustDeposit(id)
		if err != nil {
			return err
		}
		if r.Status == teller.StatusDone {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		r, err := t.mustDeposit(id)
		if err != nil {
			return err
		}
		if err := t.save(r, eventUpgrade, teller.AuditEntry{}); err != nil {
			return err
		}
	}
	since, err := t.lastOpening()
	if err != nil {
		return err
	}
	for address := range t.walletAddresses() {
		t.put(bucketWallet, []byte(address), strconv.AppendInt(nil, since, 10))
	}
	t.audit(teller.AuditEntry{Event: eventUpgrade, Detail: fmt.Sprintf("to format %s; the log is chained from here on; %d deposits are not done, or held", formatVersion, len(ids))})
	return nil
}

// lastOpening is the height of the block at which addresses were last added to the wallet, as the log tells it.
func (t *txn) lastOpening() (height int64, err error) {
	head, _, err := t.skyHead()
	if err != nil {
		return 0, err
	}
	height = head.Height
	err = t.each(bucketAudit, nil, nil, func(k, v []byte) (bool, error) {
		if !bytes.Contains(v, []byte(eventOpening)) {
			return true, nil
		}
		e, err := decodeEntry(k, v)
		if at := strings.LastIndex(e.Detail, " at block "); err == nil && e.Event == eventOpening && at >= 0 {
			height, err = strconv.ParseInt(e.Detail[at+len(" at block "):], 10, 64)
		}
		return err == nil, err
	})
	return height, err
}

// upgradeCoin does what a coin of format 1 needs: it sums up what arrived at addresses with balances, and spells addresses
// canonically, which the import of that time left as they were.
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
