package binance

import (
	"context"
	"fmt"
	"math/big"

	"github.com/adshao/go-binance/v2"

	"github.com/skycoin/teller"
)

// rules are the terms of a market, as far as buying needs them. A number that is 0 rules nothing.
type rules struct {
	symbol, status string
	base, quote    string   // the assets that are bought, and spent
	quoteDecimals  int      // that an amount to spend may have
	lot            *big.Rat // what a quantity must be a multiple of
	tick           *big.Rat // what a price must be a multiple of
	minQuantity    *big.Rat
	minNotional    *big.Rat // of price times quantity
	maxNotional    *big.Rat
}

// Market tells under which rules SKY is bought with a coin: CodeUnsupported when the market does not exist or is not paid
// for in that coin, CodeUnavailable while it is not open. Minimum is that of limit orders; some markets take less in a
// market order.
func (e *Exchange) Market(ctx context.Context, coin teller.Coin) (teller.Market, error) {
	r, err := e.readRules(ctx, coin)
	if err != nil {
		return teller.Market{}, err
	}
	if r.status != string(binance.SymbolStatusTypeTrading) {
		return teller.Market{}, teller.Errorf(teller.CodeUnavailable, "binance: the market %s is not open: its status is %q", r.symbol, r.status)
	}
	return r.market(coin)
}

func (r rules) market(coin teller.Coin) (teller.Market, error) {
	minimum, err := teller.AmountFromBig(ceil(r.minNotional, coin.Decimals()))
	if err != nil {
		return teller.Market{}, malformed("exchangeInfo", "%w", err)
	}
	return teller.Market{Symbol: r.symbol, Minimum: minimum, Step: r.step(coin), IDsOnce: false}, nil
}

// step is what an amount to spend must be a multiple of.
func (r rules) step(coin teller.Coin) teller.Amount {
	step, err := teller.AmountFromBig(pow10(max(coin.Decimals()-r.quoteDecimals, 0)))
	if err != nil {
		panic(err) // a power of ten is not negative
	}
	return step
}

// known are the rules as they were read last. An order is placed and reported under these: another call in between could
// fail, and would then leave a doubt whether the order was placed. When they are outdated the exchange refuses the order.
func (e *Exchange) known(ctx context.Context, coin teller.Coin) (rules, error) {
	e.mu.Lock()
	r, ok := e.rules[coin]
	e.mu.Unlock()
	if ok {
		return r, nil
	}
	return e.readRules(ctx, coin)
}

// readRules asks for the rules of a coin's market, open or not.
func (e *Exchange) readRules(ctx context.Context, coin teller.Coin) (rules, error) {
	symbol, err := e.symbol(coin)
	if err != nil {
		return rules{}, err
	}
	var info *binance.ExchangeInfo
	_, err = e.call(ctx, "exchangeInfo", public, func(ctx context.Context, c *binance.Client) (err error) {
		info, err = c.NewExchangeInfoService().Symbol(symbol).Do(ctx)
		return err
	})
	if err != nil {
		return rules{}, err
	}
	r, err := checkRules(info, symbol, coin)
	if err != nil {
		return rules{}, err
	}
	e.mu.Lock()
	e.rules[coin] = r
	e.mu.Unlock()
	return r, nil
}

// checkRules takes the rules out of an answer.
func checkRules(info *binance.ExchangeInfo, symbol string, coin teller.Coin) (rules, error) {
	if len(info.Symbols) != 1 || info.Symbols[0].Symbol != symbol {
		return rules{}, malformed("exchangeInfo", "it is not about %s", symbol)
	}
	s := info.Symbols[0]
	if s.QuoteAsset != string(coin) {
		return rules{}, teller.Errorf(teller.CodeUnsupported, "binance: the market %s is paid for in %s, not in %s", symbol, cut(s.QuoteAsset, 20), coin)
	}
	const most = 18
	if s.BaseAsset == "" || s.BaseAsset == s.QuoteAsset {
		return rules{}, malformed("exchangeInfo", "no base asset")
	}
	if s.BaseAssetPrecision < 0 || s.BaseAssetPrecision > most || s.QuoteAssetPrecision < 0 || s.QuoteAssetPrecision > most {
		return rules{}, malformed("exchangeInfo", "precisions of %d and %d decimals", s.BaseAssetPrecision, s.QuoteAssetPrecision)
	}
	r := rules{
		symbol: symbol, status: cut(s.Status, 40), base: s.BaseAsset, quote: s.QuoteAsset, quoteDecimals: s.QuoteAssetPrecision,
		lot: fraction(s.BaseAssetPrecision), tick: fraction(s.QuoteAssetPrecision), minQuantity: new(big.Rat),
		minNotional: new(big.Rat), maxNotional: new(big.Rat),
	}
	for _, f := range s.Filters {
		if err := r.add(f); err != nil {
			return rules{}, malformed("exchangeInfo", "%w", err)
		}
	}
	return r, nil
}

// add takes one filter into the rules. Others than these do not depend on what can be known before an order is tried.
// (The library has methods for it that panic on what they do not expect.)
func (r *rules) add(filter map[string]any) error {
	for _, f := range []struct {
		kind, field string
		into        **big.Rat
	}{
		{"LOT_SIZE", "stepSize", &r.lot},
		{"LOT_SIZE", "minQty", &r.minQuantity},
		{"PRICE_FILTER", "tickSize", &r.tick},
		{"MIN_NOTIONAL", "minNotional", &r.minNotional},
		{"NOTIONAL", "minNotional", &r.minNotional},
		{"NOTIONAL", "maxNotional", &r.maxNotional},
	} {
		if filter["filterType"] != f.kind || filter[f.field] == nil {
			continue
		}
		text, ok := filter[f.field].(string)
		if !ok {
			return fmt.Errorf("%s.%s is no text", f.kind, f.field)
		}
		n, err := decimal(text)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", f.kind, f.field, err)
		}
		if n.Sign() > 0 && (f.into != &r.minNotional || n.Cmp(r.minNotional) > 0) {
			*f.into = n
		}
	}
	return nil
}
