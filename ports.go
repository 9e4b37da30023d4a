package teller

import (
	"context"
	"time"
)

// The interfaces that the domain needs from the outside. Every method with a context returns soon after the context
// ends. Errors are *Error; CodeUnavailable means "not now": the caller keeps its state and comes again.

// Clock tells the time. Times are noted and shown; no money decision reads them.
type Clock interface{ Now() time.Time }

// Vitals is told by workers how a part of the outside is doing; /api/health shows it. Report(part, nil) means it
// answers again. Reporting the same state twice changes nothing, the time since when included.
type Vitals interface{ Report(part string, err error) }

// Watched is the set of watched keys of one chain. A key stands for an address in the form that is cheapest to compare
// while reading a block (for BTC the output script). Has may answer true for a key that is not watched, but only
// rarely; it never answers false for one that is. Safe for concurrent use.
type Watched interface {
	Has(key []byte) bool
	// Keys are all watched keys, for adapters that ask the node which blocks are worth reading; false when they are too
	// many for that. The caller changes nothing in them.
	Keys() (keys [][]byte, ok bool)
}

// Chain reads one deposit chain.
type Chain interface {
	Coin() Coin
	// Genesis is the hash of block 0. It tells networks apart.
	Genesis(ctx context.Context) (string, error)
	// Tip is the node's best block.
	Tip(ctx context.Context) (BlockRef, error)
	// BlockHash is the hash of the best chain's block at a height; CodeNotFound above the tip.
	BlockHash(ctx context.Context, height int64) (string, error)
	// Block reads the best chain's block at a height, with the transfers to watched keys; CodeNotFound above the tip.
	Block(ctx context.Context, height int64, watched Watched) (Block, error)
	// WatchKey is the key of an address; CodeInvalid when it is not an address of this chain's network.
	WatchKey(address string) ([]byte, error)
}

// Notice is what a node tells by itself.
type Notice string

// The notices.
const (
	NoticeBlock       Notice = "block"       // the best chain changed
	NoticeTransaction Notice = "transaction" // something new is in the mempool
)

// Notifier is a Chain whose node tells of news by itself.
type Notifier interface {
	// Notify calls notice for everything that the node tells, and once with each kind as soon as the node is
	// listened to, so that nothing is missed between two calls of it. It returns an error when the connection is lost
	// or ctx ends; CodeUnsupported when this node, as configured, tells nothing. A notice only says "look": what is
	// credited is read from the chain, and losing notices loses nothing.
	Notify(ctx context.Context, notice func(Notice)) error
}

// Mempool is a Chain whose node tells what is not in a block yet.
type Mempool interface {
	// Unconfirmed are the transfers to watched keys in the node's mempool. They are shown to buyers and never
	// credited. A large mempool may be read over several calls. Not safe for concurrent use with itself.
	Unconfirmed(ctx context.Context, watched Watched) ([]Transfer, error)
}

// BalanceReader is a Chain whose addresses have a balance of their own, so that value which no transfer shows (moved by
// a contract, on a node that does not trace) can be found.
type BalanceReader interface {
	// Balances are what the addresses hold after the block; CodeNotFound when it is not on the best chain (any more),
	// CodeUnavailable when the node does not keep the state of that block.
	Balances(ctx context.Context, at BlockRef, addresses []string) ([]Amount, error)
}

// Block is one block of a deposit chain, cut down to what pays watched addresses.
type Block struct {
	BlockRef
	Parent    string
	Transfers []Transfer
}

// Transfer is one output or transfer that pays an address.
type Transfer struct {
	Address string // canonical spelling, as Addresses.Parse gives it
	TxID    string
	N       uint32
	Value   Amount
}

// Addresses knows the spelling of one coin's addresses.
type Addresses interface {
	// Parse checks an address and returns its canonical spelling; CodeInvalid with the reason otherwise.
	Parse(address string) (string, error)
}

// Node is the Skycoin node: what happened on the chain, and where a payout is sent.
type Node interface {
	Genesis(ctx context.Context) (string, error)
	Head(ctx context.Context) (SkyHead, error)
	// Synced returns nil when the node has every block that its peers have, and enough peers to know; CodeNodeBehind
	// otherwise. What such a node does not know of may have happened all the same.
	Synced(ctx context.Context) error
	Rules(ctx context.Context) (TxRules, error)
	// Blocks reads the blocks from..to, both included, in order. It returns fewer when the chain ends before.
	Blocks(ctx context.Context, from, to int64) ([]SkyBlock, error)
	// Outputs are the unspent outputs of the addresses as of the returned head, with nothing unconfirmed in it. It is
	// slow on a long chain (it walks every output): ask once, then follow the blocks.
	Outputs(ctx context.Context, addresses []string) (SkyHead, []Output, error)
	// Pending are the node's unconfirmed transactions.
	Pending(ctx context.Context) ([]SkyTx, error)
	// Transaction tells where a transaction stands; CodeNotFound when the node does not know it.
	Transaction(ctx context.Context, txid string) (SkyTx, TxState, error)
	// History are the confirmed and pending transactions with an output to or an input of the address, each with the
	// addresses that its inputs belonged to.
	History(ctx context.Context, address string) ([]HistoryTx, error)
	// Inject hands over signed bytes. The answer decides nothing, neither way: the node says 503 after it has sent the
	// bytes to its peers, and refuses what is in the chain already. Only the chain tells. Idempotent.
	Inject(ctx context.Context, raw []byte) error
}

