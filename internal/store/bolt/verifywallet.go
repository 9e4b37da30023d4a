package bolt

import (
	"encoding/json"
	"slices"

	"github.com/skycoin/teller"
)

// checkPayouts holds every payout against what the deposits it pays say of themselves.
func (v *verifier) checkPayouts() error {
	return v.rows(bucketPayouts, func(k, raw []byte) error {
		v.res.Payouts++
		var p payoutRow
		if err := json.Unmarshal(raw, &p); err != nil || p.TxID != string(k) {
			v.find(findRow, "Payout %s can not be read.", k)
			return nil
		}
		switch p.Status {
		case teller.PayoutPending:
			if string(v.get(bucketPending, seqKey(p.Seq))) != p.TxID {
				v.find(findPayouts, "Payout %s is pending, but not among those that are broadcast.", p.TxID)
			}
			return nil // its deposits are looked at with those
		case teller.PayoutConfirmed, teller.PayoutDead:
		default:
			v.find(findRow, "Payout %s has the unknown status %q.", p.TxID, p.Status)
		}
		for _, share := range p.Shares {
			if err := v.checkShare(p, share); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkShare looks at a deposit of a payout that is over. One of a payout that confirmed although it was thought dead is
// not done by it, but held or closed; and one of a payout that was restored from the journal may not have come in yet, or
// be in a later one.
func (v *verifier) checkShare(p payoutRow, share teller.Share) error {
	r, err := v.txn.deposit(share.DepositID)
	if err != nil {
		return nil //nolint:nilerr // it is told with the deposits
	}
	if p.Recalled && (r == nil || !r.Credited()) {
		return nil
	}
	if r == nil {
		v.find(findPayouts, "Payout %s pays deposit %s, which does not exist.", p.TxID, share.DepositID)
		return nil
	}
	if p.Status == teller.PayoutDead {
		if r.PayoutTxID == p.TxID {
			v.find(findPayouts, "Deposit %s (%s) counts on payout %s, which can never confirm.", r.ID, r.Status, p.TxID)
		}
		return nil
	}
	key := v.key(r.ID)
	last := v.last[key]
	if last.paid {
		v.find(findPayouts, "Deposit %s is in two confirmed payouts, %s is one of them: it was paid twice.", r.ID, p.TxID)
	}
	last.paid = true
	v.last[key] = last
	later := p.Recalled && r.Status == teller.StatusWaitingConfirm && r.PayoutTxID != p.TxID
	if r.Status != teller.StatusDone && r.Hold == nil && !later {
		v.find(findPayouts, "Payout %s is confirmed and pays deposit %s, which is in status %s: it may be paid again.", p.TxID, r.ID, r.Status)
	}
	return nil
}

// checkPaid holds what a deposit says of its payment against the payout. The original's payments are known by their txid
// only.
func (v *verifier) checkPaid(r *record) error {
	paid := r.Sent > 0 || r.Status == teller.StatusWaitingConfirm
	if r.Import != teller.ImportNone || (!paid && r.PayoutTxID == "") {
		return nil
	}
	if r.Status != teller.StatusWaitingConfirm && r.Status != teller.StatusDone {
		v.find(findPayouts, "Deposit %s is in status %s, but has %s SKY sent by %q.", r.ID, r.Status, r.Sent, r.PayoutTxID)
		return nil
	}
	p, ok, err := v.payout(r.PayoutTxID)
	if err != nil {
		return nil //nolint:nilerr // it is told with the payouts
	}
	if !ok {
		if !v.last[v.key(r.ID)].byHand {
			v.find(findPayouts, "Deposit %s is %s by payout %q, which does not exist.", r.ID, r.Status, r.PayoutTxID)
		}
		return nil
	}
	want := teller.PayoutConfirmed
	if r.Status == teller.StatusWaitingConfirm {
		want = teller.PayoutPending
	}
	names := slices.ContainsFunc(p.Shares, func(s teller.Share) bool { return s.DepositID == r.ID && s.Coins == r.Sent })
	if p.Status != want || !names || r.Sent != r.Owed {
		v.find(findPayouts, "Deposit %s is %s with %s of %s SKY by payout %s, which is %s and pays it: %t.", r.ID, r.Status, r.Sent, r.Owed, p.TxID, p.Status, names)
	}
	return nil
}

// checkReserved looks at the outputs that pending payouts are to spend.
func (v *verifier) checkReserved() error {
	return v.rows(bucketReserved, func(id, txid []byte) error {
		p, ok, err := v.payout(string(txid))
		switch {
		case err != nil || !ok || p.Status != teller.PayoutPending || !slices.Contains(p.Inputs, string(id)):
			v.find(findReserved, "Output %s of the wallet is kept for payout %s, which is not a pending payout that spends it.", id, txid)
		case v.get(bucketOutputs, id) == nil && !p.Recalled:
			v.find(findReserved, "Output %s of the wallet is kept for payout %s, but it is not unspent.", id, txid)
		}
		return nil
	})
}

// checkPending looks at the payouts that are broadcast, their outputs and their deposits.
func (v *verifier) checkPending() error {
	return v.rows(bucketPending, func(k, txid []byte) error {
		p, ok, err := v.payout(string(txid))
		if err != nil || !ok || p.Status != teller.PayoutPending || string(seqKey(p.Seq)) != string(k) {
			v.find(findPayouts, "Payout %s is among those that are broadcast, but not stored as a pending one.", txid)
			return nil
		}
		if p.Recalled {
			return nil // restored from the journal: its deposits and outputs may not be known yet, or have gone on
		}
		for _, in := range p.Inputs {
			if string(v.get(bucketReserved, []byte(in))) != p.TxID {
				v.find(findReserved, "Output %s of the wallet is to be spent by the pending payout %s, but it is not kept for it.", in, txid)
			}
		}
		for _, share := range p.Shares {
			r, err := v.txn.deposit(share.DepositID)
			if err != nil || r == nil || r.Status != teller.StatusWaitingConfirm || r.PayoutTxID != p.TxID || r.Sent != share.Coins {
				v.find(findPayouts, "The pending payout %s pays deposit %s, which does not wait for it.", txid, share.DepositID)
			}
		}
		return nil
	})
}

// checkWithdrawals holds withdrawals against their index and what of them is not used up yet.
func (v *verifier) checkWithdrawals() error {
	n := 0
	err := v.rows(bucketWithdrawals, func(k, raw []byte) error {
		n++
		var w withdrawalRow
		if err := json.Unmarshal(raw, &w); err != nil {
			v.find(findRow, "A withdrawal can not be read.")
		} else if string(v.get(indexWithdrawal, []byte(w.TxID))) != string(k) {
			v.find(findIndex, "Withdrawal %s is missing from its index.", w.TxID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	named, err := v.count(indexWithdrawal)
	if named > n {
		v.find(findIndex, "The index of withdrawals names %d of them, there are %d.", named, n)
	}
	if err != nil {
		return err
	}
	return v.rows(bucketUnclaimed, func(_, raw []byte) error {
		var c claimRow
		if err := json.Unmarshal(raw, &c); err != nil || v.get(indexWithdrawal, []byte(c.TxID)) == nil {
			v.find(findRow, "What holds deposits for withdrawal %q does not belong to a withdrawal.", c.TxID)
		}
		return nil
	})
}

// checkBooks adds up the wallet's outputs (I6).
func (v *verifier) checkBooks() error {
	var coins teller.Droplets
	err := v.rows(bucketOutputs, func(k, raw []byte) error {
		var o unspentRow
		if err := json.Unmarshal(raw, &o); err != nil || addTo(&coins, o.Coins) != nil {
			v.find(findRow, "Output %s of the wallet can not be read.", k)
		} else if v.get(bucketWallet, []byte(o.Address)) == nil {
			v.find(findBooks, "Output %s belongs to %s, which is no address of the wallet.", k, o.Address)
		}
		return nil
	})
	if err != nil {
		return err
	}
	sum, err := v.readTotals()
	if err != nil {
		v.find(findTotals, "The totals can not be read: %v.", err)
		return nil
	}
	if in, out := sum.Opening+sum.TopUps, sum.Paid+sum.Withdrawn; in != out+coins {
		v.find(findBooks, "The wallet opened with %s SKY, %s came in, %s were paid and %s withdrawn, but its outputs hold %s SKY.",
			sum.Opening, sum.TopUps, sum.Paid, sum.Withdrawn, coins)
	}
	return nil
}

// checkCursors looks whether each chain's cursor stands at a saved block, with no deposit above it.
func (v *verifier) checkCursors() error {
	for _, c := range teller.Coins {
		cur, known, err := v.cursor(c)
		if err != nil {
			v.find(findRow, "The cursor of %s can not be read: %v.", c, err)
		}
		if err != nil || !known {
			continue
		}
		if saved := v.get(bucketBlocks, heightKey(c, cur.Height)); string(saved) != cur.Hash {
			v.find(findRow, "The scan of %s is at block %d %s, which is stored as %q.", c, cur.Height, cur.Hash, saved)
		}
		above := func(_, id []byte) (bool, error) {
			v.find(findIndex, "Deposit %s is in a block above %d, where the scan of %s is.", id, cur.Height, c)
			return true, nil
		}
		if err := v.each(indexHeight, textKey(string(c)), heightKey(c, cur.Height+1), above); err != nil {
			return err
		}
	}
	return nil
}
