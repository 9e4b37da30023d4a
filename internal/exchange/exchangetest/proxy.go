package exchangetest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// passage is a request on its way to the server, and the answer on its way back, for a fault to spoil.
type passage struct {
	request *http.Request // its body is in sent
	sent    []byte

	lose bool            // close the connection instead of handing the request on
	wait <-chan struct{} // hand the request on only after this

	answer // filled in when the fault is called for the second time
}

// answer is a server's answer on its way to the adapter.
type answer struct {
	status int // 0 = none is sent, nor anything else
	header http.Header
	body   []byte

	drop bool // close the connection instead of answering
	cut  bool // close the connection in the middle of the body
	hang bool // stop in the middle of the body and wait until the adapter has gone
}

// fault changes the n-th passage since it was set, before it is handed on (answered is false) and on the way back.
// Requests may come at the same time; faults are called one at a time.
type fault func(n int, answered bool, p *passage)

// proxy stands between an adapter and its exchange and hands on what the fault leaves.
type proxy struct {
	addr   string
	server string // host:port
	client *http.Client

	mu    sync.Mutex
	fault fault
	count int
	late  sync.WaitGroup // requests whose adapter may have gone
}

// startProxy starts a proxy in front of the server and ends it with the test.
func (x *trial) startProxy() *proxy {
	x.Helper()
	listener, err := new(net.ListenConfig).Listen(x.ctx, "tcp", "127.0.0.1:0")
	x.must(err)
	p := &proxy{
		addr: listener.Addr().String(), server: x.server.Addr(),
		// Nothing is kept or added, so that what goes wrong is the fault's doing.
		client: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
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
		p.late.Wait()
	})
	return p
}

// set changes what happens from now on; nil hands everything on as it is.
func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.count = f, 0
}

func (p *proxy) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	return p.count - 1
}

func (p *proxy) spoil(n int, answered bool, pass *passage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		p.fault(n, answered, pass)
	}
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	pass := &passage{request: r, sent: sent}
	n := p.next()
	p.spoil(n, false, pass)
	if pass.lose {
		panic(http.ErrAbortHandler)
	}
	// The request is handed on even when the adapter has given up: a network does not call it back.
	answered := make(chan error, 1)
	p.late.Go(func() { answered <- p.ask(context.WithoutCancel(r.Context()), pass) })
	if err := <-answered; err != nil {
		panic(http.ErrAbortHandler)
	}
	p.spoil(n, true, pass)
	pass.send(w, r)
}

// ask gets the server's answer.
func (p *proxy) ask(ctx context.Context, pass *passage) error {
	if pass.wait != nil {
		<-pass.wait
	}
	r := pass.request
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+p.server+r.URL.RequestURI(), bytes.NewReader(pass.sent))
	if err != nil {
		return err
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Accept-Encoding")
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	pass.answer = answer{status: resp.StatusCode, header: resp.Header, body: body}
	return err
}

func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	if a.status != 0 && !a.drop {
		for name, values := range a.header {
			w.Header()[name] = values
		}
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
