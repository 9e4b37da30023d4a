package sky

import (
	"context"
	"encoding/json"
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

	"github.com/skycoin/teller"
)

func recorded(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return string(b)
}

// serve answers the paths with fixed texts, and everything else with 404.
func serve(t *testing.T, answers map[string]string) *Node {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.Error(w, "404 Not Found", http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return NewNode(Config{Address: server.URL})
}

// The parts of the recorded chain: block 1 pays two strangers from the first output.
const genesisOwner = "h7eohVczwKvJsf7QxYNdXN2Bmk3Y9NrEA7"

func recordedTxID(t *testing.T) string {
	t.Helper()
	var answer struct {
		Txn struct {
			TxID string `json:"txid"`
		} `json:"txn"`
	}
	must(t, json.Unmarshal([]byte(recorded(t, "transaction.json")), &answer))
	return answer.Txn.TxID
}

// TestNodeChecksAnswers changes one thing at a time in the answers of a real node. None may be taken for true.
func TestNodeChecksAnswers(t *testing.T) {
	txid := recordedTxID(t)
	ctx := context.Background()
	calls := map[string]struct {
		path string
		call func(n *Node) error
	}{
		"metadata.json":    {"/api/v1/blockchain/metadata", func(n *Node) error { _, err := n.Head(ctx); return err }},
		"genesis.json":     {"/api/v1/block", func(n *Node) error { _, err := n.Genesis(ctx); return err }},
		"blocks.json":      {"/api/v1/blocks", func(n *Node) error { _, err := n.Blocks(ctx, 0, 1); return err }},
		"outputs.json":     {"/api/v1/outputs", func(n *Node) error { _, _, err := n.Outputs(ctx, []string{genesisOwner, strangers(1)[0]}); return err }},
		"pending.json":     {"/api/v1/pendingTxs", func(n *Node) error { _, err := n.Pending(ctx); return err }},
		"transaction.json": {"/api/v1/transaction", func(n *Node) error { _, _, err := n.Transaction(ctx, txid); return err }},
		"health.json":      {"/api/v1/health", func(n *Node) error { _, err := n.Rules(ctx); return err }},
	}
	for _, tc := range []struct{ file, old, new string }{
		{"metadata.json", `"seq": 1`, `"seq": 2`},
		{"metadata.json", `"timestamp": 1`, `"timestamp": 2`},
		{"metadata.json", `"block_hash": "`, `"block_hash": "0`},
		{"metadata.json", `"head"`, `"tail"`},
		{"genesis.json", `"coins": "1`, `"coins": "2`},
		{"genesis.json", `"seq": 0`, `"seq": 1`},
		{"blocks.json", `"blocks": [`, `"blocks": [{},`},
		{"blocks.json", `"coins": "1.000000"`, `"coins": "2.000000"`},
		{"blocks.json", `"hours": 1` + "\n", `"hours": 2` + "\n"},
		{"blocks.json", `"dst": "` + strangers(1)[0], `"dst": "` + strangers(3)[2]},
		{"blocks.json", `"dst": "` + strangers(1)[0], `"dst": "` + strangers(1)[0] + `x`},
		{"blocks.json", `"coins": "1.000000"`, `"coins": "1.0000001"`},
		{"blocks.json", `"coins": "1.000000"`, `"coins": "-1"`},
		{"blocks.json", `"uxid": "`, `"uxid": "f`},
		{"blocks.json", `"txns": [`, `"txnss": [`},
		{"blocks.json", `"sigs": [`, `"sigs": ["00"`},
		{"outputs.json", `"coins": "1.000000"`, `"coins": "1.000001"`},
		{"outputs.json", `"hours": 1,`, `"hours": 10,`},
		{"outputs.json", strangers(1)[0], strangers(2)[1]},
		{"outputs.json", `"block_seq": 1`, `"block_seq": 2`},
		{"outputs.json", `"block_seq": 1`, `"block_seq": 18446744073709551615`},
		{"outputs.json", `"time": 1`, `"time": 9`},
		{"outputs.json", `"src_tx": "`, `"src_tx": "x`},
		{"pending.json", `"coins": "1.000000"`, `"coins": "2.000000"`},
		{"pending.json", `"txid": "`, `"txid": "0`},
		{"pending.json", `"length": 257`, `"length": 258`},
		{"transaction.json", txid, strings.Repeat("0", 64)},
		{"transaction.json", `"confirmed": true`, `"confirmed": false`},
		{"transaction.json", `"confirmed": true`, `"confirmed": "yes"`},
		{"health.json", `"burn_factor": 10`, `"burn_factor": 0`},
		{"health.json", `"max_decimals": 3`, `"max_decimals": 7`},
		{"health.json", `"user_verify_transaction"`, `"no"`},
		{"health.json", `{`, ``},
	} {
		t.Run(tc.file+" "+tc.new, func(t *testing.T) {
			c, text := calls[tc.file], recorded(t, tc.file)
			if err := c.call(serve(t, map[string]string{c.path: text})); err != nil {
				t.Fatalf("unchanged: %v", err)
			}
			changed := strings.Replace(text, tc.old, tc.new, 1)
			if changed == text {
				t.Fatalf("the recording has no %s", tc.old)
			}
			wantCode(t, c.call(serve(t, map[string]string{c.path: changed})), teller.CodeMalformed)
		})
	}
}

// TestNodeWantsLinkedBlocks leaves a block out, repeats one, and gives more than was asked for.
func TestNodeWantsLinkedBlocks(t *testing.T) {
	var answer struct {
		Blocks []json.RawMessage `json:"blocks"`
	}
	must(t, json.Unmarshal([]byte(recorded(t, "blocks.json")), &answer))
	b0, b1 := answer.Blocks[0], answer.Blocks[1]
	for name, tc := range map[string]struct {
		from, to int64
		blocks   []json.RawMessage
		code     teller.Code
	}{
		"as asked":      {0, 1, []json.RawMessage{b0, b1}, ""},
		"fewer":         {0, 5, []json.RawMessage{b0, b1}, ""},
		"none":          {7, 9, nil, ""},
		"one left out":  {0, 1, []json.RawMessage{b1}, teller.CodeMalformed},
		"wrong order":   {0, 1, []json.RawMessage{b1, b0}, teller.CodeMalformed},
		"one repeated":  {0, 1, []json.RawMessage{b0, b0}, teller.CodeMalformed},
		"too many":      {0, 0, []json.RawMessage{b0, b1}, teller.CodeMalformed},
		"negative from": {-1, 1, nil, teller.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(map[string]any{"blocks": tc.blocks})
			must(t, err)
			blocks, err := serve(t, map[string]string{"/api/v1/blocks": string(text)}).Blocks(context.Background(), tc.from, tc.to)
			wantCode(t, err, tc.code)
			if err == nil && len(blocks) != len(tc.blocks) {
				t.Errorf("got %d blocks", len(blocks))
			}
		})
	}
}

