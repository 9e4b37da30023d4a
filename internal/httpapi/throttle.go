package httpapi

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/httprate"
)

// throttle lets every client make limit requests per window; the others are answered 429 with Retry-After. Limits that are
// not positive mean no throttling.
func throttle(next http.Handler, limit int, window time.Duration) http.Handler {
	if limit <= 0 || window <= 0 {
		return next
	}
	tooMany := func(w http.ResponseWriter, _ *http.Request) {
		writeLine(w, http.StatusTooManyRequests, "Too many requests, try again later")
	}
	return httprate.LimitBy(limit, window, clientKey, httprate.WithLimitHandler(tooMany))(next)
}

// clientKey names the client by the address of its connection. Headers such as X-Forwarded-For are not looked at:
// anybody can write them. An IPv6 client is its /64, because it has all of those addresses.
func clientKey(r *http.Request) (string, error) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, nil // a listener without IP addresses: one client
	}
	return httprate.CanonicalizeIP(ap.Addr().Unmap().WithZone("").String()), nil
}
