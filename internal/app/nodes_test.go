package app

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/config"
)

// nodeConfig is a counter on real nodes.
func nodeConfig(t *testing.T, btcd *btcdtest.Node, chain *skynodetest.Chain, addresses []string) config.Config {
	t.Helper()
	c := realSender(t, chain)
	useBTCD(&c, btcd)
	c.BTCAddresses = writeLines(t, "btc.txt", addresses)
	return c
}

// depositAddresses makes n addresses, of the five types in turn.
func depositAddresses(t testing.TB, n int, params *chaincfg.Params) []string {
	t.Helper()
	var all []string
	for i := range n {
		h := sha256.Sum256([]byte(fmt.Sprint(t.Name(), i)))
		var a address.Address
		var err error
		switch i % 5 {
		case 0:
			a, err = address.NewAddressPubKeyHash(h[:20], params)
		case 1:
			a, err = address.NewAddressScriptHashFromHash(h[:20], params)
		case 2:
			a, err = address.NewAddressWitnessPubKeyHash(h[:20], params)
		case 3:
			a, err = address.NewAddressWitnessScriptHash(h[:], params)
		case 4:
			a, err = address.NewAddressTaproot(h[:], params)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a.EncodeAddress())
	}
	return all
}

// Real bitcoins to addresses of all five types become real SKY in the buyers' hands; 500 deposits of one block are paid
// in at most two transactions.
func TestRealNodes(t *testing.T) {
	btcd := btcdtest.Start(t, btcdtest.Options{TLS: true})
	chain := skynodetest.Start(t, skynodetest.Options{Interval: 200 * time.Millisecond})
	btcd.Generate(110)
	d := openDesk(t, nodeConfig(t, btcd, chain, depositAddresses(t, 505, &chaincfg.RegressionNetParams)))
	all := buyers(t, 505)

	first := all[:5]
	var paid []btcdtest.Output
	for i, buyer := range first {
		paid = append(paid, btcdtest.Output{Address: d.bind(buyer, teller.BTC), Value: int64(i+1) * 1_000_000})
	}
	d.within(30*time.Second, "the scanner is at the tip", func() bool {
		cursor, err := d.app.store.Cursor(t.Context(), teller.BTC)
		return err == nil && cursor.Height == btcd.Height()
	})
	btcd.Pay(paid[0], paid[1]) // two outputs in one transaction
	btcd.Pay(paid[2])
	btcd.Pay(paid[3])
	btcd.Pay(paid[4])
	btcd.Generate(2)
	for i, buyer := range first {
		d.waitFor(60*time.Second, buyer, "done")
		want := teller.Droplets(i+1) * 5 * teller.DropletsPerSKY
		if got := chain.Balance(buyer); got != want {
			t.Errorf("buyer %d holds %s SKY, want %s", i, got, want)
		}
	}

	crowd := all[5:]
	paid = nil
	for i, buyer := range crowd {
		paid = append(paid, btcdtest.Output{Address: d.bind(buyer, teller.BTC), Value: int64(i+1) * 10_000})
	}
	btcd.PayMany(paid, 100)
	btcd.Generate(1)
	btcd.Generate(1)
	d.within(60*time.Second, "the crowd is paid", func() bool {
		rows := d.deposits()
		return len(rows) == 505 && !slices.ContainsFunc(rows, func(r row) bool { return r.Status != "done" })
	})
	txids := map[string]bool{}
	for _, r := range d.deposits() {
		if slices.Contains(crowd, r.SkyAddress) {
			txids[r.TxID] = true
		}
	}
	if len(txids) > 2 {
		t.Errorf("500 deposits were paid in %d transactions, want at most 2", len(txids))
	}
	for i, buyer := range crowd {
		want := teller.Droplets(i+1) * 50_000 / 1000 * 1000 // 500 SKY a BTC, cut to three decimals
		if got := chain.Balance(buyer); got != want {
			t.Errorf("buyer %d of the crowd holds %s SKY, want %s", i, got, want)
		}
	}
}

// Nodes that are absent at the start, stopped midway and started again: teller serves throughout, says what is down,
// and pays the backlog by itself.
func TestNodesComeAndGo(t *testing.T) {
	btcd := btcdtest.Start(t, btcdtest.Options{Network: "simnet"})
	chain := skynodetest.Start(t, skynodetest.Options{Interval: 200 * time.Millisecond})
	btcd.Generate(110)
	c := nodeConfig(t, btcd, chain, depositAddresses(t, 10, &chaincfg.SimNetParams))
	btcd.Stop()
	chain.Stop()

	d := openDesk(t, c)
	b := buyers(t, 3)
	address := d.bind(b[0], teller.BTC)
	d.within(20*time.Second, "health says that both are down", func() bool {
		sick := d.sick()
		return slices.Contains(sick, "btc") && slices.Contains(sick, "skycoin")
	})
	btcd.Restart()
	chain.Restart()
	d.within(60*time.Second, "health says that both are up", func() bool { return len(d.sick()) == 0 })
	btcd.Pay(btcdtest.Output{Address: address, Value: 1_000_000})
	btcd.Generate(2)
	d.waitFor(60*time.Second, b[0], "done")

	chain.Stop() // the payout waits, deposits go on
	address = d.bind(b[1], teller.BTC)
	btcd.Pay(btcdtest.Output{Address: address, Value: 2_000_000})
	btcd.Generate(2)
	d.waitFor(60*time.Second, b[1], "waiting_send")
	d.within(20*time.Second, "health says that skycoin is down", func() bool { return slices.Contains(d.sick(), "skycoin") })

	address = d.bind(b[2], teller.BTC) // paid while teller can't see it
	btcd.Pay(btcdtest.Output{Address: address, Value: 3_000_000})
	btcd.Generate(2)
	btcd.Stop()
	d.within(20*time.Second, "health says that btc is down", func() bool { return slices.Contains(d.sick(), "btc") })
	btcd.Restart()
	chain.Restart()
	start := time.Now()
	d.waitFor(60*time.Second, b[1], "done")
	d.waitFor(60*time.Second, b[2], "done")
	t.Logf("the backlog was paid %s after the nodes' return", time.Since(start).Round(time.Millisecond))
	for i, buyer := range b {
		if got, want := chain.Balance(buyer), teller.Droplets(i+1)*5*teller.DropletsPerSKY; got != want {
			t.Errorf("buyer %d holds %s SKY, want %s", i, got, want)
		}
	}
}
