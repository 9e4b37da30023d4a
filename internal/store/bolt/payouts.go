package bolt

import (
	"context"
	"strings"

	"github.com/skycoin/teller"
)

// payoutRow is the JSON of a payout.
type payoutRow struct {
	Seq       uint64              `json:"seq"`
	TxID      string              `json:"txid"`
	Raw       []byte              `json:"raw"`
	Inputs    []string            `json:"inputs"`
	Shares    []teller.Share      `json:"shares"`
	Fee       uint64              `json:"fee"`
	Status    teller.PayoutStatus `json:"status"`
	Height    int64               `json:"height"`
	CreatedAt int64               `json:"created_at"`
	// Recalled says that the row was restored from the journal: its deposits may not be in the ledger yet.
	Recalled bool `json:"recalled,omitempty"`
}

func (r payoutRow) payout() teller.Payout {
	return teller.Payout{
		TxID: r.TxID, Raw: r.Raw, Inputs: r.Inputs, Shares: r.Shares, Fee: r.Fee,
		Status: r.Status, Height: r.Height, CreatedAt: fromUnix(r.CreatedAt),
	}
}

func (t *txn) payout(txid string) (payoutRow, bool, error) {
	return getJSON[payoutRow](t, bucketPayouts, []byte(txid))
}

// CreatePayout implements teller.WalletStore. Everything is checked before anything is written.
func (s *Store) CreatePayout(ctx context.Context, p teller.Payout) error {
	if err := checkPayout(p); err != nil {
		return err
	}
	return s.update(ctx, func(t *txn) error {
		if _, exists, err := t.payout(p.TxID); err != nil || exists {
			if exists {
				err = teller.Errorf(teller.CodeConflict, "payout %s is stored already", p.TxID)
			}
			return err
		}
		for _, in := range p.Inputs {
			if t.get(bucketOutputs, []byte(in)) == nil || t.get(bucketReserved, []byte(in)) != nil {
				return teller.Errorf(teller.CodeConflict, "output %s can not be spent any more", in)
			}
		}
		rs, err := t.payable(p.Shares)
		if err != nil {
			return err
		}
		return t.createPayout(p, rs)
	})
}

func checkPayout(p teller.Payout) error {
	if p.TxID == "" || len(p.TxID) > maxAddress || strings.ContainsRune(p.TxID, 0) || len(p.Raw) == 0 || len(p.Inputs) == 0 || len(p.Shares) == 0 {
		return teller.Errorf(teller.CodeInvalid, "payout %q is not complete: it needs an id, signed bytes, inputs and shares", p.TxID)
	}
	seen := map[string]bool{}
	for _, in := range p.Inputs {
		if in == "" || seen[in] {
			return teller.Errorf(teller.CodeInvalid, "payout %s names input %q twice or not at all", p.TxID, in)
		}
		seen[in] = true
	}
	paid := map[string]bool{}
	for _, sh := range p.Shares {
		if paid[sh.DepositID] {
			return teller.Errorf(teller.CodeInvalid, "payout %s pays deposit %s twice", p.TxID, sh.DepositID)
		}
		paid[sh.DepositID] = true
	}
	return nil
}

