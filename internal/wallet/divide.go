package wallet

import (
	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// requiredFee is the least number of hours to burn: 1/factor of the inputs' hours, rounded up, and at least 1.
func requiredFee(hours, factor uint64) uint64 {
	fee := hours / factor
	if hours%factor != 0 {
		fee++
	}
	return max(fee, 1)
}

// recipientHours is what each of n recipients gets of the hours that are left after the fee.
//
// Without change nobody else can have them, and they are shared out. With change each gets one hour, which lets him spend
// what he got at once, as long as that takes no more than half: so the wallet's hours can halve with a payout at worst, and
// below two hours for each recipient the wallet keeps them all, since it must burn hours to pay anybody at all, while a
// recipient needs only wait for his coins to earn some.
func recipientHours(left uint64, n int, change bool) uint64 {
	count := uint64(n) // #nosec G115 -- a length
	switch {
	case !change:
		return left / count
	case count <= left/2:
		return 1
	}
	return 0
}

// parts is how many change outputs to make: as many as are wanted, but none below the smallest worthwhile size.
func parts(change, unit uint64, wanted int) int {
	for k := wanted; k > 1; k-- {
		if each := splitCoins(change, unit, k)[0]; each >= smallest {
			return k
		}
	}
	return 1
}

// splitCoins divides change, a multiple of unit, into k nearly equal multiples of unit. They are in ascending order and all
// different, because a transaction may not hold two outputs with equal address, coins and hours. The first is 0 when there is too
// little to divide.
func splitCoins(change, unit uint64, k int) []uint64 {
	n := uint64(k) // #nosec G115 -- at least 1
	units := change / unit
	steps := n * (n - 1) / 2 // 0 + 1 + ... + k-1
	if units < steps {
		return make([]uint64, k)
	}
	base, rest := (units-steps)/n, (units-steps)%n
	split := make([]uint64, k)
	for i := range n {
		split[i] = (base + i) * unit
	}
	split[k-1] += rest * unit
	return split
}

// splitHours divides hours into k nearly equal parts, the first of which get what can not be divided.
func splitHours(hours uint64, k int) []uint64 {
	n := uint64(k) // #nosec G115 -- at least 1
	split := make([]uint64, k)
	for i := range n {
		split[i] = hours / n
		if i < hours%n {
			split[i]++
		}
	}
	return split
}

// payment is a recipient, checked.
type payment struct {
	to    cipher.Address
	coins uint64
}

// remainder is what goes back to the wallet.
type remainder struct {
	to    cipher.Address
	coins uint64
	parts int
}

// divide makes the outputs: the payments in their order, then the change. left are the hours after the fee; all of them
// are given away again.
func divide(pay []payment, change remainder, unit, left uint64) []coin.TransactionOutput {
	each := recipientHours(left, len(pay), change.coins > 0)
	outs := make([]coin.TransactionOutput, 0, len(pay)+change.parts)
	for _, p := range pay {
		outs = append(outs, coin.TransactionOutput{Address: p.to, Coins: p.coins, Hours: each})
	}
	if change.coins == 0 {
		return outs
	}
	left -= each * uint64(len(pay))
	coins, hours := splitCoins(change.coins, unit, change.parts), splitHours(left, change.parts)
	for i := range change.parts {
		outs = append(outs, coin.TransactionOutput{Address: change.to, Coins: coins[i], Hours: hours[i]})
	}
	return outs
}

// unitOf is the number of droplets of which every output must be a multiple.
func unitOf(rules teller.TxRules) uint64 {
	unit := uint64(1)
	for range 6 - rules.MaxDecimals {
		unit *= 10
	}
	return unit
}
