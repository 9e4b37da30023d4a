// Package app joins the parts: it is the only place where a store meets a chain, a wallet or a listener. It opens what
// the configuration asks for, real or dummy, runs the workers and the listeners until the context ends, and takes
// everything down again in the reverse order.
//
// A part that is down does not keep the counter from opening: nodes are first asked by the workers, which retry for
// ever and report to the vitals that /api/health shows. What is refused at the start is what can't heal by itself: a
// wrong configuration, a database of another network, a wallet that can't be read, an address that is taken.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/audit"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/counter"
	"github.com/skycoin/teller/internal/pool"
	"github.com/skycoin/teller/internal/scan"
	"github.com/skycoin/teller/internal/settle"
	"github.com/skycoin/teller/internal/store/bolt"
)

// Options say what to run.
type Options struct {
	Config     config.Config // validated
	Log        *slog.Logger
	Version    string
	Passphrase func() ([]byte, error) // asked for when the wallet file is encrypted

	disk bolt.Disk // nil = the machine's; tests put a failing one here
}

// App is a counter that is ready to run.
type App struct {
	Options
	clock   systemClock
	started time.Time
	terms   teller.Terms

	store     *bolt.Store
	node      teller.Node
	wallet    teller.Wallet
	sky       teller.Addresses
	vitals    *vitals
	scanners  map[teller.Coin]*scan.Scanner
	mempools  map[teller.Coin]*scan.Mempool
	pushers   []*pusher
	counter   *counter.Counter
	pools     map[teller.Coin]pool.Source
	files     map[teller.Coin]addressFile
	reloading sync.Mutex // one Reload at a time
	follower  *settle.Follower
	exchange  teller.Exchange // nil = SKY is only sent from the wallet
	buyer     *buyer          // there with the exchange
	auditor   *audit.Auditor
	auditing  sync.Mutex // one whole audit at a time
	loops     map[string]*loop
	dummy     dummyWorld
	listeners []listener
	closers   []closer
}

// systemClock is the wall clock. It dates rows and log lines; nothing is decided by it.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

type closer struct {
	name  string
	close func() error
}

type listener struct {
	name   string
	net    net.Listener
	server *http.Server
}

// New opens everything that the configuration asks for. Whatever it opened is closed again when it fails. No node is
// asked anything yet.
func New(ctx context.Context, o Options) (*App, error) {
	// Reading a million addresses makes as much garbage as it keeps. Collecting it twice as often costs no time that can
	// be measured, and saves a third of the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	if o.Config.Dummy.On() { // there the exchange is always the simulation of this one
		o.Config.SkyExchanger.ExchangeClient.Name = config.ExchangeC2CX
	}
	a := &App{
		Options: o, started: time.Now(), terms: o.Config.Terms(),
		scanners: make(map[teller.Coin]*scan.Scanner), mempools: make(map[teller.Coin]*scan.Mempool),
		loops: make(map[string]*loop), files: make(map[teller.Coin]addressFile),
		pools: make(map[teller.Coin]pool.Source),
	}
	a.vitals = newVitals(a.clock)
	for _, step := range []func(context.Context) error{
		a.openDataDir, a.openStore, a.openOutside, a.openCounter, a.openScanners, a.openExchange, a.openSettlement, a.openListeners,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	return a, nil
}

func (a *App) onClose(name string, f func() error) { a.closers = append(a.closers, closer{name, f}) }

// close ends what was opened, last in, first out.
func (a *App) close() error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		if err := c.close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", c.name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

func (a *App) openDataDir(context.Context) error {
	if err := os.MkdirAll(a.Config.DataDir, 0o700); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "make the data directory: %w", err)
	}
	return nil
}

