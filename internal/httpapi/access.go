package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost refuses requests whose Host header names somebody else. A web page that the operator looks at could otherwise
// let its own name resolve to 127.0.0.1 and read this API in the operator's browser (DNS rebinding).
//
// Allowed are loopback's names and addresses and the host that the listener is configured with. A listener on all
// addresses (0.0.0.0) is reached by addresses nobody configured, so that any literal address will do: what has no name can
// not be rebound.
func checkHost(next http.Handler, configured string) http.Handler {
	own := hostName(configured)
	ownAddr, err := netip.ParseAddr(own)
	anyAddr := own == "" || (err == nil && ownAddr.IsUnspecified())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostName(r.Host)
		if host != "" && (host == own || isLoopback(host) || (anyAddr && isAddr(host))) {
			next.ServeHTTP(w, r)
			return
		}
		writeLine(w, http.StatusForbidden, "Invalid host")
	})
}

// hostName is the name or address in "host", "host:port" or "[v6]:port", in lower case.
func hostName(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	s = strings.TrimPrefix(strings.TrimSuffix(s, "]"), "[")
	return strings.ToLower(strings.TrimSuffix(s, "."))
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && a.Unmap().IsLoopback())
}

func isAddr(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// checkToken lets in who knows the token: as Authorization: Bearer, or as the password of HTTP Basic with any user name,
// so that a browser can ask for it. Without a token everybody who reaches the listener is let in.
func checkToken(next http.Handler, token string) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(tokenOf(r))) // hashed, so that not even the length can be timed
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Add("WWW-Authenticate", `Basic realm="teller admin", charset="UTF-8"`)
			w.Header().Add("WWW-Authenticate", `Bearer realm="teller admin"`)
			writeLine(w, http.StatusUnauthorized, "Missing or wrong admin token")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// sameOrigin refuses what another site's page makes a browser change here.
func sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeLine(w, http.StatusForbidden, "Cross-origin request refused")
	}))
	return guard.Handler(next)
}
