package btc

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/bitcoindtest"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/processtest"
)

// hear collects the notices until there are as many as wanted, and then how Notify ended.
func hear(t testing.TB, c *Chain, wanted int) (heard []teller.Notice, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = c.Notify(ctx, func(n teller.Notice) {
		if heard = append(heard, n); len(heard) == wanted {
			cancel()
		}
	})
	return heard, err
}

func TestSocketFeed(t *testing.T) {
	const b, x = teller.NoticeBlock, teller.NoticeTransaction
	const both = `{"result":null,"error":null,"id":1}|{"result":null,"error":null,"id":2}`
	for name, tc := range map[string]struct {
		says string // messages, after which the node hangs up
		want []teller.Notice
		code teller.Code
	}{
		"subscribed": {both, []teller.Notice{b, x}, teller.CodeUnavailable},
		"in the other order": {`{"result":null,"error":null,"id":2}|{"result":null,"error":null,"id":1}`,
			[]teller.Notice{x, b}, teller.CodeUnavailable},
		"news": {both + `|{"jsonrpc":"1.0","method":"blockconnected","params":["00",5,6],"id":null}` +
			`|{"jsonrpc":"1.0","method":"filteredblockconnected","params":[5,"00",[]],"id":null}` +
			`|{"jsonrpc":"1.0","method":"txaccepted","params":["00",0.5],"id":null}` +
			`|{"jsonrpc":"1.0","method":"filteredblockdisconnected","params":[5,"00"],"id":null}`,
			[]teller.Notice{b, x, b, x, b}, teller.CodeUnavailable},
		"nothing":        {``, nil, teller.CodeUnavailable},
		"a node without": {`{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}`, nil, teller.CodeUnsupported},
		"refused":        {`{"result":null,"error":{"code":-28,"message":"warming up"},"id":1}`, nil, teller.CodeUnavailable},
		"prose":          {`hello`, nil, teller.CodeMalformed},
		"another answer": {`{"result":5,"error":null,"id":3}`, nil, teller.CodeMalformed},
		"answer 0":       {`{"result":5,"error":null,"id":0}`, nil, teller.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := socketNode(t, Config{}, func(ctx context.Context, conn *websocket.Conn) {
				for _, method := range subscriptions {
					if request, err := readRequest(ctx, conn); err != nil || request.Method != method {
						t.Errorf("%+v, %v", request, err)
					}
				}
				for message := range strings.SplitSeq(tc.says, "|") {
					if message != "" {
						write(ctx, conn, "%s", message)
					}
				}
			})
			heard, err := hear(t, c, -1)
			if !slices.Equal(heard, tc.want) {
				t.Errorf("heard %v, want %v", heard, tc.want)
			}
			checkError(t, c, err, tc.code, "")
		})
	}
}

// FuzzNotice: whatever a node says, it is a notice, nothing or an error.
func FuzzNotice(f *testing.F) {
	for _, s := range []string{
		`{"result":null,"error":null,"id":1}`, `{"jsonrpc":"1.0","method":"txaccepted","params":["00",0.5],"id":null}`,
		`{"id":2,"error":{"code":-32601}}`, `{"id":18446744073709551615}`, `{"method":5}`, `null`, `[]`, ``,
	} {
		f.Add([]byte(s))
	}
	c, err := New(Config{Server: "127.0.0.1:1", Websocket: true, Network: "regtest"})
	if err != nil {
		f.Fatal(err)
	}
	feed := c.feed.(*socketFeed)
	f.Fuzz(func(t *testing.T, message []byte) {
		n, err := feed.parse(message)
		if err != nil && (n != "" || teller.CodeOf(err) == "") {
			t.Fatalf("%q, %v", n, err)
		}
		if n != "" && n != teller.NoticeBlock && n != teller.NoticeTransaction {
			t.Fatalf("notice %q", n)
		}
	})
}

func TestSocketFeedNoticesASilentNode(t *testing.T) {
	node := btcdtest.Start(t, btcdtest.Options{})
	c := chainOf(t, node, true, 100*time.Millisecond)
	c.feed.(*socketFeed).pingEvery = 20 * time.Millisecond
	var resume func()
	err := c.Notify(t.Context(), func(teller.Notice) {
		if resume == nil {
			resume = node.Pause()
		}
	})
	resume()
	checkError(t, c, err, teller.CodeUnavailable, "does not answer")
}

func TestNotifyWithoutAFeed(t *testing.T) {
	c := newChain(t, Config{Server: "127.0.0.1:1"})
	err := c.Notify(t.Context(), func(teller.Notice) { t.Error("a notice") })
	checkError(t, c, err, teller.CodeUnsupported, "btc_rpc.zmq")
}

