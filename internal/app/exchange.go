package app

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/exchange/binance"
	"github.com/skycoin/teller/internal/exchange/c2cx"
	"github.com/skycoin/teller/internal/settle"
)

// checksBeforeCancel is how often an order that waits for its price is looked at before it is cancelled: half a minute with
// the usual check_order_wait.
const checksBeforeCancel = 15

// openExchange opens the exchange on which SKY is bought, if there is one, and makes the worker that buys there. It is not
// asked anything yet.
func (a *App) openExchange(context.Context) error {
	if !a.Config.Buys() {
		return nil
	}
	x, err := a.exchangeClient()
	if err != nil {
		return err
	}
	a.exchange = x
	policy, err := buyingPolicy(a.Config)
	if err != nil {
		return err
	}
	e := a.Config.SkyExchanger.ExchangeClient
	a.buyer = &buyer{Buyer: &settle.Buyer{
		Exchange: x, Store: a.store, Log: a.Log, Clock: a.clock, Policy: policy,
		Rates: a.rates(), FailureWait: e.RequestFailureWait, RatelimitWait: e.RatelimitWait,
	}}
	a.buyer.Bought = func() {
		a.buyer.forget()
		a.wakeup("sender")()
	}
	if !a.Config.SkyExchanger.SendEnabled {
		a.buyer.Store = placedOnly{a.store}
	}
	a.addLoop(a.buyer, e.CheckOrderWait).topUp = "the account on the exchange"
	a.Log.Info("SKY is bought on an exchange", "exchange", x.Name(), "on_failure", e.OnFailure, "max_slippage", string(e.MaxSlippage))
	return nil
}

// exchangeClient makes the client of the configured exchange; in dummy mode it is simulated.
func (a *App) exchangeClient() (teller.Exchange, error) {
	e := a.Config.SkyExchanger.ExchangeClient
	if a.Config.Dummy.On() {
		return a.openDummyExchange()
	}
	if e.Name == config.ExchangeBinance {
		x, err := binance.New(binance.Config{
			BaseURL: e.URL, Key: e.Key.Reveal(), Secret: e.Secret.Reveal(), Symbols: e.Symbols(), Timeout: e.RequestTimeout,
		})
		if err != nil {
			return nil, err
		}
		a.onClose("exchange client", func() error { x.Close(); return nil })
		return x, nil
	}
	x, err := c2cx.New(c2cxConfig(e))
	if err != nil {
		return nil, err
	}
	a.onClose("exchange client", func() error { x.Close(); return nil })
	return x, nil
}

func c2cxConfig(e config.ExchangeClient) c2cx.Config {
	return c2cx.Config{URL: e.URL, Key: e.Key.Reveal(), Secret: e.Secret.Reveal(), Timeout: e.RequestTimeout}
}

func buyingPolicy(c config.Config) (settle.Policy, error) {
	e := c.SkyExchanger.ExchangeClient
	slippage, err := e.Slippage()
	if err != nil {
		return settle.Policy{}, err
	}
	minimum := make(map[teller.Coin]teller.Amount)
	for _, coin := range teller.Coins {
		if minimum[coin], err = e.MinimumVolume(coin).Amount(coin); err != nil {
			return settle.Policy{}, err
		}
	}
	return settle.Policy{
		Retry: e.OnFailure == config.FailureRetry, MaxAttempts: e.MaxAttempts, MaxSlippage: slippage, Minimum: minimum,
		ChecksBeforeCancel: checksBeforeCancel, MaxDecimals: c.SkyExchanger.MaxDecimals,
	}, nil
}

// rates are the configured ones.
func (a *App) rates() map[teller.Coin]teller.Rate {
	rates := make(map[teller.Coin]teller.Rate)
	for _, coin := range teller.Coins {
		rates[coin] = a.Config.Rate(coin)
	}
	return rates
}

// placedOnly is the ledger of a Buyer while sending is switched off: it sees nothing that could be bought for, and may place
// nothing. Orders that are at the exchange already, or may be, are followed to their end.
type placedOnly struct{ settle.Ledger }

// Due implements teller.DepositStore.
func (placedOnly) Due(context.Context, teller.Status, uint64, int) ([]teller.Deposit, error) {
	return nil, nil
}

// PendingOrders implements teller.OrderStore. Those that the exchange has not been called for can wait.
func (p placedOnly) PendingOrders(ctx context.Context, after uint64, limit int) ([]teller.Order, error) {
	for {
		orders, err := p.Ledger.PendingOrders(ctx, after, limit)
		if err != nil || len(orders) == 0 {
			return nil, err
		}
		after = orders[len(orders)-1].Seq
		called := slices.DeleteFunc(orders, func(o teller.Order) bool { return o.State == teller.OrderPrepared })
		if len(called) > 0 {
			return called, nil
		}
	}
}

// BeginOrder implements teller.OrderStore.
func (placedOnly) BeginOrder(_ context.Context, clientID string, _ uint64) (teller.Order, error) {
	return teller.Order{}, teller.Errorf(teller.CodeConflict, "sending is switched off: order %s is not placed", clientID)
}

// buyer is the Buyer, and remembers for health how its last purchase failed until one has succeeded.
type buyer struct {
	*settle.Buyer
	mu     sync.Mutex
	failed string
}

// Step implements the worker.
func (b *buyer) Step(ctx context.Context) (bool, error) {
	worked, err := b.Buyer.Step(ctx)
	if f, ok := errors.AsType[*settle.OrderFailed](err); ok {
		b.mu.Lock()
		b.failed = publicFailure(f)
		b.mu.Unlock()
	}
	return worked, err
}

func (b *buyer) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = ""
}

// lastFailure is what anybody may read about the last purchase, "" when it went well.
func (b *buyer) lastFailure() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// publicFailure is what anybody may read about an order that has failed.
func publicFailure(f *settle.OrderFailed) string {
	switch {
	case f.OrderID == "":
		return "an order was refused"
	case f.TooThin():
		return "the order book is too thin, nobody sells at the worst price accepted"
	default:
		return "an order ended before it had bought all that it should"
	}
}

// processorError is what health says about deciding and buying.
func (a *App) processorError() string {
	if text := a.vitals.Error("processor"); text != "" || a.buyer == nil {
		return text
	}
	text := a.vitals.Error(a.buyer.Name())
	if text == "" {
		text = a.buyer.lastFailure()
	}
	if text == "" {
		return ""
	}
	return "buying on " + a.exchange.Name() + ": " + text
}
