package app

import (
	"context"
	"log/slog"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/audit"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/store/bolt"
)

// openAudit makes the auditor of the running counter, with the nodes that it uses itself.
func (a *App) openAudit() {
	a.auditor = &audit.Auditor{
		Ledger: a.store, Node: a.node, Chains: make(map[teller.Coin]teller.Chain), Exchange: a.exchange, Log: a.Log,
		RatelimitWait: a.Config.SkyExchanger.ExchangeClient.RatelimitWait,
	}
	for coin, s := range a.scanners {
		a.auditor.Chains[coin] = s.Chain
	}
}

// gate is the quick audit at the start, which the first payout waits for.
func (a *App) gate(ctx context.Context) error {
	if err := a.auditor.Gate(ctx); err != nil {
		return err
	}
	a.Log.Info("the ledger and the skycoin node agree about the wallet: payouts may begin")
	return nil
}

// Audit compares the whole ledger with the nodes; see audit.Auditor.Run. One at a time: CodeConflict while another one is
// under way.
func (a *App) Audit(ctx context.Context, from map[teller.Coin]int64) (teller.AuditReport, error) {
	if !a.auditing.TryLock() {
		return teller.AuditReport{}, teller.Errorf(teller.CodeConflict, "an audit is under way: wait until it has ended")
	}
	defer a.auditing.Unlock()
	return a.auditor.Run(ctx, from)
}

// AuditClosed audits the ledger of a counter that does not run, with the nodes of its configuration unless offline. It
// reads only. Simulated chains exist only while teller runs, so those of a dummy counter are left out.
func AuditClosed(ctx context.Context, c config.Config, log *slog.Logger, offline bool, from map[teller.Coin]int64) (teller.AuditReport, error) {
	store, err := bolt.OpenReader(ctx, c.DBPath())
	if err != nil {
		return teller.AuditReport{}, err
	}
	defer func() { _ = store.Close() }()
	a := &audit.Auditor{
		Ledger: store, Chains: make(map[teller.Coin]teller.Chain), Log: log, RatelimitWait: c.SkyExchanger.ExchangeClient.RatelimitWait,
	}
	if !offline && !c.Dummy.Sender {
		node := sky.NewNode(skyConfig(c))
		defer node.Close()
		a.Node = node
	}
	if !offline && c.Buys() && !c.Dummy.On() {
		opened := &App{Options: Options{Config: c, Log: log}} // of which there is nothing but the exchange's client
		if a.Exchange, err = opened.exchangeClient(); err != nil {
			return teller.AuditReport{}, err
		}
		defer func() { _ = opened.close() }()
	}
	terms := c.Terms()
	for _, coin := range teller.Coins {
		if offline || c.Dummy.Scanner || !terms.Coins[coin].Enabled {
			continue
		}
		chain, _, closeChain, err := OpenChain(c, coin, log)
		if err != nil {
			return teller.AuditReport{}, err
		}
		defer closeChain() //nolint:revive // one for each coin
		a.Chains[coin] = chain
	}
	return a.Run(ctx, from)
}

// AuditLog calls f for the entries of the audit log of a counter that does not run, from behind one on, until it returns
// false.
func AuditLog(ctx context.Context, c config.Config, after uint64, f func(teller.AuditEntry) bool) error {
	store, err := bolt.OpenReader(ctx, c.DBPath())
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	for {
		es, err := store.Audit(ctx, after, 0)
		if err != nil || len(es) == 0 {
			return err
		}
		for _, e := range es {
			if !f(e) {
				return nil
			}
		}
		after = es[len(es)-1].Seq
	}
}
