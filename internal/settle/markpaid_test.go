package settle

import (
	"context"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// markNode is a node that knows one transaction.
type markNode struct {
	teller.Node
	tx    teller.SkyTx
	state teller.TxState
	head  int64
}

func (n *markNode) Transaction(_ context.Context, txid string) (teller.SkyTx, teller.TxState, error) {
	if txid != n.tx.ID {
		return teller.SkyTx{}, "", teller.Errorf(teller.CodeNotFound, "no transaction %s", txid)
	}
	return n.tx, n.state, nil
}

func (n *markNode) Head(context.Context) (teller.SkyHead, error) {
	return teller.SkyHead{BlockRef: teller.BlockRef{Height: n.head}}, nil
}

// markLedger notes what is marked.
type markLedger struct {
	height int64
	opened bool
	marked []teller.Droplets
}

func (l *markLedger) Deposit(_ context.Context, id string) (teller.Deposit, error) {
	if id != "t:0" {
		return teller.Deposit{}, teller.Errorf(teller.CodeNotFound, "no deposit %s", id)
	}
	return teller.Deposit{ID: id, SkyAddress: "alice"}, nil
}

func (l *markLedger) WalletCursor(context.Context) (teller.WalletCursor, error) {
	if !l.opened {
		return teller.WalletCursor{}, teller.Errorf(teller.CodeNotFound, "not opened")
	}
	return teller.WalletCursor{SkyHead: teller.SkyHead{BlockRef: teller.BlockRef{Height: l.height}}}, nil
}

func (l *markLedger) MarkPaid(_ context.Context, id, txid string, coins teller.Droplets, _ int, _ teller.Act) (teller.Deposit, error) {
	l.marked = append(l.marked, coins)
	return teller.Deposit{ID: id, PayoutTxID: txid}, nil
}

func TestMarkPaidIsBorneOutByTheChain(t *testing.T) {
	pays := teller.SkyTx{ID: "p", Outputs: []teller.SkyOutput{{Address: "alice", Coins: 3}, {Address: "bob", Coins: 9}, {Address: "alice", Coins: 4}}}
	for name, c := range map[string]struct {
		node     markNode
		ledger   markLedger
		id, txid string
		code     teller.Code
		says     string
	}{
		"it is so":            {markNode{tx: pays, state: teller.TxConfirmed, head: 7}, markLedger{height: 7, opened: true}, "t:0", "p", "", ""},
		"no such deposit":     {markNode{tx: pays, state: teller.TxConfirmed}, markLedger{opened: true}, "x:0", "p", teller.CodeNotFound, "x:0"},
		"no such transaction": {markNode{tx: pays, state: teller.TxConfirmed}, markLedger{opened: true}, "t:0", "q", teller.CodeForbidden, "does not know"},
		"not in a block":      {markNode{tx: pays, state: teller.TxPending}, markLedger{opened: true}, "t:0", "p", teller.CodeConflict, "not in a block yet"},
		"pays somebody else": {
			markNode{tx: teller.SkyTx{ID: "p", Outputs: pays.Outputs[1:2]}, state: teller.TxConfirmed}, markLedger{opened: true},
			"t:0", "p", teller.CodeForbidden, "pays nothing to alice",
		},
		"the ledger is behind":  {markNode{tx: pays, state: teller.TxConfirmed, head: 8}, markLedger{height: 7, opened: true}, "t:0", "p", teller.CodeConflict, "not followed"},
		"no wallet is open yet": {markNode{tx: pays, state: teller.TxConfirmed, head: 8}, markLedger{}, "t:0", "p", teller.CodeConflict, "not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := MarkPaid(context.Background(), &c.node, &c.ledger, teller.MaxDecimals, c.id, c.txid, teller.Act{Actor: "olga", Reason: "by hand"})
			if teller.CodeOf(err) != c.code || (err != nil && !strings.Contains(err.Error(), c.says)) {
				t.Fatalf("got %v", err)
			}
			if c.code == "" && (len(c.ledger.marked) != 1 || c.ledger.marked[0] != 7) {
				t.Errorf("marked with %v, want all 7 that it pays to alice", c.ledger.marked)
			}
			if c.code != "" && len(c.ledger.marked) > 0 {
				t.Error("it is marked all the same")
			}
		})
	}
}
