package main

// purchases are faults of buying on an exchange.
var purchases = []mutant{
	{name: "placed-without-a-look", what: "an order is placed without looking whether the exchange has it", edits: []edit{
		{"internal/settle/follow.go", `	report, err := r.Exchange.Find(ctx, o.Coin, o.ClientID)
	switch teller.CodeOf(err) {
	case "":
		_, err = r.note(ctx, o, report)
		return err
	case teller.CodeNotFound:
		return r.notFound(ctx, d, o)
`, `	var report teller.OrderReport
	err = teller.Errorf(teller.CodeNotFound, "not asked")
	switch teller.CodeOf(err) {
	case "":
		_, err = r.note(ctx, o, report)
		return err
	case teller.CodeNotFound:
		return r.notFound(ctx, d, o)
`},
	}},
	{name: "lost-reply-is-a-refusal", what: "an order whose reply is lost is taken for refused, and another attempt is made", edits: []edit{
		{"internal/settle/follow.go", `		r.short(o.Coin, "%v", err)
		return nil
	}
	r.fault(err)
	return nil
}
`, `		r.short(o.Coin, "%v", err)
		return nil
	}
	_, err = r.note(ctx, o, teller.OrderReport{Status: err.Error(), Final: true})
	return err
}
`},
	}},
	{name: "doubt-ignored", what: "an order that may have been placed is placed again where a client id can be taken twice", edits: []edit{
		{"internal/settle/follow.go", "	case !first && !m.IDsOnce:", "	case !first && !m.IDsOnce && m.Symbol == \"\":"},
	}},
	{name: "refused-after-a-doubt", what: "a refusal ends an order although an earlier call for it may have been accepted", edits: []edit{
		{"internal/settle/follow.go", `		if !first {
			return r.doubt(ctx, o, "it is refused now,`, `		if !first && o.ClientID == "" {
			return r.doubt(ctx, o, "it is refused now,`},
	}},
	{name: "called-before-stored", what: "the exchange is called before the ledger says that it may have been", edits: []edit{
		{"internal/settle/follow.go", `	o, err := r.Store.BeginOrder(ctx, o.ClientID, o.Version)
	if err != nil {
		r.notCalled(ctx, before, first)
		return err
	}
`, `	var err error
	if !first {
		if o, err = r.Store.BeginOrder(ctx, o.ClientID, o.Version); err != nil {
			return err
		}
	}
`},
	}},
	{name: "partial-fill-forgotten", what: "what an order has bought before it failed is forgotten", edits: []edit{
		{"internal/settle/follow.go", `	if same(o.OrderReport, report) && !o.Doubted {
`, `	if report.Final && !report.Filled && o.Bought == 0 {
		report.Bought, report.Spent = 0, teller.Amount{}
	}
	if same(o.OrderReport, report) && !o.Doubted {
`},
	}},
	{name: "expired-is-filled", what: "an order that has expired is taken for filled", edits: []edit{
		{"internal/settle/follow.go", `	if same(o.OrderReport, report) && !o.Doubted {
`, `	report.Filled = report.Final
	if same(o.OrderReport, report) && !o.Doubted {
`},
	}},
	{name: "next-before-final", what: "another attempt is made while the last order may still buy", edits: []edit{
		{"internal/settle/round.go", "				if r.pending[d.ID] || d.BuyMethod", "				if d.BuyMethod"},
		{"internal/settle/round.go", "		if err != nil || o.Pending() {", "		if err != nil {"},
		{"internal/store/bolt/orders.go", "	case last != nil && last.Pending():\n		return teller.Errorf(teller.CodeConflict, \"order %s of deposit %s is not final\", last.ClientID, r.ID)\n", "	case last != nil && last.Version == 0:\n"},
	}},
	{name: "held-is-bought-for", what: "SKY is bought for a deposit that is held", edits: []edit{
		{"internal/settle/follow.go", "	return d.Due() && (d.Status", "	return (d.Status"},
		{"internal/store/bolt/orders.go", "		if !r.Due() || r.Status != teller.StatusWaitingPassthrough {", "		if r.Status != teller.StatusWaitingPassthrough {"},
	}},
	{name: "closed-with-an-order", what: "an operator may close a deposit while an order for it may be placed", edits: []edit{
		{"internal/store/bolt/operator.go", "	return last, last.Forgo(t.now)\n", "	_ = last.Forgo(t.now)\n	return nil, nil\n"},
	}},
	{name: "sent-before-final", what: "what was bought is sent while more may be bought", edits: []edit{
		{"internal/settle/round.go", "				if r.pending[d.ID] || d.BuyMethod", "				if d.BuyMethod"},
		{"internal/settle/round.go", "		if err != nil || o.Pending() {", "		if err != nil {"},
		{"internal/settle/verdict.go", "	case small, last.Filled", "	case small, last.Pending(), last.Filled"},
		{"internal/store/bolt/orders.go", "		case last != nil && last.Pending():\n			return teller.Errorf(teller.CodeConflict, \"order %s of deposit %s is not final: it may still buy\", last.ClientID, depositID)\n", ""},
	}},
	{name: "no-look-ahead", what: "later attempts, which an older backup has forgotten, are not looked for", edits: []edit{
		{"internal/settle/round.go", "for n := d.Attempts + 1; n <= last && !r.stopped; n++ {", "for n := d.Attempts + 1; n <= 0 && !r.stopped; n++ {"},
	}},
	{name: "attempts-not-told", what: "the journal is not told of attempts: a backup that is put back looks for too few", edits: []edit{
		{"internal/store/bolt/orders.go", "		return t.journal(journalEntry{Attempt: &journalAttempt{r.ID, o.Attempt}})\n", "		return nil\n"},
	}},
	{name: "ended-under-way", what: "an operator may end an order while a call for it is under way", edits: []edit{
		{"internal/store/bolt/orders.go", "		if o.Asked() && !r.HeldFor(", "		if o.Asked() && act.Actor == \"\" && !r.HeldFor("},
	}},
	{name: "ended-while-called", what: "an operator who repeats it may end an order while a call for it is under way", edits: []edit{
		{"internal/settle/resolver.go", "r.Calling(clientID):", "r.Calling(clientID) && clientID == \"\":"},
	}},
}
