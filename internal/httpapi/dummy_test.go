package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
)

// stage notes what the dummy controls ask for.
type stage struct {
	asked []string
	err   error
}

func (s *stage) Deposit(_ context.Context, d httpapi.DummyDeposit) error {
	s.asked = append(s.asked, fmt.Sprintf("%s %s to %s at %d in %q:%d", d.Value, d.Coin, d.Address, d.Height, d.TxID, d.N))
	return s.err
}

func (s *stage) Confirm(_ context.Context, txid string, seq int) error {
	s.asked = append(s.asked, fmt.Sprintf("confirm %q %d", txid, seq))
	return s.err
}

func (s *stage) Broadcasts() []httpapi.DummyBroadcast {
	return []httpapi.DummyBroadcast{
		{Seq: 1, TxID: "4fc9", Outputs: []teller.Recipient{{Address: skyAddr, Coins: 500_000_000}}, Confirmed: true},
		{Seq: 2, TxID: "4fd0"},
	}
}

type silent struct{ stage }

func (*silent) Broadcasts() []httpapi.DummyBroadcast { return nil }

func dummyOptions(change func(*httpapi.DummyOptions)) httpapi.DummyOptions {
	logger, _ := quiet()
	o := httpapi.DummyOptions{Scanner: &stage{}, Sender: &stage{}, Host: "127.0.0.1:4121", Logger: logger}
	if change != nil {
		change(&o)
	}
	return o
}

func TestDummyActs(t *testing.T) {
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	tests := []struct {
		req  request
		want string
	}{
		{request{method: "GET", target: "/dummy/scanner/deposit?addr=1PZ&value=100000000&height=494713&tx=edb2&n=3"},
			`100000000 BTC to 1PZ at 494713 in "edb2":3`},
		{request{method: "POST", target: "/dummy/scanner/deposit?addr=1PZ&value=7"}, `7 BTC to 1PZ at 0 in "":0`},
		{request{"POST", "/dummy/scanner/deposit", "addr=0xab&value=20000000000000000001&coin=eth", form, ""},
			`20000000000000000001 ETH to 0xab at 0 in "":0`},
		{request{"POST", "/dummy/scanner/deposit?coin=SKY", "addr=2gr&value=5&n=4294967295", form, ""}, `5 SKY to 2gr at 0 in "":4294967295`},
		{request{method: "GET", target: "/dummy/sender/confirm?txid=4fc9"}, `confirm "4fc9" 0`},
		{request{method: "POST", target: "/dummy/sender/confirm?seq=2"}, `confirm "" 2`},
		{request{"POST", "/dummy/sender/confirm", "txid=4fc9&seq=2", form, ""}, `confirm "4fc9" 0`},
	}
	for _, tt := range tests {
		s := &stage{}
		w := tt.req.do(httpapi.NewDummy(dummyOptions(func(o *httpapi.DummyOptions) { o.Scanner, o.Sender = s, s })))
		if w.Code != http.StatusOK || strings.Join(s.asked, ";") != tt.want {
			t.Errorf("%s %s: %d %s asked %q", tt.req.method, tt.req.target, w.Code, w.Body, s.asked)
		}
	}
}

func TestDummyAnswers(t *testing.T) {
	refuses := func(err error) func(*httpapi.DummyOptions) {
		return func(o *httpapi.DummyOptions) { o.Scanner, o.Sender = &stage{err: err}, &stage{err: err} }
	}
	const deposit, confirm = "/dummy/scanner/deposit", "/dummy/sender/confirm"
	tests := []struct {
		name   string
		change func(*httpapi.DummyOptions)
		method string
		target string
	}{
		{"deposit", nil, "GET", deposit + "?addr=a&value=1"},
		{"deposit missing addr", nil, "GET", deposit + "?value=1"},
		{"deposit missing value", nil, "GET", deposit + "?addr=a"},
		{"deposit zero value", nil, "GET", deposit + "?addr=a&value=0"},
		{"deposit fraction", nil, "GET", deposit + "?addr=a&value=0.1"},
		{"deposit bad coin", nil, "GET", deposit + "?addr=a&value=1&coin=DOGE"},
		{"deposit bad height", nil, "GET", deposit + "?addr=a&value=1&height=-1"},
		{"deposit bad n", nil, "GET", deposit + "?addr=a&value=1&n=4294967296"},
		{"deposit bad query", nil, "GET", deposit + "?addr=%zz"},
		{"deposit head", nil, "HEAD", deposit + "?addr=a&value=1"},
		{"deposit refused", refuses(teller.Errorf(teller.CodeInvalid, "a is no BTC address")), "GET", deposit + "?addr=a&value=1"},
		{"deposit no scanner", func(o *httpapi.DummyOptions) { o.Scanner = nil }, "GET", deposit + "?addr=a&value=1"},
		{"broadcasts", nil, "GET", "/dummy/sender/broadcasts"},
		{"broadcasts none", func(o *httpapi.DummyOptions) { o.Sender = &silent{} }, "GET", "/dummy/sender/broadcasts"},
		{"broadcasts post", nil, "POST", "/dummy/sender/broadcasts"},
		{"broadcasts no sender", func(o *httpapi.DummyOptions) { o.Sender = nil }, "GET", "/dummy/sender/broadcasts"},
		{"confirm", nil, "POST", confirm + "?seq=1"},
		{"confirm missing", nil, "GET", confirm},
		{"confirm bad seq", nil, "GET", confirm + "?seq=0"},
		{"confirm unknown", refuses(teller.Errorf(teller.CodeNotFound, "no broadcast 9")), "GET", confirm + "?seq=9"},
		{"confirm delete", nil, "DELETE", confirm + "?seq=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := request{method: tt.method, target: tt.target}.do(httpapi.NewDummy(dummyOptions(tt.change)))
			wantSecured(t, w)
			golden(t, "dummy "+tt.name, w)
		})
	}
}

func TestDummyFormIsBounded(t *testing.T) {
	s := &stage{}
	h := httpapi.NewDummy(dummyOptions(func(o *httpapi.DummyOptions) { o.Scanner = s }))
	w := request{"POST", "/dummy/scanner/deposit", "value=1&addr=" + strings.Repeat("a", 5000),
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, ""}.do(h)
	if w.Code != http.StatusRequestEntityTooLarge || len(s.asked) != 0 {
		t.Errorf("answer %d %s, asked %q", w.Code, w.Body, s.asked)
	}
}
