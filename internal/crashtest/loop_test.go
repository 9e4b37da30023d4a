package crashtest

import (
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skycoin/teller/internal/chain/processtest"
)

// confirmations is what BTC and ETH need. No reorg of the loop is deeper: those that are stop crediting by design.
const confirmations = 2

// chain is a deposit chain on a real node. Nobody else moves it.
type chain interface {
	coin() string
	config() string // its part of the configuration
	newAddress(i int) string
	amount(r *rand.Rand) *big.Int
	pay(r *rand.Rand, to []target) // what it sends waits for mine
	mine(blocks int)
	height() int64
	// deposits are all payments to anybody in the best chain's blocks from..to.
	deposits(from, to int64) []deposit
	// disturb makes trouble until heal, and says which. While the chain is not calm, nothing of it may be called but heal.
	disturb(r *rand.Rand) string
	calm() bool
	heal()
}

// turning is a chain that can be reorganised.
type turning interface {
	chain
	// reorg replaces the last blocks by more. Payments in them are mined again or are gone for good. Nothing else may
	// wait to be mined.
	reorg(depth int, comeback bool)
}

// target is one payment to be made.
type target struct {
	address string
	value   *big.Int
}

// loop is everything that the crash loop knows.
type loop struct {
	t        *testing.T
	seed     uint64
	kills    int // that are to be
	binary   string
	args     []string
	journal  *journal
	buyers   *buyers
	chains   []chain
	troubled map[string]bool // coins whose node is in trouble
	sky      *skyChain
	opening  int64
	process  *process
	served   bool               // whether this run of teller has answered
	dropped  map[string]deposit // that a reorg took away, by id
	tally    tally
}

// tally is what the summary counts.
type tally struct {
	kills, stops     int // by SIGKILL and by SIGTERM
	inside           int // kills with a payout that was stored and not confirmed
	unsent           int // of these, kills with one that not even the node had
	reorgs, troubles map[string]int
	starts           int
	worstStart       time.Duration
	began            time.Time
}

func envInt(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// No deposit is lost and none is paid twice, whatever instant the process dies.
func TestCrashLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode: the processes that are killed are no part of the test binary")
	}
	for _, node := range []string{"btcd", "skynode"} {
		processtest.Find(t, node, "tools")
	}
	processtest.Find(t, "anvil", "anvil")
	l := open(t, envInt(t, "TELLER_SEED", uint64(time.Now().UnixNano())%1_000_000), int(envInt(t, "TELLER_KILLS", 25)))
	for cycle := uint64(0); l.tally.kills < l.kills; cycle++ {
		l.cycle(cycle)
	}
	l.finish()
}

// open starts the nodes and writes the configuration.
func open(t *testing.T, seed uint64, kills int) *loop {
	t.Helper()
	t.Logf("seed %d, %d kills", seed, kills)
	r := rand.New(rand.NewPCG(seed, 1<<40))
	l := &loop{
		t: t, seed: seed, kills: kills, binary: build(t), journal: new(journal), dropped: make(map[string]deposit), sky: startSKY(t),
		troubled: make(map[string]bool),
		tally:    tally{reorgs: make(map[string]int), troubles: make(map[string]int), began: time.Now()},
	}
	l.chains = []chain{startBTC(t, r.IntN(2) == 0), startETH(t, r.IntN(2) == 0), l.sky}
	l.opening = int64(l.sky.Balance(l.sky.GenesisAddress))
	public := processtest.FreeAddr(t)
	l.buyers = newBuyers("http://"+public, seed)
	t.Cleanup(func() {
		if l.process != nil && l.process.running() {
			l.process.signal(syscall.SIGKILL)
			<-l.process.done
		}
		if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "teller.log"), []byte(l.journal.String()), 0o600); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("seed %d; the end of the log:\n%s", seed, l.journal.tail(60))
		}
	})
	l.configure(public)
	return l
}

