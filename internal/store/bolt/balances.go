package bolt

import (
	"context"
	"fmt"
	"math/big"

	"github.com/skycoin/teller"
)

// departureRow says how much in all has left an address as of a block: what is known to have arrived, less what the
// address held. It is negative when an imported address held more than the original knew of.
type departureRow struct {
	teller.BlockRef
	Left *big.Int `json:"left"`
}

// CompareBalances implements teller.BalanceStore.
//
// An address that was bound here begins with nothing having left. For one that was imported nobody knows what had
// arrived and left before: what it holds at the first comparison is taken as right, also when that block leaves the chain.
//
// Coins that leave between two comparisons hide as many that arrive untold between the same two. When the transfer of an
// unexplained deposit is found later after all (a rescan with a node that traces), it becomes a deposit of its own, held
// as a duplicate, and the sum of both looks as if coins had left, which until the next comparison hides as many that arrive
// untold: the operator closes one of them.
func (s *Store) CompareBalances(ctx context.Context, coin teller.Coin, at teller.BlockRef, balances []teller.Balance, rate teller.Rate) (teller.ScanResult, error) {
	if !hasBalances(coin) {
		return teller.ScanResult{}, teller.Errorf(teller.CodeUnsupported, "addresses of %s have no balance to compare", coin)
	}
	var st *balanceStep
	compare := func(t *txn, write bool) (needed bool, err error) {
		st = &balanceStep{txn: t, coin: coin, at: at, rate: rate, write: write}
		return st.run(balances)
	}
	var needed bool
	err := s.view(ctx, func(t *txn) (err error) { needed, err = compare(t, false); return err })
	if err == nil && needed {
		err = s.update(ctx, func(t *txn) error { _, err := compare(t, true); return err })
	}
	if err != nil {
		return teller.ScanResult{}, err
	}
	return st.res, nil
}

// balanceStep is the comparison of some balances. Without write it only finds out whether there is anything to write.
type balanceStep struct {
	*txn
	coin  teller.Coin
	at    teller.BlockRef
	rate  teller.Rate
	write bool
	res   teller.ScanResult
}

func (s *balanceStep) run(balances []teller.Balance) (needed bool, err error) {
	cur, known, err := s.cursor(s.coin)
	if err != nil {
		return false, err
	}
	if !known || cur.BlockRef != s.at {
		return false, teller.Errorf(teller.CodeConflict, "balances after block %d %s can not be compared: the scan of %s is at %d %s",
			s.at.Height, s.at.Hash, s.coin, cur.Height, cur.Hash)
	}
	for _, b := range balances {
		differs, err := s.compare(b)
		if err != nil {
			return false, err
		}
		needed = needed || differs
	}
	s.res.Frozen, err = s.frozen(s.coin)
	return needed, err
}

// compare reports whether an address' balance tells anything new.
func (s *balanceStep) compare(bal teller.Balance) (bool, error) {
	b, bound, err := s.binding(s.coin, bal.Address)
	if err != nil || !bound {
		return false, err
	}
	arrived, err := s.arrivals(s.coin, bal.Address)
	if err != nil {
		return false, err
	}
	left := new(big.Int).Sub(arrived.Big(), bal.Value.Big())
	baseline := count(b.CreatedAt.IsZero()) // an imported address' first row stays
	rows, err := s.departures(bal.Address, baseline)
	if err != nil {
		return false, err
	}
	before := new(big.Int)
	switch {
	case len(rows) > 0:
		before = rows[len(rows)-1].Left
	case baseline > 0: // compared for the first time
		s.putDepartures(bal.Address, rows, left)
		return true, nil
	}
	switch left.Cmp(before) {
	case 0:
		return false, nil
	case 1:
		s.putDepartures(bal.Address, rows, left)
		return true, nil
	}
	if !s.write {
		return true, nil
	}
	excess, err := teller.AmountFromBig(left.Sub(before, left))
	if err != nil {
		return false, err
	}
	return true, s.unexplained(b, bal, excess)
}

// departures are what an address' row says, without what was noted in blocks that have left the best chain since. The
// first keep ones count whatever became of their blocks.
func (s *balanceStep) departures(address string, keep int) ([]departureRow, error) {
	key := textKey(string(s.coin), address)
	rows, _, err := getJSON[[]departureRow](s.txn, bucketDepartures, key)
	if err != nil {
		return nil, err
	}
	for len(rows) > keep {
		last := rows[len(rows)-1]
		if last.Left == nil {
			return nil, corrupt(bucketDepartures, key, fmt.Errorf("no amount at block %d", last.Height))
		}
		saved := s.get(bucketBlocks, heightKey(s.coin, last.Height))
		forgotten := saved == nil && last.Height < s.at.Height // too old for the hash to be kept, and for a reorg
		if forgotten || string(saved) == last.Hash {
			break
		}
		rows = rows[:len(rows)-1]
	}
	return rows, nil
}

// putDepartures notes what has left an address by now. Of older notes those stay that a reorg may lead back to.
func (s *balanceStep) putDepartures(address string, rows []departureRow, left *big.Int) {
	if !s.write {
		return
	}
	if n := len(rows); n > 0 && rows[n-1].BlockRef == s.at {
		rows = rows[:n-1]
	}
	rows = append(rows, departureRow{BlockRef: s.at, Left: left})
	for len(rows) > 1 && rows[1].Height <= s.at.Height-keepBlocks {
		rows = rows[1:]
	}
	s.putJSON(bucketDepartures, textKey(string(s.coin), address), rows)
}

// unexplained records what an address holds too much as a deposit that is held. It has no transaction that anybody
// knows, so it is named after the block, and numbered if it is not the first in that.
func (s *balanceStep) unexplained(b teller.Binding, bal teller.Balance, excess teller.Amount) error {
	hold := teller.Hold{Reason: teller.HoldUnexplained, Detail: fmt.Sprintf(
		"after block %d %s the address holds %s %s, and no known transfer explains %s of it: look the address up in a block explorer, "+
			"internal transfers too, and release the deposit if they are a payment, or close it (also if the payment is found as another deposit)",
		s.at.Height, s.at.Hash, bal.Value.Format(s.coin), s.coin, excess.Format(s.coin))}
	tr := teller.Transfer{Address: b.Address, TxID: s.at.Hash, Value: excess}
	for ; ; tr.N++ {
		r, _, err := s.find(s.coin, tr)
		if err != nil {
			return err
		}
		if r == nil || !r.mined {
			break
		}
	}
	holds := []teller.Hold{hold}
	missing, err := s.paidAndMissing()
	if err != nil {
		return err
	}
	if missing != "" {
		holds = append(holds, teller.Hold{Reason: teller.HoldRebuilt, Detail: "a backup was put back, and deposits that were paid before have not come in again: " + missing +
			"; it may be one of them under another name: look whether its SKY address was paid, and close it if so"})
	}
	a, err := s.enter(b, sighting{Transfer: tr, at: s.at, rate: s.rate, byBalance: true, holds: holds})
	if err != nil {
		return err
	}
	a.tell(&s.res)
	return nil
}
