package bolt

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/skycoin/teller"
)

// unspentRow is the JSON of an unspent output of the wallet; its id is the key.
type unspentRow struct {
	Address string          `json:"address"`
	Coins   teller.Droplets `json:"coins"`
	Hours   uint64          `json:"hours"`
	SrcTx   string          `json:"src_tx"`
	Height  int64           `json:"height"`
	Time    uint64          `json:"time"`
}

func (r unspentRow) output(id string) teller.Output {
	return teller.Output{
		SkyOutput: teller.SkyOutput{ID: id, Address: r.Address, Coins: r.Coins, Hours: r.Hours},
		SrcTx:     r.SrcTx, Height: r.Height, Time: r.Time,
	}
}

func (t *txn) putOutput(o teller.Output) {
	t.putJSON(bucketOutputs, []byte(o.ID), unspentRow{
		Address: o.Address, Coins: o.Coins, Hours: o.Hours, SrcTx: o.SrcTx, Height: o.Height, Time: o.Time,
	})
}

// headRow is the JSON of the wallet's cursor: teller.SkyHead, field by field.
type headRow struct {
	teller.BlockRef
	Time uint64 `json:"time"`
}

func (t *txn) skyHead() (teller.SkyHead, bool, error) {
	row, ok, err := getJSON[headRow](t, bucketCursors, []byte(walletCursor))
	return teller.SkyHead(row), ok, err
}

func (t *txn) putSkyHead(h teller.SkyHead) {
	t.putJSON(bucketCursors, []byte(walletCursor), headRow(h))
}

// PinSkycoin implements teller.WalletStore.
func (s *Store) PinSkycoin(ctx context.Context, genesis string) error {
	return s.pin(ctx, payoutChain, genesis)
}

// WalletCursor implements teller.WalletStore.
func (s *Store) WalletCursor(ctx context.Context) (cur teller.WalletCursor, err error) {
	err = s.view(ctx, func(t *txn) error {
		head, ok, err := t.skyHead()
		if err != nil {
			return err
		}
		if !ok {
			return teller.Errorf(teller.CodeNotFound, "the wallet was not opened yet")
		}
		cur = teller.WalletCursor{SkyHead: head}
		return t.each(bucketWallet, nil, nil, func(k, _ []byte) (bool, error) {
			cur.Addresses = append(cur.Addresses, string(k))
			return true, nil
		})
	})
	return cur, err
}

// OpenWallet implements teller.WalletStore.
func (s *Store) OpenWallet(ctx context.Context, head teller.SkyHead, addresses []string, outputs []teller.Output) error {
	if head.Height < 0 || head.Hash == "" || len(addresses) == 0 {
		return teller.Errorf(teller.CodeInvalid, "a wallet is opened with its addresses at a block of the Skycoin chain")
	}
	listed := map[string]bool{}
	for _, a := range addresses {
		listed[a] = a != "" && len(a) <= maxAddress
		if !listed[a] {
			return teller.Errorf(teller.CodeInvalid, "%q is no address of a wallet", a)
		}
	}
	for _, o := range outputs {
		if o.ID == "" || !listed[o.Address] {
			return teller.Errorf(teller.CodeInvalid, "output %q of %s does not belong to the wallet's addresses", o.ID, o.Address)
		}
	}
	var fresh map[string]bool
	look := func(t *txn) error {
		fresh = map[string]bool{}
		for _, a := range addresses {
			if t.get(bucketWallet, []byte(a)) == nil {
				fresh[a] = true
			}
		}
		return nil
	}
	if err := s.view(ctx, look); err != nil || len(fresh) == 0 {
		return err
	}
	return s.update(ctx, func(t *txn) error {
		if err := look(t); err != nil || len(fresh) == 0 {
			return err
		}
		return t.openWallet(head, fresh, outputs)
	})
}

