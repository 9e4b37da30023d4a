package config

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/skycoin/teller"
)

// Decimal is an amount of a coin, or a plain number, as the operator wrote it: digits, and perhaps a point and more digits.
// It is kept as text because the API repeats it; Amount and Fraction give its exact value.
type Decimal string

// parts are the digits before and after the point.
func (d Decimal) parts() (whole, frac string, ok bool) {
	whole, frac, point := strings.Cut(string(d), ".")
	return whole, frac, whole != "" && (!point || frac != "") && strings.Trim(whole+frac, "0123456789") == ""
}

// Fraction is the value as a number.
func (d Decimal) Fraction() (*big.Rat, error) {
	if _, _, ok := d.parts(); !ok || len(d) > maxDigits {
		return nil, teller.Errorf(teller.CodeInvalid, "must be a decimal like 0.05, is %q", string(d))
	}
	n, ok := new(big.Rat).SetString(string(d))
	if !ok {
		return nil, teller.Errorf(teller.CodeInvalid, "must be a decimal like 0.05, is %q", string(d))
	}
	return n, nil
}

// maxDigits is more than any part of a price needs.
const maxDigits = 20

// Amount is the value in the coin's base units; it fails when the text has more decimals than the coin.
func (d Decimal) Amount(c teller.Coin) (teller.Amount, error) {
	whole, frac, ok := d.parts()
	if !ok {
		return teller.Amount{}, teller.Errorf(teller.CodeInvalid, "must be a decimal like 0.005, is %q", string(d))
	}
	if len(frac) > c.Decimals() {
		return teller.Amount{}, teller.Errorf(teller.CodeInvalid, "has %d decimals, %s has %d", len(frac), c, c.Decimals())
	}
	units, err := teller.ParseAmount(whole + frac + strings.Repeat("0", c.Decimals()-len(frac)))
	if err != nil {
		return teller.Amount{}, fmt.Errorf("%q %s: %w", string(d), c, err)
	}
	return units, nil
}
