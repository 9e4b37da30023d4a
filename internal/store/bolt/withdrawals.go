package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/skycoin/teller"
)

// withdrawalRow is the JSON of a withdrawal.
type withdrawalRow struct {
	TxID    string             `json:"txid"`
	Height  int64              `json:"height"` // UnknownHeight while it is unconfirmed
	Outputs []teller.SkyOutput `json:"outputs"`
	SeenAt  int64              `json:"seen_at"`
}

func (r withdrawalRow) withdrawal() teller.Withdrawal {
	return teller.Withdrawal{TxID: r.TxID, Height: r.Height, Outputs: r.Outputs, SeenAt: fromUnix(r.SeenAt)}
}

// claimRow is one output of a withdrawal that may have paid a deposit. It holds the deposits of its SKY address until
// closing them has used it up, or the withdrawal is settled.
type claimRow struct {
	TxID  string          `json:"txid"`
	Coins teller.Droplets `json:"coins"` // not used up yet

	key []byte
}

func (c claimRow) detail() string {
	return "withdrawal " + c.TxID + " pays " + c.Coins.String() + " SKY to its SKY address"
}

// withdrawal records a transaction out of the wallet that the ledger did not make, once, and holds what it may have
// paid. A deposit in a pending payout is left alone: the chain decides between the two.
func (s *skyStep) withdrawal(tx teller.SkyTx, height int64) error {
	if raw := s.get(indexWithdrawal, []byte(tx.ID)); raw != nil {
		return s.confirmWithdrawal(binary.BigEndian.Uint64(raw), height)
	}
	row := withdrawalRow{TxID: tx.ID, Height: height, SeenAt: unixSeconds(s.now)}
	var out teller.Droplets
	for _, o := range tx.Outputs {
		if s.own[o.Address] {
			continue
		}
		row.Outputs = append(row.Outputs, o)
		if err := addTo(&out, o.Coins); err != nil {
			return err
		}
	}
	seq := s.nextSeq(bucketWithdrawals)
	s.putJSON(bucketWithdrawals, seqKey(seq), row)
	s.put(indexWithdrawal, []byte(tx.ID), seqKey(seq))
	s.audit(teller.AuditEntry{Event: eventWithdrawal, TxID: tx.ID, Detail: out.String() + " SKY"})
	s.res.Withdrawals = append(s.res.Withdrawals, row.withdrawal())

	marked, err := s.markedPaid(tx.ID)
	if err != nil {
		return err
	}
	for i, o := range row.Outputs {
		used := min(marked[o.Address], o.Coins)
		marked[o.Address] -= used
		if used == o.Coins {
			continue
		}
		claim := claimRow{TxID: tx.ID, Coins: o.Coins - used}
		key := binary.BigEndian.AppendUint32(textSeqKey(seq, o.Address), uint32(i))
		s.putJSON(bucketUnclaimed, key, claim)
		if err := s.holdOpen(o.Address, claim.detail()); err != nil {
			return err
		}
	}
	return nil
}

// markedPaid is what a transaction has paid to each SKY address by an operator's word, who may have known of it before the
// ledger did.
func (t *txn) markedPaid(txid string) (map[string]teller.Droplets, error) {
	marked := make(map[string]teller.Droplets)
	for _, id := range t.ids(indexPayout, textKey(txid)) {
		r, err := t.mustDeposit(id)
		if err != nil {
			return nil, err
		}
		marked[r.SkyAddress] += r.Sent
	}
	return marked, nil
}

// confirmWithdrawal notes the block of a withdrawal that was seen unconfirmed.
func (s *skyStep) confirmWithdrawal(seq uint64, height int64) error {
	row, ok, err := getJSON[withdrawalRow](s.txn, bucketWithdrawals, seqKey(seq))
	if err != nil || !ok || height == teller.UnknownHeight {
		return err
	}
	row.Height = height
	s.putJSON(bucketWithdrawals, seqKey(seq), row)
	s.audit(teller.AuditEntry{Event: eventWithdrawal, TxID: row.TxID, Detail: "confirmed"})
	s.res.Withdrawals = append(s.res.Withdrawals, row.withdrawal())
	return nil
}

// holdOpen holds all unpaid deposits of a SKY address.
func (s *skyStep) holdOpen(skyAddress, detail string) error {
	for _, id := range s.ids(indexOpen, textKey(skyAddress)) {
		r, err := s.mustDeposit(id)
		if err != nil {
			return err
		}
		pending, err := s.inPendingPayout(r)
		if err != nil {
			return err
		}
		if pending {
			continue
		}
		if err := s.holdFor(r, detail); err != nil {
			return err
		}
	}
	return nil
}

