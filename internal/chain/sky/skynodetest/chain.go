// Package skynodetest starts a private Skycoin chain for a test: the program tools/skynode, which verifies and answers as
// a real node does, but makes a block only when the test says so.
//
//	chain := skynodetest.Start(t, skynodetest.Options{}) // skips the test when the program is not built
//	chain.WriteWallet("hot.wlt")                         // owns all 100,000,000 SKY
//	node := sky.NewNode(sky.Config{Address: chain.Address})
//	...
//	chain.Mine()
package skynodetest

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/skycoin/skycoin/src/wallet"
	"github.com/skycoin/skycoin/src/wallet/deterministic"

	"github.com/skycoin/teller/internal/chain/processtest"
)

// Seed is the seed of the deterministic wallet that owns the chain's first output, when Options name no other.
const Seed = "teller test genesis"

// Options say how the chain behaves.
type Options struct {
	// Interval makes a block so often when something is pending; 0 = only when Mine is called.
	Interval time.Duration
	// Seed is the seed of the wallet that owns the chain's first output; "" = Seed. Chains of different owners have
	// different first blocks: they are different networks.
	Seed string
	// NoCSRF switches off the token that a node demands for a POST.
	NoCSRF bool
}

// Chain is a running chain. Its methods fail the test when the chain does not do what they ask.
type Chain struct {
	Address        string // host:port of the REST API; it stays the same over restarts
	GenesisHash    string
	GenesisAddress string

	t       testing.TB
	program string
	dir     string
	opts    Options
	control string
	process *process
}

// Start starts a new chain and ends it with the test.
func Start(t testing.TB, opts Options) *Chain {
	t.Helper()
	opts.Seed = cmp.Or(opts.Seed, Seed)
	c := &Chain{t: t, program: processtest.Find(t, "skynode", "tools"), dir: t.TempDir(), opts: opts}
	c.start("127.0.0.1:0", "127.0.0.1:0")
	t.Cleanup(c.Stop)
	return c
}

// process is one run of the program.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer // its end tells the program to stop, also when the test dies
	stderr *safeBuffer
	done   chan struct{}
}

// safeBuffer is written by the process's goroutine and read by the test's.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (c *Chain) start(address, control string) {
	c.t.Helper()
	args := []string{"-until-eof", "-dir", c.dir, "-addr", address, "-ctl", control, "-genesis-seed", c.opts.Seed, "-interval", c.opts.Interval.String()}
	if c.opts.NoCSRF {
		args = append(args, "-no-csrf")
	}
	p := &process{cmd: exec.Command(c.program, args...), stderr: &safeBuffer{}, done: make(chan struct{})}
	p.cmd.Stderr = p.stderr
	stdin, err := p.cmd.StdinPipe()
	c.must(err)
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	c.must(err)
	c.must(p.cmd.Start())
	c.process = p

	line := make(chan []byte, 1)
	go func() {
		defer close(p.done)
		first, _ := bufio.NewReader(stdout).ReadBytes('\n')
		line <- first
		_, _ = io.Copy(io.Discard, stdout)
		_ = p.cmd.Wait()
	}()
	select {
	case first := <-line:
		var started struct {
			Address        string `json:"address"`
			Control        string `json:"control"`
			GenesisAddress string `json:"genesis_address"`
			GenesisHash    string `json:"genesis_hash"`
		}
		if err := json.Unmarshal(first, &started); err != nil {
			c.t.Fatalf("skynode did not start: %v: %s", err, p.stderr)
		}
		c.Address, c.control = started.Address, started.Control
		c.GenesisAddress, c.GenesisHash = started.GenesisAddress, started.GenesisHash
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		c.t.Fatalf("skynode did not start within a minute: %s", p.stderr)
	}
}

// Stop ends the chain's process in good order. It does nothing when none runs.
func (c *Chain) Stop() {
	c.t.Helper()
	if c.process == nil {
		return
	}
	_ = c.process.stdin.Close()
	select {
	case <-c.process.done:
	case <-time.After(20 * time.Second):
		c.t.Errorf("skynode did not stop: %s", c.process.stderr)
		_ = c.process.cmd.Process.Kill()
	}
	c.process = nil
}

// Kill ends the process without giving it time to do anything.
func (c *Chain) Kill() {
	c.t.Helper()
	if c.process == nil {
		return
	}
	c.must(c.process.cmd.Process.Kill())
	<-c.process.done
	_ = c.process.stdin.Close()
	c.process = nil
}

// Restart starts the chain again where it was, at the same addresses, stopping it first when it runs.
func (c *Chain) Restart() {
	c.t.Helper()
	c.Stop()
	c.start(c.Address, c.control)
}

// WriteWallet writes a wallet file that holds the key of the chain's first output: all 100,000,000 SKY.
func (c *Chain) WriteWallet(path string) {
	c.t.Helper()
	w, err := deterministic.NewWallet(filepath.Base(path), "genesis", c.opts.Seed, wallet.OptionGenerateN(1))
	c.must(err)
	data, err := w.Serialize()
	c.must(err)
	addresses, err := w.GetAddresses()
	c.must(err)
	if addresses[0].String() != c.GenesisAddress {
		c.must(errors.New("the chain's first output belongs to another seed"))
	}
	c.must(os.WriteFile(path, data, 0o600))
}

func (c *Chain) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("skynode: %v", err)
	}
}
