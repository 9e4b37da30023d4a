package eth

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/eth/gethtest"
)

// TestNewsOnGeth: what is sent is told of and shown while it waits for a block.
func TestNewsOnGeth(t *testing.T) {
	const hour = 3600
	node := gethtest.Start(t, gethtest.Options{Period: hour})
	c := chainOf(t, node.Node, func(cfg *Config) { cfg.Websocket = true })
	to := addresses(t, 2)
	news := listen(t, c)
	await(t, news, teller.NoticeBlock)
	await(t, news, teller.NoticeTransaction)
	txid := node.Pay(to[0], 5)
	node.Pay(to[1], 6)
	await(t, news, teller.NoticeTransaction)
	want := teller.Transfer{Address: to[0], TxID: txid, Value: teller.NewAmount(5)}
	for { // geth may show a pending block that it has made before
		got, err := c.Unconfirmed(t.Context(), watch(t, c, to[0]))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > 0 {
			wantTransfers(t, got, want)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func listen(t *testing.T, c *Chain) <-chan teller.Notice {
	t.Helper()
	news := make(chan teller.Notice, 100)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- c.Notify(ctx, func(n teller.Notice) { news <- n }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; teller.CodeOf(err) != teller.CodeUnavailable {
			t.Errorf("notify ended with %v", err)
		}
	})
	return news
}

func await(t *testing.T, news <-chan teller.Notice, want teller.Notice) {
	t.Helper()
	for {
		select {
		case got := <-news:
			if got == want {
				return
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("no notice %q", want)
		}
	}
}

// headsOnly is a node that tells of blocks and nothing else.
type headsOnly struct{ heads chan string }

// NewHeads is what go-ethereum's server calls for eth_subscribe.
func (h headsOnly) NewHeads(ctx context.Context) (*rpc.Subscription, error) {
	notifier, _ := rpc.NotifierFromContext(ctx)
	s := notifier.CreateSubscription()
	go func() {
		for head := range h.heads {
			_ = notifier.Notify(s.ID, map[string]string{"hash": head}) // a test that nobody listens to fails elsewhere
		}
	}()
	return s, nil
}

// TestBlocksAlone: a node that refuses to tell of transactions still tells of blocks.
func TestBlocksAlone(t *testing.T) {
	node := rpc.NewServer()
	service := headsOnly{make(chan string)}
	if err := node.RegisterName("eth", service); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(node.WebsocketHandler([]string{"*"}))
	t.Cleanup(func() {
		close(service.heads)
		node.Stop()
		server.Close()
	})
	c, err := New(Config{Server: server.URL, Websocket: true, ChainID: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	news := listen(t, c)
	await(t, news, teller.NoticeTransaction)
	for range 3 {
		service.heads <- inside
		await(t, news, teller.NoticeBlock)
	}
}

func TestNothingToldOverHTTP(t *testing.T) {
	err := (&fake{}).chain(t, nil).Notify(t.Context(), func(teller.Notice) { t.Error("told") })
	checkError(t, err, teller.CodeUnsupported, "eth_rpc.websocket")
}
