package exchangetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skycoin/teller"
)

// fakeExchange is an adapter of the fake exchange: a good one, but for its bug.
type fakeExchange struct {
	addr, key, bug string
	timeout        time.Duration
	client         *http.Client

	mu      sync.Mutex
	reports int
	known   map[string]teller.OrderReport
}

func newFakeExchange(addr, key string, timeout time.Duration, bug string) *fakeExchange {
	return &fakeExchange{
		addr: addr, key: key, timeout: timeout, bug: bug, known: make(map[string]teller.OrderReport),
		client: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (x *fakeExchange) Close() {
	x.client.CloseIdleConnections()
	if x.bug == "leaves a goroutine" {
		go time.Sleep(3 * time.Second)
	}
}

func (x *fakeExchange) Name() string { return "fake" }

func (x *fakeExchange) Market(_ context.Context, coin teller.Coin) (teller.Market, error) {
	return teller.Market{Symbol: "SKY for BTC", Step: teller.NewAmount(1), IDsOnce: true}, x.traded(coin)
}

func (x *fakeExchange) traded(coin teller.Coin) error {
	if coin == teller.BTC || x.bug == "takes any coin" {
		return nil
	}
	return teller.Errorf(teller.CodeUnsupported, "no %s", coin)
}

// fakeRefusals are the fake exchange's errors.
var fakeRefusals = map[string]struct {
	code      teller.Code
	bug       string
	wrongCode teller.Code
}{
	"slower":      {teller.CodeRateLimited, "calls a rate limit trouble", teller.CodeUnavailable},
	"who are you": {teller.CodeNotAuthenticated, "calls wrong keys trouble", teller.CodeUnavailable},
	"taken":       {teller.CodeAlreadyPlaced, "calls a taken id nonsense", teller.CodeInvalid},
	"too little":  {teller.CodeBelowMinimum, "calls too little nonsense", teller.CodeInvalid},
	"too poor":    {teller.CodeShortOfCoins, "calls want of coins nonsense", teller.CodeInvalid},
}

func (x *fakeExchange) ask(ctx context.Context, path string, asked fakeAsked) (fakeAnswer, error) {
	var a fakeAnswer
	err := x.tryAsk(ctx, path, asked, &a)
	if err != nil && x.bug == "tells its secret" {
		err = teller.Errorf(teller.CodeOf(err), "asked with %q: %w", x.key+fakeKey, err)
	}
	if err != nil && x.bug == "has errors of its own" {
		err = errors.New(err.Error())
	}
	return a, err
}

func (x *fakeExchange) tryAsk(ctx context.Context, path string, asked fakeAsked, a *fakeAnswer) error {
	if x.bug == "ignores its context" {
		ctx = context.WithoutCancel(ctx)
	}
	if x.bug != "has no timeout" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, x.timeout)
		defer cancel()
	}
	asked.Key = x.key
	body, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+x.addr+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := x.client.Do(req)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "%w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return teller.Errorf(teller.CodeUnavailable, "status %d (%v)", resp.StatusCode, err)
	}
	if x.bug == "reads any answer" {
		_ = json.Unmarshal(answer, a)
		return nil
	}
	if err := json.Unmarshal(answer, a); err != nil || !a.Done {
		return teller.Errorf(teller.CodeMalformed, "no answer (%v)", err)
	}
	if r, ok := fakeRefusals[a.Error]; ok {
		if x.bug == r.bug {
			return teller.Errorf(r.wrongCode, "%s", a.Error)
		}
		return teller.Errorf(r.code, "%s", a.Error)
	}
	return nil
}

func (x *fakeExchange) Balance(ctx context.Context, coin teller.Coin) (teller.Amount, error) {
	if err := x.traded(coin); err != nil {
		return teller.Amount{}, err
	}
	a, err := x.ask(ctx, "/balance", fakeAsked{})
	if err != nil {
		return teller.Amount{}, err
	}
	switch x.bug {
	case "counts what is reserved as free":
		a.Free = a.Money
	case "rounds the balance":
		ten := big.NewInt(10)
		a.Free = new(big.Int).Mul(new(big.Int).Quo(a.Free, ten), ten)
	}
	return teller.AmountFromBig(a.Free)
}

