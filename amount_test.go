package teller_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// amounts draws amounts of every width that a chain can hold, so also those beyond a uint64.
func amounts() *rapid.Generator[teller.Amount] {
	return rapid.Custom(func(t *rapid.T) teller.Amount {
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "bytes"))
		a, err := teller.AmountFromBig(n)
		if err != nil {
			t.Fatal(err)
		}
		return a
	})
}

func TestParseAmount(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0", "0"},
		{"000", "0"},
		{"7", "7"},
		{"007", "7"},
		{"18446744073709551616", "18446744073709551616"},
		{strings.Repeat("9", 78), strings.Repeat("9", 78)},
	} {
		if got, err := teller.ParseAmount(c.in); err != nil || got.String() != c.want {
			t.Errorf("%q: got %s, %v; want %s", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{
		"", " ", "-1", "+1", "1.0", "1e3", "0x10", "1_000", " 1", "1 ", "1a1", "١", strings.Repeat("9", 79),
	} {
		if got, err := teller.ParseAmount(in); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%q: got %s, %v; want it invalid", in, got, err)
		}
	}
}

func TestAmountKeepsItsNumber(t *testing.T) {
	n := big.NewInt(5)
	a, err := teller.AmountFromBig(n)
	if err != nil {
		t.Fatal(err)
	}
	n.SetInt64(6)
	a.Big().SetInt64(7)
	a.Add(teller.NewAmount(8))
	if a.String() != "5" {
		t.Errorf("an amount of 5 became %s", a)
	}
	if zero, err := teller.AmountFromBig(nil); err != nil || !zero.IsZero() {
		t.Errorf("nil: got %s, %v; want 0", zero, err)
	}
	if a, err := teller.AmountFromBig(big.NewInt(-1)); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("-1: got %s, %v; want it invalid", a, err)
	}
}

func TestZeroAmount(t *testing.T) {
	var zero teller.Amount
	if n, ok := zero.Uint64(); n != 0 || !ok || !zero.IsZero() || zero.String() != "0" || !zero.Equal(teller.NewAmount(0)) {
		t.Errorf("the zero value is not 0: %s", zero)
	}
}

func TestAmountUint64(t *testing.T) {
	largest := teller.NewAmount(math.MaxUint64)
	if n, ok := largest.Uint64(); n != math.MaxUint64 || !ok {
		t.Errorf("got %d, %v; want the largest uint64", n, ok)
	}
	if _, ok := largest.Add(teller.NewAmount(1)).Uint64(); ok {
		t.Error("2^64 fits into a uint64")
	}
}

func TestAmountFormat(t *testing.T) {
	for _, c := range []struct {
		coin teller.Coin
		n    uint64
		want string
	}{
		{teller.BTC, 0, "0.00000000"},
		{teller.BTC, 1, "0.00000001"},
		{teller.BTC, 153420000, "1.53420000"},
		{teller.ETH, 0, "0.000000000000000000"},
		{teller.ETH, 1_500_000_000_000_000_000, "1.500000000000000000"},
		{teller.SKY, 102943000, "102.943000"},
	} {
		if got := teller.NewAmount(c.n).Format(c.coin); got != c.want {
			t.Errorf("%d of %s: got %s, want %s", c.n, c.coin, got, c.want)
		}
	}
}

func TestAmountProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts().Draw(t, "a"), amounts().Draw(t, "b")

		if back, err := teller.ParseAmount(a.String()); err != nil || !back.Equal(a) {
			t.Fatalf("%s reads back as %s, %v", a, back, err)
		}
		if got := a.Cmp(b); got != a.Big().Cmp(b.Big()) || (got == 0) != a.Equal(b) {
			t.Fatalf("%s and %s compare as %d", a, b, got)
		}
		sum := a.Add(b)
		if back, err := sum.Sub(b); err != nil || !back.Equal(a) {
			t.Fatalf("%s + %s - %s is %s, %v", a, b, b, back, err)
		}
		if diff, err := a.Sub(b); (err == nil) != (a.Cmp(b) >= 0) {
			t.Fatalf("%s - %s is %s, %v", a, b, diff, err)
		}
		coin := rapid.SampledFrom(teller.Coins).Draw(t, "coin")
		whole, frac, _ := strings.Cut(a.Format(coin), ".")
		if back, err := teller.ParseAmount(whole + frac); err != nil || len(frac) != coin.Decimals() || !back.Equal(a) {
			t.Fatalf("%s of %s is written %s", a, coin, a.Format(coin))
		}
	})
}

func TestParseDroplets(t *testing.T) {
	for _, c := range []struct {
		in   string
		want teller.Droplets
	}{
		{"0", 0},
		{"1", teller.DropletsPerSKY},
		{"0.000001", 1},
		{"100.5", 100_500_000},
		{"18446744073709.551615", math.MaxUint64},
	} {
		if got, err := teller.ParseDroplets(c.in); err != nil || got != c.want {
			t.Errorf("%q: got %d, %v; want %d", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"", ".", ".5", "-1", "+1", "1.0000001", "1e6", "1,5", "1.2.3", "18446744073709.551616"} {
		if got, err := teller.ParseDroplets(in); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%q: got %s, %v; want it invalid", in, got, err)
		}
	}
}

func TestDropletsCut(t *testing.T) {
	for decimals, want := range []teller.Droplets{28_000_000, 28_100_000, 28_120_000, 28_127_000, 28_127_600, 28_127_690, 28_127_696} {
		if got := teller.Droplets(28_127_696).Cut(decimals); got != want {
			t.Errorf("cut to %d decimals: %s, want %s", decimals, got, want)
		}
	}
}

func TestDropletsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := teller.Droplets(rapid.Uint64().Draw(t, "a")), teller.Droplets(rapid.Uint64().Draw(t, "b"))

		if back, err := teller.ParseDroplets(a.String()); err != nil || back != a {
			t.Fatalf("%d is written %s and reads back as %d, %v", uint64(a), a, uint64(back), err)
		}
		sum, err := teller.AddDroplets(a, b)
		exact := teller.NewAmount(uint64(a)).Add(teller.NewAmount(uint64(b)))
		if _, fits := exact.Uint64(); fits != (err == nil) || (fits && exact.String() != teller.NewAmount(uint64(sum)).String()) {
			t.Fatalf("%d + %d is %d, %v", uint64(a), uint64(b), uint64(sum), err)
		}
	})
}

func FuzzAmountJSON(f *testing.F) {
	for _, s := range []string{`"0"`, `7`, `"18446744073709551616"`, `-1`, `1e3`, `null`, `"-1"`, `"1"x`, `{}`, `"\u0031"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var a teller.Amount
		if err := json.Unmarshal(in, &a); err != nil {
			if !a.IsZero() {
				t.Fatalf("%q is refused, and still read as %s", in, a)
			}
			return
		}
		out, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back teller.Amount
		if err := json.Unmarshal(out, &back); err != nil || !back.Equal(a) || a.Big().Sign() < 0 {
			t.Fatalf("%q is read as %s, written as %s and read back as %s, %v", in, a, out, back, err)
		}
	})
}
