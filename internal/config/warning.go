package config

import (
	"fmt"
	"slices"

	"github.com/skycoin/teller"
)

// minTokenLength is where guessing a token stops being a worry.
const minTokenLength = 16

// Warnings lists what is legal and unwise, one sentence each, for the log at start; those that can cost money or open
// the counter to strangers come first and begin with DANGER. The result is empty for Default and Dummy.
func (c Config) Warnings() []string {
	var ws []string
	warn := func(format string, args ...any) { ws = append(ws, fmt.Sprintf(format, args...)) }
	if beyondLoopback(c.AdminPanel.Host) && !c.AdminPanel.Token.IsSet() {
		warn("DANGER: anyone who reaches %s can use the admin interface: set admin_panel.token, "+
			"or let admin_panel.host listen on 127.0.0.1", c.AdminPanel.Host)
	}
	if c.Dummy.Scanner && !c.Dummy.Sender {
		warn("DANGER: real SKY is paid for invented deposits: dummy.scanner is on with a real sender (dummy.allow_real_sender)")
	}
	if c.Dummy.Sender && !c.Dummy.Scanner {
		warn("DANGER: real deposits are taken and no real SKY is sent: dummy.sender is on with a real scanner")
	}
	if c.Dummy.On() && beyondLoopback(c.Dummy.HTTPAddr) {
		warn("dummy.http_addr %s is reachable from other machines: anyone can invent deposits", c.Dummy.HTTPAddr)
	}
	if t := c.AdminPanel.Token; t.IsSet() && len(t.Reveal()) < minTokenLength {
		warn("admin_panel.token has fewer than %d characters and may be guessed", minTokenLength)
	}
	ws = append(ws, c.nodeWarnings()...)
	ws = append(ws, c.exchangeWarnings()...)
	if !c.SkyExchanger.SendEnabled {
		warn("sky_exchanger.send_enabled is false: deposits are taken, no SKY is sent")
	}
	if c.Teller.MaxBoundAddrs == 0 {
		warn("teller.max_bound_addrs is 0: one buyer can use up all deposit addresses")
	}
	if !slices.ContainsFunc(teller.Coins, func(coin teller.Coin) bool { return c.Scanner(coin).Enabled }) {
		warn("no scanner is enabled: no new deposit is seen")
	}
	return append(ws, c.notes...)
}

// nodeWarnings are about how the real nodes are spoken to.
func (c Config) nodeWarnings() []string {
	var ws []string
	if c.BTCScanner.Enabled && !c.Dummy.Scanner {
		if c.BTCRPC.Cert == "" && beyondLoopback(c.BTCRPC.Server) {
			ws = append(ws, fmt.Sprintf("btc_rpc.server %s is called without TLS: its login can be overheard; set btc_rpc.cert", c.BTCRPC.Server))
		}
		if c.BTCScanner.ConfirmationsRequired == 0 {
			ws = append(ws, "btc_scanner.confirmations_required is 0: a deposit is paid for while its block may still be replaced")
		}
	}
	if c.ETHScanner.Enabled && !c.Dummy.Scanner {
		if c.ETHScanner.ConfirmationsRequired == 0 {
			ws = append(ws, "eth_scanner.confirmations_required is 0: a deposit is paid for while its block may still be replaced")
		}
		if c.ETHRPC.Trace == TraceOff {
			ws = append(ws, "eth_rpc.trace is off: what contracts pay to deposit addresses is found by balance only, and held")
		}
	}
	if !c.Dummy.Sender && beyondLoopback(c.SkyRPC.Address) {
		ws = append(ws, fmt.Sprintf("sky_rpc.address %s is called without encryption: use it over a network you trust only", c.SkyRPC.Address))
	}
	return ws
}
