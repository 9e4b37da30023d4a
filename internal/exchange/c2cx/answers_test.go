package c2cx

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestAnswers decodes every kind of answer: testdata/answers.golden says what is made of it.
func TestAnswers(t *testing.T) {
	var b strings.Builder
	for name, body := range answers(t) {
		fmt.Fprintf(&b, "%s\n\t%s\n", name, understood(name, body))
	}
	golden := filepath.Join("testdata", "answers.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("answers are understood as\n%s\nwant\n%s", b.String(), want)
	}
}

// answers yields the files of testdata/answers.
func answers(t testing.TB) func(yield func(name string, body []byte) bool) {
	entries, err := os.ReadDir(filepath.Join("testdata", "answers"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d answers (%v)", len(entries), err)
	}
	return func(yield func(string, []byte) bool) {
		for _, e := range entries {
			body, err := os.ReadFile(filepath.Join("testdata", "answers", e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if !yield(e.Name(), body) {
				return
			}
		}
	}
}

// understood is what is made of an answer, whose kind is the beginning of its name.
func understood(name string, body []byte) string {
	kind, rest, _ := strings.Cut(name, "_")
	endpoint := map[string]string{"balance": "getbalance", "placed": "createorder", "order": "getorderinfo", "page": "getorderbystatus"}[kind]
	if kind == "refused" {
		endpoint, _, _ = strings.Cut(rest, "_")
	}
	data, err := decodeAnswer(endpoint, http.StatusOK, body)
	if err != nil {
		return fmt.Sprintf("%s: %v", teller.CodeOf(err), err)
	}
	var v any
	switch kind {
	case "balance":
		v, err = decodeBalance(data)
	case "placed":
		v, err = decodePlaced(data)
	case "page":
		var p page
		if p, err = decodePage(data); err == nil {
			ids := []string{}
			for _, o := range p.orders {
				ids = append(ids, fmt.Sprintf("%s %q %s", o.id, o.clientID, o.status))
			}
			v = fmt.Sprintf("%d orders on %d pages: %q", p.records, p.pages, ids)
		}
	case "order":
		var o order
		if o, err = decodeOrderInfo(data); err == nil {
			var r teller.OrderReport
			if r, err = o.report(); err == nil {
				v = fmt.Sprintf("%q %s %q final %v filled %v bought %s spent %s completed %q price %q",
					o.clientID, r.OrderID, r.Status, r.Final, r.Filled, r.Bought, r.Spent, r.Completed, r.Price)
			}
		}
	default:
		return "taken for an answer"
	}
	if err != nil {
		return fmt.Sprintf("%s: %v", teller.CodeOf(err), err)
	}
	return fmt.Sprint(v)
}

// TestHTTPStatuses: all but 200 are none that the exchange gives on purpose.
func TestHTTPStatuses(t *testing.T) {
	for status, want := range map[int]teller.Code{
		200: "", 201: teller.CodeMalformed, 302: teller.CodeMalformed, 400: teller.CodeMalformed, 404: teller.CodeMalformed,
		401: teller.CodeNotAuthenticated, 403: teller.CodeNotAuthenticated, 429: teller.CodeRateLimited,
		500: teller.CodeUnavailable, 502: teller.CodeUnavailable, 503: teller.CodeUnavailable, 522: teller.CodeUnavailable,
	} {
		if _, err := decodeAnswer("getbalance", status, []byte(`{"code":200,"data":{}}`)); teller.CodeOf(err) != want {
			t.Errorf("status %d: %q (%v), want %q", status, teller.CodeOf(err), err, want)
		}
	}
	if _, err := decodeAnswer("getbalance", 200, []byte(strings.Repeat(" ", maxBody)+`{"code":200}`)); teller.CodeOf(err) != teller.CodeMalformed {
		t.Errorf("an answer that is too large: %v", err)
	}
}

// wantKnown checks that an error is one that a decoder may give.
func wantKnown(t *testing.T, err error) {
	t.Helper()
	switch teller.CodeOf(err) {
	case teller.CodeMalformed, teller.CodeUnavailable, teller.CodeRateLimited, teller.CodeNotAuthenticated, teller.CodeNotFound,
		teller.CodeConflict, teller.CodeBelowMinimum, teller.CodeAlreadyPlaced, teller.CodeShortOfCoins, teller.CodeInvalid:
	default:
		t.Errorf("code %q: %v", teller.CodeOf(err), err)
	}
}

// FuzzAnswers: whatever comes, nothing panics, errors are of the known codes, and what is accepted makes sense.
func FuzzAnswers(f *testing.F) {
	endpoints := []string{"getbalance", "createorder", "getorderinfo", "getorderbystatus", "cancelorder"}
	kinds := []string{"balance", "placed", "order", "page"}
	for name, body := range answers(f) {
		for i, kind := range kinds {
			if strings.HasPrefix(name, kind) || strings.HasPrefix(name, "refused_"+endpoints[i]) {
				f.Add(uint8(i), body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		endpoint := endpoints[int(kind)%len(endpoints)]
		data, err := decodeAnswer(endpoint, http.StatusOK, body)
		if err != nil {
			wantKnown(t, err)
			return
		}
		switch endpoint {
		case "getbalance":
			_, err = decodeBalance(data)
		case "createorder":
			var id string
			if id, err = decodePlaced(data); err == nil && !isOrderID(id) {
				t.Errorf("accepted the order id %q", id)
			}
		case "getorderinfo":
			err = tryOrder(t, data)
		case "getorderbystatus":
			var p page
			if p, err = decodePage(data); err == nil && (len(p.orders) > pageSize || p.pages < 0 || p.pages > maxPages) {
				t.Errorf("accepted %d orders on one of %d pages", len(p.orders), p.pages)
			}
		}
		if err != nil && teller.CodeOf(err) != teller.CodeMalformed {
			t.Errorf("code %q: %v", teller.CodeOf(err), err)
		}
	})
}

// tryOrder decodes an order and checks that its report makes sense.
func tryOrder(t *testing.T, data []byte) error {
	o, err := decodeOrderInfo(data)
	if err != nil {
		return err
	}
	r, err := o.report()
	if err != nil {
		return err
	}
	if !isOrderID(r.OrderID) || r.Status == "" || (r.Filled && !r.Final) || r.Original == "" || (r.Filled && r.Completed == "") {
		t.Errorf("accepted %+v", r)
	}
	return nil
}

// FuzzNumber: a number is what its text says, or none.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{`0`, `-1`, `"1.50"`, `1.5E-7`, `1e99`, `1e100`, `null`, `""`, `" 7 "`, `"1/3"`, `"0x10"`, `"1_000"`, `true`, `[1]`, `"NaN"`, `.5`, `5.`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var n number
		if err := n.UnmarshalJSON(b); err != nil || !n.given() {
			return
		}
		if len(n.text) > 90 || !strings.Contains(string(b), n.text) && !strings.Contains(string(b), `\`) {
			t.Errorf("%q is read as %q", b, n.text)
		}
		if c := n.count(); c >= 0 && n.value.Num().Int64() != int64(c) {
			t.Errorf("%q counts %d", b, c)
		}
	})
}
