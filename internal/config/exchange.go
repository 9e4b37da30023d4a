package config

import (
	"math/big"
	"net/url"
	"regexp"
	"time"

	"github.com/skycoin/teller"
)

// ExchangeClient is the account at the exchange, for the passthrough buy method, and how it is used.
type ExchangeClient struct {
	Name   string `toml:"name"` // ExchangeC2CX or ExchangeBinance
	Key    Secret `toml:"key" env:"TELLER_EXCHANGE_KEY"`
	Secret Secret `toml:"secret" env:"TELLER_EXCHANGE_SECRET"`
	URL    string `toml:"url"` // "" = the exchange's own, where it has one
	// The markets, in Binance's words. None is assumed: what most exchanges call SKY is not Skycoin.
	BTCSymbol          string        `toml:"btc_symbol"`
	ETHSymbol          string        `toml:"eth_symbol"`
	OnFailure          string        `toml:"on_failure"`   // FailureHold or FailureRetry
	MaxAttempts        int           `toml:"max_attempts"` // with FailureRetry: orders for one deposit
	MaxSlippage        Decimal       `toml:"max_slippage"` // a fraction; see Slippage
	RequestTimeout     time.Duration `toml:"request_timeout"`
	RequestFailureWait time.Duration `toml:"request_failure_wait"`
	RatelimitWait      time.Duration `toml:"ratelimit_wait"`
	CheckOrderWait     time.Duration `toml:"check_order_wait"`
	BTCMinimumVolume   Decimal       `toml:"btc_minimum_volume"` // in BTC
	ETHMinimumVolume   Decimal       `toml:"eth_minimum_volume"` // in ETH
}

// What exchange_client.name and on_failure may be.
const (
	ExchangeC2CX    = "c2cx"
	ExchangeBinance = "binance"

	FailureHold  = "hold"  // an operator decides about what an order did not buy
	FailureRetry = "retry" // it is tried again first
)

// Symbols are the names of the markets that were configured, by the coin that is spent there.
func (e ExchangeClient) Symbols() map[teller.Coin]string {
	symbols := make(map[teller.Coin]string)
	for coin, symbol := range map[teller.Coin]string{teller.BTC: e.BTCSymbol, teller.ETH: e.ETHSymbol} {
		if symbol != "" {
			symbols[coin] = symbol
		}
	}
	return symbols
}

// Trades reports whether SKY is bought with a coin there.
func (e ExchangeClient) Trades(coin teller.Coin) bool {
	if e.Name == ExchangeC2CX {
		return coin == teller.BTC // its one market
	}
	return e.Symbols()[coin] != ""
}

// MinimumVolume is the smallest purchase with a coin, as written.
func (e ExchangeClient) MinimumVolume(coin teller.Coin) Decimal {
	switch coin {
	case teller.BTC:
		return e.BTCMinimumVolume
	case teller.ETH:
		return e.ETHMinimumVolume
	default:
		return "0"
	}
}

// Slippage is how much less SKY than a deposit's own rate says an order may bring, as a part of it; nil = at any price.
func (e ExchangeClient) Slippage() (*big.Rat, error) {
	if e.MaxSlippage == "" {
		return nil, nil
	}
	part, err := e.MaxSlippage.Fraction()
	if err != nil {
		return nil, err
	}
	if part.Cmp(big.NewRat(1, 1)) >= 0 {
		return nil, teller.Errorf(teller.CodeInvalid, "must be a fraction below 1, is %q: 0.05 is 5 %%", string(e.MaxSlippage))
	}
	return part, nil
}

// Buys reports whether there is an exchange to buy on: for new addresses (buy_method), or, while its keys and market are
// still configured, for those that were given out when there were. In dummy mode that exchange is simulated.
func (c Config) Buys() bool {
	e := c.SkyExchanger.ExchangeClient
	if c.SkyExchanger.BuyMethod == teller.BuyPassthrough {
		return true
	}
	reachable := e.URL != "" || (e.Name == ExchangeBinance && len(e.Symbols()) > 0)
	return e.Key.IsSet() && e.Secret.IsSet() && reachable && !c.Dummy.On()
}

var marketName = regexp.MustCompile(`^[A-Z0-9._-]{1,50}$`)

