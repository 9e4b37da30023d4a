package scan

import (
	"encoding/binary"
	"testing"
)

func TestWatchSetNeverForgets(t *testing.T) {
	w := NewWatchSet(0)
	key := func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }
	const n = 50_000
	for i := range n {
		w.Add(key(i))
		w.Add(key(i))
	}
	for i := range n {
		if !w.Has(key(i)) {
			t.Fatalf("key %d is gone", i)
		}
	}
	if w.Len() != n {
		t.Errorf("%d keys, want %d", w.Len(), n)
	}
	wrong := 0
	for i := n; i < 2*n; i++ {
		if w.Has(key(i)) {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d foreign keys are said to be watched", wrong, n)
	}
}

func BenchmarkWatchSet(b *testing.B) {
	for _, size := range []int{1_000, 1_000_000} {
		w := NewWatchSet(size)
		var key [22]byte
		for i := range size {
			binary.BigEndian.PutUint64(key[:], uint64(i))
			w.Add(key[:])
		}
		b.Run(map[int]string{1_000: "1k", 1_000_000: "1M"}[size], func(b *testing.B) {
			for i := range b.N {
				binary.BigEndian.PutUint64(key[:], uint64(i)<<20)
				w.Has(key[:])
			}
		})
	}
}

func TestWatchSetListsItsKeysWhileTheyAreFew(t *testing.T) {
	w := NewWatchSet(0)
	key := func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }
	reused := make([]byte, 8)
	for i := range maxListed {
		copy(reused, key(i)) // the caller may use its bytes again
		w.Add(reused)
		w.Add(reused)
	}
	keys, ok := w.Keys()
	if !ok || len(keys) != maxListed {
		t.Fatalf("%d keys, %v; want all %d", len(keys), ok, maxListed)
	}
	for i, k := range keys {
		if string(k) != string(key(i)) {
			t.Fatalf("key %d is %x", i, k)
		}
	}
	w.Add(key(maxListed))
	if keys, ok := w.Keys(); ok || len(keys) != 0 {
		t.Errorf("%d keys, %v; one more than are listed", len(keys), ok)
	}
	if len(keys) != maxListed {
		t.Error("a list that was given out changed")
	}
}
