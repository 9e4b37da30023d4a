package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// TB is what the suite needs of a *testing.T; a *rapid.T has it too.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// rate is the rate under which the suite's deposits are recorded: 500 SKY for a coin.
var rate = teller.MustRate("500")

// hotAddress is the address of the suite's wallet.
const hotAddress = "hot-wallet"

// ledger is a store and the small world around it.
type ledger struct {
	TB
	ctx    context.Context
	store  teller.Store
	open   func() teller.Store
	conf   int64 // confirmations under which blocks are saved
	chains map[teller.Coin][]teller.BlockRef
	sky    teller.SkyHead
	serial int
}

func newLedger(tb TB, open func() teller.Store) *ledger {
	return &ledger{
		TB: tb, ctx: context.Background(), store: open(), open: open, conf: 1,
		chains: map[teller.Coin][]teller.BlockRef{},
	}
}

func (l *ledger) close() {
	if err := l.store.Close(); err != nil {
		l.Errorf("close: %v", err)
	}
}

func (l *ledger) reopen() {
	l.Helper()
	l.close()
	l.store = l.open()
}

// name makes a name that was not used before.
func (l *ledger) name(kind string) string {
	l.serial++
	return fmt.Sprintf("%s-%04d", kind, l.serial)
}

func (l *ledger) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatalf("unexpected error: %v", err)
	}
}

// refused checks that err has a code.
func (l *ledger) refused(err error, code teller.Code) {
	l.Helper()
	if err == nil || teller.CodeOf(err) != code {
		l.Fatalf("got error %v (code %q), want code %q", err, teller.CodeOf(err), code)
	}
}

func (l *ledger) bind(coin teller.Coin, address, sky string) teller.Binding {
	l.Helper()
	b, err := l.store.Bind(l.ctx, teller.Binding{Coin: coin, Address: address, SkyAddress: sky, BuyMethod: teller.BuyDirect}, 0)
	l.must(err)
	return b
}

// next is the block that follows on a coin's chain. The first one has height 100.
func (l *ledger) next(coin teller.Coin, transfers ...teller.Transfer) teller.Block {
	b := teller.Block{BlockRef: teller.BlockRef{Height: 100, Hash: l.name("block")}, Transfers: transfers}
	if chain := l.chains[coin]; len(chain) > 0 {
		tip := chain[len(chain)-1]
		b.Height, b.Parent = tip.Height+1, tip.Hash
	}
	return b
}

// block mines and saves a block.
func (l *ledger) block(coin teller.Coin, transfers ...teller.Transfer) teller.ScanResult {
	l.Helper()
	b := l.next(coin, transfers...)
	res, err := l.store.SaveBlock(l.ctx, coin, b, teller.ScanTerms{Confirmations: l.conf, Rate: rate, Tip: b.Height})
	l.must(err)
	l.chains[coin] = append(l.chains[coin], b.BlockRef)
	return res
}

// blocks mines n empty blocks and returns the last result.
func (l *ledger) blocks(coin teller.Coin, n int) (res teller.ScanResult) {
	l.Helper()
	for range n {
		res = l.block(coin)
	}
	return res
}

// reorg takes the last n blocks of a coin's chain off.
func (l *ledger) reorg(coin teller.Coin, n int) teller.ScanResult {
	l.Helper()
	chain := l.chains[coin]
	chain = slices.Clip(chain[:len(chain)-n])
	res, err := l.store.Rewind(l.ctx, coin, chain[len(chain)-1])
	l.must(err)
	l.chains[coin] = chain
	return res
}

func transfer(address, txid string, n uint32, value uint64) teller.Transfer {
	return teller.Transfer{Address: address, TxID: txid, N: n, Value: teller.NewAmount(value)}
}

func (l *ledger) deposit(id string) teller.Deposit {
	l.Helper()
	d, err := l.store.Deposit(l.ctx, id)
	l.must(err)
	return d
}

// credited makes a deposit of a fresh buyer that waits to be decided, and returns it.
func (l *ledger) credited(sky string, value uint64) teller.Deposit {
	l.Helper()
	return l.creditedFor(sky, value, teller.BuyDirect)
}

// creditedFor is credited with a buy method.
func (l *ledger) creditedFor(sky string, value uint64, method teller.BuyMethod) teller.Deposit {
	l.Helper()
	if len(l.chains[teller.BTC]) == 0 {
		l.block(teller.BTC)
	}
	address, txid := l.name("addr"), l.name("tx")
	_, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: address, SkyAddress: sky, BuyMethod: method}, 0)
	l.must(err)
	l.block(teller.BTC, transfer(address, txid, 0, value))
	l.blocks(teller.BTC, int(l.conf))
	return l.deposit(teller.DepositID(txid, 0))
}

// payable makes a deposit in waiting_send that is owed 5 SKY for each 0.01 BTC.
func (l *ledger) payable(sky string, value uint64) teller.Deposit {
	l.Helper()
	return l.decide(l.credited(sky, value))
}

func (l *ledger) decide(d teller.Deposit) teller.Deposit {
	l.Helper()
	owed, err := rate.Convert(d.Coin, d.Value, 3)
	l.must(err)
	n, err := l.store.Decide(l.ctx, []teller.Decision{{DepositID: d.ID, Version: d.Version, Owed: owed}})
	l.must(err)
	if n != 1 {
		l.Fatalf("deciding %s applied %d decisions", d.ID, n)
	}
	return l.deposit(d.ID)
}

