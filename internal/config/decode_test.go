package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/teller"
)

func TestDecodeValues(t *testing.T) {
	tests := []struct {
		name string
		text string
		got  func(Config) any
		want any
	}{
		{"duration text", "[btc_scanner]\nscan_period = \"1m30s\"", func(c Config) any { return c.BTCScanner.ScanPeriod }, 90 * time.Second},
		{"duration in seconds", "[web]\nthrottle_duration = 90", func(c Config) any { return c.Web.ThrottleDuration }, 90 * time.Second},
		{"duration with underscores", "[web]\nthrottle_duration = 1_000", func(c Config) any { return c.Web.ThrottleDuration }, 1000 * time.Second},
		{"hexadecimal", "[btc_scanner]\ninitial_scan_height = 0x10", func(c Config) any { return c.BTCScanner.InitialScanHeight }, int64(16)},
		{"signed", "[btc_scanner]\ninitial_scan_height = +7", func(c Config) any { return c.BTCScanner.InitialScanHeight }, int64(7)},
		{"rate text", "[sky_exchanger]\nsky_btc_exchange_rate = \"1/3\"", rateText, "1/3"},
		{"rate whole number", "[sky_exchanger]\nsky_btc_exchange_rate = 500", rateText, "500"},
		{"rate that no float holds", "[sky_exchanger]\nsky_btc_exchange_rate = 0.10000000000000000000000000001", rateText,
			"0.10000000000000000000000000001"},
		{"rate beyond 64 bits", "[sky_exchanger]\nsky_btc_exchange_rate = 123456789012345678901234.5", rateText, "123456789012345678901234.5"},
		{"rate unset by an empty text", "[sky_exchanger]\nsky_btc_exchange_rate = \"\"", func(c Config) any { return c.Rate(teller.BTC).IsZero() }, true},
		{"minimum text", "[sky_exchanger.exchange_client]\nbtc_minimum_volume = \"0.5\"", minimum, Decimal("0.5")},
		{"minimum number", "[sky_exchanger.exchange_client]\nbtc_minimum_volume = 0.00500000", minimum, Decimal("0.00500000")},
		{"minimum under the old section", "[sky_exchanger.c2cx]\nbtc_minimum_volume = 1", minimum, Decimal("1")},
		{"dummy coins text", "[dummy]\ncoins = \"12.5\"", func(c Config) any { return c.Dummy.Coins }, teller.Droplets(12_500_000)},
		{"dummy coins number", "[dummy]\ncoins = 7", func(c Config) any { return c.Dummy.Coins }, 7 * teller.DropletsPerSKY},
		{"dummy hours", "[dummy]\nhours = 0", func(c Config) any { return c.Dummy.Hours }, uint64(0)},
		{"secret", "[admin_panel]\ntoken = 'a\\b'", func(c Config) any { return c.AdminPanel.Token.Reveal() }, `a\b`},
		{"list", "[web]\ncors_allowed = [\"a\", 'b',\n # why\n]", func(c Config) any { return c.Web.CORSAllowed }, []string{"a", "b"}},
		{"inline section", "btc_rpc = { server = \"h:1\", websocket = true }", func(c Config) any { return c.BTCRPC.Server }, "h:1"},
		{"dotted key", "btc_rpc.server = \"h:1\"", func(c Config) any { return c.BTCRPC.Server }, "h:1"},
		{"quoted key", "['btc_rpc']\n\"server\" = \"h:1\"", func(c Config) any { return c.BTCRPC.Server }, "h:1"},
		{"carriage returns", "[btc_rpc]\r\nserver = \"h:1\"\r\n", func(c Config) any { return c.BTCRPC.Server }, "h:1"},
		{"same value under both names", "[sky_exchanger.c2cx]\nratelimit_wait = 5\n[sky_exchanger.exchange_client]\nratelimit_wait = \"5s\"",
			func(c Config) any { return c.SkyExchanger.ExchangeClient.RatelimitWait }, 5 * time.Second},
		{"empty file", "", func(c Config) any { return reflect.DeepEqual(c, Default()) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, mistakes := decodeText(t, tt.text)
			if len(mistakes) > 0 {
				t.Fatal(mistakes)
			}
			if got := tt.got(c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func rateText(c Config) any { return c.SkyExchanger.SkyBTCExchangeRate.String() }
func minimum(c Config) any  { return c.SkyExchanger.ExchangeClient.BTCMinimumVolume }

func TestDecodeMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "debgu = true", "debgu: unknown key; did you mean debug? (line 1)"},
		{"unknown key in a section", "\n[btc_scanner]\n\nscan_perod = 5", "btc_scanner.scan_perod: unknown key; did you mean btc_scanner.scan_period? (line 4)"},
		{"unknown key like none", "[web]\nfoo = 1", "web.foo: unknown key (line 2)"},
		{"key of another section", "[teller]\nstatic_dir = \"x\"", "teller.static_dir: unknown key; did you mean web.static_dir? (line 2)"},
		{"key of two other sections", "http_addr = \"x\"", "http_addr: unknown key; did you mean web.http_addr or dummy.http_addr? (line 1)"},
		{"key of many other sections", "[teller]\nscan_period = 1\nenabled = true",
			"teller.scan_period: unknown key; did you mean btc_scanner.scan_period or eth_scanner.scan_period or sky_scanner.scan_period? (line 2)\n" +
				"teller.enabled: unknown key; did you mean btc_scanner.enabled or eth_scanner.enabled or sky_scanner.enabled? (line 3)"},
		{"skycoin websocket", "[sky_rpc]\nwebsocket = true", "sky_rpc.websocket: unknown key; did you mean btc_rpc.websocket or eth_rpc.websocket? (line 2)"},
		{"unknown section, once", "[sky_exchangr]\nwallet = \"w\"\nmax_decimals = 1", "sky_exchangr: unknown section; did you mean sky_exchanger? (line 1)"},
		{"unknown section by dotted keys, once", "btcrpc.user = \"u\"\nbtcrpc.pass = \"p\"", "btcrpc: unknown section; did you mean btc_rpc? (line 1)"},
		{"unknown section between two", "[ssc_rpc]\n", "ssc_rpc: unknown section; did you mean btc_rpc? (line 1)"},
		{"unknown subsection", "[web.tls]\ncert = \"c\"", "web.tls: unknown section (line 1)"},
		{"unknown inline section", "log = { file = \"x\" }", "log: unknown section (line 1)"},
		{"unknown name that must be quoted", "\"lög file\" = 1", "\"lög file\": unknown key (line 1)"},
		{"section for a key", "[web.http_addr]\nx = 1", "web.http_addr: is a key, not a section: write http_addr = ... in [web] (line 1)"},
		{"key for a section", "web = 5", "web: is a section: write [web], and its keys below (line 1)"},
		{"top key as section", "[debug]", "debug: is a key, not a section: write debug = ... above the first section (line 1)"},
		{"double brackets", "[[web]]\nthrottle_max = 5", "web: is one section: write [web] with single brackets (line 1)"},
		{"bool as text", "debug = \"true\"", "debug: must be true or false, is the text \"true\" (line 1)"},
		{"bool as number", "debug = 1", "debug: must be true or false, is 1 (line 1)"},
		{"text as number", "logfile = 5", "logfile: must be a text in quotes, is 5 (line 1)"},
		{"text as list", "logfile = [\"a\"]", "logfile: must be a text in quotes, is a list (line 1)"},
		{"text with control character", "logfile = \"a\\u0000\"", "logfile: must not contain control characters (line 1)"},
		{"integer as text", "[teller]\nmax_bound_addrs = \"5\"", "teller.max_bound_addrs: must be a whole number without quotes, is the text \"5\" (line 2)"},
		{"integer as float", "[teller]\nmax_bound_addrs = 5.0", "teller.max_bound_addrs: must be a whole number without quotes, is 5.0 (line 2)"},
		{"negative for unsigned", "[dummy]\nhours = -1", "dummy.hours: must not be negative, is -1 (line 2)"},
		{"duration without unit", "[web]\nthrottle_duration = \"60\"",
			"web.throttle_duration: must be a duration like \"20s\" or \"1m30s\", or a whole number of seconds, is the text \"60\" (line 2)"},
		{"duration as float", "[web]\nthrottle_duration = 1.5",
			"web.throttle_duration: must be a duration like \"20s\" or \"1m30s\", or a whole number of seconds, is 1.5 (line 2)"},
		{"duration too long", "[web]\nthrottle_duration = 9223372037", "web.throttle_duration: 9223372037 seconds is too long (line 2)"},
		{"list as text", "[web]\ncors_allowed = \"a\"", "web.cors_allowed: must be a list of texts, like [\"a\", \"b\"], is the text \"a\" (line 2)"},
		{"list of numbers", "[web]\ncors_allowed = [1]", "web.cors_allowed: each item must be a text in quotes, is 1 (line 2)"},
		{"websocket as cert", "[btc_rpc]\ncert = true",
			"btc_rpc.cert: must be a text in quotes, is true; the switch for a websocket connection is btc_rpc.websocket (line 2)"},
		{"rate of nothing", "[sky_exchanger]\nsky_btc_exchange_rate = 0",
			"sky_exchanger.sky_btc_exchange_rate: \"0\" is not an exchange rate: write an integer, a decimal or a fraction greater than 0 (line 2)"},
		{"negative rate", "[sky_exchanger]\nsky_btc_exchange_rate = -5",
			"sky_exchanger.sky_btc_exchange_rate: must be written in digits, without sign, exponent or prefix, is -5 (line 2)"},
		{"rate with exponent", "[sky_exchanger]\nsky_eth_exchange_rate = 5e2",
			"sky_exchanger.sky_eth_exchange_rate: must be written in digits, without sign, exponent or prefix, is 5e2 (line 2)"},
		{"rate as bool", "[sky_exchanger]\nsky_sky_exchange_rate = true", "sky_exchanger.sky_sky_exchange_rate: must be a number, is true (line 2)"},
		{"infinite rate", "[sky_exchanger]\nsky_sky_exchange_rate = inf",
			"sky_exchanger.sky_sky_exchange_rate: must be written in digits, without sign, exponent or prefix, is inf (line 2)"},
		{"dummy coins", "[dummy]\ncoins = \"many\"", "dummy.coins: \"many\" is not an amount of SKY with at most six decimals (line 2)"},
		{"both names, different values", "[sky_exchanger.c2cx]\nratelimit_wait = 5\n[sky_exchanger.exchange_client]\nratelimit_wait = 6",
			"sky_exchanger.exchange_client.ratelimit_wait: has another value than sky_exchanger.c2cx.ratelimit_wait on line 2: " +
				"they are two names of one key, keep one of them (line 4)"},
		{"unknown key under the old name", "[sky_exchanger.c2cx]\nkye = \"\"",
			"sky_exchanger.c2cx.kye: unknown key; did you mean sky_exchanger.exchange_client.key? (line 2)"},
		{"all at once, in order", "debug = 1\nprofil = true\n[web]\nthrottle_max = \"x\"",
			"debug: must be true or false, is 1 (line 1)\n" +
				"profil: unknown key; did you mean profile? (line 2)\n" +
				"web.throttle_max: must be a whole number without quotes, is the text \"x\" (line 4)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, mistakes := decodeText(t, tt.text); mistakes.Error() != tt.want {
				t.Errorf("got\n%s\nwant\n%s", mistakes, tt.want)
			}
		})
	}
}

