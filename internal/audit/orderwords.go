package audit

import (
	"fmt"

	"github.com/skycoin/teller"
)

// onExchange names an order that the exchange has, and says how it stands there.
func onExchange(clientID string, coin teller.Coin, r teller.OrderReport) string {
	return fmt.Sprintf("order %s (there %s, %s), which has bought %s SKY for %s %s", clientID, r.OrderID, r.Status, r.Bought, r.Spent.Format(coin), coin)
}

// ending tells what is left to do about an order that may still buy.
func ending(r teller.OrderReport) string {
	if r.Final {
		return ""
	}
	return fmt.Sprintf("Cancel order %s there: it may still buy. ", r.OrderID)
}

// forgottenOrder is an order for a deposit of the ledger, made after all those that the ledger knows.
func forgottenOrder(exchange string, d teller.Deposit, clientID string, r teller.OrderReport) teller.Finding {
	f := teller.Finding{
		Kind:  kindUnknownOrder,
		Found: fmt.Sprintf("%s has %s. It is for deposit %s (%s), and the ledger does not know it.", exchange, onExchange(clientID, d.Coin, r), d.ID, d.Status),
		Means: "This ledger comes from a backup and has forgotten it, or another teller buys with the same deposits. What it bought is missing in the ledger's sums.",
	}
	if d.Ordered() || d.Status == teller.StatusWaitingDecide {
		f.Did = "Before anything is bought for this deposit teller looks for the order, and takes it over: it does not buy twice."
		f.Do = "Nothing, if it is gone when you audit again in a few minutes."
		if d.Hold != nil {
			f.Do = "The deposit is held, so this waits for you: look at `teller holds list`. Once it is released, teller takes the order over. " +
				"Before you close it or have it paid otherwise, count what the order bought."
		}
		return f
	}
	f.Did = fmt.Sprintf("Nothing: the deposit is %s, no more is bought for it.", d.Status)
	f.Do = ending(r) + "Count what it bought in your own books, for the ledger's sums lack it. If the deposit was paid before the backup was put back, " +
		"it was bought for that; else nobody is owed it."
	return f
}

// unknownOrder is an order that may still buy, under a name of teller's, for no deposit that is known.
func unknownOrder(exchange string, coin teller.Coin, clientID string, r teller.OrderReport) teller.Finding {
	return teller.Finding{
		Kind:  kindUnknownOrder,
		Found: fmt.Sprintf("%s has %s. Its name is one that teller gives, and the ledger knows neither it nor a deposit that it is for.", exchange, onExchange(clientID, coin, r)),
		Means: "This ledger comes from a backup and the deposit has not come in again yet, or another teller buys on this account. The order may still buy.",
		Did:   "Nothing. When its deposit comes in, teller finds the order before it places one.",
		Do: "Let teller read the chains to their tips, then audit again. If it is still listed and no other teller of yours uses the account, " +
			"cancel it there, and change the account's keys.",
	}
}

// goneOrder is an order that the exchange had accepted, and does not show.
func goneOrder(o teller.Order) teller.Finding {
	f := teller.Finding{
		Kind: kindOrder,
		Found: fmt.Sprintf("The ledger has %s, for deposit %s; %s does not know an order of that name.",
			onExchange(o.ClientID, o.Coin, o.OrderReport), o.DepositID, o.Exchange),
		Means: "The configured keys are those of another account, or the exchange has lost the order. What the ledger says was bought can not be shown to be on the account.",
		Did:   "Nothing: what was noted stands, and is sent.",
		Do: fmt.Sprintf("Check that the keys are those of the account on which it was placed. If they are, look for order %s in the account's history there, "+
			"and ask the exchange when it is missing.", o.OrderID),
	}
	if o.Pending() {
		f.Did = "Teller goes on asking for it, and buys nothing else for this deposit before it knows its end."
	}
	return f
}

// otherOrder is an order that the exchange tells otherwise than the ledger has it.
func otherOrder(o teller.Order, r teller.OrderReport) teller.Finding {
	f := teller.Finding{
		Kind: kindOrder,
		Found: fmt.Sprintf("The ledger has %s (filled: %t), for deposit %s; %s tells of %s (filled: %t).",
			onExchange(o.ClientID, o.Coin, o.OrderReport), o.Filled, o.DepositID, o.Exchange, onExchange(o.ClientID, o.Coin, r), r.Filled),
		Means: "An order that has ended does not change: the exchange has told something else before, or the ledger's row was changed. " +
			"More or less was bought for the deposit than is sent for it.",
		Did: "Nothing: what was noted stands, and is sent.",
		Do: "Compare with the trades in the account's history on the exchange. If the exchange tells otherwise than before, ask it why. " +
			"If the ledger is wrong, run `teller audit --offline`: it says which rows do not follow from the audit log.",
	}
	if o.Pending() {
		f.Means = "What an order has bought never becomes less, and its name at the exchange does not change: the exchange contradicts itself, or the ledger's row was changed."
		f.Did = "Teller takes nothing over that contradicts what was told before, and buys nothing else for this deposit before the order's end is known."
	}
	return f
}

// deniedOrder is an order that was ended in the ledger as never accepted, and that the exchange has.
func deniedOrder(o teller.Order, r teller.OrderReport) teller.Finding {
	return teller.Finding{
		Kind: kindOrder,
		Found: fmt.Sprintf("The ledger has order %s, for deposit %s, as not accepted (%s); %s has %s.",
			o.ClientID, o.DepositID, o.Status, o.Exchange, onExchange(o.ClientID, o.Coin, r)),
		Means: "It was refused or could not be found when teller or an operator ended it, and has arrived since; or this ledger comes from a backup, " +
			"and had forgotten that it was placed. What it buys counts for nobody, and the same may have been bought again for the deposit.",
		Did: "Nothing: teller does not ask for it any more.",
		Do:  ending(r) + "Count what it bought in your own books: it is on the account, and nobody is owed it through this ledger.",
	}
}
