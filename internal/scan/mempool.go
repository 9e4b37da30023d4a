package scan

import (
	"context"
	"sync"

	"github.com/skycoin/teller"
)

// Mempool is the worker that shows what is on its way: payments that no block holds yet. It is a window and nothing
// else; what it shows is neither stored nor credited.
type Mempool struct {
	chain   teller.Mempool
	coin    teller.Coin
	watched teller.Watched

	mu        sync.RWMutex
	byAddress map[string][]teller.Transfer
}

// NewMempool makes the window on the mempool of a Scanner's chain.
func NewMempool(s *Scanner, chain teller.Mempool) *Mempool {
	return &Mempool{chain: chain, coin: s.coin, watched: s.watched}
}

// Name implements the worker's name.
func (m *Mempool) Name() string { return m.coin.Lower() + " mempool" }

// Step looks again. A node that does not answer leaves an empty window rather than an old one.
func (m *Mempool) Step(ctx context.Context) (bool, error) {
	transfers, err := m.chain.Unconfirmed(ctx, m.watched)
	byAddress := make(map[string][]teller.Transfer)
	for _, t := range transfers {
		byAddress[t.Address] = append(byAddress[t.Address], t)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byAddress = byAddress
	return false, err
}

// Unconfirmed are the transfers to an address that no block holds yet, as far as the node has told.
func (m *Mempool) Unconfirmed(address string) []teller.Transfer {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.byAddress[address]
}
