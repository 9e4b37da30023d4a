package c2cxsim

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller"
)

func TestRequestFaults(t *testing.T) {
	s := open(t, Options{})
	asks(t, s, "0.001", "1000000")
	for i, c := range []struct {
		kind FaultKind
		done bool   // what was asked for
		says string // the text of the answer
	}{
		{LoseRequest, false, ""}, {RateLimit, false, "Too Many Requests"}, {XML, false, "<?xml"}, {HTML, false, "<!DOCTYPE"},
		{Error500, false, "<!DOCTYPE"}, {LoseReply, true, ""}, {CutReply, true, `{"code":200`}, {Late, true, "success"}, {Slow, true, "success"},
	} {
		must(t, s.AddFault(Fault{Kind: c.kind, Endpoint: "createorder", DelayMS: 1}))
		wantDone(t, ask(s, "getbalance")) // it is not meant
		cid := fmt.Sprint("o", i)
		a := buy(s, cid, "0.01")
		if _, err := s.Order(cid); (err == nil) != c.done || !strings.Contains(a.Text, c.says) || (a.Error != nil) != (c.says == "" || c.kind == CutReply) {
			t.Errorf("%s: done %v, answered %q (%v)", c.kind, err == nil, a.Text, a.Error)
		}
		if a := buy(s, cid, "0.01"); c.done == (a.Code == 200) {
			t.Errorf("%s: after it %+v", c.kind, a)
		}
	}
	must(t, s.AddFault(Fault{Kind: RateLimit, Times: -1}), s.AddFault(Fault{Kind: XML}))
	for range 5 {
		wantRefused(t, ask(s, "getbalance"), 400, "Too Many Requests")
	}
	s.ForgetFaults()
	wantDone(t, ask(s, "getbalance"))
	must(t, s.AddFault(Fault{Kind: RateLimit, Times: 2}), s.AddFault(Fault{Kind: XML}))
	wantRefused(t, ask(s, "getbalance"), 400, "Too Many Requests")
	wantRefused(t, ask(s, "getbalance"), 400, "Too Many Requests")
	if a := ask(s, "getbalance"); a.Text != xmlAnswer {
		t.Errorf("answered %q", a.Text)
	}
	wantDone(t, ask(s, "getbalance"))
	for _, f := range []Fault{{}, {Kind: "flood"}, {Kind: XML, Times: -2}, {Kind: Late, DelayMS: -1}, {Kind: EndError, Part: 101}, {Kind: HoldPending, Shown: -1}} {
		if err := s.AddFault(f); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%+v: %v", f, err)
		}
	}
	wantChecked(t, s)
}

// TestLateRequests: they are done also when who asked has gone, and not before their time; Close does not wait.
func TestLateRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		asks(t, s, "0.001", "1000")
		must(t, s.AddFault(Fault{Kind: Late, DelayMS: 60_000, Times: 2}))
		answers := make(chan answered)
		go func() { answers <- buy(s, "late", "0.01") }()
		time.Sleep(59 * time.Second)
		if n := len(s.Orders()); n != 0 {
			t.Errorf("%d orders before their time", n)
		}
		wantDone(t, <-answers)
		wantOrder(t, s, "late", "completed 10 0.01 0.02")
		go func() { answers <- buy(s, "too late", "0.01") }()
		time.Sleep(time.Second)
		must(t, s.Close())
		wantRefused(t, <-answers, 500, "")
		if n := len(s.Orders()); n != 1 {
			t.Errorf("%d orders", n)
		}
	})
}

