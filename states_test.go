package teller_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

var update = flag.Bool("update", false, "write the golden files anew (`make generate`)")

const statesFile = "docs/states.md"

// allowed repeats the table of transitions by hand: a change of the table must be made twice, on purpose.
var allowed = map[string]teller.Status{
	"waiting_deposit credit":                       teller.StatusWaitingDecide,
	"waiting_deposit close":                        teller.StatusDone,
	"waiting_decide decide":                        teller.StatusWaitingSend,
	"waiting_decide decide 0":                      teller.StatusDone,
	"waiting_decide order":                         teller.StatusWaitingPassthrough,
	"waiting_passthrough order":                    teller.StatusWaitingPassthrough,
	"waiting_passthrough placed":                   teller.StatusWaitingPassthroughOrderComplete,
	"waiting_passthrough bought":                   teller.StatusWaitingSend,
	"waiting_passthrough decide":                   teller.StatusWaitingSend,
	"waiting_passthrough recall":                   teller.StatusWaitingConfirm,
	"waiting_passthrough_order_complete order":     teller.StatusWaitingPassthrough,
	"waiting_passthrough_order_complete bought":    teller.StatusWaitingSend,
	"waiting_passthrough_order_complete decide":    teller.StatusWaitingSend,
	"waiting_passthrough_order_complete recall":    teller.StatusWaitingConfirm,
	"waiting_decide mark paid":                     teller.StatusDone,
	"waiting_passthrough mark paid":                teller.StatusDone,
	"waiting_passthrough_order_complete mark paid": teller.StatusDone,
	"waiting_send mark paid":                       teller.StatusDone,
	"waiting_confirm mark paid":                    teller.StatusDone,
	"waiting_decide close":                         teller.StatusDone,
	"waiting_decide recall":                        teller.StatusWaitingConfirm,
	"waiting_send recall":                          teller.StatusWaitingConfirm,
	"waiting_passthrough close":                    teller.StatusDone,
	"waiting_passthrough_order_complete close":     teller.StatusDone,
	"waiting_send pay":                             teller.StatusWaitingConfirm,
	"waiting_send close":                           teller.StatusDone,
	"waiting_confirm confirm":                      teller.StatusDone,
	"waiting_confirm supersede":                    teller.StatusWaitingSend,
	"waiting_confirm close":                        teller.StatusDone,
}

func TestNextAllowsExactlyTheTable(t *testing.T) {
	steps := 0
	for _, from := range teller.Statuses {
		for _, e := range teller.Events {
			want, ok := allowed[string(from)+" "+string(e)]
			got, err := teller.Next(from, e)
			switch {
			case ok && (err != nil || got != want):
				t.Errorf("%s, %s: got %s, %v; want %s", from, e, got, err, want)
			case !ok && teller.CodeOf(err) != teller.CodeForbidden:
				t.Errorf("%s, %s: got %s, %v; want it forbidden", from, e, got, err)
			case !ok && got != from:
				t.Errorf("%s, %s: refused, and still moved to %s", from, e, got)
			}
			if ok {
				steps++
			}
		}
	}
	if steps != len(allowed) {
		t.Errorf("%d of the %d steps name a status or event that does not exist", len(allowed)-steps, len(allowed))
	}
	if _, err := teller.Next("no such status", teller.EventClose); teller.CodeOf(err) != teller.CodeForbidden {
		t.Errorf("an unknown status: %v, want it forbidden", err)
	}
}

// Every deposit can end, and what has ended never changes again.
func TestEveryStatusLeadsToDone(t *testing.T) {
	for _, from := range teller.Statuses {
		seen := map[teller.Status]bool{from: true}
		for queue := []teller.Status{from}; len(queue) > 0; queue = queue[1:] {
			for _, e := range teller.Events {
				if to, err := teller.Next(queue[0], e); err == nil && !seen[to] {
					seen[to] = true
					queue = append(queue, to)
				}
			}
		}
		if !seen[teller.StatusDone] {
			t.Errorf("%s never ends", from)
		}
		if from == teller.StatusDone && len(seen) > 1 {
			t.Errorf("done leads on to %v", seen)
		}
	}
}

func TestParseStatus(t *testing.T) {
	for _, want := range teller.Statuses {
		if got, err := teller.ParseStatus(string(want)); err != nil || got != want {
			t.Errorf("%s: got %s, %v", want, got, err)
		}
	}
	for _, s := range []string{"", "DONE", "done ", "waiting"} {
		if got, err := teller.ParseStatus(s); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%q: got %q, %v; want it invalid", s, got, err)
		}
	}
}

// docs/states.md is generated from the table, so it can not be out of date.
func TestStatesDocument(t *testing.T) {
	got := renderStates(t)
	if *update {
		if err := os.MkdirAll(filepath.Dir(statesFile), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(statesFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(statesFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is out of date: run `make generate`", statesFile)
	}
}

func renderStates(t *testing.T) string {
	t.Helper()
	docs := readConstDocs(t, "status.go", "")
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	w("<!-- Generated from the table in status.go by `make generate`. Do not edit. -->\n")
	w("# The statuses of a deposit\n")
	w("A deposit changes its status only by a step of this table. A hold is no status: a held deposit keeps the status")
	w("that it has until an operator releases or closes it.\n")
	w("```mermaid\nstateDiagram-v2")
	w("    [*] --> %s", teller.Statuses[0])
	eachStep(func(from teller.Status, e teller.Event, to teller.Status) {
		w("    %s --> %s: %s", from, to, e)
	})
	w("    %s --> [*]", teller.StatusDone)
	w("```\n\n## Statuses\n\n| status | meaning |\n|---|---|")
	for _, s := range teller.Statuses {
		w("| `%s` | %s |", s, docs.of(t, string(s)))
	}
	w("\n## Events\n\n| event | what happened |\n|---|---|")
	for _, e := range teller.Events {
		w("| `%s` | %s |", e, docs.of(t, string(e)))
	}
	w("\n## Steps\n\n| from | event | to |\n|---|---|---|")
	eachStep(func(from teller.Status, e teller.Event, to teller.Status) {
		w("| `%s` | `%s` | `%s` |", from, e, to)
	})
	return b.String()
}

func eachStep(f func(from teller.Status, e teller.Event, to teller.Status)) {
	for _, from := range teller.Statuses {
		for _, e := range teller.Events {
			if to, err := teller.Next(from, e); err == nil {
				f(from, e, to)
			}
		}
	}
}

// constDocs maps the value of a string constant to its comment.
type constDocs map[string]string

func (d constDocs) of(t *testing.T, value string) string {
	t.Helper()
	if d[value] == "" {
		t.Errorf("the constant %q has no comment to document it with", value)
	}
	return d[value]
}

// readConstDocs reads the string constants of a file whose names begin with a prefix.
func readConstDocs(t *testing.T, file, prefix string) constDocs {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	docs := constDocs{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		lit, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		value, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(spec.Doc.Text()+spec.Comment.Text()), " ")
		docs[value] = strings.TrimPrefix(text, spec.Names[0].Name+": ")
		return true
	})
	return docs
}
