package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/skycoin/teller"
)

// group runs steps as one group, on a store whose own goroutine is stopped.
func group(t *testing.T, s *Store, runs ...func(*txn) error) []error {
	t.Helper()
	var steps []*step
	for _, run := range runs {
		steps = append(steps, &step{ctx: context.Background(), run: run, done: make(chan error, 1)})
	}
	s.w.write(steps)
	var errs []error
	for _, st := range steps {
		select {
		case err := <-st.done:
			errs = append(errs, err)
		default:
			t.Fatal("a step was not answered")
		}
	}
	return errs
}

// stopped opens a store and ends its writing goroutine.
func stopped(t *testing.T, opts Options) *Store {
	t.Helper()
	if opts.Path == "" {
		opts.Path = filepath.Join(t.TempDir(), "teller.db")
	}
	s := open(t, opts)
	s.w.close()
	t.Cleanup(func() { _ = s.db.Close() })
	return s
}

func TestFailingStepFailsAlone(t *testing.T) {
	boom := errors.New("boom")
	runs := map[string]int{}
	note := func(name string, err error) func(*txn) error {
		return func(tx *txn) error {
			runs[name]++
			tx.put(bucketMeta, []byte(name), []byte("x"))
			return err
		}
	}
	s := stopped(t, Options{})
	refusal := func(*txn) error { runs["refused"]++; return teller.Errorf(teller.CodeLimit, "no") }

	errs := group(t, s, note("a", nil), refusal, note("b", nil))
	if errs[0] != nil || errs[2] != nil || teller.CodeOf(errs[1]) != teller.CodeLimit {
		t.Fatalf("answers are %v", errs)
	}
	if runs["a"] != 1 || runs["refused"] != 1 {
		t.Errorf("a refusal made its group run again: %v", runs)
	}
	errs = group(t, s, note("c", nil), note("bad", boom), note("d", nil), refusal)
	if errs[0] != nil || errs[2] != nil || !errors.Is(errs[1], boom) || teller.CodeOf(errs[3]) != teller.CodeLimit {
		t.Fatalf("answers are %v", errs)
	}
	must(t, s.db.View(func(tx *bolt.Tx) error {
		for name, want := range map[string]bool{"a": true, "b": true, "c": true, "d": true, "bad": false} {
			if got := tx.Bucket([]byte(bucketMeta)).Get([]byte(name)) != nil; got != want {
				t.Errorf("%s is written: %v, want %v", name, got, want)
			}
		}
		return nil
	}))
}

func TestFailedWriteIsTheStepsError(t *testing.T) {
	s := stopped(t, Options{})
	errs := group(t, s, func(tx *txn) error {
		tx.put(bucketMeta, []byte("first"), []byte("x"))
		tx.put(bucketMeta, nil, []byte("bolt takes no empty key"))
		return nil
	})
	if errs[0] == nil {
		t.Fatal("a write that failed was answered as done")
	}
	must(t, s.db.View(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte(bucketMeta)).Get([]byte("first")) != nil {
			t.Error("half a step was kept")
		}
		return nil
	}))
}

// A full disk is told, loses nothing that was answered, and teller goes on when there is space again.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "teller.db")
	s := open(t, Options{Path: path, maxSize: 1 << 18})
	bound := 0
	var err error
	for bound < 10_000 {
		if _, err = s.Bind(context.Background(), numbered(bound), 0); err != nil {
			break
		}
		bound++
	}
	wantCode(t, err, teller.CodeUnavailable)
	if !strings.Contains(err.Error(), "space") {
		t.Errorf("the message does not say what is wrong: %v", err)
	}
	hasBindings(t, s, bound)
	s.db.MaxSize = 0 // somebody made room
	bindN(t, s, bound)
	must(t, s.Close())
	s = open(t, Options{Path: path})
	hasBindings(t, s, bound+1)
	must(t, s.Close())
}

// TestKilled binds in a process of its own, kills that with -9, and looks whether everything that was answered is there.
func TestKilled(t *testing.T) {
	const env = "TELLER_TEST_KILLED_DB"
	if path := os.Getenv(env); path != "" {
		s := open(t, Options{Path: path})
		for n := 0; ; n++ {
			bindN(t, s, n)
			fmt.Println("bound", n)
		}
	}
	path := filepath.Join(t.TempDir(), "teller.db")
	for range 3 {
		must(t, errors.Join(os.RemoveAll(path), os.RemoveAll(path+".bindings")))
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), env+"="+path)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		last := -1
		lines := bufio.NewScanner(out)
		for last < 50 && lines.Scan() {
			_, _ = fmt.Sscanf(lines.Text(), "bound %d", &last)
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() {
			_, _ = fmt.Sscanf(lines.Text(), "bound %d", &last)
		}
		_ = cmd.Wait()

		start := time.Now()
		s := open(t, Options{Path: path})
		sum, err := s.Totals(context.Background())
		must(t, err)
		n := sum.Bound[teller.BTC]
		if n < last+1 || n > last+2 {
			t.Errorf("%d bindings are there, %d were answered (opened in %s)", n, last+1, time.Since(start))
		}
		hasBindings(t, s, n)
		must(t, s.Close())
		journalHas(t, path, n)
	}
}
