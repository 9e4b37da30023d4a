package c2cx

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/skycoin/teller"
)

// listing is what is known of the account's orders: which there are, by whose client ids, and which may still buy. Orders
// are never taken from C2CX's list, which says how many it has. So what has been read once need not be read again: as soon
// as all that were ever seen are as many as there are, none is missing. Of an account with thousands of orders that leaves
// one page to read, the newest, where the whole list would take longer than the rate limit allows.
//
// The list holds orders of every status, so it does not matter when one changes its status while the list is read. When
// orders move to other pages meanwhile, some are read twice and others not at all: then the numbers differ, and it is read
// again.
type listing struct {
	turn     chan struct{}     // held by who reads
	clientID map[string]string // by order id
	orderID  map[string]string // by client id, where there is one; ambiguous when there are two
	live     map[string]bool   // ids of orders that were not final when they were seen last
	next     int               // the page to go on with when reading was interrupted
}

func newListing() *listing {
	l := &listing{turn: make(chan struct{}, 1)}
	l.forget()
	return l
}

func (l *listing) forget() {
	l.clientID, l.orderID, l.live, l.next = make(map[string]string), make(map[string]string), make(map[string]bool), 0
}

// ambiguous stands for the id of an order whose client id another one has too. C2CX refuses such; should it exist all the
// same, only who asks for it needs to know.
const ambiguous = "?"

// note takes an order up.
func (l *listing) note(o order) {
	l.clientID[o.id] = o.clientID
	if other, ok := l.orderID[o.clientID]; ok && other != o.id {
		l.orderID[o.clientID] = ambiguous
	} else if o.clientID != "" {
		l.orderID[o.clientID] = o.id
	}
	if o.status.final() {
		delete(l.live, o.id)
	} else {
		l.live[o.id] = true
	}
}

// find is the id of the order of a client id, "" when none is known.
func (l *listing) find(clientID string) (orderID string, err error) {
	if clientID == "" {
		return "", nil
	}
	if orderID = l.orderID[clientID]; orderID == ambiguous {
		return "", teller.Errorf(teller.CodeMalformed, "c2cx: there are two orders of the client id %.40q", clientID)
	}
	return orderID, nil
}

const (
	pageSize = 100
	// maxPages bounds what an answer can make us read: a million orders.
	maxPages = 10_000
	// walks is how often a list that changes is read before it is given up.
	walks = 4
)

// lookUp is the id of the order of a client id; CodeNotFound when the account has none.
func (x *Exchange) lookUp(ctx context.Context, clientID string) (orderID string, err error) {
	l := x.listing
	if err := l.lock(ctx); err != nil {
		return "", err
	}
	defer l.unlock()
	if orderID, err = l.find(clientID); orderID != "" || err != nil {
		return orderID, err
	}
	if _, err = x.read(ctx); err != nil {
		return "", err
	}
	if orderID, err = l.find(clientID); orderID != "" || err != nil {
		return orderID, err
	}
	return "", teller.Errorf(teller.CodeNotFound, "c2cx: none of the account's %d orders has the client id %.40q", len(l.clientID), clientID)
}

// live are the account's orders that may not be final.
func (x *Exchange) live(ctx context.Context) ([]order, error) {
	l := x.listing
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.unlock()
	seen, err := x.read(ctx)
	if err != nil {
		return nil, err
	}
	var orders []order
	for _, id := range slices.Sorted(maps.Keys(l.live)) { // in the same order every time: faults may come by seed
		o, ok := seen[id]
		if !ok { // it is on a page that was not read again
			if o, err = x.listed(ctx, id); err != nil {
				return nil, err
			}
			l.note(o)
		}
		orders = append(orders, o)
	}
	return orders, nil
}

// doubt lets the whole list be read anew when the exchange knows a client id that is not in the listing.
func (x *Exchange) doubt(ctx context.Context, clientID string) {
	l := x.listing
	if l.lock(ctx) != nil {
		return // the caller has gone
	}
	defer l.unlock()
	if l.orderID[clientID] == "" {
		l.forget()
	}
}

func (l *listing) lock(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return teller.Errorf(teller.CodeUnavailable, "c2cx: %w", context.Cause(ctx))
	}
}

func (l *listing) unlock() { <-l.turn }

