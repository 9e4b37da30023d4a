package audit

import (
	"context"
	"maps"
	"slices"

	"github.com/skycoin/teller"
)

// past is what the node tells of the wallet's past, and what the ledger knows of it.
type past struct {
	cursor      teller.WalletCursor
	since       map[string]int64 // by address: the height from which on the ledger knows it
	withdrawals map[string]bool
	txs         map[string]teller.HistoryTx // out of the wallet, since the ledger knows it
	earlier     int                         // out of the wallet, before that
}

// own reports whether the ledger knew an address as the wallet's when a block was made.
func (p *past) own(address string, height int64) bool {
	since, ok := p.since[address]
	return ok && (height > since || height == teller.UnknownHeight)
}

// history compares every transaction out of the wallet's addresses with what the ledger knows, both ways. It holds all of
// them in memory.
func (r *run) history(ctx context.Context) error {
	p, err := r.readPast(ctx)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return nil // the wallet was not opened yet, as the part before has told
	}
	if err != nil {
		return err
	}
	known := 0
	for _, id := range slices.Sorted(maps.Keys(p.txs)) {
		ok, err := r.explain(ctx, p, p.txs[id])
		if err != nil {
			return err
		}
		if ok {
			known++
		}
	}
	confirmed, err := r.confirmedPayouts(ctx, p)
	if err != nil {
		return err
	}
	r.check("history", "%d transactions out of the wallet, the ledger knows %d; %d payouts confirmed; %d transactions are from before this ledger took the wallet over and are not judged",
		len(p.txs), known, confirmed, p.earlier)
	return nil
}

func (r *run) readPast(ctx context.Context) (*past, error) {
	p := &past{withdrawals: make(map[string]bool), txs: make(map[string]teller.HistoryTx)}
	var err error
	if p.cursor, err = r.Ledger.WalletCursor(ctx); err != nil {
		return nil, err
	}
	if p.since, err = r.Ledger.WalletSince(ctx); err != nil {
		return nil, err
	}
	earlier := make(map[string]bool)
	for _, address := range p.cursor.Addresses {
		txs, err := r.Node.History(ctx, address)
		if err != nil {
			return nil, err
		}
		for _, tx := range txs {
			switch {
			case slices.ContainsFunc(tx.From, func(a string) bool { return p.own(a, tx.Height) }):
				p.txs[tx.ID] = tx
			case slices.ContainsFunc(tx.From, func(a string) bool { _, ok := p.since[a]; return ok }):
				earlier[tx.ID] = true
			}
		}
	}
	p.earlier = len(earlier)
	ws, err := r.Ledger.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range ws {
		p.withdrawals[w.TxID] = true
	}
	// The ledger may have read some blocks since, and then knows more of them, never less.
	p.cursor, err = r.Ledger.WalletCursor(ctx)
	return p, err
}

// explain looks for what the ledger knows of a transaction out of the wallet, and reports whether it knows it.
func (r *run) explain(ctx context.Context, p *past, tx teller.HistoryTx) (bool, error) {
	payout, err := r.Ledger.Payout(ctx, tx.ID)
	switch {
	case err == nil:
		return true, r.comparePayout(ctx, p, tx, payout)
	case teller.CodeOf(err) != teller.CodeNotFound:
		return false, err
	case p.withdrawals[tx.ID]:
		return true, nil
	}
	imported, err := r.Ledger.DepositsPaidBy(ctx, tx.ID)
	if err != nil || len(imported) > 0 {
		return true, err
	}
	r.findings.Add(unknownPayout(tx, p))
	return false, nil
}

// comparePayout compares a payout with its transaction on the chain.
func (r *run) comparePayout(ctx context.Context, p *past, tx teller.HistoryTx, payout teller.Payout) error {
	if tx.State != teller.TxConfirmed || tx.Height > p.cursor.Height {
		return nil // still on its way, or not read yet
	}
	if payout.Status != teller.PayoutConfirmed || payout.Height != tx.Height {
		fresh, err := r.Ledger.Payout(ctx, tx.ID) // it may have been confirmed meanwhile
		if err != nil {
			return err
		}
		if payout = fresh; payout.Status != teller.PayoutConfirmed || payout.Height != tx.Height {
			r.findings.Add(payoutDiffers(payout, tx))
			return nil
		}
	}
	due := make(map[string]teller.Droplets)
	for _, s := range payout.Shares {
		d, err := r.Ledger.Deposit(ctx, s.DepositID)
		if teller.CodeOf(err) == teller.CodeNotFound {
			return nil // it has not come in yet since a backup was put back, or the ledger's own check tells
		}
		if err != nil {
			return err
		}
		due[d.SkyAddress] += s.Coins
	}
	paid := make(map[string]teller.Droplets)
	for _, o := range tx.Outputs {
		if !p.own(o.Address, tx.Height) {
			paid[o.Address] += o.Coins
		}
	}
	if !maps.Equal(due, paid) {
		r.findings.Add(payoutPaysOther(payout, due, paid))
	}
	return nil
}

// confirmedPayouts looks on the node for every payout that the ledger thinks confirmed, and returns how many there are.
func (r *run) confirmedPayouts(ctx context.Context, p *past) (n int, err error) {
	after := ""
	for {
		ps, err := r.Ledger.Payouts(ctx, after, page)
		if err != nil || len(ps) == 0 {
			return n, err
		}
		after = ps[len(ps)-1].TxID
		for _, payout := range ps {
			if payout.Status != teller.PayoutConfirmed {
				continue
			}
			n++
			if tx, ok := p.txs[payout.TxID]; ok && tx.State == teller.TxConfirmed {
				continue
			}
			_, state, err := r.Node.Transaction(ctx, payout.TxID)
			switch {
			case teller.CodeOf(err) == teller.CodeNotFound:
				r.findings.Add(payoutUnknownToNode(payout))
			case err != nil:
				return n, err
			case state != teller.TxConfirmed:
				r.findings.Add(payoutNotConfirmed(payout))
			}
		}
	}
}
