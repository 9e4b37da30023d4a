package web_test

import (
	"io/fs"
	"regexp"
	"slices"
	"testing"

	"github.com/skycoin/teller/internal/web"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(web.Page(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// submatches are the first groups of all matches.
func submatches(pattern, s string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(s, -1) {
		found = append(found, m[1])
	}
	return found
}

// TestPageKeepsThePolicy: nothing in the page needs more than "default-src 'self'".
func TestPageKeepsThePolicy(t *testing.T) {
	forbidden := map[string]string{
		"index.html": `(?i)(<style|\sstyle=|\son[a-z]+=|javascript:|<script(?:\s+\w+)*>|(?:src|href)="(?:https?:)?//|data:)`,
		"teller.js":  `(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.style\b|https?://)`,
		"style.css":  `(@import|url\()`,
	}
	for name, pattern := range forbidden {
		if found := submatches(pattern, read(t, name)); len(found) > 0 {
			t.Errorf("%s contains %q", name, found)
		}
	}
}

// TestPageHangsTogether: what the page refers to exists.
func TestPageHangsTogether(t *testing.T) {
	html := read(t, "index.html")
	links := submatches(`(?:src|href)="([^"#]+)"`, html)
	if len(links) != 3 {
		t.Errorf("the page links %q, want its style, script and icon", links)
	}
	for _, link := range links {
		read(t, link)
	}
	ids := submatches(`\sid="([^"]+)"`, html)
	for _, id := range submatches(`\$\("([^"]+)"\)`, read(t, "teller.js")) {
		if !slices.Contains(ids, id) {
			t.Errorf("teller.js looks for #%s, which is not in the page", id)
		}
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			t.Errorf("id %q is there twice", id)
		}
	}
}

// TestPageIsLabelled: every input has a label, and what changes is announced.
func TestPageIsLabelled(t *testing.T) {
	html := read(t, "index.html")
	labels := submatches(`<label for="([^"]+)"`, html)
	for _, id := range submatches(`<input id="([^"]+)"`, html) {
		if !slices.Contains(labels, id) {
			t.Errorf("input %q has no label", id)
		}
	}
	if len(labels) == 0 {
		t.Error("no labelled input at all")
	}
	for _, want := range []string{`<html lang="`, `name="viewport"`, `aria-live="polite"`, `role="alert"`, "<legend>", "<noscript>"} {
		if !regexp.MustCompile(regexp.QuoteMeta(want)).MatchString(html) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