func (c Config) checkExchange(ms *Mistakes) {
	e := c.SkyExchanger.ExchangeClient
	ms.checkOneOf(exchangeSection+".name", e.Name, ExchangeC2CX, ExchangeBinance)
	c.checkAccount(ms)
	c.checkMarkets(ms)
	ms.checkOneOf(exchangeSection+".on_failure", e.OnFailure, FailureHold, FailureRetry)
	if e.MaxAttempts < 1 {
		ms.add(exchangeSection+".max_attempts", "must be at least 1, is %d", e.MaxAttempts)
	}
	c.checkSlippage(ms)
	ms.checkWait(exchangeSection+".request_timeout", e.RequestTimeout)
	ms.checkWait(exchangeSection+".request_failure_wait", e.RequestFailureWait)
	ms.checkWait(exchangeSection+".ratelimit_wait", e.RatelimitWait)
	ms.checkWait(exchangeSection+".check_order_wait", e.CheckOrderWait)
	for _, coin := range []teller.Coin{teller.BTC, teller.ETH} {
		if _, err := e.MinimumVolume(coin).Amount(coin); err != nil {
			ms.add(exchangeSection+"."+coin.Lower()+"_minimum_volume", "%v", err)
		}
	}
}

// checkAccount checks where the exchange is and who is known there.
func (c Config) checkAccount(ms *Mistakes) {
	e := c.SkyExchanger.ExchangeClient
	needed := c.SkyExchanger.BuyMethod == teller.BuyPassthrough && !c.Dummy.On()
	if !e.Key.IsSet() && (needed || e.Secret.IsSet()) {
		ms.add(exchangeSection+".key", "needed: the API key of the account, here or in TELLER_EXCHANGE_KEY")
	}
	if !e.Secret.IsSet() && (needed || e.Key.IsSet()) {
		ms.add(exchangeSection+".secret", "needed: the API key's secret, here or in TELLER_EXCHANGE_SECRET")
	}
	if e.URL == "" {
		if needed && e.Name == ExchangeC2CX {
			ms.add(exchangeSection+".url", "needed: the public C2CX has closed, say where yours is")
		}
		return
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		ms.add(exchangeSection+".url", "must be the URL of the exchange's API, like https://exchange.example.com") // it may hold a password
		return
	}
	if u.Scheme == "http" && e.Name == ExchangeBinance && beyondLoopbackHost(u.Hostname()) {
		ms.add(exchangeSection+".url", "must begin with https, unless it is on this machine")
	}
}

// checkMarkets checks what is bought where.
func (c Config) checkMarkets(ms *Mistakes) {
	e := c.SkyExchanger.ExchangeClient
	symbols := e.Symbols()
	for _, coin := range []teller.Coin{teller.BTC, teller.ETH} {
		switch key, symbol := exchangeSection+"."+coin.Lower()+"_symbol", symbols[coin]; {
		case symbol == "":
		case e.Name == ExchangeC2CX:
			ms.add(key, "is for other exchanges: c2cx has one market, in which SKY is bought with BTC")
		case !marketName.MatchString(symbol):
			ms.add(key, "must be the name of a market as the exchange spells it, like \"SKYBTC\", is %q", symbol)
		}
	}
	if c.SkyExchanger.BuyMethod == teller.BuyPassthrough && e.Name == ExchangeBinance && len(symbols) == 0 {
		ms.add(exchangeSection+".btc_symbol", "needed, or eth_symbol: the market in which SKY is bought. Make sure that it is Skycoin: "+
			"most exchanges call another coin SKY")
	}
}

func (c Config) checkSlippage(ms *Mistakes) {
	part, err := c.SkyExchanger.ExchangeClient.Slippage()
	if err != nil {
		ms.add(exchangeSection+".max_slippage", "%v", err)
		return
	}
	if part == nil {
		return
	}
	for _, coin := range teller.Coins {
		rate := c.Rate(coin)
		if rate.IsZero() || !c.SkyExchanger.ExchangeClient.Trades(coin) {
			continue
		}
		if _, err := rate.Less(part); err != nil {
			ms.add(exchangeSection+".max_slippage", "can not be taken off the rate %s exactly: write either with fewer digits", rate)
		}
	}
}

// exchangeWarnings are about purchases.
func (c Config) exchangeWarnings() []string {
	e := c.SkyExchanger.ExchangeClient
	if c.SkyExchanger.BuyMethod != teller.BuyPassthrough {
		return nil
	}
	var ws []string
	if e.MaxSlippage == "" {
		ws = append(ws, exchangeSection+".max_slippage is not set: SKY is bought at any price that the exchange asks")
	}
	traded := false
	for _, coin := range teller.Coins {
		traded = traded || (c.Scanner(coin).Enabled && e.Trades(coin))
	}
	if !traded {
		ws = append(ws, "sky_exchanger.buy_method is passthrough, and no coin that is taken is traded on the exchange: all are paid from the wallet")
	}
	if u, err := url.Parse(e.URL); err == nil && u.Scheme == "http" && beyondLoopbackHost(u.Hostname()) && !c.Dummy.On() {
		ws = append(ws, exchangeSection+".url is called without encryption: what is bought there can be faked on the way")
	}
	return ws
}
