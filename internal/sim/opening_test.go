package sim

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/settle"
)

// miningNode puts what is pending into a block right after it has told of an address' history.
type miningNode struct {
	*skyNode
	mined bool
}

func (n *miningNode) History(ctx context.Context, a string) ([]teller.HistoryTx, error) {
	found, err := n.skyNode.History(ctx, a)
	if !n.mined {
		n.mined = true
		n.skyChain.mine(1000)
	}
	return found, err
}

// A ledger was lost; its journal tells of a pending payout. While the wallet is opened for the new ledger, between the
// reading of the history and that of the outputs, a block comes with that payout.
func TestPayoutMinedWhileALostWalletIsOpened(t *testing.T) {
	r := newRun(Options{Seed: 1, Dir: t.TempDir(), Story: true})
	w := r.world
	w.faults.height = 0
	r.model.confirmations[teller.BTC] = 0
	r.fund(4, 2000)
	r.start()
	work := func() {
		for range 5 {
			for _, x := range r.engine.workers {
				_, _ = r.step(x)
			}
		}
	}
	work()
	b, err := r.engine.counter.Bind(r.ctx, teller.BTC, buyer(1))
	if err != nil {
		t.Fatal(err)
	}
	r.model.bound(b)
	p := &payment{coin: teller.BTC, height: -1, Transfer: teller.Transfer{Address: b.Address, TxID: w.id(), Value: teller.NewAmount(1_000_000)}}
	r.enter(p)
	w.chains[teller.BTC].pay(p)
	for p.height < 0 {
		w.chains[teller.BTC].mine(1)
	}
	work()
	if len(w.sky.pool) != 1 {
		t.Fatalf("%d transactions are pending, not the one payout\n%s", len(w.sky.pool), w.story)
	}
	r.stop()
	if err := os.Remove(filepath.Join(r.dir, "teller.db")); err != nil {
		t.Fatal(err)
	}
	r.restored, r.model.opened, r.model.rebuilt = true, 0, true
	r.start()
	e := r.engine
	f := &settle.Follower{Node: &miningNode{skyNode: &skyNode{w.sky}}, Store: e.ledger, Log: e.logger(), Addresses: r.setting.wallet.Addresses(), Genesis: "sky-genesis"}
	if _, err := f.Step(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.quiesce()
	r.stop()
	if r.model.broken != nil {
		t.Errorf("%v", r.model.broken)
	}
}
