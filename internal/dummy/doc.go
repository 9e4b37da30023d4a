// Package dummy is the outside world of dummy mode: simulated deposit chains and a simulated Skycoin node, each behind
// the port that a real one stands behind. Nothing else is simulated. The real scanner, ledger and workers run on it, and
// the real wallet signs real transactions with a throw-away key.
//
// # Deposit chains
//
// A Chain is a chain of one coin on which anybody may pay any address out of thin air: Deposit. What was posted waits
// until somebody asks for the tip. Then all of it goes into one block, and as many empty blocks follow as a deposit needs
// confirmations, so that it is credited at once, and ten thousand deposits posted together cost a handful of blocks.
// Nothing else makes blocks: an idle chain stands still.
//
// # The Skycoin node
//
// A Node takes a signed transaction if the real node would, checked by Skycoin's own library, and keeps it pending until
// Confirm or Mine puts it into a block. Time runs fast there: every block is at least an hour after its parent, and an
// unspent coin earns a coin hour an hour, so that a wallet of 100 SKY earns some 100 coin hours with every block. A wallet
// that has run dry all the same gets an empty block that lets enough time pass: a demonstration never sticks.
//
// # Storage
//
// Each keeps a journal in the data directory, one JSON record a line, that is replayed when it is opened. A record is
// written before the answer goes out, so that a chain never forgets what the ledger may have seen of it; it is not
// synced to disk, because nobody's money depends on it. A last line that was not written to its end is cut off. Only one
// process may have a data directory open at a time; the lock on the database beside it sees to that.
package dummy

import (
	"context"

	"github.com/skycoin/teller"
)

// alive answers CodeUnavailable when the caller's context has ended.
func alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "given up: %w", err)
	}
	return nil
}
