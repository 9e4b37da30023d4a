package c2cx

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/skycoin/teller"
)

// listed is an order of a script.
type listed struct {
	id, status int
	cid        string
}

func (l listed) json() string {
	cid := "null"
	if l.cid != "" {
		cid = strconv.Quote(l.cid)
	}
	return fmt.Sprintf(`{"orderId":%d,"cid":%s,"status":%d,"type":"buy","amount":"0.01","price":0,"avgPrice":0.001,"completedAmount":"9","fee":0}`, l.id, cid, l.status)
}

// script is an exchange that shows a list of orders, the first first, and may change it before every page.
type script struct {
	mu      sync.Mutex
	orders  []listed
	before  func(s *script, page int) // called before a page is made
	uncount bool                      // tells no number of orders
	extra   int                       // added to that number
	refuse  map[string]string         // messages by endpoint
	hide    map[int]bool              // ids that getorderinfo does not know
	pages   []int                     // that were asked for
	forms   []url.Values
}

// RoundTrip implements http.RoundTripper.
func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	endpoint := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	form := r.PostForm
	s.forms = append(s.forms, form)
	body := s.answer(endpoint, form)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (s *script) answer(endpoint string, form url.Values) string {
	if endpoint == "getorderbystatus" {
		n, _ := strconv.Atoi(form.Get("pageindex"))
		s.pages = append(s.pages, n)
		if s.before != nil {
			s.before(s, n)
		}
	}
	if message := s.refuse[endpoint]; message != "" {
		return fmt.Sprintf(`{"code":400,"message":%q,"data":{}}`, message)
	}
	data := "{}"
	switch endpoint {
	case "getbalance":
		data = `{"balance":{"btc":1},"frozen":{"btc":0}}`
	case "createorder":
		data = `{"orderId":"77"}`
	case "getorderbystatus":
		data = s.page(form)
	case "getorderinfo":
		i := slices.IndexFunc(s.orders, func(l listed) bool { return strconv.Itoa(l.id) == form.Get("orderId") && !s.hide[l.id] })
		if i < 0 {
			return `{"code":400,"message":"orderId is wrong","data":{}}`
		}
		data = s.orders[i].json()
	}
	return `{"code":200,"message":"success","data":` + data + `}`
}

func (s *script) page(form url.Values) string {
	n, _ := strconv.Atoi(form.Get("pageindex"))
	size, _ := strconv.Atoi(form.Get("pagesize"))
	from := min((n-1)*size, len(s.orders))
	var rows []string
	for _, l := range s.orders[from:min(from+size, len(s.orders))] {
		rows = append(rows, l.json())
	}
	count := strconv.Itoa(len(s.orders) + s.extra)
	if s.uncount {
		count = "null"
	}
	return fmt.Sprintf(`{"rows":[%s],"pagecount":%d,"recordcount":%s}`, strings.Join(rows, ","), (len(s.orders)+size-1)/size, count)
}

// many makes orders, the newest first: order i has the id i and the cid c-i.
func many(n int) []listed {
	var all []listed
	for i := n; i > 0; i-- {
		all = append(all, listed{i, 4, fmt.Sprintf("c-%d", i)})
	}
	return all
}