// configure writes a configuration that makes teller look often.
func (l *loop) configure(public string) {
	l.t.Helper()
	dir := l.t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			l.t.Fatal(err)
		}
		return path
	}
	var files, sections strings.Builder
	for _, c := range l.chains {
		var list strings.Builder
		for i := range 200 + 20*l.kills {
			fmt.Fprintln(&list, c.newAddress(i))
		}
		name := strings.ToLower(c.coin())
		fmt.Fprintf(&files, "%s_addresses = %q\n", name, write(name+".txt", list.String()))
		needed := confirmations
		if c.coin() == "SKY" {
			needed = 0
		}
		fmt.Fprintf(&sections, "%s[%s_scanner]\nenabled = true\nscan_period = \"100ms\"\ninitial_scan_height = 1\nconfirmations_required = %d\n",
			c.config(), name, needed)
	}
	path := write("teller.toml", fmt.Sprintf(`
debug = false
logfile = ""
%s
%s
[teller]
max_bound_addrs = %d
[sky_exchanger]
sky_btc_exchange_rate = %q
sky_eth_exchange_rate = %q
sky_sky_exchange_rate = %q
wallet = %q
tx_confirmation_check_wait = "100ms"
[web]
http_addr = %q
throttle_max = 1000000000
[admin_panel]
host = %q
`, files.String(), sections.String(), maxBound, rates["BTC"], rates["ETH"], rates["SKY"], l.sky.wallet, public, processtest.FreeAddr(l.t)))
	l.args = []string{"-c", path, "-d", filepath.Join(dir, "data")}
}

// start runs teller. What it does next is up to the caller.
func (l *loop) start() {
	l.process, l.served = run(l.t, l.journal, l.binary, l.args...), false
	l.tally.starts++
}

// serve waits until teller answers, and reports whether it lived to.
func (l *loop) serve() bool {
	l.t.Helper()
	ok, err := l.process.healthy(l.buyers.public)
	if err != nil {
		l.t.Fatal(err)
	}
	l.served = ok
	if ok {
		l.tally.worstStart = max(l.tally.worstStart, time.Since(l.process.begun))
	}
	return ok
}

// blow is how a run of teller ends.
type blow struct {
	name      string
	signal    syscall.Signal
	after     time.Duration // since the start
	payout    string        // wait for the next line of the log that says this
	binds     int           // that are under way
	afterward time.Duration // after that line or the begin of the binds
}

func drawBlow(r *rand.Rand) blow {
	ms := func(from, to int) time.Duration {
		return time.Duration(from*1000+r.IntN((to-from)*1000)) * time.Microsecond
	}
	switch n := r.IntN(100); {
	case n < 8:
		return blow{name: "SIGTERM", signal: syscall.SIGTERM, after: ms(50, 1200)}
	case n < 23:
		return blow{name: "kill at the start", signal: syscall.SIGKILL, after: ms(0, 250)}
	case n < 40:
		return blow{name: "kill", signal: syscall.SIGKILL, after: ms(100, 1500)}
	case n < 55:
		return blow{name: "kill in a bind", signal: syscall.SIGKILL, after: ms(200, 1200), binds: 3, afterward: ms(0, 4)}
	case n < 75:
		return blow{name: "kill in a payout", signal: syscall.SIGKILL, after: ms(50, 600), payout: payoutBroadcast, afterward: ms(0, 30)}
	default: // most often before the node has answered
		return blow{name: "kill at a payout's begin", signal: syscall.SIGKILL, after: ms(50, 600), payout: payoutStored, afterward: ms(0, 3)}
	}
}

// strike ends the process as the blow says.
func (l *loop) strike(b blow, r *rand.Rand) {
	time.Sleep(b.after)
	if b.payout != "" {
		select {
		case <-l.journal.next(b.payout):
		case <-time.After(3 * time.Second):
		case <-l.process.done:
			return
		}
	}
	var binds sync.WaitGroup
	for range b.binds {
		buyer, coin := l.buyers.draw(r), l.chains[r.IntN(len(l.chains))].coin()
		binds.Go(func() { l.buyers.bind(buyer, coin) })
	}
	time.Sleep(b.afterward)
	l.process.signal(b.signal)
	binds.Wait()
}

// cycle is one run of teller from its start to its end, and what happens meanwhile and after it.
func (l *loop) cycle(number uint64) {
	l.t.Helper()
	r := rand.New(rand.NewPCG(l.seed, number))
	b := drawBlow(r)
	l.start()
	struck := make(chan struct{})
	go func() {
		defer close(struck)
		l.strike(b, rand.New(rand.NewPCG(l.seed, number|1<<32)))
	}()
	l.serve()
	for l.process.running() && !l.process.overdue() {
		l.act(r)
		time.Sleep(time.Duration(r.IntN(25)) * time.Millisecond)
	}
	<-struck
	l.process.await(l.t)
	l.died(b)
	for range r.IntN(4) {
		l.act(r)
	}
	l.trouble(r)
	if number%10 == 9 {
		l.t.Logf("%d kills, %d of them inside a payout, after %s", l.tally.kills, l.tally.inside, time.Since(l.tally.began).Round(time.Second))
	}
}

