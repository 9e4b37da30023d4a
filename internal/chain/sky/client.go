package sky

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/skycoin/teller"
)

const (
	// maxBody bounds every answer of the node.
	maxBody = 64 << 20
	// maxMessage bounds what of an error's text is repeated.
	maxMessage = 300
	// oldPort is where nodes before 0.25 listened for JSON-RPC, and what old configurations still name.
	oldPort = "6430"
)

// ParseAddress reads a node's address: host:port, or an http or https URL.
func ParseAddress(address string) (*url.URL, error) {
	full := address
	if !strings.Contains(address, "://") {
		full = "http://" + address
	}
	u, err := url.Parse(full)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" {
		// the text is not repeated: it may hold a password
		return nil, teller.Errorf(teller.CodeInvalid, "the skycoin node's address is neither host:port nor an http URL")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// get asks the node for a resource.
func (n *Node) get(ctx context.Context, path string, query url.Values, into any) error {
	return n.do(ctx, http.MethodGet, path, query, "", nil, into)
}

// post sends a body, with the token that a node demands for it unless it is configured not to.
func (n *Node) post(ctx context.Context, path, contentType string, body []byte, into any) error {
	return n.do(ctx, http.MethodPost, path, nil, contentType, body, into)
}

// do makes one request and decodes its answer.
func (n *Node) do(ctx context.Context, method, path string, query url.Values, contentType string, body []byte, into any) error {
	if n.invalid != nil {
		return n.invalid
	}
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	var token string
	if method == http.MethodPost {
		var err error
		if token, err = n.csrf(ctx); err != nil {
			return err
		}
	}
	u := n.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return teller.Errorf(teller.CodeInvalid, "skycoin node: %s: the request can not be made", path)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("X-CSRF-Token", token)
	}
	status, answer, err := n.roundTrip(req)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "skycoin node: %s: %w%s", path, err, n.hint)
	}
	if status != http.StatusOK {
		return n.refused(path, status, answer)
	}
	if len(answer) > maxBody {
		return teller.Errorf(teller.CodeMalformed, "skycoin node: %s: the answer is larger than %d MiB", path, maxBody>>20)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return teller.Errorf(teller.CodeMalformed, "skycoin node: %s: %w%s", path, err, n.hint)
	}
	return nil
}

// roundTrip sends the request and reads the whole answer, or one byte more than is allowed.
func (n *Node) roundTrip(req *http.Request) (int, []byte, error) {
	resp, err := n.client.Do(req)
	if err != nil {
		var bare *url.Error
		if errors.As(err, &bare) { // its text repeats the URL, which may be very long
			err = bare.Err
		}
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	return resp.StatusCode, answer, err
}

// lookups are the resources that a good node may not have. Any other 404 comes from something that is no Skycoin node.
var lookups = map[string]bool{"/api/v1/transaction": true, "/api/v1/csrf": true, "/api/v2/transactions": true}

// refused translates an answer that is not 200.
func (n *Node) refused(path string, status int, answer []byte) error {
	text := strings.ToValidUTF8(strings.TrimSpace(string(answer[:min(len(answer), maxMessage)])), "?")
	switch {
	case status == http.StatusBadRequest:
		return teller.Errorf(teller.CodeInvalid, "skycoin node: %s: %s", path, text)
	case status == http.StatusNotFound && lookups[path]:
		return teller.Errorf(teller.CodeNotFound, "skycoin node: %s: %s%s", path, text, n.hint)
	case status == http.StatusForbidden:
		return teller.Errorf(teller.CodeUnavailable,
			"skycoin node: %s: %s: enable its READ, STATUS and TXN API sets, and whitelist this host", path, text)
	case status == http.StatusUnauthorized:
		return teller.Errorf(teller.CodeUnavailable,
			"skycoin node: %s: %s: put its user and password into the URL of its address", path, text)
	case status == http.StatusTooManyRequests || status >= 500:
		return teller.Errorf(teller.CodeUnavailable, "skycoin node: %s: %s", path, text)
	}
	return teller.Errorf(teller.CodeMalformed, "skycoin node: %s: unexpected answer %d: %s%s", path, status, text, n.hint)
}

// csrf asks for the token that a POST needs, "" when the node needs none.
func (n *Node) csrf(ctx context.Context) (string, error) {
	var answer struct {
		Token string `json:"csrf_token"`
	}
	err := n.get(ctx, "/api/v1/csrf", nil, &answer)
	if teller.CodeOf(err) == teller.CodeNotFound { // the check is switched off
		return "", nil
	}
	return answer.Token, err
}

// Inject hands signed bytes to the node, which passes them on to its peers. Neither nil nor an error decides anything
// about the transaction: only the chain does.
func (n *Node) Inject(ctx context.Context, raw []byte) error {
	body, err := json.Marshal(map[string]string{"rawtx": hex.EncodeToString(raw)})
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "inject: %w", err)
	}
	var txid string
	return n.post(ctx, "/api/v1/injectTransaction", "application/json", body, &txid)
}
