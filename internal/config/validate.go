package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

const (
	// maxTransactionSize is what every Skycoin node accepts at most, for a transaction and for a block.
	maxTransactionSize = 32768
	// minTransactionSize leaves room for a few recipients beside the wallet's inputs.
	minTransactionSize = 1024
	// maxSupply is all the SKY there is.
	maxSupply = 100_000_000 * teller.DropletsPerSKY
	// maxHours keeps sums of coin hours far from the end of their 64 bits.
	maxHours = 1_000_000_000_000
)

var networks = []string{"mainnet", "testnet3", "testnet4", "signet", "regtest", "simnet"}

// check finds every mistake that needs no file to be opened. Its order is that of the sections in the documentation.
func (c Config) check() Mistakes {
	var ms Mistakes
	ms.checkUnbuilt(&c)
	c.checkGeneral(&ms)
	c.checkNodes(&ms)
	c.checkScanners(&ms)
	c.checkExchanger(&ms)
	c.checkListeners(&ms)
	c.checkDummy(&ms)
	return ms
}

// unbuilt are the keys whose features this version does not have yet. Accepting them would pretend that they work.
var unbuilt = []struct{ key, feature string }{
	{"web.behind_proxy", "reading the client's address from a proxy's headers"},
	{"web.https_addr", "HTTPS"},
	{"web.auto_tls_host", "HTTPS"},
	{"web.tls_cert", "HTTPS"},
	{"web.tls_key", "HTTPS"},
	{"web.cors_allowed", "CORS"},
}

func (ms *Mistakes) checkUnbuilt(c *Config) {
	defaults := Default()
	set, unset := schemaOf(c).byKey, schemaOf(&defaults).byKey
	for _, u := range unbuilt {
		if set[u.key].literal() != unset[u.key].literal() {
			ms.add(u.key, "%s is not built yet: leave the key out", u.feature)
		}
	}
}

