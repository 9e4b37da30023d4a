package app

import (
	"testing"
	"time"

	"github.com/skycoin/teller"
)

// A purchase with each coin, from the bind to done, in dummy mode.
func TestPurchaseWithEveryCoin(t *testing.T) {
	for _, tc := range []struct {
		coin  teller.Coin
		value string // base units
		pays  string // at 500, 50 and 1 SKY
	}{
		{teller.BTC, "10000000", "50.000000"},
		{teller.ETH, "100000000000000001", "5.000000"},
		{teller.SKY, "7123456", "7.123000"},
	} {
		t.Run(string(tc.coin), func(t *testing.T) {
			d := openDesk(t, testConfig(t))
			buyer := buyers(t, 1)[0]
			address := d.bind(buyer, tc.coin)
			d.waitFor(time.Second, buyer, "waiting_deposit")
			d.deposit(tc.coin, address, tc.value)
			d.waitFor(10*time.Second, buyer, "waiting_confirm")
			d.within(10*time.Second, "the payout is broadcast", func() bool { return len(d.broadcasts()) > 0 })
			list := d.broadcasts()
			if len(list) != 1 || len(list[0].Outputs) != 1 || list[0].Outputs[0].Address != buyer || list[0].Outputs[0].Coins != tc.pays {
				t.Fatalf("broadcasts %+v, want one that pays %s SKY", list, tc.pays)
			}
			d.confirm()
			d.waitFor(10*time.Second, buyer, "done")
		})
	}
}

func TestDepositWorthNothingIsClosedWithAnError(t *testing.T) {
	d := openDesk(t, testConfig(t))
	buyer := buyers(t, 1)[0]
	d.deposit(teller.BTC, d.bind(buyer, teller.BTC), "1")
	d.waitFor(10*time.Second, buyer, "done")
	rows := d.deposits()
	if len(rows) != 1 || rows[0].Error != teller.ErrSendAmountZero || rows[0].SkySent != 0 {
		t.Errorf("deposits %+v", rows)
	}
	if n := len(d.broadcasts()); n != 0 {
		t.Errorf("%d broadcasts, want none", n)
	}
}

// A deposit that the wallet can't cover waits, says so, stops nobody else, and is paid when the coins are there.
func TestSoldOutAndRefilled(t *testing.T) {
	d := openDesk(t, testConfig(t)) // 100 SKY
	b := buyers(t, 2)
	d.deposit(teller.BTC, d.bind(b[0], teller.BTC), "30000000") // 150 SKY
	d.waitFor(10*time.Second, b[0], "waiting_send")
	d.within(10*time.Second, "health says sold out", func() bool {
		var answer struct {
			Exchange struct {
				SenderError string `json:"sender_error"`
			}
		}
		d.get(d.public+"/api/health", &answer)
		return answer.Exchange.SenderError != ""
	})
	d.deposit(teller.BTC, d.bind(b[1], teller.BTC), "2000000") // 10 SKY
	d.waitFor(10*time.Second, b[1], "waiting_confirm")
	if _, err := d.app.dummy.node.Fund(t.Context(), d.app.wallet.Addresses()[0], 1000*teller.DropletsPerSKY, 100); err != nil {
		t.Fatal(err)
	}
	d.within(20*time.Second, "both are done", func() bool {
		d.confirm()
		return d.statuses(b[0]) == "done" && d.statuses(b[1]) == "done"
	})
}

func TestCounterRefusesItsOwnAddresses(t *testing.T) {
	d := openDesk(t, testConfig(t))
	pool := d.bind(buyers(t, 1)[0], teller.SKY) // an address of the SKY pool
	for name, address := range map[string]string{"pool": pool, "hot wallet": d.app.wallet.Addresses()[0]} {
		if _, err := d.app.counter.Bind(t.Context(), teller.BTC, address); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s address: got %v, want it refused", name, err)
		}
	}
}
