package sim

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// model is the auditor: it knows what the world did, looks at the ledger's rows after every step, and judges by the
// invariants. It shares nothing with the engine but the types in which rows are told.
type model struct {
	w             *world
	confirmations map[teller.Coin]int64
	maxDecimals   int
	rates         map[teller.Coin][]string // every rate that was ever in force

	buyers    map[string]string         // deposit address -> SKY address, as answered to a buyer
	boundAt   map[string]int64          // deposit address -> the highest height there was when it was bound
	payments  map[string]*payment       // by deposit id
	paid      []*payment                // in the order of paying
	rows      map[string]teller.Deposit // as they were when the ledger was last looked at
	began     int                       // the world's version when the step began, or what happens in the middle of it
	stale     map[teller.Coin]int       // by coin: the world's version that the oldest answer since the step began was about
	payouts   map[string]*modelPayout   // by txid: what the engine broadcast
	made      map[string]bool           // txids of payouts that the ledger has ever shown
	opened    int64                     // the Skycoin block at which the ledger has taken over the wallet, 0 = it has not
	withdrawn []*withdrawal             // what somebody else took out of the wallet
	rebuilt   bool                      // a ledger from before its first start was put back
	untold    map[string]bool           // ETH addresses that got value which no transfer showed
	balances  map[string]*byBalance     // by deposit id: what only balances have ever spoken for
	trading   bool                      // SKY for coins that the exchange trades is bought there
	restores  int                       // how often the ledger was put back or lost
	clients   map[string]string         // by client id of an order: the deposit
	attempts  map[string]int            // by client id: the attempt's number
	instead   map[string]bool           // deposits that an operator has tried to have paid from the wallet, not as bought
	steps     int                       // of the engine's workers so far
	heldSince map[string]int            // deposits that are held: by which step they were first seen so
	unasked   []*skyTx                  // broadcasts that could not be judged at once
	broken    error                     // the first violation
}

// fate is what the model knows of a payment.
type fate struct {
	sky      string // who is to be paid for it, "" = its address was not bound when it was made
	told     string // whom the ledger has last named as its buyer
	left     bool   // its block left the best chain at some time
	doubted  bool   // its block was told under a wrong hash
	deep     int    // the last version of the world at which it had the required depth; 0 = never
	doubled  bool   // it was held because a balance had shown the same coins
	frozen   bool   // it was credited and left the chain
	closing  bool   // an operator has tried to close it
	released bool   // an operator has tried to release it
	ended    bool   // an operator was answered that it is closed, or marked as paid: it is never paid by the engine
	freed    string // the details of the holds from which an operator has tried to release it
}

// modelPayout is a transaction that the engine broadcast.
type modelPayout struct {
	tx     *skyTx
	shares []teller.Share
}

func newModel(w *world) *model {
	return &model{
		w: w, confirmations: make(map[teller.Coin]int64), rates: make(map[teller.Coin][]string),
		buyers: make(map[string]string), boundAt: make(map[string]int64),
		payments: make(map[string]*payment), rows: make(map[string]teller.Deposit), payouts: make(map[string]*modelPayout),
		made: make(map[string]bool), untold: make(map[string]bool), balances: make(map[string]*byBalance),
		clients: make(map[string]string), attempts: make(map[string]int), instead: make(map[string]bool), heldSince: make(map[string]int),
		stale: make(map[teller.Coin]int),
	}
}

// violate notes that an invariant does not hold. The first one counts.
func (m *model) violate(invariant, format string, args ...any) {
	if m.broken == nil {
		m.broken = fmt.Errorf("%s: %s", invariant, fmt.Sprintf(format, args...))
		m.w.note("VIOLATION %v", m.broken)
	}
}

// begin notes that the engine, a buyer or the operator is about to do something.
func (m *model) begin() {
	m.began = m.w.version
	for coin := range m.confirmations {
		m.stale[coin] = m.w.version
	}
}

// observe notes which payments have the required depth in the world as it is now.
func (m *model) observe() {
	for _, p := range m.paid {
		if p.height >= 0 && m.w.tip(p.coin)-p.height >= m.confirmations[p.coin] {
			p.deep = m.w.version
		}
	}
}

// tip is the height of a deposit chain.
func (w *world) tip(c teller.Coin) int64 {
	if c == teller.SKY {
		return w.sky.head().Height
	}
	return w.chains[c].tip().Height
}

// doubt notes payments whose block was told under a wrong hash: to the ledger it leaves the chain again.
func (m *model) doubt(ps []*payment) {
	for _, p := range ps {
		p.doubted = true
	}
}

