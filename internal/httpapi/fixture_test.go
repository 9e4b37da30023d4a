package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	now     = time.Unix(1_700_000_000, 0).UTC()
	skyAddr = "2gr6z6UcUXupoXKxhYEgijQUrYcdCLhhTe7"
	errDisk = errors.New("secret detail: disk of 1PZ63K3G4gZP6A6E2TTbBwxT5bFQGL2TLB is on fire")
)

type fixedClock struct{}

func (fixedClock) Now() time.Time { return now }

// skyAddresses takes any word of letters and digits for an address.
type skyAddresses struct{}

func (skyAddresses) Parse(s string) (string, error) {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return "", teller.Errorf(teller.CodeInvalid, "invalid character %q in an address", r)
		}
	}
	if len(s) < 20 {
		return "", teller.Errorf(teller.CodeInvalid, "%d characters are too few for an address", len(s))
	}
	return s, nil
}

// counter binds everything to one address, unless it is told to fail.
type counter struct {
	err   error
	coin  teller.Coin
	bound string
	calls int
}

func (c *counter) Bind(_ context.Context, coin teller.Coin, skyAddr string) (teller.Binding, error) {
	c.coin, c.bound = coin, skyAddr
	c.calls++
	if c.err != nil {
		return teller.Binding{}, c.err
	}
	return teller.Binding{
		Address: "1Bmp9Kv9vcbjNKfdxCrmL1Ve5n7gvkDoNp", Coin: coin, SkyAddress: skyAddr, BuyMethod: teller.BuyDirect,
	}, nil
}

// ledger is a store in memory.
type ledger struct {
	mu       sync.Mutex
	bindings []teller.Binding
	rows     []teller.Deposit
	orders   []teller.Order
	cursors  map[teller.Coin]teller.Cursor
	totals   teller.Totals
	gone     []teller.Withdrawal
	trail    []teller.AuditEntry
	unbound  []teller.UnboundPayment
	rescan   *teller.Rescan
	backup   func(io.Writer) error

	failAfter int // pages that succeed before err; with err set
	err       error
	pages     []int // sizes of the pages that were asked for
	open      int   // calls that are running
	acts      []string
}

func (l *ledger) enter() func() {
	l.mu.Lock()
	l.open++
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.open--
		l.mu.Unlock()
	}
}

func (l *ledger) running() (calls, pages int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, len(l.pages)
}

// fail counts down to the error.
func (l *ledger) fail() error {
	if l.err == nil {
		return nil
	}
	if l.failAfter > 0 {
		l.failAfter--
		return nil
	}
	return l.err
}

func (l *ledger) BindingsOf(_ context.Context, skyAddress string) ([]teller.Binding, error) {
	var found []teller.Binding
	for _, b := range l.bindings {
		if b.SkyAddress == skyAddress {
			found = append(found, b)
		}
	}
	return found, l.fail()
}

func (l *ledger) DepositsTo(_ context.Context, coin teller.Coin, address string) ([]teller.Deposit, error) {
	var found []teller.Deposit
	for _, d := range l.rows {
		if d.Coin == coin && d.Address == address && (!d.Orphaned || d.Credited()) {
			found = append(found, d)
		}
	}
	return found, l.fail()
}

func (l *ledger) Cursor(_ context.Context, coin teller.Coin) (teller.Cursor, error) {
	c, ok := l.cursors[coin]
	if !ok {
		return c, teller.Errorf(teller.CodeNotFound, "no block of %s yet", coin)
	}
	return c, l.fail()
}

func (l *ledger) BoundAddresses(_ context.Context, coin teller.Coin, f func(string) error) error {
	defer l.enter()()
	for _, b := range l.bindings {
		if b.Coin == coin {
			if err := f(b.Address); err != nil {
				return err
			}
		}
	}
	return l.fail()
}

