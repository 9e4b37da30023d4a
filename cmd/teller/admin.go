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

// askAdmin calls the running teller's admin interface, as the configuration describes it.
func askAdmin(ctx context.Context, f *flags, method, path string, body, answer any) error {
	c, err := config.Read(f.source())
	if err != nil {
		return err
	}
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
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
		return teller.Errorf(teller.CodeUnavailable, "no teller answers on %s (admin_panel.host): is it running? %w", c.AdminPanel.Host, err)
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
