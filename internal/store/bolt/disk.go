package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Disk is the boundary between the ledger and what outlives the process: everything that becomes durable while it is
// open goes through it. Simulations put their own in the way, which fails, or ends the process, before or after.
type Disk interface {
	// Commit makes a transaction of the database durable by calling commit. After an error nothing is known for sure
	// before the file is opened anew, unless the error says that no space is left.
	Commit(commit func() error) error
	// Append makes lines durable at the end of the journal by calling write. After an error the lines count as not
	// written, and are written again later.
	Append(lines []byte, write func([]byte) error) error
}

// realDisk is the Disk of the machine.
type realDisk struct{}

// Commit implements Disk. A disk that reports only with the sync that it is full may have written everything or nothing:
// such an error must not look like that of a write, and so its kind is left out.
func (realDisk) Commit(commit func() error) error {
	err := commit()
	var write *fs.PathError
	var errno syscall.Errno
	if errors.As(err, &errno) && !errors.As(err, &write) {
		return fmt.Errorf("sync: %s", errno.Error())
	}
	return err
}

func (realDisk) Append(lines []byte, write func([]byte) error) error { return write(lines) }
