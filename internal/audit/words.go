package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// Kinds of findings about the ledger and the world.
const (
	kindNetwork       = "network"        // the node is on another network
	kindChain         = "chain"          // the node's chain lacks a block that the ledger has read
	kindOutput        = "output"         // the wallet's outputs differ
	kindUnknownPayout = "unknown_payout" // a transaction out of the wallet that the ledger does not know
	kindWithdrawal    = "withdrawal"     // one that it knows and nobody has explained
	kindPayout        = "payout"         // a payout is not on the chain as the ledger has it
	kindLost          = "lost"           // a deposit's block is not on its chain
	kindMissed        = "missed"         // a payment to a bound address that the ledger does not have
	kindOrder         = "order"          // an order is not on the exchange as the ledger has it
	kindUnknownOrder  = "unknown_order"  // an order on the exchange that the ledger does not know
)

const (
	didStop = "At its next start teller pays nothing until this agrees; a teller that has been paying since before goes on."
	doStop  = "Stop teller. Ask another Skycoin node or explorer about it. When only your node says so, mend or replace the node. " +
		"When the chain says so, restore the newest backup in which `teller audit` finds nothing, and leave the journal where it is."
)

func otherNetwork(chain, pin, genesis string) teller.Finding {
	return teller.Finding{
		Kind:  kindNetwork,
		Found: fmt.Sprintf("The ledger belongs to the %s chain whose block 0 is %s; the node's block 0 is %s.", chain, pin, genesis),
		Means: "The node is on another network, or this is another counter's database. Nothing that the node says can be compared.",
		Did:   "Nothing is read from such a node, and nothing is paid through it.",
		Do:    "Correct the node's address in the configuration, or dbfile.",
	}
}

func otherChain(cursor teller.WalletCursor) teller.Finding {
	return teller.Finding{
		Kind:  kindChain,
		Found: fmt.Sprintf("The Skycoin node's chain does not contain block %d %s, which the ledger has read.", cursor.Height, cursor.Hash),
		Means: "Skycoin's chain does not fork: the node was fed another chain, or the ledger was.",
		Did:   "Nothing is paid as long as this is so.",
		Do:    doStop,
	}
}

func unknownOutput(o teller.Output, head teller.SkyHead) teller.Finding {
	return teller.Finding{
		Kind:  kindOutput,
		Found: fmt.Sprintf("At block %d the node has output %s with %s SKY for the wallet's address %s; the ledger does not have it.", head.Height, o.ID, o.Coins, o.Address),
		Means: "The wallet holds coins that teller does not know of and would never spend: its picture of the wallet is wrong.",
		Did:   didStop, Do: doStop,
	}
}

func goneOutput(o teller.Output, head teller.SkyHead) teller.Finding {
	return teller.Finding{
		Kind:  kindOutput,
		Found: fmt.Sprintf("The ledger has output %s with %s SKY at the wallet's address %s; at block %d the node does not have it.", o.ID, o.Coins, o.Address, head.Height),
		Means: "Coins that teller counts on were spent by a transaction that it has not seen, or never existed.",
		Did:   didStop, Do: doStop,
	}
}

func otherOutput(known, o teller.Output) teller.Finding {
	return teller.Finding{
		Kind:  kindOutput,
		Found: fmt.Sprintf("Output %s holds %s SKY for %s on the node, and %s SKY for %s in the ledger.", o.ID, o.Coins, o.Address, known.Coins, known.Address),
		Means: "An output never changes: the ledger's row of it was damaged or changed by something else than teller.",
		Did:   didStop, Do: doStop,
	}
}

