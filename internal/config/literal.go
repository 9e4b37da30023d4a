package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"
)

func kindName(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "a text"
	case unstable.Bool:
		return "true or false"
	case unstable.Integer:
		return "a whole number"
	case unstable.Float:
		return "a number with decimals"
	case unstable.Array:
		return "a list"
	default:
		return "a date or time"
	}
}

// mustBe names what was wanted and what was found. Not for secrets: it repeats short values.
func mustBe(what string, l literal) error {
	switch {
	case l.kind == unstable.Array || len(l.text) > 40:
		return fmt.Errorf("must be %s, is %s", what, kindName(l.kind))
	case l.kind == unstable.String:
		return fmt.Errorf("must be %s, is the text %q", what, l.text)
	default:
		return fmt.Errorf("must be %s, is %s", what, l.text)
	}
}

func (l literal) string() (string, error) {
	if l.kind != unstable.String {
		return "", mustBe("a text in quotes", l)
	}
	if strings.ContainsFunc(l.text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("must not contain control characters")
	}
	return l.text, nil
}

func (l literal) strings() ([]string, error) {
	if l.kind != unstable.Array {
		return nil, mustBe(`a list of texts, like ["a", "b"]`, l)
	}
	var list []string // nil for [], as the default is
	for _, item := range l.items {
		s, err := item.string()
		if err != nil {
			return nil, fmt.Errorf("each item %w", err)
		}
		list = append(list, s)
	}
	return list, nil
}

func (l literal) integer() (int64, error) {
	if l.kind != unstable.Integer {
		return 0, mustBe("a whole number without quotes", l)
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(l.text, "_", ""), 0, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is too large", l.text)
	}
	return n, nil
}

// digits is a number as it is written, in quotes or bare.
func (l literal) digits() (string, error) {
	switch l.kind {
	case unstable.String:
		return l.string()
	case unstable.Integer, unstable.Float:
		if strings.Trim(l.text, "0123456789._") != "" {
			return "", fmt.Errorf("must be written in digits, without sign, exponent or prefix, is %s", l.text)
		}
		return strings.ReplaceAll(l.text, "_", ""), nil
	default:
		return "", mustBe("a number", l)
	}
}

// duration reads "20s", "1m30s", or a whole number of seconds.
func (l literal) duration() (time.Duration, error) {
	if l.kind == unstable.Integer {
		n, err := l.integer()
		if err == nil && (n > math.MaxInt64/int64(time.Second) || n < math.MinInt64/int64(time.Second)) {
			err = fmt.Errorf("%s seconds is too long", l.text)
		}
		return time.Duration(n) * time.Second, err
	}
	if l.kind != unstable.String {
		return 0, mustBe(`a duration like "20s" or "1m30s", or a whole number of seconds`, l)
	}
	d, err := time.ParseDuration(l.text)
	if err != nil {
		return 0, mustBe(`a duration like "20s" or "1m30s", or a whole number of seconds`, l)
	}
	return d, nil
}
