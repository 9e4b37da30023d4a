package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// statusEntry is one deposit, or one binding that nothing was paid to yet. It never carries the deposit address: who
// knows a SKY address may follow its deposits, but not learn where they were paid.
type statusEntry struct {
	Seq                   int           `json:"seq"`
	UpdatedAt             int64         `json:"updated_at"`
	Status                teller.Status `json:"status"`
	CoinType              teller.Coin   `json:"coin_type"`
	TxID                  string        `json:"txid"` // of the payout
	Confirmations         int64         `json:"confirmations"`
	ConfirmationsRequired int64         `json:"confirmations_required"`
	Seen                  string        `json:"seen"` // where the deposit is: see the constants
}

// Where a deposit was seen. Only what is in a block at the required depth is credited.
const (
	seenNowhere = ""
	seenMempool = "mempool"
	seenBlock   = "block"
)

type statusResponse struct {
	Statuses []statusEntry `json:"statuses"`
}

// status is GET /api/status.
func (p *public) status(w http.ResponseWriter, r *http.Request) error {
	skyAddr := strings.TrimSpace(r.URL.Query().Get("skyaddr"))
	if skyAddr == "" {
		return badRequest("Missing skyaddr")
	}
	skyAddr, err := p.parseSkyAddr(skyAddr)
	if err != nil {
		return err
	}
	entries, err := p.entriesOf(r.Context(), skyAddr, p.Clock.Now())
	if err != nil {
		return concealed(err)
	}
	return writeJSON(w, statusResponse{entries})
}

func (p *public) entriesOf(ctx context.Context, skyAddr string, now time.Time) ([]statusEntry, error) {
	bindings, err := p.Store.BindingsOf(ctx, skyAddr)
	if err != nil {
		return nil, err
	}
	entries := []statusEntry{} // an unknown address has an empty list, not null
	tips := make(map[teller.Coin]int64)
	for _, b := range bindings {
		deposits, err := p.Store.DepositsTo(ctx, b.Coin, b.Address)
		if err != nil {
			return nil, err
		}
		if _, known := tips[b.Coin]; !known && len(deposits) > 0 {
			if tips[b.Coin], err = p.tip(ctx, b.Coin); err != nil {
				return nil, err
			}
		}
		entries = append(entries, p.entriesFor(b, deposits, tips[b.Coin], now)...)
	}
	for i := range entries {
		entries[i].Seq = i + 1
	}
	return entries, nil
}

// entriesFor are the entries of one binding, not yet numbered: its deposits, and what is on its way to become one.
func (p *public) entriesFor(b teller.Binding, deposits []teller.Deposit, tip int64, now time.Time) []statusEntry {
	required := p.Terms.Coins[b.Coin].Confirmations
	waiting := statusEntry{
		UpdatedAt: now.Unix(), Status: teller.StatusWaitingDeposit, CoinType: b.Coin, ConfirmationsRequired: required,
	}
	entries := make([]statusEntry, 0, max(1, len(deposits)))
	for i := range deposits {
		d := &deposits[i]
		entries = append(entries, statusEntry{
			UpdatedAt: d.UpdatedAt.Unix(), Status: d.Status, CoinType: d.Coin, TxID: d.PayoutTxID,
			Confirmations: confirmations(d, tip, required), ConfirmationsRequired: required,
			Seen: seenBlock,
		})
	}
	for _, t := range p.Unconfirmed(b.Coin, b.Address) {
		mined := func(d teller.Deposit) bool { return d.TxID == t.TxID && d.N == t.N }
		if slices.ContainsFunc(deposits, mined) {
			continue // the window on the mempool is a little older than the ledger
		}
		waiting.Seen = seenMempool
		entries = append(entries, waiting)
	}
	if len(entries) == 0 {
		waiting.Seen = seenNowhere
		entries = append(entries, waiting)
	}
	return entries
}

// confirmations counts as the counter counts: the blocks on top of the deposit's own, and no further than it needs.
func confirmations(d *teller.Deposit, tip, required int64) int64 {
	if d.Credited() {
		return required
	}
	return min(max(tip-d.Height, 0), required)
}

// tip is the height up to which a chain is known, or UnknownHeight.
func (p *public) tip(ctx context.Context, coin teller.Coin) (int64, error) {
	c, err := p.Store.Cursor(ctx, coin)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return teller.UnknownHeight, nil
	}
	return c.Tip, err
}
