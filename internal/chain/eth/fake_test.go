package eth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"go.uber.org/goleak"

	"github.com/skycoin/teller"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is part of the URL that fakes are asked at, as a hosted node's key is.
const secret = "do-not-tell"

// fake answers for a node. An answer is the JSON of a result; or "!number message", an error of the node; or
// "HTTP status body"; or "hang".
type fake struct {
	mu      sync.Mutex
	answers map[string]string
	next    map[string]string // what a method answers from the second time on
	asked   []string
}

// recorded is a fake that answers as the node in testdata did.
func recorded(t testing.TB) *fake {
	t.Helper()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return &fake{answers: map[string]string{
		"eth_chainId":            `"0x7a69"`,
		"eth_getBlockByNumber":   read("block.json"),
		"eth_getBlockByHash":     read("block.json"),
		"eth_getBlockReceipts":   read("receipts.json"),
		"debug_traceBlockByHash": read("traces.json"),
	}}
}

// The addresses that recorded pays, and what.
const (
	first  = "0x2222222222222222222222222222222222222222"
	second = "0x1111111111111111111111111111111111111111"
	direct = "0x114f2f3e7ffd37ebdf9b1797e92acebea0dadeed37670e89d31552ebf7372df2"
	inside = "0xfee3d0eb9dcfe3b1edd1ac6516ca5a254a8ca7ad3f9211bc989d55e9467d8ffa"
)

// ours is the set of them.
var ours = keys{string(common.HexToAddress(first).Bytes()): true, string(common.HexToAddress(second).Bytes()): true}

var recordedTransfers = []teller.Transfer{
	{Address: first, TxID: direct, Value: teller.NewAmount(1_000_000_000_000_000_001)},
	{Address: first, TxID: inside, N: 1, Value: teller.NewAmount(50)},
	{Address: second, TxID: inside, N: 2, Value: teller.NewAmount(51)},
}

func (f *fake) chain(t testing.TB, change func(*Config)) *Chain {
	t.Helper()
	cfg := Config{Server: "https://user:" + secret + "@node.test/" + secret, ChainID: 31337}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.client.web.Transport = bounded{f}
	return c
}

func (f *fake) change(method, old, now string) {
	if old == "" {
		f.answers[method] = now
		return
	}
	f.answers[method] = strings.Replace(f.answers[method], old, now, 1)
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if body[0] != '[' {
		return f.answer(r, body)
	}
	var calls []json.RawMessage
	if err := json.Unmarshal(body, &calls); err != nil {
		return nil, err
	}
	var answers []string
	for _, call := range calls {
		resp, err := f.answer(r, call)
		if err != nil || resp.StatusCode != http.StatusOK {
			return resp, err
		}
		one, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		answers = append(answers, string(one))
	}
	return response(http.StatusOK, "["+strings.Join(answers, ",")+"]"), nil
}

func (f *fake) answer(r *http.Request, call []byte) (*http.Response, error) {
	var request struct {
		ID     json.RawMessage
		Method string
	}
	if err := json.Unmarshal(call, &request); err != nil {
		return nil, err
	}
	f.mu.Lock()
	answer, ok := f.answers[request.Method]
	f.asked = append(f.asked, request.Method)
	if next := f.next[request.Method]; next != "" {
		f.answers[request.Method] = next
	}
	f.mu.Unlock()
	head := `{"jsonrpc":"2.0","id":` + string(request.ID)
	switch {
	case !ok:
		answer = "!-32601 the method does not exist"
		fallthrough
	case strings.HasPrefix(answer, "!"):
		number, message, _ := strings.Cut(answer[1:], " ")
		return response(http.StatusOK, head+`,"error":{"code":`+number+`,"message":`+strconv.Quote(message)+`}}`), nil
	case strings.HasPrefix(answer, "HTTP "):
		status, text, _ := strings.Cut(answer[len("HTTP "):], " ")
		number, err := strconv.Atoi(status)
		return response(number, text), err
	case answer == "hang":
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return response(http.StatusOK, head+`,"result":`+answer+`}`), nil
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status), Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}
}