func (l *ledger) Deposits(_ context.Context, q teller.DepositQuery) ([]teller.Deposit, error) {
	defer l.enter()()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fail(); err != nil {
		return nil, err
	}
	l.pages = append(l.pages, q.Limit)
	var page []teller.Deposit
	at, _ := slices.BinarySearchFunc(l.rows, q.After+1, func(d teller.Deposit, seq uint64) int { return int(d.Seq) - int(seq) })
	for _, d := range l.rows[at:] {
		if (q.Status != "" && d.Status != q.Status) || (q.Errored && d.Error == "") || (q.Held && d.Hold == nil) {
			continue
		}
		if page = append(page, d); len(page) == q.Limit {
			break
		}
	}
	return page, nil
}

func (l *ledger) Order(_ context.Context, clientID string) (teller.Order, error) {
	for _, o := range l.orders {
		if o.ClientID == clientID {
			return o, nil
		}
	}
	return teller.Order{}, teller.Errorf(teller.CodeNotFound, "no order %s", clientID)
}

func (l *ledger) Orders(_ context.Context, after uint64, limit int) ([]teller.Order, error) {
	return l.someOrders(after, limit, func(teller.Order) bool { return true }), l.fail()
}

func (l *ledger) PendingOrders(_ context.Context, after uint64, limit int) ([]teller.Order, error) {
	return l.someOrders(after, limit, teller.Order.Pending), l.fail()
}

func (l *ledger) OrdersOf(_ context.Context, depositID string) ([]teller.Order, error) {
	if !slices.ContainsFunc(l.rows, func(d teller.Deposit) bool { return d.ID == depositID }) {
		return nil, teller.Errorf(teller.CodeNotFound, "no deposit %s", depositID)
	}
	return l.someOrders(0, 0, func(o teller.Order) bool { return o.DepositID == depositID }), l.fail()
}

func (l *ledger) someOrders(after uint64, limit int, keep func(teller.Order) bool) (some []teller.Order) {
	for _, o := range l.orders {
		if o.Seq > after && keep(o) && (limit == 0 || len(some) < limit) {
			some = append(some, o)
		}
	}
	return some
}

func (l *ledger) EndOrder(ctx context.Context, clientID string, act teller.Act) (teller.Order, error) {
	o, err := l.Order(ctx, clientID)
	if err == nil && !o.Asked() {
		err = o.End(now)
	}
	if err != nil {
		return teller.Order{}, err
	}
	l.acts = append(l.acts, fmt.Sprintf("end %s by %s: %s", clientID, act.Actor, act.Reason))
	return o, l.fail()
}

// purchases does what settle.Resolver does.
type purchases struct{ *ledger }

func (p purchases) Retry(_ context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return p.act("retry", id, act, func(d *teller.Deposit) error { return d.Release(now) })
}

func (p purchases) PayInstead(_ context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return p.act("pay instead", id, act, func(d *teller.Deposit) error { return d.PayInstead(5_000_000, now) })
}

func (p purchases) Refund(_ context.Context, id, txid string, act teller.Act) (teller.Deposit, error) {
	return p.act("refund by "+txid, id, act, func(d *teller.Deposit) error { return d.Refund(txid, d.Bought, act.Reason, now) })
}

func (l *ledger) Totals(context.Context) (teller.Totals, error) { return l.totals, l.fail() }

func (l *ledger) Release(_ context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return l.act("release", id, act, func(d *teller.Deposit) error { return d.Release(now) })
}

func (l *ledger) CloseDeposit(_ context.Context, id string, act teller.Act) (teller.Deposit, error) {
	return l.act("close", id, act, func(d *teller.Deposit) error { return d.Close(act.Reason, now) })
}

// markPaid does what settle.MarkPaid does when the chain bears the operator out.
func (l *ledger) markPaid(_ context.Context, id, txid string, act teller.Act) (teller.Deposit, error) {
	return l.act("paid by "+txid, id, act, func(d *teller.Deposit) error { return d.MarkPaid(txid, max(d.Owed, 1), now) })
}

