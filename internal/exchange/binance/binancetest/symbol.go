package binancetest

import (
	"fmt"
	"math/big"
	"net/url"
)

// Symbol is a market. Numbers are decimals; "" or "0" rules nothing.
type Symbol struct {
	Name, Base, Quote string
	Status            string // "" = TRADING
	MinQty, StepSize  string
	MaxQty            string
	TickSize          string
	MinNotional       string
	MaxNotional       string
	OldFilter         bool // MIN_NOTIONAL instead of NOTIONAL
	NoMarketMinimum   bool // the minimum is for limit orders only
}

// Skycoin is a market on which SKY is bought with BTC.
func Skycoin() Symbol {
	return Symbol{
		Name: "SKYCOINBTC", Base: "SKYCOIN", Quote: "BTC",
		MinQty: "0.2", StepSize: "0.1", MaxQty: "900000", TickSize: "0.00000001", MinNotional: "0.0001", MaxNotional: "9000",
	}
}

// SkycoinEther is a market on which SKY is bought with ETH.
func SkycoinEther() Symbol {
	return Symbol{
		Name: "SKYCOINETH", Base: "SKYCOIN", Quote: "ETH",
		MinQty: "0.01", StepSize: "0.01", MaxQty: "900000", TickSize: "0.0000001", MinNotional: "0.005", OldFilter: true,
	}
}

// AddSymbol opens a market, or changes the rules of one.
func (s *Server) AddSymbol(symbol Symbol) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if symbol.Status == "" {
		symbol.Status = "TRADING"
	}
	s.symbols[symbol.Name] = &symbol
	for _, asset := range []string{symbol.Base, symbol.Quote} {
		s.asset(asset)
	}
}

// SetStatus opens or closes a market: TRADING, HALT, BREAK.
func (s *Server) SetStatus(symbol, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.symbols[symbol].Status = status
}

func (s *Server) serveInfo(params url.Values) (any, *Refusal) {
	symbol, refusal := s.symbol(params)
	if refusal != nil {
		return nil, refusal
	}
	return map[string]any{
		"timezone": "UTC", "serverTime": s.now(), "rateLimits": []any{}, "exchangeFilters": []any{},
		"symbols": []any{map[string]any{
			"symbol": symbol.Name, "status": symbol.Status,
			"baseAsset": symbol.Base, "baseAssetPrecision": places, "quoteAsset": symbol.Quote, "quotePrecision": places, "quoteAssetPrecision": places,
			"baseCommissionPrecision": places, "quoteCommissionPrecision": places,
			"orderTypes": []string{"LIMIT", "MARKET"}, "quoteOrderQtyMarketAllowed": true, "isSpotTradingAllowed": true,
			"filters": symbol.filters(), "permissions": []string{"SPOT"},
			"defaultSelfTradePreventionMode": "EXPIRE_MAKER", "allowedSelfTradePreventionModes": []string{"EXPIRE_MAKER"},
		}},
	}, nil
}

func (s *Symbol) filters() []map[string]any {
	fs := []map[string]any{
		{"filterType": "PRICE_FILTER", "minPrice": fixed(""), "maxPrice": fixed(""), "tickSize": fixed(s.TickSize)},
		{"filterType": "LOT_SIZE", "minQty": fixed(s.MinQty), "maxQty": fixed(s.MaxQty), "stepSize": fixed(s.StepSize)},
		{"filterType": "ICEBERG_PARTS", "limit": 10},
		{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
	}
	if s.OldFilter {
		return append(fs, map[string]any{
			"filterType": "MIN_NOTIONAL", "minNotional": fixed(s.MinNotional), "applyToMarket": !s.NoMarketMinimum, "avgPriceMins": 5,
		})
	}
	return append(fs, map[string]any{
		"filterType": "NOTIONAL", "minNotional": fixed(s.MinNotional), "applyMinToMarket": !s.NoMarketMinimum,
		"maxNotional": fixed(s.MaxNotional), "applyMaxToMarket": false, "avgPriceMins": 5,
	})
}

// check holds an order against the filters: price is nil for a market order.
func (s *Symbol) check(price, quantity, notional *big.Rat) *Refusal {
	fail := func(filter string) *Refusal { return refuse(400, -1013, "Filter failure: "+filter) }
	if tick := rat(s.TickSize); price != nil && tick.Sign() > 0 && !multiple(price, tick) {
		return fail("PRICE_FILTER")
	}
	lot := rat(s.StepSize)
	if quantity != nil && (quantity.Cmp(rat(s.MinQty)) < 0 || beyond(quantity, s.MaxQty) || lot.Sign() > 0 && !multiple(quantity, lot)) {
		return fail("LOT_SIZE")
	}
	name := "NOTIONAL"
	if s.OldFilter {
		name = "MIN_NOTIONAL"
	}
	if price == nil && s.NoMarketMinimum {
		return nil
	}
	if notional.Cmp(rat(s.MinNotional)) < 0 || price != nil && beyond(notional, s.MaxNotional) {
		return fail(name)
	}
	return nil
}

func beyond(n *big.Rat, most string) bool { return rat(most).Sign() > 0 && n.Cmp(rat(most)) > 0 }

// places is how many decimals the exchange counts in, for every asset.
const places = 8

// rat reads a number of the test's own.
func rat(s string) *big.Rat {
	if s == "" {
		return new(big.Rat)
	}
	n, ok := new(big.Rat).SetString(s)
	if !ok {
		panic(fmt.Sprintf("binancetest: %q is not a number", s))
	}
	return n
}

// fixed writes a number as the exchange does, with all places.
func fixed(s string) string { return show(rat(s)) }

func show(n *big.Rat) string { return n.FloatString(places) }

func multiple(n, step *big.Rat) bool { return new(big.Rat).Quo(n, step).IsInt() }

// down cuts a number to a multiple of step.
func down(n, step *big.Rat) *big.Rat {
	q := new(big.Rat).Quo(n, step)
	whole := new(big.Int).Quo(q.Num(), q.Denom())
	return new(big.Rat).Mul(new(big.Rat).SetInt(whole), step)
}

// up rounds a number up to a multiple of step.
func up(n, step *big.Rat) *big.Rat {
	cut := down(n, step)
	if cut.Cmp(n) < 0 {
		cut.Add(cut, step)
	}
	return cut
}

// smallest is the unit of the last place.
func smallest() *big.Rat { return big.NewRat(1, 100_000_000) }
