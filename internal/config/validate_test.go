package config

import (
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

// serving is a valid configuration with real nodes, BTC only.
func serving() Config {
	c := Default()
	c.DataDir, c.workDir = "/data", "/elsewhere"
	c.BTCAddresses = "btc.txt"
	c.BTCRPC.User, c.BTCRPC.Pass = NewSecret("u"), NewSecret("p")
	c.SkyExchanger.SkyBTCExchangeRate = teller.MustRate("500")
	c.SkyExchanger.Wallet = "w.wlt"
	return c
}

func TestServingIsValidAndQuiet(t *testing.T) {
	c := serving()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if ws := c.Warnings(); len(ws) > 0 {
		t.Errorf("warnings: %q", ws)
	}
}

func TestMistakes(t *testing.T) {
	dummy := func() Config { return Dummy("/data") }
	tests := []struct {
		name string
		base func() Config
		edit func(*Config)
		want string // all mistakes; a line that ends in ... is a beginning
	}{
		{"dbfile empty", serving, func(c *Config) { c.DBFile = "" }, "dbfile: needed: ..."},
		{"dbfile with a directory", serving, func(c *Config) { c.DBFile = "a/b" }, `dbfile: must be a plain name, the file lies in the data directory (-d); is "a/b"`},
		{"dbfile an absolute path", serving, func(c *Config) { c.DBFile = "/data/teller.db" }, "dbfile: must be a plain name..."},
		{"dbfile with two slashes", serving, func(c *Config) { c.DBFile = "//data" }, "dbfile: must be a plain name..."},
		{"dbfile a slash", serving, func(c *Config) { c.DBFile = "/" }, "dbfile: must be a plain name..."},
		{"dbfile upwards", serving, func(c *Config) { c.DBFile = "/.." }, "dbfile: must be a plain name..."},
		{"dbfile with a backslash", serving, func(c *Config) { c.DBFile = `a\b` }, "dbfile: must be a plain name..."},
		{"dbfile as in the Docker example", serving, func(c *Config) { c.DBFile = "/data" }, ""},

		{"bindings negative", serving, func(c *Config) { c.Teller.MaxBoundAddrs = -1 }, "teller.max_bound_addrs: must not be negative, is -1; 0 means unlimited"},
		{"bindings unlimited", serving, func(c *Config) { c.Teller.MaxBoundAddrs = 0 }, ""},

		{"sky node empty", serving, func(c *Config) { c.SkyRPC.Address = "" }, "sky_rpc.address: needed: a host and a port, like 127.0.0.1:7071"},
		{"sky node without port", serving, func(c *Config) { c.SkyRPC.Address = "127.0.0.1" }, `sky_rpc.address: must be host:port, is "127.0.0.1"`},
		{"sky node as URL", serving, func(c *Config) { c.SkyRPC.Address = "http://127.0.0.1:6420" }, `sky_rpc.address: must be host:port without a scheme, is "http://127.0.0.1:6420"`},
		{"sky node without host", serving, func(c *Config) { c.SkyRPC.Address = ":6420" }, `sky_rpc.address: must be host:port, is ":6420"`},
		{"sky node port 0", serving, func(c *Config) { c.SkyRPC.Address = "h:0" }, `sky_rpc.address: must end in a port number, is "h:0"`},
		{"sky node port by name", serving, func(c *Config) { c.SkyRPC.Address = "h:http" }, `sky_rpc.address: must end in a port number, is "h:http"`},
		{"sky node port too large", serving, func(c *Config) { c.SkyRPC.Address = "h:65536" }, `sky_rpc.address: must end in a port number, is "h:65536"`},
		{"sky node with a path", serving, func(c *Config) { c.SkyRPC.Address = "h/x:1" }, `sky_rpc.address: must be host:port, is "h/x:1"`},
		{"sky node by IPv6", serving, func(c *Config) { c.SkyRPC.Address = "[::1]:6420" }, ""},
		{"sky node by name", serving, func(c *Config) { c.SkyRPC.Address = "localhost:6420" }, ""},
		{"sky node's old interface", serving, func(c *Config) { c.SkyRPC.Address = "127.0.0.1:6430" },
			"sky_rpc.address: port 6430 was the JSON-RPC interface, which Skycoin nodes do not have since 0.25: give the port of the REST API, by default 6420"},
		{"peers negative", serving, func(c *Config) { c.SkyRPC.MinPeers = -1 }, "sky_rpc.min_peers: must not be negative, is -1"},
		{"no peers needed", serving, func(c *Config) { c.SkyRPC.MinPeers = 0 }, ""},
		{"genesis empty", serving, func(c *Config) { c.SkyRPC.Genesis = "" }, "sky_rpc.genesis: must be the hash of block 0, 64 hex digits..."},
		{"genesis in capitals", serving, func(c *Config) { c.SkyRPC.Genesis = strings.ToUpper(MainGenesis) }, "sky_rpc.genesis: must be the hash..."},
		{"genesis not hex", serving, func(c *Config) { c.SkyRPC.Genesis = strings.Repeat("g", 64) }, "sky_rpc.genesis: must be the hash..."},

		{"btc node empty", serving, func(c *Config) { c.BTCRPC.Server = "" }, "btc_rpc.server: needed..."},
		{"network unknown", serving, func(c *Config) { c.BTCRPC.Network = "testnet" },
			`btc_rpc.network: must be one of mainnet, testnet3, testnet4, signet, regtest, simnet, is "testnet"`},
		{"network regtest", serving, func(c *Config) { c.BTCRPC.Network = "regtest" }, ""},
		{"btc node without login", serving, func(c *Config) { c.BTCRPC.User, c.BTCRPC.Pass = Secret{}, Secret{} },
			"btc_rpc.user: needed: the node's rpcuser, here or in TELLER_BTC_RPC_USER\nbtc_rpc.pass: needed: the node's rpcpass, here or in TELLER_BTC_RPC_PASS"},

		{"eth node empty", serving, func(c *Config) { c.ETHRPC.Server = "" }, "eth_rpc.server: must be a host without port, like 127.0.0.1, is \"\"; a whole URL goes into eth_rpc.url"},
		{"eth node with port", serving, func(c *Config) { c.ETHRPC.Server = "h:8545" }, "eth_rpc.server: must be a host without port..."},
		{"eth port empty", serving, func(c *Config) { c.ETHRPC.Port = "" }, "eth_rpc.port: must be a port number from 1 to 65535..."},
		{"eth port 0", serving, func(c *Config) { c.ETHRPC.Port = "0" }, "eth_rpc.port: must be a port number..."},
		{"chain id", serving, func(c *Config) { c.ETHRPC.ChainID = 0 }, "eth_rpc.chain_id: must be at least 1, is 0"},
		{"eth node by URL", serving, func(c *Config) { c.ETHRPC.URL = NewSecret("wss://eth.example/v3/key") }, ""},
		{"eth node by wrong URL", serving, func(c *Config) { c.ETHRPC.URL = NewSecret("ftp://eth.example/key") },
			"eth_rpc.url: must be a URL that begins with http, https, ws or wss"},
		{"trace", serving, func(c *Config) { c.ETHRPC.Trace = "yes" }, `eth_rpc.trace: must be one of auto, on, off, is "yes"`},
		{"filters", serving, func(c *Config) { c.BTCRPC.Filters = "" }, `btc_rpc.filters: must be one of auto, off, is ""`},
		{"zmq", serving, func(c *Config) { c.BTCRPC.ZMQ = "tcp://127.0.0.1:28332" }, ""},
		{"zmq without scheme", serving, func(c *Config) { c.BTCRPC.ZMQ = "127.0.0.1:28332" }, "btc_rpc.zmq: must be the address of the node's..."},
		{"zmq and websocket", serving, func(c *Config) { c.BTCRPC.ZMQ, c.BTCRPC.Websocket = "tcp://127.0.0.1:28332", true },
			"btc_rpc.zmq: is Bitcoin Core's and btc_rpc.websocket is btcd's: set the one that your node has"},

		{"scan period", serving, func(c *Config) { c.BTCScanner.ScanPeriod = 0 }, "btc_scanner.scan_period: must be longer than 0, is 0s"},
		{"scan period of a disabled scanner", serving, func(c *Config) { c.SkyScanner.ScanPeriod = -time.Second }, "sky_scanner.scan_period: must be longer than 0, is -1s"},
		{"scan height", serving, func(c *Config) { c.ETHScanner.InitialScanHeight = -1 }, "eth_scanner.initial_scan_height: must not be negative, is -1"},
		{"scan height 0", serving, func(c *Config) { c.BTCScanner.InitialScanHeight = 0 }, ""},
		{"confirmations", serving, func(c *Config) { c.BTCScanner.ConfirmationsRequired = -1 }, "btc_scanner.confirmations_required: must not be negative, is -1"},
		{"no rate", serving, func(c *Config) { c.SkyExchanger.SkyBTCExchangeRate = teller.Rate{} },
			"sky_exchanger.sky_btc_exchange_rate: needed while btc_scanner.enabled is true: how much SKY to send for 1 BTC, for example \"500\""},
		{"no rate in dummy mode", dummy, func(c *Config) { c.SkyExchanger.SkyETHExchangeRate = teller.Rate{} },
			"sky_exchanger.sky_eth_exchange_rate: needed while eth_scanner.enabled is true: ..."},
		{"no addresses", serving, func(c *Config) { c.BTCAddresses = "" },
			"btc_addresses: needed while btc_scanner.enabled is true: a file of deposit addresses, see teller newbtcaddress; or set btc_xpub"},
		{"an extended key is enough", serving, func(c *Config) { c.BTCAddresses, c.BTCXPub = "", NewSecret("zpub...") }, ""},
		{"type without extended key", serving, func(c *Config) { c.BTCXPubType = "p2tr" },
			"btc_xpub_type: is the type of btc_xpub's addresses: set that too, or leave it out"},
		{"unknown type of extended key", serving, func(c *Config) { c.BTCXPub, c.BTCXPubType = NewSecret("zpub..."), "segwit" },
			`btc_xpub_type: must be one of p2pkh, p2sh-p2wpkh, p2wpkh, p2tr, is "segwit"`},
		{"a disabled coin needs nothing", serving, func(c *Config) {
			c.BTCScanner.Enabled, c.BTCAddresses, c.BTCRPC.User, c.SkyExchanger.SkyBTCExchangeRate = false, "", Secret{}, teller.Rate{}
		}, ""},
		{"real ETH", serving, func(c *Config) { c.ETHScanner.Enabled, c.SkyExchanger.SkyETHExchangeRate = true, teller.MustRate("50") },
			"eth_addresses: needed while eth_scanner.enabled is true: a file of deposit addresses, see teller newethaddress; or set eth_xpub"},
		{"real SKY", serving, func(c *Config) { c.SkyScanner.Enabled, c.SkyExchanger.SkySkyExchangeRate = true, teller.MustRate("1") },
			"sky_addresses: needed while sky_scanner.enabled is true: a file of deposit addresses, see teller newskyaddress"},

		{"decimals negative", serving, func(c *Config) { c.SkyExchanger.MaxDecimals = -1 }, "sky_exchanger.max_decimals: must not be negative, is -1"},
		{"decimals 0", serving, func(c *Config) { c.SkyExchanger.MaxDecimals = 0 }, ""},
		{"decimals over 3", serving, func(c *Config) { c.SkyExchanger.MaxDecimals = 4 }, "sky_exchanger.max_decimals: must be at most 3, is 4: the Skycoin chain refuses more"},
		{"no wallet", serving, func(c *Config) { c.SkyExchanger.Wallet = "" },
			"sky_exchanger.wallet: needed unless dummy.sender is true: the file of the hot wallet that pays the buyers"},
		{"transaction too small", serving, func(c *Config) { c.SkyExchanger.MaxTransactionSize = 1023 },
			"sky_exchanger.max_transaction_size: must be from 1024 to 32768 bytes, is 1023"},
		{"transaction too large", serving, func(c *Config) { c.SkyExchanger.MaxTransactionSize = 32769 },
			"sky_exchanger.max_transaction_size: must be from 1024 to 32768 bytes, is 32769"},
		{"transaction at the limits", serving, func(c *Config) { c.SkyExchanger.MaxTransactionSize = 32768 }, ""},
		{"waits", serving, func(c *Config) {
			c.SkyExchanger.TxConfirmationCheckWait = 0
			c.SkyExchanger.ExchangeClient.RequestFailureWait = 0
			c.SkyExchanger.ExchangeClient.RatelimitWait = 0
			c.SkyExchanger.ExchangeClient.CheckOrderWait = 0
		}, "sky_exchanger.tx_confirmation_check_wait: must be longer than 0, is 0s\n" +
			"sky_exchanger.exchange_client.request_failure_wait: must be longer than 0, is 0s\n" +
			"sky_exchanger.exchange_client.ratelimit_wait: must be longer than 0, is 0s\n" +
			"sky_exchanger.exchange_client.check_order_wait: must be longer than 0, is 0s"},
		{"minimum not a decimal", serving, func(c *Config) { c.SkyExchanger.ExchangeClient.BTCMinimumVolume = "1/2" },
			`sky_exchanger.exchange_client.btc_minimum_volume: must be a decimal like 0.005, is "1/2"`},
		{"minimum below a satoshi", serving, func(c *Config) { c.SkyExchanger.ExchangeClient.BTCMinimumVolume = "0.000000001" },
			"sky_exchanger.exchange_client.btc_minimum_volume: has 9 decimals, BTC has 8"},
		{"buy method unknown", serving, func(c *Config) { c.SkyExchanger.BuyMethod = "Direct" }, `sky_exchanger.buy_method: must be one of direct, passthrough, is "Direct"`},

		{"unbuilt features", serving, func(c *Config) {
			c.Web.BehindProxy, c.Web.CORSAllowed = true, []string{"https://a.example"}
			c.Web.HTTPSAddr, c.Web.AutoTLSHost, c.Web.TLSCert, c.Web.TLSKey = "h:1", "h", "c", "k"
		}, "web.behind_proxy: reading the client's address from a proxy's headers is not built yet: leave the key out\n" +
			"web.https_addr: HTTPS is not built yet: leave the key out\n" +
			"web.auto_tls_host: HTTPS is not built yet: leave the key out\n" +
			"web.tls_cert: HTTPS is not built yet: leave the key out\n" +
			"web.tls_key: HTTPS is not built yet: leave the key out\n" +
			"web.cors_allowed: CORS is not built yet: leave the key out"},
		{"empty list of CORS domains", serving, func(c *Config) { c.Web.CORSAllowed = []string{} }, ""},

		{"throttle", serving, func(c *Config) { c.Web.ThrottleMax, c.Web.ThrottleDuration = 0, 0 },
			"web.throttle_max: must be at least 1, is 0\nweb.throttle_duration: must be longer than 0, is 0s"},
		{"listeners empty", serving, func(c *Config) { c.Web.HTTPAddr, c.AdminPanel.Host, c.Dummy.HTTPAddr = "", "", "" },
			"web.http_addr: needed...\nadmin_panel.host: needed...\ndummy.http_addr: needed..."},
		{"listeners on any interface and port", serving, func(c *Config) { c.Web.HTTPAddr, c.AdminPanel.Host = ":7071", "127.0.0.1:0" }, ""},
		{"listener with a bad host", serving, func(c *Config) { c.Web.HTTPAddr = "a b:7071" }, `web.http_addr: must be host:port, is "a b:7071"`},
		{"two listeners on one port", serving, func(c *Config) { c.AdminPanel.Host = c.Web.HTTPAddr },
			"admin_panel.host: is the same port as web.http_addr: each listener needs its own"},
		{"a listener on every interface", serving, func(c *Config) { c.Web.HTTPAddr, c.AdminPanel.Host = "0.0.0.0:80", "127.0.0.1:80" },
			"admin_panel.host: is the same port as web.http_addr: each listener needs its own"},
		{"two free ports", serving, func(c *Config) { c.Web.HTTPAddr, c.AdminPanel.Host = "127.0.0.1:0", "127.0.0.1:0" }, ""},
		{"same port of two hosts", serving, func(c *Config) { c.Web.HTTPAddr, c.AdminPanel.Host = "127.0.0.2:80", "127.0.0.1:80" }, ""},
		{"dummy listener on a used port", dummy, func(c *Config) { c.Dummy.HTTPAddr = c.Web.HTTPAddr },
			"dummy.http_addr: is the same port as web.http_addr: each listener needs its own"},
		{"dummy listener that is not opened", serving, func(c *Config) { c.Dummy.HTTPAddr = c.Web.HTTPAddr }, ""},
		{"token with a blank", serving, func(c *Config) { c.AdminPanel.Token = NewSecret("a b") }, "admin_panel.token: must consist of printable ASCII..."},

		{"invented deposits, real payments", serving, func(c *Config) { c.Dummy.Scanner = true }, "dummy.scanner: with dummy.sender = false the real wallet would pay..."},
		{"the same, wanted", serving, func(c *Config) { c.Dummy.Scanner, c.Dummy.AllowRealSender = true, true }, ""},
		{"dummy scanner needs no node", serving, func(c *Config) {
			c.Dummy.Scanner, c.Dummy.AllowRealSender, c.BTCAddresses, c.BTCRPC.User = true, true, "", Secret{}
		}, ""},
		{"dummy sender needs no wallet", serving, func(c *Config) { c.Dummy.Sender, c.SkyExchanger.Wallet = true, "" }, ""},
		{"dummy coins over the supply", dummy, func(c *Config) { c.Dummy.Coins = maxSupply + 1000 }, "dummy.coins: must be at most 100000000 SKY, is 100000000.001000: ..."},
		{"dummy coins with too many decimals", dummy, func(c *Config) { c.Dummy.Coins = 1 }, "dummy.coins: must have at most 3 decimals, is 0.000001: ..."},
		{"dummy hours", dummy, func(c *Config) { c.Dummy.Hours = maxHours + 1 }, "dummy.hours: must be at most 1000000000000, is 1000000000001"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.base()
			tt.edit(&c)
			got := c.check()
			var want []string
			if tt.want != "" {
				want = strings.Split(tt.want, "\n")
			}
			if len(got) != len(want) {
				t.Fatalf("got\n%v\nwant\n%s", got, tt.want)
			}
			for i, w := range want {
				if beginning, open := strings.CutSuffix(w, "..."); open && strings.HasPrefix(got[i].String(), beginning) {
					continue
				}
				if got[i].String() != w {
					t.Errorf("got  %s\nwant %s", got[i], w)
				}
			}
			if err := c.Validate(); (err != nil) != (len(want) > 0) || (err != nil && teller.CodeOf(err) != teller.CodeInvalid) {
				t.Errorf("Validate: %v", err)
			}
		})
	}
}

