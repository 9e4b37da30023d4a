package crashtest

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// rates are SKY for one coin, as in the configuration. None of them comes out even.
var rates = map[string]string{"BTC": "517.3", "ETH": "48.125", "SKY": "3/7"}

// unit is how many base units one coin has.
var unit = map[string]*big.Int{
	"BTC": big.NewInt(1e8), "ETH": big.NewInt(1e18), "SKY": big.NewInt(1e6),
}

// deposit is an output or transfer on a deposit chain's best chain.
type deposit struct {
	coin    string
	txid    string
	n       int // position among the transfers of the transaction
	address string
	value   *big.Int
	height  int64
}

func (d deposit) id() string { return fmt.Sprintf("%s %s:%d", d.coin, d.txid, d.n) }

// worth is what a deposit is worth in droplets at the configured rate, cut to three decimals of a SKY.
func worth(coin string, value *big.Int) int64 {
	rate, ok := new(big.Rat).SetString(rates[coin])
	if !ok {
		panic("no rate for " + coin)
	}
	skys := rate.Mul(rate, new(big.Rat).SetFrac(value, unit[coin]))
	thousandths := skys.Mul(skys, big.NewRat(1000, 1))
	return new(big.Int).Quo(thousandths.Num(), thousandths.Denom()).Int64() * 1000
}

// payout is one output of a transaction on the Skycoin chain that pays a buyer.
type payout struct {
	txid  string
	buyer string
	coins int64 // droplets
}

// statusEntry is an entry of /api/status.
type statusEntry struct {
	Status   string
	CoinType string `json:"coin_type"`
	TxID     string
}

// evidence is all that is judged: what the chains hold and what the public API says.
type evidence struct {
	owner    map[string]string // deposit address -> buyer, as answered to binds
	deposits []deposit         // on the best chains, at depth, to any address
	payouts  []payout
	statuses map[string][]statusEntry // by buyer
	// The hot wallet's droplets, before the first payout and now.
	opening, closing int64
	strangers        []string // outputs on the Skycoin chain to addresses that nobody knows
}

// finding is one way in which the outcome is not as it must be.
type finding struct {
	buyer string // "" when it concerns no one buyer
	what  string
	// fatal says that no waiting can mend it.
	fatal bool
}

// judge compares what was paid with what must be paid. It knows teller by its promise only.
func judge(e evidence) []finding {
	var findings []finding
	due, count := make(map[string]int64), make(map[string]int)
	for _, d := range e.deposits {
		if buyer := e.owner[d.address]; buyer != "" {
			due[buyer] += worth(d.coin, d.value)
			count[buyer]++
		}
	}
	paid, txids, total := make(map[string]int64), make(map[string][]string), int64(0)
	for _, p := range e.payouts {
		paid[p.buyer] += p.coins
		txids[p.buyer] = append(txids[p.buyer], p.txid)
		total += p.coins
	}
	for _, buyer := range slices.Sorted(maps.Keys(e.statuses)) {
		findings = append(findings, judgeBuyer(buyer, due[buyer], paid[buyer], count[buyer], txids[buyer], e.statuses[buyer])...)
	}
	for buyer := range paid {
		if _, known := e.statuses[buyer]; !known {
			findings = append(findings, finding{buyer, "was paid and is nobody's buyer", true})
		}
	}
	if e.opening-total != e.closing {
		findings = append(findings, finding{"", fmt.Sprintf("the wallet had %d droplets, buyers got %d, and it has %d", e.opening, total, e.closing), true})
	}
	for _, s := range e.strangers {
		findings = append(findings, finding{"", s, true})
	}
	slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(b.weight(), a.weight()) })
	return findings
}

func (f finding) weight() int {
	if f.fatal {
		return 1
	}
	return 0
}

func judgeBuyer(buyer string, due, paid int64, deposits int, txids []string, statuses []statusEntry) []finding {
	var findings []finding
	complain := func(fatal bool, format string, args ...any) {
		findings = append(findings, finding{buyer, fmt.Sprintf(format, args...), fatal})
	}
	switch {
	case paid > due:
		complain(true, "PAID TOO MUCH: %d droplets for deposits worth %d", paid, due)
	case paid < due:
		complain(false, "LOST so far: %d droplets for deposits worth %d", paid, due)
	}
	if len(txids) > deposits {
		complain(true, "was paid by %d outputs for %d deposits", len(txids), deposits)
	}
	done, told := 0, make(map[string]bool)
	for _, s := range statuses {
		switch {
		case s.Status == "done":
			done++
			if s.TxID != "" {
				told[s.TxID] = true
			}
		case s.Status != "waiting_deposit" || s.TxID != "":
			complain(false, "a deposit is still %s", s.Status)
		}
	}
	if done != deposits {
		complain(false, "%d deposits are on the chains and %d are done", deposits, done)
	}
	slices.Sort(txids)
	if want, got := slices.Compact(txids), slices.Sorted(maps.Keys(told)); !slices.Equal(want, got) {
		complain(false, "the chain pays in %v, the status says %v", want, got)
	}
	return findings
}