// TxState is a node's word on a transaction.
type TxState string

// The states of a transaction that a node knows.
const (
	TxPending   TxState = "pending"
	TxConfirmed TxState = "confirmed"
)

// HistoryTx is a transaction with its spenders.
type HistoryTx struct {
	SkyTx
	From   []string // the addresses of its inputs
	State  TxState
	Height int64 // of the block that holds it, UnknownHeight while it is pending
}

// Wallet is the hot wallet. It holds keys and no state: which outputs may be spent is the ledger's knowledge.
type Wallet interface {
	// Addresses are all addresses the wallet can sign for. The first receives the change.
	Addresses() []string
	// Build chooses outputs, builds and signs one transaction that pays every recipient exactly its sum and the change
	// to the wallet. Coin hours: recipients get one each when that is affordable, else none; the change keeps the rest.
	// CodeShortOfCoins, CodeShortOfHours, CodeTooLarge (more than MaxSize) or CodeInvalid (a recipient that no
	// transaction can pay). It has no side effect; every call makes another transaction.
	Build(ctx context.Context, req PayoutRequest) (SignedTx, error)
	// Decode reads the signed bytes back, independently of Build; CodeInvalid when they are not a complete, correctly
	// signed transaction.
	Decode(raw []byte) (SkyTx, error)
	// FitRecipients is how many recipients a transaction of maxSize bytes can pay when it spends the given number of
	// inputs and makes the given number of change outputs.
	FitRecipients(maxSize, inputs, change int) int
}

// Pool hands out deposit addresses that may not have been bound yet.
type Pool interface {
	// Take removes the next address; CodePoolEmpty when none is left.
	Take() (PoolAddress, error)
	// Return puts an address back that was taken and not bound.
	Return(PoolAddress)
	// Remaining is how many addresses are left.
	Remaining() int
}

// PoolAddress is a deposit address and where it comes from.
type PoolAddress struct {
	Address string
	Source  string // names the extended public key that it was derived from; "" for an address file
	Index   uint32 // at which it was derived
}

// DummyGenesis is what every simulated chain calls its block 0. Because the ledger pins it, a dummy database can never be
// opened to pay for real, nor the other way round.
const DummyGenesis = "dummy"

// Exchange buys SKY with the money of one account. What the account holds is the operator's: the coins that buyers pay in
// and the SKY that is bought are not moved by teller. Errors: CodeUnavailable (not now, and nothing is known of what
// became of a call), CodeRateLimited (nothing was done, it is asked too often: wait longer), CodeMalformed,
// CodeNotAuthenticated (the keys are refused), CodeUnsupported (the coin is not traded).
type Exchange interface {
	// Name is the exchange's name in orders, the API and the log.
	Name() string
	// Market tells under which rules SKY is bought with a coin.
	Market(ctx context.Context, coin Coin) (Market, error)
	// Balance is how much of a coin the account can spend now; what open orders have reserved is not in it.
	Balance(ctx context.Context, coin Coin) (Amount, error)
	// Place asks for an order. CodeInvalid: the exchange refuses it for good, and has not accepted it (CodeBelowMinimum
	// when because it is too small). CodeShortOfCoins: not accepted, the account has too little. CodeNotAuthenticated and
	// CodeRateLimited: this call was not accepted either. CodeAlreadyPlaced: there is or was an order of this client id. After any other
	// error it may have been accepted all the same: only Find tells.
	Place(ctx context.Context, o OrderRequest) (orderID string, err error)
	// Find looks for an order by our client id, whatever has become of it; CodeNotFound when the exchange has none now.
	// A request on its way may still arrive after that.
	Find(ctx context.Context, coin Coin, clientID string) (OrderReport, error)
	// Order reports on an order by the exchange's id.
	Order(ctx context.Context, coin Coin, orderID string) (OrderReport, error)
	// Open lists the orders of the account that are not final, by their client ids; those placed by others are in it.
	Open(ctx context.Context, coin Coin) (map[string]OrderReport, error)
	// Cancel asks to end an order. The answer decides nothing: it may have been filled meanwhile. Idempotent.
	Cancel(ctx context.Context, coin Coin, orderID string) error
}

// Market are the rules under which an exchange sells SKY for a coin.
type Market struct {
	Symbol  string // in the exchange's words
	Minimum Amount // the smallest order, in the coin's base unit; 0 = not known before it is tried
	Step    Amount // what is spent must be a multiple of it; at least 1
	// IDsOnce says that the exchange refuses a client id for ever once it has accepted an order of it. Then placing an
	// order again that was not found is safe; without it a lost reply leaves a doubt that only a person can end.
	IDsOnce bool
}

// OrderRequest is an order to buy SKY.
type OrderRequest struct {
	ClientID string
	Coin     Coin
	Spend    Amount // at most this, a multiple of the market's Step
	Least    Rate   // at least so many SKY for one coin: a limit order; the zero value = at any price, a market order
}
