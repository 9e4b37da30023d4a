package bolt

import (
	"context"
	"errors"
	"strings"
	"syscall"

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
	binds bool // it added lines to the journal, or its answer relies on those of others
	done  chan error
}

// writer is the one goroutine that writes. It takes all the steps that wait into one transaction, so that they share
// its fsyncs.
type writer struct {
	store   *Store
	steps   chan *step
	closing chan struct{} // closed to end run
	ended   chan struct{} // closed when run has ended
}

func newWriter(s *Store) *writer {
	w := &writer{
		store: s,
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
// one of several failed after it had written. A damaged page ends the ledger.
func (w *writer) commit(group []*step) (done bool) {
	if err := w.store.condition.usable(); err != nil {
		answer(group, err)
		return true
	}
	tx, err := w.store.db.Begin(true)
	if err != nil {
		answer(group, translate(err))
		return true
	}
	err = w.store.guard(func() error {
		done = w.commitIn(&txn{tx: tx, now: w.store.now()}, group)
		return nil
	})
	if err == nil {
		return done
	}
	w.store.condition.fail(err)
	_ = w.store.guard(tx.Rollback) // or Close would wait for it for ever
	answer(group, err)
	return true
}

func (w *writer) commitIn(t *txn, group []*step) bool {
	wrote := false
	for _, s := range group {
		s.runIn(t)
		if s.err != nil && t.wrote {
			_ = t.tx.Rollback()
			if len(group) == 1 {
				answer(group, nil)
			}
			return len(group) == 1
		}
		wrote = wrote || t.wrote
	}
	if !wrote {
		_ = t.tx.Rollback()
		if len(w.store.journal.pending) == 0 {
			answer(group, nil)
			return true
		}
		w.tell(nil, group)
		return true
	}
	w.finish(t, group)
	return true
}

// runIn runs the step, and takes a failed write for its error.
func (s *step) runIn(t *txn) {
	t.wrote, t.err, t.needs = false, nil, false
	lines := len(t.lines)
	if s.err = translate(s.ctx.Err()); s.err != nil {
		return
	}
	if s.err = translate(s.run(t)); s.err == nil {
		s.err = t.err
	}
	s.binds = len(t.lines) > lines || t.needs
}

// finish makes a group durable, first in the database and then in the journal.
func (w *writer) finish(t *txn, group []*step) {
	t.err = nil
	t.writeTotals()
	if len(t.lines) > 0 {
		t.fail(w.store.journal.anchor(t))
		w.store.journal.mark(t)
	}
	if t.err != nil {
		_ = t.tx.Rollback()
		answer(group, t.err)
		return
	}
	w.noteFreePages()
	if err := w.store.disk.Commit(t.tx.Commit); err != nil {
		_ = t.tx.Rollback() // bolt has done it, unless the commit was not even begun
		kept, told := writeError(w.store.path, err)
		if kept {
			w.store.condition.note(told)
		} else {
			w.store.condition.fail(told)
		}
		answer(group, told)
		return
	}
	w.tell(t.lines, group)
}

// tell brings the journal up to date and answers the steps: those that rely on it with its failure.
func (w *writer) tell(lines []byte, group []*step) {
	err := w.store.journal.append(lines)
	w.store.condition.note(err)
	for _, s := range group {
		if err != nil && s.binds && s.err == nil {
			s.err = err
		}
	}
	answer(group, nil)
}

// noteFreePages decides whether the next commit notes the free pages. With the note, a start after a crash is as quick
// as any other; without it, bolt goes through the whole file. But a long list, as a very large transaction leaves it,
// would slow every commit down, so that one is left out until the growing ledger has used it up.
func (w *writer) noteFreePages() {
	st := w.store.db.Stats()
	w.store.db.NoFreelistSync = st.FreePageN+st.PendingPageN > notedPages
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

// outOfSpace reports whether an error means that the disk, or the share of it that is allowed, is full. Of the attempt to
// make its file longer bolt tells the cause in words only.
func outOfSpace(err error) bool {
	for _, full := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		grow := strings.HasPrefix(err.Error(), "file resize error") && strings.HasSuffix(err.Error(), full.Error())
		if grow || errors.Is(err, full) {
			return true
		}
	}
	return errors.Is(err, berrors.ErrMaxSizeReached)
}
