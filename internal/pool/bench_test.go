package pool

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/skycoin/teller"
)

// base58Addresses checks as the BTC adapter does, which costs more than anything that this package does itself.
type base58Addresses struct{}

func (base58Addresses) Parse(s string) (string, error) {
	a, err := address.DecodeAddress(s, &chaincfg.MainNetParams)
	if err != nil {
		return "", teller.Errorf(teller.CodeInvalid, "%w", err)
	}
	return a.EncodeAddress(), nil
}

func bitcoinAddresses(tb testing.TB, n int) []string {
	tb.Helper()
	out := make([]string, n)
	for i := range out {
		hash := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		a, err := address.NewAddressPubKeyHash(hash[:20], &chaincfg.MainNetParams)
		if err != nil {
			tb.Fatal(err)
		}
		out[i] = a.EncodeAddress()
	}
	return out
}

func writeFile(tb testing.TB, name string, addresses []string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if filepath.Ext(name) == ".json" {
		err = WriteJSON(f, teller.BTC, addresses)
	} else {
		err = WriteText(f, addresses)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// heap is what is alive, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestListIsCompact(t *testing.T) {
	const n, most = 100_000, 60 // bytes an address; 34 of them are its spelling
	for _, name := range []string{"addresses.txt", "addresses.json"} {
		path := writeFile(t, name, bitcoinAddresses(t, n))
		before := heap()
		list, err := ReadFile(path, teller.BTC, base58Addresses{})
		if err != nil {
			t.Fatal(err)
		}
		if held := (heap() - before) / n; held > most {
			t.Errorf("%s: a list holds %d bytes an address, at most %d are wanted", name, held, most)
		}
		if list.Len() != n {
			t.Errorf("%s: read %d addresses", name, list.Len())
		}
	}
}

func BenchmarkReadMillion(b *testing.B) {
	addresses := bitcoinAddresses(b, 1_000_000)
	for _, name := range []string{"addresses.txt", "addresses.json"} {
		path := writeFile(b, name, addresses)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				list, err := ReadFile(path, teller.BTC, base58Addresses{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(heap()-before)/1e6, "held-MB")
				runtime.KeepAlive(list)
			}
		})
	}
}

func BenchmarkExcludeMillion(b *testing.B) {
	list, err := NewList(teller.BTC, numbered(1_000_000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p := New(list)
		for a := range list.All() {
			p.Exclude(a)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	p := newPool(b, numbered(1_000_000), nil)
	for b.Loop() {
		a, err := p.Take()
		if err != nil {
			b.Fatal(err)
		}
		if p.Remaining() == 0 {
			b.StopTimer()
			p = newPool(b, numbered(1_000_000), nil)
			b.StartTimer()
		}
		_ = a
	}
}

// BenchmarkReturnFirst is the worst case: the first address comes back when all others are gone.
func BenchmarkReturnFirst(b *testing.B) {
	p := newPool(b, numbered(1_000_000), nil)
	first := ofFile(takeAll(b, p)[0])
	for b.Loop() {
		p.Return(first)
		if _, err := p.Take(); err != nil {
			b.Fatal(err)
		}
		if _, err := p.Take(); err == nil {
			b.Fatal("the pool is empty")
		}
	}
}

func BenchmarkContains(b *testing.B) {
	addresses := numbered(1_000_000)
	p := newPool(b, addresses, nil)
	for i := 0; b.Loop(); i++ {
		if !p.Contains(addresses[i*7919%len(addresses)]) {
			b.Fatal("not found")
		}
	}
}
