package bolt

import (
	"context"
	"strings"

	"github.com/skycoin/teller"
)

// SaveSkyBlocks implements teller.WalletStore. A block that does not touch the wallet costs a look at each of its
// inputs and outputs.
func (s *Store) SaveSkyBlocks(ctx context.Context, blocks []teller.SkyBlock) (teller.WalletResult, error) {
	if len(blocks) == 0 {
		return teller.WalletResult{}, nil
	}
	for _, b := range blocks {
		if err := checkSkyBlock(b); err != nil {
			return teller.WalletResult{}, err
		}
	}
	var st *skyStep
	err := s.update(ctx, func(t *txn) error {
		st = &skyStep{txn: t, own: t.walletAddresses()}
		return st.run(blocks)
	})
	if err != nil {
		return teller.WalletResult{}, err
	}
	return st.res, nil
}

func checkSkyBlock(b teller.SkyBlock) error {
	for _, tx := range b.Txs {
		bad := tx.ID == "" || len(tx.ID) > maxAddress || strings.ContainsRune(tx.ID, 0)
		for _, o := range tx.Outputs {
			bad = bad || o.ID == "" || o.Address == ""
		}
		if bad {
			return teller.Errorf(teller.CodeMalformed, "transaction %q of Skycoin block %d is not complete", tx.ID, b.Height)
		}
	}
	return nil
}

// skyStep is the following of the Skycoin chain by some blocks.
type skyStep struct {
	*txn
	own        map[string]bool // the wallet's addresses
	superseded []string        // deposits whose payout died
	newlyHeld  []string
	res        teller.WalletResult
}

func (s *skyStep) run(blocks []teller.SkyBlock) error {
	head, open, err := s.skyHead()
	if err != nil {
		return err
	}
	if !open {
		return teller.Errorf(teller.CodeConflict, "the wallet must be opened before blocks are followed")
	}
	for _, b := range blocks {
		if b.Height != head.Height+1 || b.Parent != head.Hash || b.Hash == "" {
			return teller.Errorf(teller.CodeConflict, "Skycoin block %d %s does not follow %d %s", b.Height, b.Hash, head.Height, head.Hash)
		}
		for _, tx := range b.Txs {
			if err := s.transaction(tx, b); err != nil {
				return err
			}
		}
		head = teller.SkyHead{BlockRef: b.BlockRef, Time: b.Time}
	}
	s.putSkyHead(head)
	return s.classify()
}

// transaction takes one confirmed transaction into the ledger.
func (s *skyStep) transaction(tx teller.SkyTx, b teller.SkyBlock) error {
	spent, spends, err := s.spend(tx)
	if err != nil {
		return err
	}
	received, receives, err := s.receive(tx, b)
	if err != nil {
		return err
	}
	payout, isPayout, err := s.payout(tx.ID)
	if err != nil || (!spends && !receives && !isPayout) {
		return err
	}
	var sent []*record
	if spends && !isPayout {
		if sent, err = s.sentByOriginal(tx.ID); err != nil {
			return err
		}
	}
	known := isPayout || len(sent) > 0 || (spends && s.paysDeposits(tx.ID))
	if err := s.killRivals(tx); err != nil {
		return err
	}
	switch {
	case isPayout:
		err = s.confirmPayout(payout, b.Height)
	case known:
		err = s.confirmAll(sent, tx.ID)
	case spends:
		err = s.withdrawal(tx, b.Height)
	}
	if err != nil {
		return err
	}
	return s.bookTransaction(tx.ID, known, spent, received)
}

// spend takes the wallet's outputs that the transaction spends away.
func (s *skyStep) spend(tx teller.SkyTx) (coins teller.Droplets, spends bool, err error) {
	for _, in := range tx.Inputs {
		row, ok, err := getJSON[unspentRow](s.txn, bucketOutputs, []byte(in))
		if err != nil {
			return 0, false, err
		}
		if !ok {
			continue
		}
		if err := addTo(&coins, row.Coins); err != nil {
			return 0, false, err
		}
		s.del(bucketOutputs, []byte(in))
		spends = true
	}
	return coins, spends, nil
}

// receive adds the transaction's outputs to the wallet's addresses.
func (s *skyStep) receive(tx teller.SkyTx, b teller.SkyBlock) (coins teller.Droplets, receives bool, err error) {
	for _, o := range tx.Outputs {
		if !s.own[o.Address] {
			continue
		}
		if err := addTo(&coins, o.Coins); err != nil {
			return 0, false, err
		}
		s.putOutput(teller.Output{SkyOutput: o, SrcTx: tx.ID, Height: b.Height, Time: b.Time})
		receives = true
	}
	return coins, receives, nil
}

// bookTransaction writes what the transaction moved into the books, so that they always add up to the unspent outputs (I6).
func (s *skyStep) bookTransaction(txid string, known bool, spent, received teller.Droplets) error {
	return s.book(func(sum *teller.Totals) error {
		switch {
		case received > spent:
			s.audit(teller.AuditEntry{Event: eventTopUp, TxID: txid, Detail: (received - spent).String() + " SKY"})
			if err := addTo(&s.res.TopUps, received-spent); err != nil {
				return err
			}
			return addTo(&sum.TopUps, received-spent)
		case known:
			return addTo(&sum.Paid, spent-received)
		default:
			return addTo(&sum.Withdrawn, spent-received)
		}
	})
}

// killRivals ends the pending payouts that name an input of a confirmed transaction.
func (s *skyStep) killRivals(tx teller.SkyTx) error {
	for _, in := range tx.Inputs {
		rival := string(s.get(bucketReserved, []byte(in)))
		if rival == "" || rival == tx.ID {
			continue
		}
		p, ok, err := s.payout(rival)
		if err != nil {
			return err
		}
		if !ok {
			return teller.Errorf(teller.CodeCorrupt, "output %s is reserved for the unknown payout %s", in, rival)
		}
		if err := s.killPayout(p, tx); err != nil {
			return err
		}
	}
	return nil
}

// classify sorts the deposits that the step touched by where they stand now that all of it is done.
func (s *skyStep) classify() error {
	for _, id := range s.superseded {
		r, err := s.mustDeposit(id)
		if err != nil {
			return err
		}
		if r.Status == teller.StatusWaitingSend && r.Due() {
			s.res.Payable = append(s.res.Payable, r.Deposit)
		}
	}
	for _, id := range s.newlyHeld {
		r, err := s.mustDeposit(id)
		if err != nil {
			return err
		}
		s.res.Held = append(s.res.Held, r.Deposit)
	}
	return nil
}

func (s *skyStep) holdFor(r *record, detail string) error {
	held, err := s.hold(r, teller.HoldWithdrawal, detail)
	if held {
		s.newlyHeld = append(s.newlyHeld, r.ID)
	}
	return err
}

func (s *skyStep) confirmAll(rs []*record, txid string) error {
	for _, r := range rs {
		if err := r.Confirm(txid, s.now); err != nil {
			return err
		}
		if r.Import == teller.ImportPending {
			r.Import = teller.ImportChecked
		}
		if err := s.save(r, eventConfirm, teller.AuditEntry{TxID: txid}); err != nil {
			return err
		}
		s.res.Confirmed = append(s.res.Confirmed, r.Deposit)
	}
	return nil
}
