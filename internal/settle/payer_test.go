package settle

import (
	"context"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

func statuses(l *fakeLedger) string {
	var s []string
	for _, d := range l.deposits {
		text := string(d.Status)
		if d.Hold != nil {
			text += "+" + string(d.Hold.Reason)
		}
		s = append(s, text)
	}
	return strings.Join(s, " ")
}

func TestPayerMergesDepositsOfOneBuyerIntoOneOutput(t *testing.T) {
	p, l, _, w := payerWith(t, 10_000_000,
		waitingSend(1, "buyer1", 1_000_000), waitingSend(2, "buyer2", 2_000_000), waitingSend(3, "buyer1", 3_000_000))
	if worked, err := p.Step(context.Background()); err != nil || !worked {
		t.Fatal(worked, err)
	}
	tx := w.built["tx1"]
	if len(tx.Outputs) != 3 || tx.Outputs[0].Coins != 4_000_000 || tx.Outputs[1].Coins != 2_000_000 {
		t.Errorf("outputs %+v, want 4 SKY for buyer1, 2 for buyer2 and the change", tx.Outputs)
	}
	if got := l.payouts[0].Shares; len(got) != 3 || got[0].Coins != 1_000_000 || got[1].Coins != 3_000_000 || got[2].Coins != 2_000_000 {
		t.Errorf("shares %+v, want one a deposit", got)
	}
	if statuses(l) != "waiting_confirm waiting_confirm waiting_confirm" {
		t.Error(statuses(l))
	}
}

func TestPayerLetsSmallerDepositsPassOneThatItCanNotCover(t *testing.T) {
	p, l, _, _ := payerWith(t, 5_000_000, waitingSend(1, "rich", 9_000_000), waitingSend(2, "buyer", 2_000_000))
	if worked, err := p.Step(context.Background()); err != nil || !worked {
		t.Fatal(worked, err)
	}
	if statuses(l) != "waiting_send waiting_confirm" {
		t.Error(statuses(l))
	}
}

func TestPayerSaysSoldOutOnlyWhenNoChangeIsOnItsWay(t *testing.T) {
	t.Run("sold out", func(t *testing.T) {
		p, _, _, _ := payerWith(t, 5_000_000, waitingSend(1, "rich", 9_000_000))
		if _, err := p.Step(context.Background()); teller.CodeOf(err) != teller.CodeShortOfCoins || !strings.Contains(err.Error(), "9.000000") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("empty", func(t *testing.T) {
		p, _, _, _ := payerWith(t, 0, waitingSend(1, "rich", 9_000_000))
		if _, err := p.Step(context.Background()); err == nil || err.Error() != "no unspents to spend" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("change on its way", func(t *testing.T) {
		p, _, n, _ := payerWith(t, 20_000_000, waitingSend(1, "rich", 9_000_000))
		n.pending = []teller.SkyTx{{ID: "ours", Inputs: []string{"ux1"}}}
		if worked, err := p.Step(context.Background()); err != nil || worked {
			t.Errorf("worked %v, error %v: want a quiet wait", worked, err)
		}
	})
}

func TestPayerWaitsUntilTheLedgerStandsAtTheNodesHead(t *testing.T) {
	p, l, n, _ := payerWith(t, 5_000_000, waitingSend(1, "buyer", 1_000_000))
	woken := 0
	p.NotAtHead = func() { woken++ }
	n.head.Height, n.head.Hash = 8, "h8"
	if worked, err := p.Step(context.Background()); err != nil || worked || woken != 1 {
		t.Errorf("worked %v, error %v, follower woken %d times", worked, err, woken)
	}
	n.head.Height = 6
	if _, err := p.Step(context.Background()); teller.CodeOf(err) != teller.CodeNodeBehind {
		t.Errorf("got %v, want node_behind", err)
	}
	if len(l.payouts) != 0 {
		t.Error("paid although the ledger may have missed a transaction")
	}
}

func TestPayerNeverSpendsWhatAPendingTransactionSpends(t *testing.T) {
	p, l, n, _ := payerWith(t, 5_000_000, waitingSend(1, "buyer", 1_000_000))
	n.pending = []teller.SkyTx{{ID: "foreign", Inputs: []string{"ux1"}}}
	if _, err := p.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(l.payouts) != 0 || len(l.noted) != 1 {
		t.Errorf("%d payouts, %d pending transactions told to the ledger; want 0 and 1", len(l.payouts), len(l.noted))
	}
}

func TestPayerFillsATransactionAndLeavesTheRest(t *testing.T) {
	var ds []teller.Deposit
	for i := 1; i <= 150; i++ {
		ds = append(ds, waitingSend(i, "buyer"+string(rune('A'+i)), 1000))
	}
	p, l, _, w := payerWith(t, 5_000_000, ds...)
	if _, err := p.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := len(l.payouts[0].Shares); got != w.perTx-2 {
		t.Errorf("%d deposits in the payout, want as many as fit: %d", got, w.perTx-2)
	}
	if l.payouts[0].Shares[0].DepositID != "d1" {
		t.Error("the oldest deposit is not the first")
	}
}

func TestPayerHalvesTheBatchWhenHoursAreShort(t *testing.T) {
	var ds []teller.Deposit
	for i := 1; i <= 64; i++ {
		ds = append(ds, waitingSend(i, "buyer"+string(rune('A'+i)), 1000))
	}
	p, l, _, w := payerWith(t, 5_000_000, ds...)
	w.noHours = 20
	if _, err := p.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := len(l.payouts[0].Shares); got != 16 {
		t.Errorf("%d deposits in the payout, want 16 after two halvings", got)
	}
}

func TestOneBadDepositDelaysNoOther(t *testing.T) {
	p, l, _, w := payerWith(t, 50_000_000,
		waitingSend(1, "bad address", 1_000_000), waitingSend(2, "refused", 1_000_000), waitingSend(3, "buyer", 1_000_000))
	w.refuse = map[string]teller.Code{"refused": teller.CodeInvalid}
	if worked, err := p.Step(context.Background()); err != nil || !worked {
		t.Fatal(worked, err)
	}
	if got, want := statuses(l), "waiting_send+unpayable waiting_send+unpayable waiting_confirm"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A wallet of many small outputs fills a transaction with inputs alone. That is the wallet's fault and not the buyers'.
func TestTooSmallOutputsHoldNobody(t *testing.T) {
	p, l, _, w := payerWith(t, 100_000_000, waitingSend(1, "b1", 1000), waitingSend(2, "b2", 1000))
	w.perTx = 2
	if _, err := p.Step(context.Background()); teller.CodeOf(err) != teller.CodeTooLarge {
		t.Errorf("got %v, want too_large", err)
	}
	if got, want := statuses(l), "waiting_send waiting_send"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A payment by somebody else that is mined between two questions to the node shows as a new head.
func TestPayerSeesWhatIsMinedWhileItAsks(t *testing.T) {
	p, l, n, _ := payerWith(t, 100_000_000, waitingSend(1, "buyer", 1000))
	p.Node = miningNode{n}
	if _, err := p.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(l.payouts) != 0 {
		t.Error("paid although a block that nobody has followed yet was mined meanwhile")
	}
}

// miningNode mines a block with every pending transaction as soon as it has told them.
type miningNode struct{ *fakeNode }

func (m miningNode) Pending(ctx context.Context) ([]teller.SkyTx, error) {
	m.head = teller.SkyHead{BlockRef: teller.BlockRef{Height: 8, Hash: "h8"}, Time: 1010}
	return nil, nil
}

func TestNothingIsPaidThroughANodeThatLacksBlocks(t *testing.T) {
	p, l, n, _ := payerWith(t, 100_000_000, waitingSend(1, "buyer", 1000))
	n.behind = teller.Errorf(teller.CodeNodeBehind, "syncing")
	if _, err := p.Step(context.Background()); teller.CodeOf(err) != teller.CodeNodeBehind {
		t.Errorf("got %v, want node_behind", err)
	}
	if len(l.payouts) != 0 {
		t.Error("paid")
	}
}

// The ledger of an old backup may lack an address that the wallet has: what was paid from it is not known yet.
func TestNothingIsPaidBeforeEveryAddressIsKnown(t *testing.T) {
	p, l, _, _ := payerWith(t, 100_000_000, waitingSend(1, "buyer", 1000))
	l.cursor.Addresses = []string{"another"}
	if worked, err := p.Step(context.Background()); worked || err != nil || len(l.payouts) != 0 {
		t.Errorf("worked %v, error %v, %d payouts", worked, err, len(l.payouts))
	}
}

// More deposits than one look takes, all larger than the balance, do not hide a small one behind them.
func TestManyUnaffordableDepositsStarveNobody(t *testing.T) {
	var ds []teller.Deposit
	for i := 1; i <= scanLimit+10; i++ {
		ds = append(ds, waitingSend(i, "rich", 900_000_000))
	}
	p, l, _, _ := payerWith(t, 100_000_000, append(ds, waitingSend(scanLimit+11, "buyer", 1000))...)
	if worked, err := p.Step(context.Background()); err != nil || !worked {
		t.Fatal(worked, err)
	}
	if l.deposits[scanLimit+10].Status != teller.StatusWaitingConfirm {
		t.Error("the small one was not paid")
	}
}

// The verifier must catch whatever the wallet could get wrong.
func TestVerifierRefusesWrongTransactions(t *testing.T) {
	batch := []*group{{address: "buyer", coins: 1_000_000}}
	good := func() (teller.SignedTx, verifier) {
		p, l, n, w := payerWith(t, 5_000_000)
		rules, _ := n.Rules(context.Background())
		signed, err := w.Build(context.Background(), teller.PayoutRequest{
			Spendable: l.outputs, Pay: []teller.Recipient{{Address: "buyer", Coins: 1_000_000}}, HeadTime: 1000, Rules: rules,
		})
		if err != nil {
			t.Fatal(err)
		}
		return signed, verifier{wallet: p.Wallet, outputs: l.outputs, headTime: 1000, rules: rules}
	}
	signed, v := good()
	if err := v.verify(signed, batch); err != nil {
		t.Fatalf("a right transaction is refused: %v", err)
	}
	for name, spoil := range map[string]func(tx *teller.SkyTx, s *teller.SignedTx){
		"more to the buyer":    func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.Outputs[0].Coins++; tx.Outputs[1].Coins-- },
		"less to the buyer":    func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.Outputs[0].Coins--; tx.Outputs[1].Coins++ },
		"nothing to the buyer": func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.Outputs[0].Address = "wallet" },
		"change to a stranger": func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.Outputs[1].Address = "stranger" },
		"the buyer twice":      func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.Outputs[1].Address = "buyer" },
		"coins from nowhere":   func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.Outputs[1].Coins++ },
		"an unknown input":     func(tx *teller.SkyTx, s *teller.SignedTx) { tx.Inputs[0] = "other"; s.Inputs = tx.Inputs },
		"an input twice": func(tx *teller.SkyTx, s *teller.SignedTx) {
			tx.Inputs = append(tx.Inputs, tx.Inputs[0])
			s.Inputs = tx.Inputs
		},
		"no fee":                  func(tx *teller.SkyTx, s *teller.SignedTx) { tx.Outputs[1].Hours += s.Fee; s.Fee = 0 },
		"a fee that is not so":    func(_ *teller.SkyTx, s *teller.SignedTx) { s.Fee++ },
		"hours from nowhere":      func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.Outputs[1].Hours = 1 << 62 },
		"bytes of another one":    func(tx *teller.SkyTx, _ *teller.SignedTx) { tx.ID = "another" },
		"bytes that are no bytes": func(_ *teller.SkyTx, s *teller.SignedTx) { s.Raw = []byte("junk") },
	} {
		t.Run(name, func(t *testing.T) {
			signed, v := good()
			w := v.wallet.(*fakeWallet)
			tx := w.built[signed.ID]
			tx.Inputs = append([]string(nil), tx.Inputs...)
			signed.Inputs = append([]string(nil), signed.Inputs...)
			raw := signed.ID
			spoil(&tx, &signed)
			w.built[raw] = tx
			if err := v.verify(signed, batch); teller.CodeOf(err) != teller.CodeInternal {
				t.Errorf("got %v, want it refused", err)
			}
		})
	}
}
