package bolt

import (
	"bytes"
	"io"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// restoreGroup is how many bindings are restored in one transaction.
const restoreGroup = 10_000

// openJournal opens the journal and brings database and journal to the same bindings: entries that the database lacks
// are restored (it is an older backup), lines that the journal lacks are appended, and a journal that is missing, shorter
// than it was or another one is written anew.
func (s *Store) openJournal() error {
	j := &journal{path: s.path + ".bindings", noSync: s.db.NoSync, disk: s.disk}
	s.journal = j
	if err := j.open(); err != nil {
		return err
	}
	var mark journalMark
	var last []byte
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		t := &txn{tx: tx}
		mark, _, err = getJSON[journalMark](t, bucketMeta, []byte(metaJournal))
		last = bytes.Clone(t.get(bucketMeta, []byte(metaJournalLines)))
		return err
	})
	if err != nil {
		return translate(err)
	}
	if j.id != "" && j.id == mark.ID && mark.Payouts && mark.Orders {
		fits, err := s.catchUp(mark, last)
		if err != nil || fits {
			return err
		}
	}
	return s.rebuildJournal()
}

// catchUp is the usual way: the journal is the one that the database knows. It reports false when it is too short or
// goes on differently.
func (s *Store) catchUp(mark journalMark, last []byte) (bool, error) {
	j := s.journal
	info, err := j.file.Stat()
	if err != nil {
		return false, translate(err)
	}
	if info.Size() < mark.Offset {
		return false, nil
	}
	have := make([]byte, min(int64(len(last)), info.Size()-mark.Offset))
	if _, err := io.ReadFull(io.NewSectionReader(j.file, mark.Offset, int64(len(have))), have); err != nil {
		return false, translate(err)
	}
	torn := info.Size() <= mark.Offset+int64(len(last)) && halfWritten(last, have)
	if !torn && !bytes.HasPrefix(last, have) {
		return false, nil
	}
	if torn || len(have) < len(last) {
		j.size = mark.Offset // a crash came between the commit and the append
		return true, j.append(last)
	}
	restored, err := s.restore(mark.Offset + int64(len(last)))
	if err != nil || restored == (restoredEntries{}) {
		return true, err
	}
	s.tellRestored(restored)
	return true, s.noteJournal()
}

// halfWritten reports whether have is what a power cut left of lines: blocks of a file that were not written read as zeros.
func halfWritten(lines, have []byte) bool {
	for i, c := range have {
		if c != 0 && c != lines[i] {
			return false
		}
	}
	return !bytes.Equal(lines, have)
}

// rebuildJournal restores what the present journal holds, if there is one, and writes it anew from the database.
func (s *Store) rebuildJournal() error {
	j := s.journal
	if j.file != nil && j.id != "" {
		restored, err := s.restore(j.size)
		if err != nil {
			return err
		}
		s.tellRestored(restored)
	}
	err := j.rewrite(func(add func([]byte) error) error {
		return s.db.View(func(tx *bolt.Tx) error { return eachEntry(&txn{tx: tx}, add) })
	})
	if err != nil {
		return err
	}
	return s.noteJournal()
}

// eachEntry writes all that the journal must hold: the bindings, the payouts ever made, what operators have closed, the orders
// that an exchange was asked for, and the head of the audit log.
func eachEntry(t *txn, add func(line []byte) error) error {
	write := func(e journalEntry) error {
		line, err := e.line()
		if err != nil {
			return err
		}
		return add(line)
	}
	if err := eachBinding(t, func(b teller.Binding) error { return write(journalEntry{Binding: &b}) }); err != nil {
		return err
	}
	if err := eachFate(t, write); err != nil {
		return err
	}
	if err := eachAttempt(t, write); err != nil {
		return err
	}
	// What an older journal told of deposits that have not come in yet: nothing else knows it.
	err := t.each(bucketRecalls, nil, nil, func(k, _ []byte) (bool, error) {
		row, _, err := getJSON[recallRow](t, bucketRecalls, k)
		if err != nil || row.Closed == nil {
			return err == nil, err
		}
		return true, write(journalEntry{Closed: row.Closed})
	})
	if err != nil {
		return err
	}
	seq, hash := t.auditHead()
	if seq == 0 {
		return nil
	}
	return write(journalEntry{Anchor: &journalAnchor{seq, hash}})
}

