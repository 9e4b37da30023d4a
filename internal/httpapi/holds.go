package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/skycoin/teller"
)

type holdRequest struct {
	DepositID string `json:"deposit_id"`
	Reason    string `json:"reason"`
}

// release is POST /api/holds/release.
func (a *admin) release(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, a.Store.Release)
}

// close is POST /api/holds/close.
func (a *admin) close(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, a.Store.CloseDeposit)
}

// decide carries out an operator's decision and answers with the deposit as it is then. Both decisions need a reason:
// the audit log is read by people who were not there.
func (a *admin) decide(
	w http.ResponseWriter, r *http.Request, act func(context.Context, string, teller.Act) (teller.Deposit, error),
) error {
	var req holdRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	id, reason := strings.TrimSpace(req.DepositID), strings.TrimSpace(req.Reason)
	if id == "" {
		return badRequest("Missing deposit_id")
	}
	if reason == "" {
		return badRequest("Missing reason")
	}
	d, err := act(r.Context(), id, teller.Act{Actor: actorOf(r), Reason: reason})
	if err != nil {
		return err
	}
	return writeJSON(w, shapeDeposit(&d))
}

type settleRequest struct {
	TxID   string `json:"txid"`
	Reason string `json:"reason"`
}

// settle is POST /api/withdrawals/settle: the withdrawal has nothing to do with deposits, and holds no further ones.
func (a *admin) settle(w http.ResponseWriter, r *http.Request) error {
	var req settleRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	txid, reason := strings.TrimSpace(req.TxID), strings.TrimSpace(req.Reason)
	if txid == "" {
		return badRequest("Missing txid")
	}
	if reason == "" {
		return badRequest("Missing reason")
	}
	if err := a.Store.SettleWithdrawal(r.Context(), txid, teller.Act{Actor: actorOf(r), Reason: reason}); err != nil {
		return err
	}
	return writeJSON(w, struct{}{})
}

// actorOf names who acts: the user that HTTP Basic names, if any, and from where. The name is the operator's own word;
// what is checked is the token.
func actorOf(r *http.Request) string {
	user, _, _ := r.BasicAuth()
	if user = oneLine(strings.TrimSpace(user)); user == "" {
		user = "admin"
	}
	from, _ := clientKey(r)
	return user + "@" + from
}
