package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/skycoin/teller"
)

// pageSize is how many rows a listing returns when its caller does not say.
const pageSize = 500

// txn is one bolt transaction as the steps of the ledger see it. A write that bolt refuses is a fault of this program:
// the first one is kept in err, and the writer gives the transaction up.
type txn struct {
	tx     *bolt.Tx
	now    time.Time
	wrote  bool           // something was written since the writer last cleared it
	err    error          // the first write that failed
	totals *teller.Totals // read when first needed, written back once for the whole group
	lines  []byte         // journal lines of the group's bindings
	needs  bool           // the step's answer may go out only when the journal has all that is committed
	head   *auditHead     // of the audit log, read when first needed
}

func (t *txn) bucket(name string) *bolt.Bucket {
	b := t.tx.Bucket([]byte(name))
	if b != nil {
		switch name {
		case bucketAudit, bucketBlocks, bucketUnbound, indexSeq, indexStatus, indexHeight:
			b.FillPercent = 0.9 // they grow at the end: pages that are split in the middle would stay half empty
		}
	}
	return b
}

// get returns the value, valid until the next write, or nil.
func (t *txn) get(bucket string, key []byte) []byte {
	b := t.bucket(bucket)
	if b == nil || len(key) == 0 {
		return nil
	}
	return b.Get(key)
}

func (t *txn) put(bucket string, key, value []byte) {
	t.wrote = true
	b := t.bucket(bucket)
	if b == nil {
		t.fail(teller.Errorf(teller.CodeCorrupt, "the database has no bucket %s", bucket))
		return
	}
	if value == nil {
		value = []byte{}
	}
	t.fail(b.Put(key, value))
}

func (t *txn) del(bucket string, key []byte) {
	t.wrote = true
	if b := t.bucket(bucket); b != nil {
		t.fail(b.Delete(key))
	}
}

func (t *txn) fail(err error) {
	if err != nil && t.err == nil {
		t.err = translate(err)
	}
}

func (t *txn) putJSON(bucket string, key []byte, v any) {
	raw, err := json.Marshal(v)
	t.fail(err)
	t.put(bucket, key, raw)
}

// getJSON decodes a value; ok is false when there is none.
func getJSON[T any](t *txn, bucket string, key []byte) (v T, ok bool, err error) {
	raw := t.get(bucket, key)
	if raw == nil {
		return v, false, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, corrupt(bucket, key, err)
	}
	return v, true, nil
}

// nextSeq counts from 1 in a bucket.
func (t *txn) nextSeq(bucket string) uint64 {
	t.wrote = true
	b := t.bucket(bucket)
	if b == nil {
		t.fail(teller.Errorf(teller.CodeCorrupt, "the database has no bucket %s", bucket))
		return 0
	}
	n, err := b.NextSequence()
	t.fail(err)
	return n
}

// each calls f for the keys with a prefix that come after another key (nil = from the first one), until f returns false.
// f must not write to the bucket: a bolt cursor does not survive that.
func (t *txn) each(bucket string, prefix, after []byte, f func(k, v []byte) (bool, error)) error {
	b := t.bucket(bucket)
	if b == nil {
		return nil
	}
	c := b.Cursor()
	start := prefix
	if after != nil {
		start = after
	}
	k, v := c.Seek(start)
	if after != nil && bytes.Equal(k, after) {
		k, v = c.Next()
	}
	for ; k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		more, err := f(k, v)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// ids collects the deposit ids of an index, so that the rows can be changed while going through them.
func (t *txn) ids(index string, prefix []byte) []string {
	var ids []string
	_ = t.each(index, prefix, nil, func(_, v []byte) (bool, error) {
		ids = append(ids, string(v))
		return true, nil
	})
	return ids
}

// corrupt tells which stored value makes no sense.
func corrupt(bucket string, key []byte, err error) error {
	return teller.Errorf(teller.CodeCorrupt, "bucket %s, key %q can not be read; restore a backup: %w", bucket, key, err)
}

// translate turns an error of bolt, the file system or a context into a teller.Error.
func translate(err error) error {
	var known *teller.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, berrors.ErrDatabaseNotOpen), errors.Is(err, berrors.ErrTxClosed):
		return errClosed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return teller.Errorf(teller.CodeUnavailable, "the ledger was not waited for: %w", err)
	case outOfSpace(err):
		return teller.Errorf(teller.CodeUnavailable, "no space is left for the database: free some; nothing was written: %w", err)
	}
	return teller.Errorf(teller.CodeUnavailable, "database: %w", err)
}
