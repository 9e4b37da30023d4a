package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
	"github.com/skycoin/teller/internal/chain/sky"
	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
	"github.com/skycoin/teller/internal/config"
	"github.com/skycoin/teller/internal/wallet"
)

// audit asks the running counter to audit itself.
func (d *desk) audit(query string) (report teller.AuditReport) {
	d.t.Helper()
	d.get(d.admin+"/api/audit/report"+query, &report)
	return report
}

func kinds(report teller.AuditReport) string {
	var all []string
	for _, f := range report.Findings {
		all = append(all, f.Kind)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// auditDesk is a counter on real nodes that has paid one buyer.
func auditDesk(t *testing.T) (d *desk, c config.Config, btcd *btcdtest.Node, chain *skynodetest.Chain, b []string, addresses []string) {
	t.Helper()
	btcd = btcdtest.Start(t, btcdtest.Options{})
	chain = skynodetest.Start(t, skynodetest.Options{Interval: 100 * time.Millisecond})
	btcd.Generate(110)
	c = nodeConfig(t, btcd, chain, depositAddresses(t, 5, &chaincfg.RegressionNetParams))
	d = openDesk(t, c)
	b = buyers(t, 3)
	for _, buyer := range b {
		addresses = append(addresses, d.bind(buyer, teller.BTC))
	}
	d.within(30*time.Second, "the scanner is at the tip", func() bool {
		cursor, err := d.app.store.Cursor(t.Context(), teller.BTC)
		return err == nil && cursor.Height == btcd.Height()
	})
	btcd.Pay(btcdtest.Output{Address: addresses[0], Value: 1_000_000})
	btcd.Generate(2)
	d.waitFor(60*time.Second, b[0], "done")
	return d, c, btcd, chain, b, addresses
}

// spendBehind pays out of the hot wallet without teller's knowledge, and waits for the block.
func spendBehind(t *testing.T, c config.Config, to string, coins teller.Droplets) (txid string) {
	t.Helper()
	ctx := t.Context()
	w, err := wallet.Load(c.SkyExchanger.Wallet, nil)
	if err != nil {
		t.Fatal(err)
	}
	node := sky.NewNode(sky.Config{Address: c.SkyRPC.Address})
	defer node.Close()
	rules, err := node.Rules(ctx)
	if err != nil {
		t.Fatal(err)
	}
	head, outputs, err := node.Outputs(ctx, w.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := w.Build(ctx, teller.PayoutRequest{
		Spendable: outputs, Pay: []teller.Recipient{{Address: to, Coins: coins}}, HeadTime: head.Time, Rules: rules, MaxSize: rules.MaxSize, Keep: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Inject(ctx, tx.Raw); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, state, err := node.Transaction(ctx, tx.ID); err == nil && state == teller.TxConfirmed {
			return tx.ID
		}
	}
	t.Fatalf("transaction %s is not mined", tx.ID)
	return ""
}

// A payout that was made behind the ledger's back is found while teller is stopped, holds what it may have paid when
// teller has read it, and is no difference any more once an operator has settled it.
func TestAuditFindsAPayoutBehindTheLedger(t *testing.T) {
	d, c, btcd, _, b, addresses := auditDesk(t)
	report := d.audit("?from=BTC=1")
	if len(report.Findings) > 0 || !report.Complete() || len(report.Checks) < 6 {
		t.Fatalf("a healthy counter is told as %+v", report)
	}
	d.stop()
	closed := func() teller.AuditReport {
		report, err := AuditClosed(context.Background(), c, slog.New(slog.DiscardHandler), false, map[teller.Coin]int64{teller.BTC: 1})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if report := closed(); len(report.Findings) > 0 || !report.Complete() {
		t.Fatalf("the ledger of a healthy counter that is stopped is told as %+v", report)
	}
	txid := spendBehind(t, c, b[1], 7*teller.DropletsPerSKY)
	report = closed()
	if kinds(report) != "unknown_payout" || !strings.Contains(report.Findings[0].Found, txid) || !strings.Contains(report.Findings[0].Found, "7.000000 SKY to "+b[1]) {
		t.Fatalf("the payout behind the ledger is told as %+v", report.Findings)
	}

	btcd.Pay(btcdtest.Output{Address: addresses[1], Value: 2_000_000})
	btcd.Generate(2)
	d = openDesk(t, c)
	d.within(60*time.Second, "the deposit is held", func() bool {
		return slices.ContainsFunc(d.deposits(), func(r row) bool {
			return r.SkyAddress == b[1] && r.Hold != nil && r.Hold.Reason == string(teller.HoldWithdrawal)
		})
	})
	report = d.audit("")
	held := d.deposits()[1].DepositID
	if kinds(report) != "withdrawal" || !strings.Contains(report.Findings[0].Found, txid) || !strings.Contains(report.Findings[0].Did, held) {
		t.Fatalf("the withdrawal is told as %+v", report.Findings)
	}
	d.act("/api/holds/close", map[string]any{"deposit_id": held, "reason": "paid by hand"})
	d.act("/api/withdrawals/settle", map[string]any{"txid": txid, "reason": "test"})
	if report := d.audit("?from=BTC=1"); len(report.Findings) > 0 || !report.Complete() {
		t.Errorf("after all is settled: %+v", report)
	}
	btcd.Pay(btcdtest.Output{Address: addresses[2], Value: 1_000_000}) // and life goes on
	btcd.Generate(2)
	d.waitFor(60*time.Second, b[2], "done")
}

// A ledger whose picture of the wallet is not the node's pays nothing, says so, and goes on by itself once it is right.
func TestNothingIsPaidBeforeTheGate(t *testing.T) {
	d, c, btcd, chain, b, addresses := auditDesk(t)
	d.stop()
	undo := misname(t, c.DBPath())
	btcd.Pay(btcdtest.Output{Address: addresses[1], Value: 2_000_000})
	btcd.Generate(2)
	d = openDesk(t, c)
	d.within(60*time.Second, "health says that ledger and node do not agree", func() bool {
		var answer struct {
			Exchange struct {
				SenderError string `json:"sender_error"`
			}
		}
		d.get(d.public+"/api/health", &answer)
		return answer.Exchange.SenderError != ""
	})
	if report := d.audit(""); kinds(report) != "output" || len(report.Findings) != 2 {
		t.Errorf("the wrong output is told as %+v", report.Findings)
	}
	if got := d.statuses(b[1]); got != "waiting_send" || chain.Balance(b[1]) != 0 {
		t.Errorf("the deposit is %s, and its buyer has %s SKY", got, chain.Balance(b[1]))
	}
	d.stop()
	undo()
	d = openDesk(t, c)
	d.waitFor(60*time.Second, b[1], "done")
	if got, want := fmt.Sprint(chain.Balance(b[1])), "10.000000"; got != want {
		t.Errorf("the buyer has %s SKY, want %s", got, want)
	}
}

// misname gives an output of the wallet another name in a ledger that is closed: its books still add up.
func misname(t *testing.T, path string) (undo func()) {
	t.Helper()
	var name, wrong []byte
	change := func(f func(outputs *bolt.Bucket) error) {
		db, err := bolt.Open(path, 0o600, nil)
		if err == nil {
			err = db.Update(func(tx *bolt.Tx) error { return f(tx.Bucket([]byte("wallet_outputs"))) })
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	move := func(outputs *bolt.Bucket, from, to []byte) error {
		value := bytes.Clone(outputs.Get(from))
		return errors.Join(outputs.Delete(from), outputs.Put(to, value))
	}
	change(func(outputs *bolt.Bucket) error {
		first, _ := outputs.Cursor().First()
		name, wrong = bytes.Clone(first), bytes.Repeat([]byte("0"), len(first))
		return move(outputs, name, wrong)
	})
	return func() { change(func(outputs *bolt.Bucket) error { return move(outputs, wrong, name) }) }
}
