package main

// originals are the faults 1 to 5 of the program that this one follows, in the present code.
var originals = []mutant{
	{name: "original-1-two-transactions", what: "the payout is saved in one transaction and its deposits marked in another", edits: []edit{
		{"internal/store/bolt/payouts.go", `	return s.update(ctx, func(t *txn) error {
		if _, exists`, `	var rs []*record
	err := s.update(ctx, func(t *txn) error {
		if _, exists`},
		{"internal/store/bolt/payouts.go", `		rs, err := t.payable(p.Shares)
		if err != nil {
			return err
		}
		return t.createPayout(p, rs)
	})
}
`, `		var err error
		if rs, err = t.payable(p.Shares); err != nil {
			return err
		}
		p.CreatedAt = t.now
		t.putPayout(p, false)
		return t.journal(journalEntry{Payout: &p})
	})
	if err != nil {
		return err
	}
	return s.update(ctx, func(t *txn) error {
		if rs, err = t.payable(p.Shares); err != nil {
			return err
		}
		return t.createPayout(p, rs)
	})
}
`},
		{"internal/store/bolt/payouts.go", `	p.CreatedAt = t.now
	t.putPayout(p, false)
	t.audit(`, "\tt.audit("},
		{"internal/store/bolt/payouts.go", `	t.audit(teller.AuditEntry{Event: eventPayout, TxID: p.TxID})
	if err := t.journal(journalEntry{Payout: &p}); err != nil {
		return err
	}
`, `	t.audit(teller.AuditEntry{Event: eventPayout, TxID: p.TxID})
`},
	}},
	{name: "original-2-broadcast-first", what: "the signed bytes are sent before they are stored", edits: []edit{
		{"internal/settle/payer.go", "\tif err := p.Store.CreatePayout(ctx, payout); err != nil {", `	_ = p.Node.Inject(ctx, payout.Raw)
	if err := p.Store.CreatePayout(ctx, payout); err != nil {`},
	}},
	{name: "original-3-heights", what: "heights are compared, not hashes: a block of the same height is taken for the same block", edits: []edit{
		{"internal/scan/scanner.go", "case tip.Height == cursor.Height && tip.Hash == cursor.Hash:", "case tip.Height == cursor.Height:"},
		{"internal/scan/scanner.go", `	case tip.Height == cursor.Height:
		return s.reorganise(ctx, cursor, tip.Height)
`, ""},
		{"internal/scan/scanner.go", "if last != nil && b.Parent != last.Hash {", "if last != nil && b.Height != last.Height+1 {"},
		{"internal/store/bolt/scan.go", "if known && (s.block.Height != cur.Height+1 || s.block.Parent != cur.Hash) {", "if known && s.block.Height != cur.Height+1 {"},
	}},
	{name: "original-4-placed-again", what: "a payout that the node does not show is taken for lost: its deposits are paid again, signed anew",
		edits: givenUp("!slices.ContainsFunc(txs, func(tx teller.SkyTx) bool { return tx.ID == p.TxID })")},
	{name: "original-5-output-number-0", what: "all outputs are numbered 0: the second one of a transaction is dropped", edits: []edit{
		{"internal/store/bolt/scan.go", `	for _, tr := range s.block.Transfers {
		if err`, `	for _, tr := range s.block.Transfers {
		tr.N = 0
		if err`},
		{"internal/store/bolt/find.go", `		own := r.Import == teller.ImportNone && r.Coin == coin && r.Address == tr.Address
		if own && r.Value.Equal(tr.Value) {
			return r, id, nil
		}
		id =`, `		if r.Import == teller.ImportNone {
			return r, id, nil
		}
		id =`},
	}},
}