// openSettlement makes the workers behind the desk. With sending switched off nothing new is paid and nothing is
// broadcast again, but what was sent is still followed.
func (a *App) openSettlement(ctx context.Context) error {
	ex := a.Config.SkyExchanger
	own := a.wallet.Addresses()
	a.openAudit()
	genesis := a.Config.SkyRPC.Genesis
	if a.Config.Dummy.Sender {
		genesis = teller.DummyGenesis
	}
	_, pinned, err := a.store.Networks(ctx)
	if err != nil {
		return err
	}
	if err := a.checkNetwork("payouts", pinned, genesis); err != nil {
		return err
	}
	a.follower = &settle.Follower{
		Node: a.node, Store: a.store, Log: a.Log, Addresses: own, Genesis: genesis,
		Changed: func() { a.wakeup("sender")(); a.wakeup("import")() },
	}
	a.addLoop(a.follower, ex.TxConfirmationCheckWait)
	a.addLoop(&settle.Vetter{
		Node: a.node, Store: a.store, Log: a.Log, Addresses: own, MaxDecimals: ex.MaxDecimals, Done: a.wakeup("sender"),
	}, ex.TxConfirmationCheckWait)
	a.addLoop(&settle.Decider{
		Store: a.store, Log: a.Log, MaxDecimals: ex.MaxDecimals, Rates: a.rates(), Exchange: a.exchange != nil,
		Decided: a.wakeup("sender"),
	}, ex.TxConfirmationCheckWait)
	if !ex.SendEnabled {
		a.Log.Warn("sending is switched off: nothing is bought or paid")
		return nil
	}
	a.addLoop(&settle.Payer{
		Node: a.node, Store: a.store, Wallet: a.wallet, SKY: a.sky, Log: a.Log, Clock: a.clock, MaxSize: ex.MaxTransactionSize,
		Stored: a.wakeup("broadcaster"), NotAtHead: a.wakeup("skycoin"), Audit: a.gate,
	}, ex.TxConfirmationCheckWait)
	a.addLoop(&settle.Broadcaster{
		Node: a.node, Store: a.store, Log: a.Log, Clock: a.clock, Every: rebroadcastEvery,
	}, ex.TxConfirmationCheckWait)
	return nil
}

// rebroadcastEvery is how long a payout may wait for its block before its bytes are sent again. Skycoin makes a block
// every ten seconds when anything is pending.
const rebroadcastEvery = 30 * time.Second

func (a *App) addLoop(w worker, period time.Duration) *loop {
	l := newLoop(w, period, a.vitals, a.Log)
	a.loops[w.Name()] = l
	return l
}

// wakeup returns a function that wakes a worker by its name. A worker that is not there needs no waking.
func (a *App) wakeup(name string) func() {
	return func() {
		if l := a.loops[name]; l != nil {
			l.wake()
		}
	}
}

// Run serves until the context ends. It returns nil after an orderly end: requests are finished, workers stop between
// two steps, the store is closed.
func (a *App) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range a.listeners {
		a.Log.Info("listening", "for", l.name, "address", l.net.Addr().String())
		g.Go(func() error {
			if err := l.server.Serve(l.net); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve the %s interface: %w", l.name, err)
			}
			return nil
		})
		g.Go(func() error {
			<-ctx.Done()
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
			defer cancel()
			if err := l.server.Shutdown(end); err != nil {
				return l.server.Close() // a client that will not end its request does not keep us
			}
			return nil
		})
	}
	for _, l := range a.loops {
		g.Go(func() error { return l.Run(ctx) })
	}
	g.Go(func() error { return a.endWithLedger(ctx) })
	for _, p := range a.pushers {
		g.Go(func() error { return p.Run(ctx) })
	}
	err := g.Wait()
	return errors.Join(err, a.close())
}

// shutdownTimeout is how long running requests may take after the end was asked for.
const shutdownTimeout = 5 * time.Second

// Addr is the address that a listener ("public", "admin", "dummy") got, "" when there is none.
func (a *App) Addr(name string) string {
	for _, l := range a.listeners {
		if l.name == name {
			return l.net.Addr().String()
		}
	}
	return ""
}
