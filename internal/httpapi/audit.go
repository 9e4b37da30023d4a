package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/skycoin/teller"
)

type auditJSON struct {
	Seq       uint64        `json:"seq"`
	Time      int64         `json:"time"`
	Event     string        `json:"event"`
	DepositID string        `json:"deposit_id"`
	TxID      string        `json:"txid"`
	From      teller.Status `json:"from"`
	To        teller.Status `json:"to"`
	Actor     string        `json:"actor"`
	Detail    string        `json:"detail"`

	// What the hash is over besides: with all of it anybody can follow the chain.
	Version uint64              `json:"version"`
	PaidBy  string              `json:"paid_by"`
	Holds   []teller.HoldReason `json:"holds"`
	Row     string              `json:"row"`
	Hash    string              `json:"hash"`
}

func shapeEntry(e *teller.AuditEntry) auditJSON {
	out := auditJSON{
		Seq: e.Seq, Time: unix(e.Time), Event: e.Event, DepositID: e.DepositID, TxID: e.TxID, From: e.From, To: e.To,
		Actor: e.Actor, Detail: e.Detail, Version: e.Version, PaidBy: e.PaidBy, Holds: e.Holds, Row: e.Row, Hash: e.Hash,
	}
	if out.Holds == nil {
		out.Holds = []teller.HoldReason{}
	}
	return out
}

// audit is GET /api/audit: the audit log.
func (a *admin) audit(w http.ResponseWriter, r *http.Request) error {
	pos, err := positionOf(r.URL.Query())
	if err != nil {
		return err
	}
	fetch := func(after uint64, limit int) ([]teller.AuditEntry, error) {
		return a.Store.Audit(r.Context(), after, limit)
	}
	return streamList(w, r, "audit", func() ([]auditJSON, error) {
		return turn(pos, fetch, func(e *teller.AuditEntry) uint64 { return e.Seq }, shapeEntry)
	})
}

// auditReport is GET /api/audit/report: it compares the ledger with the nodes, which may take minutes, and changes
// nothing. The client must be patient; when it goes away, the audit ends.
func (a *admin) auditReport(w http.ResponseWriter, r *http.Request) error {
	from, err := fromOf(r.URL.Query()["from"])
	if err != nil {
		return err
	}
	out := newPatientWriter(w)
	if r.Method == http.MethodHead {
		return nil
	}
	report, err := a.Audit(r.Context(), from)
	if err != nil {
		return err
	}
	if report.Findings == nil {
		report.Findings = []teller.Finding{}
	}
	return writeJSON(patientResponse{w, out}, report)
}

// patientResponse is a response whose write deadline begins with its first byte.
type patientResponse struct {
	http.ResponseWriter
	out *patientWriter
}

func (p patientResponse) Write(b []byte) (int, error) { return p.out.Write(b) }

// fromOf reads arguments like BTC=800000.
func fromOf(args []string) (map[teller.Coin]int64, error) {
	from := make(map[teller.Coin]int64, len(args))
	for _, arg := range args {
		name, number, _ := strings.Cut(arg, "=")
		coin, err := teller.ParseCoin(strings.ToUpper(name))
		if err != nil {
			return nil, badRequest("Invalid from")
		}
		height, err := strconv.ParseInt(number, 10, 64)
		if err != nil || height < 0 {
			return nil, badRequest("Invalid from")
		}
		from[coin] = height
	}
	return from, nil
}
