package teller

import "strings"

// Coin is a currency that a buyer pays with. The set is closed: SKY is also what every buyer is paid in.
type Coin string

// The coins, under the names that every API and config key uses.
const (
	BTC Coin = "BTC"
	ETH Coin = "ETH"
	SKY Coin = "SKY"
)

// Coins lists every coin in the order in which APIs show them.
var Coins = []Coin{BTC, ETH, SKY}

// ParseCoin accepts a coin's name in upper case, as the public API always demanded it.
func ParseCoin(s string) (Coin, error) {
	switch c := Coin(s); c {
	case BTC, ETH, SKY:
		return c, nil
	}
	return "", Errorf(CodeInvalid, "unknown coin %q: use BTC, ETH or SKY", s)
}

// Decimals is the number of decimal places between the coin and its base unit: satoshi (10^-8 BTC), wei (10^-18 ETH),
// droplet (10^-6 SKY).
func (c Coin) Decimals() int {
	switch c {
	case BTC:
		return 8
	case ETH:
		return 18
	case SKY:
		return 6
	}
	panic("teller: no such coin: " + string(c))
}

// Lower is the coin's name as config keys and bucket names spell it.
func (c Coin) Lower() string { return strings.ToLower(string(c)) }

// String implements fmt.Stringer.
func (c Coin) String() string { return string(c) }

// BuyMethod says how the SKY for a deposit is obtained.
type BuyMethod string

// The buy methods: from the hot wallet at the operator's rate, or on an exchange for what the deposit is worth there.
const (
	BuyDirect      BuyMethod = "direct"
	BuyPassthrough BuyMethod = "passthrough"
)
