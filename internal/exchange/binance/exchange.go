// Package binance buys SKY on Binance's spot market, or on any other that speaks its REST API (v3).
//
// An Exchange implements teller.Exchange. It is opt-in, and the operator names each market in full: what is called SKY on
// most exchanges is another currency than Skycoin, so there is no default. The adapter checks that the market exists, is
// open, and is paid for in the coin; that its base asset is Skycoin is what the operator vouches for.
//
// # How an order is placed and followed
//
// A market order spends quoteOrderQty. A limit order is IOC (what can not be bought at once expires) at the best price
// that is still no worse than OrderRequest.Least, for as much as the spend pays for at that price. Neither rests in the
// book, so an order is final as soon as the exchange has matched it.
//
// An order's own answer does not tell its fees. They stand in its trades, which are listed by another call: a report is
// only made when the trades add up to what the order has executed, and CodeUnavailable otherwise. A fee in SKY makes
// Bought less, a fee in the coin makes Spent more, a fee in anything else (BNB) is the operator's.
//
// # What Binance does not promise
//
// A client id is unique among open orders only, so Market.IDsOnce is false. But the exchange takes no signed request that is
// older than six seconds (recvWindow, and the second by which our clock may be ahead): one that has not become an order by
// then never will. Cancelling gives an order a new client id. Cancel names it (see cancelledID), so that Find knows both.
//
// The library (adshao/go-binance) writes to its client while it reads answers, has switches that are global to the process,
// and tells no HTTP status. So each call has a client of its own, and a transport of ours that bounds and notes the answer.
//
// Errors are teller.Errors; refused has the table. No key, secret or signature is in any of them.
package binance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adshao/go-binance/v2"

	"github.com/skycoin/teller"
)

const (
	// DefaultURL is the public exchange.
	DefaultURL = "https://api.binance.com"
	// DefaultTimeout is the longest time that one request may take when Config names none.
	DefaultTimeout = 10 * time.Second
)

// Config says where the exchange is, whose account is used, and on which markets SKY is bought.
type Config struct {
	// BaseURL is where the API is, without a path; "" = DefaultURL. Only https, unless it is on this machine. Binance's own
	// exchange for trials is https://testnet.binance.vision, with other keys.
	BaseURL string
	// Key and Secret are the account's API key (HMAC). It needs to read and to trade; it should not be able to withdraw.
	Key    string `json:"-"`
	Secret string `json:"-"`
	// Symbols are the markets in the exchange's words, by the coin that is spent: BTC, ETH or both.
	Symbols map[teller.Coin]string
	Timeout time.Duration // of one request; 0 = DefaultTimeout
}

// Format keeps the key and the secret out of everything that is printed.
func (c Config) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "{%s %v}", c.BaseURL, c.Symbols) }

// Exchange is an account on the exchange. It places and follows orders and remembers none; it is safe for concurrent use.
type Exchange struct {
	url       string
	account   *credentials // behind a pointer, so that printing an Exchange does not show it
	symbols   map[teller.Coin]string
	timeout   time.Duration
	transport *http.Transport

	offset    atomic.Int64 // by how many ms this machine's clock is ahead of the exchange's
	unsettled atomic.Bool  // the exchange found our time wrong: ask for its time before the next signed call

	mu     sync.Mutex
	resume time.Time             // before which the exchange does not want to be asked
	rules  map[teller.Coin]rules // as read last
}

type credentials struct{ key, secret string }

var _ teller.Exchange = (*Exchange)(nil)

var validSymbol = regexp.MustCompile(`^[A-Z0-9._-]{1,50}$`)

// New connects to nothing yet: the exchange may be down when teller starts. What is wrong with the configuration is
// CodeInvalid.
func New(cfg Config) (*Exchange, error) {
	base, err := parseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if !printable(cfg.Key) || !printable(cfg.Secret) {
		return nil, teller.Errorf(teller.CodeInvalid, "binance: the API key or its secret is missing, or holds blanks")
	}
	if len(cfg.Symbols) == 0 {
		return nil, teller.Errorf(teller.CodeInvalid, "binance: name the market on which SKY is bought; there is no default, because SKY is another currency on most exchanges")
	}
	e := &Exchange{
		url: base, account: &credentials{cfg.Key, cfg.Secret}, timeout: cfg.Timeout,
		symbols: map[teller.Coin]string{}, rules: map[teller.Coin]rules{},
		transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
	}
	for coin, symbol := range cfg.Symbols {
		if coin != teller.BTC && coin != teller.ETH {
			return nil, teller.Errorf(teller.CodeInvalid, "binance: SKY is bought with BTC or ETH, not with %q", string(coin))
		}
		if !validSymbol.MatchString(symbol) {
			return nil, teller.Errorf(teller.CodeInvalid, "binance: %q is not the name of a market", symbol)
		}
		e.symbols[coin] = symbol
	}
	if e.timeout <= 0 {
		e.timeout = DefaultTimeout
	}
	return e, nil
}

// parseURL does not repeat the text in its errors: it may hold a password.
func parseURL(text string) (string, error) {
	if text == "" {
		return DefaultURL, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", teller.Errorf(teller.CodeInvalid, "binance: the exchange's address is not a URL of the form https://host")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return "", teller.Errorf(teller.CodeInvalid, "binance: the exchange's address must be https: the API key is sent to it")
	}
	return u.Scheme + "://" + u.Host, nil
}

// printable reports whether a text can stand in an HTTP header as it is, and is not empty.
func printable(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// Name is the exchange's name.
func (e *Exchange) Name() string { return "binance" }

// Close drops idle connections. The Exchange can be used on.
func (e *Exchange) Close() { e.transport.CloseIdleConnections() }

// symbol is the market for a coin.
func (e *Exchange) symbol(coin teller.Coin) (string, error) {
	if s, ok := e.symbols[coin]; ok {
		return s, nil
	}
	return "", teller.Errorf(teller.CodeUnsupported, "binance: no market is configured on which %s is spent", string(coin))
}

// Balance is how much of the coin is free. What open orders have reserved is not in it.
func (e *Exchange) Balance(ctx context.Context, coin teller.Coin) (teller.Amount, error) {
	if _, err := e.symbol(coin); err != nil {
		return teller.Amount{}, err
	}
	var account *binance.Account
	_, err := e.call(ctx, "account", signed, func(ctx context.Context, c *binance.Client) (err error) {
		account, err = c.NewGetAccountService().Do(ctx, window)
		return err
	})
	if err != nil {
		return teller.Amount{}, err
	}
	if account.Balances == nil {
		return teller.Amount{}, malformed("account", "it lists no balances")
	}
	return free(account.Balances, coin)
}

// free finds what can be spent of a coin, cut to its base unit. An asset that is not listed was never held.
func free(balances []binance.Balance, coin teller.Coin) (teller.Amount, error) {
	for _, b := range balances {
		if b.Asset != string(coin) {
			continue
		}
		n, err := decimal(b.Free)
		if err != nil {
			return teller.Amount{}, malformed("account", "%s free: %w", coin, err)
		}
		return teller.AmountFromBig(floor(n, coin.Decimals()))
	}
	return teller.Amount{}, nil
}
