package app

import (
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/eth"
	"github.com/skycoin/teller/internal/chain/eth/anviltest"
	"github.com/skycoin/teller/internal/chain/eth/nodetest"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/wallet"
)

// coinNode is a real node of a deposit chain that can be told to reorganise it.
type coinNode interface {
	coin() teller.Coin
	// pay sends what 10 SKY cost, n times as much, to an address and returns a name for the payment. It is in the
	// mempool until mine.
	pay(address string, n int64) string
	mine(blocks int)
	// drop replaces the last blocks by one more, without the payments in them.
	drop(depth int)
	// bringBack mines a block with a payment that was dropped.
	bringBack(payment string)
	configure(t *testing.T, c *config.Config)
}

type btcCoin struct{ *btcdtest.Node }

func startBTC(t *testing.T) coinNode {
	n := btcdtest.Start(t, btcdtest.Options{})
	n.Generate(110)
	return &btcCoin{n}
}

func (*btcCoin) coin() teller.Coin { return teller.BTC }

func (n *btcCoin) pay(address string, times int64) string {
	return n.Pay(btcdtest.Output{Address: address, Value: times * 2_000_000}) // 500 SKY a BTC
}

func (n *btcCoin) mine(blocks int) { n.Generate(blocks) }

func (n *btcCoin) drop(depth int) {
	n.Invalidate(n.HashAt(n.Height() - int64(depth) + 1))
	n.GenerateEmpty(depth + 1)
}

func (n *btcCoin) bringBack(string) { n.Generate(1) } // it is in the mempool again

func (n *btcCoin) configure(t *testing.T, c *config.Config) {
	useBTCD(c, n.Node)
	c.BTCAddresses = writeLines(t, "btc.txt", depositAddresses(t, 20, &chaincfg.RegressionNetParams))
}

// useBTCD makes a counter take BTC through a btcd.
func useBTCD(c *config.Config, n *btcdtest.Node) {
	c.BTCScanner.Enabled, c.BTCScanner.InitialScanHeight = true, 1
	c.BTCRPC.Server, c.BTCRPC.Network = n.Server, n.Network
	c.BTCRPC.User, c.BTCRPC.Pass = config.NewSecret(n.User), config.NewSecret(n.Pass)
	c.BTCRPC.Cert = n.Cert
}

type ethCoin struct {
	*anviltest.Node
	t *testing.T
}

func startETH(t *testing.T) coinNode {
	n := anviltest.Start(t)
	n.Mine(20)
	return &ethCoin{n, t}
}

func (*ethCoin) coin() teller.Coin { return teller.ETH }

// pay comes from another account each time: no payment depends on another that may be dropped.
func (n *ethCoin) pay(address string, times int64) string {
	key, err := crypto.GenerateKey()
	if err != nil {
		n.t.Fatal(err)
	}
	n.Call(nil, "anvil_setBalance", crypto.PubkeyToAddress(key.PublicKey), (*hexutil.Big)(big.NewInt(1e18)))
	return n.SendFrom(key, nodetest.Tx{To: address, Value: big.NewInt(times * 200_000_000_000_000_000)}) // 50 SKY an ETH
}

func (n *ethCoin) mine(blocks int) { n.Mine(blocks) }

func (n *ethCoin) drop(depth int) {
	n.Reorg(depth)
	n.Mine(1)
}

func (n *ethCoin) bringBack(payment string) {
	n.SendAgain(payment)
	n.Mine(1)
}

func (n *ethCoin) configure(t *testing.T, c *config.Config) {
	useETH(t, c, n.Node.Node, 20)
}

