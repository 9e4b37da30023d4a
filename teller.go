// Package teller is the domain of a coin exchange counter: a buyer binds a SKY address to a fresh deposit address of
// BTC, ETH or SKY, pays to it, and receives SKY at the rate that was in force when the deposit was first seen.
//
// Two sentences rule everything: no deposit is ever lost, and none is ever paid twice, whatever instant the process dies.
//
// # The life of a deposit
//
// A Binding ties a deposit address for ever to one SKY address. When a block of the deposit chain pays a bound
// address, a Deposit row is recorded (waiting_deposit) with the Rate of that moment. When its block lies deep enough it
// is credited (waiting_decide), the SKY amount is fixed (waiting_send), a signed Payout that contains it is stored
// (waiting_confirm), and when the Payout is in a block of the Skycoin chain the deposit is done. The table in status.go
// is the only place where a status may change. What is ambiguous is held for an operator with a reason: see Hold.
//
// # How it is kept exactly-once
//
// State lives in the Store, never in memory or a channel: the row is the queue, and retry and restart are the same code
// path. Every Store method is one whole step of the business in one transaction. A payout's signed bytes are stored
// together with the change of status of its deposits before they are first broadcast, and only those bytes are ever
// broadcast, again and again, until a block holds them or holds another spender of one of their inputs. The ledger
// follows the Skycoin chain block by block, so that it knows every transaction out of the hot wallet, its own and others.
//
// # Where things are
//
// This package says what teller is and imports the standard library only. The internal packages say with what it is
// done: scan follows the deposit chains, settle decides, pays and confirms, chain/* and wallet speak to the outside,
// store/* keep the ledger, httpapi and web face buyers and operators, dummy stands in for the outside world, and app
// joins them. docs/architecture.md tells the same story at more length.
package teller
