package btc

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/skycoin/teller"
)

const secret = "do not tell"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newChain(t testing.TB, cfg Config) *Chain {
	t.Helper()
	if cfg.Network == "" {
		cfg.Network = "regtest"
	}
	cfg.User, cfg.Pass = "user", secret
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// fakeNode answers every POST with a status and a body, in which ID stands for the request's id.
func fakeNode(t testing.TB, status int, body string) *Chain {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			ID json.Number `json:"id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "ID", request.ID.String()))
	}))
	t.Cleanup(server.Close)
	return newChain(t, Config{Server: server.Listener.Addr().String()})
}

func TestAnswersAreTranslated(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		code   teller.Code
		says   string
	}{
		"btcd: out of range":  {200, `{"jsonrpc":"1.0","result":null,"error":{"code":-1,"message":"Block number out of range"},"id":ID}`, teller.CodeNotFound, "out of range"},
		"core: out of range":  {500, `{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":ID}`, teller.CodeNotFound, "out of range"},
		"block not found":     {200, `{"result":null,"error":{"code":-5,"message":"Block not found"},"id":ID}`, teller.CodeNotFound, "not found"},
		"core: warming up":    {500, `{"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":ID}`, teller.CodeUnavailable, "Loading"},
		"core: pruned":        {500, `{"result":null,"error":{"code":-1,"message":"Block not available (pruned data)"},"id":ID}`, teller.CodeUnavailable, "pruned"},
		"another daemon":      {404, `{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":ID}`, teller.CodeMalformed, "-32601"},
		"login":               {401, "401 Unauthorized.\n", teller.CodeUnavailable, "check btc_rpc.user and btc_rpc.pass"},
		"not allowed":         {403, "", teller.CodeUnavailable, "check btc_rpc.user and btc_rpc.pass"},
		"too busy":            {503, "503 Too busy.  Try again later.\n", teller.CodeUnavailable, "Too busy"},
		"work queue":          {500, "Work queue depth exceeded", teller.CodeUnavailable, "Work queue"},
		"speaks TLS":          {400, "Client sent an HTTP request to an HTTPS server.\n", teller.CodeUnavailable, "set btc_rpc.cert"},
		"a web page":          {200, "<html>", teller.CodeMalformed, "<html>"},
		"no such page":        {404, "page not found", teller.CodeMalformed, "404"},
		"redirect":            {302, "", teller.CodeMalformed, "302"},
		"nothing":             {200, "", teller.CodeUnavailable, "cut off"},
		"cut off in the text": {200, `{"result":"0011`, teller.CodeUnavailable, "cut off"},
		"cut off after it":    {200, `{"result":"0011","err`, teller.CodeUnavailable, "cut off"},
		"another id":          {200, `{"result":"00","error":null,"id":77777}`, teller.CodeMalformed, "77777"},
		"no id":               {200, `{"result":"00","error":null,"id":null}`, teller.CodeMalformed, "request 0"},
		"no result":           {200, `{"error":null,"id":ID}`, teller.CodeMalformed, "neither"},
		"null result":         {200, `{"result":null,"error":null,"id":ID}`, teller.CodeMalformed, "null"},
		"a number":            {200, `{"result":5,"error":null,"id":ID}`, teller.CodeMalformed, "5"},
		"a short hash":        {200, `{"result":"00ff","error":null,"id":ID}`, teller.CodeMalformed, "00ff"},
		"no hex":              {200, `{"result":"` + strings.Repeat("zz", 32) + `","error":null,"id":ID}`, teller.CodeMalformed, "zz"},
		"long garbage":        {200, strings.Repeat("x", 100_000), teller.CodeMalformed, "bytes more"},
		"endless":             {200, strings.Repeat("x", maxReply+1), teller.CodeMalformed, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			c := fakeNode(t, tc.status, tc.body)
			_, err := c.BlockHash(t.Context(), 7)
			checkError(t, c, err, tc.code, tc.says)
		})
	}
}

// checkError wants a code, a part of the message, the node's address and no secret.
func checkError(t *testing.T, c *Chain, err error, code teller.Code, says string) {
	t.Helper()
	var e *teller.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("err = %v (%s), want %s", err, teller.CodeOf(err), code)
	}
	text := err.Error()
	for _, want := range []string{says, c.client.server} {
		if !strings.Contains(text, want) {
			t.Errorf("err = %v, want %q in it", err, want)
		}
	}
	if strings.Contains(text, secret) || len(text) > 500 {
		t.Errorf("err = %v: shows the password or too much", err)
	}
}

func TestBlockOfALyingNode(t *testing.T) {
	raw, hash, _ := sampleBlock(t)
	for name, tc := range map[string]struct{ block, says string }{
		"another block": {strings.Repeat("00", len(raw)), "another block"},
		"cut off":       {fmt.Sprintf("%x", raw[:len(raw)-1]), "cut off"},
		"half a byte":   {fmt.Sprintf("%x", raw) + "0", "hex"},
		"no hex":        {"ghgh", "hex"},
		"nothing":       {"", "header"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var request struct {
					ID     uint64 `json:"id"`
					Method string `json:"method"`
				}
				if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
					t.Error(err)
				}
				result := tc.block
				if request.Method == "getblockhash" {
					result = hash.String()
				}
				fmt.Fprintf(w, `{ "id" : %d, "error" : null, "result":"%s"}`, request.ID, result)
			}))
			defer server.Close()
			c := newChain(t, Config{Server: server.Listener.Addr().String()})
			_, err := c.Block(t.Context(), 7, everything{})
			checkError(t, c, err, teller.CodeMalformed, tc.says)
		})
	}
}

