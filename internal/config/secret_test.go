package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

const hush = "correct-horse-battery"

// secretive is a configuration with every secret set.
func secretive() Config {
	c := Dummy("/data")
	c.BTCRPC.User, c.BTCRPC.Pass = NewSecret(hush), NewSecret(hush)
	c.SkyExchanger.ExchangeClient.Key, c.SkyExchanger.ExchangeClient.Secret = NewSecret(hush), NewSecret(hush)
	c.AdminPanel.Token = NewSecret(hush)
	return c
}

func TestSecretsAreNeverShown(t *testing.T) {
	c := secretive()
	shown := map[string]string{"Redacted": c.Redacted(), "warnings": fmt.Sprint(c.Warnings())}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		shown["config "+verb] = fmt.Sprintf(verb, c)
		shown["section "+verb] = fmt.Sprintf(verb, c.BTCRPC)
		shown["secret "+verb] = fmt.Sprintf(verb, c.AdminPanel.Token)
		shown["pointer "+verb] = fmt.Sprintf(verb, &c.AdminPanel)
	}
	if err := c.Validate(); err != nil {
		shown["mistakes"] = err.Error()
	}
	b, err := json.Marshal(c.BTCRPC)
	if err != nil {
		t.Fatal(err)
	}
	shown["json"] = string(b)
	if b, err = toml.Marshal(c.BTCRPC); err != nil {
		t.Fatal(err)
	}
	shown["toml"] = string(b)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var buf bytes.Buffer
		slog.New(handler(&buf)).Info("configuration", "config", c, "section", c.BTCRPC, "token", c.AdminPanel.Token)
		shown[name] = buf.String()
	}
	for how, text := range shown {
		if strings.Contains(text, hush) || strings.Contains(text, fmt.Sprintf("%x", hush)) {
			t.Errorf("%s shows a secret: %s", how, text)
		}
		if text == "" {
			t.Errorf("%s shows nothing at all", how)
		}
	}
	if !strings.Contains(shown["slog text"], `config.admin_panel.token="\"(hidden)\""`) {
		t.Errorf("the log does not tell that a token is set: %s", shown["slog text"])
	}
	if got := c.AdminPanel.Token.Reveal(); got != hush {
		t.Errorf("Reveal: %q", got)
	}
}

func TestUnsetSecret(t *testing.T) {
	var s Secret
	if s.IsSet() || s.String() != "" || fmt.Sprintf("%q", s) != `""` {
		t.Errorf("zero Secret: set %v, %q", s.IsSet(), s)
	}
}

func TestMistakesHideSecrets(t *testing.T) {
	for _, text := range []string{
		"[btc_rpc]\npass = 7331",
		"[btc_rpc]\npass = [\"7331\"]",
		"[btc_rpc]\npass = 2020-02-02T07:33:17.7331Z",
		"[admin_panel]\ntoken = \"7331 \u00e9\"",
	} {
		c, mistakes := decodeText(t, text)
		mistakes.addNew(c.check())
		if !mistakes.has("btc_rpc.pass") && !mistakes.has("admin_panel.token") {
			t.Errorf("%s: no mistake found", text)
		}
		if strings.Contains(mistakes.Error(), "7331") {
			t.Errorf("%s: %v", text, mistakes)
		}
	}
	_, err := parseDocument("x.toml", []byte("[btc_rpc]\npass = \"7331\"\npass = \"7331\"\n"))
	if err == nil || strings.Contains(err.Error(), "7331") || !strings.HasPrefix(err.Error(), "x.toml:3:1: ") {
		t.Errorf("key given twice: %v", err)
	}
}
