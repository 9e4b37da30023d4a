package teller

import "time"

// UnknownHeight stands for "no height is known": a binding made before its chain was first seen, or one imported from a
// database that did not record it.
const UnknownHeight int64 = -1

// Binding ties a deposit address for ever to one SKY address, coin and buy method (I9).
type Binding struct {
	Address    string    // the deposit address, in the coin's canonical spelling; unique over all coins' bindings of that coin
	Coin       Coin      // what is paid to Address
	SkyAddress string    // who receives the SKY
	BuyMethod  BuyMethod // in force when the binding was made
	// Height is the deposit chain's tip when the binding was made, or UnknownHeight. A deposit at or below it is older
	// than the binding and is held.
	Height    int64
	CreatedAt time.Time // informative; zero for imported rows
	// Source and Index tell from which extended public key the address was derived; see PoolAddress.
	Source string
	Index  uint32
	// Restored says that the binding came from the journal into a ledger that knows nothing of the time when it was
	// made. What is paid to it may have been paid out by the ledger that was lost, and is held.
	Restored bool
}
