package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
	"github.com/skycoin/teller/internal/settle"
	"github.com/skycoin/teller/internal/web"
)

// openListeners takes the addresses, so that a taken one is an error of the start and not of later, and puts the
// handlers behind them. Nothing is served before Run.
func (a *App) openListeners(ctx context.Context) error {
	c := a.Config
	public := httpapi.NewPublic(httpapi.PublicOptions{
		Counter: a.counter, Store: a.store, Addresses: a.sky, Terms: a.terms, Remaining: a.counter.Remaining,
		Unconfirmed: a.unconfirmed,
		Health:      a.health, Version: a.Version, Started: a.started, Clock: a.clock, Logger: a.Log,
		ThrottleMax: c.Web.ThrottleMax, ThrottleDuration: c.Web.ThrottleDuration,
		StaticDir: c.Path(c.Web.StaticDir), Page: web.Page(),
	})
	if err := a.listen(ctx, "public", c.Web.HTTPAddr, public); err != nil {
		return err
	}
	admin := httpapi.NewAdmin(httpapi.AdminOptions{
		Store: &operator{Store: a.store, wake: a.wakeAll}, Addresses: a.addressUse,
		Purchases: a.resolver(), Exchange: a.exchangeState,
		MarkPaid: a.markPaid, Reload: a.Reload, Audit: a.Audit, Metrics: a.metricsHandler(), Clock: a.clock, Logger: a.Log,
		Host: c.AdminPanel.Host, Token: c.AdminPanel.Token.Reveal(),
	})
	if err := a.listen(ctx, "admin", c.AdminPanel.Host, admin); err != nil {
		return err
	}
	if !c.Dummy.On() {
		return nil
	}
	a.dummy.wake = func(worker string) { a.wakeup(worker)() }
	o := httpapi.DummyOptions{Host: c.Dummy.HTTPAddr, Logger: a.Log}
	if c.Dummy.Scanner {
		o.Scanner = &a.dummy
	}
	if c.Dummy.Sender {
		o.Sender = &a.dummy
	}
	o.Exchange = a.dummy.exchangeControls()
	return a.listen(ctx, "dummy", c.Dummy.HTTPAddr, httpapi.NewDummy(o))
}

func (a *App) listen(ctx context.Context, name, address string, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "open the %s interface: %w", name, err)
	}
	a.listeners = append(a.listeners, listener{name: name, net: l, server: httpapi.NewServer(h, a.Log)})
	a.onClose(name+" listener", func() error {
		_ = l.Close() // closed already when it was served
		return nil
	})
	return nil
}

func (a *App) addressUse(coin teller.Coin) httpapi.AddressUse {
	return httpapi.AddressUse{
		Remaining: a.counter.Remaining(coin),
		Scanning:  a.scanners[coin] != nil,
		Pool:      a.pools[coin] != nil,
	}
}

func (a *App) wakeAll() {
	for _, l := range a.loops {
		l.wake()
	}
}

// operator is the store behind the admin interface: what an operator decides is acted on at once.
type operator struct {
	teller.Store
	wake func()
}

// resolver decides about purchases through the operator's store.
func (a *App) resolver() *settle.Resolver {
	r := &settle.Resolver{
		Store: &operator{Store: a.store, wake: a.wakeAll}, MaxDecimals: a.Config.SkyExchanger.MaxDecimals, Rates: a.rates(),
		Exchange: a.exchange,
	}
	if a.buyer != nil {
		r.Calling = a.buyer.Calling
	}
	return r
}

// acted wakes everybody after an act that was carried out.
func acted[T any](o *operator, made T, err error) (T, error) {
	if err == nil {
		o.wake()
	}
	return made, err
}

// Release implements teller.OperatorStore.
func (o *operator) Release(ctx context.Context, id string, act teller.Act) (teller.Deposit, error) {
	d, err := o.Store.Release(ctx, id, act)
	return acted(o, d, err)
}

// EndOrder implements teller.OperatorStore.
func (o *operator) EndOrder(ctx context.Context, clientID string, act teller.Act) (teller.Order, error) {
	order, err := o.Store.EndOrder(ctx, clientID, act)
	return acted(o, order, err)
}

// PayInstead implements teller.OperatorStore.
func (o *operator) PayInstead(ctx context.Context, id string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	d, err := o.Store.PayInstead(ctx, id, owed, act)
	return acted(o, d, err)
}

// Refund implements teller.OperatorStore.
func (o *operator) Refund(ctx context.Context, id, txid string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	d, err := o.Store.Refund(ctx, id, txid, owed, act)
	return acted(o, d, err)
}

// StartRescan implements teller.RescanStore.
func (o *operator) StartRescan(ctx context.Context, coin teller.Coin, from int64, act teller.Act) (teller.Rescan, error) {
	job, err := o.Store.StartRescan(ctx, coin, from, act)
	return acted(o, job, err)
}

// markPaid takes an operator's word that a transaction made by hand has paid a deposit.
func (a *App) markPaid(ctx context.Context, id, txid string, act teller.Act) (teller.Deposit, error) {
	return settle.MarkPaid(ctx, a.node, a.store, a.Config.SkyExchanger.MaxDecimals, id, txid, act)
}

// health is what /api/health shows, put together from what the workers reported last.
func (a *App) health() httpapi.Health {
	balance := a.follower.Balance()
	h := httpapi.Health{
		Nodes: a.vitals.All(),
		Exchange: httpapi.ExchangeHealth{
			BuyMethod: a.terms.BuyMethod, ProcessorError: a.processorError(), SenderError: a.vitals.Error("sender"),
			Coins: balance.Coins, Hours: balance.Hours,
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	totals, err := a.store.Totals(ctx)
	if err != nil {
		a.Log.Warn("totals can not be read", slog.Any("err", err))
	}
	h.Exchange.DepositErrorCount = totals.Errored
	return h
}
