package teller

import "math/bits"

// The Skycoin chain as the domain sees it. Its blocks come from one publisher and are final: the chain does not fork.

// BlockRef names one block of any chain.
type BlockRef struct {
	Height int64  `json:"height"`
	Hash   string `json:"hash"`
}

// SkyOutput is one output of a Skycoin transaction.
type SkyOutput struct {
	ID      string // the uxid: hash of the output's body; "" where it is not known yet
	Address string
	Coins   Droplets
	Hours   uint64 // coin hours given to it when it was made
}

// SkyTx is one Skycoin transaction.
type SkyTx struct {
	ID      string
	Inputs  []string // uxids
	Outputs []SkyOutput
}

// SkyBlock is one block of the Skycoin chain.
type SkyBlock struct {
	BlockRef
	Parent string
	Time   uint64 // unix seconds; coin hours are counted up to the head block's time
	Txs    []SkyTx
}

// Output is an unspent output of the hot wallet, with what is needed to rebuild and spend it.
type Output struct {
	SkyOutput
	SrcTx  string // the transaction that made it ("" or zeros for the genesis output)
	Height int64  // of its block
	Time   uint64 // of its block
}

// SkyHead is the node's head block.
type SkyHead struct {
	BlockRef
	Time uint64
}

// TxRules are the node's limits for a user's transaction.
type TxRules struct {
	BurnFactor  uint64 // at least 1/BurnFactor of the input hours must be burnt, rounded up, and at least 1
	MaxSize     int    // bytes
	MaxDecimals int    // of an output's coins
}

// Wallet transactions.

// Recipient is one SKY address and what it is to receive in one transaction.
type Recipient struct {
	Address string
	Coins   Droplets
}

// PayoutRequest asks a Wallet for one transaction.
type PayoutRequest struct {
	Spendable []Output // what may be spent
	Pay       []Recipient
	HeadTime  uint64
	Rules     TxRules
	MaxSize   int // bytes; at most Rules.MaxSize
	Keep      int // how many outputs the wallet likes to keep, so that not all coins are on their way at once
}

// SignedTx is what a Wallet built. Nothing of it is known to any node yet.
type SignedTx struct {
	SkyTx
	Raw []byte
	Fee uint64 // coin hours burnt
}

// HoursAt are the coin hours of the output at a time: what it was given, plus one for every whole coin and whole hour
// since its block. The arithmetic is that of coin.UxOut.CoinHours in the Skycoin node, to the last remainder; a sum
// that the node refuses as too large is reported as not ok.
func (o Output) HoursAt(t uint64) (hours uint64, ok bool) {
	if t < o.Time {
		return o.Hours, true
	}
	seconds := t - o.Time
	whole, rest := uint64(o.Coins/DropletsPerSKY), uint64(o.Coins%DropletsPerSKY)
	wholeHi, wholeSeconds := bits.Mul64(seconds, whole)
	restHi, restSeconds := bits.Mul64(seconds, rest)
	if wholeHi != 0 || restHi != 0 {
		return 0, false
	}
	coinSeconds, carry := bits.Add64(wholeSeconds, restSeconds/uint64(DropletsPerSKY), 0)
	if carry != 0 {
		return 0, false
	}
	total, carry := bits.Add64(o.Hours, coinSeconds/3600, 0)
	return total, carry == 0
}
