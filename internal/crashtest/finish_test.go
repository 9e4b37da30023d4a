package crashtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// patience is how long teller may take to pay everything once the world is calm. A payout that the node forgot is
	// sent again after half a minute.
	patience = 3 * time.Minute
	// rest is how long teller runs in the end to show that it pays nothing more.
	rest = 3 * time.Second
	// How much of a failure is told.
	maxFindings, maxStories = 20, 3
)

// finish brings the world to rest, lets teller pay what is due, and judges.
func (l *loop) finish() {
	l.t.Helper()
	for _, c := range l.chains {
		c.heal()
	}
	l.start()
	l.serve()
	l.payEverybody()
	deposits := l.collect()
	e := l.await(deposits)
	l.process.signal(syscall.SIGTERM)
	l.process.await(l.t)
	l.t.Logf("everything is paid; teller starts once more")

	l.start()
	l.serve()
	for begun := time.Now(); time.Since(begun) < rest; time.Sleep(100 * time.Millisecond) {
		for _, c := range l.chains {
			c.mine(1)
		}
	}
	again := l.gather(deposits)
	if len(again.payouts) != len(e.payouts) {
		l.t.Errorf("after another start there are %d payments where %d were", len(again.payouts), len(e.payouts))
	}
	l.verdict(again, judge(again))
	if pending := l.sky.pending(); len(pending) > 0 {
		l.t.Errorf("after everything is done the node waits for %v", pending)
	}
	l.process.signal(syscall.SIGTERM)
	l.process.await(l.t)
	l.summary(again)
}

// payEverybody pays every address that was ever told, so that a binding that was lost shows as a deposit that is.
func (l *loop) payEverybody() {
	for _, c := range l.chains {
		r := rand.New(rand.NewPCG(l.seed, 1<<41))
		var to []target
		for _, address := range l.buyers.addresses(c.coin()) {
			to = append(to, target{address, c.amount(r)})
		}
		for some := range slices.Chunk(to, 500) {
			c.pay(r, some)
			c.mine(1)
		}
		c.mine(1)
		c.mine(1 + confirmations)
	}
}

// collect reads the deposits from the chains.
func (l *loop) collect() []deposit {
	l.t.Helper()
	owner := l.buyers.owners()
	var all []deposit
	for _, c := range l.chains {
		for _, d := range c.deposits(1, c.height()) {
			if owner[d.address] != "" {
				all = append(all, d)
			}
		}
		if eth, ok := c.(*ethChain); ok {
			eth.checkBalances(owner, all)
		}
	}
	return all
}

