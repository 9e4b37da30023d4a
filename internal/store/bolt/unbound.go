package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"strconv"

	"github.com/skycoin/teller"
)

// unboundRow is the JSON of a payment to an address that nobody is bound to. The rate is the one that was in force when
// it was first seen, as with any deposit.
type unboundRow struct {
	Coin      teller.Coin   `json:"coin"`
	Address   string        `json:"address"`
	TxID      string        `json:"txid"`
	N         uint32        `json:"n"`
	Value     teller.Amount `json:"value"`
	Height    int64         `json:"height"`
	BlockHash string        `json:"block_hash"`
	Rate      teller.Rate   `json:"rate"`
	SeenAt    int64         `json:"seen_at"`
}

func (r unboundRow) transfer() teller.Transfer {
	return teller.Transfer{Address: r.Address, TxID: r.TxID, N: r.N, Value: r.Value}
}

func (r unboundRow) block() teller.BlockRef {
	return teller.BlockRef{Height: r.Height, Hash: r.BlockHash}
}

func (r unboundRow) payment(seq uint64) teller.UnboundPayment {
	return teller.UnboundPayment{Seq: seq, Coin: r.Coin, Transfer: r.transfer(), BlockRef: r.block(), SeenAt: fromUnix(r.SeenAt)}
}

// nameKey is the row's key in indexUnboundOf: what makes it the same payment when it is seen again.
func (r unboundRow) nameKey() []byte {
	return textKey(string(r.Coin), r.Address, teller.DepositID(r.TxID, r.N), r.Value.String())
}

func (r unboundRow) heightKey(seq uint64) []byte {
	return append(heightKey(r.Coin, r.Height), seqKey(seq)...)
}

// keepUnbound records a payment to an address that nobody is bound to, unless it is there.
func (s *blockStep) keepUnbound(tr teller.Transfer) error {
	row := unboundRow{
		Coin: s.coin, Address: tr.Address, TxID: tr.TxID, N: tr.N, Value: tr.Value,
		Height: s.block.Height, BlockHash: s.block.Hash, Rate: s.terms.Rate, SeenAt: unixSeconds(s.now),
	}
	if len(s.get(indexUnboundOf, row.nameKey())) > 0 {
		return nil
	}
	seq := s.nextSeq(bucketUnbound)
	s.putJSON(bucketUnbound, seqKey(seq), row)
	s.put(indexUnboundOf, row.nameKey(), seqKey(seq))
	s.put(indexUnboundAt, row.heightKey(seq), nil)
	s.audit(teller.AuditEntry{Event: eventUnbound, TxID: tr.TxID,
		Detail: tr.Value.Format(s.coin) + " " + string(s.coin) + " to " + tr.Address + ", which nobody is bound to"})
	s.res.Unbound = append(s.res.Unbound, row.payment(seq))
	return nil
}

func (t *txn) unbound(seq uint64) (unboundRow, error) {
	row, ok, err := getJSON[unboundRow](t, bucketUnbound, seqKey(seq))
	if err == nil && !ok {
		err = teller.Errorf(teller.CodeCorrupt, "an index names the unbound payment %d, which is not there", seq)
	}
	return row, err
}

func (t *txn) dropUnbound(seq uint64, row unboundRow) {
	t.del(bucketUnbound, seqKey(seq))
	t.del(indexUnboundOf, row.nameKey())
	t.del(indexUnboundAt, row.heightKey(seq))
}

// seenUnbound reports whether a new row's transfer was once kept as a payment to nobody, and forgotten.
func (t *txn) seenUnbound(r *record) bool {
	row := unboundRow{Coin: r.Coin, Address: r.Address, TxID: r.TxID, N: r.N, Value: r.Value}
	return t.get(indexUnboundOf, row.nameKey()) != nil
}

// forgetUnbound drops the unbound payments of the heights with a prefix, from a key on, unless they are in the block
// named. Their coins are not there any more; they come again with the block that mines them again. Their names stay: if
// the address is bound meanwhile, they are older than that all the same.
func (t *txn) forgetUnbound(prefix, from []byte, but string) error {
	var seqs []uint64
	err := t.each(indexUnboundAt, prefix, from, func(k, _ []byte) (bool, error) {
		seqs = append(seqs, binary.BigEndian.Uint64(k[len(k)-8:]))
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		row, err := t.unbound(seq)
		if err != nil {
			return err
		}
		if row.BlockHash != but {
			t.dropUnbound(seq, row)
			t.put(indexUnboundOf, row.nameKey(), nil)
		}
	}
	return nil
}

// adopt makes held deposits of what was paid to an address before the ledger knew its binding, and returns how many.
// They are credited at depth and orphaned like any other, but whether this buyer has sent them an operator must say.
func (t *txn) adopt(b teller.Binding) (int, error) {
	var seqs []uint64
	err := t.each(indexUnboundOf, textKey(string(b.Coin), b.Address), nil, func(_, v []byte) (bool, error) {
		if len(v) > 0 {
			seqs = append(seqs, binary.BigEndian.Uint64(v))
		}
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	for _, seq := range seqs {
		row, err := t.unbound(seq)
		if err != nil {
			return 0, err
		}
		t.dropUnbound(seq, row)
		var holds []teller.Hold
		if b.Height == teller.UnknownHeight || row.Height > b.Height { // restored into an older ledger: suspicion finds it in time
			holds = append(holds, teller.Hold{Reason: teller.HoldBeforeBinding,
				Detail: "block " + strconv.FormatInt(row.Height, 10) + " was read when the ledger did not know the binding of the address"})
		}
		if _, err := t.enter(b, sighting{Transfer: row.transfer(), at: row.block(), rate: row.Rate, holds: holds}); err != nil {
			return 0, err
		}
	}
	return len(seqs), nil
}

// UnboundPayments implements teller.OperatorStore.
func (s *Store) UnboundPayments(ctx context.Context, after uint64, limit int) (ps []teller.UnboundPayment, err error) {
	if limit <= 0 {
		limit = pageSize
	}
	err = s.view(ctx, func(t *txn) error {
		return t.each(bucketUnbound, nil, seqKey(after), func(k, v []byte) (bool, error) {
			var row unboundRow
			if err := json.Unmarshal(v, &row); err != nil {
				return false, corrupt(bucketUnbound, bytes.Clone(k), err)
			}
			ps = append(ps, row.payment(binary.BigEndian.Uint64(k)))
			return len(ps) < limit, nil
		})
	})
	return ps, err
}