// checkError wants a code, a part of the message, the node's host and no secret.
func checkError(t *testing.T, err error, code teller.Code, says string) {
	t.Helper()
	var e *teller.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("err = %v (%s), want %s", err, teller.CodeOf(err), code)
	}
	text := err.Error()
	if !strings.Contains(text, says) || !strings.Contains(text, "node.test") {
		t.Errorf("err = %v, want %q and the host in it", err, says)
	}
	if strings.Contains(text, secret) || len(text) > 600 {
		t.Errorf("err = %v: shows a secret or too much", err)
	}
}

func TestRecordedBlock(t *testing.T) {
	f := recorded(t)
	c := f.chain(t, nil)
	b, err := c.Block(t.Context(), 4, ours)
	if err != nil {
		t.Fatal(err)
	}
	wantTransfers(t, b.Transfers, recordedTransfers...)
	if b.Height != 4 || b.Hash != "0x77072290cf62346d12147ea2206e99edc913209f4b08b294f8d80f089edfb716" ||
		b.Parent != "0x106aef6820ff5c8936a9ada27a47db4471c96dbf935f477bd0a7e6502cd89930" {
		t.Errorf("block = %+v", b)
	}
	f.asked = nil
	if got := found(t, c, 4, 4, keys{}); len(got) != 0 {
		t.Errorf("transfers = %+v", got)
	}
	if slices.Contains(f.asked, "eth_getBlockReceipts") {
		t.Error("it asks for receipts although nothing was found")
	}
}

// TestLyingNode changes answers. What a hash covers is never believed; the rest must agree with it.
func TestLyingNode(t *testing.T) {
	const block, receipts, traces = "eth_getBlockByNumber", "eth_getBlockReceipts", "debug_traceBlockByHash"
	for name, tc := range map[string]struct {
		method, old, now string
		says             string
	}{
		"header":                {block, `"gasUsed": "0x21452"`, `"gasUsed": "0x21453"`, "header of block 4"},
		"parent":                {block, `"parentHash": "0x106a`, `"parentHash": "0x106b`, "header of block 4"},
		"hash":                  {block, `"hash": "0x7707`, `"hash": "0x7708`, "header of block 4"},
		"no hash":               {block, `"hash": "0x7707`, `"bash": "0x7707`, "another one"},
		"number":                {block, `"number": "0x4"`, `"number": "0x5"`, "another one"},
		"amount":                {block, `"value": "0xde0b6b3a7640001"`, `"value": "0xde0b6b3a7640002"`, "does not hold the transactions"},
		"no transactions":       {block, `"transactions": [`, `"transactions": [], "x": [`, "does not hold the transactions"},
		"no value":              {block, `"value": "0x0"`, `"value": null`, "makes no sense"},
		"kind of thing":         {block, `"number": "0x4"`, `"number": 4`, "eth_getBlockByNumber"},
		"nothing at all":        {block, "", `{}`, "another one"},
		"a list":                {block, "", `[]`, "eth_getBlockByNumber"},
		"failure hidden":        {receipts, `"status": "0x0"`, `"status": "0x1"`, "receipts of block"},
		"receipts missing":      {receipts, "", `[]`, "receipts of block"},
		"receipts null":         {receipts, "", `[null,null,null,null]`, "is null"},
		"receipt incomplete":    {receipts, `"logsBloom"`, `"bloom"`, "makes no sense"},
		"traces missing":        {traces, "", `[]`, "it traces 0 transactions"},
		"traces of others":      {traces, `"txHash": "0x114f`, `"txHash": "0x115f`, "that of another"},
		"trace without a trace": {traces, `"result"`, `"other"`, "that of another"},
		"another amount":        {traces, `"value": "0x65"`, `"value": "0x66"`, "that of another"},
		"traces that are none":  {traces, "", `"0x"`, "debug_traceBlockByHash"},
	} {
		t.Run(name, func(t *testing.T) {
			f := recorded(t)
			was := f.answers[tc.method]
			f.change(tc.method, tc.old, tc.now)
			if f.answers[tc.method] == was {
				t.Fatal("nothing was changed")
			}
			_, err := f.chain(t, nil).Block(t.Context(), 4, ours)
			checkError(t, err, teller.CodeMalformed, tc.says)
		})
	}
}

