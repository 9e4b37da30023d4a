package main

// deposits are faults of following the deposit chains.
var deposits = []mutant{
	{name: "credited-early", what: "a deposit is credited one block early", edits: []edit{
		{"internal/store/bolt/credit.go", `height := s.head - s.terms.Confirmations
`, `height := s.head - s.terms.Confirmations + 1
`},
	}},
	{name: "orphan-credited", what: "a deposit whose block left the chain is credited all the same", edits: []edit{
		{"deposit.go", "\tif d.Orphaned || d.Doubtful() {", "\tif d.Doubtful() {"},
		{"internal/store/bolt/indexes.go", "\tif r.mined {", "\tif r.mined || r.Orphaned {"},
	}},
	{name: "orphan-not-held", what: "a credited deposit whose block left the chain is not held", edits: []edit{
		{"deposit.go", "if d.Freezes() && !d.HeldFor(HoldOrphaned) {", "if d.Freezes() && d.HeldFor(HoldOrphaned) {"},
	}},
	{name: "orphan-paid", what: "a credited deposit whose block left the chain goes on to be paid", edits: []edit{
		{"deposit.go", `	d.Orphaned = true
	d.touch(now)
`, `	d.Orphaned = !d.Credited()
	d.touch(now)
`},
	}},
	{name: "not-frozen", what: "crediting of a coin goes on although a credited deposit is gone", edits: []edit{
		{"deposit.go", `	return d.Orphaned && d.Credited() && !neverPaid
`, `	return d.Orphaned && d.Credited() && !neverPaid && d.Status == StatusWaitingDeposit
`},
	}},
	{name: "frozen-ignored", what: "the freeze is noted and not heeded", edits: []edit{
		{"internal/store/bolt/credit.go", "if frozen, err := s.frozen(s.coin); err != nil || frozen {", "if _, err := s.frozen(s.coin); err != nil {"},
	}},
	{name: "cursor-first", what: "the cursor is moved in one transaction, and the deposits of the block are stored in the next", edits: []edit{
		{"internal/store/bolt/scan.go", `	return s.take()
}
`, `	return nil
}
`},
		{"internal/store/bolt/scan.go", `			if err := st.run(); err != nil {
				return err
			}
		}
		return nil
	})
`, `			if err := st.run(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return teller.ScanResult{}, err
	}
	err = s.update(ctx, func(t *txn) error {
		st = &blockStep{txn: t, coin: coin, terms: terms}
		for _, b := range blocks {
			st.block, st.head = b, b.Height
			if err := st.take(); err != nil {
				return err
			}
		}
		return nil
	})
`},
	}},
	{name: "rewind-orphans-nothing", what: "the scan goes back, but the deposits of the blocks that fell away stay as they are", edits: []edit{
		{"internal/store/bolt/rewind.go", `		if err := t.orphanAbove(coin, to.Height, res); err != nil {
			return err
		}
`, ""},
	}},
	{name: "remined-recorded-twice", what: "a deposit that is mined again is taken for another one", edits: []edit{
		{"internal/store/bolt/find.go", "if own && r.Value.Equal(tr.Value) {", "if own && r.mined && r.Value.Equal(tr.Value) {"},
	}},
	{name: "rescan-credits-twice", what: "a rescan takes what it finds for new", edits: []edit{
		{"internal/store/bolt/find.go", "if own && r.Value.Equal(tr.Value) {", "if own && !r.mined && r.Value.Equal(tr.Value) {"},
	}},
	{name: "duplicate-not-held", what: "what a rescan finds after the balance has shown it is credited a second time", edits: []edit{
		{"internal/store/bolt/arrival.go", `	if !known {
		more, err := t.duplicates`, `	if !known && r != nil {
		more, err := t.duplicates`},
	}},
	{name: "rate-taken-again", what: "a deposit that is mined again gets the rate of that time", edits: []edit{
		{"internal/store/bolt/arrival.go", "\t\tif err := t.remine(r,", `		r.Rate = seen.rate
		if err := t.remine(r,`},
	}},
	{name: "early-payment-forgotten", what: "what was paid to an address before it was bound is forgotten with the binding", edits: []edit{
		{"internal/store/bolt/bindings.go", `	return t.adopt(b)
`, `	return 0, nil
`},
	}},
}
