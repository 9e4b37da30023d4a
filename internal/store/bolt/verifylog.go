package bolt

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/skycoin/teller"
)

// checkLog follows the chain of the audit log from its first entry to the last, and every deposit through it.
func (v *verifier) checkLog() error {
	var head string
	var seq uint64
	chained := false
	err := v.rows(bucketAudit, func(k, raw []byte) error {
		v.res.Entries++
		var e teller.AuditEntry
		if err := json.Unmarshal(raw, &e); err != nil || len(k) != 8 {
			v.find(findLog, "Entry %d of the audit log can not be read.", v.res.Entries)
			return nil
		}
		at := binary.BigEndian.Uint64(k)
		if at != seq+1 {
			v.find(findLog, "Entries %d to %d of the audit log are missing.", seq+1, at-1)
		}
		seq = at
		if e.Seq != at {
			v.find(findLog, "Entry %d of the audit log says that it is entry %d.", at, e.Seq)
		}
		link := e.Link(head)
		switch {
		case e.Hash == "" && chained:
			v.find(findLog, "Entry %d of the audit log has no hash, though earlier ones have.", at)
		case e.Hash != "" && e.Hash != link:
			v.find(findLog, "Entry %d of the audit log (%s, %s) does not follow from those before it: its hash is %s, it should be %s. That entry or one before it was changed.",
				at, e.Time.Format("2006-01-02 15:04:05"), e.Event, e.Hash, link)
			link = e.Hash // what comes behind it is judged on its own
		}
		chained = chained || e.Hash != ""
		head = link
		v.follow(e)
		return nil
	})
	if err != nil {
		return err
	}
	b := v.bucket(bucketAudit)
	switch {
	case b == nil:
		v.find(findLog, "There is no audit log.")
	case b.Sequence() != seq:
		v.find(findLog, "The audit log ends with entry %d, but %d were written: the last ones were removed.", seq, b.Sequence())
	case !chained && seq > 0:
		v.find(findLog, "No entry of the audit log has a hash.")
	}
	v.res.Head = head
	return nil
}

// follow takes a deposit's entry for the state from which the next one goes on.
func (v *verifier) follow(e teller.AuditEntry) {
	if e.DepositID == "" || e.To == "" {
		return
	}
	was, known := v.last[v.key(e.DepositID)]
	to := slices.Index(teller.Statuses, e.To)
	if to < 0 {
		v.find(findReplay, "Entry %d of the audit log brings deposit %s to the unknown status %q.", e.Seq, e.DepositID, e.To)
		return
	}
	var from teller.Status
	if known {
		from = teller.Statuses[was.status]
	}
	switch {
	case e.From != from:
		v.find(findReplay, "Entry %d of the audit log says that deposit %s was in status %q; the entries before it left it in %q.", e.Seq, e.DepositID, e.From, from)
	case known && !leads(e.From, e.To):
		v.find(findReplay, "Entry %d of the audit log brings deposit %s from %s to %s, which no event does.", e.Seq, e.DepositID, e.From, e.To)
	}
	now := lastEntry{seq: e.Seq, status: byte(to), byHand: was.byHand || e.Event == eventMarkPaid, bought: was.bought}
	switch e.Event {
	case eventBought:
		now.bought = true
	case eventRefund:
		now.bought = e.Actor != journalActor
	}
	v.last[v.key(e.DepositID)] = now
}

// leads reports whether some event, or none, leads from one status to the other.
func leads(from, to teller.Status) bool {
	return from == to || slices.ContainsFunc(teller.Events, func(e teller.Event) bool {
		next, err := teller.Next(from, e)
		return err == nil && next == to
	})
}

// checkHistory holds a deposit's row against the last entry about it.
func (v *verifier) checkHistory(r *record, raw []byte) {
	last, known := v.last[v.key(r.ID)]
	if !known {
		v.find(findReplay, "Deposit %s is not in the audit log.", r.ID)
		return
	}
	e, ok, err := getJSON[teller.AuditEntry](v.txn, bucketAudit, seqKey(last.seq))
	if err != nil || !ok || e.DepositID != r.ID {
		return // the log's own fault, which is found there
	}
	switch {
	case e.To != r.Status:
		v.find(findReplay, "Deposit %s is in status %s; the audit log says %s (entry %d).", r.ID, r.Status, e.To, e.Seq)
	case e.Version == 0:
		if e.Event == eventConfirm && e.TxID != r.PayoutTxID {
			v.find(findReplay, "Deposit %s was paid by %q; the audit log says by %q (entry %d).", r.ID, r.PayoutTxID, e.TxID, e.Seq)
		}
	case e.PaidBy != r.PayoutTxID:
		v.find(findReplay, "Deposit %s is paid by %q; the audit log says by %q (entry %d).", r.ID, r.PayoutTxID, e.PaidBy, e.Seq)
	case !slices.EqualFunc(r.Holds(), e.Holds, func(h teller.Hold, why teller.HoldReason) bool { return h.Reason == why }):
		v.find(findReplay, "Deposit %s is held for %v; the audit log says for %v (entry %d).", r.ID, reasons(r), e.Holds, e.Seq)
	case e.Version != r.Version:
		v.find(findReplay, "Deposit %s has version %d; the audit log says %d (entry %d).", r.ID, r.Version, e.Version, e.Seq)
	case e.Row != rowDigest(raw):
		v.find(findReplay, "The row of deposit %s was changed behind the audit log: its last entry there is %d (%s).", r.ID, e.Seq, e.Event)
	}
}

func reasons(r *record) []teller.HoldReason {
	var all []teller.HoldReason
	for _, h := range r.Holds() {
		all = append(all, h.Reason)
	}
	return all
}
