package teller

import "time"

// PayoutStatus is where a payout stands.
type PayoutStatus string

// The payout statuses.
const (
	PayoutPending   PayoutStatus = "pending"   // stored, to be broadcast until a block holds it
	PayoutConfirmed PayoutStatus = "confirmed" // in a block
	PayoutDead      PayoutStatus = "dead"      // one of its inputs was spent by another transaction in a block: it can never confirm
)

// Payout is one signed Skycoin transaction that pays one or many deposits. It is stored before its bytes leave the
// process (I2). The bytes are what is kept: Skycoin signatures use a random nonce and the txid covers them, so signing
// again would make a different transaction.
type Payout struct {
	TxID      string
	Raw       []byte   // the signed transaction, as serialized
	Inputs    []string // ids of the outputs it spends
	Shares    []Share  // what each deposit gets out of it
	Fee       uint64   // coin hours burnt
	Status    PayoutStatus
	Height    int64 // of the Skycoin block that holds it, UnknownHeight before
	CreatedAt time.Time
}

// Share is one deposit's part in a payout. Deposits of one SKY address share one output of the transaction.
type Share struct {
	DepositID string   `json:"deposit_id"`
	Version   uint64   `json:"version"` // of the deposit when it was chosen
	Coins     Droplets `json:"coins"`
}

// Withdrawal is a transaction out of the hot wallet that the ledger did not make: somebody else, or an earlier life of
// this ledger, holds the wallet's keys.
type Withdrawal struct {
	TxID    string
	Height  int64       // UnknownHeight while it is unconfirmed
	Outputs []SkyOutput // those that leave the wallet
	SeenAt  time.Time
}
