package app

import (
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/bitcoindtest"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/eth/gethtest"
	"github.com/skycoin/teller/internal/chain/processtest"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/config"
)

// paymaster pays an address with a block and returns when the node was asked to make that block.
type paymaster func(address string) time.Time

// BenchmarkAcceptedToCredited measures the time from before a node makes a block to when the deposit in it is credited,
// with no confirmations required: the median and the worst of them. With push, scan_period is so long that it has no part
// in it; without, it is a second.
func BenchmarkAcceptedToCredited(b *testing.B) {
	const rarely, often = time.Hour, time.Second
	for _, c := range []struct {
		name   string
		coin   teller.Coin
		period time.Duration
		start  func(testing.TB, *config.Config) paymaster
	}{
		{"BTC/websocket", teller.BTC, rarely, func(t testing.TB, c *config.Config) paymaster { return payWithBTCD(t, c, true) }},
		{"BTC/polling", teller.BTC, often, func(t testing.TB, c *config.Config) paymaster { return payWithBTCD(t, c, false) }},
		{"BTC/zmq", teller.BTC, rarely, payWithCore},
		{"ETH/websocket", teller.ETH, rarely, func(t testing.TB, c *config.Config) paymaster { return payWithGeth(t, c, true) }},
		{"ETH/polling", teller.ETH, often, func(t testing.TB, c *config.Config) paymaster { return payWithGeth(t, c, false) }},
	} {
		b.Run(c.name, func(b *testing.B) { creditLatency(b, c.coin, c.period, c.start) })
	}
}

func creditLatency(b *testing.B, coin teller.Coin, period time.Duration, start func(testing.TB, *config.Config) paymaster) {
	const deposits = 30
	conf := realSender(b, skynodetest.Start(b, skynodetest.Options{}))
	conf.BTCScanner.ConfirmationsRequired, conf.ETHScanner.ConfirmationsRequired = 0, 0
	pay := start(b, &conf)
	conf.BTCScanner.ScanPeriod, conf.ETHScanner.ScanPeriod = period, period
	d := openDesk(b, conf)
	var took []time.Duration
	for b.Loop() {
		for _, buyer := range buyers(b, deposits) {
			address := d.bind(buyer, coin)
			since := pay(address)
			d.within(30*time.Second, "the deposit is credited", func() bool {
				ds, err := d.app.store.DepositsTo(b.Context(), coin, address)
				return err == nil && len(ds) == 1 && ds[0].Credited()
			})
			took = append(took, time.Since(since))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median_ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "worst_ms")
	b.ReportMetric(0, "ns/op")
}

func payWithBTCD(t testing.TB, c *config.Config, push bool) paymaster {
	n := btcdtest.Start(t, btcdtest.Options{})
	n.Generate(110)
	useBTCD(c, n)
	c.BTCRPC.Websocket = push
	return payBTC(t, c, n)
}

func payWithCore(t testing.TB, c *config.Config) paymaster {
	zmq := "tcp://" + processtest.FreeAddr(t)
	n := bitcoindtest.Start(t, "-zmqpubhashblock="+zmq, "-zmqpubhashtx="+zmq)
	n.Generate(110)
	useBTCD(c, n.Node)
	c.BTCRPC.ZMQ = zmq
	return payBTC(t, c, n.Node)
}

func payBTC(t testing.TB, c *config.Config, n *btcdtest.Node) paymaster {
	c.BTCAddresses = writeLines(t, "btc.txt", depositAddresses(t, 1000, &chaincfg.RegressionNetParams))
	return func(address string) time.Time {
		n.Pay(btcdtest.Output{Address: address, Value: 100_000})
		asked := time.Now()
		n.Generate(1)
		return asked
	}
}

func payWithGeth(t testing.TB, c *config.Config, push bool) paymaster {
	n := gethtest.Start(t, gethtest.Options{}) // makes a block as soon as there is a transaction
	useETH(t, c, n.Node, 1000)
	c.ETHRPC.Websocket = push
	return func(address string) time.Time {
		asked := time.Now()
		n.Pay(address, 1_000_000_000)
		return asked
	}
}
