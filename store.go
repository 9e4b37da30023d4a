package teller

import (
	"context"
	"io"
	"time"
)

// Store is the ledger. Every method is one whole step of the business and one transaction: all of it happens or
// nothing. The row is the queue: workers ask for what is due and write results as compare-and-set on a deposit's
// Version; CodeConflict means that somebody else was faster and nothing was written. What a method returns without an
// error is durable. Listings are in ascending Seq, start after the given Seq, and hold no transaction open between
// calls; a limit of 0 means a page of the store's own choosing.
type Store interface {
	Bindings
	ScanStore
	RescanStore
	BalanceStore
	DepositStore
	OrderStore
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
	// When it returns, the binding also stands in a journal that outlives the database. What was paid to the address
	// before (see UnboundPayment) becomes a held deposit in the same transaction.
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
	// BoundAfter lists up to limit bound addresses in ascending order, from behind one on ("" = from the first).
	BoundAfter(ctx context.Context, coin Coin, after string, limit int) ([]string, error)
	// NextIndex is one more than the highest Binding.Index bound of a source, 0 when there is none. It saves looking
	// for the first free index; Bind is what keeps an address from being bound twice.
	NextIndex(ctx context.Context, coin Coin, source string) (uint32, error)
}

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
	Held     []Deposit // on which a hold was put, whatever their status
	Orphaned []Deposit
	Unbound  []UnboundPayment // newly recorded
	Frozen   bool             // crediting for the coin is frozen after this step
}

// UnboundPayment is a transfer to a watched address that nobody is bound to. It is shown to the operator, and becomes
// a held deposit when the address is bound.
type UnboundPayment struct {
	Seq  uint64 // in the order of recording, from 1
	Coin Coin
	Transfer
	BlockRef // that holds it
	SeenAt   time.Time
}

// Rescan is a second reading of blocks that the cursor has passed.
type Rescan struct {
	Coin      Coin
	From, To  int64 // both included
	Next      int64 // the block to read next; beyond To it is done
	Found     int   // deposits that were missing
	StartedAt time.Time
}

// Done reports whether every block was read again.
func (r Rescan) Done() bool { return r.Next > r.To }

// Balance is what an address holds.
type Balance struct {
	Address string
	Value   Amount
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
	// chain may be any. A transfer to an address that is not bound is kept as an UnboundPayment. A transfer that is
	// stored already is not recorded again: if it was orphaned it is re-mined.
	SaveBlock(ctx context.Context, coin Coin, b Block, terms ScanTerms) (ScanResult, error)
	// SaveBlocks is SaveBlock for some blocks, each the child of the one before, in one transaction: far from the tip a
	// commit for each block would take longer than to read it.
	SaveBlocks(ctx context.Context, coin Coin, blocks []Block, terms ScanTerms) (ScanResult, error)
	// CreditDeep credits, without a new block, what lies at the required depth below the cursor: what was released,
	// adopted by Bind, or falls under fewer confirmations since the last block. Of the terms only Confirmations counts.
	// Call it when the node has the cursor's block. Nothing is written when there is nothing to credit, or no cursor.
	CreditDeep(ctx context.Context, coin Coin, terms ScanTerms) (ScanResult, error)
	// NoteTip raises the cursor's Tip to the node's height before the blocks up to there are read, so that an address
	// that is bound meanwhile gets the true height. It never lowers it, and does nothing before the first block.
	NoteTip(ctx context.Context, coin Coin, tip int64) error
	// Rewind moves the cursor back to a stored block and orphans the deposits above it. Credited ones are held and
	// freeze the coin: nothing more of it is credited until they are back at depth, released or closed. Unbound
	// payments above it are forgotten.
	Rewind(ctx context.Context, coin Coin, to BlockRef) (ScanResult, error)
}

