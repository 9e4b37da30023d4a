package app

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
)

// mainnetAddresses makes n P2PKH addresses that nobody has the keys of.
func mainnetAddresses(t testing.TB, n int) []string {
	t.Helper()
	all := make([]string, n)
	for i := range n {
		h := sha256.Sum256(strconv.AppendInt(nil, int64(i), 10))
		a, err := address.NewAddressPubKeyHash(h[:20], &chaincfg.MainNetParams)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = a.EncodeAddress()
	}
	return all
}

// crowdConfig is a dummy desk with n addresses and coins for all of them.
func crowdConfig(t testing.TB, n int) config.Config {
	t.Helper()
	c := testConfig(t)
	c.Dummy.Coins, c.Dummy.Hours = 1_000_000*teller.DropletsPerSKY, 1_000_000
	c.BTCAddresses = writeLines(t, "btc.txt", mainnetAddresses(t, n))
	return c
}

// bindCrowd binds one address for each of n buyers.
func (d *desk) bindCrowd(n int) (bound []string) {
	d.t.Helper()
	for _, b := range buyers(d.t, n) {
		bound = append(bound, d.bind(b, teller.BTC))
	}
	return bound
}

// depositAll makes every deposit at once, from several clients.
func (d *desk) depositAll(bound []string, each int) {
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := client; i < len(bound)*each; i += 8 {
				q := url.Values{"addr": {bound[i%len(bound)]}, "value": {strconv.Itoa(100_000 + i)}}
				d.get(d.control+"/dummy/scanner/deposit?"+q.Encode(), nil)
			}
		})
	}
	wg.Wait()
}

// allDone confirms payouts until n deposits are done.
func (d *desk) allDone(limit time.Duration, n int) {
	d.t.Helper()
	d.within(limit, fmt.Sprint(n, " deposits are done"), func() bool {
		d.confirm()
		totals, err := d.app.store.Totals(d.t.Context())
		return err == nil && totals.Deposits[teller.StatusDone] == n
	})
}

// payoutSizes are the sizes in bytes of the payouts, by the order of their first deposit.
func (d *desk) payoutSizes() []int {
	d.t.Helper()
	var sizes []int
	seen := map[string]bool{}
	for _, r := range d.deposits() {
		if seen[r.TxID] || r.TxID == "" {
			continue
		}
		seen[r.TxID] = true
		p, err := d.app.store.Payout(d.t.Context(), r.TxID)
		if err != nil {
			d.t.Fatal(err)
		}
		sizes = append(sizes, len(p.Raw))
	}
	return sizes
}

// While the queue is long every payout is as full as the configured size allows; no buyer gets less or more than is due.
func TestLongQueueFillsEveryTransaction(t *testing.T) {
	const n = 2000 // recipients: three full transactions of about 640 and a rest
	c := crowdConfig(t, n)
	c.SkyExchanger.SendEnabled = false
	d := openDesk(t, c)
	bound := d.bindCrowd(n)
	d.depositAll(bound, 1)
	d.within(60*time.Second, "the whole queue is there", func() bool {
		totals, err := d.app.store.Totals(t.Context())
		return err == nil && totals.Deposits[teller.StatusWaitingSend] == n
	})
	d.stop()
	c.SkyExchanger.SendEnabled = true
	d = openDesk(t, c)
	d.allDone(60*time.Second, n)
	sizes := d.payoutSizes()
	for i, size := range sizes {
		most := c.SkyExchanger.MaxTransactionSize
		if size > most || (i < len(sizes)-1 && size < most*95/100) {
			t.Errorf("payout %d of %d has %d bytes, want at least 95%% of %d and not more", i+1, len(sizes), size, most)
		}
	}
	var want, got teller.Droplets
	for i := range n {
		owed, err := teller.MustRate("500").Convert(teller.BTC, teller.NewAmount(uint64(100_000+i)), 3)
		if err != nil {
			t.Fatal(err)
		}
		want += owed
	}
	for _, r := range d.deposits() {
		got += teller.Droplets(r.SkySent)
	}
	if got != want {
		t.Errorf("paid %s SKY, due were %s", got, want)
	}
}

// BenchmarkDummyPayouts takes 10,000 deposits by 2,500 buyers, made at once, to done, and compares with purchases that
// wait for one another.
func BenchmarkDummyPayouts(b *testing.B) {
	for range b.N {
		d := openDesk(b, crowdConfig(b, 2500))
		bound := d.bindCrowd(2500)
		start := time.Now()
		d.depositAll(bound, 4)
		posted := time.Since(start)
		d.allDone(5*time.Minute, 10_000)
		together := time.Since(start)
		sizes := d.payoutSizes()

		const alone = 20
		start = time.Now()
		for i := range alone {
			d.deposit(teller.BTC, bound[i], "100000")
			d.allDone(time.Minute, 10_000+i+1)
		}
		one := time.Since(start) / alone
		d.stop()
		b.ReportMetric(posted.Seconds(), "s-to-post-10000")
		b.ReportMetric(together.Seconds(), "s-to-done-10000")
		b.ReportMetric(float64(one.Microseconds())/1000, "ms/deposit-alone")
		b.ReportMetric(float64(one)*10_000/float64(together), "x-faster-together")
		b.Logf("payout sizes %v", sizes)
	}
}