// useETH makes a counter take ETH through a node.
func useETH(t testing.TB, c *config.Config, n *nodetest.Node, addresses int) {
	t.Helper()
	list, err := eth.Generate(t.Name(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	c.ETHScanner.Enabled, c.ETHScanner.InitialScanHeight = true, 1
	c.ETHRPC.Server, c.ETHRPC.Port, c.ETHRPC.ChainID = n.Server, n.Port, n.ChainID
	c.ETHAddresses = writeLines(t, "eth.txt", list)
}

// realSender makes a counter pay on a Skycoin chain and take no coin yet.
func realSender(t testing.TB, chain *skynodetest.Chain) config.Config {
	t.Helper()
	c := testConfig(t)
	c.Dummy.Sender, c.Dummy.Scanner = false, false
	c.BTCScanner.Enabled, c.ETHScanner.Enabled, c.SkyScanner.Enabled = false, false, false
	c.SkyRPC.Address, c.SkyRPC.Genesis, c.SkyRPC.MinPeers = chain.Address, chain.GenesisHash, 0 // it runs alone
	c.SkyExchanger.Wallet = filepath.Join(t.TempDir(), "hot.wlt")
	chain.WriteWallet(c.SkyExchanger.Wallet)
	return c
}

// reorgDesk is a counter on a coin's node that needs two confirmations.
type reorgDesk struct {
	*desk
	node  coinNode
	chain *skynodetest.Chain
	conf  config.Config
}

const needed = 2 // confirmations

func openReorgDesk(t *testing.T, node coinNode) *reorgDesk {
	t.Helper()
	chain := skynodetest.Start(t, skynodetest.Options{Interval: 100 * time.Millisecond})
	c := realSender(t, chain)
	node.configure(t, &c)
	c.BTCScanner.ConfirmationsRequired, c.ETHScanner.ConfirmationsRequired = needed, needed
	c.BTCScanner.ScanPeriod, c.ETHScanner.ScanPeriod = 200*time.Millisecond, 200*time.Millisecond
	return &reorgDesk{openDesk(t, c), node, chain, c}
}

// caughtUp waits until the scanner has read the node's chain.
func (d *reorgDesk) caughtUp() {
	d.t.Helper()
	d.within(30*time.Second, "the scanner is at the tip", func() bool {
		tip, err := d.app.scanners[d.node.coin()].Chain.Tip(d.t.Context())
		cursor, errCursor := d.app.store.Cursor(d.t.Context(), d.node.coin())
		return err == nil && errCursor == nil && cursor.BlockRef == tip
	})
}

// seen is where the buyer is told that the only payment is, with its confirmations.
func (d *reorgDesk) seen(buyer string) (where string, confirmations int64) {
	d.t.Helper()
	var answer struct {
		Statuses []struct {
			Seen          string
			Confirmations int64
		}
	}
	d.get(d.public+"/api/status?skyaddr="+buyer, &answer)
	if len(answer.Statuses) != 1 {
		d.t.Fatalf("%d statuses, want one", len(answer.Statuses))
	}
	return answer.Statuses[0].Seen, answer.Statuses[0].Confirmations
}

func (d *reorgDesk) waitSeen(buyer, where string, confirmations int64) {
	d.t.Helper()
	d.within(20*time.Second, "the buyer sees the payment in the "+where, func() bool {
		w, n := d.seen(buyer)
		return w == where && n == confirmations
	})
}

// paid checks what buyers hold.
func (d *reorgDesk) paid(want map[string]teller.Droplets) {
	d.t.Helper()
	for buyer, skys := range want {
		if got := d.chain.Balance(buyer); got != skys*teller.DropletsPerSKY {
			d.t.Errorf("%s holds %s SKY, want %d", buyer, got, skys)
		}
	}
}

// reopen stops the counter, lets something happen, and opens it again on the same data.
func (d *reorgDesk) reopen(meanwhile func()) {
	d.t.Helper()
	d.stop()
	meanwhile()
	d.desk = openDesk(d.t, d.conf)
}

func TestReorgs(t *testing.T) {
	for _, coin := range []struct {
		name  string
		start func(*testing.T) coinNode
	}{{"BTC", startBTC}, {"ETH", startETH}} {
		t.Run(coin.name, func(t *testing.T) {
			t.Run("BeforeTheConfirmations", func(t *testing.T) { reorgBefore(t, coin.start(t)) })
			t.Run("AfterTheConfirmations", func(t *testing.T) { reorgAfter(t, coin.start(t)) })
			t.Run("WhileDown", func(t *testing.T) { reorgWhileDown(t, coin.start(t)) })
		})
	}
}

// A payment that leaves the chain before it counts is not paid for; when it is mined again it is, once.
func reorgBefore(t *testing.T, node coinNode) {
	d := openReorgDesk(t, node)
	buyer := buyers(t, 1)[0]
	address := d.bind(buyer, node.coin())
	d.caughtUp()
	d.waitSeen(buyer, "", 0)
	payment := node.pay(address, 1)
	d.waitSeen(buyer, "mempool", 0)
	node.mine(1)
	d.waitSeen(buyer, "block", 0)
	node.mine(1)
	d.waitSeen(buyer, "block", 1)

	node.drop(2)
	d.caughtUp()
	if rows := d.deposits(); len(rows) != 1 || rows[0].Status != "waiting_deposit" || rows[0].Hold != nil {
		t.Fatalf("after the reorg: %+v", rows)
	}
	d.paid(map[string]teller.Droplets{buyer: 0})

	node.bringBack(payment)
	d.waitSeen(buyer, "block", 0)
	node.mine(needed)
	d.waitFor(30*time.Second, buyer, "done")
	d.paid(map[string]teller.Droplets{buyer: 10})
	if rows := d.deposits(); len(rows) != 1 {
		t.Errorf("%d deposits, want the one that was mined twice: %+v", len(rows), rows)
	}
}

// A payment that leaves the chain after it was paid for stops all crediting, until it is back; it is not paid again.
func reorgAfter(t *testing.T, node coinNode) {
	d := openReorgDesk(t, node)
	all := buyers(t, 2)
	first, second := d.bind(all[0], node.coin()), d.bind(all[1], node.coin())
	d.caughtUp()
	payment := node.pay(first, 1)
	node.mine(1 + needed)
	d.waitFor(30*time.Second, all[0], "done")

	node.drop(1 + needed)
	d.caughtUp()
	d.within(10*time.Second, "the paid deposit is held", func() bool {
		rows := d.deposits()
		return len(rows) == 1 && rows[0].Hold != nil && rows[0].Hold.Reason == string(teller.HoldOrphaned)
	})
	node.pay(second, 2) // on BTC it may be mined together with the first
	if node.coin() == teller.ETH {
		node.mine(1 + needed)
		d.caughtUp()
		if got := d.statuses(all[1]); got != "waiting_deposit" {
			t.Errorf("with crediting frozen the other buyer's deposit is %s", got)
		}
	}
	node.bringBack(payment)
	node.mine(needed)
	d.waitFor(30*time.Second, all[1], "done")
	d.caughtUp()
	for _, r := range d.deposits() {
		if r.Hold != nil || r.Status != "done" {
			t.Errorf("after it is back at depth: %+v", r)
		}
	}
	d.paid(map[string]teller.Droplets{all[0]: 10, all[1]: 20})
}

// A reorganisation that happens while teller is down is found at the next start.
func reorgWhileDown(t *testing.T, node coinNode) {
	d := openReorgDesk(t, node)
	all := buyers(t, 2)
	addresses := []string{d.bind(all[0], node.coin()), d.bind(all[1], node.coin())}
	d.caughtUp()
	lost := node.pay(addresses[0], 1)
	node.mine(2)
	d.waitSeen(all[0], "block", 1)
	d.reopen(func() { node.drop(2) })
	d.caughtUp()
	if got := d.statuses(all[0]); got != "waiting_deposit" {
		t.Fatalf("the payment that is gone is %s", got)
	}
	node.bringBack(lost)
	d.reopen(func() {
		node.pay(addresses[1], 2)
		node.mine(needed)
	})
	node.mine(needed)
	d.waitFor(30*time.Second, all[0], "done")
	d.waitFor(30*time.Second, all[1], "done")
	d.reopen(func() {})
	d.caughtUp()
	d.paid(map[string]teller.Droplets{all[0]: 10, all[1]: 20})
}

// SKY is taken and paid on the same chain.
func TestSkyForSky(t *testing.T) {
	chain := skynodetest.Start(t, skynodetest.Options{Interval: 100 * time.Millisecond})
	c := realSender(t, chain)
	c.SkyScanner.Enabled, c.SkyScanner.InitialScanHeight = true, 0
	c.SkyScanner.ScanPeriod = 200 * time.Millisecond
	c.SkyExchanger.SkySkyExchangeRate = teller.MustRate("1/2")
	addresses, err := sky.Generate(t.Name(), 5)
	if err != nil {
		t.Fatal(err)
	}
	c.SkyAddresses = writeLines(t, "sky.txt", addresses)
	customer := newCustomer(t, chain, c.SkyExchanger.Wallet)
	d := openDesk(t, c)
	all := buyers(t, 2)
	first, second := d.bind(all[0], teller.SKY), d.bind(all[1], teller.SKY)
	customer.pay(teller.Recipient{Address: first, Coins: 3 * teller.DropletsPerSKY}, teller.Recipient{Address: second, Coins: 4_002_000})
	d.waitFor(30*time.Second, all[0], "done")
	d.waitFor(30*time.Second, all[1], "done")
	if a, b := chain.Balance(all[0]), chain.Balance(all[1]); a != 1_500_000 || b != 2_001_000 {
		t.Errorf("the buyers hold %s and %s SKY, want 1.5 and 2.001", a, b)
	}
	d.refuses(addresses[0]) // one of the counter's own
}

// customer is somebody with SKY of their own.
type customer struct {
	t      *testing.T
	node   *sky.Node
	wallet *wallet.Wallet
}

// newCustomer makes a wallet with 100 SKY out of the one in a file.
func newCustomer(t *testing.T, chain *skynodetest.Chain, rich string) *customer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "customer.wlt")
	if err := wallet.NewThrowaway(path); err != nil {
		t.Fatal(err)
	}
	c := &customer{t: t, node: sky.NewNode(sky.Config{Address: chain.Address}), wallet: loadWallet(t, path)}
	t.Cleanup(c.node.Close)
	source := &customer{t: t, node: c.node, wallet: loadWallet(t, rich)}
	source.pay(teller.Recipient{Address: c.wallet.Addresses()[0], Coins: 100 * teller.DropletsPerSKY})
	for deadline := time.Now().Add(time.Minute); len(c.outputs().Spendable) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the customer never got the coins")
		}
	}
	chain.MineAfter(time.Hour) // coins that rest earn hours
	return c
}

func loadWallet(t *testing.T, path string) *wallet.Wallet {
	t.Helper()
	w, err := wallet.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// outputs is a request to pay nobody yet.
func (c *customer) outputs() teller.PayoutRequest {
	c.t.Helper()
	rules, err := c.node.Rules(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	head, outputs, err := c.node.Outputs(c.t.Context(), c.wallet.Addresses())
	if err != nil {
		c.t.Fatal(err)
	}
	return teller.PayoutRequest{Spendable: outputs, HeadTime: head.Time, Rules: rules, MaxSize: rules.MaxSize, Keep: 1}
}

// pay hands one transaction to the node.
func (c *customer) pay(recipients ...teller.Recipient) {
	c.t.Helper()
	req := c.outputs()
	req.Pay = recipients
	tx, err := c.wallet.Build(c.t.Context(), req)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = c.node.Inject(c.t.Context(), tx.Raw) // a lone node says 503 and keeps it: the chain tells
}
