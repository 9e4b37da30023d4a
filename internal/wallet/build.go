package wallet

import (
	"context"
	"math"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/params"
	"github.com/skycoin/skycoin/src/transaction"

	"github.com/skycoin/teller"
)

// Build chooses outputs, builds and signs one transaction; see teller.Wallet and the package documentation. CodeInvalid
// names the recipient that can not be paid, CodeCorrupt the stored output that can not be.
func (w *Wallet) Build(ctx context.Context, req teller.PayoutRequest) (teller.SignedTx, error) {
	if err := ctx.Err(); err != nil {
		return teller.SignedTx{}, teller.Errorf(teller.CodeUnavailable, "build: %w", err)
	}
	if err := checkRules(req.Rules); err != nil {
		return teller.SignedTx{}, err
	}
	unit := unitOf(req.Rules)
	pay, need, err := w.payments(req.Pay, unit)
	if err != nil {
		return teller.SignedTx{}, err
	}
	cs, err := w.candidates(req, unit)
	if err != nil {
		return teller.SignedTx{}, err
	}
	limit := req.Rules.MaxSize
	if req.MaxSize > 0 {
		limit = min(limit, req.MaxSize)
	}
	in, err := choose(cs, need, (limit-size(0, len(pay)+1))/inputSize)
	if err != nil {
		return teller.SignedTx{}, err
	}
	fit := (limit - size(len(in.chosen), len(pay))) / outputSize
	if bytes := size(len(in.chosen), len(pay)); bytes > limit || (in.coins > need && fit < 1) {
		return teller.SignedTx{}, teller.Errorf(teller.CodeTooLarge,
			"paying %d recipients from %d outputs takes more than %d bytes: pay fewer at once", len(pay), len(in.chosen), limit)
	}
	change := remainder{to: w.change, coins: in.coins - need}
	change.parts = parts(change.coins, unit, min(req.Keep-countOthers(cs, in), fit))
	left := in.hours - requiredFee(in.hours, req.Rules.BurnFactor)
	return w.sign(in, divide(pay, change, unit, left), req)
}

func checkRules(r teller.TxRules) error {
	if r.BurnFactor < 1 || r.BurnFactor > math.MaxUint32 || r.MaxDecimals < 0 || r.MaxDecimals > 6 || r.MaxSize < size(1, 1) || r.MaxSize > math.MaxUint32 {
		return teller.Errorf(teller.CodeMalformed, "the node's rules for transactions make no sense: %+v", r)
	}
	return nil
}

// payments checks the recipients and sums them up. The caller has merged what goes to one address.
func (w *Wallet) payments(recipients []teller.Recipient, unit uint64) ([]payment, uint64, error) {
	if len(recipients) == 0 {
		return nil, 0, teller.Errorf(teller.CodeInternal, "a payout needs a recipient")
	}
	var sum uint64
	pay := make([]payment, 0, len(recipients))
	seen := make(map[cipher.Address]bool, len(recipients))
	for _, r := range recipients {
		address, err := cipher.DecodeBase58Address(r.Address)
		if err != nil {
			return nil, 0, teller.Errorf(teller.CodeInvalid, "recipient %.50q: %w", r.Address, err)
		}
		coins := uint64(r.Coins)
		_, ours := w.keys[address]
		switch {
		case address.Null():
			err = teller.Errorf(teller.CodeInvalid, "recipient %s is the null address: nobody could spend the coins", r.Address)
		case ours:
			err = teller.Errorf(teller.CodeInvalid, "recipient %s is an address of the hot wallet itself", r.Address)
		case seen[address]:
			err = teller.Errorf(teller.CodeInvalid, "recipient %s is named twice: merge what goes to one address", r.Address)
		case coins == 0:
			err = teller.Errorf(teller.CodeInvalid, "recipient %s is to get nothing", r.Address)
		case coins%unit != 0:
			err = teller.Errorf(teller.CodeInvalid, "recipient %s is to get %s SKY: the chain takes multiples of %s only", r.Address, r.Coins, teller.Droplets(unit))
		case sum+coins < sum:
			err = teller.Errorf(teller.CodeInvalid, "recipient %s is to get %s SKY: more than can exist", r.Address, r.Coins)
		}
		if err != nil {
			return nil, 0, err
		}
		seen[address] = true
		sum += coins
		pay = append(pay, payment{to: address, coins: coins})
	}
	return pay, sum, nil
}

// countOthers is how many outputs worth owning stay untouched.
func countOthers(cs []candidate, in inputs) int {
	chosen := make(map[string]bool, len(in.chosen))
	for _, c := range in.chosen {
		chosen[c.id] = true
	}
	n := 0
	for _, c := range cs {
		if !chosen[c.id] && c.ux.Body.Coins >= smallest {
			n++
		}
	}
	return n
}

// sign makes the transaction and verifies it as the node will.
func (w *Wallet) sign(in inputs, outs []coin.TransactionOutput, req teller.PayoutRequest) (teller.SignedTx, error) {
	txn := coin.Transaction{Out: outs}
	keys := make([]cipher.SecKey, 0, len(in.chosen))
	spent := make(coin.UxArray, 0, len(in.chosen))
	for _, c := range in.chosen {
		if err := txn.PushInput(c.ux.Hash()); err != nil {
			return teller.SignedTx{}, teller.Errorf(teller.CodeInternal, "payout: %w", err)
		}
		keys = append(keys, w.keys[c.ux.Body.Address])
		spent = append(spent, c.ux)
	}
	txn.SignInputs(keys)
	clear(keys)
	if err := txn.UpdateHeader(); err != nil {
		return teller.SignedTx{}, teller.Errorf(teller.CodeInternal, "payout: %w", err)
	}
	if err := verify(txn, spent, req); err != nil {
		return teller.SignedTx{}, err
	}
	raw, err := txn.Serialize()
	if err != nil {
		return teller.SignedTx{}, teller.Errorf(teller.CodeInternal, "payout: %w", err)
	}
	burnt := in.hours
	for _, o := range outs {
		burnt -= o.Hours
	}
	return teller.SignedTx{SkyTx: describe(txn), Raw: raw, Fee: burnt}, nil
}

// verify applies all the rules that the node will apply, in Skycoin's own words.
func verify(txn coin.Transaction, spent coin.UxArray, req teller.PayoutRequest) error {
	head := coin.BlockHeader{Time: req.HeadTime, BkSeq: 1} // any but the first block, whose outputs have other ids
	if err := transaction.VerifySingleTxnUserConstraints(txn); err != nil {
		return teller.Errorf(teller.CodeInternal, "payout: %w", err)
	}
	if err := transaction.VerifySingleTxnHardConstraints(txn, head, spent, transaction.TxnSigned); err != nil {
		return teller.Errorf(teller.CodeInternal, "payout: %w", err)
	}
	rules := params.VerifyTxn{
		BurnFactor:          uint32(req.Rules.BurnFactor), // #nosec G115 -- checkRules
		MaxTransactionSize:  uint32(req.Rules.MaxSize),    // #nosec G115 -- checkRules
		MaxDropletPrecision: uint8(req.Rules.MaxDecimals), // #nosec G115 -- checkRules
	}
	if err := transaction.VerifySingleTxnSoftConstraints(txn, head.Time, spent, params.MainNetDistribution, rules); err != nil {
		return teller.Errorf(teller.CodeInternal, "payout: %w", err)
	}
	return nil
}
