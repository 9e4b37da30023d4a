package eth

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/skycoin/teller/internal/chain/eth/gethtest"
)

// BenchmarkBlock compares a client that only fetches a block of some hundred payments with the adapter, which checks
// every one of them.
func BenchmarkBlock(b *testing.B) {
	node := gethtest.Start(b, gethtest.Options{Period: 2})
	to := addresses(b, 1)[0]
	var last string
	for i := range 400 {
		last = node.Pay(to, uint64(i+1))
	}
	node.Mined(last)
	var height int64
	most := 0
	for h := int64(1); h <= node.Height(); h++ {
		var n []any
		var block struct{ Transactions []any }
		node.Call(&block, "eth_getBlockByNumber", fmt.Sprintf("0x%x", h), false)
		if n = block.Transactions; len(n) > most {
			height, most = h, len(n)
		}
	}
	b.Logf("block %d has %d transactions", height, most)
	b.Run("bare", func(b *testing.B) {
		request := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x%x",true]}`, height)
		for b.Loop() {
			resp, err := http.Post(node.HTTP(), "application/json", bytes.NewReader([]byte(request)))
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if err != nil || n < 1000 {
				b.Fatal(n, err)
			}
			_ = resp.Body.Close()
		}
	})
	for _, way := range waysToAsk {
		b.Run(way.name, func(b *testing.B) {
			c := chainOf(b, node.Node, func(cfg *Config) { cfg.Websocket = way.websocket })
			for b.Loop() {
				if _, err := c.Block(b.Context(), height, keys{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
