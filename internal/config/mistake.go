package config

import (
	"fmt"
	"strings"
)

// Mistake is one thing that is wrong with the configuration.
type Mistake struct {
	Key     string // as the file spells it, with its sections: "btc_scanner.scan_period"
	Problem string // what is wrong and what to write instead; never a secret
	Origin  string // where the value came from: "line 12", "TELLER_ADMIN_TOKEN", or "" for a default
}

// String is "key: problem (origin)".
func (m Mistake) String() string {
	if m.Origin == "" {
		return m.Key + ": " + m.Problem
	}
	return m.Key + ": " + m.Problem + " (" + m.Origin + ")"
}

// Mistakes is everything that is wrong, in the order of the file first and of the checks then. It is an error when it
// is not empty; errors.As finds it in what Load returns.
type Mistakes []Mistake

// Error has one line for each mistake.
func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

func (ms *Mistakes) add(key, format string, args ...any) {
	*ms = append(*ms, Mistake{Key: key, Problem: fmt.Sprintf(format, args...)})
}

func (ms Mistakes) has(key string) bool {
	for _, m := range ms {
		if m.Key == key {
			return true
		}
	}
	return false
}

// addNew appends the mistakes of later, less those about a key that has one already: a value that could not be read
// would only be reported again as missing.
func (ms *Mistakes) addNew(later Mistakes) {
	known := *ms
	for _, m := range later {
		if !known.has(m.Key) {
			*ms = append(*ms, m)
		}
	}
}