// eachAttempt goes through the orders that the exchange may have been asked for, and those that only an older journal told of.
func eachAttempt(t *txn, write func(journalEntry) error) error {
	err := t.each(indexOrders, nil, nil, func(_, id []byte) (bool, error) {
		o, ok, err := t.order(string(id))
		if err != nil || !ok || o.State == teller.OrderPrepared {
			return err == nil, err
		}
		return true, write(journalEntry{Attempt: &journalAttempt{o.DepositID, o.Attempt}})
	})
	if err != nil {
		return err
	}
	return t.each(bucketAttempts, nil, nil, func(id, _ []byte) (bool, error) {
		n, err := t.attemptTold(string(id))
		if err != nil {
			return false, err
		}
		return true, write(journalEntry{Attempt: &journalAttempt{string(id), n}})
	})
}

// eachFate goes through the audit log for payouts, closed deposits and refunds: it has them in their order, in which a later one
// counts more.
func eachFate(t *txn, write func(journalEntry) error) error {
	return t.each(bucketAudit, nil, nil, func(k, v []byte) (bool, error) {
		mayTell := func(event string) bool { return bytes.Contains(v, []byte(event)) } // sooner than decoding the entry
		if !slices.ContainsFunc([]string{eventPayout, eventClose, eventMarkPaid, eventRefund}, mayTell) {
			return true, nil
		}
		e, err := decodeEntry(k, v)
		if err != nil {
			return false, err
		}
		switch e.Event {
		case eventPayout:
			row, ok, err := t.payout(e.TxID)
			if err != nil || !ok {
				return err == nil, err
			}
			p := row.payout()
			return true, write(journalEntry{Payout: &p})
		case eventMarkPaid:
			r, err := t.deposit(e.DepositID)
			if err != nil || r == nil {
				return err == nil, err
			}
			return true, write(journalEntry{Closed: &journalClosed{DepositID: r.ID, Reason: e.Detail, TxID: e.TxID, Coins: r.Sent, Refund: r.RefundTxID}})
		case eventRefund:
			r, err := t.deposit(e.DepositID)
			if err != nil || r == nil {
				return err == nil, err
			}
			return true, write(journalEntry{Closed: r.refunded(e.Detail)})
		case eventClose:
			r, err := t.deposit(e.DepositID)
			if err != nil || r == nil || r.Error == "" {
				return err == nil, err
			}
			return true, write(journalEntry{Closed: &journalClosed{DepositID: r.ID, Reason: r.Error, TxID: e.TxID, Refund: r.RefundTxID}})
		}
		return true, nil
	})
}

