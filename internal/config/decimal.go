package config

import (
	"fmt"
	"strings"

	"github.com/skycoin/teller"
)

// Decimal is an amount of a coin as the operator wrote it: digits, and perhaps a point and more digits. It is kept as
// text because the API repeats it; Amount gives its exact value.
type Decimal string

// Amount is the value in the coin's base units; it fails when the text has more decimals than the coin.
func (d Decimal) Amount(c teller.Coin) (teller.Amount, error) {
	whole, frac, point := strings.Cut(string(d), ".")
	if whole == "" || (point && frac == "") || strings.Trim(whole+frac, "0123456789") != "" {
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
