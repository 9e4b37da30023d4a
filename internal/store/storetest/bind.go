package storetest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/skycoin/teller"
)

var bindTests = map[string]func(*ledger){
	"Records":       testBindRecords,
	"OnceForEver":   testBindOnce,
	"Limit":         testBindLimit,
	"Height":        testBindHeight,
	"BoundAfter":    testBoundAfter,
	"Invalid":       testBindInvalid,
	"AllAddresses":  testBoundAddresses,
	"OneWinnerOnly": testBindRace,
	"ManyAtOnce":    testBindMany,
}

func testBindRecords(l *ledger) {
	first := l.bind(teller.BTC, "b1", "alice")
	l.bind(teller.ETH, "e1", "alice")
	second, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: "b2", SkyAddress: "alice", BuyMethod: teller.BuyPassthrough}, 5)
	l.must(err)
	l.bind(teller.BTC, "b3", "bob")
	if first.CreatedAt.IsZero() || first.SkyAddress != "alice" || first.BuyMethod != teller.BuyDirect {
		l.Fatalf("binding is %+v", first)
	}
	l.reopen()
	got, err := l.store.Binding(l.ctx, teller.BTC, "b2")
	l.must(err)
	l.same("binding", got, second)
	list, err := l.store.BindingsOf(l.ctx, "alice")
	l.must(err)
	var order []string
	for _, b := range list {
		order = append(order, string(b.Coin)+" "+b.Address)
	}
	l.same("alice's bindings", order, []string{"BTC b1", "ETH e1", "BTC b2"})
	none, err := l.store.BindingsOf(l.ctx, "nobody")
	l.must(err)
	l.same("nobody's bindings", len(none), 0)
	_, err = l.store.Binding(l.ctx, teller.ETH, "b1")
	l.refused(err, teller.CodeNotFound)
}

// I9: an address is bound once, for ever.
func testBindOnce(l *ledger) {
	l.bind(teller.BTC, "b1", "alice")
	for _, sky := range []string{"alice", "bob"} {
		_, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: "b1", SkyAddress: sky, BuyMethod: teller.BuyDirect}, 0)
		l.refused(err, teller.CodeAlreadyBound)
	}
	l.reopen()
	_, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: "b1", SkyAddress: "bob", BuyMethod: teller.BuyDirect}, 0)
	l.refused(err, teller.CodeAlreadyBound)
	l.bind(teller.ETH, "b1", "bob") // another coin's address, whatever it is called
	for _, c := range []struct {
		coin    teller.Coin
		address string
		want    bool
	}{{teller.BTC, "b1", true}, {teller.ETH, "b1", true}, {teller.SKY, "b1", false}, {teller.BTC, "b2", false}} {
		used, err := l.store.IsUsed(l.ctx, c.coin, c.address)
		l.must(err)
		l.same("used "+c.address, used, c.want)
		listed := false
		l.must(l.store.UsedAddresses(l.ctx, c.coin, func(a string) error {
			listed = listed || a == c.address
			return nil
		}))
		l.same("listed as used "+c.address, listed, c.want)
	}
}

func testBindLimit(l *ledger) {
	bind := func(coin teller.Coin, address string, limit int) error {
		_, err := l.store.Bind(l.ctx, teller.Binding{Coin: coin, Address: address, SkyAddress: "alice", BuyMethod: teller.BuyDirect}, limit)
		return err
	}
	l.must(bind(teller.BTC, "b1", 2))
	l.must(bind(teller.ETH, "e1", 2))
	l.refused(bind(teller.BTC, "b2", 2), teller.CodeLimit)
	used, err := l.store.IsUsed(l.ctx, teller.BTC, "b2")
	l.must(err)
	l.same("a refused address is used", used, false)
	l.must(bind(teller.BTC, "b2", 0))
	l.refused(bind(teller.BTC, "b3", 3), teller.CodeLimit)
	l.must(bind(teller.BTC, "b3", 4))
}