// TestMistakesNameKeysThatExist keeps messages from naming a key that was renamed.
func TestMistakesNameKeysThatExist(t *testing.T) {
	c := Config{}
	c.BTCScanner.Enabled, c.ETHScanner.Enabled, c.SkyScanner.Enabled = true, true, true
	c.Web = Web{BehindProxy: true, HTTPSAddr: "x", AutoTLSHost: "x", TLSCert: "x", TLSKey: "x", CORSAllowed: []string{"x"}}
	c.SkyExchanger.BuyMethod = teller.BuyPassthrough
	c.SkyExchanger.ExchangeClient.URL, c.SkyExchanger.ExchangeClient.BTCSymbol = "x", "x"
	c.SkyExchanger.ExchangeClient.MaxSlippage = "x"
	c.AdminPanel.Token = NewSecret(" ")
	c.Teller.MaxBoundAddrs = -1
	ms := c.check()
	if len(ms) < 40 {
		t.Errorf("only %d mistakes:\n%v", len(ms), ms)
	}
	known := schemaOf(&c).byKey
	for _, m := range ms {
		if _, ok := known[m.Key]; !ok {
			t.Errorf("%s is not a key", m.Key)
		}
	}
}

func TestCheckFiles(t *testing.T) {
	dir := write(t, map[string]string{"file": "", "dir/x": ""})
	tests := []struct {
		name string
		edit func(*Config)
		want []string // keys with a mistake
	}{
		{"all there", func(*Config) {}, nil},
		{"nothing there", func(c *Config) {
			c.BTCAddresses, c.BTCRPC.Cert, c.Web.StaticDir = "no", "no", "no"
			c.SkyExchanger.Wallet, c.SkyExchanger.WalletPassphraseFile = "no", "no"
		}, []string{"btc_addresses", "sky_exchanger.wallet", "sky_exchanger.wallet_passphrase_file", "btc_rpc.cert", "web.static_dir"}},
		{"directories for files", func(c *Config) { c.BTCAddresses, c.SkyExchanger.Wallet = "dir", "dir" }, []string{"btc_addresses", "sky_exchanger.wallet"}},
		{"file for a directory", func(c *Config) { c.Web.StaticDir = "file" }, []string{"web.static_dir"}},
		{"file below a file", func(c *Config) { c.BTCAddresses = "file/x" }, []string{"btc_addresses"}},
		{"not needed by the dummies", func(c *Config) {
			c.Dummy.Scanner, c.Dummy.Sender = true, true
			c.BTCRPC.Cert, c.SkyExchanger.Wallet, c.ETHAddresses = "no", "no", "no"
		}, nil},
		{"dummy addresses that were asked for", func(c *Config) { c.Dummy.Scanner, c.BTCAddresses = true, "no" }, []string{"btc_addresses"}},
		{"data directory is a file", func(c *Config) { c.DataDir = c.Path("file") }, []string{"-d"}},
		{"data directory is not there yet", func(c *Config) { c.DataDir = c.Path("later") }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serving()
			c.workDir, c.DataDir = dir, dir
			c.BTCAddresses, c.BTCRPC.Cert, c.Web.StaticDir = "file", "file", "dir"
			c.SkyExchanger.Wallet, c.SkyExchanger.WalletPassphraseFile = "file", "file"
			tt.edit(&c)
			got := c.checkFiles()
			if len(got) != len(tt.want) {
				t.Fatalf("got\n%v\nwant %q", got, tt.want)
			}
			for i, m := range got {
				if m.Key != tt.want[i] {
					t.Errorf("got %s, want %s", m, tt.want[i])
				}
			}
		})
	}
}
