package config

import (
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// buying is a valid configuration that buys on C2CX.
func buying() Config {
	c := serving()
	c.SkyExchanger.BuyMethod = teller.BuyPassthrough
	e := &c.SkyExchanger.ExchangeClient
	e.Key, e.Secret, e.URL, e.MaxSlippage = NewSecret("k"), NewSecret("s"), "https://c2cx.example", "0.05"
	return c
}

// onBinance is one that buys on Binance, with two coins.
func onBinance() Config {
	c := buying()
	c.ETHScanner.Enabled, c.ETHAddresses, c.SkyExchanger.SkyETHExchangeRate = true, "eth.txt", teller.MustRate("50")
	e := &c.SkyExchanger.ExchangeClient
	e.Name, e.URL, e.BTCSymbol, e.ETHSymbol = ExchangeBinance, "", "SKYBTC", "SKYETH"
	return c
}

func TestBuyingIsValidAndQuiet(t *testing.T) {
	for _, c := range []Config{buying(), onBinance()} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if ws := c.Warnings(); len(ws) > 0 {
			t.Errorf("warnings: %q", ws)
		}
	}
}

func TestExchangeMistakes(t *testing.T) {
	const in = "sky_exchanger.exchange_client."
	for _, tt := range []struct {
		name string
		base func() Config
		edit func(*ExchangeClient)
		want string // beginnings of all mistakes
	}{
		{"unknown exchange", buying, func(e *ExchangeClient) { e.Name = "C2CX" }, in + `name: must be one of c2cx, binance, is "C2CX"`},
		{"no keys", buying, func(e *ExchangeClient) { e.Key, e.Secret = Secret{}, Secret{} },
			in + "key: needed: the API key of the account, here or in TELLER_EXCHANGE_KEY\n" + in + "secret: needed: the API key's secret, here or in TELLER_EXCHANGE_SECRET"},
		{"no secret", buying, func(e *ExchangeClient) { e.Secret = Secret{} }, in + "secret: needed"},
		{"half an account that is not used", serving, func(e *ExchangeClient) { e.Secret = NewSecret("s") }, in + "key: needed"},
		{"an account that is not used, as old files have one", serving, func(e *ExchangeClient) { e.Key, e.Secret = NewSecret("k"), NewSecret("s") }, ""},
		{"c2cx is nowhere", buying, func(e *ExchangeClient) { e.URL = "" }, in + "url: needed: the public C2CX has closed, say where yours is"},
		{"c2cx on this machine", buying, func(e *ExchangeClient) { e.URL = "http://127.0.0.1:8080" }, ""},
		{"no URL", buying, func(e *ExchangeClient) { e.URL = "c2cx.example" }, in + "url: must be the URL of the exchange's API, like https://exchange.example.com"},
		{"a login in the URL", buying, func(e *ExchangeClient) { e.URL = "https://user:pass@c2cx.example" }, in + "url: must be the URL"},
		{"a query in the URL", buying, func(e *ExchangeClient) { e.URL = "https://c2cx.example?a=b" }, in + "url: must be the URL"},
		{"another scheme", buying, func(e *ExchangeClient) { e.URL = "ftp://c2cx.example" }, in + "url: must be the URL"},
		{"binance without TLS", onBinance, func(e *ExchangeClient) { e.URL = "http://binance.example" }, in + "url: must begin with https, unless it is on this machine"},
		{"binance on this machine", onBinance, func(e *ExchangeClient) { e.URL = "http://localhost:1234" }, ""},
		{"a market on c2cx", buying, func(e *ExchangeClient) { e.BTCSymbol = "BTC_SKY" }, in + "btc_symbol: is for other exchanges: c2cx has one market"},
		{"no market", onBinance, func(e *ExchangeClient) { e.BTCSymbol, e.ETHSymbol = "", "" }, in + "btc_symbol: needed, or eth_symbol: the market"},
		{"one market", onBinance, func(e *ExchangeClient) { e.BTCSymbol = "" }, ""},
		{"a market in small letters", onBinance, func(e *ExchangeClient) { e.ETHSymbol = "skyeth" }, in + `eth_symbol: must be the name of a market as the exchange spells it, like "SKYBTC", is "skyeth"`},
		{"unknown policy", buying, func(e *ExchangeClient) { e.OnFailure = "" }, in + `on_failure: must be one of hold, retry, is ""`},
		{"retry", buying, func(e *ExchangeClient) { e.OnFailure = "retry" }, ""},
		{"no attempts", buying, func(e *ExchangeClient) { e.MaxAttempts = 0 }, in + "max_attempts: must be at least 1, is 0"},
		{"any price", buying, func(e *ExchangeClient) { e.MaxSlippage = "" }, ""},
		{"exactly the rate", buying, func(e *ExchangeClient) { e.MaxSlippage = "0" }, ""},
		{"for nothing", buying, func(e *ExchangeClient) { e.MaxSlippage = "1" }, in + `max_slippage: must be a fraction below 1, is "1": 0.05 is 5 %`},
		{"in percent", buying, func(e *ExchangeClient) { e.MaxSlippage = "5%" }, in + `max_slippage: must be a decimal like 0.05, is "5%"`},
		{"a fraction", buying, func(e *ExchangeClient) { e.MaxSlippage = "1/20" }, in + "max_slippage: must be a decimal"},
		{"below 0", buying, func(e *ExchangeClient) { e.MaxSlippage = "-0.1" }, in + "max_slippage: must be a decimal"},
		{"too many digits", buying, func(e *ExchangeClient) { e.MaxSlippage = "0.0000000000000000001" }, in + "max_slippage: must be a decimal"},
		{"timeout", buying, func(e *ExchangeClient) { e.RequestTimeout = 0 }, in + "request_timeout: must be longer than 0, is 0s"},
		{"minimum below a wei", buying, func(e *ExchangeClient) { e.ETHMinimumVolume = "0.0000000000000000001" }, in + "eth_minimum_volume: has 19 decimals, ETH has 18"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.base()
			tt.edit(&c.SkyExchanger.ExchangeClient)
			got := c.check()
			var want []string
			if tt.want != "" {
				want = strings.Split(tt.want, "\n")
			}
			if len(got) != len(want) {
				t.Fatalf("got\n%v\nwant\n%s", got, tt.want)
			}
			for i, w := range want {
				if !strings.HasPrefix(got[i].String(), w) {
					t.Errorf("got  %s\nwant %s", got[i], w)
				}
			}
		})
	}
}