func unknownPayout(tx teller.HistoryTx, p *past) teller.Finding {
	f := teller.Finding{
		Kind: kindUnknownPayout,
		Means: "Somebody else has used the wallet's keys, or this ledger is an older copy and its later life paid this. " +
			"It may have paid deposits that the ledger still has as unpaid.",
	}
	where := fmt.Sprintf("in block %d", tx.Height)
	switch {
	case tx.State == teller.TxPending:
		where = "and is not confirmed yet"
		f.Did = "Before its next payout teller records it as a withdrawal, and holds every unpaid deposit of the SKY addresses that it pays."
		f.Do = "Let teller run, then look at `teller withdrawals list` and `teller holds list`."
	case tx.Height > p.cursor.Height:
		f.Did = fmt.Sprintf("Its block was not read yet, the ledger is at block %d. Reading it, which comes before any payout, records it as a withdrawal "+
			"and holds every unpaid deposit of the SKY addresses that it pays.", p.cursor.Height)
		f.Do = "Let teller run until it is at the node's block (with send_enabled = false, if you wish), then audit again."
	default:
		f.Did = "Nothing: teller has read that block, and should have recorded it as a withdrawal."
		f.Do = "Stop teller and keep a copy of the database. Compare the SKY addresses paid with the deposits that are not done; " +
			"close those that this has paid. Then restore the newest backup in which `teller audit` finds nothing, and leave the journal where it is."
	}
	f.Found = fmt.Sprintf("Transaction %s took coins out of the wallet %s, and the ledger does not know it. It pays %s.", tx.ID, where, recipients(tx.Outputs, p))
	return f
}

// recipients lists who but the wallet itself gets coins.
func recipients(outputs []teller.SkyOutput, p *past) string {
	var to []string
	for _, o := range outputs {
		if _, own := p.since[o.Address]; !own {
			to = append(to, fmt.Sprintf("%s SKY to %s", o.Coins, o.Address))
		}
	}
	return few(to)
}