// TestFates: orders that the exchange ends, or keeps waiting.
func TestFates(t *testing.T) {
	for _, c := range []struct {
		fate Fault
		want []string // when it is shown for the first time, and after that
	}{
		{Fault{Kind: EndCancelled}, []string{"cancelled 0 0 0", "cancelled 0 0 0"}},
		{Fault{Kind: EndError, Part: 25}, []string{"error 2.5 0.0025 0.005", "error 2.5 0.0025 0.005"}},
		{Fault{Kind: EndExpired, Part: 70}, []string{"expired 7 0.007 0.014", "expired 7 0.007 0.014"}},
		{Fault{Kind: EndExpired, Part: 100}, []string{"completed 10 0.01 0.02", "completed 10 0.01 0.02"}}, // nothing is left to expire
		{Fault{Kind: HoldPending, Shown: 2}, []string{"pending 0 0 0", "pending 0 0 0", "completed 10 0.01 0.02"}},
		{Fault{Kind: HoldSuspend, Part: 10}, []string{"suspended 1 0.001 0.002", "completed 10 0.01 0.02"}},
		{Fault{Kind: HoldPartial, Part: 10}, []string{"partial 1 0.001 0.002", "completed 10 0.01 0.02"}},
		{Fault{Kind: HoldPartial, Part: 0}, []string{"active 0 0 0", "completed 10 0.01 0.02"}},
	} {
		t.Run(fmt.Sprint(c.fate), func(t *testing.T) {
			s := open(t, Options{})
			asks(t, s, "0.001", "1000")
			must(t, s.AddFault(c.fate))
			wantDone(t, buy(s, "o", "0.01"))
			for _, want := range c.want {
				wantOrder(t, s, "o", want)
				must(t, s.AddAsks(Ask{MustDecimal("0.001"), MustDecimal("1")})) // news for who waits for some
				wantOrder(t, s, "o", want)
				wantDone(t, ask(s, "getorderinfo", "symbol", "BTC_SKY", "orderId", fmt.Sprint(firstOrderID)))
			}
		})
	}
}

// TestCancelling: a cancelled order may be filled before it is cancelled.
func TestCancelling(t *testing.T) {
	s := open(t, Options{})
	show := func() { listed(t, s, "status", "0") }
	cancel := func(i int) answered { return ask(s, "cancelorder", "orderId", fmt.Sprint(firstOrderID+i)) }
	must(t, s.AddFault(Fault{Kind: HoldCancel, Shown: 2}))
	wantDone(t, bid(s, "a", "0.001", "10"))
	wantDone(t, cancel(0))
	wantOrder(t, s, "a", "cancelling 0 0 0")
	asks(t, s, "0.001", "4")
	wantOrder(t, s, "a", "cancelling 4 0.004 0.008")
	wantDone(t, cancel(0))
	show()
	wantOrder(t, s, "a", "cancelling 4 0.004 0.008")
	show()
	wantOrder(t, s, "a", "cancelled 4 0.004 0.008")
	wantRefused(t, cancel(0), 400, "you can't cancel")
	wantDone(t, bid(s, "b", "0.001", "10"))
	must(t, s.AddFault(Fault{Kind: HoldCancel, Shown: 5}))
	wantDone(t, cancel(1))
	asks(t, s, "0.001", "40")
	wantOrder(t, s, "b", "completed 10 0.01 0.02")
	show()
	wantOrder(t, s, "b", "completed 10 0.01 0.02")
	wantDone(t, bid(s, "c", "0.0001", "10"))
	wantDone(t, cancel(2))
	wantOrder(t, s, "c", "cancelled 0 0 0")
}

