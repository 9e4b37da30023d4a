package binance

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/skycoin/teller"
)

// maxDigits bounds what is read as one number; the exchange writes some twenty digits.
const maxDigits = 60

var errNegative = errors.New("a negative number")

// decimal reads a number as the exchange writes them: digits with at most one point, and no exponent, which could make a
// few bytes into gigabytes.
func decimal(s string) (*big.Rat, error) {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		if _, err := decimal(rest); err == nil {
			return nil, errNegative
		}
	}
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" || dot && frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return nil, fmt.Errorf("%q is not a number", cut(s, maxDigits))
	}
	if len(s) > maxDigits {
		return nil, fmt.Errorf("a number of %d characters", len(s))
	}
	n, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("%q is not a number", s)
	}
	return n, nil
}

// floor is n in units of 10^-decimals, cut.
func floor(n *big.Rat, decimals int) *big.Int {
	scaled := new(big.Int).Mul(n.Num(), pow10(decimals))
	return scaled.Div(scaled, n.Denom())
}

// ceil is n in units of 10^-decimals, rounded up.
func ceil(n *big.Rat, decimals int) *big.Int {
	units := floor(new(big.Rat).Neg(n), decimals)
	return units.Neg(units)
}

// floorTo cuts n to a multiple of step.
func floorTo(n, step *big.Rat) *big.Rat {
	times := floor(new(big.Rat).Quo(n, step), 0)
	return new(big.Rat).Mul(new(big.Rat).SetInt(times), step)
}

// fraction is 10^-decimals.
func fraction(decimals int) *big.Rat { return new(big.Rat).SetFrac(big.NewInt(1), pow10(decimals)) }

// write is the shortest decimal for a number that has one: the exchange refuses digits beyond its precision, even zeros.
func write(n *big.Rat) string {
	decimals, _ := n.FloatPrec()
	return n.FloatString(decimals)
}

// inCoins is an amount in whole coins.
func inCoins(a teller.Amount, coin teller.Coin) *big.Rat {
	return new(big.Rat).SetFrac(a.Big(), pow10(coin.Decimals()))
}

// exact is a rate as a number. It was checked when it was made: it is a decimal, or a fraction of two.
func exact(r teller.Rate) (*big.Rat, error) {
	num, den, isFraction := strings.Cut(r.String(), "/")
	n, err := decimal(num)
	if err == nil && isFraction {
		var d *big.Rat
		if d, err = decimal(den); err == nil && d.Sign() > 0 {
			n.Quo(n, d)
		}
	}
	if err != nil || n.Sign() <= 0 {
		return nil, teller.Errorf(teller.CodeInvalid, "binance: %q is no price", r.String())
	}
	return n, nil
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// cut bounds a text that comes from outside.
func cut(s string, limit int) string { return strings.ToValidUTF8(s[:min(len(s), limit)], "?") }
