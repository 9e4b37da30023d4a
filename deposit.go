package teller

import (
	"fmt"
	"slices"
	"time"
)

// DepositID names the output or transfer: "txid:n".
func DepositID(txid string, n uint32) string { return fmt.Sprintf("%s:%d", txid, n) }

// Deposit is one output (BTC, SKY) or transfer (ETH) that pays a bound address. A row exists from the moment its block
// is seen and is never deleted. Rows are changed only by the methods below, inside a store's transaction, and every
// change of status goes through Next.
type Deposit struct {
	ID      string // DepositID; with a suffix "#2" in the one case that an imported row owns the plain id of another output
	Seq     uint64 // position in the ledger, from 1, in the order of recording
	Version uint64 // grows by one with every change; compare-and-set works on it

	Coin       Coin
	Address    string
	SkyAddress string
	BuyMethod  BuyMethod
	Value      Amount
	TxID       string
	N          uint32
	Height     int64  // of the block that holds it
	BlockHash  string // "" for imported rows
	// ByBalance says that no transfer is known: the address held more than all known ones explain (see CompareBalances).
	// TxID is then the hash of the block after which that was noticed.
	ByBalance bool

	Rate   Rate     // in force when the deposit was first recorded; kept through reorgs
	Status Status   //
	Owed   Droplets // fixed by Decide, 0 before
	Sent   Droplets // what the current payout, pending or confirmed, pays: 0 or Owed
	// Bought and Spent are what all of its orders on an exchange have bought and spent so far, fees included.
	Bought   Droplets
	Spent    Amount
	Attempts int // orders made; the last one is OrderClientID(ID, Attempts)
	// RefundTxID is the transaction by which an operator has given back what was not spent, "" = none.
	RefundTxID string
	// PayoutTxID is the Skycoin transaction that pays it, "" while there is none. For an imported row it is what the
	// original had noted.
	PayoutTxID string
	Error      string // permanent: why it was closed without being paid, or ErrSendAmountZero
	// Uncounted says that it was closed as coins that are another deposit's, or that nobody could explain.
	Uncounted bool

	Orphaned bool   // its block is not on the best chain (any more)
	Hold     *Hold  // nil, or why an operator must decide
	Behind   []Hold // further reasons, each to be decided on its own once Hold is
	// Import is the state of the check that an imported row needs before it may be paid; "" for rows of our own.
	Import ImportState
	// Absorbed is the id of the real output that an imported row turned out to be ("" until a scan meets it): the
	// original numbered all BTC and SKY outputs 0.
	Absorbed  string
	UpdatedAt time.Time
}

// ImportState says how far the check of an imported deposit has come.
type ImportState string

// The import states.
const (
	ImportNone    ImportState = ""        // not imported
	ImportPending ImportState = "pending" // the Skycoin chain must be asked first; not due until then
	ImportChecked ImportState = "checked" // treated like any other row
)

// HoldReason classifies a Hold.
type HoldReason string

// The reasons for a hold.
const (
	HoldOrphaned      HoldReason = "orphaned"       // credited, then its block left the chain: deeper than the confirmations
	HoldBeforeBinding HoldReason = "before_binding" // mined at or below the height at which its address was bound
	HoldOwnPayout     HoldReason = "own_payout"     // made by one of our own payouts: two counters bound to each other
	HoldWithdrawal    HoldReason = "withdrawal"     // a transaction out of the wallet that the ledger did not make pays its SKY address
	HoldImportPaid    HoldReason = "import_paid"    // imported unpaid, but the wallet's history shows a payment like it
	HoldImportUnknown HoldReason = "import_unknown" // imported as sent, but no node knows the transaction
	HoldImportOrder   HoldReason = "import_order"   // imported in the middle of an exchange order
	HoldImportHeight  HoldReason = "import_height"  // found at or below the imported height, and no imported row is it
	HoldRebuilt       HoldReason = "rebuilt"        // mined before a lost ledger was begun anew from its journal of bindings
	HoldUnexplained   HoldReason = "unexplained"    // its address holds more than all known transfers to it: see CompareBalances
	HoldDuplicate     HoldReason = "duplicate"      // a deposit found by the address's balance may be the same coins
	HoldOrderFailed   HoldReason = "order_failed"   // its orders on the exchange have not bought all that they should
	HoldOrderUnknown  HoldReason = "order_unknown"  // the exchange may have an order that it does not show, or not any more, or that is to be ended
	HoldBelowMinimum  HoldReason = "below_minimum"  // too small for any order on the exchange
	HoldUnpayable     HoldReason = "unpayable"      // no valid transaction can pay it: its SKY address or amount is refused; or no exchange trades its coin
)