// TestNodeHistoryOfOldNode asks a node that knows no pages.
func TestNodeHistoryOfOldNode(t *testing.T) {
	var answer struct {
		Data struct {
			Txns json.RawMessage `json:"txns"`
		} `json:"data"`
	}
	must(t, json.Unmarshal([]byte(recorded(t, "history.json")), &answer))
	node := serve(t, map[string]string{"/api/v1/pendingTxs": recorded(t, "pending_verbose.json"), "/api/v1/transactions": string(answer.Data.Txns)})
	history, err := node.History(context.Background(), genesisOwner)
	must(t, err)
	if len(history) != 2 || history[1].ID != recordedTxID(t) || history[1].State != teller.TxConfirmed || len(history[0].From) != 0 {
		t.Errorf("history: %+v", history) // what is confirmed meanwhile is not told twice
	}
	_, err = node.History(context.Background(), strangers(9)[8])
	wantCode(t, err, teller.CodeMalformed) // none of these transactions is his
	_, err = node.History(context.Background(), "nobody")
	wantCode(t, err, teller.CodeInvalid)
}

// TestNodeErrors is the table from what a node says to the domain's codes.
func TestNodeErrors(t *testing.T) {
	for status, code := range map[int]teller.Code{
		400: teller.CodeInvalid, 401: teller.CodeUnavailable, 403: teller.CodeUnavailable, 404: teller.CodeMalformed, 405: teller.CodeMalformed,
		429: teller.CodeUnavailable, 500: teller.CodeUnavailable, 502: teller.CodeUnavailable, 503: teller.CodeUnavailable,
		301: teller.CodeMalformed, 204: teller.CodeMalformed,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			}))
			defer server.Close()
			_, err := NewNode(Config{Address: server.URL}).Head(context.Background())
			wantCode(t, err, code)
		})
	}
}

func TestNodeAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:6420": true, "localhost:6420": true, "http://127.0.0.1:6420": true, "https://node.example/": true, "[::1]:6420": true,
		"": false, "ftp://x:1": false, "http://": false, "http://x/?a=b": false, "http://us er:secret@x": false,
	} {
		_, err := ParseAddress(address)
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
			_, err := NewNode(Config{Address: address}).Head(context.Background())
			wantCode(t, err, teller.CodeInvalid)
		}
	}
}

// TestNodeOldPort checks that who still has the old default in his configuration is told so.
func TestNodeOldPort(t *testing.T) {
	node := NewNode(Config{Address: "127.0.0.1:6430"})
	node.client.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("refused")
	}}
	_, err := node.Head(context.Background())
	wantCode(t, err, teller.CodeUnavailable)
	if !strings.Contains(err.Error(), "6420") {
		t.Errorf("no word of the new port: %v", err)
	}
}

// TestNodeHangs asks a node that never answers, and one that never stops.
func TestNodeHangs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if strings.HasPrefix(r.URL.Path, "/endless") {
				_, _ = w.Write(make([]byte, 1<<20))
			} else {
				<-r.Context().Done()
			}
		}
	}))
	defer server.Close()
	_, err := NewNode(Config{Address: server.URL, Timeout: 50 * time.Millisecond}).Head(context.Background())
	wantCode(t, err, teller.CodeUnavailable)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = NewNode(Config{Address: server.URL}).Head(ctx)
	wantCode(t, err, teller.CodeUnavailable)
	_, err = NewNode(Config{Address: server.URL + "/endless"}).Head(context.Background())
	wantCode(t, err, teller.CodeMalformed)
}

func TestNodeSendsToken(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/csrf":
			_, _ = io.WriteString(w, `{"csrf_token":"t0ken"}`)
		case "/api/v1/injectTransaction":
			body, _ := io.ReadAll(r.Body)
			got = r.Header.Get("X-CSRF-Token") + " " + r.Header.Get("Content-Type") + " " + string(body)
			_, _ = io.WriteString(w, `"id"`)
		}
	}))
	defer server.Close()
	must(t, NewNode(Config{Address: server.URL}).Inject(context.Background(), []byte{0xca, 0xfe}))
	if want := `t0ken application/json {"rawtx":"cafe"}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestNodeIsSynced(t *testing.T) {
	for _, tc := range []struct {
		name, peers string
		minPeers    int
		want        teller.Code
	}{
		{"alone and that is wanted", ``, 0, ""},
		{"alone", ``, 1, teller.CodeNodeBehind},
		{"with a peer", `{"height":100}`, 1, ""},
		{"with a peer that has not told yet", `{"height":0}`, 1, teller.CodeNodeBehind},
		{"behind its peer", `{"height":101}`, 1, teller.CodeNodeBehind},
		{"behind most", `{"height":100},{"height":101},{"height":102}`, 1, teller.CodeNodeBehind},
		{"one peer boasts", `{"height":100},{"height":99},{"height":18446744073709551615}`, 1, ""},
		{"behind although none is wanted", `{"height":101}`, 0, teller.CodeNodeBehind},
	} {
		t.Run(tc.name, func(t *testing.T) {
			node := serve(t, map[string]string{"/api/v1/blockchain/progress": `{"current":100,"highest":100,"peers":[` + tc.peers + `]}`})
			node.peers = tc.minPeers
			if err := node.Synced(t.Context()); teller.CodeOf(err) != tc.want {
				t.Errorf("got %v, want code %q", err, tc.want)
			}
		})
	}
}
