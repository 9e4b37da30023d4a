package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/store/bolt"
)

// A block whose payment was not seen, as by a node that was broken, is made good by a rescan; what was seen is left as
// it is, and nothing is paid twice.
func TestRescanFindsWhatWasMissed(t *testing.T) {
	node := startBTC(t)
	d := openReorgDesk(t, node)
	b := buyers(t, 2)
	seen, missed := d.bind(b[0], teller.BTC), d.bind(b[1], teller.BTC)
	d.caughtUp()
	node.pay(seen, 1)
	node.mine(1)
	d.waitSeen(b[0], "block", 0)
	from := node.(*btcCoin).Height()
	d.reopen(func() {
		node.pay(missed, 2)
		node.mine(1)
		d.passOver(node, 1)
	})
	node.mine(needed)
	d.waitFor(30*time.Second, b[0], "done")
	d.caughtUp()
	if where, _ := d.seen(b[1]); where != "" {
		t.Fatalf("the payment was seen in the %q: it was not missed, and this test shows nothing", where)
	}

	for range 2 { // the second one finds nothing
		d.act("/api/rescans", map[string]any{"coin_type": "BTC", "from": from, "reason": "test"})
		d.within(30*time.Second, "the rescan is done", func() bool {
			var list struct {
				Rescans []struct {
					Done  bool
					Found int
				}
			}
			d.get(d.admin+"/api/rescans", &list)
			return len(list.Rescans) == 1 && list.Rescans[0].Done
		})
	}
	d.waitFor(30*time.Second, b[1], "done")
	node.mine(3)
	d.caughtUp()
	if rows := d.deposits(); len(rows) != 2 {
		t.Errorf("%d deposits, want two: %+v", len(rows), rows)
	}
	d.paid(map[string]teller.Droplets{b[0]: 10, b[1]: 20})
}

// passOver stores the node's next blocks as a node without transactions would have given them.
func (d *reorgDesk) passOver(node coinNode, blocks int) {
	d.t.Helper()
	ctx := context.Background()
	chain, _, closeChain, err := OpenChain(d.conf, node.coin(), slog.New(slog.DiscardHandler))
	if err != nil {
		d.t.Fatal(err)
	}
	defer closeChain()
	store, err := bolt.Open(ctx, bolt.Options{Path: d.conf.DBPath(), Clock: systemClock{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		d.t.Fatal(err)
	}
	cursor, err := store.Cursor(ctx, node.coin())
	if err != nil {
		d.t.Fatal(err)
	}
	for h := cursor.Height + 1; h <= cursor.Height+int64(blocks); h++ {
		block, err := chain.Block(ctx, h, blind{})
		if err != nil {
			d.t.Fatal(err)
		}
		if _, err := store.SaveBlock(ctx, node.coin(), block, teller.ScanTerms{Confirmations: needed, Rate: teller.MustRate("500"), Tip: h}); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// blind watches nothing.
type blind struct{}

func (blind) Has([]byte) bool        { return false }
func (blind) Keys() ([][]byte, bool) { return nil, true }
