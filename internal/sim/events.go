package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// buyersCount is how many SKY addresses buyers have; few, so that deposits of one buyer meet in a payout.
const buyersCount = 8

// poolSize is how many deposit addresses each coin has.
const poolSize = 60

func buyer(n int) string { return skyAddress(0xb000 + n) }

// depositAddresses are those of a coin's pool.
func depositAddresses(c teller.Coin) []string {
	list := make([]string, poolSize)
	for i := range list {
		if c == teller.SKY {
			list[i] = skyAddress(0xd000 + i)
		} else {
			list[i] = fmt.Sprintf("%s-address-%d", c.Lower(), i)
		}
	}
	return list
}

// coinOf tells the coin of a deposit address.
func (m *model) coinOf(address string) teller.Coin {
	for _, c := range []teller.Coin{teller.BTC, teller.ETH} {
		if strings.HasPrefix(address, c.Lower()+"-") {
			return c
		}
	}
	return teller.SKY
}

// event lets one thing happen, drawn from the seed. More than half of them are steps of the engine.
func (r *run) event() {
	w := r.world
	w.now = w.now.Add(time.Duration(w.between(0, 5)) * time.Second)
	r.model.begin()
	if r.backup != nil && r.outgrown() {
		r.counts.Outgrown++
		w.exchange.picky = few // it takes whatever comes next
		r.restore()
		return
	}
	switch n := w.between(0, 99); {
	case n < 47:
		_, _ = r.step(pick(w, r.engine.workers))
	case n < 50:
		r.plot()
	case n < 52 && r.setting.passthrough:
		r.connive()
	case n < 66:
		r.work()
	case n < 71:
		r.bind()
	case n < 77:
		r.pay()
	case n < 86:
		w.happen()
	case n < 87:
		r.burst()
	case n < 90:
		r.disturbWallet()
	case n < 96:
		r.operate()
	case n < 97:
		w.skew = time.Duration(w.between(-72, 72)) * time.Hour
		w.note("the clock jumps to %s off", w.skew)
	case n < 99:
		r.restart()
	default:
		r.backUpOrRestore()
	}
}

// work lets every worker do a step, in any order: a time in which the process is left alone.
func (r *run) work() {
	n := len(r.engine.workers)
	for _, i := range r.world.rng.Perm(n) {
		_, _ = r.step(r.engine.workers[i])
	}
}

// bind is a buyer who asks for a deposit address.
func (r *run) bind() {
	w := r.world
	coin, to := pick(w, teller.Coins), buyer(w.rng.IntN(buyersCount))
	before := w.commits
	var b teller.Binding
	err, died := w.guard(func() (err error) { b, err = r.engine.counter.Bind(r.ctx, coin, to); return err })
	if err == nil && !died {
		r.model.bound(b)
		r.counts.Bindings++
		w.note("%s is bound to %s", b.Address, to)
	}
	r.settle("bind", err, died, before)
}

// pay is somebody who pays to one or several addresses in one transaction: addresses that were bound, mostly.
func (r *run) pay() {
	w := r.world
	coin := pick(w, teller.Coins)
	var to []string
	for range pick(w, []int{1, 1, 1, 2, 3}) {
		a := pick(w, depositAddresses(coin)[:poolSize/2])
		if bound := r.boundTo(coin); len(bound) > 0 && !w.chance(50) {
			a = pick(w, bound)
		}
		to = append(to, a)
	}
	if coin == teller.SKY {
		r.paySKY(to)
		return
	}
	txid := w.id()
	for n, a := range to {
		p := &payment{coin: coin, height: -1, Transfer: teller.Transfer{Address: a, TxID: txid, N: uint32(n), Value: r.value(coin)}}
		p.untold = coin == teller.ETH && w.chance(100)
		r.enter(p)
		w.chains[coin].pay(p)
	}
}

func (r *run) enter(p *payment) {
	r.model.pays(p)
	r.counts.Payments++
	r.world.note("payment %s: %s %s to %s, untold %t", p.id(), p.Value, p.coin, p.Address, p.untold)
}

func (r *run) paySKY(to []string) {
	var pay []teller.Recipient
	for _, a := range to {
		units, _ := r.value(teller.SKY).Uint64()
		pay = append(pay, teller.Recipient{Address: a, Coins: teller.Droplets(units)})
	}
	tx := r.world.sky.give(pay...)
	for n, a := range to {
		p := &payment{coin: teller.SKY, height: -1, Transfer: teller.Transfer{
			Address: a, TxID: tx.ID, N: uint32(n), Value: teller.NewAmount(uint64(pay[n].Coins)),
		}}
		r.world.sky.pays = append(r.world.sky.pays, p)
		r.enter(p)
	}
}

