package eth

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/skycoin/teller"
)

const (
	// plainGas is what a transaction costs that runs no code.
	plainGas = 21000
	// maxTraces is how many traces are read at a time: one of a block that somebody has stuffed takes half a gigabyte.
	maxTraces = 2
)

// tracer finds value that contracts move, by letting the node run a block's transactions again with its callTracer.
type tracer struct {
	mode    string
	client  *client
	timeout time.Duration
	log     *slog.Logger

	inFlight chan struct{} // holds a token for each trace that is being read

	mu     sync.Mutex
	asked  bool
	reason string // why the last block was not traced; "" when it was
}

func newTracer(cfg Config, client *client) (*tracer, error) {
	t := &tracer{inFlight: make(chan struct{}, maxTraces), mode: cfg.Trace, client: client, timeout: 4 * client.timeout, log: cfg.Log}
	if t.mode == "" {
		t.mode = TraceAuto
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	switch t.mode {
	case TraceAuto, TraceOn, TraceOff:
		return t, nil
	}
	return nil, teller.Errorf(teller.CodeInvalid, "eth_rpc.trace is %q: use auto, on or off", cfg.Trace)
}

// Tracing reports whether value that contracts move is found, and why not. It tells of the last block in which there may
// have been such; before the first one it is true unless tracing is off.
func (c *Chain) Tracing() (able bool, reason string) {
	t := c.tracer
	if t.mode == TraceOff {
		return false, "eth_rpc.trace is off"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reason == "", t.reason
}

// inner finds what contracts send to watched addresses. Whether the transaction succeeded is left to its receipt.
func (t *tracer) inner(ctx context.Context, b *block, watched teller.Watched) ([]move, error) {
	if t.mode == TraceOff || !b.runsCode() {
		return nil, nil
	}
	traces, err := t.trace(ctx, b)
	if err != nil {
		return nil, err
	}
	var moves []move
	for i, trace := range traces {
		if trace.Result == nil {
			continue
		}
		trace.Result.visit(func(n uint32, f *frame) {
			if watched.Has(f.To[:]) {
				moves = append(moves, move{i, n, *f.To, f.Value.ToInt()})
			}
		})
	}
	return moves, nil
}

// runsCode reports whether any of the transactions may have run a contract.
func (b *block) runsCode() bool {
	for i := range b.Transactions {
		if t := &b.Transactions[i]; t.signed == nil || t.To == nil || t.Gas != plainGas || len(t.signed.Data()) > 0 {
			return true
		}
	}
	return false
}

// txTrace is what the tracer says about one transaction.
type txTrace struct {
	TxHash *common.Hash `json:"txHash"` // older nodes leave it out
	Result *frame       `json:"result"`
	Error  string       `json:"error"` // of the tracer, not of the transaction
}

// trace returns the block's traces in the order of its transactions, none at all when it can not be traced and that is no
// error.
func (t *tracer) trace(ctx context.Context, b *block) ([]txTrace, error) {
	select {
	case t.inFlight <- struct{}{}:
		defer func() { <-t.inFlight }()
	case <-ctx.Done():
		return nil, teller.Errorf(teller.CodeUnavailable, "trace block %s: %w", b.Hash, context.Cause(ctx))
	}
	var traces []txTrace
	err := t.client.callWithin(ctx, t.timeout, &traces, "debug_traceBlockByHash", b.Hash, map[string]string{"tracer": "callTracer"})
	if err != nil {
		return nil, t.failed(ctx, b, err)
	}
	if len(traces) != len(b.Transactions) {
		return nil, t.client.malformed("it traces %d transactions of block %s, which has %d", len(traces), b.Hash, len(b.Transactions))
	}
	reason := ""
	for i, trace := range traces {
		switch {
		case trace.Result == nil && trace.Error == "",
			trace.TxHash != nil && *trace.TxHash != b.Transactions[i].id(),
			trace.Result != nil && !trace.Result.is(&b.Transactions[i]):
			return nil, t.client.malformed("its trace of transaction %d of block %s is that of another", i, b.Hash)
		case trace.Error != "":
			reason = "transaction " + b.Transactions[i].id().Hex() + ": " + trace.Error
		}
	}
	if reason != "" && t.mode == TraceOn {
		return nil, teller.Errorf(teller.CodeUnavailable, "ethereum node %s can not trace %s", t.client.name, reason)
	}
	t.note(b, reason)
	return traces, nil
}

// failed decides what an error means: an error for the caller, or a block that can not be traced.
func (t *tracer) failed(ctx context.Context, b *block, err error) error {
	if t.mode == TraceOn {
		return err
	}
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.number != numberOverLimits:
		// it has no such method, or not the state of a block that old, or, behind a load balancer, not yet this block
		if notFound(refused) && t.isRecent(ctx, b) {
			return teller.Errorf(teller.CodeUnavailable, "ethereum node %s does not have block %s for tracing yet: %w", t.client.name, b.Hash, err)
		}
	case errors.Is(err, errTimeout), errors.Is(err, errTooLong):
		// Is it this block, which somebody may have made for that, or the node as a whole?
		var latest *blockID
		if probe := t.client.call(ctx, &latest, "eth_getBlockByNumber", "latest", false); probe != nil {
			return err
		}
	default:
		return err
	}
	t.note(b, err.Error())
	return nil
}

// recent is how many blocks a node that keeps any state has the state of.
const recent = 100

func notFound(r *refusal) bool {
	const resourceNotFound, methodNotFound = -32001, -32601 // EIP-1474
	return r.number == resourceNotFound || r.number != methodNotFound && strings.Contains(strings.ToLower(r.message), "not found")
}

// isRecent reports whether a block is near the tip. When the node can not say, it is taken for recent: it is asked again.
func (t *tracer) isRecent(ctx context.Context, b *block) bool {
	var latest *blockID
	err := t.client.call(ctx, &latest, "eth_getBlockByNumber", "latest", false)
	return err != nil || latest == nil || latest.Number == nil || uint64(*latest.Number) < uint64(*b.Number)+recent
}

// note keeps why the last block was not traced, and says so when that changes.
func (t *tracer) note(b *block, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := !t.asked || (reason == "") != (t.reason == "")
	t.asked, t.reason = true, reason
	switch {
	case !changed:
	case reason == "":
		t.log.Info("value that contracts move is found by tracing", "coin", teller.ETH, "height", int64(*b.Number))
	default:
		t.log.Warn("the node can not trace: value that contracts move is found by balance only, and held",
			"coin", teller.ETH, "height", int64(*b.Number), "reason", reason)
	}
}

// frame is one call that a transaction made, as the callTracer tells it.
type frame struct {
	Type  string          `json:"type"`
	From  common.Address  `json:"from"`
	To    *common.Address `json:"to"`
	Value *hexutil.Big    `json:"value"`
	Error string          `json:"error"` // why it was undone, with everything below it
	Calls []frame         `json:"calls"`
}

// is reports whether the frame is the outermost one of a transaction.
func (f *frame) is(t *transaction) bool {
	if t.signed == nil && t.Value == nil {
		return true // of a kind of the future, which moves no value by itself
	}
	value := new(big.Int)
	if f.Value != nil {
		value = f.Value.ToInt()
	}
	return t.Value != nil && value.Cmp(t.Value.ToInt()) == 0 && (t.To == nil || f.To != nil && *f.To == *t.To)
}

// visit calls found with every transfer of value that was made below this frame, and its ordinal among them, from 1, in
// the order of execution.
func (f *frame) visit(found func(n uint32, f *frame)) {
	var n uint32
	f.visitCalls(&n, found)
}

func (f *frame) visitCalls(n *uint32, found func(uint32, *frame)) {
	if f.Error != "" {
		return
	}
	for i := range f.Calls {
		call := &f.Calls[i]
		if call.Error == "" && call.moves() {
			*n++
			found(*n, call)
		}
		call.visitCalls(n, found)
	}
}

// moves reports whether the frame itself carries value from one address to another. DELEGATECALL repeats its parent's
// value, CALLCODE sends it to the caller itself. Calls of precompiled contracts do not count, because some nodes leave
// them out of a trace, and the ordinals must be the same with every node.
func (f *frame) moves() bool {
	switch f.Type {
	case "CALL", "CREATE", "CREATE2", "SELFDESTRUCT":
		return f.Value != nil && f.Value.ToInt().Sign() > 0 && f.To != nil && *f.To != f.From && !precompiled(*f.To)
	}
	return false
}

// precompiled reports whether an address is in the range of those that have no code but the node's own.
func precompiled(a common.Address) bool {
	const tail = 2
	return common.Address(append(make([]byte, len(a)-tail), a[len(a)-tail:]...)) == a
}
