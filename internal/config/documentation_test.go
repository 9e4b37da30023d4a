package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// decodeText reads a TOML text over the defaults.
func decodeText(t *testing.T, text string) (Config, Mistakes) {
	t.Helper()
	c := Default()
	entries, err := parseDocument("test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(&c)
	d.apply(entries)
	return c, d.mistakes
}

func readText(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{root}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestExampleIsTheDefaults(t *testing.T) {
	c, mistakes := decodeText(t, readText(t, "config.example.toml"))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if want := Default(); !reflect.DeepEqual(c, want) {
		t.Errorf("config.example.toml means\n%s\nthe defaults are\n%s", c, want)
	}
}

// TestExampleHasEveryKey reads the example with the commented keys switched on: every key must be there, each exactly
// once (TOML sees to that), and each commented example must be a value that its key accepts.
func TestExampleHasEveryKey(t *testing.T) {
	commented := regexp.MustCompile(`(?m)^# ([a-z_0-9]+ = )`)
	text := commented.ReplaceAllString(readText(t, "config.example.toml"), "$1")
	c, mistakes := decodeText(t, text)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	entries, err := parseDocument("config.example.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for _, e := range entries {
		given[e.key] = true
	}
	defaults := Default()
	unset := schemaOf(&defaults)
	for _, f := range schemaOf(&c).fields {
		if !given[f.key] {
			t.Errorf("config.example.toml does not mention %s", f.key)
		}
		isDefault := f.literal() == unset.byKey[f.key].literal()
		if hasDefault := unset.byKey[f.key].literal() != `""`; hasDefault != isDefault {
			t.Errorf("%s: shown as %s, the default is %s", f.key, f.literal(), unset.byKey[f.key].literal())
		}
	}
}

func TestDocumentationHasEveryKeyAndDefault(t *testing.T) {
	text := readText(t, "docs", "configuration.md")
	row := regexp.MustCompile("(?m)^\\| `([a-z_0-9.]+)` \\| [^|]+ \\| ([^|]+) \\| ([^|]+) \\|$")
	rows := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%s is documented twice", m[1])
		}
		rows[m[1]] = m[2]
	}
	c := Default()
	for _, f := range schemaOf(&c).fields {
		want := "`" + f.literal() + "`"
		if f.literal() == `""` {
			want = "none"
		}
		if got, ok := rows[f.key]; !ok {
			t.Errorf("docs/configuration.md does not document %s", f.key)
		} else if got != want {
			t.Errorf("docs/configuration.md: %s: default %s, is %s", f.key, got, want)
		}
		delete(rows, f.key)
		if f.env != "" && !strings.Contains(text, "| `"+f.env+"` | `"+f.key+"` |") {
			t.Errorf("docs/configuration.md does not say that %s sets %s", f.env, f.key)
		}
	}
	for key := range rows {
		t.Errorf("docs/configuration.md documents %s, which does not exist", key)
	}
}

// TestDocumentationExamplesLoad takes the complete files in the documentation at their word.
func TestDocumentationExamplesLoad(t *testing.T) {
	fence := regexp.MustCompile("(?s)```toml\n(.*?)```")
	examples := fence.FindAllStringSubmatch(readText(t, "docs", "configuration.md"), -1)
	if len(examples) != 3 {
		t.Fatalf("%d examples, want 3", len(examples))
	}
	for _, m := range examples {
		c, mistakes := decodeText(t, m[1])
		mistakes.addNew(c.check())
		if len(mistakes) > 0 {
			t.Errorf("%s\n%v", m[1], mistakes)
		}
	}
}

func TestRedactedOfDefaultsIsTheDefaults(t *testing.T) {
	for _, want := range []Config{Default(), Dummy("")} {
		c, mistakes := decodeText(t, want.Redacted())
		if len(mistakes) > 0 || !reflect.DeepEqual(c, want) {
			t.Errorf("%v\n%s\nread back:\n%s", mistakes, want, c)
		}
	}
}
