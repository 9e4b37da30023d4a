package bolt

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/skycoin/teller"
)

// journalActor stands in the audit log for what the journal has told.
const journalActor = "journal"

// recallRow is what the journal tells about a deposit that the database, an older backup, does not know: which payout
// pays it, or why an operator has closed it, or what he has refunded. It waits until the deposit is where it can be applied.
type recallRow struct {
	PayoutTxID string          `json:"payout,omitempty"`
	Coins      teller.Droplets `json:"coins,omitempty"`
	Closed     *journalClosed  `json:"closed,omitempty"` // beside a payout: the refund before it
}

// refundOnly reports whether Closed is a refund that has not ended the deposit.
func (r recallRow) refundOnly() bool { return r.Closed != nil && r.Closed.Owed > 0 }

// restorePayout takes over a payout that the database does not know. Its bytes are broadcast again until the chain has
// them or can not take them any more, like those of any other payout.
func (t *txn) restorePayout(p teller.Payout) (bool, error) {
	if _, known, err := t.payout(p.TxID); err != nil || known || t.get(indexWithdrawal, []byte(p.TxID)) != nil {
		return false, err
	}
	t.wrote = true
	rivals, err := t.rivals(p)
	if err != nil {
		return false, err
	}
	t.putPayout(p, true)
	t.audit(teller.AuditEntry{Event: eventPayout, TxID: p.TxID, Actor: journalActor, Detail: "restored: the database is older than its journal"})
	for _, sh := range p.Shares {
		if err := t.restoreFate(sh.DepositID, recallRow{PayoutTxID: p.TxID, Coins: sh.Coins}); err != nil {
			return false, err
		}
	}
	step := &skyStep{txn: t}
	for _, rival := range rivals {
		if err := step.killPayout(rival, teller.SkyTx{ID: p.TxID}); err != nil {
			return false, err
		}
	}
	return true, nil
}

// restoreAttempt takes over that there was an order that the database does not know. What became of it, the exchange tells.
func (t *txn) restoreAttempt(a journalAttempt) (bool, error) {
	n, err := t.attempted(a.DepositID)
	if err != nil || n >= a.N {
		return false, err
	}
	t.put(bucketAttempts, []byte(a.DepositID), seqKey(uint64(a.N)))
	return true, nil
}

// attemptTold is the number of the last attempt that the journal has told of, 0 when it has told nothing.
func (t *txn) attemptTold(depositID string) (int, error) {
	switch told := t.get(bucketAttempts, []byte(depositID)); len(told) {
	case 0:
		return 0, nil
	case 8:
		return int(binary.BigEndian.Uint64(told)), nil
	}
	return 0, corrupt(bucketAttempts, []byte(depositID), teller.Errorf(teller.CodeCorrupt, "no number"))
}

// attempted is the number of the last attempt that the ledger or the journal knows of.
func (t *txn) attempted(depositID string) (int, error) {
	n, err := t.attemptTold(depositID)
	if err != nil {
		return 0, err
	}
	r, err := t.deposit(depositID)
	if err == nil && r != nil {
		n = max(n, r.Attempts)
	}
	return n, err
}

// rivals are the pending payouts that spend an input of a restored one. The ledger that made the later one knew that they
// were dead, or it could not have had their inputs.
func (t *txn) rivals(p teller.Payout) (rivals []payoutRow, err error) {
	seen := make(map[string]bool)
	for _, in := range p.Inputs {
		txid := string(t.get(bucketReserved, []byte(in)))
		if txid == "" || seen[txid] {
			continue
		}
		seen[txid] = true
		row, known, err := t.payout(txid)
		if err != nil {
			return nil, err
		}
		if known && row.Status == teller.PayoutPending {
			rivals = append(rivals, row)
		}
	}
	return rivals, nil
}

// restoreClosed takes over that an operator has closed a deposit, or refunded it.
func (t *txn) restoreClosed(c journalClosed) (bool, error) {
	r, err := t.deposit(c.DepositID)
	if err != nil || (r != nil && r.Status == teller.StatusDone) {
		return false, err
	}
	if r != nil && c.Owed > 0 && r.RefundTxID == c.Refund {
		return false, nil
	}
	t.wrote = true
	return true, t.restoreFate(c.DepositID, recallRow{Closed: &c})
}

// restoreFate puts down what has become of a deposit; the last that the journal tells counts. A payout leaves the refund
// before it standing.
func (t *txn) restoreFate(id string, row recallRow) error {
	was, _, err := getJSON[recallRow](t, bucketRecalls, []byte(id))
	switch {
	case err != nil:
		return err
	case row.PayoutTxID != "" && was.refundOnly():
		row.Closed = was.Closed
	case row.refundOnly() && was.PayoutTxID != "": // in a journal that was written anew
		row.PayoutTxID, row.Coins = was.PayoutTxID, was.Coins
	}
	t.putJSON(bucketRecalls, []byte(id), row)
	r, err := t.deposit(id)
	if err != nil || r == nil {
		return err
	}
	return t.recall(r)
}

