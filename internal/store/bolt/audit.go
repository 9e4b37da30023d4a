package bolt

import (
	"bytes"
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
	eventHold        = "hold"        //
	eventRelease     = "release"     //
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
)

// audit appends an entry to the log.
func (t *txn) audit(e teller.AuditEntry) {
	e.Seq, e.Time = t.nextSeq(bucketAudit), t.now
	t.putJSON(bucketAudit, seqKey(e.Seq), e)
}

func (t *txn) auditPage(after uint64, limit int) ([]teller.AuditEntry, error) {
	if limit <= 0 {
		limit = pageSize
	}
	var es []teller.AuditEntry
	err := t.each(bucketAudit, nil, seqKey(after), func(k, v []byte) (bool, error) {
		var e teller.AuditEntry
		if err := json.Unmarshal(v, &e); err != nil {
			return false, corrupt(bucketAudit, bytes.Clone(k), err)
		}
		es = append(es, e)
		return len(es) < limit, nil
	})
	return es, err
}
