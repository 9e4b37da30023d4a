// Package settle turns credited deposits into SKY in the buyers' hands, exactly once. Six workers share the work, and
// the ledger is all they share; each is a Step that may be killed before or after any line:
//
//   - the Follower reads the Skycoin chain block by block into the ledger. Everything about payouts that have left
//     this process is learnt there: which are confirmed, which can never confirm, and which transactions out of the
//     wallet the ledger did not make;
//   - the Vetter asks the chain about deposits imported from a database of the original, whose past is not certain;
//   - the Decider fixes how much SKY a credited deposit is owed, when it is paid out of the wallet at the counter's rate;
//   - the Buyer buys SKY on an exchange for the others, order by order, and fixes what they are owed by what was bought;
//   - the Payer chooses deposits that are due, has the wallet build and sign one transaction for all of them, checks
//     the bytes, and stores them. It sends nothing;
//   - the Broadcaster sends stored bytes, again and again, until a block holds them. It stores nothing, and no answer
//     that it gets decides anything.
//
// So an order's client id is durable before the exchange is called, the signed bytes before the first broadcast (I2), a payout is only ever replaced when the chain says
// that it is dead, and a crash between any two steps leaves a state from which the same steps go on.
package settle

import (
	"context"
	"log/slog"
	"slices"

	"github.com/skycoin/teller"
)

// page is how many rows a worker reads at once.
const page = 500

func tellHeld(log *slog.Logger, held []teller.Deposit) {
	for _, d := range held {
		holds := d.Holds()
		last := holds[len(holds)-1]
		log.Error("deposit held, an operator must decide", "notice", "WATCH", "deposit_id", d.ID, "coin", d.Coin, "reason", last.Reason, "detail", last.Detail)
	}
}

func tellWithdrawals(log *slog.Logger, ws []teller.Withdrawal) {
	for _, w := range ws {
		log.Error("a transaction that the ledger did not make spends the hot wallet", "notice", "WATCH", "txid", w.TxID, "height", w.Height)
	}
}

func sum(outputs []teller.Output) teller.Droplets {
	var total teller.Droplets // the supply of SKY, 10^14 droplets, can not overflow
	for _, o := range outputs {
		total += o.Coins
	}
	return total
}

// ownedBy keeps the outputs that belong to the addresses. The ledger remembers those of every wallet that it ever had.
func ownedBy(addresses []string, outputs []teller.Output) []teller.Output {
	var own []teller.Output
	for _, o := range outputs {
		if slices.Contains(addresses, o.Address) {
			own = append(own, o)
		}
	}
	return own
}

// ledgerHead returns the ledger's position when it stands at the head of a node that is in step with its peers, and
// whether it does. It does not as long as it lacks one of the wallet's addresses: what was spent from that one before is
// not known yet.
func ledgerHead(ctx context.Context, node teller.Node, store teller.WalletStore, wallet []string) (teller.WalletCursor, bool, error) {
	cursor, err := store.WalletCursor(ctx)
	if teller.CodeOf(err) == teller.CodeNotFound {
		return cursor, false, nil
	}
	if err != nil {
		return cursor, false, err
	}
	for _, a := range wallet {
		if !slices.Contains(cursor.Addresses, a) {
			return cursor, false, nil
		}
	}
	// First whether it is in step, then its head: asked the other way round, a node that catches up in between would show
	// an old head as one that nothing has happened after.
	synced := node.Synced(ctx)
	head, err := node.Head(ctx)
	if err != nil {
		return cursor, false, err
	}
	if head.Height < cursor.Height {
		return cursor, false, nodeBehind(head, cursor)
	}
	if head.BlockRef != cursor.BlockRef {
		return cursor, false, nil
	}
	return cursor, true, synced
}

func nodeBehind(head teller.SkyHead, cursor teller.WalletCursor) error {
	return teller.Errorf(teller.CodeNodeBehind, "the skycoin node is at block %d, behind the ledger's %d: nothing is paid until it has caught up", head.Height, cursor.Height)
}
