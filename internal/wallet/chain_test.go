package wallet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/skycoin/src/wallet"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
)

// realChain asks a real node just what a wallet's test needs to know.
type realChain struct {
	*skynodetest.Chain
	t *testing.T
}

// request makes a payout request from what the node says the addresses own.
func (c realChain) request(addresses []string, pay []teller.Recipient) teller.PayoutRequest {
	c.t.Helper()
	resp, err := http.Get("http://" + c.Address + "/api/v1/outputs?addrs=" + strings.Join(addresses, ","))
	must(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Head struct {
			Time uint64 `json:"timestamp"`
		} `json:"head"`
		Outputs []struct {
			Hash    string `json:"hash"`
			Time    uint64 `json:"time"`
			Height  int64  `json:"block_seq"`
			SrcTx   string `json:"src_tx"`
			Address string `json:"address"`
			Coins   string `json:"coins"`
			Hours   uint64 `json:"hours"`
		} `json:"head_outputs"`
	}
	must(c.t, json.NewDecoder(resp.Body).Decode(&answer))
	req := teller.PayoutRequest{Pay: pay, HeadTime: answer.Head.Time, Rules: rules, MaxSize: 24_576, Keep: 4}
	for _, o := range answer.Outputs {
		coins, err := teller.ParseDroplets(o.Coins)
		must(c.t, err)
		req.Spendable = append(req.Spendable, teller.Output{
			SkyOutput: teller.SkyOutput{ID: o.Hash, Address: o.Address, Coins: coins, Hours: o.Hours},
			SrcTx:     o.SrcTx, Height: o.Height, Time: o.Time,
		})
	}
	return req
}

// confirm sends a transaction and mines it, so much later than the block before.
func (c realChain) confirm(tx teller.SignedTx, later time.Duration) {
	c.t.Helper()
	body := strings.NewReader(`{"rawtx":"` + hex.EncodeToString(tx.Raw) + `"}`)
	resp, err := http.Post("http://"+c.Address+"/api/v1/injectTransaction", "application/json", body)
	must(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	must(c.t, err)
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), tx.ID) {
		c.t.Fatalf("inject %s: %s: %s", tx.ID, resp.Status, answer)
	}
	if _, count := c.MineAfter(later); count != 1 {
		c.t.Fatalf("the block has %d transactions", count)
	}
}

// TestWalletOnRealChain pays from the chain's first output to wallets of every kind, and from each of them on: a real
// node takes what Build makes, a full transaction included.
func TestWalletOnRealChain(t *testing.T) {
	c := realChain{skynodetest.Start(t, skynodetest.Options{NoCSRF: true}), t}
	path := filepath.Join(t.TempDir(), "genesis.wlt")
	c.WriteWallet(path)
	genesis, err := Load(path, nil)
	must(t, err)
	if !slices.Equal(genesis.Addresses(), []string{c.GenesisAddress}) {
		t.Fatalf("the genesis wallet has %v", genesis.Addresses())
	}

	// every kind of wallet, each with coins on all of its addresses
	kinds := map[string]*Wallet{}
	var pay []teller.Recipient
	for _, kind := range []string{wallet.WalletTypeDeterministic, wallet.WalletTypeCollection, wallet.WalletTypeBip44} {
		for _, encrypted := range []bool{false, true} {
			name := kind
			if encrypted {
				name += " encrypted"
			}
			t.Run("load "+name, func(t *testing.T) { // the subtest's name makes the wallet's seed
				w, err := Load(writeFile(t, fileOf(t, kind, encrypted), 0o600), func() ([]byte, error) { return []byte(password), nil })
				must(t, err)
				kinds[name] = w
				for _, a := range w.Addresses() {
					pay = append(pay, teller.Recipient{Address: a, Coins: 1000 * sky})
				}
			})
		}
	}
	tx, err := genesis.Build(context.Background(), c.request(genesis.Addresses(), pay))
	must(t, err)
	c.confirm(tx, time.Hour)

	for name, w := range kinds {
		t.Run(name, func(t *testing.T) {
			c := realChain{c.Chain, t}
			n := len(w.Addresses())
			all := teller.Droplets(n) * 1000 * sky
			// half of everything, so that outputs of several addresses are signed for
			req := c.request(w.Addresses(), []teller.Recipient{{Address: stranger(n), Coins: all / 2}})
			before := c.Balance(stranger(n))
			tx, err := w.Build(context.Background(), req)
			must(t, err)
			checkPayout(t, w, req, tx)
			if len(tx.Inputs) < 2 {
				t.Errorf("only %d inputs", len(tx.Inputs))
			}
			c.confirm(tx, time.Hour)
			if got := c.Balance(stranger(n)) - before; got != all/2 {
				t.Errorf("paid %s SKY, want %s", got, all/2)
			}
		})
	}

	full := crowd(genesis.FitRecipients(rules.MaxSize, 1, 1), 5*sky) // the most that the chain takes
	if len(full) != 880 {
		t.Errorf("%d recipients fit", len(full))
	}
	req := c.request(genesis.Addresses(), full)
	req.MaxSize = rules.MaxSize
	req.Spendable = req.Spendable[:1]
	tx, err = genesis.Build(context.Background(), req)
	must(t, err)
	checkPayout(t, genesis, req, tx)
	c.confirm(tx, time.Hour)
	for _, i := range []int{20, 439, 879} {
		if got := c.Balance(stranger(i)); got != 5*sky {
			t.Errorf("recipient %d has %s SKY", i, got)
		}
	}
}

// TestWalletKeepsPayingOnRealChain is TestWalletDoesNotRunDry with the real rules and limits: a full transaction in every
// block, for ten minutes, from a wallet that began with one output.
func TestWalletKeepsPayingOnRealChain(t *testing.T) {
	if testing.Short() {
		t.Skip("60 full blocks take some seconds")
	}
	c := realChain{skynodetest.Start(t, skynodetest.Options{NoCSRF: true}), t}
	path := filepath.Join(t.TempDir(), "genesis.wlt")
	c.WriteWallet(path)
	genesis, err := Load(path, nil)
	must(t, err)
	w := testWallet(t, "hot wallet")
	for _, pay := range [][]teller.Recipient{
		{{Address: w.Addresses()[0], Coins: 100_000 * sky}},
		{{Address: stranger(9999), Coins: sky}}, // somebody else's block, an hour later: the wallet has earned hours
	} {
		tx, err := genesis.Build(context.Background(), c.request(genesis.Addresses(), pay))
		must(t, err)
		c.confirm(tx, time.Hour)
	}
	pay := crowd(640, 2*sky)
	at := c.request(w.Addresses(), pay)
	known := newChain(t, w) // what the wallet owns, followed from the blocks
	known.time, known.owned = at.HeadTime, at.Spendable
	for i := range 60 {
		tx, err := w.Build(context.Background(), known.request(pay, 4))
		if err != nil {
			t.Fatalf("payout %d: %v", i+1, err)
		}
		c.confirm(tx, 9*time.Second) // the chain's clock ticks a second by itself
		known.block(tx.SkyTx)
	}
	if now := c.request(w.Addresses(), pay); now.HeadTime != known.time || len(now.Spendable) != len(known.owned) {
		t.Errorf("at %d the node knows %d outputs, at %d the test %d", now.HeadTime, len(now.Spendable), known.time, len(known.owned))
	}
	if got := c.Balance(stranger(639)); got != 120*sky {
		t.Errorf("the last recipient has %s SKY", got)
	}
}