func (t *txn) openWallet(head teller.SkyHead, fresh map[string]bool, outputs []teller.Output) error {
	cur, open, err := t.skyHead()
	if err != nil {
		return err
	}
	if open && (cur.Height != head.Height || cur.Hash != head.Hash) {
		return teller.Errorf(teller.CodeConflict, "addresses can be added to the wallet only at block %d %s, where the ledger is, not at %d %s",
			cur.Height, cur.Hash, head.Height, head.Hash)
	}
	if !open {
		t.putSkyHead(head)
	}
	for a := range fresh {
		t.put(bucketWallet, []byte(a), nil)
	}
	var coins teller.Droplets
	seen := map[string]bool{}
	for _, o := range outputs {
		if !fresh[o.Address] || seen[o.ID] {
			continue
		}
		seen[o.ID] = true
		if err := addTo(&coins, o.Coins); err != nil {
			return err
		}
		t.putOutput(o)
	}
	t.audit(teller.AuditEntry{Event: eventOpening, Detail: coins.String() + " SKY in " + strconv.Itoa(len(fresh)) + " new addresses at block " + strconv.FormatInt(head.Height, 10)})
	return t.book(func(sum *teller.Totals) error { return addTo(&sum.Opening, coins) })
}

// book changes the wallet's books.
func (t *txn) book(f func(*teller.Totals) error) error {
	sum, err := t.readTotals()
	if err != nil {
		return err
	}
	t.wrote = true
	return f(sum)
}

// Outputs implements teller.WalletStore.
func (s *Store) Outputs(ctx context.Context) (all, spendable []teller.Output, err error) {
	err = s.view(ctx, func(t *txn) error {
		return t.each(bucketOutputs, nil, nil, func(k, v []byte) (bool, error) {
			var row unspentRow
			if err := json.Unmarshal(v, &row); err != nil {
				return false, corrupt(bucketOutputs, k, err)
			}
			o := row.output(string(k))
			all = append(all, o)
			if t.get(bucketReserved, k) == nil {
				spendable = append(spendable, o)
			}
			return true, nil
		})
	})
	return all, spendable, err
}

// NotePending implements teller.WalletStore. It looks first, and only writes when there is something new.
func (s *Store) NotePending(ctx context.Context, txs []teller.SkyTx) (teller.WalletResult, error) {
	var foreign []teller.SkyTx
	err := s.view(ctx, func(t *txn) (err error) {
		foreign, err = t.foreignSpends(txs)
		return err
	})
	if err != nil || len(foreign) == 0 {
		return teller.WalletResult{}, err
	}
	var st *skyStep
	err = s.update(ctx, func(t *txn) error {
		foreign, err := t.foreignSpends(txs) // the world may have moved on
		if err != nil {
			return err
		}
		st = &skyStep{txn: t, own: t.walletAddresses()}
		for _, tx := range foreign {
			if err := st.withdrawal(tx, teller.UnknownHeight); err != nil {
				return err
			}
		}
		return st.classify()
	})
	if err != nil {
		return teller.WalletResult{}, err
	}
	return st.res, nil
}

// foreignSpends are the transactions that spend outputs of the wallet, and that the ledger neither made nor noted.
func (t *txn) foreignSpends(txs []teller.SkyTx) ([]teller.SkyTx, error) {
	var found []teller.SkyTx
	for _, tx := range txs {
		spends := false
		for _, in := range tx.Inputs {
			spends = spends || t.get(bucketOutputs, []byte(in)) != nil
		}
		if !spends || t.get(bucketPayouts, []byte(tx.ID)) != nil || t.get(indexWithdrawal, []byte(tx.ID)) != nil {
			continue
		}
		sent, err := t.sentByOriginal(tx.ID)
		if err != nil {
			return nil, err
		}
		if len(sent) == 0 {
			found = append(found, tx)
		}
	}
	return found, nil
}

// sentByOriginal are the imported deposits that wait for this transaction, which the original made.
func (t *txn) sentByOriginal(txid string) ([]*record, error) {
	var rs []*record
	for _, id := range t.ids(indexPayout, textKey(txid), nil, 0) {
		r, err := t.mustDeposit(id)
		if err != nil {
			return nil, err
		}
		if r.Import != teller.ImportNone && r.Status == teller.StatusWaitingConfirm {
			rs = append(rs, r)
		}
	}
	return rs, nil
}

func (t *txn) walletAddresses() map[string]bool {
	own := map[string]bool{}
	_ = t.each(bucketWallet, nil, nil, func(k, _ []byte) (bool, error) {
		own[string(k)] = true
		return true, nil
	})
	return own
}
