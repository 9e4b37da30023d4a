package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/skycoin/teller"
)

// The original's own example files have [sky_exchanger.c2cx] for what its README calls exchange_client.
const (
	exchangeSection    = "sky_exchanger.exchange_client"
	exchangeSectionOld = "sky_exchanger.c2cx"
)

func canonicalKey(key string) string {
	if rest, ok := strings.CutPrefix(key, exchangeSectionOld); ok && (rest == "" || rest[0] == '.') {
		return exchangeSection + rest
	}
	return key
}

// origin is where a value came from, for the reader of a mistake.
type origin struct {
	key   string // as it was spelt there
	place string // "line 12" or the name of a variable
}

// decoder lays the entries of a document over a Config. A value that can't be read leaves its default and a mistake.
type decoder struct {
	schema   schema
	origins  map[string]origin // by the key's canonical spelling
	strange  []string          // unknown sections, reported once and not again for each of their keys
	mistakes Mistakes
}

func newDecoder(c *Config) *decoder {
	return &decoder{schema: schemaOf(c), origins: map[string]origin{}}
}

func (d *decoder) apply(entries []entry) {
	for _, e := range entries {
		switch e.value.kind {
		case unstable.Table, unstable.ArrayTable, unstable.InlineTable:
			d.section(e)
		default:
			d.value(e)
		}
	}
}

func (d *decoder) wrong(e entry, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{e.key, fmt.Sprintf(format, args...), lineText(e.line)})
}

func lineText(line int) string { return "line " + strconv.Itoa(line) }

func (d *decoder) section(e entry) {
	key := canonicalKey(e.key)
	_, isKey := d.schema.byKey[key]
	switch {
	case d.isStrange(e.key):
	case isKey:
		section, name := splitKey(e.key)
		d.strange = append(d.strange, e.key)
		d.wrong(e, "is a key, not a section: write %s = ...%s", name, inSection(section))
	case !d.schema.sections[key]:
		d.strange = append(d.strange, e.key)
		d.wrong(e, "unknown section%s", d.suggestSection(e.key))
	case e.value.kind == unstable.ArrayTable:
		d.wrong(e, "is one section: write [%s] with single brackets", e.key)
	}
}

func inSection(section string) string {
	if section == "" {
		return " above the first section"
	}
	return " in [" + section + "]"
}

func (d *decoder) suggestSection(key string) string {
	return didYouMean(nearest(key, slices.Sorted(maps.Keys(d.schema.sections)))) // sorted: a tie has one answer
}

func (d *decoder) isStrange(key string) bool {
	for _, s := range d.strange {
		if key == s || strings.HasPrefix(key, s+".") {
			return true
		}
	}
	return false
}

func (d *decoder) value(e entry) {
	key := canonicalKey(e.key)
	f, known := d.schema.byKey[key]
	switch {
	case d.isStrange(e.key):
		return
	case d.schema.sections[key]:
		d.wrong(e, "is a section: write [%s], and its keys below", e.key)
		return
	case !known:
		d.unknown(e)
		return
	}
	value := reflect.New(f.value.Type())
	if err := setValue(value.Interface(), e.value); err != nil {
		d.wrong(e, "%v%s", err, websocketHint(key, e.value))
		return
	}
	if first, twice := d.origins[key]; twice && !reflect.DeepEqual(f.value.Interface(), value.Elem().Interface()) {
		d.wrong(e, "has another value than %s on %s: they are two names of one key, keep one of them", first.key, first.place)
		return
	}
	f.value.Set(value.Elem())
	d.origins[key] = origin{e.key, lineText(e.line)}
}

func (d *decoder) unknown(e entry) {
	section, _ := splitKey(e.key)
	if section != "" && !d.schema.sections[canonicalKey(section)] { // a dotted key needs no header for its section
		d.section(entry{key: section, line: e.line})
		return
	}
	known := make([]string, len(d.schema.fields))
	for i, f := range d.schema.fields {
		known[i] = f.key
	}
	d.wrong(e, "unknown key%s", suggestKey(canonicalKey(e.key), known))
}

// websocketHint catches a slip of the old documentation, which called two keys btc_rpc.cert.
func websocketHint(key string, l literal) string {
	if key == "btc_rpc.cert" && l.kind == unstable.Bool {
		return "; the switch for a websocket connection is btc_rpc.websocket"
	}
	return ""
}

// setValue reads a literal into a pointer to a field's value. It is strict: nothing but what is named here is taken.
// An error never repeats a secret.
func setValue(to any, l literal) (err error) {
	switch to := to.(type) {
	case *bool:
		if l.kind != unstable.Bool {
			return mustBe("true or false", l)
		}
		*to = l.text == "true"
	case *int:
		var n int64
		if n, err = l.integer(); err == nil && n != int64(int(n)) {
			err = fmt.Errorf("%d is too large", n)
		}
		*to = int(n)
	case *int64:
		*to, err = l.integer()
	case *uint64:
		var n int64
		if n, err = l.integer(); err == nil && n < 0 {
			err = fmt.Errorf("must not be negative, is %d", n)
		}
		*to = uint64(n)
	case *string:
		*to, err = l.string()
	case *teller.BuyMethod:
		var s string
		s, err = l.string()
		*to = teller.BuyMethod(s)
	case *[]string:
		*to, err = l.strings()
	case *Secret:
		if l.kind != unstable.String {
			return fmt.Errorf("must be a text in quotes, is %s", kindName(l.kind))
		}
		to.text = l.text
	case *time.Duration:
		*to, err = l.duration()
	default:
		return setNumber(to, l)
	}
	return err
}

// setNumber reads what may be written as a text or as a number, and is exact either way.
func setNumber(to any, l literal) (err error) {
	text, err := l.digits()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *teller.Rate:
		if text == "" {
			*to = teller.Rate{} // an empty text is "not set"
			return nil
		}
		*to, err = teller.ParseRate(text)
	case *teller.Droplets:
		*to, err = teller.ParseDroplets(text)
	case *Decimal:
		*to = Decimal(text)
	default:
		panic(fmt.Sprintf("config: no reader for a %T", to))
	}
	return err
}
