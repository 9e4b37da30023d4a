package dummy

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

func TestFund(t *testing.T) {
	ctx := t.Context()
	n := openNode(t, t.TempDir())
	for range 2 { // equal ones are two
		txid, err := n.Fund(ctx, buyer.address.String(), 3*teller.DropletsPerSKY, 7)
		if err != nil {
			t.Fatal(err)
		}
		if tx, state, err := n.Transaction(ctx, txid); err != nil || state != teller.TxConfirmed || len(tx.Outputs) != 1 {
			t.Errorf("%+v, %q, %v", tx, state, err)
		}
	}
	if coins, hours := buyer.balance(t, n); coins != 6*teller.DropletsPerSKY || hours != 14+3 {
		t.Errorf("%s SKY and %d hours", coins, hours)
	}
	if len(n.Broadcasts()) != 0 {
		t.Error("funds are no broadcast")
	}
	for name, err := range map[string]error{
		"no address":    second(n.Fund(ctx, "x", 1000, 0)),
		"no coins":      second(n.Fund(ctx, buyer.address.String(), 0, 0)),
		"four decimals": second(n.Fund(ctx, buyer.address.String(), 100, 0)),
		"too many":      second(n.Fund(ctx, buyer.address.String(), maxSupply+1000, 0)),
		"hours":         second(n.Fund(ctx, buyer.address.String(), 1000, maxHours+1)),
	} {
		if teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ string, err error) error { return err }

func TestNodeOptions(t *testing.T) {
	for name, change := range map[string]func(*NodeOptions){
		"no address":       func(o *NodeOptions) { o.FundAddress = "" },
		"four decimals":    func(o *NodeOptions) { o.Coins = 100 },
		"too many coins":   func(o *NodeOptions) { o.Coins = maxSupply + 1000 },
		"too many hours":   func(o *NodeOptions) { o.Hours = maxHours + 1 },
		"too many outputs": func(o *NodeOptions) { o.Outputs = maxOutputs + 1 },
		"negative outputs": func(o *NodeOptions) { o.Outputs = -1 },
	} {
		opts := NodeOptions{FundAddress: bank.address.String(), Coins: teller.DropletsPerSKY}
		change(&opts)
		if _, err := OpenNode(t.TempDir(), opts, quiet); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := openNode(t, t.TempDir(), func(o *NodeOptions) { o.Coins = 0 }) // a counter that is sold out from the start
	if coins, _ := bank.balance(t, n); coins != 0 || len(readNode(t, n)) != 1 {
		t.Errorf("%s SKY in an empty wallet", coins)
	}
	if _, err := n.Fund(t.Context(), bank.address.String(), teller.DropletsPerSKY, 1); err != nil {
		t.Error(err)
	}
}

func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coins := teller.Droplets(rapid.Uint64Range(1, uint64(maxSupply/dropletUnit)).Draw(t, "units")) * dropletUnit
		if rapid.Bool().Draw(t, "few") {
			coins = teller.Droplets(rapid.Uint64Range(1, 100).Draw(t, "few units")) * dropletUnit
		}
		hours, wanted := rapid.Uint64Range(0, maxHours).Draw(t, "hours"), rapid.IntRange(1, maxOutputs).Draw(t, "outputs")
		list := spread(bank.address, coins, hours, wanted)
		seen := map[uint64]bool{}
		var sumCoins, sumHours uint64
		for _, o := range list {
			if o.Coins == 0 || o.Coins%dropletUnit != 0 || seen[o.Coins] {
				t.Fatalf("an output of %d droplets in %+v", o.Coins, list)
			}
			seen[o.Coins] = true
			sumCoins += o.Coins
			sumHours += o.Hours
		}
		if sumCoins != uint64(coins) || sumHours != hours || len(list) > wanted || len(list) < wanted && uint64(coins/dropletUnit) >= smallest(wanted) {
			t.Fatalf("%d outputs of %d droplets and %d hours in all", len(list), sumCoins, sumHours)
		}
	})
}

func TestHoursNeverRunDry(t *testing.T) {
	for name, coins := range map[string]teller.Droplets{
		"much": 100 * teller.DropletsPerSKY, "little": teller.DropletsPerSKY / 10, "the least": dropletUnit,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			n := openNode(t, dir, func(o *NodeOptions) { o.Coins, o.Hours = coins, 0 })
			if _, hours := bank.balance(t, n); hours != 0 {
				t.Fatalf("%d hours at the start", hours)
			}
			head, err := n.Head(t.Context())
			if err != nil || head.Height != 1 {
				t.Fatalf("head %+v, %v; want an empty block that lets time pass", head, err)
			}
			if _, hours := bank.balance(t, n); hours < enoughHours {
				t.Errorf("%d hours", hours)
			}
			if again, err := n.Head(t.Context()); err != nil || again != head {
				t.Errorf("head %+v, %v; once is enough", again, err)
			}
			blocks := readNode(t, n)
			if len(blocks[1].Txs) != 0 {
				t.Errorf("block 1 is %+v", blocks[1])
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			if again := readNode(t, openNode(t, dir)); !reflect.DeepEqual(again, blocks) {
				t.Errorf("%+v became %+v", blocks, again)
			}
		})
	}
}

func TestTimeStandsStill(t *testing.T) {
	idle := func(name string, n *Node) {
		t.Helper()
		before := len(n.blocks)
		for range 3 {
			if head, err := n.Head(t.Context()); err != nil || head.Height != int64(before-1) {
				t.Errorf("%s: head %+v, %v; there were %d blocks", name, head, err, before)
			}
		}
	}
	idle("enough hours", openNode(t, t.TempDir()))
	idle("no coins", openNode(t, t.TempDir(), func(o *NodeOptions) { o.Coins = 0 }))
	n := openNode(t, t.TempDir(), func(o *NodeOptions) { o.Hours, o.Outputs = 12, 1 })
	head, outputs := bank.wallet(t, n)
	txid := inject(t, n, bank.pay(t, head, outputs[0], out(buyer, teller.DropletsPerSKY, 10)))
	idle("on its way", n)
	if err := n.Confirm(t.Context(), txid, 0); err != nil {
		t.Fatal(err)
	}
	if head, err := n.Head(t.Context()); err != nil || head.Height != 2 {
		t.Errorf("head %+v, %v; the change has no hours", head, err)
	}
}
