package c2cx

import (
	"math/big"
	"strings"

	"github.com/skycoin/teller"
)

// maxClientID is how long a client id may be: what teller.OrderClientID makes is shorter.
const maxClientID = 36

// terms are an order in the exchange's words.
type terms struct {
	priceType, price, quantity string
	cost                       teller.Amount // at most; what is reserved
}

// terms translates a request.
func (x *Exchange) terms(o teller.OrderRequest) (terms, error) {
	if !isClientID(o.ClientID) {
		return terms{}, teller.Errorf(teller.CodeInvalid, "c2cx: %.40q is no client id", o.ClientID)
	}
	if rest := new(big.Int).Rem(o.Spend.Big(), x.market.Step.Big()); o.Spend.IsZero() || rest.Sign() != 0 {
		return terms{}, teller.Errorf(teller.CodeInvalid, "c2cx: %s BTC is no multiple of %s above 0", o.Spend.Format(o.Coin), x.market.Step.Format(o.Coin))
	}
	if o.Spend.Cmp(x.market.Minimum) < 0 {
		return terms{}, teller.Errorf(teller.CodeBelowMinimum, "c2cx: %s BTC is less than the minimum of %s", o.Spend.Format(o.Coin), x.market.Minimum.Format(o.Coin))
	}
	if o.Least.IsZero() {
		return terms{"market", "0", decimal(o.Spend.Big(), o.Coin.Decimals()), o.Spend}, nil
	}
	return x.limit(o)
}

// limit is the order to buy for at most o.Spend, at no worse a price than o.Least.
func (x *Exchange) limit(o teller.OrderRequest) (terms, error) {
	least, err := rateRat(o.Least)
	if err != nil {
		return terms{}, err
	}
	// BTC for one SKY, in units of the last decimal, rounded down: never worse than demanded.
	price := floor(scaled(new(big.Rat).Inv(least), x.priceDecimals))
	if price.Sign() == 0 {
		return terms{}, teller.Errorf(teller.CodeInvalid, "c2cx: nobody sells as many as %s SKY for one BTC: the price has %d decimals", o.Least, x.priceDecimals)
	}
	exact := new(big.Rat).SetFrac(price, pow10(x.priceDecimals))
	spend := new(big.Rat).SetFrac(o.Spend.Big(), pow10(o.Coin.Decimals()))
	quantity := floor(scaled(new(big.Rat).Quo(spend, exact), x.quantityDecimals))
	if quantity.Sign() == 0 {
		return terms{}, teller.Errorf(teller.CodeBelowMinimum, "c2cx: %s BTC buys not even the smallest part of a SKY at %s SKY each", o.Spend.Format(o.Coin), o.Least)
	}
	cost, err := teller.AmountFromBig(ceil(scaled(
		new(big.Rat).Mul(exact, new(big.Rat).SetFrac(quantity, pow10(x.quantityDecimals))), o.Coin.Decimals())))
	return terms{"limit", decimal(price, x.priceDecimals), decimal(quantity, x.quantityDecimals), cost}, err
}

// rateRat is a rate's number.
func rateRat(r teller.Rate) (*big.Rat, error) {
	num, den, isFraction := strings.Cut(r.String(), "/")
	n, ok := new(big.Rat).SetString(num)
	d := big.NewRat(1, 1)
	if ok && isFraction {
		d, ok = new(big.Rat).SetString(den)
	}
	if !ok || d.Sign() == 0 {
		return nil, teller.Errorf(teller.CodeInvalid, "c2cx: %q is no rate", r)
	}
	return n.Quo(n, d), nil
}

// isClientID reports whether the exchange takes it as a client id.
func isClientID(s string) bool {
	return s != "" && len(s) <= maxClientID &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// decimal writes n units of the last of some decimals, without zeros at the end.
func decimal(n *big.Int, decimals int) string {
	s := new(big.Rat).SetFrac(n, pow10(decimals)).FloatString(decimals)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