// openWallet opens the hot wallet with one output for each sum, in SKY.
func (l *ledger) openWallet(sums ...uint64) {
	l.Helper()
	l.sky = teller.SkyHead{BlockRef: teller.BlockRef{Height: 10, Hash: "sky-10"}, Time: 1000}
	var outs []teller.Output
	for _, sum := range sums {
		outs = append(outs, teller.Output{
			SkyOutput: teller.SkyOutput{ID: l.name("ux"), Address: hotAddress, Coins: teller.Droplets(sum) * teller.DropletsPerSKY, Hours: 100},
			SrcTx:     "genesis", Height: 1, Time: 10,
		})
	}
	l.must(l.openAt(l.sky, []string{hotAddress}, outs))
}

// nextSky is the Skycoin block that follows.
func (l *ledger) nextSky(txs ...teller.SkyTx) teller.SkyBlock {
	return teller.SkyBlock{
		BlockRef: teller.BlockRef{Height: l.sky.Height + 1, Hash: l.name("sky")},
		Parent:   l.sky.Hash, Time: l.sky.Time + 10, Txs: txs,
	}
}

// skyBlock makes and saves a Skycoin block.
func (l *ledger) skyBlock(txs ...teller.SkyTx) teller.WalletResult {
	l.Helper()
	b := l.nextSky(txs...)
	res, err := l.store.SaveSkyBlocks(l.ctx, []teller.SkyBlock{b})
	l.must(err)
	l.sky = teller.SkyHead{BlockRef: b.BlockRef, Time: b.Time}
	return res
}

func (l *ledger) outputs() (all, spendable []teller.Output) {
	l.Helper()
	all, spendable, err := l.store.Outputs(l.ctx)
	l.must(err)
	return all, spendable
}

// spend makes a transaction that spends outputs, pays, and gives the rest back to the wallet.
func (l *ledger) spend(ins []teller.Output, pay ...teller.Recipient) teller.SkyTx {
	l.Helper()
	tx := teller.SkyTx{ID: l.name("skytx")}
	var left teller.Droplets
	for _, in := range ins {
		tx.Inputs = append(tx.Inputs, in.ID)
		left += in.Coins
	}
	for _, p := range pay {
		if p.Coins > left {
			l.Fatalf("the test spends more than it has")
		}
		left -= p.Coins
		tx.Outputs = append(tx.Outputs, teller.SkyOutput{ID: l.name("ux"), Address: p.Address, Coins: p.Coins})
	}
	if left > 0 {
		tx.Outputs = append(tx.Outputs, teller.SkyOutput{ID: l.name("ux"), Address: hotAddress, Coins: left, Hours: 7})
	}
	return tx
}

// payoutOf makes a payout of the deposits, and the transaction that it is.
func (l *ledger) payoutOf(ins []teller.Output, ds ...teller.Deposit) (teller.Payout, teller.SkyTx) {
	l.Helper()
	var pay []teller.Recipient
	var shares []teller.Share
	for _, d := range ds {
		pay = append(pay, teller.Recipient{Address: d.SkyAddress, Coins: d.Owed})
		shares = append(shares, teller.Share{DepositID: d.ID, Version: d.Version, Coins: d.Owed})
	}
	tx := l.spend(ins, pay...)
	return teller.Payout{TxID: tx.ID, Raw: []byte("signed " + tx.ID), Inputs: tx.Inputs, Shares: shares, Fee: 3}, tx
}

// pay stores a payout of the deposits out of the first spendable output.
func (l *ledger) pay(ds ...teller.Deposit) (teller.Payout, teller.SkyTx) {
	l.Helper()
	_, spendable := l.outputs()
	if len(spendable) == 0 {
		l.Fatalf("the test's wallet has nothing to spend")
	}
	p, tx := l.payoutOf(spendable[:1], ds...)
	l.must(l.store.CreatePayout(l.ctx, p))
	return p, tx
}

func (l *ledger) totals() teller.Totals {
	l.Helper()
	sum, err := l.store.Totals(l.ctx)
	l.must(err)
	return sum
}

// is checks a deposit's status and hold.
func (l *ledger) is(id string, status teller.Status, hold teller.HoldReason) teller.Deposit {
	l.Helper()
	d := l.deposit(id)
	if d.Status != status || holdOf(d) != hold {
		l.Fatalf("deposit %s is %s, hold %q; want %s, hold %q", id, d.Status, holdOf(d), status, hold)
	}
	return d
}

func holdOf(d teller.Deposit) teller.HoldReason {
	if d.Hold == nil {
		return ""
	}
	return d.Hold.Reason
}

func ids(ds []teller.Deposit) []string {
	var s []string
	for _, d := range ds {
		s = append(s, d.ID)
	}
	return s
}

// mentions checks that a text tells an operator what it must.
func (l *ledger) mentions(text string, words ...string) {
	l.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			l.Fatalf("%q does not mention %q", text, w)
		}
	}
}

// same compares what is printed.
func (l *ledger) same(what string, got, want any) {
	l.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		l.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

var operator = teller.Act{Actor: "olga", Reason: "looked it up"}

// openAt is OpenWallet with addresses that have no past.
func (l *ledger) openAt(head teller.SkyHead, addresses []string, outputs []teller.Output) error {
	_, err := l.store.OpenWallet(l.ctx, head, addresses, outputs, nil)
	return err
}
