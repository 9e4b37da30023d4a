// Package httpapi is teller's face to the outside over HTTP: three handlers for three listeners.
//
//   - [NewPublic] is what buyers see: bind a SKY address to a deposit address, follow its deposits, read the terms and
//     the health, and the page that does all of it in a browser. It is throttled by client and trusts nobody.
//   - [NewAdmin] is the operator's: deposits, accounts, holds, orders on the exchange, audit, backup. It belongs on
//     loopback; it checks the Host header, and a token where one is configured.
//   - [NewDummy] plays the outside world in dummy mode: it makes deposits and confirms payouts.
//
// # How it is put together
//
// An endpoint is a function that writes its answer or returns an error. The router (router.go) checks the method, sets
// the headers that every answer carries, and turns the error into one line of plain text; errors.go holds the one table
// from a teller.Code to an HTTP status. A fault of ours is logged once under a request id, and the client is told the
// id and nothing else.
//
// The package knows the domain only: what an endpoint needs from the rest of teller is an interface or a function in its
// options, and the store's methods that it names. Listings that grow with the ledger are streamed page by page
// (stream.go): no row stays in memory and nothing in the store stays open while somebody reads slowly. A listing that
// fails in the middle breaks the connection off, so that half of it can not be taken for the whole.
//
// Every instant in an answer is in unix seconds, as updated_at always was.
package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// The server's patience. A streamed answer moves its write deadline on with every chunk; see stream.go.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
)

// NewServer returns a server for one of the package's handlers, with a limit on everything that a client could draw
// out. The caller sets the address, serves and shuts it down.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
