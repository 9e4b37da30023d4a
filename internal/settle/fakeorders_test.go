package settle

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

// orderLedger is a fakeLedger that knows orders, with the rules of the contract. Every call may be the process's last.
type orderLedger struct {
	fakeLedger
	orders []teller.Order
	told   map[string]int // attempts that only the journal knows
	calls  []string
	writes int // that changed anything
	fate   func(call string) outcome
	check  func() // after every write
}

func newOrderLedger(ds ...teller.Deposit) *orderLedger {
	return &orderLedger{
		fakeLedger: fakeLedger{deposits: slices.Clone(ds)},
		fate:       func(string) outcome { return fine },
		check:      func() {},
	}
}

func (l *orderLedger) do(call string, act func() error) error {
	l.calls = append(l.calls, call)
	o := l.fate(call)
	if o == diesFirst {
		panic(died{})
	}
	err := act()
	if err == nil && !slices.Contains(readers, call) {
		l.writes++
		l.check()
	}
	if o == diesAfter {
		panic(died{})
	}
	return err
}

// readers are the calls that change nothing.
var readers = []string{"due", "deposit", "pending", "order row"}

func (l *orderLedger) deposit(id string) *teller.Deposit {
	for i := range l.deposits {
		if l.deposits[i].ID == id {
			return &l.deposits[i]
		}
	}
	return nil
}

func (l *orderLedger) order(clientID string) *teller.Order {
	for i := range l.orders {
		if l.orders[i].ClientID == clientID {
			return &l.orders[i]
		}
	}
	return nil
}

func conflict(what string) error { return teller.Errorf(teller.CodeConflict, "%s", what) }

func (l *orderLedger) Due(ctx context.Context, status teller.Status, after uint64, limit int) (ds []teller.Deposit, err error) {
	err = l.do("due", func() error {
		ds, err = l.fakeLedger.Due(ctx, status, after, limit)
		return err
	})
	return ds, err
}

func (l *orderLedger) Deposit(_ context.Context, id string) (d teller.Deposit, err error) {
	err = l.do("deposit", func() error {
		p := l.deposit(id)
		if p == nil {
			return teller.Errorf(teller.CodeNotFound, "no deposit %s", id)
		}
		d = *p
		return nil
	})
	return d, err
}

func (l *orderLedger) Hold(_ context.Context, id string, version uint64, reason teller.HoldReason, detail string) (d teller.Deposit, err error) {
	err = l.do("hold", func() error {
		p := l.deposit(id)
		if p.Version != version {
			return conflict("the deposit changed")
		}
		err := p.PutHold(reason, detail, now)
		d = *p
		return err
	})
	return d, err
}

func (l *orderLedger) PrepareOrder(_ context.Context, dr teller.OrderDraft) (o teller.Order, err error) {
	err = l.do("prepare", func() error {
		d := l.deposit(dr.DepositID)
		last := l.order(teller.OrderClientID(d.ID, d.Attempts))
		if d.Version != dr.Version || !d.Due() || (last != nil && last.Pending()) {
			return conflict("the deposit can have no order")
		}
		if dr.Requested.IsZero() || dr.Requested.Cmp(d.Unspent()) > 0 {
			return teller.Errorf(teller.CodeInvalid, "an order for %s of %s", dr.Requested, d.Unspent())
		}
		if err := d.Order(now); err != nil {
			return err
		}
		o = teller.Order{
			ClientID: teller.OrderClientID(d.ID, d.Attempts), DepositID: d.ID, Attempt: d.Attempts, Seq: uint64(len(l.orders) + 1), Version: 1,
			Exchange: dr.Exchange, Coin: d.Coin, Requested: dr.Requested, Least: dr.Least, State: teller.OrderPrepared,
		}
		l.orders = append(l.orders, o)
		return nil
	})
	return o, err
}

// change is a compare-and-set on an order and its deposit.
func (l *orderLedger) change(call, clientID string, version uint64, act func(o *teller.Order, d *teller.Deposit) error) (o teller.Order, err error) {
	err = l.do(call, func() error {
		p := l.order(clientID)
		if p.Version != version || p.State == teller.OrderFinal {
			return conflict("the order changed")
		}
		d := l.deposit(p.DepositID)
		changed, its := *p, *d
		if err := act(&changed, &its); err != nil {
			return err
		}
		changed.Version = version + 1
		*p, *d, o = changed, its, changed
		return nil
	})
	return o, err
}

