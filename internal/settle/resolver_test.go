package settle

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// actLedger has one deposit, and notes what is done about it.
type actLedger struct {
	teller.Deposit
	acts   []string
	change int // how often the row changes after it was read
	order  teller.Order
	told   int // attempts that the journal knows
}

func (l *actLedger) row(_ context.Context, id string) (teller.Deposit, error) {
	if id != l.ID {
		return teller.Deposit{}, teller.Errorf(teller.CodeNotFound, "no deposit %s", id)
	}
	d := l.Deposit
	if l.change > 0 {
		l.change--
		l.Version++
		l.Bought, l.Spent = l.Bought+1_000_000, l.Spent.Add(teller.NewAmount(100_000))
	}
	return d, nil
}

// actStore is an actLedger as a ResolverStore: its Deposit is the method, not the row.
type actStore struct{ l *actLedger }

func (s actStore) Deposit(ctx context.Context, id string) (teller.Deposit, error) {
	return s.l.row(ctx, id)
}

func (s actStore) did(act teller.Act, format string, args ...any) (teller.Deposit, error) {
	if act.Version != s.l.Version {
		return teller.Deposit{}, teller.Errorf(teller.CodeConflict, "deposit %s changed meanwhile", s.l.ID)
	}
	s.l.acts = append(s.l.acts, fmt.Sprintf(format, args...)+fmt.Sprintf(" by %s on %d", act.Actor, act.Version))
	return s.l.Deposit, nil
}

func (s actStore) Release(_ context.Context, _ string, act teller.Act) (teller.Deposit, error) {
	return s.did(act, "release")
}

func (s actStore) PayInstead(_ context.Context, _ string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	return s.did(act, "pay %s", owed)
}

func (s actStore) Refund(_ context.Context, _, txid string, owed teller.Droplets, act teller.Act) (teller.Deposit, error) {
	return s.did(act, "refund %s, send %s", txid, owed)
}

func (s actStore) Order(context.Context, string) (teller.Order, error) { return s.l.order, nil }

func (s actStore) Attempted(context.Context, string) (int, error) {
	return max(s.l.told, s.l.Attempts), nil
}

func (s actStore) DoubtOrder(_ context.Context, _ string, version uint64, _ string) (teller.Order, error) {
	if version != s.l.order.Version {
		return teller.Order{}, teller.Errorf(teller.CodeConflict, "the order changed meanwhile")
	}
	s.l.order.Doubted = true
	s.l.Version++
	s.l.acts = append(s.l.acts, "doubt")
	return s.l.order, nil
}

func (s actStore) EndOrder(_ context.Context, clientID string, act teller.Act) (teller.Order, error) {
	s.l.acts = append(s.l.acts, fmt.Sprintf("end %s by %s on %d", clientID, act.Actor, act.Version))
	return s.l.order, nil
}

// resolve asks for one decision about a deposit and returns what the ledger was asked to do.
func resolve(d teller.Deposit, decide func(*Resolver, string, teller.Act) (teller.Deposit, error)) (string, error) {
	l := &actLedger{Deposit: d}
	r := &Resolver{Store: actStore{l}, MaxDecimals: 3, Rates: map[teller.Coin]teller.Rate{teller.BTC: teller.MustRate("400")}}
	_, err := decide(r, "t:0", teller.Act{Actor: "olga", Reason: "why", Version: d.Version})
	return strings.Join(l.acts, "; "), err
}

func retry(r *Resolver, id string, act teller.Act) (teller.Deposit, error) {
	return r.Retry(context.Background(), id, act)
}

func payInstead(r *Resolver, id string, act teller.Act) (teller.Deposit, error) {
	return r.PayInstead(context.Background(), id, act)
}

func refund(r *Resolver, id string, act teller.Act) (teller.Deposit, error) {
	return r.Refund(context.Background(), id, "back", act)
}

// resolved is a deposit of 0.01 BTC of which a part was spent.
func resolved(bought teller.Droplets, spent uint64) teller.Deposit {
	return teller.Deposit{
		ID: "t:0", Version: 7, Coin: teller.BTC, BuyMethod: teller.BuyPassthrough, Status: teller.StatusWaitingPassthrough,
		Value: teller.NewAmount(1_000_000), Rate: teller.MustRate("500"), Bought: bought, Spent: teller.NewAmount(spent),
	}
}

