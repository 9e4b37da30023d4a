// Package wallet is the hot wallet: it reads a Skycoin wallet file, and builds and signs payouts with its keys.
//
// # What it knows
//
// A Wallet holds keys and nothing else. Which outputs may be spent, and what was paid already, is the ledger's
// knowledge; Build gets the outputs with the request and forgets them. Building the same payout twice makes two
// different transactions, because a signature has a random nonce: so whoever builds must store the bytes before they
// leave the process, and never build again what is stored.
//
// # How a payout is built
//
// Build chooses inputs (choose.go), divides coins and coin hours (divide.go), signs, and checks the result with
// Skycoin's own verification, under the rules of the node that will see it (build.go). Decode reads signed bytes back.
//
// # Coin hours
//
// Every Skycoin transaction burns a part of the coin hours of its inputs, and must burn at least one. An output earns
// one hour for each SKY and hour, counted up to the time of the chain's last block; so change that was made in the last
// block has earned none. A wallet with a single output loses a tenth of its hours with every payout and earns nothing
// in a busy time: it runs dry with all its coins in place. The remedy is to own several outputs and to spend the oldest
// first, so that the others earn meanwhile. PayoutRequest.Keep says how many; four let a wallet pay a full transaction in
// every block. Recipients get an hour each as long as the wallet keeps most of what is left: without an hour they
// could not spend at once what they were paid.
package wallet

import (
	"fmt"

	"github.com/skycoin/skycoin/src/cipher"

	"github.com/skycoin/teller"
)

// Wallet is a hot wallet. It never changes after Load and is safe for concurrent use.
type Wallet struct {
	name      string
	insecure  string
	addresses []string
	change    cipher.Address
	keys      map[cipher.Address]cipher.SecKey
}

var _ teller.Wallet = (*Wallet)(nil)

// Addresses are all addresses the wallet can sign for. The first receives the change.
func (w *Wallet) Addresses() []string { return append([]string(nil), w.addresses...) }

// Insecure is "" or a warning to be logged: others on this machine can read the wallet's file.
func (w *Wallet) Insecure() string { return w.insecure }

// String names the wallet. It exists so that printing a Wallet never prints its keys.
func (w *Wallet) String() string {
	return fmt.Sprintf("wallet %s (%d addresses)", w.name, len(w.addresses))
}

// GoString is String.
func (w *Wallet) GoString() string { return w.String() }

// The bytes of a serialized transaction: a frame, an id and a signature for each input, and an address, coins and hours
// for each output.
const (
	frameSize  = 49
	inputSize  = 32 + 65
	outputSize = 21 + 8 + 8
)

func size(inputs, outputs int) int { return frameSize + inputs*inputSize + outputs*outputSize }

// FitRecipients is how many recipients a transaction of maxSize bytes can pay when it spends the given number of inputs
// and makes the given number of change outputs.
func (w *Wallet) FitRecipients(maxSize, inputs, change int) int {
	return max(0, (maxSize-size(inputs, change))/outputSize)
}
