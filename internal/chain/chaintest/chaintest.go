// Package chaintest is the suite that every adapter of a deposit chain passes against its real node. It knows no coin.
//
// # What it holds an adapter to
//
// The contracts of teller.Chain and, where the adapter has them, teller.Notifier and teller.Mempool: every payment to a
// watched address is found once and exactly, through catch-up, restart and reorgs of any depth, and whatever the node or
// the way to it answers, no wrong block is ever handed on. What a ledger would make of the blocks is played by follower,
// which shares nothing with teller's own scanner.
//
// # How to write a harness
//
// A harness stands in the adapter's own tests and says how to start its node and what that node can do:
//
//	func TestChain(t *testing.T) {
//		chaintest.Run(t, chaintest.Harness{Start: func(t testing.TB) chaintest.Node {
//			return &node{btcdtest.Start(t, btcdtest.Options{})}
//		}})
//	}
//
// Start is called for every test of the suite; it gives a fresh node, or one that an earlier test used and is done with,
// and skips the test when the node's program is not there. Node is what every node can do. What only some can do are
// interfaces of their own, which the harness's node implements or does not: Reorganiser, Restarter and Lagger. Tests that
// need one are skipped without it.
//
// A suite must not run in parallel with other tests: one of its own looks for goroutines that were left behind.
//
// A node's methods fail the test instead of returning errors. They are called by one goroutine at a time, and not
// necessarily by the test's own. What they tell is what the adapter is measured by, so they must know it from
// elsewhere than the adapter: from the transaction that they signed, say.
package chaintest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

// Harness is a kind of node and the adapter that reads it.
type Harness struct {
	// Start starts a node for one test.
	Start func(t testing.TB) Node
	// Instant says that the node mines every payment at once: Pay returns transfers that are in a block already.
	Instant bool
	// Push says that the node, as Open configures its adapter, tells of news: Notify must work. Without it, Notify
	// must answer CodeUnsupported.
	Push bool
	// Verified says that the adapter believes no part of a block that a hash does not cover: then single bytes of
	// answers are changed too.
	Verified bool

	patience time.Duration // for one test; 0 = patience
}

// Node is a real node with a chain that grows only when it is told to.
type Node interface {
	// Server is the host:port at which the node answers HTTP requests.
	Server() string
	// Open makes an adapter, configured for the network of the node, that reaches it at server. That is Server() or a
	// proxy in front of it, which speaks HTTP without TLS and passes websockets on. timeout bounds every call to the
	// node. The suite closes the adapter when it has a Close method.
	Open(server string, timeout time.Duration) teller.Chain
	// Foreign makes an adapter whose node is on another network than it should be. How that shows is up to the coin:
	// Genesis answers CodeWrongNetwork, or not what the adapter's method ExpectedGenesis says, or not what the
	// adapter of Open answers.
	Foreign() teller.Chain
	// NewAddress makes a deposit address that was never used, in canonical spelling.
	NewAddress() string
	// BadAddresses are texts that WatchKey must refuse, addresses of another network among them where there are such.
	BadAddresses() []string
	// Pay pays every address once, some amount of its own choice (another one for each), in one transaction where the
	// coin can. An address may be there twice. It returns the payments as a Block should list them, in the same order.
	// They wait in the mempool for Mine, except on an instant node. Amounts are small: hundreds of payments are made.
	Pay(addresses ...string) []teller.Transfer
	// Mine adds n blocks, the first of which holds everything that waits in the mempool.
	Mine(n int)
}

// Reorganiser is a Node whose chain can turn to another branch.
type Reorganiser interface {
	// Reorg replaces the last depth blocks by depth+1 others, all with other hashes. With remine, all payments in the
	// replaced blocks are in the new ones, in some order; without, none is. Those may be back in the mempool then, and
	// in a block after the next Mine.
	Reorg(depth int, remine bool)
}

// Restarter is a Node that can be stopped and started again with the same chain, at the same Server.
type Restarter interface {
	Stop()
	Restart()
}

// Lagger is a Node that can be behind.
type Lagger interface {
	// Lag makes an adapter of a node that knows all blocks but the last n: another one, or this one with its chain
	// shortened. After catchUp it knows them too.
	Lag(n int) (behind teller.Chain, catchUp func())
}

const (
	// patience bounds every test. It is long, because machines are slow and shared, and only ever used up by a fault.
	patience = 3 * time.Minute
	// callTimeout is what adapters are configured with.
	callTimeout = 30 * time.Second
)

var trials = []struct {
	name string
	run  func(*trial)
}{
	{"Tip", testTip},
	{"AboveTip", testAboveTip},
	{"WatchKey", testWatchKey},
	{"Payment", testPayment},
	{"TwoOutputs", testTwoOutputs},
	{"OthersPayments", testOthersPayments},
	{"CatchUp", testCatchUp},
	{"RestartAtCursor", testRestartAtCursor},
	{"Reorg", testReorg},
	{"ReorgWhileDown", testReorgWhileDown},
	{"ReorgWhileReading", testReorgWhileReading},
	{"NodeBehind", testNodeBehind},
	{"NodeDown", testNodeDown},
	{"WrongNetwork", testWrongNetwork},
	{"BadAnswers", testBadAnswers},
	{"OneBadAnswer", testOneBadAnswer},
	{"AnotherBlocksAnswer", testAnotherBlocksAnswer},
	{"ChangedByte", testChangedByte},
	{"HangingNode", testHangingNode},
	{"Cancel", testCancel},
	{"Mempool", testMempool},
	{"Notify", testNotify},
	{"NoLeaks", testNoLeaks},
}