// TestNewerRules: a header or a transaction with fields of a later protocol can not be hashed, and stops nothing.
func TestNewerRules(t *testing.T) {
	t.Run("header", func(t *testing.T) {
		f := recorded(t)
		for _, method := range []string{"eth_getBlockByNumber", "eth_getBlockByHash"} {
			f.change(method, `"gasUsed": "0x21452"`, `"gasUsed": "0x21453", "slotNumber": "0x1"`)
		}
		wantTransfers(t, found(t, f.chain(t, nil), 4, 4, ours), recordedTransfers...)
	})
	t.Run("transaction", func(t *testing.T) {
		f := recorded(t)
		f.change("eth_getBlockByNumber", `"type": "0x2"`, `"type": "0x7e"`)
		wantTransfers(t, found(t, f.chain(t, nil), 4, 4, ours), recordedTransfers...)
		f.change("eth_getBlockReceipts", `"transactionHash": "0x114f`, `"transactionHash": "0x115f`)
		_, err := f.chain(t, nil).Block(t.Context(), 4, ours)
		checkError(t, err, teller.CodeMalformed, "the receipt of another")
	})
}

func TestReceiptsOneByOne(t *testing.T) {
	f := recorded(t)
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(f.answers["eth_getBlockReceipts"]), &all); err != nil {
		t.Fatal(err)
	}
	delete(f.answers, "eth_getBlockReceipts")
	f.answers["eth_getTransactionReceipt"] = string(all[0])
	c := f.chain(t, func(cfg *Config) { cfg.Trace = TraceOff })
	b, err := c.Block(t.Context(), 4, watch(t, c, first))
	if err != nil {
		t.Fatal(err)
	}
	wantTransfers(t, b.Transfers, recordedTransfers[0])
	_, err = c.Block(t.Context(), 4, everything{}) // the second transaction gets the first one's
	checkError(t, err, teller.CodeMalformed, "the receipt of another")
	f.answers["eth_getTransactionReceipt"] = "null"
	_, err = c.Block(t.Context(), 4, ours)
	checkError(t, err, teller.CodeUnavailable, "dropped")
	f.answers["eth_getTransactionReceipt"] = strings.Replace(string(all[0]), `"status": "0x1"`, `"root": "0x`+strings.Repeat("1", 64)+`"`, 1)
	_, err = c.Block(t.Context(), 4, watch(t, c, first))
	if teller.CodeOf(err) != teller.CodeUnsupported || !strings.Contains(err.Error(), "Byzantium") {
		t.Errorf("old receipt: %v", err)
	}
}

// TestWithoutTraces is about nodes that can not trace.
func TestWithoutTraces(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		probe  string      // what the node says to another question; "" = it answers
		code   teller.Code // of the error with trace = auto; "" = the block is read without
		on     teller.Code // of the error with trace = on
	}{
		"no such method":    {"!-32601 the method debug_traceBlockByHash does not exist", "", "", teller.CodeUnsupported},
		"not in this plan":  {"HTTP 403 " + `{"error":{"code":-32600,"message":"upgrade your plan"}}`, "", "", teller.CodeUnavailable},
		"too old":           {"!-32000 required historical state unavailable", "", "", teller.CodeUnavailable},
		"takes too long":    {"hang", "", "", teller.CodeUnavailable},
		"all takes long":    {"hang", "hang", teller.CodeUnavailable, teller.CodeUnavailable},
		"too many requests": {"HTTP 429 slow down", "", teller.CodeUnavailable, teller.CodeUnavailable},
		"over its limits":   {"!-32005 limit exceeded", "", teller.CodeUnavailable, teller.CodeUnavailable},
		"bad gateway":       {"HTTP 502 oops", "", teller.CodeUnavailable, teller.CodeUnavailable},
		"one of them failed": {`[{"error":"execution timeout"},{"error":"execution timeout"},{"error":"x"},{"error":"x"}]`, "", "",
			teller.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := recorded(t)
			f.answers["debug_traceBlockByHash"] = tc.answer
			f.next = map[string]string{"eth_getBlockByNumber": tc.probe}
			var logged bytes.Buffer
			c := f.chain(t, func(cfg *Config) {
				cfg.Timeout, cfg.Log = 50*time.Millisecond, slog.New(slog.NewTextHandler(&logged, nil))
			})
			b, err := c.Block(t.Context(), 4, ours)
			if tc.code != "" {
				checkError(t, err, tc.code, "debug_traceBlockByHash")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantTransfers(t, b.Transfers, recordedTransfers[0])
			if able, reason := c.Tracing(); able || reason == "" {
				t.Error("it says that it traces")
			}
			found(t, c, 4, 4, ours)
			if n := strings.Count(logged.String(), "level=WARN"); n != 1 || strings.Contains(logged.String(), secret) {
				t.Errorf("logged: %s", logged.String())
			}
			on := f.chain(t, func(cfg *Config) { cfg.Timeout, cfg.Trace = 50*time.Millisecond, TraceOn })
			_, err = on.Block(t.Context(), 4, ours)
			checkError(t, err, tc.on, "")
			f.answers["debug_traceBlockByHash"] = recorded(t).answers["debug_traceBlockByHash"]
			wantTransfers(t, found(t, c, 4, 4, ours), recordedTransfers...)
			if able, reason := c.Tracing(); !able || !strings.Contains(logged.String(), "level=INFO") {
				t.Errorf("it does not say that it traces again: %s, %s", reason, logged.String())
			}
		})
	}
}

