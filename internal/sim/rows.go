package sim

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// peeker is what the model reads of the ledger. It reads beneath all faults.
type peeker interface {
	Payout(ctx context.Context, txid string) (teller.Payout, error)
	Deposits(ctx context.Context, q teller.DepositQuery) ([]teller.Deposit, error)
	Totals(ctx context.Context) (teller.Totals, error)
	Outputs(ctx context.Context) (all, spendable []teller.Output, err error)
	Cursor(ctx context.Context, coin teller.Coin) (teller.Cursor, error)
	WalletCursor(ctx context.Context) (teller.WalletCursor, error)
	BoundAddresses(ctx context.Context, coin teller.Coin, f func(address string) error) error
	Binding(ctx context.Context, coin teller.Coin, address string) (teller.Binding, error)
	Audit(ctx context.Context, after uint64, limit int) ([]teller.AuditEntry, error)
}

// reach is which statuses a row can have after another one, over any number of transitions.
var reach = map[teller.Status][]teller.Status{
	teller.StatusWaitingDeposit: {
		teller.StatusWaitingDecide, teller.StatusWaitingPassthrough, teller.StatusWaitingPassthroughOrderComplete,
		teller.StatusWaitingSend, teller.StatusWaitingConfirm, teller.StatusDone,
	},
	teller.StatusWaitingDecide: {
		teller.StatusWaitingPassthrough, teller.StatusWaitingPassthroughOrderComplete,
		teller.StatusWaitingSend, teller.StatusWaitingConfirm, teller.StatusDone,
	},
	teller.StatusWaitingPassthrough: {
		teller.StatusWaitingPassthroughOrderComplete, teller.StatusWaitingSend, teller.StatusWaitingConfirm, teller.StatusDone,
	},
	teller.StatusWaitingPassthroughOrderComplete: {
		teller.StatusWaitingPassthrough, teller.StatusWaitingSend, teller.StatusWaitingConfirm, teller.StatusDone,
	},
	teller.StatusWaitingSend:    {teller.StatusWaitingConfirm, teller.StatusDone},
	teller.StatusWaitingConfirm: {teller.StatusWaitingSend, teller.StatusDone},
}

// check looks at every row of the ledger after a step.
func (m *model) check(ledger peeker) {
	rows := m.read(ledger)
	frozen := make(map[teller.Coin]bool) // before the step and after it
	for id, was := range m.rows {
		frozen[was.Coin] = frozen[was.Coin] || (freezes(was) && freezes(rows[id]))
	}
	for id, d := range rows {
		was, known := m.rows[id]
		if d.ByBalance {
			m.unexplained(d)
			continue
		}
		p := m.payments[id]
		if p == nil {
			m.violate("I3", "the ledger has a deposit %s that nobody has made", id)
			continue
		}
		m.row(p, d)
		if !known {
			was = teller.Deposit{Status: teller.StatusWaitingDeposit}
		}
		m.transition(p, was, d, frozen[d.Coin])
	}
	for _, d := range rows {
		m.made[d.PayoutTxID] = true
	}
	m.noteHeld(rows)
	m.vanished(ledger, rows)
	for id := range m.rows {
		if _, ok := rows[id]; !ok {
			m.violate("I3", "the ledger has forgotten deposit %s", id)
		}
	}
	m.rows = rows
	m.books(ledger)
}

// noteHeld keeps since when deposits are held.
func (m *model) noteHeld(rows map[string]teller.Deposit) {
	for id, d := range rows {
		if _, known := m.heldSince[id]; d.Hold != nil && !known {
			m.heldSince[id] = m.steps
		} else if d.Hold == nil {
			delete(m.heldSince, id)
		}
	}
}

// freezes reports whether a deposit keeps others of its coin from being credited: it was credited, and its block is gone.
func freezes(d teller.Deposit) bool {
	credited := d.Status != "" && d.Status != teller.StatusWaitingDeposit
	return d.Orphaned && credited && (d.Status != teller.StatusDone || d.Sent > 0)
}

func (m *model) read(ledger peeker) map[string]teller.Deposit {
	rows := make(map[string]teller.Deposit)
	for after := uint64(0); ; {
		page, err := ledger.Deposits(context.Background(), teller.DepositQuery{After: after, Limit: 500})
		if err != nil {
			m.violate("I3", "the ledger can not be read: %v", err)
		}
		if len(page) == 0 {
			return rows
		}
		for _, d := range page {
			rows[d.ID] = d
			after = d.Seq
		}
	}
}

