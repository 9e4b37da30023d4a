package app

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/httpapi"
	"github.com/skycoin/teller/internal/settle"
)

// vitals is the board on which workers report how the outside is doing; /api/health reads it. Reading costs nothing.
type vitals struct {
	clock teller.Clock
	mu    sync.Mutex
	parts map[string]httpapi.NodeHealth
}

func newVitals(clock teller.Clock) *vitals {
	return &vitals{clock: clock, parts: make(map[string]httpapi.NodeHealth)}
}

// Report implements httpapi.NodeHealths.
func (v *vitals) Report(part string, err error) {
	text := publicText(err)
	v.mu.Lock()
	defer v.mu.Unlock()
	old, known := v.parts[part]
	now := httpapi.NodeHealth{Name: part, OK: err == nil, Error: text, Since: old.Since}
	if !known || old.OK != now.OK {
		now.Since = v.clock.Now()
	}
	v.parts[part] = now
}

// publicText is what anybody may read about a failure. What a buyer can do nothing about is told without the names and
// addresses of the operator's machines; the log has them.
func publicText(err error) string {
	var texts []string
	for _, failure := range failures(err) {
		if text := publicPart(failure); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

func publicPart(err error) string {
	if failed, ok := errors.AsType[*settle.OrderFailed](err); ok {
		return publicFailure(failed)
	}
	if trouble, ok := errors.AsType[*ledgerTrouble](err); ok {
		return trouble.public
	}
	switch teller.CodeOf(err) {
	case "":
		return ""
	case teller.CodeShortOfCoins, teller.CodeShortOfHours:
		return err.Error()
	case teller.CodeUnavailable:
		return "does not answer"
	case teller.CodeRateLimited:
		return "was asked too often and is left alone for a while"
	case teller.CodeNodeBehind:
		return "is behind the chain"
	case teller.CodeConflict:
		return "is being retried"
	default:
		return "is stopped until the operator has looked at it"
	}
}

// Error is the part's current failure, "" when it is well.
func (v *vitals) Error(part string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.parts[part].Error
}

// All lists the parts by name.
func (v *vitals) All() []httpapi.NodeHealth {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]httpapi.NodeHealth, 0, len(v.parts))
	for _, p := range v.parts {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b httpapi.NodeHealth) int { return strings.Compare(a.Name, b.Name) })
	return all
}
