package bolt

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// importer takes over a database of the original, in one transaction: it makes our buckets beside its own, and indexes,
// counts and completes its rows. What its rows leave open is marked, never guessed.
type importer struct {
	*txn
	bindings int
	deposits int
	highest  map[teller.Coin]int64
}

// originalBuckets are names by which a database of the original is known.
func originalBuckets() []string {
	return []string{
		bucketDeposits, bucketSkyIndex, bucketValues, "exchange_meta", "btc_txs", "scan_meta_btc", "scan_meta_eth", "scan_meta_sky",
		bindBucket(teller.BTC), bindBucket(teller.ETH), bindBucket(teller.SKY),
		usedBucket(teller.BTC), usedBucket(teller.ETH), usedBucket(teller.SKY),
	}
}

func (im *importer) run() error {
	im.highest = map[teller.Coin]int64{}
	im.put(bucketMeta, []byte(metaImported), []byte(im.now.Format("2006-01-02T15:04:05Z07:00")))
	for _, c := range teller.Coins {
		if _, _, err := im.foldBindings(c); err != nil {
			return err
		}
		if err := im.importBindings(c); err != nil {
			return err
		}
	}
	if err := im.importDeposits(); err != nil {
		return err
	}
	if err := im.importValues(); err != nil {
		return err
	}
	for c, height := range im.highest {
		im.put(bucketMeta, []byte(metaImportHeight+string(c)), []byte(strconv.FormatInt(height, 10)))
	}
	return im.err
}

// importBindings counts a coin's bindings, and completes what very old databases lack: the address' mark as used, and
// whole rows in the list of the SKY address.
func (im *importer) importBindings(c teller.Coin) error {
	var bs []teller.Binding
	err := im.each(bindBucket(c), nil, nil, func(k, v []byte) (bool, error) {
		b, err := decodeBinding(c, string(k), v)
		if err == nil {
			err = checkBinding(b)
		}
		if err != nil {
			return false, corrupt(bindBucket(c), k, err)
		}
		bs = append(bs, b)
		return true, nil
	})
	if err != nil {
		return err
	}
	sum, err := im.readTotals()
	if err != nil {
		return err
	}
	for _, b := range bs {
		if err := im.completeList(b); err != nil {
			return err
		}
		im.put(usedBucket(c), []byte(b.Address), nil)
		sum.Bound[c]++
		im.bindings++
	}
	return nil
}

// completeList makes sure that the list of a SKY address holds the binding as a whole row, where it stands, and once.
func (t *txn) completeList(b teller.Binding) error {
	var list []json.RawMessage
	if raw := t.get(bucketSkyIndex, []byte(b.SkyAddress)); raw != nil {
		if err := json.Unmarshal(raw, &list); err != nil {
			return corrupt(bucketSkyIndex, []byte(b.SkyAddress), err)
		}
	}
	whole, err := json.Marshal(toBindingRow(b))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(raw json.RawMessage) bool { return listed(raw, b) })
	list = slices.DeleteFunc(list, func(raw json.RawMessage) bool { return listed(raw, b) })
	if at < 0 {
		at = len(list)
	}
	list = slices.Insert(list, at, json.RawMessage(whole))
	t.putJSON(bucketSkyIndex, []byte(b.SkyAddress), list)
	return nil
}

// listed reports whether a list's element is the binding: a row, or in very old databases the bare address.
func listed(raw json.RawMessage, b teller.Binding) bool {
	var bare string
	if json.Unmarshal(raw, &bare) == nil {
		return fold(b.Coin, bare) == b.Address
	}
	var row bindingRow
	return json.Unmarshal(raw, &row) == nil && fold(b.Coin, row.Address) == b.Address && row.CoinType == b.Coin
}

// importDeposits takes over the original's rows in their order.
func (im *importer) importDeposits() error {
	var rs []*record
	err := im.each(bucketDeposits, nil, nil, func(k, v []byte) (bool, error) {
		r, err := decodeRecord(string(k), v)
		rs = append(rs, r)
		return err == nil, err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(rs, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Height, b.Height), cmp.Compare(a.ID, b.ID))
	})
	var last uint64
	for _, r := range rs {
		if r.Seq <= last { // missing or given twice: the order is all that it stands for
			r.Seq = last + 1
		}
		last = r.Seq
		if err := im.importDeposit(r); err != nil {
			return err
		}
	}
	if b := im.bucket(bucketDeposits); b.Sequence() < last {
		return b.SetSequence(last)
	}
	return nil
}

