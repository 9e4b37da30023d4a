package c2cx

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // what the protocol demands
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// maxBody bounds every answer. A page of 100 orders has about 40 kB.
const maxBody = 4 << 20

// client makes signed calls.
type client struct {
	base    *url.URL
	http    *http.Client
	timeout time.Duration
	// The keys are in closures, where no print of the client shows them.
	form   func(parameters map[string]string) url.Values // signed
	redact func(text string) string
}

func newClient(base *url.URL, c Config) *client {
	transport := c.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		}
	}
	key, secret := c.Key, c.Secret
	return &client{
		base: base, timeout: cmp.Or(c.Timeout, defaultTimeout),
		http: &http.Client{
			Transport: transport,
			// A redirected order would be placed wherever the redirection says.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		form: func(parameters map[string]string) url.Values {
			form := url.Values{"apiKey": {key}}
			for name, value := range parameters {
				form.Set(name, value)
			}
			form.Set("sign", sign(form, secret))
			return form
		},
		redact: strings.NewReplacer(secret, "***", key, "***").Replace,
	}
}

// sign is the signature of a form: the MD5 sum of its parameters, sorted by name and not encoded, and the secret.
func sign(form url.Values, secret string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		text.WriteString(name + "=" + form.Get(name) + "&")
	}
	sum := md5.Sum([]byte(text.String() + "secretKey=" + secret)) //nolint:gosec // what the protocol demands
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// call makes one call and returns the data of its answer.
func (c *client) call(ctx context.Context, endpoint string, parameters map[string]string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body := strings.NewReader(c.form(parameters).Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(endpoint).String(), body)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "c2cx: %s: the request can not be made", endpoint)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	status, answer, err := c.roundTrip(req)
	if err != nil {
		return nil, teller.Errorf(teller.CodeUnavailable, "c2cx: %s: %w", endpoint, err)
	}
	data, err := decodeAnswer(endpoint, status, answer)
	if err != nil { // it may repeat what the exchange says, and that what was asked
		return nil, teller.Errorf(teller.CodeOf(err), "%s", c.redact(err.Error()))
	}
	return data, nil
}

// roundTrip sends the request and reads the whole answer, or one byte more than is allowed.
func (c *client) roundTrip(req *http.Request) (int, []byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		var bare *url.Error
		if errors.As(err, &bare) { // its text repeats the URL, which may hold a password
			err = bare.Err
		}
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	return resp.StatusCode, answer, err
}

// decodeAnswer returns an answer's data, or what the answer refuses. The status is 200 whatever happens, but for some
// failures of the server.
func decodeAnswer(endpoint string, httpStatus int, body []byte) (json.RawMessage, error) {
	tooLarge := len(body) > maxBody
	body = bytes.TrimSpace(body)
	switch {
	case httpStatus == http.StatusTooManyRequests:
		return nil, teller.Errorf(teller.CodeRateLimited, "c2cx: %s: HTTP status %d", endpoint, httpStatus)
	case httpStatus == http.StatusUnauthorized || httpStatus == http.StatusForbidden:
		return nil, teller.Errorf(teller.CodeNotAuthenticated, "c2cx: %s: HTTP status %d", endpoint, httpStatus)
	case httpStatus >= http.StatusInternalServerError:
		return nil, teller.Errorf(teller.CodeUnavailable, "c2cx: %s: HTTP status %d", endpoint, httpStatus)
	case httpStatus != http.StatusOK:
		return nil, teller.Errorf(teller.CodeMalformed, "c2cx: %s: unexpected HTTP status %d", endpoint, httpStatus)
	case tooLarge:
		return nil, teller.Errorf(teller.CodeMalformed, "c2cx: %s: the answer is larger than %d MiB", endpoint, maxBody>>20)
	case len(body) > 0 && body[0] == '<': // it does so now and then, and when it is being worked on
		return nil, teller.Errorf(teller.CodeUnavailable, "c2cx: %s: it answers in XML or HTML", endpoint)
	}
	var a struct {
		Code    number
		Message string
		Error   string
		Data    json.RawMessage
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, teller.Errorf(teller.CodeMalformed, "c2cx: %s: %w", endpoint, err)
	}
	switch code := a.Code.count(); {
	case code == http.StatusOK:
		return a.Data, nil
	case code > 0 || a.Error != "": // "error" is what the documentation says of its rate limit
		return nil, refusal(endpoint, code, cmp.Or(a.Message, a.Error))
	}
	return nil, teller.Errorf(teller.CodeMalformed, "c2cx: %s: the answer has no code", endpoint)
}
