package httpapi

import (
	"net/http"
	"strings"

	"github.com/skycoin/teller"
)

type rescanRequest struct {
	CoinType string `json:"coin_type"`
	From     *int64 `json:"from"`
	Reason   string `json:"reason"`
}

type rescanJSON struct {
	CoinType  teller.Coin `json:"coin_type"`
	From      int64       `json:"from"`
	To        int64       `json:"to"`
	Next      int64       `json:"next"`
	Done      bool        `json:"done"`
	Found     int         `json:"found"` // deposits that were missing
	StartedAt int64       `json:"started_at"`
}

func shapeRescan(r teller.Rescan) rescanJSON {
	return rescanJSON{r.Coin, r.From, r.To, r.Next, r.Done(), r.Found, unix(r.StartedAt)}
}

// rescansOf is /api/rescans.
func (a *admin) rescansOf(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		return a.startRescan(w, r)
	}
	return a.rescans(w, r)
}

// startRescan is POST /api/rescans: read all blocks from a height on again. It is always safe: what the ledger knows is
// left as it is.
func (a *admin) startRescan(w http.ResponseWriter, r *http.Request) error {
	var req rescanRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	coin, err := teller.ParseCoin(strings.TrimSpace(req.CoinType))
	if err != nil {
		return badRequest("Invalid coin_type")
	}
	if req.From == nil || *req.From < 0 {
		return badRequest("Missing from: the height of the first block to read again")
	}
	if !a.Addresses(coin).Scanning {
		return badRequest("%s not enabled", coin)
	}
	job, err := a.Store.StartRescan(r.Context(), coin, *req.From, teller.Act{Actor: actorOf(r), Reason: strings.TrimSpace(req.Reason)})
	if err != nil {
		return err
	}
	return writeJSON(w, shapeRescan(job))
}

// rescans is GET /api/rescans: the last one of each coin.
func (a *admin) rescans(w http.ResponseWriter, r *http.Request) error {
	resp := struct {
		Rescans []rescanJSON `json:"rescans"`
	}{[]rescanJSON{}}
	for _, coin := range teller.Coins {
		job, err := a.Store.Rescan(r.Context(), coin)
		if teller.CodeOf(err) == teller.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		resp.Rescans = append(resp.Rescans, shapeRescan(job))
	}
	return writeJSON(w, resp)
}