// inPendingPayout reports whether signed bytes that pay the deposit may still confirm.
func (t *txn) inPendingPayout(r *record) (bool, error) {
	if r.Status != teller.StatusWaitingConfirm {
		return false, nil
	}
	p, ok, err := t.payout(r.PayoutTxID)
	return ok && p.Status == teller.PayoutPending, err
}

// unclaimed are the outputs of withdrawals to the SKY address that no deposit has used up, oldest first.
func (t *txn) unclaimed(skyAddress string) (claims []claimRow, err error) {
	err = t.each(bucketUnclaimed, textKey(skyAddress), nil, func(k, v []byte) (bool, error) {
		var c claimRow
		if err := json.Unmarshal(v, &c); err != nil {
			return false, corrupt(bucketUnclaimed, k, err)
		}
		c.key = bytes.Clone(k)
		claims = append(claims, c)
		return true, nil
	})
	return claims, err
}

// claim takes what a deposit is owed out of the output that has paid it, by an operator's word: the one with the exact
// amount, else the oldest; txid "" = of any withdrawal. One output may have paid several deposits of a buyer, so what is
// left still holds others.
func (t *txn) claim(r *record, txid, actor string) error {
	claims, err := t.unclaimed(r.SkyAddress)
	if err != nil {
		return err
	}
	claims = slices.DeleteFunc(claims, func(c claimRow) bool { return txid != "" && c.TxID != txid })
	owed, err := r.worth(teller.MaxDecimals)
	if err != nil || len(claims) == 0 {
		return err
	}
	best := claims[0]
	for _, c := range claims {
		if c.Coins == owed {
			best = c
			break
		}
	}
	taken := min(best.Coins, owed)
	if best.Coins -= taken; best.Coins == 0 {
		t.del(bucketUnclaimed, best.key)
	} else {
		t.putJSON(bucketUnclaimed, best.key, best)
	}
	t.audit(teller.AuditEntry{Event: eventClaim, DepositID: r.ID, TxID: best.TxID, Actor: actor, Detail: taken.String() + " SKY"})
	return nil
}

// worth is what the deposit is owed, or would be if it were decided on now; 0 when nothing tells that. What is bought for on
// an exchange is worth what was bought. decimals are those of the SKY that is sent.
func (r *record) worth(decimals int) (teller.Droplets, error) {
	switch {
	case r.Owed != 0:
		return r.Owed, nil
	case r.boughtFor():
		return r.Bought.Cut(decimals), nil
	case r.Rate.IsZero():
		return 0, nil
	}
	return r.Rate.Convert(r.Coin, r.Value, decimals)
}

// boughtFor reports whether what the deposit is worth is what was bought for it. What the original bought is not known:
// there the rate tells.
func (r *record) boughtFor() bool {
	return r.BuyMethod == teller.BuyPassthrough && (r.Import == teller.ImportNone || r.Attempts > 0)
}

// SettleWithdrawal implements teller.OperatorStore.
func (s *Store) SettleWithdrawal(ctx context.Context, txid string, act teller.Act) error {
	return s.update(ctx, func(t *txn) error {
		raw := t.get(indexWithdrawal, []byte(txid))
		if raw == nil {
			return teller.Errorf(teller.CodeNotFound, "no withdrawal %q", txid)
		}
		row, _, err := getJSON[withdrawalRow](t, bucketWithdrawals, raw)
		if err != nil {
			return err
		}
		for _, o := range row.Outputs {
			claims, err := t.unclaimed(o.Address)
			if err != nil {
				return err
			}
			for _, c := range claims {
				if c.TxID == txid {
					t.del(bucketUnclaimed, c.key)
				}
			}
		}
		t.audit(teller.AuditEntry{Event: eventSettle, TxID: txid, Actor: act.Actor, Detail: act.Reason})
		return nil
	})
}

// Withdrawals implements teller.OperatorStore.
func (s *Store) Withdrawals(ctx context.Context) (ws []teller.Withdrawal, err error) {
	err = s.view(ctx, func(t *txn) error {
		return t.each(bucketWithdrawals, nil, nil, func(k, v []byte) (bool, error) {
			var row withdrawalRow
			if err := json.Unmarshal(v, &row); err != nil {
				return false, corrupt(bucketWithdrawals, k, err)
			}
			ws = append(ws, row.withdrawal())
			return true, nil
		})
	})
	return ws, err
}