// Hold marks a deposit that needs an operator's decision. A held deposit keeps its status and is never paid, but a
// payout of it that was stored before is still confirmed.
type Hold struct {
	Reason HoldReason `json:"reason"`
	Detail string     `json:"detail"` // for the operator: what was seen, with the ids to look up
	Since  time.Time  `json:"since"`
}

// Credited reports whether the deposit is past waiting for its block to be deep enough: credited, or closed before.
func (d *Deposit) Credited() bool { return d.Status != StatusWaitingDeposit }

// Received reports whether the deposit is among the coins received. Of two deposits that may be the same coins, one that
// is closed without being paid is not.
func (d *Deposit) Received() bool { return d.Credited() && !d.Uncounted }

// Doubtful reports whether an operator must say that these coins came, and came once, before they are credited.
func (d *Deposit) Doubtful() bool { return d.HeldFor(HoldUnexplained) || d.HeldFor(HoldDuplicate) }

// Due reports whether a worker may act on the deposit in its status: it is not held, not orphaned, and not an unchecked import.
func (d *Deposit) Due() bool { return d.Hold == nil && !d.Orphaned && d.Import != ImportPending }

func (d *Deposit) apply(e Event, now time.Time) error {
	to, err := Next(d.Status, e)
	if err != nil {
		return err
	}
	d.Status = to
	d.touch(now)
	return nil
}

func (d *Deposit) touch(now time.Time) {
	d.UpdatedAt = now
	d.Version++
}

// Credit counts the deposit as received: its block is canonical at the required depth (I4), and it is not Doubtful.
func (d *Deposit) Credit(now time.Time) error {
	if d.Orphaned || d.Doubtful() {
		return Errorf(CodeForbidden, "deposit %s is orphaned, unexplained or perhaps another one's coins", d.ID)
	}
	return d.apply(EventCredit, now)
}

// Decide fixes what is owed. An amount of 0 closes the deposit with ErrSendAmountZero. Once something is being bought for
// it, SendBought or an operator decides.
func (d *Deposit) Decide(owed Droplets, now time.Time) error {
	if err := d.mustBeDue(); err != nil {
		return err
	}
	if d.Status != StatusWaitingDecide {
		return Errorf(CodeForbidden, "deposit %s is %s: what it is owed is decided at its rate in %s only", d.ID, d.Status, StatusWaitingDecide)
	}
	if owed == 0 {
		if err := d.apply(EventDecideNil, now); err != nil {
			return err
		}
		d.Error = ErrSendAmountZero
		return nil
	}
	if err := d.apply(EventDecide, now); err != nil {
		return err
	}
	d.Owed = owed
	return nil
}

// Pay puts the deposit into the payout txid, which must pay exactly what is owed.
func (d *Deposit) Pay(txid string, share Droplets, now time.Time) error {
	if err := d.mustBeDue(); err != nil {
		return err
	}
	if txid == "" || share != d.Owed || share == 0 {
		return Errorf(CodeForbidden, "deposit %s is owed %s SKY, not %s by %q", d.ID, d.Owed, share, txid)
	}
	if err := d.apply(EventPay, now); err != nil {
		return err
	}
	d.PayoutTxID, d.Sent = txid, share
	return nil
}

