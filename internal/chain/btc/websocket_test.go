package btc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/skycoin/teller"
)

var discard = log.New(io.Discard, "", 0)

// socketNode serves one websocket after the other. talk is given each; when it returns the connection is cut.
func socketNode(t testing.TB, cfg Config, talk func(ctx context.Context, conn *websocket.Conn)) (*Chain, *atomic.Int32) {
	t.Helper()
	var connections atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pass, _ := r.BasicAuth(); pass != secret || r.URL.Path != "/ws" {
			http.Error(w, "401 Unauthorized.", http.StatusUnauthorized)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // the client changed its mind
		}
		connections.Add(1)
		talk(r.Context(), conn)
		_ = conn.CloseNow()
	}))
	t.Cleanup(server.Close)
	cfg.Server, cfg.Websocket = server.Listener.Addr().String(), true
	return newChain(t, cfg), &connections
}

type socketRequest struct {
	ID     uint64 `json:"id"`
	Method string `json:"method"`
	Params []any  `json:"params"`
}

func readRequest(ctx context.Context, conn *websocket.Conn) (socketRequest, error) {
	var request socketRequest
	_, message, err := conn.Read(ctx)
	if err != nil {
		return request, err
	}
	return request, json.Unmarshal(message, &request)
}

func write(ctx context.Context, conn *websocket.Conn, format string, args ...any) {
	_ = conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, format, args...)) // a client that left is its own affair
}

// hashOf makes up the hash of a block.
func hashOf(height int64) string { return fmt.Sprintf("%064x", height+1) }

