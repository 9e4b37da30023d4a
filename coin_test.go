package teller_test

import (
	"testing"

	"github.com/skycoin/teller"
)

func TestParseCoin(t *testing.T) {
	for _, want := range teller.Coins {
		if got, err := teller.ParseCoin(want.String()); err != nil || got != want {
			t.Errorf("%s: got %s, %v", want, got, err)
		}
		if got, err := teller.ParseCoin(want.Lower()); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s: got %s, %v; want it invalid", want.Lower(), got, err)
		}
	}
	for _, s := range []string{"", "XYZ", "BTC ", "Btc"} {
		if got, err := teller.ParseCoin(s); teller.CodeOf(err) != teller.CodeInvalid || got != "" {
			t.Errorf("%q: got %s, %v; want it invalid", s, got, err)
		}
	}
}

func TestCoinDecimals(t *testing.T) {
	for c, want := range map[teller.Coin]int{teller.BTC: 8, teller.ETH: 18, teller.SKY: 6} {
		if got := c.Decimals(); got != want {
			t.Errorf("%s: got %d, want %d", c, got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a coin that does not exist has decimals")
		}
	}()
	teller.Coin("XYZ").Decimals()
}
