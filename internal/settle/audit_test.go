package settle

import (
	"context"
	"testing"

	"github.com/skycoin/teller"
)

func TestPayerPaysNothingBeforeTheAuditHasPassed(t *testing.T) {
	ctx := context.Background()
	p, l, n, _ := payerWith(t, 5_000_000, waitingSend(1, "buyer", 1_000_000), waitingSend(2, "other", 1_000_000))
	verdict, asked := teller.Errorf(teller.CodeCorrupt, "they do not agree"), 0
	p.Audit = func(context.Context) error {
		asked++
		return verdict
	}
	atHead := n.head
	n.head.Height++
	n.head.Hash = "next"
	if worked, err := p.Step(ctx); worked || err != nil || asked != 0 {
		t.Errorf("worked %v, error %v, asked %d times before the ledger is at the node's head", worked, err, asked)
	}
	n.head = atHead
	for range 2 {
		if worked, err := p.Step(ctx); worked || teller.CodeOf(err) != teller.CodeCorrupt {
			t.Errorf("worked %v, error %v", worked, err)
		}
	}
	if len(l.payouts) != 0 || asked != 2 {
		t.Errorf("%d payouts, asked %d times", len(l.payouts), asked)
	}
	verdict = nil
	p.MaxSize = 1 << 20
	if worked, err := p.Step(ctx); !worked || err != nil || len(l.payouts) != 1 {
		t.Errorf("worked %v, error %v, %d payouts", worked, err, len(l.payouts))
	}
	verdict = teller.Errorf(teller.CodeCorrupt, "too late")
	if _, err := p.Step(ctx); err != nil || asked != 3 {
		t.Errorf("error %v, asked %d times: what has passed is not asked again", err, asked)
	}
}