// TestNotTraced: what runs no code is not traced.
func TestNotTraced(t *testing.T) {
	known, withData := types.NewTx(&types.LegacyTx{}), types.NewTx(&types.LegacyTx{Data: []byte{1}})
	for name, tc := range map[string]struct {
		b    block
		want bool
	}{
		"empty":    {block{}, false},
		"payment":  {block{Transactions: []transaction{{payment{To: new(common.Address), Gas: 21000}, known}}}, false},
		"data":     {block{Transactions: []transaction{{payment{To: new(common.Address), Gas: 21000}, withData}}}, true},
		"new kind": {block{Transactions: []transaction{{payment{To: new(common.Address), Gas: 21000}, nil}}}, true},
		"call":     {block{Transactions: []transaction{{payment: payment{To: new(common.Address), Gas: 21001}}}}, true},
		"creation": {block{Transactions: []transaction{{payment: payment{Gas: 21000}}}}, true},
		"unknown":  {block{Transactions: []transaction{{payment: payment{To: new(common.Address)}}}}, true},
	} {
		if got := tc.b.runsCode(); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAnswersAreTranslated(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		code   teller.Code
		says   string
	}{
		"another daemon":    {"!-32601 method not found", teller.CodeUnsupported, "-32601"},
		"not supported":     {"!-32004 method not supported", teller.CodeUnsupported, "-32004"},
		"resource":          {"!-32001 resource not found", teller.CodeNotFound, "-32001"},
		"internal":          {"!-32603 internal error", teller.CodeUnavailable, "internal error"},
		"limit":             {"!-32005 daily request count exceeded", teller.CodeUnavailable, "daily"},
		"long":              {"!-32000 " + strings.Repeat("x", 10_000), teller.CodeUnavailable, "bytes more"},
		"login":             {"HTTP 401 project id required", teller.CodeUnavailable, "eth_rpc.url"},
		"forbidden":         {"HTTP 403 ", teller.CodeUnavailable, "eth_rpc.url"},
		"wrapped":           {`HTTP 400 {"error":{"code":-32001,"message":"no"}}`, teller.CodeNotFound, "-32001"},
		"too many requests": {"HTTP 429 slow down", teller.CodeUnavailable, "429"},
		"wrapped limit":     {`HTTP 429 {"error":{"code":-32601,"message":"no"}}`, teller.CodeUnavailable, "429"},
		"gateway":           {"HTTP 502 <html>", teller.CodeUnavailable, "502"},
		"no such page":      {"HTTP 404 page not found", teller.CodeMalformed, "404"},
		"redirect":          {"HTTP 302 ", teller.CodeMalformed, "302"},
		"a web page":        {"HTTP 200 <html>", teller.CodeMalformed, "eth_getBlockByNumber"},
		"no result":         {`HTTP 200 {"jsonrpc":"2.0","id":1}`, teller.CodeMalformed, "no result"},
		"cut off":           {`HTTP 200 {"jsonrpc":"2.0","id":1,"resu`, teller.CodeUnavailable, "EOF"},
		"endless":           {"HTTP 200 " + strings.Repeat(" ", maxReply+1), teller.CodeMalformed, "longer than"},
		"no block":          {"null", teller.CodeNotFound, "has no block 7"},
		"another block":     {`{"number":"0x8","hash":"0x` + strings.Repeat("11", 32) + `"}`, teller.CodeMalformed, "another one"},
		"no number":         {`{"hash":"0x` + strings.Repeat("11", 32) + `"}`, teller.CodeMalformed, "another one"},
		"no hash":           {`{"number":"0x7"}`, teller.CodeMalformed, "another one"},
		"a short hash":      {`{"number":"0x7","hash":"0x11"}`, teller.CodeMalformed, "hex string"},
		"no hex":            {`{"number":"7"}`, teller.CodeMalformed, "number"},
		"a text":            {`"block"`, teller.CodeMalformed, "string"},
		"hang":              {"hang", teller.CodeUnavailable, "in time"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && len(tc.answer) > maxReply {
				t.Skip("it takes long")
			}
			f := &fake{answers: map[string]string{"eth_getBlockByNumber": tc.answer}}
			c := f.chain(t, func(cfg *Config) {
				if tc.answer == "hang" {
					cfg.Timeout = 50 * time.Millisecond
				}
			})
			_, err := c.BlockHash(t.Context(), 7)
			checkError(t, err, tc.code, tc.says)
		})
	}
}

