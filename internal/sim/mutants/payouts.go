package main

// payouts are faults of what is paid, and of what is known of the wallet.
var payouts = []mutant{
	{name: "not-stored", what: "the signed bytes are sent and never stored", edits: []edit{
		{"internal/settle/payer.go", "\tif err := p.Store.CreatePayout(ctx, payout); err != nil {", "\tif err := p.Node.Inject(ctx, payout.Raw); err != nil {"},
	}},
	{name: "sent-though-refused", what: "the signed bytes are sent although the ledger has refused them", edits: []edit{
		{"internal/settle/payer.go", "\tif err := p.Store.CreatePayout(ctx, payout); err != nil {", `	if err := p.Store.CreatePayout(ctx, payout); err != nil {
		_ = p.Node.Inject(ctx, payout.Raw)`},
	}},
	{name: "signed-again-on-retry", what: "what waits for its block is signed again instead of being sent again", edits: []edit{
		{"internal/store/bolt/indexes.go", `			add(indexDue, textSeqKey(r.Seq, string(r.Status)))
`, `			status := r.Status
			if status == teller.StatusWaitingConfirm {
				status = teller.StatusWaitingSend
			}
			add(indexDue, textSeqKey(r.Seq, string(status)))
`},
		{"internal/store/bolt/payouts.go", "r.Status != teller.StatusWaitingSend || ", "(r.Status != teller.StatusWaitingSend && r.Status != teller.StatusWaitingConfirm) || "},
		{"status.go", "EventConfirm: StatusDone, EventSupersede: StatusWaitingSend,", "EventPay: StatusWaitingConfirm, EventConfirm: StatusDone, EventSupersede: StatusWaitingSend,"},
	}},
	{name: "no-version-check-pay", what: "CreatePayout pays a deposit whatever has become of it since it was chosen", edits: []edit{
		{"internal/store/bolt/payouts.go", "r.Version != sh.Version || r.Status != teller.StatusWaitingSend || !r.Due() || ", "r.Status != teller.StatusWaitingSend || "},
		{"deposit.go", `func (d *Deposit) Pay(txid string, share Droplets, now time.Time) error {
	if err := d.mustBeDue(); err != nil {
		return err
	}
`, `func (d *Deposit) Pay(txid string, share Droplets, now time.Time) error {
`},
	}},
	{name: "no-version-check-decide", what: "Decide decides on a deposit that changed since it was read", edits: []edit{
		{"internal/store/bolt/deposits.go", "if err != nil || r == nil || r.Version != d.Version {", "if err != nil || r == nil {"},
		{"deposit.go", `func (d *Deposit) Decide(owed Droplets, now time.Time) error {
	if err := d.mustBeDue(); err != nil {
		return err
	}
`, `func (d *Deposit) Decide(owed Droplets, now time.Time) error {
`},
	}},
	{name: "released-on-timeout", what: "a payout that has waited for a minute is given up, and its deposits are paid again",
		edits: givenUp("t.now.Unix()-p.CreatedAt > 60")},
	{name: "reserved-outputs-spent", what: "outputs that a pending payout spends are spent again", edits: []edit{
		{"internal/store/bolt/wallet.go", "if t.get(bucketReserved, k) == nil {", "if len(k) > 0 {"},
		{"internal/store/bolt/payouts.go", " || t.get(bucketReserved, []byte(in)) != nil {", " {"},
		{"internal/settle/payer.go", `	spendable = slices.DeleteFunc(spendable, func(o teller.Output) bool { return outgoing[o.ID] })
`, ""},
	}},
	{name: "mempool-ignored", what: "what is pending at the node is not looked at before a payout is made", edits: []edit{
		{"internal/settle/payer.go", `	pending, err := p.Node.Pending(ctx)
`, `	var pending []teller.SkyTx
	_, err := p.Node.Pending(ctx)
`},
	}},
	{name: "pending-after-head", what: "the node is asked for its head first, and only then for what is pending", edits: []edit{
		{"internal/settle/payer.go", `	pending, err := p.Node.Pending(ctx)
	if err != nil {
		return false, err
	}
	cursor, ready,`, "\tcursor, ready,"},
		{"internal/settle/payer.go", `	rules, err := p.Node.Rules(ctx)
`, `	pending, err := p.Node.Pending(ctx)
	if err != nil {
		return false, err
	}
	rules, err := p.Node.Rules(ctx)
`},
	}},
	{name: "paid-while-ledger-behind", what: "payouts are made before the ledger has followed the chain to the node's head", edits: []edit{
		{"internal/settle/settle.go", `	if head.BlockRef != cursor.BlockRef {
		return cursor, false, nil
	}
`, ""},
	}},
	{name: "paid-while-node-behind", what: "payouts are made while the node lacks blocks that its peers have", edits: []edit{
		{"internal/settle/settle.go", "return cursor, true, synced", "_ = synced\n\treturn cursor, true, nil"},
	}},
	{name: "pending-past-confirmed", what: "what is only pending when a lost ledger's wallet is opened counts as confirmed", edits: []edit{
		{"internal/settle/follower.go", "tx.State == teller.TxConfirmed && tx.Height <= height && slices", "slices"},
	}},
	{name: "withdrawal-not-recorded", what: "a transaction out of the wallet that the ledger did not make is not noted", edits: []edit{
		{"internal/store/bolt/skyblocks.go", `	case spends:
		err = s.withdrawal(tx, b.Height)
`, ""},
	}},
	{name: "withdrawal-holds-nothing", what: "a withdrawal is noted, but does not hold the deposits that it may have paid", edits: []edit{
		{"internal/store/bolt/withdrawals.go", `		if err := s.holdOpen(o.Address, claim.detail()); err != nil {
			return err
		}
`, ""},
	}},
	{name: "credited-despite-withdrawal", what: "a deposit that is credited after a withdrawal to its buyer is not held for it", edits: []edit{
		{"internal/store/bolt/credit.go", "\t\tfor _, claim := range claims {", "\t\tfor _, claim := range claims[:0] {"},
	}},
	{name: "killed-payout-not-held", what: "the deposits of a payout that died are not held for the withdrawals seen while it was pending", edits: []edit{
		{"internal/store/bolt/payouts.go", "\t\tfor _, c := range claims {", "\t\tfor _, c := range claims[:0] {"},
	}},
	{name: "wallet-past-ignored", what: "what an address of the wallet has paid before the ledger knew it is not looked at", edits: []edit{
		{"internal/store/bolt/wallet.go", "\tfor _, tx := range past {", "\tfor _, tx := range past[:0] {"},
	}},
	{name: "two-deposits-count-one", what: "of two deposits of one buyer only the last is paid, and both are marked", edits: []edit{
		{"internal/settle/payer.go", `			g.coins += d.Owed
`, `			g.coins = d.Owed
`},
	}},
	{name: "sent-once-only", what: "a payout is sent once and never again", edits: []edit{
		{"internal/settle/broadcaster.go", "a.n == 0 || since >= b.Every || since < 0 {", "a.n == 0 && since >= 0 {"},
	}},
	{name: "held-is-due", what: "held deposits are decided and paid", edits: []edit{
		{"deposit.go", "return d.Hold == nil && !d.Orphaned && d.Import", "return !d.Orphaned && d.Import"},
	}},
	{name: "paid-at-present-rate", what: "a deposit is paid at the present rate, not at the one of its time", edits: []edit{
		{"internal/settle/decider.go", `	rate := d.Rate
`, `	rate := w.Rates[d.Coin]
`},
	}},
}

// givenUp has every pending payout that meets a condition taken for dead when the node's pending transactions are noted.
func givenUp(condition string) []edit {
	return []edit{{"internal/store/bolt/wallet.go", `	var foreign []teller.SkyTx
	err := s.view(`, `	err := s.update(ctx, func(t *txn) error {
		st := &skyStep{txn: t, own: t.walletAddresses()}
		var late []payoutRow
		_ = t.each(bucketPending, nil, nil, func(_, txid []byte) (bool, error) {
			p, _, err := t.payout(string(txid))
			if err == nil && ` + condition + ` {
				late = append(late, p)
			}
			return true, nil
		})
		for _, p := range late {
			if err := st.killPayout(p, teller.SkyTx{ID: "timeout"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return teller.WalletResult{}, err
	}
	var foreign []teller.SkyTx
	err = s.view(`}}
}
