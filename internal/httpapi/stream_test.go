package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
)

const manyRows = 10_000

// longLedger has that many deposits, bindings and audit entries.
func longLedger(rows int) *ledger {
	l, rate := &ledger{}, teller.MustRate("500")
	for i := range rows {
		addr := fmt.Sprintf("address%d", i)
		l.bindings = append(l.bindings, teller.Binding{Coin: teller.Coins[i%2], Address: addr, SkyAddress: skyAddr})
		l.rows = append(l.rows, teller.Deposit{
			Seq: uint64(i + 1), ID: fmt.Sprintf("tx%d:0", i), Coin: teller.BTC, Address: addr, Value: teller.NewAmount(uint64(i)),
			Status: teller.StatusDone, UpdatedAt: now, Rate: rate,
		})
		l.trail = append(l.trail, teller.AuditEntry{Seq: uint64(i + 1), Event: "credit"})
	}
	return l
}

type listing struct {
	Deposits, Audit []struct{ Seq uint64 }
}

// wantIndented checks that a body is what MarshalIndent with four spaces makes of it.
func wantIndented(t *testing.T, body []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "    "); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(b.Bytes()), bytes.TrimSpace(body)) {
		t.Error("not indented by four spaces")
	}
}

func TestListingsAreStreamed(t *testing.T) {
	l := longLedger(manyRows)
	for _, tt := range []struct {
		target      string
		first, last uint64
		rows        int
	}{
		{"/api/deposits", 1, manyRows, manyRows},
		{"/api/deposits?after=9000", 9001, manyRows, 1000},
		{"/api/deposits?limit=750&after=10", 11, 760, 750},
		{"/api/deposits?limit=20000&after=9400&status=done", 9401, manyRows, 600},
		{"/api/audit?after=8500", 8501, manyRows, 1500},
		{"/api/audit?limit=501", 1, 501, 501},
	} {
		t.Run(tt.target, func(t *testing.T) {
			l.pages = nil
			w := request{method: "GET", target: tt.target}.do(httpapi.NewAdmin(adminOptions(l, nil)))
			var got listing
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			rows := append(got.Deposits, got.Audit...)
			if len(rows) != tt.rows || rows[0].Seq != tt.first || rows[len(rows)-1].Seq != tt.last {
				t.Errorf("%d rows from %d to %d", len(rows), rows[0].Seq, rows[len(rows)-1].Seq)
			}
			if len(l.pages) > 0 && slices.Max(l.pages) > 500 {
				t.Errorf("a page of %d rows was asked for", slices.Max(l.pages))
			}
			if tt.rows <= 1000 { // the others are no different, only slower to check
				wantIndented(t, w.Body.Bytes())
			}
		})
	}
}

func TestAddressesAreStreamed(t *testing.T) {
	w := request{method: "GET", target: "/api/deposit-addresses"}.do(httpapi.NewAdmin(adminOptions(longLedger(2000), nil)))
	var got map[string]struct {
		Scanning []string `json:"scanning_addresses"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got["BTC"].Scanning) != 1000 || len(got["ETH"].Scanning) != 1000 || got["SKY"].Scanning == nil {
		t.Errorf("%d and %d addresses", len(got["BTC"].Scanning), len(got["ETH"].Scanning))
	}
	wantIndented(t, w.Body.Bytes())
}

// serve runs a handler behind a real server on loopback.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	logger, _ := quiet()
	s := httptest.NewUnstartedServer(nil)
	s.Config = httpapi.NewServer(h, logger)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// TestBrokenListing: a listing that fails in the middle must not look complete.
func TestBrokenListing(t *testing.T) {
	for name, tt := range map[string]struct {
		target string
		harm   func(*ledger)
	}{
		"store fails":       {"/api/deposits", func(l *ledger) { l.err, l.failAfter = errDisk, 3 }},
		"store fails early": {"/api/deposits?limit=501", func(l *ledger) { l.err, l.failAfter = errDisk, 1 }},
		"store turns back":  {"/api/deposits", func(l *ledger) { l.rows[600].Seq = 3; l.rows = l.rows[:601] }},
		"backup fails": {"/api/backup", func(l *ledger) {
			l.backup = func(w io.Writer) error { return errors.Join(writeHalf(w), errDisk) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			l := longLedger(2000)
			tt.harm(l)
			logger, log := quiet()
			s := serve(t, httpapi.NewAdmin(adminOptions(l, func(o *httpapi.AdminOptions) { o.Logger = logger })))
			resp, err := s.Client().Get(s.URL + tt.target)
			if err == nil {
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
			}
			if err == nil {
				t.Error("the answer ended as if it were complete")
			}
			s.Close() // the handler has ended
			if strings.Count(log.String(), "\n") != 1 {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

func writeHalf(w io.Writer) error {
	_, err := io.WriteString(w, "half of it")
	return err
}

func TestFailedFirstPageIsAnswered(t *testing.T) {
	for _, target := range []string{"/api/deposits", "/api/deposit-addresses", "/api/audit", "/api/accounting", "/api/withdrawals"} {
		logger, log := quiet()
		l := longLedger(600)
		l.err = errDisk
		w := request{method: "GET", target: target}.do(httpapi.NewAdmin(adminOptions(l, func(o *httpapi.AdminOptions) { o.Logger = logger })))
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
		if strings.Count(log.String(), "secret") != 1 {
			t.Errorf("%s: logged %s", target, log)
		}
	}
}

// TestSlowReader: while a client does not read, nothing in the store is open and no page is fetched ahead of it; a client
// that has stopped reading is given up.
func TestSlowReader(t *testing.T) {
	for _, target := range []string{"/api/deposits", "/api/deposit-addresses"} {
		t.Run(target, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := longLedger(2000)
				for i := range l.bindings { // more than any buffer of the answer holds
					l.bindings[i].Address += strings.Repeat("x", 1000)
				}
				conn := dial(t, httpapi.NewAdmin(adminOptions(l, nil)))
				if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil { // the answer has begun
					t.Fatal(err)
				}
				synctest.Wait()
				if open, pages := l.running(); open != 0 || pages > 1 {
					t.Errorf("%d calls to the store are running, %d pages were fetched", open, pages)
				}
				time.Sleep(10 * time.Minute)
				rest, err := io.ReadAll(conn)
				if err != nil || strings.HasSuffix(string(rest), "0\r\n\r\n") {
					t.Errorf("the answer still went on to its end: %v", err)
				}
			})
		})
	}
}

// TestLongAnswers: an answer may take longer than the server's write timeout while it goes on.
func TestLongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{backup: func(w io.Writer) error {
			for range 10 {
				time.Sleep(50 * time.Second)
				if err := writeHalf(w); err != nil {
					return err
				}
			}
			return nil
		}}
		conn := dial(t, httpapi.NewAdmin(adminOptions(l, nil)))
		if _, err := io.WriteString(conn, "GET /api/backup HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || len(body) != 100 {
			t.Errorf("%d bytes: %v", len(body), err)
		}
	})
}

// pipes is a listener for connections without a network, so that time can be made to pass.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// dial serves a handler and connects to it, within a synctest bubble.
func dial(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	logger, _ := quiet()
	server, listener := httpapi.NewServer(h, logger), make(pipes)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	client, end := net.Pipe()
	listener <- end
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
		<-served
	})
	return client
}

func TestServerHasLimits(t *testing.T) {
	logger, _ := quiet()
	s := httpapi.NewServer(http.NotFoundHandler(), logger)
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 || s.ErrorLog == nil {
		t.Errorf("a limit is missing: %+v", s)
	}
}
