package bolt

import (
	"bytes"
	"io"

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
	if j.id != "" && j.id == mark.ID {
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
	if !bytes.HasPrefix(last, have) {
		return false, nil
	}
	if len(have) < len(last) {
		j.size = mark.Offset // a crash came between the commit and the append
		return true, j.append(last)
	}
	restored, err := s.restore(mark.Offset + int64(len(last)))
	if err != nil || restored == 0 {
		return true, err
	}
	s.log.Warn("bindings restored from the journal: the database is older than it", "count", restored)
	return true, s.noteJournal()
}

// rebuildJournal restores what the present journal holds, if there is one, and writes it anew from the database.
func (s *Store) rebuildJournal() error {
	j := s.journal
	if j.file != nil && j.id != "" {
		restored, err := s.restore(j.size)
		if err != nil {
			return err
		}
		if restored > 0 {
			s.log.Warn("bindings restored from the journal: the database is older than it", "count", restored)
		}
	}
	err := j.rewrite(func(add func(teller.Binding) error) error {
		return s.db.View(func(tx *bolt.Tx) error { return eachBinding(&txn{tx: tx}, add) })
	})
	if err != nil {
		return err
	}
	return s.noteJournal()
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

// restore takes the journal's bindings from an offset on into the database, and reports how many it lacked.
func (s *Store) restore(offset int64) (restored int, err error) {
	var group []teller.Binding
	flush := func() error {
		n, err := s.restoreGroup(group)
		restored, group = restored+n, group[:0]
		return err
	}
	err = s.journal.read(offset, func(b teller.Binding) error {
		group = append(group, b)
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

func (s *Store) restoreGroup(bs []teller.Binding) (n int, err error) {
	err = s.apply(func(tx *bolt.Tx) error {
		t := &txn{tx: tx, now: s.now()}
		_, opened, err := t.skyHead()
		if err != nil {
			return err
		}
		n = 0
		for _, b := range bs {
			added, err := t.restoreBinding(b, !opened)
			if err != nil {
				return err
			}
			n += count(added)
		}
		if n > 0 && !opened {
			err = t.distrustBindings()
			s.log.Error("the ledger does not know its own past: it is new, or a backup from before its first start. What is paid to addresses that were bound earlier will be held",
				"notice", "WATCH", "count", n)
		}
		if err != nil {
			return err
		}
		t.writeTotals()
		return t.err
	})
	return n, translate(err)
}

// restoreBinding adds a binding that the database lacks. pastLost: the database does not know either what was paid.
func (t *txn) restoreBinding(b teller.Binding, pastLost bool) (bool, error) {
	have, ok, err := t.binding(b.Coin, b.Address)
	if err != nil {
		return false, err
	}
	if ok && have.SkyAddress != b.SkyAddress {
		return false, teller.Errorf(teller.CodeCorrupt,
			"address %s is bound to %s in the database and to %s in the journal: one of the two files belongs to another ledger",
			b.Address, have.SkyAddress, b.SkyAddress)
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