func TestResolverAmounts(t *testing.T) {
	unrated := resolved(0, 0)
	unrated.Rate = teller.Rate{}
	unratedETH := unrated
	unratedETH.Coin = teller.ETH
	for name, c := range map[string]struct {
		d               teller.Deposit
		instead, refund string // what the ledger is asked to do, or a word of the refusal
	}{
		"nothing bought":                {resolved(0, 0), "pay 5.000000", "refund back, send 0.000000"},
		"half":                          {resolved(2_600_000, 500_000), "pay 5.100000", "refund back, send 2.600000"},
		"all spent":                     {resolved(4_999_999, 1_000_000), "pay 4.999000", "refund back, send 4.999000"},
		"more spent than there was":     {resolved(5_100_000, 1_000_001), "pay 5.100000", "refund back, send 5.100000"},
		"the sum is cut, not its parts": {resolved(1_000_600, 799_880), "pay 2.001000", "refund back, send 1.000000"},
		"too little to be sent":         {resolved(994, 999_999), "pay 0.000000", "refund back, send 0.000000"},
		"imported without a rate":       {unrated, "pay 4.000000", "refund back, send 0.000000"},
		"no rate at all":                {unratedETH, "no rate", "refund back, send 0.000000"},
	} {
		for want, decide := range map[string]func(*Resolver, string, teller.Act) (teller.Deposit, error){c.instead: payInstead, c.refund: refund} {
			did, err := resolve(c.d, decide)
			if err != nil {
				did = err.Error()
			} else {
				want += " by olga on 7"
			}
			if err == nil && did != want || !strings.Contains(did, want) {
				t.Errorf("%s: %q, want %q", name, did, want)
			}
		}
	}
}

func TestResolverRetriesPurchasesOnly(t *testing.T) {
	held := func(change func(*teller.Deposit), reasons ...teller.HoldReason) teller.Deposit {
		d := resolved(0, 0)
		for _, reason := range reasons {
			if err := d.PutHold(reason, "why", now); err != nil {
				t.Fatal(err)
			}
		}
		if change != nil {
			change(&d)
		}
		d.Version = 7
		return d
	}
	undecided := func(d *teller.Deposit) { d.Status = teller.StatusWaitingDecide }
	direct := func(d *teller.Deposit) { undecided(d); d.BuyMethod = teller.BuyDirect }
	for name, c := range map[string]struct {
		d    teller.Deposit
		want string
	}{
		"failed":                     {held(nil, teller.HoldOrderFailed), "release by olga on 7"},
		"unknown":                    {held(nil, teller.HoldOrderUnknown, teller.HoldWithdrawal), "release by olga on 7"},
		"too small":                  {held(undecided, teller.HoldBelowMinimum), "release by olga on 7"},
		"no exchange":                {held(undecided, teller.HoldUnpayable), "release by olga on 7"},
		"no exchange any more":       {held(nil, teller.HoldUnpayable), "release by olga on 7"},
		"unpayable from the wallet":  {held(direct, teller.HoldUnpayable), "another reason: unpayable"},
		"not held":                   {held(nil), "not held"},
		"another reason comes first": {held(nil, teller.HoldWithdrawal, teller.HoldOrderFailed), "another reason: withdrawal"},
	} {
		did, err := resolve(c.d, retry)
		if err != nil {
			did = err.Error()
			if teller.CodeOf(err) != teller.CodeForbidden {
				t.Errorf("%s: %v has code %s", name, err, teller.CodeOf(err))
			}
		}
		if !strings.Contains(did, c.want) {
			t.Errorf("%s: %q, want %q", name, did, c.want)
		}
	}
}

func TestResolverKnowsNoOther(t *testing.T) {
	other := resolved(0, 0)
	other.ID = "t:1"
	for _, decide := range []func(*Resolver, string, teller.Act) (teller.Deposit, error){retry, payInstead, refund} {
		if did, err := resolve(other, decide); teller.CodeOf(err) != teller.CodeNotFound || did != "" {
			t.Errorf("%q %v", did, err)
		}
	}
}

// A decision about a row that was read is none about another one.
func TestResolverDecidesOnWhatWasSeen(t *testing.T) {
	d := resolved(0, 0)
	if err := d.PutHold(teller.HoldOrderFailed, "why", now); err != nil {
		t.Fatal(err)
	}
	for name, decide := range map[string]func(*Resolver, string, teller.Act) (teller.Deposit, error){"release": retry, "pay": payInstead, "refund": refund} {
		l := &actLedger{Deposit: d}
		r := &Resolver{Store: actStore{l}, MaxDecimals: 3}
		act := teller.Act{Actor: "olga", Reason: "why", Version: d.Version - 1}
		if _, err := decide(r, d.ID, act); teller.CodeOf(err) != teller.CodeConflict || len(l.acts) != 0 {
			t.Errorf("%s: %q %v", name, l.acts, err)
		}
		act.Version = d.Version
		if _, err := decide(r, d.ID, act); err != nil || len(l.acts) != 1 || !strings.HasPrefix(l.acts[0], name) {
			t.Errorf("%s: %q %v", name, l.acts, err)
		}
	}
}

// What is paid is what the row says when it is written.
func TestResolverComputesAnew(t *testing.T) {
	for _, tt := range []struct {
		changes int
		want    string
		code    teller.Code
	}{{1, "pay 5.500000 by olga on 8", ""}, {4, "pay 7.000000 by olga on 11", ""}, {5, "", teller.CodeConflict}} {
		l := &actLedger{Deposit: resolved(0, 0), change: tt.changes}
		r := &Resolver{Store: actStore{l}, MaxDecimals: 3}
		_, err := r.PayInstead(context.Background(), "t:0", teller.Act{Actor: "olga", Reason: "why"})
		if got := strings.Join(l.acts, "; "); got != tt.want || teller.CodeOf(err) != tt.code {
			t.Errorf("%d changes: %q %v", tt.changes, got, err)
		}
	}
}

