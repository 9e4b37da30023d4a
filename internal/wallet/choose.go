package wallet

import (
	"cmp"
	"slices"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// smallest is the least that is worth an output of its own: change is not split below it, and an output below it is dust,
// which costs 97 bytes to spend and earns next to no hours.
const smallest = uint64(teller.DropletsPerSKY)

// candidate is an output that the wallet can spend now.
type candidate struct {
	ux    coin.UxOut
	id    string
	hours uint64 // up to the head's time
}

// candidates rebuilds what may be spent, in the order in which it is to be spent: first what has hours to burn, oldest
// first; then what has none; dust last.
//
// Left out is what no transaction can spend now: outputs of other keys, outputs younger than the head, outputs with
// more decimals than the rules allow (their change would be refused), and the few on the main chain whose hours
// overflow.
func (w *Wallet) candidates(req teller.PayoutRequest, unit uint64) ([]candidate, error) {
	cs := make([]candidate, 0, len(req.Spendable))
	seen := make(map[string]bool, len(req.Spendable))
	for _, o := range req.Spendable {
		ux, err := rebuild(o)
		if err != nil {
			return nil, err
		}
		if _, ours := w.keys[ux.Body.Address]; !ours || seen[o.ID] || o.Time > req.HeadTime || ux.Body.Coins == 0 || ux.Body.Coins%unit != 0 {
			continue
		}
		hours, err := ux.CoinHours(req.HeadTime)
		if err != nil {
			continue
		}
		seen[o.ID] = true
		cs = append(cs, candidate{ux: ux, id: o.ID, hours: hours})
	}
	slices.SortFunc(cs, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(a.class(), b.class()),
			cmp.Compare(a.ux.Head.BkSeq, b.ux.Head.BkSeq),
			cmp.Compare(a.ux.Head.Time, b.ux.Head.Time),
			cmp.Compare(a.id, b.id),
		)
	})
	return cs, nil
}

// class is the order of spending.
func (c candidate) class() int {
	switch {
	case c.ux.Body.Coins < smallest:
		return 2
	case c.hours == 0:
		return 1
	}
	return 0
}

// rebuild makes Skycoin's form of an output. An output that does not hash to its id would be signed in vain.
func rebuild(o teller.Output) (coin.UxOut, error) {
	corrupt := func(err error) error {
		return teller.Errorf(teller.CodeCorrupt, "stored output %q: %w", o.ID, err)
	}
	var source cipher.SHA256
	if o.SrcTx != "" {
		var err error
		if source, err = cipher.SHA256FromHex(o.SrcTx); err != nil {
			return coin.UxOut{}, corrupt(err)
		}
	}
	address, err := cipher.DecodeBase58Address(o.Address)
	if err != nil {
		return coin.UxOut{}, corrupt(err)
	}
	ux := coin.UxOut{
		Head: coin.UxHead{Time: o.Time, BkSeq: uint64(max(o.Height, 0))},
		Body: coin.UxBody{SrcTransaction: source, Address: address, Coins: uint64(o.Coins), Hours: o.Hours},
	}
	if ux.Hash().Hex() != o.ID {
		return coin.UxOut{}, teller.Errorf(teller.CodeCorrupt, "stored output %q does not hash to its id", o.ID)
	}
	return ux, nil
}

// inputs is what a transaction spends.
type inputs struct {
	chosen []candidate
	coins  uint64
	hours  uint64
}

// add takes one more, unless the sums would overflow.
func (in *inputs) add(c candidate) {
	if in.coins+c.ux.Body.Coins < in.coins || in.hours+c.hours < in.hours {
		return
	}
	in.chosen = append(in.chosen, c)
	in.coins += c.ux.Body.Coins
	in.hours += c.hours
}

func (in *inputs) has(id string) bool {
	return slices.ContainsFunc(in.chosen, func(c candidate) bool { return c.id == id })
}

// choose picks inputs that cover the coins and have at least one hour to burn. It takes them in the order of cs, so that
// hours are used where they have accrued and outputs that fell behind are merged; only when that makes too many
// inputs for the transaction's size does it take the largest outputs instead, which are the fewest possible.
func choose(cs []candidate, need uint64, maxInputs int) (inputs, error) {
	in, err := cover(cs, need)
	if err != nil || len(in.chosen) <= maxInputs {
		return in, err
	}
	largest := slices.Clone(cs)
	slices.SortStableFunc(largest, func(a, b candidate) int { return cmp.Compare(b.ux.Body.Coins, a.ux.Body.Coins) })
	return cover(largest, need)
}

// cover takes candidates from the front until they suffice.
func cover(cs []candidate, need uint64) (inputs, error) {
	var in inputs
	for _, c := range cs {
		if in.coins >= need {
			break
		}
		in.add(c)
	}
	if in.coins < need {
		return in, teller.Errorf(teller.CodeShortOfCoins, "the wallet can spend %s SKY now and needs %s",
			teller.Droplets(in.coins), teller.Droplets(need))
	}
	for _, c := range cs { // what covers the coins may be too young to have an hour
		if in.hours > 0 {
			break
		}
		if c.hours > 0 && !in.has(c.id) {
			in.add(c)
		}
	}
	if in.hours == 0 {
		return in, teller.Errorf(teller.CodeShortOfHours,
			"none of the wallet's spendable outputs has a coin hour to burn yet: wait for the chain to move on, or pay hours to the wallet")
	}
	return in, nil
}
