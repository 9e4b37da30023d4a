package teller

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// AuditEntry is one line of the ledger's history: a transition of a deposit, an operator's act, or something that
// happened to the wallet or a chain. Entries are never changed and never removed, and each of them carries a hash over
// all that stand before it: see Link.
type AuditEntry struct {
	Seq       uint64    `json:"seq"`
	Time      time.Time `json:"time"` // in whole seconds
	Event     string    `json:"event"`
	DepositID string    `json:"deposit_id,omitempty"`
	TxID      string    `json:"txid,omitempty"`
	From      Status    `json:"from,omitempty"`
	To        Status    `json:"to,omitempty"`
	Actor     string    `json:"actor,omitempty"` // who did it by hand, "" = teller itself
	Detail    string    `json:"detail,omitempty"`

	// How the deposit stands after the event, so that its last entry tells what its row must say. Version is 0 in an
	// entry about something else, and in those of ledgers from before the log was chained.
	Version uint64       `json:"version,omitempty"`
	PaidBy  string       `json:"paid_by,omitempty"` // the deposit's PayoutTxID
	Holds   []HoldReason `json:"holds,omitempty"`   // the one to be decided next first
	Row     string       `json:"row,omitempty"`     // a digest of the whole row, as its store defines it

	// Hash is what Link returns; "" in the entries of ledgers from before the log was chained.
	Hash string `json:"hash,omitempty"`
}

// Link is the entry's hash in the chain, given the hash of the entry before ("" for the first one): the SHA-256, in lower
// case hex, of that hash in hex, followed by the entry's fields in the order
//
//	seq time event deposit txid from to actor detail version paid hold row
//
// A field is written as its name, a colon, the length of its value in bytes as a decimal number, a colon, the value and a
// line feed. Texts are written as they are, numbers in decimal, the time as unix seconds; holds are one field each. An
// empty text and the number 0 are left out, but for seq and time. A field that is added to AuditEntry later is written
// behind row, and left out when it is empty: so what was written before verifies for ever.
func (e AuditEntry) Link(before string) string {
	b := append(make([]byte, 0, 512), before...)
	field := func(name, value string) {
		b = append(append(b, name...), ':')
		b = append(strconv.AppendInt(b, int64(len(value)), 10), ':')
		b = append(append(b, value...), '\n')
	}
	text := func(name, value string) {
		if value != "" {
			field(name, value)
		}
	}
	field("seq", strconv.FormatUint(e.Seq, 10))
	field("time", strconv.FormatInt(e.Time.Unix(), 10))
	text("event", e.Event)
	text("deposit", e.DepositID)
	text("txid", e.TxID)
	text("from", string(e.From))
	text("to", string(e.To))
	text("actor", e.Actor)
	text("detail", e.Detail)
	if e.Version > 0 {
		field("version", strconv.FormatUint(e.Version, 10))
	}
	text("paid", e.PaidBy)
	for _, h := range e.Holds {
		text("hold", string(h))
	}
	text("row", e.Row)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