func (l *ledger) act(what, id string, act teller.Act, change func(*teller.Deposit) error) (teller.Deposit, error) {
	if err := l.fail(); err != nil {
		return teller.Deposit{}, err
	}
	i := slices.IndexFunc(l.rows, func(d teller.Deposit) bool { return d.ID == id })
	if i < 0 {
		return teller.Deposit{}, teller.Errorf(teller.CodeNotFound, "no deposit %s", id)
	}
	d := l.rows[i]
	if act.Version != 0 && act.Version != d.Version {
		return teller.Deposit{}, teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile", id)
	}
	if err := change(&d); err != nil {
		return teller.Deposit{}, err
	}
	l.acts = append(l.acts, fmt.Sprintf("%s %s by %s: %s", what, id, act.Actor, act.Reason))
	l.rows[i] = d
	return d, nil
}

func (l *ledger) Withdrawals(context.Context) ([]teller.Withdrawal, error) { return l.gone, l.fail() }

func (l *ledger) SettleWithdrawal(_ context.Context, txid string, act teller.Act) error {
	if !slices.ContainsFunc(l.gone, func(w teller.Withdrawal) bool { return w.TxID == txid }) {
		return teller.Errorf(teller.CodeNotFound, "no withdrawal %s", txid)
	}
	l.acts = append(l.acts, fmt.Sprintf("settle %s by %s: %s", txid, act.Actor, act.Reason))
	return nil
}

func (l *ledger) Audit(_ context.Context, after uint64, limit int) ([]teller.AuditEntry, error) {
	if err := l.fail(); err != nil {
		return nil, err
	}
	var page []teller.AuditEntry
	for _, e := range l.trail {
		if e.Seq > after && len(page) < limit {
			page = append(page, e)
		}
	}
	return page, nil
}

func (l *ledger) UnboundPayments(_ context.Context, after uint64, _ int) ([]teller.UnboundPayment, error) {
	if after > 0 {
		return nil, nil
	}
	return l.unbound, l.fail()
}

func (l *ledger) StartRescan(_ context.Context, coin teller.Coin, from int64, act teller.Act) (teller.Rescan, error) {
	l.acts = append(l.acts, fmt.Sprintf("rescan %s from %d by %s: %s", coin, from, act.Actor, act.Reason))
	l.rescan = &teller.Rescan{Coin: coin, From: from, Next: from, To: 100, StartedAt: now}
	return *l.rescan, l.fail()
}

func (l *ledger) Rescan(_ context.Context, coin teller.Coin) (teller.Rescan, error) {
	if l.rescan == nil || l.rescan.Coin != coin {
		return teller.Rescan{}, teller.Errorf(teller.CodeNotFound, "no rescan")
	}
	return *l.rescan, l.fail()
}

func (l *ledger) Backup(_ context.Context, w io.Writer) error { return l.backup(w) }

// quiet is a logger that keeps what it is told.
func quiet() (*slog.Logger, *bytes.Buffer) {
	var log bytes.Buffer
	return slog.New(slog.NewTextHandler(&log, nil)), &log
}

// request describes one request of a table.
type request struct {
	method, target, body string
	header               map[string]string
	host                 string
}

func (q request) do(h http.Handler) *httptest.ResponseRecorder {
	r := httptest.NewRequest(q.method, q.target, strings.NewReader(q.body))
	r.RemoteAddr = "127.0.0.1:50000"
	r.Host = "127.0.0.1:7711"
	if q.host != "" {
		r.Host = q.host
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var asJSON = map[string]string{"Content-Type": "application/json"}

// golden compares an answer with testdata/name.golden: status, the headers that are part of the contract, body.
func golden(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", w.Code, http.StatusText(w.Code))
	for _, k := range []string{"Allow", "Content-Disposition", "Content-Type", "Retry-After", "Www-Authenticate"} {
		for _, v := range w.Header().Values(k) {
			fmt.Fprintf(&b, "%s: %s\n", k, v)
		}
	}
	b.WriteString("\n" + w.Body.String())
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("answer is not that of %s (write it anew with -update):\n got: %s\nwant: %s", path, got, want)
	}
}

// wantSecured checks the headers that every answer carries.
func wantSecured(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, k := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy"} {
		if w.Header().Get(k) == "" {
			t.Errorf("answer has no %s", k)
		}
	}
}

func newRequest(method, target, from string) (*http.Request, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = from
	return r, httptest.NewRecorder()
}

// write makes a file and its directory.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
