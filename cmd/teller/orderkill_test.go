package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/processtest"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/exchange/c2cxsim"
	"github.com/skycoin/teller/internal/store/bolt"
)

// orderKill is a teller on real nodes that buys on a simulated exchange, to be killed between the steps of its orders. The
// exchange lives in the test: it goes on while teller is dead.
type orderKill struct {
	*process
	btcd      *btcdtest.Node
	sky       *skynodetest.Chain
	exchange  *c2cxsim.Server
	turnstile *turnstile
	url       string // of the exchange
	wallet    string
	addresses string
	opening   teller.Droplets
	sent      teller.Droplets
	orders    int   // that there should be on the exchange
	late      *stop // a call of a dead teller that has not arrived yet
	again     *stop // the same call of the next one
}

// purchase is one deposit of BTC on its way.
type purchase struct {
	buyer, address string
	value          int64
	id             string // of the deposit, once teller has seen it
}

func newOrderKill(t *testing.T) *orderKill {
	t.Helper()
	for _, node := range []string{"btcd", "skynode"} {
		processtest.Find(t, node, "tools")
	}
	k := &orderKill{btcd: btcdtest.Start(t, btcdtest.Options{}), sky: skynodetest.Start(t, skynodetest.Options{})}
	k.process = newProcess(t) // whose addresses are free when the nodes have theirs
	k.btcd.Generate(110)
	k.opening = k.sky.Balance(k.sky.GenesisAddress)
	k.wallet = filepath.Join(k.dir, "hot.wlt")
	k.sky.WriteWallet(k.wallet)
	k.turnstile = &turnstile{t: t}
	k.openExchange()
	check(t, k.exchange.SetBook(c2cxsim.Ask{Price: c2cxsim.MustDecimal("0.002"), Quantity: c2cxsim.MustDecimal("1000")}))
	server := httptest.NewServer(k.turnstile)
	k.url = server.URL
	t.Cleanup(func() {
		server.Close()
		check(t, k.exchange.Close())
	})
	k.addresses = filepath.Join(k.dir, "btc.txt")
	var list strings.Builder
	for i := range 100 {
		h := sha256.Sum256(fmt.Append(nil, "order", i))
		a, err := address.NewAddressPubKeyHash(h[:20], &chaincfg.RegressionNetParams)
		check(t, err)
		fmt.Fprintln(&list, a.EncodeAddress())
	}
	check(t, os.WriteFile(k.addresses, []byte(list.String()), 0o600))
	k.setUp()
	return k
}

// openExchange starts the exchange, with all that its journal tells.
func (k *orderKill) openExchange() {
	k.t.Helper()
	exchange, err := c2cxsim.Open(c2cxsim.Options{
		Accounts: []c2cxsim.NewAccount{{Key: "K", Secret: "S", BTC: c2cxsim.MustDecimal("10")}},
		Journal:  filepath.Join(k.dir, "exchange.journal"),
	})
	check(k.t, err)
	k.exchange = exchange
	k.turnstile.serve(exchange.Handler())
}

func (k *orderKill) restartExchange() {
	k.t.Helper()
	check(k.t, k.exchange.Close())
	k.openExchange()
}

// setUp writes the configuration.
func (k *orderKill) setUp() {
	k.t.Helper()
	content := fmt.Sprintf(`
logfile = ""
dbfile = "teller.db"
btc_addresses = %q
[teller]
max_bound_addrs = 5
[btc_rpc]
server = %q
user = %q
pass = %q
network = "regtest"
[btc_scanner]
enabled = true
scan_period = "200ms"
initial_scan_height = 1
confirmations_required = 1
[sky_rpc]
address = %q
genesis = %q
min_peers = 0
[sky_exchanger]
sky_btc_exchange_rate = "500"
wallet = %q
tx_confirmation_check_wait = "200ms"
send_enabled = true
buy_method = "passthrough"
[sky_exchanger.exchange_client]
name = "c2cx"
url = %q
key = "K"
secret = "S"
on_failure = "retry"
request_failure_wait = "100ms"
check_order_wait = "100ms"
btc_minimum_volume = "0.001"
[web]
http_addr = %q
throttle_max = 1000000
[admin_panel]
host = %q
`, k.addresses, k.btcd.Server, k.btcd.User, k.btcd.Pass, k.sky.Address, k.sky.GenesisHash, k.wallet, k.url, host(k.public), host(k.admin))
	path := filepath.Join(k.dir, "real.toml")
	check(k.t, os.WriteFile(path, []byte(content), 0o600))
	k.args = []string{"-c", path, "-d", k.data()}
}

