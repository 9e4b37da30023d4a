package dummy

import (
	"testing"
	"time"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/util/fee"

	"github.com/skycoin/teller"
)

// signer is a wallet of one key, that builds transactions by hand.
type signer struct {
	address cipher.Address
	key     cipher.SecKey
}

func newSigner(seed string) signer {
	public, secret := cipher.MustGenerateDeterministicKeyPair([]byte(seed))
	return signer{address: cipher.AddressFromPubKey(public), key: secret}
}

var (
	bank  = newSigner("the hot wallet")
	buyer = newSigner("a buyer")
)

// fixedClock always says the same: blocks are dated by their parents then.
func fixedClock() time.Time { return time.Unix(1_500_000_000, 0) }

func openNode(t testing.TB, dir string, change ...func(*NodeOptions)) *Node {
	t.Helper()
	opts := NodeOptions{FundAddress: bank.address.String(), Coins: 100 * teller.DropletsPerSKY, Hours: 100, Now: fixedClock}
	for _, f := range change {
		f(&opts)
	}
	n, err := OpenNode(dir, opts, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() }) // some tests close it themselves
	return n
}

// wallet returns the unspent outputs of a signer as the library has them, and the head they are as of.
func (s signer) wallet(t testing.TB, n *Node) (teller.SkyHead, coin.UxArray) {
	t.Helper()
	head, outputs, err := n.Outputs(t.Context(), []string{s.address.String()})
	if err != nil {
		t.Fatal(err)
	}
	all := make(coin.UxArray, len(outputs))
	for i, o := range outputs {
		src, err := cipher.SHA256FromHex(o.SrcTx)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = coin.UxOut{
			Head: coin.UxHead{Time: o.Time, BkSeq: uint64(o.Height)},
			Body: coin.UxBody{SrcTransaction: src, Address: s.address, Coins: uint64(o.Coins), Hours: o.Hours},
		}
		if got := all[i].Hash().Hex(); got != o.ID {
			t.Fatalf("output %s can not be rebuilt from what is told about it: %s", o.ID, got)
		}
	}
	return head, all
}

func (s signer) balance(t testing.TB, n *Node) (teller.Droplets, uint64) {
	t.Helper()
	head, all := s.wallet(t, n)
	coins, err := all.Coins()
	if err != nil {
		t.Fatal(err)
	}
	hours, err := all.CoinHours(head.Time)
	if err != nil {
		t.Fatal(err)
	}
	return teller.Droplets(coins), hours
}

func out(to signer, coins teller.Droplets, hours uint64) coin.TransactionOutput {
	return coin.TransactionOutput{Address: to.address, Coins: uint64(coins), Hours: hours}
}

// sign spends the inputs.
func (s signer) sign(t testing.TB, inputs coin.UxArray, outs ...coin.TransactionOutput) coin.Transaction {
	t.Helper()
	tx := coin.Transaction{In: inputs.Hashes(), Out: outs}
	keys := make([]cipher.SecKey, len(inputs))
	for i := range keys {
		keys[i] = s.key
	}
	tx.SignInputs(keys)
	if err := tx.UpdateHeader(); err != nil {
		t.Fatal(err)
	}
	return tx
}

// pay makes a valid transaction that spends one output and returns the change.
func (s signer) pay(t testing.TB, head teller.SkyHead, input coin.UxOut, outs ...coin.TransactionOutput) coin.Transaction {
	t.Helper()
	hours, err := input.CoinHours(head.Time)
	if err != nil {
		t.Fatal(err)
	}
	change := out(s, teller.Droplets(input.Body.Coins), hours-fee.RequiredFee(hours, 10))
	for _, o := range outs {
		change.Coins -= o.Coins
		change.Hours -= o.Hours
	}
	return s.sign(t, coin.UxArray{input}, append([]coin.TransactionOutput{change}, outs...)...)
}

func inject(t testing.TB, n *Node, tx coin.Transaction) string {
	t.Helper()
	if err := n.Inject(t.Context(), tx.MustSerialize()); err != nil {
		t.Fatal(err)
	}
	return tx.Hash().Hex()
}
