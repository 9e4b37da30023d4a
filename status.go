package teller

// Status is where a deposit stands on its way from the deposit chain to the buyer's SKY address.
type Status string

// The statuses, under the names the API always had.
const (
	// StatusWaitingDeposit: bound; nothing received, or received and not yet credited. A deposit row has it from the
	// moment its block is seen until its block is deep enough.
	StatusWaitingDeposit Status = "waiting_deposit"
	// StatusWaitingDecide: received and confirmed; not yet decided how to buy.
	StatusWaitingDecide Status = "waiting_decide"
	// StatusWaitingPassthrough: an exchange order has a client id and is about to be, or may have been, placed.
	StatusWaitingPassthrough Status = "waiting_passthrough"
	// StatusWaitingPassthroughOrderComplete: the order is placed and not final.
	StatusWaitingPassthroughOrderComplete Status = "waiting_passthrough_order_complete"
	// StatusWaitingSend: the SKY amount is fixed; to be paid.
	StatusWaitingSend Status = "waiting_send"
	// StatusWaitingConfirm: in a stored, signed payout.
	StatusWaitingConfirm Status = "waiting_confirm"
	// StatusDone: paid and confirmed, or closed with a permanent error.
	StatusDone Status = "done"
)

// Statuses lists every status in the order of a deposit's life.
var Statuses = []Status{
	StatusWaitingDeposit, StatusWaitingDecide, StatusWaitingPassthrough, StatusWaitingPassthroughOrderComplete,
	StatusWaitingSend, StatusWaitingConfirm, StatusDone,
}

// ParseStatus accepts a status by its name.
func ParseStatus(s string) (Status, error) {
	for _, st := range Statuses {
		if string(st) == s {
			return st, nil
		}
	}
	return "", Errorf(CodeInvalid, "unknown status %q", s)
}

// Event is something that happens to a deposit and may change its status.
type Event string

// The events.
const (
	EventCredit    Event = "credit"    // its block is deep enough on the best chain
	EventDecide    Event = "decide"    // paid directly from the wallet: the SKY amount is fixed
	EventOrder     Event = "order"     // an attempt to buy it on an exchange is stored
	EventPlaced    Event = "placed"    // the exchange has accepted the order
	EventBought    Event = "bought"    // its orders are final, and what they have bought is to be sent
	EventDecideNil Event = "decide 0"  // the amount rounds to 0: closed with the error ErrSendAmountZero
	EventPay       Event = "pay"       // a signed payout that contains it is stored
	EventRecall    Event = "recall"    // a backup was put back, and the journal tells of a payout that contains it
	EventConfirm   Event = "confirm"   // that payout is in a block of the Skycoin chain
	EventSupersede Event = "supersede" // that payout can never confirm: one of its inputs was spent by another transaction
	EventMarkPaid  Event = "mark paid" // an operator says which transaction, made by hand, has paid it; audited
	EventClose     Event = "close"     // an operator ends it with a reason; audited
)

// Events lists every event.
var Events = []Event{
	EventCredit, EventDecide, EventDecideNil, EventOrder, EventPlaced, EventBought, EventPay, EventRecall, EventConfirm, EventSupersede, EventMarkPaid, EventClose,
}

// ErrSendAmountZero is the permanent error of a deposit whose worth rounds to no SKY at all. Part of the API.
const ErrSendAmountZero = "Skycoin send amount is 0"

// transitions is the one table: the only place where a change of status is allowed. docs/states.md is generated from it.
var transitions = map[Status]map[Event]Status{
	StatusWaitingDeposit: {EventCredit: StatusWaitingDecide, EventClose: StatusDone},
	StatusWaitingDecide: {
		EventDecide: StatusWaitingSend, EventDecideNil: StatusDone, EventOrder: StatusWaitingPassthrough,
		EventRecall: StatusWaitingConfirm, EventMarkPaid: StatusDone, EventClose: StatusDone,
	},
	// An operator may decide that a deposit whose orders failed is paid directly from the wallet after all.
	StatusWaitingPassthrough: {
		EventOrder: StatusWaitingPassthrough, EventPlaced: StatusWaitingPassthroughOrderComplete, EventBought: StatusWaitingSend,
		EventDecide: StatusWaitingSend, EventRecall: StatusWaitingConfirm, EventMarkPaid: StatusDone, EventClose: StatusDone,
	},
	StatusWaitingPassthroughOrderComplete: {
		EventOrder: StatusWaitingPassthrough, EventBought: StatusWaitingSend,
		EventDecide: StatusWaitingSend, EventRecall: StatusWaitingConfirm, EventMarkPaid: StatusDone, EventClose: StatusDone,
	},
	StatusWaitingSend:    {EventPay: StatusWaitingConfirm, EventRecall: StatusWaitingConfirm, EventMarkPaid: StatusDone, EventClose: StatusDone},
	StatusWaitingConfirm: {EventConfirm: StatusDone, EventSupersede: StatusWaitingSend, EventMarkPaid: StatusDone, EventClose: StatusDone},
	StatusDone:           {},
}

// Next returns the status that follows from s when e happens, or a CodeForbidden error when the table has no such step.
func Next(s Status, e Event) (Status, error) {
	if to, ok := transitions[s][e]; ok {
		return to, nil
	}
	return s, Errorf(CodeForbidden, "a deposit in status %s can not %s", s, e)
}
