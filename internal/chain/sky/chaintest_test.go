package sky

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/chaintest"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
)

func TestChainOnSkycoin(t *testing.T) {
	chaintest.Run(t, chaintest.Harness{Verified: true, Start: func(t testing.TB) chaintest.Node {
		return startSuiteNode(t)
	}})
}

const (
	// blockTime is the time between two blocks: long, so that every output earns the coin hours that its next spending
	// burns.
	blockTime = time.Hour
	// purses is how many outputs the payer keeps: so many payments can wait for one block.
	purses = 8
)

// suiteNode implements what chaintest wants of a node. Its chain grows by payments of its owner to himself when nothing
// else is pending, because Skycoin knows no empty blocks.
type suiteNode struct {
	*skynodetest.Chain
	t         testing.TB
	node      *Node
	secret    cipher.SecKey
	owner     cipher.Address
	spent     map[string]bool // outputs that are spent in the mempool
	pending   int             // transactions in it
	addresses uint64          // made so far
	millis    uint64          // of the last payment, in thousandths of a SKY
}

var (
	_ chaintest.Reorganiser = (*suiteNode)(nil)
	_ chaintest.Restarter   = (*suiteNode)(nil)
	_ chaintest.Lagger      = (*suiteNode)(nil)
)

func startSuiteNode(t testing.TB) *suiteNode {
	n := newSuiteNode(t, skynodetest.Start(t, skynodetest.Options{}))
	var shares []coin.TransactionOutput
	for range purses - 1 {
		shares = append(shares, coin.TransactionOutput{Address: n.owner, Coins: 1e12, Hours: 1e6 + uint64(len(shares))})
	}
	n.send(shares)
	n.Mine(1)
	return n
}

func newSuiteNode(t testing.TB, chain *skynodetest.Chain) *suiteNode {
	public, secret := cipher.MustGenerateDeterministicKeyPair([]byte(skynodetest.Seed))
	n := &suiteNode{
		Chain: chain, t: t, node: NewNode(Config{Address: chain.Address}), spent: make(map[string]bool),
		secret: secret, owner: cipher.AddressFromPubKey(public),
	}
	t.Cleanup(n.node.Close)
	return n
}

func (n *suiteNode) Server() string { return n.Address }

func (n *suiteNode) Open(server string, timeout time.Duration) teller.Chain {
	return NewChain(NewNode(Config{Address: server, Timeout: timeout}))
}

// Foreign is a chain that began with another owner's coins.
func (n *suiteNode) Foreign() teller.Chain {
	other := skynodetest.Start(n.t, skynodetest.Options{Seed: "another genesis"})
	return n.Open(other.Address, 0)
}

func (n *suiteNode) NewAddress() string {
	n.addresses++
	key := cipher.HashRipemd160(binary.BigEndian.AppendUint64(nil, n.addresses))
	return cipher.Address{Key: key}.String()
}

func (n *suiteNode) BadAddresses() []string {
	return []string{
		"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", // bitcoin
		"0x52908400098527886E0F7030069857D2E4169EE7",
		cipher.Address{}.String(), // nobody's
		cipher.Address{Version: 1, Key: n.owner.Key}.String(),
	}
}

// Pay pays amounts that grow, as a transaction must not have two equal outputs.
func (n *suiteNode) Pay(addresses ...string) []teller.Transfer {
	n.t.Helper()
	var outputs []coin.TransactionOutput
	var sent []teller.Transfer
	for i, a := range addresses {
		n.millis++
		o := coin.TransactionOutput{Address: cipher.MustDecodeBase58Address(a), Coins: n.millis * 1000, Hours: 1}
		outputs = append(outputs, o)
		sent = append(sent, teller.Transfer{Address: a, N: uint32(i), Value: teller.NewAmount(o.Coins)})
	}
	txid := n.send(outputs)
	for i := range sent {
		sent[i].TxID = txid
	}
	return sent
}

