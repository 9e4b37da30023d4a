package bolt

import (
	"context"

	"github.com/skycoin/teller"
)

// Networks are the networks that the ledger's rows belong to, each by the genesis hash that was pinned: of the deposit
// chains, and of the chain that payouts are made on. "" or no entry = none is pinned yet.
func (s *Store) Networks(ctx context.Context) (chains map[teller.Coin]string, skycoin string, err error) {
	chains = make(map[teller.Coin]string)
	err = s.view(ctx, func(t *txn) error {
		for _, c := range teller.Coins {
			if genesis := t.get(bucketChains, []byte(c)); genesis != nil {
				chains[c] = string(genesis)
			}
		}
		skycoin = string(t.get(bucketChains, []byte(payoutChain)))
		return nil
	})
	return chains, skycoin, err
}
