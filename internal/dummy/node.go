package dummy

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/params"

	"github.com/skycoin/teller"
)

// rules are those of Skycoin's main chain. The library's own variable for them can be changed by the environment.
var rules = params.VerifyTxn{BurnFactor: 10, MaxTransactionSize: maxBlockSize, MaxDropletPrecision: teller.MaxDecimals}

const maxBlockSize = 32_768 // bytes of transactions in a block, and of one transaction

// NodeOptions say how a node's chain begins.
type NodeOptions struct {
	// FundAddress is the wallet's: block 0 gives it Coins and Hours. On a chain that exists and that it was never paid
	// on, because the wallet is new, it gets them in the next block.
	FundAddress string
	// Coins are a multiple of 0.001 SKY, the smallest amount that a transaction may carry.
	Coins teller.Droplets
	Hours uint64
	// Outputs is how many outputs they are spread over, 4 when it is 0: a wallet with one output could spend nothing
	// while that is on its way.
	Outputs int
	// Now is the clock that blocks are dated by; nil is the real one.
	Now func() time.Time
}

// Node is a simulated Skycoin node. It implements teller.Node and is safe for concurrent use. What its methods return is
// shared with it and must not be changed.
type Node struct {
	fundAddress cipher.Address
	now         func() time.Time
	log         *slog.Logger

	mu         sync.Mutex
	journal    *journal
	head       coin.BlockHeader
	blocks     []teller.SkyBlock // by height
	unspent    map[cipher.SHA256]coin.UxOut
	known      map[string]*transaction   // confirmed and pending, by txid
	byAddress  map[string][]*transaction // confirmed, with an input of or an output to the address
	pending    []*transaction            // in the order in which they came
	broadcasts []*transaction            // since start
	hoursSeen  bool                      // letTimePass has found nothing to do since the last block
}

var _ teller.Node = (*Node)(nil)

// transaction is what the node remembers of one.
type transaction struct {
	teller.SkyTx
	raw       coin.Transaction
	from      []string // addresses of the inputs
	fee       uint64   // coin hours, when it came
	confirmed bool
	height    int64 // of the block that holds it
}

// OpenNode opens the simulated Skycoin chain in a data directory, in the file dummy-sky-node.jsonl, and makes a new one
// when there is none. Transactions that were pending when it was closed are forgotten; who sent them sends them again.
// CodeInvalid for options that make no sense, CodeCorrupt when the file makes none.
func OpenNode(dir string, opts NodeOptions, logger *slog.Logger) (*Node, error) {
	address, err := parseAddress(opts.FundAddress)
	if err != nil {
		return nil, err
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	n := &Node{
		fundAddress: address, now: opts.Now, log: logger,
		unspent: make(map[cipher.SHA256]coin.UxOut), known: make(map[string]*transaction), byAddress: make(map[string][]*transaction),
	}
	j, torn, err := openJournal(filepath.Join(dir, "dummy-sky-node.jsonl"), n.replay)
	if err != nil {
		return nil, err
	}
	if torn > 0 {
		logger.Warn("cut an incomplete record off the dummy skycoin chain", "bytes", torn)
	}
	n.journal = j
	if err := n.begin(opts); err != nil {
		_ = j.close()
		return nil, err
	}
	return n, nil
}

// Close ends the node. Its chain is the same when it is opened again.
func (n *Node) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.journal.close()
}

// Genesis implements teller.Node: it is teller.DummyGenesis.
func (n *Node) Genesis(ctx context.Context) (string, error) {
	if err := alive(ctx); err != nil {
		return "", err
	}
	return teller.DummyGenesis, nil
}

