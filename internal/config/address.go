package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// listener is an address that teller listens on.
type listener struct{ key, addr string }

func (c Config) checkListeners(ms *Mistakes) {
	if c.Web.ThrottleMax < 1 {
		ms.add("web.throttle_max", "must be at least 1, is %d", c.Web.ThrottleMax)
	}
	ms.checkWait("web.throttle_duration", c.Web.ThrottleDuration)
	listeners := []listener{
		{"web.http_addr", c.Web.HTTPAddr}, {"admin_panel.host", c.AdminPanel.Host}, {"dummy.http_addr", c.Dummy.HTTPAddr},
	}
	for _, l := range listeners {
		ms.checkAddr(l.key, l.addr, true)
	}
	if !c.Dummy.On() {
		listeners = listeners[:2] // the third is not opened
	}
	for i, l := range listeners {
		for _, earlier := range listeners[:i] {
			if clash(earlier.addr, l.addr) {
				ms.add(l.key, "is the same port as %s: each listener needs its own", earlier.key)
			}
		}
	}
	if strings.ContainsFunc(c.AdminPanel.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		ms.add("admin_panel.token", "must consist of printable ASCII characters without blanks: it travels in a header")
	}
}

// checkNodeAddr checks the host:port of a node that teller calls.
func (ms *Mistakes) checkNodeAddr(key, addr string) bool { return ms.checkAddr(key, addr, false) }

// checkAddr checks a host:port. To listen, the host may be empty (every interface) and the port 0 (any free one).
func (ms *Mistakes) checkAddr(key, addr string, listen bool) bool {
	host, port, err := net.SplitHostPort(addr)
	n, isPort := portNumber(port)
	switch {
	case addr == "":
		ms.add(key, "needed: a host and a port, like 127.0.0.1:7071")
	case strings.Contains(addr, "://"):
		ms.add(key, "must be host:port without a scheme, is %q", addr)
	case err != nil:
		ms.add(key, "must be host:port, is %q", addr)
	case !isPort || (n == 0 && !listen):
		ms.add(key, "must end in a port number, is %q", addr)
	case !validHost(host) && !(listen && host == ""):
		ms.add(key, "must be host:port, is %q", addr)
	default:
		return true
	}
	return false
}

func portNumber(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil
}

// validHost accepts an IP address or anything that may be a host name; whether it exists is found out by using it.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return host != "" && strings.Trim(host, letters) == ""
}

// clash reports whether two listeners could not both be opened.
func clash(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	nA, _ := portNumber(portA)
	nB, _ := portNumber(portB)
	if errA != nil || errB != nil || nA != nB || nA == 0 {
		return false
	}
	return hostA == hostB || everyInterface(hostA) || everyInterface(hostB)
}

func everyInterface(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || (err == nil && ip.IsUnspecified())
}

// beyondLoopback reports whether other machines can reach the host of a host:port. A name other than localhost may be
// anything, so it counts as reachable.
func beyondLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && beyondLoopbackHost(host) // not an address at all: checkAddr's business
}

// beyondLoopbackHost is beyondLoopback for a host without a port.
func beyondLoopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host != "localhost" && (err != nil || !ip.Unmap().IsLoopback())
}
