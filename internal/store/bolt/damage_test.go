package bolt

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/skycoin/teller"
)

// Whatever page of the file is damaged, and whenever it is met: no panic leaves the ledger, what is told is an error with
// advice, and the ledger can be closed.
func TestDamagedPage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "teller.db")
	s := open(t, Options{Path: path})
	payout := payable(t, s)
	for i := 1; i < 400; i++ {
		bindN(t, s, i)
	}
	must(t, s.CreatePayout(context.Background(), payout))
	must(t, s.Close())
	whole, err := os.ReadFile(path)
	must(t, err)

	const page = 4096
	whole = whole[:neededSize(bytes.NewReader(whole))] // the rest is room to grow
	rng := rand.New(rand.NewPCG(1, 2))
	codes := map[teller.Code]int{}
	for n := 0; n*page < len(whole); n++ {
		for name, damage := range map[string]func([]byte){
			"zeroed": func(p []byte) { clear(p) },
			"random": func(p []byte) {
				for i := range p {
					p[i] = byte(rng.Uint32())
				}
			},
			"random behind its header": func(p []byte) {
				for i := 16; i < len(p); i++ {
					p[i] = byte(rng.Uint32())
				}
			},
			"of another kind":       func(p []byte) { p[8] ^= 3 },
			"with too many entries": func(p []byte) { p[10], p[11] = 0xff, 0x7f },
		} {
			hurt := append([]byte{}, whole...)
			damage(hurt[n*page : min((n+1)*page, len(hurt))])
			at := filepath.Join(dir, fmt.Sprint(n, name, ".db"))
			must(t, os.WriteFile(at, hurt, 0o600))
			for _, code := range live(t, at) {
				codes[code]++
			}
		}
	}
	t.Logf("answers by code: %v", codes)
	if codes[teller.CodeCorrupt] < 50 {
		t.Errorf("most damage is not noticed at all: %v", codes)
	}
}

// live opens a ledger, uses it, and closes it, and returns the codes of all answers.
func live(t *testing.T, path string) (codes []teller.Code) {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, Options{Path: path, NoSync: true})
	if err != nil {
		return []teller.Code{teller.CodeOf(err)}
	}
	for _, f := range everything(s) {
		codes = append(codes, teller.CodeOf(f(ctx)))
	}
	ds, err := s.Deposits(ctx, teller.DepositQuery{})
	codes = append(codes, teller.CodeOf(err))
	for _, d := range ds {
		_, err := s.Hold(ctx, d.ID, d.Version, teller.HoldUnpayable, "x")
		codes = append(codes, teller.CodeOf(err))
	}
	_, err = s.SaveSkyBlocks(ctx, []teller.SkyBlock{{BlockRef: teller.BlockRef{Height: 2, Hash: "s2"}, Parent: "s1"}})
	codes = append(codes, teller.CodeOf(err))
	select {
	case <-s.Broken():
		if code := teller.CodeOf(s.Condition()); code != teller.CodeCorrupt {
			t.Errorf("%s: the ledger is broken for %v", path, s.Condition())
		}
	default:
	}
	_ = s.Close() // it ends
	return codes
}