// TestActs: what can be done to an order by hand.
func TestActs(t *testing.T) {
	s := open(t, Options{})
	dec := MustDecimal
	wantDone(t, bid(s, "o", "0.001", "10"))
	must(t, s.Suspend("o"))
	asks(t, s, "0.001", "4")
	wantOrder(t, s, "o", "suspended 0 0 0")
	must(t, s.Resume("o"))
	wantOrder(t, s, "o", "partial 4 0.004 0.008")
	must(t, s.Suspend("o"), s.Resume("o"))
	wantOrder(t, s, "o", "partial 4 0.004 0.008")
	must(t, s.Fill("o", dec("0.0005"), dec("5")))
	wantOrder(t, s, "o", "partial 9 0.0065 0.018")
	for price, quantity := range map[string]string{"0.001": "1.000001", "0.0011": "1", "0": "1", "0.0009": "0", "0.0008": "0.0000001"} {
		if err := s.Fill("o", dec(price), dec(quantity)); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("sold %s at %s: %v", quantity, price, err)
		}
	}
	must(t, s.Fill(fmt.Sprint(firstOrderID), dec("0.001"), dec("1")))
	wantOrder(t, s, "o", "completed 10 0.0075 0.02")
	for what, err := range map[string]error{
		"end": s.End("o", "error"), "suspend": s.Suspend("o"), "resume": s.Resume("o"), "fill": s.Fill("o", dec("0.001"), dec("1")),
	} {
		if teller.CodeOf(err) != teller.CodeConflict {
			t.Errorf("%s a completed order: %v", what, err)
		}
	}
	if err := s.End("nothing", "error"); teller.CodeOf(err) != teller.CodeNotFound {
		t.Error(err)
	}
	wantDone(t, bid(s, "poor", "1", "100"))
	if err := s.Resume("poor"); teller.CodeOf(err) != teller.CodeConflict {
		t.Error(err)
	}
	if err := s.End("poor", "completed"); teller.CodeOf(err) != teller.CodeInvalid {
		t.Error(err)
	}
	wantDone(t, buy(s, "market", "0.01"))
	must(t, s.Fill("market", dec("0.003"), dec("3.333333")))
	wantOrder(t, s, "market", "completed 3.333333 0.009999999 0.006666666")
}

// story is what a customer sees and gets who asks for the same things on a given day.
func story(t *testing.T, seed uint64, percent int) string {
	now := time.Unix(1_500_000_000, 0)
	s := open(t, Options{Seed: seed, FaultPercent: percent, Now: func() time.Time { now = now.Add(time.Second); return now }})
	asks(t, s, "0.001", "100000")
	var b strings.Builder
	for i := range 60 {
		for _, a := range []answered{
			buy(s, fmt.Sprint("m", i), "0.01"), bid(s, fmt.Sprint("l", i), "0.0001", "7"), ask(s, "getbalance"),
			ask(s, "getorderbystatus", "symbol", "BTC_SKY", "status", "0", "pagesize", "5"),
			ask(s, "cancelorder", "orderId", fmt.Sprint(firstOrderID+i)),
		} {
			fmt.Fprintln(&b, a.Code, a.Error != nil, a.Text)
		}
	}
	wantChecked(t, s)
	return b.String() + snapshot(t, s)
}

// TestFaultsBySeed: the same seed tells the same story, and another seed another.
func TestFaultsBySeed(t *testing.T) {
	first := story(t, 1, 30)
	if first != story(t, 1, 30) {
		t.Error("the same seed tells two stories")
	}
	if first == story(t, 2, 30) {
		t.Error("two seeds tell the same story")
	}
	if story(t, 1, 0) != story(t, 2, 0) {
		t.Error("without faults a seed matters")
	}
	for _, word := range []string{xmlAnswer[:5], htmlAnswer[:9], "Too Many Requests", "0 true", `"status": 6`, `"status": 7`, `"status": 11`, "500 false"} {
		if !strings.Contains(first, word) {
			t.Errorf("the story knows no %q", word)
		}
	}
}

// TestFaultsEnd: once faults stop, orders come to their ends.
func TestFaultsEnd(t *testing.T) {
	s := open(t, Options{Seed: 3, FaultPercent: 60})
	asks(t, s, "0.001", "100000")
	for i := range 100 {
		buy(s, fmt.Sprint("m", i), "0.01")
	}
	if err := s.SetFaultPercent(101); teller.CodeOf(err) != teller.CodeInvalid {
		t.Error(err)
	}
	must(t, s.SetFaultPercent(0))
	waiting := func() (n int) {
		for _, o := range s.Orders() {
			if !o.Status.Final() {
				n++
			}
		}
		return n
	}
	before := waiting()
	for range 3 {
		listed(t, s, "status", "0")
	}
	if after := waiting(); before == 0 || after != 0 {
		t.Errorf("%d orders waited, %d still do", before, after)
	}
	wantChecked(t, s)
}
