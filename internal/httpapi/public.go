package httpapi

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/skycoin/teller"
)

// Counter binds. The caller has checked the request's form; everything that needs knowledge of the ledger is the
// counter's.
type Counter interface {
	// Bind gives skyAddr a fresh deposit address of the coin and starts to watch it. The codes that a buyer can cause:
	// CodeInvalid (this SKY address can not be bound, and why), CodeBindDisabled, CodeCoinDisabled, CodeLimit,
	// CodePoolEmpty.
	Bind(ctx context.Context, coin teller.Coin, skyAddr string) (teller.Binding, error)
}

// StatusStore is what the public API reads from the ledger. A teller.Store is one.
type StatusStore interface {
	BindingsOf(ctx context.Context, skyAddress string) ([]teller.Binding, error)
	DepositsTo(ctx context.Context, coin teller.Coin, address string) ([]teller.Deposit, error)
	Cursor(ctx context.Context, coin teller.Coin) (teller.Cursor, error)
}

// PublicOptions are what the public listener serves from. Everything is required but for what says otherwise.
type PublicOptions struct {
	Counter   Counter
	Store     StatusStore
	Addresses teller.Addresses      // of SKY
	Terms     teller.Terms          // what is on offer
	Remaining func(teller.Coin) int // unused deposit addresses of a coin
	// Unconfirmed are the transfers to a deposit address that no block holds yet, as far as they are known.
	Unconfirmed func(coin teller.Coin, address string) []teller.Transfer
	Health      func() Health // a snapshot, ready to be shown: it is asked for by anybody and must cost nothing
	Version     string        // of this build
	Started     time.Time     // for the uptime
	Clock       teller.Clock
	Logger      *slog.Logger

	ThrottleMax      int // requests to /api/ per client and ThrottleDuration; 0 = unlimited
	ThrottleDuration time.Duration

	StaticDir string // served at / when it is set, under the pages' own content policy
	Page      fs.FS  // served at / otherwise; nil = nothing
}

// publicTimeout ends a request whose store does not answer.
const publicTimeout = 15 * time.Second

// NewPublic returns the handler of the public listener: /api/bind, /api/status, /api/config, /api/health and the page.
func NewPublic(o PublicOptions) http.Handler {
	p := &public{o}
	api := newRouter(o.Logger)
	api.post("/api/bind", p.bind)
	api.get("/api/status", p.status)
	api.get("/api/config", p.config)
	api.get("/api/health", p.health)

	mux := http.NewServeMux()
	mux.Handle("/api/", secured(throttle(deadline(api.mux, publicTimeout), o.ThrottleMax, o.ThrottleDuration), policyAPI))
	switch {
	case o.StaticDir != "":
		mux.Handle("/", secured(site(os.DirFS(o.StaticDir), api), ""))
	case o.Page != nil:
		mux.Handle("/", secured(site(o.Page, api), policyPage))
	default:
		mux.Handle("/", secured(api.mux, policyAPI))
	}
	return mux
}

type public struct{ PublicOptions }

// deadline bounds the work for one request.
func deadline(next http.Handler, d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
