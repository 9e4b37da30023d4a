package bolt

import (
	"encoding/binary"

	"github.com/skycoin/teller"
)

// The buckets of the original, under its names. Keys and values are its own; rows carry our fields beside its.
const (
	bucketDeposits = "deposit_info"           // deposit id -> depositRow
	bucketSkyIndex = "sky_deposit_seqs_index" // SKY address -> JSON list of bindingRow, in the order of binding
	prefixBind     = "bind_address_"          // + coin in lower case: deposit address -> bindingRow, or a bare SKY address
	bucketValues   = "deposit_value"          // deposit id -> outputRow; only read, while importing
)

// Our own buckets. Numbers in keys are big-endian, so that byte order is their order.
const (
	bucketMeta     = "teller_meta" // see the meta keys
	bucketChains   = "chains"      // coin, or "payout" -> genesis hash
	bucketCursors  = "cursors"     // coin -> cursorRow; "wallet" -> headRow
	bucketBlocks   = "blocks"      // coin, height -> block hash
	bucketCounters = "counters"    // "totals" -> totalsRow
	bucketAudit    = "audit"       // seq -> AuditEntry, each linked to the one before

	// Indexes of deposits. Each value is a deposit id, each key ends in the deposit's seq.
	indexSeq      = "deposits_by_seq"     // seq
	indexStatus   = "deposits_by_status"  // status, seq
	indexDue      = "deposits_due"        // status, seq: what a worker may act on
	indexErrored  = "deposits_errored"    // seq: those with a permanent error
	indexHeld     = "deposits_held"       // seq
	indexAddress  = "deposits_by_address" // coin, deposit address, seq
	indexHeight   = "deposits_by_height"  // coin, height, seq: those in a block of the best chain
	indexQueue    = "deposits_queue"      // coin, height, seq: uncredited ones that wait for depth, doubtful ones left out
	indexReturned = "deposits_returned"   // coin, height, seq: credited, orphaned, mined again, waiting for depth
	indexOpen     = "deposits_open"       // SKY address, seq: those not done
	indexPayout   = "deposits_by_payout"  // payout txid, seq
	indexImport   = "deposits_import"     // seq: imported ones that must be checked first
	indexAbsorb   = "deposits_absorb"     // coin, txid, seq: imported ones, which a scanned output may turn out to be
	indexBalance  = "deposits_by_balance" // coin, deposit address, seq: those that no transfer is known of

	bucketUnbound    = "unbound_payments"   // seq -> unboundRow
	indexUnboundOf   = "unbound_by_address" // coin, deposit address, id, value -> seq; nothing when its block left the chain
	indexUnboundAt   = "unbound_by_height"  // coin, height, seq -> nothing
	bucketRescans    = "rescans"            // coin -> rescanRow
	bucketSources    = "address_sources"    // coin, source -> the index after the highest one bound
	bucketArrivals   = "arrivals"           // coin, deposit address -> amount: what is known to have arrived, for coins with balances
	bucketDepartures = "departures"         // coin, deposit address -> JSON list of departureRow, oldest first

	bucketRecalls     = "recalls"             // deposit id -> recallRow: what the journal tells and this ledger does not know yet
	bucketWallet      = "wallet_addresses"    // address -> height of the block at which it was taken over, decimal
	bucketOutputs     = "wallet_outputs"      // uxid -> unspentRow: unspent outputs of the wallet
	bucketReserved    = "wallet_reserved"     // uxid -> txid of the pending payout that spends it
	bucketPayouts     = "payouts"             // txid -> payoutRow
	bucketPending     = "payouts_pending"     // seq -> txid
	bucketWithdrawals = "withdrawals"         // seq -> withdrawalRow
	indexWithdrawal   = "withdrawals_by_txid" // txid -> seq
	bucketUnclaimed   = "unclaimed"           // SKY address, withdrawal's seq, output's number -> claimRow
)

// Orders on an exchange. Those of a deposit are found by its id and the number of its attempts: see teller.OrderClientID.
const (
	bucketOrders       = "orders"         // client id -> orderRow
	indexOrders        = "orders_by_seq"  // seq -> client id
	indexPendingOrders = "orders_pending" // seq -> client id: those that are not final
	bucketAttempts     = "attempts"       // deposit id -> number of the last attempt that the journal tells of, when it was put back
)

// Keys of bucketMeta.
const (
	metaFormat       = "format"         // version of this schema, decimal
	metaImported     = "imported"       // present when the ledger began as a database of the original
	metaImportHeight = "import_height_" // + coin: height of the highest imported deposit, decimal
	metaJournal      = "journal"        // journalMark
	metaJournalLines = "journal_lines"  // lines of the last group of bindings, as they follow the mark
)

const (
	formatVersion   = "5"
	formatUntold    = "4"      // like 5, without attempts in the journal
	formatOrderless = "3"      // like 4, without orders
	formatUnchained = "2"      // like 3, without a chain over the audit log and the heights of the wallet's addresses
	formatSpelled   = "1"      // like 2, without the buckets of unbound payments to departures, and with addresses as they were imported
	payoutChain     = "payout" // key in bucketChains
	walletCursor    = "wallet" // key in bucketCursors
	totalsKey       = "totals"
)

// ownBuckets are made when a ledger is opened for the first time.
func ownBuckets() []string {
	names := []string{
		bucketDeposits, bucketSkyIndex,
		bucketMeta, bucketChains, bucketCursors, bucketBlocks, bucketCounters, bucketAudit,
		indexSeq, indexStatus, indexDue, indexErrored, indexHeld, indexAddress, indexHeight, indexQueue, indexReturned,
		indexOpen, indexPayout, indexImport, indexAbsorb, indexBalance,
		bucketUnbound, indexUnboundOf, indexUnboundAt, bucketRescans, bucketSources, bucketArrivals, bucketDepartures,
		bucketRecalls, bucketWallet, bucketOutputs, bucketReserved, bucketPayouts, bucketPending, bucketWithdrawals, indexWithdrawal,
		bucketUnclaimed, bucketOrders, indexOrders, indexPendingOrders, bucketAttempts,
	}
	for _, c := range teller.Coins {
		names = append(names, bindBucket(c), usedBucket(c))
	}
	return names
}

func bindBucket(c teller.Coin) string { return prefixBind + c.Lower() }

func usedBucket(c teller.Coin) string { return "used_" + c.Lower() + "_address" } // deposit address -> nothing

// seqKey is a number as a key.
func seqKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// textKey is the common start of the keys of one text: the text and a zero byte, which no text holds.
func textKey(parts ...string) []byte {
	var k []byte
	for _, p := range parts {
		k = append(append(k, p...), 0)
	}
	return k
}

func textSeqKey(seq uint64, parts ...string) []byte {
	return binary.BigEndian.AppendUint64(textKey(parts...), seq)
}

// heightKey starts the keys of one height of a coin's chain. Heights are not negative there.
func heightKey(c teller.Coin, height int64) []byte {
	return binary.BigEndian.AppendUint64(textKey(string(c)), uint64(max(height, 0)))
}
