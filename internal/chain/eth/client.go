package eth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/skycoin/teller"
)

const (
	// maxReply bounds one answer: a block has some megabytes, a trace of one some tens of them.
	maxReply = 128 << 20

	maxHeight = math.MaxInt64
)

// The error numbers of JSON-RPC and of EIP-1474 that mean something here.
const (
	numberNoMethod   = -32601
	numberNotFound   = -32001
	numberNoMethod2  = -32004 // "method not supported"
	numberOverLimits = -32005
)

var (
	errTimeout  = errors.New("timeout") // the cause of a call's context when the node used up the time
	errClosed   = errors.New("the client is closed")
	errLost     = errors.New("the connection was lost")
	errTooLong  = fmt.Errorf("the answer is longer than %d bytes", maxReply)
	errNonsense = errors.New("it makes no sense") // marks what a decoder of ours refused
)

// readLimitHit is how go-ethereum's websocket says errTooLong.
const readLimitHit = "read limit exceeded"

// refusal is an error that the node itself reports.
type refusal struct {
	number  int
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("error %d: %s", r.number, quote([]byte(r.message)))
}

// client makes calls to one node. It connects when it is first used.
type client struct {
	name    string // the node's host, the only thing of its URL that error messages show
	url     string
	push    bool // it is a websocket
	timeout time.Duration
	web     *http.Client

	connecting chan struct{} // holds a token while somebody connects; a lock that a caller can stop waiting for

	mu     sync.Mutex
	link   *link // nil until the first call
	closed bool
}

func newClient(cfg Config) (*client, error) {
	u, err := parseServer(cfg)
	if err != nil {
		return nil, err
	}
	c := &client{
		name:    u.Host,
		url:     u.String(),
		push:    strings.HasPrefix(u.Scheme, "ws"),
		timeout: cfg.Timeout,
		web: &http.Client{
			Transport: bounded{&http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{}).DialContext,
				MaxIdleConnsPerHost: 8,
				IdleConnTimeout:     90 * time.Second, // geth hangs up after 120 s
				DisableCompression:  true,             // compressing takes a node longer than making the answer
			}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		connecting: make(chan struct{}, 1),
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	return c, nil
}

// parseServer makes a URL of what is configured. Its errors do not repeat a URL, which may hold a key.
func parseServer(cfg Config) (*url.URL, error) {
	if !strings.Contains(cfg.Server, "://") {
		port, err := strconv.ParseUint(cfg.Port, 10, 16)
		if cfg.Server == "" || strings.ContainsAny(cfg.Server, "/?#@ ") {
			return nil, teller.Errorf(teller.CodeInvalid, "eth_rpc.server is neither a host nor a URL")
		}
		if err != nil || port == 0 {
			return nil, teller.Errorf(teller.CodeInvalid, "eth_rpc.port %q is no port", cfg.Port)
		}
		u := &url.URL{Scheme: "http", Host: net.JoinHostPort(strings.Trim(cfg.Server, "[]"), cfg.Port)}
		if cfg.Websocket {
			u.Scheme = "ws"
		}
		return u, nil
	}
	u, err := url.Parse(cfg.Server)
	if err != nil || u.Host == "" {
		return nil, teller.Errorf(teller.CodeInvalid, "eth_rpc.url is no URL")
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http", "https":
		if cfg.Websocket {
			u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
		}
	default:
		return nil, teller.Errorf(teller.CodeInvalid, "eth_rpc.url begins with none of http, https, ws and wss")
	}
	return u, nil
}

func (c *client) close() {
	c.mu.Lock()
	c.closed = true
	l := c.link
	c.mu.Unlock()
	if l != nil {
		l.Close()
	}
	c.web.CloseIdleConnections()
}

// connect returns the link that is up, or makes one.
func (c *client) connect(ctx context.Context) (*link, error) {
	select {
	case c.connecting <- struct{}{}:
		defer func() { <-c.connecting }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	old, err := c.current()
	if err != nil || old != nil && !old.isDown() {
		return old, err
	}
	if old != nil {
		old.Close()
	}
	l, err := dial(ctx, c.url, c.web)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		l.Close()
		return nil, errClosed
	}
	c.link = l
	return l, nil
}

func (c *client) current() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	return c.link, nil
}

// call makes one call. A result that is null leaves a pointer to a pointer nil.
func (c *client) call(ctx context.Context, result any, method string, args ...any) error {
	return c.callWithin(ctx, c.timeout, result, method, args...)
}

func (c *client) callWithin(ctx context.Context, timeout time.Duration, result any, method string, args ...any) error {
	return c.do(ctx, timeout, method, func(ctx context.Context, r *rpc.Client) error {
		return r.CallContext(ctx, &decoded{result}, method, args...)
	})
}

// batch makes calls of one method in one request. The first of them that fails fails all.
func (c *client) batch(ctx context.Context, calls []rpc.BatchElem) error {
	for i := range calls {
		calls[i].Result = &decoded{calls[i].Result}
	}
	return c.do(ctx, c.timeout, calls[0].Method, func(ctx context.Context, r *rpc.Client) error {
		err := r.BatchCallContext(ctx, calls)
		for i := 0; i < len(calls) && err == nil; i++ {
			err = calls[i].Error
		}
		return err
	})
}