// RescanStore is the part of the store that reads blocks a second time.
type RescanStore interface {
	// StartRescan asks for all blocks from a height up to the cursor to be read again, instead of any rescan of the
	// coin that is under way. It may begin below the first block ever saved. Audited.
	StartRescan(ctx context.Context, coin Coin, from int64, act Act) (Rescan, error)
	// Rescan returns the coin's last rescan, CodeNotFound when there was none.
	Rescan(ctx context.Context, coin Coin) (Rescan, error)
	// SaveRescanned records what is missing of the rescan's next block, credits what has the required depth, and moves
	// on. CodeConflict when the block is not the rescan's next one, lies above the cursor, or is not the one that was
	// saved at its height. What the ledger knows already is left as it is: nothing is credited twice. What it finds is
	// held (HoldDuplicate) when the address has a deposit found by its balance that may be the same coins, whatever has
	// become of that. Where no hash is kept the block must follow the one that this rescan read before; when it does
	// not, the rescan begins again. There the ledger can not tell branches apart: the caller makes sure before each
	// stretch of blocks that the node has the cursor's block, so that what is credited is on the ledger's branch.
	SaveRescanned(ctx context.Context, coin Coin, b Block, terms ScanTerms) (ScanResult, error)
}

// BalanceStore is the part of the store that knows what addresses should hold.
type BalanceStore interface {
	// CompareBalances holds against the ledger what addresses hold after the cursor's block (CodeConflict when it is
	// another one: transfers would be missing). What is known to have arrived, less what is known to have left, must
	// cover the balance; what exceeds it becomes a deposit that is held (HoldUnexplained), and what is missing is noted
	// as having left. Nothing is ever paid by this alone: such a deposit is not even credited before an operator has
	// released it. Addresses that are not bound are skipped. CodeUnsupported when the coin's addresses have no balance
	// that could be read.
	CompareBalances(ctx context.Context, coin Coin, at BlockRef, balances []Balance, rate Rate) (ScanResult, error)
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
	Received map[Coin]Amount // deposits that are Received
	Sent     Droplets        // payouts, pending and confirmed
	Deposits map[Status]int
	Errored  int
	Held     int
	Bound    map[Coin]int
	Frozen   map[Coin]int // credited deposits that are orphaned: more than 0 freezes the coin
	// What all orders on an exchange have bought and spent, and what of it is kept: bought, and not owed to anybody.
	Bought Droplets
	Spent  map[Coin]Amount
	Kept   Droplets
	// The wallet's books: Opening + TopUps - Paid - Withdrawn = the coins of its unspent outputs (I6).
	Opening, TopUps, Paid, Withdrawn Droplets
}

// OrderDraft is an attempt to be made.
type OrderDraft struct {
	DepositID string
	Version   uint64 // of the deposit
	Exchange  string
	Requested Amount
	Least     Rate
}

