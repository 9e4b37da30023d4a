package audit

import (
	"context"
	"slices"

	"github.com/skycoin/teller"
)

const (
	page     = 500 // rows that are read at once
	blocks   = 100 // Skycoin blocks that are read at once
	attempts = 10  // to see the ledger at rest
)

// walletView is the hot wallet as the ledger has it, brought to the node's head, beside what the node says.
type walletView struct {
	cursor   teller.WalletCursor // of the ledger
	head     teller.SkyHead      // of the node
	outputs  map[string]teller.Output
	coins    teller.Droplets
	unread   []teller.SkyTx // transactions in blocks that the ledger has not read yet and that spend its outputs
	findings teller.Findings
}

// compareOutputs compares the wallet's outputs at the same block of the chain. When the node is ahead of the ledger, the
// blocks between are read and their effect is worked out here: neither has to stand still.
func (a *Auditor) compareOutputs(ctx context.Context) (*walletView, error) {
	v, err := a.atRest(ctx)
	if err != nil {
		return nil, err
	}
	head, have, err := a.Node.Outputs(ctx, v.cursor.Addresses)
	if err != nil {
		return nil, err
	}
	v.head = head
	switch {
	case head.Height < v.cursor.Height:
		return nil, teller.Errorf(teller.CodeNodeBehind, "the skycoin node is at block %d, behind the ledger's %d: wait until it has caught up", head.Height, v.cursor.Height)
	case head.Height == v.cursor.Height && head.Hash != v.cursor.Hash:
		v.findings.Add(otherChain(v.cursor))
		return v, nil
	}
	linked, err := a.project(ctx, v)
	if err != nil || !linked {
		return v, err
	}
	v.compare(have)
	return v, nil
}

// atRest reads the wallet's outputs and the block at which they are known.
func (a *Auditor) atRest(ctx context.Context) (*walletView, error) {
	for range attempts {
		before, err := a.Ledger.WalletCursor(ctx)
		if err != nil {
			return nil, err
		}
		all, _, err := a.Ledger.Outputs(ctx)
		if err != nil {
			return nil, err
		}
		after, err := a.Ledger.WalletCursor(ctx)
		if err != nil {
			return nil, err
		}
		if before.SkyHead != after.SkyHead || !slices.Equal(before.Addresses, after.Addresses) {
			continue
		}
		v := &walletView{cursor: after, outputs: make(map[string]teller.Output, len(all))}
		for _, o := range all {
			v.outputs[o.ID] = o
		}
		return v, nil
	}
	return nil, teller.Errorf(teller.CodeUnavailable, "the ledger is following the skycoin chain: its outputs change all the time")
}

// project brings the ledger's outputs from its own block to the node's head. It reports whether that block is on the
// node's chain.
func (a *Auditor) project(ctx context.Context, v *walletView) (linked bool, err error) {
	at := v.cursor.BlockRef
	for at.Height < v.head.Height {
		part, err := a.Node.Blocks(ctx, at.Height+1, min(at.Height+blocks, v.head.Height))
		if err != nil {
			return false, err
		}
		if len(part) == 0 {
			break
		}
		if part[0].Parent != at.Hash {
			if at == v.cursor.BlockRef {
				v.findings.Add(otherChain(v.cursor))
				return false, nil
			}
			break
		}
		for _, b := range part {
			for _, tx := range b.Txs {
				v.apply(tx)
			}
		}
		at = part[len(part)-1].BlockRef
	}
	if at != v.head.BlockRef {
		return false, teller.Errorf(teller.CodeUnavailable, "the skycoin chain went on while the wallet was compared")
	}
	return true, nil
}

func (v *walletView) apply(tx teller.SkyTx) {
	spends := false
	for _, in := range tx.Inputs {
		_, own := v.outputs[in]
		spends = spends || own
		delete(v.outputs, in)
	}
	for _, o := range tx.Outputs {
		if slices.Contains(v.cursor.Addresses, o.Address) {
			v.outputs[o.ID] = teller.Output{SkyOutput: o}
		}
	}
	if spends {
		v.unread = append(v.unread, tx)
	}
}

func (v *walletView) compare(have []teller.Output) {
	seen := make(map[string]bool, len(have))
	for _, o := range have {
		seen[o.ID] = true
		v.coins += o.Coins
		known, ok := v.outputs[o.ID]
		switch {
		case !ok:
			v.findings.Add(unknownOutput(o, v.head))
		case known.Coins != o.Coins || known.Address != o.Address:
			v.findings.Add(otherOutput(known, o))
		}
	}
	var gone []string
	for id := range v.outputs {
		if !seen[id] {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		v.findings.Add(goneOutput(v.outputs[id], v.head))
	}
}

// wallet compares the Skycoin chain's block 0, the ledger's block and the wallet's outputs.
func (r *run) wallet(ctx context.Context) error {
	pins, err := r.Ledger.Pins(ctx)
	if err != nil {
		return err
	}
	genesis, err := r.Node.Genesis(ctx)
	if err != nil {
		return err
	}
	if pin := pins["payout"]; pin != "" && pin != genesis {
		r.findings.Add(otherNetwork("Skycoin", pin, genesis))
		return nil
	}
	v, err := r.compareOutputs(ctx)
	if teller.CodeOf(err) == teller.CodeNotFound {
		r.check("wallet", "the ledger has not opened the wallet yet: there is nothing to compare")
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range v.findings.List() {
		r.findings.Add(f)
	}
	r.check("wallet", "%d outputs with %s SKY at block %d of the node; the ledger is at block %d", len(v.outputs), v.coins, v.head.Height, v.cursor.Height)
	return nil
}