// value draws what is paid: from next to nothing to some ten SKY's worth.
func (r *run) value(c teller.Coin) teller.Amount {
	w := r.world
	switch c {
	case teller.BTC:
		return teller.NewAmount(uint64(pick(w, []int{1, w.between(1, 5000), w.between(100_000, 9_000_000)})))
	case teller.ETH:
		return teller.NewAmount(uint64(pick(w, []int{1, w.between(1, 1e12), w.between(1e15, 900_000_000_000_000_000)})))
	default:
		return teller.NewAmount(uint64(w.between(1, 20_000)) * 1000)
	}
}

// boundTo are the deposit addresses of a coin that buyers know, in the order of the pool.
func (r *run) boundTo(c teller.Coin) []string {
	var bound []string
	for _, a := range depositAddresses(c) {
		if _, ok := r.model.buyers[a]; ok {
			bound = append(bound, a)
		}
	}
	return bound
}

// awkward makes deposits that can not be paid: one to a SKY address that is none (any more), and one that is larger than all
// that the wallet ever has. Neither may delay another.
func (r *run) awkward() {
	w := r.world
	coin := pick(w, []teller.Coin{teller.BTC, teller.ETH})
	addresses := depositAddresses(coin)
	bad := addresses[len(addresses)-1]
	before := w.commits
	var b teller.Binding
	err, died := w.guard(func() (err error) {
		b, err = r.engine.ledger.Bind(r.ctx, teller.Binding{Address: bad, Coin: coin, SkyAddress: noAddress, BuyMethod: teller.BuyDirect}, 0)
		return err
	})
	if err == nil && !died {
		r.model.bound(b)
	}
	r.settle("bind", err, died, before)
	for n, a := range []string{bad, addresses[0]} {
		p := &payment{coin: coin, height: -1, Transfer: teller.Transfer{Address: a, TxID: w.id(), Value: r.value(coin)}}
		if n == 1 {
			p.whale = true
			p.Value = map[teller.Coin]teller.Amount{
				teller.BTC: teller.NewAmount(9_000_000_000_000_000), teller.ETH: teller.NewAmount(1e18).Add(mustAmount("900000000000000000000000000")),
			}[coin]
		}
		r.enter(p)
		w.chains[coin].pay(p)
	}
}

// noAddress was taken for a SKY address once.
const noAddress = "no-address-any-more"

func mustAmount(s string) teller.Amount {
	a, err := teller.ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// burst is many buyers at once.
func (r *run) burst() {
	for range r.world.between(3, 8) {
		r.pay()
	}
	r.world.chains[teller.BTC].mine(1)
	r.world.chains[teller.ETH].mine(1)
	r.world.sky.mine(1000)
}

// disturbWallet tops the wallet up, or takes out of it what the engine reckons with.
func (r *run) disturbWallet() {
	w := r.world
	switch w.between(0, 5) {
	case 0:
		w.sky.compete()
	case 1, 2:
		to, coins := faucetAddress, teller.Droplets(w.between(1, 500))*teller.DropletsPerSKY
		if w.chance(600) { // a person pays a buyer by hand
			to = buyer(w.rng.IntN(buyersCount))
			if open := r.open(); len(open) > 0 && w.chance(700) {
				d := pick(w, open)
				if to = d.SkyAddress; w.chance(500) {
					coins = r.model.most(r.model.payments[d.ID]) // and what is rounded up
				}
			}
		}
		w.sky.withdraw(w.sky.own(), to, coins)
		if to != faucetAddress && w.chance(300) {
			r.tellPaid()
		}
	default:
		r.fund(w.between(1, 2), pick(w, []int{20, 300, 3000}))
	}
}

// open are the deposits that are still to be paid.
func (r *run) open() (open []teller.Deposit) {
	for _, id := range r.model.order() {
		d, p := r.model.rows[id], r.model.payments[id]
		if p != nil && !p.whale && d.Credited() && d.Status != teller.StatusDone && d.SkyAddress != noAddress {
			open = append(open, d)
		}
	}
	return open
}

// restart ends the process at rest, and starts it with another setting now and then.
func (r *run) restart() {
	r.stop()
	if r.world.chance(300) {
		r.setRate(pick(r.world, teller.Coins))
	}
	if r.world.chance(200) {
		_, r.setting.wallet = loadWallets()
		r.world.note("the wallet file has gained an address")
	}
	r.counts.Starts++
	r.start()
}

func (r *run) backUpOrRestore() {
	if r.world.chance(500) || (r.backup == nil && !r.world.chance(100)) { // a lost ledger holds nearly all, and proves little
		r.takeBackup()
		return
	}
	r.restore()
}
