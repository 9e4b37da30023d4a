package btc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/btcsuite/btcd/btcjson"

	"github.com/skycoin/teller"
)

// maxReply bounds one answer: a block has at most 4 MB, 8 MB in hex, and a mempool of a million transactions 67 MB.
const maxReply = 80 << 20

// errTimeout is the cause of a call's context when the node, and not the caller, used up the time.
var errTimeout = errors.New("timeout")

// client makes JSON-RPC calls to one node.
type client struct {
	server    string // host:port, the only thing about the node that error messages show
	timeout   time.Duration
	transport transport
	ids       atomic.Uint64
}

// transport carries one request to the node and its reply back. It returns teller errors, and soon after ctx ends.
type transport interface {
	roundTrip(ctx context.Context, id uint64, request []byte) (reply, error)
	close()
}

func newClient(cfg Config) (*client, error) {
	if _, _, err := net.SplitHostPort(cfg.Server); err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "btc_rpc.server %q is not host:port", cfg.Server)
	}
	c := &client{server: cfg.Server, timeout: cfg.Timeout}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	web := &http.Transport{
		DialContext:         (&net.Dialer{}).DialContext,
		MaxIdleConnsPerHost: maxPosts,
		IdleConnTimeout:     20 * time.Second, // Bitcoin Core hangs up after 30 s
		DisableCompression:  true,
	}
	scheme := "http"
	if cfg.CertFile != "" {
		roots, err := readCert(cfg.CertFile)
		if err != nil {
			return nil, err
		}
		web.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		scheme = "https"
	}
	e := endpoint{
		server: cfg.Server,
		user:   cfg.User,
		pass:   cfg.Pass,
		http: &http.Client{
			Transport:     web,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if cfg.Websocket {
		c.transport = newSocket(e, scheme+"://"+cfg.Server+"/ws")
	} else {
		c.transport = newPoster(e, scheme+"://"+cfg.Server+"/")
	}
	return c, nil
}

func readCert(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "btc_rpc.cert: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, teller.Errorf(teller.CodeInvalid, "btc_rpc.cert: %s holds no PEM certificate", file)
	}
	return roots, nil
}

// call makes one call and returns its result.
func (c *client) call(ctx context.Context, method string, params ...any) (reply, error) {
	r, err := c.ask(ctx, method, params...)
	if err != nil {
		return reply{}, err
	}
	if r.err != nil {
		return reply{}, c.refusal(method, r.err)
	}
	return r, nil
}

