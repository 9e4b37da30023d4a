package bolt

import (
	"context"
	"encoding/json"
	"slices"
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
func (s *Store) OpenWallet(
	ctx context.Context, head teller.SkyHead, addresses []string, outputs []teller.Output, past []teller.SkyTx,
) (teller.WalletResult, error) {
	if err := checkOpening(head, addresses, outputs); err != nil {
		return teller.WalletResult{}, err
	}
	known := false
	err := s.view(ctx, func(t *txn) error { known = len(t.unknown(addresses)) == 0; return nil })
	if err != nil || known {
		return teller.WalletResult{}, err
	}
	var st *skyStep
	err = s.update(ctx, func(t *txn) error {
		st = &skyStep{txn: t}
		return st.openWallet(head, t.unknown(addresses), outputs, past)
	})
	if err != nil {
		return teller.WalletResult{}, err
	}
	return st.res, nil
}

func checkOpening(head teller.SkyHead, addresses []string, outputs []teller.Output) error {
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
	return nil
}

// unknown are the addresses that the wallet does not have yet.
func (t *txn) unknown(addresses []string) map[string]bool {
	fresh := map[string]bool{}
	for _, a := range addresses {
		if t.get(bucketWallet, []byte(a)) == nil {
			fresh[a] = true
		}
	}
	return fresh
}

func (s *skyStep) openWallet(head teller.SkyHead, fresh map[string]bool, outputs []teller.Output, past []teller.SkyTx) error {
	cur, open, err := s.skyHead()
	if err != nil || len(fresh) == 0 {
		return err
	}
	if open && (cur.Height != head.Height || cur.Hash != head.Hash) {
		return teller.Errorf(teller.CodeConflict, "addresses can be added to the wallet only at block %d %s, where the ledger is, not at %d %s",
			cur.Height, cur.Hash, head.Height, head.Hash)
	}
	if !open {
		s.putSkyHead(head)
	}
	for a := range fresh {
		s.put(bucketWallet, []byte(a), strconv.AppendInt(nil, head.Height, 10))
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
		s.putOutput(o)
	}
	if err := s.earlier(head, past); err != nil {
		return err
	}
	s.audit(teller.AuditEntry{Event: eventOpening, Detail: coins.String() + " SKY in " + strconv.Itoa(len(fresh)) + " new addresses at block " + strconv.FormatInt(head.Height, 10)})
	return s.book(func(sum *teller.Totals) error { return addTo(&sum.Opening, coins) })
}

// earlier notes the transactions that spent from addresses before the ledger knew them. What neither it nor the original
// made is a withdrawal, at some block up to head.
func (s *skyStep) earlier(head teller.SkyHead, past []teller.SkyTx) error {
	s.own = s.walletAddresses()
	for _, tx := range past {
		p, made, err := s.payout(tx.ID)
		if err != nil {
			return err
		}
		if err := s.killRivals(tx); err != nil {
			return err
		}
		if made && p.Status == teller.PayoutPending { // restored from the journal
			if err := s.confirmPayout(p, head.Height); err != nil {
				return err
			}
		}
		if made {
			continue
		}
		if s.paysDeposits(tx.ID) {
			continue
		}
		if err := s.withdrawal(tx, head.Height); err != nil {
			return err
		}
	}
	return s.classify()
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
	err := s.view(ctx, func(t *txn) error { foreign = t.foreignSpends(txs); return nil })
	if err != nil || len(foreign) == 0 {
		return teller.WalletResult{}, err
	}
	var st *skyStep
	err = s.update(ctx, func(t *txn) error {
		st = &skyStep{txn: t, own: t.walletAddresses()}
		for _, tx := range t.foreignSpends(txs) { // the world may have moved on
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
func (t *txn) foreignSpends(txs []teller.SkyTx) []teller.SkyTx {
	var found []teller.SkyTx
	for _, tx := range txs {
		spends := false
		for _, in := range tx.Inputs {
			spends = spends || t.get(bucketOutputs, []byte(in)) != nil
		}
		if !spends || t.get(bucketPayouts, []byte(tx.ID)) != nil || t.get(indexWithdrawal, []byte(tx.ID)) != nil {
			continue
		}
		if !t.paysDeposits(tx.ID) {
			found = append(found, tx)
		}
	}
	return found
}

// paysDeposits reports whether imported deposits note the transaction as their payment. Of the original's payments there
// is no other record, and one may be known to be confirmed before its block is followed.
func (t *txn) paysDeposits(txid string) bool {
	return slices.ContainsFunc(t.ids(indexPayout, textKey(txid)), func(id string) bool {
		r, err := t.mustDeposit(id)
		return err == nil && r.Import != teller.ImportNone
	})
}

// sentByOriginal are the imported deposits that wait for this transaction, which the original made.
func (t *txn) sentByOriginal(txid string) ([]*record, error) {
	var rs []*record
	for _, id := range t.ids(indexPayout, textKey(txid)) {
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
