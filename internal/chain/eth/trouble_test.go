package eth

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/gorilla/websocket"

	"github.com/skycoin/teller"
)

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func fromJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
}

// A payment that names no chain in its signature (v = 27 or 28) is valid on every chain.
func TestPaymentThatNamesNoChain(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	to := common.HexToAddress(first)
	tx, err := types.SignNewTx(key, types.HomesteadSigner{}, &types.LegacyTx{GasPrice: big.NewInt(1), Gas: plainGas, To: &to, Value: big.NewInt(3)})
	if err != nil {
		t.Fatal(err)
	}
	receipt := &types.Receipt{Status: 1, TxHash: tx.Hash(), BlockNumber: big.NewInt(4), Logs: []*types.Log{}, CumulativeGasUsed: plainGas, GasUsed: plainGas}
	header := &types.Header{
		ParentHash: common.Hash{1}, TxHash: rootOf(types.Transactions{tx}), ReceiptHash: rootOf(types.Receipts{receipt}),
		Number: big.NewInt(4), Difficulty: new(big.Int),
	}
	receipt.BlockHash = header.Hash()
	var fields map[string]any
	fromJSON(t, mustJSON(t, header), &fields)
	fields["hash"], fields["transactions"] = header.Hash(), []any{tx}
	block := mustJSON(t, fields)
	f := &fake{answers: map[string]string{
		"eth_getBlockByNumber": block, "eth_getBlockByHash": block, "eth_getBlockReceipts": mustJSON(t, []any{receipt}),
	}}
	b, err := f.chain(t, nil).Block(t.Context(), 4, ours)
	if err != nil {
		t.Fatal(err)
	}
	wantTransfers(t, b.Transfers, teller.Transfer{Address: first, TxID: tx.Hash().Hex(), Value: teller.NewAmount(3)})
}

// batchSizes notes the largest batch that was asked for.
type batchSizes struct {
	*fake
	most *int
}

func (b batchSizes) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var calls []json.RawMessage
	if json.Unmarshal(body, &calls) == nil {
		*b.most = max(*b.most, len(calls))
	}
	return b.fake.RoundTrip(r)
}

// A transaction with a thousand transfers has one receipt, which is asked for once.
func TestReceiptOfManyTransfersIsAskedForOnce(t *testing.T) {
	f := recorded(t)
	var receipts []json.RawMessage
	fromJSON(t, f.answers["eth_getBlockReceipts"], &receipts)
	delete(f.answers, "eth_getBlockReceipts")
	for _, r := range receipts {
		if strings.Contains(string(r), inside) {
			f.answers["eth_getTransactionReceipt"] = string(r)
		}
	}
	var traces []txTrace
	fromJSON(t, f.answers["debug_traceBlockByHash"], &traces)
	for i := range traces {
		outer := traces[i].Result
		if traces[i].TxHash.Hex() != inside {
			outer.Calls = nil
			continue
		}
		to := common.HexToAddress(first)
		one := frame{Type: "CALL", From: *outer.To, To: &to, Value: outer.Value}
		outer.Calls = nil
		for range 1001 {
			outer.Calls = append(outer.Calls, one)
		}
	}
	f.answers["debug_traceBlockByHash"] = mustJSON(t, traces)
	most := 0
	c := f.chain(t, nil)
	c.client.web.Transport = bounded{batchSizes{f, &most}}
	_, _ = c.Block(t.Context(), 4, ours) // the other transactions have no receipt of their own here
	if most == 0 || most > len(receipts) {
		t.Errorf("a batch asks for %d receipts of a block with %d transactions", most, len(receipts))
	}
}

