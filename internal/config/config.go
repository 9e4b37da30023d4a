// Package config reads what the operator wrote: a TOML file, a few secrets from the environment, and the defaults of
// everything else. It answers one question for the rest of the program: is this a set-up that a counter may be opened
// with?
//
// [Load] finds the file ([Source] says where it is looked for), lays it over [Default], lays the environment over that,
// and checks the whole. Whatever is wrong is reported at once, one line a mistake, each naming its key as the file spells
// it ([Mistakes]); nothing is corrected silently, for a wrong guess here moves money. What is legal but unwise is left
// to [Config.Warnings]. [Read] does the same without demanding what only a serving counter needs; [Dummy] is the set-up
// of a demonstration, without any file.
//
// [Config] is the file as Go structs: a section is a struct, a key is a field, the toml tag is its name. That is also
// the only list of keys there is: the decoder, the suggestions for misspelt keys and the tests that hold
// config.example.toml and docs/configuration.md to the code walk those tags. To add a key, add a field, its default and
// its check, and the tests will ask for the documentation.
//
// Amounts and rates never pass through a float: a number is taken by its own digits in the file. Secrets have a type of
// their own, [Secret], that prints as a placeholder whatever the way it is printed.
package config

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// Config is the whole configuration. Fields with a toml tag are keys of the file; the others say where it came from.
// Paths are as the operator wrote them: use DBPath, LogPath and Path to open them.
type Config struct {
	Debug        bool   `toml:"debug"`
	Profile      bool   `toml:"profile"`
	LogFile      string `toml:"logfile"` // "" = standard output
	DBFile       string `toml:"dbfile"`  // a name inside DataDir
	PIDFile      string `toml:"pidfile"`
	BTCAddresses string `toml:"btc_addresses"`
	ETHAddresses string `toml:"eth_addresses"`
	SkyAddresses string `toml:"sky_addresses"`
	// Extended public keys stand beside the files or instead of them. They spend nothing, but show every address.
	BTCXPub     Secret `toml:"btc_xpub" env:"TELLER_BTC_XPUB"`
	BTCXPubType string `toml:"btc_xpub_type"` // of its addresses; "" = as the key's prefix says
	ETHXPub     Secret `toml:"eth_xpub" env:"TELLER_ETH_XPUB"`

	Teller       Teller       `toml:"teller"`
	SkyRPC       SkyRPC       `toml:"sky_rpc"`
	BTCRPC       BTCRPC       `toml:"btc_rpc"`
	ETHRPC       ETHRPC       `toml:"eth_rpc"`
	BTCScanner   Scanner      `toml:"btc_scanner"`
	ETHScanner   Scanner      `toml:"eth_scanner"`
	SkyScanner   Scanner      `toml:"sky_scanner"`
	SkyExchanger SkyExchanger `toml:"sky_exchanger"`
	Web          Web          `toml:"web"`
	AdminPanel   AdminPanel   `toml:"admin_panel"`
	Dummy        DummyMode    `toml:"dummy"`

	// SourceFile is the file that was read, "" when there was none and these are the defaults.
	SourceFile string
	// DataDir is the application data directory.
	DataDir string

	workDir string   // what relative paths are relative to
	home    string   // what ~/ stands for
	notes   []string // warnings that were met while reading
}

// Teller is the section of what buyers may do.
type Teller struct {
	MaxBoundAddrs int  `toml:"max_bound_addrs"` // 0 = unlimited
	BindEnabled   bool `toml:"bind_enabled"`
}

// SkyRPC is the Skycoin node.
type SkyRPC struct {
	Address string `toml:"address"` // host:port of its REST API
	Genesis string `toml:"genesis"` // hash of block 0 in hex
	// MinPeers is how many peers the node must have before anything is paid.
	MinPeers int `toml:"min_peers"`
}

// BTCRPC is the Bitcoin node, btcd or Bitcoin Core.
type BTCRPC struct {
	Server    string `toml:"server"` // host:port
	User      Secret `toml:"user" env:"TELLER_BTC_RPC_USER"`
	Pass      Secret `toml:"pass" env:"TELLER_BTC_RPC_PASS"`
	Cert      string `toml:"cert"` // "" = no TLS
	Websocket bool   `toml:"websocket"`
	Network   string `toml:"network"`
	ZMQ       string `toml:"zmq"`     // tcp://host:port where Bitcoin Core publishes news; "" = nowhere
	Filters   string `toml:"filters"` // compact block filters: FiltersAuto or FiltersOff
}

// What btc_rpc.filters may be.
const (
	FiltersAuto = "auto" // used where the node serves them and few enough addresses are watched
	FiltersOff  = "off"
)

// ETHRPC is the Ethereum node.
type ETHRPC struct {
	Server    string `toml:"server"` // host without port
	Port      string `toml:"port"`
	Websocket bool   `toml:"websocket"`                    // instead of HTTP
	URL       Secret `toml:"url" env:"TELLER_ETH_RPC_URL"` // instead of the three; those of hosted nodes hold a key
	ChainID   int64  `toml:"chain_id"`
	Trace     string `toml:"trace"` // what contracts move: TraceAuto, TraceOn or TraceOff
}

// What eth_rpc.trace may be.
const (
	TraceAuto = "auto" // traced where the node can
	TraceOn   = "on"   // a block that can not be traced stops the scan
	TraceOff  = "off"
)

// Scanner says how one deposit chain is followed.
type Scanner struct {
	Enabled               bool          `toml:"enabled"`
	ScanPeriod            time.Duration `toml:"scan_period"`
	InitialScanHeight     int64         `toml:"initial_scan_height"`
	ConfirmationsRequired int64         `toml:"confirmations_required"` // blocks on top of the deposit's own
}

