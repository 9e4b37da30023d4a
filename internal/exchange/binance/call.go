package binance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/adshao/go-binance/v2"

	"github.com/skycoin/teller"
)

const (
	// maxAnswer bounds every answer. The largest is a page of trades, some 300 kB.
	maxAnswer = 4 << 20
	// maxMessage bounds what of an error's text is repeated.
	maxMessage = 300
	// maxPause is the longest time for which the exchange bans anybody.
	maxPause = 72 * time.Hour
	// recvWindow is how many ms after it was made a signed request is still accepted. A request that was delayed for
	// longer than that can not become an order any more.
	recvWindow = 5000
)

var window = binance.WithRecvWindow(recvWindow)

// Whether a call is signed, and so depends on the clock.
const (
	signed = true
	public = false
)

// call makes one request through the library, which do asks for with the client that it is given. It returns the answer
// word for word. op names the call in errors.
func (e *Exchange) call(ctx context.Context, op string, private bool, do func(context.Context, *binance.Client) error) ([]byte, error) {
	if private && e.unsettled.Load() {
		if err := e.settle(ctx); err != nil {
			return nil, err
		}
	}
	if rest := e.pause(); rest > 0 {
		return nil, teller.Errorf(teller.CodeRateLimited, "binance: %s: not asked: the exchange wants to be left alone for another %s",
			op, rest.Round(time.Second))
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	seen := &answer{transport: e.transport, hide: e.account.hide}
	client := &binance.Client{
		APIKey: e.account.key, SecretKey: e.account.secret, BaseURL: e.url, TimeOffset: e.offset.Load(),
		HTTPClient: &http.Client{
			Transport:     seen,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Logger: log.New(io.Discard, "", 0),
	}
	err := do(ctx, client)
	switch {
	case seen.status == 0:
		return nil, unreachable(op, err)
	case seen.status >= http.StatusMultipleChoices:
		return nil, e.refusal(op, seen)
	case len(seen.body) > maxAnswer:
		return nil, malformed(op, "it is larger than %d MiB", maxAnswer>>20)
	case err != nil:
		return nil, malformed(op, "%w", err)
	}
	return seen.body, nil
}

// answer is a transport for one request, which reads and keeps the whole answer, or one byte more than is allowed. What is
// not to be told is taken out before anybody reads it.
type answer struct {
	transport http.RoundTripper
	hide      func(string) string
	status    int // 0 = no answer, or not all of it
	header    http.Header
	body      []byte
}

// RoundTrip implements http.RoundTripper.
func (a *answer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	a.body = []byte(a.hide(string(body)))
	a.status, a.header = resp.StatusCode, resp.Header
	resp.Body = io.NopCloser(bytes.NewReader(a.body))
	return resp, nil
}

// settle asks for the exchange's time, so that what is signed from now on is not taken for outdated.
func (e *Exchange) settle(ctx context.Context) error {
	var theirs int64
	_, err := e.call(ctx, "time", public, func(ctx context.Context, c *binance.Client) (err error) {
		theirs, err = c.NewServerTimeService().Do(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if theirs <= 0 {
		return malformed("time", "it tells none")
	}
	// The answer was on its way for a moment, so our times come out a little early rather than ahead of the exchange's,
	// which it would not accept.
	e.offset.Store(time.Now().UnixMilli() - theirs)
	e.unsettled.Store(false)
	return nil
}

// refusal translates an answer that is an error, and notes what it asks for.
func (e *Exchange) refusal(op string, a *answer) error {
	said := readRefusal(a.status, a.body)
	if said.Code == codeTimestamp {
		e.unsettled.Store(true)
	}
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && seconds > 0 && refused(said) == teller.CodeRateLimited {
		e.mu.Lock()
		e.resume = time.Now().Add(min(time.Duration(min(seconds, 1<<20))*time.Second, maxPause))
		e.mu.Unlock()
	}
	return teller.Errorf(refused(said), "binance: %s: %w", op, said)
}

// pause is for how long the exchange is to be left alone: whoever goes on asking is banned for longer.
func (e *Exchange) pause() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Until(e.resume)
}

var signature = regexp.MustCompile(`signature=[0-9A-Fa-f]+`)

// hide takes the key, the secret and signatures out of a text, for an exchange or a proxy may send back what it was sent.
func (c *credentials) hide(text string) string {
	text = strings.NewReplacer(c.secret, "***", c.key, "***").Replace(text)
	return signature.ReplaceAllLiteralString(text, "signature=***")
}

// unreachable is the error for a request that got no answer. It may have arrived.
func unreachable(op string, err error) error {
	var outer *url.Error // its text repeats the URL, with the signature
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return teller.Errorf(teller.CodeUnavailable, "binance: %s: no answer: %w", op, err)
}

// malformed is the error for an answer that is not what the API says.
func malformed(op, format string, args ...any) error {
	return teller.Errorf(teller.CodeMalformed, "binance: "+op+": unexpected answer: "+format, args...)
}
