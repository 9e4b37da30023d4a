package sim

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/settle"
)

// lostWithPayout is a run whose ledger was lost while one payout was pending, and that has started anew from the journal.
func lostWithPayout(t *testing.T) *run {
	t.Helper()
	r := newRun(Options{Seed: 1, Dir: t.TempDir(), Story: true})
	w := r.world
	w.faults.height = 0
	r.setting.passthrough, r.model.trading = false, false
	r.model.confirmations[teller.BTC] = 0
	r.fund(4, 2000)
	r.start()
	t.Cleanup(r.stop)
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
	return r
}

// opens has the wallet opened with a node, and judges how everything ends.
func (r *run) opens(t *testing.T, node teller.Node) {
	t.Helper()
	f := &settle.Follower{
		Node: node, Store: r.engine.ledger, Log: r.engine.logger(), Addresses: r.setting.wallet.Addresses(), Genesis: "sky-genesis",
	}
	if _, err := f.Step(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.model.check(r.engine.store)
	r.quiesce()
	if r.model.broken != nil {
		t.Errorf("%v", r.model.broken)
	}
}

// miningNode puts what is pending into a block right after it has answered one method.
type miningNode struct {
	*skyNode
	after string
}

func (n *miningNode) answered(method string) {
	if method == n.after {
		n.after = ""
		n.skyChain.mine(1000)
	}
}

func (n *miningNode) History(ctx context.Context, a string) ([]teller.HistoryTx, error) {
	found, err := n.skyNode.History(ctx, a)
	n.answered("History")
	return found, err
}

func (n *miningNode) Outputs(ctx context.Context, a []string) (teller.SkyHead, []teller.Output, error) {
	head, found, err := n.skyNode.Outputs(ctx, a)
	n.answered("Outputs")
	return head, found, err
}

// The payout comes into a block between two questions that opening the wallet asks.
func TestPayoutMinedWhileALostWalletIsOpened(t *testing.T) {
	for _, after := range []string{"Outputs", "History"} {
		t.Run(after, func(t *testing.T) {
			r := lostWithPayout(t)
			r.opens(t, &miningNode{&skyNode{r.world.sky}, after})
		})
	}
}

// The payout is pending while the wallet is opened, and forgotten by all nodes afterwards: it must be sent again.
func TestPayoutPendingWhileALostWalletIsOpened(t *testing.T) {
	r := lostWithPayout(t)
	node := &forgettingNode{&skyNode{r.world.sky}}
	r.opens(t, node)
}

// forgettingNode, and with it the network, forgets what is pending right after it has told of an address' history.
type forgettingNode struct{ *skyNode }

func (n *forgettingNode) History(ctx context.Context, a string) ([]teller.HistoryTx, error) {
	found, err := n.skyNode.History(ctx, a)
	n.pool = nil
	return found, err
}