func TestGenesis(t *testing.T) {
	genesis := `{"number":"0x0","hash":"0x` + strings.Repeat("11", 32) + `"}`
	f := &fake{answers: map[string]string{"eth_chainId": `"0x7a69"`, "eth_getBlockByNumber": genesis}}
	if got, err := f.chain(t, nil).Genesis(t.Context()); err != nil || got != "0x"+strings.Repeat("11", 32) {
		t.Errorf("genesis = %s, %v", got, err)
	}
	for answer, want := range map[string]teller.Code{
		`"0x1"`: teller.CodeWrongNetwork, `"0x10000000000007a69"`: teller.CodeWrongNetwork,
		`null`: teller.CodeMalformed, `31337`: teller.CodeMalformed, `"31337"`: teller.CodeMalformed,
	} {
		f.answers["eth_chainId"] = answer
		_, err := f.chain(t, nil).Genesis(t.Context())
		checkError(t, err, want, "")
		if want == teller.CodeWrongNetwork && !strings.Contains(err.Error(), "31337") {
			t.Errorf("err = %v", err)
		}
	}
	for id, want := range map[int64]string{
		1:        "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
		11155111: "0x25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9",
		17000:    "0xb5f7f912443c940f21fd611f12828d75b534364ed9e95ca4e307729a4661bde4",
		560048:   "0xbbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b",
		31337:    "",
	} {
		if got := f.chain(t, func(cfg *Config) { cfg.ChainID = id }).ExpectedGenesis(); got != want {
			t.Errorf("genesis of chain %d is %q", id, got)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		cfg  Config
		want string // the URL, or a part of the error
	}{
		{Config{Server: "127.0.0.1", Port: "8545"}, "http://127.0.0.1:8545"},
		{Config{Server: "127.0.0.1", Port: "8546", Websocket: true}, "ws://127.0.0.1:8546"},
		{Config{Server: "::1", Port: "8545"}, "http://[::1]:8545"},
		{Config{Server: "[::1]", Port: "8545"}, "http://[::1]:8545"},
		{Config{Server: "https://node.test/v3/key", Port: "8545"}, "https://node.test/v3/key"},
		{Config{Server: "https://node.test/v3/key", Websocket: true}, "wss://node.test/v3/key"},
		{Config{Server: "ws://u:p@node.test:1"}, "ws://u:p@node.test:1"},
		{Config{Server: "node", Port: "0"}, "eth_rpc.port"},
		{Config{Server: "node", Port: "70000"}, "eth_rpc.port"},
		{Config{Server: "node"}, "eth_rpc.port"},
		{Config{Port: "8545"}, "eth_rpc.server"},
		{Config{Server: secret + "@node", Port: "8545"}, "eth_rpc.server"},
		{Config{Server: "ftp://node/" + secret}, "eth_rpc.url"},
		{Config{Server: "https:///" + secret}, "eth_rpc.url"},
		{Config{Server: "https://%zz/" + secret}, "eth_rpc.url"},
		{Config{Server: "node", Port: "1", Trace: "yes"}, "eth_rpc.trace"},
		{Config{Server: "node", Port: "1", ChainID: -1}, "eth_rpc.chain_id"},
	} {
		tc.cfg.ChainID++
		c, err := New(tc.cfg)
		if !strings.HasPrefix(tc.want, "eth_") {
			if err != nil || c.client.url != tc.want {
				t.Errorf("%+v: %v", tc.cfg, err)
			}
			continue
		}
		if teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%+v: err = %v, want %s", tc.cfg, err, tc.want)
		}
	}
}

