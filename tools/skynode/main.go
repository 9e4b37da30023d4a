// Command skynode is a Skycoin chain of one process, for tests. It verifies transactions and blocks with Skycoin's own code and
// answers with Skycoin's own REST API, but it has no peers, and it makes a block only when it is told to (or every
// -interval), so that a test decides what happens when.
//
// A second, small HTTP server controls it:
//
//	POST /mine              makes a block of what is pending; answers {"seq": 12, "count": 3}, count 0 when nothing was
//	POST /mine?advance=3600 the same, with a block time so many seconds later: coin hours accrue
//	POST /fail/before       from now on inject answers 503 and forgets the transaction, as a node without peers does
//	POST /fail/after        inject keeps the transaction and answers 503, as a node does that lost its peers meanwhile
//	POST /fail/drop         inject keeps the transaction and closes the connection without an answer
//	POST /fail/off          inject works again
//	GET /block/7            is the block of that height, signed and serialized
//	POST /block             adds such a block that another node has made on the same chain
//	POST /prune             drops pending transactions that can never confirm, which a node does once a minute
//
// It keeps its chain in -dir and goes on there when it is started again. The first line that it prints is a JSON object
// that tells where it listens and what its genesis is.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/skycoin/skycoin/src/util/logging"
)

// Options are the command line.
type Options struct {
	Dir         string
	Address     string
	Control     string
	Interval    time.Duration
	ChainSeed   string
	GenesisSeed string
	NoCSRF      bool
	UntilEOF    bool
}

// Started is the line that tells a test where the node is.
type Started struct {
	Address        string `json:"address"`
	Control        string `json:"control"`
	GenesisAddress string `json:"genesis_address"`
	GenesisHash    string `json:"genesis_hash"`
}

func main() {
	var o Options
	flag.StringVar(&o.Dir, "dir", "", "data directory (required)")
	flag.StringVar(&o.Address, "addr", "127.0.0.1:0", "where the REST API listens")
	flag.StringVar(&o.Control, "ctl", "127.0.0.1:0", "where the control server listens")
	flag.DurationVar(&o.Interval, "interval", 0, "make a block so often; 0 = only on POST /mine")
	flag.StringVar(&o.ChainSeed, "chain-seed", "teller test chain", "seed of the key that signs blocks")
	flag.StringVar(&o.GenesisSeed, "genesis-seed", "teller test genesis", "seed of the wallet that owns the first 100,000,000 SKY")
	flag.BoolVar(&o.NoCSRF, "no-csrf", false, "do not ask for a CSRF token")
	flag.BoolVar(&o.UntilEOF, "until-eof", false, "stop when standard input ends, so that the node never outlives its test")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "skynode:", err)
		os.Exit(1)
	}
}

func run(o Options) error {
	if o.Dir == "" {
		return errors.New("-dir is missing")
	}
	logging.Disable()
	listener, err := net.Listen("tcp", o.Control)
	if err != nil {
		return err
	}
	c, err := openChain(o)
	if err != nil {
		return err
	}
	defer c.close()
	control := &http.Server{Handler: c.control(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- control.Serve(listener) }()
	go func() { failed <- c.api.Serve() }()
	if err := json.NewEncoder(os.Stdout).Encode(Started{
		Address: c.api.Addr(), Control: listener.Addr().String(),
		GenesisAddress: c.genesisAddress, GenesisHash: c.genesisHash,
	}); err != nil {
		return err
	}
	return wait(o, c, failed)
}

// wait runs the node's housekeeping until it is told to stop.
func wait(o Options, c *chain, failed <-chan error) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	eof := make(chan struct{})
	if o.UntilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(eof)
		}()
	}
	var tick <-chan time.Time
	if o.Interval > 0 {
		t := time.NewTicker(o.Interval)
		defer t.Stop()
		tick = t.C
	}
	prune := time.NewTicker(time.Minute)
	defer prune.Stop()
	for {
		select {
		case err := <-failed:
			return err
		case <-stop:
			return nil
		case <-eof:
			return nil
		case <-tick:
			if _, err := c.mine(0); err != nil { // a publisher goes on without this block
				fmt.Fprintln(os.Stderr, "skynode: mine:", err)
			}
		case <-prune.C:
			if err := c.prune(); err != nil {
				return err
			}
		}
	}
}
