package app

import (
	"context"
	"math/big"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/skycoin/teller"
)

// metrics collects what /metrics shows when it is asked for; nothing is counted twice, and nothing is kept for it.
type metrics struct{ app *App }

var (
	descHeight    = desc("scan_height", "Last block stored of a deposit chain.", "coin")
	descTip       = desc("scan_tip_height", "Height of a deposit chain as its node last told.", "coin")
	descBlocks    = desc("scan_blocks_total", "Blocks stored of a deposit chain since the start.", "coin")
	descPace      = desc("scan_blocks_per_second", "Pace of a catch-up; 0 when there is none.", "coin")
	descRemaining = desc("scan_eta_seconds", "Time that a catch-up still needs at its pace; 0 when there is none.", "coin")
	descWatched   = desc("scan_watched_addresses", "Addresses looked for in each block.", "coin")
	descTracing   = desc("scan_tracing", "Whether the node traces what contracts pay; 0 = it is found by balance, and held.", "coin")
	descFrozen    = desc("scan_frozen_deposits", "Credited deposits whose block left the chain; above 0 nothing is credited.", "coin")
	descPool      = desc("pool_remaining_addresses", "Deposit addresses that may still be handed out.", "coin")
	descBound     = desc("bindings", "Deposit addresses handed out.", "coin")
	descDeposits  = desc("deposits", "Deposits by status.", "status")
	descHeld      = desc("deposits_held", "Deposits that wait for an operator's decision.")
	descErrored   = desc("deposits_errored", "Deposits with a permanent error.")
	descOrders    = desc("orders_pending", "Orders on the exchange that are not final, by state.", "state")
	descBought    = desc("bought_sky", "SKY that all orders on an exchange have bought.")
	descKept      = desc("kept_sky", "Of the SKY bought, what is owed to nobody.")
	descSpent     = desc("spent_coins", "What all orders on an exchange have spent.", "coin")
	descUp        = desc("part_up", "Whether a part of the outside answers, as in /api/health.", "part")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("teller_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (m metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for coin, s := range m.app.scanners {
		p, c := s.Progress(), string(coin)
		gauge(descHeight, float64(p.Height), c)
		gauge(descTip, float64(p.Tip), c)
		gauge(descPace, p.PerSecond, c)
		gauge(descRemaining, p.Remaining.Seconds(), c)
		gauge(descWatched, float64(s.Watching()), c)
		gauge(descPool, float64(m.app.counter.Remaining(coin)), c)
		if t, ok := s.Chain.(tracer); ok {
			able, _ := t.Tracing() // the log has the reason
			gauge(descTracing, oneIf(able), c)
		}
		ch <- prometheus.MustNewConstMetric(descBlocks, prometheus.CounterValue, float64(p.Blocks), c)
	}
	for _, part := range m.app.vitals.All() {
		gauge(descUp, oneIf(part.OK), part.Name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	totals, err := m.app.store.Totals(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(descHeld, err)
		return
	}
	for _, coin := range teller.Coins {
		gauge(descBound, float64(totals.Bound[coin]), string(coin))
		gauge(descFrozen, float64(totals.Frozen[coin]), string(coin))
	}
	for status, n := range totals.Deposits {
		gauge(descDeposits, float64(n), string(status))
	}
	gauge(descHeld, float64(totals.Held))
	gauge(descErrored, float64(totals.Errored))
	m.collectPurchases(ctx, ch, totals)
}

// collectPurchases shows what is bought on an exchange, whether or not there is one now. The sums are for charts: a float
// may round them.
func (m metrics) collectPurchases(ctx context.Context, ch chan<- prometheus.Metric, totals teller.Totals) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descBought, float64(totals.Bought)/float64(teller.DropletsPerSKY))
	gauge(descKept, float64(totals.Kept)/float64(teller.DropletsPerSKY))
	for _, coin := range teller.Coins {
		spent, _ := new(big.Rat).SetFrac(totals.Spent[coin].Big(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(coin.Decimals())), nil)).Float64()
		gauge(descSpent, spent, string(coin))
	}
	states := map[teller.OrderState]int{teller.OrderPrepared: 0, teller.OrderPlacing: 0, teller.OrderPlaced: 0}
	for after := uint64(0); ; {
		orders, err := m.app.store.PendingOrders(ctx, after, 0)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(descOrders, err)
			return
		}
		if len(orders) == 0 {
			break
		}
		for _, o := range orders {
			states[o.State]++
		}
		after = orders[len(orders)-1].Seq
	}
	for state, n := range states {
		gauge(descOrders, float64(n), string(state))
	}
}

// tracer is a chain that may be able to show what contracts move.
type tracer interface {
	Tracing() (able bool, reason string)
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// metricsHandler answers /metrics in Prometheus's format.
func (a *App) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics{a}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}
