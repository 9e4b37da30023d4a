package teller

// Terms is what the counter offers now. It is all that the HTTP API knows of the configuration.
type Terms struct {
	BindEnabled   bool
	SendEnabled   bool
	BuyMethod     BuyMethod // of the counter; see BuyMethodFor
	MaxBoundAddrs int       // bindings that one SKY address may have; 0 = unlimited
	MaxDecimals   int       // of the SKY sent
	Coins         map[Coin]CoinTerms
}

// CoinTerms are the terms for one coin.
type CoinTerms struct {
	Enabled       bool
	Confirmations int64  // confirmations_required: blocks on top of the deposit's own
	Rate          Rate   // zero when the coin is disabled and has none
	MinimumVolume string // passthrough_minimum_volume, in the coin
	Traded        bool   // the exchange sells SKY for it
}

// BuyMethodFor is how the SKY for deposits of a coin is obtained: directly where the exchange does not trade the coin.
func (t Terms) BuyMethodFor(c Coin) BuyMethod {
	if t.BuyMethod == BuyPassthrough && !t.Coins[c].Traded {
		return BuyDirect
	}
	return t.BuyMethod
}

// Minimum is the smallest deposit of the coin that buys any SKY at all.
func (t Terms) Minimum(c Coin) Amount {
	ct := t.Coins[c]
	if ct.Rate.IsZero() {
		return Amount{}
	}
	// ceil(10^-MaxDecimals SKY / rate) in base units = ceil(den x 10^coin decimals / (num x 10^MaxDecimals))
	num := ct.Rate.r.Denom()
	n := pow10(c.Decimals())
	n.Mul(n, num)
	d := pow10(t.MaxDecimals)
	d.Mul(d, ct.Rate.r.Num())
	n.Add(n, d)
	n.Sub(n, pow10(0))
	n.Quo(n, d)
	return Amount{n}
}
