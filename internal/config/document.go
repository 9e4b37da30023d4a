package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/skycoin/teller"
)

// entry is one thing that a TOML document says: a key has a value, or a section begins.
type entry struct {
	key   string // with its sections; parts that are no bare keys are quoted
	line  int
	value literal
}

// literal is a TOML value as it is written. Numbers keep their digits: decoded into a float they would lose some.
type literal struct {
	kind  unstable.Kind
	text  string    // a string's content, anything else as written
	items []literal // of an array
}

// parseDocument lists what a TOML document says, in its order. The document is decoded twice: by the ordinary decoder,
// which knows every rule (that a key is not given twice, for one) but stops at the first value of a wrong type and has
// no digits of a number to offer; and by the parser below it, which has both.
func parseDocument(file string, data []byte) ([]entry, error) {
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		// Only the message: the decoder's long form quotes the lines around the mistake, and passwords with them.
		at, reason := file, strings.TrimPrefix(err.Error(), "toml: ")
		if syntax := (*toml.DecodeError)(nil); errors.As(err, &syntax) {
			line, column := syntax.Position()
			at = fmt.Sprintf("%s:%d:%d", file, line, column)
		}
		return nil, teller.Errorf(teller.CodeInvalid, "%s: not valid TOML: %s", at, reason)
	}
	d := document{data: data, line: 1}
	d.parser.Reset(data)
	section := ""
	for d.parser.NextExpression() {
		switch node := d.parser.Expression(); node.Kind {
		case unstable.Table, unstable.ArrayTable:
			var line int
			section, line = d.keyOf("", node)
			d.entries = append(d.entries, entry{section, line, literal{kind: node.Kind}})
		case unstable.KeyValue:
			d.add(section, node)
		}
	}
	if err := d.parser.Error(); err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "%s: not valid TOML: %w", file, err)
	}
	return d.entries, nil
}

type document struct {
	parser  unstable.Parser
	data    []byte
	entries []entry
	offset  int // how far lines are counted: keys come in order, so each newline is counted once
	line    int
}

func (d *document) add(section string, node *unstable.Node) {
	key, line := d.keyOf(section, node)
	value := node.Value()
	if value.Kind != unstable.InlineTable {
		d.entries = append(d.entries, entry{key, line, literalOf(value)})
		return
	}
	d.entries = append(d.entries, entry{key, line, literal{kind: unstable.InlineTable}})
	for it := value.Children(); it.Next(); {
		d.add(key, it.Node())
	}
}

func (d *document) keyOf(section string, node *unstable.Node) (key string, line int) {
	key = section
	for it := node.Key(); it.Next(); {
		part := it.Node()
		if line == 0 {
			line = d.lineAt(int(part.Raw.Offset))
		}
		key = joinKey(key, bareOrQuoted(string(part.Data)))
	}
	return key, line
}

func (d *document) lineAt(offset int) int {
	if offset > d.offset {
		d.line += bytes.Count(d.data[d.offset:offset], []byte{'\n'})
		d.offset = offset
	}
	return d.line
}

func bareOrQuoted(part string) string {
	const bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	if part != "" && strings.Trim(part, bare) == "" {
		return part
	}
	return quote(part)
}

func literalOf(node *unstable.Node) literal {
	l := literal{kind: node.Kind, text: string(node.Data)}
	if node.Kind == unstable.Array {
		for it := node.Children(); it.Next(); {
			l.items = append(l.items, literalOf(it.Node()))
		}
	}
	return l
}