func testBoundAfter(l *ledger) {
	for _, a := range []string{"b3", "b1", "b2"} {
		l.bind(teller.BTC, a, "alice")
	}
	l.bind(teller.ETH, "b11", "alice")
	for _, c := range []struct {
		after string
		limit int
		want  []string
	}{{"", 2, []string{"b1", "b2"}}, {"b2", 2, []string{"b3"}}, {"b3", 2, nil}, {"b11", 5, []string{"b2", "b3"}}} {
		got, err := l.store.BoundAfter(l.ctx, teller.BTC, c.after, c.limit)
		l.must(err)
		l.same("bound after "+c.after, got, c.want)
	}
}

func testBindHeight(l *ledger) {
	l.same("height without a chain", l.bind(teller.BTC, "b1", "alice").Height, teller.UnknownHeight)
	l.block(teller.BTC)
	l.same("height of the cursor", l.bind(teller.BTC, "b2", "alice").Height, 100)
	b := l.next(teller.BTC)
	_, err := l.store.SaveBlock(l.ctx, teller.BTC, b, teller.ScanTerms{Confirmations: 1, Rate: rate, Tip: 250})
	l.must(err)
	l.same("height of the tip", l.bind(teller.BTC, "b3", "alice").Height, 250)
	l.same("height of another chain", l.bind(teller.ETH, "e1", "alice").Height, teller.UnknownHeight)
}

func testBindInvalid(l *ledger) {
	for _, b := range []teller.Binding{
		{Coin: "DOGE", Address: "d1", SkyAddress: "alice"},
		{Coin: teller.BTC, SkyAddress: "alice"},
		{Coin: teller.BTC, Address: "b1"},
		{Coin: teller.BTC, Address: "b\x001", SkyAddress: "alice"},
	} {
		_, err := l.store.Bind(l.ctx, b, 0)
		l.refused(err, teller.CodeInvalid)
	}
}

func testBoundAddresses(l *ledger) {
	want := []string{}
	for range 25 {
		a := l.name("b")
		want = append(want, a)
		l.bind(teller.BTC, a, "alice")
	}
	l.bind(teller.SKY, "s1", "alice")
	var got []string
	l.must(l.store.BoundAddresses(l.ctx, teller.BTC, func(a string) error { got = append(got, a); return nil }))
	slices.Sort(got)
	l.same("addresses", got, want)
	stop := errors.New("enough")
	calls := 0
	err := l.store.BoundAddresses(l.ctx, teller.BTC, func(string) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		l.Fatalf("after an error it went on: %d calls, %v", calls, err)
	}
}

// Many callers fight for one address: one gets it, the others are refused, and nothing else is harmed.
func testBindRace(l *ledger) {
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			sky := []string{"alice", "bob", "carol"}[i%3]
			_, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: "b1", SkyAddress: sky, BuyMethod: teller.BuyDirect}, 0)
			switch {
			case err == nil:
				won.Add(1)
			case teller.CodeOf(err) != teller.CodeAlreadyBound:
				l.Errorf("unexpected error: %v", err)
			}
		})
	}
	wg.Wait()
	l.same("winners", won.Load(), 1)
}

// Concurrent callers share transactions; the refused among them fail alone.
func testBindMany(l *ledger) {
	const callers, each = 16, 10
	var refused atomic.Int32
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			sky := "sky" + string(rune('a'+i))
			for n := range each + 2 {
				address := sky + "-" + string(rune('0'+n/10)) + string(rune('0'+n%10))
				_, err := l.store.Bind(l.ctx, teller.Binding{Coin: teller.BTC, Address: address, SkyAddress: sky, BuyMethod: teller.BuyDirect}, each)
				switch {
				case teller.CodeOf(err) == teller.CodeLimit:
					refused.Add(1)
				case err != nil:
					l.Errorf("bind: %v", err)
				}
				if _, err := l.store.Totals(l.ctx); err != nil {
					l.Errorf("totals: %v", err)
				}
			}
		})
	}
	wg.Wait()
	l.same("refused over the limit", refused.Load(), callers*2)
	l.reopen()
	l.same("bound", l.totals().Bound[teller.BTC], callers*each)
}
