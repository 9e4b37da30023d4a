package bolt

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

func (realDisk) Commit(commit func() error) error { return commit() }

func (realDisk) Append(lines []byte, write func([]byte) error) error { return write(lines) }
