package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/skycoin/skycoin/src/api"
	"github.com/skycoin/skycoin/src/cipher/encoder"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/daemon"
)

// The ways in which inject can fail.
const (
	failOff    = "off"
	failBefore = "before"
	failAfter  = "after"
	failDrop   = "drop"
)

// injector is the API's view of the node, with inject replaced: there are no peers to tell, and it fails on demand.
type injector struct {
	*api.Gateway
	mode atomic.Value // string
}

// InjectBroadcastTransaction implements api.Daemoner.
func (i *injector) InjectBroadcastTransaction(t coin.Transaction) error {
	mode, _ := i.mode.Load().(string)
	if mode == failBefore {
		return daemon.ErrNetworkingDisabled
	}
	if _, _, _, err := i.Visor.InjectUserTransaction(t); err != nil {
		return err
	}
	switch mode {
	case failAfter:
		return daemon.ErrNetworkingDisabled
	case failDrop:
		panic(http.ErrAbortHandler) // net/http closes the connection and says nothing
	}
	return nil
}

// InjectTransaction implements api.Daemoner for no_broadcast.
func (i *injector) InjectTransaction(t coin.Transaction) error {
	return i.InjectBroadcastTransaction(t)
}

// maxBlock bounds a block that is handed over: many times what one may have.
const maxBlock = 1 << 20

// control serves the commands of a test.
func (c *chain) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /mine", func(w http.ResponseWriter, r *http.Request) {
		seconds := uint64(0)
		if s := r.FormValue("advance"); s != "" {
			var err error
			if seconds, err = strconv.ParseUint(s, 10, 31); err != nil {
				http.Error(w, "advance is a number of seconds", http.StatusBadRequest)
				return
			}
		}
		m, err := c.mine(time.Duration(seconds) * time.Second) // #nosec G115 -- 31 bits
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(m)
	})
	mux.HandleFunc("POST /fail/{mode}", func(w http.ResponseWriter, r *http.Request) {
		switch mode := r.PathValue("mode"); mode {
		case failOff, failBefore, failAfter, failDrop:
			c.inject.mode.Store(mode)
		default:
			http.Error(w, "mode is off, before, after or drop", http.StatusBadRequest)
		}
	})
	mux.HandleFunc("GET /block/{seq}", func(w http.ResponseWriter, r *http.Request) {
		seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 63)
		if err != nil {
			http.Error(w, "a block has a number", http.StatusBadRequest)
			return
		}
		b, err := c.visor.GetSignedBlockBySeq(seq)
		if err != nil || b == nil {
			http.Error(w, "there is no such block", http.StatusNotFound)
			return
		}
		_, _ = w.Write(encoder.Serialize(*b))
	})
	mux.HandleFunc("POST /block", func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBlock))
		if err == nil {
			err = c.take(raw)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /prune", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.prune(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}