// Whatever step of an order was the last one before teller was killed, it goes on from there: there is one order for each
// attempt, one payment, and every sum is exact.
func TestKilledBetweenTheStepsOfAnOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode: the processes that are killed are no part of the test binary")
	}
	k := newOrderKill(t)
	k.start()
	for i, b := range boundaries() {
		ok := t.Run(b.name, func(t *testing.T) {
			k.process.t, k.turnstile.t = t, t
			p := &purchase{buyer: newBuyer(t), value: 1_234_567 + 100_003*int64(i)}
			p.address = k.bind(p.buyer, "BTC")
			b.die(k, p)
			if got, there := k.ledger(p), len(k.exchange.Orders())-k.orders; got != b.ledger || there != b.there {
				t.Errorf("killed when the ledger had %q and the exchange %d orders, want %q and %d", got, there, b.ledger, b.there)
			}
			if b.meanwhile != nil {
				b.meanwhile(k, p)
			}
			k.start()
			if b.risen != nil {
				b.risen(k, p)
			}
			k.finish(p, max(b.orders, 1))
		})
		k.process.t, k.turnstile.t = t, t
		if !ok {
			return // what went wrong may stand in the way of the others
		}
	}
	k.judge()
}

// pay sends the deposit, deep enough to be credited.
func (k *orderKill) pay(p *purchase) {
	k.btcd.Pay(btcdtest.Output{Address: p.address, Value: p.value})
	k.btcd.Generate(2)
}

// dieAt pays and kills teller when the call stands where it is stopped.
func (k *orderKill) dieAt(s *stop, p *purchase) {
	k.t.Helper()
	k.pay(p)
	s.await()
	k.kill(syscall.SIGKILL)
}

// last is the newest order on the exchange.
func (k *orderKill) last() c2cxsim.Order {
	k.t.Helper()
	orders := k.exchange.Orders()
	if len(orders) == 0 {
		k.t.Fatal("there is no order on the exchange")
	}
	return orders[len(orders)-1]
}

func (k *orderKill) fault(f c2cxsim.Fault) {
	k.t.Helper()
	check(k.t, k.exchange.AddFault(f))
}

// resume lets an order that waits go on and buy the rest.
func (k *orderKill) resume(*purchase) {
	k.t.Helper()
	check(k.t, k.exchange.Resume(k.last().CID))
}

// noted is what the admin interface shows of a purchase.
func (k *orderKill) noted(p *purchase) passthrough {
	k.t.Helper()
	var answer struct{ Deposits []boughtFor }
	k.get(k.admin+"/api/deposits", &answer)
	i := slices.IndexFunc(answer.Deposits, func(d boughtFor) bool { return d.SkyAddress == p.buyer })
	if i < 0 {
		return passthrough{}
	}
	p.id = answer.Deposits[i].DepositID
	return answer.Deposits[i].Passthrough
}

type boughtFor struct {
	DepositID   string      `json:"deposit_id"`
	SkyAddress  string      `json:"sky_address"`
	Passthrough passthrough `json:"passthrough"`
}

type passthrough struct {
	SkyBought  teller.Droplets `json:"sky_bought"`
	SpentExact teller.Amount   `json:"deposit_value_spent_exact"`
	Attempts   int             `json:"attempts"`
}

// finish waits until the buyer is paid, and holds what was paid against what the exchange has sold.
func (k *orderKill) finish(p *purchase, attempts int) {
	k.t.Helper()
	k.eventually("done", func() bool {
		k.sky.Mine()
		return k.statuses(p.buyer) == string(teller.StatusDone)
	})
	noted := k.noted(p)
	k.orders += attempts
	if n := len(k.exchange.Orders()); n != k.orders || noted.Attempts != attempts {
		k.t.Errorf("the exchange has %d orders, want %d; the ledger has made %d attempts, want %d", n, k.orders, noted.Attempts, attempts)
	}
	var got teller.Droplets
	var spent teller.Amount
	for n := 1; n <= attempts; n++ {
		o, err := k.exchange.Order(teller.OrderClientID(p.id, n))
		check(k.t, err)
		sky, btc := sums(o)
		got, spent = got+sky, spent.Add(btc)
		if n == attempts && o.Status != c2cxsim.Completed {
			k.t.Errorf("the last order is %s", o.Status)
		}
	}
	if got != noted.SkyBought || !spent.Equal(noted.SpentExact) || spent.Cmp(teller.NewAmount(uint64(p.value))) > 0 {
		k.t.Errorf("the exchange has sold %s SKY for %s satoshi, the ledger has bought %s for %s of %d", got, spent, noted.SkyBought, noted.SpentExact, p.value)
	}
	due := got / 1000 * 1000
	if paid := k.payments(p.buyer); len(paid) != 1 || paid[0] != due || due == 0 {
		k.t.Errorf("the buyer got the payments %v, want one of %s", paid, due)
	}
	k.sent += due
}

