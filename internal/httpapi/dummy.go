package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/skycoin/teller"
)

// DummyDeposit is a deposit that somebody makes up.
type DummyDeposit struct {
	Coin    teller.Coin
	Address string
	Value   teller.Amount
	Height  int64  // a label; 0 when none was given
	TxID    string // "" = the scanner makes one
	N       uint32
}

// DummyScanner takes made-up deposits.
type DummyScanner interface {
	// Deposit puts a deposit into the coin's dummy chain. CodeInvalid when it makes no sense there.
	Deposit(ctx context.Context, d DummyDeposit) error
}

// DummyBroadcast is a Skycoin transaction that was sent to nobody.
type DummyBroadcast struct {
	Seq       int // from 1, in the order of the broadcasts
	TxID      string
	Outputs   []teller.Recipient
	Confirmed bool
}

// DummySender shows and confirms payouts.
type DummySender interface {
	Broadcasts() []DummyBroadcast
	// Confirm puts a transaction into a block, named by its txid or, when that is "", by its Seq. CodeNotFound when
	// there is none.
	Confirm(ctx context.Context, txid string, seq int) error
}

// DummyOptions are what the dummy controls work on. What is nil is not dummy: its paths do not
// exist.
type DummyOptions struct {
	Scanner DummyScanner
	Sender  DummySender
	// Exchange serves the controls of the simulated exchange, at paths without the /dummy/exchange before them.
	Exchange http.Handler
	Host     string // the configured address of the listener; see checkHost
	Logger   *slog.Logger
}

// NewDummy returns the handler of the dummy listener.
func NewDummy(o DummyOptions) http.Handler {
	d := &dummy{o}
	rt := newRouter(o.Logger)
	// GET changes things here because it always did; HEAD, which looks as if it would not, is left out.
	if o.Scanner != nil {
		rt.handle("/dummy/scanner/deposit", d.deposit, http.MethodGet, http.MethodPost)
	}
	if o.Sender != nil {
		rt.get("/dummy/sender/broadcasts", d.broadcasts)
		rt.handle("/dummy/sender/confirm", d.confirm, http.MethodGet, http.MethodPost)
	}
	if o.Exchange != nil {
		rt.mux.Handle("/dummy/exchange/", http.StripPrefix("/dummy/exchange", o.Exchange))
	}
	return secured(checkHost(sameOrigin(rt.mux), o.Host), policyAPI)
}

type dummy struct{ DummyOptions }

// deposit is /dummy/scanner/deposit.
func (d *dummy) deposit(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	dep, err := dummyDeposit(r)
	if err != nil {
		return err
	}
	if err := d.Scanner.Deposit(r.Context(), dep); err != nil {
		return err
	}
	return writeJSON(w, struct{}{})
}

func dummyDeposit(r *http.Request) (DummyDeposit, error) {
	arg := func(name string) string { return strings.TrimSpace(r.Form.Get(name)) }
	d := DummyDeposit{Coin: teller.BTC, Address: arg("addr"), TxID: arg("tx")}
	var err error
	if s := arg("coin"); s != "" {
		if d.Coin, err = teller.ParseCoin(strings.ToUpper(s)); err != nil {
			return d, badRequest("Invalid coin: use BTC, ETH or SKY")
		}
	}
	if d.Address == "" {
		return d, badRequest("Missing addr")
	}
	if arg("value") == "" {
		return d, badRequest("Missing value")
	}
	if d.Value, err = teller.ParseAmount(arg("value")); err != nil || d.Value.IsZero() {
		return d, badRequest("Invalid value: use a whole number of satoshi, wei or droplets above 0")
	}
	if s := arg("height"); s != "" {
		if d.Height, err = strconv.ParseInt(s, 10, 64); err != nil || d.Height < 0 {
			return d, badRequest("Invalid height")
		}
	}
	if s := arg("n"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return d, badRequest("Invalid n")
		}
		d.N = uint32(n)
	}
	return d, nil
}

type broadcastJSON struct {
	TxID      string       `json:"txid"`
	Outputs   []outputJSON `json:"outputs"`
	Confirmed bool         `json:"confirmed"`
	Seq       int          `json:"seq"`
}

// broadcasts is GET /dummy/sender/broadcasts.
func (d *dummy) broadcasts(w http.ResponseWriter, _ *http.Request) error {
	list := []broadcastJSON{}
	for _, b := range d.Sender.Broadcasts() {
		out := broadcastJSON{TxID: b.TxID, Outputs: []outputJSON{}, Confirmed: b.Confirmed, Seq: b.Seq}
		for _, o := range b.Outputs {
			out.Outputs = append(out.Outputs, outputJSON{o.Address, o.Coins.String()})
		}
		list = append(list, out)
	}
	return writeJSON(w, list)
}

// confirm is /dummy/sender/confirm.
func (d *dummy) confirm(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	txid, seq := strings.TrimSpace(r.Form.Get("txid")), 0
	if txid == "" {
		s := strings.TrimSpace(r.Form.Get("seq"))
		if s == "" {
			return badRequest("Missing txid or seq")
		}
		var err error
		if seq, err = strconv.Atoi(s); err != nil || seq < 1 {
			return badRequest("Invalid seq")
		}
	}
	if err := d.Sender.Confirm(r.Context(), txid, seq); err != nil {
		return err
	}
	return writeJSON(w, struct{}{})
}

// readForm reads the arguments of the query and of a form in the body.
func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refuse(http.StatusRequestEntityTooLarge, "Request body is larger than %d bytes", maxBody)
	}
	if err != nil {
		return badRequest("Invalid form: %v", err)
	}
	return nil
}
