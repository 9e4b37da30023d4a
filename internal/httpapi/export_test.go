package httpapi

import "github.com/skycoin/teller"

// HasAnswer tells whether the table of answers knows a code.
func HasAnswer(c teller.Code) bool {
	_, ok := answers[c]
	return ok
}
