package c2cx

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// maxMessage bounds what of a refusal's text is repeated.
const maxMessage = 300

// refusals are the texts of refusals, as far as they are known: nearly all have the code 400. The first that fits counts.
var refusals = []struct {
	endpoints []string // none = all
	text      *regexp.Regexp
	code      teller.Code
}{
	{nil, regexp.MustCompile(`(?i)too many requests|rate.?limit`), teller.CodeRateLimited},
	{nil, regexp.MustCompile(`(?i)\b(api ?key|secret ?key|sign|signature|unauthori[sz]ed|permissions?)\b`), teller.CodeNotAuthenticated},
	{[]string{"createorder"}, regexp.MustCompile(`(?i)^limit value|\bmin(imum)? (value|volume|amount)\b`), teller.CodeBelowMinimum},
	{[]string{"createorder"}, regexp.MustCompile(`(?i)\bcid\b.*\bexists?\b`), teller.CodeAlreadyPlaced},
	{[]string{"createorder"}, regexp.MustCompile(`(?i)insufficient|not enough|\bbalance\b`), teller.CodeShortOfCoins},
	{[]string{"createorder"}, regexp.MustCompile(`(?i)\b(is|are) wrong\b|\bnot exists?\b|\binvalid\b`), teller.CodeInvalid},
	{[]string{"getorderinfo", "cancelorder"}, regexp.MustCompile(`(?i)\border ?id is wrong\b`), teller.CodeNotFound},
	{[]string{"cancelorder"}, regexp.MustCompile(`(?i)\bcan'?t cancel\b`), teller.CodeConflict},
}

// refusal translates a refusal. One that nobody knows is CodeUnavailable: the order is asked for and tried again, and the
// operator sees the text.
func refusal(endpoint string, code int, message string) error {
	text := strings.ToValidUTF8(message, "?")
	text = text[:min(len(text), maxMessage)]
	as := teller.CodeUnavailable
	switch code {
	case http.StatusTooManyRequests:
		as = teller.CodeRateLimited
	case http.StatusUnauthorized, http.StatusForbidden:
		as = teller.CodeNotAuthenticated
	}
	for _, r := range refusals {
		if (r.endpoints == nil || slices.Contains(r.endpoints, endpoint)) && r.text.MatchString(text) {
			as = r.code
			break
		}
	}
	return teller.Errorf(as, "c2cx: %s: code %d: %s", endpoint, code, strings.ToValidUTF8(text, "?"))
}