func eachBinding(t *txn, f func(teller.Binding) error) error {
	for _, c := range teller.Coins {
		err := t.each(bindBucket(c), nil, nil, func(k, v []byte) (bool, error) {
			b, err := decodeBinding(c, string(k), v)
			if err == nil {
				err = f(b)
			}
			return err == nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// noteJournal lets the database know the journal as it is now.
func (s *Store) noteJournal() error {
	return translate(s.apply(func(tx *bolt.Tx) error {
		t := &txn{tx: tx}
		s.journal.mark(t)
		return t.err
	}))
}

// restoredEntries counts what the database lacked.
type restoredEntries struct{ bindings, payouts, closed, orders int }

// tellRestored says that a backup was put back, and what has been made up for.
func (s *Store) tellRestored(n restoredEntries) {
	if n == (restoredEntries{}) {
		return
	}
	s.log.Error("the database is older than its journal: a backup was put back. What the journal tells was restored, and is paid by nobody else",
		"notice", "WATCH", "bindings", n.bindings, "payouts", n.payouts, "closed", n.closed, "orders", n.orders)
}

// restore takes the journal's entries from an offset on into the database, and counts those that it lacked.
func (s *Store) restore(offset int64) (restored restoredEntries, err error) {
	var group []journalEntry
	flush := func() error {
		n, err := s.restoreGroup(group)
		restored.bindings += n.bindings
		restored.payouts += n.payouts
		restored.closed += n.closed
		restored.orders += n.orders
		group = group[:0]
		return err
	}
	err = s.journal.read(offset, func(e journalEntry) error {
		if e.Anchor != nil {
			return nil
		}
		group = append(group, e)
		if len(group) < restoreGroup {
			return nil
		}
		return flush()
	})
	if err != nil || len(group) == 0 {
		return restored, err
	}
	err = flush()
	return restored, err
}

func (s *Store) restoreGroup(group []journalEntry) (n restoredEntries, err error) {
	err = s.apply(func(tx *bolt.Tx) error {
		t := &txn{tx: tx, now: s.now()}
		_, opened, err := t.skyHead()
		if err != nil {
			return err
		}
		n = restoredEntries{}
		for _, e := range group {
			if err := t.restoreEntry(e, !opened, &n); err != nil {
				return err
			}
		}
		if n.bindings > 0 && !opened {
			err = t.distrustBindings()
			s.log.Error("the ledger does not know its own past: it is new, or a backup from before its first start. What is paid to addresses that were bound earlier will be held",
				"notice", "WATCH", "count", n.bindings)
		}
		if err != nil {
			return err
		}
		t.writeTotals()
		return t.err
	})
	return n, translate(err)
}

func (t *txn) restoreEntry(e journalEntry, pastLost bool, n *restoredEntries) error {
	switch {
	case e.Binding != nil:
		added, err := t.restoreBinding(*e.Binding, pastLost)
		n.bindings += count(added)
		return err
	case e.Payout != nil:
		added, err := t.restorePayout(*e.Payout)
		n.payouts += count(added)
		return err
	case e.Closed != nil:
		added, err := t.restoreClosed(*e.Closed)
		n.closed += count(added)
		return err
	case e.Attempt != nil:
		added, err := t.restoreAttempt(*e.Attempt)
		n.orders += count(added)
		return err
	}
	return nil
}

// restoreBinding adds a binding that the database lacks. pastLost: the database does not know either what was paid.
func (t *txn) restoreBinding(b teller.Binding, pastLost bool) (bool, error) {
	have, ok, err := t.binding(b.Coin, b.Address)
	if err != nil {
		return false, err
	}
	if ok && have.SkyAddress != b.SkyAddress {
		return false, teller.Errorf(teller.CodeCorrupt,
			"address %s is bound to %s in database %s and to %s in the journal beside it: one of the two belongs to another ledger; put the right one there",
			b.Address, have.SkyAddress, t.tx.DB().Path(), b.SkyAddress)
	}
	if ok {
		return false, nil
	}
	list, err := t.bindingsOf(b.SkyAddress)
	if err != nil {
		return false, err
	}
	b.Restored = b.Restored || pastLost
	_, err = t.putBinding(b, list)
	return true, err
}

// distrustBindings marks all bindings as Restored and holds the deposits that are there: the journal shows that the
// database is an old one, and without a wallet's cursor nothing tells what was paid since.
func (t *txn) distrustBindings() error {
	var old []teller.Binding
	err := eachBinding(t, func(b teller.Binding) error {
		if !b.Restored {
			old = append(old, b)
		}
		return nil
	})
	for _, b := range old {
		b.Restored = true
		t.putJSON(bindBucket(b.Coin), []byte(b.Address), toBindingRow(b))
	}
	if err != nil {
		return err
	}
	for _, id := range t.ids(indexOpen, nil) {
		r, err := t.mustDeposit(id)
		if err != nil {
			return err
		}
		if _, err := t.hold(r, teller.HoldRebuilt, "the database is older than its journal of bindings, and does not know what was paid since"); err != nil {
			return err
		}
	}
	return nil
}
