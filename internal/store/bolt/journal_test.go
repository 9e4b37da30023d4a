package bolt

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// bindN binds address n to SKY address n.
func bindN(t testing.TB, s *Store, n int) {
	t.Helper()
	_, err := s.Bind(context.Background(), numbered(n), 0)
	must(t, err)
}

func numbered(n int) teller.Binding {
	return teller.Binding{Coin: teller.BTC, Address: fmt.Sprint("b", n), SkyAddress: fmt.Sprint("sky", n), BuyMethod: teller.BuyDirect}
}

// hasBindings checks that exactly the bindings 0..n-1 are there, and counted.
func hasBindings(t testing.TB, s *Store, n int) {
	t.Helper()
	for i := range n {
		b, err := s.Binding(context.Background(), teller.BTC, fmt.Sprint("b", i))
		if err != nil || b.SkyAddress != fmt.Sprint("sky", i) {
			t.Fatalf("binding %d is %+v, %v", i, b, err)
		}
		list, err := s.BindingsOf(context.Background(), b.SkyAddress)
		if err != nil || len(list) != 1 {
			t.Fatalf("SKY address %d has bindings %+v, %v", i, list, err)
		}
	}
	sum, err := s.Totals(context.Background())
	must(t, err)
	if sum.Bound[teller.BTC] != n {
		t.Fatalf("%d bindings are counted, want %d", sum.Bound[teller.BTC], n)
	}
}

// journalHas checks that each of the bindings 0..n-1 is one line.
func journalHas(t testing.TB, path string, n int) {
	t.Helper()
	raw, err := os.ReadFile(path + ".bindings")
	must(t, err)
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, `{"audit":`) })
	if len(lines) != n+1 {
		t.Fatalf("the journal has %d lines, want a name and %d bindings:\n%s", len(lines), n, raw)
	}
	for i := range n {
		if strings.Count(string(raw), fmt.Sprintf("%q", fmt.Sprint("b", i))) != 1 {
			t.Fatalf("binding %d is not one line of\n%s", i, raw)
		}
	}
}

func TestJournal(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"untouched": func(*testing.T, string) {},
		"missing": func(t *testing.T, path string) {
			must(t, os.Remove(path+".bindings"))
		},
		"empty": func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".bindings", nil, 0o600))
		},
		"shorter": func(t *testing.T, path string) {
			cut(t, path, func(raw []byte) []byte { return raw[:bytes.Index(raw, []byte("\n"))+1] })
		},
		"last line torn": func(t *testing.T, path string) {
			cut(t, path, func(raw []byte) []byte { return raw[:len(raw)-20] })
		},
		"last line not appended": func(t *testing.T, path string) {
			cut(t, path, func(raw []byte) []byte { return raw[:bytes.LastIndex(raw[:len(raw)-1], []byte("\n"))+1] })
		},
		"torn line behind": func(t *testing.T, path string) {
			cut(t, path, func(raw []byte) []byte { return append(raw, `{"coin":"BTC","addr`...) })
		},
		"zeros behind": func(t *testing.T, path string) {
			cut(t, path, func(raw []byte) []byte { return append(raw, make([]byte, 100)...) })
		},
		"of another name": func(t *testing.T, path string) {
			cut(t, path, func(raw []byte) []byte {
				return append([]byte("{\"journal\":\"another\"}\n"), raw[bytes.Index(raw, []byte("\n"))+1:]...)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "teller.db")
			s := open(t, Options{Path: path})
			for i := range 5 {
				bindN(t, s, i)
			}
			must(t, s.Close())
			damage(t, path)
			for range 2 {
				s = open(t, Options{Path: path})
				hasBindings(t, s, 5)
				journalHas(t, path, 5)
				must(t, s.Close())
			}
			s = open(t, Options{Path: path})
			bindN(t, s, 5)
			must(t, s.Close())
			journalHas(t, path, 6)
		})
	}
}

// cut rewrites the journal.
func cut(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path + ".bindings")
	must(t, err)
	must(t, os.WriteFile(path+".bindings", f(raw), 0o600))
}

// An old backup forgets no buyer and gives no address away again (I9).
func TestOldBackupIsCompletedFromTheJournal(t *testing.T) {
	for name, rewritten := range map[string]bool{"the same journal": false, "a journal written anew since": true} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "teller.db")
			s := open(t, Options{Path: path})
			for i := range 3 {
				bindN(t, s, i)
			}
			var backup bytes.Buffer
			must(t, s.Backup(ctx, &backup))
			for i := 3; i < 8; i++ {
				bindN(t, s, i)
			}
			must(t, s.Close())
			if rewritten {
				must(t, os.Remove(path+".bindings"))
				must(t, open(t, Options{Path: path}).Close())
			}

			must(t, os.WriteFile(path, backup.Bytes(), 0o600))
			for range 2 {
				s = open(t, Options{Path: path})
				hasBindings(t, s, 8)
				_, err := s.Bind(ctx, teller.Binding{Coin: teller.BTC, Address: "b7", SkyAddress: "mallory"}, 0)
				wantCode(t, err, teller.CodeAlreadyBound)
				must(t, s.Close())
			}
			journalHas(t, path, 8)
		})
	}
}

func TestJournalThatContradictsIsRefused(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"another buyer": func(raw []byte) []byte {
			return append(raw, "{\"coin\":\"BTC\",\"address\":\"b1\",\"sky_address\":\"mallory\",\"buy_method\":\"direct\"}\n"...)
		},
		"damaged in the middle": func(raw []byte) []byte {
			raw = bytes.Replace(raw, []byte(`"journal":"`), []byte(`"journal":"other`), 1)
			return bytes.Replace(raw, []byte(`"b1"`), []byte(`"b1`), 1)
		},
		"no journal": func([]byte) []byte { return []byte("my notes\n") },
		"no end":     func([]byte) []byte { return bytes.Repeat([]byte("x"), 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "teller.db")
			s := open(t, Options{Path: path})
			for i := range 3 {
				bindN(t, s, i)
			}
			must(t, s.Close())
			cut(t, path, change)
			_, err := Open(context.Background(), Options{Path: path})
			wantCode(t, err, teller.CodeCorrupt)
		})
	}
}

// When the journal can not be written the caller is told, and the binding is in both files later.
func TestJournalThatFailsForAWhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path})
	bindN(t, s, 0)
	good := s.journal.file
	readOnly, err := os.Open(path + ".bindings")
	must(t, err)
	s.journal.file = readOnly
	_, err = s.Bind(context.Background(), numbered(1), 0)
	wantCode(t, err, teller.CodeUnavailable)
	must(t, s.PinChain(context.Background(), teller.BTC, "genesis")) // what needs no journal goes on
	s.journal.file = good
	bindN(t, s, 2)
	journalHas(t, path, 3)
	hasBindings(t, s, 3)

	s.journal.file = readOnly
	_, err = s.Bind(context.Background(), numbered(3), 0)
	wantCode(t, err, teller.CodeUnavailable)
	s.journal.file = good
	crash(t, s)
	s = open(t, Options{Path: path})
	hasBindings(t, s, 4)
	must(t, s.Close())
	journalHas(t, path, 4)
}