// read brings the listing up to date and returns the orders that it has read for that. It needs the turn.
func (x *Exchange) read(ctx context.Context) (seen map[string]order, err error) {
	seen = make(map[string]order)
	for range walks {
		complete, err := x.walk(ctx, seen)
		if err != nil || complete {
			return seen, err
		}
	}
	known := len(x.listing.clientID)
	x.listing.forget() // and begin anew: perhaps the exchange has forgotten orders
	return nil, teller.Errorf(teller.CodeUnavailable, "c2cx: of the account's orders %d are known, and the exchange counts others: the list changes while it is read, or is not whole", known)
}

// walk reads the list from its newest page on, and reports whether it now knows all orders.
func (x *Exchange) walk(ctx context.Context, seen map[string]order) (complete bool, err error) {
	l := x.listing
	first, err := x.page(ctx, 1)
	if err != nil {
		return false, err
	}
	w := &reading{listing: l, seen: seen, ids: make(map[string]bool)}
	if w.take(first) {
		return true, nil
	}
	if first.records >= 0 && len(l.clientID) > first.records {
		return false, nil // orders have vanished: no other page would tell why
	}
	for n := max(2, l.next); n <= first.pages; n++ {
		p, err := x.page(ctx, n)
		if err != nil {
			if first.records >= 0 {
				l.next = n
			}
			return false, err
		}
		if w.take(p) {
			return true, nil
		}
	}
	l.next = 0
	return first.records < 0 && w.whole(first.pages), nil
}

// reading is one walk through the list.
type reading struct {
	listing *listing
	seen    map[string]order
	ids     map[string]bool // read by this walk
	moved   bool            // one of them twice
}

// take notes a page's orders and reports whether all are known now.
func (w *reading) take(p page) (complete bool) {
	for _, o := range p.orders {
		w.moved = w.moved || w.ids[o.id]
		w.ids[o.id], w.seen[o.id] = true, o
		w.listing.note(o)
	}
	complete = len(w.listing.clientID) == p.records
	if complete {
		w.listing.next = 0
	}
	return complete
}

// whole reports, for a list that does not say how many orders it has, whether a walk has read all of it: nothing has moved,
// and as many orders were read as fit on its pages.
func (w *reading) whole(pages int) bool {
	n := len(w.ids)
	return !w.moved && (n+pageSize-1)/pageSize == pages
}

// page is one page of the list of orders.
type page struct {
	orders  []order
	pages   int // that there are
	records int // orders on all pages; -1 = it does not tell
}

// page asks for a page of the list of all orders, the newest first.
func (x *Exchange) page(ctx context.Context, n int) (page, error) {
	data, err := x.client.call(ctx, "getorderbystatus", map[string]string{
		"symbol": symbol, "status": "0", "pageindex": strconv.Itoa(n), "pagesize": strconv.Itoa(pageSize),
	})
	if err != nil {
		return page{}, err
	}
	return decodePage(data)
}

func decodePage(data json.RawMessage) (page, error) {
	var a struct {
		Rows                   []json.RawMessage
		PageCount, RecordCount number
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return page{}, teller.Errorf(teller.CodeMalformed, "c2cx: getorderbystatus: %w", err)
	}
	p := page{pages: a.PageCount.count(), records: a.RecordCount.count()}
	if !a.PageCount.given() && p.records >= 0 {
		p.pages = (p.records + pageSize - 1) / pageSize
	}
	if a.Rows == nil || p.pages < 0 || p.pages > maxPages || len(a.Rows) > pageSize || (p.records < 0 && a.RecordCount.given()) {
		return page{}, teller.Errorf(teller.CodeMalformed, "c2cx: getorderbystatus: %d orders of %.40q on one of %.40q pages",
			len(a.Rows), a.RecordCount.text, a.PageCount.text)
	}
	for _, raw := range a.Rows {
		o, err := decodeOrder(raw)
		if err != nil {
			return page{}, err
		}
		if slices.ContainsFunc(p.orders, func(other order) bool { return other.id == o.id }) {
			return page{}, teller.Errorf(teller.CodeMalformed, "c2cx: getorderbystatus: order %s stands twice on a page", o.id)
		}
		p.orders = append(p.orders, o)
	}
	return p, nil
}
