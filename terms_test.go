package teller_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

func termsFor(c teller.Coin, rate teller.Rate, maxDecimals int) teller.Terms {
	return teller.Terms{
		MaxDecimals: maxDecimals,
		Coins:       map[teller.Coin]teller.CoinTerms{c: {Enabled: true, Rate: rate}},
	}
}

func TestMinimum(t *testing.T) {
	for _, c := range []struct {
		coin     teller.Coin
		rate     string
		decimals int
		want     string
	}{
		{teller.BTC, "500", 3, "200"},
		{teller.BTC, "500", 0, "200000"},
		{teller.BTC, "3", 3, "33334"},
		{teller.BTC, "1000000000", 3, "1"},
		{teller.ETH, "30", 3, "33333333333334"},
		{teller.SKY, "1", 6, "1"},
		{teller.SKY, "1/3", 3, "3000"},
	} {
		terms := termsFor(c.coin, teller.MustRate(c.rate), c.decimals)
		if got := terms.Minimum(c.coin); got.String() != c.want {
			t.Errorf("%s at %s to %d decimals: got %s, want %s", c.coin, c.rate, c.decimals, got, c.want)
		}
	}
	if got := (teller.Terms{}).Minimum(teller.BTC); !got.IsZero() {
		t.Errorf("a coin without a rate: got %s, want 0", got)
	}
}

// The minimum buys something, and one unit less buys nothing.
func TestMinimumProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rates().Draw(t, "rate")
		coin := rapid.SampledFrom(teller.Coins).Draw(t, "coin")
		decimals := rapid.IntRange(0, 6).Draw(t, "decimals")

		least := termsFor(coin, rate, decimals).Minimum(coin)
		if got, err := rate.Convert(coin, least, decimals); err != nil || got == 0 {
			t.Fatalf("the minimum %s %s buys %s SKY, %v", least.Format(coin), coin, got, err)
		}
		less, err := least.Sub(teller.NewAmount(1))
		if err != nil {
			t.Fatalf("the minimum is %s: %v", least, err)
		}
		if got, err := rate.Convert(coin, less, decimals); err != nil || got != 0 {
			t.Fatalf("less than the minimum, %s %s, buys %s SKY, %v", less.Format(coin), coin, got, err)
		}
	})
}

func TestBuyMethodFor(t *testing.T) {
	terms := teller.Terms{Coins: map[teller.Coin]teller.CoinTerms{teller.BTC: {Traded: true}, teller.ETH: {}}}
	for _, c := range []struct {
		method        teller.BuyMethod
		btc, eth, sky teller.BuyMethod
	}{
		{teller.BuyDirect, teller.BuyDirect, teller.BuyDirect, teller.BuyDirect},
		{teller.BuyPassthrough, teller.BuyPassthrough, teller.BuyDirect, teller.BuyDirect},
	} {
		terms.BuyMethod = c.method
		got := [3]teller.BuyMethod{terms.BuyMethodFor(teller.BTC), terms.BuyMethodFor(teller.ETH), terms.BuyMethodFor(teller.SKY)}
		if got != [3]teller.BuyMethod{c.btc, c.eth, c.sky} {
			t.Errorf("%s: %v", c.method, got)
		}
	}
}
