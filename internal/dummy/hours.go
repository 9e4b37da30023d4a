package dummy

import (
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

const (
	lowHours    = 10  // below it a wallet may fail to find the hours for a payout
	enoughHours = 100 // what it gets then
)

// letTimePass makes an empty block when the wallet is short of coin hours and nothing is pending. On the real chain the
// hours would come with other people's blocks. Here there are no other people: without a payout there is no block,
// without a block no coin earns an hour, and without an hour there is no payout. The block is dated so that the wallet's
// coins earn enough at once; the fewer they are, the longer that takes.
func (n *Node) letTimePass() error {
	if n.hoursSeen || len(n.pending) > 0 {
		return nil
	}
	var wallet coin.UxArray
	for _, ux := range n.unspent {
		if ux.Body.Address == n.fundAddress {
			wallet = append(wallet, ux)
		}
	}
	if !thirsty(wallet, n.head.Time) {
		n.hoursSeen = true
		return nil
	}
	coins, err := wallet.Coins()
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "count the dummy wallet's coins: %w", err)
	}
	// Every output rounds the hours that it earned down, so each may lose one.
	seconds := (enoughHours+uint64(len(wallet)))*3600*1e6/max(coins, 1) + 1
	return n.mineAfter(max(seconds, blockSpan), nil, false)
}

// thirsty reports whether a wallet has coins and too few hours to move them. One whose sums overflow has plenty.
func thirsty(wallet coin.UxArray, headTime uint64) bool {
	hours, err := wallet.CoinHours(headTime)
	return err == nil && len(wallet) > 0 && hours < lowHours
}
