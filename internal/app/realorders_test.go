package app

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
)

// purchaseRow is a deposit that something was bought for, as the admin interface shows it.
type purchaseRow struct {
	DepositID   string `json:"deposit_id"`
	Status      string `json:"status"`
	SkyAddress  string `json:"sky_address"`
	SkySent     uint64 `json:"sky_sent"`
	Owed        uint64 `json:"owed"`
	Error       string `json:"error"`
	Hold        *struct{ Reason, Detail string }
	Passthrough struct {
		ExchangeName      string `json:"exchange_name"`
		SkyBought         uint64 `json:"sky_bought"`
		DepositValueSpent int64  `json:"deposit_value_spent"`
		SpentExact        string `json:"deposit_value_spent_exact"`
		RequestedAmount   string `json:"requested_amount"`
		Attempts          int    `json:"attempts"`
		Order             struct {
			CustomerID      string `json:"customer_id"`
			OrderID         string `json:"order_id"`
			CompletedAmount string `json:"completed_amount"`
			Status          string `json:"status"`
			Final           bool   `json:"final"`
			Original        string `json:"original"`
		} `json:"order"`
	} `json:"passthrough"`
}

func (d *desk) purchase(skyAddress string) purchaseRow {
	d.t.Helper()
	var answer struct{ Deposits []purchaseRow }
	d.get(d.admin+"/api/deposits", &answer)
	i := slices.IndexFunc(answer.Deposits, func(r purchaseRow) bool { return r.SkyAddress == skyAddress })
	if i < 0 {
		d.t.Fatalf("there is no deposit for %s", skyAddress)
	}
	return answer.Deposits[i]
}

// Real bitcoins are spent on an exchange, and what was bought for them, less the exchange's fee, becomes real SKY in the
// buyers' hands, exactly: at any price, and at a worst price that is held.
func TestPassthroughOnRealNodes(t *testing.T) {
	btcd := btcdtest.Start(t, btcdtest.Options{})
	chain := skynodetest.Start(t, skynodetest.Options{Interval: 100 * time.Millisecond})
	btcd.Generate(110)
	for _, tc := range []struct {
		name     string
		slippage config.Decimal
		left     int64 // satoshi of a deposit that may be left unspent
	}{
		{"at any price", "", 1},
		// What is bought at a better price than that leaves something over, which buys again until the exchange takes no more.
		{"at 475 SKY for 1 BTC or better", "0.05", 50_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := openMarket(t)
			c := nodeConfig(t, btcd, chain, depositAddresses(t, 5, &chaincfg.RegressionNetParams))
			buysOn(&c, m)
			c.SkyExchanger.ExchangeClient.MaxSlippage = tc.slippage
			p := &purchases{
				desk: openDesk(t, c), market: m, btcd: btcd, chain: chain, opening: chain.Balance(chain.GenesisAddress), left: tc.left,
			}
			p.buy(t)
		})
	}
}

// purchases are some deposits of BTC, and everything that becomes of them.
type purchases struct {
	*desk
	market  *market
	btcd    *btcdtest.Node
	chain   *skynodetest.Chain
	opening teller.Droplets // of the hot wallet
	left    int64           // satoshi of a deposit that may be left unspent
}

func (p *purchases) buy(t *testing.T) {
	b := buyers(t, 4)
	values := []int64{1_234_567, 1_000_000, 2_000_001, 700_000} // satoshi
	var paid []btcdtest.Output
	for i, buyer := range b {
		paid = append(paid, btcdtest.Output{Address: p.bind(buyer, teller.BTC), Value: values[i]})
	}
	p.within(60*time.Second, "the scanner is at the tip", func() bool {
		cursor, err := p.app.store.Cursor(t.Context(), teller.BTC)
		return err == nil && cursor.Height == p.btcd.Height()
	})
	// Orders take the cheapest offers first; there is not enough for all of them yet.
	p.market.sells("0.0020000", "3.333333", "0.0020100", "2.5", "0.0020500", "4.000001")
	p.btcd.Pay(paid[0], paid[1])
	p.btcd.Pay(paid[2])
	p.btcd.Pay(paid[3])
	p.btcd.Generate(2)
	p.within(60*time.Second, "every order is placed, and some wait for more on offer", func() bool {
		return len(p.market.Orders()) >= len(b) && len(p.market.Book()) == 0
	})
	p.within(60*time.Second, "a purchase in part is shown", func() bool {
		return slices.ContainsFunc(b, func(buyer string) bool {
			r := p.purchase(buyer)
			return r.Status == string(teller.StatusWaitingPassthroughOrderComplete) && r.Passthrough.SkyBought > 0
		})
	})
	p.market.sells("0.0020123", "7.000007", "0.0021000", "1000")
	for _, buyer := range b {
		p.waitFor(60*time.Second, buyer, "done")
	}
	p.judge(t, b, values)
}