func TestSyntaxErrorsNameTheirPlace(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no value", "debug = true\nlogfile =\n", "x.toml:2:10: not valid TOML: "},
		{"no closing bracket", "\n\n[web", "x.toml:3:"},
		{"key twice", "debug = true\n\ndebug = true", "x.toml:3:1: "},
		{"section twice", "[web]\n[teller]\n[web]", "x.toml:3:2: "},
		{"not UTF-8", "logfile = \"\xff\"", "x.toml:1:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseDocument("x.toml", []byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s...", err, tt.want)
			}
			if teller.CodeOf(err) != teller.CodeInvalid {
				t.Errorf("code %s", teller.CodeOf(err))
			}
		})
	}
}

func TestDecimalAmount(t *testing.T) {
	tests := []struct {
		text Decimal
		want string // "" is an error
	}{
		{"0.005", "500000"}, {"1", "100000000"}, {"0", "0"}, {"0.00000001", "1"}, {"007.10", "710000000"},
		{"", ""}, {".5", ""}, {"5.", ""}, {"1e3", ""}, {"-1", ""}, {"1.2.3", ""}, {"0.000000001", ""}, {" 1", ""},
		{Decimal(strings.Repeat("9", 100)), ""},
	}
	for _, tt := range tests {
		got, err := tt.text.Amount(teller.BTC)
		if (err == nil) != (tt.want != "") || (err == nil && got.String() != tt.want) {
			t.Errorf("%q: got %s, %v, want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h",
		time.Hour + time.Minute: "1h1m", 10 * time.Hour: "10h", 250 * time.Millisecond: "250ms", 10 * time.Minute: "10m",
		time.Hour + time.Second: "1h0m1s",
	} {
		if got := durationText(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
		if back, err := time.ParseDuration(want); err != nil || back != d {
			t.Errorf("%s reads back as %v, %v", want, back, err)
		}
	}
}
