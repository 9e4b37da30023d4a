package settle

import (
	"context"
	"log/slog"
	"slices"

	"github.com/skycoin/teller"
)

const (
	// keepOutputs is how many outputs the wallet likes to keep, so that not all of its coins are on their way at once
	// and each has time to earn hours. With one, full payouts block after block run it dry; with four they do not.
	keepOutputs = 4
	// scanLimit bounds how many due deposits are looked at once there is somebody to pay.
	scanLimit = 5000
	// dropLimit bounds how many recipients in a row are tried alone when the wallet can't pay them.
	dropLimit = 16
)

// Payer makes payouts: it takes the deposits that are due, oldest first, has the wallet sign one transaction for as
// many of them as fit, checks the signed bytes and stores them. One that the balance can't cover waits and does not
// stop the others.
type Payer struct {
	Node      teller.Node
	Store     Ledger
	Wallet    teller.Wallet
	SKY       teller.Addresses
	Log       *slog.Logger
	Clock     teller.Clock
	MaxSize   int    // of a transaction, in bytes
	Stored    func() // wakes the broadcaster; may be nil
	NotAtHead func() // wakes the follower; may be nil
	// Audit must return nil once before anything is paid. It is called when the ledger has followed the Skycoin chain to
	// the node's head, at every Step until then; nil = nothing is to be proven first.
	Audit func(ctx context.Context) error

	audited bool // Audit has returned nil
}

// Name implements the worker's name.
func (p *Payer) Name() string { return "sender" }

// Step stores at most one payout. It pays nothing while the ledger has not followed the Skycoin chain to the node's
// head: a transaction that the ledger does not know yet could have paid the same deposits. What is pending is asked
// before the head is: a transaction that is mined in between shows as a new head.
func (p *Payer) Step(ctx context.Context) (bool, error) {
	if due, err := p.Store.Due(ctx, teller.StatusWaitingSend, 0, 1); err != nil || len(due) == 0 {
		return false, err
	}
	if passed, err := p.audit(ctx); err != nil || !passed {
		return false, err
	}
	pending, err := p.Node.Pending(ctx)
	if err != nil {
		return false, err
	}
	cursor, ready, err := ledgerHead(ctx, p.Node, p.Store, p.Wallet.Addresses())
	if err != nil {
		return false, err
	}
	if !ready {
		wake(p.NotAtHead)
		return false, nil
	}
	rules, err := p.Node.Rules(ctx)
	if err != nil {
		return false, err
	}
	all, spendable, err := p.outputs(ctx, pending)
	if err != nil {
		return false, err
	}
	q, err := p.choose(ctx, sum(spendable), p.Wallet.FitRecipients(min(p.MaxSize, rules.MaxSize), 1, 1))
	if err != nil {
		return false, err
	}
	if len(q.groups) == 0 {
		return q.held > 0, p.short(ctx, q, all, spendable)
	}
	signed, batch, err := p.build(ctx, q.groups, teller.PayoutRequest{
		Spendable: spendable, HeadTime: cursor.Time, Rules: rules, MaxSize: min(p.MaxSize, rules.MaxSize), Keep: keepOutputs,
	})
	if err != nil {
		return false, err
	}
	if err := p.store(ctx, signed, batch, spendable, cursor.Time, rules); err != nil {
		return false, err
	}
	wake(p.Stored)
	return true, nil
}

// audit has the ledger audited before the first payout, and reports whether that has gone well. It takes its time, so what
// is pending and where the head is are asked after it.
func (p *Payer) audit(ctx context.Context) (bool, error) {
	if p.Audit == nil || p.audited {
		return true, nil
	}
	_, ready, err := ledgerHead(ctx, p.Node, p.Store, p.Wallet.Addresses())
	if err != nil {
		return false, err
	}
	if !ready {
		wake(p.NotAtHead)
		return false, nil
	}
	if err := p.Audit(ctx); err != nil {
		return false, err
	}
	p.audited = true
	return true, nil
}

func wake(f func()) {
	if f != nil {
		f()
	}
}

