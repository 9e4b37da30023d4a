package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// field is one key of the file and the place of its value in a Config.
type field struct {
	key   string // with its sections
	env   string // the variable that overrides it, or ""
	value reflect.Value
}

// schema is the keys in the order of the structs, and the sections they are in.
type schema struct {
	fields   []field
	byKey    map[string]field
	sections map[string]bool
}

// schemaOf walks the toml tags of c; the values of its fields are c's own.
func schemaOf(c *Config) schema {
	s := schema{byKey: map[string]field{}, sections: map[string]bool{}}
	s.walk("", reflect.ValueOf(c).Elem())
	return s
}

func (s *schema) walk(section string, v reflect.Value) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name := tag.Get("toml")
		if name == "" {
			continue
		}
		key := joinKey(section, name)
		if isSection(v.Field(i).Type()) {
			s.sections[key] = true
			s.walk(key, v.Field(i))
			continue
		}
		f := field{key: key, env: tag.Get("env"), value: v.Field(i)}
		s.fields = append(s.fields, f)
		s.byKey[key] = f
	}
}

// isSection tells a section from a value that is a struct too, like a rate.
func isSection(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("toml") != "" {
			return true
		}
	}
	return false
}

func joinKey(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// literal writes a field's value as the file would; a secret becomes its placeholder.
func (f field) literal() string {
	switch v := f.value.Interface().(type) {
	case bool:
		return strconv.FormatBool(v)
	case int, int64, uint64:
		return fmt.Sprint(v)
	case time.Duration:
		return quote(durationText(v))
	case teller.Droplets:
		text := v.String()
		return quote(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	default: // strings, and what prints as one: Rate, BuyMethod, Decimal, Secret
		return quote(fmt.Sprint(v))
	}
}

// durationText drops the zero units that time.Duration prints: 1m0s is 1m.
func durationText(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// quote writes a TOML basic string. Unlike Go's, it knows \u and \U escapes only.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Redacted is the effective configuration as TOML, every key with its value, secrets hidden. Of a configuration without
// secrets it is a file that means the same.
func (c Config) Redacted() string {
	var b strings.Builder
	section := ""
	for _, f := range schemaOf(&c).fields {
		in, name := splitKey(f.key)
		if in != section {
			fmt.Fprintf(&b, "\n[%s]\n", in)
			section = in
		}
		fmt.Fprintf(&b, "%s = %s\n", name, f.literal())
	}
	return b.String()
}

// LogValue implements slog.LogValuer: every key with its value, secrets hidden, and where the file and the data are.
func (c Config) LogValue() slog.Value {
	s := schemaOf(&c)
	attrs := make([]slog.Attr, 0, len(s.fields)+2)
	attrs = append(attrs, slog.String("file", c.SourceFile), slog.String("data_dir", c.DataDir))
	for _, f := range s.fields {
		attrs = append(attrs, slog.String(f.key, f.literal()))
	}
	return slog.GroupValue(attrs...)
}

// String is Redacted: printing a Config by accident shows no secret and no internals.
func (c Config) String() string { return c.Redacted() }