func (d *Deposit) mustBeDue() error {
	if !d.Due() {
		return Errorf(CodeForbidden, "deposit %s is held, orphaned or not checked yet", d.ID)
	}
	return nil
}

// Recall puts the deposit into the payout txid, as the journal tells that it was before a backup was put back. What that
// payout pays is what is owed, and what has held the deposit in the backup does not any more, for it was paid since.
func (d *Deposit) Recall(txid string, share Droplets, now time.Time) error {
	if txid == "" || share == 0 {
		return Errorf(CodeForbidden, "deposit %s can not be in a payout %q of %s SKY", d.ID, txid, share)
	}
	if err := d.apply(EventRecall, now); err != nil {
		return err
	}
	d.PayoutTxID, d.Owed, d.Sent = txid, share, share
	d.dropHolds(HoldRebuilt)
	d.dropPurchaseHolds()
	return nil
}

// Confirm ends the deposit: the payout txid is in a block.
func (d *Deposit) Confirm(txid string, now time.Time) error {
	if d.PayoutTxID != txid {
		return Errorf(CodeForbidden, "deposit %s is paid by %s, not by %s", d.ID, d.PayoutTxID, txid)
	}
	return d.apply(EventConfirm, now)
}

// Supersede takes the deposit out of the payout txid, which can never confirm any more; it becomes payable again.
func (d *Deposit) Supersede(txid string, now time.Time) error {
	if d.PayoutTxID != txid {
		return Errorf(CodeForbidden, "deposit %s is paid by %s, not by %s", d.ID, d.PayoutTxID, txid)
	}
	if err := d.apply(EventSupersede, now); err != nil {
		return err
	}
	d.PayoutTxID, d.Sent = "", 0
	return nil
}

// Holds are all reasons for which the deposit is held, the one to decide next first.
func (d *Deposit) Holds() []Hold {
	if d.Hold == nil {
		return nil
	}
	return append([]Hold{*d.Hold}, d.Behind...)
}

func (d *Deposit) setHolds(holds []Hold) {
	d.Hold, d.Behind = nil, nil
	if len(holds) > 0 {
		d.Hold, d.Behind = &holds[0], slices.Clip(holds[1:])
	}
	if len(d.Behind) == 0 {
		d.Behind = nil
	}
}

// HeldFor reports whether a reason is among those for which the deposit is held.
func (d *Deposit) HeldFor(reason HoldReason) bool {
	return slices.ContainsFunc(d.Holds(), func(h Hold) bool { return h.Reason == reason })
}

// PutHold holds the deposit, whatever its status. A further reason waits behind the first, so that releasing one never
// decides about another that the operator may not have seen. The same one again is refused with CodeConflict.
func (d *Deposit) PutHold(reason HoldReason, detail string, now time.Time) error {
	same := func(h Hold) bool { return h.Reason == reason && h.Detail == detail }
	if slices.ContainsFunc(d.Holds(), same) {
		return Errorf(CodeConflict, "deposit %s is held for this already: %s", d.ID, reason)
	}
	d.setHolds(append(d.Holds(), Hold{Reason: reason, Detail: detail, Since: now}))
	d.touch(now)
	return nil
}

// Release is an operator's decision that the reason shown as Hold does not stand in the way. When another one is behind
// it, the deposit stays held for that. An imported deposit whose transaction is unknown can
// not be released: its signed bytes were not kept, so paying it could pay it twice.
func (d *Deposit) Release(now time.Time) error {
	if d.Hold == nil {
		return Errorf(CodeForbidden, "deposit %s is not held", d.ID)
	}
	if d.Hold.Reason == HoldImportUnknown || d.Hold.Reason == HoldImportOrder {
		return Errorf(CodeForbidden, "deposit %s can only be closed: what the original sent or ordered for it is not known", d.ID)
	}
	if d.Hold.Reason == HoldOrphaned {
		d.Orphaned = false // the operator vouches for it
	}
	d.setHolds(d.Holds()[1:])
	d.touch(now)
	return nil
}

