package teller

import (
	"encoding/json"
	"math/big"
	"strings"
)

// MaxDecimals is the largest number of decimals that a Skycoin transaction may carry: nodes enforce 3
// (params.UserVerifyTxn.MaxDropletPrecision), although the unit has 6.
const MaxDecimals = 3

// Rate is an exact price: how many SKY one whole coin buys. It keeps the operator's own spelling ("500", "1.5", "1/3")
// because the API repeats it as conversion_rate. The zero value is not a rate.
type Rate struct {
	text string
	r    *big.Rat // never mutated
}

// ParseRate accepts an integer, a decimal or a fraction, greater than zero. No exponents, no signs, no blanks.
func ParseRate(s string) (Rate, error) {
	bad := Errorf(CodeInvalid, "%q is not an exchange rate: write an integer, a decimal or a fraction greater than 0", s)
	if len(s) > 64 {
		return Rate{}, Errorf(CodeInvalid, "exchange rate of %d characters is too long", len(s))
	}
	num, den, isFraction := strings.Cut(s, "/")
	if !isDecimal(num) || (isFraction && !isDecimal(den)) {
		return Rate{}, bad
	}
	r, ok := new(big.Rat).SetString(num)
	if !ok {
		return Rate{}, bad
	}
	if isFraction {
		d, ok := new(big.Rat).SetString(den)
		if !ok || d.Sign() == 0 {
			return Rate{}, bad
		}
		r.Quo(r, d)
	}
	if r.Sign() <= 0 {
		return Rate{}, bad
	}
	return Rate{text: s, r: r}, nil
}

// MustRate is ParseRate for constants and tests.
func MustRate(s string) Rate {
	r, err := ParseRate(s)
	if err != nil {
		panic(err)
	}
	return r
}

func isDecimal(s string) bool {
	whole, frac, dot := strings.Cut(s, ".")
	return whole != "" && (!dot || frac != "") && strings.Trim(whole+frac, "0123456789") == ""
}

// IsZero reports whether this is the zero value, "no rate".
func (r Rate) IsZero() bool { return r.r == nil }

// String is the operator's spelling.
func (r Rate) String() string { return r.text }

// Fixed writes the rate with six decimals, rounded down, as /api/config does.
func (r Rate) Fixed() string {
	if r.r == nil {
		return "0.000000"
	}
	scaled := new(big.Int).Mul(r.r.Num(), big.NewInt(1_000_000))
	return formatUnits(scaled.Quo(scaled, r.r.Denom()).String(), 6)
}

// Convert returns the SKY due for an amount of coin: amount x rate, cut (never rounded up) to maxDecimals decimals of SKY.
// The counter never pays out more than the rate says. A result of 0 is no error.
func (r Rate) Convert(c Coin, a Amount, maxDecimals int) (Droplets, error) {
	if r.r == nil {
		return 0, Errorf(CodeInvalid, "no exchange rate")
	}
	if maxDecimals < 0 || maxDecimals > 6 {
		return 0, Errorf(CodeInvalid, "max decimals %d is not between 0 and 6", maxDecimals)
	}
	// units of 10^-maxDecimals SKY = amount x num x 10^maxDecimals / (den x 10^coin decimals), floored
	n := new(big.Int).Mul(a.Big(), r.r.Num())
	n.Mul(n, pow10(maxDecimals))
	n.Quo(n, new(big.Int).Mul(r.r.Denom(), pow10(c.Decimals())))
	n.Mul(n, pow10(6-maxDecimals))
	if !n.IsUint64() {
		return 0, Errorf(CodeInvalid, "%s %s at %s SKY each is more SKY than can exist", a.Format(c), c, r)
	}
	return Droplets(n.Uint64()), nil
}

// Less is the rate less a part of it, exactly: 500 less 1/20 is 475. The part is at least 0 and less than 1.
func (r Rate) Less(part *big.Rat) (Rate, error) {
	one := big.NewRat(1, 1)
	if r.r == nil || part.Sign() < 0 || part.Cmp(one) >= 0 {
		return Rate{}, Errorf(CodeInvalid, "no rate is %q less %s of it", r, part.RatString())
	}
	rest := one.Sub(one, part)
	rest.Mul(rest, r.r)
	if decimals, exact := rest.FloatPrec(); exact {
		return ParseRate(rest.FloatString(decimals))
	}
	return ParseRate(rest.RatString())
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// MarshalJSON writes the operator's spelling.
func (r Rate) MarshalJSON() ([]byte, error) { return json.Marshal(r.text) }

// UnmarshalJSON accepts what MarshalJSON writes; "" is the zero value.
func (r *Rate) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" {
		*r = Rate{}
		return nil
	}
	v, err := ParseRate(s)
	if err != nil {
		return err
	}
	*r = v
	return nil
}
