package teller_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

func newOrder() teller.Order {
	return teller.Order{
		ClientID: teller.OrderClientID("aa:1", 1), DepositID: "aa:1", Attempt: 1, Version: 1, Exchange: "fair", Coin: teller.BTC,
		Requested: teller.NewAmount(200_000), State: teller.OrderPrepared, CreatedAt: noon, UpdatedAt: noon,
	}
}

func TestOrderClientID(t *testing.T) {
	plain := regexp.MustCompile(`^[0-9a-z-]{1,36}$`)
	seen := map[string]string{}
	for _, id := range []string{"aa:1", "aa:2", "aa:1#2", strings.Repeat("f", 64) + ":4294967295"} {
		for _, attempt := range []int{1, 2, 11, 99_999} {
			name := teller.OrderClientID(id, attempt)
			if !plain.MatchString(name) || seen[name] != "" {
				t.Errorf("attempt %d of %s is called %q, as is one of %q", attempt, id, name, seen[name])
			}
			seen[name] = id
		}
	}
	if got := teller.OrderClientID("aa:1", 1); got != "t-sj2t7cadfyw4rwbuzme4ytog-1" { // the exchange knows it under this name for ever
		t.Errorf("the name has changed to %s", got)
	}
}

func TestOrderLife(t *testing.T) {
	o := newOrder()
	wantCode(t, "doubt before a call", o.Doubt(noon), teller.CodeConflict)
	wantCode(t, "begin", o.Begin(later), "")
	if o.State != teller.OrderPlacing || o.Version != 2 || !o.UpdatedAt.Equal(later) || !o.Pending() {
		t.Errorf("begun: %+v", o)
	}
	wantCode(t, "forgo", o.Forgo(later), teller.CodeForbidden)
	wantCode(t, "doubt", o.Doubt(later), "")
	wantCode(t, "forgo", o.Forgo(later), teller.CodeForbidden)
	wantCode(t, "begin again", o.Begin(later), "")
	if o.Doubted {
		t.Error("nobody has looked for it since it was called for again")
	}
	r := teller.OrderReport{OrderID: "7", Status: "active", Bought: 10, Spent: teller.NewAmount(3)}
	bought, spent, err := o.Note(r, later)
	wantCode(t, "note", err, "")
	if o.State != teller.OrderPlaced || bought != 10 || spent.String() != "3" || !reflect.DeepEqual(o.OrderReport, r) {
		t.Errorf("noted: %+v, %s for %s", o, bought, spent)
	}
	wantCode(t, "begin once it is placed", o.Begin(later), teller.CodeConflict)
	wantCode(t, "forgo", o.Forgo(later), teller.CodeForbidden)
	r.Final, r.Filled, r.Status, r.Bought, r.Spent = true, true, "completed", 25, teller.NewAmount(8)
	bought, spent, err = o.Note(r, later)
	wantCode(t, "note the end", err, "")
	if o.State != teller.OrderFinal || bought != 15 || spent.String() != "5" || o.Pending() {
		t.Errorf("ended: %+v, %s for %s", o, bought, spent)
	}
	_, _, err = o.Note(r, later)
	wantCode(t, "note after the end", err, teller.CodeConflict)
	wantCode(t, "begin after the end", o.Begin(later), teller.CodeConflict)
	wantCode(t, "doubt after the end", o.Doubt(later), teller.CodeConflict)
	wantCode(t, "forgo after the end", o.Forgo(later), teller.CodeConflict)

	o = newOrder()
	wantCode(t, "forgo", o.Forgo(later), "")
	if o.State != teller.OrderFinal || !o.Final || o.Filled || o.Status != "not placed" || o.Pending() {
		t.Errorf("forgone: %+v", o)
	}
}

// Whatever an exchange tells in whatever order: a refused step changes nothing, any other grows the version by one, but for
// a report that tells nothing new; sums only grow, and what is final stays as it is.
func TestOrderProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := newOrder()
		var err error
		act := func(f func()) func(*rapid.T) {
			return func(t *rapid.T) {
				before := o
				err = nil
				f()
				checkOrderStep(t, before, o, err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": act(func() { err = o.Begin(later) }),
			"doubt": act(func() { err = o.Doubt(later) }),
			"forgo": act(func() { err = o.Forgo(later) }),
			"note": act(func() {
				before := o
				r := teller.OrderReport{
					OrderID: rapid.SampledFrom([]string{"", "7", "7", "8"}).Draw(t, "id"), Status: rapid.SampledFrom([]string{"", "active"}).Draw(t, "status"),
					Final: rapid.IntRange(0, 3).Draw(t, "final") == 0, Bought: teller.Droplets(rapid.Uint64Max(3).Draw(t, "bought")),
					Spent: teller.NewAmount(rapid.Uint64Max(3).Draw(t, "spent")),
				}
				var bought teller.Droplets
				var spent teller.Amount
				bought, spent, err = o.Note(r, later)
				if before.Bought+bought != o.Bought || !before.Spent.Add(spent).Equal(o.Spent) {
					t.Fatalf("%s for %s and %s for %s are not %s for %s", before.Bought, before.Spent, bought, spent, o.Bought, o.Spent)
				}
			}),
		})
	})
}

func checkOrderStep(t *rapid.T, before, after teller.Order, err error) {
	same := reflect.DeepEqual(before, after)
	switch {
	case err != nil && !same:
		t.Fatalf("refused with %v, and still changed:\n%+v\n%+v", err, before, after)
	case before.State == teller.OrderFinal && !same:
		t.Fatalf("final, and still changed:\n%+v\n%+v", before, after)
	case !same && after.Version != before.Version+1:
		t.Fatalf("version %d became %d", before.Version, after.Version)
	case after.Final != (after.State == teller.OrderFinal), after.State == teller.OrderPlaced && after.OrderID == "":
		t.Fatalf("%+v", after)
	case after.Doubted && after.State != teller.OrderPlacing && after.State != teller.OrderPlaced:
		t.Fatalf("there is no doubt about %+v", after)
	}
}
