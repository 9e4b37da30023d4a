package sim

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/audit"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/counter"
	"github.com/skycoin/teller/internal/pool"
	"github.com/skycoin/teller/internal/scan"
	"github.com/skycoin/teller/internal/settle"
	"github.com/skycoin/teller/internal/store/bolt"
)

// worker is one of the engine's workers.
type worker interface {
	Name() string
	Step(ctx context.Context) (bool, error)
}

// setting is what an operator may change between two starts.
type setting struct {
	rates       map[teller.Coin]teller.Rate
	maxDecimals int
	maxSize     int
	wallet      *hotWallet
	passthrough bool // SKY for BTC and ETH is bought on the exchange
	policy      settle.Policy
}

// engine is one life of the process: everything that internal/app joins, but for the listeners and the loops, whose part
// the schedule plays.
type engine struct {
	w        *world
	setting  setting
	store    *bolt.Store
	ledger   *ledger
	counter  *counter.Counter
	workers  []worker
	resolver *settle.Resolver // nil unless SKY is bought
}

// openEngine starts the process on a data directory. It panics with crash when the process dies meanwhile.
func openEngine(ctx context.Context, w *world, dir string, s setting) (e *engine, err error) {
	e = &engine{w: w, setting: s}
	alive := false
	defer func() {
		if !alive {
			e.close()
		}
	}()
	w.op = "Open"
	if e.store, err = bolt.Open(ctx, bolt.Options{Path: filepath.Join(dir, "teller.db"), Clock: w, NoSync: true, Disk: disk{w}, Logger: e.logger()}); err != nil {
		w.mustLive()
		return e, err
	}
	e.ledger = &ledger{e.store, w}
	e.counter = &counter.Counter{
		Terms: teller.Terms{BindEnabled: true, BuyMethod: teller.BuyDirect, MaxBoundAddrs: 6, Coins: make(map[teller.Coin]teller.CoinTerms)},
		Store: e.ledger, Clock: w, SKY: sky.Addresses{}, Own: s.wallet.Addresses(),
		Pools: make(map[teller.Coin]counter.Pool), Watch: make(map[teller.Coin]func(string) error),
	}
	for _, coin := range teller.Coins {
		_, traded := smallest[coin]
		e.counter.Terms.Coins[coin] = teller.CoinTerms{Enabled: true, Traded: traded}
		if err := e.openCoin(ctx, coin); err != nil {
			return e, err
		}
	}
	e.openSettlement()
	alive = true
	return e, nil
}

func (e *engine) openCoin(ctx context.Context, coin teller.Coin) error {
	list, err := pool.NewList(coin, depositAddresses(coin))
	if err != nil {
		return err
	}
	p := pool.New(list)
	err = e.ledger.UsedAddresses(ctx, coin, func(address string) error { p.Exclude(address); return nil })
	if err != nil {
		return err
	}
	chain := e.chain(coin)
	scanner, err := scan.New(ctx, scan.Options{
		Chain: chain, Store: e.ledger, Log: e.logger(), Clock: e.w, Confirmations: e.w.model.confirmations[coin],
		Rate: e.setting.rates[coin], Genesis: coin.Lower() + "-genesis", InFlight: 1,
	})
	if err != nil {
		return err
	}
	if err := p.Upcoming(scanner.Watch); err != nil {
		return err
	}
	e.counter.Pools[coin], e.counter.Watch[coin] = p, scanner.Watch
	e.workers = append(e.workers, scanner, scanner, scan.NewRescanner(scanner, e.ledger)) // the scanner steps twice as often
	switch chain := chain.(type) {
	case teller.BalanceReader:
		e.workers = append(e.workers, scan.NewBalances(scanner, chain, e.ledger))
	case teller.Mempool:
		e.workers = append(e.workers, scan.NewMempool(scanner, chain))
	}
	return nil
}

func (e *engine) chain(coin teller.Coin) teller.Chain {
	switch coin {
	case teller.BTC:
		return &chainNode{e.w.chains[coin], "btc"}
	case teller.ETH:
		return &balanceNode{&chainNode{e.w.chains[coin], "eth"}}
	default:
		return &skyDeposits{&skyNode{e.w.sky}}
	}
}

