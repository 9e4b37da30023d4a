package app

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc"
	"github.com/skycoin/teller/internal/config"
)

// The extended public key of the first account in BIP 84's own test vectors, and its first address.
const (
	vectorKey   = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
	vectorFirst = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
)

// keyConfig is dummy mode with addresses from a file of three, and from an extended public key after that.
func keyConfig(t *testing.T) config.Config {
	t.Helper()
	made, err := btc.Generate(t.Name(), 3, "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	c := testConfig(t)
	c.Teller.MaxBoundAddrs = 0
	c.BTCXPub = config.NewSecret(vectorKey)
	c.BTCAddresses = writeLines(t, "btc.txt", made)
	return c
}

// No address is handed out twice: not from a file and then a key, not to buyers at once, not after restarts, and not
// when an old backup is put back.
func TestAddressesAreHandedOutOnce(t *testing.T) {
	c := keyConfig(t)
	d := openDesk(t, c)
	seen := map[string]bool{}
	var mu sync.Mutex
	bind := func(n int) {
		t.Helper()
		var clients sync.WaitGroup
		for _, buyer := range buyers(t, n) {
			clients.Go(func() {
				address := d.bind(buyer, teller.BTC)
				mu.Lock()
				defer mu.Unlock()
				if seen[address] {
					t.Errorf("%s was handed out twice", address)
				}
				seen[address] = true
			})
		}
		clients.Wait()
	}
	bind(10)
	if !seen[vectorFirst] {
		t.Errorf("the key's first address was not handed out")
	}
	d.stop()
	backup, err := os.ReadFile(c.DBPath())
	if err != nil {
		t.Fatal(err)
	}
	d = openDesk(t, c)
	bind(25)
	d.stop()
	if err := os.WriteFile(c.DBPath(), backup, 0o600); err != nil { // the journal of bindings stays
		t.Fatal(err)
	}
	d = openDesk(t, c)
	bind(25)
	if len(seen) != 60 {
		t.Errorf("%d addresses for 60 bindings", len(seen))
	}
	x, err := btc.NewXPub(vectorKey, "", "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(57) { // after the three of the file, and without a gap
		if address, err := x.Address(i); err != nil || !seen[address] {
			t.Errorf("address %d of the key was not handed out (%v)", i, err)
		}
	}
}

func TestReloadedFileIsUsedAtOnce(t *testing.T) {
	c := keyConfig(t)
	c.BTCXPub = config.Secret{}
	d := openDesk(t, c)
	b := buyers(t, 5)
	first := d.bind(b[0], teller.BTC)
	more, err := btc.Generate("more", 2, "mainnet")
	if err != nil {
		t.Fatal(err)
	}
	write := func(lines ...string) {
		t.Helper()
		if err := os.WriteFile(c.BTCAddresses, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(more[0], "not an address")
	if status, text := d.try("/api/addresses/reload", struct{}{}); status != 400 || !strings.Contains(text, ".txt:2:") {
		t.Errorf("a file with a mistake: %d %s", status, text)
	}
	second := d.bind(b[1], teller.BTC)
	if second == more[0] {
		t.Error("a file with a mistake was used")
	}
	write(append([]string{first}, more...)...)
	d.act("/api/addresses/reload", struct{}{})
	if got := []string{d.bind(b[2], teller.BTC), d.bind(b[3], teller.BTC)}; got[0] != more[0] || got[1] != more[1] {
		t.Errorf("handed out %v after the reload, want %v", got, more)
	}
	for i, address := range []string{first, second, more[0]} { // all are watched, the one that left the file too
		d.deposit(teller.BTC, address, "2000000")
		d.within(20*time.Second, "the deposit is credited", func() bool { return d.statuses(b[i]) == "waiting_confirm" })
	}
}

// Coins that arrive before anybody was given the address are reported, and held when it is bound.
func TestCoinsThatComeTooEarly(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		early  func(config.Config) string
	}{
		{"file", func(c *config.Config) { c.BTCXPub = config.Secret{} }, func(c config.Config) string {
			text, _ := os.ReadFile(c.BTCAddresses)
			first, _, _ := strings.Cut(string(text), "\n")
			return first
		}},
		{"key", func(c *config.Config) { c.BTCAddresses = "" }, func(config.Config) string { return vectorFirst }},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := keyConfig(t)
			c.change(&conf)
			d := openDesk(t, conf)
			early := c.early(conf)
			d.deposit(teller.BTC, early, "5000000")
			var listed struct {
				Payments []struct {
					DepositAddress string `json:"deposit_address"`
					Value          string
				} `json:"unbound_payments"`
			}
			d.within(20*time.Second, "the payment is reported", func() bool {
				d.get(d.admin+"/api/unbound-payments", &listed)
				return len(listed.Payments) == 1
			})
			if p := listed.Payments[0]; p.DepositAddress != early || p.Value != "5000000" {
				t.Errorf("reported %+v", p)
			}
			b := buyers(t, 1)[0]
			if got := d.bind(b, teller.BTC); got != early {
				t.Fatalf("bound %s, want %s", got, early)
			}
			rows := d.deposits()
			if len(rows) != 1 || rows[0].Hold == nil || rows[0].Hold.Reason != string(teller.HoldBeforeBinding) {
				t.Fatalf("after the bind: %+v", rows)
			}
			d.deposit(teller.BTC, early, "1000000") // the buyer's own is paid
			d.within(20*time.Second, "the buyer's payment is sent", func() bool {
				rows := d.deposits()
				return len(rows) == 2 && rows[1].Status == "waiting_confirm" && rows[0].Hold != nil
			})
		})
	}
}
