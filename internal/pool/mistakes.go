package pool

import (
	"fmt"
	"strings"

	"github.com/skycoin/teller"
)

// mistakes collects what is wrong in a file, in the order of its lines: the first maxShown are kept, all are counted.
type mistakes struct {
	shown []string
	count int
}

func (m *mistakes) add(at place, what string) {
	m.count++
	if len(m.shown) == maxShown {
		return
	}
	if at.element > 0 {
		what = fmt.Sprintf("element %d: %s", at.element, what)
	}
	m.shown = append(m.shown, fmt.Sprintf("%d: %s", at.line, what))
}

// error tells them all, each as "path:line: what", the form that editors and terminals make a link of.
func (m *mistakes) error(path string) error {
	if m.count == 1 {
		return teller.Errorf(teller.CodeInvalid, "%s:%s", path, m.shown[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "address file %s has %d mistakes:", path, m.count)
	for _, s := range m.shown {
		fmt.Fprintf(&b, "\n\t%s:%s", path, s)
	}
	if rest := m.count - len(m.shown); rest > 0 {
		fmt.Fprintf(&b, "\n\tand %d more", rest)
	}
	return teller.Errorf(teller.CodeInvalid, "%s", b.String())
}
