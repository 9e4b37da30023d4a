package dummy

import (
	"context"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

const (
	dropletUnit    = 1_000                               // droplets: 0.001 SKY, the smallest amount of a transaction
	maxSupply      = 100_000_000 * teller.DropletsPerSKY // there never will be more; coin hours overflow far above it
	maxHours       = uint64(1) << 50                     // likewise
	defaultOutputs = 4
	maxOutputs     = 256
)

// begin makes block 0 of a new chain, or funds a wallet that is new to an old one.
func (n *Node) begin(opts NodeOptions) error {
	outputs := opts.Outputs
	if outputs == 0 {
		outputs = defaultOutputs
	}
	if outputs < 0 || outputs > maxOutputs {
		return teller.Errorf(teller.CodeInvalid, "the dummy wallet may start with 1 to %d outputs, not %d", maxOutputs, outputs)
	}
	if err := checkFunds(opts.Coins, opts.Hours); err != nil {
		return err
	}
	fresh := len(n.blocks) == 0
	if !fresh && (len(n.byAddress[n.fundAddress.String()]) > 0 || opts.Coins == 0) {
		return nil
	}
	var txs []*transaction
	if opts.Coins > 0 {
		txs = append(txs, n.mint(spread(n.fundAddress, opts.Coins, opts.Hours, outputs)))
	}
	if !fresh {
		n.log.Info("funded a new dummy wallet on an old dummy chain")
	}
	return n.mine(txs, true)
}

// Fund makes a block that gives an address coins and hours out of thin air, as if somebody had refilled the wallet, and
// returns the txid. Coins are a multiple of 0.001 SKY; CodeInvalid otherwise.
func (n *Node) Fund(ctx context.Context, address string, coins teller.Droplets, hours uint64) (txid string, err error) {
	if err := alive(ctx); err != nil {
		return "", err
	}
	to, err := parseAddress(address)
	if err != nil {
		return "", err
	}
	if coins == 0 {
		return "", teller.Errorf(teller.CodeInvalid, "0 SKY are no funds")
	}
	if err := checkFunds(coins, hours); err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.mint(spread(to, coins, hours, 1))
	return t.ID, n.mine([]*transaction{t}, true)
}

func checkFunds(coins teller.Droplets, hours uint64) error {
	switch {
	case coins%dropletUnit != 0:
		return teller.Errorf(teller.CodeInvalid, "%s SKY can not be sent: at most 3 decimals are allowed", coins)
	case coins > maxSupply:
		return teller.Errorf(teller.CodeInvalid, "%s SKY is more than there will ever be", coins)
	case hours > maxHours:
		return teller.Errorf(teller.CodeInvalid, "%d coin hours is too many, at most %d are allowed", hours, maxHours)
	}
	return nil
}

// mint makes a transaction whose coins come from nowhere. Its one input is the hash of the block before, which is no
// output of anybody; it makes the txids of equal mints differ. In block 0 there is none.
func (n *Node) mint(outputs []coin.TransactionOutput) *transaction {
	tx := coin.Transaction{Out: outputs}
	if len(n.blocks) > 0 {
		tx.In = []cipher.SHA256{n.head.Hash()}
	}
	if err := tx.UpdateHeader(); err != nil {
		panic("dummy: " + err.Error()) // only for more than 65,535 outputs
	}
	return &transaction{SkyTx: describe(tx), raw: tx}
}

// spread divides funds over outputs that all differ in their coins: two outputs of a transaction must not be equal. The
// more equal they are the better; where the coins do not suffice there are fewer.
func spread(to cipher.Address, coins teller.Droplets, hours uint64, outputs int) []coin.TransactionOutput {
	units := uint64(coins / dropletUnit)
	for outputs > 1 && units < smallest(outputs) {
		outputs--
	}
	count := uint64(outputs)
	base := (units - smallest(outputs)) / count // of output i: base + i + 1 units
	list := make([]coin.TransactionOutput, outputs)
	for i := range list {
		list[i] = coin.TransactionOutput{Address: to, Coins: (base + uint64(i) + 1) * dropletUnit, Hours: hours / count}
	}
	list[outputs-1].Coins += (units - smallest(outputs)) % count * dropletUnit
	list[0].Hours += hours % count
	return list
}

// smallest is the least that n different whole numbers above 0 add up to.
func smallest(n int) uint64 { return uint64(n) * uint64(n+1) / 2 }