func (e *engine) openSettlement() {
	node, log, s := &skyNode{e.w.sky}, e.logger(), e.setting
	own := s.wallet.Addresses()
	auditor := &audit.Auditor{Ledger: e.ledger, Node: node, Log: log}
	if s.passthrough {
		e.counter.Terms.BuyMethod = teller.BuyPassthrough
		buyer := &settle.Buyer{
			Exchange: e.w.exchange, Store: e.ledger, Log: log, Clock: e.w, Policy: s.policy, Rates: s.rates,
			FailureWait: 5 * time.Second, RatelimitWait: 10 * time.Second,
		}
		e.workers = append(e.workers, buyer)
		e.resolver = &settle.Resolver{
			Store: e.ledger, MaxDecimals: s.maxDecimals, Rates: s.rates, Exchange: e.w.exchange, Calling: buyer.Calling,
		}
	}
	e.workers = append(e.workers,
		&settle.Follower{Node: node, Store: e.ledger, Log: log, Addresses: own, Genesis: "sky-genesis"},
		&settle.Vetter{Node: node, Store: e.ledger, Log: log, Addresses: own, MaxDecimals: s.maxDecimals},
		&settle.Decider{Store: e.ledger, Log: log, MaxDecimals: s.maxDecimals, Rates: s.rates, Exchange: s.passthrough},
		&settle.Payer{
			Node: node, Store: e.ledger, Wallet: &signer{s.wallet, e.w}, SKY: sky.Addresses{}, Log: log, Clock: e.w, MaxSize: s.maxSize,
			Audit: auditor.Gate,
		},
		&settle.Broadcaster{Node: node, Store: e.ledger, Log: log, Clock: e.w, Every: rebroadcast},
	)
}

// logger writes into the story.
func (e *engine) logger() *slog.Logger {
	if e.w.story == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(e.w.story, &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.String("engine", "log")
			}
			return a
		},
	}))
}

// close lets go of the files. After a crash nothing is written any more.
func (e *engine) close() {
	if e.store != nil {
		_ = e.store.Close()
		e.store = nil
	}
}

// guard runs a part of the engine on this goroutine until it returns or the process dies.
func (w *world) guard(f func() error) (err error, died bool) { //nolint:revive // the error is what f says, the other how it ended
	defer func() {
		w.inLedger = 0
		switch p := recover(); p {
		case nil:
			died = w.crashed
		default:
			if _, ok := p.(crash); !ok {
				panic(p)
			}
			died = true
		}
	}()
	return f(), false
}

// maxStarts bounds how often in a row a start may fail.
const maxStarts = 50

// refused is what a run is ended with when the process can not be started any more.
type refused struct{}

// start begins a life of the process, again and again until it lives.
func (r *run) start() {
	for attempt := 0; r.engine == nil; attempt++ {
		if attempt == maxStarts {
			r.model.violate("I8", "the process has not started %d times in a row", attempt)
			panic(refused{})
		}
		r.world.crashed = false
		r.writeTorn()
		err, died := r.world.guard(func() (err error) {
			e, err := openEngine(r.ctx, r.world, r.dir, r.setting)
			if err == nil {
				r.engine = e
			}
			return err
		})
		r.world.note("start: %v, died %t", err, died)
		if attempt == maxStarts/2 {
			r.world.faults.height = 0
		}
		if died {
			r.engine = nil
		}
	}
	r.model.restarted(r.engine.store, r.restored)
	r.restored = false
}

// stop ends the life of the process, if it has one.
func (r *run) stop() {
	if r.engine == nil {
		return
	}
	r.world.note("the process ends")
	r.world.crashed = true // nothing is written on the way down
	r.engine.close()
	r.engine = nil
}

// writeTorn leaves the beginning of a journal line where a crash came in the middle of it.
func (r *run) writeTorn() {
	if len(r.world.torn) == 0 {
		return
	}
	f, err := os.OpenFile(filepath.Join(r.dir, "teller.db.bindings"), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = f.Write(r.world.torn)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		panic(err)
	}
	r.world.torn = nil
}
