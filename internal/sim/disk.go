package sim

import (
	"errors"
	"slices"
	"syscall"
)

// disk is where the ledger becomes durable. It is called on the store's own goroutine while the engine's one waits, so
// it ends the process by marking it dead: the ledger's operation panics as soon as it is back.
type disk struct{ w *world }

var (
	errDead = errors.New("the simulated process is dead")
	errIO   = errors.New("the simulated disk failed")
)

// Commit implements bolt.Disk.
func (d disk) Commit(commit func() error) error {
	if d.w.crashed {
		return errDead
	}
	switch d.w.faults.draw(d.w, "commit."+d.w.op) {
	case CrashBefore:
		d.w.crashed = true
		return errDead
	case Fail:
		return errIO
	case Full:
		return syscall.ENOSPC
	case CrashAfter:
		d.w.crashed = true
		d.w.commits++
		return errors.Join(commit(), errDead)
	case Lost:
		d.w.commits++
		return errors.Join(commit(), errIO)
	}
	d.w.commits++
	return commit()
}

// Append implements bolt.Disk.
func (d disk) Append(lines []byte, write func([]byte) error) error {
	if d.w.crashed {
		return errDead
	}
	op := d.w.op
	if !slices.Contains(journaled, op) {
		op = "later"
	}
	switch d.w.faults.draw(d.w, "journal."+op) {
	case CrashBefore:
		d.w.crashed = true
		return errDead
	case Torn: // whatever is cut off after an error was not cut off by a process that died
		d.w.crashed = true
		d.w.torn = lines[:d.w.rng.IntN(len(lines))]
		return errDead
	case Fail:
		return syscall.ENOSPC
	case CrashAfter:
		d.w.crashed = true
		return errors.Join(write(lines), errDead)
	}
	return write(lines)
}