func TestWorth(t *testing.T) {
	for _, c := range []struct {
		coin, value string
		want        int64
	}{
		{"BTC", "1", 0},
		{"BTC", "193", 0},
		{"BTC", "194", 1000},
		{"BTC", "100000000", 517_300_000},
		{"BTC", "99999999", 517_299_000},
		{"ETH", "1", 0},
		{"ETH", "1000000000000000001", 48_125_000},
		{"ETH", "999999999999999999", 48_124_000},
		{"SKY", "1000", 0},
		{"SKY", "3000", 1000},
		{"SKY", "7000000", 3_000_000},
		{"SKY", "6999000", 2_999_000},
	} {
		value, _ := new(big.Int).SetString(c.value, 10)
		if got := worth(c.coin, value); got != c.want {
			t.Errorf("%s of %s are worth %d droplets, want %d", c.value, c.coin, got, c.want)
		}
	}
}

// The auditor finds what it is there to find.
func TestJudge(t *testing.T) {
	fair := func() evidence {
		return evidence{
			owner: map[string]string{"in": "ann", "in2": "ann", "spare": "bob"},
			deposits: []deposit{
				{coin: "BTC", txid: "a", address: "in", value: big.NewInt(1e8)},
				{coin: "SKY", txid: "b", address: "in2", value: big.NewInt(7e6)},
				{coin: "BTC", txid: "c", address: "in", value: big.NewInt(1)},
				{coin: "BTC", txid: "d", address: "elsewhere", value: big.NewInt(1e8)},
			},
			payouts: []payout{{"p", "ann", 517_300_000}, {"q", "ann", 3_000_000}},
			statuses: map[string][]statusEntry{
				"ann": {{"done", "BTC", "p"}, {"done", "BTC", ""}, {"done", "SKY", "q"}},
				"bob": {{"waiting_deposit", "ETH", ""}},
			},
			opening: 1e12, closing: 1e12 - 520_300_000,
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(e *evidence)
		want  string // part of a finding, "" = none
		fatal bool
	}{
		{"fair", func(*evidence) {}, "", false},
		{"paid twice", func(e *evidence) {
			e.payouts = append(e.payouts, payout{"r", "ann", 3_000_000})
			e.closing -= 3_000_000
		}, "PAID TOO MUCH", true},
		{"a vanished deposit is paid", func(e *evidence) { e.deposits = e.deposits[1:] }, "PAID TOO MUCH", true},
		{"paid in parts", func(e *evidence) {
			e.payouts = []payout{{"p", "ann", 517_000_000}, {"q", "ann", 3_000_000}, {"p", "ann", 200_000}, {"p", "ann", 100_000}}
		}, "4 outputs for 3 deposits", true},
		{"lost", func(e *evidence) {
			e.payouts = e.payouts[:1]
			e.closing += 3_000_000
		}, "LOST", false},
		{"a lost binding", func(e *evidence) {
			e.deposits = append(e.deposits, deposit{coin: "ETH", txid: "e", address: "spare", value: big.NewInt(1e18)})
		}, "LOST", false},
		{"not done", func(e *evidence) { e.statuses["ann"][2].Status = "waiting_confirm" }, "still waiting_confirm", false},
		{"untold", func(e *evidence) { e.statuses["ann"] = e.statuses["ann"][:2] }, "3 deposits are on the chains and 2 are done", false},
		{"another transaction", func(e *evidence) { e.statuses["ann"][2].TxID = "z" }, "the status says", false},
		{"a stranger is paid", func(e *evidence) { e.closing -= 1000 }, "the wallet had", true},
		{"somebody unknown", func(e *evidence) {
			e.payouts = append(e.payouts, payout{"r", "eve", 5000})
			e.closing -= 5000
		}, "nobody's buyer", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := fair()
			c.spoil(&e)
			findings := judge(e)
			found := slices.ContainsFunc(findings, func(f finding) bool {
				return c.want != "" && strings.Contains(f.what, c.want) && f.fatal == c.fatal
			})
			if found != (c.want != "") || (c.want == "" && len(findings) > 0) {
				t.Errorf("findings %+v, want one that says %q, fatal %v", findings, c.want, c.fatal)
			}
		})
	}
}
