package bolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/skycoin/teller"
)

// The events of the audit log.
const (
	eventRecord      = "record"      // a deposit was seen for the first time
	eventImport      = "import"      // a row of the original was taken over
	eventAbsorb      = "absorb"      // an output turned out to be an imported row
	eventRemine      = "remine"      // an orphaned deposit is in a block again
	eventReinstate   = "reinstate"   // and at the required depth
	eventOrphan      = "orphan"      // its block left the best chain
	eventCredit      = "credit"      //
	eventDecide      = "decide"      //
	eventPay         = "pay"         // it is in a stored payout
	eventConfirm     = "confirm"     // that payout is in a block
	eventSupersede   = "supersede"   // that payout died
	eventRecall      = "recall"      // the journal tells that it is in a payout, or was closed: a backup was put back
	eventHold        = "hold"        //
	eventRelease     = "release"     //
	eventMarkPaid    = "paid"        // by a transaction made by hand, an operator says
	eventClose       = "close"       //
	eventChecked     = "checked"     // an imported row's past was looked up
	eventRewind      = "rewind"      // the scan went back to an older block
	eventPayout      = "payout"      // a payout was stored
	eventPayoutDone  = "payout done" // it is in a block
	eventPayoutDead  = "payout dead" // another transaction spent one of its inputs
	eventOpening     = "opening"     // addresses of the wallet and what they held
	eventTopUp       = "top-up"      // coins came into the wallet
	eventWithdrawal  = "withdrawal"  // a transaction out of the wallet that the ledger did not make
	eventClaim       = "claim"       // a withdrawal's output was taken as a deposit's payment
	eventSettle      = "settle"      // a withdrawal has nothing to do with deposits, an operator says
	eventUnbound     = "unbound"     // a payment to an address that nobody is bound to
	eventRescan      = "rescan"      // blocks are read a second time: asked for, begun again, ended
	eventUpgrade     = "upgrade"     // a ledger of an older teller was brought to the present format
	eventLateConfirm = "late"        // a payout that was dead is in a block

	// Of an order on an exchange, each with its deposit.
	eventOrder       = "order"         // an attempt is stored
	eventPlacing     = "order placing" // the exchange is about to be called for it; the deposit's row does not change
	eventPlaced      = "order placed"  // the exchange has it
	eventOrderReport = "order report"  // it has bought more, or its status changed
	eventOrderFinal  = "order final"   // it buys nothing any more
	eventDoubt       = "order doubt"   // the exchange does not show it
	eventBought      = "bought"        // what was bought is to be sent
	eventPayInstead  = "pay instead"   // the wallet pays what was not bought, an operator has decided
	eventRefund      = "refund"        // what was not spent was given back, an operator says
)

// auditHead is the last entry of the audit log.
type auditHead struct {
	seq  uint64 // 0 = there is none
	hash string
}

// audit appends an entry to the log and links it to the one before.
func (t *txn) audit(e teller.AuditEntry) {
	_, before := t.auditHead()
	e.Seq, e.Time = t.nextSeq(bucketAudit), t.now
	e.Hash = e.Link(before)
	t.putJSON(bucketAudit, seqKey(e.Seq), e)
	t.head = &auditHead{e.Seq, e.Hash}
}

// auditHead returns the sequence number and hash of the last entry, 0 and "" when the log is empty. It is read once for a
// transaction.
func (t *txn) auditHead() (uint64, string) {
	if t.head == nil {
		t.head = &auditHead{}
		if b := t.bucket(bucketAudit); b != nil {
			if k, v := b.Cursor().Last(); k != nil {
				e, err := decodeEntry(k, v)
				t.fail(err)
				t.head = &auditHead{e.Seq, e.Hash}
			}
		}
	}
	return t.head.seq, t.head.hash
}

func decodeEntry(k, v []byte) (e teller.AuditEntry, err error) {
	if err = json.Unmarshal(v, &e); err != nil {
		err = corrupt(bucketAudit, bytes.Clone(k), err)
	}
	return e, err
}

// AuditHead returns the sequence number and hash of the last entry of the audit log, 0 and "" when there is none. Noted
// outside of the database, they prove later that nothing up to there was changed.
func (s *Store) AuditHead(ctx context.Context) (seq uint64, hash string, err error) {
	err = s.view(ctx, func(t *txn) error {
		seq, hash = t.auditHead()
		return t.err
	})
	return seq, hash, err
}

// describe adds to an entry how the deposit stands, raw being its row.
func (r *record) describe(e *teller.AuditEntry, raw []byte) {
	e.Version, e.PaidBy, e.Row = r.Version, r.PayoutTxID, rowDigest(raw)
	for _, h := range r.Holds() {
		e.Holds = append(e.Holds, h.Reason)
	}
}

// rowDigest is the first half, in hex, of the SHA-256 of a deposit's row as it is stored.
func rowDigest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

func (t *txn) auditPage(after uint64, limit int) ([]teller.AuditEntry, error) {
	if limit <= 0 {
		limit = pageSize
	}
	var es []teller.AuditEntry
	err := t.each(bucketAudit, nil, seqKey(after), func(k, v []byte) (bool, error) {
		e, err := decodeEntry(k, v)
		if err != nil {
			return false, err
		}
		es = append(es, e)
		return len(es) < limit, nil
	})
	return es, err
}
