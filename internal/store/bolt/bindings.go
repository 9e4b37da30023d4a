package bolt

import (
	"context"
	"encoding/binary"
	"encoding/json"

	"github.com/skycoin/teller"
)

// addressPage is how many bound addresses are read in one read transaction.
const addressPage = 10_000

// maxAddress bounds what may become part of a key; no coin's addresses come near it.
const maxAddress = 256

// maxIndex is where an extended public key's indexes end: the others need the private key.
const maxIndex = 1 << 31

// Bind implements teller.Bindings.
func (s *Store) Bind(ctx context.Context, b teller.Binding, limit int) (teller.Binding, error) {
	if err := checkBinding(b); err != nil {
		return teller.Binding{}, err
	}
	held := 0
	err := s.update(ctx, func(t *txn) error {
		if t.bound(b.Coin, b.Address) {
			return teller.Errorf(teller.CodeAlreadyBound, "address %s was bound or used before", b.Address)
		}
		list, err := t.bindingsOf(b.SkyAddress)
		if err != nil {
			return err
		}
		if limit > 0 && len(list) >= limit {
			return teller.Errorf(teller.CodeLimit, "SKY address %s has %d bindings already", b.SkyAddress, len(list))
		}
		cur, known, err := t.cursor(b.Coin)
		if err != nil {
			return err
		}
		b.Height, b.CreatedAt = teller.UnknownHeight, t.now
		if known {
			b.Height = max(cur.Height, cur.Tip)
		}
		held, err = t.putBinding(b, list)
		return err
	})
	if err != nil {
		return teller.Binding{}, err
	}
	if held > 0 {
		s.log.Warn("the address was paid before it was bound: these deposits are held", "notice", "WATCH",
			"coin", b.Coin, "address", b.Address, "count", held)
	}
	return b, nil
}

func checkBinding(b teller.Binding) error {
	if _, err := teller.ParseCoin(string(b.Coin)); err != nil {
		return err
	}
	for _, a := range []string{b.Address, b.SkyAddress} {
		if !keyable(a) {
			return teller.Errorf(teller.CodeInvalid, "%q can not be bound: it is no address", a)
		}
	}
	if b.Source != "" && (!keyable(b.Source) || b.Index >= maxIndex) {
		return teller.Errorf(teller.CodeInvalid, "address %s can not come from index %d of %q", b.Address, b.Index, b.Source)
	}
	return nil
}

// bound reports whether the address is spoken for, for ever (I9).
func (t *txn) bound(c teller.Coin, address string) bool {
	key := []byte(address)
	return t.get(bindBucket(c), key) != nil || t.get(usedBucket(c), key) != nil
}

// putBinding writes a new binding and adopts what was paid to its address before, and returns how many payments that
// were. list are the bindings that its SKY address has already.
func (t *txn) putBinding(b teller.Binding, list []bindingRow) (adopted int, err error) {
	sum, err := t.readTotals()
	if err != nil {
		return 0, err
	}
	t.wrote = true
	sum.Bound[b.Coin]++
	row := toBindingRow(b)
	t.putJSON(bindBucket(b.Coin), []byte(b.Address), row)
	t.put(usedBucket(b.Coin), []byte(b.Address), nil)
	t.putJSON(bucketSkyIndex, []byte(b.SkyAddress), append(list, row))
	if b.Source != "" && b.Index >= t.nextIndex(b.Coin, b.Source) {
		t.put(bucketSources, textKey(string(b.Coin), b.Source), binary.BigEndian.AppendUint32(nil, b.Index+1))
	}
	if err := t.journal(journalEntry{Binding: &b}); err != nil {
		return 0, err
	}
	return t.adopt(b)
}

// nextIndex is one more than the highest index bound of a source.
func (t *txn) nextIndex(c teller.Coin, source string) uint32 {
	raw := t.get(bucketSources, textKey(string(c), source))
	if len(raw) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(raw)
}

// NextIndex implements teller.Bindings.
func (s *Store) NextIndex(ctx context.Context, coin teller.Coin, source string) (next uint32, err error) {
	err = s.view(ctx, func(t *txn) error {
		next = t.nextIndex(coin, source)
		return nil
	})
	return next, err
}

func (t *txn) binding(c teller.Coin, address string) (b teller.Binding, ok bool, err error) {
	raw := t.get(bindBucket(c), []byte(address))
	if raw == nil {
		return teller.Binding{}, false, nil
	}
	b, err = decodeBinding(c, address, raw)
	return b, err == nil, err
}

func (t *txn) bindingsOf(skyAddress string) ([]bindingRow, error) {
	raw := t.get(bucketSkyIndex, []byte(skyAddress))
	if raw == nil {
		return nil, nil
	}
	var list []bindingRow
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, corrupt(bucketSkyIndex, []byte(skyAddress), err)
	}
	return list, nil
}

// Binding implements teller.Bindings.
func (s *Store) Binding(ctx context.Context, coin teller.Coin, address string) (b teller.Binding, err error) {
	err = s.view(ctx, func(t *txn) error {
		found, ok, err := t.binding(coin, address)
		if err == nil && !ok {
			err = teller.Errorf(teller.CodeNotFound, "address %q is not bound", address)
		}
		b = found
		return err
	})
	return b, err
}

// BindingsOf implements teller.Bindings.
func (s *Store) BindingsOf(ctx context.Context, skyAddress string) (bs []teller.Binding, err error) {
	err = s.view(ctx, func(t *txn) error {
		list, err := t.bindingsOf(skyAddress)
		for _, row := range list {
			bs = append(bs, row.binding())
		}
		return err
	})
	return bs, err
}

// BoundAddresses implements teller.Bindings.
func (s *Store) BoundAddresses(ctx context.Context, coin teller.Coin, f func(address string) error) error {
	return s.addresses(ctx, bindBucket(coin), f)
}

// UsedAddresses implements teller.Bindings. Whatever binds an address marks it as used too.
func (s *Store) UsedAddresses(ctx context.Context, coin teller.Coin, f func(address string) error) error {
	return s.addresses(ctx, usedBucket(coin), f)
}

// addresses calls f with a bucket's keys, a page at a time: no transaction is open while f runs.
func (s *Store) addresses(ctx context.Context, bucket string, f func(address string) error) error {
	last := ""
	for {
		page, err := s.addressesAfter(ctx, bucket, last, addressPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, a := range page {
			if err := f(a); err != nil {
				return err
			}
		}
		last = page[len(page)-1]
	}
}

// BoundAfter implements teller.Bindings.
func (s *Store) BoundAfter(ctx context.Context, coin teller.Coin, after string, limit int) ([]string, error) {
	return s.addressesAfter(ctx, bindBucket(coin), after, limit)
}

func (s *Store) addressesAfter(ctx context.Context, bucket, after string, limit int) (page []string, err error) {
	err = s.view(ctx, func(t *txn) error {
		return t.each(bucket, nil, []byte(after), func(k, _ []byte) (bool, error) {
			page = append(page, string(k))
			return len(page) < limit, nil
		})
	})
	return page, err
}

// IsUsed implements teller.Bindings.
func (s *Store) IsUsed(ctx context.Context, coin teller.Coin, address string) (used bool, err error) {
	err = s.view(ctx, func(t *txn) error {
		used = t.bound(coin, address)
		return nil
	})
	return used, err
}
