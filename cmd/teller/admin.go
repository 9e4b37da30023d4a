package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/user"
	"strings"
	"time"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
)

// errNoTeller says that nobody listens where the admin interface should be.
var errNoTeller = errors.New("is it running?")

// askAdmin calls the running teller's admin interface, as the configuration describes it.
func askAdmin(ctx context.Context, f *flags, method, path string, body, answer any) error {
	return askAdminWithin(ctx, f, 30*time.Second, method, path, body, answer)
}

// askAdminWithin is askAdmin for what may take another time.
func askAdminWithin(ctx context.Context, f *flags, timeout time.Duration, method, path string, body, answer any) error {
	c, err := config.Read(f.source())
	if err != nil {
		return err
	}
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.AdminPanel.Host+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token := c.AdminPanel.Token.Reveal(); token != "" {
		req.SetBasicAuth(userName(), token)
	}
	resp, err := http.DefaultClient.Do(req)
	var refused *net.OpError
	if errors.As(err, &refused) {
		return teller.Errorf(teller.CodeUnavailable, "no teller answers on %s (admin_panel.host): %w %w", c.AdminPanel.Host, errNoTeller, err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(b)))
	}
	return json.Unmarshal(b, answer)
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "operator"
}
