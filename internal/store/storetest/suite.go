// Package storetest is the suite that every teller.Store passes. A store's own tests call Run with a Factory; what only
// that store has (its file, its import, its journal) it tests itself.
//
// The tests are written against the words of ports.go: each calls the store only, and knows nothing of how rows are kept.
// ledger.go is the small world they live in (deposit chains, a Skycoin chain, a wallet), books.go compares the totals and
// listings of a ledger with its rows, audit.go does so with its audit log, and model.go drives a store by random steps against a model, of which modelscan.go
// and modelwallet.go are parts; modelbalance.go does so for balances, and modelorders.go for orders on an exchange.
package storetest

import (
	"testing"

	"github.com/skycoin/teller"
)

// Factory makes an empty ledger for one test. Each call of open opens the same data again; the suite closes a store
// before it opens it anew.
type Factory func(t *testing.T) (open func() teller.Store)

// Run runs the whole suite.
func Run(t *testing.T, factory Factory) {
	groups := map[string]map[string]func(*ledger){
		"Bind":       bindTests,
		"Scan":       scanTests,
		"Credit":     creditTests,
		"Reorg":      reorgTests,
		"Unbound":    unboundTests,
		"Rescan":     rescanTests,
		"Balances":   balanceTests,
		"Duplicates": duplicateTests,
		"Deposits":   depositTests,
		"Wallet":     walletTests,
		"Payouts":    payoutTests,
		"Operator":   operatorTests,
		"Holds":      holdTests,
		"Life":       lifeTests,
		"Audit":      auditTests,
		"Orders":     orderTests,
		"Doubts":     doubtTests,
		"Failures":   failureTests,
		"Purchases":  purchaseTests,
	}
	for name, tests := range groups {
		t.Run(name, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					l := newLedger(t, factory(t))
					defer l.close()
					test(l)
					l.checkBooks()
					l.reopen() // whatever was answered is durable
					l.checkBooks()
				})
			}
		})
	}
	t.Run("BalanceModel", func(t *testing.T) { runBalanceModel(t, factory) })
	t.Run("OrderModel", func(t *testing.T) { runOrderModel(t, factory) })
	t.Run("Model", func(t *testing.T) { runModel(t, factory) })
}
