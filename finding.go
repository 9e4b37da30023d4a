package teller

import (
	"fmt"
	"slices"
)

// Finding is one discrepancy that an audit came upon, explained to an operator. Its texts are whole sentences.
type Finding struct {
	Kind  string `json:"kind"`  // names this sort of discrepancy for programs
	Found string `json:"found"` // what was seen, with the ids to look up
	Means string `json:"means"` // what that says about the money
	Did   string `json:"did"`   // what teller has done or will do about it by itself
	Do    string `json:"do"`    // what the operator should do
}

// Verification is what came out when a ledger was checked by itself, without any node.
type Verification struct {
	Entries  uint64 // of the audit log
	Head     string // hash of the last one
	Deposits int
	Payouts  int
	Bindings int
	Findings []Finding
}

// maxFindings is how many findings of one kind are told: after those the rest only counts.
const maxFindings = 20

// Findings collects discrepancies and keeps their number in bounds. The zero value is ready for use.
type Findings struct {
	list []Finding
	told map[string]int
}

// Add takes a finding down, or only counts it when there are many of its kind.
func (f *Findings) Add(x Finding) {
	if f.told == nil {
		f.told = make(map[string]int)
	}
	if f.told[x.Kind]++; f.told[x.Kind] <= maxFindings {
		f.list = append(f.list, x)
	}
}

// List is what was found, in that order. The last one of a kind of which there are too many says how many more there are.
func (f *Findings) List() []Finding {
	list := append([]Finding(nil), f.list...)
	last := make(map[string]int)
	for i, x := range list {
		last[x.Kind] = i
	}
	for kind, i := range last {
		if more := f.told[kind] - maxFindings; more > 0 {
			list[i].Found += fmt.Sprintf(" (And %d more of this kind.)", more)
		}
	}
	return list
}

// AuditReport is what came out of an audit of the ledger against the world.
type AuditReport struct {
	Checks   []AuditCheck `json:"checks"`   // what was compared
	Findings []Finding    `json:"findings"` // none = ledger and world agree, as far as they were compared
	// Missed are, by coin, the lowest blocks with a deposit that the ledger lacks: a rescan from there finds it.
	Missed map[Coin]int64 `json:"missed"`
}

// AuditCheck is one part of an audit, in words.
type AuditCheck struct {
	Part    string `json:"part"`
	Told    string `json:"told"`
	Skipped bool   `json:"skipped"` // it could not be compared now, as Told explains
}

// Complete reports whether everything that was to be compared could be.
func (r *AuditReport) Complete() bool {
	return !slices.ContainsFunc(r.Checks, func(c AuditCheck) bool { return c.Skipped })
}
