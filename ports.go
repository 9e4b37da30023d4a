package teller

import (
	"context"
	"io"
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
type Watched interface{ Has(key []byte) bool }

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
	From  []string // the addresses of its inputs
	State TxState
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
	Take() (string, error)
	// Return puts an address back that was taken and not bound.
	Return(address string)
	// Remaining is how many addresses are left.
	Remaining() int
}

// Store is the ledger. Every method is one whole step of the business and one transaction: all of it happens or
// nothing. The row is the queue: workers ask for what is due and write results as compare-and-set on a deposit's
// Version; CodeConflict means that somebody else was faster and nothing was written. What a method returns without an
// error is durable. Listings are in ascending Seq, start after the given Seq, and hold no transaction open between
// calls; a limit of 0 means a page of the store's own choosing.
type Store interface {
	Bindings
	ScanStore
	DepositStore
	WalletStore
	OperatorStore
	// Backup writes a consistent copy of the whole store. The copy is taken first, then streamed: a slow reader
	// blocks nobody.
	Backup(ctx context.Context, w io.Writer) error
	// Close waits for running transactions and ends the store.
	Close() error
}

// Bindings is the part of the store that ties addresses to buyers.
type Bindings interface {
	// Bind records the binding, with the chain's last seen tip as its Height, unless the deposit address was ever
	// bound (CodeAlreadyBound, I9) or the SKY address has limit bindings already (CodeLimit; limit 0 = unlimited).
	// When it returns, the binding also stands in a journal that outlives the database.
	Bind(ctx context.Context, b Binding, limit int) (Binding, error)
	// Binding returns one, or CodeNotFound.
	Binding(ctx context.Context, coin Coin, address string) (Binding, error)
	// BindingsOf lists a SKY address's bindings in the order in which they were made.
	BindingsOf(ctx context.Context, skyAddress string) ([]Binding, error)
	// BoundAddresses calls f for every bound address of a coin, in no particular order. f must not call the store.
	BoundAddresses(ctx context.Context, coin Coin, f func(address string) error) error
	// UsedAddresses is BoundAddresses for every address that was ever bound or marked as used.
	UsedAddresses(ctx context.Context, coin Coin, f func(address string) error) error
	// IsUsed reports whether an address was ever bound or marked as used.
	IsUsed(ctx context.Context, coin Coin, address string) (bool, error)
}

// DummyGenesis is what every simulated chain calls its block 0. Because the ledger pins it, a dummy database can never be
// opened to pay for real, nor the other way round.
const DummyGenesis = "dummy"

// Cursor is how far a chain is stored.
type Cursor struct {
	BlockRef       // the last block whose deposits are stored
	Tip      int64 // the chain's height when that block was stored
}

// ScanTerms are the terms under which a block's deposits are recorded and credited.
type ScanTerms struct {
	Confirmations int64 // blocks that must lie on top of a deposit's own before it is credited
	Rate          Rate  // for deposits recorded for the first time
	Tip           int64 // the node's height
}

// ScanResult tells what a step of the scan changed, for logs and wake-ups.
type ScanResult struct {
	Recorded []Deposit // first seen in this block
	Credited []Deposit
	Held     []Deposit // newly held, whatever their status
	Orphaned []Deposit
	Frozen   bool // crediting for the coin is frozen after this step
}