// SkyExchanger says at what price SKY is sold and how it is sent.
type SkyExchanger struct {
	MaxDecimals             int              `toml:"max_decimals"`
	SkyBTCExchangeRate      teller.Rate      `toml:"sky_btc_exchange_rate"`
	SkyETHExchangeRate      teller.Rate      `toml:"sky_eth_exchange_rate"`
	SkySkyExchangeRate      teller.Rate      `toml:"sky_sky_exchange_rate"`
	Wallet                  string           `toml:"wallet"`
	WalletPassphraseFile    string           `toml:"wallet_passphrase_file" env:"TELLER_WALLET_PASSPHRASE_FILE"`
	MaxTransactionSize      int              `toml:"max_transaction_size"` // bytes
	TxConfirmationCheckWait time.Duration    `toml:"tx_confirmation_check_wait"`
	SendEnabled             bool             `toml:"send_enabled"`
	BuyMethod               teller.BuyMethod `toml:"buy_method"`
	ExchangeClient          ExchangeClient   `toml:"exchange_client"` // old files call the section c2cx
}

// Web is the public listener.
type Web struct {
	BehindProxy      bool          `toml:"behind_proxy"`
	StaticDir        string        `toml:"static_dir"` // "" = the built-in page
	ThrottleMax      int           `toml:"throttle_max"`
	ThrottleDuration time.Duration `toml:"throttle_duration"`
	HTTPAddr         string        `toml:"http_addr"`
	HTTPSAddr        string        `toml:"https_addr"`
	AutoTLSHost      string        `toml:"auto_tls_host"`
	TLSCert          string        `toml:"tls_cert"`
	TLSKey           string        `toml:"tls_key"`
	CORSAllowed      []string      `toml:"cors_allowed"`
}

// AdminPanel is the operator's listener.
type AdminPanel struct {
	Host  string `toml:"host"`                           // host:port
	Token Secret `toml:"token" env:"TELLER_ADMIN_TOKEN"` // unset = none is asked for
}

// DummyMode replaces parts of the outside by simulations.
type DummyMode struct {
	Sender          bool            `toml:"sender"`
	Scanner         bool            `toml:"scanner"`
	HTTPAddr        string          `toml:"http_addr"`
	Coins           teller.Droplets `toml:"coins"` // in SKY in the file
	Hours           uint64          `toml:"hours"`
	AllowRealSender bool            `toml:"allow_real_sender"`
}

// On reports whether any part is simulated; only then the dummy listener is opened.
func (d DummyMode) On() bool { return d.Sender || d.Scanner }

// DBPath is where the database lies: DBFile inside the data directory.
func (c Config) DBPath() string { return filepath.Join(c.DataDir, strings.TrimPrefix(c.DBFile, "/")) }

// LogPath is where the log goes; "" is standard output.
func (c Config) LogPath() string { return c.Path(c.LogFile) }

// Path resolves the value of any other key that holds a path: relative to the working directory of the Source, with ~/
// standing for the home directory. "" stays "".
func (c Config) Path(p string) string {
	switch rest, tilde := strings.CutPrefix(p, "~/"); {
	case p == "":
		return ""
	case tilde && c.home != "":
		return filepath.Join(c.home, rest)
	case filepath.IsAbs(p):
		return filepath.Clean(p)
	}
	return filepath.Join(c.workDir, p)
}

// Scanner is the scanner section of a coin.
func (c Config) Scanner(coin teller.Coin) Scanner {
	switch coin {
	case teller.ETH:
		return c.ETHScanner
	case teller.SKY:
		return c.SkyScanner
	default:
		return c.BTCScanner
	}
}

// Rate is the exchange rate of a coin; its zero value means that none is set.
func (c Config) Rate(coin teller.Coin) teller.Rate {
	switch coin {
	case teller.ETH:
		return c.SkyExchanger.SkyETHExchangeRate
	case teller.SKY:
		return c.SkyExchanger.SkySkyExchangeRate
	default:
		return c.SkyExchanger.SkyBTCExchangeRate
	}
}

// Addresses is the file of a coin's deposit addresses as written, "" when none is set. See Path.
func (c Config) Addresses(coin teller.Coin) string {
	switch coin {
	case teller.ETH:
		return c.ETHAddresses
	case teller.SKY:
		return c.SkyAddresses
	default:
		return c.BTCAddresses
	}
}

// XPub is the extended public key of a coin's deposit addresses, which may be unset.
func (c Config) XPub(coin teller.Coin) Secret {
	switch coin {
	case teller.BTC:
		return c.BTCXPub
	case teller.ETH:
		return c.ETHXPub
	default:
		return Secret{}
	}
}

// Terms is what the counter offers under this configuration.
func (c Config) Terms() teller.Terms {
	terms := teller.Terms{
		BindEnabled:   c.Teller.BindEnabled,
		SendEnabled:   c.SkyExchanger.SendEnabled,
		BuyMethod:     c.SkyExchanger.BuyMethod,
		MaxBoundAddrs: c.Teller.MaxBoundAddrs,
		MaxDecimals:   c.SkyExchanger.MaxDecimals,
		Coins:         make(map[teller.Coin]teller.CoinTerms, len(teller.Coins)),
	}
	for _, coin := range teller.Coins {
		terms.Coins[coin] = teller.CoinTerms{
			Enabled:       c.Scanner(coin).Enabled,
			Confirmations: c.Scanner(coin).ConfirmationsRequired,
			Rate:          c.Rate(coin),
			MinimumVolume: string(c.SkyExchanger.ExchangeClient.MinimumVolume(coin)),
			Traded:        c.SkyExchanger.ExchangeClient.Trades(coin),
		}
	}
	return terms
}
