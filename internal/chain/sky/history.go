package sky

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/skycoin/teller"
)

// inJSON is an input as the node writes it when it is asked to be verbose: the output that is spent.
type inJSON struct {
	ID      string `json:"uxid"`
	Address string `json:"owner"`
	Coins   string `json:"coins"`
	SrcTx   string `json:"src_txid"`
	Hours   uint64 `json:"hours"`
}

// verboseTxJSON is a transaction with its inputs spelled out.
type verboseTxJSON struct {
	txParts
	Inputs []inJSON `json:"inputs"`
}

func (t verboseTxJSON) check(state teller.TxState, genesis bool) (teller.HistoryTx, error) {
	h := teller.HistoryTx{State: state, Height: teller.UnknownHeight}
	ids := make([]string, 0, len(t.Inputs))
	for _, in := range t.Inputs {
		if _, err := bodyHash(in.ID, in.SrcTx, in.Address, in.Coins, in.Hours); err != nil {
			return h, err
		}
		ids = append(ids, in.ID)
		h.From = append(h.From, in.Address)
	}
	var err error
	h.SkyTx, err = t.rebuild(ids, genesis)
	return h, err
}

// concerns reports whether the transaction pays or spends the address.
func concerns(h teller.HistoryTx, address string) bool {
	return slices.Contains(h.From, address) ||
		slices.ContainsFunc(h.Outputs, func(o teller.SkyOutput) bool { return o.Address == address })
}

type pendingJSON struct {
	Txn txJSON `json:"transaction"`
}

func checkPending(answer []pendingJSON) ([]teller.SkyTx, error) {
	txs := make([]teller.SkyTx, 0, len(answer))
	for _, p := range answer {
		tx, err := p.Txn.check(false)
		if err != nil {
			return nil, err
		}
		txs = append(txs, tx)
	}
	return txs, nil
}

// Pending are the node's unconfirmed transactions.
func (n *Node) Pending(ctx context.Context) ([]teller.SkyTx, error) {
	var answer []pendingJSON
	if err := n.get(ctx, "/api/v1/pendingTxs", nil, &answer); err != nil {
		return nil, err
	}
	return checkPending(answer)
}

// History are the confirmed transactions with an output to or an input of the address, oldest first, then the pending
// ones. From has one address for every input.
func (n *Node) History(ctx context.Context, address string) ([]teller.HistoryTx, error) {
	address, err := (Addresses{}).Parse(address)
	if err != nil {
		return nil, err
	}
	// Pending first: what a block takes up meanwhile is then seen twice, never missed.
	pending, err := n.pendingOf(ctx, address)
	if err != nil {
		return nil, err
	}
	all, err := n.confirmedOf(ctx, address)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(all))
	for _, h := range all {
		known[h.ID] = true
	}
	for _, h := range pending {
		if !known[h.ID] {
			all = append(all, h)
		}
	}
	return all, nil
}

// pendingOf filters all pending transactions. Asked for those of an address, the node leaves out those that only
// spend from it.
func (n *Node) pendingOf(ctx context.Context, address string) ([]teller.HistoryTx, error) {
	var answer []struct {
		Txn verboseTxJSON `json:"transaction"`
	}
	if err := n.get(ctx, "/api/v1/pendingTxs", url.Values{"verbose": {"1"}}, &answer); err != nil {
		return nil, err
	}
	var txs []teller.HistoryTx
	for _, p := range answer {
		h, err := p.Txn.check(teller.TxPending, false)
		if err != nil {
			return nil, err
		}
		if concerns(h, address) {
			txs = append(txs, h)
		}
	}
	return txs, nil
}

// pageOfHistory is how many transactions are asked for at once, the most that a node gives.
const pageOfHistory = 100

// historyJSON is a transaction with its status and its inputs spelled out.
type historyJSON struct {
	Status statusJSON    `json:"status"`
	Txn    verboseTxJSON `json:"txn"`
}

// confirmedOf reads the confirmed transactions of an address page by page. They are sorted by block, so that new
// ones only come at the end and no page shifts while the chain grows.
func (n *Node) confirmedOf(ctx context.Context, address string) ([]teller.HistoryTx, error) {
	var all []teller.HistoryTx
	seen := make(map[string]bool)
	for page := 1; ; page++ {
		txns, more, err := n.historyPage(ctx, address, page)
		if err != nil {
			return nil, err
		}
		for _, t := range txns {
			if !t.Status.Confirmed || t.Status.Unconfirmed {
				return nil, teller.Errorf(teller.CodeMalformed, "skycoin node: asked for confirmed transactions, got another: %q", t.Txn.ID)
			}
			h, err := t.Txn.check(teller.TxConfirmed, t.Status.genesis())
			if err != nil {
				return nil, err
			}
			h.Height = int64(t.Status.BlockSeq)
			if seen[h.ID] || !concerns(h, address) {
				return nil, teller.Errorf(teller.CodeMalformed, "skycoin node: transaction %s is listed twice or has nothing to do with %s", h.ID, address)
			}
			seen[h.ID] = true
			all = append(all, h)
		}
		if !more {
			return all, nil
		}
	}
}

// historyPage reads one page. A node before 0.27 has no pages and gives everything at once.
func (n *Node) historyPage(ctx context.Context, address string, page int) (txns []historyJSON, more bool, err error) {
	var answer struct {
		Data struct {
			Txns []historyJSON `json:"txns"`
		} `json:"data"`
	}
	query := url.Values{"addrs": {address}, "confirmed": {"1"}, "verbose": {"1"}}
	paged := url.Values{
		"addrs": {address}, "confirmed": {"1"}, "verbose": {"1"}, "sort": {"asc"},
		"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageOfHistory)},
	}
	err = n.get(ctx, "/api/v2/transactions", paged, &answer)
	if teller.CodeOf(err) == teller.CodeNotFound && page == 1 {
		err = n.get(ctx, "/api/v1/transactions", query, &txns)
		return txns, false, err
	}
	txns = answer.Data.Txns
	return txns, len(txns) == pageOfHistory, err
}