// send spends the owner's output with most hours for the payments and gives the rest back to him.
func (n *suiteNode) send(outputs []coin.TransactionOutput) (txid string) {
	n.t.Helper()
	from, hours := n.purse()
	var txn coin.Transaction
	must(n.t, txn.PushInput(cipher.MustSHA256FromHex(from.ID)))
	change, hours := uint64(from.Coins), hours/2
	for _, o := range outputs {
		must(n.t, txn.PushOutput(o.Address, o.Coins, o.Hours))
		change -= o.Coins
		hours -= o.Hours
	}
	must(n.t, txn.PushOutput(n.owner, change, hours))
	txn.SignInputs([]cipher.SecKey{n.secret})
	must(n.t, txn.UpdateHeader())
	n.inject(txn.MustSerialize())
	return txn.Hash().Hex()
}

// purse is the output to spend next and the hours that it has. Fresh change has earned none: the older ones take turns.
func (n *suiteNode) purse() (teller.Output, uint64) {
	n.t.Helper()
	head, outputs, err := n.node.Outputs(context.Background(), []string{n.owner.String()})
	must(n.t, err)
	var best teller.Output
	var most uint64
	for _, o := range outputs {
		if hours, ok := o.HoursAt(head.Time); ok && hours > most && !n.spent[o.ID] {
			best, most = o, hours
		}
	}
	if most == 0 {
		n.t.Fatalf("all of the owner's %d outputs are spent already", len(outputs))
	}
	n.spent[best.ID] = true
	return best, most
}

func (n *suiteNode) inject(raw []byte) {
	n.t.Helper()
	must(n.t, n.node.Inject(context.Background(), raw))
	n.pending++
}

func (n *suiteNode) Mine(blocks int) { n.mine(blocks, blockTime) }

func (n *suiteNode) mine(blocks int, after time.Duration) {
	n.t.Helper()
	for range blocks {
		if n.pending == 0 {
			n.send(nil)
		}
		if height, count := n.MineAfter(after); count != n.pending {
			n.t.Fatalf("block %d holds %d transactions of %d", height, count, n.pending)
		}
		n.pending = 0
	}
}

func (n *suiteNode) height() int64 {
	n.t.Helper()
	head, err := n.node.Head(context.Background())
	must(n.t, err)
	return head.Height
}

// Reorg puts another node at the place of this one, whose chain forks from this one's. Its blocks are made at other
// times, so that their hashes are others whatever they hold.
func (n *suiteNode) Reorg(depth int, remine bool) {
	n.t.Helper()
	tip := n.height()
	fork := newSuiteNode(n.t, skynodetest.Start(n.t, skynodetest.Options{}))
	fork.Learn(n.Chain, 1, tip-int64(depth))
	for i := range depth {
		if remine {
			for _, raw := range n.Transactions(tip - int64(depth-1-i)) {
				fork.inject(raw)
			}
		}
		fork.mine(1, 2*blockTime)
	}
	fork.mine(1, 2*blockTime)
	n.Become(fork.Chain)
	n.spent, n.pending = fork.spent, 0
}

// Lag starts a younger node that gets its blocks from this one.
func (n *suiteNode) Lag(blocks int) (behind teller.Chain, catchUp func()) {
	n.t.Helper()
	tip := n.height()
	known := tip - int64(blocks)
	young := skynodetest.Start(n.t, skynodetest.Options{})
	young.Learn(n.Chain, 1, known)
	return n.Open(young.Address, 0), func() { young.Learn(n.Chain, known+1, tip) }
}

// watching is a set of addresses.
type watching []string

func (w watching) Has(key []byte) bool { return slices.Contains(w, string(key)) }

func (w watching) Keys() ([][]byte, bool) { return nil, false }

// TestChainCountsChange: what comes back to a watched address is a deposit too, the first coins included.
func TestChainCountsChange(t *testing.T) {
	n := startSuiteNode(t)
	chain := NewChain(n.node)
	owner := watching{n.owner.String()}
	for height, want := range map[int64]string{0: "[100000000.000000]", 1: "[" + strings.Repeat("1000000.000000 ", 7) + "93000000.000000]"} {
		b, err := chain.Block(context.Background(), height, owner)
		must(t, err)
		var coins []string
		for i, o := range b.Transfers {
			coins = append(coins, o.Value.Format(teller.SKY))
			if o.N != uint32(i) || o.Address != owner[0] {
				t.Errorf("output %d of block %d is %+v", i, height, o)
			}
		}
		if got := fmt.Sprint(coins); got != want {
			t.Errorf("block %d gives the owner %s, want %s", height, got, want)
		}
	}
}