func (s *script) open(t *testing.T) *Exchange {
	t.Helper()
	x, err := New(Config{URL: "http://exchange.test", Key: testKey, Secret: testSecret, Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func wantFind(t *testing.T, x *Exchange, cid string, code teller.Code) {
	t.Helper()
	r, err := x.Find(t.Context(), teller.BTC, cid)
	if teller.CodeOf(err) != code || (err == nil && "c-"+r.OrderID != cid) {
		t.Errorf("find %s: %+v, %q (%v), want %q", cid, r, teller.CodeOf(err), err, code)
	}
}

func wantPages(t *testing.T, s *script, want ...int) {
	t.Helper()
	if fmt.Sprint(s.pages) != fmt.Sprint(want) {
		t.Errorf("pages %v were read, want %v", s.pages, want)
	}
	s.pages = nil
}

// TestListingIsReadOnce: what has been read is not read again.
func TestListingIsReadOnce(t *testing.T) {
	s := &script{orders: many(450)}
	x := s.open(t)
	wantFind(t, x, "c-1", "")
	wantPages(t, s, 1, 2, 3, 4, 5)
	wantFind(t, x, "c-450", "")
	wantPages(t, s)
	wantFind(t, x, "c-451", teller.CodeNotFound)
	wantPages(t, s, 1)
	s.orders = many(550)
	wantFind(t, x, "c-451", "")
	wantPages(t, s, 1)
	s.orders = many(651)
	wantFind(t, x, "c-551", "")
	wantPages(t, s, 1, 2)
}

// TestNewOrdersWhileListing: orders that come while the list is read push others to later pages.
func TestNewOrdersWhileListing(t *testing.T) {
	for _, uncount := range []bool{false, true} {
		left := 7
		s := &script{orders: many(350), uncount: uncount, before: func(s *script, _ int) {
			if left--; left > 0 {
				s.orders = many(len(s.orders) + 30)
			}
		}}
		x := s.open(t)
		wantFind(t, x, "c-1", "")
		wantFind(t, x, "c-none", teller.CodeNotFound)
		wantFind(t, x, fmt.Sprintf("c-%d", len(s.orders)), "")
	}
}

// TestOrdersMoveWhileListing: an order that moves from a page that is still to be read to one that has been is not missed.
func TestOrdersMoveWhileListing(t *testing.T) {
	for _, uncount := range []bool{false, true} {
		moved := false
		s := &script{orders: many(250), uncount: uncount, before: func(s *script, page int) {
			if page == 2 && !moved {
				moved = true
				last := s.orders[len(s.orders)-1]
				s.orders = append([]listed{last}, s.orders[:len(s.orders)-1]...)
			}
		}}
		wantFind(t, s.open(t), "c-1", "")
		if !moved {
			t.Error("nothing moved")
		}
	}
}

// TestOrdersAlwaysMove: a list that never keeps still tells nothing.
func TestOrdersAlwaysMove(t *testing.T) {
	for _, uncount := range []bool{false, true} {
		s := &script{orders: many(250), uncount: uncount, before: func(s *script, _ int) {
			last := s.orders[len(s.orders)-1]
			s.orders = append([]listed{last}, s.orders[:len(s.orders)-1]...)
		}}
		x := s.open(t)
		if uncount {
			wantFind(t, x, "c-none", teller.CodeUnavailable)
		} else { // in the end every one was seen
			wantFind(t, x, "c-none", teller.CodeNotFound)
		}
	}
}

// TestListingIsNotWhole: when there are more orders than are shown, nothing is called not there.
func TestListingIsNotWhole(t *testing.T) {
	s := &script{orders: many(120), extra: 1}
	x := s.open(t)
	wantFind(t, x, "c-none", teller.CodeUnavailable)
	wantFind(t, x, "c-1", teller.CodeUnavailable) // forgotten, for the numbers do not agree
	s.extra = 0
	wantFind(t, x, "c-none", teller.CodeNotFound)
	wantFind(t, x, "c-1", "")
}

// TestOrdersVanish: a list that becomes shorter is doubted once.
func TestOrdersVanish(t *testing.T) {
	s := &script{orders: many(120)}
	x := s.open(t)
	wantFind(t, x, "c-none", teller.CodeNotFound)
	s.orders = s.orders[:50]
	wantFind(t, x, "c-none", teller.CodeUnavailable)
	wantFind(t, x, "c-none", teller.CodeNotFound)
	s.orders = nil
	wantFind(t, x, "c-none", teller.CodeUnavailable)
	wantFind(t, x, "c-none", teller.CodeNotFound)
}

// TestListingGoesOn: a long list is read over several calls when the exchange wants it slower.
func TestListingGoesOn(t *testing.T) {
	for _, uncount := range []bool{false, true} {
		calls := 0
		s := &script{orders: many(650), refuse: make(map[string]string), uncount: uncount, before: func(s *script, _ int) {
			if calls++; calls%4 == 0 && calls < 10 {
				s.refuse["getorderbystatus"] = "Too Many Requests"
			} else {
				delete(s.refuse, "getorderbystatus")
			}
		}}
		x := s.open(t)
		wantFind(t, x, "c-none", teller.CodeRateLimited)
		wantPages(t, s, 1, 2, 3, 4)
		wantFind(t, x, "c-none", teller.CodeRateLimited)
		if uncount { // then only what is read at one go counts
			wantPages(t, s, 1, 2, 3, 4)
			continue
		}
		wantPages(t, s, 1, 4, 5, 6)
		wantFind(t, x, "c-none", teller.CodeNotFound)
		wantPages(t, s, 1, 6, 7)
	}
}

// TestSameClientIDTwice: the exchange has promised that there is no such thing; nobody else is troubled by it.
func TestSameClientIDTwice(t *testing.T) {
	s := &script{orders: append(many(3), listed{9, 2, "c-1"}, listed{10, 2, "c-1"})}
	x := s.open(t)
	for range 2 {
		wantFind(t, x, "c-1", teller.CodeMalformed)
		wantFind(t, x, "c-2", "")
		wantFind(t, x, "c-none", teller.CodeNotFound)
		if open, err := x.Open(t.Context(), teller.BTC); err != nil || len(open) != 2 {
			t.Errorf("open are %v (%v)", open, err)
		}
	}
}

// TestListedAndUnknown: an order that is listed is there, whatever else is said of it.
func TestListedAndUnknown(t *testing.T) {
	s := &script{orders: many(3), hide: map[int]bool{2: true}}
	x := s.open(t)
	wantFind(t, x, "c-2", teller.CodeUnavailable)
	wantFind(t, x, "c-1", "")
	s.orders[2].cid = "c-other"
	wantFind(t, x, "c-1", teller.CodeMalformed)
}

// TestTakenIDIsLookedFor: when the exchange knows a client id that the listing does not, the listing is read anew.
func TestTakenIDIsLookedFor(t *testing.T) {
	s := &script{orders: many(120)}
	x := s.open(t)
	wantFind(t, x, "c-none", teller.CodeNotFound)
	s.orders[119].cid = "c-none" // behind our back, with no more orders than before
	wantFind(t, x, "c-none", teller.CodeNotFound)
	s.refuse = map[string]string{"createorder": "cid already exists, please change"}
	_, err := x.Place(t.Context(), teller.OrderRequest{ClientID: "c-none", Coin: teller.BTC, Spend: teller.NewAmount(1_000_000)})
	if teller.CodeOf(err) != teller.CodeAlreadyPlaced {
		t.Fatal(err)
	}
	if r, err := x.Find(t.Context(), teller.BTC, "c-none"); err != nil || r.OrderID != "1" {
		t.Errorf("found %+v (%v)", r, err)
	}
}

// TestOpenFollowsOldOrders: an order that is not final is followed, also when it stands on no page that is read.
func TestOpenFollowsOldOrders(t *testing.T) {
	s := &script{orders: many(150)}
	s.orders[149].status, s.orders[148].status, s.orders[0].status = 2, 7, 99
	s.orders[148].cid = ""
	x := s.open(t)
	wantOpen(t, x, "#2", "c-1", "c-150")
	wantPages(t, s, 1, 2)
	wantOpen(t, x, "#2", "c-1", "c-150")
	s.orders[149].status = 5
	wantOpen(t, x, "#2", "c-150")
	s.orders[148].status, s.orders[0].status = 4, 11
	wantOpen(t, x)
	s.hide = map[int]bool{1: true, 2: true} // they are not asked for any more
	wantOpen(t, x)
}

func wantOpen(t *testing.T, x *Exchange, want ...string) {
	t.Helper()
	open, err := x.Open(t.Context(), teller.BTC)
	if ids := slices.Sorted(maps.Keys(open)); err != nil || !slices.Equal(ids, want) {
		t.Errorf("open are %q (%v), want %q", ids, err, want)
	}
}
