package app

import (
	"maps"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/eth/gethtest"
	"github.com/skycoin/teller/internal/chain/eth/nodetest"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/config"
)

func wei(t *testing.T, s string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return n
}

// openETHDesk is a counter that takes ETH through a geth, without confirmations.
func openETHDesk(t *testing.T, change func(*config.Config)) (*desk, *gethtest.Node, *skynodetest.Chain) {
	t.Helper()
	geth := gethtest.Start(t, gethtest.Options{})
	chain := skynodetest.Start(t, skynodetest.Options{Interval: 100 * time.Millisecond})
	c := realSender(t, chain)
	useETH(t, &c, geth.Node, 20)
	c.ETHScanner.ConfirmationsRequired, c.ETHScanner.ScanPeriod = 0, 200*time.Millisecond
	if change != nil {
		change(&c)
	}
	return openDesk(t, c), geth, chain
}

// received are the exact values of the deposits to each buyer, in wei.
func received(d *desk) map[string]string {
	d.t.Helper()
	var answer struct {
		Deposits []struct {
			SkyAddress string `json:"sky_address"`
			Exact      string `json:"deposit_value_exact"`
		}
	}
	d.get(d.admin+"/api/deposits", &answer)
	values := make(map[string]string)
	for _, r := range answer.Deposits {
		values[r.SkyAddress] += r.Exact + " "
	}
	return values
}

// Every wei that reaches a deposit address is counted exactly, whoever sends it; what fails is not.
func TestEtherIsExact(t *testing.T) {
	d, geth, chain := openETHDesk(t, func(c *config.Config) { c.ETHRPC.Websocket = true })
	b := buyers(t, 6)
	var to []string
	for _, buyer := range b {
		to = append(to, d.bind(buyer, teller.ETH))
	}
	geth.Settle(geth.Pay(to[0], 1))
	geth.Settle(geth.Send(nodetest.Tx{To: to[1], Value: wei(t, "1000000000000000001")}))
	inside := geth.PayInside(to[2], to[3], 400_000_000_000_000_001)
	geth.Settle(inside)
	geth.Settle(geth.PayInside(to[4], to[4], 200_000_000_000_000_000)) // two transfers to one address
	// The contract pays the last one, and undoes it when the other address refuses its half.
	refuses := geth.Deploy([]byte{0x5f, 0x5f, 0xfd}, 0) // PUSH0 PUSH0 REVERT
	if failing := geth.PayInside(to[5], refuses, 1_000_000_000_000_000_000); geth.Succeeded(failing) {
		t.Fatal("the failing transaction did not fail")
	}
	geth.Mine(1)

	want := map[string]string{
		b[0]: "1 ",
		b[1]: "1000000000000000001 ",
		b[2]: "200000000000000000 ",
		b[3]: "200000000000000001 ",
		b[4]: "100000000000000000 100000000000000000 ",
	}
	d.within(30*time.Second, "every deposit is done", func() bool {
		rows := d.deposits()
		return len(rows) == 6 && !slices.ContainsFunc(rows, func(r row) bool { return r.Status != "done" })
	})
	if got := received(d); !maps.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
	for i, want := range []teller.Droplets{0, 50_000_000, 10_000_000, 10_000_000, 10_000_000, 0} { // 50 SKY an ETH, cut to three decimals
		if got := chain.Balance(b[i]); got != want {
			t.Errorf("buyer %d holds %s SKY, want %s", i, got, want)
		}
	}
	for _, r := range d.deposits() {
		if r.SkyAddress == b[0] && r.Error != teller.ErrSendAmountZero {
			t.Errorf("a deposit of 1 wei ends with error %q, want %q", r.Error, teller.ErrSendAmountZero)
		}
		if r.Hold != nil {
			t.Errorf("held: %+v %+v", r, r.Hold)
		}
	}
}

// On a node that does not trace, what a contract pays shows as a balance: it is held, and paid when an operator has
// looked it up.
func TestEtherWithoutTracing(t *testing.T) {
	d, geth, chain := openETHDesk(t, func(c *config.Config) { c.ETHRPC.Trace = config.TraceOff })
	b := buyers(t, 3)
	to := []string{d.bind(b[0], teller.ETH), d.bind(b[1], teller.ETH), d.bind(b[2], teller.ETH)}
	geth.Settle(geth.Pay(to[0], 200_000_000_000_000_000))
	geth.Settle(geth.PayInside(to[1], to[2], 400_000_000_000_000_000))
	d.within(30*time.Second, "two deposits are held as unexplained", func() bool {
		held := 0
		for _, r := range d.deposits() {
			if r.Hold != nil && r.Hold.Reason == string(teller.HoldUnexplained) {
				held++
			}
		}
		return held == 2
	})
	d.waitFor(30*time.Second, b[0], "done")
	geth.Mine(3)
	time.Sleep(time.Second) // several rounds of comparing: nothing more may be found
	rows := d.deposits()
	if len(rows) != 3 || chain.Balance(b[1]) != 0 || chain.Balance(b[2]) != 0 {
		t.Fatalf("%d deposits, and the held ones got %s and %s SKY", len(rows), chain.Balance(b[1]), chain.Balance(b[2]))
	}
	for _, r := range rows {
		if r.SkyAddress == b[1] {
			d.act("/api/holds/release", map[string]any{"deposit_id": r.DepositID, "version": r.Version, "reason": "looked it up"})
		}
	}
	d.waitFor(30*time.Second, b[1], "done")
	if got := chain.Balance(b[1]); got != 10*teller.DropletsPerSKY {
		t.Errorf("the released deposit was paid with %s SKY, want 10", got)
	}
	if want, got := map[string]string{b[0]: "200000000000000000 ", b[1]: "200000000000000000 ", b[2]: "200000000000000000 "}, received(d); !maps.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
}