// payable loads the deposits of a new payout, or says which of them is not what the payout was made for.
func (t *txn) payable(shares []teller.Share) ([]*record, error) {
	rs := make([]*record, 0, len(shares))
	for _, sh := range shares {
		r, err := t.deposit(sh.DepositID)
		if err != nil {
			return nil, err
		}
		if r == nil || r.Version != sh.Version || r.Status != teller.StatusWaitingSend || !r.Due() || r.Owed != sh.Coins || r.Owed == 0 {
			return nil, teller.Errorf(teller.CodeConflict, "deposit %s is not (any more) what the payout pays", sh.DepositID)
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// putPayout writes a new pending payout and keeps its inputs from being spent otherwise.
func (t *txn) putPayout(p teller.Payout, recalled bool) {
	row := payoutRow{
		Seq: t.nextSeq(bucketPayouts), TxID: p.TxID, Raw: p.Raw, Inputs: p.Inputs, Shares: p.Shares, Fee: p.Fee,
		Status: teller.PayoutPending, Height: teller.UnknownHeight, CreatedAt: unixSeconds(p.CreatedAt), Recalled: recalled,
	}
	t.putJSON(bucketPayouts, []byte(p.TxID), row)
	t.put(bucketPending, seqKey(row.Seq), []byte(p.TxID))
	for _, in := range p.Inputs {
		t.put(bucketReserved, []byte(in), []byte(p.TxID))
	}
}

func (t *txn) createPayout(p teller.Payout, rs []*record) error {
	p.CreatedAt = t.now
	t.putPayout(p, false)
	t.audit(teller.AuditEntry{Event: eventPayout, TxID: p.TxID})
	if err := t.journal(journalEntry{Payout: &p}); err != nil {
		return err
	}
	for i, r := range rs {
		if err := r.Pay(p.TxID, p.Shares[i].Coins, t.now); err != nil {
			return err
		}
		if err := t.save(r, eventPay, teller.AuditEntry{TxID: p.TxID, Detail: r.Sent.String() + " SKY"}); err != nil {
			return err
		}
	}
	return nil
}

// endPayout moves a payout out of pending. The outputs that it would have spent are free again, those that still exist.
func (t *txn) endPayout(p payoutRow, status teller.PayoutStatus, height int64) {
	p.Status, p.Height = status, height
	t.putJSON(bucketPayouts, []byte(p.TxID), p)
	t.del(bucketPending, seqKey(p.Seq))
	for _, in := range p.Inputs {
		if string(t.get(bucketReserved, []byte(in))) == p.TxID {
			t.del(bucketReserved, []byte(in))
		}
	}
}

// confirmPayout ends a payout that is in a block. One that was dead must not be paid again: its deposits are held.
func (s *skyStep) confirmPayout(p payoutRow, height int64) error {
	s.endPayout(p, teller.PayoutConfirmed, height)
	s.res.Payouts = append(s.res.Payouts, p.TxID)
	if p.Status == teller.PayoutDead {
		return s.confirmDead(p)
	}
	s.audit(teller.AuditEntry{Event: eventPayoutDone, TxID: p.TxID})
	rs, err := s.sharers(p)
	if err != nil {
		return err
	}
	return s.confirmAll(rs, p.TxID)
}

// sharers are the deposits that a payout pays. Of one that was restored from the journal some may not have been seen yet,
// or be in a later payout.
func (t *txn) sharers(p payoutRow) ([]*record, error) {
	var rs []*record
	for _, sh := range p.Shares {
		r, err := t.deposit(sh.DepositID)
		if err != nil {
			return nil, err
		}
		if p.Recalled && (r == nil || r.PayoutTxID != p.TxID) {
			continue
		}
		if r == nil {
			return nil, teller.Errorf(teller.CodeCorrupt, "payout %s pays deposit %s, which is not stored", p.TxID, sh.DepositID)
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func (s *skyStep) confirmDead(p payoutRow) error {
	s.audit(teller.AuditEntry{Event: eventLateConfirm, TxID: p.TxID, Detail: "in a block although one of its inputs was seen spent by another transaction"})
	for _, sh := range p.Shares {
		r, err := s.deposit(sh.DepositID)
		if err == nil && r == nil && !p.Recalled {
			err = teller.Errorf(teller.CodeCorrupt, "payout %s pays deposit %s, which is not stored", p.TxID, sh.DepositID)
		}
		if err != nil {
			return err
		}
		if r == nil || r.Status == teller.StatusDone {
			continue
		}
		if err := s.holdFor(r, "payout "+p.TxID+" pays "+sh.Coins.String()+" SKY for it after all"); err != nil {
			return err
		}
	}
	return nil
}

// killPayout ends a payout whose input was spent by another confirmed transaction. Its deposits are payable again, but
// held for the withdrawals that were seen to pay their SKY address while the payout could still confirm. If the spender
// is one that is seen only now, recording it holds them.
func (s *skyStep) killPayout(p payoutRow, spender teller.SkyTx) error {
	s.endPayout(p, teller.PayoutDead, teller.UnknownHeight)
	s.res.Dead = append(s.res.Dead, p.TxID)
	s.audit(teller.AuditEntry{Event: eventPayoutDead, TxID: p.TxID, Detail: "an input was spent by " + spender.ID})
	rs, err := s.sharers(p)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if err := r.Supersede(p.TxID, s.now); err != nil {
			return err
		}
		if err := s.save(r, eventSupersede, teller.AuditEntry{TxID: p.TxID, Detail: "by " + spender.ID}); err != nil {
			return err
		}
		s.superseded = append(s.superseded, r.ID)
		if r.Status == teller.StatusDone { // the journal told that it was closed
			continue
		}
		claims, err := s.unclaimed(r.SkyAddress)
		if err != nil {
			return err
		}
		for _, c := range claims {
			if err := s.holdFor(r, c.detail()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Payout implements teller.WalletStore.
func (s *Store) Payout(ctx context.Context, txid string) (p teller.Payout, err error) {
	err = s.view(ctx, func(t *txn) error {
		row, ok, err := t.payout(txid)
		if err == nil && !ok {
			err = teller.Errorf(teller.CodeNotFound, "no payout %q", txid)
		}
		p = row.payout()
		return err
	})
	return p, err
}

// PendingPayouts implements teller.WalletStore. It waits its turn among the writes: a reader of its own would see a
// payout a moment before the disk has it for good, and its bytes would be sent too early (I2).
func (s *Store) PendingPayouts(ctx context.Context) (ps []teller.Payout, err error) {
	err = s.update(ctx, func(t *txn) error {
		ps, t.needs = nil, true
		return t.each(bucketPending, nil, nil, func(_, txid []byte) (bool, error) {
			row, ok, err := t.payout(string(txid))
			if err == nil && !ok {
				err = teller.Errorf(teller.CodeCorrupt, "the pending payout %s is not stored", txid)
			}
			ps = append(ps, row.payout())
			return err == nil, err
		})
	})
	if err != nil {
		return nil, err
	}
	return ps, nil
}

// DepositsPaidBy implements teller.WalletStore.
func (s *Store) DepositsPaidBy(ctx context.Context, txid string) (ds []teller.Deposit, err error) {
	err = s.view(ctx, func(t *txn) error {
		for _, id := range t.ids(indexPayout, textKey(txid)) {
			r, err := t.mustDeposit(id)
			if err != nil {
				return err
			}
			ds = append(ds, r.Deposit)
		}
		return nil
	})
	return ds, err
}