// Run puts an adapter and its node through the suite.
func Run(t *testing.T, h Harness) {
	for _, c := range trials {
		t.Run(c.name, func(t *testing.T) { h.try(t, c.run) })
	}
}

func (h Harness) try(t testing.TB, run func(*trial)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(h.patience, patience))
	defer cancel()
	x := &trial{TB: t, ctx: ctx, timeout: min(callTimeout, cmp.Or(h.patience, patience)), harness: h, node: h.Start(t)}
	x.chain = x.open()
	run(x)
}

// trial is one test of the suite under way.
type trial struct {
	testing.TB
	ctx     context.Context
	timeout time.Duration // of a call, where the test is not about it
	harness Harness
	node    Node
	chain   teller.Chain
}

// open makes another adapter of the node and closes it with the test.
func (x *trial) open() teller.Chain {
	x.Helper()
	return x.openAt(x.node.Server(), x.timeout)
}

func (x *trial) openAt(server string, timeout time.Duration) teller.Chain {
	x.Helper()
	chain := x.node.Open(server, timeout)
	x.Cleanup(func() { closeChain(chain) })
	return chain
}

func closeChain(chain teller.Chain) {
	switch c := chain.(type) {
	case interface{ Close() }:
		c.Close()
	case interface{ Close() error }:
		_ = c.Close() // an adapter has nothing to lose
	}
}

func (x *trial) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// wantCode checks that a call failed with one of the codes.
func (x *trial) wantCode(what string, err error, codes ...teller.Code) {
	x.Helper()
	if !slices.Contains(codes, teller.CodeOf(err)) {
		x.Errorf("%s: code %q (%v), want one of %q", what, teller.CodeOf(err), err, codes)
	}
}

// eventually repeats a check until it returns no error.
func (x *trial) eventually(what string, check func() error) {
	x.Helper()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-x.ctx.Done():
			x.Fatalf("%s: still %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// addresses makes n new addresses.
func (x *trial) addresses(n int) []string {
	as := make([]string, n)
	for i := range as {
		as[i] = x.node.NewAddress()
	}
	return as
}

// pay pays the addresses and checks what the harness says of it.
func (x *trial) pay(addresses ...string) []teller.Transfer {
	x.Helper()
	sent := x.node.Pay(addresses...)
	if len(sent) != len(addresses) {
		x.Fatalf("the harness made %d payments for %d addresses", len(sent), len(addresses))
	}
	ids := make(map[string]bool)
	for i, p := range sent {
		if p.Address != addresses[i] || p.Value.IsZero() || ids[id(p)] {
			x.Fatalf("the harness's payments are %s", describe(sent))
		}
		ids[id(p)] = true
	}
	return sent
}

func (x *trial) tip() teller.BlockRef {
	x.Helper()
	tip, err := x.chain.Tip(x.ctx)
	x.must(err)
	return tip
}

// block reads a block twice: with a set of keys that lists them and with one that is too large to, because adapters
// may have another way for each.
func (x *trial) block(height int64, keys keySet) teller.Block {
	x.Helper()
	b, err := x.chain.Block(x.ctx, height, keys)
	x.must(err)
	again, err := x.chain.Block(x.ctx, height, manyKeys{keys})
	x.must(err)
	if show(b) != show(again) {
		x.Errorf("with few keys watched the block is\n%s\nand with many\n%s", show(b), show(again))
	}
	return b
}

// watch is the set of the addresses' keys.
func (x *trial) watch(addresses ...string) keySet {
	x.Helper()
	keys := make(keySet)
	for _, a := range addresses {
		key, err := x.chain.WatchKey(a)
		x.must(err)
		keys[string(key)] = true
	}
	return keys
}

// keySet implements teller.Watched exactly. It is not changed while an adapter has it.
type keySet map[string]bool

// Has implements teller.Watched.
func (k keySet) Has(key []byte) bool { return k[string(key)] }

// Keys implements teller.Watched.
func (k keySet) Keys() ([][]byte, bool) {
	keys := make([][]byte, 0, len(k))
	for key := range k {
		keys = append(keys, []byte(key))
	}
	return keys, true
}

// manyKeys is a keySet that says that it has too many keys to list them.
type manyKeys struct{ keySet }

// Keys implements teller.Watched.
func (manyKeys) Keys() ([][]byte, bool) { return nil, false }

func id(t teller.Transfer) string { return teller.DepositID(t.TxID, t.N) }

// describe spells transfers out, in an order of its own: what is spelled alike is alike.
func describe(ts []teller.Transfer) string {
	lines := make([]string, 0, len(ts))
	for _, t := range ts {
		lines = append(lines, fmt.Sprintf("%s pays %s to %s", id(t), t.Value, t.Address))
	}
	slices.SortFunc(lines, cmp.Compare)
	return "[" + strings.Join(lines, ", ") + "]"
}

// show spells a block out.
func show(b teller.Block) string {
	return fmt.Sprintf("block %d %s, parent %s, %s", b.Height, b.Hash, b.Parent, describe(b.Transfers))
}