func (x *fakeExchange) Place(ctx context.Context, o teller.OrderRequest) (string, error) {
	if err := x.traded(o.Coin); err != nil {
		return "", err
	}
	strange := strings.Trim(o.ClientID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(o.ClientID) > 36
	if o.Spend.IsZero() || o.ClientID == "" || (strange && x.bug != "does not look at ids") {
		return "", teller.Errorf(teller.CodeInvalid, "nonsense")
	}
	order := fakeOrder{CID: o.ClientID, Spend: o.Spend.Big().Int64()}
	if x.bug == "adds a digit to what it spends" {
		order.Spend *= 10
	}
	if !o.Least.IsZero() && x.bug != "does not mind what an order costs" {
		num, den, _ := strings.Cut(o.Least.String(), "/")
		r, _ := new(big.Rat).SetString(num + "/" + max(den, "1"))
		r.Quo(big.NewRat(100_000_000, 1), r)
		order.Price = new(big.Int).Quo(r.Num(), r.Denom()).Int64()
		if x.bug == "rounds the price up" {
			order.Price++
		}
		if order.Price == 0 {
			return "", teller.Errorf(teller.CodeInvalid, "nonsense")
		}
		order.Want, order.Spend = order.Spend*1_000_000/order.Price, 0
	}
	return x.send(ctx, order)
}

func (x *fakeExchange) send(ctx context.Context, order fakeOrder) (string, error) {
	a, err := x.ask(ctx, "/place", fakeAsked{Order: order})
	lost := teller.CodeOf(err) == teller.CodeUnavailable || teller.CodeOf(err) == teller.CodeMalformed
	switch {
	case lost && x.bug == "asks twice when the answer is lost":
		order.CID += "-2"
		a, err = x.ask(ctx, "/place", fakeAsked{Order: order})
	case lost && x.bug == "calls a lost reply a refusal":
		return "", teller.Errorf(teller.CodeInvalid, "refused")
	case teller.CodeOf(err) == teller.CodeAlreadyPlaced && x.bug == "places a taken id without a word":
		return "1", nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprint(a.ID), nil
}

func (x *fakeExchange) orders(ctx context.Context, coin teller.Coin) ([]fakeOrder, error) {
	if err := x.traded(coin); err != nil {
		return nil, err
	}
	a, err := x.ask(ctx, "/orders", fakeAsked{})
	if x.bug == "calls nonsense not found" && (teller.CodeOf(err) == teller.CodeMalformed || teller.CodeOf(err) == teller.CodeUnavailable) {
		return nil, nil
	}
	if x.bug == "calls the first page all there is" {
		a.Orders = a.Orders[max(0, len(a.Orders)-100):]
	}
	return a.Orders, err
}

func (x *fakeExchange) Find(ctx context.Context, coin teller.Coin, clientID string) (teller.OrderReport, error) {
	orders, err := x.orders(ctx, coin)
	if err != nil {
		return teller.OrderReport{}, err
	}
	i := slices.IndexFunc(orders, func(o fakeOrder) bool {
		switch x.bug {
		case "finds what begins alike":
			return o.CID != "" && strings.HasPrefix(clientID, o.CID)
		case "does not know other spellings":
			return strings.EqualFold(o.CID, clientID)
		case "finds nothing that is over":
			return o.CID == clientID && !o.final()
		}
		return o.CID == clientID
	})
	if i < 0 {
		return teller.OrderReport{}, teller.Errorf(teller.CodeNotFound, "no %q", clientID)
	}
	return x.report(orders[i]), nil
}

func (x *fakeExchange) Order(ctx context.Context, coin teller.Coin, orderID string) (teller.OrderReport, error) {
	orders, err := x.orders(ctx, coin)
	if err != nil {
		return teller.OrderReport{}, err
	}
	for _, o := range orders {
		if fmt.Sprint(o.ID) == orderID || x.bug == "takes any order for the one it asks" {
			return x.report(o), nil
		}
	}
	return teller.OrderReport{}, teller.Errorf(teller.CodeNotFound, "no %q", orderID)
}

func (x *fakeExchange) Open(ctx context.Context, coin teller.Coin) (map[string]teller.OrderReport, error) {
	orders, err := x.orders(ctx, coin)
	if err != nil {
		return nil, err
	}
	open := make(map[string]teller.OrderReport)
	for _, o := range orders {
		if (o.final() && x.bug != "lists everything as open") || x.bug == "lists nothing as open" {
			continue
		}
		if o.CID == "" {
			if x.bug == "overlooks orders without an id" {
				continue
			}
			o.CID = fmt.Sprint("#", o.ID)
		}
		open[o.CID] = x.report(o)
	}
	return open, nil
}

func (x *fakeExchange) Cancel(ctx context.Context, coin teller.Coin, orderID string) error {
	if err := x.traded(coin); err != nil {
		return err
	}
	if x.bug == "fails to cancel what is over" {
		if r, err := x.Order(ctx, coin, orderID); err == nil && r.Final {
			return teller.Errorf(teller.CodeInvalid, "it is over")
		}
	}
	path := "/cancel"
	if x.bug == "cancels nothing" {
		path = "/balance"
	}
	a, err := x.ask(ctx, path, fakeAsked{ID: orderID})
	if err == nil && a.ID == 0 && x.bug != "cancels nothing" {
		err = teller.Errorf(teller.CodeNotFound, "no %q", orderID)
	}
	return err
}

func (x *fakeExchange) report(o fakeOrder) teller.OrderReport {
	original, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	r := teller.OrderReport{
		OrderID: fmt.Sprint(o.ID), Status: o.Status, Final: o.final(), Filled: o.Status == "filled",
		Bought: teller.Droplets(o.Got - o.fee()), Spent: teller.NewAmount(uint64(o.spent())),
		Completed: teller.Droplets(o.Got).String(), Price: "?", Original: string(original),
	}
	switch x.bug {
	case "calls every end a success":
		r.Filled = r.Final
	case "cuts what was spent":
		r.Spent = teller.NewAmount(uint64(o.Cost / 1_000_000))
	case "forgets the fee":
		r.Bought = teller.Droplets(o.Got)
	case "never ends":
		r.Final, r.Filled = false, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reports++
	switch old, ok := x.known[o.CID]; {
	case x.bug == "numbers its reports":
		r.Original += fmt.Sprint(x.reports)
	case x.bug == "remembers reports" && ok:
		return old
	}
	x.known[o.CID] = r
	return r
}
