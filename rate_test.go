package teller_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

// rates draws rates in every spelling that an operator may use.
func rates() *rapid.Generator[teller.Rate] {
	return rapid.Custom(func(t *rapid.T) teller.Rate {
		decimal := rapid.StringMatching(`[0-9]{0,5}[1-9](\.[0-9]{1,6})?`)
		text := decimal.Draw(t, "rate")
		if rapid.Bool().Draw(t, "is a fraction") {
			text += "/" + decimal.Draw(t, "denominator")
		}
		r, err := teller.ParseRate(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

// exactRate reads a rate again, by other means than ParseRate.
func exactRate(t interface{ Fatalf(string, ...any) }, text string) *big.Rat {
	decimal := func(s string) *big.Rat {
		whole, frac, _ := strings.Cut(s, ".")
		n, ok := new(big.Int).SetString(whole+frac, 10)
		if !ok {
			t.Fatalf("%q was read as a rate", text)
		}
		return new(big.Rat).SetFrac(n, power10(len(frac)))
	}
	num, den, isFraction := strings.Cut(text, "/")
	r := decimal(num)
	if isFraction {
		r.Quo(r, decimal(den))
	}
	return r
}

func power10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func TestParseRate(t *testing.T) {
	for _, c := range []struct{ in, fixed string }{
		{"500", "500.000000"},
		{"1.5", "1.500000"},
		{"1/3", "0.333333"},
		{"0.5/0.25", "2.000000"},
		{"010", "10.000000"},
		{"2/3", "0.666666"},
		{"0.0000001", "0.000000"},
		{"0.00", ""},
		{"0", ""},
		{"", ""},
		{"-1", ""},
		{"+1", ""},
		{" 1", ""},
		{"1 ", ""},
		{"1e3", ""},
		{"0x1", ""},
		{"1_0", ""},
		{".5", ""},
		{"5.", ""},
		{"1.2.3", ""},
		{"1/0", ""},
		{"1/", ""},
		{"/1", ""},
		{"1/2/3", ""},
		{"Inf", ""},
		{strings.Repeat("1", 65), ""},
	} {
		r, err := teller.ParseRate(c.in)
		switch {
		case c.fixed == "" && (teller.CodeOf(err) != teller.CodeInvalid || !r.IsZero()):
			t.Errorf("%q: got %s, %v; want it invalid", c.in, r, err)
		case c.fixed != "" && (err != nil || r.String() != c.in || r.Fixed() != c.fixed):
			t.Errorf("%q: got %q, fixed %s, %v; want its own spelling and %s", c.in, r, r.Fixed(), err, c.fixed)
		}
	}
}

func TestMustRatePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a rate of 0 passed")
		}
	}()
	teller.MustRate("0")
}

func TestZeroRate(t *testing.T) {
	var zero teller.Rate
	if !zero.IsZero() || zero.String() != "" || zero.Fixed() != "0.000000" {
		t.Errorf("the zero value is not 'no rate': %q, fixed %s", zero, zero.Fixed())
	}
	if got, err := zero.Convert(teller.BTC, teller.NewAmount(1), 3); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("converted without a rate: %s, %v", got, err)
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		coin     teller.Coin
		units    string
		rate     string
		decimals int
		want     string // "" = invalid
	}{
		{teller.BTC, "201234", "500", 3, "1.006000"}, // 1.00617
		{teller.BTC, "201234", "500", 6, "1.006170"},
		{teller.BTC, "100000000", "1/3", 3, "0.333000"},
		{teller.BTC, "100000000", "1/3", 0, "0.000000"},
		{teller.BTC, "300000000", "1/3", 0, "1.000000"},
		{teller.BTC, "199", "500", 3, "0.000000"},
		{teller.BTC, "200", "500", 3, "0.001000"},
		{teller.BTC, "0", "500", 3, "0.000000"},
		{teller.ETH, "18446744073709551616", "30", 3, "553.402000"}, // 2^64 wei
		{teller.SKY, "999999", "1", 3, "0.999000"},
		{teller.SKY, "1000000", "999.999999", 6, "999.999999"},
		{teller.SKY, "18446744073709551615", "1", 6, "18446744073709.551615"},
		{teller.SKY, "18446744073709551616", "1", 6, ""},
		{teller.SKY, "18446744073709551615", "1000001/1000000", 6, ""},
		{teller.BTC, "1", "1", -1, ""},
		{teller.BTC, "1", "1", 7, ""},
	} {
		t.Run(fmt.Sprintf("%s %s at %s", c.units, c.coin, c.rate), func(t *testing.T) {
			a, err := teller.ParseAmount(c.units)
			if err != nil {
				t.Fatal(err)
			}
			got, err := teller.MustRate(c.rate).Convert(c.coin, a, c.decimals)
			switch {
			case c.want == "" && teller.CodeOf(err) != teller.CodeInvalid:
				t.Errorf("got %s, %v; want it invalid", got, err)
			case c.want != "" && (err != nil || got.String() != c.want):
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// checkConvert holds Convert against exact arithmetic: never more than the rate says, and short of it by less than one
// step of the last decimal.
func checkConvert(t interface{ Fatalf(string, ...any) }, r teller.Rate, c teller.Coin, a teller.Amount, decimals int) teller.Droplets {
	exact := new(big.Rat).SetFrac(a.Big(), power10(c.Decimals()))
	exact.Mul(exact, exactRate(t, r.String()))
	exact.Mul(exact, new(big.Rat).SetInt(power10(6))) // droplets
	step := new(big.Rat).SetInt(power10(6 - decimals))

	got, err := r.Convert(c, a, decimals)
	if err != nil {
		if exact.Cmp(new(big.Rat).SetUint64(math.MaxUint64)) <= 0 {
			t.Fatalf("%s %s at %s is refused: %v", a.Format(c), c, r, err)
		}
		return math.MaxUint64
	}
	paid := new(big.Rat).SetUint64(uint64(got))
	if paid.Cmp(exact) > 0 {
		t.Fatalf("%s %s at %s buys %s SKY, more than %s droplets", a.Format(c), c, r, got, exact.FloatString(3))
	}
	if new(big.Rat).Add(paid, step).Cmp(exact) <= 0 {
		t.Fatalf("%s %s at %s buys %s SKY, a whole step less than %s droplets", a.Format(c), c, r, got, exact.FloatString(3))
	}
	if !new(big.Rat).Quo(paid, step).IsInt() {
		t.Fatalf("%s SKY has more than %d decimals", got, decimals)
	}
	return got
}

func TestConvertProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rates().Draw(t, "rate")
		c := rapid.SampledFrom(teller.Coins).Draw(t, "coin")
		decimals := rapid.IntRange(0, 6).Draw(t, "decimals")
		a := amounts().Draw(t, "amount")
		more := a.Add(amounts().Draw(t, "more"))

		if less, got := checkConvert(t, r, c, a, decimals), checkConvert(t, r, c, more, decimals); less > got {
			t.Fatalf("%s buys %s SKY and the larger %s only %s", a, less, more, got)
		}
	})
}

func TestRateJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rates().Draw(t, "rate")
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back teller.Rate
		if err := json.Unmarshal(out, &back); err != nil || back.String() != r.String() || back.Fixed() != r.Fixed() {
			t.Fatalf("%s is written %s and reads back as %s, %v", r, out, back, err)
		}
	})
	r := teller.MustRate("1")
	if err := json.Unmarshal([]byte(`""`), &r); err != nil || !r.IsZero() {
		t.Errorf(`"" is read as %s, %v; want no rate`, r, err)
	}
	for _, in := range []string{`1`, `"0"`, `"x"`, `[]`} {
		if err := json.Unmarshal([]byte(in), &r); err == nil {
			t.Errorf("%s is read as the rate %s", in, r)
		}
	}
}