// row judges a row by itself.
func (m *model) row(p *payment, d teller.Deposit) {
	p.told = d.SkyAddress
	if m.trades(p) {
		m.purchase(d)
	}
	p.doubled = p.doubled || d.HeldFor(teller.HoldDuplicate)
	p.frozen = p.frozen || d.HeldFor(teller.HoldOrphaned)
	switch {
	case d.Coin != p.coin || d.Address != p.Address || !d.Value.Equal(p.Value):
		m.violate("I3", "deposit %s is %s %s to %s, the ledger says %s %s to %s", p.id(), p.Value, p.coin, p.Address, d.Value, d.Coin, d.Address)
	case p.sky != "" && d.SkyAddress != p.sky:
		m.violate("I9", "deposit %s belongs to %s, the ledger says %s", p.id(), p.sky, d.SkyAddress)
	case (d.BuyMethod == teller.BuyPassthrough) != m.trades(p):
		m.violate("I9", "deposit %s is to be bought for: %t, the ledger says %s", p.id(), m.trades(p), d.BuyMethod)
	case !slices.Contains(m.rates[p.coin], d.Rate.String()):
		m.violate("I1", "deposit %s has the rate %s, which was never in force", p.id(), d.Rate)
	case d.Owed != 0 && !m.trades(p) && !m.mayOwe(p, d.Owed) && !p.closing: // by hand, any decimals are paid
		m.violate("I1", "deposit %s of %s %s is owed %s SKY", p.id(), p.Value, p.coin, d.Owed)
	case d.Sent != 0 && d.Sent != d.Owed:
		m.violate("I1", "deposit %s is owed %s SKY and sent %s", p.id(), d.Owed, d.Sent)
	case d.Status == teller.StatusWaitingConfirm && d.PayoutTxID == "":
		m.violate("I5", "deposit %s waits for a payout that has no txid", p.id())
	case d.Status == teller.StatusDone && d.Sent > 0 && !m.confirmed(d.PayoutTxID):
		m.violate("I5", "deposit %s is done by %s, which no block holds", p.id(), d.PayoutTxID)
	case d.Status == teller.StatusDone && d.Sent == 0 && !p.closing && d.Error != "Skycoin send amount is 0":
		m.violate("I5", "deposit %s ended as %q, and no operator has closed it", p.id(), d.Error)
	}
	if d.Error == "Skycoin send amount is 0" && !p.closing && m.owed(p, d.Rate.String()) > 0 {
		m.violate("I3", "deposit %s ended without a payment although it is worth %s SKY", p.id(), m.owed(p, d.Rate.String()))
	}
}

func (m *model) confirmed(txid string) bool {
	tx := m.w.sky.txs[txid]
	return tx != nil && tx.height >= 0
}

// transition judges what a step did to a row.
func (m *model) transition(p *payment, was, d teller.Deposit, frozen bool) {
	if d.Version < was.Version {
		m.violate("I5", "deposit %s went from version %d back to %d", p.id(), was.Version, d.Version)
	}
	if was.SkyAddress != "" && was.Rate.String() != d.Rate.String() {
		m.violate("I1", "deposit %s had the rate %s and now has %s", p.id(), was.Rate, d.Rate)
	}
	if was.Status == teller.StatusDone && (d.Status != was.Status || d.Sent != was.Sent || d.PayoutTxID != was.PayoutTxID || d.Error != was.Error) {
		m.violate("I5", "deposit %s was done (%s by %q, %q) and is not as it was (%s, %s by %q, %q)", p.id(),
			was.Sent, was.PayoutTxID, was.Error, d.Status, d.Sent, d.PayoutTxID, d.Error)
	}
	held := was.Hold != nil && d.Hold != nil && !p.released && !p.closing && !m.instead[p.id()]
	if waits := d.Status == teller.StatusWaitingDecide || d.Status == teller.StatusWaitingSend; held && waits &&
		was.Status != d.Status && was.Credited() && was.Status != teller.StatusWaitingConfirm {
		m.violate("I5", "deposit %s is held (%s) and went from %s to %s all the same", p.id(), was.Hold.Reason, was.Status, d.Status)
	}
	if was.Status != d.Status && !slices.Contains(reach[was.Status], d.Status) {
		m.violate("I5", "deposit %s went from %s to %s", p.id(), was.Status, d.Status)
	}
	if !was.Credited() && d.Credited() && !p.closing {
		if p.deep < m.stale[p.coin] {
			m.violate("I4", "deposit %s is credited without %d confirmations: its block is at %d, the tip at %d",
				p.id(), m.confirmations[p.coin], p.height, m.w.tip(p.coin))
		}
		if frozen {
			m.violate("I4", "deposit %s is credited although %s is frozen", p.id(), p.coin)
		}
	}
	if d.PayoutTxID != was.PayoutTxID && d.PayoutTxID != "" && !m.made[d.PayoutTxID] && !p.closing {
		m.paidByHand(p, d)
	}
	// A payout that was made before a backup was put back is restored from the journal, whatever the backup held.
	if d.PayoutTxID != was.PayoutTxID && d.PayoutTxID != "" && was.Hold != nil && !p.released && !p.closing && !m.made[d.PayoutTxID] {
		m.violate("I4", "deposit %s is held (%s) and paid by %s", p.id(), was.Hold.Reason, d.PayoutTxID)
	}
}