// Head implements teller.Node. A wallet that has run dry of coin hours gets some by it: see letTimePass.
func (n *Node) Head(ctx context.Context) (teller.SkyHead, error) {
	if err := alive(ctx); err != nil {
		return teller.SkyHead{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.letTimePass(); err != nil {
		return teller.SkyHead{}, err
	}
	return n.skyHead(), nil
}

func (n *Node) skyHead() teller.SkyHead {
	b := n.blocks[len(n.blocks)-1]
	return teller.SkyHead{BlockRef: b.BlockRef, Time: b.Time}
}

// Synced implements teller.Node: nobody knows more of this chain than itself.
func (n *Node) Synced(ctx context.Context) error { return alive(ctx) }

// Rules implements teller.Node.
func (n *Node) Rules(ctx context.Context) (teller.TxRules, error) {
	if err := alive(ctx); err != nil {
		return teller.TxRules{}, err
	}
	return teller.TxRules{
		BurnFactor:  uint64(rules.BurnFactor),
		MaxSize:     int(rules.MaxTransactionSize),
		MaxDecimals: int(rules.MaxDropletPrecision),
	}, nil
}

// Blocks implements teller.Node.
func (n *Node) Blocks(ctx context.Context, from, to int64) ([]teller.SkyBlock, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	from, to = max(from, 0), min(to, int64(len(n.blocks))-1)
	if from > to {
		return nil, nil
	}
	return slices.Clone(n.blocks[from : to+1]), nil
}

// Outputs implements teller.Node. They are in the order of their blocks.
func (n *Node) Outputs(ctx context.Context, addresses []string) (teller.SkyHead, []teller.Output, error) {
	if err := alive(ctx); err != nil {
		return teller.SkyHead{}, nil, err
	}
	wanted := make(map[cipher.Address]bool, len(addresses))
	for _, s := range addresses {
		address, err := parseAddress(s)
		if err != nil {
			return teller.SkyHead{}, nil, err
		}
		wanted[address] = true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []teller.Output
	for id, ux := range n.unspent {
		if wanted[ux.Body.Address] {
			out = append(out, teller.Output{
				SkyOutput: teller.SkyOutput{ID: id.Hex(), Address: ux.Body.Address.String(), Coins: teller.Droplets(ux.Body.Coins), Hours: ux.Body.Hours},
				SrcTx:     ux.Body.SrcTransaction.Hex(), Height: int64(ux.Head.BkSeq), Time: ux.Head.Time,
			})
		}
	}
	slices.SortFunc(out, func(a, b teller.Output) int {
		if a.Height != b.Height {
			return int(a.Height - b.Height)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return n.skyHead(), out, nil
}

// Pending implements teller.Node.
func (n *Node) Pending(ctx context.Context) ([]teller.SkyTx, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	txs := make([]teller.SkyTx, len(n.pending))
	for i, t := range n.pending {
		txs[i] = t.SkyTx
	}
	return txs, nil
}

// Transaction implements teller.Node.
func (n *Node) Transaction(ctx context.Context, txid string) (teller.SkyTx, teller.TxState, error) {
	if err := alive(ctx); err != nil {
		return teller.SkyTx{}, "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	t, ok := n.known[txid]
	if !ok {
		return teller.SkyTx{}, "", teller.Errorf(teller.CodeNotFound, "the dummy skycoin chain has no transaction %s", txid)
	}
	return t.SkyTx, t.state(), nil
}

func (t *transaction) state() teller.TxState {
	if t.confirmed {
		return teller.TxConfirmed
	}
	return teller.TxPending
}

// History implements teller.Node: confirmed transactions in the order of the chain, then pending ones.
func (n *Node) History(ctx context.Context, address string) ([]teller.HistoryTx, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var txs []teller.HistoryTx
	for _, t := range n.byAddress[address] {
		txs = append(txs, teller.HistoryTx{SkyTx: t.SkyTx, From: t.from, State: t.state(), Height: t.height})
	}
	for _, t := range n.pending {
		if slices.Contains(t.touched(), address) {
			txs = append(txs, teller.HistoryTx{SkyTx: t.SkyTx, From: t.from, State: t.state(), Height: teller.UnknownHeight})
		}
	}
	return txs, nil
}

// touched are the addresses of the inputs and outputs, each once.
func (t *transaction) touched() []string {
	all := slices.Clone(t.from)
	for _, o := range t.Outputs {
		all = append(all, o.Address)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func parseAddress(s string) (cipher.Address, error) {
	a, err := cipher.DecodeBase58Address(s)
	if err != nil {
		return cipher.Address{}, teller.Errorf(teller.CodeInvalid, "%q is no SKY address: %w", s, err)
	}
	return a, nil
}
