package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/skycoin/teller"
)

// AdminStore is what the operator reads and does in the ledger. A teller.Store is one.
type AdminStore interface {
	BoundAddresses(ctx context.Context, coin teller.Coin, f func(address string) error) error
	Deposits(ctx context.Context, q teller.DepositQuery) ([]teller.Deposit, error)
	Order(ctx context.Context, clientID string) (teller.Order, error)
	Orders(ctx context.Context, after uint64, limit int) ([]teller.Order, error)
	PendingOrders(ctx context.Context, after uint64, limit int) ([]teller.Order, error)
	OrdersOf(ctx context.Context, depositID string) ([]teller.Order, error)
	Totals(ctx context.Context) (teller.Totals, error)
	Release(ctx context.Context, id string, act teller.Act) (teller.Deposit, error)
	CloseDeposit(ctx context.Context, id string, act teller.Act) (teller.Deposit, error)
	Withdrawals(ctx context.Context) ([]teller.Withdrawal, error)
	SettleWithdrawal(ctx context.Context, txid string, act teller.Act) error
	UnboundPayments(ctx context.Context, after uint64, limit int) ([]teller.UnboundPayment, error)
	StartRescan(ctx context.Context, coin teller.Coin, from int64, act teller.Act) (teller.Rescan, error)
	Rescan(ctx context.Context, coin teller.Coin) (teller.Rescan, error)
	Audit(ctx context.Context, after uint64, limit int) ([]teller.AuditEntry, error)
	Backup(ctx context.Context, w io.Writer) error
}

// AddressUse is how the deposit addresses of a coin stand.
type AddressUse struct {
	Remaining int  // never bound yet
	Scanning  bool // the coin's chain is followed
	Pool      bool // there is a list of addresses to hand out
}

// AdminOptions are what the admin listener serves from. Everything is required but the token.
type AdminOptions struct {
	Store     AdminStore
	Addresses func(teller.Coin) AddressUse
	// MarkPaid takes the operator's word that a transaction has paid a deposit, if the Skycoin chain bears it out.
	MarkPaid func(ctx context.Context, id, txid string, act teller.Act) (teller.Deposit, error)
	// Purchases are the decisions about what is bought on an exchange.
	Purchases Purchases
	// Exchange looks at the exchange; CodeNotFound when there is none.
	Exchange func(context.Context) (ExchangeState, error)
	// Reload reads the address files again; CodeInvalid with the mistakes when one can not be used.
	Reload func(context.Context) (map[teller.Coin]Reloaded, error)
	// Audit compares the ledger with the nodes, and reads the chains of the coins that from names again from there on.
	Audit   func(ctx context.Context, from map[teller.Coin]int64) (teller.AuditReport, error)
	Metrics http.Handler // answers /metrics
	Clock   teller.Clock
	Logger  *slog.Logger

	Host  string // the configured address of the listener, "host:port"; see checkHost
	Token string // "" = whoever reaches the listener is the operator
}

// NewAdmin returns the handler of the admin listener.
func NewAdmin(o AdminOptions) http.Handler {
	a := &admin{o}
	rt := newRouter(o.Logger)
	rt.get("/api/deposit-addresses", a.depositAddresses)
	rt.get("/api/deposits", a.deposits)
	rt.get("/api/deposits/errored", a.errored)
	rt.get("/api/accounting", a.accounting)
	rt.get("/api/backup", a.backup)
	rt.get("/api/holds", a.holds)
	rt.post("/api/holds/release", a.release)
	rt.post("/api/holds/close", a.close)
	rt.post("/api/holds/paid", a.paid)
	rt.get("/api/orders", a.orders)
	rt.post("/api/orders/retry", a.retry)
	rt.post("/api/orders/pay-instead", a.payInstead)
	rt.post("/api/orders/refund", a.refund)
	rt.post("/api/orders/end", a.endOrder)
	rt.get("/api/exchange", a.exchange)
	rt.get("/api/withdrawals", a.withdrawals)
	rt.post("/api/withdrawals/settle", a.settle)
	rt.get("/api/unbound-payments", a.unbound)
	rt.post("/api/addresses/reload", a.reload)
	rt.handle("/api/rescans", a.rescansOf, http.MethodGet, http.MethodHead, http.MethodPost)
	rt.get("/api/audit", a.audit)
	rt.get("/api/audit/report", a.auditReport)
	rt.get("/metrics", func(w http.ResponseWriter, r *http.Request) error {
		a.Metrics.ServeHTTP(w, r)
		return nil
	})
	return secured(checkHost(checkToken(sameOrigin(rt.mux), o.Token), o.Host), policyAPI)
}

type admin struct{ AdminOptions }

type accountingResponse struct {
	Sent     string                 `json:"sent"`
	Received map[teller.Coin]string `json:"received"`

	Bought string                 `json:"bought"` // SKY, on an exchange
	Spent  map[teller.Coin]string `json:"spent"`  // for it
	Kept   string                 `json:"kept"`   // of what was bought: owed to nobody
}

// accounting is GET /api/accounting.
func (a *admin) accounting(w http.ResponseWriter, r *http.Request) error {
	t, err := a.Store.Totals(r.Context())
	if err != nil {
		return err
	}
	resp := accountingResponse{
		Sent: t.Sent.String(), Received: make(map[teller.Coin]string),
		Bought: t.Bought.String(), Spent: make(map[teller.Coin]string), Kept: t.Kept.String(),
	}
	for _, c := range teller.Coins {
		resp.Received[c], resp.Spent[c] = t.Received[c].Format(c), t.Spent[c].Format(c)
	}
	return writeJSON(w, resp)
}

type withdrawalJSON struct {
	TxID    string       `json:"txid"`
	Height  int64        `json:"height"` // -1 while it is unconfirmed
	Outputs []outputJSON `json:"outputs"`
	SeenAt  int64        `json:"seen_at"`
}

type outputJSON struct {
	Address string `json:"address"`
	Coins   string `json:"coins"`
}

// withdrawals is GET /api/withdrawals. They are rare: somebody else used the wallet.
func (a *admin) withdrawals(w http.ResponseWriter, r *http.Request) error {
	rows, err := a.Store.Withdrawals(r.Context())
	if err != nil {
		return err
	}
	resp := struct {
		Withdrawals []withdrawalJSON `json:"withdrawals"`
	}{[]withdrawalJSON{}}
	for _, row := range rows {
		out := withdrawalJSON{TxID: row.TxID, Height: row.Height, Outputs: []outputJSON{}, SeenAt: unix(row.SeenAt)}
		for _, o := range row.Outputs {
			out.Outputs = append(out.Outputs, outputJSON{o.Address, o.Coins.String()})
		}
		resp.Withdrawals = append(resp.Withdrawals, out)
	}
	return writeJSON(w, resp)
}
