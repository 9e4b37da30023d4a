package main

// files are faults of what outlives the process.
var files = []mutant{
	{name: "binding-not-journaled", what: "a binding is not in the journal: a backup that is put back forgets the buyer", edits: []edit{
		{"internal/store/bolt/bindings.go", `	if err := t.journal(journalEntry{Binding: &b}); err != nil {
		return 0, err
	}
`, ""},
	}},
	{name: "payout-not-journaled", what: "a payout is not in the journal: a backup that is put back does not know its bytes", edits: []edit{
		{"internal/store/bolt/payouts.go", `	if err := t.journal(journalEntry{Payout: &p}); err != nil {
		return err
	}
`, ""},
	}},
	{name: "journal-first", what: "the journal is written before the database", edits: []edit{
		{"internal/store/bolt/writer.go", `	w.noteFreePages()
	if err := w.store.disk.Commit`, `	w.noteFreePages()
	if err := w.store.journal.append(t.lines); err != nil {
		_ = t.tx.Rollback()
		answer(group, err)
		return
	}
	if err := w.store.disk.Commit`},
		{"internal/store/bolt/writer.go", "	w.tell(t.lines, group)", "	w.tell(nil, group)"},
	}},
	{name: "failed-commit-answered", what: "a commit that failed is answered as done", edits: []edit{
		{"internal/store/bolt/writer.go", `		answer(group, told)
		return
	}
`, `		answer(group, nil)
		return
	}
`},
	}},
}