// publisher is one end of a ZeroMQ connection: it takes the subscriptions, and then talk has the connection.
func publisher(t *testing.T, talk func(conn *zmq4.Conn)) (endpoint string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		raw, err := listener.Accept()
		if err != nil {
			return
		}
		defer raw.Close()
		conn, err := zmq4.Open(raw, null.Security(), zmq4.Pub, nil, true, nil)
		if err != nil {
			t.Error(err)
			return
		}
		var topics []string
		for range zmqTopics {
			m, err := conn.RecvMsg()
			if err != nil {
				t.Error(err)
				return
			}
			topics = append(topics, string(m.Frames[0]))
		}
		if slices.Sort(topics); !slices.Equal(topics, []string{"\x01hashblock", "\x01hashtx"}) {
			t.Errorf("subscriptions %q", topics)
		}
		talk(conn)
	}()
	return "tcp://" + listener.Addr().String()
}

func TestZMQFeed(t *testing.T) {
	endpoint := publisher(t, func(conn *zmq4.Conn) {
		for _, topic := range []string{"hashtx", "hashblock", "rawtx", "hashtx"} {
			if err := conn.SendMsg(zmq4.NewMsgFromString([]string{topic, "hash", "\x00\x00\x00\x01"})); err != nil {
				t.Error(err)
			}
		}
		if err := conn.SendCmd(zmq4.CmdPing, []byte{0, 9}); err != nil { // a heartbeat
			t.Error(err)
		}
		if cmd, err := conn.RecvCmd(); err != nil || cmd.Name != zmq4.CmdPong {
			t.Errorf("%+v, %v", cmd, err)
		}
	})
	c := newChain(t, Config{Server: "127.0.0.1:1", ZMQ: endpoint})
	heard, err := hear(t, c, -1)
	const b, x = teller.NoticeBlock, teller.NoticeTransaction
	if want := []teller.Notice{b, x, x, b, x}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
	if teller.CodeOf(err) != teller.CodeUnavailable || !strings.Contains(err.Error(), "is lost") {
		t.Errorf("err = %v", err)
	}
}

func TestZMQFeedEndsWithItsContext(t *testing.T) {
	wait := make(chan struct{})
	endpoint := publisher(t, func(*zmq4.Conn) { <-wait })
	defer close(wait)
	c := newChain(t, Config{Server: "127.0.0.1:1", ZMQ: endpoint})
	heard, err := hear(t, c, 2)
	if len(heard) != 2 || !errors.Is(err, context.Canceled) || teller.CodeOf(err) != teller.CodeUnavailable {
		t.Errorf("heard %v, %v", heard, err)
	}
}

func TestZMQFeedOfNoPublisher(t *testing.T) {
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	node := btcdtest.Start(t, btcdtest.Options{})
	for name, tc := range map[string]struct{ server, says string }{
		"silent":  {silent.Addr().String(), "within 300ms: check btc_rpc.zmq"},
		"gone":    {processtest.FreeAddr(t), "connection refused"},
		"another": {node.Server, "within 300ms: check btc_rpc.zmq"}, // an HTTP server waits for the rest of the greeting
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain(t, Config{Server: "127.0.0.1:1", ZMQ: "tcp://" + tc.server, Timeout: 300 * time.Millisecond})
			heard, err := hear(t, c, -1)
			if teller.CodeOf(err) != teller.CodeUnavailable || !strings.Contains(err.Error(), tc.says) || len(heard) != 0 {
				t.Errorf("heard %v, %v; want %q", heard, err, tc.says)
			}
		})
	}
}

// BenchmarkNotice is the time from the call that makes a node mine a block to the notice.
func BenchmarkNotice(b *testing.B) {
	for name, start := range map[string]func() (*btcdtest.Node, *Chain){
		"btcd": func() (*btcdtest.Node, *Chain) {
			node := btcdtest.Start(b, btcdtest.Options{})
			return node, chainOf(b, node, true, 0)
		},
		"Bitcoin Core": func() (*btcdtest.Node, *Chain) {
			node := bitcoindtest.Start(b)
			return node.Node, newChain(b, Config{Server: node.Server, ZMQ: node.ZMQ})
		},
	} {
		b.Run(name, func(b *testing.B) {
			node, c := start()
			ctx, cancel := context.WithCancel(b.Context())
			blocks, done := make(chan struct{}, 100), make(chan struct{})
			go func() {
				defer close(done)
				_ = c.Notify(ctx, func(n teller.Notice) { // ends with its context
					if n == teller.NoticeBlock {
						blocks <- struct{}{}
					}
				})
			}()
			<-blocks
			node.Generate(1) // a chain that is years old tells nothing before
			<-blocks
			for b.Loop() {
				node.Generate(1)
				<-blocks
			}
			cancel()
			<-done
		})
	}
}