// A websocket whose far end answers pings and nothing else is given up for a new one.
func TestHungWebsocketIsGivenUp(t *testing.T) {
	var connections atomic.Int32
	upgrader := websocket.Upgrader{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		hung := connections.Add(1) == 1
		for {
			_, message, err := conn.ReadMessage()
			if err != nil {
				return
			}
			var request struct{ ID json.RawMessage }
			if hung || json.Unmarshal(message, &request) != nil {
				continue
			}
			if conn.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":`+string(request.ID)+`,"result":"0x1"}`)) != nil {
				return
			}
		}
	}))
	defer srv.Close()
	c, err := New(Config{Server: strings.Replace(srv.URL, "http", "ws", 1), ChainID: 1, Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var answer string
	for range 5 {
		if err = c.client.call(t.Context(), &answer, "eth_chainId"); err == nil {
			return
		}
	}
	t.Errorf("after five timeouts still on connection %d: %v", connections.Load(), err)
}

// A node that takes connections and says nothing keeps nobody who does not want to wait any more: teller has to end.
func TestHungHandshakeIsLeft(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c, err := New(Config{Server: "ws://" + silent.Addr().String(), ChainID: 1, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := c.Tip(ctx)
		left <- err
	}()
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it shakes hands now
		t.Fatal(err)
	}
	leave()
	select {
	case err := <-left:
		if teller.CodeOf(err) != teller.CodeUnavailable {
			t.Errorf("it was left with %v, want %s", err, teller.CodeUnavailable)
		}
	case <-time.After(20 * time.Second):
		t.Error("the call goes on after its context has ended")
	}
}

// A kind of transaction that is still to come may have neither a recipient nor a value of its own.
func TestKindOfTheFutureWithoutValue(t *testing.T) {
	f := recorded(t)
	var block map[string]any
	fromJSON(t, f.answers["eth_getBlockByNumber"], &block)
	transactions, _ := block["transactions"].([]any)
	for _, tx := range transactions {
		if tx, ok := tx.(map[string]any); ok && tx["hash"] == inside {
			tx["type"] = "0x6"
			delete(tx, "value")
			delete(tx, "to")
		}
	}
	f.answers["eth_getBlockByNumber"] = mustJSON(t, block)
	if _, err := f.chain(t, nil).Block(t.Context(), 4, ours); err != nil {
		t.Errorf("%s: %v", teller.CodeOf(err), err)
	}
}

func TestReceiptThatSaysNothingIsNoFailure(t *testing.T) {
	f := recorded(t)
	f.change("eth_getBlockByNumber", `"type": "0x2"`, `"type": "0x7e"`) // which can not be proven
	f.answers["eth_getBlockReceipts"] = strings.ReplaceAll(f.answers["eth_getBlockReceipts"], `"status": "0x1"`, `"other": "0x1"`)
	if _, err := f.chain(t, nil).Block(t.Context(), 4, ours); teller.CodeOf(err) != teller.CodeMalformed {
		t.Errorf("got %v, want malformed", err)
	}
}

// The receipt names another block: the transaction was mined again elsewhere, and a new question has a new answer.
func TestReceiptOfAnotherBranchIsTriedAgain(t *testing.T) {
	f := recorded(t)
	var receipts []json.RawMessage
	fromJSON(t, f.answers["eth_getBlockReceipts"], &receipts)
	delete(f.answers, "eth_getBlockReceipts")
	f.answers["eth_getTransactionReceipt"] = strings.ReplaceAll(string(receipts[0]), `"blockHash": "0x77`, `"blockHash": "0x88`)
	c := f.chain(t, func(cfg *Config) { cfg.Trace = TraceOff })
	if _, err := c.Block(t.Context(), 4, watch(t, c, first)); teller.CodeOf(err) != teller.CodeUnavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

// Behind a load balancer, the node that traces may not have the block yet.
func TestTraceThatIsNotThereYet(t *testing.T) {
	f := recorded(t)
	f.answers["debug_traceBlockByHash"] = "!-32000 block 0x77 not found"
	if _, err := f.chain(t, nil).Block(t.Context(), 4, ours); teller.CodeOf(err) != teller.CodeUnavailable {
		t.Errorf("got %v, want unavailable", err)
	}
	f.answers["debug_traceBlockByHash"] = "!-32601 the method was not found"
	if b, err := f.chain(t, nil).Block(t.Context(), 4, ours); err != nil || len(b.Transfers) == 0 {
		t.Errorf("without the method: %v and %d transfers", err, len(b.Transfers))
	}
}