// recall applies what the journal tells about a deposit as soon as it is credited. Until then it is a deposit like any
// other: what is paid out for it counts only once it has come in.
func (t *txn) recall(r *record) error {
	row, ok, err := getJSON[recallRow](t, bucketRecalls, []byte(r.ID))
	if err != nil || !ok || !r.Credited() {
		return err
	}
	if row.refundOnly() {
		t.del(bucketRecalls, []byte(r.ID))
		if err := t.recallRefund(r, *row.Closed); err != nil || row.PayoutTxID == "" {
			return err
		}
		row.Closed = nil
		t.putJSON(bucketRecalls, []byte(r.ID), row)
	}
	if r.Status == teller.StatusWaitingConfirm { // of what the original sent there is no payout: closing ends it
		pending, err := t.inPendingPayout(r)
		if err != nil || pending || row.Closed == nil {
			return err
		}
	}
	t.del(bucketRecalls, []byte(r.ID))
	if r.Status == teller.StatusDone {
		return nil
	}
	if row.Closed != nil {
		return t.recallClosed(r, *row.Closed)
	}
	return t.recallPayout(r, row)
}

// recallRefund lets nothing more be bought for a deposit whose unspent coins were given back, and sends what is left to be
// sent. What its orders have come to since the backup is found out as ever.
func (t *txn) recallRefund(r *record, c journalClosed) error {
	if r.Status == teller.StatusDone {
		return nil
	}
	if err := r.RecallRefund(c.Refund, c.Owed, t.now); err != nil {
		return err
	}
	if r.Import == teller.ImportPending {
		r.Import = teller.ImportChecked
	}
	return t.save(r, eventRefund, teller.AuditEntry{Actor: journalActor, TxID: c.Refund, Detail: c.Reason})
}

// recallClosed ends a deposit as an operator has ended it.
func (t *txn) recallClosed(r *record, c journalClosed) error {
	if c.Refund != "" {
		r.RefundTxID = c.Refund
	}
	if c.Coins > 0 {
		if r.Owed != 0 && r.Owed != c.Coins {
			r.Owed = c.Coins // decided anew since, at the same rate: it can only differ by what was configured
		}
		if err := r.MarkPaid(c.TxID, c.Coins, t.now); err != nil {
			return err
		}
		if err := t.save(r, eventMarkPaid, teller.AuditEntry{Actor: journalActor, TxID: c.TxID, Detail: c.Reason}); err != nil {
			return err
		}
		return t.claim(r, c.TxID, journalActor)
	}
	if err := r.Close(c.Reason, t.now); err != nil {
		return err
	}
	return t.save(r, eventClose, teller.AuditEntry{Actor: journalActor, TxID: c.TxID, Detail: c.Reason})
}

// recallPayout puts a deposit into the payout that pays it.
func (t *txn) recallPayout(r *record, row recallRow) error {
	p, known, err := t.payout(row.PayoutTxID)
	if err != nil || !known || p.Status == teller.PayoutDead {
		return err
	}
	if err := r.Recall(p.TxID, row.Coins, t.now); err != nil {
		return err
	}
	if r.Import == teller.ImportPending {
		r.Import = teller.ImportChecked
	}
	if err := t.save(r, eventRecall, teller.AuditEntry{TxID: p.TxID, Actor: journalActor, Detail: row.Coins.String() + " SKY"}); err != nil {
		return err
	}
	if p.Status != teller.PayoutConfirmed {
		return nil
	}
	if err := r.Confirm(p.TxID, t.now); err != nil {
		return err
	}
	return t.save(r, eventConfirm, teller.AuditEntry{TxID: p.TxID, Actor: journalActor})
}

// paidAndMissing tells of deposits that payouts of the journal pay and that have not come in, "" when there is none. One that
// only a balance spoke for, or a trace, may come in under another name.
func (t *txn) paidAndMissing() (string, error) {
	const most = 20
	var told []string
	err := t.each(bucketRecalls, nil, nil, func(id, _ []byte) (bool, error) {
		row, _, err := getJSON[recallRow](t, bucketRecalls, id)
		if err == nil && row.PayoutTxID != "" && t.get(bucketDeposits, id) == nil {
			told = append(told, fmt.Sprintf("payout %s paid %s SKY for %s", row.PayoutTxID, row.Coins, id))
		}
		return err == nil && len(told) < most, err
	})
	return strings.Join(told, ", "), err
}
