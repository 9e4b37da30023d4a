package c2cx

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// number is a JSON number or a string that holds one; C2CX uses both for the same field. null and "" are no number. The
// zero value is none.
type number struct {
	text  string // as the exchange writes it
	value *big.Rat
}

// numeral is what is taken for a number. Exponents are bounded, so that no answer makes a number of a billion digits.
var numeral = regexp.MustCompile(`^-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?$`)

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	*n = number{}
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		text = strings.TrimSpace(text)
	}
	if text == "" || text == "null" {
		return nil
	}
	if !numeral.MatchString(text) {
		return fmt.Errorf("%.60q is no number", text)
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return fmt.Errorf("%.60q is no number", text)
	}
	*n = number{text, value}
	return nil
}

// given reports whether there is a number.
func (n number) given() bool { return n.value != nil }

// rat is the number, 0 when there is none.
func (n number) rat() *big.Rat {
	if n.value == nil {
		return new(big.Rat)
	}
	return n.value
}

// count is the number as a whole one from 0 on; -1 when it is none.
func (n number) count() int {
	if !n.given() || !n.value.IsInt() || n.value.Sign() < 0 || !n.value.Num().IsInt64() || n.value.Num().Int64() > 1<<31 {
		return -1
	}
	return int(n.value.Num().Int64())
}

// decimals is how many digits the text has behind the point, exponent included.
func (n number) decimals() int {
	if !n.given() {
		return 0
	}
	digits, exponent, _ := strings.Cut(strings.ToLower(n.text), "e")
	_, frac, _ := strings.Cut(digits, ".")
	shift, err := strconv.Atoi(exponent)
	if err != nil { // there is none
		shift = 0
	}
	return max(0, len(frac)-shift)
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// scaled is r x 10^decimals.
func scaled(r *big.Rat, decimals int) *big.Rat {
	return new(big.Rat).Mul(r, new(big.Rat).SetInt(pow10(decimals)))
}

// floor, ceil and half round to a whole number: down, up, and to the nearest, half up. None is for negative numbers.
func floor(r *big.Rat) *big.Int { return new(big.Int).Quo(r.Num(), r.Denom()) }

func ceil(r *big.Rat) *big.Int {
	n := floor(r)
	if !r.IsInt() {
		n.Add(n, big.NewInt(1))
	}
	return n
}

func half(r *big.Rat) *big.Int { return floor(new(big.Rat).Add(r, big.NewRat(1, 2))) }