// bound notes an answered binding (I9).
func (m *model) bound(b teller.Binding) {
	if to, ok := m.buyers[b.Address]; ok {
		m.violate("I9", "address %s was given to %s and now to %s", b.Address, to, b.SkyAddress)
	}
	m.buyers[b.Address] = b.SkyAddress
	m.boundAt[b.Address] = m.highest(b.Coin)
	for _, p := range m.paid {
		if p.Address == b.Address {
			p.sky = b.SkyAddress
		}
	}
}

func (m *model) highest(c teller.Coin) int64 {
	if c == teller.SKY {
		return m.w.sky.head().Height
	}
	return m.w.chains[c].highest
}

// pays notes a payment.
func (m *model) pays(p *payment) {
	p.sky = m.buyers[p.Address]
	m.payments[p.id()] = p
	m.expects(p.id())
	m.paid = append(m.paid, p)
	if p.untold {
		m.untold[p.Address] = true
	}
}

// withdrawal is a transaction out of the wallet that the engine did not make.
type withdrawal struct {
	tx      *skyTx
	to      string
	since   int  // the world's version
	settled bool // an operator has tried to declare that it has nothing to do with deposits
	coins   teller.Droplets
	marked  map[string]teller.Droplets // by deposit: what an operator was answered that it has paid
}

// withdrew notes a withdrawal.
func (m *model) withdrew(tx *skyTx, to string, coins teller.Droplets) {
	m.withdrawn = append(m.withdrawn, &withdrawal{tx: tx, to: to, since: m.w.version, coins: coins, marked: make(map[string]teller.Droplets)})
}

// paidByHand judges a deposit that a step has put into a new payout: if the node could tell of a withdrawal that pays the
// same buyer, and no operator has said a word about it, that may have been for this deposit (I1).
func (m *model) paidByHand(p *payment, d teller.Deposit) {
	used := teller.Droplets(0) // at most, of any withdrawal, by operators who closed other deposits
	for _, other := range m.paid {
		if m.rows[other.id()].SkyAddress == d.SkyAddress && other.closing {
			used += m.most(other)
		}
	}
	for _, out := range m.withdrawn {
		if out.to != d.SkyAddress || out.settled || out.since >= m.began || used >= out.coins || strings.Contains(p.freed, out.tx.ID) {
			continue
		}
		// Of what was before it, a ledger that has just begun knows the balance only.
		known := out.tx.height < 0 || out.tx.height > m.opened
		mined := out.tx.height >= 0 && out.tx.sealed <= m.began
		// What the node had heard of when the step began it shows as pending, or in a block that is new.
		heard := m.possible(out.tx) && out.tx.heard >= 0 && out.tx.heard <= m.began
		if known && (mined || heard) {
			m.violate("I1", "deposit %s is paid by %s although withdrawal %s has paid %s", p.id(), d.PayoutTxID, out.tx.ID, out.to)
		}
	}
}

// owed is what a payment is worth at a rate, in droplets: rounded down to the decimals that are sent.
func (m *model) owed(p *payment, rate string) teller.Droplets {
	worth, ok := new(big.Rat).SetString(rate)
	if !ok {
		panic("sim: rate " + rate)
	}
	unit := map[teller.Coin]int64{teller.BTC: 8, teller.ETH: 18, teller.SKY: 6}[p.coin]
	scale := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(unit-int64(m.maxDecimals)), nil))
	worth.Mul(worth, new(big.Rat).SetInt(p.Value.Big()))
	worth.Mul(worth, scale)
	whole := new(big.Int).Quo(worth.Num(), worth.Denom())
	whole.Mul(whole, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(6-m.maxDecimals)), nil))
	return teller.Droplets(whole.Uint64())
}

// most is the most that a payment can be worth.
func (m *model) most(p *payment) (most teller.Droplets) {
	for _, rate := range m.rates[p.coin] {
		most = max(most, m.owed(p, rate)+teller.DropletsPerSKY) // whatever the decimals
	}
	bought, _ := m.purchased(p.id())
	return max(most, bought)
}

// mayOwe reports whether an amount is what a payment is worth at one of the rates that were ever in force.
func (m *model) mayOwe(p *payment, d teller.Droplets) bool {
	return slices.ContainsFunc(m.rates[p.coin], func(rate string) bool { return m.owed(p, rate) == d })
}