// Close is an operator's decision that the deposit ends here, with a reason that becomes its permanent error. A done
// deposit stays as it is; only its holds are taken away. One that only a balance speaks for, or whose coins may be those
// of such a one, is Uncounted from now on: mostly it is closed because its coins are counted elsewhere.
func (d *Deposit) Close(reason string, now time.Time) error {
	if reason == "" {
		return Errorf(CodeInvalid, "closing deposit %s needs a reason", d.ID)
	}
	if d.Status == StatusDone && d.Hold == nil {
		return Errorf(CodeForbidden, "deposit %s is done", d.ID)
	}
	uncounted := d.ByBalance || d.HeldFor(HoldDuplicate)
	d.Hold, d.Behind, d.Orphaned = nil, nil, false
	if d.Status == StatusDone {
		d.touch(now)
		return nil
	}
	d.Error, d.Uncounted = reason, uncounted
	return d.apply(EventClose, now)
}

// MarkPaid is an operator's word that the transaction txid, which this ledger did not make for it, has paid what it is
// owed. Its holds are answered by that, and the operator vouches for the coins that came.
func (d *Deposit) MarkPaid(txid string, owed Droplets, now time.Time) error {
	if txid == "" || owed == 0 || (d.Owed != 0 && d.Owed != owed) {
		return Errorf(CodeForbidden, "deposit %s is owed %s SKY, not %s by %q", d.ID, d.Owed, owed, txid)
	}
	if err := d.apply(EventMarkPaid, now); err != nil {
		return err
	}
	d.Owed, d.Sent, d.PayoutTxID = owed, owed, txid
	d.Hold, d.Behind, d.Orphaned = nil, nil, false
	if d.Import == ImportPending {
		d.Import = ImportChecked
	}
	return nil
}

// Orphan notes that the deposit's block left the best chain. An uncredited row only waits to be mined again; if it was
// unexplained, nothing is left to explain. One that was or may be paid is held: the coins that it stands for are gone.
func (d *Deposit) Orphan(now time.Time) {
	d.Orphaned = true
	d.touch(now)
	if !d.Credited() {
		d.dropHolds(HoldUnexplained)
	}
	if d.Freezes() && !d.HeldFor(HoldOrphaned) {
		detail := fmt.Sprintf("block %d %s left the best chain after the deposit was credited", d.Height, d.BlockHash)
		d.setHolds(append(d.Holds(), Hold{Reason: HoldOrphaned, Detail: detail, Since: now}))
	}
}

// Freezes reports whether the deposit keeps its coin's crediting frozen: it was credited, its block is gone, and it was
// or may be paid. One that was closed without being paid costs nothing.
func (d *Deposit) Freezes() bool {
	neverPaid := d.Status == StatusDone && d.Sent == 0
	return d.Orphaned && d.Credited() && !neverPaid
}

// Remine notes that the same output is in a block of the best chain again. Its rate stays. A credited one stays held
// until Reinstate.
func (d *Deposit) Remine(at BlockRef, now time.Time) {
	d.Height, d.BlockHash = at.Height, at.Hash
	if !d.Freezes() {
		d.Orphaned = false
	}
	d.touch(now)
}

// Reinstate lifts the hold of a credited deposit that was orphaned and is now back at the required depth.
func (d *Deposit) Reinstate(now time.Time) {
	d.Orphaned = false
	d.dropHolds(HoldOrphaned)
	d.touch(now)
}

func (d *Deposit) dropHolds(reason HoldReason) {
	d.setHolds(slices.DeleteFunc(d.Holds(), func(h Hold) bool { return h.Reason == reason }))
}
