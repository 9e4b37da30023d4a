package bolt

import (
	"context"
	"errors"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/skycoin/teller"
)

// notedPages is the longest list of free pages that is written with every commit: 80 kB.
const notedPages = 10_000

// maxGroup bounds how many steps share one transaction.
const maxGroup = 256

var errClosed = &teller.Error{Code: teller.CodeUnavailable, Message: "the ledger is closed"}

// step is one business step that waits to be written.
type step struct {
	ctx   context.Context
	run   func(*txn) error
	err   error
	binds bool // it added lines to the journal
	done  chan error
}

// writer is the one goroutine that writes. It takes all the steps that wait into one transaction, so that they share
// its fsyncs.
type writer struct {
	db      *bolt.DB
	journal *journal
	disk    Disk
	now     func() time.Time
	steps   chan *step
	closing chan struct{} // closed to end run
	ended   chan struct{} // closed when run has ended
	broken  error         // the disk failed in the middle of a commit: nothing is known for sure until the file is opened anew
}

func newWriter(db *bolt.DB, j *journal, disk Disk, now func() time.Time) *writer {
	w := &writer{
		db: db, journal: j, disk: disk, now: now,
		steps: make(chan *step, maxGroup), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	go w.run()
	return w
}

// do hands a step over and waits until it is durable or refused. The context is heeded until the step begins.
func (w *writer) do(ctx context.Context, run func(*txn) error) error {
	s := &step{ctx: ctx, run: run, done: make(chan error, 1)}
	select {
	case <-w.closing:
		return errClosed
	default:
	}
	select {
	case w.steps <- s:
	case <-ctx.Done():
		return translate(ctx.Err())
	case <-w.closing:
		return errClosed
	}
	select {
	case err := <-s.done:
		return err
	case <-w.ended:
	}
	select { // answered by the last group, or left in the queue
	case err := <-s.done:
		return err
	default:
		return errClosed
	}
}

func (w *writer) run() {
	defer close(w.ended)
	group := make([]*step, 0, maxGroup)
	for {
		select {
		case s := <-w.steps:
			w.write(w.gather(append(group[:0], s)))
		case <-w.closing:
			return
		}
	}
}

// gather adds the steps that wait now.
func (w *writer) gather(group []*step) []*step {
	for len(group) < maxGroup {
		select {
		case s := <-w.steps:
			group = append(group, s)
		default:
			return group
		}
	}
	return group
}

// write runs a group in one transaction; when one of them fails after it wrote, each runs in its own.
func (w *writer) write(group []*step) {
	if w.commit(group) {
		return
	}
	for _, s := range group {
		w.commit([]*step{s})
	}
}

// commit runs the steps in one transaction and answers them. It reports false, having kept and answered nothing, when
// one of several failed after it had written.
func (w *writer) commit(group []*step) bool {
	if w.broken != nil {
		answer(group, w.broken)
		return true
	}
	tx, err := w.db.Begin(true)
	if err != nil {
		answer(group, translate(err))
		return true
	}
	t := &txn{tx: tx, now: w.now()}
	wrote := false
	for _, s := range group {
		s.runIn(t)
		if s.err != nil && t.wrote {
			_ = tx.Rollback()
			if len(group) == 1 {
				answer(group, nil)
			}
			return len(group) == 1
		}
		wrote = wrote || t.wrote
	}
	if !wrote {
		_ = tx.Rollback()
		answer(group, nil)
		return true
	}
	w.finish(t, group)
	return true
}

// runIn runs the step, and takes a failed write for its error.
func (s *step) runIn(t *txn) {
	t.wrote, t.err = false, nil
	lines := len(t.lines)
	if s.err = translate(s.ctx.Err()); s.err != nil {
		return
	}
	if s.err = translate(s.run(t)); s.err == nil {
		s.err = t.err
	}
	s.binds = len(t.lines) > lines
}

// finish makes a group durable, first in the database and then in the journal.
func (w *writer) finish(t *txn, group []*step) {
	t.err = nil
	t.writeTotals()
	if len(t.lines) > 0 {
		w.journal.mark(t)
	}
	if t.err != nil {
		_ = t.tx.Rollback()
		answer(group, t.err)
		return
	}
	w.noteFreePages()
	if err := w.disk.Commit(t.tx.Commit); err != nil {
		err = translate(err)
		if !outOfSpace(err) {
			w.broken = teller.Errorf(teller.CodeUnavailable, "a write to the disk failed; check it and start teller again: %w", err)
		}
		answer(group, err)
		return
	}
	if err := w.journal.append(t.lines); err != nil {
		for _, s := range group {
			if s.binds && s.err == nil {
				s.err = err
			}
		}
	}
	answer(group, nil)
}

// noteFreePages decides whether the next commit notes the free pages. With the note, a start after a crash is as quick
// as any other; without it, bolt goes through the whole file. But a long list, as a very large transaction leaves it,
// would slow every commit down, so that one is left out until the growing ledger has used it up.
func (w *writer) noteFreePages() {
	st := w.db.Stats()
	w.db.NoFreelistSync = st.FreePageN+st.PendingPageN > notedPages
}

// answer ends the steps: with their own results, or all with one error.
func answer(group []*step, err error) {
	for _, s := range group {
		if err != nil {
			s.err = err
		}
		s.done <- s.err
	}
}

// close waits for the group that is being written and ends the goroutine. It may be called once.
func (w *writer) close() {
	close(w.closing)
	<-w.ended
}

// outOfSpace reports whether an error means that the disk, or the share of it that is allowed, is full.
func outOfSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, berrors.ErrMaxSizeReached)
}