// ScanStore is the part of the store that follows the deposit chains.
type ScanStore interface {
	// PinChain records which network a coin's rows belong to, by its genesis hash, when none is recorded yet, and
	// answers CodeWrongNetwork when another one is. A dummy chain's is DummyGenesis.
	PinChain(ctx context.Context, coin Coin, genesis string) error
	// Cursor returns how far the chain is stored; CodeNotFound before the first block.
	Cursor(ctx context.Context, coin Coin) (Cursor, error)
	// SavedHash is the stored hash of the chain's block at a height; CodeNotFound when it was never saved or is too
	// old to be kept. At least the last 10,000 are kept.
	SavedHash(ctx context.Context, coin Coin, height int64) (string, error)
	// SaveBlock records the block's deposits to bound addresses, credits all those whose block now has the required
	// depth, and moves the cursor. The block must be the cursor's child (CodeConflict otherwise); the first block of a
	// chain may be any. Transfers to addresses that are not bound are ignored. A transfer that is stored already is
	// not recorded again: if it was orphaned it is re-mined.
	SaveBlock(ctx context.Context, coin Coin, b Block, terms ScanTerms) (ScanResult, error)
	// Rewind moves the cursor back to a stored block and orphans the deposits above it. Credited ones are held and
	// freeze the coin: nothing more of it is credited until they are back at depth, released or closed.
	Rewind(ctx context.Context, coin Coin, to BlockRef) (ScanResult, error)
}

// DepositQuery selects deposits.
type DepositQuery struct {
	Status  Status // "" = any
	Errored bool   // only those with a permanent error
	Held    bool   // only held ones
	After   uint64 // a Seq
	Limit   int    // 0 = a page
}

// Decision is the result of deciding one deposit.
type Decision struct {
	DepositID string
	Version   uint64
	Owed      Droplets
}

// DepositStore is the part of the store that knows deposits.
type DepositStore interface {
	// Deposit returns one, or CodeNotFound.
	Deposit(ctx context.Context, id string) (Deposit, error)
	// DepositsTo lists the deposits to one deposit address, orphaned uncredited ones left out.
	DepositsTo(ctx context.Context, coin Coin, address string) ([]Deposit, error)
	// Deposits lists deposits; its cost is that of the page, not of the ledger.
	Deposits(ctx context.Context, q DepositQuery) ([]Deposit, error)
	// Due lists what a worker may act on in a status: see Deposit.Due. Oldest first.
	Due(ctx context.Context, status Status, after uint64, limit int) ([]Deposit, error)
	// Decide applies decisions. A deposit that changed meanwhile is left out; the number applied is returned.
	Decide(ctx context.Context, ds []Decision) (int, error)
	// Totals are counters kept with every transaction: reading them costs nothing that grows.
	Totals(ctx context.Context) (Totals, error)
}

// Totals are sums over the whole ledger.
type Totals struct {
	Received map[Coin]Amount // credited deposits
	Sent     Droplets        // payouts, pending and confirmed
	Deposits map[Status]int
	Errored  int
	Held     int
	Bound    map[Coin]int
	Frozen   map[Coin]int // credited deposits that are orphaned: more than 0 freezes the coin
	// The wallet's books: Opening + TopUps - Paid - Withdrawn = the coins of its unspent outputs (I6).
	Opening, TopUps, Paid, Withdrawn Droplets
}

// WalletCursor is how far the ledger has followed the Skycoin chain.
type WalletCursor struct {
	SkyHead
	Addresses []string // of the wallet, whose outputs are known up to this block
}

// WalletResult tells what blocks of the Skycoin chain changed.
type WalletResult struct {
	Confirmed   []Deposit // paid and done
	Payable     []Deposit // their payout died; waiting_send again
	Held        []Deposit
	Payouts     []string // txids confirmed
	Dead        []string // txids of payouts that died
	Withdrawals []Withdrawal
	TopUps      Droplets
}

