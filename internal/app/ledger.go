package app

import (
	"context"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/store/bolt"
)

// ledgerWatchEvery is how often the ledger's disk is looked at.
const ledgerWatchEvery = 5 * time.Second

func (a *App) openStore(ctx context.Context) error {
	s, err := bolt.Open(ctx, bolt.Options{Path: a.Config.DBPath(), Clock: a.clock, Logger: a.Log, Disk: a.disk})
	if err != nil {
		return err
	}
	a.store = s
	a.onClose("store", s.Close)
	a.addLoop(&ledgerWatch{s}, ledgerWatchEvery)
	return nil
}

// ledgerTrouble is a failure of the ledger's disk, with what the public may read about it.
type ledgerTrouble struct {
	error
	public string
}

func (e *ledgerTrouble) Unwrap() error { return e.error }

// ledgerWatch is the worker that reports how the ledger's disk is doing, if possible before it hurts.
type ledgerWatch struct{ store *bolt.Store }

// Name implements the worker's name.
func (w *ledgerWatch) Name() string { return "ledger" }

// Step looks once.
func (w *ledgerWatch) Step(context.Context) (bool, error) {
	if err := w.store.Condition(); err != nil {
		return false, &ledgerTrouble{err, "can not be written: nothing is bound or paid until the operator has looked at it"}
	}
	if free, want, ok := w.store.Space(); ok && free < want {
		err := teller.Errorf(teller.CodeUnavailable, "the disk of the database is nearly full, %d MB are free: free some, %d MB should be", free>>20, want>>20)
		return false, &ledgerTrouble{err, "its disk is nearly full"}
	}
	return false, nil
}

// endWithLedger ends teller when the disk failed in the middle of a commit: a new start, which a supervisor makes, finds
// out what is stored. A damaged file no start can mend: there teller stays, refuses everything and says why.
func (a *App) endWithLedger(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.store.Broken():
	}
	err := a.store.Condition()
	if teller.CodeOf(err) == teller.CodeCorrupt {
		return nil
	}
	return err
}

// checkNetwork refuses a database of another network than the one configured, before a node is asked anything or sent
// anything. configured "" = any but the simulated one.
func (a *App) checkNetwork(of, pinned, configured string) error {
	if pinned == "" || pinned == configured || (configured == "" && pinned != teller.DummyGenesis) {
		return nil
	}
	return teller.Errorf(teller.CodeWrongNetwork,
		"database %s belongs to %s, and %s are configured for %s: name another dbfile, or use the configuration that it was made with",
		a.Config.DBPath(), network(pinned), of, network(configured))
}

func network(genesis string) string {
	switch genesis {
	case teller.DummyGenesis:
		return "the simulated chains of dummy mode"
	case "":
		return "a real chain"
	}
	return "the chain whose block 0 is " + genesis
}