// The worst price is exact, or the configuration is refused.
func TestSlippageAndRates(t *testing.T) {
	c := onBinance()
	c.SkyExchanger.SkyETHExchangeRate = teller.MustRate("1/" + strings.Repeat("3", 60))
	c.SkyExchanger.ExchangeClient.MaxSlippage = "0.000000001"
	if ms := c.check(); len(ms) != 1 || !strings.Contains(ms[0].String(), "max_slippage: can not be taken off the rate 1/333") {
		t.Error(ms)
	}
	c.SkyExchanger.ExchangeClient.ETHSymbol = "" // not bought with ETH
	if ms := c.check(); len(ms) != 0 {
		t.Error(ms)
	}
	if part, err := buying().SkyExchanger.ExchangeClient.Slippage(); err != nil || part.Cmp(big.NewRat(1, 20)) != 0 {
		t.Errorf("0.05 is %v, %v", part, err)
	}
	if part, err := (ExchangeClient{}).Slippage(); part != nil || err != nil {
		t.Errorf("nothing is %v, %v", part, err)
	}
}

// In dummy mode the exchange is simulated, and needs no account.
func TestDummyBuysWithoutAnAccount(t *testing.T) {
	c := Dummy("/data")
	c.SkyExchanger.BuyMethod = teller.BuyPassthrough
	c.SkyExchanger.ExchangeClient.MaxSlippage = "0.1"
	if err := c.Validate(); err != nil || !c.Buys() {
		t.Errorf("%v, buys %t", err, c.Buys())
	}
}

func TestBuys(t *testing.T) {
	direct := func(c Config) Config {
		c.SkyExchanger.BuyMethod = teller.BuyDirect
		return c
	}
	account := serving()
	account.SkyExchanger.ExchangeClient.Key, account.SkyExchanger.ExchangeClient.Secret = NewSecret("k"), NewSecret("s")
	dummy := direct(buying())
	dummy.Dummy.Scanner = true
	for name, tt := range map[string]struct {
		c    Config
		want bool
	}{
		"passthrough":                          {buying(), true},
		"direct now, and the account is there": {direct(buying()), true},
		"the same on binance":                  {direct(onBinance()), true},
		"direct, with a key of an old file":    {account, false},
		"direct":                               {serving(), false},
		"direct, with invented deposits":       {dummy, false},
		"passthrough, and nothing else":        {Config{SkyExchanger: SkyExchanger{BuyMethod: teller.BuyPassthrough}}, true},
	} {
		if got := tt.c.Buys(); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestBuyMethodPerCoin(t *testing.T) {
	for _, tt := range []struct {
		c    Config
		want map[teller.Coin]teller.BuyMethod
	}{
		{buying(), map[teller.Coin]teller.BuyMethod{teller.BTC: "passthrough", teller.ETH: "direct", teller.SKY: "direct"}},
		{onBinance(), map[teller.Coin]teller.BuyMethod{teller.BTC: "passthrough", teller.ETH: "passthrough", teller.SKY: "direct"}},
		{serving(), map[teller.Coin]teller.BuyMethod{teller.BTC: "direct", teller.ETH: "direct", teller.SKY: "direct"}},
	} {
		got := make(map[teller.Coin]teller.BuyMethod)
		for _, coin := range teller.Coins {
			got[coin] = tt.c.Terms().BuyMethodFor(coin)
		}
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s, %s: %v", tt.c.SkyExchanger.BuyMethod, tt.c.SkyExchanger.ExchangeClient.Name, got)
		}
	}
	c := onBinance()
	c.SkyExchanger.ExchangeClient.ETHMinimumVolume = "0.100"
	if coins := c.Terms().Coins; coins[teller.BTC].MinimumVolume != "0.005" || coins[teller.ETH].MinimumVolume != "0.100" || coins[teller.SKY].MinimumVolume != "0" {
		t.Errorf("%+v", coins)
	}
}