func (l *orderLedger) BeginOrder(_ context.Context, clientID string, version uint64) (teller.Order, error) {
	return l.change("begin", clientID, version, func(o *teller.Order, d *teller.Deposit) error {
		if o.State == teller.OrderPlaced || !d.Due() || d.Status == teller.StatusDone {
			return conflict("it must not be placed")
		}
		o.State, o.Doubted = teller.OrderPlacing, false
		return nil
	})
}

func (l *orderLedger) NoteOrder(_ context.Context, clientID string, version uint64, r teller.OrderReport) (teller.Order, error) {
	return l.change("note", clientID, version, func(o *teller.Order, d *teller.Deposit) error {
		spent, err := r.Spent.Sub(o.Spent)
		if err != nil || r.Bought < o.Bought {
			return teller.Errorf(teller.CodeMalformed, "less was bought than before")
		}
		if err := d.Book(r.Bought-o.Bought, spent, now); err != nil {
			return err
		}
		if r.OrderID != "" && d.Status == teller.StatusWaitingPassthrough {
			if err := d.Placed(now); err != nil {
				return err
			}
		}
		if r.OrderID != "" || r.Final {
			o.Doubted = false
			answered(d, teller.HoldOrderUnknown)
		}
		o.OrderReport, o.State = r, teller.OrderPlaced
		if r.Final {
			o.State = teller.OrderFinal
		}
		return nil
	})
}

// answered takes a hold away.
func answered(d *teller.Deposit, reason teller.HoldReason) {
	left := slices.DeleteFunc(d.Holds(), func(h teller.Hold) bool { return h.Reason == reason })
	d.Hold, d.Behind = nil, nil
	if len(left) > 0 {
		d.Hold, d.Behind = &left[0], left[1:]
	}
}

func (l *orderLedger) DoubtOrder(_ context.Context, clientID string, version uint64, detail string) (teller.Order, error) {
	return l.change("doubt", clientID, version, func(o *teller.Order, d *teller.Deposit) error {
		if err := o.Doubt(now); err != nil {
			return err
		}
		answered(d, teller.HoldOrderUnknown)
		return d.PutHold(teller.HoldOrderUnknown, detail, now)
	})
}

func (l *orderLedger) FailOrder(_ context.Context, id string, version uint64, detail string) (d teller.Deposit, err error) {
	err = l.do("fail", func() error {
		p := l.deposit(id)
		o := l.order(teller.OrderClientID(p.ID, p.Attempts))
		if p.Version != version || !p.Due() || o == nil || o.Pending() {
			return conflict("the deposit changed")
		}
		o.Judged = true
		err := p.PutHold(teller.HoldOrderFailed, detail, now)
		d = *p
		return err
	})
	return d, err
}

func (l *orderLedger) SendBought(_ context.Context, id string, version uint64, owed teller.Droplets) error {
	return l.do("send", func() error {
		d := l.deposit(id)
		o := l.order(teller.OrderClientID(d.ID, d.Attempts))
		if d.Version != version || o == nil || o.Pending() {
			return conflict("the deposit changed")
		}
		return d.SendBought(owed, now)
	})
}

func (l *orderLedger) PendingOrders(_ context.Context, after uint64, limit int) (os []teller.Order, err error) {
	err = l.do("pending", func() error {
		for _, o := range l.orders {
			if o.Pending() && o.Seq > after && len(os) < limit {
				os = append(os, o)
			}
		}
		return nil
	})
	return os, err
}

// Attempted is what the journal tells, where a test has lost the ledger.
func (l *orderLedger) Attempted(_ context.Context, id string) (n int, err error) {
	err = l.do("attempted", func() error {
		n = max(l.deposit(id).Attempts, l.told[id])
		return nil
	})
	return n, err
}

func (l *orderLedger) Order(_ context.Context, clientID string) (o teller.Order, err error) {
	err = l.do("order row", func() error {
		p := l.order(clientID)
		if p == nil {
			return teller.Errorf(teller.CodeNotFound, "no order %s", clientID)
		}
		o = *p
		return nil
	})
	return o, err
}
