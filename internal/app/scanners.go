package app

import (
	"context"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/scan"
)

// mempoolPace is how soon the mempool is looked at again when its node tells of one transaction after the other.
const mempoolPace = time.Second

// openScanners starts to watch what is bound, and what may be bound. From here on deposits are seen as soon as Run asks
// the nodes.
func (a *App) openScanners(ctx context.Context) error {
	pinned, _, err := a.store.Networks(ctx)
	if err != nil {
		return err
	}
	for _, coin := range teller.Coins {
		if !a.terms.Coins[coin].Enabled {
			continue
		}
		chain, genesis, err := a.chain(coin)
		if err != nil {
			return err
		}
		if err := a.checkNetwork(string(coin)+" deposits", pinned[coin], genesis); err != nil {
			return err
		}
		sc := a.Config.Scanner(coin)
		initial := sc.InitialScanHeight
		if a.Config.Dummy.Scanner {
			initial = 0 // a dummy chain counts its own blocks
		}
		s, err := scan.New(ctx, scan.Options{
			Chain: chain, Store: a.store, Log: a.Log, Clock: a.clock, InitialHeight: initial,
			Confirmations: sc.ConfirmationsRequired, Rate: a.Config.Rate(coin), Genesis: genesis, Credited: func() { a.wakeup("processor")(); a.wakeup("buyer")() },
		})
		if err != nil {
			return err
		}
		a.scanners[coin] = s
		a.counter.Watch[coin] = s.Watch
		if p := a.pools[coin]; p != nil {
			if err := p.Upcoming(s.Watch); err != nil {
				return err
			}
		}
		a.addLoop(s, sc.ScanPeriod)
		a.addAround(s, chain, sc.ScanPeriod)
	}
	return nil
}

// addAround adds what goes with a scanner, as far as its chain can do it.
func (a *App) addAround(s *scan.Scanner, chain teller.Chain, period time.Duration) {
	rescanner := scan.NewRescanner(s, a.store)
	a.addLoop(rescanner, period)
	wake := map[teller.Notice]func(){teller.NoticeBlock: a.wakeup(s.Name())}
	if chain, ok := chain.(teller.Mempool); ok {
		window := scan.NewMempool(s, chain)
		a.mempools[s.Chain.Coin()] = window
		l := a.addLoop(window, period)
		l.pace, l.vitals = mempoolPace, nil // only shown to buyers: it is no part of health
		wake[teller.NoticeTransaction] = a.wakeup(window.Name())
		wake[teller.NoticeBlock] = func() {
			a.wakeup(s.Name())()
			a.wakeup(window.Name())()
		}
	}
	if chain, ok := chain.(teller.BalanceReader); ok {
		a.addLoop(scan.NewBalances(s, chain, a.store), period)
	}
	if chain, ok := chain.(teller.Notifier); ok {
		a.pushers = append(a.pushers, &pusher{chain: chain, wake: wake, clock: a.clock, log: a.Log.With("coin", s.Chain.Coin())})
	}
}

// unconfirmed are the transfers to a deposit address that no block holds yet, as far as the node has told.
func (a *App) unconfirmed(coin teller.Coin, address string) []teller.Transfer {
	if m := a.mempools[coin]; m != nil {
		return m.Unconfirmed(address)
	}
	return nil
}
