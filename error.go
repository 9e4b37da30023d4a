package teller

import (
	"errors"
	"fmt"
	"strings"
)

// Code classifies an Error. Adapters translate foreign errors into one of these at their edge; httpapi has the one
// table that maps a Code to an HTTP status.
type Code string

// The codes. A caller may branch on a code, never on a message.
const (
	CodeInvalid          Code = "invalid"           // the input is malformed; repeating it cannot help
	CodeNotFound         Code = "not_found"         // what was named does not exist
	CodeConflict         Code = "conflict"          // the row changed since it was read; read again and decide again
	CodeBindDisabled     Code = "bind_disabled"     // teller.bind_enabled is false
	CodeCoinDisabled     Code = "coin_disabled"     // deposits of this coin are switched off
	CodeLimit            Code = "limit"             // a SKY address has all the bindings it may have
	CodePoolEmpty        Code = "pool_empty"        // no unused deposit address is left
	CodeAlreadyBound     Code = "already_bound"     // the deposit address was bound before; I9: for ever
	CodeUnavailable      Code = "unavailable"       // a node or disk does not answer now; retry later
	CodeWrongNetwork     Code = "wrong_network"     // the node or database belongs to another chain
	CodeMalformed        Code = "malformed"         // a node answered something that is not what the protocol says
	CodeNodeBehind       Code = "node_behind"       // the node's best chain is behind what the ledger has already seen
	CodeShortOfCoins     Code = "short_of_coins"    // the wallet's spendable outputs do not cover the sum
	CodeTooLarge         Code = "too_large"         // a transaction would be larger than allowed
	CodeShortOfHours     Code = "short_of_hours"    // the coins are there, the coin hours for the fee are not
	CodeForbidden        Code = "forbidden"         // the transition is not in the table, or the caller may not do this
	CodeInternal         Code = "internal"          // a fault of this program
	CodeCorrupt          Code = "corrupt"           // stored data does not make sense; stop before paying
	CodeNotAuthenticated Code = "not_authenticated" // the admin token is missing or wrong
	CodeUnsupported      Code = "unsupported"       // valid, but this build does not do it
	CodeRateLimited      Code = "rate_limited"      // the exchange was asked too often; wait longer
	CodeBelowMinimum     Code = "below_minimum"     // the exchange takes no order as small as this
	CodeAlreadyPlaced    Code = "already_placed"    // the exchange has or had an order of this client id
)

// Error is the only error vocabulary that crosses package borders.
type Error struct {
	Code    Code
	Message string // lower case, no full stop, says what to do where something can be done
	Err     error  // the cause, if any
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	if e.Message == "" {
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error. A %w verb in the format becomes the wrapped cause, as with fmt.Errorf.
func Errorf(code Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if !strings.Contains(format, "%w") {
		return &Error{Code: code, Message: err.Error()}
	}
	return &Error{Code: code, Err: err}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal for any other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