func TestHeightsThatNoBlockHas(t *testing.T) {
	c := newChain(t, Config{Server: "127.0.0.1:1"})
	for _, height := range []int64{-1, 1 << 31, 1 << 40} {
		if _, err := c.BlockHash(t.Context(), height); teller.CodeOf(err) != teller.CodeNotFound {
			t.Errorf("height %d: %v", height, err)
		}
	}
}

func TestUnreachableNode(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	for _, websocket := range []bool{false, true} {
		t.Run(fmt.Sprintf("websocket %t", websocket), func(t *testing.T) {
			c := newChain(t, Config{Server: gone.Addr().String(), Websocket: websocket})
			_, err := c.Tip(t.Context())
			checkError(t, c, err, teller.CodeUnavailable, "connection refused")

			c = newChain(t, Config{Server: silent.Addr().String(), Websocket: websocket, Timeout: 50 * time.Millisecond})
			_, err = c.Tip(t.Context())
			checkError(t, c, err, teller.CodeUnavailable, "did not answer getblockcount within 50ms")

			c = newChain(t, Config{Server: silent.Addr().String(), Websocket: websocket})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err = c.Tip(ctx)
			checkError(t, c, err, teller.CodeUnavailable, "does not answer")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("err = %v hides that the caller's context ended", err)
			}
		})
	}
}

func TestTLSMistakes(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = discard
	secure.StartTLS()
	defer secure.Close()
	cert := func(server *httptest.Server) string {
		file := filepath.Join(t.TempDir(), "rpc.cert")
		block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	good, other := cert(secure), filepath.Join("testdata", "other.cert")
	_, port, err := net.SplitHostPort(secure.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ server, cert, says string }{
		"node without TLS":    {plain.Listener.Addr().String(), good, "leave btc_rpc.cert empty"},
		"node with TLS":       {secure.Listener.Addr().String(), "", "set btc_rpc.cert"},
		"another certificate": {secure.Listener.Addr().String(), other, "btc_rpc.cert is not"},
		"another name":        {"localhost:" + port, good, "btc_rpc.server"},
	} {
		for _, websocket := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, websocket %t", name, websocket), func(t *testing.T) {
				c := newChain(t, Config{Server: tc.server, CertFile: tc.cert, Websocket: websocket})
				_, err := c.Tip(t.Context())
				checkError(t, c, err, teller.CodeUnavailable, tc.says)
			})
		}
	}
}

func TestNewRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.cert")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, cfg := range map[string]Config{
		"btc_rpc.network": {Server: "a:1", Network: "moon"},
		"btc_rpc.server":  {Server: "localhost", Network: "mainnet"},
		"btc_rpc.cert: open": {Server: "a:1", Network: "mainnet",
			CertFile: filepath.Join(t.TempDir(), "absent.cert")},
		"no PEM certificate": {Server: "a:1", Network: "mainnet", CertFile: empty},
		"btc_rpc.filters":    {Server: "a:1", Network: "mainnet", Filters: "on"},
		"btc_rpc.zmq":        {Server: "a:1", Network: "mainnet", ZMQ: "127.0.0.1:28332"},
		"btc_rpc.zmq \"tcp":  {Server: "a:1", Network: "mainnet", ZMQ: "tcp://127.0.0.1"},
	} {
		if _, err := New(cfg); teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestExpectedGenesis(t *testing.T) {
	for network, want := range map[string]string{
		"mainnet":  "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
		"testnet3": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
		"testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
		"signet":   "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
		"regtest":  "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
	} {
		if got := newChain(t, Config{Server: "a:1", Network: network}).ExpectedGenesis(); got != want {
			t.Errorf("%s: %s", network, got)
		}
	}
}

// FuzzReply holds the reader of answers against encoding/json.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		`{"jsonrpc":"1.0","result":"00ff","error":null,"id":1}`, `{"result":5,"error":null,"id":2}`, `{"id":3,"result": "x"}`,
		`{"result":null,"error":{"code":-5,"message":"\"result\":\"no\""},"id":4}`, `{"result":"a\"b","id":1}`, `{"result":"`,
		`{"result":{"result":"a"},"id":1}`, `[{"result":"a"}]`, `{"result":"a","result":"b"}`, `{"Result":"a"}`, ``, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		r, err := parseReply(body)
		if string(body) != before {
			t.Fatal("the body was changed")
		}
		if err != nil || r.text == nil {
			return
		}
		var want struct {
			Result any `json:"result"`
		}
		// what was cut out may hold bytes that JSON does not allow; whoever reads it as hex finds them
		if json.Unmarshal(body, &want) == nil && utf8.Valid(r.text) && want.Result != string(r.text) {
			t.Fatalf("text %q, but the result is %v", r.text, want.Result)
		}
	})
}