// WalletStore is the part of the store that knows the hot wallet and its payouts.
type WalletStore interface {
	// PinSkycoin is PinChain for the chain that payouts are made on.
	PinSkycoin(ctx context.Context, genesis string) error
	// WalletCursor returns how far the wallet is known; CodeNotFound before OpenWallet.
	WalletCursor(ctx context.Context) (WalletCursor, error)
	// OpenWallet takes the outputs that the addresses have at head as the opening balance. Addresses that are known
	// are left alone; new ones can only be added at the cursor's block (CodeConflict otherwise). past are transactions
	// that spent from the new addresses before: those that the ledger did not make are withdrawals.
	OpenWallet(ctx context.Context, head SkyHead, addresses []string, outputs []Output, past []SkyTx) (WalletResult, error)
	// SaveSkyBlocks follows the Skycoin chain by some blocks, the first of which must be the cursor's child
	// (CodeConflict otherwise): new and spent outputs, payouts confirmed (their deposits are done) or dead (their
	// deposits are waiting_send again, held if the spender pays their SKY address), withdrawals (unpaid deposits of
	// the SKY addresses that they pay are held).
	SaveSkyBlocks(ctx context.Context, blocks []SkyBlock) (WalletResult, error)
	// NotePending looks at the node's unconfirmed transactions: one that spends an output of the wallet and is no
	// stored payout is a withdrawal in the making, and holds as one.
	NotePending(ctx context.Context, txs []SkyTx) (WalletResult, error)
	// Outputs are the wallet's unspent outputs at the cursor; spendable leaves out those that any pending payout names.
	Outputs(ctx context.Context) (all, spendable []Output, err error)
	// CreatePayout stores the signed transaction and moves its deposits to waiting_confirm. Refused with CodeConflict
	// when a deposit changed or is not due, or an input is not spendable any more.
	CreatePayout(ctx context.Context, p Payout) error
	// Payout returns one, or CodeNotFound.
	Payout(ctx context.Context, txid string) (Payout, error)
	// PendingPayouts lists payouts that no block holds yet, oldest first.
	PendingPayouts(ctx context.Context) ([]Payout, error)
	// DepositsPaidBy lists the deposits whose PayoutTxID is txid.
	DepositsPaidBy(ctx context.Context, txid string) ([]Deposit, error)
	// ImportsToCheck lists imported deposits whose past must be looked up before anything else happens to them.
	ImportsToCheck(ctx context.Context, after uint64, limit int) ([]Deposit, error)
	// ResolveImport writes what was found.
	ResolveImport(ctx context.Context, v ImportVerdict) (Deposit, error)
}

// ImportVerdict is what the Skycoin chain tells about an imported deposit.
type ImportVerdict struct {
	DepositID string
	Version   uint64
	Owed      Droplets   // for a waiting_send row: what is to be paid
	Confirmed bool       // a waiting_confirm row's transaction is in a block
	Hold      HoldReason // "" or why it must be held
	Detail    string
}

// Act is who did something by hand, and why. It goes into the audit log.
type Act struct {
	Actor  string
	Reason string
}

// OperatorStore is the part of the store behind an operator's decisions. Every act is audited in the same transaction.
type OperatorStore interface {
	// Release lets a held deposit go on.
	Release(ctx context.Context, id string, act Act) (Deposit, error)
	// Hold holds a deposit by a worker's or operator's decision.
	Hold(ctx context.Context, id string, version uint64, reason HoldReason, detail string) (Deposit, error)
	// CloseDeposit ends a deposit with a reason. Refused while a pending payout contains it. A deposit that is held for
	// a withdrawal takes what it is owed out of what that withdrawal may have paid.
	CloseDeposit(ctx context.Context, id string, act Act) (Deposit, error)
	// SettleWithdrawal declares that a withdrawal has nothing to do with deposits (any more): it holds none from now
	// on. Those that it holds already stay held. CodeNotFound when there is no such withdrawal.
	SettleWithdrawal(ctx context.Context, txid string, act Act) error
	// Withdrawals lists the transactions out of the wallet that the ledger did not make, oldest first.
	Withdrawals(ctx context.Context) ([]Withdrawal, error)
	// Audit lists audit entries after a sequence number.
	Audit(ctx context.Context, after uint64, limit int) ([]AuditEntry, error)
}

// AuditEntry is one line of the ledger's history.
type AuditEntry struct {
	Seq       uint64    `json:"seq"`
	Time      time.Time `json:"time"`
	Event     string    `json:"event"`
	DepositID string    `json:"deposit_id,omitempty"`
	TxID      string    `json:"txid,omitempty"`
	From      Status    `json:"from,omitempty"`
	To        Status    `json:"to,omitempty"`
	Actor     string    `json:"actor,omitempty"`
	Detail    string    `json:"detail,omitempty"`
}