// decoded is where a result goes. It marks the errors of decoding, which are of all kinds.
type decoded struct{ into any }

// UnmarshalJSON implements json.Unmarshaler.
func (d *decoded) UnmarshalJSON(raw []byte) error {
	if err := json.Unmarshal(raw, d.into); err != nil {
		return fmt.Errorf("%w: %w", errNonsense, err)
	}
	return nil
}

// do runs one exchange with the node. Everything that is asked here may be asked twice: when a websocket turns out to be
// closed, as nodes close it after a while or when they restart, it is done again over a new one.
func (c *client) do(ctx context.Context, timeout time.Duration, method string, ask func(context.Context, *rpc.Client) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	err := c.try(ctx, ask)
	if c.push && err != nil && ctx.Err() == nil && !isAnswer(err) {
		err = c.try(ctx, ask)
	}
	return c.translate(ctx, method, err)
}

func (c *client) try(ctx context.Context, ask func(context.Context, *rpc.Client) error) error {
	if err := ctx.Err(); err != nil {
		return err // a websocket would hand out an answer that came just now
	}
	l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	err = l.do(ctx, ask)
	if c.push && err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		l.once.Do(func() { close(l.down) }) // what still answers pings may never answer a call again
	}
	return err
}

// callBlock asks for the best chain's block at a height; full is with whole transactions instead of their hashes.
func (c *client) callBlock(ctx context.Context, result any, height int64, full bool) error {
	if height < 0 {
		return teller.Errorf(teller.CodeNotFound, "no ethereum block has height %d", height)
	}
	return c.call(ctx, result, "eth_getBlockByNumber", hexutil.Uint64(height), full)
}

// translate gives an error of a call its code.
func (c *client) translate(ctx context.Context, method string, err error) error {
	if err == nil {
		return nil
	}
	var outer *url.Error // it would repeat the URL
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errTimeout) {
			return teller.Errorf(teller.CodeUnavailable, "ethereum node %s did not answer %s in time: %w", c.name, method, cause)
		}
		return teller.Errorf(teller.CodeUnavailable, "ethereum node %s: %s was broken off: %w", c.name, method, context.Cause(ctx))
	}
	var reported rpc.Error
	var status rpc.HTTPError
	switch {
	case errors.As(err, &reported):
		return c.refused(method, &refusal{reported.ErrorCode(), reported.Error()})
	case errors.As(err, &status):
		return c.badStatus(method, status)
	case strings.Contains(err.Error(), readLimitHit):
		return c.malformed("its answer to %s: %w", method, errTooLong)
	case isAnswer(err):
		return c.malformed("its answer to %s: %w", method, err)
	}
	return teller.Errorf(teller.CodeUnavailable, "ethereum node %s does not answer %s: %w", c.name, method, err)
}

// isAnswer reports whether an error is about what the node answered, and not about the way to it.
func isAnswer(err error) bool {
	var reported rpc.Error
	var status rpc.HTTPError
	var syntax *json.SyntaxError
	if errors.As(err, &reported) || errors.As(err, &status) || errors.As(err, &syntax) {
		return true
	}
	for _, known := range []error{errNonsense, errTooLong, rpc.ErrNoResult, rpc.ErrMissingBatchResponse} {
		if errors.Is(err, known) {
			return true
		}
	}
	return strings.Contains(err.Error(), readLimitHit)
}

// refused gives what the node reports its code.
func (c *client) refused(method string, r *refusal) error {
	code := teller.CodeUnavailable // starting, over its limits, a state that it does not keep: not now
	switch r.number {
	case numberNotFound:
		code = teller.CodeNotFound
	case numberNoMethod, numberNoMethod2:
		code = teller.CodeUnsupported
	}
	return teller.Errorf(code, "ethereum node %s answers %s with %w", c.name, method, r)
}

// badStatus is the error for an HTTP status that is no success. Hosted nodes wrap errors of JSON-RPC in such.
func (c *client) badStatus(method string, e rpc.HTTPError) error {
	var body struct {
		Error *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	text := fmt.Sprintf("HTTP status %d %s: %s", e.StatusCode, http.StatusText(e.StatusCode), quote(e.Body))
	switch {
	case e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= http.StatusInternalServerError:
		return teller.Errorf(teller.CodeUnavailable, "ethereum node %s answers %s with %s", c.name, method, text)
	case json.Unmarshal(e.Body, &body) == nil && body.Error != nil:
		return c.refused(method, &refusal{body.Error.Code, body.Error.Message})
	case e.StatusCode == http.StatusUnauthorized, e.StatusCode == http.StatusForbidden:
		return teller.Errorf(teller.CodeUnavailable, "ethereum node %s refuses the login or key in eth_rpc.url, with %s", c.name, text)
	}
	return c.malformed("it answers %s with %s", method, text)
}

func (c *client) malformed(format string, args ...any) error {
	return teller.Errorf(teller.CodeMalformed, "ethereum node %s: "+format, append([]any{c.name}, args...)...)
}

// quote shortens what a node wrote to something that fits into a message.
func quote(b []byte) string {
	const most = 200
	if len(b) > most {
		return fmt.Sprintf("%q and %d bytes more", b[:most], len(b)-most)
	}
	return fmt.Sprintf("%q", b)
}
