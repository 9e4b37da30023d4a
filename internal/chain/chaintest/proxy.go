package chaintest

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// answer is a node's answer on its way to the adapter, for a fault to change.
type answer struct {
	status int    // 0 = none is sent, nor anything else
	kind   string // of content
	body   []byte

	drop bool // close the connection instead of answering
	cut  bool // close the connection in the middle of the body
	hang bool // stop in the middle of the body and wait until the adapter has gone
}

// fault changes the n-th answer since it was set. Answers may come at the same time; faults are called one at a time.
type fault func(n int, a *answer)

// proxy stands between an adapter and its node and hands on what the fault makes of the answers: those to HTTP requests,
// and those through a websocket (see socket.go).
type proxy struct {
	addr   string
	node   string // host:port
	client *http.Client

	mu      sync.Mutex
	fault   fault
	count   int
	sockets map[*socket]bool
	relays  sync.WaitGroup
}

// startProxy starts a proxy in front of the node and ends it with the test.
func (x *trial) startProxy() *proxy {
	x.Helper()
	listener, err := new(net.ListenConfig).Listen(x.ctx, "tcp", "127.0.0.1:0")
	x.must(err)
	p := &proxy{
		addr: listener.Addr().String(), node: x.node.Server(), sockets: make(map[*socket]bool),
		// Nothing is kept or added, so that what goes wrong is the fault's doing.
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}},
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: patience}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with an error by design
	}()
	x.Cleanup(func() {
		_ = server.Close()
		<-done
		p.closeSockets()
		p.relays.Wait()
	})
	return p
}

// set changes the answers from now on; nil hands them on as they are. Websockets are closed, so that none is left in
// a state that an earlier fault brought it into.
func (p *proxy) set(f fault) {
	p.closeSockets()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.count = f, 0
}

// spoil lets the fault at an answer.
func (p *proxy) spoil(a *answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		p.fault(p.count, a)
	}
	p.count++
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		p.relay(w, r)
		return
	}
	a, err := p.ask(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	p.spoil(&a)
	a.send(w, r)
}

// ask gets the node's answer.
func (p *proxy) ask(r *http.Request) (answer, error) {
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+p.node+r.URL.RequestURI(), bytes.NewReader(request))
	if err != nil {
		return answer{}, err
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Accept-Encoding")
	resp, err := p.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, kind: resp.Header.Get("Content-Type"), body: body}, err
}

func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	if a.status != 0 && !a.drop {
		w.Header().Set("Content-Type", a.kind)
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		w.WriteHeader(a.status)
		if !a.cut && !a.hang {
			_, _ = w.Write(a.body)
			return
		}
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush()
	}
	if a.hang {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// idOf is the id of a JSON-RPC message, nil of anything else.
func idOf(body []byte) json.RawMessage {
	var message struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(body, &message) != nil {
		return nil
	}
	return message.ID
}

// withIDOf gives a recorded JSON-RPC answer the id of the one in whose place it is sent. What is no JSON-RPC stays as it
// is.
func withIDOf(body, recorded []byte) []byte {
	var message map[string]json.RawMessage
	if json.Unmarshal(recorded, &message) != nil || message["id"] == nil {
		return recorded
	}
	message["id"] = idOf(body)
	changed, err := json.Marshal(message)
	if err != nil {
		return recorded
	}
	return changed
}