// few lists the first ones.
func few(all []string) string {
	const most = 5
	switch {
	case len(all) == 0:
		return "nobody but the wallet"
	case len(all) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}

func openWithdrawal(w teller.Withdrawal, held []teller.Deposit) teller.Finding {
	var to, ids []string
	for _, o := range w.Outputs {
		to = append(to, fmt.Sprintf("%s SKY to %s", o.Coins, o.Address))
	}
	for _, d := range held {
		for _, h := range d.Holds() {
			if h.Reason == teller.HoldWithdrawal && strings.Contains(h.Detail, w.TxID) {
				ids = append(ids, d.ID)
			}
		}
	}
	did := "It was recorded. No unpaid deposit goes to these SKY addresses now; one that comes will be held."
	if len(ids) > 0 {
		did = fmt.Sprintf("It was recorded, and these deposits are held for it: %s.", few(ids))
	}
	return teller.Finding{
		Kind:  kindWithdrawal,
		Found: fmt.Sprintf("Transaction %s took coins out of the wallet, and teller did not make it. It pays %s.", w.TxID, few(to)),
		Means: "You, another teller or somebody else has used the wallet's keys; or this ledger comes from a backup, and paid this before it was restored.",
		Did:   did,
		Do: "Look the transaction up. Close the deposits that it has paid (`teller holds close`), release the others. When it had nothing to do with deposits, " +
			"say so: `teller withdrawals settle " + w.TxID + " --reason ...`. When nobody you know made it, stop teller and move the coins: the keys are known to others.",
	}
}

func payoutDiffers(p teller.Payout, tx teller.HistoryTx) teller.Finding {
	return teller.Finding{
		Kind:  kindPayout,
		Found: fmt.Sprintf("Payout %s is in block %d of the Skycoin chain; the ledger has it as %s at block %d.", p.TxID, tx.Height, p.Status, p.Height),
		Means: "The ledger has read that block and should know. Deposits of this payout might be paid a second time.",
		Did:   "Nothing by this audit.", Do: doStop,
	}
}

func payoutPaysOther(p teller.Payout, due, paid map[string]teller.Droplets) teller.Finding {
	var differ []string
	for _, a := range slices.Sorted(maps.Keys(union(due, paid))) {
		if due[a] != paid[a] {
			differ = append(differ, fmt.Sprintf("%s got %s SKY instead of %s", a, paid[a], due[a]))
		}
	}
	return teller.Finding{
		Kind:  kindPayout,
		Found: fmt.Sprintf("Payout %s paid other sums than the ledger says: %s.", p.TxID, few(differ)),
		Means: "The ledger's rows of this payout or of its deposits were changed after it was made: teller checks the signed bytes before it stores them.",
		Did:   "Nothing by this audit.",
		Do:    "Stop teller and keep a copy of the database. Run `teller audit --offline`: it says which rows do not follow from the audit log.",
	}
}

func union(a, b map[string]teller.Droplets) map[string]teller.Droplets {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func payoutUnknownToNode(p teller.Payout) teller.Finding {
	return teller.Finding{
		Kind:  kindPayout,
		Found: fmt.Sprintf("The ledger has payout %s as confirmed in block %d; the Skycoin node does not know it.", p.TxID, p.Height),
		Means: "Its deposits are done in the ledger, and their buyers may have got nothing: the node was fed another chain, or the ledger was.",
		Did:   "Nothing by this audit.", Do: doStop,
	}
}

func payoutNotConfirmed(p teller.Payout) teller.Finding {
	return teller.Finding{
		Kind:  kindPayout,
		Found: fmt.Sprintf("The ledger has payout %s as confirmed in block %d; on the Skycoin node it is not confirmed.", p.TxID, p.Height),
		Means: "Its deposits are done in the ledger, and their buyers have not got their coins yet: the node was fed another chain, or the ledger was.",
		Did:   "Nothing by this audit.", Do: doStop,
	}
}

func otherBlock(coin teller.Coin, cursor teller.Cursor, hash string) teller.Finding {
	return teller.Finding{
		Kind:  kindChain,
		Found: fmt.Sprintf("The scan of %s is at block %d %s; the node has %s there.", coin, cursor.Height, cursor.Hash, hash),
		Means: "The chain was reorganised, or the node is on another branch than the one that was read.",
		Did:   "A running teller goes back to where both agree and reads on from there, by itself.",
		Do:    "Nothing, if it is gone when you audit again in a few minutes. Else compare the hash with a block explorer: either the node or the ledger has followed a wrong branch.",
	}
}

func lostDeposit(d teller.Deposit, hash string) teller.Finding {
	f := teller.Finding{
		Kind:  kindLost,
		Found: fmt.Sprintf("Deposit %s (%s %s, %s) is recorded in block %d %s; the node has %s there.", d.ID, d.Value.Format(d.Coin), d.Coin, d.Status, d.Height, d.BlockHash, hash),
		Means: "Its block was reorganised away. The payment may be in another block now, or gone.",
		Did:   "The scan follows the reorganisation by itself: not yet credited, the deposit waits to be mined again; credited, it is held, and the coin stops being credited.",
		Do:    "Audit again in a few minutes. If it is still listed, look its transaction up in a block explorer; if it is in another block, read the blocks again: `teller rescan`.",
	}
	if d.Status == teller.StatusDone && d.Sent > 0 {
		f.Means += " It was paid."
	}
	return f
}

func missedDeposit(coin teller.Coin, tr teller.Transfer, at teller.BlockRef) teller.Finding {
	return teller.Finding{
		Kind:  kindMissed,
		Found: fmt.Sprintf("Transaction %s pays %s %s to address %s in block %d; the ledger does not have output %d of it.", tr.TxID, tr.Value.Format(coin), coin, tr.Address, at.Height, tr.N),
		Means: "A buyer has paid and gets nothing: the payment was missed when the block was read, or the address was bound only later.",
		Did:   "Nothing by this audit. With --repair, the blocks are read again.",
		Do: fmt.Sprintf("Run `teller audit --from %s=%d --repair`, or `teller rescan --coin %s --from %d`. That is safe: what is known is left alone, "+
			"what is older than the binding is held.", coin, at.Height, coin, at.Height),
	}
}
