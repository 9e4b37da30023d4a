package teller

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// Amount is a non-negative number of a coin's base units (satoshi, wei, droplet), exact and without an upper bound: a
// uint64 ends at 18.4 ETH. The zero value is 0. Amounts are immutable and safe to copy. It marshals to JSON as a decimal
// string, because JSON numbers lose digits beyond 2^53 in most readers.
type Amount struct{ n *big.Int } // nil is 0; never mutated after construction

// NewAmount makes an Amount from base units.
func NewAmount(units uint64) Amount { return Amount{new(big.Int).SetUint64(units)} }

// AmountFromBig copies n, which must not be negative.
func AmountFromBig(n *big.Int) (Amount, error) {
	if n == nil {
		return Amount{}, nil
	}
	if n.Sign() < 0 {
		return Amount{}, Errorf(CodeInvalid, "negative amount %s", n)
	}
	return Amount{new(big.Int).Set(n)}, nil
}

// ParseAmount reads base units: decimal digits only.
func ParseAmount(s string) (Amount, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return Amount{}, Errorf(CodeInvalid, "%q is not a whole number of base units", s)
	}
	if len(s) > 78 { // 2^256 has 78 digits; nothing on any chain is larger
		return Amount{}, Errorf(CodeInvalid, "amount of %d digits is too large", len(s))
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return Amount{}, Errorf(CodeInvalid, "%q is not a whole number of base units", s)
	}
	return Amount{n}, nil
}

// Big returns a copy.
func (a Amount) Big() *big.Int {
	if a.n == nil {
		return new(big.Int)
	}
	return new(big.Int).Set(a.n)
}

// Uint64 returns the units and whether they fit.
func (a Amount) Uint64() (uint64, bool) {
	if a.n == nil {
		return 0, true
	}
	return a.n.Uint64(), a.n.IsUint64()
}

// IsZero reports whether a is 0.
func (a Amount) IsZero() bool { return a.n == nil || a.n.Sign() == 0 }

// Add returns a + b.
func (a Amount) Add(b Amount) Amount { return Amount{new(big.Int).Add(a.Big(), b.Big())} }

// Sub returns a - b, or an error when b is the larger: amounts are never negative.
func (a Amount) Sub(b Amount) (Amount, error) {
	return AmountFromBig(new(big.Int).Sub(a.Big(), b.Big()))
}

// Cmp compares as big.Int does: -1, 0 or 1.
func (a Amount) Cmp(b Amount) int { return a.Big().Cmp(b.Big()) }

// Equal reports whether both are the same number.
func (a Amount) Equal(b Amount) bool { return a.Cmp(b) == 0 }

// String is the number of base units in decimal.
func (a Amount) String() string { return a.Big().String() }

// Format writes the amount in the coin itself with all of its decimals: 1 satoshi is "0.00000001".
func (a Amount) Format(c Coin) string { return formatUnits(a.String(), c.Decimals()) }

// MarshalJSON implements json.Marshaler.
func (a Amount) MarshalJSON() ([]byte, error) { return json.Marshal(a.String()) }

// UnmarshalJSON accepts a decimal string or a bare whole number.
func (a *Amount) UnmarshalJSON(b []byte) error {
	s := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	v, err := ParseAmount(s)
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// Droplets is an amount of SKY in droplets, 10^-6 SKY: Skycoin's own unit and width
// (coin.TransactionOutput.Coins is a uint64).
type Droplets uint64

// DropletsPerSKY is 10^6.
const DropletsPerSKY Droplets = 1_000_000

// String writes SKY with six decimals, as every API of teller and of the Skycoin node does.
func (d Droplets) String() string { return formatUnits(strconv.FormatUint(uint64(d), 10), 6) }

// Cut takes off what is beyond so many decimals of SKY, 0 to 6.
func (d Droplets) Cut(decimals int) Droplets {
	unit := DropletsPerSKY
	for range decimals {
		unit /= 10
	}
	return d - d%unit
}

// ParseDroplets reads SKY as a decimal string with at most six decimals, the form that String writes.
func ParseDroplets(s string) (Droplets, error) {
	whole, frac, dot := strings.Cut(s, ".")
	if len(frac) > 6 || whole == "" || (dot && frac == "") || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, Errorf(CodeInvalid, "%q is not an amount of SKY with at most six decimals", s)
	}
	n, err := strconv.ParseUint(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 64)
	if err != nil {
		return 0, Errorf(CodeInvalid, "%q SKY is more than can exist", s)
	}
	return Droplets(n), nil
}

// AddDroplets returns the sum, or an error instead of wrapping around.
func AddDroplets(a, b Droplets) (Droplets, error) {
	if a+b < a {
		return 0, Errorf(CodeInvalid, "sum of %s and %s SKY overflows", a, b)
	}
	return a + b, nil
}

func formatUnits(digits string, decimals int) string {
	if pad := decimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	at := len(digits) - decimals
	return digits[:at] + "." + digits[at:]
}