// sums are what has come to the account for an order, cut to the droplet, and what has left it, rounded to the satoshi.
func sums(o c2cxsim.Order) (teller.Droplets, teller.Amount) {
	sky := new(big.Rat).Sub(o.Bought.Rat(), o.Fee.Rat())
	sky.Mul(sky, big.NewRat(1_000_000, 1))
	btc := o.Spent.Rat()
	btc.Add(btc.Mul(btc, big.NewRat(100_000_000, 1)), big.NewRat(1, 2))
	floor := func(r *big.Rat) uint64 { return new(big.Int).Quo(r.Num(), r.Denom()).Uint64() }
	return teller.Droplets(floor(sky)), teller.NewAmount(floor(btc))
}

// ledger is how a purchase stands in the ledger of the dead teller.
func (k *orderKill) ledger(p *purchase) string {
	k.t.Helper()
	ctx := context.Background()
	store, err := bolt.OpenReader(ctx, filepath.Join(k.data(), "teller.db"))
	check(k.t, err)
	defer store.Close()
	ds, err := store.Deposits(ctx, teller.DepositQuery{Limit: 1000})
	check(k.t, err)
	i := slices.IndexFunc(ds, func(d teller.Deposit) bool { return d.SkyAddress == p.buyer })
	if i < 0 {
		return ""
	}
	told := string(ds[i].Status)
	orders, err := store.OrdersOf(ctx, ds[i].ID)
	check(k.t, err)
	for _, o := range orders {
		told += " " + string(o.State)
		if o.Bought > 0 {
			told += "+"
		}
	}
	return told
}

// onItsWay reports whether the Skycoin node knows an unconfirmed payment to an address.
func (k *orderKill) onItsWay(buyer string) bool {
	k.t.Helper()
	node := sky.NewNode(sky.Config{Address: k.sky.Address, Timeout: time.Minute})
	defer node.Close()
	txs, err := node.Pending(context.Background())
	check(k.t, err)
	return slices.ContainsFunc(txs, func(tx teller.SkyTx) bool {
		return slices.ContainsFunc(tx.Outputs, func(o teller.SkyOutput) bool { return o.Address == buyer })
	})
}

// payments are what an address has got, one for each transaction.
func (k *orderKill) payments(buyer string) (coins []teller.Droplets) {
	k.t.Helper()
	node := sky.NewNode(sky.Config{Address: k.sky.Address, Timeout: time.Minute})
	defer node.Close()
	txs, err := node.History(context.Background(), buyer)
	check(k.t, err)
	for _, tx := range txs {
		var sum teller.Droplets
		for _, o := range tx.Outputs {
			if o.Address == buyer {
				sum += o.Coins
			}
		}
		coins = append(coins, sum)
	}
	return coins
}

// judge holds the whole books against each other.
func (k *orderKill) judge() {
	k.t.Helper()
	if wrong := k.exchange.Check(); len(wrong) > 0 {
		k.t.Errorf("the exchange's own books: %v", wrong)
	}
	if got := k.sky.Balance(k.sky.GenesisAddress); got != k.opening-k.sent {
		k.t.Errorf("the wallet has %s SKY, want %s", got, k.opening-k.sent)
	}
	if got := k.process.sent(); got != k.sent.String() {
		k.t.Errorf("the accounting says that %s SKY were sent, want %s", got, k.sent)
	}
	var report teller.AuditReport
	k.get(k.admin+"/api/audit/report?from=BTC=1", &report)
	if len(report.Findings) > 0 || !report.Complete() {
		k.t.Errorf("the audit tells %+v", report)
	}
	k.kill(syscall.SIGTERM)
}