func (c Config) checkGeneral(ms *Mistakes) {
	name := strings.TrimPrefix(c.DBFile, "/")
	switch {
	case c.DBFile == "":
		ms.add("dbfile", "needed: the name of the database file, for example \"teller.db\"")
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`):
		ms.add("dbfile", "must be a plain name, the file lies in the data directory (-d); is %q", c.DBFile)
	}
	if c.BTCXPubType != "" {
		ms.checkOneOf("btc_xpub_type", c.BTCXPubType, "p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr")
		if !c.BTCXPub.IsSet() {
			ms.add("btc_xpub_type", "is the type of btc_xpub's addresses: set that too, or leave it out")
		}
	}
	if c.Teller.MaxBoundAddrs < 0 {
		ms.add("teller.max_bound_addrs", "must not be negative, is %d; 0 means unlimited", c.Teller.MaxBoundAddrs)
	}
}

func (c Config) checkNodes(ms *Mistakes) {
	if ms.checkNodeAddr("sky_rpc.address", c.SkyRPC.Address) && strings.HasSuffix(c.SkyRPC.Address, ":6430") {
		ms.add("sky_rpc.address", "port 6430 was the JSON-RPC interface, which Skycoin nodes do not have since 0.25: "+
			"give the port of the REST API, by default 6420")
	}
	if c.SkyRPC.MinPeers < 0 {
		ms.add("sky_rpc.min_peers", "must not be negative, is %d", c.SkyRPC.MinPeers)
	}
	if g := c.SkyRPC.Genesis; len(g) != 64 || strings.Trim(g, "0123456789abcdef") != "" {
		ms.add("sky_rpc.genesis", "must be the hash of block 0, 64 hex digits in lower case, is %q", g)
	}
	ms.checkNodeAddr("btc_rpc.server", c.BTCRPC.Server)
	ms.checkOneOf("btc_rpc.network", c.BTCRPC.Network, networks...)
	if c.BTCScanner.Enabled && !c.Dummy.Scanner {
		if !c.BTCRPC.User.IsSet() {
			ms.add("btc_rpc.user", "needed: the node's rpcuser, here or in TELLER_BTC_RPC_USER")
		}
		if !c.BTCRPC.Pass.IsSet() {
			ms.add("btc_rpc.pass", "needed: the node's rpcpass, here or in TELLER_BTC_RPC_PASS")
		}
	}
	if z := c.BTCRPC.ZMQ; z != "" {
		address, isTCP := strings.CutPrefix(z, "tcp://")
		if host, port, err := net.SplitHostPort(address); !isTCP || err != nil || !validHost(host) || port == "" {
			ms.add("btc_rpc.zmq", "must be the address of the node's zmqpubhashblock option, like tcp://127.0.0.1:28332, is %q", z)
		}
		if c.BTCRPC.Websocket {
			ms.add("btc_rpc.zmq", "is Bitcoin Core's and btc_rpc.websocket is btcd's: set the one that your node has")
		}
	}
	ms.checkOneOf("btc_rpc.filters", c.BTCRPC.Filters, FiltersAuto, FiltersOff)
	c.checkETHNode(ms)
}

func (c Config) checkETHNode(ms *Mistakes) {
	e := c.ETHRPC
	if e.URL.IsSet() {
		u, err := url.Parse(e.URL.Reveal())
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme) {
			ms.add("eth_rpc.url", "must be a URL that begins with http, https, ws or wss") // what it is may be a secret
		}
	}
	if !validHost(e.Server) {
		ms.add("eth_rpc.server", "must be a host without port, like 127.0.0.1, is %q; a whole URL goes into eth_rpc.url", e.Server)
	}
	if n, ok := portNumber(e.Port); !ok || n == 0 {
		ms.add("eth_rpc.port", "must be a port number from 1 to 65535 in quotes, is %q", e.Port)
	}
	if e.ChainID < 1 {
		ms.add("eth_rpc.chain_id", "must be at least 1, is %d", e.ChainID)
	}
	ms.checkOneOf("eth_rpc.trace", e.Trace, TraceAuto, TraceOn, TraceOff)
}

func (c Config) checkScanners(ms *Mistakes) {
	for _, coin := range teller.Coins {
		s, section := c.Scanner(coin), coin.Lower()+"_scanner"
		ms.checkWait(section+".scan_period", s.ScanPeriod)
		if s.InitialScanHeight < 0 {
			ms.add(section+".initial_scan_height", "must not be negative, is %d", s.InitialScanHeight)
		}
		if s.ConfirmationsRequired < 0 {
			ms.add(section+".confirmations_required", "must not be negative, is %d", s.ConfirmationsRequired)
		}
		if !s.Enabled {
			continue
		}
		if c.Rate(coin).IsZero() {
			ms.add("sky_exchanger.sky_"+coin.Lower()+"_exchange_rate",
				"needed while %s.enabled is true: how much SKY to send for 1 %s, for example \"500\"", section, coin)
		}
		if c.Dummy.Scanner {
			continue // addresses are made on the spot
		}
		if c.Addresses(coin) == "" && !c.XPub(coin).IsSet() {
			ms.add(coin.Lower()+"_addresses", "needed while %s.enabled is true: a file of deposit addresses, "+
				"see teller new%saddress%s", section, coin.Lower(), orXPub[coin])
		}
	}
}

func (c Config) checkExchanger(ms *Mistakes) {
	e := c.SkyExchanger
	switch {
	case e.MaxDecimals < 0:
		ms.add("sky_exchanger.max_decimals", "must not be negative, is %d", e.MaxDecimals)
	case e.MaxDecimals > teller.MaxDecimals:
		ms.add("sky_exchanger.max_decimals", "must be at most %d, is %d: the Skycoin chain refuses more", teller.MaxDecimals, e.MaxDecimals)
	}
	if e.Wallet == "" && !c.Dummy.Sender {
		ms.add("sky_exchanger.wallet", "needed unless dummy.sender is true: the file of the hot wallet that pays the buyers")
	}
	if n := e.MaxTransactionSize; n < minTransactionSize || n > maxTransactionSize {
		ms.add("sky_exchanger.max_transaction_size", "must be from %d to %d bytes, is %d", minTransactionSize, maxTransactionSize, n)
	}
	ms.checkWait("sky_exchanger.tx_confirmation_check_wait", e.TxConfirmationCheckWait)
	ms.checkOneOf("sky_exchanger.buy_method", string(e.BuyMethod), string(teller.BuyDirect), string(teller.BuyPassthrough))
	c.checkExchange(ms)
}

func (c Config) checkDummy(ms *Mistakes) {
	if c.Dummy.Scanner && !c.Dummy.Sender && !c.Dummy.AllowRealSender {
		ms.add("dummy.scanner", "with dummy.sender = false the real wallet would pay for deposits that anybody can invent: "+
			"set dummy.sender = true, or dummy.allow_real_sender = true if that is really wanted")
	}
	switch coins := c.Dummy.Coins; {
	case coins > maxSupply:
		ms.add("dummy.coins", "must be at most %d SKY, is %s: more do not exist", maxSupply/teller.DropletsPerSKY, coins)
	case coins%1000 != 0:
		ms.add("dummy.coins", "must have at most %d decimals, is %s: the Skycoin chain refuses more", teller.MaxDecimals, coins)
	}
	if c.Dummy.Hours > maxHours {
		ms.add("dummy.hours", "must be at most %d, is %d", uint64(maxHours), c.Dummy.Hours)
	}
}

// orXPub is what else a coin's addresses may come from.
var orXPub = map[teller.Coin]string{teller.BTC: "; or set btc_xpub", teller.ETH: "; or set eth_xpub"}

func (ms *Mistakes) checkOneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		ms.add(key, "must be one of %s, is %q", strings.Join(allowed, ", "), value)
	}
}

func (ms *Mistakes) checkWait(key string, d time.Duration) {
	if d <= 0 {
		ms.add(key, "must be longer than 0, is %s", d)
	}
}