func TestSocketSharedByManyCalls(t *testing.T) {
	const calls = 50
	// answers only when all requests are there, the last one first
	c, connections := socketNode(t, Config{}, func(ctx context.Context, conn *websocket.Conn) {
		var requests []socketRequest
		for range calls {
			request, err := readRequest(ctx, conn)
			if err != nil {
				t.Error(err)
				return
			}
			requests = append(requests, request)
		}
		write(ctx, conn, `{"jsonrpc":"1.0","method":"blockconnected","params":[],"id":null,"result":0}`) // nobody waits for this
		for i := calls - 1; i >= 0; i-- {
			height := int64(requests[i].Params[0].(float64))
			write(ctx, conn, `{"jsonrpc":"1.0","result":"%s","error":null,"id":%d}`, hashOf(height), requests[i].ID)
		}
		_, _ = readRequest(ctx, conn) // until the client leaves
	})
	var wg sync.WaitGroup
	for height := range int64(calls) {
		wg.Go(func() {
			if got, err := c.BlockHash(t.Context(), height); err != nil || got != hashOf(height) {
				t.Errorf("block %d: %s, %v", height, got, err)
			}
		})
	}
	wg.Wait()
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestSocketConnectsAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		fail func(ctx context.Context, conn *websocket.Conn)
		code teller.Code
	}{
		"hangs up":     {func(context.Context, *websocket.Conn) {}, teller.CodeUnavailable},
		"speaks prose": {func(ctx context.Context, conn *websocket.Conn) { write(ctx, conn, "hello") }, teller.CodeMalformed},
		"is endless": {func(ctx context.Context, conn *websocket.Conn) {
			write(ctx, conn, "%s", strings.Repeat("x", maxReply+1))
		}, teller.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			var failed atomic.Bool
			c, connections := socketNode(t, Config{}, func(ctx context.Context, conn *websocket.Conn) {
				for {
					request, err := readRequest(ctx, conn)
					if err != nil {
						return
					}
					if !failed.Swap(true) {
						tc.fail(ctx, conn)
						return
					}
					write(ctx, conn, `{"result":"%s","error":null,"id":%d}`, hashOf(9), request.ID)
				}
			})
			_, err := c.BlockHash(t.Context(), 9)
			checkError(t, c, err, tc.code, "")
			for range 2 {
				if got, err := c.BlockHash(t.Context(), 9); err != nil || got != hashOf(9) {
					t.Fatalf("after the failure: %s, %v", got, err)
				}
			}
			if n := connections.Load(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A node that hung up between two calls is no error: the call is made again on a new connection.
func TestSocketRepeatsOnANewConnection(t *testing.T) {
	const calls = 20
	c, connections := socketNode(t, Config{}, func(ctx context.Context, conn *websocket.Conn) {
		request, err := readRequest(ctx, conn)
		if err != nil {
			t.Error(err)
			return
		}
		write(ctx, conn, `{"result":"%s","error":null,"id":%d}`, hashOf(9), request.ID)
	})
	for range calls {
		if got, err := c.BlockHash(t.Context(), 9); err != nil || got != hashOf(9) {
			t.Fatalf("%s, %v", got, err)
		}
	}
	if n := connections.Load(); n != calls {
		t.Errorf("%d connections, want one for each of %d calls", n, calls)
	}
}

func TestSocketGivesUpASilentConnection(t *testing.T) {
	var connection atomic.Int32
	c, _ := socketNode(t, Config{Timeout: 100 * time.Millisecond}, func(ctx context.Context, conn *websocket.Conn) {
		first := connection.Add(1) == 1
		for {
			request, err := readRequest(ctx, conn)
			if err != nil {
				return
			}
			if !first {
				write(ctx, conn, `{"result":"%s","error":null,"id":%d}`, hashOf(9), request.ID)
			}
		}
	})
	_, err := c.BlockHash(t.Context(), 9)
	checkError(t, c, err, teller.CodeUnavailable, "within 100ms")
	if got, err := c.BlockHash(t.Context(), 9); err != nil || got != hashOf(9) {
		t.Errorf("on a new connection: %s, %v", got, err)
	}
}

func TestSocketCallerLeaves(t *testing.T) {
	asked := make(chan struct{})
	c, connections := socketNode(t, Config{}, func(ctx context.Context, conn *websocket.Conn) {
		late, err := readRequest(ctx, conn)
		if err != nil {
			t.Error(err)
			return
		}
		close(asked)
		next, err := readRequest(ctx, conn)
		if err != nil {
			t.Error(err)
			return
		}
		write(ctx, conn, `{"result":"%s","error":null,"id":%d}`, hashOf(1), late.ID)
		write(ctx, conn, `{"result":"%s","error":null,"id":%d}`, hashOf(2), next.ID)
		_, _ = readRequest(ctx, conn)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := c.BlockHash(ctx, 1)
	checkError(t, c, err, teller.CodeUnavailable, "context canceled")
	if got, err := c.BlockHash(t.Context(), 2); err != nil || got != hashOf(2) {
		t.Errorf("the next call got %s, %v", got, err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestSocketClose(t *testing.T) {
	asked := make(chan struct{})
	c, _ := socketNode(t, Config{}, func(ctx context.Context, conn *websocket.Conn) {
		if _, err := readRequest(ctx, conn); err == nil {
			close(asked)
		}
		_, _ = readRequest(ctx, conn)
	})
	go func() {
		<-asked
		c.Close()
	}()
	_, err := c.BlockHash(t.Context(), 1)
	checkError(t, c, err, teller.CodeUnavailable, "closed")
	_, err = c.BlockHash(t.Context(), 1)
	checkError(t, c, err, teller.CodeUnavailable, "closed")
	c.Close()
}

func TestSocketRefused(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusUnauthorized: "check btc_rpc.user", http.StatusForbidden: "check btc_rpc.user",
		http.StatusNotFound: "btc_rpc.websocket", http.StatusMethodNotAllowed: "btc_rpc.websocket",
		http.StatusServiceUnavailable: "503",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		c := newChain(t, Config{Server: server.Listener.Addr().String(), Websocket: true})
		_, err := c.Tip(t.Context())
		checkError(t, c, err, teller.CodeUnavailable, says)
		server.Close()
	}
}
