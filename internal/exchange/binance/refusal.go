package binance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/skycoin/teller"
)

// The exchange's own error codes that something depends on. Its documentation has them all.
const (
	codeUnauthorized = -1002
	codeTooMany      = -1003
	codeEngine       = -1010
	codeFilter       = -1013
	codeComposition  = -1014
	codeTooManyNew   = -1015
	codeUnsupported  = -1020
	codeTimestamp    = -1021
	codeSignature    = -1022
	codeBadSymbol    = -1121
	codeRejected     = -2010
	codeNotCanceled  = -2011
	codeNoSuchOrder  = -2013
	codeKeyFormat    = -2014
	codeKeyRejected  = -2015
	codeArchived     = -2026
)

// refusalError is what the exchange said instead of an answer.
type refusalError struct {
	Status  int   // of HTTP
	Code    int64 // the exchange's own; 0 = none
	Message string
}

// Error implements error.
func (r *refusalError) Error() string {
	if r.Code == 0 {
		return fmt.Sprintf("HTTP status %d: %s", r.Status, r.Message)
	}
	return fmt.Sprintf("%s (%d)", r.Message, r.Code)
}

// says reports whether a text is in the message. The matching engine tells its reasons in words alone.
func (r *refusalError) says(text string) bool {
	return strings.Contains(strings.ToLower(r.Message), strings.ToLower(text))
}

// refused is the table of refusals. CodeInvalid, CodeBelowMinimum, CodeShortOfCoins and CodeAlreadyPlaced promise that an
// order was not accepted. They are given only where the exchange's documentation says that it was not: what it does not
// know is in doubt.
func refused(r *refusalError) teller.Code {
	switch {
	case r.Status == http.StatusTooManyRequests, r.Status == http.StatusTeapot,
		r.Code == codeTooMany, r.Code == codeTooManyNew:
		return teller.CodeRateLimited
	case r.Status >= http.StatusInternalServerError: // "execution status unknown", whatever else it says
		return teller.CodeUnavailable
	case r.Status < http.StatusBadRequest: // a redirection
		return teller.CodeMalformed
	}
	switch r.Code {
	case 0: // not the exchange itself
		return refusedBefore(r)
	case codeTimestamp:
		return teller.CodeUnavailable
	case codeUnauthorized, codeKeyFormat, codeKeyRejected, codeSignature:
		return teller.CodeNotAuthenticated
	case codeBadSymbol:
		return teller.CodeUnsupported
	case codeNoSuchOrder:
		return teller.CodeNotFound
	case codeRejected, codeEngine:
		return rejected(r)
	case codeFilter:
		if r.says("notional") {
			return teller.CodeBelowMinimum
		}
		return teller.CodeInvalid
	case codeComposition, codeUnsupported, codeNotCanceled:
		return teller.CodeInvalid
	}
	switch {
	case r.Code <= -1000 && r.Code > -1100: // of the server and its network: -1000, -1001, -1006, -1007, -1008, -1016
		return teller.CodeUnavailable
	case r.Code <= -1100 && r.Code > -1200: // of the request's form
		return teller.CodeInvalid
	}
	return teller.CodeMalformed
}

// rejected reads the matching engine's words on a new order that it did not take. Of some it might take the like later
// (the market is closed, nothing is offered), but this one is over.
func rejected(r *refusalError) teller.Code {
	switch {
	case r.says("insufficient balance"):
		return teller.CodeShortOfCoins
	case r.says("duplicate order"):
		return teller.CodeAlreadyPlaced
	case r.says("zero or less"):
		return teller.CodeBelowMinimum
	}
	return teller.CodeInvalid
}

// refusedBefore is for what stands before the exchange: a firewall, a proxy.
func refusedBefore(r *refusalError) teller.Code {
	switch r.Status {
	case http.StatusForbidden: // the firewall's limit
		return teller.CodeRateLimited
	case http.StatusUnauthorized:
		return teller.CodeNotAuthenticated
	case http.StatusRequestTimeout, http.StatusUnavailableForLegalReasons, http.StatusProxyAuthRequired:
		return teller.CodeUnavailable
	}
	return teller.CodeMalformed
}

// readRefusal reads the answer to a request that was refused. Not every answer is the exchange's own: what stands before
// it answers in HTML.
func readRefusal(status int, body []byte) *refusalError {
	var said struct {
		Code int64  `json:"code"`
		Msg  string `json:"msg"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.Code == 0 && said.Msg == "" {
		return &refusalError{Status: status, Message: cut(strings.TrimSpace(string(body)), maxMessage)}
	}
	return &refusalError{Status: status, Code: said.Code, Message: cut(said.Msg, maxMessage)}
}
