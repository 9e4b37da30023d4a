package scan_test

import (
	"context"
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/scan"
)

// fakeRescans keeps one rescan.
type fakeRescans struct {
	job   *teller.Rescan
	saved []int64
	fail  error // of the next SaveRescanned
}

func (s *fakeRescans) Rescan(context.Context, teller.Coin) (teller.Rescan, error) {
	if s.job == nil {
		return teller.Rescan{}, teller.Errorf(teller.CodeNotFound, "no rescan")
	}
	return *s.job, nil
}

func (s *fakeRescans) SaveRescanned(_ context.Context, _ teller.Coin, b teller.Block, _ teller.ScanTerms) (teller.ScanResult, error) {
	if err := s.fail; err != nil {
		s.fail = nil
		return teller.ScanResult{}, err
	}
	if b.Height != s.job.Next {
		return teller.ScanResult{}, teller.Errorf(teller.CodeConflict, "block %d is not the next one", b.Height)
	}
	s.saved = append(s.saved, b.Height)
	s.job.Next++
	return teller.ScanResult{}, nil
}

func TestRescanReadsEveryBlockOnce(t *testing.T) {
	c := newChain(700)
	sc := newScanner(t, c, newStore("a"), 0)
	settle(t, sc)
	s := &fakeRescans{}
	r := scan.NewRescanner(sc, s)
	if worked, err := r.Step(t.Context()); worked || err != nil {
		t.Fatalf("without a rescan: %v, %v", worked, err)
	}
	s.job = &teller.Rescan{From: 10, Next: 10, To: 600}
	s.fail = teller.Errorf(teller.CodeConflict, "the chain turned")
	if worked, err := r.Step(t.Context()); worked || teller.CodeOf(err) != teller.CodeConflict {
		t.Fatalf("a conflict: %v, %v", worked, err)
	}
	for steps := 0; !s.job.Done(); steps++ {
		if worked, err := r.Step(t.Context()); !worked || err != nil || steps > 3 {
			t.Fatalf("step %d: %v, %v", steps, worked, err)
		}
	}
	for i, h := range s.saved {
		if h != 10+int64(i) {
			t.Fatalf("block %d came in place of %d", h, 10+i)
		}
	}
	if len(s.saved) != 591 {
		t.Errorf("%d blocks, want 10 to 600", len(s.saved))
	}
	if worked, err := r.Step(t.Context()); worked || err != nil {
		t.Errorf("after the end: %v, %v", worked, err)
	}
}

// What lies deeper than the kept hashes is believed only of a node that has the ledger's own last block.
func TestRescanNeedsTheLedgersChain(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*fakeChain)
		want   teller.Code
	}{
		{"another branch", func(c *fakeChain) { c.drop(5); c.mine(9) }, teller.CodeConflict},
		{"a node that is behind", func(c *fakeChain) { c.drop(5) }, teller.CodeNodeBehind},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newChain(30)
			sc := newScanner(t, c, newStore("a"), 0)
			settle(t, sc)
			tc.change(c)
			s := &fakeRescans{job: &teller.Rescan{From: 3, Next: 3, To: 29}}
			if _, err := scan.NewRescanner(sc, s).Step(t.Context()); teller.CodeOf(err) != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if len(s.saved) > 0 {
				t.Errorf("blocks %v were taken", s.saved)
			}
		})
	}
}

// fakeMempool answers what it is told.
type fakeMempool struct {
	transfers []teller.Transfer
	err       error
}

func (m *fakeMempool) Unconfirmed(context.Context, teller.Watched) ([]teller.Transfer, error) {
	return m.transfers, m.err
}

func TestMempoolShowsWhatTheNodeHasNow(t *testing.T) {
	node := &fakeMempool{transfers: []teller.Transfer{{Address: "a", TxID: "1"}, {Address: "b", TxID: "1", N: 1}, {Address: "a", TxID: "2"}}}
	m := scan.NewMempool(newScanner(t, newChain(1), newStore("a"), 0), node)
	step := func() error {
		_, err := m.Step(t.Context())
		return err
	}
	if err := step(); err != nil || len(m.Unconfirmed("a")) != 2 || len(m.Unconfirmed("b")) != 1 || len(m.Unconfirmed("c")) != 0 {
		t.Errorf("a %v, b %v, err %v", m.Unconfirmed("a"), m.Unconfirmed("b"), err)
	}
	node.transfers = node.transfers[1:]
	if err := step(); err != nil || len(m.Unconfirmed("a")) != 1 {
		t.Errorf("a %v after one of its transactions was mined, err %v", m.Unconfirmed("a"), err)
	}
	node.transfers, node.err = nil, teller.Errorf(teller.CodeUnavailable, "down")
	if err := step(); err == nil || len(m.Unconfirmed("a")) != 0 {
		t.Errorf("a node that is down still shows %v", m.Unconfirmed("a"))
	}
}