// died looks at what the process left behind.
func (l *loop) died(b blow) {
	l.t.Helper()
	l.journal.cut()
	if l.process.asked.Load() == nil {
		l.t.Fatalf("teller ended by itself: %v", l.process.ended)
	}
	if b.signal != syscall.SIGKILL {
		l.tally.stops++
		if l.process.ended != nil && l.served { // before it has begun, the signal just kills it
			l.t.Errorf("after %s teller ended with %v", b.name, l.process.ended)
		}
		l.journal.note("%s", b.name)
		return
	}
	l.tally.kills++
	open, unsent := l.openPayouts()
	if open > 0 {
		l.tally.inside++
	}
	if unsent > 0 {
		l.tally.unsent++
	}
	l.journal.note("%s; %d payouts stored and not confirmed, %d of them unknown to the node", b.name, open, unsent)
}

// openPayouts counts the payouts that teller has logged as stored and no block holds, and those that not even the node
// has. It is asked when teller is dead; then only the loop could mine another block.
func (l *loop) openPayouts() (open, unsent int) {
	var waiting []string
	for _, txid := range l.journal.storedPayouts() {
		if !l.sky.mined[txid] {
			waiting = append(waiting, txid)
		}
	}
	if len(waiting) == 0 || !l.sky.calm() {
		return len(waiting), 0
	}
	pending := l.sky.pending()
	for _, txid := range waiting {
		if !pending[txid] {
			unsent++
		}
	}
	return len(waiting), unsent
}

// act does one thing of what the world does while teller runs, or does not.
func (l *loop) act(r *rand.Rand) {
	c := l.chains[r.IntN(len(l.chains))]
	n := r.IntN(100)
	if n < 10 {
		if l.process.running() {
			l.buyers.bind(l.buyers.draw(r), c.coin())
		}
		return
	}
	if !c.calm() {
		return
	}
	switch {
	case n < 50:
		l.pay(c, r)
	case n < 94:
		c.mine(1)
	default:
		l.reorg(c, r)
	}
}

// pay pays some of the addresses that buyers were told, the same one more than once if it so happens.
func (l *loop) pay(c chain, r *rand.Rand) {
	addresses := l.buyers.addresses(c.coin())
	if len(addresses) == 0 {
		return
	}
	var to []target
	for range 1 + r.IntN(4) {
		to = append(to, target{addresses[r.IntN(len(addresses))], c.amount(r)})
	}
	c.pay(r, to)
}

// reorg turns a chain, after it has made sure that there is something to lose.
func (l *loop) reorg(c chain, r *rand.Rand) {
	turning, ok := c.(turning)
	if !ok {
		return
	}
	l.pay(c, r)
	c.mine(1)
	depth, comeback := 1+r.IntN(confirmations), r.IntN(2) == 0
	if depth > 1 {
		c.mine(1)
	}
	time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond) // teller may see it, or not
	for _, d := range c.deposits(c.height()-int64(depth)+1, c.height()) {
		l.dropped[d.id()] = d
	}
	turning.reorg(depth, comeback)
	l.tally.reorgs[c.coin()]++
	l.journal.note("reorg of %s, %d blocks, payments come back: %t", c.coin(), depth, comeback)
}

// trouble ends or begins that of each node. It lasts for one or more runs of teller.
func (l *loop) trouble(r *rand.Rand) {
	for _, c := range l.chains {
		switch {
		case l.troubled[c.coin()]:
			if r.IntN(3) > 0 {
				c.heal()
				l.troubled[c.coin()] = false
				l.journal.note("the %s node is well again", c.coin())
			}
		case r.IntN(8) == 0:
			how := c.disturb(r)
			l.troubled[c.coin()] = true
			l.tally.troubles[c.coin()+" node "+how]++
			l.journal.note("the %s node is %s", c.coin(), how)
		}
	}
}

func sortedCounts(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}