// vanished judges deposits that were credited and whose block, as the ledger must know, is not on the best chain: they are
// held, whether they were paid or not (I4).
func (m *model) vanished(ledger peeker, rows map[string]teller.Deposit) {
	for coin, chain := range m.w.chains {
		cursor, err := ledger.Cursor(context.Background(), coin)
		if err != nil || cursor.Height >= int64(len(chain.blocks)) || chain.blocks[cursor.Height].Hash != cursor.Hash {
			continue // it does not know yet
		}
		for id, d := range rows {
			p := m.payments[id]
			if p == nil || d.Coin != coin || !d.Credited() || p.closing || p.released {
				continue
			}
			onChain := p.height >= 0 && p.height <= cursor.Height
			if unpaid := d.Status == teller.StatusDone && d.Sent == 0; !onChain && !unpaid && !d.HeldFor(teller.HoldOrphaned) {
				m.violate("I4", "deposit %s is %s, its block is gone up to block %d, and it is not held", id, d.Status, cursor.Height)
			}
		}
	}
}

// books judges the wallet's books against the ledger's outputs and the world's, and the counters against the rows (I6).
func (m *model) books(ledger peeker) {
	ctx := context.Background()
	sum, err := ledger.Totals(ctx)
	if err != nil {
		m.violate("I6", "the totals can not be read: %v", err)
		return
	}
	cursor, err := ledger.WalletCursor(ctx)
	if err != nil {
		m.opened = 0
		return
	}
	if m.opened == 0 {
		m.opened = cursor.Height
	}
	all, _, err := ledger.Outputs(ctx)
	if err != nil {
		m.violate("I6", "the outputs can not be read: %v", err)
	}
	var have, world teller.Droplets
	for _, o := range all {
		have += o.Coins
	}
	if booked := sum.Opening + sum.TopUps - sum.Paid - sum.Withdrawn; booked != have {
		m.violate("I6", "the books say that the wallet has %s SKY, its outputs have %s", booked, have)
	}
	for _, o := range m.w.sky.at(cursor.Height) {
		if slices.Contains(cursor.Addresses, o.Address) {
			world += o.Coins
		}
	}
	if paid := m.outOfWallet(cursor.Height); sum.Paid != paid {
		m.violate("I6", "up to block %d payouts took %s SKY out of the wallet, the books say %s", cursor.Height, paid, sum.Paid)
	}
	if world != have {
		m.violate("I6", "at block %d the wallet had %s SKY, the ledger says %s", cursor.Height, world, have)
	}
	counts := make(map[teller.Status]int)
	held := 0
	for _, d := range m.rows {
		if d.Status != teller.StatusWaitingDeposit || !d.Orphaned {
			counts[d.Status]++
		}
		if d.Hold != nil {
			held++
		}
	}
	for _, s := range []teller.Status{teller.StatusWaitingDecide, teller.StatusWaitingPassthrough, teller.StatusWaitingPassthroughOrderComplete, teller.StatusWaitingSend, teller.StatusWaitingConfirm, teller.StatusDone} {
		if sum.Deposits[s] != counts[s] {
			m.violate("I6", "the totals count %d deposits in %s, there are %d", sum.Deposits[s], s, counts[s])
		}
	}
	if sum.Held != held {
		m.violate("I6", "the totals count %d held deposits, there are %d", sum.Held, held)
	}
}

// outOfWallet is what payouts have given to others since the ledger has taken over the wallet, up to a block.
func (m *model) outOfWallet(height int64) (sum teller.Droplets) {
	for _, p := range m.payouts {
		if p.tx.height <= m.opened || p.tx.height > height {
			continue
		}
		for _, o := range p.tx.Outputs {
			if !slices.Contains(m.w.sky.wallet, o.Address) {
				sum += o.Coins
			}
		}
	}
	return sum
}

// at are the outputs that were unspent after a block.
func (s *skyChain) at(height int64) map[string]teller.Output {
	unspent := make(map[string]teller.Output)
	for _, o := range s.unspent {
		if o.Height <= height {
			unspent[o.ID] = o
		}
	}
	for _, b := range s.blocks[min(int(height)+1, len(s.blocks)):] {
		for _, tx := range b.Txs {
			for _, in := range tx.Inputs {
				if o := s.spent[in]; o.Height <= height {
					unspent[in] = o
				}
			}
		}
	}
	return unspent
}

// restarted judges what a new life of the process has found. A backup that was put back shows an older state.
func (m *model) restarted(ledger peeker, older bool) {
	if older {
		m.rows = m.read(ledger)
	}
	unasked := m.unasked
	m.unasked = nil
	for _, tx := range unasked {
		m.injected(tx)
	}
	m.check(ledger)
	for address, to := range m.buyers {
		b, err := ledger.Binding(context.Background(), m.coinOf(address), address)
		if err != nil || b.SkyAddress != to {
			m.violate("I9", "address %s was given to %s, the ledger says %q, %v", address, to, b.SkyAddress, err)
		}
	}
}