// injected judges a broadcast: its bytes must be durable (I2), and it must not pay what something else may pay (I1).
func (m *model) injected(tx *skyTx) {
	if m.payouts[tx.ID] != nil {
		return
	}
	stored, err := m.w.peek().Payout(context.Background(), tx.ID)
	if teller.CodeOf(err) == teller.CodeUnavailable { // its disk has failed: the next life tells
		m.unasked = append(m.unasked, tx)
		return
	}
	if err != nil {
		m.violate("I2", "transaction %s is broadcast and not stored: %v", tx.ID, err)
		return
	}
	for _, share := range stored.Shares {
		for id, other := range m.payouts {
			if other.pays(share.DepositID) && m.possible(other.tx) && m.possible(tx) {
				m.violate("I1", "deposit %s is paid by %s and by %s, and both can confirm", share.DepositID, id, tx.ID)
			}
		}
		if m.possible(tx) { // a dead one may be told of again by the journal
			m.mayPay(share)
		}
	}
	m.payouts[tx.ID] = &modelPayout{tx, stored.Shares}
	for _, share := range stored.Shares {
		if a := m.addressOf(share.DepositID); m.untold[a] {
			m.counted(a)
		}
	}
}

// addressOf is the deposit address of a deposit, "" when there is none.
func (m *model) addressOf(id string) string {
	if p := m.payments[id]; p != nil {
		return p.Address
	}
	if b := m.balances[id]; b != nil {
		return b.Address
	}
	return ""
}

func (p *modelPayout) pays(id string) bool {
	return slices.ContainsFunc(p.shares, func(s teller.Share) bool { return s.DepositID == id })
}

// possible reports whether a transaction is or can still be confirmed.
func (m *model) possible(tx *skyTx) bool {
	if tx.height >= 0 {
		return true
	}
	for _, in := range tx.Inputs {
		if _, spent := m.w.sky.spent[in]; spent {
			return false
		}
	}
	return true
}

// mayPay judges whether a deposit may be paid at all.
func (m *model) mayPay(share teller.Share) {
	p := m.payments[share.DepositID]
	switch {
	case p == nil && m.balances[share.DepositID] != nil && m.balances[share.DepositID].vouched:
	case p == nil:
		m.violate("I1", "%s SKY are paid for %s, which nobody has paid", share.Coins, share.DepositID)
	case p.deep == 0:
		m.violate("I4", "deposit %s is paid and never had %d confirmations", p.id(), m.confirmations[p.coin])
	case m.trades(p) && m.mayBe(p.id(), share.Coins):
	case !m.mayOwe(p, share.Coins):
		m.violate("I1", "deposit %s of %s %s is paid %s SKY", p.id(), p.Value, p.coin, share.Coins)
	case p.ended:
		m.violate("I1", "deposit %s is paid %s SKY, although an operator has closed it or marked it as paid", p.id(), share.Coins)
	}
}

// sealed judges a block of the Skycoin chain: no deposit is paid twice, and nobody gets more than what they are owed.
func (m *model) sealed(txs []*skyTx) {
	for _, tx := range txs {
		payout := m.payouts[tx.ID]
		if payout == nil {
			continue
		}
		for _, share := range payout.shares {
			for id, other := range m.payouts {
				if id != tx.ID && other.tx.height >= 0 && other.pays(share.DepositID) {
					m.violate("I1", "deposit %s is paid twice: by %s and by %s", share.DepositID, id, tx.ID)
				}
			}
		}
		m.exact(payout)
	}
}

// exact judges whether a confirmed payout gives every buyer the sum of their shares, and the rest back to the wallet.
func (m *model) exact(p *modelPayout) {
	due := make(map[string]teller.Droplets)
	for _, share := range p.shares {
		if pay := m.payments[share.DepositID]; pay != nil {
			to := pay.sky
			if to == "" { // bound, but the answer did not come
				to = pay.told
			}
			due[to] += share.Coins
		} else if b := m.balances[share.DepositID]; b != nil {
			due[b.SkyAddress] += share.Coins
		}
	}
	for _, o := range p.tx.Outputs {
		if slices.Contains(m.w.sky.wallet, o.Address) {
			continue
		}
		if due[o.Address] != o.Coins {
			m.violate("I1", "transaction %s gives %s SKY to %s, who is due %s", p.tx.ID, o.Coins, o.Address, due[o.Address])
		}
		delete(due, o.Address)
	}
	for address, d := range due {
		if d > 0 {
			m.violate("I1", "transaction %s gives nothing to %s, who is due %s", p.tx.ID, address, d)
		}
	}
}
