package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/skycoin/teller"
)

// refusal is an answer that is no success, in the words that the client reads.
type refusal struct {
	status int
	line   string
}

func (r *refusal) Error() string { return r.line }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

// answer says how an error of some code is answered. Without a line of its own the client reads the error's message,
// which is only done where the message is about the client's own input.
type answer struct {
	status int
	line   string
}

const (
	lineInternal    = "Internal server error"
	lineUnavailable = "Temporarily unavailable, try again later"
)

// answers is the one table from an error's code to its answer.
var answers = map[teller.Code]answer{
	teller.CodeInvalid:          {http.StatusBadRequest, ""},
	teller.CodeCoinDisabled:     {http.StatusBadRequest, ""},
	teller.CodeNotAuthenticated: {http.StatusUnauthorized, ""},
	teller.CodeBindDisabled:     {http.StatusForbidden, "Address binding is disabled"},
	teller.CodeLimit:            {http.StatusForbidden, "The maximum number of addresses have been assigned to this SKY address"},
	teller.CodeForbidden:        {http.StatusForbidden, ""},
	teller.CodeNotFound:         {http.StatusNotFound, ""},
	teller.CodeConflict:         {http.StatusConflict, ""},
	teller.CodeAlreadyBound:     {http.StatusConflict, ""},
	teller.CodePoolEmpty:        {http.StatusServiceUnavailable, "Deposit address pool is empty"},
	teller.CodeUnavailable:      {http.StatusServiceUnavailable, lineUnavailable},
	teller.CodeNodeBehind:       {http.StatusServiceUnavailable, lineUnavailable},
	teller.CodeShortOfCoins:     {http.StatusServiceUnavailable, lineUnavailable},
	teller.CodeShortOfHours:     {http.StatusServiceUnavailable, lineUnavailable},
	teller.CodeTooLarge:         {http.StatusServiceUnavailable, lineUnavailable},
	teller.CodeRateLimited:      {http.StatusServiceUnavailable, lineUnavailable},
	teller.CodeBelowMinimum:     {http.StatusBadRequest, ""},
	teller.CodeAlreadyPlaced:    {http.StatusConflict, ""},
	teller.CodeUnsupported:      {http.StatusNotImplemented, "Not supported"},
	teller.CodeInternal:         {http.StatusInternalServerError, lineInternal},
	teller.CodeCorrupt:          {http.StatusInternalServerError, lineInternal},
	teller.CodeMalformed:        {http.StatusInternalServerError, lineInternal},
	teller.CodeWrongNetwork:     {http.StatusInternalServerError, lineInternal},
}

// answerTo finds the answer to an error; fault tells whether the cause must be logged because the answer hides it.
func answerTo(err error) (a answer, fault bool) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return answer(*r), false
	}
	code := teller.CodeOf(err)
	if code == teller.CodeInternal && errors.Is(err, context.DeadlineExceeded) {
		code = teller.CodeUnavailable
	}
	a, ok := answers[code]
	if !ok {
		a = answers[teller.CodeInternal]
	}
	if a.line == "" {
		a.line = err.Error()
	}
	return a, a.line == lineInternal || a.line == lineUnavailable
}

// concealed makes a fault of ours of every error whose message would be shown: on the public listener what the ledger
// says is nobody's business. It may name an address.
func concealed(err error) error {
	if answers[teller.CodeOf(err)].line != "" {
		return err
	}
	return teller.Errorf(teller.CodeInternal, "%w", err)
}

// maxLine bounds an error body: messages repeat what the client sent.
const maxLine = 300

// oneLine makes a text fit to be an error body.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxLine {
		return string(r[:maxLine]) + "..."
	}
	return s
}