// Who has another call made for an order that may exist says which doubt he has looked into.
func TestResolverVouchesForWhatWasSeen(t *testing.T) {
	d := resolved(0, 0)
	if err := d.PutHold(teller.HoldOrderUnknown, "why", now); err != nil {
		t.Fatal(err)
	}
	for version, code := range map[uint64]teller.Code{0: teller.CodeInvalid, d.Version - 1: teller.CodeConflict, d.Version: ""} {
		l := &actLedger{Deposit: d}
		r := &Resolver{Store: actStore{l}, MaxDecimals: 3}
		if _, err := r.Retry(context.Background(), d.ID, teller.Act{Actor: "olga", Reason: "why", Version: version}); teller.CodeOf(err) != code {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

// What an order may have spent that only the journal knows of is not given away as unspent.
func TestResolverLooksForForgottenOrders(t *testing.T) {
	id := func(n int) string { return teller.OrderClientID("t:0", n) }
	there := func(clientID string) *fakeExchange {
		x := newExchange(true)
		x.deals = []*deal{{OrderRequest: teller.OrderRequest{ClientID: clientID}, id: "7"}}
		return x
	}
	silent := newExchange(true)
	silent.broken[id(2)] = teller.CodeUnavailable
	for name, c := range map[string]struct {
		told int
		x    teller.Exchange
		code teller.Code
		says string
	}{
		"none is forgotten":        {1, there(id(2)), "", ""},
		"none has left a trace":    {3, there(id(4)), "", ""},
		"one is there":             {2, there(id(2)), teller.CodeForbidden, "orders retry"},
		"a later one is there":     {4, there(id(4)), teller.CodeForbidden, id(4)},
		"the exchange is silent":   {2, silent, teller.CodeUnavailable, ""},
		"no exchange any more":     {2, nil, teller.CodeForbidden, "no exchange"},
		"no exchange, and no need": {0, nil, "", ""},
	} {
		for _, decide := range []func(*Resolver, string, teller.Act) (teller.Deposit, error){payInstead, refund} {
			l := &actLedger{Deposit: resolved(1_000_000, 200_000), told: c.told}
			l.Attempts = 1
			r := &Resolver{Store: actStore{l}, MaxDecimals: 3, Exchange: c.x}
			_, err := decide(r, "t:0", teller.Act{Actor: "olga", Reason: "why"})
			if teller.CodeOf(err) != c.code || len(l.acts) != map[bool]int{true: 1}[c.code == ""] || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %q, %v", name, l.acts, err)
			}
		}
	}
}

// An operator's word ends an order as long as nobody calls the exchange for it, and when there is none to be called.
func TestResolverEndsOrders(t *testing.T) {
	const asked, placed = teller.OrderPlacing, teller.OrderPlaced
	for name, c := range map[string]struct {
		state   teller.OrderState
		doubted bool
		held    bool
		calling bool
		without bool // an exchange
		version uint64
		want    string
		code    teller.Code
	}{
		"may be asked for":               {state: asked, calling: true, want: "end o by olga on 0"}, // the store holds it first
		"held, and being asked for":      {state: asked, held: true, calling: true, code: teller.CodeConflict},
		"held, and not asked for":        {state: asked, held: true, want: "end o by olga on 0"},
		"doubted":                        {state: asked, doubted: true, held: true, version: 8, want: "end o by olga on 8"},
		"read before":                    {state: asked, doubted: true, held: true, version: 7, code: teller.CodeConflict},
		"placed":                         {state: placed, want: "end o by olga on 0"}, // the store refuses it
		"no exchange":                    {state: asked, without: true, want: "doubt; end o by olga on 0"},
		"no exchange, read":              {state: asked, without: true, version: 7, want: "doubt; end o by olga on 0"},
		"placed, and no exchange":        {state: placed, held: true, without: true, want: "doubt; end o by olga on 0"},
		"doubted, and no exchange":       {state: placed, doubted: true, held: true, without: true, want: "end o by olga on 0"},
		"only prepared, and no exchange": {state: teller.OrderPrepared, without: true, want: "end o by olga on 0"},
	} {
		l := &actLedger{Deposit: resolved(0, 0), order: teller.Order{ClientID: "o", DepositID: "t:0", State: c.state, Doubted: c.doubted, Version: 3}}
		if c.held {
			if err := l.PutHold(teller.HoldOrderUnknown, "why", now); err != nil {
				t.Fatal(err)
			}
		}
		r := &Resolver{Store: actStore{l}, Calling: func(id string) bool { return c.calling && id == "o" }}
		if !c.without {
			r.Exchange = newExchange(true)
		}
		_, err := r.EndOrder(context.Background(), "o", teller.Act{Actor: "olga", Reason: "gone", Version: c.version})
		if got := strings.Join(l.acts, "; "); got != c.want || teller.CodeOf(err) != c.code {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