// ask is call for those who can do without the result: that the node refuses it is no error but stands in the reply.
func (c *client) ask(ctx context.Context, method string, params ...any) (reply, error) {
	id := c.ids.Add(1)
	request, err := json.Marshal(struct {
		Jsonrpc string `json:"jsonrpc"`
		ID      uint64 `json:"id"`
		Method  string `json:"method"`
		Params  []any  `json:"params"`
	}{"1.0", id, method, append([]any{}, params...)}) // btcd refuses params that are null
	if err != nil {
		return reply{}, teller.Errorf(teller.CodeInternal, "encode %s: %w", method, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	r, err := c.transport.roundTrip(ctx, id, request)
	if err != nil {
		if errors.Is(context.Cause(ctx), errTimeout) {
			return reply{}, teller.Errorf(teller.CodeUnavailable, "bitcoin node %s did not answer %s within %s",
				c.server, method, c.timeout)
		}
		return reply{}, err
	}
	return r, nil
}

// text makes a call whose result is a string. The caller owns the bytes.
func (c *client) text(ctx context.Context, method string, params ...any) ([]byte, error) {
	r, err := c.string(ctx, method, params...)
	return r.text, err
}

// string makes a call whose result is a string.
func (c *client) string(ctx context.Context, method string, params ...any) (reply, error) {
	r, err := c.call(ctx, method, params...)
	if err != nil {
		return reply{}, err
	}
	if r.text == nil {
		return reply{}, c.malformed("its answer to %s is no string but %s", method, quote(r.result))
	}
	return r, nil
}

// bytes makes a call whose result is a string in hex. The caller owns the bytes.
func (c *client) bytes(ctx context.Context, method string, params ...any) ([]byte, error) {
	raw, _, err := c.lend(ctx, method, params...)
	return raw, err
}

// lend is bytes for large results, which are used and then released. The hex is decoded over itself: a block is held in
// memory once.
func (c *client) lend(ctx context.Context, method string, params ...any) (raw []byte, release func(), err error) {
	r, err := c.string(ctx, method, params...)
	if err != nil {
		return nil, nil, err
	}
	n, err := hex.Decode(r.text, r.text)
	if err != nil {
		return nil, nil, c.malformed("its answer to %s is no hex: %w", method, err)
	}
	return r.text[:n], r.release, nil
}

// number makes a call whose result is a whole number from 0.
func (c *client) number(ctx context.Context, method string) (int64, error) {
	r, err := c.call(ctx, method)
	if err != nil {
		return 0, err
	}
	var n *int64
	if err := json.Unmarshal(r.result, &n); err != nil || n == nil || *n < 0 {
		return 0, c.malformed("its answer to %s is no height but %s", method, quote(r.result))
	}
	return *n, nil
}

func (c *client) malformed(format string, args ...any) error {
	return teller.Errorf(teller.CodeMalformed, "bitcoin node %s: "+format, append([]any{c.server}, args...)...)
}

// refusal translates an error that the node itself reports. btcd and Bitcoin Core use different numbers for the same.
func (c *client) refusal(method string, e *btcjson.RPCError) error {
	code := teller.CodeUnavailable // warming up, database trouble, a pruned block: not now
	switch {
	case e.Code == btcjson.ErrRPCInvalidAddressOrKey, // both: block not found
		e.Code == btcjson.ErrRPCInvalidParameter,                                    // Core: height out of range
		e.Code == btcjson.ErrRPCMisc && strings.Contains(e.Message, "out of range"): // btcd
		code = teller.CodeNotFound
	case e.Code == btcjson.ErrRPCMethodNotFound.Code:
		code = teller.CodeMalformed
	}
	return teller.Errorf(code, "bitcoin node %s answers %s with error %d: %s", c.server, method, e.Code, quote([]byte(e.Message)))
}

// reply is one answer of the node.
type reply struct {
	id     uint64            // 0 when the node gave none
	text   []byte            // a result that is a string, without its quotes
	result json.RawMessage   // any other result
	err    *btcjson.RPCError // what the node refused, nil when it did not
	lent   *bytes.Buffer     // where a large answer lies, until release; nil for others
}

// release gives back where the answer lies. Nothing of it may be used after that. Not to call it only costs memory.
func (r reply) release() {
	if r.lent != nil {
		replies.put(r.lent)
	}
}

var resultMark = []byte(`"result":"`)

// parseReply reads an answer. A long string result, as a raw block is, is cut out before the rest is decoded: it is
// neither scanned twice nor copied, and the reply's text is part of body.
func parseReply(body []byte) (reply, error) {
	rest, cut := cutResult(body)
	var e struct {
		ID     *uint64           `json:"id"`
		Result json.RawMessage   `json:"result"`
		Error  *btcjson.RPCError `json:"error"`
	}
	if err := json.Unmarshal(rest, &e); err != nil {
		return reply{}, err
	}
	r := reply{err: e.Error}
	if e.ID != nil {
		r.id = *e.ID
	}
	switch {
	case cut != nil:
		if string(e.Result) != `""` { // what was cut out was not the result but part of something else
			return reply{}, errors.New("it is no plain JSON-RPC answer")
		}
		r.text = cut
	case len(e.Result) > 0 && e.Result[0] == '"':
		var s string
		if err := json.Unmarshal(e.Result, &s); err != nil {
			return reply{}, err
		}
		r.text = []byte(s)
	default:
		r.result = e.Result
	}
	if r.err == nil && r.text == nil && len(r.result) == 0 {
		return reply{}, errors.New("it has neither a result nor an error")
	}
	return r, nil
}

// cutResult returns body without the characters of its string result, and these. Inside a JSON string the mark can not
// occur, because the quotes would be escaped. A result with escapes of its own leaves invalid JSON behind.
func cutResult(body []byte) (rest, text []byte) {
	start := bytes.Index(body, resultMark)
	if start < 0 {
		return body, nil
	}
	start += len(resultMark)
	length := bytes.IndexByte(body[start:], '"')
	if length < 0 {
		return body, nil
	}
	rest = append(rest, body[:start]...)
	rest = append(rest, body[start+length:]...)
	return rest, body[start : start+length : start+length]
}

// quote shortens what a node or a person wrote to something that fits into a message.
func quote(b []byte) string {
	const most = 80
	if len(b) > most {
		return fmt.Sprintf("%q and %d bytes more", b[:most], len(b)-most)
	}
	return fmt.Sprintf("%q", b)
}