// importDeposit says what must happen before a row of the original may go on.
func (im *importer) importDeposit(r *record) error {
	r.Address = fold(r.Coin, r.Address)
	b, bound, err := im.binding(r.Coin, r.Address)
	if err != nil {
		return err
	}
	if bound && r.SkyAddress == "" {
		r.SkyAddress = b.SkyAddress
	}
	if r.BuyMethod == "" {
		r.BuyMethod = teller.BuyDirect
	}
	noted := teller.AuditEntry{TxID: r.PayoutTxID}
	r.stored, r.Version, r.Import = nil, 1, teller.ImportPending
	switch r.Status {
	case teller.StatusDone:
		r.Owed, r.Import = r.Sent, teller.ImportChecked
	case teller.StatusWaitingConfirm:
		r.Owed = r.Sent
	case teller.StatusWaitingPassthrough, teller.StatusWaitingPassthroughOrderComplete:
		r.Import, r.Sent = teller.ImportChecked, 0
		r.Hold = &teller.Hold{Reason: teller.HoldImportOrder, Since: im.now,
			Detail: "the original was in the middle of an exchange order for it: look the order up at the exchange"}
	case teller.StatusWaitingDeposit:
		r.Status, r.Sent = teller.StatusWaitingDecide, 0 // the original wrote rows only for deposits that had arrived
	default:
		r.Sent, r.PayoutTxID = 0, "" // nothing was stored as sent; a note of it stays in the audit log
	}
	im.deposits++
	im.highest[r.Coin] = max(im.highest[r.Coin], r.Height)
	return im.save(r, eventImport, noted)
}

// importValues makes deposits of what the original's scanner had found and its exchange had not yet taken up.
func (im *importer) importValues() error {
	found := map[string]outputRow{}
	var ids []string
	err := im.each(bucketValues, nil, nil, func(k, v []byte) (bool, error) {
		var o outputRow
		if err := json.Unmarshal(v, &o); err != nil {
			return false, corrupt(bucketValues, k, err)
		}
		id := string(k)
		if !o.Processed && im.get(bucketDeposits, k) == nil {
			found[id], ids = o, append(ids, id)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(found[a].Height, found[b].Height), cmp.Compare(a, b))
	})
	for _, id := range ids {
		if err := im.importValue(id, found[id]); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) importValue(id string, o outputRow) error {
	if o.CoinType == "" {
		o.CoinType = teller.BTC
	}
	if _, err := teller.ParseCoin(string(o.CoinType)); err != nil {
		return corrupt(bucketValues, []byte(id), err)
	}
	o.Address = fold(o.CoinType, o.Address)
	b, bound, err := im.binding(o.CoinType, o.Address)
	if err != nil {
		return err
	}
	if !bound {
		im.audit(teller.AuditEntry{Event: eventImport, DepositID: id, Detail: "left out: address " + o.Address + " is not bound"})
		return nil
	}
	value, err := exactValue(o.CoinType, o.Value)
	if err != nil {
		return corrupt(bucketValues, []byte(id), err)
	}
	r := &record{Deposit: teller.Deposit{
		ID: id, Coin: o.CoinType, Address: o.Address, SkyAddress: b.SkyAddress, BuyMethod: b.BuyMethod, Value: value,
		TxID: o.Tx, N: o.N, Height: o.Height, Status: teller.StatusWaitingDecide, Import: teller.ImportPending,
	}}
	if r.TxID == "" {
		r.TxID, r.N = splitID(id)
	}
	im.deposits++
	im.highest[r.Coin] = max(im.highest[r.Coin], r.Height)
	return im.create(r, eventImport, teller.AuditEntry{TxID: r.TxID, Detail: "found by the original's scanner, not yet taken up"})
}

// importOriginal copies the file aside and takes the database over.
func (s *Store) importOriginal() error {
	aside, err := copyAside(s.path, ".before-import")
	if err != nil {
		return err
	}
	im := &importer{}
	err = s.apply(func(tx *bolt.Tx) error {
		im.txn = &txn{tx: tx, now: s.now()}
		if err := createBuckets(tx); err != nil {
			return err
		}
		if err := im.run(); err != nil {
			return err
		}
		im.writeTotals()
		return im.err
	})
	if err != nil {
		return translate(err)
	}
	s.log.Info("database of the original taken over", "bindings", im.bindings, "deposits", im.deposits, "copy", aside)
	return nil
}