// TestUnconfirmedFallbacks: the pending block, else the pool, else nothing.
func TestUnconfirmedFallbacks(t *testing.T) {
	tx := `{"hash":"` + direct + `","from":"` + second + `","to":"` + first + `","value":"0x5"}`
	self := `{"hash":"` + direct + `","from":"` + first + `","to":"` + first + `","value":"0x5"}`
	pool := `{"pending":{"` + second + `":{"7":` + tx + `,"8":` + self + `}},"queued":{"` + first + `":{"9":` + tx + `}}}`
	latest := `{"number":"0x7","hash":"` + inside + `"}`
	want := []teller.Transfer{{Address: first, TxID: direct, Value: teller.NewAmount(5)}}
	for name, tc := range map[string]struct {
		pending, pool string
		want          []teller.Transfer
		code          teller.Code
	}{
		"pending block":        {`{"number":"0x8","hash":null,"transactions":[` + self + `,` + tx + `]}`, "", want, ""},
		"empty":                {`{"number":"0x8","transactions":[]}`, pool, nil, ""},
		"no pending block":     {"null", pool, want, ""},
		"refused":              {"!-32000 pending block is not available", pool, want, ""},
		"latest as pending":    {`{"number":"0x7","transactions":[` + tx + `]}`, pool, want, ""},
		"only latest":          {`{"number":"0x7","transactions":[` + tx + `]}`, "", nil, ""},
		"neither":              {"null", "", nil, teller.CodeUnsupported},
		"down":                 {"HTTP 503 no", pool, nil, teller.CodeUnavailable},
		"garbage":              {`{"transactions":7}`, pool, nil, teller.CodeMalformed},
		"pool down":            {"null", "HTTP 503 no", nil, teller.CodeUnavailable},
		"pool that is no pool": {"null", `{"pending":[]}`, nil, teller.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answers: map[string]string{"eth_getBlockByNumber": tc.pending}, next: map[string]string{"eth_getBlockByNumber": latest}}
			if tc.pool != "" {
				f.answers["txpool_content"] = tc.pool
			}
			got, err := f.chain(t, nil).Unconfirmed(t.Context(), everything{})
			if tc.code != "" {
				checkError(t, err, tc.code, "")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantTransfers(t, got, tc.want...)
		})
	}
}

