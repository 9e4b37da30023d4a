package c2cxsim

import (
	"encoding/json"
	"math/big"
	"strings"

	"github.com/skycoin/teller"
)

// Decimal is an exact number. The zero value is 0; it is immutable and safe to copy. In JSON it is a string.
type Decimal struct{ r *big.Rat } // nil is 0; never mutated after construction

// maxDigits bounds what is parsed.
const maxDigits = 60

// ParseDecimal reads a decimal number without an exponent, such as "-1.5".
func ParseDecimal(s string) (Decimal, error) {
	whole, frac, dot := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if whole == "" || (dot && frac == "") || strings.Trim(whole+frac, "0123456789") != "" || len(s) > maxDigits {
		return Decimal{}, teller.Errorf(teller.CodeInvalid, "%.60q is no decimal number", s)
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return Decimal{}, teller.Errorf(teller.CodeInvalid, "%.60q is no decimal number", s)
	}
	return Decimal{r}, nil
}

// MustDecimal is ParseDecimal for constants and tests.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// Rat returns a copy.
func (d Decimal) Rat() *big.Rat {
	if d.r == nil {
		return new(big.Rat)
	}
	return new(big.Rat).Set(d.r)
}

// String writes all digits that there are. A number that is no decimal is written as a fraction; there is none in what
// the simulator holds.
func (d Decimal) String() string {
	r := d.Rat()
	digits, exact := r.FloatPrec()
	if !exact {
		return r.String()
	}
	return r.FloatString(digits)
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int { return d.Rat().Sign() }

// Cmp compares: -1, 0 or 1.
func (d Decimal) Cmp(e Decimal) int { return d.Rat().Cmp(e.Rat()) }

// MarshalJSON implements json.Marshaler.
func (d Decimal) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON accepts a string or a number.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	v, err := ParseDecimal(strings.Trim(string(b), `"`))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

func (d Decimal) add(e Decimal) Decimal { return Decimal{new(big.Rat).Add(d.Rat(), e.Rat())} }
func (d Decimal) sub(e Decimal) Decimal { return Decimal{new(big.Rat).Sub(d.Rat(), e.Rat())} }
func (d Decimal) mul(e Decimal) Decimal { return Decimal{new(big.Rat).Mul(d.Rat(), e.Rat())} }

// quo is the quotient, cut to a number of decimals. The divisor is not 0.
func (d Decimal) quo(e Decimal, decimals int) Decimal {
	return Decimal{new(big.Rat).Quo(d.Rat(), e.Rat())}.cut(decimals)
}

// cut drops what is beyond a number of decimals, towards 0.
func (d Decimal) cut(decimals int) Decimal {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	r := d.Rat()
	n := new(big.Int).Mul(r.Num(), scale)
	return Decimal{new(big.Rat).SetFrac(n.Quo(n, r.Denom()), scale)}
}

// fits reports whether there is nothing beyond a number of decimals.
func (d Decimal) fits(decimals int) bool { return d.cut(decimals).Cmp(d) == 0 }

func least(d, e Decimal) Decimal {
	if d.Cmp(e) < 0 {
		return d
	}
	return e
}
