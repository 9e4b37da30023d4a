package btc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/skycoin/teller"
)

// endpoint is what both transports know about the node.
type endpoint struct {
	server, user, pass string
	http               *http.Client
}

// poster sends every request as an HTTP POST. btcd closes the connection after each reply, Bitcoin Core keeps it.
type poster struct {
	endpoint
	url   string
	posts chan struct{} // holds a token for each request that is under way
}

// maxPosts is how many requests are under way at a time: btcd refuses an eleventh connection, Bitcoin Core a seventeenth
// request, and others may be talking to the node.
const maxPosts = 8

func newPoster(e endpoint, url string) *poster {
	return &poster{endpoint: e, url: url, posts: make(chan struct{}, maxPosts)}
}

func (p *poster) close() { p.http.CloseIdleConnections() }

func (p *poster) roundTrip(ctx context.Context, id uint64, request []byte) (reply, error) {
	select {
	case p.posts <- struct{}{}:
		defer func() { <-p.posts }()
	case <-ctx.Done():
		return reply{}, p.unreachable(context.Cause(ctx))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(request))
	if err != nil {
		return reply{}, teller.Errorf(teller.CodeInvalid, "btc_rpc.server: %w", err)
	}
	req.SetBasicAuth(p.user, p.pass)
	req.Header.Set("Content-Type", "application/json")
	// Present but empty, it is not sent: it tells net/http that the request may be repeated on a new connection when the
	// node closed a kept one at this moment.
	req.Header["Idempotency-Key"] = []string{}
	resp, err := p.http.Do(req)
	if err != nil {
		return reply{}, p.unreachable(err)
	}
	defer resp.Body.Close()
	body, lent, err := readBounded(resp.Body)
	if err != nil {
		return reply{}, p.unreachable(err)
	}
	r, parseErr := parseReply(body)
	if resp.StatusCode != http.StatusOK {
		if parseErr == nil && r.err != nil { // Bitcoin Core reports its errors with status 404 or 500
			return r, nil
		}
		return reply{}, p.badStatus(resp.StatusCode, body)
	}
	switch {
	case parseErr != nil && isCutOff(body): // without a length, the end of a broken connection looks like the end
		return reply{}, teller.Errorf(teller.CodeUnavailable, "bitcoin node %s: the answer was cut off after %d bytes", p.server, len(body))
	case parseErr != nil:
		return reply{}, p.garbage(fmt.Errorf("%w, in %s", parseErr, quote(body)))
	case r.id != id:
		return reply{}, p.garbage(fmt.Errorf("it answers request %d instead of %d", r.id, id))
	}
	r.lent = lent
	return r, nil
}

var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxReply)

// replies are read into buffers that have grown already: growing to a block's size costs more than copying it once. They
// are kept from the garbage collector, which would run for every few blocks if it could take them, as in a sync.Pool.
var replies = make(bufferList, maxWholeBlocks+2)

// bufferList holds buffers that are not in use.
type bufferList chan *bytes.Buffer

func (l bufferList) get() *bytes.Buffer {
	select {
	case b := <-l:
		b.Reset()
		return b
	default:
		return new(bytes.Buffer)
	}
}

// put takes a buffer back, unless there are enough, or it has grown to what only a mempool needs.
func (l bufferList) put(b *bytes.Buffer) {
	const largest = 16 << 20
	if b.Cap() > largest {
		return
	}
	select {
	case l <- b:
	default:
	}
}

// largeReply is from where a reply is not copied out of its buffer.
const largeReply = 64 << 10

// readBounded reads an answer. A large one lies in the buffer lent, which is to be put back into replies when the answer
// is not needed any more; without that the garbage collector would run for every few blocks.
func readBounded(r io.Reader) (body []byte, lent *bytes.Buffer, err error) {
	b := replies.get()
	_, err = b.ReadFrom(io.LimitReader(r, maxReply+1))
	if err == nil && b.Len() > maxReply {
		err = errTooLong
	}
	if err == nil && b.Len() > largeReply {
		return b.Bytes(), b, nil
	}
	defer replies.put(b)
	if err != nil {
		return nil, nil, err
	}
	return bytes.Clone(b.Bytes()), nil, nil
}

func isCutOff(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) == 0 || body[0] == '{' && body[len(body)-1] != '}'
}

// unreachable is the error for a node that could not be asked or did not answer.
func (e *endpoint) unreachable(err error) error {
	var outer *url.Error // it would only repeat the address
	if errors.As(err, &outer) {
		err = outer.Err
	}
	hint := ""
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.Is(err, errTooLong):
		return e.garbage(err)
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		hint = " (it does not speak TLS: leave btc_rpc.cert empty, or start the node with TLS)"
	case errors.As(err, &unknown):
		hint = " (btc_rpc.cert is not this node's certificate)"
	case errors.As(err, &name):
		hint = " (make the node's certificate for the host in btc_rpc.server)"
	}
	return teller.Errorf(teller.CodeUnavailable, "bitcoin node %s does not answer%s: %w", e.server, hint, err)
}

// errForbidden says that the node does not let this login make this call. Bitcoin Core says the same of a method that its
// rpcwhitelist leaves out.
var errForbidden = errors.New(", and rpcwhitelist")

// badStatus is the error for an HTTP status that is no answer to a JSON-RPC call.
func (e *endpoint) badStatus(status int, body []byte) error {
	text := fmt.Sprintf("HTTP status %d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return teller.Errorf(teller.CodeUnavailable, "bitcoin node %s refuses the login with %s: check btc_rpc.user and btc_rpc.pass%w",
			e.server, text, errForbidden)
	case bytes.Contains(body, []byte("HTTP request to an HTTPS server")):
		return teller.Errorf(teller.CodeUnavailable, "bitcoin node %s speaks TLS: set btc_rpc.cert to its certificate", e.server)
	case status >= 500:
		return teller.Errorf(teller.CodeUnavailable, "bitcoin node %s answers with %s: %s", e.server, text, quote(body))
	}
	return e.garbage(fmt.Errorf("%s: %s", text, quote(body)))
}

// garbage is the error for an answer that is not what the protocol says.
func (e *endpoint) garbage(err error) error {
	return teller.Errorf(teller.CodeMalformed, "bitcoin node %s answers something else than JSON-RPC: %w", e.server, err)
}
