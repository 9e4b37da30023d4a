package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/skycoin/teller"
)

type holdRequest struct {
	DepositID string `json:"deposit_id"`
	// Version is that of the deposit when it was read. When it has changed since, nothing is done.
	Version uint64 `json:"version"`
	TxID    string `json:"txid"` // for paid and refund only
	Reason  string `json:"reason"`
}

// act is an operator's decision about one deposit.
type act func(ctx context.Context, id string, act teller.Act) (teller.Deposit, error)

// release is POST /api/holds/release. It says nothing of the hold that it means, so it needs the version: the hold that was
// read may have gone away by itself, and another one, which nobody has looked at, be in its place.
func (a *admin) release(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, func(req holdRequest) (act, error) {
		if req.Version == 0 {
			return nil, badRequest("Missing version")
		}
		return a.Store.Release, nil
	})
}

// close is POST /api/holds/close.
func (a *admin) close(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, func(holdRequest) (act, error) { return a.Store.CloseDeposit, nil })
}

// paid is POST /api/holds/paid: a transaction that somebody made by hand has paid the deposit.
func (a *admin) paid(w http.ResponseWriter, r *http.Request) error {
	return a.decide(w, r, func(req holdRequest) (act, error) {
		txid := strings.ToLower(strings.TrimSpace(req.TxID))
		if txid == "" {
			return nil, badRequest("Missing txid")
		}
		return func(ctx context.Context, id string, by teller.Act) (teller.Deposit, error) {
			return a.MarkPaid(ctx, id, txid, by)
		}, nil
	})
}

// decide carries out an operator's decision, which choose makes of the request, and answers with the deposit as it is
// then. Every decision needs a reason: the audit log is read by people who were not there.
func (a *admin) decide(w http.ResponseWriter, r *http.Request, choose func(holdRequest) (act, error)) error {
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
	do, err := choose(req)
	if err != nil {
		return err
	}
	d, err := do(r.Context(), id, teller.Act{Actor: actorOf(r), Reason: reason, Version: req.Version})
	if err != nil {
		return err
	}
	shown := a.withOrder(r.Context(), d)
	return writeJSON(w, shapeDeposit(&shown))
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
