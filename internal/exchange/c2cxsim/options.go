package c2cxsim

import (
	"log/slog"
	"time"

	"github.com/skycoin/teller"
)

// Options say what kind of exchange it is. The zero value of a number means its default.
type Options struct {
	// Accounts are those that exist from the start. With a journal that knows them already, only the secret counts.
	Accounts []NewAccount
	// Fee is the part of what is bought that the exchange keeps: 0.002 by default, "0" for none.
	Fee string
	// Minimum is the least that an order may be worth, in BTC: 0.0005 by default, "0" for none.
	Minimum string
	// Decimals that prices, quantities of SKY and sums of BTC may have: 8, 6 and 8 by default. C2CX itself took 5, 2 and 5.
	PriceDecimals, QuantityDecimals, SpendDecimals int
	// AverageDecimals are those of the average price in answers: 18 by default, so that it tells the sum spent exactly.
	AverageDecimals int
	// PerMinute is how many requests an account may make to an endpoint in a minute; 0 = any number. C2CX itself said 60.
	PerMinute int
	// RefuseShort refuses orders that the account can not pay, instead of accepting them without executing them.
	RefuseShort bool
	// FaultPercent is how many of a hundred requests meet a fault by themselves, Seed which ones and which faults. The same
	// requests in the same order meet the same.
	FaultPercent int
	Seed         uint64
	// Journal is the file that everything is kept in; "" = nowhere.
	Journal string
	// Now is the clock; nil = the real one.
	Now func() time.Time
	// Log is told what the exchange does; nil = nothing is.
	Log *slog.Logger
}

// NewAccount is an account to be made, and what it holds then.
type NewAccount struct {
	Key, Secret string
	BTC, SKY    Decimal
}

// rules are Options, checked and with defaults.
type rules struct {
	fee, minimum                                                    Decimal
	priceDecimals, quantityDecimals, spendDecimals, averageDecimals int
	perMinute                                                       int
	refuseShort                                                     bool
}

func (o Options) rules() (rules, error) {
	r := rules{
		priceDecimals: 8, quantityDecimals: 6, spendDecimals: 8, averageDecimals: 18,
		perMinute: o.PerMinute, refuseShort: o.RefuseShort,
		fee: MustDecimal("0.002"), minimum: MustDecimal("0.0005"),
	}
	for _, d := range []struct {
		given int
		into  *int
	}{
		{o.PriceDecimals, &r.priceDecimals}, {o.QuantityDecimals, &r.quantityDecimals},
		{o.SpendDecimals, &r.spendDecimals}, {o.AverageDecimals, &r.averageDecimals},
	} {
		if d.given < 0 || d.given > 20 {
			return r, teller.Errorf(teller.CodeInvalid, "%d decimals are not between 0 and 20", d.given)
		}
		if d.given > 0 {
			*d.into = d.given
		}
	}
	for _, d := range []struct {
		given string
		into  *Decimal
	}{{o.Fee, &r.fee}, {o.Minimum, &r.minimum}} {
		if d.given == "" {
			continue
		}
		v, err := ParseDecimal(d.given)
		if err != nil || v.Sign() < 0 {
			return r, teller.Errorf(teller.CodeInvalid, "%q is neither a fee nor a minimum", d.given)
		}
		*d.into = v
	}
	if r.fee.Cmp(MustDecimal("1")) >= 0 {
		return r, teller.Errorf(teller.CodeInvalid, "a fee of %s leaves nothing to the buyer", r.fee)
	}
	if o.FaultPercent < 0 || o.FaultPercent > 100 || o.PerMinute < 0 {
		return r, teller.Errorf(teller.CodeInvalid, "%d faults in a hundred requests, %d requests a minute", o.FaultPercent, o.PerMinute)
	}
	return r, nil
}