// OrderStore is the part of the store that knows the orders on an exchange. An order is pending until it is final; a
// deposit has at most one that is. Whatever holds a deposit, its pending order is followed to its end.
type OrderStore interface {
	// PrepareOrder stores the deposit's next attempt and moves the deposit to waiting_passthrough. CodeConflict when the
	// deposit changed, is not due, or has a pending order.
	PrepareOrder(ctx context.Context, d OrderDraft) (Order, error)
	// BeginOrder notes that the exchange is about to be called for it: from here on the order may exist. CodeConflict when
	// the order changed or is placed or final, or when its deposit is not due: then it must not be placed (again). Nobody
	// vouches any more for what was doubted before.
	BeginOrder(ctx context.Context, clientID string, version uint64) (Order, error)
	// NoteOrder writes what the exchange has told, adds the difference to what the deposit's orders have bought and spent,
	// and moves the deposit to waiting_passthrough_order_complete when the order was accepted (it has an OrderID). A final
	// report ends the order, whether it was accepted, refused, or never placed. The deposit may be held, or done: it may
	// have been closed meanwhile. CodeConflict when the order changed or is final; CodeMalformed when less was bought or
	// spent than was told before. What an order that it shows was doubted for is answered: the hold goes away.
	NoteOrder(ctx context.Context, clientID string, version uint64, r OrderReport) (Order, error)
	// DoubtOrder holds the deposit (HoldOrderUnknown) of an order that may have been placed, or that was, and that the
	// exchange does not show, and notes in the order that this was asked: once the hold is released, an order that was
	// never shown may be placed again. CodeConflict when the order changed, is final, or nobody was called for it.
	DoubtOrder(ctx context.Context, clientID string, version uint64, detail string) (Order, error)
	// FailOrder holds the deposit (HoldOrderFailed) after its last order has ended without buying all that it should, and
	// notes in that order that an operator was asked (Judged): a deposit that is due although its last order is Judged was
	// released. CodeConflict when the deposit changed, is not due, or has no last order that is final.
	FailOrder(ctx context.Context, depositID string, version uint64, detail string) (Deposit, error)
	// SendBought moves a deposit whose orders are all final to waiting_send: owed is what is sent of what was bought; the
	// remainder is booked as kept.
	SendBought(ctx context.Context, depositID string, version uint64, owed Droplets) error
	// Orders lists all orders, oldest first.
	Orders(ctx context.Context, after uint64, limit int) ([]Order, error)
	// PendingOrders lists the orders that are not final, oldest first.
	PendingOrders(ctx context.Context, after uint64, limit int) ([]Order, error)
	// Order returns one, or CodeNotFound.
	Order(ctx context.Context, clientID string) (Order, error)
	// OrdersOf lists the orders of a deposit in the order of their attempts.
	OrdersOf(ctx context.Context, depositID string) ([]Order, error)
	// Attempted is the number of the last attempt for a deposit that there ever was, as far as anybody knows: more than
	// the deposit's Attempts when an older backup was put back.
	Attempted(ctx context.Context, depositID string) (int, error)
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
	// Version is that of the deposit that was decided about, when the decision rests on what its row said; 0 = whatever it
	// says by now. The act is refused with CodeConflict when the deposit has changed since.
	Version uint64
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
	// MarkPaid ends a deposit that a confirmed transaction, made by hand and not by this ledger, has paid: coins is what
	// its outputs give to the deposit's SKY address. It takes what the deposit is owed out of that, and out of what the
	// withdrawal may have paid if it is one; what is not decided yet is so many decimals of SKY. Refused with
	// CodeForbidden when the coins do not cover that beside what else was marked as paid with them, when the transaction is
	// a payout of this ledger to others, or while a pending payout contains the deposit.
	MarkPaid(ctx context.Context, id, txid string, coins Droplets, decimals int, act Act) (Deposit, error)
	// EndOrder is an operator's word that the exchange has no order of a client id, and will have none, although it may
	// have been called for it or has shown it before: the order is final, and has bought what is noted. CodeForbidden for
	// an order that the exchange shows. When a call may be under way (Order.Asked), its deposit is held first, unless it
	// is (HoldOrderUnknown), and the order returned as it is: from there on no call is begun.
	EndOrder(ctx context.Context, clientID string, act Act) (Order, error)
	// PayInstead has the wallet pay what the deposit's orders have not bought; owed is the sum of both. Refused while
	// an order is pending.
	PayInstead(ctx context.Context, id string, owed Droplets, act Act) (Deposit, error)
	// Refund notes that an operator has given back, by the transaction txid, what the deposit's orders have not spent.
	// owed, of what was bought, is sent; 0 ends the deposit. Refused while an order is pending.
	Refund(ctx context.Context, id, txid string, owed Droplets, act Act) (Deposit, error)
	// SettleWithdrawal declares that a withdrawal has nothing to do with deposits (any more): it holds none from now
	// on. Those that it holds already stay held. CodeNotFound when there is no such withdrawal.
	SettleWithdrawal(ctx context.Context, txid string, act Act) error
	// Withdrawals lists the transactions out of the wallet that the ledger did not make, oldest first.
	Withdrawals(ctx context.Context) ([]Withdrawal, error)
	// UnboundPayments lists payments to addresses that nobody is bound to.
	UnboundPayments(ctx context.Context, after uint64, limit int) ([]UnboundPayment, error)
	// Audit lists audit entries after a sequence number.
	Audit(ctx context.Context, after uint64, limit int) ([]AuditEntry, error)
}