// judge holds the chains, the exchange, the interfaces and the ledger against each other.
func (p *purchases) judge(t *testing.T, b []string, values []int64) {
	var sent, kept, allBought teller.Droplets
	var allSpent int64
	accountSKY, accountBTC := new(big.Rat), c2cxsim.MustDecimal(accountBTC).Rat()
	for i, buyer := range b {
		row := p.purchase(buyer)
		orders := p.market.ordersOf(row.DepositID)
		var got teller.Droplets
		var spent int64
		for _, o := range orders {
			sky, btc := bought(o)
			got, spent = got+sky, spent+btc
			if o.Status != c2cxsim.Completed {
				t.Errorf("order %s is %s", o.CID, o.Status)
			}
			accountSKY.Add(accountSKY, new(big.Rat).Sub(o.Bought.Rat(), o.Fee.Rat()))
			accountBTC.Sub(accountBTC, o.Spent.Rat())
		}
		if spent > values[i] || values[i]-spent > p.left {
			t.Errorf("%d satoshi of %d were spent", spent, values[i])
		}
		due := got / 1000 * 1000
		if balance := p.chain.Balance(buyer); balance != due || due == 0 {
			t.Errorf("buyer %d holds %s SKY, want %s of the %s bought", i, balance, due, got)
		}
		through := row.Passthrough
		if row.SkySent != uint64(due) || row.Owed != uint64(due) || through.SkyBought != uint64(got) ||
			through.DepositValueSpent != spent || through.SpentExact != fmt.Sprint(spent) || through.ExchangeName != "c2cx" {
			t.Errorf("bought were %s for %d satoshi, to be sent are %s; the interface shows %+v", got, spent, due, row)
		}
		p.judgeLast(t, row, orders, values[i])
		sent, kept, allBought, allSpent = sent+due, kept+got-due, allBought+got, allSpent+spent
	}
	if kept == 0 {
		t.Error("nothing is kept: the amounts of this test do not show what becomes of the remainder")
	}
	account, _ := p.market.Account(accountKey)
	if account.SKY.Rat().Cmp(accountSKY) != 0 || account.BTC.Rat().Cmp(accountBTC) != 0 {
		t.Errorf("the account has %s SKY and %s BTC, want %s and %s", account.SKY, account.BTC, accountSKY.RatString(), accountBTC.RatString())
	}
	if got, want := p.chain.Balance(p.chain.GenesisAddress), p.opening-sent; got != want {
		t.Errorf("the hot wallet has %s SKY, want %s", got, want)
	}
	var books struct {
		Sent, Bought, Kept string
		Spent              map[string]string
	}
	p.get(p.admin+"/api/accounting", &books)
	if books.Bought != allBought.String() || books.Kept != kept.String() || books.Sent != sent.String() ||
		books.Spent["BTC"] != teller.NewAmount(uint64(allSpent)).Format(teller.BTC) {
		t.Errorf("the accounting says %+v, want %s bought for %d satoshi, %s kept and %s sent", books, allBought, allSpent, kept, sent)
	}
	if report := p.audit("?from=BTC=1"); len(report.Findings) > 0 || !report.Complete() {
		t.Errorf("the audit tells %+v", report)
	}
}

// judgeLast holds the last order that the interface shows against the exchange, which has refused it when it does not know
// it: what was left over was too little.
func (p *purchases) judgeLast(t *testing.T, row purchaseRow, orders []c2cxsim.Order, value int64) {
	t.Helper()
	through := row.Passthrough
	last := through.Order
	if last.CustomerID != teller.OrderClientID(row.DepositID, through.Attempts) || !last.Final {
		t.Errorf("the last order is shown as %+v", last)
	}
	switch through.Attempts {
	case len(orders):
		if o := orders[len(orders)-1]; last.CustomerID != o.CID || last.OrderID != fmt.Sprint(o.ID) || last.Status != "completed" ||
			last.CompletedAmount != o.Bought.String() || last.Original == "" {
			t.Errorf("the exchange has %+v, the interface shows %+v", o, last)
		}
	case len(orders) + 1:
		if last.OrderID != "" || !strings.Contains(last.Status, "limit value") || p.left < 2 {
			t.Errorf("the exchange does not have the order that is shown as %+v", last)
		}
	default:
		t.Errorf("there were %d attempts, the exchange has %d orders", through.Attempts, len(orders))
	}
	if want := teller.NewAmount(uint64(value)).Format(teller.BTC); through.Attempts == 1 && through.RequestedAmount != want {
		t.Errorf("the order was for %s, want %s", through.RequestedAmount, want)
	}
}