// gather adds what the Skycoin chain and the public API say now.
func (l *loop) gather(deposits []deposit) evidence {
	l.t.Helper()
	e := evidence{owner: l.buyers.owners(), deposits: deposits, opening: l.opening, statuses: make(map[string][]statusEntry)}
	for _, buyer := range l.buyers.everybody() {
		var err error
		if e.statuses[buyer], err = l.buyers.statuses(buyer); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, out := range l.sky.outputs {
		_, isBuyer := e.statuses[out.address]
		switch {
		case isBuyer:
			e.payouts = append(e.payouts, payout{out.txid, out.address, out.value.Int64()})
		case e.owner[out.address] == "" && out.address != l.sky.GenesisAddress && out.address != l.sky.purse:
			e.strangers = append(e.strangers, fmt.Sprintf("%s pays %s droplets to %s, who is nobody", out.txid, out.value, out.address))
		}
	}
	e.closing = int64(l.sky.Balance(l.sky.GenesisAddress))
	return e
}

// await mines payouts until there is nothing to find, or no more use in waiting.
func (l *loop) await(deposits []deposit) evidence {
	l.t.Helper()
	begun, told := time.Now(), time.Now()
	for {
		l.sky.mine(1)
		e := l.gather(deposits)
		findings := judge(e)
		if len(findings) == 0 {
			return e
		}
		hopeless := slices.ContainsFunc(findings, func(f finding) bool { return f.fatal })
		if hopeless || time.Since(begun) > patience || !l.process.running() {
			l.verdict(e, findings)
			l.summary(e)
			l.t.FailNow()
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			l.t.Logf("%s after the storm %d findings are left; the first: %s", time.Since(begun).Round(time.Second), len(findings), findings[0].what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// verdict fails the test for each finding, and tells the story of some.
func (l *loop) verdict(e evidence, findings []finding) {
	l.t.Helper()
	told := make(map[string]bool)
	for i, f := range findings {
		if i < maxFindings {
			l.t.Errorf("seed %d: %s %s", l.seed, f.buyer, f.what)
		}
		if f.buyer != "" && !told[f.buyer] && len(told) < maxStories {
			told[f.buyer] = true
			l.t.Log(l.story(e, f.buyer))
		}
	}
	if len(findings) > maxFindings {
		l.t.Errorf("and %d findings more", len(findings)-maxFindings)
	}
	for _, w := range l.buyers.wrong {
		l.t.Errorf("seed %d: %s", l.seed, w)
	}
	for reason, n := range l.buyers.refused {
		if reason != capReached {
			l.t.Errorf("seed %d: %d binds were refused: %s", l.seed, n, reason)
		}
	}
}

// story is all there is to know about one buyer.
func (l *loop) story(e evidence, buyer string) string {
	var b strings.Builder
	words := []string{buyer}
	fmt.Fprintf(&b, "the story of %s\n", buyer)
	for _, d := range e.deposits {
		if e.owner[d.address] == buyer {
			words = append(words, spelt(d.txid))
			fmt.Fprintf(&b, "  paid %s to %s in block %d: worth %d droplets\n", d.id(), d.address, d.height, worth(d.coin, d.value))
		}
	}
	for id, d := range l.dropped {
		if e.owner[d.address] == buyer {
			words = append(words, spelt(d.txid))
			fmt.Fprintf(&b, "  dropped by a reorg: %s, worth %d droplets\n", id, worth(d.coin, d.value))
		}
	}
	for _, p := range e.payouts {
		if p.buyer == buyer {
			words = append(words, p.txid)
			fmt.Fprintf(&b, "  got %d droplets in %s\n", p.coins, p.txid)
		}
	}
	for i, s := range e.statuses[buyer] {
		words = append(words, s.TxID)
		fmt.Fprintf(&b, "  status %d: %+v\n", i+1, s)
	}
	for _, line := range l.journal.mentioning(words) {
		fmt.Fprintln(&b, "  "+line)
	}
	return b.String()
}

func (l *loop) summary(e evidence) {
	l.t.Helper()
	deposits, payouts, buyers := make(map[string]int), make(map[string]bool), make(map[string]bool)
	here := make(map[string]bool)
	for _, d := range e.deposits {
		deposits[d.coin]++
		here[d.id()] = true
		buyers[e.owner[d.address]] = true
	}
	paid := int64(0)
	for _, p := range e.payouts {
		payouts[p.txid] = true
		paid += p.coins
	}
	dropped, gone := make(map[string]int), make(map[string]int)
	for id, d := range l.dropped {
		if e.owner[d.address] == "" {
			continue
		}
		dropped[d.coin]++
		if !here[id] {
			gone[d.coin]++
		}
	}
	took := time.Since(l.tally.began)
	l.t.Logf(`seed %d
  kills              %d, %d of them inside a payout, %d of these with one that the node did not have; and %d times SIGTERM
  deposits           %s; from %d buyers
  taken by reorgs    %s; gone for good: %s
  payouts            %d transactions with %d payments, %d.%06d SKY
  reorgs             %s
  node troubles      %s
  binds              %d answered, %d cut off, refused: %s
  starts             %d, the slowest answered after %s
  took               %s, %s a kill`,
		l.seed, l.tally.kills, l.tally.inside, l.tally.unsent, l.tally.stops,
		sortedCounts(deposits), len(buyers), sortedCounts(dropped), sortedCounts(gone),
		len(payouts), len(e.payouts), paid/1e6, paid%1e6,
		sortedCounts(l.tally.reorgs), sortedCounts(l.tally.troubles),
		len(e.owner), l.buyers.cutOff, sortedCounts(l.buyers.refused),
		l.tally.starts, l.tally.worstStart.Round(time.Millisecond),
		took.Round(time.Second), (took / time.Duration(max(1, l.tally.kills))).Round(time.Millisecond))
	l.t.Logf("warnings and errors of teller: %s", sortedCounts(l.journal.troubles()))
	attention := l.journal.matching(" level=ERROR ")
	l.t.Logf("of %d lines that ask for attention:\n%s", len(attention), strings.Join(attention[:min(len(attention), maxFindings)], "\n"))
}