func TestBalancesOfAFake(t *testing.T) {
	hash := "0x" + strings.Repeat("11", 32)
	at := teller.BlockRef{Height: 7, Hash: hash}
	for name, tc := range map[string]struct {
		block, balance string
		code           teller.Code
	}{
		"orphaned":     {`{"number":"0x7","hash":"` + inside + `"}`, `"0x1"`, teller.CodeNotFound},
		"above":        {"null", `"0x1"`, teller.CodeNotFound},
		"pruned":       {"", "!-32000 missing trie node", teller.CodeUnavailable},
		"gone":         {"", "!-32001 resource not found", teller.CodeUnavailable},
		"old protocol": {"", "!-32602 invalid argument", teller.CodeUnavailable},
		"null":         {"", "null", teller.CodeMalformed},
		"negative":     {"", `"-0x1"`, teller.CodeMalformed},
		"too large":    {"", `"0x1` + strings.Repeat("0", 64) + `"`, teller.CodeMalformed},
		"down":         {"", "HTTP 503 no", teller.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answers: map[string]string{"eth_getBlockByNumber": tc.block, "eth_getBalance": tc.balance}}
			if tc.block == "" {
				f.answers["eth_getBlockByNumber"] = `{"number":"0x7","hash":"` + hash + `"}`
			}
			_, err := f.chain(t, nil).Balances(t.Context(), at, []string{first, second})
			if teller.CodeOf(err) != tc.code || strings.Contains(err.Error(), secret) {
				t.Errorf("err = %v (%s), want %s", err, teller.CodeOf(err), tc.code)
			}
		})
	}
	_, err := (&fake{}).chain(t, nil).Balances(t.Context(), at, []string{"0x12"})
	if teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("err = %v", err)
	}
}

// FuzzBlock changes a part of the answers: a block is read as what it is or not at all. The input is small because large
// ones take Go's fuzzer a minute each to shorten.
func FuzzBlock(f *testing.F) {
	block := recorded(f).answers["eth_getBlockByNumber"]
	value := strings.Index(block, `"0xde0b6b3a7640001"`)
	f.Add(false, uint16(value), uint16(1), `"0x1`)
	f.Add(false, uint16(strings.Index(block, `"0x2"`)), uint16(5), `"0x3"`)
	f.Add(false, uint16(0), uint16(len(block)), "null")
	f.Add(true, uint16(0), uint16(20000), "[]")
	f.Add(true, uint16(0), uint16(20000), `[{"status":"0x1"}]`)
	f.Fuzz(func(t *testing.T, receipts bool, at, length uint16, now string) {
		fake := recorded(t)
		method := "eth_getBlockByNumber"
		if receipts {
			method = "eth_getBlockReceipts"
		}
		was := fake.answers[method]
		from := min(int(at), len(was))
		fake.answers[method] = was[:from] + now + was[min(from+int(length), len(was)):]
		if !json.Valid([]byte(fake.answers[method])) {
			t.Skip("other tests are about what is no JSON")
		}
		c := fake.chain(t, func(cfg *Config) { cfg.Trace = TraceOff })
		b, err := c.Block(t.Context(), 4, ours)
		if err != nil {
			switch teller.CodeOf(err) {
			case teller.CodeMalformed, teller.CodeNotFound, teller.CodeUnavailable, teller.CodeUnsupported:
			default:
				t.Fatalf("err = %v (%s)", err, teller.CodeOf(err))
			}
			return
		}
		if believed(t, fake.answers["eth_getBlockByNumber"]) {
			return
		}
		if b.Hash == "0x77072290cf62346d12147ea2206e99edc913209f4b08b294f8d80f089edfb716" {
			wantTransfers(t, b.Transfers, recordedTransfers[0])
		}
	})
}

// believed reports whether a block has a transaction of a kind that this program does not know, which can not be checked.
func believed(t *testing.T, answer string) bool {
	var b block
	if err := json.Unmarshal([]byte(answer), &b); err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(b.Transactions, func(tx transaction) bool { return tx.signed == nil })
}

// FuzzTrace: a trace can move no more than calls that succeeded, each under its own number.
func FuzzTrace(f *testing.F) {
	f.Add(recorded(f).answers["debug_traceBlockByHash"])
	f.Add(`[{"result":{"type":"CALL","calls":[{"type":"CREATE","value":"0x1","to":"` + first + `","error":"x"}]}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		var traces []txTrace
		if json.Unmarshal([]byte(text), &traces) != nil {
			return
		}
		for _, trace := range traces {
			if trace.Result == nil {
				continue
			}
			next := uint32(1)
			trace.Result.visit(func(n uint32, f *frame) {
				if n != next || f.Error != "" || trace.Result.Error != "" || f.To == nil || f.Value.ToInt().Sign() <= 0 {
					t.Fatalf("number %d is %+v, want number %d", n, f, next)
				}
				next++
			})
		}
	})
}