// outputs are the wallet's outputs, and those of them that nothing known is about to spend.
func (p *Payer) outputs(ctx context.Context, pending []teller.SkyTx) (all, spendable []teller.Output, err error) {
	res, err := p.Store.NotePending(ctx, pending)
	if err != nil {
		return nil, nil, err
	}
	tellWithdrawals(p.Log, res.Withdrawals)
	tellHeld(p.Log, res.Held)
	all, spendable, err = p.Store.Outputs(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, spendable = ownedBy(p.Wallet.Addresses(), all), ownedBy(p.Wallet.Addresses(), spendable)
	outgoing := make(map[string]bool)
	for _, tx := range pending {
		for _, in := range tx.Inputs {
			outgoing[in] = true
		}
	}
	spendable = slices.DeleteFunc(spendable, func(o teller.Output) bool { return outgoing[o.ID] })
	return all, spendable, nil
}

// group is the deposits of one SKY address: they share one output, because a transaction with two equal ones is refused.
type group struct {
	address  string
	coins    teller.Droplets
	deposits []teller.Deposit
}

// queue is what choose found.
type queue struct {
	groups []*group
	held   int
	// unaffordable is the smallest deposit that the spendable coins did not cover, 0 = none.
	unaffordable teller.Droplets
}

// choose reads the due deposits, oldest first, and takes those that the budget covers, for at most maxRecipients SKY
// addresses. Deposits that no transaction can pay are held.
func (p *Payer) choose(ctx context.Context, budget teller.Droplets, maxRecipients int) (queue, error) {
	var q queue
	byAddress := make(map[string]*group)
	after := uint64(0)
	for read := 0; read < scanLimit || len(q.groups) == 0; {
		due, err := p.Store.Due(ctx, teller.StatusWaitingSend, after, page)
		if err != nil || len(due) == 0 {
			return q, err
		}
		read += len(due)
		after = due[len(due)-1].Seq
		for _, d := range due {
			if err := p.check(d); err != nil {
				held, err := p.Store.Hold(ctx, d.ID, d.Version, teller.HoldUnpayable, err.Error())
				if err != nil {
					return q, err
				}
				q.held++
				tellHeld(p.Log, []teller.Deposit{held})
				continue
			}
			g := byAddress[d.SkyAddress]
			if g == nil && len(q.groups) == maxRecipients {
				continue
			}
			if d.Owed > budget {
				if q.unaffordable == 0 || d.Owed < q.unaffordable {
					q.unaffordable = d.Owed
				}
				continue
			}
			if g == nil {
				g = &group{address: d.SkyAddress}
				byAddress[d.SkyAddress] = g
				q.groups = append(q.groups, g)
			}
			budget -= d.Owed
			g.coins += d.Owed
			g.deposits = append(g.deposits, d)
		}
	}
	return q, nil
}

// check finds what would make the node refuse any transaction that pays the deposit.
func (p *Payer) check(d teller.Deposit) error {
	if _, err := p.SKY.Parse(d.SkyAddress); err != nil {
		return err
	}
	if d.Owed == 0 {
		return teller.Errorf(teller.CodeInvalid, "nothing is owed for it")
	}
	return nil
}

// short says why nothing can be paid. Coins that come back as change soon are no reason to say anything.
func (p *Payer) short(ctx context.Context, q queue, all, spendable []teller.Output) error {
	if q.unaffordable == 0 {
		return nil
	}
	payouts, err := p.Store.PendingPayouts(ctx)
	if err != nil {
		return err
	}
	future := sum(all)
	for _, payout := range payouts {
		for _, s := range payout.Shares {
			future -= min(future, s.Coins)
		}
	}
	if q.unaffordable <= future {
		return nil
	}
	if len(all) == 0 {
		return teller.Errorf(teller.CodeShortOfCoins, "no unspents to spend")
	}
	return teller.Errorf(teller.CodeShortOfCoins, "sold out: the next deposit is due %s SKY, the wallet can spend %s SKY", q.unaffordable, sum(spendable))
}

// build asks the wallet for a transaction that pays as many of the groups as it can, from the front. A recipient that can
// not be paid even alone stops nobody else: it waits, or is held when no transaction can ever pay it.
func (p *Payer) build(ctx context.Context, groups []*group, req teller.PayoutRequest) (teller.SignedTx, []*group, error) {
	inputs, dropped := 1, 0
	for n := len(groups); ; {
		req.Pay = req.Pay[:0]
		for _, g := range groups[:n] {
			req.Pay = append(req.Pay, teller.Recipient{Address: g.address, Coins: g.coins})
		}
		signed, err := p.Wallet.Build(ctx, req)
		if err == nil {
			return signed, groups[:n], nil
		}
		switch code := teller.CodeOf(err); {
		case !slices.Contains(retryable, code):
			return teller.SignedTx{}, nil, err
		case n > 1 && code == teller.CodeTooLarge: // each further input takes the place of some recipients
			inputs++
			n = max(1, min(n-1, p.Wallet.FitRecipients(req.MaxSize, inputs, req.Keep)))
		case n > 1: // fewer need fewer hours; and one that can't be paid is found by halving
			n /= 2
		default:
			if code == teller.CodeInvalid {
				if err := p.hold(ctx, groups[0], err); err != nil {
					return teller.SignedTx{}, nil, err
				}
			}
			if dropped++; len(groups) == 1 || dropped == dropLimit {
				return teller.SignedTx{}, nil, err
			}
			groups = groups[1:]
			n, inputs = len(groups), 1
		}
	}
}

// retryable are the failures of a build that paying fewer recipients may mend.
var retryable = []teller.Code{teller.CodeTooLarge, teller.CodeInvalid, teller.CodeShortOfHours, teller.CodeShortOfCoins}

func (p *Payer) hold(ctx context.Context, g *group, why error) error {
	for _, d := range g.deposits {
		held, err := p.Store.Hold(ctx, d.ID, d.Version, teller.HoldUnpayable, why.Error())
		if err != nil {
			return err
		}
		tellHeld(p.Log, []teller.Deposit{held})
	}
	return nil
}

// store verifies the signed bytes once more and writes the payout.
func (p *Payer) store(ctx context.Context, signed teller.SignedTx, batch []*group, spendable []teller.Output, headTime uint64, rules teller.TxRules) error {
	v := verifier{wallet: p.Wallet, outputs: spendable, headTime: headTime, rules: rules}
	if err := v.verify(signed, batch); err != nil {
		return err
	}
	payout := teller.Payout{
		TxID: signed.ID, Raw: signed.Raw, Inputs: signed.Inputs, Fee: signed.Fee,
		Status: teller.PayoutPending, Height: teller.UnknownHeight, CreatedAt: p.Clock.Now(),
	}
	var coins teller.Droplets
	for _, g := range batch {
		coins += g.coins
		for _, d := range g.deposits {
			payout.Shares = append(payout.Shares, teller.Share{DepositID: d.ID, Version: d.Version, Coins: d.Owed})
		}
	}
	if err := p.Store.CreatePayout(ctx, payout); err != nil {
		return err
	}
	p.Log.Info("payout stored", "txid", payout.TxID, "deposits", len(payout.Shares), "recipients", len(batch), "coins", coins.String(), "bytes", len(payout.Raw), "fee_hours", payout.Fee)
	return nil
}
