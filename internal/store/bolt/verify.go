package bolt

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"

	"github.com/skycoin/teller"
)

// Kinds of findings about a ledger by itself.
const (
	findLog      = "log"      // the chain of the audit log is broken
	findReplay   = "replay"   // a deposit is not what its history says
	findRow      = "row"      // a row can not be read, or contradicts itself
	findIndex    = "index"    // an index does not agree with the rows
	findTotals   = "totals"   // sums do not agree with the rows
	findPayouts  = "payouts"  // deposits and payouts do not agree
	findOrders   = "orders"   // deposits and their orders on an exchange do not agree
	findReserved = "reserved" // outputs of the wallet and pending payouts do not agree
	findBooks    = "books"    // the wallet's books do not agree with its outputs
	findBindings = "bindings" // bindings do not agree with each other
)

// means says of each kind what it tells about the money.
var means = map[string]string{
	findLog:      "The history of this ledger was changed after it was written, or the file is damaged. What it says about past payments can not be relied on.",
	findReplay:   "A deposit was changed by something else than teller, or the file is damaged. What it is owed, to whom it goes or whether it was paid may be wrong.",
	findRow:      "A part of the ledger is damaged or was changed by something else than teller.",
	findIndex:    "A deposit may be overlooked, or shown where it does not belong. The file is damaged, was changed by something else than teller, or teller has a fault.",
	findTotals:   "The accounting does not show what the deposits are. The file is damaged, was changed by something else than teller, or teller has a fault.",
	findPayouts:  "A deposit may have been paid twice, or not at all. The file is damaged, was changed by something else than teller, or teller has a fault.",
	findOrders:   "More or less may have been bought for a deposit than is sent for it. The file is damaged, was changed by something else than teller, or teller has a fault.",
	findReserved: "Coins of the wallet might be spent twice, or never. The file is damaged, was changed by something else than teller, or teller has a fault.",
	findBooks:    "Coins are missing from the ledger, or it has too many. The file is damaged, was changed by something else than teller, or teller has a fault.",
	findBindings: "A buyer's coins might go to somebody else. The file is damaged, was changed by something else than teller, or teller has a fault.",
}

const (
	didNothing = "Nothing: teller does not repair a ledger by guessing."
	doRestore  = "Stop teller and keep a copy of the database and its journal as evidence. Find out who or what could write to the file, then restore the newest backup " +
		"in which `teller audit --offline` finds nothing, and leave the journal where it is."
)

// Verify checks the ledger in a file by itself: the chain of the audit log, the log against the deposits, every index
// against the rows and back, totals, payouts, orders, the wallet's books, bindings. It only reads. The file must not be in use
// (CodeUnavailable); CodeUnsupported when it is not of the present format, CodeCorrupt when it can not be read at all.
// It needs about 50 bytes of memory for each deposit.
func Verify(ctx context.Context, path string) (teller.Verification, error) {
	s, err := OpenReader(ctx, path)
	if err != nil {
		return teller.Verification{}, err
	}
	defer func() { _ = s.Close() }()
	return s.verify(ctx)
}

// Verify checks the whole ledger as the function Verify does, on a copy of it that is made beside the file and removed
// again: nobody waits meanwhile.
func (s *Store) Verify(ctx context.Context) (v teller.Verification, err error) {
	if s.w == nil {
		return s.verify(ctx) // nobody writes
	}
	f, err := s.copyBeside(ctx)
	if err != nil {
		return v, err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	return Verify(ctx, f.Name())
}

// VerifyWallet checks in one short look what must be right before anything is paid: the wallet's books against its
// outputs, reserved outputs against pending payouts and their deposits, and the orders on an exchange of what is being
// bought or to be paid next. Its cost is that of the wallet and what is pending, not of the ledger.
func (s *Store) VerifyWallet(ctx context.Context) ([]teller.Finding, error) {
	var found []teller.Finding
	err := s.view(ctx, func(t *txn) error {
		v := &verifier{txn: t, ctx: ctx, seed: maphash.MakeSeed()}
		for _, check := range []func() error{v.checkBooks, v.checkReserved, v.checkPending, v.checkBuying} {
			if err := check(); err != nil {
				return err
			}
		}
		found = v.findings.List()
		return nil
	})
	return found, err
}

// verifier is one check of a ledger, in one read transaction.
type verifier struct {
	*txn
	ctx      context.Context
	res      teller.Verification
	findings teller.Findings
	seed     maphash.Seed
	last     map[uint64]lastEntry // by the hash of a deposit's id; two ids with the same one are not to be expected
	steps    int
}

// lastEntry is what the log said last about a deposit.
type lastEntry struct {
	seq    uint64
	status byte // index in teller.Statuses
	paid   bool // a confirmed payout names it
	byHand bool // an operator has said that a transaction of somebody else paid it
	bought bool // what is owed was taken out of what was bought
}

func (s *Store) verify(ctx context.Context) (res teller.Verification, err error) {
	err = s.view(ctx, func(t *txn) error {
		v := &verifier{txn: t, ctx: ctx, seed: maphash.MakeSeed(), last: make(map[uint64]lastEntry)}
		for _, check := range []func() error{
			v.checkLog, v.checkPayouts, v.checkDeposits, v.checkUnbound, v.checkArrived, v.checkBindings, v.checkReserved,
			v.checkPending, v.checkWithdrawals, v.checkBooks, v.checkCursors,
		} {
			if err := check(); err != nil {
				return err
			}
		}
		res = v.res
		res.Findings = v.findings.List()
		return nil
	})
	return res, err
}

func (v *verifier) find(kind, format string, args ...any) {
	v.findings.Add(teller.Finding{Kind: kind, Found: fmt.Sprintf(format, args...), Means: means[kind], Did: didNothing, Do: doRestore})
}

// alive lets a long check end with its context.
func (v *verifier) alive() error {
	if v.steps++; v.steps%1000 != 0 {
		return nil
	}
	return v.ctx.Err()
}

// rows calls f for every key of a bucket.
func (v *verifier) rows(bucket string, f func(k, raw []byte) error) error {
	return v.each(bucket, nil, nil, func(k, raw []byte) (bool, error) {
		if err := v.alive(); err != nil {
			return false, err
		}
		return true, f(k, raw)
	})
}

func (v *verifier) key(id string) uint64 { return maphash.String(v.seed, id) }

// count is the number of keys of a bucket.
func (v *verifier) count(bucket string) (n int, err error) {
	err = v.rows(bucket, func(_, _ []byte) error { n++; return nil })
	return n, err
}