func FuzzRate(f *testing.F) {
	for _, s := range []string{"500", "1.5", "1/3", "0.5/0.25", "0", "1/0", "010", "08.10/3.0", "1e9", "0x10", "9/.1"} {
		f.Add(s, uint64(100_000_000), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, units uint64, decimals uint8) {
		r, err := teller.ParseRate(text)
		if err != nil {
			if !r.IsZero() || teller.CodeOf(err) != teller.CodeInvalid {
				t.Fatalf("%q is refused with %v, and still read as %s", text, err, r)
			}
			return
		}
		exact := exactRate(t, text)
		if r.String() != text || exact.Sign() <= 0 {
			t.Fatalf("%q is read as %s", text, r)
		}
		for _, c := range teller.Coins {
			checkConvert(t, r, c, teller.NewAmount(units), int(decimals%7))
		}
	})
}

func TestLess(t *testing.T) {
	for _, c := range []struct {
		rate string
		part *big.Rat
		want string
	}{
		{"500", big.NewRat(1, 20), "475"},
		{"500", new(big.Rat), "500"},
		{"1.5", big.NewRat(1, 100), "1.485"},
		{"1/3", big.NewRat(1, 10), "0.3"},
		{"1/3", big.NewRat(1, 5), "4/15"},
		{"123.456", big.NewRat(1, 3), "82.304"},
	} {
		got, err := teller.MustRate(c.rate).Less(c.part)
		if err != nil || got.String() != c.want {
			t.Errorf("%s less %s of it: %s, %v, want %s", c.rate, c.part, got, err, c.want)
		}
	}
	for _, part := range []*big.Rat{big.NewRat(1, 1), big.NewRat(3, 2), big.NewRat(-1, 2)} {
		if got, err := teller.MustRate("500").Less(part); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("500 less %s of it: %s, %v", part, got, err)
		}
	}
	if _, err := (teller.Rate{}).Less(new(big.Rat)); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("no rate: %v", err)
	}
	long := teller.MustRate("1/" + strings.Repeat("3", 60))
	if _, err := long.Less(big.NewRat(1, 1_000_001)); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("a rate that is too long to be kept: %v", err)
	}
}

// Nothing is rounded, and what comes out is read back as the same.
func TestLessProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rates().Draw(t, "rate")
		part := big.NewRat(rapid.Int64Range(0, 9_999).Draw(t, "part"), 10_000)
		less, err := rate.Less(part)
		if err != nil {
			t.Fatal(err)
		}
		want := new(big.Rat).Sub(big.NewRat(1, 1), part)
		want.Mul(want, exactRate(t, rate.String()))
		if got := exactRate(t, less.String()); got.Cmp(want) != 0 {
			t.Fatalf("%s less %s of it: %s", rate, part, less)
		}
		if _, err := teller.ParseRate(less.String()); err != nil {
			t.Fatal(err)
		}
	})
}
