package bolt

import (
	"errors"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/skycoin/teller"
)

// condition is how the ledger's file is doing.
type condition struct {
	mu     sync.Mutex
	err    error         // of the last write; nil when it went well
	broken chan struct{} // closed once err stays: nothing is known for sure until the file is opened anew
}

func newCondition() *condition { return &condition{broken: make(chan struct{})} }

// note takes the outcome of a write. What broke the ledger is not overwritten.
func (c *condition) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isBroken() {
		c.err = err
	}
}

// fail ends the ledger.
func (c *condition) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isBroken() {
		c.err = err
		close(c.broken)
	}
}

func (c *condition) isBroken() bool {
	select {
	case <-c.broken:
		return true
	default:
		return false
	}
}

// usable returns what broke the ledger, nil while it works.
func (c *condition) usable() error {
	if !c.isBroken() {
		return nil
	}
	return c.last()
}

func (c *condition) last() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Condition is what keeps the ledger from being written, nil when the last write went well: CodeUnavailable when the
// disk is full or failed, CodeCorrupt when the file is damaged. It waits for nobody.
func (s *Store) Condition() error { return s.condition.last() }

// Broken is closed when the ledger can not be used any more before it is opened anew; Condition then says why. Until that
// is done every method is refused: what a disk holds that failed in the middle of a commit is not known, and what is
// shown of it now may be gone tomorrow.
func (s *Store) Broken() <-chan struct{} { return s.condition.broken }

// guard calls f and makes an error of what bolt does when it meets a damaged page: it panics, or points outside of the
// file. Panics of any other kind are not its own.
func (s *Store) guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error, string:
			s.log.Debug("where the damage was met", "stack", string(debug.Stack()))
			err = damaged(s.path, p)
		default:
			panic(p)
		}
	}()
	return f()
}

func damaged(path string, how any) error {
	return teller.Errorf(teller.CodeCorrupt, "database %s is damaged and nothing is paid with it: stop teller, check the disk, "+
		"and restore the newest backup; leave the journal beside it as it is: %v", path, how)
}

// writeError says what to do about a commit that failed. kept reports whether the ledger is what it was before: there was
// no space for what had to be written. After anything else, a failed sync above all, nobody knows what the disk holds.
func writeError(path string, err error) (kept bool, told error) {
	switch {
	case outOfSpace(err):
		return true, noSpace(path, err)
	case errors.Is(err, syscall.EROFS):
		return false, readOnly(path, err)
	}
	return false, teller.Errorf(teller.CodeUnavailable, "a write to the database %s failed: check its disk, and start teller again: %w", path, err)
}

func noSpace(path string, err error) error {
	return teller.Errorf(teller.CodeUnavailable, "no space is left for %s: free some on its disk, or raise the limit that teller's user has; "+
		"nothing was written: %w", path, err)
}

func readOnly(path string, err error) error {
	return teller.Errorf(teller.CodeUnavailable, "%s is on a file system that is mounted read-only, as some become after a disk error: "+
		"check the disk, mount it writable, and start teller again: %w", path, err)
}
