package dummy

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"github.com/skycoin/teller"
)

// Deposit is a payment out of thin air.
type Deposit struct {
	Address string        `json:"address"`
	Value   teller.Amount `json:"value"`
	TxID    string        `json:"txid"` // "" = make one up
	N       uint32        `json:"n"`
	// Height is a label that is noted in the journal and nowhere else: the deposit's block has a height of its own.
	Height int64 `json:"height,omitempty"`
}

func (d *Deposit) id() string { return teller.DepositID(d.TxID, d.N) }

const maxTxID = 128 // characters; real ones have 64 or 66

// Deposit posts a payment and returns its txid. It is in a block when the tip is asked for next. Any valid address may
// be paid; that of nobody is ignored by whoever reads the chain.
//
// A deposit is named by TxID and N, and is there once: posting it again changes nothing and answers CodeConflict with
// words that tell a repetition from a second deposit under a taken name. CodeInvalid for a malformed address or txid, or
// for no value.
func (c *Chain) Deposit(ctx context.Context, d Deposit) (txid string, err error) {
	if err := alive(ctx); err != nil {
		return "", err
	}
	if d.Address, err = c.addrs.Parse(d.Address); err != nil {
		return "", err
	}
	if d.Value.IsZero() {
		return "", teller.Errorf(teller.CodeInvalid, "a deposit of 0 %s is none", c.coin)
	}
	if d.TxID == "" {
		d.TxID = randomTxID()
	} else if !validTxID(d.TxID) {
		return "", teller.Errorf(teller.CodeInvalid, "a txid is at most %d letters and digits, best 64 hex digits, or empty to have one made up", maxTxID)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.outputs[d.id()]; ok {
		return "", conflict(d, known)
	}
	if err := c.journal.append(chainRecord{Deposit: &d}); err != nil {
		return "", err
	}
	c.accept(d)
	return d.TxID, nil
}

func (c *Chain) accept(d Deposit) {
	c.outputs[d.id()] = output{address: d.Address, value: d.Value}
	c.mempool = append(c.mempool, teller.Transfer{Address: d.Address, TxID: d.TxID, N: d.N, Value: d.Value})
}

func conflict(d Deposit, known output) error {
	if d.Address == known.address && d.Value.Equal(known.value) {
		return teller.Errorf(teller.CodeConflict, "deposit %s is there already; nothing was added", d.id())
	}
	return teller.Errorf(teller.CodeConflict, "deposit %s is there already with another address or value: use another tx or n", d.id())
}

func validTxID(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(s) <= maxTxID
}

func randomTxID() string {
	var id [32]byte
	_, _ = rand.Read(id[:]) // never fails: it would end the program
	return hex.EncodeToString(id[:])
}
